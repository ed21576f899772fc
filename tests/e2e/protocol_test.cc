// What is sent to an apparatus, and what its answers mean (apparatus.md).

#include <algorithm>
#include <set>

#include "kube/api/object.h"
#include "tests/e2e/harness.h"
#include "tests/e2e/scripted_apparatus.h"

namespace iop::e2e {
namespace {

using Request = ScriptedApparatus::Request;
using Paths = std::vector<std::string>;

class Protocol : public Case {
 protected:
  // `more` is added to the spec.
  static std::string socket(const std::string& endpoint, const std::string& more = {},
                            const std::string& name = "socket") {
    return R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: )" +
           name + R"(, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
)" + apparatusOf(endpoint) +
           more;
  }
  static std::string plug(const std::string& endpoint = {}, const std::string& more = {},
                          const std::string& name = "plug", const std::string& socket = "socket") {
    return R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  socket: {name: )" +
           socket + R"(, namespace: "{SOCK}"}
)" + apparatusOf(endpoint) +
           more;
  }
  static std::string configOf(const std::string& database) {
    return "  config: {database: " + database + "}\n";
  }

  // What it waits for is over, and its last change of the spec is acted on.
  bool eventuallySettles() {
    return eventually("the plug settles", [&] {
      const Value object = get("Plug", "plug");
      return condition("Plug", "plug", "Coupled") == "True/CouplingSucceeded" &&
             object["status"]["observedGeneration"].asInt() == kube::api::generationOf(object);
    });
  }

  bool isWarned(const std::string& kind, const std::string& name, const std::string& text,
                const std::string& namespaceName) {
    for (const Value& event : events(kind, name, namespaceName)) {
      if (event["type"].asString() == "Warning" &&
          event["message"].asString().find(text) != std::string_view::npos)
        return true;
    }
    return false;
  }

  static std::set<std::string> keysOf(const Value& object) {
    std::set<std::string> keys;
    for (const Member& member : object.members()) keys.emplace(member.key());
    return keys;
  }

 private:
  static std::string apparatusOf(const std::string& endpoint) {
    return endpoint.empty() ? std::string() : "  apparatus: {endpoint: \"" + endpoint + "\"}\n";
  }
};

TEST_F(Protocol, TheAnswerToConfigOverridesAllOtherSources) {
  ScriptedApparatus apparatus;
  apparatus.answer("/socket/config", 200,
                   R"({"secret": "asked", "map": "asked", "template": "asked",)"
                   R"( "configMap": "asked", "object": {"a": {"b": 1}, "c": []}})");
  apply(R"(
apiVersion: v1
kind: Secret
metadata: {name: access, namespace: "{SOCK}"}
stringData: {secret: own}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: "{SOCK}"}
data: {configMap: own, other: own}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  configSecretName: access
  config: {map: own}
  configTemplate: {template: own}
  configConfigMapName: settings
  apparatus: {endpoint: ")" +
        apparatus.url() + "/socket\"}\n");
  apply(plug());
  ASSERT_TRUE(eventuallyCoupled());
  const std::vector<Request> coupled = apparatus.requests("/socket/coupled");
  ASSERT_FALSE(coupled.empty());
  const Value config = coupled.front().body["socketConfig"];
  for (const char* key : {"secret", "map", "template", "configMap"})
    EXPECT_EQ(config[key].asString(), "asked") << "over the source of " << key;
  EXPECT_EQ(config["other"].asString(), "own") << "what the answer does not have stays";
  EXPECT_EQ(config["object"].asString(), R"({"a":{"b":1},"c":[]})") << "as compact JSON";
}

TEST_F(Protocol, ConfigIsAskedForWithBothObjectsAndTheirData) {
  ScriptedApparatus apparatus;
  apply(socket(apparatus.url() + "/socket", "  data: {tier: gold}\n"));
  apply(plug(apparatus.url() + "/plug", "  data: {size: big}\n"));
  ASSERT_TRUE(eventuallyCoupled());
  for (const char* side : {"plug", "socket"}) {
    const std::vector<Request> asked = apparatus.requests("/" + std::string(side) + "/config");
    ASSERT_FALSE(asked.empty()) << side;
    const Value& body = asked.front().body;
    EXPECT_EQ(keysOf(body), (std::set<std::string>{"version", "plug", "socket", "plugData",
                                                   "socketData", "data", "vars"}))
        << side;
    EXPECT_EQ(body["plug"]["metadata"]["name"].asString(), "plug") << side;
    EXPECT_EQ(body["socket"]["metadata"]["name"].asString(), "socket") << side;
    EXPECT_EQ(body["plugData"], Value::object({{"size", "big"}})) << side;
    EXPECT_EQ(body["socketData"], Value::object({{"tier", "gold"}})) << side;
    EXPECT_EQ(body["data"], body[std::string(side) + "Data"]) << "the own side's, for the " << side;
  }
}

TEST_F(Protocol, EachEventReachesThePlugsSideFirstWithBothObjectsAndConfigs) {
  ScriptedApparatus apparatus;
  apply(socket(apparatus.url() + "/socket"));
  apply(plug(apparatus.url() + "/plug", configOf("shop")));
  ASSERT_TRUE(eventuallySettles());
  for (const char* database : {"mall", "market"}) {
    apply(plug(apparatus.url() + "/plug", configOf(database)));
    ASSERT_TRUE(eventuallySettles());
  }
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("the plug is gone", [&] { return !exists("Plug", "plug"); }));

  for (const char* path : {"/plug/created", "/plug/deleted"}) {
    const std::vector<Request> requests = apparatus.requests(path);
    ASSERT_FALSE(requests.empty()) << path;
    const Value& body = requests.front().body;
    EXPECT_EQ(keysOf(body), (std::set<std::string>{"version", "plug"})) << path;
    EXPECT_EQ(body["version"].asString(), "1") << path;
    EXPECT_EQ(body["plug"]["metadata"]["name"].asString(), "plug") << path;
  }
  Paths order = apparatus.events();
  std::erase_if(order, [](const std::string& path) {
    return path.ends_with("/created") || path.ends_with("/deleted");
  });
  EXPECT_EQ(order,
            (Paths{"/plug/coupled", "/socket/coupled", "/plug/updated", "/socket/updated",
                   "/plug/updated", "/socket/updated", "/plug/decoupled", "/socket/decoupled"}));
  for (const std::string side : {"plug", "socket"}) {
    std::set<std::string> keys;
    for (const std::string event : {"coupled", "updated", "decoupled"}) {
      const std::vector<Request> requests = apparatus.requests("/" + side + "/" + event);
      ASSERT_FALSE(requests.empty()) << side << " " << event;
      for (const Request& request : requests) keys.insert(request.header("Idempotency-Key"));
      const Value& body = requests.back().body;
      EXPECT_EQ(keysOf(body),
                (std::set<std::string>{"version", "plug", "socket", "plugConfig", "socketConfig"}))
          << side << " " << event;
      EXPECT_EQ(body["plug"]["metadata"]["name"].asString(), "plug") << side << " " << event;
      for (const char* whose : {"plug", "socket"}) {
        for (const char* part : {"apiVersion", "kind", "metadata", "spec", "status"})
          EXPECT_FALSE(body[whose][part].empty()) << side << " " << event << " " << whose << part;
      }
      EXPECT_EQ(body["socket"]["metadata"]["name"].asString(), "socket") << side << " " << event;
      EXPECT_EQ(body["plugConfig"]["database"].asString(), event == "coupled" ? "shop" : "market")
          << side << " " << event;
      EXPECT_EQ(body["socketConfig"]["hostname"].asString(), "db.example") << side << " " << event;
    }
    EXPECT_EQ(keys.size(), 4U) << "each event of the " << side << "'s side has a key of its own";
  }
}

TEST_F(Protocol, EveryRequestIsJsonWithATraceOfItsOwn) {
  ScriptedApparatus apparatus;
  apply(socket(apparatus.url()));
  apply(plug());
  ASSERT_TRUE(eventuallyCoupled());
  // 00-TRACE-PARENT-FLAGS, all in hexadecimal digits (W3C Trace Context).
  const auto isTrace = [](std::string text) {
    if (text.size() != 55 || !text.starts_with("00-")) return false;
    for (const std::size_t dash : {2U, 35U, 52U}) {
      if (std::exchange(text[dash], '0') != '-') return false;
    }
    return text.find_first_not_of("0123456789abcdef") == std::string::npos;
  };
  std::set<std::string> traces;
  const std::vector<Request> requests = apparatus.requests();
  ASSERT_GE(requests.size(), 3U) << "created, config, coupled";
  for (const Request& request : requests) {
    EXPECT_EQ(request.header("Content-Type"), "application/json") << request.path();
    const std::string its = request.header("traceparent");
    EXPECT_TRUE(isTrace(its)) << request.path() << ": " << its;
    traces.insert(its);
  }
  EXPECT_EQ(traces.size(), requests.size()) << "no two are the same";
}

TEST_F(Protocol, AnyAnswerOfTheTwoHundredsIsAYes) {
  ScriptedApparatus apparatus;
  apparatus.answer("/created", 204);
  apparatus.answer("/coupled", 202, "queued, and this is no JSON");
  apparatus.answer("/updated", 201, "[]");
  apply(socket(apparatus.url()));
  apply(plug());
  ASSERT_TRUE(eventuallyCoupled()) << "204 to created, 202 to coupled";
  apply(plug({}, configOf("mall")));
  ASSERT_TRUE(eventuallySettles()) << "201 to updated";
  EXPECT_EQ(apparatus.events(), (Paths{"/created", "/coupled", "/updated"}));
  EXPECT_TRUE(condition("Plug", "plug", "Failed").empty()) << "nothing has ever failed";
}

TEST_F(Protocol, TheFirst512CharactersOfAFailureAreTold) {
  ScriptedApparatus apparatus;
  std::string text;
  for (int i = 0; i < 600; ++i) text += "ü";
  apparatus.answer("/coupled", 500, text);
  apply(socket(apparatus.url()));
  apply(plug());
  ASSERT_TRUE(eventuallyWaits("Error"));
  const std::string told = message("Plug", "plug", "Failed");
  const std::size_t first = told.find("ü");
  ASSERT_NE(first, std::string::npos) << told;
  EXPECT_EQ(told.substr(first), text.substr(0, 512 * std::string("ü").size()) + "…");
}

TEST_F(Protocol, TheApparatusIsToldBeforeTheSidesResourcesAreMade) {
  ScriptedApparatus apparatus;
  apparatus.hold("/coupled");
  apply(socket(apparatus.url(), R"(  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}}
)"));
  apply(plug());
  ASSERT_TRUE(eventually("it is told", [&] { return !apparatus.requests("/coupled").empty(); }));
  stays("nothing is made before it has answered",
        [&] { return !exists("ConfigMap", "made", sock()); });
  apparatus.letGo();
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_TRUE(exists("ConfigMap", "made", sock())) << "and then it is";
}

TEST_F(Protocol, WhatFailsOnTheSocketsSideIsAWarningOnBothObjects) {
  ScriptedApparatus apparatus;
  apparatus.answer("/event/coupled", 500, "disk full");
  apparatus.answer("/config/config", 500, "no idea");
  const std::string resources = R"(  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: '{% fail "no name" %}'}}
)";
  const std::string results = "  resultTemplate: {answer: '{% fail \"no answer\" %}'}\n";
  struct Failure {
    std::string name, socket, text;
  };
  const std::vector<Failure> failures = {
      {"event", socket(apparatus.url() + "/event", {}, "event"), "disk full"},
      {"config", socket(apparatus.url() + "/config", {}, "config"), "no idea"},
      {"secret", socket({}, "  configSecretName: missing\n", "secret"),
       "Secret " + sock() + "/missing does not exist"},
      {"resources", socket({}, resources, "resources"), "no name"},
      {"results", socket({}, results, "results"), "no answer"},
  };
  for (const Failure& failure : failures)
    apply(failure.socket + plug({}, {}, failure.name, failure.name));
  for (const Failure& failure : failures) {
    eventually("the plug's owner is warned of the socket's " + failure.name,
               [&] { return isWarned("Plug", failure.name, failure.text, ns()); });
    eventually("the socket's owner is warned of its " + failure.name,
               [&] { return isWarned("Socket", failure.name, failure.text, sock()); });
  }
}

TEST_F(Protocol, DecoupledGoesToThoseWhoMayHaveHeardOfTheCoupling) {
  ScriptedApparatus apparatus;
  // The first stops before it comes to its socket, the second at its socket.
  apparatus.answer("/plug-a/coupled", 500, "no");
  apparatus.answer("/socket-b/coupled", 500, "no");
  for (const std::string which : {"a", "b"}) {
    apply(socket(apparatus.url() + "/socket-" + which, {}, which));
    apply(plug(apparatus.url() + "/plug-" + which, {}, which, which));
  }
  for (const std::string which : {"a", "b"}) {
    ASSERT_TRUE(eventuallyWaits("Error", which));
    remove("Plug", which);
    ASSERT_TRUE(eventually("it is gone", [&] { return !exists("Plug", which); }));
    EXPECT_FALSE(apparatus.requests("/plug-" + which + "/decoupled").empty())
        << "coupled may have reached the plug's side of " << which;
  }
  EXPECT_TRUE(apparatus.requests("/socket-a/coupled").empty());
  EXPECT_TRUE(apparatus.requests("/socket-a/decoupled").empty())
      << "the socket's side has heard nothing of the coupling";
  EXPECT_FALSE(apparatus.requests("/socket-b/decoupled").empty())
      << "coupled may have reached the socket's side";
}

TEST_F(Protocol, TheEndIsToldWithWhatCanStillBeBuilt) {
  ScriptedApparatus apparatus;
  apply(R"(
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: "{NS}"}
stringData: {token: abc}
)");
  apply(socket(apparatus.url()));
  apply(plug({}, configOf("shop") + "  configSecretName: token\n"));
  ASSERT_TRUE(eventuallyCoupled());
  remove("Secret", "token");
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("the plug is gone", [&] { return !exists("Plug", "plug"); }));
  const std::vector<Request> told = apparatus.requests("/decoupled");
  ASSERT_FALSE(told.empty()) << "the event is delivered";
  EXPECT_EQ(told.back().body["plugConfig"], Value::object({{"database", "shop"}}));
  EXPECT_EQ(told.back().body["socketConfig"]["hostname"].asString(), "db.example");
}

TEST_F(Protocol, ForceDeleteEndsTheWaitOfASocket) {
  ScriptedApparatus apparatus;
  apparatus.answer("/deleted", 500, "not now");
  const auto here = [](std::string yaml) {  // where annotate() looks
    constexpr std::string_view kThere = "{SOCK}";
    for (std::size_t at = yaml.find(kThere); at != std::string::npos; at = yaml.find(kThere))
      yaml.replace(at, kThere.size(), "{NS}");
    return yaml;
  };
  apply(here(socket(apparatus.url(), {}, "failing")));
  apply(here(socket({}, "  deletionPolicy: Block\n", "blocked")));
  apply(here(plug({}, R"(  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}}
)",
                  "plug", "blocked")));
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_TRUE(
      eventually("created is delivered", [&] { return !apparatus.requests("/created").empty(); }));
  remove("Socket", "failing");
  remove("Socket", "blocked");
  ASSERT_TRUE(
      eventually("deleted is tried", [&] { return !apparatus.requests("/deleted").empty(); }));
  ASSERT_TRUE(eventually("the plug blocks", [&] {
    return condition("Socket", "blocked", "Coupled") == "False/DeletionBlocked";
  }));
  stays("neither goes", [&] { return exists("Socket", "failing") && exists("Socket", "blocked"); });
  for (const char* name : {"failing", "blocked"}) {
    annotate("Socket", name, "integration.rock8s.com/force-delete", "true");
    eventually(std::string(name) + " is gone", [&] { return !exists("Socket", name); });
  }
  eventuallyWaits("SocketNotCreated");
  EXPECT_FALSE(exists("ConfigMap", "made")) << "the plug is decoupled all the same";
}

TEST_F(Protocol, NoProxyStandsInBetween) {
  stopSharedOperator();
  ScriptedApparatus proxy;
  OperatorProcess process({}, {{"HTTP_PROXY", proxy.url()},
                               {"http_proxy", proxy.url()},
                               {"WATCH_NAMESPACE", ns() + "," + sock()}});
  ASSERT_TRUE(process.waitUntilReady()) << process.log();
  // A name that only a proxy would take.
  apply(socket("http://apparatus.invalid"));
  std::string told;
  ASSERT_TRUE(eventually(
      "the call fails",
      [&] {
        told = message("Socket", "socket", "Ready", sock());
        return told.find("http://apparatus.invalid/created") != std::string::npos;
      },
      std::chrono::seconds(40)));
  EXPECT_TRUE(proxy.requests().empty());
  EXPECT_EQ(told.find("HTTP status"), std::string::npos) << told;
}

TEST_F(Protocol, DebugEndpointsAreCalledInPlaceOfThoseOfAllPlugsAndSockets) {
  stopSharedOperator();
  ScriptedApparatus debug;
  ScriptedApparatus own;
  OperatorProcess process({}, {{"DEBUG_PLUG_ENDPOINT", debug.url() + "/plug"},
                               {"DEBUG_SOCKET_ENDPOINT", debug.url() + "/socket"},
                               {"WATCH_NAMESPACE", ns() + "," + sock()}});
  ASSERT_TRUE(process.waitUntilReady()) << process.log();
  apply(socket(own.url()) + plug(own.url()));
  apply(socket({}, {}, "silent") + plug({}, {}, "silent", "silent"));
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_TRUE(eventuallyCoupled("silent"));
  EXPECT_FALSE(debug.requests("/plug/coupled").empty()) << "DEBUG_PLUG_ENDPOINT";
  EXPECT_FALSE(debug.requests("/socket/coupled").empty()) << "DEBUG_SOCKET_ENDPOINT";
  EXPECT_TRUE(own.requests().empty()) << "their own are left alone";
  for (const Request& request : debug.requests()) {
    for (const char* kind : {"plug", "socket"}) {
      EXPECT_NE(request.body[kind]["metadata"]["name"].asString(), "silent")
          << request.path() << ": a side without an apparatus has none to be called";
    }
  }
}

}  // namespace
}  // namespace iop::e2e
