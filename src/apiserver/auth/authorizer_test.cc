#include "apiserver/auth/authorizer.h"

#include <gtest/gtest.h>

#include "text/yaml.h"

namespace iop::apiserver::auth {
namespace {

Value yaml(std::string_view text) {
  const auto parsed = text::parseYaml(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed.value_or(Value());
}

// Roles and bindings as a cluster has them.
class AuthorizerTest : public ::testing::Test {
 protected:
  AuthorizerTest()
      : authorizer(
            {.clusterRoleBindings = [this] { return clusterBindings; },
             .roleBindings =
                 [this](std::string_view where) {
                   std::vector<Value> out;
                   for (const Value& one : bindings) {
                     if (one["metadata"]["namespace"].asString() == where) out.push_back(one);
                   }
                   return out;
                 },
             .clusterRole = [this](std::string_view name) { return clusterRoles[name]; },
             .role = [this](std::string_view, std::string_view name) { return roles[name]; }}) {}

  Decision ask(const std::string& user, const std::string& verb, const std::string& resource,
               const std::string& name = "", const std::string& space = "shop",
               const std::string& subresource = "", const std::string& group = "") {
    return authorizer.authorize({.user = {.name = user, .groups = groups},
                                 .verb = verb,
                                 .group = group,
                                 .version = "v1",
                                 .resource = resource,
                                 .subresource = subresource,
                                 .namespaceName = space,
                                 .name = name});
  }

  std::vector<Value> clusterBindings, bindings;
  Value clusterRoles = Value::object(), roles = Value::object();
  std::vector<std::string> groups;
  Authorizer authorizer;
};

TEST_F(AuthorizerTest, ARoleCountsInItsNamespaceForItsSubjectsOnly) {
  roles.set("reader",
            yaml("rules: [{apiGroups: [''], resources: [pods, pods/log], verbs: [get]}]"));
  bindings = {yaml(R"(
metadata: {name: b, namespace: shop}
roleRef: {kind: Role, name: reader}
subjects: [{kind: User, name: joe}, {kind: ServiceAccount, name: sa, namespace: other}, {kind: Group, name: devs}])")};
  EXPECT_TRUE(ask("joe", "get", "pods").allowed);
  EXPECT_EQ(ask("joe", "get", "pods").reason,
            "RBAC: allowed by RoleBinding \"b/shop\" of Role \"reader\" to User \"joe\"");
  EXPECT_TRUE(ask("joe", "get", "pods", "", "shop", "log").allowed);
  EXPECT_TRUE(ask("system:serviceaccount:other:sa", "get", "pods").allowed);
  EXPECT_FALSE(ask("system:serviceaccount:shop:sa", "get", "pods").allowed);
  EXPECT_FALSE(ask("joe", "list", "pods").allowed);
  EXPECT_FALSE(ask("joe", "get", "secrets").allowed);
  EXPECT_FALSE(ask("joe", "get", "pods", "", "elsewhere").allowed);
  EXPECT_FALSE(ask("joe", "get", "pods", "", "shop", "exec").allowed);
  EXPECT_FALSE(ask("joe", "get", "pods", "", "shop", "", "apps").allowed);
  EXPECT_FALSE(ask("jane", "get", "pods").allowed);
  groups = {"devs"};
  EXPECT_TRUE(ask("jane", "get", "pods").allowed);
}

TEST_F(AuthorizerTest, NamedRulesNeedTheName) {
  roles.set("one", yaml("rules: [{apiGroups: [''], resources: [secrets], resourceNames: [a], "
                        "verbs: ['*']}]"));
  bindings = {
      yaml("{metadata: {name: b, namespace: shop}, roleRef: {kind: Role, name: one}, "
           "subjects: [{kind: User, name: joe}]}")};
  EXPECT_TRUE(ask("joe", "get", "secrets", "a").allowed);
  EXPECT_FALSE(ask("joe", "get", "secrets", "b").allowed);
  EXPECT_FALSE(ask("joe", "list", "secrets").allowed);
}

TEST_F(AuthorizerTest, ClusterBindingsCountEverywhereAndForPaths) {
  clusterRoles.set("all", yaml("rules: [{apiGroups: ['*'], resources: ['*/status'], verbs: [get]}, "
                               "{nonResourceURLs: [/metrics, /logs/*], verbs: [get]}]"));
  clusterBindings = {
      yaml("{metadata: {name: b}, roleRef: {kind: ClusterRole, name: all}, "
           "subjects: [{kind: User, name: joe}]}")};
  EXPECT_TRUE(ask("joe", "get", "widgets", "", "any", "status", "example.com").allowed);
  EXPECT_FALSE(ask("joe", "get", "widgets", "", "any", "", "example.com").allowed);
  const auto path = [&](const std::string& asked) {
    return authorizer.authorize({.user = {.name = "joe"}, .verb = "get", .path = asked}).allowed;
  };
  EXPECT_TRUE(path("/metrics"));
  EXPECT_TRUE(path("/logs/x/y"));
  EXPECT_FALSE(path("/metrics/x"));
  EXPECT_FALSE(path("/version"));
}

TEST_F(AuthorizerTest, ARoleThatIsNotThereIsTheReason) {
  bindings = {
      yaml("{metadata: {name: b, namespace: shop}, roleRef: {kind: ClusterRole, name: gone}, "
           "subjects: [{kind: User, name: joe}]}")};
  EXPECT_EQ(ask("joe", "get", "pods").reason,
            "rbac: RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found");
}

TEST_F(AuthorizerTest, MastersMayDoEverything) {
  groups = {"system:masters"};
  EXPECT_TRUE(ask("joe", "delete", "nodes").allowed);
}

TEST_F(AuthorizerTest, ChangesCountOnceItIsTold) {
  EXPECT_FALSE(ask("joe", "get", "pods").allowed);
  roles.set("reader", yaml("rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]"));
  bindings = {
      yaml("{metadata: {name: b, namespace: shop}, roleRef: {kind: Role, name: reader}, "
           "subjects: [{kind: User, name: joe}]}")};
  authorizer.invalidate();
  EXPECT_TRUE(ask("joe", "get", "pods").allowed);
}

TEST_F(AuthorizerTest, NobodyGrantsWhatTheyDoNotHave) {
  roles.set("reader", yaml("rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]"));
  bindings = {
      yaml("{metadata: {name: b, namespace: shop}, roleRef: {kind: Role, name: reader}, "
           "subjects: [{kind: User, name: joe}]}")};
  const User joe{.name = "joe", .groups = {"system:authenticated"}};
  EXPECT_EQ(authorizer.findEscalation(joe, "shop",
                                      yaml("[{apiGroups: [''], resources: [pods], verbs: [get]}]")),
            "");
  EXPECT_EQ(authorizer.findEscalation(
                joe, "shop",
                yaml("[{apiGroups: [''], resources: [pods, secrets], verbs: [get, watch]}]")),
            "user \"joe\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC "
            "permissions not currently held:\n"
            "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"watch\"]}\n"
            "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"watch\"]}");
}

TEST_F(AuthorizerTest, AnAggregatedRoleHasTheRulesThatItSelectsOnce) {
  const Value role = yaml(
      "{metadata: {name: sum}, aggregationRule: {clusterRoleSelectors: "
      "[{matchLabels: {to: sum}}]}}");
  const Value rule = yaml("{apiGroups: [''], resources: [pods], verbs: [get]}");
  const auto part = [&](const std::string& name, const std::string& label) {
    return Value::object(
        {{"metadata", Value::object({{"name", name}, {"labels", Value::object({{"to", label}})}})},
         {"rules", Value::array({rule})}});
  };
  EXPECT_EQ(aggregate(role, {part("b", "sum"), part("a", "sum"), part("c", "other"), role}),
            Value::array({rule}));
}

TEST(BootstrapRoles, HaveWhatEveryClusterHas) {
  std::set<std::string> names;
  for (const Value& role : bootstrapRoles())
    names.insert(role["kind"].toString() + "/" + role["metadata"]["name"].toString());
  for (const char* name :
       {"ClusterRole/cluster-admin", "ClusterRole/admin", "ClusterRole/edit", "ClusterRole/view",
        "ClusterRoleBinding/cluster-admin", "ClusterRoleBinding/system:discovery"})
    EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace iop::apiserver::auth
