#include <algorithm>

#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/quantity.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr int kDefaultMode = 0644, kTokenSeconds = 3600, kGraceSeconds = 30;

// An image without a digest whose tag is "latest" or missing.
bool isLatest(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  const std::size_t slash = image.rfind('/');
  const std::string_view name = image.substr(slash == std::string_view::npos ? 0 : slash + 1);
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos || name.substr(colon + 1) == "latest";
}

void applyHttpGetDefaults(Value& handler) {
  if (!handler["httpGet"].isObject()) return;
  Value& get = handler.edit("httpGet");
  setDefault(get, "path", "/");
  setDefault(get, "scheme", "HTTP");
}

// Numbers that are absent or 0.
void setNumber(Value& object, std::string_view key, int number) {
  if (object[key].asInt() == 0) object.set(key, number);
}

void applyProbeDefaults(Value& probe) {
  applyHttpGetDefaults(probe);
  if (probe["grpc"].isObject()) {
    if (probe["grpc"]["service"].isNull()) probe.edit("grpc").set("service", "");
  }
  setNumber(probe, "timeoutSeconds", 1);
  setNumber(probe, "periodSeconds", 10);
  setNumber(probe, "successThreshold", 1);
  setNumber(probe, "failureThreshold", 3);
}

void applyFieldRefDefaults(Value& source) {
  if (source["fieldRef"].isObject()) setDefault(source.edit("fieldRef"), "apiVersion", "v1");
  if (source["resourceFieldRef"].isObject()) {
    Value& ref = source.edit("resourceFieldRef");
    setDefault(ref, "divisor", "0");
    makeCanonical(ref.edit("divisor"));
  }
}

void applyContainerDefaults(Value& container) {
  setDefault(container, "imagePullPolicy",
             isLatest(container["image"].asString()) ? "Always" : "IfNotPresent");
  setDefault(container, "terminationMessagePath", "/dev/termination-log");
  setDefault(container, "terminationMessagePolicy", "File");
  Value& resources = container.edit("resources");
  if (resources.isNull()) resources = Value::object();
  if (resources.isObject()) {
    makeAllCanonical(resources, "limits");
    makeAllCanonical(resources, "requests");
  }
  for (std::size_t i = 0; i < container["ports"].size(); ++i) {
    if (container["ports"].at(i)["protocol"].asString().empty())
      container.edit("ports").editItem(i).set("protocol", "TCP");
  }
  for (std::size_t i = 0; i < container["env"].size(); ++i) {
    const Value& source = container["env"].at(i)["valueFrom"];
    if (source["fieldRef"].isObject() || source["resourceFieldRef"].isObject())
      applyFieldRefDefaults(container.edit("env").editItem(i).edit("valueFrom"));
  }
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    if (container[probe].isObject()) applyProbeDefaults(container.edit(probe));
  }
  for (const char* hook : {"preStop", "postStart"}) {
    if (container["lifecycle"][hook].isObject())
      applyHttpGetDefaults(container.edit("lifecycle").edit(hook));
  }
}

void applyItemsDefaults(Value& downward) {
  for (std::size_t i = 0; i < downward["items"].size(); ++i)
    applyFieldRefDefaults(downward.edit("items").editItem(i));
}

void applyVolumeDefaults(Value& volume) {
  const auto isSource = [](const Member& member) {
    return member.key() != "name" && !member.value.isNull();
  };
  const auto members = volume.members();
  if (std::none_of(members.begin(), members.end(), isSource)) {
    volume.set("emptyDir", Value::object());
    return;
  }
  for (const char* kind : {"secret", "configMap", "downwardAPI", "projected"}) {
    if (volume[kind].isObject() && volume[kind]["defaultMode"].isNull())
      volume.edit(kind).set("defaultMode", kDefaultMode);
  }
  if (volume["emptyDir"].contains("sizeLimit"))
    makeCanonical(volume.edit("emptyDir").edit("sizeLimit"));
  if (volume["hostPath"].isObject() && volume["hostPath"]["type"].isNull())
    volume.edit("hostPath").set("type", "");
  if (volume["downwardAPI"].isObject()) applyItemsDefaults(volume.edit("downwardAPI"));
  for (std::size_t i = 0; i < volume["projected"]["sources"].size(); ++i) {
    const Value& source = volume["projected"]["sources"].at(i);
    if (!source["serviceAccountToken"].isObject() && !source["downwardAPI"].isObject()) continue;
    Value& changed = volume.edit("projected").edit("sources").editItem(i);
    if (changed["serviceAccountToken"].isObject())
      setDefault(changed.edit("serviceAccountToken"), "expirationSeconds", kTokenSeconds);
    if (changed["downwardAPI"].isObject()) applyItemsDefaults(changed.edit("downwardAPI"));
  }
  if (volume["ephemeral"]["volumeClaimTemplate"]["spec"].isObject())
    applyClaimSpecDefaults(volume.edit("ephemeral").edit("volumeClaimTemplate").edit("spec"));
}

template <typename Apply>
void forEach(Value& object, const char* list, Apply apply) {
  const std::size_t size = object[list].isArray() ? object[list].size() : 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (object[list].at(i).isObject()) apply(object.edit(list).editItem(i));
  }
}

// Only pods themselves: their requests are their limits where they say nothing.
void copyLimits(Value& container) {
  for (const Member& limit : Value(container["resources"]["limits"]).members()) {
    if (!container["resources"]["requests"].contains(limit.key()))
      container.edit("resources").edit("requests").set(limit.key(), limit.value);
  }
}

void copyHostPorts(Value& container) {
  for (std::size_t i = 0; i < container["ports"].size(); ++i) {
    const Value& port = container["ports"].at(i);
    if (port["hostPort"].asInt() == 0 && port["containerPort"].asInt() != 0) {
      const Value number = port["containerPort"];
      container.edit("ports").editItem(i).set("hostPort", number);
    }
  }
}

}  // namespace

void applyClaimSpecDefaults(Value& spec) {
  setDefault(spec, "volumeMode", "Filesystem");
  if (spec["resources"].isObject()) {
    makeAllCanonical(spec.edit("resources"), "requests");
    makeAllCanonical(spec.edit("resources"), "limits");
  }
}

void applyPodSpecDefaults(Value& spec, bool isTemplate) {
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "dnsPolicy", "ClusterFirst");
  setDefault(spec, "restartPolicy", "Always");
  setDefault(spec, "schedulerName", "default-scheduler");
  setDefault(spec, "securityContext", Value::object());
  setDefault(spec, "terminationGracePeriodSeconds", kGraceSeconds);
  if (!isTemplate) setDefault(spec, "enableServiceLinks", true);
  const std::string account =
      spec["serviceAccountName"].toString(spec["serviceAccount"].asString());
  if (!account.empty()) {
    spec.set("serviceAccountName", account);
    spec.set("serviceAccount", account);
  }
  forEach(spec, "volumes", applyVolumeDefaults);
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    forEach(spec, list, applyContainerDefaults);
    if (isTemplate) continue;
    forEach(spec, list, copyLimits);
    if (spec["hostNetwork"].asBool()) forEach(spec, list, copyHostPorts);
  }
}

void applyPodTemplateDefaults(Value& podTemplate) {
  if (!podTemplate.isNull() && !podTemplate.isObject()) return;
  setDefault(podTemplate, "metadata", Value::object());
  applyPodSpecDefaults(podTemplate.edit("spec"), true);
}

std::string_view qosClassOf(const Value& spec) {
  bool isGuaranteed = true, hasAny = false;
  for (const char* list : {"initContainers", "containers"}) {
    for (const Value& container : spec[list].items()) {
      const Value& limits = container["resources"]["limits"];
      const Value& requests = container["resources"]["requests"];
      for (const char* name : {"cpu", "memory"}) {
        const bool hasLimit = quantityOf(limits[name]).nano != 0;
        const bool hasRequest = quantityOf(requests[name]).nano != 0;
        hasAny = hasAny || hasLimit || hasRequest;
        isGuaranteed = isGuaranteed && hasLimit &&
                       (!requests.contains(name) ||
                        quantityOf(requests[name]).nano == quantityOf(limits[name]).nano);
      }
    }
  }
  return !hasAny ? "BestEffort" : isGuaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace iop::apiserver::kinds::internal
