#include "operator/control/input_cache.h"

#include <gtest/gtest.h>

#include <latch>

#include "kube/api/object.h"
#include "operator/api/names.h"
#include "testing/memory_client.h"

namespace iop::operators::control {
namespace {

using kube::api::Resource;

const Resource kSecrets{"", "v1", "secrets", "Secret", true};
const Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
const Resource kWidgets{"example.com", "v1", "widgets", "Widget", true};

const Dependent kAlice{Dependent::Kind::Plug, {"shop", "alice"}};
const Dependent kBob{Dependent::Kind::Plug, {"shop", "bob"}};
constexpr char kUser[] = "system:serviceaccount:shop:default";

Value object(const Resource& resource, const std::string& name, Value more = Value::object()) {
  more.set("apiVersion", resource.apiVersion());
  more.set("kind", resource.kind);
  more.set("metadata", Value::object({{"name", name}, {"namespace", "shop"}}));
  return more;
}

InputRef refTo(const Resource& resource, const std::string& name, std::string user = {}) {
  return {resource.gvk(), {"shop", name}, std::move(user)};
}

// Its answers to reads may be held up.
class SlowClient : public iop::testing::MemoryClient {
 public:
  Result<Value> get(const Resource& resource, const ObjectKey& key,
                    const kube::client::CallOptions& options) override {
    Result<Value> answer = MemoryClient::get(resource, key, options);
    if (const std::function<void()> hook = afterGet) hook();
    return answer;
  }

  std::function<void()> afterGet;
};

class InputCacheTest : public ::testing::Test {
 protected:
  InputCacheTest() {
    for (const Resource& resource : {kSecrets, kConfigMaps, kWidgets}) client_.serve(resource);
  }

  void start() {
    cache_.start();
    ASSERT_TRUE(cache_.waitForSync(std::chrono::seconds(10), {}));
  }

  // Blocks until somebody was woken so often in all.
  bool waitForWakes(const Dependent& who, std::size_t count) {
    std::unique_lock lock(mutex_);
    return condition_.wait_for(lock, std::chrono::seconds(10),
                               [&] { return wakes_[who] >= count; });
  }
  std::size_t wakes(const Dependent& who) {
    std::lock_guard guard(mutex_);
    return wakes_[who];
  }

  Value create(const Resource& resource, const std::string& name, Value more = Value::object()) {
    return client_.create(resource, "shop", object(resource, name, std::move(more)), {}).value();
  }
  void change(const Resource& resource, const std::string& name, const std::string& value) {
    const Value patch = Value::object({{"spec", Value::object({{"value", value}})}});
    ASSERT_TRUE(client_.patch(resource, {"shop", name}, kube::client::PatchType::Merge, patch, {}));
  }
  // Until a write of something else was seen, all before it was, too.
  void settle(const Resource& resource) {
    const InputRef ref = refTo(resource, "marker" + std::to_string(++markers_));
    const Dependent marker{Dependent::Kind::Plug, ref.key};
    ASSERT_FALSE(cache_.read(marker, ref, {}));
    create(resource, ref.key.name);
    ASSERT_TRUE(waitForWakes(marker, 1));
  }

  SlowClient client_;
  std::mutex mutex_;
  std::condition_variable condition_;
  std::map<Dependent, std::size_t> wakes_;
  int markers_ = 0;
  InputCache cache_{client_,
                    base::realClock(),
                    [this](const Dependent& who) {
                      std::lock_guard guard(mutex_);
                      ++wakes_[who];
                      condition_.notify_all();
                    },
                    {}};
};

TEST_F(InputCacheTest, WhoHasReadAnObjectIsWokenByItsChange) {
  create(kSecrets, "db");
  start();
  ASSERT_TRUE(cache_.read(kAlice, refTo(kSecrets, "db"), {}));
  change(kSecrets, "db", "new");
  EXPECT_TRUE(waitForWakes(kAlice, 1));
  EXPECT_EQ(wakes(kBob), 0u);
}

TEST_F(InputCacheTest, WhoWaitsForAnObjectIsWokenWhenAnotherReadsItFirst) {
  start();
  ASSERT_FALSE(cache_.read(kAlice, refTo(kSecrets, "db"), {}));
  // The watch is held up, so that the read is what shows the object first.
  std::latch held(1);
  std::atomic<bool> isHeld = true;
  client_.setFault([&](const auto& call) -> std::optional<Error> {
    if (call.verb == "watch" && isHeld) held.wait();
    return std::nullopt;
  });
  client_.endWatches();
  create(kSecrets, "db");
  ASSERT_TRUE(cache_.read(kBob, refTo(kSecrets, "db"), {}));
  EXPECT_TRUE(waitForWakes(kAlice, 1));
  EXPECT_EQ(wakes(kBob), 0u) << "it has just read it";
  isHeld = false;
  held.count_down();
}

TEST_F(InputCacheTest, WhoWaitsForAnObjectIsWokenByAWriteOfOurs) {
  start();
  ASSERT_FALSE(cache_.read(kAlice, refTo(kSecrets, "db"), {}));
  settle(kSecrets);
  const Value made = create(kSecrets, "db");
  cache_.noteWritten(made);
  EXPECT_TRUE(waitForWakes(kAlice, 1));
}

TEST_F(InputCacheTest, AnObjectThatAppearsWhileItsWatchBeginsWakesItsReader) {
  start();
  // The object is made after it was looked for and before the new watch lists it.
  std::atomic<bool> isMade = false;
  client_.setFault([&](const auto& call) -> std::optional<Error> {
    if (call.verb == "list" && call.resource == kWidgets && !isMade) {
      while (client_.calls("get").empty()) std::this_thread::yield();
      isMade = true;
      create(kWidgets, "one");
    }
    return std::nullopt;
  });
  ASSERT_FALSE(cache_.read(kAlice, refTo(kWidgets, "one", kUser), {}));
  EXPECT_TRUE(waitForWakes(kAlice, 1));
}

TEST_F(InputCacheTest, WhatOneForgetsStaysWatchedForAnother) {
  create(kSecrets, "db");
  start();
  ASSERT_TRUE(cache_.read(kAlice, refTo(kSecrets, "db"), {}));
  ASSERT_TRUE(cache_.read(kBob, refTo(kSecrets, "db"), {}));
  cache_.setDependents(kAlice, {});
  change(kSecrets, "db", "new");
  EXPECT_TRUE(waitForWakes(kBob, 1));
  EXPECT_EQ(wakes(kAlice), 0u);
}

TEST_F(InputCacheTest, SetDependentsNarrowsToWhatIsNamed) {
  create(kSecrets, "db");
  create(kSecrets, "cache");
  start();
  ASSERT_TRUE(cache_.read(kAlice, refTo(kSecrets, "db"), {}));
  ASSERT_TRUE(cache_.read(kAlice, refTo(kSecrets, "cache"), {}));
  cache_.setDependents(kAlice, {refTo(kSecrets, "cache")});
  change(kSecrets, "db", "new");
  settle(kSecrets);
  EXPECT_EQ(wakes(kAlice), 0u);
  change(kSecrets, "cache", "new");
  EXPECT_TRUE(waitForWakes(kAlice, 1));
}

TEST_F(InputCacheTest, AnUnchangedObjectIsReadOnce) {
  create(kSecrets, "db");
  start();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cache_.read(kAlice, refTo(kSecrets, "db"), {}));
  EXPECT_EQ(client_.calls("get").size(), 1u);
}

TEST_F(InputCacheTest, WhatMayNotBeWatchedIsReadEachTime) {
  create(kWidgets, "one");
  client_.setFault([&](const auto& call) -> std::optional<Error> {
    if (call.resource == kWidgets && call.verb != "get" && call.verb != "patch")
      return Error{Code::Forbidden, "no", "", 0};
    return std::nullopt;
  });
  start();
  const InputRef ref = refTo(kWidgets, "one", kUser);
  const auto before = cache_.version(kAlice, ref, {});
  ASSERT_TRUE(before && *before);
  EXPECT_TRUE(cache_.needsPoll({ref}));
  change(kWidgets, "one", "new");
  const auto after = cache_.version(kAlice, ref, {});
  ASSERT_TRUE(after && *after);
  EXPECT_NE((*after)->version, (*before)->version);
}

TEST_F(InputCacheTest, AnObjectThatGoesWhileItIsReadStaysGone) {
  create(kSecrets, "db");
  start();
  const InputRef ref = refTo(kSecrets, "db");
  ASSERT_FALSE(cache_.read(kBob, refTo(kSecrets, "other"), {}));
  // The answer comes late: the watch has shown the deletion by then.
  client_.afterGet = [&] {
    client_.afterGet = nullptr;
    EXPECT_TRUE(client_.remove(kSecrets, ref.key, {}, {}));
    create(kSecrets, "other");  // seen after the deletion
    EXPECT_TRUE(waitForWakes(kBob, 1));
  };
  EXPECT_TRUE(cache_.read(kAlice, ref, {}));
  EXPECT_TRUE(waitForWakes(kAlice, 1));
  EXPECT_FALSE(cache_.version(kAlice, ref, {}).value());
}

}  // namespace
}  // namespace iop::operators::control
