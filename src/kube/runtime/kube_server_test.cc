// The runtime against a real API server, where KUBEBUILDER_ASSETS is set.

#include "testing/kube_server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kube/api/object.h"
#include "kube/client/rest_client.h"
#include "kube/runtime/client_metrics.h"
#include "kube/runtime/events.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/leader_election.h"

namespace iop::kube::runtime {
namespace {

using client::RestClient;
using iop::testing::KubeServer;
using std::chrono::milliseconds;
using std::chrono::seconds;

const api::Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
const api::Resource kEventResource{"", "v1", "events", "Event", true};

class KubeServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!KubeServer::isAvailable()) return;
    auto started = KubeServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  static void TearDownTestSuite() { server.reset(); }

  void SetUp() override {
    if (!KubeServer::isAvailable()) GTEST_SKIP() << KubeServer::kUnavailable;
    ASSERT_NE(server, nullptr);
    client = makeClient();
    const Result<client::ServerVersion> version = client->serverVersion();
    ASSERT_TRUE(version) << version.error().message;
    gate->setServerVersion(version->major, version->minor);
  }

  std::unique_ptr<RestClient> makeClient() {
    auto config = client::loadConfig({.kubeconfig = server->kubeconfigPath()});
    return RestClient::create(config.value(), {.observe = observeRequests(registry)}).value();
  }

  // Polls until the condition holds, for at most half a minute.
  template <typename Condition>
  static ::testing::AssertionResult eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + seconds(30);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end)
        return ::testing::AssertionFailure() << "not within 30 s";
      std::this_thread::sleep_for(milliseconds(10));
    }
    return ::testing::AssertionSuccess();
  }

  Value write(const std::string& name, const std::string& text) {
    client::CallOptions options;
    options.fieldManager = "test";
    const Value object =
        Value::object({{"apiVersion", "v1"},
                       {"kind", "ConfigMap"},
                       {"metadata", Value::object({{"name", name}, {"namespace", "default"}})},
                       {"data", Value::object({{"text", text}})}});
    const auto written =
        client->patch(kConfigMaps, {"default", name}, client::PatchType::Apply, object, options);
    EXPECT_TRUE(written) << written.error().message;
    return written.value_or(Value());
  }

  std::string textOf(const Store& store, const std::string& name) const {
    const std::optional<Value> object = store.find({"default", name});
    return object ? (*object)["data"]["text"].toString() : "(none)";
  }

  void remove(const std::string& name) {
    EXPECT_TRUE(client->remove(kConfigMaps, {"default", name}, {}, {}));
  }

  static std::unique_ptr<KubeServer> server;
  metrics::Registry registry;
  std::unique_ptr<RestClient> client;
  std::shared_ptr<WatchListGate> gate = std::make_shared<WatchListGate>();
};

std::unique_ptr<KubeServer> KubeServerTest::server;

TEST_F(KubeServerTest, AnInformerFollowsWithListsAndWithStreams) {
  write("before", "1");
  for (const bool isStreaming : {false, true}) {
    SCOPED_TRACE(isStreaming ? "streaming" : "listing");
    auto store = std::make_shared<Store>();
    Informer informer(*client, base::realClock(), store,
                      {.resource = kConfigMaps,
                       .namespaceName = "default",
                       .watchList = isStreaming ? gate : nullptr});
    informer.start();
    ASSERT_TRUE(informer.waitForSync(seconds(20)));
    EXPECT_EQ(textOf(*store, "before"), "1");
    EXPECT_EQ((*store->find({"default", "before"}))["kind"].asString(), "ConfigMap");

    write("during", "2");
    EXPECT_TRUE(eventually([&] { return textOf(*store, "during") == "2"; }));
    informer.overlay(write("during", "3"));
    EXPECT_EQ(textOf(*store, "during"), "3") << "we read what we wrote";
    remove("during");
    EXPECT_TRUE(eventually([&] { return textOf(*store, "during") == "(none)"; }));
  }
  EXPECT_TRUE(gate->isOpen()) << "this server can stream";
  remove("before");
}

TEST_F(KubeServerTest, MetadataAndSelectorsComeFromTheServer) {
  write("chosen", "1");
  write("other", "1");
  auto store = std::make_shared<Store>();
  Informer informer(*client, base::realClock(), store,
                    {.resource = kConfigMaps,
                     .fieldSelector = "metadata.name=chosen",
                     .metadataOnly = true,
                     .watchList = gate});
  informer.start();
  ASSERT_TRUE(informer.waitForSync(seconds(20)));
  ASSERT_EQ(store->size(), 1U);
  const Value object = store->list()[0];
  EXPECT_EQ(object["kind"].asString(), "ConfigMap");
  EXPECT_FALSE(object.contains("data"));
  remove("chosen");
  EXPECT_TRUE(eventually([&] { return store->size() == 0; }));
  remove("other");
}

TEST_F(KubeServerTest, AnInformerOutlivesARestartOfTheServer) {
  write("kept", "1");
  write("removed", "1");
  auto store = std::make_shared<Store>();
  Informer informer(*client, base::realClock(), store,
                    {.resource = kConfigMaps, .namespaceName = "default", .watchList = gate});
  informer.start();
  ASSERT_TRUE(informer.waitForSync(seconds(20)));
  server->stopApiServer();
  EXPECT_EQ(textOf(*store, "kept"), "1") << "an outage takes nothing away";
  ASSERT_TRUE(server->startApiServer());
  remove("removed");
  write("kept", "2");
  EXPECT_TRUE(eventually(
      [&] { return textOf(*store, "kept") == "2" && textOf(*store, "removed") == "(none)"; }));
  EXPECT_EQ(informer.status().error, std::nullopt);
  remove("kept");
}

TEST_F(KubeServerTest, EventsAreWhatTheServerTakes) {
  const Value object = write("subject", "1");
  EventRecorder events(*client, base::realClock(), {.component = "operator", .instance = "pod-0"});
  events.record({.regarding = api::refOf(object), .reason = "PlugCreated", .message = "created"});
  events.record({.regarding = api::refOf(object), .reason = "PlugCoupled", .message = "coupled"});
  for (int number = 0; number < 1000; ++number) {
    events.record({.regarding = api::refOf(object),
                   .type = EventType::Warning,
                   .reason = "Failed",
                   .message = "failure " + std::to_string(number)});
  }
  EXPECT_TRUE(events.stop(seconds(20)));
  EXPECT_EQ(events.dropped(), 0U);

  client::ListOptions selector;
  selector.fieldSelector = "involvedObject.name=subject";
  const Value list = client->list(kEventResource, "default", selector, {}).value();
  std::int64_t failures = 0;
  std::int64_t others = 0;
  for (const Value& event : list["items"].items()) {
    (event["type"].asString() == "Warning" ? failures : others) += event["count"].asInt();
  }
  EXPECT_EQ(others, 2);
  EXPECT_EQ(failures, 1000);
  EXPECT_LE(list["items"].size(), 6U);
  remove("subject");
}

TEST_F(KubeServerTest, LeadersFollowEachOther) {
  const auto options = [](const std::string& identity) {
    return LeaderElectionOptions{.namespaceName = "default",
                                 .name = "election",
                                 .identity = identity,
                                 .leaseDuration = seconds(3),
                                 .renewDeadline = seconds(2),
                                 .retryPeriod = milliseconds(200)};
  };
  LeaderElector first(*client, base::realClock(), options("first"), {});
  first.start();
  ASSERT_TRUE(eventually([&] { return first.isLeader(); }));
  const std::unique_ptr<RestClient> another = makeClient();
  LeaderElector second(*another, base::realClock(), options("second"), {});
  second.start();
  ASSERT_TRUE(eventually([&] { return second.leader() == "first"; }));
  EXPECT_FALSE(second.isLeader());
  first.stop();
  EXPECT_TRUE(eventually([&] { return second.isLeader(); }));
  EXPECT_NE(registry.printText().find("rest_client_requests_total{code=\"200\""),
            std::string::npos);
}

}  // namespace
}  // namespace iop::kube::runtime
