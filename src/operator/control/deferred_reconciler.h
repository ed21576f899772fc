#pragma once

// Carries out what decideDeferred() decides (operator/coupling/deferred.h).

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/events.h"
#include "kube/runtime/store.h"
#include "operator/control/executor.h"
#include "operator/control/input_cache.h"
#include "operator/coupling/deferred.h"

namespace iop::operators::control {

// Thread-safe; one object must not be handled by two threads at once.
class DeferredReconciler {
 public:
  // All must outlive this.
  struct Dependencies {
    kube::runtime::Store& store;
    kube::client::Client& client;
    base::Clock& clock;
    InputCache& inputs;
    Executor& executor;
    kube::runtime::EventRecorder& events;
  };

  explicit DeferredReconciler(Dependencies with) : with_(with) {}

  Result<kube::runtime::Outcome> reconcile(const kube::api::ObjectKey& key,
                                           const kube::runtime::ReconcileContext& context);

 private:
  Result<coupling::DeferredPlan> decide(coupling::DeferredSnapshot& snapshot, std::stop_token stop);
  Result<kube::runtime::Outcome> apply(const Value& object, const coupling::DeferredPlan& plan,
                                       std::stop_token stop);
  Result<kube::runtime::Outcome> remove(const Value& object, const coupling::DeferredPlan& plan,
                                        std::stop_token stop);
  // Removes plan.stale; what is forbidden or no longer served is told and passed over.
  Status removeStale(const Value& object, const coupling::DeferredPlan& plan, std::stop_token stop);
  Result<Value> setFinalizer(const Value& object, bool present, std::stop_token stop);
  Result<Value> writeStatus(const Value& object, const Value& status, std::stop_token stop);
  // Records an error in the status and as an event, and returns it.
  tl::unexpected<Error> failed(const Value& object, const Error& error, std::stop_token stop);
  void warn(const Value& object, const std::string& message);

  Dependencies with_;
};

}  // namespace iop::operators::control
