#include "apiserver/internal/controllers.h"
#include "base/log.h"
#include "kube/api/object.h"

// Owners and what they own (kube-controller-manager, pkg/controller/garbagecollector).

namespace iop::apiserver {
namespace {

constexpr std::string_view kOrphan = "orphan", kForeground = "foregroundDeletion";

Call collectorCall() {
  return {.user = {.name = "system:serviceaccount:kube-system:generic-garbage-collector"},
          .fieldManager = "kube-controller-manager"};
}

}  // namespace

Controllers::Owner Controllers::look(const Value& reference,
                                     const std::string& namespaceName) const {
  const Kind* kind = engine_.registry().findByKind(
      kube::api::parseKind(reference["apiVersion"].asString(), reference["kind"].asString()));
  // What is not served may come back: its dependents stay.
  if (kind == nullptr) return Owner::Solid;
  // A cluster-scoped object has no owner in a namespace: such a reference is invalid and means
  // nothing.
  if (kind->resource.namespaced && namespaceName.empty()) return Owner::Solid;
  const ObjectPtr owner = engine_.storage().find(
      kind->table, {kind->resource.namespaced ? namespaceName : "", reference["name"].toString()});
  if (owner == nullptr || kube::api::uidOf(owner->value) != reference["uid"].asString())
    return Owner::Absent;
  return kube::api::isBeingDeleted(owner->value) &&
                 kube::api::hasFinalizer(owner->value, kForeground)
             ? Owner::Waiting
             : Owner::Solid;
}

void Controllers::removeFinalizer(const Item& item, std::string_view finalizer) {
  const Status written = engine_.write(item.first, item.second, [&](const Value& stored) {
    if (stored.isNull()) return stored;
    Value changed = stored;
    Value left = Value::array();
    for (const Value& one : stored["metadata"]["finalizers"].items()) {
      if (one.asString() != finalizer) left.push(one);
    }
    if (left.empty()) {
      changed.edit("metadata").erase("finalizers");
    } else {
      changed.edit("metadata").set("finalizers", std::move(left));
    }
    return changed;
  });
  if (!written) log::error("remove a finalizer", {{"error", written.error().message}});
}

void Controllers::finishOrphaning(const Item& item, const Value& owner) {
  const std::string uid(kube::api::uidOf(owner));
  const auto found = dependents_.find(uid);
  const std::set<Item> dependents = found == dependents_.end() ? std::set<Item>() : found->second;
  for (const Item& dependent : dependents) {
    const Status written =
        engine_.write(dependent.first, dependent.second, [&](const Value& stored) {
          if (stored.isNull()) return stored;
          Value left = Value::array();
          for (const Value& reference : stored["metadata"]["ownerReferences"].items()) {
            if (reference["uid"].asString() != uid) left.push(reference);
          }
          Value changed = stored;
          if (left.empty()) {
            changed.edit("metadata").erase("ownerReferences");
          } else {
            changed.edit("metadata").set("ownerReferences", std::move(left));
          }
          return changed;
        });
    if (!written) log::error("orphan a dependent", {{"error", written.error().message}});
  }
  removeFinalizer(item, kOrphan);
}

void Controllers::finishForeground(const Item& item, const Value& owner) {
  const std::string uid(kube::api::uidOf(owner));
  bool blocked = false;
  if (const auto found = dependents_.find(uid); found != dependents_.end()) {
    for (const Item& dependent : found->second) {
      const ObjectPtr object = engine_.storage().find(dependent.first, dependent.second);
      if (object == nullptr) continue;
      for (const Value& reference : object->value["metadata"]["ownerReferences"].items()) {
        blocked |= reference["uid"].asString() == uid && reference["blockOwnerDeletion"].asBool();
      }
      enqueue(dependent.first, dependent.second);
    }
  }
  if (!blocked) removeFinalizer(item, kForeground);
}

void Controllers::collect(const Item& item) {
  const ObjectPtr object = engine_.storage().find(item.first, item.second);
  if (object == nullptr) return;
  const Value& value = object->value;
  if (kube::api::isBeingDeleted(value)) {
    if (kube::api::hasFinalizer(value, kOrphan)) {
      finishOrphaning(item, value);
      return;
    }
    if (kube::api::hasFinalizer(value, kForeground)) {
      finishForeground(item, value);
      return;
    }
  }
  const Value& references = value["metadata"]["ownerReferences"];
  if (references.empty()) return;
  Value solid = Value::array();
  bool waiting = false;
  for (const Value& reference : references.items()) {
    const Owner owner = look(reference, item.second.namespaceName);
    if (owner == Owner::Solid) solid.push(reference);
    waiting |= owner == Owner::Waiting;
  }
  if (solid.size() == references.size() || kube::api::isBeingDeleted(value)) return;
  if (!solid.empty()) {
    const Status written = engine_.write(item.first, item.second, [&](const Value& stored) {
      Value changed = stored;
      changed.edit("metadata").set("ownerReferences", solid);
      return changed;
    });
    if (!written) log::error("drop absent owners", {{"error", written.error().message}});
    return;
  }
  const Kind* kind = kindOfTable(item.first);
  if (kind == nullptr) return;
  DeleteOptions options{.uid = std::string(kube::api::uidOf(value))};
  const bool owns = dependents_.contains(kube::api::uidOf(value));
  options.propagationPolicy = kube::api::hasFinalizer(value, kOrphan)       ? "Orphan"
                              : kube::api::hasFinalizer(value, kForeground) ? "Foreground"
                              : waiting && owns                             ? "Foreground"
                                                                            : "Background";
  Call call = collectorCall();
  const auto removed = engine_.remove(*kind, item.second, options, call);
  if (!removed && removed.error().code != 404)
    log::warn("garbage collection",
              {{"object", item.second.print()}, {"error", removed.error().message}});
}

}  // namespace iop::apiserver
