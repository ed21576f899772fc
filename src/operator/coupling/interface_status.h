#pragma once

// What the status of an Interface says: who uses which of its versions, and which live couplings
// its present schemas would not allow. Pure.

#include <vector>

#include "base/clock.h"
#include "value/value.h"

namespace iop::operators::coupling {

struct InterfaceSnapshot {
  Value interface;
  std::vector<Value> sockets;  // those that name it
  std::vector<Value> plugs;    // those that are attached to these sockets
  base::Time now;
};

// The whole status. Conditions: Ready, false where a schema cannot be used; Breaking, true while
// the coupling of a plug cannot be updated because of the Interface, with the plugs' names.
Value interfaceStatus(const InterfaceSnapshot& snapshot);

}  // namespace iop::operators::coupling
