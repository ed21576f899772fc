#include "operator/control/deferred_reconciler.h"

#include "base/log.h"
#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/status.h"
#include "text/patch.h"

namespace iop::operators::control {
namespace {

using api::DeferredReason;
using coupling::DeferredPlan;
using kube::api::keyOf;
using kube::api::ObjectKey;
using kube::runtime::Outcome;
using Step = DeferredPlan::Step;

constexpr int kMaxRounds = 20;
// After a write that met a newer version: the cache has it in a moment.
constexpr std::chrono::milliseconds kAfterConflict{20};

kube::client::CallOptions ownCall(std::stop_token stop) {
  kube::client::CallOptions options;
  options.fieldManager = api::kFieldManager;
  options.stop = std::move(stop);
  return options;
}

Value withConditions(const Value& object, DeferredReason reason, const std::string& message,
                     base::Time now) {
  Value status = object["status"].isObject() ? object["status"] : Value::object();
  coupling::setDeferredConditions(status, reason, message, kube::api::generationOf(object), now);
  return status;
}

}  // namespace

Result<Outcome> DeferredReconciler::reconcile(const ObjectKey& key,
                                              const kube::runtime::ReconcileContext& context) {
  const std::optional<Value> found = with_.store.find(key);
  const Dependent self{Dependent::Kind::DeferredResource, key};
  if (!found) {
    with_.inputs.setDependents(self, {});
    return Outcome{};
  }
  coupling::DeferredSnapshot snapshot;
  snapshot.object = *found;
  ASSIGN_OR_RETURN(DeferredPlan plan, decide(snapshot, context.stop));
  if (plan.step == Step::AddFinalizer) {
    Result<Value> written = setFinalizer(snapshot.object, true, context.stop);
    if (!written && written.error().isConflict()) return Outcome{.requeueAfter = kAfterConflict};
    if (!written && written.error().isNotFound()) return Outcome{};
    if (!written) return tl::unexpected<Error>(written.error());
    snapshot.object = std::move(*written);
    ASSIGN_OR_RETURN(plan, decide(snapshot, context.stop));
  }
  with_.inputs.setDependents(self, plan.watched);

  const Value& object = snapshot.object;
  Result<Outcome> outcome = [&]() -> Result<Outcome> {
    if (plan.step == Step::Apply) return apply(object, plan, context.stop);
    if (plan.step == Step::Remove) return remove(object, plan, context.stop);
    if (kube::api::isBeingDeleted(object)) return Outcome{};
    RETURN_IF_ERROR(writeStatus(
        object, withConditions(object, plan.reason, plan.message, snapshot.now), context.stop));
    if (plan.reason == DeferredReason::Error &&
        api::findCondition(object["status"], api::condition::kFailed)["message"].asString() !=
            plan.message) {
      warn(object, plan.message);
    }
    if (plan.requeueAfter) return Outcome{.requeueAfter = *plan.requeueAfter};
    if (with_.inputs.needsPoll(plan.watched)) {
      return Outcome{.requeueAfter = InputCache::kPollInterval};
    }
    return Outcome{};
  }();
  if (!outcome && outcome.error().isConflict()) return Outcome{.requeueAfter = kAfterConflict};
  return outcome;
}

Result<DeferredPlan> DeferredReconciler::decide(coupling::DeferredSnapshot& snapshot,
                                                std::stop_token stop) {
  const Dependent self{Dependent::Kind::DeferredResource, keyOf(snapshot.object)};
  for (int round = 0; round < kMaxRounds; ++round) {
    snapshot.now = with_.clock.now();
    DeferredPlan plan = coupling::decideDeferred(snapshot);
    if (plan.needs.empty()) return plan;
    for (const coupling::InputRef& ref : plan.needs.contents) {
      Result<Value> content = with_.inputs.read(self, ref, stop);
      if (!content && content.error().code == Code::Canceled)
        return tl::unexpected<Error>(content.error());
      snapshot.contents.insert_or_assign(ref, std::move(content));
    }
    for (const coupling::GroupVersionKind& kind : plan.needs.resources) {
      Result<kube::api::Resource> resource = with_.client.resolve(kind);
      if (!resource && !resource.error().isNotFound())
        return tl::unexpected<Error>(resource.error());
      snapshot.resources.insert_or_assign(kind, std::move(resource));
    }
  }
  return fail(Code::InternalError, "the decision always needs something more");
}

Result<Outcome> DeferredReconciler::apply(const Value& object, const DeferredPlan& plan,
                                          std::stop_token stop) {
  // Recorded before it is made, so that nothing is left over if we end in between.
  Value status = withConditions(object, DeferredReason::Pending, "applying", with_.clock.now());
  const bool isRecorded =
      object["status"]["observedGeneration"].asInt() == kube::api::generationOf(object);
  Value present = object;
  if (!isRecorded) {
    ASSIGN_OR_RETURN(present, writeStatus(object, status, stop));
  }
  if (!plan.stale.kind.empty()) RETURN_IF_ERROR(removeStale(present, plan, stop));
  const Result<Value> applied = with_.executor.apply(plan.resource, plan.object, plan.user, stop);
  if (!applied) return failed(present, applied.error(), stop);
  kube::api::ObjectRef owned = kube::api::refOf(*applied);
  owned.apiVersion = plan.resource.apiVersion();
  owned.kind = plan.resource.kind;
  status = withConditions(present, DeferredReason::Success,
                          owned.kind + " " + owned.name + " applied", with_.clock.now());
  status.set("ownerReferences", coupling::printOwned(owned));
  RETURN_IF_ERROR(writeStatus(present, status, stop));
  return Outcome{};
}

Result<Outcome> DeferredReconciler::remove(const Value& object, const DeferredPlan& plan,
                                           std::stop_token stop) {
  const Status removed = removeStale(object, plan, stop);
  if (!removed) {
    if (!api::isForceDeleted(object)) return failed(object, removed.error(), stop);
    warn(object, "deletion goes on without: " + removed.error().message);
  }
  const Result<Value> written = setFinalizer(object, false, stop);
  if (!written && !written.error().isNotFound()) return tl::unexpected<Error>(written.error());
  with_.inputs.setDependents({Dependent::Kind::DeferredResource, keyOf(object)}, {});
  return Outcome{};
}

Status DeferredReconciler::removeStale(const Value& object, const DeferredPlan& plan,
                                       std::stop_token stop) {
  if (plan.stale.kind.empty()) return {};
  const Result<kube::api::Resource> resource =
      with_.client.resolve(kube::api::parseKind(plan.stale.apiVersion, plan.stale.kind));
  if (!resource && resource.error().isNotFound()) return {};  // the kind is gone, objects and all
  if (!resource) return tl::unexpected<Error>(resource.error());
  coupling::Prune prune;
  prune.entry.object = plan.stale;
  if (!resource->namespaced) prune.entry.object.namespaceName.clear();
  prune.user = plan.user;
  const Status pruned = with_.executor.prune(prune, std::move(stop));
  if (!pruned && pruned.error().code == Code::Forbidden) {
    warn(object, "deletion goes on without: " + pruned.error().message);
    return {};
  }
  return pruned;
}

Result<Value> DeferredReconciler::setFinalizer(const Value& object, bool present,
                                               std::stop_token stop) {
  Value finalizers = Value::array();
  for (const Value& item : object["metadata"]["finalizers"].items()) {
    if (item.asString() != api::kFinalizer) finalizers.push(item);
  }
  if (present) finalizers.push(api::kFinalizer);
  const Value patch = Value::object(
      {{"metadata", Value::object({{"resourceVersion", kube::api::resourceVersionOf(object)},
                                   {"finalizers", std::move(finalizers)}})}});
  Result<Value> answer =
      with_.client.patch(api::deferredResourceResource(), keyOf(object),
                         kube::client::PatchType::Merge, patch, ownCall(std::move(stop)));
  if (!answer) return answer;
  answer->edit("metadata").erase("managedFields");
  if (present) {
    with_.store.overlay(*answer);
  } else {
    with_.store.overlayRemoved(keyOf(object), kube::api::uidOf(object));
  }
  return answer;
}

Result<Value> DeferredReconciler::writeStatus(const Value& object, const Value& status,
                                              std::stop_token stop) {
  if (object["status"] == status) return object;
  const Value before = object["status"].isObject() ? object["status"] : Value::object();
  const Value patch = Value::object(
      {{"metadata", Value::object({{"resourceVersion", kube::api::resourceVersionOf(object)}})},
       {"status", text::createMergePatch(before, status)}});
  kube::client::CallOptions options = ownCall(std::move(stop));
  options.subresource = "status";
  Result<Value> answer = with_.client.patch(api::deferredResourceResource(), keyOf(object),
                                            kube::client::PatchType::Merge, patch, options);
  if (!answer) return answer;
  answer->edit("metadata").erase("managedFields");
  with_.store.overlay(*answer);
  return answer;
}

tl::unexpected<Error> DeferredReconciler::failed(const Value& object, const Error& error,
                                                 std::stop_token stop) {
  if (error.code == Code::Canceled) return tl::unexpected<Error>(error);
  warn(object, error.message);
  const Result<Value> written = writeStatus(
      object, withConditions(object, DeferredReason::Error, error.message, with_.clock.now()),
      std::move(stop));
  if (!written && !written.error().isConflict()) {
    log::warn("a failure could not be recorded",
              {{"deferredresource", keyOf(object).print()}, {"error", written.error().message}});
  }
  // What only a change of rights or kinds mends is not watched, so it is tried again as well.
  Error retried = error;
  retried.code = Code::InternalError;
  return tl::unexpected<Error>(std::move(retried));
}

void DeferredReconciler::warn(const Value& object, const std::string& message) {
  kube::runtime::Event event;
  event.regarding = kube::api::refOf(object);
  event.type = kube::runtime::EventType::Warning;
  event.reason = api::nameOf(DeferredReason::Error);
  event.message = message;
  with_.events.record(std::move(event));
}

}  // namespace iop::operators::control
