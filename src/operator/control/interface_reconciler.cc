#include "operator/control/interface_reconciler.h"

#include "kube/api/object.h"
#include "operator/coupling/interface_status.h"

namespace iop::operators::control {

using kube::runtime::Outcome;

Result<Outcome> InterfaceReconciler::reconcile(const kube::api::ObjectKey& key,
                                               const kube::runtime::ReconcileContext& context) {
  const std::optional<Value> interface = world_.interfaces->find(key);
  if (!interface || kube::api::isBeingDeleted(*interface)) return Outcome{};
  coupling::InterfaceSnapshot snapshot;
  snapshot.interface = *interface;
  snapshot.sockets = world_.socketsNamingInterface(key);
  for (const Value& socket : snapshot.sockets) {
    for (Value& plug : world_.plugsAttachedTo(kube::api::uidOf(socket))) {
      snapshot.plugs.push_back(std::move(plug));
    }
  }
  snapshot.now = clock_.now();
  Value changed = *interface;
  changed.set("status", coupling::interfaceStatus(snapshot));
  if (changed["status"] == (*interface)["status"]) return Outcome{};
  kube::client::CallOptions options;
  options.subresource = "status";
  options.fieldManager = api::kFieldManager;
  options.stop = context.stop;
  Result<Value> answer = client_.update(api::interfaceResource(), key, changed, options);
  if (!answer) {
    if (answer.error().isNotFound()) return Outcome{};
    // The cache has the newer version in a moment.
    if (answer.error().isConflict()) return Outcome{.requeueAfter = kDelay};
    return tl::unexpected<Error>(answer.error());
  }
  answer->edit("metadata").erase("managedFields");
  world_.interfaces->overlay(*answer);
  return Outcome{};
}

}  // namespace iop::operators::control
