#pragma once

// Managed apparatuses: starts the pod of a plug or socket when somebody wants to call it, and
// deletes it when nobody has for a while (apparatus.md, "The managed pod").
//
//   ApparatusPods::Use use;
//   Status ready = pods.ensure(Side::Socket, socket, {Dependent::Kind::Plug, plugKey}, use, stop);
//   if (!ready) …        // cause kApparatusStarting: whoever asked is woken when it has changed
//   apparatus.deliver(…) // the pod stays while `use` lives
//
// Flow: one metadata-and-status watch of the pods that carry our label. A pod is made (with its
// Service) as the service account of its owner, by impersonation; it can be called once it is Ready
// and /ping has answered. The time of the last event stands in an annotation, so that the idle
// clock goes on where it was when the operator restarts. Guarantees: a pod with a Use, or with
// somebody waiting for it, is not deleted. A pod whose spec is not what its owner's says any more
// is replaced before the next event, once nobody uses it.
//
// Thread-safe.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/informer.h"
#include "operator/control/apparatus_client.h"
#include "operator/control/executor.h"
#include "operator/control/input_cache.h"
#include "operator/control/world.h"

namespace iop::operators::control {

class ApparatusPods {
 public:
  struct Dependencies {
    kube::client::Client& client;
    base::Clock& clock;
    World& world;
    Executor& executor;
    ApparatusClient& apparatus;
    std::string clusterDomain;
    std::function<void(const Dependent&)> wake;
    // The pod is to be looked at after that time: reconcile().
    std::function<void(const ObjectKey& pod, base::Duration)> schedule;
  };

  // Keeps a pod from being deleted. Movable; must not outlive the ApparatusPods.
  class Use {
   public:
    Use() = default;
    Use(Use&& other) noexcept;
    Use& operator=(Use&& other) noexcept;
    ~Use();

   private:
    friend class ApparatusPods;
    Use(ApparatusPods* pods, ObjectKey pod) : pods_(pods), pod_(std::move(pod)) {}
    void release();

    ApparatusPods* pods_ = nullptr;
    ObjectKey pod_;
  };

  explicit ApparatusPods(Dependencies dependencies) : with_(std::move(dependencies)) {}
  ApparatusPods(const ApparatusPods&) = delete;
  ApparatusPods& operator=(const ApparatusPods&) = delete;

  // The informers that feed this, one for each namespace that is watched; made before all else, and
  // kept as long as this is used.
  std::unique_ptr<kube::runtime::Informer> makeInformer(kube::runtime::InformerOptions options);

  // Makes sure that the managed apparatus of an object can be called, and holds it by `use`.
  // Errors: cause kApparatusStarting while its pod is on its way (`who` is woken when that
  // changes); kApparatusNotRunning where /ping does not answer; the API server's where it may not
  // be made.
  Status ensure(api::Side side, const Value& own, const Dependent& who, Use& use,
                std::stop_token stop);
  // Whoever it is does not wait any more.
  void forget(const Dependent& who);

  // Looks at one pod: deletes it when its time is up.
  Result<kube::runtime::Outcome> reconcile(const ObjectKey& pod,
                                           const kube::runtime::ReconcileContext& context);

 private:
  struct State {
    int uses = 0;
    base::Time lastEvent{};
    base::Time lastNoted{};  // what the annotation says, where we wrote it
    std::string pingedUid;   // the pod that has answered /ping
    bool isGoing = false;    // it is being deleted by us
    std::set<Dependent> waiting;
  };

  // Whether what the watch knows of that namespace's pods is the whole truth.
  Status watched(const std::string& namespaceName) const;
  void onChange(const Value& pod);
  Status create(api::Side side, const Value& own, const ObjectKey& key, std::stop_token stop);
  Status removePod(const Value& pod, std::stop_token stop);
  void release(const ObjectKey& pod);
  // Writes the time of the last event into the pod where it is old enough to matter.
  void noteLastEvent(const Value& pod, base::Time at, std::int64_t idleSeconds);
  // The plug or socket that a pod belongs to; null if it is gone.
  Value ownerOf(const Value& pod) const;

  Dependencies with_;
  std::shared_ptr<kube::runtime::Store> pods_ = std::make_shared<kube::runtime::Store>();
  std::vector<const kube::runtime::Informer*> informers_;  // owned by who asked for them
  mutable std::mutex mutex_;
  std::map<ObjectKey, State> states_;
};

}  // namespace iop::operators::control
