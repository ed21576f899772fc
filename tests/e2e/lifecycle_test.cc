// A plug's life from creation to deletion (lifecycle.md), on a real API server.

#include <chrono>
#include <thread>
#include <utility>

#include "kube/api/object.h"
#include "tests/e2e/harness.h"
#include "text/base64.h"
#include "text/yaml.h"

namespace iop::e2e {
namespace {

constexpr char kSocket[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
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
        data: {host: "{% .socketConfig.hostname %}", database: "{% .plugConfig.database %}"}
)";

class Lifecycle : public Case {
 protected:
  std::string data(const std::string& configMap, const std::string& key) {
    return get("ConfigMap", configMap)["data"][key].toString();
  }
};

TEST_F(Lifecycle, APlugCouplesToASocketInAnotherNamespace) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "host"), "db.example");
  EXPECT_EQ(data("made", "database"), "shop");
  const Value plug = get("Plug", "plug");
  EXPECT_EQ(plug["status"]["coupledSocket"]["name"].asString(), "socket");
  EXPECT_EQ(plug["status"]["coupledSocket"]["namespace"].asString(), sock());
  EXPECT_EQ(plug["status"]["coupledSocket"]["uid"],
            get("Socket", "socket", sock())["metadata"]["uid"]);
  EXPECT_EQ(plug["status"]["observedGeneration"], plug["metadata"]["generation"]);
  EXPECT_EQ(plug["status"]["resources"].at(0)["uid"], get("ConfigMap", "made")["metadata"]["uid"]);
  EXPECT_EQ(condition("Plug", "plug", "Ready"), "True/CouplingSucceeded");
  EXPECT_EQ(message("Plug", "plug", "Coupled"), "coupling succeeded");
  eventually("the socket lists its plug", [&] {
    const Value status = get("Socket", "socket", sock())["status"];
    return status["coupledPlugs"].at(0)["name"].asString() == "plug" &&
           status["coupledPlugCount"].asInt() == 1;
  });
  EXPECT_EQ(condition("Socket", "socket", "Coupled", sock()), "True/SocketCoupled");
  EXPECT_EQ(message("Socket", "socket", "Coupled", sock()), "1 plug coupled");
}

TEST_F(Lifecycle, TheEventsOfACouplingAreToldOnBothObjects) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  eventually("the plug has its two events", [&] {
    return countEvents("Plug", "plug", "PlugCreated") == 1 &&
           countEvents("Plug", "plug", "PlugCoupled") == 1;
  });
  eventually("the socket has its events", [&] {
    return countEvents("Socket", "socket", "SocketCreated", sock()) == 1 &&
           countEvents("Socket", "socket", "SocketCoupled", sock()) == 1;
  });
}

TEST_F(Lifecycle, APlugWaitsForItsSocketAndCouplesTheMomentItAppears) {
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));
  EXPECT_EQ(message("Plug", "plug", "Coupled"), "waiting for socket to be created");
  EXPECT_NE(condition("Plug", "plug", "Failed").substr(0, 4), "True");
  apply(kSocket);
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Lifecycle, ASocketThatNobodyPluggedIntoIsEmptyAndReady) {
  apply(kSocket);
  eventually("the socket is empty", [&] {
    return condition("Socket", "socket", "Coupled", sock()) == "False/SocketEmpty";
  });
  EXPECT_EQ(condition("Socket", "socket", "Ready", sock()), "True/SocketEmpty");
  EXPECT_EQ(message("Socket", "socket", "Coupled", sock()), "0 plugs coupled");
}

TEST_F(Lifecycle, ANamespaceThatIsNotAllowedWaitsUntilTheRulesChange) {
  const std::string refusing =
      std::string(kSocket) + "  validation: {namespaceBlacklist: ['^{NS}$']}\n";
  apply(refusing);
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("NamespaceNotAllowed"));
  EXPECT_EQ(condition("Plug", "plug", "Failed"), "True/NamespaceNotAllowed");
  EXPECT_NE(message("Plug", "plug", "Coupled").find("namespaceBlacklist"), std::string::npos);
  apply(kSocket);
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Lifecycle, ARevokedNamespaceIsDecoupled) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  apply(std::string(kSocket) + "  validation: {namespaceWhitelist: [somebody-else]}\n");
  ASSERT_TRUE(eventuallyWaits("NamespaceNotAllowed"));
  EXPECT_FALSE(exists("ConfigMap", "made"));
  EXPECT_TRUE(get("Plug", "plug")["status"]["coupledSocket"].isNull());
  eventually("the socket counts none", [&] {
    return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt(9) == 0;
  });
}

TEST_F(Lifecycle, AMongoPlugNeverCouplesToAPostgresSocketAndSaysSoInOneSentence) {
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: mongo, namespace: "{NS}"}
spec: {schemas: [{version: 1.0.0}]}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: postgres, namespace: "{NS}"}
spec: {schemas: [{version: 1.0.0}]}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  interface: {name: postgres, namespace: "{NS}"}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  interface: {name: mongo}
)");
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  EXPECT_EQ(message("Plug", "plug", "Coupled"), "plug " + ns() + "/plug needs interface " + ns() +
                                                    "/mongo, but socket " + sock() +
                                                    "/socket offers " + ns() + "/postgres");
}

TEST_F(Lifecycle, TheHighestInterfaceVersionThatSuitsBothIsUsedAndRecorded) {
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: postgres, namespace: "{NS}"}
spec:
  schemas:
    - version: 1.0.0
    - {version: 1.2.0, config: {plug: {database: {required: true}}}}
    - version: 2.0.0
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  interface: {name: postgres, namespace: "{NS}"}
  interfaceVersions: ">=1.0 <2"
)");
  apply(std::string(kPlug) + "  interface: {name: postgres}\n  interfaceVersions: '*'\n");
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(get("Plug", "plug")["status"]["interfaceVersion"].asString(), "1.2.0");
}

TEST_F(Lifecycle, AnInterfaceCountsItsUsersAndNamesTheCouplingsThatItBreaks) {
  const auto interface = [](const std::string& schemas) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: db, namespace: "{SOCK}", annotations: {integration.rock8s.com/allow-breaking: "true"}}
spec: {schemas: [)" +
           schemas + "]}\n";
  };
  const std::string one = "{version: 1.0.0, config: {plug: {name: {}}}}";
  const std::string two = "{version: 2.0.0, config: {plug: {name: {}}}}";
  apply(interface(one + ", " + two));
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec: {interface: {name: db}, interfaceVersions: "^1"}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec: {socket: {name: socket, namespace: "{SOCK}"}, config: {name: shop}}
)");
  ASSERT_TRUE(eventuallyCoupled());
  const auto counts = [&](std::size_t i) {
    const Value version = get("Interface", "db", sock())["status"]["versions"].at(i);
    return version["version"].toString() + ": " + std::to_string(version["sockets"].asInt()) +
           ", " + std::to_string(version["plugs"].asInt());
  };
  eventually("it counts", [&] { return counts(0) == "1.0.0: 1, 1" && counts(1) == "2.0.0: 0, 0"; });
  EXPECT_EQ(condition("Interface", "db", "Ready", sock()), "True/Accepted");
  apply(interface(two));
  eventually("it names the coupling", [&] {
    return message("Interface", "db", "Breaking", sock()).find(ns() + "/plug") != std::string::npos;
  });
  EXPECT_FALSE(get("Plug", "plug")["status"]["coupledSocket"].isNull()) << "it is not cut";
  apply(interface(one));
  ASSERT_TRUE(eventuallyCoupled());
  eventually("all is well",
             [&] { return condition("Interface", "db", "Breaking", sock()).empty(); });
}

TEST_F(Lifecycle, AMissingRequiredPropertyIsNamed) {
  apply(std::string(kSocket) +
        "  interface: {config: {plug: {owner: {required: true}}, socket: {hostname: {}}}}\n");
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_EQ(message("Plug", "plug", "Failed"), "plug config property 'owner' is required");
}

TEST_F(Lifecycle, ASecretThatArrivesLaterWakesThePlug) {
  apply(std::string(kPlug) + "  configSecretName: creds\n");
  apply(kSocket);
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_NE(message("Plug", "plug", "Coupled").find("Secret " + ns() + "/creds does not exist"),
            std::string::npos);
  apply(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: creds, namespace: '{NS}'}\nstringData: "
      "{user: a}\n");
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Lifecycle, AChangedSecretIsAnUpdateAndItsLabelIsNone) {
  const std::string secret =
      "apiVersion: v1\nkind: Secret\nmetadata: {name: creds, namespace: '{NS}'}\n";
  apply(secret + "stringData: {database: one}\n");
  apply(kSocket);
  std::string plug = kPlug;
  plug.replace(plug.find("  config: {database: shop}"), 26, "  configSecretName: creds");
  apply(plug);
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "database"), "one");
  apply(secret + "stringData: {database: two}\n");
  eventually("the new value arrives", [&] { return data("made", "database") == "two"; });
  eventually("the update is told", [&] { return countEvents("Plug", "plug", "PlugUpdated") == 1; });

  annotate("Secret", "creds", "nothing", "to see");
  eventually("the new version is recorded", [&] {
    const Value present = get("Plug", "plug");
    for (const Value& input : present["status"]["coupling"]["inputs"].items()) {
      if (input["kind"].asString() == "Secret") {
        return input["version"] == get("Secret", "creds")["metadata"]["resourceVersion"];
      }
    }
    return false;
  });
  stays(
      "no further update", [&] { return countEvents("Plug", "plug", "PlugUpdated") == 1; },
      std::chrono::milliseconds(1500));
}

TEST_F(Lifecycle, AChangeOfTheObjectBehindAVarIsAnUpdate) {
  const std::string source =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: source, namespace: '{NS}'}\n";
  apply(source + "data: {port: '1'}\n");
  apply(kSocket);
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  vars: [{name: port, objref: {apiVersion: v1, kind: ConfigMap, name: source}, fieldref: {fieldPath: data.port}}]
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}, data: {port: "{% .vars.port %}"}}
)");
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "port"), "1");
  apply(source + "data: {port: '2'}\n");
  eventually("the new value arrives", [&] { return data("made", "port") == "2"; });
}

TEST_F(Lifecycle, AVarOfAnotherNamespaceIsRefused) {
  apply(kSocket);
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  vars: [{name: x, objref: {apiVersion: v1, kind: Secret, name: a, namespace: kube-system}}]
)");
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_NE(message("Plug", "plug", "Coupled").find("cannot read namespace kube-system"),
            std::string::npos);
}

TEST_F(Lifecycle, AnUpdateRemovesWhatIsNoLongerMade) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  std::string changed = kPlug;
  changed.replace(changed.find("name: made"), 10, "name: other");
  apply(changed);
  eventually("the new one is there", [&] { return exists("ConfigMap", "other"); });
  eventually("the old one is gone", [&] { return !exists("ConfigMap", "made"); });
  eventually("the inventory has the new one only", [&] {
    const Value resources = get("Plug", "plug")["status"]["resources"];
    return resources.size() == 1 && resources.at(0)["name"].asString() == "other";
  });
}

TEST_F(Lifecycle, AFailedUpdateLeavesTheCouplingAsItWas) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  apply(std::string(kPlug) + "  configConfigMapName: missing\n");
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_TRUE(exists("ConfigMap", "made"));
  EXPECT_FALSE(get("Plug", "plug")["status"]["coupledSocket"].isNull());
  apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: missing, namespace: '{NS}'}\ndata: "
      "{database: found}\n");
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "database"), "found");
}

TEST_F(Lifecycle, ALimitIsKeptAndAFreedPlaceGoesToTheNextInLine) {
  apply(std::string(kSocket) + "  limit: 1\n");
  const std::string plug = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: %, namespace: "{NS}"}
spec: {socket: {name: socket, namespace: "{SOCK}"}}
)";
  const auto named = [&](const std::string& name) {
    std::string text = plug;
    text.replace(text.find('%'), 1, name);
    return text;
  };
  apply(named("first"));
  ASSERT_TRUE(eventuallyCoupled("first"));
  apply(named("second"));
  ASSERT_TRUE(eventuallyWaits("SocketFull", "second"));
  EXPECT_NE(condition("Plug", "second", "Failed").substr(0, 4), "True");
  apply(named("third"));
  ASSERT_TRUE(eventuallyWaits("SocketFull", "third"));
  const auto isInLine = [&](const std::string& name, int number) {
    return message("Plug", name, "Coupled")
        .ends_with("number " + std::to_string(number) + " in line");
  };
  EXPECT_TRUE(isInLine("second", 1)) << message("Plug", "second", "Coupled");
  EXPECT_TRUE(isInLine("third", 2)) << message("Plug", "third", "Coupled");
  remove("Plug", "first");
  ASSERT_TRUE(eventuallyCoupled("second"));
  eventually("the third has moved up", [&] { return isInLine("third", 1); });
  stays("the third still waits",
        [&] { return condition("Plug", "third", "Coupled") == "False/SocketFull"; });
  apply(std::string(kSocket) + "  limit: 2\n");
  EXPECT_TRUE(eventuallyCoupled("third"));
  apply(std::string(kSocket) + "  limit: 1\n");
  stays("lowering the limit evicts nobody", [&] {
    return condition("Plug", "second", "Coupled").substr(0, 4) == "True" &&
           condition("Plug", "third", "Coupled").substr(0, 4) == "True";
  });
}

TEST_F(Lifecycle, AnotherSocketInTheSpecMeansDecouplingFromTheFirst) {
  apply(kSocket);
  std::string second = kSocket;
  second.replace(second.find("name: socket"), 12, "name: other ");
  second.replace(second.find("db.example"), 10, "other.host");
  apply(second);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  std::string moved = kPlug;
  moved.replace(moved.find("name: socket"), 12, "name: other ");
  apply(moved);
  eventually("it is coupled to the other", [&] {
    return get("Plug", "plug")["status"]["coupledSocket"]["name"].asString() == "other" &&
           condition("Plug", "plug", "Coupled") == "True/CouplingSucceeded";
  });
  EXPECT_EQ(data("made", "host"), "other.host");
  eventually("the first has none", [&] {
    return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt(9) == 0;
  });
}

TEST_F(Lifecycle, ADeletedSocketDecouplesItsPlugsWhichWaitForItToComeBack) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("Socket", "socket", sock());
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));
  eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); });
  EXPECT_FALSE(exists("ConfigMap", "made"));
  apply(kSocket);
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_TRUE(exists("ConfigMap", "made"));
}

TEST_F(Lifecycle, ASocketTakesItsPlugsAlongWhenItsPolicySaysSo) {
  apply(std::string(kSocket) + "  deletionPolicy: DeletePlugs\n");
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("Socket", "socket", sock());
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); });
  EXPECT_FALSE(exists("ConfigMap", "made"));
}

TEST_F(Lifecycle, ASocketStaysUntilNobodyIsCoupledWhenItsPolicySaysSo) {
  apply(std::string(kSocket) + "  deletionPolicy: Block\n");
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("Socket", "socket", sock());
  eventually("it says why it stays", [&] {
    return condition("Socket", "socket", "Coupled", sock()) == "False/DeletionBlocked";
  });
  EXPECT_EQ(message("Socket", "socket", "Coupled", sock()),
            "deletion waits until 1 plug is decoupled (spec.deletionPolicy is Block)");
  std::string late = kPlug;
  late.replace(late.find("name: plug"), 10, "name: late");
  apply(late);
  ASSERT_TRUE(eventuallyWaits("SocketTerminating", "late"));
  stays("the plug stays coupled", [&] {
    return condition("Plug", "plug", "Coupled") == "True/CouplingSucceeded" &&
           exists("ConfigMap", "made");
  });
  remove("Plug", "plug");
  eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); });
}

TEST_F(Lifecycle, ADeletedPlugLeavesNothingButWhatIsRetained) {
  apply(kSocket);
  apply(std::string(kPlug) + R"(    - retainWhenDecoupled: true
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: kept}}
    - when: [decoupled]
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: farewell}}
)");
  ASSERT_TRUE(eventuallyCoupled());
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_FALSE(exists("ConfigMap", "made"));
  EXPECT_TRUE(exists("ConfigMap", "kept"));
  EXPECT_TRUE(exists("ConfigMap", "farewell"));
  eventually("the socket counts none", [&] {
    return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt(9) == 0;
  });
}

TEST_F(Lifecycle, ADeletedPlugGoesAlthoughItsSecretIsGone) {
  apply(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: creds, namespace: '{NS}'}\nstringData: "
      "{user: a}\n");
  apply(kSocket);
  apply(std::string(kPlug) + "  configSecretName: creds\n");
  ASSERT_TRUE(eventuallyCoupled());
  remove("Secret", "creds");
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_FALSE(exists("ConfigMap", "made"));
  eventually("what was skipped is told", [&] {
    for (const Value& event : events("Plug", "plug")) {
      if (event["type"].asString() == "Warning" &&
          event["message"].asString().find("goes on without") != std::string_view::npos) {
        return true;
      }
    }
    return false;
  });
}

TEST_F(Lifecycle, ADeletedPlugGoesAlthoughItsAccountLostItsRights) {
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  remove("RoleBinding", "everything");
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_TRUE(exists("ConfigMap", "made"));  // nobody is allowed to remove it
  eventually("that is told", [&] {
    for (const Value& event : events("Plug", "plug")) {
      if (event["message"].asString().find("was skipped") != std::string_view::npos) return true;
    }
    return false;
  });
}

TEST_F(Lifecycle, AnAccountWithoutRightsIsToldWhatToGrant) {
  apply(kSocket);
  apply(std::string(kPlug) + "  serviceAccountName: nobody\n");
  ASSERT_TRUE(eventuallyWaits("Error"));
  const std::string text = message("Plug", "plug", "Failed");
  EXPECT_NE(text.find("service account " + ns() + "/nobody may not"), std::string::npos) << text;
  EXPECT_NE(text.find("configmaps"), std::string::npos) << text;
  EXPECT_NE(text.find("in namespace " + ns()), std::string::npos) << text;
  EXPECT_FALSE(exists("ConfigMap", "made"));
}

TEST_F(Lifecycle, AConflictNamesTheOtherFieldManager) {
  apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, namespace: '{NS}'}\ndata: {host: "
      "mine}\n");
  apply(kSocket);
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_NE(message("Plug", "plug", "Failed").find("\"e2e\""), std::string::npos)
      << message("Plug", "plug", "Failed");
  EXPECT_EQ(data("made", "host"), "mine");
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_EQ(data("made", "host"), "mine") << "an object that is not ours was removed";
}

TEST_F(Lifecycle, AKindThatDoesNotExistIsNamed) {
  apply(kSocket);
  std::string plug = kPlug;
  plug.replace(plug.find("kind: ConfigMap"), 15, "kind: NoSuchKnd");
  apply(plug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_NE(message("Plug", "plug", "Failed").find("NoSuchKnd"), std::string::npos);
}

TEST_F(Lifecycle, ATemplateErrorIsGosAndNamesTheField) {
  apply(kSocket);
  std::string plug = kPlug;
  plug.replace(plug.find(".plugConfig.database"), 20, "fail .plugConfig.database");
  apply(plug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  const std::string text = message("Plug", "plug", "Failed");
  EXPECT_NE(text.find("spec.resources[0].template"), std::string::npos) << text;
  EXPECT_NE(text.find("error calling fail: shop"), std::string::npos) << text;
  EXPECT_FALSE(exists("ConfigMap", "made"));
}

TEST_F(Lifecycle, RecreateLeavesNothingOfTheOldObject) {
  apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: again, namespace: '{NS}'}\ndata: {old: "
      "value}\n");
  const Value old = get("ConfigMap", "again");
  apply(kSocket);
  apply(std::string(kPlug) + R"(    - do: recreate
      template: {apiVersion: v1, kind: ConfigMap, metadata: {name: again}, data: {new: value}}
)");
  ASSERT_TRUE(eventuallyCoupled());
  const Value fresh = get("ConfigMap", "again");
  EXPECT_NE(fresh["metadata"]["uid"], old["metadata"]["uid"]);
  EXPECT_TRUE(fresh["data"]["old"].isNull());
}

TEST_F(Lifecycle, AnObjectThatSeveralCouplingsMakeGoesWithTheLast) {
  apply(std::string(kSocket) + R"(  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: shared}}
)");
  for (const char* name : {"one", "two", "three"}) {
    apply(std::string(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )") +
          name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
)");
    ASSERT_TRUE(eventuallyCoupled(name));
  }
  remove("Plug", "one");
  ASSERT_TRUE(eventually("it is gone", [&] { return !exists("Plug", "one"); }));
  EXPECT_TRUE(exists("ConfigMap", "shared", sock()));
  remove("Plug", "two");
  remove("Plug", "three");
  eventually("the last takes it along", [&] { return !exists("ConfigMap", "shared", sock()); });
}

TEST_F(Lifecycle, APlugMayBuildOnTheResultOfAnother) {
  apply(kSocket);
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: first, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  result: {user: ana}
)");
  ASSERT_TRUE(eventuallyCoupled("first"));
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: second, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  vars:
    - name: user
      objref: {apiVersion: integration.rock8s.com/v1beta1, kind: Plug, name: first}
      fieldref: {fieldPath: status.coupledResult.plug.user}
    - name: self
      objref: {apiVersion: integration.rock8s.com/v1beta1, kind: Plug, name: second}
      fieldref: {fieldPath: metadata.name}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}, data: {user: "{% .vars.user %}"}}
)");
  ASSERT_TRUE(eventuallyCoupled("second"));
  EXPECT_EQ(data("made", "user"), "ana");
  const Value before = get("Plug", "second")["status"]["coupling"]["inputs"];
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: first, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  result: {user: eve}
)");
  eventually("the change arrives", [&] { return data("made", "user") == "eve"; });
  eventually("the update is done", [&] {
    const Value coupling = get("Plug", "second")["status"]["coupling"];
    return coupling["event"].isNull() && coupling["inputs"] != before;
  });
  // What the first one writes may come in two steps, and wakes the second one each time.
  Value rested;
  eventually("it comes to rest", [&] {
    const Value now = get("Plug", "second")["metadata"]["resourceVersion"];
    const bool same = now == std::exchange(rested, now);
    if (!same) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    return same;
  });
  stays("nothing is written any more",
        [&] { return get("Plug", "second")["metadata"]["resourceVersion"] == rested; });
}

TEST_F(Lifecycle, AKindThatComesLaterIsFound) {
  apply(kSocket);
  apply(std::string(kPlug) + R"(    - template:
        apiVersion: late.example.com/v1
        kind: Latecomer
        metadata: {name: made}
)");
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_NE(message("Plug", "plug", "Coupled").find("the server has no kind 'Latecomer'"),
            std::string::npos);
  const kube::api::Resource crds{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                 "CustomResourceDefinition", false};
  const auto crd = text::parseYaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: latecomers.late.example.com}
spec:
  group: late.example.com
  scope: Namespaced
  names: {plural: latecomers, singular: latecomer, kind: Latecomer, listKind: LatecomerList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
)");
  ASSERT_TRUE(crd) << crd.error().message;
  ASSERT_TRUE(client().create(crds, "", *crd, {}));
  const bool isCoupled = eventually(
      "it couples",
      [&] { return condition("Plug", "plug", "Coupled") == "True/CouplingSucceeded"; },
      std::chrono::seconds(40));
  EXPECT_TRUE(isCoupled);
  remove("Plug", "plug");
  eventually("it is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_TRUE(client().remove(crds, {"", "latecomers.late.example.com"}, {}, {}));
}

TEST_F(Lifecycle, SensitiveResultsStayOutOfTheStatus) {
  apply(std::string(kSocket) + R"(  interface:
    result: {socket: {user: {}, password: {sensitive: true}}}
  result: {user: ana, password: c4nary-value}
)");
  apply(std::string(kPlug) + R"(  resultResources:
    - template: {apiVersion: v1, kind: Secret, metadata: {name: creds}, stringData: {password: "{% .socketResult.password %}"}}
)");
  ASSERT_TRUE(eventuallyCoupled());
  const Value plug = get("Plug", "plug");
  EXPECT_EQ(plug["status"]["coupledResult"]["socket"], Value::object({{"user", "ana"}}));
  EXPECT_EQ(text::decodeBase64(get("Secret", "creds")["data"]["password"].asString()),
            "c4nary-value");
}

}  // namespace
}  // namespace iop::e2e
