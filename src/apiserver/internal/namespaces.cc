#include <algorithm>

#include "apiserver/internal/controllers.h"
#include "base/log.h"
#include "base/time.h"
#include "kube/api/object.h"

// The life of namespaces (kube-controller-manager, pkg/controller/namespace and serviceaccount).

namespace iop::apiserver {
namespace {

constexpr std::string_view kRootCaDescription =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters.";

Value condition(std::string_view type, bool isTrue, std::string_view reason,
                std::string_view message, std::string_view now) {
  return Value::object({{"type", type},
                        {"status", isTrue ? "True" : "False"},
                        {"lastTransitionTime", now},
                        {"reason", reason},
                        {"message", message}});
}

}  // namespace

void Controllers::syncNamespace(const ObjectKey& key) {
  const ObjectPtr found = engine_.storage().find("namespaces", key);
  if (found == nullptr) return;
  const auto report = [&](const Status& written) {
    if (!written) log::error("namespace", {{"name", key.name}, {"error", written.error().message}});
  };
  if (!kube::api::isBeingDeleted(found->value)) {
    const ObjectKey account{key.name, "default"};
    report(engine_.write("serviceaccounts", account, [&](const Value& stored) {
      if (!stored.isNull()) return stored;
      return Value::object(
          {{"apiVersion", "v1"},
           {"kind", "ServiceAccount"},
           {"metadata", Value::object({{"name", account.name}, {"namespace", key.name}})}});
    }));
    const ObjectKey authority{key.name, "kube-root-ca.crt"};
    report(engine_.write("configmaps", authority, [&](const Value& stored) {
      if (!stored.isNull() && stored["data"]["ca.crt"].asString() == caCertificatePem_)
        return stored;
      Value changed = stored;
      if (stored.isNull()) {
        changed = Value::object(
            {{"apiVersion", "v1"},
             {"kind", "ConfigMap"},
             {"metadata",
              Value::object({{"name", authority.name},
                             {"namespace", key.name},
                             {"annotations", Value::object({{"kubernetes.io/description",
                                                             kRootCaDescription}})}})}});
      }
      changed.set("data", Value::object({{"ca.crt", caCertificatePem_}}));
      return changed;
    }));
    return;
  }

  const Value& finalizers = found->value["spec"]["finalizers"];
  const auto listed = finalizers.items();
  if (std::none_of(listed.begin(), listed.end(),
                   [](const Value& one) { return one.asString() == "kubernetes"; }))
    return;
  Call call{.user = {.name = "system:serviceaccount:kube-system:namespace-controller"},
            .fieldManager = "kube-controller-manager"};
  std::size_t left = 0;
  std::map<std::string, std::size_t> remaining, waiting;
  // Pods first, then the rest (KEP-5080).
  std::vector<std::string> tables = engine_.storage().tables();
  std::stable_partition(tables.begin(), tables.end(),
                        [](const std::string& table) { return table == "pods"; });
  for (const std::string& table : tables) {
    const Kind* kind = kindOfTable(table);
    if (kind == nullptr || !kind->resource.namespaced) continue;
    const auto page = engine_.storage().list(table, {.namespaceName = key.name});
    for (const ObjectPtr& object : page->objects) {
      if (!kube::api::isBeingDeleted(object->value)) {
        const auto removed = engine_.remove(*kind, kube::api::keyOf(object->value),
                                            {.propagationPolicy = "Background"}, call);
        if (!removed && removed.error().code != 404)
          log::warn("delete a namespace's content", {{"error", removed.error().message}});
      }
      if (const ObjectPtr still = engine_.storage().find(table, kube::api::keyOf(object->value))) {
        ++left;
        ++remaining[qualifiedResource(kind->resource.group, kind->resource.plural)];
        for (const Value& finalizer : still->value["metadata"]["finalizers"].items())
          ++waiting[finalizer.toString()];
      }
    }
    if (table == "pods" && left > 0) break;
  }
  const std::string now = base::printTime(engine_.clock().now());
  if (left == 0) {
    report(engine_.write("namespaces", key, [&](const Value& stored) {
      Value changed = stored;
      Value others = Value::array();
      for (const Value& one : stored["spec"]["finalizers"].items()) {
        if (one.asString() != "kubernetes") others.push(one);
      }
      if (others.empty()) {
        changed.edit("spec").erase("finalizers");
      } else {
        changed.edit("spec").set("finalizers", std::move(others));
      }
      return changed;
    }));
    return;
  }
  const auto count = [](const std::map<std::string, std::size_t>& counts, std::string_view verb) {
    std::string text;
    for (const auto& [name, number] : counts) {
      if (!text.empty()) text += ", ";
      text.append(name).append(verb).append(std::to_string(number)) += " resource instances";
    }
    return text;
  };
  const std::string content = "Some resources are remaining: " + count(remaining, " has ");
  const std::string holders =
      "Some content in the namespace has finalizers remaining: " + count(waiting, " in ");
  const Value conditions = Value::array(
      {condition("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
                 "All resources successfully discovered", now),
       condition("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
                 "All legacy kube types successfully parsed", now),
       condition("NamespaceDeletionContentFailure", false, "ContentDeleted",
                 "All content successfully deleted, may be waiting on finalization", now),
       condition("NamespaceContentRemaining", true, "SomeResourcesRemain", content, now),
       waiting.empty() ? condition("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
                                   "All content-preserving finalizers finished", now)
                       : condition("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
                                   holders, now)});
  report(engine_.write("namespaces", key, [&](const Value& stored) {
    if (stored.isNull()) return stored;
    Value changed = stored;
    Value merged = Value::array();
    for (const Value& wanted : conditions.items()) {
      Value one = wanted;
      for (const Value& old : stored["status"]["conditions"].items()) {
        if (old["type"] == wanted["type"] && old["status"] == wanted["status"])
          one.set("lastTransitionTime", old["lastTransitionTime"]);
      }
      merged.push(std::move(one));
    }
    changed.edit("status").set("conditions", std::move(merged));
    return changed;
  }));
}

}  // namespace iop::apiserver
