// Things that go away or break while they are in use: what users are told, that it heals without
// help, and that what is sensitive stays out of sight meanwhile.

#include <thread>

#include "tests/e2e/harness.h"
#include "tests/e2e/scripted_apparatus.h"
#include "text/base64.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::e2e {
namespace {

constexpr char kSocket[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  configSecretName: access
)";

constexpr char kAccess[] = R"(
apiVersion: v1
kind: Secret
metadata: {name: access, namespace: "{SOCK}"}
stringData: {hostname: db.example}
)";

constexpr char kPlug[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  config: {database: shop}
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {host: "{% .socketConfig.hostname %}"}
)";

class Unhappy : public Case {
 protected:
  std::string failure() { return message("Plug", "plug", "Ready"); }
};

TEST_F(Unhappy, ASecretDeletedWhileCoupledIsToldAndTheCouplingStays) {
  apply(kAccess);
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("Secret", "access", sock());
  ASSERT_TRUE(eventually("it is told",
                         [&] { return condition("Plug", "plug", "Ready").starts_with("False/"); }));
  EXPECT_FALSE(get("Plug", "plug")["status"]["coupledSocket"].isNull()) << "it is not cut";
  EXPECT_TRUE(exists("ConfigMap", "made"));
  expectInTroubleshooting(failure());
  apply(kAccess);
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Unhappy, ASocketsNamespaceDeletedWhileCoupledDecouples) {
  if (!Cluster::find()->hasControllers()) GTEST_SKIP() << "NOT RUN: nothing ends namespaces here";
  apply(kAccess);
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("Namespace", sock());
  ASSERT_TRUE(eventually(
      "it waits for the socket",
      [&] { return condition("Plug", "plug", "Ready") == "False/SocketNotCreated"; },
      std::chrono::seconds(40)));
  EXPECT_FALSE(exists("ConfigMap", "made"));
  expectInTroubleshooting(failure());
  eventually(
      "the namespace is gone", [&] { return !exists("Namespace", sock()); },
      std::chrono::seconds(40));
  makeNamespace(sock());
  apply(kAccess);
  apply(kSocket);
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Unhappy, AnAccountThatIsDeletedWithItsRightsIsToldWhatToGrantAndHeals) {
  apply(kAccess);
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("RoleBinding", "everything");
  remove("ServiceAccount", "default");
  apply(R"(
apiVersion: v1
kind: Secret
metadata: {name: access, namespace: "{SOCK}"}
stringData: {hostname: new.example}
)");
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_FALSE(get("Plug", "plug")["status"]["coupledSocket"].isNull()) << "it is not cut";
  expectInTroubleshooting(failure());
  makeNamespace(ns());
  ASSERT_TRUE(eventually("the update arrives", [&] {
    return get("ConfigMap", "made")["data"]["host"].asString() == "new.example";
  }));
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Unhappy, ACouplingThatChangesWhatItReadsIsSlowedDownAndSaysSo) {
  apply(kAccess);
  apply(kSocket);
  apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: counter, namespace: '{NS}'}}");
  const auto plug = [](const std::string& count) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  vars: [{name: count, objref: {apiVersion: v1, kind: ConfigMap, name: counter}, fieldref: {fieldPath: data.count}}]
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: counter}, data: {count: ")" +
           count + "\"}}\n";
  };
  const auto count = [&] {
    return std::stoi("0" + get("ConfigMap", "counter")["data"]["count"].toString());
  };
  apply(plug("{% add1 .vars.count %}"));
  ASSERT_TRUE(
      eventually("it is told", [&] { return countEvents("Plug", "plug", "Flapping") >= 1; }));
  for (const Value& event : events("Plug", "plug")) {
    if (event["reason"].asString() == "Flapping")
      expectInTroubleshooting(event["message"].toString());
  }
  ASSERT_TRUE(eventually("the condition says it, and that the two are coupled", [&] {
    return condition("Plug", "plug", "Coupled") == "True/Flapping" &&
           condition("Plug", "plug", "Ready") == "False/Flapping";
  }));
  EXPECT_LE(count(), 7) << "it is slowed down";
  // A change of the spec is not held back.
  const int before = count();
  apply(plug("none"));
  ASSERT_TRUE(eventually(
      "the spec is followed",
      [&] { return get("ConfigMap", "counter")["data"]["count"].asString() == "none"; },
      std::chrono::seconds(2 + before)));
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Unhappy, AnotherFieldManagerIsNamedAndWhatItLeavesIsTaken) {
  apply(R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: made, namespace: "{NS}"}
data: {host: mine}
)");
  apply(kAccess);
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  expectInTroubleshooting(failure());
  remove("ConfigMap", "made");
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Unhappy, AKindWhoseDefinitionIsRemovedIsNamedAndHeals) {
  const kube::api::Resource crds{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                 "CustomResourceDefinition", false};
  const auto crd = text::parseYaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: passersby.passing.example.com}
spec:
  group: passing.example.com
  scope: Namespaced
  names: {plural: passersby, singular: passerby, kind: Passerby, listKind: PasserbyList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
)");
  ASSERT_TRUE(crd) << crd.error().message;
  ASSERT_TRUE(client().create(crds, "", *crd, {}));
  apply(kAccess);
  apply(kSocket);
  apply(std::string(kPlug) + R"(    - template:
        apiVersion: passing.example.com/v1
        kind: Passerby
        metadata: {name: made}
        spec: {host: "{% .socketConfig.hostname %}"}
)");
  ASSERT_TRUE(eventually(
      "it couples", [&] { return condition("Plug", "plug", "Ready").starts_with("True/"); },
      std::chrono::seconds(40)));
  ASSERT_TRUE(client().remove(crds, {"", "passersby.passing.example.com"}, {}, {}));
  ASSERT_TRUE(eventually("the definition is gone", [&] {
    return !client().get(crds, {"", "passersby.passing.example.com"}, {});
  }));
  apply(R"(
apiVersion: v1
kind: Secret
metadata: {name: access, namespace: "{SOCK}"}
stringData: {hostname: new.example}
)");
  std::string told;
  ASSERT_TRUE(eventually(
      "it is told",
      [&] {
        told = failure();
        return condition("Plug", "plug", "Ready").starts_with("False/") &&
               told.find("Passerby") != std::string::npos;
      },
      std::chrono::seconds(40)));
  expectInTroubleshooting(told);
  ASSERT_TRUE(client().create(crds, "", *crd, {}));
  EXPECT_TRUE(eventually(
      "it heals",
      [&] {
        return condition("Plug", "plug", "Ready").starts_with("True/") &&
               get("ConfigMap", "made")["data"]["host"].asString() == "new.example";
      },
      std::chrono::seconds(60)));
  ASSERT_TRUE(client().remove(crds, {"", "passersby.passing.example.com"}, {}, {}));
  remove("Plug", "plug");
  eventually(
      "it goes although the kind has gone", [&] { return !exists("Plug", "plug"); },
      std::chrono::seconds(40));
  EXPECT_FALSE(exists("ConfigMap", "made"));
}

TEST_F(Unhappy, TheApiServerGoesDownInTheMiddleOfCoupling) {
  Cluster* cluster = Cluster::find();
  if (!cluster->canStopApiServer()) GTEST_SKIP() << "NOT RUN: the API server is not ours to stop";
  apply(kAccess);
  apply(kSocket);
  apply(kPlug);
  // Some of these are under way when it ends.
  for (int i = 0; i < 20; ++i) {
    const std::string name = "plug-" + std::to_string(i);
    apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
          name +
          R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made-)" +
          name + R"(}}
)");
  }
  cluster->stopApiServer();
  // The time is the case: watches break, requests are refused, the back-off grows.
  std::this_thread::sleep_for(std::chrono::seconds(30));
  ASSERT_TRUE(sharedOperator().isRunning());
  ASSERT_TRUE(cluster->startApiServer());
  const bool isCoupled = eventually(
      "all couple",
      [&] {
        for (int i = 0; i < 20; ++i) {
          const std::string name = "plug-" + std::to_string(i);
          if (condition("Plug", name, "Coupled") != "True/CouplingSucceeded") return false;
          if (!exists("ConfigMap", "made-" + name)) return false;
        }
        return true;
      },
      std::chrono::seconds(120));
  EXPECT_TRUE(isCoupled);
}

// Sensitive configuration and results of both sides, in a coupling that works and in ones that fail
// with such a value in the reason: of a template, of the schema, of the API server.
TEST_F(Unhappy, SensitiveValuesAreFoundNowhere) {
  stopSharedOperator();
  OperatorProcess talkative({"--zap-log-level=debug"});
  ASSERT_TRUE(talkative.waitUntilReady()) << talkative.log();
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: secretive, namespace: "{SOCK}"}
spec:
  schemas:
    - version: 1.0.0
      config:
        plug: {token: {sensitive: true, pattern: "^c4"}}
        socket: {password: {sensitive: true}}
      result:
        plug: {given: {sensitive: true}}
        socket: {answer: {sensitive: true}}
---
apiVersion: v1
kind: Secret
metadata: {name: access, namespace: "{SOCK}"}
stringData: {password: c4nary-socket}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: "{NS}"}
stringData: {token: c4nary-plug}
---
apiVersion: v1
kind: Secret
metadata: {name: bad-token, namespace: "{NS}"}
stringData: {token: bad-c4nary}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  interface: {name: secretive}
  configSecretName: access
  resultTemplate: {answer: "{% .socketConfig.password %}-answer"}
)");
  const auto plug = [](const std::string& name, const std::string& secret,
                       const std::string& metadata, const std::string& value) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  interface: {name: secretive, namespace: "{SOCK}"}
  socket: {name: socket, namespace: "{SOCK}"}
  configSecretName: )" +
           secret + R"(
  resultTemplate: {given: "{% .plugConfig.token %}-given"}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: )" +
           metadata + R"(, data: {value: ')" + value + R"('}}
  resultResources:
    - template: {apiVersion: v1, kind: Secret, metadata: {name: "result-)" +
           name + R"("}, stringData: {answer: "{% .socketResult.answer %}"}}
)";
  };
  apply(plug("works", "token", "{name: works}", "{% .socketConfig.password %}"));
  apply(plug("template", "token", "{name: template}", "{% fail .socketConfig.password %}"));
  apply(plug("schema", "bad-token", "{name: schema}", ""));
  apply(plug("server", "token",
             "{name: server, labels: {bad: 'no label {% .socketConfig.password %}'}}", ""));
  ScriptedApparatus apparatus;
  apparatus.answer("/config", 200, R"({"token": "c4nary-asked"})");
  apparatus.answer("/coupled", 500, "cannot use c4nary-asked with c4nary-socket");
  apply(plug("apparatus", "token", "{name: apparatus}", "") + "  apparatus: {endpoint: \"" +
        apparatus.url() + "\"}\n");
  ASSERT_TRUE(eventuallyCoupled("works"));
  for (const char* name : {"template", "schema", "server", "apparatus"}) {
    ASSERT_TRUE(eventually(name, [&] {
      return condition("Plug", name, "Ready").starts_with("False/") &&
             condition("Plug", name, "Failed").starts_with("True/");
    }));
  }
  EXPECT_EQ(text::decodeBase64(get("Secret", "result-works")["data"]["answer"].asString()),
            "c4nary-socket-answer");
  ASSERT_FALSE(apparatus.requests("/coupled").empty());
  EXPECT_EQ(apparatus.requests("/coupled")[0].body["plugConfig"]["token"].asString(),
            "c4nary-asked")
      << "whom it is for has it";
  const std::optional<std::string> metrics = talkative.metrics();
  ASSERT_TRUE(metrics);
  std::string seen = *metrics + talkative.log();
  for (const std::string& namespaceName : {ns(), sock()}) {
    for (const char* kind : {"Plug", "Socket", "Interface"}) {
      for (const Value& object : list(kind, namespaceName))
        seen += text::printJson(object["status"]) + "\n";
    }
    for (const Value& event : list("Event", namespaceName)) seen += text::printJson(event) + "\n";
  }
  remove("Plug", "works");
  remove("Plug", "template");
  eventually("they are gone",
             [&] { return !exists("Plug", "works") && !exists("Plug", "template"); });
  seen += talkative.log();
  EXPECT_NE(seen.find("CouplingSucceeded"), std::string::npos) << "the search looks at something";
  EXPECT_NE(seen.find("[sensitive]"), std::string::npos) << "and the values would have been in it";
  for (const char* canary : {"c4nary", "YzRuYXJ5" /* in base64 */}) {
    const std::size_t at = seen.find(canary);
    EXPECT_EQ(at, std::string::npos)
        << seen.substr(at < 300 ? 0 : at - 300, at == std::string::npos ? 0 : 600);
  }
}

}  // namespace
}  // namespace iop::e2e
