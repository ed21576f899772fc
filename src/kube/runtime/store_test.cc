#include "kube/runtime/store.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace iop::kube::runtime {
namespace {

// A plug "<namespace>/<name>" of that version, which names a socket.
Value plug(std::string_view namespaceName, std::string_view name, int version,
           std::string_view socket = "postgres", std::string_view uid = {}) {
  return Value::object({{"kind", "Plug"},
                        {"metadata", Value::object({{"namespace", namespaceName},
                                                    {"name", name},
                                                    {"uid", uid.empty() ? "uid-" + std::string(name)
                                                                        : std::string(uid)},
                                                    {"resourceVersion", std::to_string(version)}})},
                        {"spec", Value::object({{"socket", socket}})}});
}

int versionOf(const std::optional<Value>& object) {
  return object ? std::stoi(std::string(api::resourceVersionOf(*object))) : -1;
}

std::vector<std::string> names(const std::vector<Value>& objects) {
  std::vector<std::string> all;
  for (const Value& object : objects) all.push_back(api::keyOf(object).print());
  return all;
}

using Names = std::vector<std::string>;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    store.addIndex("socket", [](const Value& object) {
      return std::vector{object["spec"]["socket"].toString()};
    });
  }

  int version(const char* name) const { return versionOf(store.find({"app", name})); }
  Names ofSocket(const char* socket) const { return names(store.byIndex("socket", socket)); }

  Store store;
};

TEST_F(StoreTest, FindsWhatWasListedSortedByNamespaceAndName) {
  store.replace("", {plug("b", "x", 2), plug("a", "z", 1), plug("a", "y", 3)}, "3");
  EXPECT_EQ(names(store.list()), (Names{"a/y", "a/z", "b/x"}));
  EXPECT_EQ(names(store.list("a")), (Names{"a/y", "a/z"}));
  EXPECT_EQ(names(store.list("c")), Names{});
  EXPECT_EQ(versionOf(store.find({"a", "y"})), 3);
  EXPECT_EQ(store.find({"a", "x"}), std::nullopt);
  EXPECT_EQ(store.size(), 3U);
  EXPECT_EQ(store.size("a"), 2U);
}

TEST_F(StoreTest, AnIndexFollowsTheObjects) {
  store.put("", plug("app", "a", 1, "postgres"));
  store.put("", plug("app", "b", 2, "postgres"));
  EXPECT_EQ(ofSocket("postgres"), (Names{"app/a", "app/b"}));
  store.put("", plug("app", "a", 3, "redis"));
  EXPECT_EQ(ofSocket("postgres"), (Names{"app/b"}));
  EXPECT_EQ(ofSocket("redis"), (Names{"app/a"}));
  store.erase("", plug("app", "b", 4));
  EXPECT_EQ(ofSocket("postgres"), Names{});
  EXPECT_EQ(store.keysByIndex("socket", "redis"), (std::vector<ObjectKey>{{"app", "a"}}));
}

TEST_F(StoreTest, ChangesTellBeforeAndAfter) {
  const auto added = store.put("", plug("app", "a", 1));
  ASSERT_TRUE(added);
  EXPECT_TRUE(added->before.isNull());
  const auto updated = store.put("", plug("app", "a", 2));
  ASSERT_TRUE(updated);
  EXPECT_EQ(api::resourceVersionOf(updated->before), "1");
  EXPECT_EQ(api::resourceVersionOf(updated->after), "2");
  EXPECT_FALSE(store.put("", plug("app", "a", 2))) << "the same version again";
  EXPECT_FALSE(store.put("", plug("app", "a", 1))) << "an older version";
  const auto deleted = store.erase("", plug("app", "a", 3));
  ASSERT_TRUE(deleted);
  EXPECT_TRUE(deleted->after.isNull());
  EXPECT_FALSE(store.erase("", plug("app", "a", 3))) << "gone already";
}

TEST_F(StoreTest, AListTellsWhatChangedMeanwhile) {
  store.replace("",
                {plug("app", "gone", 1), plug("app", "kept", 2), plug("app", "changed", 3),
                 plug("app", "remade", 4, "postgres", "first")},
                "4");
  const auto changes =
      store.replace("",
                    {plug("app", "kept", 2), plug("app", "changed", 7), plug("app", "fresh", 8),
                     plug("app", "remade", 9, "postgres", "second")},
                    "9");
  Names told;
  for (const StoreChange& change : changes) {
    const bool isAdded = change.before.isNull();
    const Value& object = isAdded ? change.after : change.before;
    told.push_back((isAdded                 ? "+"
                    : change.after.isNull() ? "-"
                                            : "~") +
                   std::string(api::nameOf(object)));
  }
  std::sort(told.begin() + 1, told.end());
  EXPECT_EQ(told, (Names{"-gone", "+fresh", "+remade", "-remade", "~changed"}));
}

TEST_F(StoreTest, AListOfANamespaceLeavesTheOthersAlone) {
  store.replace("a", {plug("a", "x", 1)}, "1");
  store.replace("b", {plug("b", "y", 2)}, "2");
  EXPECT_EQ(store.replace("a", {}, "3").size(), 1U);
  EXPECT_EQ(names(store.list()), (Names{"b/y"}));
}

TEST_F(StoreTest, OurWriteIsVisibleAtOnceAndNoOlderEventTakesItBack) {
  store.put("", plug("app", "a", 1));
  store.overlay(plug("app", "a", 5, "redis"));
  EXPECT_EQ(version("a"), 5);
  EXPECT_EQ(ofSocket("redis"), (Names{"app/a"}));
  EXPECT_EQ(ofSocket("postgres"), Names{});

  const auto older = store.put("", plug("app", "a", 3));
  ASSERT_TRUE(older) << "handlers hear of it nevertheless";
  EXPECT_EQ(version("a"), 5);
  store.put("", plug("app", "a", 5, "redis"));
  EXPECT_EQ(version("a"), 5);
  store.put("", plug("app", "a", 6));
  EXPECT_EQ(version("a"), 6);
  store.overlay(plug("app", "a", 5));
  EXPECT_EQ(version("a"), 6) << "an answer that comes late";
}

TEST_F(StoreTest, AnObjectWeMadeStaysUntilItIsSeenAndGone) {
  store.replace("", {}, "10");
  store.overlay(plug("app", "a", 12));
  EXPECT_EQ(version("a"), 12);
  EXPECT_EQ(store.size(), 1U);
  const auto seen = store.put("", plug("app", "a", 12));
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->before.isNull()) << "handlers hear of it as new";
  store.erase("", plug("app", "a", 13));
  EXPECT_EQ(store.size(), 0U);
  store.overlay(plug("app", "a", 12));
  EXPECT_EQ(store.size(), 0U) << "the informer has seen it go";
}

TEST_F(StoreTest, AListThatIsOlderThanOurWriteDoesNotTakeItAway) {
  store.replace("", {}, "10");
  store.overlay(plug("app", "a", 12));
  store.overlay(plug("app", "b", 15));
  store.replace("", {}, "13");
  EXPECT_EQ(version("a"), -1) << "made and removed by somebody before the list";
  EXPECT_EQ(version("b"), 15);
}

TEST_F(StoreTest, WhatWeWroteAndIsNotSelectedGoesWithTheNextBookmark) {
  store.replace("", {}, "10");
  store.overlay(plug("app", "a", 12));
  store.overlay(plug("app", "b", 14));
  store.progress("", "13");
  EXPECT_EQ(version("a"), -1);
  EXPECT_EQ(version("b"), 14);
  store.progress("other", "99");
  EXPECT_EQ(version("b"), 14) << "the bookmark of another namespace";
}

TEST_F(StoreTest, WhatWeRemovedIsGoneAtOnceAndOlderEventsDoNotBringItBack) {
  store.put("", plug("app", "a", 1));
  store.overlayRemoved({"app", "a"}, "uid-a");
  EXPECT_EQ(store.find({"app", "a"}), std::nullopt);
  EXPECT_EQ(ofSocket("postgres"), Names{});
  EXPECT_EQ(store.size(), 0U);
  store.put("", plug("app", "a", 2));
  store.overlay(plug("app", "a", 3));
  EXPECT_EQ(store.size(), 0U);
  EXPECT_TRUE(store.erase("", plug("app", "a", 4))) << "handlers hear of the deletion";
  store.put("", plug("app", "a", 5, "postgres", "another"));
  EXPECT_EQ(version("a"), 5);
}

TEST_F(StoreTest, AnotherObjectOfTheSameNameIsNotTheOneWeRemoved) {
  store.put("", plug("app", "a", 1));
  store.overlayRemoved({"app", "a"}, "of-an-earlier-one");
  EXPECT_EQ(version("a"), 1);
  store.overlayRemoved({"app", "a"}, "uid-a");
  store.overlay(plug("app", "a", 7, "redis", "second"));
  EXPECT_EQ(version("a"), 7) << "made again by us";
  store.erase("", plug("app", "a", 6));
  EXPECT_EQ(version("a"), 7);
}

TEST_F(StoreTest, WhatWeMadeAndRemovedBeforeAnybodySawItLeavesNoTrace) {
  store.replace("", {}, "10");
  store.overlay(plug("app", "a", 12));
  store.overlayRemoved({"app", "a"}, "uid-a");
  store.put("", plug("app", "a", 12));
  EXPECT_EQ(store.size(), 0U);
  store.erase("", plug("app", "a", 13));
  EXPECT_EQ(store.bytes(), 0U);

  store.overlay(plug("app", "b", 15, "postgres"));
  store.overlayRemoved({"app", "b"}, "uid-b");
  store.progress("", "20");
  EXPECT_EQ(store.bytes(), 0U) << "never selected";
}

TEST_F(StoreTest, AFullObjectTakesThePlaceOfAStubOfTheSameVersion) {
  Value stub = plug("app", "a", 4);
  stub.erase("spec");
  store.replace("", {stub}, "9");
  EXPECT_EQ(ofSocket("postgres"), Names{});
  store.overlay(plug("app", "a", 4));
  EXPECT_EQ(ofSocket("postgres"), (Names{"app/a"}));
  store.progress("", "12");
  EXPECT_EQ(ofSocket("postgres"), (Names{"app/a"})) << "it is what the informer has seen";
}

TEST_F(StoreTest, KnowsTheMemoryOfItsObjects) {
  EXPECT_EQ(store.bytes(), 0U);
  Value big = plug("app", "a", 1);
  big.set("data", std::string(10'000, 'x'));
  store.put("", big);
  store.put("", plug("other", "b", 2));
  EXPECT_GT(store.bytes("app"), 10'000U);
  EXPECT_LT(store.bytes("other"), 2'000U);
  EXPECT_EQ(store.bytes(), store.bytes("app") + store.bytes("other"));
  store.put("", plug("app", "a", 3));
  EXPECT_LT(store.bytes(), 4'000U);
}

TEST_F(StoreTest, MayBeReadWhileItIsWritten) {
  std::jthread writer([this] {
    for (int version = 1; version <= 500; ++version) {
      store.put("", plug("app", "a", version, version % 2 == 0 ? "even" : "odd"));
    }
  });
  for (int round = 0; round < 500; ++round) {
    for (const Value& object : store.byIndex("socket", "even")) {
      EXPECT_EQ(versionOf(object) % 2, 0);
    }
  }
  writer.join();
  EXPECT_EQ(version("a"), 500);
}

}  // namespace
}  // namespace iop::kube::runtime
