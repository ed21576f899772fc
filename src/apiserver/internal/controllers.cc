#include "apiserver/internal/controllers.h"

#include "apiserver/auth/authorizer.h"
#include "base/log.h"
#include "base/time.h"
#include "kube/api/object.h"

namespace iop::apiserver {
namespace {

constexpr int kItemsPerRun = 500;
constexpr std::chrono::hours kEventLifetime{1};
constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kNamespaces[] = {"default", "kube-system", "kube-public",
                                            "kube-node-lease"};

Value object(std::string_view apiVersion, std::string_view kind, std::string_view name,
             std::string_view namespaceName = {}) {
  Value metadata = Value::object({{"name", name}});
  if (!namespaceName.empty()) metadata.set("namespace", namespaceName);
  return Value::object(
      {{"apiVersion", apiVersion}, {"kind", kind}, {"metadata", std::move(metadata)}});
}

Value priorityClass(std::string_view name, std::int64_t value, std::string_view description) {
  Value out = object("scheduling.k8s.io/v1", "PriorityClass", name);
  out.set("value", value);
  out.set("description", description);
  out.set("preemptionPolicy", "PreemptLowerPriority");
  out.edit("metadata").set("generation", 1);
  return out;
}

}  // namespace

Controllers::Controllers(Engine& engine, std::string caCertificatePem, Hooks hooks)
    : engine_(engine), caCertificatePem_(std::move(caCertificatePem)), hooks_(std::move(hooks)) {
  engine_.addListener([this](std::string_view table, const ObjectPtr& before,
                             const ObjectPtr& after) { onChange(table, before, after); });
}

void Controllers::start() {
  const auto makeOnce = [&](std::string_view table, const Value& wanted) {
    const Status made = engine_.write(table, kube::api::keyOf(wanted), [&](const Value& stored) {
      return stored.isNull() ? wanted : stored;
    });
    if (!made) log::error("the API server cannot write", {{"error", made.error().message}});
  };
  for (const ObjectPtr& crd : engine_.objects("apiextensions.k8s.io/customresourcedefinitions")) {
    serveCrd(crd->value);
    enqueue("apiextensions.k8s.io/customresourcedefinitions", kube::api::keyOf(crd->value));
  }
  for (const std::string& table : engine_.storage().tables()) {
    for (const ObjectPtr& one : engine_.objects(table)) {
      index(table, one, true);
      if (!one->value["metadata"]["ownerReferences"].empty() ||
          kube::api::isBeingDeleted(one->value))
        enqueue(table, kube::api::keyOf(one->value));
    }
  }
  for (const std::string_view name : kNamespaces) {
    Value wanted = object("v1", "Namespace", name);
    wanted.edit("metadata").set("labels", Value::object({{"kubernetes.io/metadata.name", name}}));
    wanted.set("spec", Value::object({{"finalizers", Value::array({"kubernetes"})}}));
    wanted.set("status", Value::object({{"phase", "Active"}}));
    makeOnce("namespaces", wanted);
    enqueue("namespaces", {"", std::string(name)});
  }
  for (const Value& role : auth::bootstrapRoles()) {
    const kube::api::GroupVersionKind kind = kube::api::kindOf(role);
    const Kind* served = engine_.registry().findByKind(kind);
    ASSERT(served != nullptr);
    makeOnce(served->table, role);
  }
  makeOnce("scheduling.k8s.io/priorityclasses",
           priorityClass("system-node-critical", 2'000'001'000,
                         "Used for system critical pods that must not be moved from their current "
                         "node."));
  makeOnce("scheduling.k8s.io/priorityclasses",
           priorityClass("system-cluster-critical", 2'000'000'000,
                         "Used for system critical pods that must run in the cluster, but can be "
                         "moved to another node if necessary."));
  Value service = object("v1", "Service", "kubernetes", "default");
  service.edit("metadata")
      .set("labels", Value::object({{"component", "apiserver"}, {"provider", "kubernetes"}}));
  service.set(
      "spec",
      Value::object(
          {{"clusterIP", "10.0.0.1"},
           {"clusterIPs", Value::array({"10.0.0.1"})},
           {"internalTrafficPolicy", "Cluster"},
           {"ipFamilies", Value::array({"IPv4"})},
           {"ipFamilyPolicy", "SingleStack"},
           {"ports",
            Value::array({Value::object(
                {{"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", 6443}})})},
           {"sessionAffinity", "None"},
           {"type", "ClusterIP"}}));
  service.set("status", Value::object({{"loadBalancer", Value::object()}}));
  makeOnce("services", service);
}

void Controllers::enqueue(std::string_view table, const ObjectKey& key) {
  Item item(table, key);
  if (!queued_.insert(item).second) return;
  queue_.push_back(std::move(item));
  if (!std::exchange(scheduled_, true)) hooks_.schedule();
}

void Controllers::enqueueDependents(const std::string& uid) {
  const auto found = dependents_.find(uid);
  if (found == dependents_.end()) return;
  for (const Item& item : found->second) enqueue(item.first, item.second);
}

void Controllers::index(std::string_view table, const ObjectPtr& object, bool add) {
  const Value& references = object->value["metadata"]["ownerReferences"];
  if (references.empty()) return;
  const Item item(table, kube::api::keyOf(object->value));
  for (const Value& reference : references.items()) {
    const std::string uid = reference["uid"].toString();
    if (add) {
      dependents_[uid].insert(item);
    } else if (const auto found = dependents_.find(uid); found != dependents_.end()) {
      found->second.erase(item);
      if (found->second.empty()) dependents_.erase(found);
    }
  }
}

void Controllers::onChange(std::string_view table, const ObjectPtr& before,
                           const ObjectPtr& after) {
  if (table.starts_with(kRbac)) {
    hooks_.rolesChanged();
    if (table == "rbac.authorization.k8s.io/clusterroles") enqueue(table, {});
  }
  if (before != nullptr) {
    index(table, before, false);
    // Who owned it may be waiting for it to go.
    for (const Value& reference : before->value["metadata"]["ownerReferences"].items()) {
      const Kind* kind = engine_.registry().findByKind(
          kube::api::parseKind(reference["apiVersion"].asString(), reference["kind"].asString()));
      if (after != nullptr || kind == nullptr) continue;
      enqueue(kind->table,
              {kind->resource.namespaced ? std::string(kube::api::namespaceOf(before->value)) : "",
               reference["name"].toString()});
    }
  }
  if (after == nullptr) {
    const Value& gone = before->value;
    enqueueDependents(std::string(kube::api::uidOf(gone)));
    const std::string namespaceName(kube::api::namespaceOf(gone));
    if (!namespaceName.empty()) {
      const ObjectPtr space = engine_.storage().find("namespaces", {"", namespaceName});
      if (space != nullptr && kube::api::isBeingDeleted(space->value))
        enqueue("namespaces", {"", namespaceName});
    }
    if (table == "apiextensions.k8s.io/customresourcedefinitions") {
      const std::string name(kube::api::nameOf(gone));
      for (const Kind* kind : engine_.registry().kinds()) {
        if (kind->custom && qualifiedResource(kind->resource.group, kind->resource.plural) == name)
          hooks_.kindChanges(*kind);
      }
      engine_.registry().removeCrd(name);
      served_.erase(name);
      return;
    }
    for (const Kind* kind : engine_.registry().kinds()) {
      if (!kind->custom || kind->table != table) continue;
      enqueue("apiextensions.k8s.io/customresourcedefinitions",
              {"", qualifiedResource(kind->resource.group, kind->resource.plural)});
      break;
    }
    return;
  }
  index(table, after, true);
  const Value& now = after->value;
  const bool owned = !now["metadata"]["ownerReferences"].empty();
  if (owned || kube::api::isBeingDeleted(now) || table == "namespaces" ||
      table == "apiextensions.k8s.io/customresourcedefinitions")
    enqueue(table, kube::api::keyOf(now));
}

void Controllers::run() {
  scheduled_ = false;
  for (int i = 0; i < kItemsPerRun && !queue_.empty(); ++i) {
    const Item item = std::move(queue_.front());
    queue_.pop_front();
    queued_.erase(item);
    sync(item);
  }
  if (!queue_.empty() && !std::exchange(scheduled_, true)) hooks_.schedule();
}

void Controllers::sync(const Item& item) {
  const auto& [table, key] = item;
  if (table == "namespaces") {
    syncNamespace(key);
  } else if (table == "apiextensions.k8s.io/customresourcedefinitions") {
    syncCrd(key);
  } else if (table == "rbac.authorization.k8s.io/clusterroles" && key.name.empty()) {
    syncAggregatedRoles();
    return;
  }
  collect(item);
}

const Kind* Controllers::kindOfTable(std::string_view table) const {
  const std::size_t slash = table.rfind('/');
  return slash == std::string_view::npos
             ? engine_.registry().findAny("", table)
             : engine_.registry().findAny(table.substr(0, slash), table.substr(slash + 1));
}

void Controllers::syncAggregatedRoles() {
  constexpr std::string_view kTable = "rbac.authorization.k8s.io/clusterroles";
  std::vector<Value> roles;
  for (const ObjectPtr& role : engine_.objects(kTable)) roles.push_back(role->value);
  for (const Value& role : roles) {
    if (role["aggregationRule"].isNull()) continue;
    const Value rules = auth::aggregate(role, roles);
    const Status written = engine_.write(kTable, kube::api::keyOf(role), [&](const Value& stored) {
      if (stored.isNull() || stored["rules"] == rules) return stored;
      Value changed = stored;
      changed.set("rules", rules);
      return changed;
    });
    if (!written) log::error("aggregate a role", {{"error", written.error().message}});
  }
}

void Controllers::expireEvents() {
  const base::Time oldest = engine_.clock().now() - kEventLifetime;
  const Kind* kind = engine_.registry().find("", "v1", "events");
  Call call{.user = {.name = "system:apiserver"}, .fieldManager = "kube-apiserver"};
  for (const ObjectPtr& event : engine_.objects("events")) {
    std::string_view last = event->value["lastTimestamp"].asString();
    if (last.empty()) last = event->value["series"]["lastObservedTime"].asString();
    if (last.empty()) last = event->value["metadata"]["creationTimestamp"].asString();
    const auto time = base::parseTime(last);
    if (time && *time > oldest) continue;
    const auto removed = engine_.remove(*kind, kube::api::keyOf(event->value), {}, call);
    if (!removed) log::warn("expire an event", {{"error", removed.error().message}});
  }
}

}  // namespace iop::apiserver
