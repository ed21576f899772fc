#pragma once

// Makes plugs what they should be: gathers a snapshot, has it decided (coupling/decide.h), carries
// the plan out, and goes on until nothing is left to do.
//
// Thread-safe; a plug must not be reconciled by two threads at once (a Controller sees to that).

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "operator/control/apparatus_client.h"
#include "operator/control/apparatus_pods.h"
#include "operator/control/executor.h"
#include "operator/control/input_cache.h"
#include "operator/control/world.h"
#include "operator/coupling/decide.h"

namespace iop::operators::control {

class PlugReconciler {
 public:
  struct Dependencies {
    World& world;
    kube::client::Client& client;
    base::Clock& clock;
    InputCache& inputs;
    ApparatusClient& apparatus;
    Executor& executor;
    ApparatusPods& pods;
    std::map<api::Side, std::string> debugEndpoints;
    std::string clusterDomain;
    // A place under the socket's limit has become free.
    std::function<void(const kube::api::ObjectKey& socket)> placeFreed;
  };

  explicit PlugReconciler(Dependencies dependencies) : with_(std::move(dependencies)) {}

  Result<kube::runtime::Outcome> reconcile(const kube::api::ObjectKey& key,
                                           const kube::runtime::ReconcileContext& context);

 private:
  struct Pass;

  Result<kube::runtime::Outcome> runPasses(Pass& pass);
  // Decides with all that is needed; `snapshot` keeps what was fetched.
  Result<coupling::Plan> decide(Pass& pass);
  void gather(Pass& pass) const;
  void gatherRivals(coupling::Snapshot& snapshot) const;
  Result<std::optional<coupling::ObjectVersion>> versionOf(const coupling::Snapshot& snapshot,
                                                           const Dependent& self,
                                                           const InputRef& ref,
                                                           std::stop_token stop);
  Status fetch(const coupling::Needs& needs, Pass& pass);
  Result<kube::runtime::Outcome> handleFailure(Pass& pass, const coupling::Plan& plan,
                                               const coupling::Action& action, const Error& error);
  void remember(const Value& plug, const coupling::Plan& plan);
  // Of a plug that is gone.
  void forget(const kube::api::ObjectKey& key);
  // The place that was reserved for a plug stands in its status now, or goes to another.
  void releasePlace(const Value& plug);

  Dependencies with_;

  // Places of limited sockets that were given away and do not stand in any status yet.
  mutable std::mutex placesMutex_;
  std::map<kube::api::ObjectKey, std::string> reserved_;  // plug → socket UID

  // What this process has last delivered; never written anywhere.
  struct Deliveries {
    std::string plugUid;
    std::string payload;  // its digest; empty: not known
    coupling::Pace pace;
  };
  mutable std::mutex deliveriesMutex_;
  std::map<kube::api::ObjectKey, Deliveries> deliveries_;
};

}  // namespace iop::operators::control
