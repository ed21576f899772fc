#pragma once

// What Kubernetes calls things: kinds, resources, names, references.
//
//   GroupVersionKind kind = parseKind("apps/v1", "Deployment");
//   ObjectKey key{"shop", "web"};   // printed "shop/web"; {"", "web"} is printed "web"
//
// Plain data, no I/O.

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace iop::kube::api {

struct GroupVersionKind {
  std::string group;  // empty: the core group
  std::string version;
  std::string kind;

  // "apps/v1", or "v1" for the core group.
  std::string apiVersion() const { return group.empty() ? version : group + "/" + version; }
  auto operator<=>(const GroupVersionKind&) const = default;
};

// From the two fields that every object has.
GroupVersionKind parseKind(std::string_view apiVersion, std::string_view kind);

// A kind as the API server serves it.
struct Resource {
  std::string group;
  std::string version;
  std::string plural;  // "deployments": the name in the URL and in RBAC rules
  std::string kind;
  bool namespaced = true;

  std::string apiVersion() const { return group.empty() ? version : group + "/" + version; }
  GroupVersionKind gvk() const { return {group, version, kind}; }
  auto operator<=>(const Resource&) const = default;
};

struct ObjectKey {
  std::string namespaceName;  // empty: cluster-scoped
  std::string name;

  std::string print() const { return namespaceName.empty() ? name : namespaceName + "/" + name; }
  auto operator<=>(const ObjectKey&) const = default;
};

// Names one object of any kind; `uid` may be empty where only the name is meant.
struct ObjectRef {
  std::string apiVersion;
  std::string kind;
  std::string namespaceName;
  std::string name;
  std::string uid;

  ObjectKey key() const { return {namespaceName, name}; }
  auto operator<=>(const ObjectRef&) const = default;
};

}  // namespace iop::kube::api

template <>
struct std::hash<iop::kube::api::ObjectKey> {
  std::size_t operator()(const iop::kube::api::ObjectKey& key) const noexcept {
    return std::hash<std::string>()(key.namespaceName) * 1099511628211ULL ^
           std::hash<std::string>()(key.name);
  }
};
