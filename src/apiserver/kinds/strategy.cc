#include "apiserver/kinds/strategy.h"

#include "apiserver/kinds/internal/strategies.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

struct Entry {
  std::string_view group;
  std::string_view plural;
  const Strategy* strategy;
  // The labels of field selectors, and the paths they stand for where they are no paths.
  std::vector<std::string_view> labels = {};
};

const std::vector<Entry>& entries() {
  namespace in = internal;
  constexpr std::string_view kRbac = "rbac.authorization.k8s.io",
                             kAdmission = "admissionregistration.k8s.io",
                             kNetworking = "networking.k8s.io";
  static const std::vector<Entry> kEntries = {
      {"", "configmaps", &in::kConfigMaps},
      {"", "endpoints", &in::kEndpoints},
      {"",
       "events",
       &in::kEvents,
       {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
        "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"}},
      {"", "limitranges", &in::kLimitRanges},
      {"", "namespaces", &in::kNamespaces, {"status.phase"}},
      {"", "persistentvolumeclaims", &in::kPersistentVolumeClaims},
      {"", "persistentvolumes", &in::kPersistentVolumes},
      {"",
       "pods",
       &in::kPods,
       {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs",
        "status.nominatedNodeName"}},
      {"", "podtemplates", &in::kPodTemplates},
      {"", "replicationcontrollers", &in::kReplicationControllers, {"status.replicas"}},
      {"", "resourcequotas", &in::kResourceQuotas},
      {"", "secrets", &in::kSecrets, {"type"}},
      {"", "serviceaccounts", &in::kServiceAccounts},
      {"", "services", &in::kServices, {"spec.clusterIP", "spec.type"}},
      {kAdmission, "validatingadmissionpolicies", &in::kValidatingAdmissionPolicies},
      {kAdmission, "validatingadmissionpolicybindings", &in::kValidatingAdmissionPolicyBindings},
      {"apiextensions.k8s.io", "customresourcedefinitions", &in::kCustomResourceDefinitions},
      {"apps", "controllerrevisions", &in::kControllerRevisions},
      {"apps", "daemonsets", &in::kDaemonSets},
      {"apps", "deployments", &in::kDeployments},
      {"apps", "replicasets", &in::kReplicaSets},
      {"apps", "statefulsets", &in::kStatefulSets},
      {"autoscaling", "horizontalpodautoscalers", &in::kHorizontalPodAutoscalers},
      {"batch", "cronjobs", &in::kCronJobs},
      {"batch", "jobs", &in::kJobs, {"status.successful"}},
      {"coordination.k8s.io", "leases", &in::kLeases},
      {"discovery.k8s.io", "endpointslices", &in::kEndpointSlices},
      {"events.k8s.io",
       "events",
       &in::kEvents,
       {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        "regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
        "reportingController", "type"}},
      {kNetworking, "ingressclasses", &in::kIngressClasses},
      {kNetworking, "ingresses", &in::kIngresses},
      {kNetworking, "networkpolicies", &in::kNetworkPolicies},
      {"policy", "poddisruptionbudgets", &in::kPodDisruptionBudgets},
      {kRbac, "clusterrolebindings", &in::kClusterRoleBindings},
      {kRbac, "clusterroles", &in::kClusterRoles},
      {kRbac, "rolebindings", &in::kRoleBindings},
      {kRbac, "roles", &in::kRoles},
      {"scheduling.k8s.io", "priorityclasses", &in::kPriorityClasses},
      {"storage.k8s.io", "storageclasses", &in::kStorageClasses}};
  return kEntries;
}

const Entry* findEntry(std::string_view group, std::string_view plural) {
  for (const Entry& entry : entries()) {
    if (entry.group == group && entry.plural == plural) return &entry;
  }
  return nullptr;
}

const Value& valueAt(const Value& object, std::string_view path) {
  const Value* at = &object;
  while (true) {
    const std::size_t dot = path.find('.');
    at = &(*at)[path.substr(0, dot)];
    if (dot == std::string_view::npos) return *at;
    path.remove_prefix(dot + 1);
  }
}

std::string printField(const Value& value) {
  if (value.isString()) return value.toString();
  if (value.isNull() || value.isArray() || value.isObject()) return {};
  return text::printJson(value);
}

// Labels that are no path of the object, or have a value where the path has none.
std::string specialValue(const Value& object, std::string_view plural, std::string_view label,
                         bool& isSpecial) {
  isSpecial = true;
  if (plural == "pods" && label == "spec.hostNetwork")
    return object["spec"]["hostNetwork"].asBool() ? "true" : "false";
  if (plural == "pods" && label == "status.podIPs") {
    std::string out;
    for (const Value& address : object["status"]["podIPs"].items())
      out += (out.empty() ? "" : ",") + address["ip"].toString();
    return out;
  }
  if (plural == "jobs" && label == "status.successful")
    return std::to_string(object["status"]["succeeded"].asInt());
  if (plural == "replicationcontrollers" && label == "status.replicas")
    return std::to_string(object["status"]["replicas"].asInt());
  if (plural == "events" && label == "source") {
    const std::string_view component = object["source"]["component"].asString();
    return component.empty() ? object["reportingComponent"].toString() : std::string(component);
  }
  isSpecial = false;
  return {};
}

}  // namespace

const Strategy& strategyOf(std::string_view group, std::string_view plural) {
  static const Strategy kNone;
  const Entry* entry = findEntry(group, plural);
  return entry == nullptr ? kNone : *entry->strategy;
}

std::vector<std::string_view> fieldLabelsOf(std::string_view group, std::string_view plural) {
  const Entry* entry = findEntry(group, plural);
  return entry == nullptr ? std::vector<std::string_view>() : entry->labels;
}

std::string fieldLabelValue(const Value& object, std::string_view group, std::string_view plural,
                            std::string_view label) {
  if (findEntry(group, plural) == nullptr) return {};
  bool isSpecial = false;
  std::string special = specialValue(object, plural, label, isSpecial);
  return isSpecial ? special : printField(valueAt(object, label));
}

}  // namespace iop::apiserver::kinds
