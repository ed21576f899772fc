#include "apiserver/kinds/internal/go_zero.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "apiserver/kinds/internal/checks.h"

namespace iop::apiserver::kinds::internal {
namespace {

// All tables are sorted.

// Maps whose keys and values are the user's: dropped when empty, never looked into.
constexpr std::string_view kMaps[] = {"allocatable",
                                      "annotations",
                                      "binaryData",
                                      "capacity",
                                      "data",
                                      "default",
                                      "defaultRequest",
                                      "deprecatedTopology",
                                      "disruptedPods",
                                      "extra",
                                      "hard",
                                      "labels",
                                      "limits",
                                      "matchLabels",
                                      "max",
                                      "maxLimitRequestRatio",
                                      "min",
                                      "nodeSelector",
                                      "options",
                                      "overhead",
                                      "parameters",
                                      "requests",
                                      "stringData",
                                      "used",
                                      "volumeAttributes"};

// Not looked into, and left as they are.
constexpr std::string_view kOpaque[] = {"fieldsV1", "managedFields", "openAPIV3Schema"};

// Texts that Go points to: "" is not nothing.
constexpr std::string_view kTextPointers[] = {"apiGroup",
                                              "appProtocol",
                                              "holderIdentity",
                                              "ingressClassName",
                                              "loadBalancerClass",
                                              "managedBy",
                                              "nodeName",
                                              "preferredHolder",
                                              "reason",
                                              "runtimeClassName",
                                              "storageClassName",
                                              "timeZone",
                                              "trafficDistribution",
                                              "type",
                                              "volumeAttributesClassName"};

// Fields without `omitempty`, with Go's zero value in them.
constexpr std::string_view kKeptTexts[] = {"apiVersion",
                                           "containerName",
                                           "diskName",
                                           "diskURI",
                                           "driver",
                                           "endpoint",
                                           "expression",
                                           "fieldPath",
                                           "group",
                                           "host",
                                           "image",
                                           "ip",
                                           "iqn",
                                           "key",
                                           "kind",
                                           "message",
                                           "mountPath",
                                           "operator",
                                           "path",
                                           "pdID",
                                           "plural",
                                           "provisioner",
                                           "reportingComponent",
                                           "reportingController",
                                           "reportingInstance",
                                           "repository",
                                           "resource",
                                           "schedule",
                                           "scope",
                                           "server",
                                           "serviceName",
                                           "status",
                                           "targetPortal",
                                           "topologyKey",
                                           "uid",
                                           "volumeHandle",
                                           "volumeID",
                                           "volumePath",
                                           "whenUnsatisfiable"};

constexpr std::string_view kFlags[] = {"deprecated",
                                       "globalDefault",
                                       "hostIPC",
                                       "hostNetwork",
                                       "hostPID",
                                       "paused",
                                       "publishNotReadyAddresses",
                                       "readOnly",
                                       "stdin",
                                       "stdinOnce",
                                       "tty"};

constexpr std::string_view kNumbers[] = {"active",
                                         "currentReplicas",
                                         "fullyLabeledReplicas",
                                         "healthCheckNodePort",
                                         "hostPort",
                                         "initialDelaySeconds",
                                         "minReadySeconds",
                                         "nodePort",
                                         "numberAvailable",
                                         "numberUnavailable",
                                         "observedGeneration",
                                         "readyReplicas",
                                         "unavailableReplicas",
                                         "updatedNumberScheduled",
                                         "updatedReplicas"};

bool has(Choices table, std::string_view key) {
  return std::binary_search(table.begin(), table.end(), key);
}

// A selector of Services and ReplicationControllers is a map of labels, others are LabelSelectors.
bool isLabelMap(std::string_view key, const Value& value) {
  return key == "selector" && !value.contains("matchLabels") && !value.contains("matchExpressions");
}

bool isDropped(std::string_view key, const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return true;
    case Value::Type::Bool:
      return !value.asBool() && has(kFlags, key);
    case Value::Type::Int:
      return value.asInt() == 0 && has(kNumbers, key);
    case Value::Type::String:
      return value.empty() && !has(kTextPointers, key) && !has(kKeptTexts, key);
    case Value::Type::Array:
      return value.empty();
    case Value::Type::Object:
      return value.empty() && has(kMaps, key);
    case Value::Type::Double:
      return false;
  }
  return false;
}

std::optional<Value> withoutZeros(const Value& value);

std::optional<Value> objectWithoutZeros(const Value& value) {
  std::optional<Value> out;
  for (const Member& member : value.members()) {
    const std::string_view key = member.key();
    if (has(kOpaque, key)) continue;
    if (isDropped(key, member.value)) {
      if (!out) out = value;
      out->erase(key);
      continue;
    }
    if (has(kMaps, key) || isLabelMap(key, member.value)) continue;
    if (auto changed = withoutZeros(member.value)) {
      if (!out) out = value;
      out->set(key, std::move(*changed));
    }
  }
  return out;
}

std::optional<Value> withoutZeros(const Value& value) {
  if (value.isObject()) return objectWithoutZeros(value);
  if (!value.isArray()) return std::nullopt;
  std::optional<Value> out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (auto changed = withoutZeros(value.at(i))) {
      if (!out) out = value;
      out->editItem(i) = std::move(*changed);
    }
  }
  return out;
}

}  // namespace

void dropZeroValues(Value& object) {
  if (auto changed = withoutZeros(object)) object = std::move(*changed);
}

}  // namespace iop::apiserver::kinds::internal
