#include "operator/coupling/apparatus_pod.h"

#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/decision.h"
#include "text/json.h"

namespace iop::operators::coupling {
namespace {

using api::Side;

// Fields of spec.apparatus that are not the pod's.
constexpr std::array<std::string_view, 2> kOwnFields = {"endpoint", "idleTimeout"};

Value podSpecOf(const Value& own) {
  Value spec = own["spec"]["apparatus"];
  for (const std::string_view field : kOwnFields) spec.erase(field);
  spec.set("serviceAccountName", api::serviceAccountOf(own));
  return spec;
}

// A part of a name that any kind takes: lower-case letters, digits and '-', a letter first.
std::string labelOf(std::string_view name, std::size_t longest) {
  std::string label(name.substr(0, longest));
  for (char& c : label) c = c == '.' ? '-' : c;
  if (label.empty() || label.front() < 'a') label.insert(0, "a-");
  label.resize(std::min(label.size(), longest));
  while (label.back() == '-') label.pop_back();
  return label;
}

Value metadataOf(Side side, const Value& own) {
  const std::string name = apparatusName(side, own);
  return Value::object(
      {{"name", name},
       {"namespace", kube::api::namespaceOf(own)},
       {"labels", Value::object({{kApparatusLabel, name},
                                 {"app.kubernetes.io/managed-by", api::kFieldManager}})},
       {"ownerReferences", Value::array({Value::object({{"apiVersion", api::kApiVersion},
                                                        {"kind", api::kindOf(side)},
                                                        {"name", kube::api::nameOf(own)},
                                                        {"uid", kube::api::uidOf(own)},
                                                        {"controller", true}})})}});
}

std::string worded(const Value& state) {
  const std::string message = state["message"].toString();
  return state["reason"].toString() + (message.empty() ? "" : ": " + message);
}

// The first container that cannot go on, in the kubelet's words; empty if none.
std::string containerTrouble(const Value& pod) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Value& container : pod["status"][list].items()) {
      const Value& waiting = container["state"]["waiting"];
      const std::string_view reason = waiting["reason"].asString();
      if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") continue;
      return "container " + container["name"].toString() + ": " + worded(waiting);
    }
  }
  return {};
}

const Value& podCondition(const Value& pod, std::string_view type) {
  static const Value kNone;
  for (const Value& condition : pod["status"]["conditions"].items()) {
    if (condition["type"].asString() == type) return condition;
  }
  return kNone;
}

}  // namespace

bool isManaged(const Value& own, const std::string& debugEndpoint) {
  return debugEndpoint.empty() && !own["spec"]["apparatus"]["containers"].empty();
}

std::string apparatusName(Side side, const Value& own) {
  constexpr std::size_t kLongestName = 63, kHashLength = 8;
  const std::string tail =
      "-" + std::string(api::nameOf(side)) + "-" +
      idempotencyKey({api::kindOf(side), kube::api::uidOf(own)}).substr(0, kHashLength);
  return labelOf(kube::api::nameOf(own), kLongestName - tail.size()) + tail;
}

Value apparatusPod(Side side, const Value& own) {
  Value spec = podSpecOf(own);
  Value metadata = metadataOf(side, own);
  metadata.set("annotations",
               Value::object({{"sidecar.istio.io/inject", "false"},
                              {kSpecDigest, idempotencyKey({text::printJson(spec)})}}));
  return Value::object({{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"metadata", std::move(metadata)},
                        {"spec", std::move(spec)}});
}

Value apparatusService(Side side, const Value& own) {
  return Value::object(
      {{"apiVersion", "v1"},
       {"kind", "Service"},
       {"metadata", metadataOf(side, own)},
       {"spec",
        Value::object(
            {{"type", "ClusterIP"},
             {"selector", Value::object({{kApparatusLabel, apparatusName(side, own)}})},
             {"ports", Value::array({Value::object({{"name", "http"},
                                                    {"port", 80},
                                                    {"protocol", "TCP"},
                                                    {"targetPort", kApparatusPort}})})}})}});
}

PodState describePod(const Value& pod) {
  const std::string who = "apparatus pod " + kube::api::keyOf(pod).print() + " ";
  if (kube::api::isBeingDeleted(pod)) return {PodState::Kind::Starting, who + "is being replaced"};
  const std::string_view phase = pod["status"]["phase"].asString();
  if (phase == "Failed" || phase == "Succeeded") {
    const std::string why = worded(pod["status"]);
    return {PodState::Kind::Ended, who + "has ended" + (why.empty() ? "" : " (" + why + ")")};
  }
  if (podCondition(pod, "Ready")["status"].asString() == "True") return {PodState::Kind::Ready, {}};
  if (const std::string trouble = containerTrouble(pod); !trouble.empty()) {
    return {PodState::Kind::Starting, who + "cannot start: " + trouble};
  }
  if (const Value& scheduled = podCondition(pod, "PodScheduled");
      scheduled["status"].asString() == "False") {
    return {PodState::Kind::Starting, who + "cannot start: " + worded(scheduled)};
  }
  return {PodState::Kind::Starting, who + "is starting"};
}

bool isOutdated(const Value& pod, Side side, const Value& own) {
  return kube::api::annotationOf(pod, kSpecDigest) !=
         kube::api::annotationOf(apparatusPod(side, own), kSpecDigest);
}

std::int64_t idleTimeoutOf(const Value& own) {
  const Value& timeout = own["spec"]["apparatus"]["idleTimeout"];
  return timeout.isNull() ? kDefaultIdleTimeout : std::max<std::int64_t>(0, timeout.asInt());
}

}  // namespace iop::operators::coupling
