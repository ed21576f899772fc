#pragma once

// The objects of a simulation: what manifests say, and what is applied to them in memory, as an API
// server would keep it (simulate.h).
//
// It knows no rights, admission, controllers or schemas: what is applied is there. UIDs and
// resourceVersions are made up, from names and a count, so that equal runs give equal objects.

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::operators::coupling {

class SimulatedWorld {
 public:
  explicit SimulatedWorld(base::Time now) : now_(now) {}

  // The scope of kinds that a CustomResourceDefinition defines is taken from it, from now on.
  void learnKinds(const Value& definition);
  // An object of a manifest, without what only an API server writes; of equal names the last one
  // stays. Error: Invalid where it has no apiVersion, kind or name.
  Status add(Value object, const std::string& defaultNamespace);

  // Of kinds that nobody has heard of: namespaced, with the plural that their authors most likely
  // chose.
  kube::api::Resource resolve(const kube::api::GroupVersionKind& kind) const;
  // Versions of one kind are the same objects. Valid until it is removed; null if there is none.
  const Value* find(const kube::api::GroupVersionKind& kind, const kube::api::ObjectKey& key) const;
  // Sorted by namespace and name.
  std::vector<kube::api::ObjectKey> keysOf(const kube::api::GroupVersionKind& kind) const;

  // Lays the fields over the object that is there, or makes it. Lists are replaced. The UID.
  std::string apply(const Value& object);
  // With a finalizer it is being deleted; otherwise it is gone.
  void remove(const kube::api::GroupVersionKind& kind, const kube::api::ObjectKey& key);
  // Stores an object whose metadata or status was changed.
  void put(const Value& object);

  // Counts the changes: equal numbers mean that nothing has changed in between.
  std::int64_t changes() const { return version_; }

 private:
  // Group, kind, namespace and name.
  using Id = std::tuple<std::string, std::string, std::string, std::string>;

  static Id idOf(const kube::api::GroupVersionKind& kind, const kube::api::ObjectKey& key);
  void stamp(Value& object);

  base::Time now_;
  std::int64_t version_ = 0;
  std::map<Id, Value> objects_;
  std::map<Id, int> born_;  // how often an object of that name was made
  std::map<std::pair<std::string, std::string>, std::pair<std::string, bool>> defined_;
};

}  // namespace iop::operators::coupling
