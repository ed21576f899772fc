#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/decide.h"
#include "operator/coupling/status.h"

namespace iop::operators::coupling {

using api::Reason;
using api::Side;

bool isPassedOver(const Plan& plan, const Error& error) {
  if (plan.force) return true;
  if (!plan.tolerant || error.cause == kApparatusFailed || error.cause == kApparatusNotRunning)
    return false;
  switch (error.code) {
    case Code::Forbidden:
    case Code::Unauthorized:
    case Code::NotFound:
    case Code::Conflict:
    case Code::AlreadyExists:
      return true;
    default:
      return !error.isRetriable();
  }
}

FailureReport reportFailure(const Snapshot& snapshot, const Value& status, const Plan& plan,
                            const Action& action, const Error& error) {
  FailureReport report;
  report.status = status;
  const Reason reason =
      error.cause == kApparatusNotRunning ? Reason::ApparatusNotReady : Reason::Error;
  const std::string message = plan.masker.mask(action.attempt + ": " + error.message);
  // Only the first attempt: an earlier one may have reached the socket.
  const bool isCoupling =
      status["coupling"]["event"].asString() == api::nameOf(api::Event::Coupled) &&
      snapshot.plug["status"]["coupling"]["socket"].isNull();
  if (isCoupling && action.side == Side::Plug && status["coupling"]["delivered"].empty()) {
    report.status.edit("coupling").set("stopped", api::nameOf(Side::Plug));
  }
  setPlugConditions(report.status, reason, message, kube::api::generationOf(snapshot.plug),
                    snapshot.now);
  report.notices.push_back({Side::Plug, true, std::string(api::nameOf(reason)), message});
  if (action.side == Side::Socket) {
    report.notices.push_back({Side::Socket, true, std::string(api::nameOf(reason)),
                              "plug " + kube::api::keyOf(snapshot.plug).print() + ": " + message});
  }
  return report;
}

}  // namespace iop::operators::coupling
