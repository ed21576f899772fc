#include "kube/client/internal/discovery.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "kube/client/internal/watch_decoder.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::kube::client::internal {
namespace {

const api::GroupVersionKind kPlug{"example.com", "v1", "Plug"};
const api::GroupVersionKind kPod{"", "v1", "Pod"};

// A server's answers by path, and what it was asked.
class DiscoveryTest : public ::testing::Test {
 protected:
  DiscoveryTest()
      : discovery_([this](const auto& request, const auto&) { return answer(request); }, clock_) {}

  virtual Result<DiscoveryAnswer> answer(const DiscoveryRequest& request) {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const auto found = bodies_.find(request.path);
    if (found == bodies_.end())
      return fail(Code::ServiceUnavailable, "no answer for " + request.path);
    DiscoveryAnswer out;
    out.etag = etag_;
    out.isUnchanged = !etag_.empty() && request.etag == etag_;
    out.isAggregated = isAggregated_;
    if (!out.isUnchanged) out.body = text::parseYaml(found->second).value();
    return out;
  }
  void serve(const std::string& path, const std::string& yaml) { bodies_[path] = yaml; }
  void serveGroup(const std::string& group, const std::string& kind, const std::string& plural) {
    serve("/apis", "items: [{metadata: {name: " + group +
                       "}, versions: [{version: v1, resources: [{resource: " + plural +
                       ", responseKind: {group: " + group + ", version: v1, kind: " + kind +
                       "}, scope: Namespaced}]}]}]");
  }
  std::string resolve(const api::GroupVersionKind& kind) {
    const Result<api::Resource> resource = discovery_.resolve(kind, {});
    if (!resource)
      return std::string(base::reasonOf(resource.error().code)) + ": " + resource.error().message;
    return resource->plural + (resource->namespaced ? " namespaced" : " cluster");
  }

  base::ManualClock clock_;
  std::mutex mutex_;
  std::map<std::string, std::string> bodies_;
  std::vector<DiscoveryRequest> requests_;
  std::string etag_;
  bool isAggregated_ = true;
  Discovery discovery_;
};

constexpr const char* kUnknownPlug = "NotFound: the server has no kind 'Plug' of 'example.com/v1'";

TEST_F(DiscoveryTest, FindsKindsWithOneRequestAndRemembersThem) {
  serve("/apis", R"(items:
    - metadata: {name: example.com}
      versions:
      - version: v2
        resources: [{resource: plugs, responseKind: {kind: Plug}, scope: Cluster}]
      - version: v1
        resources:
        - {resource: plugs, responseKind: {kind: Plug}, scope: Namespaced}
        - {resource: kindless, scope: Namespaced})");
  serve("/api",
        "items: [{metadata: {}, versions: [{version: v1, resources: [{resource: pods, "
        "responseKind: {kind: Pod}, "
        "scope: Namespaced}]}]}]");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  EXPECT_EQ(resolve({"example.com", "v2", "Plug"}), "plugs cluster");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(resolve(kPod), "pods namespaced");
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[1].path, "/api");
}

TEST_F(DiscoveryTest, AsksAgainForAnUnknownKindButNotAllTheTime) {
  serveGroup("other.com", "Thing", "things");
  EXPECT_EQ(resolve(kPlug), kUnknownPlug);
  EXPECT_EQ(requests_.size(), 1u);
  EXPECT_EQ(resolve({"example.com", "v1", "Socket"}),
            "NotFound: the server has no kind 'Socket' of 'example.com/v1'");
  EXPECT_EQ(requests_.size(), 1u) << "the answer is good for other kinds, too";
  serveGroup("example.com", "Plug", "plugs");
  clock_.advance(Discovery::kMinInterval);
  EXPECT_EQ(resolve(kPlug), kUnknownPlug) << "it was asked for a moment ago";
  EXPECT_EQ(requests_.size(), 1u);
  clock_.advance(Discovery::kUnknownKindPause);
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  EXPECT_EQ(requests_.size(), 2u);
}

TEST_F(DiscoveryTest, FindsANewKindAtOnceWhenAnotherAskedMeanwhile) {
  serveGroup("other.com", "Thing", "things");
  EXPECT_EQ(resolve(kPlug), kUnknownPlug);
  serveGroup("example.com", "Plug", "plugs");
  clock_.advance(Discovery::kMinInterval);
  EXPECT_EQ(resolve({"example.com", "v1", "Socket"}),
            "NotFound: the server has no kind 'Socket' of 'example.com/v1'");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
}

TEST_F(DiscoveryTest, TellsTheServersFailureAndTriesAgainLater) {
  const std::string failure = "ServiceUnavailable: discover kinds: no answer for /apis";
  EXPECT_EQ(resolve(kPlug), failure);
  EXPECT_EQ(resolve(kPlug), failure);
  EXPECT_EQ(requests_.size(), 1u);
  serveGroup("example.com", "Plug", "plugs");
  clock_.advance(Discovery::kMinInterval);
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
}

TEST_F(DiscoveryTest, AsksWhetherAnythingChangedByTag) {
  serveGroup("example.com", "Plug", "plugs");
  etag_ = "\"1\"";
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  EXPECT_EQ(requests_[0].etag, "");
  clock_.advance(Discovery::kMinInterval);
  EXPECT_TRUE(resolve({"example.com", "v1", "Socket"}).starts_with("NotFound"));
  EXPECT_EQ(requests_[1].etag, "\"1\"");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced") << "an unchanged answer keeps what is known";
}

TEST_F(DiscoveryTest, ForgetsAResourceThatIsGone) {
  serveGroup("example.com", "Plug", "plugs");
  etag_ = "\"1\"";
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  discovery_.forget({"example.com", "v1", "plugs", "Plug", true});
  clock_.advance(Discovery::kMinInterval);
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  EXPECT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[1].etag, "") << "the tag stood for more than is known now";
}

TEST_F(DiscoveryTest, KeepsWhatItKnewOfAGroupWhoseServerIsDown) {
  serveGroup("example.com", "Plug", "plugs");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  serve("/apis", R"(items:
    - {metadata: {name: example.com}, versions: [{version: v1, freshness: Stale}]}
    - {metadata: {name: other.com}, versions: [{version: v1, resources: [{resource: things, responseKind: {kind: Thing}}]}]})");
  clock_.advance(Discovery::kMinInterval);
  EXPECT_EQ(resolve({"other.com", "v1", "Thing"}), "things cluster");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  EXPECT_EQ(resolve({"example.com", "v1", "Socket"}),
            "ServiceUnavailable: kind 'Socket' of 'example.com/v1': discovery failed: its API "
            "server does not answer");
}

TEST_F(DiscoveryTest, AsksGroupByGroupWhereTheServerKnowsNoBetter) {
  isAggregated_ = false;
  serve("/apis", R"(groups:
    - {name: example.com, versions: [{groupVersion: example.com/v1}]}
    - {name: broken.com, versions: [{groupVersion: broken.com/v1}]})");
  serve("/apis/example.com/v1",
        "resources: [{name: plugs/status, kind: Plug, namespaced: false}, {name: plugs, kind: "
        "Plug, namespaced: true}]");
  serve("/api", "versions: [v1]");
  serve("/api/v1", "resources: [{name: nodes, kind: Node, namespaced: false}]");
  EXPECT_EQ(resolve(kPlug), "plugs namespaced");
  EXPECT_EQ(resolve({"", "v1", "Node"}), "nodes cluster");
  EXPECT_EQ(resolve({"broken.com", "v1", "Thing"}),
            "ServiceUnavailable: kind 'Thing' of 'broken.com/v1': discovery failed: no answer for "
            "/apis/broken.com/v1");
}

TEST_F(DiscoveryTest, ListsEverythingFromAFreshAnswer) {
  serveGroup("example.com", "Plug", "plugs");
  serve("/api", "items: []");
  ASSERT_EQ(discovery_.all({}).value().size(), 1u);
  serveGroup("example.com", "Socket", "sockets");
  const std::vector<api::Resource> all = discovery_.all({}).value();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].plural, "sockets");
}

// Holds the first request until it is let go.
class SlowDiscoveryTest : public DiscoveryTest {
 protected:
  Result<DiscoveryAnswer> answer(const DiscoveryRequest& request) override {
    if (count_++ == 0) {
      arrived_.set_value();
      letGo_.get_future().wait();
      if (isCanceled_) return fail(Code::Canceled, "canceled");
    }
    return DiscoveryTest::answer(request);
  }

  std::atomic<int> count_{0};
  std::atomic<bool> isCanceled_{false};
  std::promise<void> arrived_;
  std::promise<void> letGo_;
};

TEST_F(SlowDiscoveryTest, SharesOneRequestAmongAllWhoNeedIt) {
  serveGroup("example.com", "Plug", "plugs");
  std::vector<std::future<std::string>> results;
  results.push_back(std::async(std::launch::async, [&] { return resolve(kPlug); }));
  arrived_.get_future().wait();
  for (int i = 0; i < 3; ++i) {
    results.push_back(std::async(std::launch::async, [&] { return resolve(kPlug); }));
  }
  letGo_.set_value();
  for (auto& result : results) EXPECT_EQ(result.get(), "plugs namespaced");
  EXPECT_EQ(count_, 1);
}

TEST_F(SlowDiscoveryTest, GoesOnForOthersWhenTheOneWhoAskedGivesUp) {
  serveGroup("example.com", "Plug", "plugs");
  isCanceled_ = true;
  auto first = std::async(std::launch::async, [&] { return resolve(kPlug); });
  arrived_.get_future().wait();
  auto second = std::async(std::launch::async, [&] { return resolve(kPlug); });
  letGo_.set_value();
  EXPECT_EQ(first.get(), "Canceled: discover kinds: canceled");
  EXPECT_EQ(second.get(), "plugs namespaced");
}

// --- WatchDecoder ---

const Resource kPlugs{"example.com", "v1", "plugs", "Plug", true};

std::string event(const std::string& type, const std::string& name) {
  return R"({"type":")" + type +
         R"(","object":{"apiVersion":"example.com/v1","kind":"Plug","metadata":{"name":")" + name +
         R"(","managedFields":[{"manager":"x"}]}}})" + "\n";
}

TEST(WatchDecoder, ReadsTheSameEventsHoweverTheyAreCut) {
  const std::string text = event("ADDED", "a") + "\n\r\n" + event("MODIFIED", "b") +
                           event("DELETED", "c") + event("BOOKMARK", "d");
  for (std::size_t size = 1; size <= text.size(); ++size) {
    SCOPED_TRACE(size);
    WatchDecoder decoder(kPlugs, 1000);
    std::string names;
    std::vector<WatchEvent::Type> types;
    for (std::size_t i = 0; i < text.size(); i += size) {
      const Result<bool> goesOn =
          decoder.feed(std::string_view(text).substr(i, size), [&](WatchEvent&& event) {
            types.push_back(event.type);
            names += event.object["metadata"]["name"].toString();
            EXPECT_FALSE(event.object["metadata"].contains("managedFields"));
            return true;
          });
      ASSERT_TRUE(goesOn && *goesOn);
    }
    EXPECT_EQ(names, "abcd");
    using enum WatchEvent::Type;
    EXPECT_EQ(types, (std::vector<WatchEvent::Type>{Added, Modified, Deleted, Bookmark}));
  }
}

TEST(WatchDecoder, StopsWhenTheHandlerHasHadEnough) {
  WatchDecoder decoder(kPlugs, 1000);
  int count = 0;
  const Result<bool> goesOn =
      decoder.feed(event("ADDED", "a") + event("ADDED", "b"), [&](WatchEvent&&) {
        ++count;
        return false;
      });
  ASSERT_TRUE(goesOn.has_value());
  EXPECT_FALSE(*goesOn);
  EXPECT_EQ(count, 1);
}

TEST(WatchDecoder, GivesErrorsAwayAsTheyAre) {
  WatchDecoder decoder(kPlugs, 1000);
  Value status;
  const std::string line =
      R"({"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410}})";
  ASSERT_TRUE(decoder.feed(line + "\n", [&](WatchEvent&& event) {
    EXPECT_EQ(event.type, WatchEvent::Type::Error);
    status = std::move(event.object);
    return true;
  }));
  EXPECT_EQ(status["kind"].asString(), "Status");
  EXPECT_EQ(status["code"].asInt(), 410);
}

TEST(WatchDecoder, GivesMetadataTheKindOfTheirResource) {
  WatchDecoder decoder(kPlugs, 1000);
  ASSERT_TRUE(decoder.feed(
      R"({"type":"ADDED","object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1"}})"
      "\n",
      [&](WatchEvent&& event) {
        EXPECT_EQ(event.object["kind"].asString(), "Plug");
        EXPECT_EQ(event.object["apiVersion"].asString(), "example.com/v1");
        return true;
      }));
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  struct Case {
    const char* name;
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"no JSON", "{]\n",
       "watch: invalid character ']' looking for beginning of object key string"},
      {"an unknown type",
       R"({"type":"MOVED","object":{}})"
       "\n",
       "watch: unknown event 'MOVED'"},
      {"no object", "17\n", "watch: unknown event ''"},
      {"a line without end", std::string(1001, 'x'), "watch: event of more than 1000 bytes"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    WatchDecoder decoder(kPlugs, 1000);
    const Result<bool> goesOn = decoder.feed(test.text, [](WatchEvent&&) { return true; });
    ASSERT_FALSE(goesOn.has_value());
    EXPECT_EQ(goesOn.error().code, Code::InternalError);
    EXPECT_EQ(goesOn.error().message, test.message);
  }
}

}  // namespace
}  // namespace iop::kube::client::internal
