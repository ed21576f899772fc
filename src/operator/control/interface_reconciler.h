#pragma once

// Keeps the status of Interfaces true (operator/coupling/interface_status.h). It is a report:
// nothing depends on it.

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "operator/control/world.h"

namespace iop::operators::control {

// Thread-safe.
class InterfaceReconciler {
 public:
  // How long changes of plugs and sockets are gathered before an Interface is looked at.
  static constexpr std::chrono::seconds kDelay{1};

  InterfaceReconciler(World& world, kube::client::Client& client, base::Clock& clock)
      : world_(world), client_(client), clock_(clock) {}

  Result<kube::runtime::Outcome> reconcile(const kube::api::ObjectKey& key,
                                           const kube::runtime::ReconcileContext& context);

 private:
  World& world_;
  kube::client::Client& client_;
  base::Clock& clock_;
};

}  // namespace iop::operators::control
