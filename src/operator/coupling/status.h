#pragma once

// The status of plugs and sockets: what conditions say, and how far a coupling has come.
//
// status.coupling is ours alone and tells, across restarts, what was done last:
//   created    `created` was delivered
//   socket     {name, namespace, uid} of the socket that a coupling was begun with
//   event      what is being delivered now: coupled, updated or decoupled; absent while nothing is
//   delivered  sides that have it already
//   stopped    "plug" where delivering `coupled` failed before the socket's side heard of it
//   inputs     objects and their versions that the last delivered (or present) payload was made of

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/coupling/sources.h"
#include "value/value.h"

namespace iop::operators::coupling {

// Progress of a coupling, read from a plug's status.
struct Progress {
  bool created = false;
  std::string socketUid;  // empty: no coupling was begun
  ObjectKey socketKey;
  std::optional<api::Event> event;
  bool deliveredToPlug = false;
  bool deliveredToSocket = false;

  bool isDeliveredTo(api::Side side) const {
    return side == api::Side::Plug ? deliveredToPlug : deliveredToSocket;
  }
};
Progress progressOf(const Value& plug);

// Sets Coupled, Ready, Failed and the two of kstatus for a reason, and observedGeneration. The text
// of `message` must be masked already.
void setPlugConditions(Value& status, api::Reason reason, const std::string& message,
                       std::int64_t generation, base::Time now);
void setSocketConditions(Value& status, api::Reason reason, const std::string& message, bool ready,
                         std::int64_t generation, base::Time now);
// The same for a DeferredResource: Resolved in place of Coupled.
void setDeferredConditions(Value& status, api::DeferredReason reason, const std::string& message,
                           std::int64_t generation, base::Time now);

// The message of a reason that always says the same ("plug created").
std::string standardMessage(api::Reason reason);

// A reference to a plug or socket as statuses carry it.
Value printReference(const Value& object);

}  // namespace iop::operators::coupling
