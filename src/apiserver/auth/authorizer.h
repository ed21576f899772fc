#pragma once

// Who may do what: RBAC as kube-apiserver evaluates it (plugin/pkg/auth/authorizer/rbac).
//
//   Authorizer authorizer(roles);          // looks roles and bindings up in the storage
//   Decision decision = authorizer.authorize({.user = user, .verb = "get", .resource = "secrets"});
//   if (!decision.allowed) …
//
// Roles and bindings are read once and kept in a form that is fast to ask; whoever changes one says
// so by changed() or invalidate(), before the next question.
//
// Not thread-safe: used on the server's loop, as the storage is.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::auth {

struct User {
  std::string name;
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};
};

// What somebody asks to do: a path where `resource` is empty and `path` is not, else a resource.
struct Attributes {
  User user;
  std::string verb;
  std::string group = {};
  std::string version = {};
  std::string resource = {};  // plural
  std::string subresource = {};
  std::string namespaceName = {};
  std::string name = {};
  std::string path = {};

  bool isPath() const { return resource.empty() && !path.empty(); }
};

struct Decision {
  bool allowed = false;
  // Allowed: "RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to User "z"", or empty for
  // members of system:masters; not: what went wrong while looking, or empty ("rbac: RBAC:
  // clusterrole.rbac.authorization.k8s.io "x" not found").
  std::string reason;
};

// Where roles and bindings are: each function gives all objects of a kind (of a namespace), or one.
struct RoleSource {
  std::function<std::vector<Value>()> clusterRoleBindings;
  std::function<std::vector<Value>(std::string_view namespaceName)> roleBindings;
  // Null Values where absent.
  std::function<Value(std::string_view name)> clusterRole;
  std::function<Value(std::string_view namespaceName, std::string_view name)> role;
};

class Authorizer {
 public:
  explicit Authorizer(RoleSource source);
  ~Authorizer();
  Authorizer(const Authorizer&) = delete;
  Authorizer& operator=(const Authorizer&) = delete;

  // Roles or bindings have changed: what is known of them is read anew.
  void invalidate();
  // One has been made, changed or deleted. `resource` is its plural ("clusterroles", "roles",
  // "clusterrolebindings", "rolebindings"); others are passed over. Cheaper than invalidate(): a
  // role costs no more than reading it again, a binding the bindings of its namespace.
  void changed(std::string_view resource, std::string_view namespaceName, std::string_view name);

  Decision authorize(const Attributes& attributes) const;
  // All rules of a user in a namespace, for SelfSubjectRulesReview: {resourceRules,
  // nonResourceRules, incomplete, evaluationError?}. In the order of the source: those of
  // ClusterRoleBindings first.
  Value rulesOf(const User& user, std::string_view namespaceName) const;
  // The rights in `rules` (PolicyRules) that the user does not have in the namespace (empty:
  // cluster-wide), in the words of the API server's escalation check; empty if they have all.
  // `resource`: the plural of the object that is written, which the real server names where a role
  // of the user's is missing ("resolution errors: [rolebindings.rbac.authorization.k8s.io "x" not
  // found]"); empty: that of the missing role.
  std::string findEscalation(const User& user, std::string_view namespaceName, const Value& rules,
                             std::string_view resource = {}) const;

 private:
  struct Role;
  struct Binding;
  struct Scope;
  class Problems;

  const Scope& scopeOf(std::string_view namespaceName) const;
  // The role that a binding refers to; without rules and not `found` where there is none.
  const Role& roleOf(const Binding& binding) const;
  // Calls `visit` with each role that a user has by a binding; false ends it. Roles that are not
  // there are added to `problems`.
  template <typename Visit>
  void visitRoles(const User& user, std::string_view namespaceName, Problems& problems,
                  const Visit& visit) const;

  RoleSource source_;
  mutable std::map<std::string, std::unique_ptr<Scope>, std::less<>> scopes_;  // by namespace
  mutable std::map<std::string, std::shared_ptr<const Role>, std::less<>> roles_;
  std::uint64_t rolesVersion_ = 1;  // grows with each change of a role
};

// The rules of a ClusterRole with an aggregationRule: those of all ClusterRoles that its selectors
// name, by selector and then by name, each rule once (kube-controller-manager,
// pkg/controller/clusterroleaggregation). Null where there are none, as the real controller leaves
// it. The role itself is never a source. Pure.
Value aggregate(const Value& clusterRole, const std::vector<Value>& clusterRoles);

// The ClusterRoles, ClusterRoleBindings, and the Roles and RoleBindings of kube-system that every
// cluster has (cluster-admin, admin, edit, view, system:discovery, system:basic-user, …), as
// objects without uids and versions. Recorded from kube-apiserver 1.37.2; those for nodes and
// controllers are left out. bootstrap.json.
const std::vector<Value>& bootstrapRoles();

}  // namespace iop::apiserver::auth
