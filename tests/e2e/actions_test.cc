// What resource actions make, replace, leave and remove (lifecycle.md), on a real API server.

#include <algorithm>

#include "kube/api/object.h"
#include "tests/e2e/harness.h"

namespace iop::e2e {
namespace {

constexpr char kSocket[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
)";

constexpr char kMade[] = R"(    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {host: "{% .socketConfig.hostname %}"}
)";

class Actions : public Case {
 protected:
  static std::string plug(const std::string& actions, const std::string& epoch = "one") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  epoch: )" +
           epoch + "\n  resources:\n" + actions;
  }

  std::string data(const std::string& name, const std::string& key) {
    return get("ConfigMap", name)["data"][key].toString();
  }
  Value uidOf(const std::string& name) { return get("ConfigMap", name)["metadata"]["uid"]; }
  std::vector<std::string> inventory() {
    std::vector<std::string> names;
    const Value plug = get("Plug", "plug");
    for (const Value& entry : plug["status"]["resources"].items())
      names.push_back(entry["name"].toString());
    return names;
  }
  // Coupled according to the spec as it is now.
  bool eventuallyUpToDate() {
    return eventually("the coupling is up to date", [&] {
      const Value plug = get("Plug", "plug");
      return plug["status"]["observedGeneration"] == plug["metadata"]["generation"] &&
             condition("Plug", "plug", "Ready") == "True/CouplingSucceeded";
    });
  }
};

TEST_F(Actions, OneEntryMayCarryAllFourFieldsWhichAreProcessedInTheirOrder) {
  apply(kSocket);
  apply(plug(R"(    - stringTemplates:
        - "{apiVersion: v1, kind: ConfigMap, metadata: {name: sixth}}"
        - "{apiVersion: v1, kind: ConfigMap, metadata: {name: seventh}}"
      stringTemplate: |
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: fourth}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: fifth}
      templates:
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: second}}
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: third}}
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: first}}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_TRUE(exists("ConfigMap", "first")) << "template makes its object";
  EXPECT_TRUE(exists("ConfigMap", "second")) << "templates makes its first object";
  EXPECT_TRUE(exists("ConfigMap", "third")) << "templates makes its second object";
  EXPECT_TRUE(exists("ConfigMap", "fourth")) << "stringTemplate makes its first document";
  EXPECT_TRUE(exists("ConfigMap", "fifth")) << "stringTemplate makes its second document";
  EXPECT_TRUE(exists("ConfigMap", "sixth")) << "stringTemplates makes its first object";
  EXPECT_TRUE(exists("ConfigMap", "seventh")) << "stringTemplates makes its second object";
  const std::vector<std::string> names = {"first", "second", "third",  "fourth",
                                          "fifth", "sixth",  "seventh"};
  std::vector<std::string> listed = inventory();
  EXPECT_TRUE(std::is_permutation(listed.begin(), listed.end(), names.begin(), names.end()))
      << "all of them are in the inventory";
  // Nobody has changed them since, so their versions are in the order of their making.
  for (std::size_t i = 1; i < names.size(); ++i) {
    EXPECT_LT(kube::api::compareResourceVersions(
                  kube::api::resourceVersionOf(get("ConfigMap", names[i - 1])),
                  kube::api::resourceVersionOf(get("ConfigMap", names[i]))),
              0)
        << names[i - 1] << " is made before " << names[i];
  }
}

TEST_F(Actions, KeysAreTemplatesAndTheOperatorIsTheFieldManager) {
  apply(kSocket);
  apply(plug(R"(    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made, labels: {"{% .plug.metadata.name %}-label": there}}
        data: {"{% .plug.metadata.name %}-key": value}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  const Value made = get("ConfigMap", "made");
  EXPECT_EQ(made["data"], Value::object({{"plug-key", "value"}}));
  EXPECT_EQ(made["metadata"]["labels"], Value::object({{"plug-label", "there"}}));
  const Value& managers = made["metadata"]["managedFields"];
  ASSERT_EQ(managers.size(), 1U);
  EXPECT_EQ(managers.at(0)["manager"].asString(), "integration-operator");
  EXPECT_EQ(managers.at(0)["operation"].asString(), "Apply");
}

TEST_F(Actions, WhatIsPreservedIsSaidInTheInventoryAndStays) {
  apply(kSocket);
  apply(plug(std::string(kMade) + R"(    - preserveWhenDecoupled: true
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: preserved}}
    - retainWhenDecoupled: true
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: retained}}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  const Value entries = get("Plug", "plug")["status"]["resources"];
  ASSERT_EQ(entries.size(), 3U);
  for (const Value& entry : entries.items()) {
    EXPECT_EQ(entry["retain"].asBool(), entry["name"].asString() != "made")
        << entry["name"].asString();
  }
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("the plug is gone", [&] { return !exists("Plug", "plug"); }));
  EXPECT_FALSE(exists("ConfigMap", "made"));
  EXPECT_TRUE(exists("ConfigMap", "preserved")) << "by the other spelling as well";
  EXPECT_TRUE(exists("ConfigMap", "retained"));
}

TEST_F(Actions, WhatCreatedMadeIsNoPartOfACoupling) {
  const std::string created = R"(    - when: [created]
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: own}}
    - when: [deleted]
      do: delete
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: own}}
)";
  apply(plug(created + kMade));
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));
  EXPECT_TRUE(exists("ConfigMap", "own")) << "created is delivered before there is a socket";
  EXPECT_FALSE(exists("ConfigMap", "made"));
  apply(kSocket);
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(inventory(), std::vector<std::string>{"made"}) << "own is not in the inventory";
  remove("Socket", "socket", sock());
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));
  EXPECT_FALSE(exists("ConfigMap", "made")) << "what the coupling made goes with it";
  EXPECT_TRUE(exists("ConfigMap", "own")) << "what created made stays";
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("the plug is gone", [&] { return !exists("Plug", "plug"); }));
  EXPECT_FALSE(exists("ConfigMap", "own")) << "until an action on deleted removes it";
}

TEST_F(Actions, AClusterScopedObjectIsMadeIfTheAccountMayAndGoesWithThePlug) {
  const kube::api::Resource roles{"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole",
                                  false};
  const kube::api::Resource bindings{"rbac.authorization.k8s.io", "v1", "clusterrolebindings",
                                     "ClusterRoleBinding", false};
  const kube::api::ObjectKey made{"", expand("{NS}-made")}, grant{"", expand("{NS}-grant")};
  apply(kSocket);
  apply(plug(R"(    - template:
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: "{NS}-made", labels: {plug: "{% .plug.metadata.name %}"}}
)"));
  ASSERT_TRUE(eventuallyWaits("Error"));
  const std::string refusal = message("Plug", "plug", "Failed");
  EXPECT_NE(refusal.find("service account " + ns() + "/default may not"), std::string::npos)
      << refusal;
  EXPECT_NE(refusal.find("clusterroles.rbac.authorization.k8s.io in the cluster"),
            std::string::npos)
      << refusal;
  EXPECT_FALSE(client().get(roles, made, {})) << "it is made as the account, which may not";
  apply(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{NS}-grant"}
rules:
  - apiGroups: [rbac.authorization.k8s.io]
    resources: [clusterroles]
    verbs: [get, create, patch, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "{NS}-grant"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "{NS}-grant"}
subjects: [{kind: ServiceAccount, name: default, namespace: "{NS}"}]
)");
  EXPECT_TRUE(eventuallyCoupled());
  const auto role = client().get(roles, made, {});
  EXPECT_TRUE(role) << "it is made once the account may";
  EXPECT_EQ(role.value_or(Value())["metadata"]["labels"]["plug"].asString(), "plug");
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_FALSE(client().get(roles, made, {})) << "it goes with the plug";
  EXPECT_TRUE(client().remove(bindings, grant, {}, {}));
  EXPECT_TRUE(client().remove(roles, grant, {}, {}));
}

TEST_F(Actions, RecreateWaitsUntilTheOldObjectIsGone) {
  apply(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: again, namespace: "{NS}", finalizers: [e2e.example.com/hold]}
data: {old: value}
)");
  const Value old = uidOf("again");
  apply(kSocket);
  apply(plug(R"(    - do: recreate
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: again}, data: {new: value}}
)"));
  ASSERT_TRUE(eventually("the old one is being deleted",
                         [&] { return kube::api::isBeingDeleted(get("ConfigMap", "again")); }));
  stays("nothing is applied while the old one is there", [&] {
    return uidOf("again") == old && data("again", "new").empty() &&
           condition("Plug", "plug", "Coupled") == "False/CouplingInProcess";
  });
  apply(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: again, namespace: "{NS}"}
data: {old: value}
)");
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_NE(uidOf("again"), old);
  EXPECT_EQ(get("ConfigMap", "again")["data"], Value::object({{"new", "value"}}));
}

TEST_F(Actions, RecreateReplacesAnObjectThatWouldNotChange) {
  const std::string action = R"(    - do: recreate
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: again}, data: {same: value}}
)";
  apply(kSocket);
  apply(plug(action));
  ASSERT_TRUE(eventuallyCoupled());
  const Value first = get("ConfigMap", "again");
  ASSERT_EQ(first["data"]["same"].asString(), "value");
  apply(plug(action, "two"));
  ASSERT_TRUE(eventuallyUpToDate());
  const Value second = get("ConfigMap", "again");
  EXPECT_NE(second["metadata"]["uid"], first["metadata"]["uid"]) << "it is another object";
  EXPECT_EQ(second["data"], first["data"]) << "that says the same";
}

TEST_F(Actions, WhatACoupledActionMadeStaysAsLongAsTheActionNamesIt) {
  const std::string once = R"(    - when: [coupled]
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: once}}
)";
  apply(kSocket);
  apply(plug(kMade + once));
  ASSERT_TRUE(eventuallyCoupled());
  const Value uid = uidOf("once");
  ASSERT_FALSE(uid.isNull());
  apply(plug(kMade + once, "two"));
  ASSERT_TRUE(eventuallyUpToDate());
  EXPECT_EQ(uidOf("once"), uid) << "an update that does not make it leaves it";
  EXPECT_EQ(inventory().size(), 2U) << "it stays in the inventory";
  apply(plug(kMade, "two"));
  ASSERT_TRUE(eventuallyUpToDate());
  EXPECT_FALSE(exists("ConfigMap", "once")) << "without the action it goes";
  EXPECT_EQ(inventory(), std::vector<std::string>{"made"});
  EXPECT_TRUE(exists("ConfigMap", "made"));
}

TEST_F(Actions, AnotherObjectOfTheSameNameIsNotRemoved) {
  apply(kSocket);
  apply(plug(std::string(kMade) + R"(    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: replaced}
        data: {whose: coupling}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  remove("ConfigMap", "replaced");
  apply(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: replaced, namespace: "{NS}"}
data: {whose: other}
)");
  const Value uid = uidOf("replaced");
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("the plug is gone", [&] { return !exists("Plug", "plug"); }));
  EXPECT_FALSE(exists("ConfigMap", "made")) << "what the coupling made goes";
  EXPECT_EQ(uidOf("replaced"), uid) << "what took its name stays";
}

}  // namespace
}  // namespace iop::e2e
