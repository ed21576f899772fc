#include "kube/client/rest_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <semaphore>
#include <thread>

#include "testing/scripted_server.h"
#include "text/json.h"

namespace iop::kube::client {
namespace {

using std::chrono::seconds;
using testing::ScriptedConnection;
using testing::ScriptedHeaders;
using testing::ScriptedRequest;

const Resource kPlugs{"example.com", "v1", "plugs", "Plug", true};
const Resource kPods{"", "v1", "pods", "Pod", true};
const Resource kNodes{"", "v1", "nodes", "Node", false};

struct Answer {
  int status = 200;
  std::string body = "{}";
  ScriptedHeaders headers = {};
  bool isReset = false;
};

// A client against answers that are given out one after the other; the last one is repeated.
class RestClientTest : public ::testing::Test {
 protected:
  RestClientTest()
      : server_([this](const ScriptedRequest& request, ScriptedConnection& connection) {
          Answer answer;
          {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
            answer = answers_.empty() ? Answer{} : answers_.front();
            if (answers_.size() > 1) answers_.erase(answers_.begin());
          }
          arrived_.release();
          if (answer.isReset) return connection.reset();
          connection.answer(answer.status, answer.headers, answer.body);
        }) {
    config_.server = server_.url();
    config_.proxyUrl = "";
  }

  RestClient& client() {
    if (client_ == nullptr) {
      client_ = RestClient::create(config_,
                                   {.userAgent = "tester",
                                    .observe =
                                        [this](const ObservedRequest& request) {
                                          const std::lock_guard lock(mutex_);
                                          observed_.push_back(std::string(request.verb) + " " +
                                                              std::string(request.resource) + " " +
                                                              std::to_string(request.code));
                                        },
                                    .clock = &clock_})
                    .value();
    }
    return *client_;
  }
  const ScriptedRequest& lastRequest() { return requests_.back(); }

  // Makes a call on another thread, and lets time pass after each attempt but the last one.
  template <typename MakeCall>
  auto callWithRetries(int attempts, MakeCall makeCall) {
    auto result = std::async(std::launch::async, makeCall);
    for (int i = 0; i < attempts; ++i) {
      arrived_.acquire();
      if (i + 1 == attempts) break;
      // The moment at which the client begins to wait cannot be seen from here: time passes until
      // it goes on.
      while (!arrived_.try_acquire_for(std::chrono::milliseconds(1))) clock_.advance(seconds(1));
      arrived_.release();
    }
    return result.get();
  }

  base::ManualClock clock_;
  std::mutex mutex_;
  std::counting_semaphore<> arrived_{0};
  std::vector<Answer> answers_;
  std::vector<ScriptedRequest> requests_;
  std::vector<std::string> observed_;
  testing::ScriptedServer server_;
  Config config_;
  std::unique_ptr<RestClient> client_;
};

TEST_F(RestClientTest, AsksForTheRightThing) {
  const Value object = Value::object({{"metadata", Value::object({{"name", "a"}})}});
  struct Case {
    const char* name;
    std::function<void(RestClient&)> call;
    const char* request;
    const char* contentType;
    const char* accept;
    const char* body;
  };
  const char* json = "application/json";
  const Case cases[] = {
      {"get",
       [](RestClient& c) {
         c.get(kPods, {"shop", "web-0"}, {});
       },
       "GET /api/v1/namespaces/shop/pods/web-0", "", json, ""},
      {"get of a cluster's object",
       [](RestClient& c) {
         c.get(kNodes, {"", "n1"}, {});
       },
       "GET /api/v1/nodes/n1", "", json, ""},
      {"get of a subresource",
       [](RestClient& c) {
         c.get(kPlugs, {"shop", "a"}, {.subresource = "status"});
       },
       "GET /apis/example.com/v1/namespaces/shop/plugs/a/status", "", json, ""},
      {"get of metadata",
       [](RestClient& c) {
         c.get(kPods, {"shop", "a"}, {.metadataOnly = true});
       },
       "GET /api/v1/namespaces/shop/pods/a", "",
       "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", ""},
      {"list of all namespaces", [](RestClient& c) { c.list(kPods, "", {}, {}); },
       "GET /api/v1/pods", "", json, ""},
      {"list with everything",
       [](RestClient& c) {
         c.list(kPods, "shop",
                {.labelSelector = "a=b,c in (d)",
                 .fieldSelector = "metadata.name=x",
                 .resourceVersion = "5",
                 .resourceVersionMatch = "Exact",
                 .limit = 7,
                 .continueToken = "t/1"},
                {.metadataOnly = true});
       },
       "GET "
       "/api/v1/namespaces/shop/"
       "pods?labelSelector=a%3Db%2Cc%20in%20%28d%29&fieldSelector=metadata.name%3Dx"
       "&resourceVersion=5&resourceVersionMatch=Exact&continue=t%2F1&limit=7",
       "", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", ""},
      {"create",
       [&](RestClient& c) {
         c.create(kPods, "shop", object, {.fieldManager = "me", .dryRun = true});
       },
       "POST /api/v1/namespaces/shop/pods?fieldManager=me&dryRun=All", json, json,
       R"({"metadata":{"name":"a"}})"},
      {"create of a subresource",
       [&](RestClient& c) { c.create(kPods, "shop", object, {.subresource = "eviction"}); },
       "POST /api/v1/namespaces/shop/pods/a/eviction", json, json, R"({"metadata":{"name":"a"}})"},
      {"update",
       [](RestClient& c) {
         c.update(kPlugs, {"shop", "a"}, Value::object({{"x", "<&>"}}), {});
       },
       "PUT /apis/example.com/v1/namespaces/shop/plugs/a", json, json, R"({"x":"<&>"})"},
      {"merge patch",
       [](RestClient& c) {
         c.patch(kPods, {"shop", "a"}, PatchType::Merge, Value::object(), {});
       },
       "PATCH /api/v1/namespaces/shop/pods/a", "application/merge-patch+json", json, "{}"},
      {"JSON patch",
       [](RestClient& c) {
         c.patch(kPods, {"shop", "a"}, PatchType::Json, Value::array(), {});
       },
       "PATCH /api/v1/namespaces/shop/pods/a", "application/json-patch+json", json, "[]"},
      {"strategic patch",
       [](RestClient& c) {
         c.patch(kPods, {"shop", "a"}, PatchType::Strategic, Value::object(), {});
       },
       "PATCH /api/v1/namespaces/shop/pods/a", "application/strategic-merge-patch+json", json,
       "{}"},
      {"apply, in a form that YAML understands",
       [](RestClient& c) {
         c.patch(kPods, {"shop", "a"}, PatchType::Apply, Value::object({{"x", "\xC2\x85/"}}),
                 {.fieldManager = "me", .force = true});
       },
       "PATCH /api/v1/namespaces/shop/pods/a?fieldManager=me&force=true",
       "application/apply-patch+yaml", json, R"({"x":"\u0085/"})"},
      {"delete",
       [](RestClient& c) {
         c.remove(kPods, {"shop", "a"}, {}, {});
       },
       "DELETE /api/v1/namespaces/shop/pods/a", json, json,
       R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Background"})"},
      {"delete with everything",
       [](RestClient& c) {
         c.remove(kPods, {"shop", "a"},
                  {.uid = "u", .resourceVersion = "5", .propagationPolicy = ""}, {.dryRun = true});
       },
       "DELETE /api/v1/namespaces/shop/pods/a", json, json,
       R"({"apiVersion":"v1","dryRun":["All"],"kind":"DeleteOptions","preconditions":{"resourceVersion":"5","uid":"u"}})"},
      {"watch",
       [](RestClient& c) {
         c.watch(kPods, "",
                 {.labelSelector = "a", .resourceVersion = "5", .sendInitialEvents = true}, {},
                 [](WatchEvent&&) { return true; });
       },
       "GET "
       "/api/v1/"
       "pods?watch=true&allowWatchBookmarks=true&labelSelector=a&resourceVersion=5&"
       "sendInitialEvents=true"
       "&resourceVersionMatch=NotOlderThan&timeoutSeconds=300",
       "", json, ""},
      {"version", [](RestClient& c) { c.serverVersion(); }, "GET /version", "", json, ""},
      {"ping", [](RestClient& c) { c.ping(); }, "GET /readyz", "", json, ""},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    test.call(client());
    const ScriptedRequest& request = lastRequest();
    EXPECT_EQ(request.method + " " + request.target, test.request);
    EXPECT_EQ(request.header("content-type"), test.contentType);
    EXPECT_EQ(request.header("accept"), test.accept);
    EXPECT_EQ(request.body, test.body);
    EXPECT_EQ(request.header("user-agent"), "tester");
  }
}

TEST_F(RestClientTest, KeepsThePathOfTheServer) {
  config_.server += "/k8s/clusters/c-1";
  ASSERT_TRUE(client().get(kNodes, {"", "a"}, {}));
  EXPECT_EQ(lastRequest().target, "/k8s/clusters/c-1/api/v1/nodes/a");
}

TEST_F(RestClientTest, RefusesNamesThatWouldAskForSomethingElse) {
  const auto messageOf = [&](const Resource& resource, const ObjectKey& key,
                             CallOptions options = {}) {
    const Result<Value> answer = client().get(resource, key, options);
    return answer ? "" : answer.error().message;
  };
  EXPECT_EQ(messageOf(kPods, {"shop", ""}), "no name");
  EXPECT_EQ(messageOf(kPods, {"", "a"}), "no namespace");
  EXPECT_EQ(messageOf(kPods, {"shop", ".."}), "invalid name '..'");
  EXPECT_EQ(messageOf(kPods, {"..", "a"}), "invalid namespace '..'");
  EXPECT_EQ(messageOf(kPods, {"shop", "a/b"}), "invalid name 'a/b'");
  EXPECT_EQ(messageOf(kPods, {"shop", "a%2Fb"}), "invalid name 'a%2Fb'");
  EXPECT_EQ(messageOf(kPods, {"shop", "a"}, {.subresource = "."}), "invalid subresource '.'");
  EXPECT_EQ(client().create(kPods, "", Value::object(), {}).error().message, "no namespace");
  EXPECT_EQ(
      client().patch(kPods, {"shop", "a"}, PatchType::Apply, Value::object(), {}).error().message,
      "apply needs a fieldManager");
  EXPECT_EQ(server_.requestCount(), 0);
}

TEST_F(RestClientTest, ActsAsOthers) {
  ASSERT_TRUE(client().get(kNodes, {"", "a"}, {.impersonate = serviceAccountUser("shop", "web")}));
  EXPECT_EQ(lastRequest().header("impersonate-user"), "system:serviceaccount:shop:web");
  client_.reset();
  config_.impersonateUser = "boss";
  config_.impersonateUid = "7";
  config_.impersonateGroups = {"g"};
  config_.impersonateExtra = {{"example.com/scope", {"s"}}};
  ASSERT_TRUE(client().get(kNodes, {"", "a"}, {}));
  EXPECT_EQ(lastRequest().header("impersonate-user"), "boss");
  EXPECT_EQ(lastRequest().header("impersonate-uid"), "7");
  EXPECT_EQ(lastRequest().header("impersonate-group"), "g");
  EXPECT_EQ(lastRequest().header("impersonate-extra-example.com%2fscope"), "s");
  ASSERT_TRUE(client().get(kNodes, {"", "a"}, {.impersonate = "other"}));
  EXPECT_EQ(lastRequest().header("impersonate-user"), "other") << "a call's own wins, as a whole";
  EXPECT_EQ(lastRequest().header("impersonate-group"), "");
}

TEST_F(RestClientTest, TurnsFailuresIntoErrors) {
  struct Case {
    const char* name;
    Answer answer;
    Error error;
  };
  const Case cases[] = {
      {"a Status",
       {403,
        R"({"kind":"Status","apiVersion":"v1","message":"no way","reason":"Forbidden","code":403,
            "details":{"causes":[{"reason":"NamespaceTerminating"}]}})"},
       {Code::Forbidden, "no way", "NamespaceTerminating", 0}},
      {"a Status that says when",
       {409,
        R"({"kind":"Status","apiVersion":"v1","message":"m","reason":"Conflict","details":{"retryAfterSeconds":3}})"},
       {Code::Conflict, "m", "", 3}},
      {"text of a proxy",
       {502, "Bad Gateway\n"},
       {Code::InternalError, "the server answered 502: Bad Gateway", "", 0}},
      {"nothing", {503, ""}, {Code::ServiceUnavailable, "the server answered 503", "", 0}},
      {"a path that is not served",
       {404, "404 page not found\n"},
       {Code::NotFound, "the server could not find the requested resource", "", 0}},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    answers_ = {test.answer};
    const Result<Value> answer = client().get(kPods, {"shop", "a"}, {});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error(), test.error) << answer.error().message;
  }
}

TEST_F(RestClientTest, TellsWhenAnAnswerIsNoJson) {
  answers_ = {{200, "hello"}};
  EXPECT_EQ(client().get(kPods, {"shop", "a"}, {}).error().message,
            "answer of the server: invalid character 'h' looking for beginning of value");
}

TEST_F(RestClientTest, GivesItemsOfListsTheirKindAndDropsManagedFields) {
  answers_ = {{200, R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5"},
      "items":[{"metadata":{"name":"a","managedFields":[{"manager":"x"}]}},{"metadata":{"name":"b"}}]})"}};
  const Value list = client().list(kPods, "", {}, {}).value();
  EXPECT_EQ(list["metadata"]["resourceVersion"].asString(), "5");
  EXPECT_EQ(text::printJson(list["items"]),
            R"([{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}},)"
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"b"}}])");
}

TEST_F(RestClientTest, TriesAgainWhenTheServerSaysWhen) {
  answers_ = {{429, "", {{"Retry-After", "1"}}},
              {503, "", {{"Retry-After", "2"}}},
              {200, R"({"kind":"Pod"})"}};
  const Result<Value> answer = callWithRetries(3, [&] {
    return client().update(kPods, {"shop", "a"}, Value::object(), {.timeout = seconds(3600)});
  });
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(observed_,
            (std::vector<std::string>{"update pods 429", "update pods 503", "update pods 200"}));
}

TEST_F(RestClientTest, ReadsAgainWhenTheConnectionBreaks) {
  answers_ = {{.isReset = true}, {200, "{}"}};
  const Result<Value> answer = callWithRetries(2, [&] {
    return client().get(kPods, {"shop", "a"}, {.timeout = seconds(3600)});
  });
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(observed_, (std::vector<std::string>{"get pods 0", "get pods 200"}));
}

TEST_F(RestClientTest, DoesNotTryAgainWhatMayHaveHappenedOrWillNotHelp) {
  struct Case {
    const char* name;
    Answer answer;
    const char* method;
    Code code;
  };
  const Case cases[] = {
      {"a write whose connection broke", {.isReset = true}, "PUT", Code::Unreachable},
      {"an overload without a time", {429, ""}, "GET", Code::TooManyRequests},
      {"a failure without a time", {500, ""}, "GET", Code::InternalError},
      {"a refusal with a time", {403, "", {{"Retry-After", "1"}}}, "GET", Code::Forbidden},
      {"a time that is too late", {429, "", {{"Retry-After", "30"}}}, "GET", Code::TooManyRequests},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    answers_ = {test.answer};
    observed_.clear();
    const Result<Value> answer = test.method == std::string_view("PUT")
                                     ? client().update(kPods, {"shop", "a"}, Value::object(), {})
                                     : client().get(kPods, {"shop", "a"}, {});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, test.code);
    EXPECT_EQ(observed_.size(), 1u);
  }
}

TEST_F(RestClientTest, GivesUpAfterTenRetries) {
  answers_ = {{429, "", {{"Retry-After", "1"}}}};
  const Result<Value> answer = callWithRetries(11, [&] {
    return client().get(kPods, {"shop", "a"}, {.timeout = seconds(1'000'000)});
  });
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().retryAfterSeconds, 1);
  EXPECT_EQ(observed_.size(), 11u);
}

TEST_F(RestClientTest, StopsWaitingWhenAskedTo) {
  answers_ = {{429, "", {{"Retry-After", "5"}}}};
  std::stop_source stop;
  auto result = std::async(std::launch::async, [&] {
    return client().get(kPods, {"shop", "a"}, {.stop = stop.get_token()});
  });
  arrived_.acquire();
  stop.request_stop();
  EXPECT_EQ(result.get().error().code, Code::Canceled);
}

TEST_F(RestClientTest, KnowsTheServersVersion) {
  answers_ = {{200, R"({"major":"1","minor":"27+","gitVersion":"v1.27.3-eks"})"}};
  const ServerVersion version = client().serverVersion().value();
  EXPECT_EQ(version.major, 1);
  EXPECT_EQ(version.minor, 27);
  EXPECT_EQ(version.gitVersion, "v1.27.3-eks");
}

TEST_F(RestClientTest, TellsWhenTheServerIsNotReady) {
  answers_ = {{200, "ok"}};
  EXPECT_TRUE(client().ping().has_value());
  answers_ = {{500, "[-]etcd failed"}};
  EXPECT_EQ(client().ping().error().message, "the server answered 500: [-]etcd failed");
}

TEST_F(RestClientTest, LooksForAKindAgainWhenItsResourceIsGone) {
  const ScriptedHeaders aggregated = {
      {"Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}};
  const std::string groups =
      R"({"items":[{"metadata":{"name":"example.com"},"versions":[{"version":"v1",
      "resources":[{"resource":"plugs","responseKind":{"kind":"Plug"},"scope":"Namespaced"}]}]}]})";
  answers_ = {{200, groups, aggregated}};
  const Resource plugs = client().resolve(kPlugs.gvk()).value();
  EXPECT_EQ(plugs, kPlugs);
  EXPECT_EQ(client().resolve(kPlugs.gvk()).value(), kPlugs);
  EXPECT_EQ(server_.requestCount(), 1);
  EXPECT_EQ(lastRequest().target, "/apis");
  answers_ = {{404, "404 page not found"}};
  EXPECT_TRUE(client().get(plugs, {"shop", "a"}, {}).error().isNotFound());
  answers_ = {{200, R"({"items":[]})", aggregated}};
  clock_.advance(seconds(1));
  EXPECT_EQ(client().resolve(kPlugs.gvk()).error().message,
            "the server has no kind 'Plug' of 'example.com/v1'");
}

TEST_F(RestClientTest, DoesNotForgetAKindBecauseAnObjectIsMissing) {
  answers_ = {
      {200, R"({"groups":[{"versions":[{"groupVersion":"example.com/v1"}]}]})"},
      {200, R"({"resources":[{"name":"plugs","kind":"Plug","namespaced":true}]})"},
      {404,
       R"({"kind":"Status","apiVersion":"v1","reason":"NotFound","details":{"name":"a","kind":"plugs"}})"}};
  const Resource plugs = client().resolve(kPlugs.gvk()).value();
  EXPECT_TRUE(client().get(plugs, {"shop", "a"}, {}).error().isNotFound());
  clock_.advance(seconds(1));
  EXPECT_EQ(client().resolve(kPlugs.gvk()).value(), kPlugs);
  EXPECT_EQ(server_.requestCount(), 3);
}

TEST_F(RestClientTest, WatchesUntilTheStreamEnds) {
  answers_ = {{200, R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"
                    "\n"
                    R"({"type":"ERROR","object":{"kind":"Status","code":410}})"
                    "\n"}};
  std::vector<WatchEvent> events;
  const Status end = client().watch(kPods, "", {}, {}, [&](WatchEvent&& event) {
    events.push_back(std::move(event));
    return true;
  });
  EXPECT_TRUE(end.has_value());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].object["kind"].asString(), "Pod");
  EXPECT_EQ(events[1].type, WatchEvent::Type::Error);
  EXPECT_EQ(observed_, std::vector<std::string>{"watch pods 200"});
}

TEST_F(RestClientTest, TellsWhyAWatchDidNotBegin) {
  answers_ = {
      {410,
       R"({"kind":"Status","apiVersion":"v1","reason":"Expired","message":"too old","code":410})"}};
  const auto watch = [&] {
    return client().watch(kPods, "", {}, {}, [](WatchEvent&&) { return true; });
  };
  EXPECT_EQ(watch().error().code, Code::Expired);
  answers_ = {{.isReset = true}};
  EXPECT_EQ(watch().error().code, Code::Unreachable);
  answers_ = {{200, "garbage\n"}};
  EXPECT_EQ(watch().error().code, Code::InternalError);
  EXPECT_EQ(observed_,
            (std::vector<std::string>{"watch pods 410", "watch pods 0", "watch pods 200"}));
}

TEST_F(RestClientTest, EndsAWatchWhoseStopTokenAsks) {
  std::stop_source stop;
  testing::ScriptedServer silent([&](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.beginChunked(200, {});
    stop.request_stop();
    connection.waitUntilPeerCloses();
  });
  config_.server = silent.url();
  EXPECT_TRUE(
      client()
          .watch(kPods, "", {}, {.stop = stop.get_token()}, [](WatchEvent&&) { return true; })
          .has_value());
}

TEST(RestClientConfig, IsCheckedBeforeAnythingIsSent) {
  Config config;
  config.server = "nonsense";
  EXPECT_EQ(RestClient::create(config).error().message,
            "server: url 'nonsense': no scheme, such as https://");
  config.server = "https://h";
  config.caData = "x";
  EXPECT_TRUE(RestClient::create(config).error().message.starts_with("certificate authority: "));
}

TEST(RestClientUserAgent, NamesProgramVersionAndSystem) {
  EXPECT_TRUE(defaultUserAgent().starts_with("integration-operator/" IOP_VERSION " (linux/"));
  EXPECT_TRUE(defaultUserAgent("leader-election").ends_with(") leader-election"));
}

}  // namespace
}  // namespace iop::kube::client
