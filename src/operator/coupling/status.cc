#include "operator/coupling/status.h"

#include <algorithm>

#include "kube/api/object.h"

namespace iop::operators::coupling {
namespace {

using api::Reason;

void setFlags(Value& status, bool ready, bool failed, std::string_view word,
              const std::string& message, std::int64_t generation, base::Time now) {
  api::setCondition(status, {api::condition::kReady, ready, word, message}, generation, now);
  if (failed || !api::findCondition(status, api::condition::kFailed).isNull()) {
    api::setCondition(status,
                      {api::condition::kFailed, failed, word, failed ? message : std::string()},
                      generation, now);
  }
  // Stalled and Reconciling are there only while they are true (kstatus).
  if (failed) {
    api::setCondition(status, {api::condition::kStalled, true, word, message}, generation, now);
  } else {
    api::removeCondition(status, api::condition::kStalled);
  }
  if (!ready && !failed) {
    api::setCondition(status, {api::condition::kReconciling, true, word, message}, generation, now);
  } else {
    api::removeCondition(status, api::condition::kReconciling);
  }
  status.set("observedGeneration", generation);
}

}  // namespace

Progress progressOf(const Value& plug) {
  const Value& coupling = plug["status"]["coupling"];
  Progress progress;
  progress.created = coupling["created"].asBool();
  progress.socketUid = coupling["socket"]["uid"].toString();
  progress.socketKey = {coupling["socket"]["namespace"].toString(),
                        coupling["socket"]["name"].toString()};
  progress.event = api::parseEvent(coupling["event"].asString());
  for (const Value& side : coupling["delivered"].items()) {
    (side.asString() == "socket" ? progress.deliveredToSocket : progress.deliveredToPlug) = true;
  }
  return progress;
}

void setPlugConditions(Value& status, Reason reason, const std::string& message,
                       std::int64_t generation, base::Time now) {
  const bool coupled = reason == Reason::CouplingSucceeded || reason == Reason::UpdatingInProcess ||
                       reason == Reason::Flapping;
  api::setCondition(status, {api::condition::kCoupled, coupled, api::nameOf(reason), message},
                    generation, now);
  setFlags(status, reason == Reason::CouplingSucceeded, api::isFailure(reason), api::nameOf(reason),
           message, generation, now);
}

void setSocketConditions(Value& status, Reason reason, const std::string& message, bool ready,
                         std::int64_t generation, base::Time now) {
  api::setCondition(
      status,
      {api::condition::kCoupled, reason == Reason::SocketCoupled, api::nameOf(reason), message},
      generation, now);
  setFlags(status, ready, api::isFailure(reason), api::nameOf(reason), message, generation, now);
}

void setDeferredConditions(Value& status, api::DeferredReason reason, const std::string& message,
                           std::int64_t generation, base::Time now) {
  const bool resolved = reason == api::DeferredReason::Success;
  const std::string_view word = api::nameOf(reason);
  api::setCondition(status, {api::condition::kResolved, resolved, word, message}, generation, now);
  setFlags(status, resolved, reason == api::DeferredReason::Error, word, message, generation, now);
}

std::string standardMessage(Reason reason) {
  switch (reason) {
    case Reason::PlugCreated:
      return "plug created";
    case Reason::SocketNotCreated:
      return "waiting for socket to be created";
    case Reason::CouplingInProcess:
      return "coupling to socket";
    case Reason::CouplingSucceeded:
      return "coupling succeeded";
    case Reason::UpdatingInProcess:
      return "updating coupling";
    case Reason::SocketCreated:
      return "socket created";
    default:
      return {};
  }
}

Value printReference(const Value& object) {
  return Value::object({{"apiVersion", object["apiVersion"]},
                        {"kind", object["kind"]},
                        {"name", kube::api::nameOf(object)},
                        {"namespace", kube::api::namespaceOf(object)},
                        {"uid", kube::api::uidOf(object)}});
}

}  // namespace iop::operators::coupling
