#include "operator/control/deferred_reconciler.h"

#include "kube/api/object.h"
#include "operator/api/conditions.h"
#include "operator/api/names.h"

namespace iop::operators::control {

Result<kube::runtime::Outcome> DeferredReconciler::reconcile(
    const kube::api::ObjectKey& key, const kube::runtime::ReconcileContext& context) {
  const std::optional<Value> object = store_.find(key);
  if (!object || kube::api::isBeingDeleted(*object)) return kube::runtime::Outcome{};
  Value status = (*object)["status"].isObject() ? (*object)["status"] : Value::object();
  const std::string message =
      "DeferredResource is not supported by this version: apply spec.resource yourself";
  const std::string_view error = api::nameOf(api::Reason::Error);
  const std::int64_t generation = kube::api::generationOf(*object);
  for (const auto& [type, state] :
       {std::pair(api::condition::kResolved, false), std::pair(api::condition::kFailed, true),
        std::pair(api::condition::kReady, false)}) {
    api::setCondition(status, {type, state, error, message}, generation, clock_.now());
  }
  if (status == (*object)["status"]) return kube::runtime::Outcome{};
  kube::client::CallOptions options;
  options.subresource = "status";
  options.fieldManager = api::kFieldManager;
  options.stop = context.stop;
  const Value patch = Value::object({{"status", std::move(status)}});
  const Result<Value> answer = client_.patch(api::deferredResourceResource(), key,
                                             kube::client::PatchType::Merge, patch, options);
  if (!answer && !answer.error().isNotFound()) return tl::unexpected<Error>(answer.error());
  if (answer) store_.overlay(*answer);
  return kube::runtime::Outcome{};
}

}  // namespace iop::operators::control
