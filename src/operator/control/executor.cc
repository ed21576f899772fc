#include "operator/control/executor.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/log.h"
#include "kube/api/object.h"
#include "operator/api/conditions.h"
#include "operator/api/spec.h"
#include "operator/coupling/status.h"
#include "text/base64.h"

namespace iop::operators::control {
namespace {

using api::Side;
using coupling::Action;
using coupling::Call;
using coupling::Effect;
using coupling::Mark;
using coupling::Notice;
using coupling::Prune;
using kube::api::keyOf;
using kube::api::ObjectKey;
using kube::api::Resource;
using kube::client::CallOptions;

// How long a `recreate` waits for the old object to go before it is tried again later.
constexpr std::chrono::seconds kGoneTimeout{20};

// How long after our start a request of a process before us may still be under way.
constexpr std::chrono::milliseconds kInFlight{3000};

// An update that takes longer than this says so in the status.
constexpr std::chrono::seconds kSlowUpdate{1};

const Resource& resourceOf(Side side) {
  return side == Side::Plug ? api::plugResource() : api::socketResource();
}

CallOptions callAs(const std::string& user, std::stop_token stop) {
  CallOptions options;
  options.impersonate = user;
  options.fieldManager = api::kFieldManager;
  options.stop = std::move(stop);
  return options;
}

std::string describe(const Resource& resource, const ObjectKey& key) {
  return resource.kind + " " + key.print();
}

// The word after "cannot " in an RBAC refusal: the verb that is missing.
std::string refusedVerb(const std::string& message, std::string_view fallback) {
  static constexpr std::string_view kMark = " cannot ";
  const std::size_t at = message.find(kMark);
  if (at == std::string::npos) return std::string(fallback);
  const std::size_t start = at + kMark.size();
  return message.substr(start, message.find(' ', start) - start);
}

// A refusal in words that say what to grant to whom.
Error explain(const Error& error, std::string_view verb, const Resource& resource,
              const ObjectKey& key, const std::string& user) {
  const std::string what = std::string(verb) + " " + describe(resource, key);
  static constexpr std::string_view kPrefix = "system:serviceaccount:";
  const bool isRbac =
      error.code == Code::Forbidden && error.message.find("cannot") != std::string::npos &&
      error.message.find("impersonate") == std::string::npos && user.starts_with(kPrefix);
  if (!isRbac) return error.withContext(what);
  std::string account = user.substr(kPrefix.size());
  std::replace(account.begin(), account.end(), ':', '/');
  Error out = error;
  out.message =
      what + ": service account " + account + " may not " + refusedVerb(error.message, verb) + " " +
      resource.plural + (resource.group.empty() ? "" : "." + resource.group) +
      (key.namespaceName.empty() ? " in the cluster" : " in namespace " + key.namespaceName) +
      "; grant it in a " + (key.namespaceName.empty() ? "ClusterRole" : "Role") + " (" +
      error.message + ")";
  return out;
}

// `stringData` as the API server stores it: left as it is, its keys could never be taken away again
// by an apply.
Value withStoredData(Value object, const Resource& resource) {
  if (!resource.group.empty() || resource.kind != "Secret" || !object["stringData"].isObject())
    return object;
  const Value plain = object["stringData"];
  object.erase("stringData");
  for (const Member& member : plain.members()) {
    object.edit("data").set(member.key(), text::encodeBase64(member.value.asString()));
  }
  return object;
}

bool isMadeByUs(const Value& object) {
  const auto managers = object["metadata"]["managedFields"].items();
  // Who applies an object without any field but its name is no manager of it, and then nobody is.
  return managers.empty() || std::any_of(managers.begin(), managers.end(), [](const Value& entry) {
           return entry["manager"].asString() == api::kFieldManager;
         });
}

void sleepFor(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, time, [] { return false; });
}

kube::runtime::Event eventOf(const Notice& notice, const Value& object) {
  kube::runtime::Event event;
  event.regarding = kube::api::refOf(object);
  event.type =
      notice.warning ? kube::runtime::EventType::Warning : kube::runtime::EventType::Normal;
  event.reason = notice.reason;
  event.message = notice.message;
  if (!notice.warning) {
    const std::size_t verb = notice.message.find(" plug ");
    if (notice.side == Side::Socket && verb != std::string::npos) {
      const std::string what = notice.message.substr(0, verb);
      event.combine = [what](std::size_t count) {
        return what + " " + std::to_string(count) + " plugs";
      };
    }
  }
  return event;
}

}  // namespace

Executor::Executor(kube::client::Client& client, base::Clock& clock,
                   kube::runtime::EventRecorder& events, ApparatusClient& apparatus, World& world,
                   Observers observers)
    : client_(client),
      clock_(clock),
      events_(events),
      apparatus_(apparatus),
      world_(world),
      observers_(std::move(observers)),
      started_(clock.instant()) {}

Status Executor::run(const coupling::Plan& plan, Subject& subject, const Value& other,
                     std::stop_token stop, const Action** failed) {
  for (const Action& action : plan.actions) {
    Status done = perform(action, subject, other, stop);
    if (done) continue;
    // What is done to others may be gone without; our own writes are what the next look builds on.
    const bool isForOthers = std::holds_alternative<Call>(action.what) ||
                             std::holds_alternative<Effect>(action.what) ||
                             std::holds_alternative<Prune>(action.what);
    if (isForOthers && coupling::isPassedOver(plan, done.error())) {
      const std::string message =
          plan.masker.mask(action.attempt + " was skipped: " + done.error().message);
      notify({subject.side, true, std::string(api::nameOf(api::Reason::Error)), message}, subject,
             other);
      log::warn("a step of a teardown was skipped",
                {{std::string_view(api::nameOf(subject.side)), keyOf(subject.object).print()},
                 {"error", message}});
      continue;
    }
    *failed = &action;
    return done;
  }
  return {};
}

Status Executor::perform(const Action& action, Subject& subject, const Value& other,
                         std::stop_token stop) {
  struct Visitor {
    Executor& self;
    Subject& subject;
    const Value& other;
    std::stop_token stop;

    Status operator()(const coupling::AddFinalizer&) const {
      return self.setFinalizer(subject, true, stop);
    }
    Status operator()(const coupling::RemoveFinalizer&) const {
      return self.setFinalizer(subject, false, stop);
    }
    Status operator()(const coupling::DeleteSelf&) const { return self.deleteSelf(subject, stop); }
    Status operator()(const coupling::WriteStatus&) const {
      return self.writeStatus(subject, stop);
    }
    Status operator()(const coupling::ConfirmSocket&) const {
      if (self.world_.isStanding(other)) return {};
      return fail(Code::Conflict, "socket " + keyOf(other).print() + " is being deleted");
    }
    Status operator()(const Call& call) const {
      const std::string own = keyOf(subject.object).print();
      const std::string its = other.isNull() ? std::string() : keyOf(other).print();
      const bool isPlug = subject.side == Side::Plug;
      const std::jthread watcher = self.tellSlowUpdate(call, subject, stop);
      return self.apparatus_.deliver(call, isPlug ? own : its, isPlug ? its : own, stop);
    }
    Status operator()(const Effect& effect) const { return self.effect(effect, subject, stop); }
    Status operator()(const Prune& prune) const {
      if (!self.world_.letsGo(keyOf(subject.object), prune.entry.object)) return {};
      Status done = self.prune(prune, stop);
      self.world_.removed(prune.entry.object);
      return done;
    }
    Status operator()(const Notice& notice) const {
      self.notify(notice, subject, other);
      return {};
    }
    Status operator()(const Mark& mark) const {
      coupling::applyMark(subject.object.edit("status"), mark);
      return {};
    }
  };
  return std::visit(Visitor{*this, subject, other, std::move(stop)}, action.what);
}

std::jthread Executor::tellSlowUpdate(const Call& call, Subject& subject, std::stop_token stop) {
  const bool isCoupled = api::isConditionTrue(subject.object["status"], api::condition::kCoupled);
  if (call.event != api::Event::Updated || subject.side != Side::Plug || !isCoupled) return {};
  return std::jthread([this, &subject, stop = std::move(stop)](const std::stop_token& done) {
    sleepFor(kSlowUpdate, done);
    if (done.stop_requested()) return;
    coupling::setPlugConditions(subject.object.edit("status"), api::Reason::UpdatingInProcess,
                                coupling::standardMessage(api::Reason::UpdatingInProcess),
                                kube::api::generationOf(subject.object), clock_.now());
    if (const Status written = writeStatus(subject, stop); !written) {
      log::warn("a slow update could not be told",
                {{"plug", keyOf(subject.object).print()}, {"error", written.error().message}});
    }
  });
}

void Executor::notify(const Notice& notice, const Subject& subject, const Value& other) {
  const Value& object = notice.side == subject.side ? subject.object : other;
  if (!object.isNull()) events_.record(eventOf(notice, object));
}

Status Executor::writeStatus(Subject& subject, std::stop_token stop) {
  if (subject.gone || subject.object["status"] == subject.stored["status"]) return {};
  CallOptions options = callAs({}, std::move(stop));
  options.subresource = "status";
  const ObjectKey key = keyOf(subject.object);
  // A whole update, with the version it is based on: an API server does it with less work than a
  // patch. That managedFields are left out is no change of them.
  Value changed = subject.stored;
  changed.set("status", subject.object["status"]);
  Result<Value> answer = client_.update(resourceOf(subject.side), key, changed, options);
  if (!answer) {
    return tl::unexpected<Error>(answer.error().withContext(
        "write the status of " + describe(resourceOf(subject.side), key)));
  }
  answer->edit("metadata").erase("managedFields");
  subject.stored = *answer;
  subject.object = std::move(*answer);
  observers_.written(subject.side, subject.object, false);
  return {};
}

Status Executor::setFinalizer(Subject& subject, bool present, std::stop_token stop) {
  Value finalizers = Value::array();
  for (const Value& item : subject.stored["metadata"]["finalizers"].items()) {
    if (item.asString() != api::kFinalizer) finalizers.push(item);
  }
  if (present) finalizers.push(api::kFinalizer);
  Value changed = subject.stored;
  changed.edit("metadata").set("finalizers", std::move(finalizers));
  const ObjectKey key = keyOf(subject.object);
  Result<Value> answer =
      client_.update(resourceOf(subject.side), key, changed, callAs({}, std::move(stop)));
  if (!answer) {
    if (!present && answer.error().isNotFound()) {
      subject.gone = true;
      return {};
    }
    return tl::unexpected<Error>(
        answer.error().withContext(describe(resourceOf(subject.side), key)));
  }
  answer->edit("metadata").erase("managedFields");
  const Value status = subject.object["status"];  // at hand, perhaps not written yet
  subject.stored = std::move(*answer);
  subject.object = subject.stored;
  if (!status.isNull()) subject.object.set("status", status);
  subject.gone = !present;
  observers_.written(subject.side, subject.stored,
                     !present && subject.stored["metadata"]["finalizers"].empty());
  return {};
}

Status Executor::deleteSelf(Subject& subject, std::stop_token stop) {
  const Resource& resource = resourceOf(subject.side);
  const ObjectKey key = keyOf(subject.object);
  kube::client::DeleteOptions options;
  options.uid = kube::api::uidOf(subject.object);
  Result<Value> answer = client_.remove(resource, key, options, callAs({}, std::move(stop)));
  if (!answer) {
    if (!answer.error().isNotFound() && !answer.error().isConflict()) {
      return tl::unexpected<Error>(answer.error().withContext("delete " + describe(resource, key)));
    }
    subject.gone = true;
    return {};
  }
  // Without a finalizer it is gone at once, and the answer is a Status.
  if (kube::api::uidOf(*answer) != kube::api::uidOf(subject.object)) {
    subject.gone = true;
    return {};
  }
  answer->edit("metadata").erase("managedFields");
  const Value status = subject.object["status"];
  subject.stored = std::move(*answer);
  subject.object = subject.stored;
  if (!status.isNull()) subject.object.set("status", status);
  observers_.written(subject.side, subject.stored, false);
  return {};
}

Status Executor::effect(const Effect& effect, Subject& subject, std::stop_token stop) {
  const Resource& resource = effect.rendered.resource;
  const ObjectKey key = keyOf(effect.rendered.object);
  if (effect.inInventory) world_.waitUntilRemoved(effect.rendered.entry().object, stop);
  switch (effect.rendered.what) {
    case api::Do::Apply:
      return applyObject(effect, subject, std::move(stop));
    case api::Do::Delete: {
      const Result<Value> removed =
          client_.remove(resource, key, {}, callAs(effect.user, std::move(stop)));
      if (removed || removed.error().isNotFound()) return {};
      return tl::unexpected<Error>(explain(removed.error(), "delete", resource, key, effect.user));
    }
    case api::Do::Recreate:
      RETURN_IF_ERROR(removeAndWait(resource, key, effect.user, stop));
      return applyObject(effect, subject, std::move(stop));
  }
  return {};
}

Result<Value> Executor::apply(const Resource& resource, const Value& object,
                              const std::string& user, std::stop_token stop) {
  const ObjectKey key = keyOf(object);
  Result<Value> answer =
      client_.patch(resource, key, kube::client::PatchType::Apply, withStoredData(object, resource),
                    callAs(user, std::move(stop)));
  if (!answer) return tl::unexpected<Error>(explain(answer.error(), "apply", resource, key, user));
  observers_.applied(*answer);
  return answer;
}

Result<Value> Executor::create(const Resource& resource, const Value& object,
                               const std::string& user, std::stop_token stop) {
  const ObjectKey key = keyOf(object);
  Result<Value> answer =
      client_.create(resource, key.namespaceName, object, callAs(user, std::move(stop)));
  if (!answer) return tl::unexpected<Error>(explain(answer.error(), "create", resource, key, user));
  return answer;
}

Status Executor::applyObject(const Effect& effect, Subject& subject, std::stop_token stop) {
  ASSIGN_OR_RETURN(const Value answer, apply(effect.rendered.resource, effect.rendered.object,
                                             effect.user, std::move(stop)));
  if (effect.inInventory) {
    coupling::recordUid(subject.object.edit("status"), effect.rendered.entry(),
                        std::string(kube::api::uidOf(answer)));
  }
  return {};
}

Status Executor::removeAndWait(const Resource& resource, const ObjectKey& key,
                               const std::string& user, std::stop_token stop) {
  const Result<Value> removed = client_.remove(resource, key, {}, callAs(user, stop));
  if (!removed) {
    if (removed.error().isNotFound()) return {};
    return tl::unexpected<Error>(explain(removed.error(), "delete", resource, key, user));
  }
  // A Status means that it is gone; the object itself, that something still has to be done before
  // it goes.
  if ((*removed)["kind"].asString() == "Status") return {};
  const base::Instant deadline = clock_.instant() + kGoneTimeout;
  for (std::chrono::milliseconds pause{20};;
       pause = std::min(pause * 2, std::chrono::milliseconds(1000))) {
    const Result<Value> still = client_.get(resource, key, callAs(user, stop));
    if (!still && still.error().isNotFound()) return {};
    if (!still) return tl::unexpected<Error>(explain(still.error(), "get", resource, key, user));
    if (kube::api::uidOf(*still) != kube::api::uidOf(*removed)) return {};
    if (clock_.instant() > deadline || stop.stop_requested()) {
      return fail(Code::Timeout, "recreate " + describe(resource, key) +
                                     ": the old one is still being deleted (finalizers " +
                                     "or graceful deletion); it is tried again");
    }
    sleepFor(pause, stop);
  }
}

Result<std::optional<Value>> Executor::findOwn(const Resource& resource, const Prune& prune,
                                               std::stop_token stop) {
  const ObjectKey key = prune.entry.object.key();
  for (;;) {
    Result<Value> seen = client_.get(resource, key, callAs(prune.user, stop));
    if (seen) return isMadeByUs(*seen) ? std::optional(std::move(*seen)) : std::nullopt;
    if (!seen.error().isNotFound())
      return tl::unexpected<Error>(explain(seen.error(), "get", resource, key, prune.user));
    // A process before us that was killed may have asked for it, and the server not have come to
    // it.
    if (clock_.instant() - started_ > kInFlight || stop.stop_requested()) return std::nullopt;
    sleepFor(kInFlight / 8, stop);
  }
}

Status Executor::prune(const Prune& prune, std::stop_token stop) {
  const kube::api::ObjectRef& object = prune.entry.object;
  const Result<Resource> resource =
      client_.resolve(kube::api::parseKind(object.apiVersion, object.kind));
  if (!resource) {
    if (resource.error().isNotFound())
      return {};  // the kind is gone, and all of its objects with it
    return tl::unexpected<Error>(resource.error());
  }
  kube::client::DeleteOptions options;
  options.uid = object.uid;
  const auto remove = [&] {
    return client_.remove(*resource, object.key(), options, callAs(prune.user, stop));
  };
  Result<Value> removed = fail(Code::Conflict, "");
  if (!options.uid.empty()) removed = remove();
  if (!removed && removed.error().isConflict()) {
    // It was recorded before it was made, and perhaps never was; or it was replaced, by us if it
    // was made anew and by another if not. What is there now must be ours.
    ASSIGN_OR_RETURN(const std::optional<Value> own, findOwn(*resource, prune, stop));
    if (!own) return {};
    options.uid = kube::api::uidOf(*own);
    removed = remove();
  }
  if (removed || removed.error().isNotFound() || removed.error().isConflict()) return {};
  return tl::unexpected<Error>(
      explain(removed.error(), "delete", *resource, object.key(), prune.user));
}

}  // namespace iop::operators::control
