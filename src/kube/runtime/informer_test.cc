#include "kube/runtime/informer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "testing/memory_client.h"

namespace iop::kube::runtime {
namespace {

using client::WatchEvent;
using iop::testing::MemoryClient;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const api::Resource kPlugs{"integration.rock8s.com", "v1", "plugs", "Plug", true};

using Lines = std::vector<std::string>;

class InformerTest : public ::testing::Test {
 protected:
  ~InformerTest() override { informers.clear(); }

  Informer& make(InformerOptions options = {}) {
    options.resource = kPlugs;
    options.metrics = &registry;
    informers.push_back(std::make_unique<Informer>(client, clock, store, std::move(options)));
    Informer& informer = *informers.back();
    informer.addHandlers(
        {.onAdd =
             [this](const Value& object, bool inInitialList) {
               note((inInitialList ? "listed " : "added ") + describe(object));
             },
         .onUpdate =
             [this](const Value& before, const Value& after) {
               note("updated " + describe(before) + " to " + describe(after));
             },
         .onDelete = [this](const Value& last) { note("deleted " + describe(last)); }});
    return informer;
  }

  // Starts an informer and waits until it watches.
  Informer& start(InformerOptions options = {}) {
    Informer& informer = make(std::move(options));
    informer.start();
    EXPECT_TRUE(informer.waitForSync(seconds(5)));
    client.waitForWatches(informers.size());
    return informer;
  }

  static std::string describe(const Value& object) {
    return api::keyOf(object).print() + "=" + std::to_string(object["spec"]["size"].asInt());
  }

  void note(std::string line) {
    std::lock_guard guard(mutex);
    told.push_back(std::move(line));
    changed.notify_all();
  }

  // What the handlers were told since the last call, of which there will be so many lines.
  Lines takeLines(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return told.size() >= count; });
    Lines lines;
    lines.swap(told);
    return lines;
  }

  // Lets back-offs end, in step with who waits for that, until the condition holds.
  template <typename Condition>
  void turnUntil(Condition condition) {
    while (!condition()) {
      if (clock.waiters() > 0) {
        clock.advance(milliseconds(200));
      } else {
        std::this_thread::yield();
      }
    }
  }

  Value put(const std::string& name, int size, const std::string& namespaceName = "app") {
    const ObjectKey key{namespaceName, name};
    const Value patch = Value::object({{"apiVersion", "integration.rock8s.com/v1"},
                                       {"kind", "Plug"},
                                       {"metadata", Value::object({{"name", name}})},
                                       {"spec", Value::object({{"size", size}})}});
    client::CallOptions options;
    options.fieldManager = "test";
    return client.patch(kPlugs, key, client::PatchType::Apply, patch, options).value();
  }

  void remove(const std::string& name) {
    EXPECT_TRUE(client.remove(kPlugs, {"app", name}, {}, {}));
  }

  Lines names() const {
    Lines all;
    for (const Value& object : store->list()) all.push_back(api::keyOf(object).print());
    return all;
  }

  static Error error(Code code) { return {code, "broken", {}, 0}; }

  base::ManualClock clock;
  metrics::Registry registry;
  MemoryClient client{clock};
  std::shared_ptr<Store> store = std::make_shared<Store>();
  std::mutex mutex;
  std::condition_variable changed;
  Lines told;
  std::vector<std::unique_ptr<Informer>> informers;
};

TEST_F(InformerTest, ListsFromTheCacheAndThenFollowsInOrder) {
  put("a", 1);
  put("b", 2);
  const Informer& informer = start();
  EXPECT_EQ(takeLines(2), (Lines{"listed app/a=1", "listed app/b=2"})) << "told before the sync";
  put("c", 3);
  put("a", 4);
  remove("b");
  EXPECT_EQ(takeLines(3),
            (Lines{"added app/c=3", "updated app/a=1 to app/a=4", "deleted app/b=2"}));
  EXPECT_EQ(names(), (Lines{"app/a", "app/c"}));
  EXPECT_EQ(informer.status().resourceVersion, client.resourceVersion());
  ASSERT_EQ(client.calls("list").size(), 1U);
  EXPECT_EQ(client.calls("list")[0].list.resourceVersion, "0");
  EXPECT_EQ(client.calls("watch").size(), 1U);
}

TEST_F(InformerTest, ASyncHasEnds) {
  client.setFault([](const MemoryClient::Call&) { return error(Code::Unreachable); });
  Informer& informer = make();
  informer.start();
  std::jthread time([this](std::stop_token stop) {
    while (!stop.stop_requested()) clock.advance(milliseconds(100));
  });
  EXPECT_FALSE(informer.waitForSync(minutes(2)));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(informer.waitForSync(minutes(2), stop.get_token()));
}

TEST_F(InformerTest, AStreamThatEndsIsOpenedAgainWhereItWas) {
  put("a", 1);
  start();
  takeLines(1);
  put("b", 2);
  takeLines(1);
  const std::string version = client.resourceVersion();
  client.endWatches();
  turnUntil([&] { return client.calls("watch").size() == 2; });
  EXPECT_EQ(client.calls("watch")[1].watch.resourceVersion, version);
  put("c", 3);
  EXPECT_EQ(takeLines(1), (Lines{"added app/c=3"}));
  EXPECT_EQ(client.calls("list").size(), 1U);
}

TEST_F(InformerTest, ABrokenConnectionIsOpenedAgainWithoutAList) {
  put("a", 1);
  start();
  takeLines(1);
  client.breakWatches(error(Code::Interrupted));
  put("a", 2);
  turnUntil([&] { return client.calls("watch").size() == 2; });
  EXPECT_EQ(takeLines(1), (Lines{"updated app/a=1 to app/a=2"}));
  EXPECT_EQ(client.calls("list").size(), 1U);
}

TEST_F(InformerTest, AVersionThatIsTooOldLeadsToAListAndDeletionsAreTold) {
  put("a", 1);
  put("b", 2);
  start();
  takeLines(2);
  // The connection breaks; meanwhile more happens than the server remembers.
  client.setFault([](const MemoryClient::Call& call) -> std::optional<Error> {
    if (call.verb == "watch") return error(Code::Unreachable);
    return std::nullopt;
  });
  client.breakWatches(error(Code::Interrupted));
  remove("a");
  put("b", 5);
  put("c", 6);
  client.compact();
  client.setFault({});
  turnUntil([&] { return client.calls("list").size() == 2; });
  EXPECT_EQ(takeLines(3),
            (Lines{"deleted app/a=1", "updated app/b=2 to app/b=5", "added app/c=6"}));
  EXPECT_EQ(client.calls("list")[1].list.resourceVersion,
            client.calls("watch")[0].watch.resourceVersion)
      << "not older than what we know";
}

TEST_F(InformerTest, AnErrorEventOf410LeadsToAList) {
  put("a", 1);
  start();
  takeLines(1);
  client.send(
      kPlugs,
      {WatchEvent::Type::Error,
       Value::object(
           {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}, {"message", "too old"}})});
  turnUntil([&] { return client.calls("list").size() == 2; });
  client.waitForWatches(1);
  put("b", 2);
  EXPECT_EQ(takeLines(1), (Lines{"added app/b=2"}));
}

TEST_F(InformerTest, AListThatTheServerCannotServeAtOurVersionIsMadeAtTheNewest) {
  put("a", 1);
  start();
  takeLines(1);
  client.setFault([](const MemoryClient::Call& call) -> std::optional<Error> {
    if (call.verb == "list" && !call.list.resourceVersion.empty()) return error(Code::Expired);
    return std::nullopt;
  });
  client.breakWatches(error(Code::Expired));
  turnUntil([&] { return client.calls("list").size() == 3; });
  EXPECT_EQ(client.calls("list")[2].list.resourceVersion, "");
  client.waitForWatches(1);
}

TEST_F(InformerTest, AnOverloadedServerIsGivenTimeAndNotAskedForAList) {
  put("a", 1);
  start();
  client.setFault([](const MemoryClient::Call& call) -> std::optional<Error> {
    if (call.verb == "watch") return error(Code::TooManyRequests);
    return std::nullopt;
  });
  client.breakWatches(error(Code::Interrupted));
  turnUntil([&] { return client.calls("watch").size() >= 4; });
  client.setFault({});
  turnUntil([&] {
    return client.calls("watch").size() >= 6 || store->size() == 2 || (put("b", 1), false);
  });
  EXPECT_EQ(client.calls("list").size(), 1U);
}

TEST_F(InformerTest, FailuresAreShownUntilTheyAreOver) {
  client.setFault([](const MemoryClient::Call&) { return error(Code::Forbidden); });
  Informer& informer = make();
  informer.start();
  turnUntil([&] { return informer.status().error.has_value(); });
  EXPECT_EQ(informer.status().error->code, Code::Forbidden);
  EXPECT_FALSE(informer.hasSynced());
  client.setFault({});
  turnUntil([&] { return informer.hasSynced(); });
  EXPECT_EQ(informer.status().error, std::nullopt);
}

TEST_F(InformerTest, BookmarksMoveTheVersionAndShowThatTheServerLives) {
  put("a", 1);
  const Informer& informer = start();
  clock.advance(minutes(1));
  EXPECT_EQ(informer.status().lastEventAge, minutes(1));
  ASSERT_TRUE(client.create({"", "v1", "secrets", "Secret", true}, "app",
                            Value::object({{"metadata", Value::object({{"name", "s"}})}}), {}));
  client.sendBookmark(kPlugs);
  while (informer.status().resourceVersion != client.resourceVersion()) std::this_thread::yield();
  EXPECT_EQ(informer.status().lastEventAge, seconds(0));
}

TEST_F(InformerTest, LargeListsComeInPagesOnlyWhereTheServerHasNoCache) {
  for (int plug = 0; plug < 1100; ++plug) put("p" + std::to_string(plug), plug);
  start();
  EXPECT_EQ(store->size(), 1100U);
  const auto lists = client.calls("list");
  ASSERT_EQ(lists.size(), 3U) << "the double pages lists at version 0 too";
  EXPECT_EQ(lists[0].list.limit, 500);
  EXPECT_EQ(lists[1].list.resourceVersion, "") << "a continue token has its own version";
  EXPECT_NE(lists[1].list.continueToken, "");
}

TEST_F(InformerTest, PagesThatExpireAreReadInOneGo) {
  for (int plug = 0; plug < 600; ++plug) put("p" + std::to_string(plug), plug);
  client.setFault([](const MemoryClient::Call& call) -> std::optional<Error> {
    if (!call.list.continueToken.empty()) return error(Code::Expired);
    return std::nullopt;
  });
  start();
  EXPECT_EQ(store->size(), 600U);
  EXPECT_EQ(client.calls("list").back().list.limit, 0);
}

TEST_F(InformerTest, SelectorsAndMetadataAreAskedFor) {
  put("a", 1);
  Value labelled = put("b", 2);
  ASSERT_TRUE(client.patch(
      kPlugs, {"app", "b"}, client::PatchType::Merge,
      Value::object({{"metadata", Value::object({{"labels", Value::object({{"x", "y"}})}})}}), {}));
  start({.labelSelector = "x=y", .metadataOnly = true});
  ASSERT_EQ(names(), (Lines{"app/b"}));
  const Value stored = *store->find({"app", "b"});
  EXPECT_EQ(stored["kind"].asString(), "Plug");
  EXPECT_EQ(stored["apiVersion"].asString(), "integration.rock8s.com/v1");
  EXPECT_FALSE(stored.contains("spec"));
  takeLines(1);
  ASSERT_TRUE(client.patch(kPlugs, {"app", "b"}, client::PatchType::Merge,
                           Value::object({{"metadata", Value::object({{"labels", nullptr}})}}),
                           {}));
  EXPECT_EQ(takeLines(1), (Lines{"deleted app/b=0"})) << "no longer selected";
}

TEST_F(InformerTest, ATransformDecidesWhatIsKept) {
  put("keep", 1);
  put("drop", 2);
  start({.transform = [](Value&& object) -> std::optional<Value> {
    if (object["spec"]["size"].asInt() % 2 == 0) return std::nullopt;
    object.erase("apiVersion");
    return std::move(object);
  }});
  EXPECT_EQ(names(), (Lines{"app/keep"}));
  EXPECT_FALSE(store->find({"app", "keep"})->contains("apiVersion"));
  takeLines(1);
  put("drop", 3);
  EXPECT_EQ(takeLines(1), (Lines{"added app/drop=3"}));
  put("keep", 4);
  EXPECT_EQ(takeLines(1), (Lines{"deleted app/keep=1"}));
}

TEST_F(InformerTest, ManagedFieldsAreNeverStored) {
  Value plug = put("a", 1);
  plug.edit("metadata")
      .set("managedFields", Value::array({Value::object({{"manager", "kubectl"}})}));
  ASSERT_TRUE(client.update(kPlugs, {"app", "a"}, plug, {}));
  start();
  EXPECT_FALSE((*store->find({"app", "a"}))["metadata"].contains("managedFields"));
}

TEST_F(InformerTest, SeveralNamespacesShareAStore) {
  put("x", 1, "a");
  put("y", 2, "b");
  put("z", 3, "c");
  start({.namespaceName = "a"});
  start({.namespaceName = "b"});
  EXPECT_EQ(names(), (Lines{"a/x", "b/y"}));
  takeLines(2);
  client.breakWatches(error(Code::Expired));
  turnUntil([&] { return client.calls("list").size() == 4; });
  client.waitForWatches(2);
  EXPECT_EQ(names(), (Lines{"a/x", "b/y"})) << "a list of one leaves the other alone";
}

TEST_F(InformerTest, WeReadWhatWeWrote) {
  put("a", 1);
  Informer& informer = start();
  takeLines(1);
  const Value written = put("a", 2);
  informer.overlay(written);
  EXPECT_EQ((*store->find({"app", "a"}))["spec"]["size"].asInt(), 2)
      << "whether the event came or not";
  EXPECT_EQ(takeLines(1), (Lines{"updated app/a=1 to app/a=2"})) << "handlers hear of it once";
}

TEST_F(InformerTest, StopEndsTheStreamAndTellsNothingMore) {
  Informer& informer = start();
  informer.stop();
  put("a", 1);
  EXPECT_EQ(store->size(), 0U);
  informer.stop();
}

TEST_F(InformerTest, WhatHasNoNameIsSkipped) {
  start();
  client.send(kPlugs, {WatchEvent::Type::Added, Value::object({{"kind", "Plug"}})});
  client.send(kPlugs, {WatchEvent::Type::Modified, Value("nonsense")});
  put("a", 1);
  EXPECT_EQ(takeLines(1), (Lines{"added app/a=1"}));
}

class WatchListTest : public InformerTest {
 protected:
  WatchListTest() { gate->setServerVersion(1, 34); }
  std::shared_ptr<WatchListGate> gate = std::make_shared<WatchListGate>();
};

TEST_F(WatchListTest, AServerThatCanStreamsTheObjects) {
  put("a", 1);
  put("b", 2);
  start({.watchList = gate});
  EXPECT_EQ(takeLines(2), (Lines{"listed app/a=1", "listed app/b=2"}));
  put("c", 3);
  EXPECT_EQ(takeLines(1), (Lines{"added app/c=3"})) << "on the same stream";
  EXPECT_TRUE(client.calls("list").empty());
  EXPECT_EQ(client.calls("watch").size(), 1U);
}

TEST_F(WatchListTest, ARelistStreamsAgainAndTellsTheDifference) {
  put("a", 1);
  start({.watchList = gate});
  takeLines(1);
  client.setFault([](const MemoryClient::Call&) { return error(Code::Unreachable); });
  client.breakWatches(error(Code::Expired));
  turnUntil([&] { return !client.calls("list").empty(); });
  client.setFault({});
  remove("a");
  put("b", 2);
  client.compact();
  EXPECT_TRUE(gate->isOpen()) << "an outage says nothing about what the server can";
  turnUntil([&] { return store->size() == 1 && store->find({"app", "b"}).has_value(); });
  EXPECT_EQ(takeLines(2), (Lines{"deleted app/a=1", "added app/b=2"}));
}

TEST_F(WatchListTest, AServerThatNeverEndsTheListIsFoundOutAndRemembered) {
  client.setWatchList(MemoryClient::WatchList::Ignored);
  put("a", 1);
  Informer& informer = make({.watchList = gate});
  informer.start();
  turnUntil([&] { return informer.hasSynced(); });
  EXPECT_FALSE(gate->isOpen());
  EXPECT_EQ(takeLines(1), (Lines{"listed app/a=1"}));
  client.waitForWatches(1);
  EXPECT_EQ(client.calls("list").size(), 1U);
}

TEST_F(WatchListTest, AServerThatRefusesIsAskedForAListAtOnce) {
  put("a", 1);
  client.setFault([](const MemoryClient::Call& call) -> std::optional<Error> {
    if (call.watch.sendInitialEvents) return error(Code::Invalid);
    return std::nullopt;
  });
  start({.watchList = gate});
  EXPECT_FALSE(gate->isOpen());
  EXPECT_EQ(names(), (Lines{"app/a"}));
}

TEST(WatchListGate, OpensForServersThatHaveItForSure) {
  EXPECT_FALSE(WatchListGate().isOpen());
  EXPECT_FALSE(WatchListGate::isSupportedBy(1, 33));
  EXPECT_TRUE(WatchListGate::isSupportedBy(1, 34));
  EXPECT_TRUE(WatchListGate::isSupportedBy(2, 0));
}

}  // namespace
}  // namespace iop::kube::runtime
