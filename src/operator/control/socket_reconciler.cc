#include "operator/control/socket_reconciler.h"

#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/status.h"

namespace iop::operators::control {
namespace {

using kube::api::ObjectKey;
using kube::runtime::Outcome;

constexpr int kMaxPasses = 20;
constexpr std::chrono::milliseconds kAfterConflict{20};

}  // namespace

Result<Outcome> SocketReconciler::reconcile(const ObjectKey& key,
                                            const kube::runtime::ReconcileContext& context) {
  const Dependent self{Dependent::Kind::Socket, key};
  pods_.forget(self);
  const std::optional<Value> socket = world_.sockets->find(key);
  if (!socket) {
    std::lock_guard guard(mutex_);
    lastWrite_.erase(key);
    return Outcome{};
  }
  Subject subject{api::Side::Socket, *socket, *socket, false};
  coupling::SocketSnapshot snapshot;
  snapshot.debugEndpoint = debugEndpoint_;
  snapshot.clusterDomain = clusterDomain_;
  ApparatusPods::Use use;  // what is called stays
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    snapshot.socket = subject.object;
    snapshot.now = clock_.now();
    if (const auto interface = api::interfaceOf(subject.object))
      snapshot.interface = world_.interfaces->find(*interface).value_or(Value());
    snapshot.coupledPlugs.clear();
    const std::vector<Value> attached = world_.plugsAttachedTo(kube::api::uidOf(subject.object));
    snapshot.attachedPlugs = attached.size();
    for (const Value& plug : attached) {
      if (plug["status"]["coupledSocket"]["uid"].asString() == kube::api::uidOf(subject.object)) {
        snapshot.coupledPlugs.push_back(plug);
      }
    }
    const coupling::Plan plan = coupling::decideSocket(snapshot);
    if (!plan.needs.empty()) {
      if (!plan.needs.apparatuses.empty()) {
        snapshot.apparatus =
            pods_.ensure(api::Side::Socket, subject.object, self, use, context.stop);
      }
      for (const coupling::GroupVersionKind& kind : plan.needs.resources) {
        Result<kube::api::Resource> resource = client_.resolve(kind);
        if (!resource && resource.error().code == Code::Canceled)
          return tl::unexpected<Error>(resource.error());
        snapshot.resources.insert_or_assign(kind, std::move(resource));
      }
      continue;
    }
    const coupling::Action* failed = nullptr;
    Status done = executor_.run(plan, subject, Value(), context.stop, &failed);
    if (done && plan.again && !subject.gone) continue;
    if (done && !subject.gone) {
      const Value before = subject.stored["status"];
      done = executor_.writeStatus(subject, context.stop);
      if (done && subject.stored["status"] != before) {
        std::lock_guard guard(mutex_);
        lastWrite_[key] = clock_.instant();
      }
    }
    if (done && plan.failure) {
      // What only a change of rights mends is not watched, so it is tried again as well.
      Error failure = *plan.failure;
      failure.message = plan.masker.mask(failure.message);
      if (!failure.isRetriable()) failure.code = Code::InternalError;
      return tl::unexpected<Error>(std::move(failure));
    }
    if (done) return Outcome{.requeueAfter = plan.requeueAfter.value_or(base::Duration{})};
    if (done.error().isConflict() &&
        (failed == nullptr || !std::holds_alternative<coupling::Effect>(failed->what))) {
      return Outcome{.requeueAfter = kAfterConflict};
    }
    if (done.error().isNotFound() && failed == nullptr) return Outcome{};
    if (failed == nullptr || done.error().code == Code::Canceled)
      return tl::unexpected<Error>(done.error());

    Error error = done.error().withContext(failed->attempt);
    error.message = plan.masker.mask(error.message);
    const api::Reason reason = error.cause == coupling::kApparatusNotRunning
                                   ? api::Reason::ApparatusNotReady
                                   : api::Reason::Error;
    coupling::setSocketConditions(subject.object.edit("status"), reason, error.message, false,
                                  kube::api::generationOf(subject.object), snapshot.now);
    executor_.notify({api::Side::Socket, true, std::string(api::nameOf(reason)), error.message},
                     subject, Value());
    if (const Status written = executor_.writeStatus(subject, context.stop);
        !written && !written.error().isConflict()) {
      return tl::unexpected<Error>(written.error());
    }
    return tl::unexpected<Error>(error);
  }
  return fail(Code::InternalError, "the socket does not come to rest");
}

base::Duration SocketReconciler::delayFor(const ObjectKey& key) const {
  std::lock_guard guard(mutex_);
  const auto found = lastWrite_.find(key);
  if (found == lastWrite_.end()) return {};
  const base::Instant due = found->second + kStatusInterval;
  const base::Instant now = clock_.instant();
  return due > now ? due - now : base::Duration{};
}

}  // namespace iop::operators::control
