#include "apiserver/auth/authorizer.h"

#include <algorithm>

#include "apiserver/auth/internal/go_text.h"
#include "apiserver/auth/internal/rules.h"

namespace iop::apiserver::auth {

using internal::Question;
using internal::Rule;

namespace {

constexpr std::string_view kMasters = "system:masters";
constexpr std::string_view kAccountPrefix = "system:serviceaccount:";
constexpr std::string_view kClusterRole = "ClusterRole";
// Requests name namespaces that nobody made: what is kept is thrown away beyond this number.
constexpr std::size_t kMaxKept = 10000;

bool isMember(const User& user, std::string_view group) {
  return std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end();
}

// The name of the user that a subject of kind ServiceAccount is; empty: none.
std::string accountOf(const Value& subject, std::string_view bindingNamespace) {
  std::string_view where = subject["namespace"].asString();
  if (where.empty()) where = bindingNamespace;
  if (where.empty()) return {};
  return std::string(kAccountPrefix).append(where).append(":").append(subject["name"].asString());
}

// Who of a binding's subjects the user is, in words; the first one counts.
std::string describeSubject(const Value& subjects, const User& user,
                            std::string_view bindingNamespace) {
  for (const Value& subject : subjects.items()) {
    const std::string_view kind = subject["kind"].asString();
    const std::string_view name = subject["name"].asString();
    if (kind == "User" ? name == user.name : kind == "Group" && isMember(user, name))
      return std::string(kind) + " " + internal::quote(name);
    if (kind != "ServiceAccount" || accountOf(subject, bindingNamespace) != user.name) continue;
    std::string_view where = subject["namespace"].asString();
    if (where.empty()) where = bindingNamespace;
    return "ServiceAccount " + internal::quote(std::string(name).append("/").append(where));
  }
  return {};
}

std::string roleKey(std::string_view namespaceName, std::string_view name) {
  return std::string(namespaceName).append("/").append(name);
}

}  // namespace

struct Authorizer::Role {
  bool found = false;
  std::vector<Rule> rules;
};

struct Authorizer::Binding {
  std::string name;
  std::string_view namespaceName;  // of the scope; empty: a ClusterRoleBinding
  bool isClusterRole = true;
  std::string roleName;
  Value subjects;
  // As it was when `rolesVersion_` was that number.
  mutable std::shared_ptr<const Role> role;
  mutable std::uint64_t version = 0;
};

// The bindings of a namespace (or of the cluster), by whom they concern.
struct Authorizer::Scope {
  using Numbers = std::vector<std::size_t>;  // of bindings

  std::string namespaceName;
  std::vector<Binding> bindings;
  std::map<std::string, Numbers, std::less<>> byUser, byGroup;

  void add(const Value& object);
  // Those that concern a user, in order.
  Numbers find(const User& user) const;
};

void Authorizer::Scope::add(const Value& object) {
  const Value& ref = object["roleRef"];
  const std::size_t number = bindings.size();
  bindings.push_back({.name = object["metadata"]["name"].toString(),
                      .namespaceName = namespaceName,
                      .isClusterRole = ref["kind"].asString() == kClusterRole,
                      .roleName = ref["name"].toString(),
                      .subjects = object["subjects"],
                      .role = nullptr});
  for (const Value& subject : object["subjects"].items()) {
    const std::string_view kind = subject["kind"].asString();
    std::string name;
    if (kind == "User" || kind == "Group") name = subject["name"].toString();
    if (kind == "ServiceAccount") name = accountOf(subject, namespaceName);
    if (name.empty()) continue;
    Numbers& numbers = (kind == "Group" ? byGroup : byUser)[name];
    if (numbers.empty() || numbers.back() != number) numbers.push_back(number);
  }
}

Authorizer::Scope::Numbers Authorizer::Scope::find(const User& user) const {
  Numbers out;
  const auto add = [&out](const auto& index, std::string_view name) {
    const auto found = index.find(name);
    if (found != index.end()) out.insert(out.end(), found->second.begin(), found->second.end());
  };
  add(byUser, user.name);
  for (const std::string& group : user.groups) add(byGroup, group);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// What went wrong on the way. Errors name a missing role by its kind where the server looked into
// its cache, and by a resource where it asked the storage.
class Authorizer::Problems {
 public:
  enum class Naming { Kind, Resource };

  explicit Problems(Naming naming, std::string_view resource = {})
      : naming_(naming), resource_(resource) {}

  void addMissing(const Binding& binding) {
    std::string what(resource_);
    if (what.empty()) {
      what = binding.isClusterRole ? "clusterrole" : "role";
      if (naming_ == Naming::Resource) what += 's';
    }
    texts_.push_back(what + ".rbac.authorization.k8s.io " + internal::quote(binding.roleName) +
                     " not found");
  }
  bool empty() const { return texts_.empty(); }
  std::string print() const { return internal::printErrors(texts_); }

 private:
  Naming naming_;
  std::string_view resource_;
  std::vector<std::string> texts_;
};

Authorizer::Authorizer(RoleSource source) : source_(std::move(source)) {}

Authorizer::~Authorizer() = default;

void Authorizer::invalidate() {
  scopes_.clear();
  roles_.clear();
  ++rolesVersion_;
}

void Authorizer::changed(std::string_view resource, std::string_view namespaceName,
                         std::string_view name) {
  if (resource == "clusterroles" || resource == "roles") {
    const std::string key = roleKey(resource == "roles" ? namespaceName : "", name);
    // One that no binding has asked for yet is nobody's.
    if (roles_.erase(key) > 0) ++rolesVersion_;
  } else if (resource == "clusterrolebindings" || resource == "rolebindings") {
    const auto known = scopes_.find(resource == "rolebindings" ? namespaceName : "");
    if (known != scopes_.end()) scopes_.erase(known);
  }
}

const Authorizer::Scope& Authorizer::scopeOf(std::string_view namespaceName) const {
  static const Scope kNobody;
  if (const auto known = scopes_.find(namespaceName); known != scopes_.end())
    return known->second == nullptr ? kNobody : *known->second;
  if (scopes_.size() >= kMaxKept) {
    // Only namespaces: the cluster's bindings may be in use.
    scopes_.erase(scopes_.upper_bound(""), scopes_.end());
  }
  const std::vector<Value> objects =
      namespaceName.empty() ? source_.clusterRoleBindings() : source_.roleBindings(namespaceName);
  std::unique_ptr<Scope>& kept = scopes_[std::string(namespaceName)];
  if (objects.empty()) return kNobody;
  kept = std::make_unique<Scope>();
  kept->namespaceName = namespaceName;
  kept->bindings.reserve(objects.size());
  for (const Value& object : objects) kept->add(object);
  return *kept;
}

const Authorizer::Role& Authorizer::roleOf(const Binding& binding) const {
  if (binding.version == rolesVersion_) return *binding.role;
  const std::string_view where = binding.isClusterRole ? "" : binding.namespaceName;
  if (roles_.size() >= kMaxKept) roles_.clear();
  std::shared_ptr<const Role>& kept = roles_[roleKey(where, binding.roleName)];
  if (kept == nullptr) {
    const Value object = binding.isClusterRole ? source_.clusterRole(binding.roleName)
                                               : source_.role(where, binding.roleName);
    const auto role = std::make_shared<Role>();
    role->found = !object.isNull();
    for (const Value& rule : object["rules"].items()) role->rules.emplace_back(rule);
    kept = role;
  }
  binding.role = kept;
  binding.version = rolesVersion_;
  return *binding.role;
}

template <typename Visit>
void Authorizer::visitRoles(const User& user, std::string_view namespaceName, Problems& problems,
                            const Visit& visit) const {
  const auto visitScope = [&](std::string_view where) {
    const Scope& scope = scopeOf(where);
    for (const std::size_t number : scope.find(user)) {
      const Binding& binding = scope.bindings[number];
      const Role& role = roleOf(binding);
      if (!role.found) problems.addMissing(binding);
      if (!visit(role, binding)) return false;
    }
    return true;
  };
  if (visitScope("") && !namespaceName.empty()) visitScope(namespaceName);
}

Decision Authorizer::authorize(const Attributes& asked) const {
  if (isMember(asked.user, kMasters)) return {true, ""};
  Question question{.verb = asked.verb,
                    .group = asked.group,
                    .resource = asked.resource,
                    .subresource = asked.subresource,
                    .whole = asked.resource,
                    .name = asked.name,
                    .path = asked.path,
                    .isPath = asked.isPath()};
  std::string whole;
  if (!asked.subresource.empty()) {
    whole = asked.resource + "/" + asked.subresource;
    question.whole = whole;
  }
  Decision decision;
  Problems problems(Problems::Naming::Kind);
  visitRoles(asked.user, question.isPath ? std::string_view() : asked.namespaceName, problems,
             [&](const Role& role, const Binding& binding) {
               if (std::none_of(role.rules.begin(), role.rules.end(),
                                [&](const Rule& rule) { return rule.allows(question); }))
                 return true;
               const bool isCluster = binding.namespaceName.empty();
               std::string name = binding.name;
               if (!isCluster) name.append("/").append(binding.namespaceName);
               decision.allowed = true;
               decision.reason.append("RBAC: allowed by ")
                   .append(isCluster ? "ClusterRoleBinding " : "RoleBinding ")
                   .append(internal::quote(name))
                   .append(binding.isClusterRole ? " of ClusterRole " : " of Role ")
                   .append(internal::quote(binding.roleName))
                   .append(" to ")
                   .append(describeSubject(binding.subjects, asked.user, binding.namespaceName));
               return false;
             });
  if (!decision.allowed && !problems.empty()) decision.reason = "rbac: RBAC: " + problems.print();
  return decision;
}

Value Authorizer::rulesOf(const User& user, std::string_view namespaceName) const {
  Value resources = Value::array(), paths = Value::array();
  Problems problems(Problems::Naming::Kind);
  visitRoles(user, namespaceName, problems, [&](const Role& role, const Binding&) {
    for (const Rule& one : role.rules) {
      const Value& rule = one.value();
      if (!rule["resources"].empty()) {
        Value shown = Value::object({{"verbs", rule["verbs"]},
                                     {"apiGroups", rule["apiGroups"]},
                                     {"resources", rule["resources"]}});
        if (!rule["resourceNames"].empty()) shown.set("resourceNames", rule["resourceNames"]);
        resources.push(std::move(shown));
      }
      if (!rule["nonResourceURLs"].empty()) {
        paths.push(Value::object(
            {{"verbs", rule["verbs"]}, {"nonResourceURLs", rule["nonResourceURLs"]}}));
      }
    }
    return true;
  });
  // A role that is not there is an error of the evaluation, and yet the list counts as complete.
  Value out = Value::object({{"resourceRules", std::move(resources)},
                             {"nonResourceRules", std::move(paths)},
                             {"incomplete", false}});
  if (!problems.empty()) out.set("evaluationError", problems.print());
  return out;
}

std::string Authorizer::findEscalation(const User& user, std::string_view namespaceName,
                                       const Value& rules, std::string_view resource) const {
  if (isMember(user, kMasters)) return {};
  std::vector<const Rule*> owned;
  // A source that is read on the way may throw away what is kept: these stay.
  std::vector<std::shared_ptr<const Role>> roles;
  Problems problems(Problems::Naming::Resource, resource);
  visitRoles(user, namespaceName, problems, [&](const Role&, const Binding& binding) {
    roles.push_back(binding.role);
    for (const Rule& rule : binding.role->rules) owned.push_back(&rule);
    return true;
  });
  std::vector<Rule> wanted;
  wanted.reserve(rules.size());
  for (const Value& rule : rules.items()) wanted.emplace_back(rule);
  const auto missing = findMissing(owned, wanted);
  if (missing && missing->empty()) return {};
  std::string out = "user " + internal::quote(user.name) +
                    " (groups=" + internal::quoteList(user.groups) + ") is attempting to grant ";
  if (!missing) return out + "more RBAC permissions than can be compared with those held";
  out += "RBAC permissions not currently held:";
  for (const std::string& right : *missing) out.append("\n").append(right);
  if (!problems.empty()) out += "; resolution errors: [" + problems.print() + "]";
  return out;
}

}  // namespace iop::apiserver::auth
