// What stands in conditions, statuses and Kubernetes events, to the letter; and what managed pods
// look like.

#include <set>

#include "base/time.h"
#include "http/server.h"
#include "kube/api/object.h"
#include "tests/e2e/harness.h"
#include "tests/e2e/scripted_apparatus.h"

namespace iop::e2e {
namespace {

constexpr char kFinalizer[] = "integration.rock8s.com/finalizer";

class Details : public Case {
 protected:
  // `more` is added to the spec.
  static std::string socket(const std::string& more = {}) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
)" + more;
  }
  static std::string plug(const std::string& more = {}, const std::string& name = "plug") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
)" + more;
  }

  std::string failed(const std::string& kind, const std::string& name,
                     const std::string& namespaceName = "") {
    return condition(kind, name, "Failed", namespaceName);
  }

  // The types of the events of that reason.
  std::set<std::string> typesOf(const std::string& kind, const std::string& name,
                                const std::string& reason, const std::string& namespaceName = "") {
    std::set<std::string> types;
    for (const Value& event : events(kind, name, namespaceName)) {
      if (event["reason"].asString() == reason) types.insert(event["type"].toString());
    }
    return types;
  }
};

TEST_F(Details, ALifeIsToldInFinalizersGenerationsAndNormalEvents) {
  apply(socket());
  apply(plug("  config: {database: shop}\n"));
  ASSERT_TRUE(eventuallyCoupled());
  const Value first = get("Plug", "plug");
  EXPECT_TRUE(kube::api::hasFinalizer(first, kFinalizer));
  EXPECT_EQ(first["status"]["coupledResult"]["observedGeneration"].asInt(),
            kube::api::generationOf(first));
  ASSERT_TRUE(eventually("the socket is coupled", [&] {
    return condition("Socket", "socket", "Coupled", sock()) == "True/SocketCoupled";
  }));
  const Value its = get("Socket", "socket", sock());
  EXPECT_TRUE(kube::api::hasFinalizer(its, kFinalizer));
  EXPECT_EQ(its["status"]["observedGeneration"].asInt(), kube::api::generationOf(its));

  apply(plug("  config: {database: other}\n"));
  ASSERT_TRUE(eventually("the update is told on both", [&] {
    return countEvents("Plug", "plug", "PlugUpdated") == 1 &&
           countEvents("Socket", "socket", "SocketUpdated", sock()) == 1;
  }));
  const Value second = get("Plug", "plug");
  EXPECT_EQ(second["status"]["coupledResult"]["observedGeneration"].asInt(), 2);
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("it is gone", [&] { return !exists("Plug", "plug"); }));
  remove("Socket", "socket", sock());
  ASSERT_TRUE(
      eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); }));
  const std::set<std::string> normal = {"Normal"};
  for (const char* reason :
       {"PlugCreated", "PlugCoupled", "PlugUpdated", "PlugDecoupled", "PlugDeleted"}) {
    eventually(reason, [&] { return typesOf("Plug", "plug", reason) == normal; });
  }
  for (const char* reason :
       {"SocketCreated", "SocketCoupled", "SocketUpdated", "SocketDecoupled", "SocketDeleted"}) {
    eventually(reason, [&] { return typesOf("Socket", "socket", reason, sock()) == normal; });
  }
}

TEST_F(Details, AWaitIsReconcilingAndAFailureIsStalled) {
  apply(plug());
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));
  EXPECT_EQ(condition("Plug", "plug", "Reconciling"), "True/SocketNotCreated");
  EXPECT_EQ(condition("Plug", "plug", "Stalled"), "");
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: mongo, namespace: "{NS}"}
spec: {schemas: [{version: 1.0.0}]}
)");
  apply(plug("  interface: {name: mongo}\n"));
  apply(socket());
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  EXPECT_EQ(failed("Plug", "plug"), "True/InterfaceMismatch");
  EXPECT_EQ(condition("Plug", "plug", "Stalled"), "True/InterfaceMismatch");
  EXPECT_EQ(condition("Plug", "plug", "Reconciling"), "");
  eventually("the event has the condition's reason", [&] {
    return typesOf("Plug", "plug", "InterfaceMismatch") == std::set<std::string>{"Warning"};
  });
}

TEST_F(Details, AStayAndATerminationAreNoFailures) {
  apply(socket("  deletionPolicy: Block\n"));
  apply(plug());
  ASSERT_TRUE(eventuallyCoupled());
  remove("Socket", "socket", sock());
  ASSERT_TRUE(eventually("the socket says why it stays", [&] {
    return condition("Socket", "socket", "Coupled", sock()).ends_with("/DeletionBlocked");
  }));
  EXPECT_NE(failed("Socket", "socket", sock()).substr(0, 4), "True");
  apply(plug({}, "late"));
  ASSERT_TRUE(eventuallyWaits("SocketTerminating", "late"));
  EXPECT_NE(failed("Plug", "late").substr(0, 4), "True");
  remove("Plug", "plug");
  EXPECT_TRUE(eventually("the socket goes", [&] { return !exists("Socket", "socket", sock()); }));
}

TEST_F(Details, AConditionKeepsItsTimeWhileItsStatusStays) {
  apply(socket());
  apply(plug("  configSecretName: one\n"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  const auto time = [&] {
    const Value object = get("Plug", "plug");
    for (const Value& its : object["status"]["conditions"].items()) {
      if (its["type"].asString() == "Coupled") return its["lastTransitionTime"].toString();
    }
    return std::string();
  };
  const std::string before = time();
  // Times are told in seconds: the next change comes in another one.
  const auto start = std::chrono::system_clock::now();
  ASSERT_TRUE(eventually("a second passes", [&] {
    return std::chrono::system_clock::now() - start > std::chrono::milliseconds(1100);
  }));
  apply(plug("  configSecretName: two\n"));
  ASSERT_TRUE(eventually("the message changes", [&] {
    return message("Plug", "plug", "Coupled").find("/two does not exist") != std::string::npos;
  }));
  EXPECT_EQ(time(), before);
}

TEST_F(Details, AFailureNamesThePropertyTheRuleAndTheValueOrTheTemplatesPlace) {
  apply(
      socket("  interface: {config: {plug: {database: {pattern: '^[a-z]+$'}}}, "
             "result: {socket: {role: {required: true}}}}\n"));
  apply(plug("  config: {database: Shop}\n"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_EQ(message("Plug", "plug", "Coupled"),
            "plug config property 'database' must match ^[a-z]+$, but is \"Shop\"");
  apply(plug("  configTemplate: {database: '{% fail \"no luck\" %}'}\n"));
  ASSERT_TRUE(eventually("the template's error is told", [&] {
    return message("Plug", "plug", "Coupled")
               .find(
                   "spec.configTemplate.database: template: :1:3: "
                   "executing") != std::string::npos;
  }));
  EXPECT_EQ(failed("Plug", "plug"), "True/ConfigInvalid");
  apply(
      plug("  configTemplate: {database: '{% range until 3000 %}{% range until 3000 %}{% end %}"
           "{% end %}'}\n"));
  ASSERT_TRUE(eventually("too many steps are named", [&] {
    return message("Plug", "plug", "Coupled").find("exceeded the limit of 1000000 steps") !=
           std::string::npos;
  }));
  apply(plug("  configTemplate: {database: '{% repeat 100000000 \"x\" %}'}\n"));
  ASSERT_TRUE(eventually("a bound is named", [&] {
    return message("Plug", "plug", "Coupled").find("exceeded the limit of") != std::string::npos;
  }));
  apply(plug("  config: {database: shop}\n"));
  ASSERT_TRUE(eventuallyWaits("ResultPending"));
  EXPECT_EQ(message("Plug", "plug", "Coupled"), "socket result property 'role' is required");
}

TEST_F(Details, ManyCouplingsAreAHandfulOfEventsOfTheSocket) {
  const int count = 60;
  apply(socket());
  for (int i = 0; i < count; ++i) apply(plug({}, "p" + std::to_string(i)));
  ASSERT_TRUE(eventually(
      "all are counted",
      [&] { return countEvents("Socket", "socket", "SocketCoupled", sock()) == count; },
      std::chrono::seconds(60)));
  int objects = 0;
  for (const Value& event : events("Socket", "socket", sock()))
    objects += event["reason"].asString() == "SocketCoupled" ? 1 : 0;
  EXPECT_LE(objects, count / 3);
}

TEST_F(Details, WhileTheEventIsDeliveredTheCouplingIsInProcess) {
  ScriptedApparatus apparatus;
  apparatus.hold("/coupled");
  apply(socket("  apparatus: {endpoint: \"" + apparatus.url() + "\"}\n"));
  apply(plug("  config: {database: shop}\n"));
  ASSERT_TRUE(eventuallyWaits("CouplingInProcess"));
  EXPECT_EQ(message("Plug", "plug", "Coupled"), "coupling to socket");
  apparatus.letGo();
  ASSERT_TRUE(eventuallyCoupled());
  const Value body = apparatus.requests("/coupled").at(0).body;
  EXPECT_EQ(body["version"].asString(), "1");
  EXPECT_EQ(body["plug"]["metadata"]["name"].asString(), "plug");
  EXPECT_EQ(body["socket"]["metadata"]["name"].asString(), "socket");
  EXPECT_EQ(body["plugConfig"]["database"].asString(), "shop");
  EXPECT_EQ(body["socketConfig"]["hostname"].asString(), "db.example");
}

TEST_F(Details, AVarsPathMayCountAndAskAndItsObjectWakesThePlug) {
  apply(socket());
  apply(plug(R"(  vars:
    - {name: first, objref: {apiVersion: integration.rock8s.com/v1beta1, kind: Plug, name: source}, fieldref: {fieldPath: spec.vars.0.name}}
    - {name: asked, objref: {apiVersion: integration.rock8s.com/v1beta1, kind: Plug, name: source}, fieldref: {fieldPath: 'spec.vars.#(name=="two").objref.kind'}}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}, data: {first: "{% .vars.first %}", asked: "{% .vars.asked %}"}}
)"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  apply(plug(R"(  vars:
    - {name: one, objref: {apiVersion: v1, kind: Secret, name: none}}
    - {name: two, objref: {apiVersion: v1, kind: ConfigMap, name: none}}
)",
             "source"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(get("ConfigMap", "made")["data"]["first"].asString(), "one");
  EXPECT_EQ(get("ConfigMap", "made")["data"]["asked"].asString(), "ConfigMap");
}

TEST_F(Details, AChangeOfAStatusIsNoUpdate) {
  apply(socket());
  apply(plug());
  ASSERT_TRUE(eventuallyCoupled());
  apply(plug({}, "other"));  // changes the socket's status
  ASSERT_TRUE(eventuallyCoupled("other"));
  ASSERT_TRUE(eventually("the socket's status has changed", [&] {
    return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt() == 2;
  }));
  kube::client::CallOptions options;
  options.subresource = "status";
  ASSERT_TRUE(client().patch(resourceOf("Plug"), {ns(), "plug"}, kube::client::PatchType::Merge,
                             Value::object({{"status", Value::object({{"note", "x"}})}}), options));
  stays("nothing is updated", [&] { return countEvents("Plug", "plug", "PlugUpdated") == 0; });
}

TEST_F(Details, AFailureStopsTheDeliveryAndIsTriedAgain) {
  ScriptedApparatus apparatus;
  apply(socket("  apparatus: {endpoint: \"" + apparatus.url() + "\"}\n"));
  apply(plug(R"(  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: first, labels: {bad: 'no label'}}}
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: second}}
)"));
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_FALSE(exists("ConfigMap", "second")) << "a failure stops there";
  eventually("it is a warning",
             [&] { return typesOf("Plug", "plug", "Error") == std::set<std::string>{"Warning"}; });
  EXPECT_TRUE(apparatus.requests("/coupled").empty()) << "the socket's side comes after the plug's";

  apparatus.answer("/coupled", 500, "not yet");
  apply(plug());
  EXPECT_TRUE(eventually(
      "it is tried again and again", [&] { return apparatus.requests("/coupled").size() >= 3; },
      std::chrono::seconds(60)));
}

TEST_F(Details, APlugGoesAlthoughItsSocketIsGone) {
  ScriptedApparatus apparatus;
  apply(socket());
  apply(plug("  apparatus: {endpoint: \"" + apparatus.url() + "\"}\n"));
  ASSERT_TRUE(eventuallyCoupled());
  apparatus.answer("/decoupled", 500, "not now");
  remove("Plug", "plug");
  ASSERT_TRUE(
      eventually("decoupling fails", [&] { return !apparatus.requests("/decoupled").empty(); }));
  // Somebody takes the socket away by force.
  remove("Socket", "socket", sock());
  client().patch(resourceOf("Socket"), {sock(), "socket"}, kube::client::PatchType::Merge,
                 Value::object({{"metadata", Value::object({{"finalizers", Value()}})}}), {});
  ASSERT_TRUE(
      eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); }));
  apparatus.answer("/decoupled", 200);
  EXPECT_TRUE(eventually(
      "the plug is gone", [&] { return !exists("Plug", "plug"); }, std::chrono::seconds(30)));
}

TEST_F(Details, ARedirectToAnotherHostIsNotFollowed) {
  ScriptedApparatus other;
  http::Server server({.address = "127.0.0.1:0"});
  for (const char* path : {"/created", "/config", "/coupled"}) {
    server.handle("POST", path, [&](const http::ServerRequest&) {
      return http::ServerResponse{307, "text/plain", {{"Location", other.url() + "/x"}}, "there"};
    });
  }
  ASSERT_TRUE(server.start());
  apply(socket());
  apply(plug("  apparatus: {endpoint: \"127.0.0.1:" + std::to_string(server.port()) + "\"}\n"));
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_NE(message("Plug", "plug", "Coupled").find("HTTP status 307"), std::string::npos)
      << "host:port was taken as http: " << message("Plug", "plug", "Coupled");
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(Details, APathWithoutContainersIsOneOfLocalhost) {
  apply(socket());
  apply(plug("  apparatus: {endpoint: /path}\n"));
  ASSERT_TRUE(eventuallyWaits("ApparatusNotReady"));
  EXPECT_NE(message("Plug", "plug", "Coupled").find("http://localhost/path/"), std::string::npos)
      << message("Plug", "plug", "Coupled");
}

TEST_F(Details, AHostThatThereIsNotIsNotRunning) {
  apply(socket());
  apply(plug("  apparatus: {endpoint: 'http://apparatus.invalid'}\n"));
  ASSERT_TRUE(eventually(
      "it is not ready",
      [&] { return condition("Plug", "plug", "Coupled") == "False/ApparatusNotReady"; },
      std::chrono::seconds(40)));
  EXPECT_NE(message("Plug", "plug", "Coupled").find("apparatus.invalid"), std::string::npos);
}

TEST_F(Details, AManagedPodIsWhatTheSpecSaysAndNobodysNameCollides) {
  const kube::api::Resource pods{"", "v1", "pods", "Pod", true};
  const kube::api::Resource services{"", "v1", "services", "Service", true};
  const std::string apparatus = R"(  apparatus:
    containers: [{name: apparatus, image: example/apparatus, ports: [{name: container, containerPort: 8080}]}]
    nodeSelector: {disk: fast}
)";
  const std::string longName(200, 'p');
  const auto inOneNamespace = [&](const std::string& kind, const std::string& name) {
    return "apiVersion: integration.rock8s.com/v1beta1\nkind: " + kind +
           "\nmetadata: {name: " + name + ", namespace: '{NS}'}\nspec:\n" +
           (kind == "Plug" ? "  socket: {name: postgres}\n" : "") + apparatus;
  };
  apply(inOneNamespace("Socket", "postgres"));
  apply(inOneNamespace("Plug", "postgres"));
  apply(inOneNamespace("Plug", longName));
  const auto made = [&](const kube::api::Resource& resource) {
    const auto page = client().list(resource, ns(), {}, {});
    return page ? (*page)["items"] : Value();
  };
  ASSERT_TRUE(eventually("each has a pod and a Service",
                         [&] { return made(pods).size() == 3 && made(services).size() == 3; }));
  const Value present = made(pods);
  for (const Value& pod : present.items()) {
    const std::string_view label = pod["metadata"]["labels"]["apparatus"].asString();
    EXPECT_EQ(label, kube::api::nameOf(pod));
    EXPECT_LE(label.size(), 63u);
    EXPECT_EQ(pod["spec"]["nodeSelector"]["disk"].asString(), "fast");
    EXPECT_EQ(pod["metadata"]["annotations"]["sidecar.istio.io/inject"].asString(), "false");
  }
  // A kubelet says why a container does not start.
  kube::client::CallOptions options;
  options.subresource = "status";
  for (const Value& pod : present.items()) {
    const Value waiting =
        Value::object({{"reason", "CrashLoopBackOff"}, {"message", "it ends at once"}});
    const Value status = Value::object(
        {{"phase", "Running"},
         {"containerStatuses",
          Value::array({Value::object({{"name", "apparatus"},
                                       {"image", "example/apparatus"},
                                       {"imageID", ""},
                                       {"ready", false},
                                       {"restartCount", 3},
                                       {"state", Value::object({{"waiting", waiting}})}})})}});
    ASSERT_TRUE(client().patch(pods, kube::api::keyOf(pod), kube::client::PatchType::Merge,
                               Value::object({{"status", status}}), options));
  }
  EXPECT_TRUE(eventually("its words are told", [&] {
    return message("Plug", "postgres", "Coupled").find("CrashLoopBackOff: it ends at once") !=
           std::string::npos;
  }));
}

TEST_F(Details, APreReleaseIsTakenOnlyWhereItIsAskedFor) {
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: db, namespace: "{SOCK}"}
spec: {schemas: [{version: 1.0.0}, {version: 1.1.0-rc.1}]}
)");
  apply(socket("  interface: {name: db}\n  interfaceVersions: '>=1.0.0-0'\n"));
  const std::string its = "  interface: {name: db, namespace: \"{SOCK}\"}\n  interfaceVersions: ";
  apply(plug(its + "'^1.0'\n"));
  apply(plug(its + "'>=1.1.0-rc.0'\n", "early"));
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_TRUE(eventuallyCoupled("early"));
  EXPECT_EQ(get("Plug", "plug")["status"]["interfaceVersion"].asString(), "1.0.0");
  EXPECT_EQ(get("Plug", "early")["status"]["interfaceVersion"].asString(), "1.1.0-rc.1");
}

}  // namespace
}  // namespace iop::e2e
