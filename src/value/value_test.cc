#include "value/value.h"

#include <gtest/gtest.h>

#include <thread>

namespace iop::value {
namespace {

const std::string kLong(40, 'x');

TEST(Value, IsSixteenBytes) { EXPECT_EQ(sizeof(Value), 16U); }

TEST(Value, ReadsWhatTheHeaderShows) {
  Value pod = Value::object({{"kind", "Pod"}, {"metadata", Value::object({{"name", "web-0"}})}});
  EXPECT_EQ(pod["metadata"]["name"].asString(), "web-0");
  Value copy = pod;
  copy.edit("metadata").set("name", "web-1");
  EXPECT_EQ(pod["metadata"]["name"].asString(), "web-0");
  EXPECT_EQ(copy["metadata"]["name"].asString(), "web-1");
  EXPECT_TRUE(pod["spec"]["containers"].at(3)["name"].isNull());
}

TEST(Value, KeepsIntegersAndDoublesApart) {
  EXPECT_EQ(Value(1), Value(std::int64_t{1}));
  EXPECT_NE(Value(1), Value(1.0));
  EXPECT_EQ(Value(1).asDouble(), 1.0);
  EXPECT_EQ(Value(1.5).asInt(7), 7);
  EXPECT_NE(Value(true), Value(1));
}

TEST(Value, HoldsShortAndLongStringsOfAnyBytes) {
  for (std::size_t length : {0U, 1U, 14U, 15U, 16U, 17U, 1000U}) {
    const std::string text(length, '\0');
    const Value value(text);
    EXPECT_EQ(value.asString(), text);
    EXPECT_EQ(Value(value), value);
    EXPECT_EQ(value.size(), length);
  }
}

TEST(Value, SortsMembersAndKeepsTheLastOfEqualKeys) {
  const Value object = Value::object({{"b", 1}, {"a", 2}, {"b", 3}, {"", 4}});
  std::string keys;
  for (const Member& member : object.members()) keys += std::string(member.key()) + ",";
  EXPECT_EQ(keys, ",a,b,");
  EXPECT_EQ(object["b"], Value(3));
}

TEST(Value, ChangesOnlyWhatIsItsOwn) {
  Value tree = Value::object({{"list", Value::array({1, 2, 3})}, {"text", kLong}});
  const Value before = tree;
  tree.edit("list").push(4);
  tree.edit("list").eraseItem(0);
  tree.edit("list").insertItem(0, kLong);
  tree.edit("list").editItem(1) = Value();
  EXPECT_TRUE(tree.erase("text"));
  EXPECT_FALSE(tree.erase("text"));
  EXPECT_EQ(before, Value::object({{"list", Value::array({1, 2, 3})}, {"text", kLong}}));
  EXPECT_EQ(tree, Value::object({{"list", Value::array({kLong, nullptr, 3, 4})}}));
}

TEST(Value, SurvivesTheMutationOfItselfIntoItself) {
  Value tree = Value::object({{"a", Value::object({{"b", kLong}})}});
  tree = tree["a"];
  EXPECT_EQ(tree, Value::object({{"b", kLong}}));
  tree.set("self", tree);
  EXPECT_EQ(tree["self"], Value::object({{"b", kLong}}));
  Value list = Value::array({kLong});
  list.push(list.at(0));
  EXPECT_EQ(list.size(), 2U);
  for (int i = 0; i < 100; ++i) tree.set(tree.members()[0].key(), i);
  EXPECT_EQ(tree["b"], Value(99));
}

TEST(Value, GrowsObjectsInAnyOrderOfKeys) {
  Value object;
  for (int i = 0; i < 1000; ++i) object.set("key-" + std::to_string(i * 7919 % 1000), i);
  EXPECT_EQ(object.size(), 1000U);
  for (std::size_t i = 1; i < object.size(); ++i) {
    EXPECT_LT(object.members()[i - 1].key(), object.members()[i].key());
  }
}

TEST(Value, IsSharedBetweenThreadsWithoutALock) {
  const Value shared = Value::object({{"a", kLong}, {"b", Value::array({kLong, 2})}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = shared, t]() mutable {
      for (int i = 0; i < 2000; ++i) {
        Value mine = copy;
        mine.edit("b").push(t);
        ASSERT_EQ(copy["b"].size(), 2U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(shared["b"].size(), 2U);
}

TEST(Value, TellsSharedBlocksFromEqualOnes) {
  const Value a = Value::array({kLong});
  const Value b = a;
  EXPECT_TRUE(a.isSame(b));
  EXPECT_FALSE(a.isSame(Value::array({kLong})));
  EXPECT_TRUE(Value("x").isSame(Value("x")));
}

}  // namespace
}  // namespace iop::value
