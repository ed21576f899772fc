#include "operator/coupling/deferred.h"

#include "base/time.h"
#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/decision.h"

namespace iop::operators::coupling {
namespace {

using api::DeferredReason;
using Step = DeferredPlan::Step;

kube::api::ObjectRef ownedBy(const Value& object) {
  const Value& owned = object["status"]["ownerReferences"];
  return {owned["apiVersion"].toString(), owned["kind"].toString(),
          std::string(kube::api::namespaceOf(object)), owned["name"].toString(),
          owned["uid"].toString()};
}

GroupVersionKind kindOfWait(const Value& wait) {
  if (!wait["apiVersion"].empty()) {
    return kube::api::parseKind(wait["apiVersion"].asString(), wait["kind"].asString());
  }
  return {wait["group"].toString(), wait["version"].toString(), wait["kind"].toString()};
}

bool isConditionTrue(const Value& object, std::string_view type) {
  for (const Value& condition : object["status"]["conditions"].items()) {
    if (condition["type"].asString() == type) return condition["status"].asString() == "True";
  }
  return false;
}

class Decision {
 public:
  explicit Decision(const DeferredSnapshot& snapshot)
      : snapshot_(snapshot), object_(snapshot.object), spec_(snapshot.object["spec"]) {
    plan_.user = userOf(object_);
  }

  DeferredPlan run() {
    const bool hasFinalizer = kube::api::hasFinalizer(object_, api::kFinalizer);
    if (kube::api::isBeingDeleted(object_)) {
      if (!hasFinalizer) return std::move(plan_);
      plan_.step = Step::Remove;
      plan_.stale = recordedOrBegun();
      return std::move(plan_);
    }
    if (!hasFinalizer) {
      plan_.step = Step::AddFinalizer;
      return std::move(plan_);
    }
    const bool isApplied =
        api::isConditionTrue(object_["status"], api::condition::kResolved) &&
        object_["status"]["observedGeneration"].asInt() == kube::api::generationOf(object_);
    if (isApplied) {
      rest(DeferredReason::Success, doneMessage());
    } else if (!waitsForTime() && !waitsForObjects()) {
      apply();
    }
    if (plan_.needs.empty()) return std::move(plan_);
    DeferredPlan needing;
    needing.needs = std::move(plan_.needs);
    return needing;
  }

 private:
  void rest(DeferredReason reason, std::string message) {
    plan_.step = Step::Rest;
    plan_.reason = reason;
    plan_.message = std::move(message);
  }

  std::string doneMessage() const {
    const kube::api::ObjectRef owned = ownedBy(object_);
    return owned.kind + " " + owned.name + " applied";
  }

  // What the status names; where an apply was begun and not recorded, what the spec names.
  kube::api::ObjectRef recordedOrBegun() const {
    kube::api::ObjectRef owned = ownedBy(object_);
    if (!owned.kind.empty() || object_["status"]["observedGeneration"].isNull()) return owned;
    const Value& wanted = spec_["resource"];
    return {wanted["apiVersion"].toString(),
            wanted["kind"].toString(),
            std::string(kube::api::namespaceOf(object_)),
            std::string(kube::api::nameOf(wanted)),
            {}};
  }

  bool waitsForTime() {
    const std::int64_t seconds = spec_["timeout"].asInt();
    if (seconds <= 0) return false;
    const Result<base::Time> created =
        base::parseTime(object_["metadata"]["creationTimestamp"].asString());
    if (!created) return false;
    // No wait outlasts what the clock can count.
    constexpr std::int64_t kLongest = std::int64_t{100} * 365 * 24 * 3600;
    const base::Time due = *created + std::chrono::seconds(std::min(seconds, kLongest));
    if (due <= snapshot_.now) return false;
    plan_.requeueAfter = due - snapshot_.now;
    rest(DeferredReason::Pending, "waiting until " + base::printTime(due));
    return true;
  }

  bool waitsForObjects() {
    std::string missing;
    for (const Value& wait : spec_["waitFor"].items()) {
      const InputRef ref{kindOfWait(wait),
                         {std::string(kube::api::namespaceOf(object_)), wait["name"].toString()},
                         plan_.user};
      const std::string name = ref.kind.kind + " " + ref.key.name;
      plan_.watched.push_back(ref);
      const auto found = snapshot_.contents.find(ref);
      if (found == snapshot_.contents.end()) {
        plan_.needs.contents.insert(ref);
        continue;
      }
      const std::string separator = missing.empty() ? "" : ", ";
      const std::string_view condition = wait["condition"].asString();
      if (found->second) {
        if (!condition.empty() && !isConditionTrue(*found->second, condition)) {
          missing += separator + name + " to be " + std::string(condition);
        }
        continue;
      }
      const Error& error = found->second.error();
      if (!error.isNotFound()) {
        rest(DeferredReason::Error, "look for " + name + ": " + error.message);
        plan_.requeueAfter = kUnknownKindPause;
        return true;
      }
      if (error.message.starts_with("the server has no kind"))
        plan_.requeueAfter = kUnknownKindPause;
      missing += separator + name;
    }
    if (!plan_.needs.empty()) return true;
    if (missing.empty()) return false;
    rest(DeferredReason::Pending, "waiting for " + missing);
    return true;
  }

  void apply() {
    const GroupVersionKind kind = kube::api::kindOf(spec_["resource"]);
    if (kube::api::nameOf(spec_["resource"]).empty()) {
      rest(DeferredReason::Error, "spec.resource.metadata.name: is missing");
      return;
    }
    const auto resource = snapshot_.resources.find(kind);
    if (resource == snapshot_.resources.end()) {
      plan_.needs.resources.insert(kind);
      return;
    }
    if (!resource->second) {
      rest(DeferredReason::Error, "spec.resource: " + resource->second.error().message);
      plan_.requeueAfter = kUnknownKindPause;
      return;
    }
    plan_.step = Step::Apply;
    plan_.resource = *resource->second;
    plan_.object = spec_["resource"];
    Value& metadata = plan_.object.edit("metadata");
    if (plan_.resource.namespaced) {
      metadata.set("namespace", kube::api::namespaceOf(object_));
    } else {
      metadata.erase("namespace");
    }
    const kube::api::ObjectRef owned = ownedBy(object_);
    const bool isSame = owned.apiVersion == plan_.resource.apiVersion() &&
                        owned.kind == kind.kind && owned.name == kube::api::nameOf(plan_.object);
    if (!owned.kind.empty() && !isSame) plan_.stale = owned;
  }

  const DeferredSnapshot& snapshot_;
  const Value& object_;
  const Value& spec_;
  DeferredPlan plan_;
};

}  // namespace

DeferredPlan decideDeferred(const DeferredSnapshot& snapshot) { return Decision(snapshot).run(); }

Value printOwned(const kube::api::ObjectRef& object) {
  return Value::object({{"apiVersion", object.apiVersion},
                        {"kind", object.kind},
                        {"name", object.name},
                        {"uid", object.uid}});
}

}  // namespace iop::operators::coupling
