#pragma once

// Makes sockets what they should be. It is the one writer of their status, and writes it at most
// once in kStatusInterval however many plugs couple meanwhile.
//
// Thread-safe; a socket must not be reconciled by two threads at once.

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "operator/control/apparatus_pods.h"
#include "operator/control/executor.h"
#include "operator/control/world.h"

namespace iop::operators::control {

class SocketReconciler {
 public:
  static constexpr std::chrono::milliseconds kStatusInterval{500};

  SocketReconciler(World& world, kube::client::Client& client, base::Clock& clock,
                   Executor& executor, ApparatusPods& pods, std::string debugEndpoint,
                   std::string clusterDomain)
      : world_(world),
        client_(client),
        clock_(clock),
        executor_(executor),
        pods_(pods),
        debugEndpoint_(std::move(debugEndpoint)),
        clusterDomain_(std::move(clusterDomain)) {}

  Result<kube::runtime::Outcome> reconcile(const kube::api::ObjectKey& key,
                                           const kube::runtime::ReconcileContext& context);
  // How long a change of its plugs may wait before the socket is looked at.
  base::Duration delayFor(const kube::api::ObjectKey& key) const;

 private:
  World& world_;
  kube::client::Client& client_;
  base::Clock& clock_;
  Executor& executor_;
  ApparatusPods& pods_;
  std::string debugEndpoint_;
  std::string clusterDomain_;
  mutable std::mutex mutex_;
  std::map<kube::api::ObjectKey, base::Instant> lastWrite_;
};

}  // namespace iop::operators::control
