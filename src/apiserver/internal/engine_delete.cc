#include <fmt/format.h>

#include <algorithm>

#include "apiserver/internal/crds.h"
#include "apiserver/internal/engine.h"
#include "apiserver/internal/naming.h"
#include "base/time.h"
#include "kube/api/object.h"

namespace iop::apiserver {
namespace {

constexpr std::string_view kOrphan = "orphan", kForeground = "foregroundDeletion";
constexpr std::string_view kKeptNamespaces[] = {"default", "kube-system", "kube-public"};
constexpr std::int64_t kDefaultGraceSeconds = 30;

// The object's finalizers with those of garbage collection as the options want them (apiserver,
// registry/generic/registry/store.go, deletionFinalizersForGarbageCollection).
Value finalizersFor(const Value& object, std::string_view policy) {
  Value out = Value::array();
  for (const Value& finalizer : object["metadata"]["finalizers"].items()) {
    const bool ofCollector = finalizer.asString() == kOrphan || finalizer.asString() == kForeground;
    if (!ofCollector || policy.empty()) out.push(finalizer);
  }
  if (policy == "Orphan") out.push(kOrphan);
  if (policy == "Foreground") out.push(kForeground);
  return out;
}

Failure preconditionFailure(const Kind& kind, std::string_view name, std::string_view field,
                            std::string_view wanted, std::string_view actual,
                            std::string_view advice) {
  return conflict("", kind.resource.kind, name,
                  fmt::format("the {0} in the precondition ({1}) does not match the {0} in record "
                              "({2}). The object might have been {3}",
                              field, wanted, actual, advice));
}

}  // namespace

Answer<Deleted> Engine::remove(const Kind& kind, const ObjectKey& key, const DeleteOptions& options,
                               Call& call) {
  const kube::api::Resource& resource = kind.resource;
  const ObjectPtr stored = storage_.find(kind.table, key);
  if (stored == nullptr) return tl::unexpected(notFound(resource.group, resource.plural, key.name));
  const bool isNamespace = resource.group.empty() && resource.plural == "namespaces";
  if (isNamespace && std::find(std::begin(kKeptNamespaces), std::end(kKeptNamespaces), key.name) !=
                         std::end(kKeptNamespaces)) {
    return tl::unexpected(
        forbidden("", "namespaces", key.name, "this namespace may not be deleted"));
  }
  const Value live = present(kind, stored->value);
  if (!options.uid.empty() && options.uid != kube::api::uidOf(live)) {
    return tl::unexpected(preconditionFailure(
        kind, key.name, "UID", options.uid, kube::api::uidOf(live), "deleted and then recreated"));
  }
  if (!options.resourceVersion.empty() &&
      options.resourceVersion != kube::api::resourceVersionOf(live)) {
    return tl::unexpected(preconditionFailure(kind, key.name, "ResourceVersion",
                                              options.resourceVersion,
                                              kube::api::resourceVersionOf(live), "modified"));
  }
  if (admission_ != nullptr) {
    if (auto failure = admission_(kind, "DELETE", "", {}, live, call))
      return tl::unexpected(std::move(*failure));
  }

  Value object = live;
  Value& metadata = object.edit("metadata");
  Value finalizers = finalizersFor(live, options.propagationPolicy);
  const bool isCrd = kind.table == kCrdTable && !kube::api::isBeingDeleted(live);
  if (isCrd && !kube::api::hasFinalizer(live, kCrdFinalizer)) finalizers.push(kCrdFinalizer);
  if (finalizers.empty()) {
    metadata.erase("finalizers");
  } else {
    metadata.set("finalizers", finalizers);
  }
  const bool wasDeleting = kube::api::isBeingDeleted(live);
  // A pod that no node runs is gone at once; others wait for their kubelet.
  std::int64_t grace = 0;
  if (kind.strategy->isGraceful && !live["spec"]["nodeName"].asString().empty()) {
    grace = live["spec"]["terminationGracePeriodSeconds"].asInt(kDefaultGraceSeconds);
    if (options.gracePeriodSeconds) grace = std::max<std::int64_t>(*options.gracePeriodSeconds, 0);
    if (wasDeleting)
      grace = std::min(grace, live["metadata"]["deletionGracePeriodSeconds"].asInt());
  }
  const bool waits =
      !finalizers.empty() || grace > 0 || (isNamespace && !live["spec"]["finalizers"].empty());
  if (waits) {
    if (!wasDeleting) {
      metadata.set("deletionTimestamp",
                   base::printTime(clock_.now() + std::chrono::seconds(grace)));
      if (kube::api::generationOf(live) > 0 && !isCrd)
        metadata.set("generation", kube::api::generationOf(live) + 1);
    }
    if (!isNamespace && !isCrd) metadata.set("deletionGracePeriodSeconds", grace);
    if (isCrd) {
      setCondition(object.edit("status"), "Terminating", "True", "InstanceDeletionPending",
                   "CustomResourceDefinition marked for deletion; CustomResource deletion will "
                   "begin soon",
                   base::printTime(clock_.now()));
    }
    if (isNamespace) object.edit("status").set("phase", "Terminating");
    if (call.dryRun || object == live) return Deleted{std::move(object), false};
    const auto written = store(kind.table, key, stored, toStored(kind, std::move(object)));
    if (!written) return tl::unexpected(internalError(written.error().message));
    return Deleted{present(kind, (*written)->value), false};
  }
  if (call.dryRun) return Deleted{live, true};
  const auto removed = erase(kind.table, key, stored);
  if (!removed) return tl::unexpected(internalError(removed.error().message));
  return Deleted{present(kind, (*removed)->value), true};
}

}  // namespace iop::apiserver
