#pragma once

// The kinds that the server serves: the built-in ones, and those of CustomResourceDefinitions.
//
//   Registry registry;
//   const Kind* kind = registry.find("apps", "v1", "deployments");
//   registry.setCrd(crd);                       // from now on its kinds are found, too
//
// Not thread-safe: used on the server's loop.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/kinds/strategy.h"
#include "apiserver/kinds/table.h"
#include "apiserver/schema/schema.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::apiserver {

// One resource in one version, as it is served.
class Kind {
 public:
  kube::api::Resource resource;
  std::string table;                // of the storage: the same for all versions
  Value entry;                      // its APIResource of discovery
  std::vector<Value> subresources;  // APIResources, "name/status"
  const kinds::Strategy* strategy = nullptr;
  kinds::TableColumns columns;
  bool custom = false;            // of a CRD
  bool terminating = false;       // its CRD is being deleted: nothing new is made
  bool defaultsOnRead = false;    // stored objects may lack defaults: the CRD has changed since
  std::string storageApiVersion;  // what objects are stored as
  std::string deprecationWarning;
  Value scale;                                // of a CRD: subresources.scale
  Value published;                            // of a CRD: the version's openAPIV3Schema
  std::vector<std::string> selectableFields;  // of a CRD: JSON paths

  bool allows(std::string_view verb) const;
  // The APIResource of a subresource; null if it has none of that name.
  const Value* findSubresource(std::string_view name) const;
  bool hasStatus() const { return findSubresource("status") != nullptr; }
  // Of a built-in kind: the name of its schema in OpenAPI.
  std::string schemaName() const;
  // Null where the CRD has none that could be read.
  const schema::Schema* schema() const;

 private:
  friend class Registry;
  mutable schema::DocumentPtr schema_;
};

class Registry {
 public:
  Registry();
  ~Registry();

  const Kind* find(std::string_view group, std::string_view version, std::string_view plural) const;
  const Kind* findByKind(const kube::api::GroupVersionKind& kind) const;
  // Any version of a resource: the one that is stored, if that is served.
  const Kind* findAny(std::string_view group, std::string_view plural) const;
  // All kinds by group, version and plural.
  std::vector<const Kind*> kinds() const;
  // The versions of a group as Kubernetes sorts them: GA, beta, alpha, higher ones first. Empty for
  // a group that is not served.
  std::vector<std::string> versionsOf(std::string_view group) const;
  // The groups but the core group: built-in ones as the real server orders them, then those of CRDs
  // by name.
  std::vector<std::string> groups() const;
  std::vector<const Kind*> kindsOf(std::string_view group, std::string_view version) const;

  // Serves the versions of a CRD whose names are accepted, in place of what was served for it.
  void setCrd(const Value& crd);
  void removeCrd(std::string_view name);
  // The CRD is being deleted: its kinds are served until their objects are gone, and take no new
  // ones.
  void setTerminating(std::string_view name);
  // Counts up with each change: caches of discovery depend on it.
  std::uint64_t generation() const { return generation_; }

 private:
  struct Id {
    std::string group, version, plural;
    auto operator<=>(const Id&) const = default;
  };
  void addBuiltIn(const Value& entry);

  std::map<Id, std::unique_ptr<Kind>> kinds_;
  std::map<std::string, std::vector<Id>, std::less<>> crds_;
  std::uint64_t generation_ = 1;
};

// The APIResource entries of a CRD's version, the resource itself first, then its subresources.
std::vector<Value> discoveryOfCrd(const Value& crd, const Value& version);

// Kubernetes' order of versions: v2 before v1 before v1beta1 before v1alpha1 before anything else.
bool versionComesFirst(std::string_view a, std::string_view b);

}  // namespace iop::apiserver
