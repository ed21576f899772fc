// Managed apparatus pods: when they are there, and when they are called. The apparatus itself is
// within the test; here pods become ready when a case says so.

#include "kube/api/object.h"
#include "tests/e2e/harness.h"
#include "tests/e2e/scripted_apparatus.h"

namespace iop::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const kube::api::Resource kPods{"", "v1", "pods", "Pod", true};
const kube::api::Resource kServices{"", "v1", "services", "Service", true};

class Pods : public Case {
 protected:
  static std::string managed(const std::string& endpoint, const std::string& idle) {
    return R"(  apparatus:
    endpoint: ")" +
           endpoint + "\"\n" + (idle.empty() ? "" : "    idleTimeout: " + idle + "\n") +
           R"(    containers:
      - name: apparatus
        image: example/apparatus
        ports: [{name: container, containerPort: 8080}]
)";
  }
  // Without an endpoint it has no apparatus.
  static std::string socket(const std::string& endpoint = {}, const std::string& idle = {},
                            const std::string& name = "socket") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: )" +
           name + R"(, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
)" + (endpoint.empty() ? std::string() : managed(endpoint, idle));
  }
  static std::string plug(const std::string& endpoint = {}, const std::string& idle = {}) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
)" + (endpoint.empty() ? std::string() : managed(endpoint, idle));
  }

  std::vector<Value> objectsOf(const kube::api::Resource& resource,
                               const std::string& namespaceName) {
    const auto page = client().list(resource, namespaceName, {}, {});
    if (!page) return {};
    const auto items = (*page)["items"].items();
    return {items.begin(), items.end()};
  }
  std::vector<Value> pods(const std::string& namespaceName) {
    return objectsOf(kPods, namespaceName);
  }
  // The pods of one socket or plug.
  std::size_t podsOf(const std::string& owner, const std::string& namespaceName) {
    std::size_t count = 0;
    for (const Value& pod : pods(namespaceName)) {
      count += pod["metadata"]["ownerReferences"].at(0)["name"].asString() == owner ? 1U : 0U;
    }
    return count;
  }

  // As a kubelet does once the containers run.
  void makeReady(const std::string& namespaceName) {
    for (const Value& pod : pods(namespaceName)) {
      if (pod["status"]["phase"].asString() == "Running") continue;
      const Value ready = Value::object({{"type", "Ready"}, {"status", "True"}});
      const Value status =
          Value::object({{"phase", "Running"}, {"conditions", Value::array({ready})}});
      kube::client::CallOptions options;
      options.subresource = "status";
      client().patch(kPods, kube::api::keyOf(pod), kube::client::PatchType::Merge,
                     Value::object({{"status", status}}), options);
    }
  }
  // Pods become ready meanwhile.
  bool eventuallyWithPods(const std::string& what, const std::string& namespaceName,
                          const std::function<bool()>& isSo) {
    return eventually(what, [&] {
      makeReady(namespaceName);
      return isSo();
    });
  }
  // That the Service of a pod is called by its name in the cluster's domain.
  void expectCallsIn(const std::string& domain);
  bool isCoupled() { return condition("Plug", "plug", "Coupled") == "True/CouplingSucceeded"; }
};

TEST_F(Pods, APlugsApparatusIsManagedAsASocketsIs) {
  ScriptedApparatus apparatus;
  apply(socket());
  apply(plug(apparatus.url(), "2"));
  ASSERT_TRUE(eventuallyWaits("ApparatusNotReady"));
  const std::string uid(kube::api::uidOf(get("Plug", "plug")));
  ASSERT_EQ(pods(ns()).size(), 1U);
  EXPECT_EQ(pods(ns()).front()["metadata"]["ownerReferences"].at(0)["uid"].asString(), uid)
      << "the pod is the plug's";
  const std::vector<Value> services = objectsOf(kServices, ns());
  ASSERT_EQ(services.size(), 1U);
  const Value& service = services.front();
  EXPECT_EQ(service["metadata"]["ownerReferences"].at(0)["uid"].asString(), uid)
      << "the Service is the plug's";
  EXPECT_EQ(service["spec"]["type"].asString(), "ClusterIP");
  EXPECT_FALSE(service["spec"]["clusterIP"].empty());
  EXPECT_NE(service["spec"]["clusterIP"].asString(), "None") << "it has an address";
  EXPECT_TRUE(apparatus.requests().empty()) << "nothing is sent before the pod is ready";

  ASSERT_TRUE(eventuallyWithPods("the plug is coupled", ns(), [&] { return isCoupled(); }));
  EXPECT_EQ(apparatus.events(), (std::vector<std::string>{"/created", "/coupled"}));
  ASSERT_TRUE(eventually("the pod goes when it is idle", [&] { return pods(ns()).empty(); }));
  EXPECT_EQ(objectsOf(kServices, ns()).size(), 1U) << "the Service stays";

  remove("Plug", "plug");
  ASSERT_TRUE(
      eventuallyWithPods("the plug is gone", ns(), [&] { return !exists("Plug", "plug"); }));
  EXPECT_EQ(apparatus.events(),
            (std::vector<std::string>{"/created", "/coupled", "/decoupled", "/deleted"}));
}

TEST_F(Pods, AnEventIsSentOnlyOnceThePodAnswersToPing) {
  ScriptedApparatus apparatus;
  apparatus.answer("/ping", 503, "warming up");
  apply(socket(apparatus.url(), "30"));
  apply(plug());
  ASSERT_TRUE(eventuallyWithPods("it is told what ping answers", sock(), [&] {
    return message("Socket", "socket", "Ready", sock())
               .find("/ping: HTTP status 503: warming up") != std::string::npos;
  }));
  const std::vector<Value> services = objectsOf(kServices, sock());
  ASSERT_EQ(services.size(), 1U);
  EXPECT_EQ(services.front()["metadata"]["ownerReferences"].at(0)["uid"].asString(),
            kube::api::uidOf(get("Socket", "socket", sock())))
      << "the Service is the socket's";
  EXPECT_EQ(services.front()["spec"]["type"].asString(), "ClusterIP");
  stays("no event is sent", [&] { return apparatus.events().empty(); });
  for (const ScriptedApparatus::Request& request : apparatus.requests()) {
    EXPECT_EQ(request.http.method + " " + request.path(), "GET /ping");
  }
  apparatus.answer("/ping", 204);
  ASSERT_TRUE(eventuallyCoupled()) << "any 2xx is healthy";
  EXPECT_EQ(apparatus.events(), (std::vector<std::string>{"/created", "/coupled"}));
}

// Several at once: not all of them are looked at by chance in the moment that counts.
TEST_F(Pods, AnEventIsSentTheMomentThePodIsReady) {
  constexpr int kSockets = 6;
  ScriptedApparatus apparatus;
  for (int i = 0; i < kSockets; ++i) {
    const std::string name = "socket-" + std::to_string(i);
    apply(socket(apparatus.url() + "/" + name, "30", name));
  }
  ASSERT_TRUE(eventually("the pods are there", [&] { return pods(sock()).size() == kSockets; }));
  stays(
      "nobody is called before", [&] { return apparatus.requests().empty(); }, seconds(4));
  makeReady(sock());
  eventually(
      "all have heard of created", [&] { return apparatus.events().size() == kSockets; },
      seconds(2));
}

TEST_F(Pods, ThePodStaysForTheSecondsOfItsIdleTimeout) {
  ScriptedApparatus apparatus;
  const auto hasTakenCreated = [&](const std::string& name) {
    return eventuallyWithPods(name + " has taken created", sock(), [&] {
      return condition("Socket", name, "Coupled", sock()) == "False/SocketEmpty";
    });
  };
  apply(socket(apparatus.url() + "/patient", {}, "patient"));
  EXPECT_EQ(get("Socket", "patient", sock())["spec"]["apparatus"]["idleTimeout"].asInt(), 60)
      << "where the spec says nothing";
  ASSERT_TRUE(hasTakenCreated("patient"));
  apply(socket(apparatus.url() + "/brief", "3", "brief"));
  ASSERT_TRUE(hasTakenCreated("brief"));
  stays(
      "the pod is there", [&] { return podsOf("brief", sock()) == 1; }, milliseconds(1500));
  eventually(
      "the pod has gone", [&] { return podsOf("brief", sock()) == 0; }, seconds(6));
  EXPECT_EQ(podsOf("patient", sock()), 1U) << "the time of the other one is not over";
}

TEST_F(Pods, NoneIsStoppedInTheMiddleOfAnEvent) {
  ScriptedApparatus apparatus;
  apparatus.hold("/coupled");
  apply(socket(apparatus.url(), "1"));
  apply(plug());
  ASSERT_TRUE(eventuallyWithPods("it hears of the coupling", sock(),
                                 [&] { return !apparatus.requests("/coupled").empty(); }));
  ASSERT_EQ(pods(sock()).size(), 1U);
  const std::string uid(kube::api::uidOf(pods(sock()).front()));
  stays(
      "the pod is the same, and stays",
      [&] {
        const std::vector<Value> now = pods(sock());
        return now.size() == 1 && kube::api::uidOf(now.front()) == uid &&
               !kube::api::isBeingDeleted(now.front());
      },
      seconds(3));
  apparatus.letGo();
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(apparatus.requests("/coupled").size(), 1U) << "the one event was enough";
  eventually("the pod goes once it is idle", [&] { return pods(sock()).empty(); });
}

void Pods::expectCallsIn(const std::string& domain) {
  apply(socket("/v1", "30"));
  ASSERT_TRUE(eventually("the pod is there", [&] { return pods(sock()).size() == 1; }));
  const std::vector<Value> services = objectsOf(kServices, sock());
  ASSERT_EQ(services.size(), 1U);
  const std::string url = "http://" + std::string(kube::api::nameOf(services.front())) + "." +
                          sock() + ".svc." + domain + "/v1/ping";
  makeReady(sock());
  // There is no DNS of a cluster here: who calls it fails, and says what it has called.
  eventually(
      "it is called at " + url,
      [&] {
        return message("Socket", "socket", "Ready", sock()).find(url + ":") != std::string::npos;
      },
      seconds(40));
}

TEST_F(Pods, AServiceIsCalledByItsNameInClusterLocal) { expectCallsIn("cluster.local"); }

TEST_F(Pods, AServiceIsCalledByItsNameInTheDomainThatTheFlagSays) {
  stopSharedOperator();
  OperatorProcess process({"--cluster-domain", "example.invalid"});
  ASSERT_TRUE(process.waitUntilReady()) << process.log();
  expectCallsIn("example.invalid");
}

}  // namespace
}  // namespace iop::e2e
