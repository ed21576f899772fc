// What a plug waits for and in which order, how interfaces decide, what updates a coupling and what
// ends it (lifecycle.md), on a real API server.

#include "kube/api/object.h"
#include "tests/e2e/harness.h"

namespace iop::e2e {
namespace {

constexpr char kMade[] = R"(  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {database: "{% .plugConfig.database %}"}
)";
constexpr char kDatabase[] = "  config: {database: shop}\n";
constexpr char kHostname[] = "  config: {hostname: db.example}\n";
constexpr char kSpeaksPostgres[] = "  interface: {name: postgres, namespace: '{SOCK}'}\n";

class Couplings : public Case {
 protected:
  static std::string socket(const std::string& spec) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
)" + spec;
  }

  static std::string plug(const std::string& spec, const std::string& name = "plug",
                          const std::string& namespaceName = "{NS}") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + ", namespace: \"" + namespaceName + R"("}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
)" + spec;
  }

  // Where the admission policy is installed, it lets changes through.
  static std::string interface(const std::string& schemas) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: postgres, namespace: "{SOCK}", annotations: {integration.rock8s.com/allow-breaking: "true"}}
spec: {schemas: [)" +
           schemas + "]}\n";
  }

  static std::string configMap(const std::string& name, const std::string& data) {
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name +
           ", namespace: '{NS}'}\ndata: " + data + "\n";
  }

  static std::string secret(const std::string& name, const std::string& data,
                            const std::string& namespaceName = "{NS}") {
    return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: '" +
           namespaceName + "'}\nstringData: " + data + "\n";
  }

  std::string data(const std::string& name, const std::string& key,
                   const std::string& namespaceName = "") {
    return get("ConfigMap", name, namespaceName)["data"][key].toString();
  }
  std::string why(const std::string& name = "plug") { return message("Plug", name, "Coupled"); }
  bool isInLine(const std::string& name, const std::string& namespaceName = "") {
    return condition("Plug", name, "Coupled", namespaceName) == "False/SocketFull";
  }
  bool isLookedAt() {
    const Value plug = get("Plug", "plug");
    return plug["status"]["observedGeneration"] == plug["metadata"]["generation"];
  }
  // The coupling is as it was made, whatever its condition says.
  void expectTheCouplingStands(const std::string& when) {
    const Value status = get("Plug", "plug")["status"];
    EXPECT_EQ(status["coupledSocket"]["name"].asString(), "socket") << when;
    EXPECT_EQ(status["resources"].at(0)["name"].asString(), "made") << when;
    EXPECT_EQ(data("made", "database"), "shop") << when;
  }
  void expectNothingIsLeft(const std::string& when) {
    const Value status = get("Plug", "plug")["status"];
    EXPECT_TRUE(status["coupledSocket"].isNull()) << when;
    EXPECT_TRUE(status["resources"].empty()) << when;
    EXPECT_FALSE(exists("ConfigMap", "made")) << when;
    eventually("the socket counts none " + when, [&] {
      return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt(9) == 0;
    });
  }
};

TEST_F(Couplings, AllFaultsAtOnceAreToldInTheirOrder) {
  const std::string limited = "  interface: {name: postgres}\n  limit: 1\n";
  const std::string refusing = limited + "  validation: {namespaceBlacklist: ['^{NS}$']}\n";
  const auto faulty = [](const std::string& speaks) {
    return plug("  interface: {name: " + speaks +
                ", namespace: '{SOCK}'}\n  configSecretName: missing\n");
  };
  apply(interface("{version: 1.0.0}"));
  apply(faulty("mongo"));
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));

  std::string held = socket(refusing);
  held.replace(held.find("metadata: {"), 11, "metadata: {finalizers: [e2e.example.com/hold], ");
  apply(held);
  ASSERT_TRUE(eventuallyWaits("NamespaceNotAllowed"));
  remove("Socket", "socket", sock());
  ASSERT_TRUE(eventuallyWaits("SocketTerminating"));
  apply(socket(refusing));  // nobody holds it any more
  ASSERT_TRUE(
      eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); }));
  ASSERT_TRUE(eventuallyWaits("SocketNotCreated"));

  apply(plug(kHostname, "first", "{SOCK}"));
  apply(socket(refusing));
  ASSERT_TRUE(eventually("another has the only place", [&] {
    return condition("Plug", "first", "Coupled", sock()) == "True/CouplingSucceeded";
  }));
  ASSERT_TRUE(eventuallyWaits("NamespaceNotAllowed"));
  apply(socket(limited));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  apply(faulty("postgres"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  apply(secret("missing", "{database: shop}"));
  ASSERT_TRUE(eventuallyWaits("SocketFull"));
  remove("Plug", "first", sock());
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Couplings, WhatIsWatchedWakesAPlugHoweverOftenItHasTried) {
  int epoch = 0;
  const auto waiting = [&] {
    return plug("  epoch: '" + std::to_string(++epoch) + R"('
  vars: [{name: late, objref: {apiVersion: v1, kind: ConfigMap, name: late}}]
)");
  };
  // So often that a back-off, if there were one, would be over a minute by then.
  const auto tryOften = [&](const std::string& reason) {
    for (int i = 0; i < 8; ++i) {
      apply(waiting());
      ASSERT_TRUE(eventually("it is tried again", [&] { return isLookedAt(); }));
    }
    ASSERT_EQ(condition("Plug", "plug", "Coupled"), "False/ConfigInvalid");
    ASSERT_EQ(why(), reason);
  };
  apply(socket("  configSecretName: access\n"));
  ASSERT_NO_FATAL_FAILURE(tryOften("plug's ConfigMap " + ns() + "/late does not exist"));
  apply(configMap("late", "{any: thing}"));
  const std::string missing = "socket's Secret " + sock() + "/access does not exist";
  ASSERT_TRUE(eventually("the object behind the var wakes it", [&] { return why() == missing; }));
  ASSERT_NO_FATAL_FAILURE(tryOften(missing));
  EXPECT_EQ(condition("Plug", "plug", "Failed"), "True/ConfigInvalid");
  apply(secret("access", "{hostname: db.example}", "{SOCK}"));
  EXPECT_TRUE(eventuallyCoupled()) << "the socket's Secret wakes it";
}

TEST_F(Couplings, ALimitOfZeroIsNone) {
  apply(socket("  limit: 0\n"));
  apply(plug("", "one"));
  apply(plug("", "two"));
  EXPECT_TRUE(eventuallyCoupled("one"));
  EXPECT_TRUE(eventuallyCoupled("two"));
}

TEST_F(Couplings, TheBlacklistIsAskedBeforeTheWhitelist) {
  const std::string whitelist = "namespaceWhitelist: ['^{NS}$']";
  apply(socket("  validation: {namespaceBlacklist: ['^{NS}$'], " + whitelist + "}\n"));
  apply(plug(kDatabase));
  ASSERT_TRUE(eventuallyWaits("NamespaceNotAllowed"));
  EXPECT_NE(why().find("namespaceBlacklist"), std::string::npos) << why();
  apply(socket("  validation: {" + whitelist + "}\n"));
  EXPECT_TRUE(eventuallyCoupled()) << "the whitelist alone would have taken it";
}

TEST_F(Couplings, PlugsOfOneSecondStandInLineByNamespaceAndName) {
  apply(socket("  limit: 1\n"));
  apply(plug("", "first"));
  ASSERT_TRUE(eventuallyCoupled("first"));
  // They are of one second unless it ends while they are made.
  bool areOfOneSecond = false;
  for (int attempt = 0; attempt < 10 && !areOfOneSecond; ++attempt) {
    apply(plug("", "alpha", "{SOCK}"));
    apply(plug("", "zeta"));
    apply(plug("", "beta"));
    const Value second = get("Plug", "alpha", sock())["metadata"]["creationTimestamp"];
    areOfOneSecond = get("Plug", "zeta")["metadata"]["creationTimestamp"] == second &&
                     get("Plug", "beta")["metadata"]["creationTimestamp"] == second;
    if (areOfOneSecond) break;
    remove("Plug", "alpha", sock());
    remove("Plug", "zeta");
    remove("Plug", "beta");
    ASSERT_TRUE(eventually("they are gone", [&] {
      return !exists("Plug", "alpha", sock()) && !exists("Plug", "zeta") && !exists("Plug", "beta");
    }));
  }
  ASSERT_TRUE(areOfOneSecond);
  ASSERT_TRUE(eventually("all are in line", [&] {
    return isInLine("alpha", sock()) && isInLine("zeta") && isInLine("beta");
  }));
  remove("Plug", "first");
  ASSERT_TRUE(eventuallyCoupled("beta")) << "the name decides within a namespace";
  EXPECT_TRUE(isInLine("zeta"));
  EXPECT_TRUE(isInLine("alpha", sock()));
  remove("Plug", "beta");
  ASSERT_TRUE(eventuallyCoupled("zeta")) << "the namespace decides before the name";
  EXPECT_TRUE(isInLine("alpha", sock()));
  remove("Plug", "zeta");
  EXPECT_TRUE(eventually("the last has its turn", [&] {
    return condition("Plug", "alpha", "Coupled", sock()) == "True/CouplingSucceeded";
  }));
}

TEST_F(Couplings, APlugThatWaitsForSomethingElseHoldsUpNobody) {
  apply(socket("  limit: 1\n"));
  apply(plug("  configSecretName: missing\n", "older"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid", "older"));
  apply(plug("", "younger"));
  ASSERT_TRUE(eventuallyCoupled("younger")) << "the older one is not in line";
  apply(secret("missing", "{database: shop}"));
  EXPECT_TRUE(eventuallyWaits("SocketFull", "older")) << "and comes too late now";
}

TEST_F(Couplings, AnInterfaceWithoutAVersionForBothSaysSoAndItsNextVersionWakesThePlug) {
  apply(interface("{version: 1.0.0}, {version: 1.1.0}"));
  apply(socket("  interface: {name: postgres}\n"));
  apply(plug(std::string(kSpeaksPostgres) + "  interfaceVersions: ^2\n"));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  EXPECT_EQ(why(), "no version of interface " + sock() + "/postgres suits both sides: plug " +
                       ns() + "/plug accepts \"^2\", socket " + sock() +
                       "/socket any version, and there is 1.0.0, 1.1.0");
  EXPECT_EQ(condition("Plug", "plug", "Failed"), "True/InterfaceMismatch");
  apply(interface("{version: 1.0.0}, {version: 2.1.0}"));
  ASSERT_TRUE(eventuallyCoupled()) << "the change of the Interface wakes it";
  EXPECT_EQ(get("Plug", "plug")["status"]["interfaceVersion"].asString(), "2.1.0");
}

TEST_F(Couplings, APlugWithAnInterfaceNeedsASocketThatNamesIt) {
  const std::string mismatch =
      "plug {NS}/plug needs interface {SOCK}/postgres, but socket "
      "{SOCK}/socket offers no Interface object";
  apply(interface("{version: 1.0.0}"));
  apply(socket(kHostname));
  apply(plug(kSpeaksPostgres));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  EXPECT_EQ(why(), expand(mismatch));
  apply(socket("  interface: {name: postgres}\n"));
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Couplings, AMissingInterfaceIsNamedAndWaitedFor) {
  apply(socket("  interface: {name: postgres}\n"));
  apply(plug(kSpeaksPostgres));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  EXPECT_EQ(why(),
            expand("interface {SOCK}/postgres does not exist; socket {SOCK}/socket names it"));
  apply(interface("{version: 1.0.0}"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(get("Plug", "plug")["status"]["interfaceVersion"].asString(), "1.0.0");
}

TEST_F(Couplings, AChangeOfTheInterfaceIsAnUpdate) {
  const auto withDefault = [](const std::string& database) {
    return interface("{version: 1.0.0, config: {plug: {database: {default: " + database + "}}}}");
  };
  apply(withDefault("shop"));
  apply(socket("  interface: {name: postgres}\n"));
  apply(plug(kMade));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "database"), "shop");
  apply(withDefault("orders"));
  eventually("the new default arrives", [&] { return data("made", "database") == "orders"; });
  eventually("the update is told", [&] { return countEvents("Plug", "plug", "PlugUpdated") == 1; });
}

TEST_F(Couplings, AChangeOfAConfigMapIsAnUpdate) {
  apply(configMap("settings", "{database: shop}"));
  apply(socket(kHostname));
  apply(plug(std::string("  configConfigMapName: settings\n") + kMade));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "database"), "shop");
  apply(configMap("settings", "{database: orders}"));
  eventually("the new value arrives", [&] { return data("made", "database") == "orders"; });
  eventually("the update is told", [&] { return countEvents("Plug", "plug", "PlugUpdated") == 1; });
}

TEST_F(Couplings, ResultResourcesOfBothSidesAreAppliedAndAgainWithANewResult) {
  const auto spec = [](const std::string& user) {
    return "  result: {user: " + user + R"(}
  resultResources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: outcome}
        data:
          own: "{% .result.user %}"
          plug: "{% .plugResult.user %}"
          socket: "{% .socketResult.user %}"
)";
  };
  apply(socket(spec("ana")));
  apply(plug(spec("eve")));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("outcome", "own"), "eve") << "the plug's own result is the plug's";
  EXPECT_EQ(data("outcome", "own", sock()), "ana") << "the socket's own result is the socket's";
  for (const std::string& side : {ns(), sock()}) {
    EXPECT_EQ(data("outcome", "plug", side), "eve") << "in " << side;
    EXPECT_EQ(data("outcome", "socket", side), "ana") << "in " << side;
  }
  apply(socket(spec("mia")));
  eventually("the plug's is applied again", [&] { return data("outcome", "socket") == "mia"; });
  eventually("the socket's is applied again",
             [&] { return data("outcome", "own", sock()) == "mia"; });
}

TEST_F(Couplings, AFailedUpdateKeepsTheInventoryAndThePlace) {
  apply(socket("  limit: 1\n"));
  const std::string spec = std::string(kDatabase) + kMade;
  apply(plug(spec));
  ASSERT_TRUE(eventuallyCoupled());
  const Value inventory = get("Plug", "plug")["status"]["resources"];
  ASSERT_EQ(inventory.size(), 1U);
  apply(plug("", "second"));
  ASSERT_TRUE(eventuallyWaits("SocketFull", "second"));
  apply(plug(spec + "  configSecretName: missing\n"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  expectTheCouplingStands("while the update fails");
  EXPECT_EQ(get("Plug", "plug")["status"]["resources"], inventory) << "the inventory stays";
  stays("the place is still taken", [&] { return isInLine("second"); });
}

TEST_F(Couplings, ASpecThatMakesTheInterfacesUnfitDecouples) {
  const auto socketAccepts = [](const std::string& versions) {
    return socket("  interface: {name: postgres}\n  interfaceVersions: " + versions + "\n");
  };
  const auto plugAccepts = [](const std::string& versions) {
    return plug(std::string(kSpeaksPostgres) + "  interfaceVersions: " + versions + "\n" +
                kDatabase + kMade);
  };
  apply(interface("{version: 1.0.0}"));
  apply(socketAccepts("^1"));
  apply(plugAccepts("^1"));
  ASSERT_TRUE(eventuallyCoupled());
  apply(plugAccepts("^2"));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  expectNothingIsLeft("after the plug's change");
  apply(plugAccepts("^1"));
  ASSERT_TRUE(eventuallyCoupled());
  expectTheCouplingStands("once the plug fits again");
  apply(socketAccepts("^2"));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch"));
  expectNothingIsLeft("after the socket's change");
}

TEST_F(Couplings, AnInterfaceThatGoesCutsNoCouplingButFailsItsNextUpdate) {
  const auto wants = [](const std::string& database) {
    return plug(std::string(kSpeaksPostgres) +
                "  interfaceVersions: ^1\n  config: {database: " + database + "}\n" + kMade);
  };
  apply(interface("{version: 1.0.0}"));
  apply(socket("  interface: {name: postgres}\n"));
  apply(wants("shop"));
  ASSERT_TRUE(eventuallyCoupled());

  apply(interface("{version: 2.0.0}"));
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch")) << "without its version it cannot be updated";
  expectTheCouplingStands("without its version");
  apply(interface("{version: 1.0.0}"));
  ASSERT_TRUE(eventuallyCoupled());

  remove("Interface", "postgres", sock());
  ASSERT_TRUE(eventuallyWaits("InterfaceMismatch")) << "without the Interface neither";
  expectTheCouplingStands("without the Interface");
  apply(wants("orders"));
  ASSERT_TRUE(eventually("the change is seen", [&] { return isLookedAt(); }));
  EXPECT_EQ(condition("Plug", "plug", "Coupled"), "False/InterfaceMismatch");
  expectTheCouplingStands("after a change of the plug");
  apply(interface("{version: 1.0.0}"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "database"), "orders") << "the update is made up for";
}

}  // namespace
}  // namespace iop::e2e
