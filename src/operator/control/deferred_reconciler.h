#pragma once

// Tells users of DeferredResources that this version does not act on them.

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/store.h"

namespace iop::operators::control {

// Thread-safe.
class DeferredReconciler {
 public:
  DeferredReconciler(kube::runtime::Store& store, kube::client::Client& client, base::Clock& clock)
      : store_(store), client_(client), clock_(clock) {}

  Result<kube::runtime::Outcome> reconcile(const kube::api::ObjectKey& key,
                                           const kube::runtime::ReconcileContext& context);

 private:
  kube::runtime::Store& store_;
  kube::client::Client& client_;
  base::Clock& clock_;
};

}  // namespace iop::operators::control
