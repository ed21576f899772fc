// Pods and PodTemplates (pkg/registry/core/pod, pkg/apis/core/validation/validation.go).

#include <algorithm>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/strategies.h"
#include "apiserver/kinds/metadata_rules.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::int64_t kMaxInt32 = 2'147'483'647;
constexpr int kTolerationSeconds = 300;

void checkSeconds(Errors& errors, const Path& path, const Value& seconds) {
  if (!seconds.isNull() && (seconds.asInt() < 1 || seconds.asInt() > kMaxInt32))
    errors.invalid(path, seconds, "must be between 1 and 2147483647, inclusive");
}

void checkPodSecurityContext(Errors& errors, const Path& path, const Value& context) {
  for (const char* name : {"runAsUser", "runAsGroup", "fsGroup"}) {
    const Value& id = context[name];
    if (!id.isNull() && (id.asInt() < 0 || id.asInt() > kMaxInt32))
      errors.invalid(path[name], id, "must be between 0 and 2147483647, inclusive");
  }
}

void checkHostAliases(Errors& errors, const Path& path, const Value& aliases) {
  for (std::size_t i = 0; i < aliases.size(); ++i) {
    const Path at = path[i];
    const std::string_view ip = aliases.at(i)["ip"].asString();
    errors.invalid(at["ip"], ip, checkIp(ip));
    const Path names = at["hostnames"];
    for (std::size_t k = 0; k < aliases.at(i)["hostnames"].size(); ++k) {
      const std::string_view name = aliases.at(i)["hostnames"].at(k).asString();
      errors.invalid(names[k], name, checkDnsSubdomain(name));
    }
  }
}

}  // namespace

void checkPodSpec(Errors& errors, const Path& path, const Value& spec) {
  static constexpr std::string_view kRestartPolicies[] = {"Always", "OnFailure", "Never"};
  static constexpr std::string_view kDnsPolicies[] = {"ClusterFirstWithHostNet", "ClusterFirst",
                                                      "Default", "None"};
  static constexpr std::string_view kPreemption[] = {"PreemptLowerPriority", "Never"};
  checkVolumes(errors, path["volumes"], spec["volumes"]);
  checkContainers(errors, path, spec);
  checkChoice(errors, path["restartPolicy"], spec["restartPolicy"], kRestartPolicies);
  checkChoice(errors, path["dnsPolicy"], spec["dnsPolicy"], kDnsPolicies);
  if (spec["dnsPolicy"].asString() == "None" && spec["dnsConfig"]["nameservers"].empty()) {
    const Path config = path["dnsConfig"];
    if (spec["dnsConfig"].isNull()) {
      errors.required(config, "must provide `dnsConfig` when `dnsPolicy` is None");
    } else {
      errors.required(config["nameservers"],
                      "must provide at least one DNS nameserver when `dnsPolicy` is None");
    }
  }
  checkLabels(errors, path["nodeSelector"], spec["nodeSelector"]);
  checkPodSecurityContext(errors, path["securityContext"], spec["securityContext"]);
  checkScheduling(errors, path, spec);
  struct Name {
    const char* field;
    Messages (*check)(std::string_view);
  };
  static constexpr Name kNames[] = {{"serviceAccountName", checkDnsSubdomain},
                                    {"nodeName", checkDnsSubdomain},
                                    {"hostname", checkDnsLabel},
                                    {"subdomain", checkDnsLabel},
                                    {"priorityClassName", checkDnsSubdomain},
                                    {"runtimeClassName", checkDnsSubdomain}};
  for (const auto& [name, check] : kNames) {
    const std::string_view text = spec[name].asString();
    if (!text.empty()) errors.invalid(path[name], text, check(text));
  }
  checkSeconds(errors, path["activeDeadlineSeconds"], spec["activeDeadlineSeconds"]);
  checkHostAliases(errors, path["hostAliases"], spec["hostAliases"]);
  checkOptionalChoice(errors, path["preemptionPolicy"], spec["preemptionPolicy"], kPreemption);
}

void checkPodTemplate(Errors& errors, const Path& path, const Value& podTemplate) {
  // The API server leaves "metadata" out of these paths.
  errors.add(validateTemplateMetadata(podTemplate["metadata"], path.print()));
  checkPodSpec(errors, path["spec"], podTemplate["spec"]);
}

namespace {

void applyPodDefaults(Value& pod) {
  dropZeroValues(pod);
  applyPodSpecDefaults(pod.edit("spec"), false);
}

// What the admission plugin DefaultTolerationSeconds adds.
void addTolerations(Value& spec) {
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const auto tolerations = spec["tolerations"].items();
    const bool tolerates =
        std::any_of(tolerations.begin(), tolerations.end(), [&](const Value& each) {
          const std::string_view its = each["key"].asString();
          const std::string_view effect = each["effect"].asString();
          return (its == key || its.empty()) && (effect == "NoExecute" || effect.empty());
        });
    if (tolerates) continue;
    Value& list = spec.edit("tolerations");
    if (!list.isArray()) list = Value::array();
    list.push(Value::object({{"effect", "NoExecute"},
                             {"key", key},
                             {"operator", "Exists"},
                             {"tolerationSeconds", kTolerationSeconds}}));
  }
}

void preparePodForCreate(Value& pod) {
  Value& spec = pod.edit("spec");
  if (!spec.isObject()) return;
  if (spec["terminationGracePeriodSeconds"].asInt() < 0)
    spec.set("terminationGracePeriodSeconds", 1);
  addTolerations(spec);
  // What the admission plugin Priority sets for pods without a class.
  if (spec["priorityClassName"].asString().empty()) {
    setDefault(spec, "priority", 0);
    setDefault(spec, "preemptionPolicy", "PreemptLowerPriority");
  }
  pod.set("status", Value::object({{"phase", "Pending"}, {"qosClass", qosClassOf(pod["spec"])}}));
}

void preparePodForUpdate(Value& pod, const Value&) {
  if (pod["spec"].isObject()) addTolerations(pod.edit("spec"));
}

FieldErrors validatePod(const Value& pod) {
  Errors errors;
  const Path root;
  checkPodSpec(errors, root["spec"], pod["spec"]);
  return errors.take();
}

void takeImages(Value& spec, const Value& from, const char* list) {
  for (std::size_t i = 0; i < from[list].size(); ++i)
    spec.edit(list).editItem(i).set("image", from[list].at(i)["image"]);
}

FieldErrors validatePodUpdate(const Value& pod, const Value& old) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = pod["spec"];
  const Value& before = old["spec"];
  for (const char* list : {"containers", "initContainers"}) {
    if (spec[list].size() == before[list].size()) continue;
    errors.forbidden(path[list], "pod updates may not add or remove containers");
    return errors.take();
  }
  const Value& deadline = spec["activeDeadlineSeconds"];
  const Value& oldDeadline = before["activeDeadlineSeconds"];
  if (!oldDeadline.isNull() && deadline.isNull()) {
    errors.invalid(path["activeDeadlineSeconds"], deadline,
                   "must not update from a positive integer to nil value");
  } else if (!oldDeadline.isNull() && deadline.asInt() > oldDeadline.asInt()) {
    errors.invalid(path["activeDeadlineSeconds"], deadline,
                   "must be less than or equal to previous value");
  }
  const auto tolerations = spec["tolerations"].items();
  for (const Value& toleration : before["tolerations"].items()) {
    const auto isSame = [&](const Value& each) {
      Value left = each, right = toleration;
      left.erase("tolerationSeconds");
      right.erase("tolerationSeconds");
      return left == right;
    };
    if (std::none_of(tolerations.begin(), tolerations.end(), isSame)) {
      errors.forbidden(path["tolerations"],
                       "existing toleration can not be modified except its tolerationSeconds");
      return errors.take();
    }
  }
  Value munged = spec;
  takeImages(munged, before, "containers");
  takeImages(munged, before, "initContainers");
  const char* const mutableFields[] = {"activeDeadlineSeconds", "tolerations", "schedulingGates"};
  for (const char* field : mutableFields) {
    if (before.contains(field)) {
      munged.set(field, before[field]);
    } else {
      munged.erase(field);
    }
  }
  if (before["terminationGracePeriodSeconds"].asInt() < 0 &&
      spec["terminationGracePeriodSeconds"].asInt() == 1)
    munged.set("terminationGracePeriodSeconds", before["terminationGracePeriodSeconds"]);
  if (before["nodeName"].asString().empty()) {
    // Binding sets it.
    if (munged.contains("nodeName") && !before.contains("nodeName") &&
        munged["nodeName"].asString().empty())
      munged.erase("nodeName");
  }
  if (munged != before) {
    errors.forbidden(
        path,
        "pod updates may not change fields other than "
        "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
        "`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
        "negative)");
  }
  return errors.take();
}

void applyPodTemplateObjectDefaults(Value& object) {
  dropZeroValues(object);
  applyPodTemplateDefaults(object.edit("template"));
}

FieldErrors validatePodTemplateObject(const Value& object) {
  Errors errors;
  const Path root;
  checkPodTemplate(errors, root["template"], object["template"]);
  return errors.take();
}

}  // namespace

constinit const Strategy kPods{.applyDefaults = applyPodDefaults,
                               .prepareForCreate = preparePodForCreate,
                               .prepareForUpdate = preparePodForUpdate,
                               .validate = validatePod,
                               .validateUpdate = validatePodUpdate,
                               .hasGeneration = true,
                               .returnsDeletedObject = true,
                               .isGraceful = true};

constinit const Strategy kPodTemplates{.applyDefaults = applyPodTemplateObjectDefaults,
                                       .validate = validatePodTemplateObject,
                                       .hasGeneration = true,
                                       .returnsDeletedObject = true};

}  // namespace iop::apiserver::kinds::internal
