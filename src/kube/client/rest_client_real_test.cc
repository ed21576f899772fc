// The client against a real kube-apiserver: what the scripted server of rest_client_test.cc can
// only assume.

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "kube/api/object.h"
#include "kube/client/rest_client.h"
#include "testing/kube_server.h"
#include "text/yaml.h"

namespace iop::kube::client {
namespace {

using std::chrono::seconds;
using testing::KubeServer;

const Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
const Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
const Resource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount", true};
const Resource kDefinitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                            "CustomResourceDefinition", false};

Value yaml(std::string_view text) { return text::parseYaml(text).value(); }

// One server for all tests, each of which has a namespace of its own.
class RealServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!KubeServer::isAvailable()) return;
    Result<std::unique_ptr<KubeServer>> server = KubeServer::start();
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = server->release();
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  void SetUp() override {
    if (server_ == nullptr) GTEST_SKIP() << KubeServer::kUnavailable;
    client_ = makeClient(server_->kubeconfigPath());
    namespace_ = "test-" + std::to_string(++namespaces_);
    ASSERT_TRUE(client_->create(
        kNamespaces, "", Value::object({{"metadata", Value::object({{"name", namespace_}})}}), {}));
  }

  static std::unique_ptr<RestClient> makeClient(const std::string& kubeconfig) {
    return RestClient::create(loadConfig({.kubeconfig = kubeconfig}).value()).value();
  }
  Result<Value> create(const std::string& name, const std::string& data = "v") {
    return client_->create(kConfigMaps, namespace_, configMap(name, data), {});
  }
  static Value configMap(const std::string& name, const std::string& data) {
    return Value::object({{"apiVersion", "v1"},
                          {"kind", "ConfigMap"},
                          {"metadata", Value::object({{"name", name}})},
                          {"data", Value::object({{"k", data}})}});
  }

  // Makes a kind of example.com/v1, and waits until the server serves it.
  Resource define(const std::string& kind, const std::string& plural) {
    EXPECT_TRUE(client_->create(
        kDefinitions, "",
        yaml("{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: "
             "{name: " +
             plural +
             ".example.com}, spec: {group: example.com, scope: Namespaced, names: {kind: " + kind +
             ", plural: " + plural +
             "}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: "
             "{type: "
             "object, x-kubernetes-preserve-unknown-fields: true}}}]}}"),
        {}));
    Result<Resource> resource = fail(Code::NotFound, "not asked yet");
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (!resource && std::chrono::steady_clock::now() < deadline) {
      EXPECT_TRUE(resource.error().isNotFound()) << resource.error().message;
      std::this_thread::yield();
      resource = client_->resolve({"example.com", "v1", kind});
    }
    EXPECT_TRUE(resource.has_value());
    return resource.value_or(Resource());
  }

  static inline KubeServer* server_ = nullptr;
  static inline int namespaces_ = 0;
  std::unique_ptr<RestClient> client_;
  std::string namespace_;
};

std::string messageOf(const Result<Value>& result) { return result ? "" : result.error().message; }

TEST_F(RealServerTest, SaysWhatItIs) {
  EXPECT_TRUE(client_->ping().has_value());
  const ServerVersion version = client_->serverVersion().value();
  EXPECT_EQ(version.major, 1);
  EXPECT_GE(version.minor, 20);
  EXPECT_TRUE(version.gitVersion.starts_with("v1."));
}

TEST_F(RealServerTest, CreatesReadsUpdatesAndDeletes) {
  const Value created = create("a").value();
  EXPECT_FALSE(api::uidOf(created).empty());
  EXPECT_EQ(create("a").error().code, Code::AlreadyExists);
  Value read = client_->get(kConfigMaps, {namespace_, "a"}, {}).value();
  EXPECT_EQ(read["data"]["k"].asString(), "v");
  read.edit("data").set("k", "w");
  const Value updated = client_->update(kConfigMaps, {namespace_, "a"}, read, {}).value();
  EXPECT_EQ(updated["data"]["k"].asString(), "w");
  EXPECT_GT(api::compareResourceVersions(api::resourceVersionOf(updated),
                                         api::resourceVersionOf(created)),
            0);
  EXPECT_TRUE(client_->update(kConfigMaps, {namespace_, "a"}, read, {}).error().isConflict())
      << "the version that was read is not the newest any more";
  ASSERT_TRUE(client_->remove(kConfigMaps, {namespace_, "a"}, {}, {}));
  const Result<Value> gone = client_->get(kConfigMaps, {namespace_, "a"}, {});
  EXPECT_TRUE(gone.error().isNotFound());
  EXPECT_EQ(messageOf(gone), "configmaps \"a\" not found");
}

TEST_F(RealServerTest, PatchesInAllWays) {
  ASSERT_TRUE(create("a"));
  const ObjectKey key{namespace_, "a"};
  const auto patch = [&](PatchType type, std::string_view text) {
    return client_->patch(kConfigMaps, key, type, yaml(text), {}).value()["data"]["k"].toString();
  };
  EXPECT_EQ(patch(PatchType::Merge, "{data: {k: merged}}"), "merged");
  EXPECT_EQ(patch(PatchType::Strategic, "{data: {k: strategic}}"), "strategic");
  EXPECT_EQ(patch(PatchType::Json, "[{op: replace, path: /data/k, value: json}]"), "json");
}

TEST_F(RealServerTest, AppliesAndTellsConflictsByTheirCause) {
  const ObjectKey key{namespace_, "a"};
  const auto apply = [&](const std::string& data, const std::string& manager, bool force = false) {
    return client_->patch(kConfigMaps, key, PatchType::Apply, configMap("a", data),
                          {.fieldManager = manager, .force = force});
  };
  const std::string odd = "\xF0\x9F\x98\x80 \x7F \xC2\x85 \xE2\x80\xA8 / \t\"\\";
  EXPECT_EQ(apply(odd, "one").value()["data"]["k"].asString(), odd) << "made where there is none";
  const Result<Value> conflict = apply("other", "two");
  ASSERT_FALSE(conflict.has_value());
  EXPECT_EQ(conflict.error().code, Code::Conflict);
  EXPECT_EQ(conflict.error().cause, "FieldManagerConflict");
  EXPECT_EQ(apply("other", "two", true).value()["data"]["k"].asString(), "other");
}

TEST_F(RealServerTest, TriesWritesWithoutDoingThem) {
  ASSERT_TRUE(client_->create(kConfigMaps, namespace_, configMap("dry", "v"), {.dryRun = true}));
  EXPECT_TRUE(client_->get(kConfigMaps, {namespace_, "dry"}, {}).error().isNotFound());
  ASSERT_TRUE(create("wet"));
  ASSERT_TRUE(client_->remove(kConfigMaps, {namespace_, "wet"}, {}, {.dryRun = true}));
  EXPECT_TRUE(client_->get(kConfigMaps, {namespace_, "wet"}, {}).has_value());
}

TEST_F(RealServerTest, DeletesOnlyWhatThePreconditionsName) {
  const Value object = create("a").value();
  const ObjectKey key{namespace_, "a"};
  EXPECT_TRUE(client_->remove(kConfigMaps, key, {.uid = "another"}, {}).error().isConflict());
  EXPECT_TRUE(client_->remove(kConfigMaps, key, {.resourceVersion = "1"}, {}).error().isConflict());
  EXPECT_TRUE(
      client_->remove(kConfigMaps, key, {.uid = std::string(api::uidOf(object))}, {}).has_value());
}

TEST_F(RealServerTest, ListsPageByPage) {
  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(create(name));
  ListOptions options{.limit = 2};
  const Value first = client_->list(kConfigMaps, namespace_, options, {}).value();
  ASSERT_EQ(first["items"].size(), 2u);
  EXPECT_EQ(first["items"].at(0)["kind"].asString(), "ConfigMap");
  EXPECT_FALSE(first["items"].at(0)["metadata"].contains("managedFields"));
  options.continueToken = first["metadata"]["continue"].toString();
  const Value second = client_->list(kConfigMaps, namespace_, options, {}).value();
  ASSERT_EQ(second["items"].size(), 1u);
  EXPECT_EQ(api::nameOf(second["items"].at(0)), "c");
  const Value selected =
      client_->list(kConfigMaps, namespace_, {.fieldSelector = "metadata.name=b"}, {}).value();
  ASSERT_EQ(selected["items"].size(), 1u);
}

TEST_F(RealServerTest, ReadsMetadataOnly) {
  ASSERT_TRUE(create("a"));
  const Value object = client_->get(kConfigMaps, {namespace_, "a"}, {.metadataOnly = true}).value();
  EXPECT_EQ(api::nameOf(object), "a");
  EXPECT_EQ(object["kind"].asString(), "ConfigMap");
  EXPECT_FALSE(object.contains("data"));
  const Value list = client_->list(kConfigMaps, namespace_, {}, {.metadataOnly = true}).value();
  ASSERT_EQ(list["items"].size(), 1u);
  EXPECT_EQ(list["items"].at(0)["kind"].asString(), "ConfigMap");
  EXPECT_FALSE(list["items"].at(0).contains("data"));
  client_->watch(kConfigMaps, namespace_, {}, {.metadataOnly = true}, [](WatchEvent&& event) {
    EXPECT_EQ(event.object["kind"].asString(), "ConfigMap");
    EXPECT_FALSE(event.object.contains("data"));
    return false;
  });
}

TEST_F(RealServerTest, WatchesFromTheInitialEventsOn) {
  ASSERT_TRUE(create("a"));
  std::vector<std::string> seen;
  const Status end = client_->watch(
      kConfigMaps, namespace_, {.sendInitialEvents = true}, {}, [&](WatchEvent&& event) {
        switch (event.type) {
          case WatchEvent::Type::Bookmark:
            EXPECT_EQ(api::annotationOf(event.object, "k8s.io/initial-events-end"), "true");
            EXPECT_FALSE(api::resourceVersionOf(event.object).empty());
            seen.emplace_back("bookmark");
            EXPECT_TRUE(client_->patch(kConfigMaps, {namespace_, "a"}, PatchType::Merge,
                                       yaml("{data: {k: w}}"), {}));
            EXPECT_TRUE(client_->remove(kConfigMaps, {namespace_, "a"}, {}, {}));
            return true;
          case WatchEvent::Type::Added:
            seen.push_back("added " + std::string(api::nameOf(event.object)));
            return true;
          case WatchEvent::Type::Modified:
            seen.push_back("modified to " + event.object["data"]["k"].toString());
            return true;
          default:
            seen.push_back("deleted " + std::string(api::nameOf(event.object)));
            return false;
        }
      });
  EXPECT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(seen, (std::vector<std::string>{"added a", "bookmark", "modified to w", "deleted a"}));
}

TEST_F(RealServerTest, EndsAWatchInGoodOrderWhenItsTimeIsUp) {
  const Status end = client_->watch(kConfigMaps, namespace_, {.serverTimeout = seconds(1)}, {},
                                    [](WatchEvent&&) { return true; });
  EXPECT_TRUE(end.has_value());
}

TEST_F(RealServerTest, TellsThatAVersionIsTooOld) {
  // The watch cache of a new kind begins with the version at which the kind came.
  const Resource relics = define("Relic", "relics");
  while (!client_->list(relics, namespace_, {.resourceVersion = "0"}, {}))
    std::this_thread::yield();
  std::vector<int> codes;
  const Status end =
      client_->watch(relics, namespace_, {.resourceVersion = "1", .serverTimeout = seconds(5)}, {},
                     [&](WatchEvent&& event) {
                       EXPECT_EQ(event.type, WatchEvent::Type::Error);
                       codes.push_back(static_cast<int>(event.object["code"].asInt()));
                       return true;
                     });
  if (end) {
    EXPECT_EQ(codes, std::vector<int>{410});
  } else {
    EXPECT_TRUE(end.error().code == Code::Expired || end.error().code == Code::Gone)
        << end.error().message;
  }
}

TEST_F(RealServerTest, FindsKindsAndNewOnesSoonAfterTheyAreThere) {
  EXPECT_EQ(client_->resolve({"apps", "v1", "Deployment"}).value().plural, "deployments");
  EXPECT_TRUE(client_->resolve({"apps", "v1", "Deployment"}).value().namespaced);
  EXPECT_EQ(client_->resolve({"", "v1", "Namespace"}).value(), kNamespaces);
  EXPECT_EQ(client_->resolve(kDefinitions.gvk()).value(), kDefinitions);
  const GroupVersionKind gadget{"example.com", "v1", "Gadget"};
  EXPECT_EQ(client_->resolve(gadget).error().message,
            "the server has no kind 'Gadget' of 'example.com/v1'");

  const Resource gadgets = define("Gadget", "gadgets");
  EXPECT_EQ(gadgets.plural, "gadgets");
  EXPECT_TRUE(client_->list(gadgets, namespace_, {}, {}).has_value());
  const std::vector<Resource> all = client_->discover().value();
  EXPECT_NE(std::find(all.begin(), all.end(), gadgets), all.end());
}

TEST_F(RealServerTest, ActsAsAServiceAccountAndIsToldWhatItMayNot) {
  const std::string user = serviceAccountUser(namespace_, "web");
  const Result<Value> answer = client_->get(kConfigMaps, {namespace_, "a"}, {.impersonate = user});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::Forbidden);
  EXPECT_EQ(answer.error().message,
            "configmaps \"a\" is forbidden: User \"" + user +
                "\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"" +
                namespace_ + "\"");
}

TEST_F(RealServerTest, AsksForATokenAndUsesIt) {
  ASSERT_TRUE(client_->create(kServiceAccounts, namespace_, yaml("{metadata: {name: web}}"), {}));
  const Value request = client_
                            ->create(kServiceAccounts, namespace_,
                                     yaml("{metadata: {name: web}, apiVersion: "
                                          "authentication.k8s.io/v1, kind: TokenRequest, "
                                          "spec: {expirationSeconds: 600}}"),
                                     {.subresource = "token"})
                            .value();
  Config config = loadConfig({.kubeconfig = server_->kubeconfigPath()}).value();
  config.certificateFile.clear();
  config.keyFile.clear();
  config.token = request["status"]["token"].toString();
  const auto webClient = RestClient::create(config).value();
  const Resource reviews{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview",
                         false};
  const Value review = webClient->create(reviews, "", Value::object(), {}).value();
  EXPECT_EQ(review["status"]["userInfo"]["username"].asString(),
            serviceAccountUser(namespace_, "web"));
  config.token = "wrong";
  EXPECT_EQ(
      RestClient::create(config).value()->create(reviews, "", Value::object(), {}).error().code,
      Code::Unauthorized);
}

TEST_F(RealServerTest, IsWhoTheKubeconfigSays) {
  const auto joe = makeClient(server_->makeUserKubeconfig("joe"));
  EXPECT_TRUE(joe->get(kConfigMaps, {namespace_, "a"}, {})
                  .error()
                  .message.find("User \"joe\" cannot get") != std::string::npos);
}

TEST_F(RealServerTest, ReportsEveryRequestOnceInTheAuditLog) {
  const std::size_t before = testing::auditLogSize(server_->auditLogPath());
  ASSERT_TRUE(create("counted"));
  ASSERT_TRUE(client_->get(kConfigMaps, {namespace_, "counted"}, {}));
  const auto count = [&](const std::string& verb) {
    return testing::countRequests(
        server_->auditLogPath(),
        [&](const testing::AuditEntry& entry) {
          return entry.verb == verb && entry.resource == "configmaps" &&
                 entry.namespaceName == namespace_ && entry.user == "admin" &&
                 entry.userAgent == defaultUserAgent();
        },
        before);
  };
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (count("get") == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(count("create"), 1u);
  EXPECT_EQ(count("get"), 1u);
}

// Last in this file: it restarts the server.
TEST_F(RealServerTest, SurvivesARestartOfTheServer) {
  ASSERT_TRUE(create("a"));
  std::promise<void> watching;
  auto watch = std::async(std::launch::async, [&] {
    return client_->watch(kConfigMaps, namespace_, {}, {}, [&](WatchEvent&& event) {
      if (event.type == WatchEvent::Type::Added && api::nameOf(event.object) == "a")
        watching.set_value();
      return true;
    });
  });
  watching.get_future().wait();
  server_->stopApiServer();
  const Status end = watch.get();
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, Code::Interrupted) << end.error().message;
  EXPECT_EQ(client_->get(kConfigMaps, {namespace_, "a"}, {}).error().code, Code::Unreachable);
  const Status started = server_->startApiServer();
  ASSERT_TRUE(started.has_value()) << started.error().message;
  EXPECT_EQ(messageOf(client_->get(kConfigMaps, {namespace_, "a"}, {})), "");
}

}  // namespace
}  // namespace iop::kube::client
