#include "operator/coupling/simulate.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

using api::Side;

Result<Simulation> trySimulate(const std::string& yaml) {
  SimulationInput input;
  input.now = base::parseTime("2026-01-02T03:04:05Z").value();
  const auto documents = text::parseYamlDocuments(yaml);
  EXPECT_TRUE(documents) << (documents ? "" : documents.error().message);
  for (const text::YamlDocument& document : *documents) input.objects.push_back(document.value);
  return simulate(input);
}

Simulation simulateYaml(const std::string& yaml) {
  Result<Simulation> simulation = trySimulate(yaml);
  EXPECT_TRUE(simulation) << (simulation ? "" : simulation.error().message);
  return simulation.value_or(Simulation{});
}

// "coupled plug apply ConfigMap shop/app-db", one for each action.
std::vector<std::string> summary(const std::vector<SimulatedAction>& actions) {
  std::vector<std::string> out;
  for (const SimulatedAction& action : actions) {
    const Value& metadata = action.object["metadata"];
    const std::string what =
        action.what == "call"
            ? action.url
            : action.object["kind"].toString() + " " +
                  (metadata["namespace"].empty() ? "" : metadata["namespace"].toString() + "/") +
                  metadata["name"].toString();
    out.push_back((action.event.empty() ? "-" : action.event) + " " +
                  std::string(nameOf(action.side)) + " " + action.what + " " + what);
  }
  return out;
}

using Lines = std::vector<std::string>;

constexpr char kSocketHead[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: postgres, namespace: db}
)";
constexpr char kPlugHead[] = R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: app, namespace: shop}
)";

TEST(Simulate, TellsWhatIsHandedOverAndWhereItIsFrom) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + R"(
spec:
  interface:
    config:
      plug: {database: {required: true}, size: {default: small}}
      socket:
        hostname: {required: true}
        port: {default: "5432"}
        username: {required: true}
        password: {required: true, sensitive: true}
    result:
      socket: {url: {}}
  config: {hostname: db.example, password: overridden, unknown: dropped}
  configSecretName: admin
  configTemplate: {password: "{% .socketData.word %}"}
  configConfigMapName: settings
  data: {word: correct-horse}
  resultTemplate: {url: "pg://{% .socketConfig.hostname %}/{% .plugConfig.database %}"}
---
apiVersion: v1
kind: Secret
metadata: {name: admin, namespace: db}
stringData: {username: administrator, hostname: nobody}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: db}
data: {port: "5433"}
)" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  config: {database: shop}
)");
  ASSERT_EQ(simulation.plugs.size(), 1U);
  const SimulatedPlug& plug = simulation.plugs[0];
  EXPECT_TRUE(plug.couples) << plug.message;
  EXPECT_EQ(plug.reason, "CouplingSucceeded");
  const auto at = [](const HandedValues& values, const std::string& key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string("absent")
                                 : found->second.value + " from " + found->second.from;
  };
  const HandedValues& ofPlug = plug.configs.at(Side::Plug);
  EXPECT_EQ(at(ofPlug, "database"), "shop from spec.config");
  EXPECT_EQ(at(ofPlug, "size"), "small from default of the socket's interface");
  const HandedValues& ofSocket = plug.configs.at(Side::Socket);
  EXPECT_EQ(at(ofSocket, "hostname"), "db.example from spec.config");
  EXPECT_EQ(at(ofSocket, "port"), "5433 from ConfigMap db/settings");
  EXPECT_EQ(at(ofSocket, "username"), "[sensitive] from Secret db/admin");
  EXPECT_EQ(at(ofSocket, "password"), "[sensitive] from spec.configTemplate");
  EXPECT_EQ(at(ofSocket, "unknown"), "absent");
  EXPECT_EQ(at(plug.results.at(Side::Socket), "url"),
            "pg://db.example/shop from spec.resultTemplate");
  EXPECT_TRUE(simulation.rests);
}

TEST(Simulate, ActionsComeInTheirOrder) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + R"(
spec:
  resources:
    - {when: [created], template: {apiVersion: v1, kind: ConfigMap, metadata: {name: shared}}}
    - {when: [coupled], do: recreate, template: {apiVersion: batch/v1, kind: Job, metadata: {name: "make-{% .plug.metadata.name %}"}}}
    - {when: [decoupled], template: {apiVersion: v1, kind: ConfigMap, metadata: {name: never}}}
  resultResources:
    - {template: {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}}}
)" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  resources:
    - {when: [created], template: {apiVersion: v1, kind: ConfigMap, metadata: {name: first}}}
    - {template: {apiVersion: example.com/v1, kind: Gateway, metadata: {name: gate}}}
    - {when: [coupled], do: delete, template: {apiVersion: v1, kind: ConfigMap, metadata: {name: old}}}
)");
  ASSERT_EQ(simulation.sockets.size(), 1U);
  EXPECT_EQ(summary(simulation.sockets[0].actions),
            (Lines{"created socket apply ConfigMap db/shared"}));
  ASSERT_EQ(simulation.plugs.size(), 1U);
  EXPECT_EQ(
      summary(simulation.plugs[0].actions),
      (Lines{"created plug apply ConfigMap shop/first", "coupled plug apply Gateway shop/gate",
             "coupled plug delete ConfigMap shop/old", "coupled socket recreate Job db/make-app",
             "result socket apply ClusterRole reader"}));
  EXPECT_EQ(simulation.plugs[0].actions[0].user, "system:serviceaccount:shop:default");
  EXPECT_TRUE(simulation.sockets[0].ready);
  EXPECT_EQ(simulation.sockets[0].message, "1 plug coupled");
}

TEST(Simulate, WhatIsMadeCanBeRead) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + R"(
spec:
  interface: {config: {}, result: {socket: {token: {required: true}}}}
  resources:
    - {when: [coupled], template: {apiVersion: v1, kind: Secret, metadata: {name: made}, stringData: {token: swordfish}}}
  resultVars:
    - {name: token, objref: {version: v1, kind: Secret, name: made}, fieldref: {fieldPath: data.token}}
  resultTemplate: {token: "{% b64dec .vars.token %}"}
)" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  resultResources:
    - {template: {apiVersion: v1, kind: Secret, metadata: {name: token}, data: {token: "{% b64enc .socketResult.token %}"}}}
    - {template: {apiVersion: v1, kind: ConfigMap, metadata: {name: note}, data: {line: "it is {% .socketResult.token %}"}}}
)");
  ASSERT_EQ(simulation.plugs.size(), 1U);
  const SimulatedPlug& plug = simulation.plugs[0];
  EXPECT_TRUE(plug.couples) << plug.message;
  EXPECT_EQ(plug.results.at(Side::Socket).at("token").value, "[sensitive]");
  ASSERT_EQ(plug.actions.size(), 3U);
  EXPECT_EQ(plug.actions[1].object["data"]["token"].asString(), "[sensitive]");
  EXPECT_EQ(plug.actions[2].object["data"]["line"].asString(), "it is [sensitive]");
  for (const SimulatedAction& action : plug.actions) {
    const std::string printed = text::printJson(action.object);
    EXPECT_EQ(printed.find("swordfish"), std::string::npos) << printed;
    EXPECT_EQ(printed.find("c3dvcmRmaXNo"), std::string::npos) << printed;
  }
}

TEST(Simulate, WhatDoesNotCoupleSaysWhy) {
  const struct {
    const char* what;
    const char* socket;  // its spec
    const char* plug;
    const char* reason;
    const char* message;
  } cases[] = {
      {"no such socket", "{}", "{socket: {name: mysql, namespace: db}}", "SocketNotCreated",
       "waiting for socket to be created"},
      {"a missing property", "{interface: {config: {plug: {database: {required: true}}}}}",
       "{socket: {name: postgres, namespace: db}}", "ConfigInvalid",
       "plug config property 'database' is required"},
      {"a missing Secret", "{configSecretName: admin}", "{socket: {name: postgres, namespace: db}}",
       "ConfigInvalid", "socket's Secret db/admin does not exist"},
      {"a namespace that is not let in", "{validation: {namespaceWhitelist: [^prod-]}}",
       "{socket: {name: postgres, namespace: db}}", "NamespaceNotAllowed", ""},
      {"an Interface that is missing", "{interface: {name: pg}}",
       "{socket: {name: postgres, namespace: db}}", "InterfaceMismatch", ""},
      {"an apparatus", "{}",
       "{socket: {name: postgres, namespace: db}, apparatus: {endpoint: 'http://x:1'}}",
       "ApparatusNotReady", "apparatus http://x:1/config: cannot be asked without a cluster"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    const Simulation simulation = simulateYaml(std::string(kSocketHead) + "spec: " + test.socket +
                                               kPlugHead + "spec: " + test.plug + "\n");
    ASSERT_EQ(simulation.plugs.size(), 1U);
    EXPECT_FALSE(simulation.plugs[0].couples);
    EXPECT_EQ(simulation.plugs[0].reason, test.reason);
    if (*test.message != '\0') {
      EXPECT_EQ(simulation.plugs[0].message, test.message);
    }
    EXPECT_TRUE(simulation.rests);
  }
}

TEST(Simulate, ALimitLetsTheOldestIn) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + "spec: {limit: 1}" + R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: a, namespace: shop, creationTimestamp: "2026-01-01T00:00:02Z"}
spec: {socket: {name: postgres, namespace: db}}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: b, namespace: shop, creationTimestamp: "2026-01-01T00:00:01Z"}
spec: {socket: {name: postgres, namespace: db}}
)");
  ASSERT_EQ(simulation.plugs.size(), 2U);
  EXPECT_EQ(simulation.plugs[0].reason, "SocketFull");
  EXPECT_EQ(simulation.plugs[0].message,
            "socket db/postgres is full: 1 of 1 places are taken; number 1 in line");
  EXPECT_TRUE(simulation.plugs[1].couples);
}

TEST(Simulate, PlugsThatArePartOfOthersAndDeferredResourcesAreCarriedOut) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + "spec: {}" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  resources:
    - template:
        apiVersion: integration.rock8s.com/v1beta1
        kind: DeferredResource
        metadata: {name: later}
        spec:
          timeout: 30
          waitFor: [{version: v1, kind: ConfigMap, name: go}]
          resource:
            apiVersion: integration.rock8s.com/v1beta1
            kind: Plug
            metadata: {name: inner}
            spec: {socket: {name: postgres, namespace: db}}
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: go}}
)");
  ASSERT_EQ(simulation.plugs.size(), 2U);
  EXPECT_EQ(simulation.plugs[1].plug.print(), "shop/inner");
  EXPECT_TRUE(simulation.plugs[1].couples) << simulation.plugs[1].message;
  EXPECT_EQ(simulation.sockets[0].message, "2 plugs coupled");
}

TEST(Simulate, EffectsThatChangeTheirOwnCauseComeToAnEnd) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + "spec: {}" + R"(
---
apiVersion: v1
kind: ConfigMap
metadata: {name: count, namespace: shop}
data: {text: x}
)" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  vars: [{name: text, objref: {version: v1, kind: ConfigMap, name: count}, fieldref: {fieldPath: data.text}}]
  resources: [{template: {apiVersion: v1, kind: ConfigMap, metadata: {name: count}, data: {text: "{% .vars.text %}x"}}}]
)");
  ASSERT_EQ(simulation.plugs.size(), 1U);
  EXPECT_TRUE(simulation.plugs[0].couples);
  EXPECT_EQ(simulation.plugs[0].reason, "Flapping") << simulation.plugs[0].message;
  EXPECT_TRUE(simulation.rests);
}

TEST(Simulate, ShortWordsOfASecretAreHiddenOnlyWhereTheyStandAlone) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + R"(
spec: {configSecretName: admin}
---
{apiVersion: v1, kind: Secret, metadata: {name: admin, namespace: db}, stringData: {a: app, b: postgres}}
)" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "postgres-{% .plug.metadata.name %}"}
        data: {alone: "{% .socketConfig.a %}", among: "the app", long: "x{% .socketConfig.b %}x"}
)");
  ASSERT_EQ(simulation.plugs.size(), 1U);
  ASSERT_EQ(simulation.plugs[0].actions.size(), 1U);
  const Value& object = simulation.plugs[0].actions[0].object;
  EXPECT_EQ(object["metadata"]["name"].asString(), "postgres-app");
  EXPECT_EQ(object["data"]["alone"].asString(), "[sensitive]");
  EXPECT_EQ(object["data"]["among"].asString(), "the app");
  EXPECT_EQ(object["data"]["long"].asString(), "x[sensitive]x");
}

TEST(Simulate, ScopesComeFromDefinitionsAndFromWhatIsWellKnown) {
  const Simulation simulation = simulateYaml(std::string(kSocketHead) + "spec: {}" + R"(
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tenants.example.com}
spec: {group: example.com, scope: Cluster, names: {kind: Tenant, plural: tenants}}
)" + kPlugHead + R"(
spec:
  socket: {name: postgres, namespace: db}
  resources:
    - {template: {apiVersion: example.com/v1, kind: Tenant, metadata: {name: t}}}
    - {template: {apiVersion: v1, kind: Namespace, metadata: {name: space}}}
    - {template: {apiVersion: other.com/v1, kind: Tenant, metadata: {name: o}}}
)");
  ASSERT_EQ(simulation.plugs.size(), 1U);
  EXPECT_EQ(summary(simulation.plugs[0].actions),
            (Lines{"coupled plug apply Tenant t", "coupled plug apply Namespace space",
                   "coupled plug apply Tenant shop/o"}));
}

TEST(Simulate, WhatIsNoObjectIsAnError) {
  for (const char* yaml : {"[1]", "kind: Plug", "{apiVersion: v1, kind: Secret}",
                           "{apiVersion: v1, kind: Secret, metadata: 3}"}) {
    const Result<Simulation> simulation = trySimulate(yaml);
    ASSERT_FALSE(simulation) << yaml;
    EXPECT_EQ(simulation.error().code, Code::Invalid);
  }
}

TEST(Simulate, SpecsOfTheWrongShapeDoNoHarm) {
  for (const char* spec :
       {"3", "[]", "{socket: 3}", "{socket: {name: postgres, namespace: db}, resources: x}",
        "{socket: {name: postgres, namespace: db}, config: [1], vars: {a: b}}",
        "{socket: {name: postgres, namespace: db}, config: {a: 1, b: {c: [2]}}, apparatus: []}"}) {
    const Simulation simulation =
        simulateYaml(std::string(kSocketHead) + "spec: {}" + kPlugHead + "spec: " + spec + "\n");
    ASSERT_EQ(simulation.plugs.size(), 1U) << spec;
  }
}

}  // namespace
}  // namespace iop::operators::coupling
