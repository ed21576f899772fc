#include "operator/control/apparatus_pods.h"

#include "base/log.h"
#include "base/time.h"
#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/apparatus_pod.h"

namespace iop::operators::control {
namespace {

using coupling::PodState;
using kube::api::keyOf;
using kube::api::Resource;
using kube::runtime::Outcome;

const Resource& pods() {
  static const Resource resource{"", "v1", "pods", "Pod", true};
  return resource;
}

const Resource& services() {
  static const Resource resource{"", "v1", "services", "Service", true};
  return resource;
}

std::string userOf(std::string_view namespaceName, std::string_view account) {
  return kube::client::serviceAccountUser(namespaceName, account.empty() ? "default" : account);
}

Status starting(std::string message) {
  return tl::unexpected<Error>(Error{Code::ServiceUnavailable, std::move(message),
                                     std::string(coupling::kApparatusStarting), 0});
}

// What is kept of a pod.
Value projected(Value pod) {
  Value spec = Value::object({{"serviceAccountName", pod["spec"]["serviceAccountName"]}});
  pod.set("spec", std::move(spec));
  return pod;
}

// The idle clock may run over by this part of its time: so rarely the pod is written to.
constexpr int kNoteParts = 4;

}  // namespace

ApparatusPods::Use::Use(Use&& other) noexcept
    : pods_(std::exchange(other.pods_, nullptr)), pod_(std::move(other.pod_)) {}

ApparatusPods::Use& ApparatusPods::Use::operator=(Use&& other) noexcept {
  if (this != &other) {
    release();
    pods_ = std::exchange(other.pods_, nullptr);
    pod_ = std::move(other.pod_);
  }
  return *this;
}

ApparatusPods::Use::~Use() { release(); }

void ApparatusPods::Use::release() {
  if (ApparatusPods* pods = std::exchange(pods_, nullptr)) pods->release(pod_);
}

std::unique_ptr<kube::runtime::Informer> ApparatusPods::makeInformer(
    kube::runtime::InformerOptions options) {
  options.resource = pods();
  options.labelSelector = coupling::kApparatusSelector;
  options.transform = [](Value&& pod) { return std::optional(projected(std::move(pod))); };
  auto informer = std::make_unique<kube::runtime::Informer>(with_.client, with_.clock, pods_,
                                                            std::move(options));
  informer->addHandlers({.onAdd =
                             [this](const Value& pod, bool) {
                               with_.schedule(keyOf(pod), {});
                               onChange(pod);
                             },
                         .onUpdate = [this](const Value&, const Value& pod) { onChange(pod); },
                         .onDelete =
                             [this](const Value& pod) {
                               with_.schedule(keyOf(pod), {});
                               onChange(pod);
                             }});
  informers_.push_back(informer.get());
  return informer;
}

Status ApparatusPods::watched(const std::string& namespaceName) const {
  for (const kube::runtime::Informer* informer : informers_) {
    const std::string& its = informer->options().namespaceName;
    if ((!its.empty() && its != namespaceName) || informer->hasSynced()) continue;
    const auto error = informer->status().error;
    return fail(Code::ServiceUnavailable, "the pods of apparatuses cannot be watched: " +
                                              (error ? error->message : "no list yet"));
  }
  return {};
}

void ApparatusPods::onChange(const Value& pod) {
  std::set<Dependent> waiting;
  {
    std::lock_guard guard(mutex_);
    const auto found = states_.find(keyOf(pod));
    if (found != states_.end()) waiting = found->second.waiting;
  }
  for (const Dependent& who : waiting) with_.wake(who);
}

Status ApparatusPods::ensure(api::Side side, const Value& own, const Dependent& who, Use& use,
                             std::stop_token stop) {
  const ObjectKey key{std::string(kube::api::namespaceOf(own)), coupling::apparatusName(side, own)};
  RETURN_IF_ERROR(watched(key.namespaceName));
  bool isUsed = false, isGoing = false;
  std::string pingedUid;
  {
    std::lock_guard guard(mutex_);
    State& state = states_[key];
    state.waiting.insert(who);
    isUsed = state.uses > 0;
    isGoing = state.isGoing;
    pingedUid = state.pingedUid;
  }
  const std::optional<Value> pod = pods_->find(key);
  if (!pod) {
    RETURN_IF_ERROR(create(side, own, key, std::move(stop)));
    return starting("apparatus pod " + key.print() + " is starting");
  }
  if (isGoing) return starting("apparatus pod " + key.print() + " is being replaced");
  const PodState state = coupling::describePod(*pod);
  const bool isOutdated = coupling::isOutdated(*pod, side, own);
  if (!kube::api::isBeingDeleted(*pod) && (isOutdated || state.kind == PodState::Kind::Ended)) {
    if (isOutdated && isUsed) {
      return starting("apparatus pod " + key.print() +
                      " is replaced once the events under way are delivered");
    }
    RETURN_IF_ERROR(removePod(*pod, std::move(stop)));
    return starting(isOutdated ? "apparatus pod " + key.print() + " is being replaced"
                               : state.message + " and is being replaced");
  }
  if (state.kind != PodState::Kind::Ready) return starting(state.message);
  if (pingedUid != kube::api::uidOf(*pod)) {
    const std::string url = *coupling::endpointOf(side, own, {}, with_.clusterDomain);
    RETURN_IF_ERROR(with_.apparatus.ping(url, std::move(stop)));
  }
  std::lock_guard guard(mutex_);
  State& known = states_[key];
  if (known.isGoing) return starting("apparatus pod " + key.print() + " is being replaced");
  known.pingedUid = kube::api::uidOf(*pod);
  known.waiting.erase(who);
  ++known.uses;
  use = Use(this, key);
  return {};
}

Status ApparatusPods::create(api::Side side, const Value& own, const ObjectKey& key,
                             std::stop_token stop) {
  const std::string user = userOf(key.namespaceName, api::serviceAccountOf(own));
  RETURN_IF_ERROR(
      with_.executor.apply(services(), coupling::apparatusService(side, own), user, stop));
  const Result<Value> made =
      with_.executor.create(pods(), coupling::apparatusPod(side, own), user, std::move(stop));
  if (!made) {
    if (made.error().code == Code::AlreadyExists) return {};
    return tl::unexpected<Error>(made.error());
  }
  {
    std::lock_guard guard(mutex_);
    states_[key].lastEvent = with_.clock.now();
  }
  pods_->overlay(projected(*made));
  log::info("apparatus started", {{"pod", key.print()}});
  return {};
}

Status ApparatusPods::removePod(const Value& pod, std::stop_token stop) {
  coupling::Prune prune;
  prune.entry.object = kube::api::refOf(pod);
  prune.entry.object.apiVersion = "v1";
  prune.entry.object.kind = "Pod";
  prune.user = userOf(kube::api::namespaceOf(pod), pod["spec"]["serviceAccountName"].asString());
  return with_.executor.prune(prune, std::move(stop));
}

void ApparatusPods::forget(const Dependent& who) {
  std::lock_guard guard(mutex_);
  for (auto& [key, state] : states_) state.waiting.erase(who);
}

void ApparatusPods::release(const ObjectKey& key) {
  const base::Time now = with_.clock.now();
  std::set<Dependent> waiting;
  {
    std::lock_guard guard(mutex_);
    State& state = states_[key];
    state.lastEvent = now;
    if (--state.uses == 0) waiting = state.waiting;  // those that want another pod in its place
  }
  for (const Dependent& who : waiting) with_.wake(who);
  const std::optional<Value> pod = pods_->find(key);
  if (!pod) return;
  const std::int64_t idle = coupling::idleTimeoutOf(ownerOf(*pod));
  noteLastEvent(*pod, now, idle);
  with_.schedule(key, std::chrono::seconds(idle));
}

void ApparatusPods::noteLastEvent(const Value& pod, base::Time at, std::int64_t idleSeconds) {
  {
    std::lock_guard guard(mutex_);
    State& state = states_[keyOf(pod)];
    if (at - state.lastNoted < std::chrono::seconds(idleSeconds) / kNoteParts) return;
    state.lastNoted = at;
  }
  const Value patch = Value::object(
      {{"metadata", Value::object({{"annotations", Value::object({{coupling::kLastEvent,
                                                                   base::printTime(at)}})}})}});
  kube::client::CallOptions options;
  options.impersonate =
      userOf(kube::api::namespaceOf(pod), pod["spec"]["serviceAccountName"].asString());
  options.fieldManager = api::kFieldManager;
  const Result<Value> written =
      with_.client.patch(pods(), keyOf(pod), kube::client::PatchType::Merge, patch, options);
  if (!written && !written.error().isNotFound()) {
    log::warn(
        "the time of the last event could not be noted: after a restart of the operator the "
        "idle clock of the apparatus begins with its pod",
        {{"pod", keyOf(pod).print()}, {"error", written.error().message}});
  }
}

Value ApparatusPods::ownerOf(const Value& pod) const {
  for (const Value& owner : pod["metadata"]["ownerReferences"].items()) {
    const bool isPlug = owner["kind"].asString() == api::kindOf(api::Side::Plug);
    const kube::runtime::Store& store = isPlug ? *with_.world.plugs : *with_.world.sockets;
    const auto found =
        store.find({std::string(kube::api::namespaceOf(pod)), owner["name"].toString()});
    if (found && kube::api::uidOf(*found) == owner["uid"].asString()) return *found;
  }
  return {};
}

Result<Outcome> ApparatusPods::reconcile(const ObjectKey& key,
                                         const kube::runtime::ReconcileContext& context) {
  const std::optional<Value> pod = pods_->find(key);
  std::unique_lock lock(mutex_);
  if (!pod) {
    const auto found = states_.find(key);
    if (found != states_.end() && found->second.uses == 0 && found->second.waiting.empty())
      states_.erase(found);
    return Outcome{};
  }
  if (kube::api::isBeingDeleted(*pod)) return Outcome{};
  State& state = states_[key];
  const Value owner = ownerOf(*pod);
  const std::chrono::seconds idle(coupling::idleTimeoutOf(owner));
  if (state.uses > 0 || !state.waiting.empty()) {
    return Outcome{.requeueAfter = std::max<base::Duration>(idle, std::chrono::seconds(1))};
  }
  // What the annotation says is up to a part of the time too old.
  base::Time last = state.lastEvent;
  for (const std::string_view text : {kube::api::annotationOf(*pod, coupling::kLastEvent),
                                      (*pod)["metadata"]["creationTimestamp"].asString()}) {
    if (const Result<base::Time> noted = base::parseTime(text)) {
      const bool isNoted = state.lastEvent == base::Time{};
      last = std::max(last, isNoted ? *noted + idle / kNoteParts : *noted);
    }
  }
  const base::Duration left = last + idle - with_.clock.now();
  if (!owner.isNull() && left.count() > 0) return Outcome{.requeueAfter = left};
  state.isGoing = true;  // nobody takes it from here on
  lock.unlock();
  const Status removed = removePod(*pod, context.stop);
  if (removed) pods_->overlayRemoved(key, kube::api::uidOf(*pod));
  lock.lock();
  states_[key].isGoing = false;
  const std::set<Dependent> waiting = states_[key].waiting;
  lock.unlock();
  for (const Dependent& who : waiting) with_.wake(who);
  if (!removed) return tl::unexpected<Error>(removed.error());
  log::info("apparatus stopped: idle", {{"pod", key.print()}});
  return Outcome{};
}

}  // namespace iop::operators::control
