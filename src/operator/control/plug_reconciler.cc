#include "operator/control/plug_reconciler.h"

#include "base/log.h"
#include "kube/api/object.h"
#include "operator/api/conditions.h"
#include "operator/api/spec.h"
#include "operator/coupling/lookup.h"
#include "operator/coupling/status.h"

namespace iop::operators::control {
namespace {

using api::Side;
using coupling::InputRef;
using coupling::Plan;
using coupling::Rival;
using coupling::Snapshot;
using kube::api::ObjectKey;
using kube::runtime::Outcome;

// A plug that needs more decisions or lookups in a row than this is a mistake of ours.
constexpr int kMaxPasses = 20;
constexpr int kMaxRounds = 20;
// After a write that met a newer version: the cache has it in a moment.
constexpr std::chrono::milliseconds kAfterConflict{20};

Rival::State stateOf(const Value& plug, std::string_view socketUid, const ObjectKey& socket) {
  if (attachedSocketUid(plug) == socketUid) return Rival::State::Placed;
  if (kube::api::isBeingDeleted(plug) || api::socketOf(plug) != socket)
    return Rival::State::Elsewhere;
  const Value& status = plug["status"];
  if (status["observedGeneration"].asInt() != kube::api::generationOf(plug))
    return Rival::State::Undecided;
  const Value& coupled = api::findCondition(status, api::condition::kCoupled);
  return coupled["reason"].asString() == api::nameOf(api::Reason::SocketFull)
             ? Rival::State::Queued
             : Rival::State::Elsewhere;
}

}  // namespace

// One reconcile of one plug.
struct PlugReconciler::Pass {
  Subject subject{Side::Plug, {}, {}, false};
  Snapshot snapshot;
  std::stop_token stop;
  std::vector<ApparatusPods::Use> uses;  // what is called stays

  const Value& socketAtHand() const {
    return snapshot.coupledSocket.isNull() ? snapshot.socket : snapshot.coupledSocket;
  }
};

Result<Outcome> PlugReconciler::reconcile(const ObjectKey& key,
                                          const kube::runtime::ReconcileContext& context) {
  with_.pods.forget({Dependent::Kind::Plug, key});
  const std::optional<Value> plug = with_.world.plugs->find(key);
  if (!plug) {
    forget(key);
    return Outcome{};
  }
  Pass pass;
  pass.subject.object = *plug;
  pass.subject.stored = *plug;
  pass.stop = context.stop;
  Result<Outcome> outcome = runPasses(pass);
  releasePlace(pass.subject.stored);
  with_.world.written(key);
  if (pass.subject.gone) forget(key);
  return outcome;
}

void PlugReconciler::forget(const ObjectKey& key) {
  with_.inputs.setDependents({Dependent::Kind::Plug, key}, {});
  std::lock_guard guard(deliveriesMutex_);
  deliveries_.erase(key);
}

void PlugReconciler::remember(const Value& plug, const Plan& plan) {
  if (!plan.payload && !plan.pace) return;
  std::lock_guard guard(deliveriesMutex_);
  Deliveries& known = deliveries_[kube::api::keyOf(plug)];
  if (known.plugUid != kube::api::uidOf(plug))
    known = {std::string(kube::api::uidOf(plug)), {}, {}};
  if (plan.payload) known.payload = *plan.payload;
  if (plan.pace) {
    known.pace = *plan.pace;
    if (!known.pace.delivered) known.pace.delivered = with_.clock.now();
  }
}

Result<Outcome> PlugReconciler::runPasses(Pass& pass) {
  for (int number = 0; number < kMaxPasses; ++number) {
    gather(pass);
    ASSIGN_OR_RETURN(const Plan plan, decide(pass));
    const coupling::Action* failed = nullptr;
    const Status done =
        with_.executor.run(plan, pass.subject, pass.socketAtHand(), pass.stop, &failed);
    if (!done) {
      // It was tried: a circle that fails each time is one, too.
      Plan tried;
      tried.pace = plan.payload ? std::nullopt : plan.pace;
      remember(pass.subject.object, tried);
      return handleFailure(pass, plan, *failed, done.error());
    }
    remember(pass.subject.object, plan);
    if (pass.subject.gone) return Outcome{};
    if (plan.again) continue;

    if (const Status written = with_.executor.writeStatus(pass.subject, pass.stop); !written) {
      if (written.error().isConflict()) return Outcome{.requeueAfter = kAfterConflict};
      if (written.error().isNotFound()) return Outcome{};
      return tl::unexpected<Error>(written.error());
    }
    with_.inputs.setDependents({Dependent::Kind::Plug, kube::api::keyOf(pass.subject.object)},
                               plan.watched);
    if (plan.failure) {
      Error failure = *plan.failure;
      failure.message = plan.masker.mask(failure.message);
      return tl::unexpected<Error>(std::move(failure));
    }
    if (plan.requeueAfter) return Outcome{.requeueAfter = *plan.requeueAfter};
    if (with_.inputs.needsPoll(plan.watched))
      return Outcome{.requeueAfter = InputCache::kPollInterval};
    return Outcome{};
  }
  return fail(Code::InternalError, "the plug does not come to rest");
}

Result<Outcome> PlugReconciler::handleFailure(Pass& pass, const Plan& plan,
                                              const coupling::Action& action, const Error& error) {
  // A write that was based on an old version: look again, with the new one. Nobody needs to be
  // told.
  const bool isOwnWrite = std::holds_alternative<coupling::WriteStatus>(action.what) ||
                          std::holds_alternative<coupling::AddFinalizer>(action.what) ||
                          std::holds_alternative<coupling::RemoveFinalizer>(action.what);
  if (isOwnWrite && error.isConflict()) return Outcome{.requeueAfter = kAfterConflict};
  if (isOwnWrite && error.isNotFound()) return Outcome{};
  if (std::holds_alternative<coupling::ConfirmSocket>(action.what)) {
    // Nothing was done yet: the plug is as it was.
    pass.subject.object.set("status", pass.snapshot.plug["status"]);
    const Status undone = with_.executor.writeStatus(pass.subject, pass.stop);
    if (!undone && !undone.error().isConflict()) return tl::unexpected<Error>(undone.error());
    return Outcome{.requeueAfter = kAfterConflict};
  }
  if (error.code == Code::Canceled) return tl::unexpected<Error>(error);

  const coupling::FailureReport report =
      coupling::reportFailure(pass.snapshot, pass.subject.object["status"], plan, action, error);
  pass.subject.object.set("status", report.status);
  const Status written = with_.executor.writeStatus(pass.subject, pass.stop);
  if (!written && !written.error().isConflict()) {
    log::warn("a failure could not be recorded",
              {{"plug", kube::api::keyOf(pass.subject.object).print()},
               {"error", written.error().message}});
  }
  for (const coupling::Notice& notice : report.notices) {
    with_.executor.notify(notice, pass.subject, pass.socketAtHand());
  }
  Error masked = error.withContext(action.attempt);
  masked.message = plan.masker.mask(masked.message);
  // What only a change of the cluster's rights or kinds mends is not watched, so it is tried again
  // as well.
  if (!masked.isRetriable()) masked.code = Code::InternalError;
  return tl::unexpected<Error>(std::move(masked));
}

void PlugReconciler::gather(Pass& pass) const {
  Snapshot& snapshot = pass.snapshot;
  snapshot.plug = pass.subject.object;
  const ObjectKey named = api::socketOf(snapshot.plug);
  snapshot.socket = with_.world.sockets->find(named).value_or(Value());
  const coupling::Progress progress = coupling::progressOf(snapshot.plug);
  snapshot.coupledSocket = Value();
  if (!progress.socketUid.empty()) {
    const Value recorded = with_.world.sockets->find(progress.socketKey).value_or(Value());
    if (kube::api::uidOf(recorded) == progress.socketUid) snapshot.coupledSocket = recorded;
  }
  snapshot.interfaces.clear();
  for (const Value* object : {&snapshot.plug, &snapshot.socket, &snapshot.coupledSocket}) {
    if (const auto key = api::interfaceOf(*object)) {
      if (auto interface = with_.world.interfaces->find(*key))
        snapshot.interfaces[*key] = std::move(*interface);
    }
  }
  snapshot.debugEndpoints = with_.debugEndpoints;
  snapshot.clusterDomain = with_.clusterDomain;
  snapshot.now = with_.clock.now();
  // Each pass sees what the one before has changed.
  snapshot.contents.clear();
  snapshot.versions.clear();
  snapshot.deliveredPayload.reset();
  snapshot.pace = {};
  std::lock_guard guard(deliveriesMutex_);
  const auto known = deliveries_.find(kube::api::keyOf(snapshot.plug));
  if (known == deliveries_.end() || known->second.plugUid != kube::api::uidOf(snapshot.plug))
    return;
  if (!known->second.payload.empty()) snapshot.deliveredPayload = known->second.payload;
  snapshot.pace = known->second.pace;
}

void PlugReconciler::gatherRivals(Snapshot& snapshot) const {
  snapshot.rivals.clear();
  if (snapshot.socket["spec"]["limit"].asInt() <= 0) return;
  const ObjectKey own = kube::api::keyOf(snapshot.plug);
  const ObjectKey socket = kube::api::keyOf(snapshot.socket);
  const std::string uid(kube::api::uidOf(snapshot.socket));
  std::map<ObjectKey, Value> plugs;
  for (const Value& plug : with_.world.plugsNaming(socket)) plugs[kube::api::keyOf(plug)] = plug;
  for (const Value& plug : with_.world.plugsAttachedTo(uid)) plugs[kube::api::keyOf(plug)] = plug;
  for (const auto& [key, plug] : plugs) {
    if (key == own) continue;
    const auto reserved = reserved_.find(key);
    const bool isReserved = reserved != reserved_.end() && reserved->second == uid;
    snapshot.rivals.push_back({key, plug["metadata"]["creationTimestamp"].toString(),
                               isReserved ? Rival::State::Placed : stateOf(plug, uid, socket)});
  }
}

Result<Plan> PlugReconciler::decide(Pass& pass) {
  Snapshot& snapshot = pass.snapshot;
  for (int round = 0; round < kMaxRounds; ++round) {
    Plan plan;
    if (snapshot.socket["spec"]["limit"].asInt() > 0) {
      // From the look at the places to the taking of one, nobody else may look.
      std::lock_guard guard(placesMutex_);
      gatherRivals(snapshot);
      plan = coupling::decidePlug(snapshot);
      if (plan.takesPlace) {
        reserved_[kube::api::keyOf(snapshot.plug)] = std::string(kube::api::uidOf(snapshot.socket));
      }
    } else {
      plan = coupling::decidePlug(snapshot);
    }
    if (plan.needs.empty()) return plan;
    RETURN_IF_ERROR(fetch(plan.needs, pass));
  }
  return fail(Code::InternalError, "the decision always needs something more");
}

Result<std::optional<coupling::ObjectVersion>> PlugReconciler::versionOf(const Snapshot& snapshot,
                                                                         const Dependent& self,
                                                                         const InputRef& ref,
                                                                         std::stop_token stop) {
  // The state of an object of our own kinds is not its resourceVersion.
  if (!coupling::isOwnKind(ref)) return with_.inputs.version(self, ref, std::move(stop));
  const Result<Value> object = with_.inputs.read(self, ref, std::move(stop));
  if (object) return coupling::versionOf(snapshot, ref, *object);
  if (object.error().isNotFound()) return std::nullopt;
  return tl::unexpected<Error>(object.error());
}

Status PlugReconciler::fetch(const coupling::Needs& needs, Pass& pass) {
  Snapshot& snapshot = pass.snapshot;
  const Dependent self{Dependent::Kind::Plug, kube::api::keyOf(snapshot.plug)};
  for (const InputRef& ref : needs.contents) {
    Result<Value> content = with_.inputs.read(self, ref, pass.stop);
    if (!content && content.error().code == Code::Canceled)
      return tl::unexpected<Error>(content.error());
    snapshot.contents.insert_or_assign(ref, std::move(content));
  }
  for (const InputRef& ref : needs.versions) {
    ASSIGN_OR_RETURN(snapshot.versions[ref], versionOf(snapshot, self, ref, pass.stop));
  }
  for (const coupling::GroupVersionKind& kind : needs.resources) {
    Result<kube::api::Resource> resource = with_.client.resolve(kind);
    if (!resource && resource.error().code == Code::Canceled)
      return tl::unexpected<Error>(resource.error());
    snapshot.resources.insert_or_assign(kind, std::move(resource));
  }
  for (const Side side : needs.apparatuses) {
    const Value& own = side == Side::Plug ? snapshot.plug : pass.socketAtHand();
    ApparatusPods::Use use;
    Status ready = with_.pods.ensure(side, own, self, use, pass.stop);
    if (!ready && ready.error().code == Code::Canceled) return tl::unexpected<Error>(ready.error());
    snapshot.apparatuses.insert_or_assign(side, std::move(ready));
    pass.uses.push_back(std::move(use));
  }
  for (const coupling::ConfigRequest& request : needs.configs) {
    Result<Value> answer =
        with_.apparatus.config(request, kube::api::keyOf(snapshot.plug).print(),
                               kube::api::keyOf(request.body["socket"]).print(), pass.stop);
    snapshot.configAnswers.insert_or_assign(
        request.side, coupling::ConfigAnswer{request.identity, std::move(answer)});
  }
  return {};
}

void PlugReconciler::releasePlace(const Value& plug) {
  {
    std::lock_guard guard(placesMutex_);
    const auto found = reserved_.find(kube::api::keyOf(plug));
    if (found == reserved_.end()) return;
    const bool isTaken = attachedSocketUid(plug) == found->second;
    reserved_.erase(found);
    if (isTaken) return;
  }
  with_.placeFreed(api::socketOf(plug));
}

}  // namespace iop::operators::control
