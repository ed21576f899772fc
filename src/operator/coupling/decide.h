#pragma once

// The decisions of the operator: pure functions from what is to what is to be done.
//
//   plug ─▶ AddFinalizer ─▶ deliver created ─┬─▶ a rule says no: waits with a condition ─┐
//                                            │   (socket? namespace? interfaces?         │
//                                            │   configs? place?)                        │
//                                            ▲───────── woken by what it waits for ◀─────┘
//                                            │ all say yes
//                                            ▼
//                     begin ─▶ deliver coupled ─▶ results ─▶ coupled ◀──────────────────┐
//                                                              │ an input changed       │
//                                                              ├─▶ deliver updated ─▶ results
//                                                              │
//                  socket gone, rules or interfaces no longer fit, another socket, plug deleted
//                                                              ▼
//   deliver decoupled ─▶ remove what was made ─▶ waits, or: deliver deleted ─▶ RemoveFinalizer
//
//   Plan plan = decidePlug(snapshot);
//
// No I/O, no clock, no log. `Plan::needs` says what has to be fetched before the decision can be
// made.

#include "operator/coupling/plan.h"
#include "operator/coupling/snapshot.h"

namespace iop::operators::coupling {

Plan decidePlug(const Snapshot& snapshot);

// What the decision on a socket looks at.
struct SocketSnapshot {
  Value socket;
  Value interface;  // the Interface object that it names; null if there is none
  // The plugs whose status says that they are coupled to it, sorted by namespace and name.
  std::vector<Value> coupledPlugs;
  // How many plugs have begun to couple with it or have not finished to decouple from it.
  std::size_t attachedPlugs = 0;
  std::map<GroupVersionKind, Result<kube::api::Resource>> resources;
  // Whether its managed apparatus can be called, and why not; nothing: not asked yet.
  std::optional<Status> apparatus;
  std::string debugEndpoint;
  std::string clusterDomain = "cluster.local";
  base::Time now;
};

Plan decideSocket(const SocketSnapshot& snapshot);

// At most so many plugs are listed in a socket's status.
inline constexpr std::size_t kMaxListedPlugs = 500;

// The status after a mark was reached; UIDs in the inventory that are known stay known.
void applyMark(Value& status, const Mark& mark);
// Notes the UID that the API server gave an object of the inventory.
void recordUid(Value& status, const api::InventoryEntry& entry, const std::string& uid);

// What becomes of the status, and what is told, when an action failed.
struct FailureReport {
  Value status;
  std::vector<Notice> notices;
};
FailureReport reportFailure(const Snapshot& snapshot, const Value& status, const Plan& plan,
                            const Action& action, const Error& error);

// Whether a failure is one that a tolerant plan passes over: time alone does not heal it.
bool isPassedOver(const Plan& plan, const Error& error);

}  // namespace iop::operators::coupling
