// What the operator writes and in what order, and what it does about things that are in its way.

#include <algorithm>
#include <mutex>
#include <thread>

#include "kube/api/object.h"
#include "testing/kube_server.h"
#include "tests/e2e/harness.h"
#include "tests/e2e/scripted_apparatus.h"

namespace iop::e2e {
namespace {

using Names = std::vector<std::string>;

// Keeps all that an object's condition Coupled says from now on, the object not being there yet.
class Follower {
 public:
  Follower(kube::api::Resource resource, const std::string& namespaceName, std::string name)
      : name_(std::move(name)) {
    const auto now = Cluster::find()->client().list(resource, namespaceName, {}, {});
    EXPECT_TRUE(now);
    if (!now) return;
    kube::client::WatchOptions watch;
    watch.resourceVersion = (*now)["metadata"]["resourceVersion"].toString();
    thread_ = std::jthread(
        [this, resource = std::move(resource), namespaceName, watch](const std::stop_token& stop) {
          kube::client::CallOptions options;
          options.stop = stop;
          Cluster::find()->client().watch(resource, namespaceName, watch, options,
                                          [this](kube::client::WatchEvent&& event) {
                                            look(event.object);
                                            return true;
                                          });
        });
  }

  // "False/PlugCreated: plug created", one after the other.
  Names said() const {
    std::lock_guard guard(mutex_);
    return said_;
  }
  // Whether it has said the one, and before the other.
  bool hasSaid(const std::string& what, const std::string& before = {}) const {
    const Names all = said();
    const auto found = std::find(all.begin(), all.end(), what);
    return found != all.end() && found < std::find(all.begin(), all.end(), before);
  }
  // The generation that was last seen to be coupled.
  std::int64_t coupledGeneration() const {
    std::lock_guard guard(mutex_);
    return coupledGeneration_;
  }

 private:
  void look(const Value& object) {
    if (kube::api::nameOf(object) != name_) return;
    std::lock_guard guard(mutex_);
    for (const Value& item : object["status"]["conditions"].items()) {
      if (item["type"].asString() != "Coupled") continue;
      const std::string reason = item["reason"].toString();
      const std::string text =
          item["status"].toString() + "/" + reason + ": " + item["message"].toString();
      if (said_.empty() || said_.back() != text) said_.push_back(text);
      if (reason == "CouplingSucceeded")
        coupledGeneration_ = object["status"]["observedGeneration"].asInt();
    }
  }

  const std::string name_;
  mutable std::mutex mutex_;
  Names said_;
  std::int64_t coupledGeneration_ = 0;
  std::jthread thread_;  // the last one, so that it ends first
};

class Upkeep : public Case {
 protected:
  // `more` is added to the spec.
  static std::string socket(const std::string& more = {}) {
    return R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
)" + more;
  }
  static std::string plug(const std::string& more = {}, const std::string& name = "plug") {
    return R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
)" + more;
  }
  static std::string configMap(const std::string& name) {
    return "    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}}\n";
  }
};

TEST_F(Upkeep, ASocketCountsAllPlugsListsFiveHundredAndIsWrittenSeldom) {
  constexpr std::size_t kPlugs = 501;
  const std::string& log = Cluster::find()->auditLog();
  const std::size_t before = testing::auditLogSize(log);
  apply(socket());
  stopSharedOperator();  // so that they are all there at once
  for (std::size_t i = 0; i < kPlugs; ++i) apply(plug({}, "p" + std::to_string(i)));
  sharedOperator();
  ASSERT_TRUE(eventually(
      "the socket counts them",
      [&] {
        return get("Socket", "socket", sock())["status"]["coupledPlugCount"].asInt() ==
               static_cast<std::int64_t>(kPlugs);
      },
      std::chrono::seconds(120)));
  EXPECT_EQ(get("Socket", "socket", sock())["status"]["coupledPlugs"].size(), 500U)
      << "the list is bounded";
  EXPECT_EQ(message("Socket", "socket", "Coupled", sock()), "501 plugs coupled");
  if (log.empty()) GTEST_SKIP() << "NOT RUN to its end: the audit log is not ours to read";
  const std::size_t writes = testing::countRequests(
      log,
      [&](const testing::AuditEntry& entry) {
        return entry.resource == "sockets/status" && entry.namespaceName == sock();
      },
      before);
  EXPECT_GT(writes, 0U) << "the search looks at something";
  EXPECT_LT(writes, kPlugs / 4) << "plugs that couple at a time share a write";
}

TEST_F(Upkeep, ActionsAreDoneInTheOrderOfTheirListsAndResultsOfTheSocketFirst) {
  const std::string& log = Cluster::find()->auditLog();
  if (log.empty()) GTEST_SKIP() << "NOT RUN: the cluster's audit log is not ours to read";
  const std::size_t before = testing::auditLogSize(log);
  apply(socket("  resultResources:\n" + configMap("result-of-socket")));
  apply(plug("  resources:\n" + configMap("zebra") + configMap("apple") + configMap("mango") +
             "  resultResources:\n" + configMap("result-of-plug")));
  ASSERT_TRUE(eventuallyCoupled());
  const auto applied = [&] {
    Names names;
    for (const testing::AuditEntry& entry : testing::readAuditLog(log, before)) {
      const bool isHere = entry.namespaceName == ns() || entry.namespaceName == sock();
      const bool isApply = entry.verb == "patch" && entry.resource == "configmaps" &&
                           entry.userAgent.starts_with("integration-operator");
      if (!isHere || !isApply || entry.code >= 300) continue;
      // Another attempt begins at the front again.
      if (std::find(names.begin(), names.end(), entry.name) == names.end())
        names.push_back(entry.name);
    }
    return names;
  };
  eventually("all are in the log", [&] { return applied().size() == 5; });
  const Names order = applied();
  ASSERT_EQ(order.size(), 5U);
  EXPECT_EQ(Names(order.begin(), order.begin() + 3), (Names{"zebra", "apple", "mango"}));
  EXPECT_EQ(Names(order.begin() + 3, order.end()), (Names{"result-of-socket", "result-of-plug"}));
}

TEST_F(Upkeep, ThatCreatedWasDeliveredIsSaidFirst) {
  Follower ofSocket(resourceOf("Socket"), sock(), "socket");
  Follower ofPlug(resourceOf("Plug"), ns(), "plug");
  const auto created = [](const std::string& name) {
    return "  resources:\n" + configMap(name) + "      when: [created]\n";
  };
  apply(socket(created("with-socket")));
  apply(plug(created("with-plug")));
  const std::string socketCoupled = "True/SocketCoupled: 1 plug coupled";
  const std::string plugCoupled = "True/CouplingSucceeded: coupling succeeded";
  ASSERT_TRUE(eventually("both have said what came of them", [&] {
    return ofSocket.hasSaid(socketCoupled) && ofPlug.hasSaid(plugCoupled);
  }));
  EXPECT_TRUE(ofSocket.hasSaid("False/SocketCreated: socket created", socketCoupled));
  EXPECT_TRUE(ofPlug.hasSaid("False/PlugCreated: plug created", plugCoupled));
  EXPECT_TRUE(exists("ConfigMap", "with-socket", sock()));
  EXPECT_TRUE(exists("ConfigMap", "with-plug"));
}

TEST_F(Upkeep, AQuickUpdateIsNotSaidToBeUnderWay) {
  ScriptedApparatus apparatus;
  Follower follower(resourceOf("Plug"), ns(), "plug");
  apply(socket("  apparatus: {endpoint: \"" + apparatus.url() + "\"}\n"));
  for (const char* database : {"shop", "mall", "market"}) {
    apply(plug("  config: {database: " + std::string(database) + "}\n"));
    const std::int64_t generation = kube::api::generationOf(get("Plug", "plug"));
    ASSERT_TRUE(eventually("it is coupled and up to date",
                           [&] { return follower.coupledGeneration() == generation; }));
  }
  EXPECT_EQ(apparatus.events(), (Names{"/created", "/coupled", "/updated", "/updated"}));
  for (const std::string& said : follower.said())
    EXPECT_EQ(said.find("UpdatingInProcess"), std::string::npos) << said;
  EXPECT_EQ(follower.said().back(), "True/CouplingSucceeded: coupling succeeded");
}

TEST_F(Upkeep, APlugGoesWithItsNamespace) {
  if (!Cluster::find()->hasControllers()) GTEST_SKIP() << "NOT RUN: nothing ends namespaces here";
  apply(socket("  resources:\n" + configMap("'for-{% .plug.metadata.name %}'")));
  // What it would still make finds a namespace that takes nothing new.
  apply(plug("  resources:\n" + configMap("made") + configMap("farewell") +
             "      when: [decoupled]\n"));
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_TRUE(exists("ConfigMap", "for-plug", sock()));
  remove("Namespace", ns());
  EXPECT_TRUE(eventually(
      "the namespace is gone", [&] { return !exists("Namespace", ns()); },
      std::chrono::seconds(60)));
  EXPECT_FALSE(exists("ConfigMap", "for-plug", sock())) << "what the socket made for it went, too";
  eventually("the socket counts it no more", [&] {
    return condition("Socket", "socket", "Coupled", sock()) == "False/SocketEmpty";
  });
}

TEST_F(Upkeep, WhatTemplatesMayNotReachIsRefusedAndSaidWhy) {
  struct Refusal {
    const char* name;
    const char* call;
    const char* why;
  };
  constexpr Refusal kRefusals[] = {
      {"env", "env \"HOME\"", "templates cannot read the operator's environment"},
      {"expandenv", "expandenv \"$HOME\"", "templates cannot read the operator's environment"},
      {"lookup", "getHostByName \"localhost\"", "templates cannot use the network"}};
  apply(socket());
  for (const Refusal& refusal : kRefusals) {
    apply(plug("  resources:\n    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: " +
                   std::string(refusal.name) + "}, data: {value: '{% " + refusal.call + " %}'}}\n",
               refusal.name));
  }
  for (const Refusal& refusal : kRefusals) {
    EXPECT_TRUE(eventuallyWaits("Error", refusal.name));
    const std::string told = message("Plug", refusal.name, "Failed");
    EXPECT_NE(told.find(refusal.why), std::string::npos) << refusal.call << ": " << told;
    EXPECT_FALSE(exists("ConfigMap", refusal.name)) << refusal.call;
  }
}

class DeferredUpkeep : public Upkeep {
 protected:
  void TearDown() override {
    if (!barrier_.empty()) {
      EXPECT_TRUE(client().remove(kWebhooks, {"", barrier_}, {}, {}));
    }
    Case::TearDown();
  }

  static std::string deferred(const std::string& metadata) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: DeferredResource
metadata: {name: later, namespace: "{NS}"}
spec: {resource: {apiVersion: v1, kind: ConfigMap, metadata: )" +
           metadata + ", data: {a: b}}}\n";
  }
  bool eventuallyResolves() {
    return eventually("it is resolved", [&] {
      return condition("DeferredResource", "later", "Resolved") == "True/Success";
    });
  }

  bool hasWebhooks() { return client().resolve(kWebhooks.gvk()).has_value(); }
  // From now on no ConfigMap of the case can be deleted.
  void makeBarrier() {
    apply(R"(
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: "{NS}"}
webhooks:
  - name: keeps.example.com
    clientConfig: {url: "https://127.0.0.1:1/"}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [DELETE], resources: [configmaps]}]
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "{NS}"}}
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    timeoutSeconds: 1
)");
    barrier_ = ns();
    kube::client::CallOptions trial;
    trial.dryRun = true;
    eventually("ConfigMaps cannot be deleted any more", [&] {
      return !client().remove(resourceOf("ConfigMap"), {ns(), "made"}, {}, trial);
    });
  }

 private:
  static inline const kube::api::Resource kWebhooks{"admissionregistration.k8s.io", "v1",
                                                    "validatingwebhookconfigurations",
                                                    "ValidatingWebhookConfiguration", false};
  std::string barrier_;
};

TEST_F(DeferredUpkeep, AResourceIsMadeInItsOwnNamespaceWhateverItNames) {
  apply(deferred("{name: made, namespace: \"{SOCK}\"}"));
  ASSERT_TRUE(eventuallyResolves());
  EXPECT_TRUE(exists("ConfigMap", "made"));
  EXPECT_FALSE(exists("ConfigMap", "made", sock()));
  remove("DeferredResource", "later");
  eventually("it is gone", [&] { return !exists("DeferredResource", "later"); });
  EXPECT_FALSE(exists("ConfigMap", "made")) << "it goes from where it was made";
}

TEST_F(DeferredUpkeep, ForceDeleteEndsTheWaitOfADeferredResource) {
  if (!hasWebhooks()) GTEST_SKIP() << "NOT RUN: this API server calls no webhooks";
  apply(deferred("{name: made}"));
  ASSERT_TRUE(eventuallyResolves());
  makeBarrier();
  remove("DeferredResource", "later");
  ASSERT_TRUE(eventually("the failure is told", [&] {
    return condition("DeferredResource", "later", "Resolved") == "False/Error" &&
           message("DeferredResource", "later", "Resolved").find("webhook") != std::string::npos;
  }));
  stays("it is not given up", [&] { return exists("DeferredResource", "later"); });
  annotate("DeferredResource", "later", "integration.rock8s.com/force-delete", "true");
  eventually("it is gone", [&] { return !exists("DeferredResource", "later"); });
  EXPECT_TRUE(exists("ConfigMap", "made")) << "nobody could remove it";
}

TEST(Flags, TheHelpNamesTheDefaults) {
  const CommandResult help = runCommand(IOP_OPERATOR " run --help");
  ASSERT_EQ(help.status, 0) << help.output;
  const auto lineOf = [&](const std::string& flag) {
    const std::size_t at = help.output.find("--" + flag + " ");
    return at == std::string::npos ? std::string()
                                   : help.output.substr(at, help.output.find('\n', at) - at);
  };
  EXPECT_TRUE(lineOf("apparatus-timeout").ends_with("=30")) << lineOf("apparatus-timeout");
  EXPECT_TRUE(lineOf("cluster-domain").ends_with("=cluster.local")) << lineOf("cluster-domain");
}

}  // namespace
}  // namespace iop::e2e
