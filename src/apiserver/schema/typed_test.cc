#include "apiserver/schema/typed.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

Value json(std::string_view text) {
  Result<Value> value = text::parseJson(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Value());
}

std::string print(const Value& value) {
  return value.isNull() ? "" : text::printJson(value, {.escapeHtml = false});
}

// {"set": […], "items": [{"id", "n"}], "atom": {…}, "map": {…}, "plain": […], "n": 1}
class TypedTest : public testing::Test {
 protected:
  TypedTest() {
    text_.type = Schema::Type::String;
    number_.type = Schema::Type::Number;
    set_.type = Schema::Type::Array;
    set_.listType = Schema::ListType::Set;
    set_.items = &text_;
    item_.type = Schema::Type::Object;
    item_.properties = {{"id", &text_}, {"n", &number_}};
    items_.type = Schema::Type::Array;
    items_.listType = Schema::ListType::Map;
    items_.listMapKeys = {"id"};
    items_.items = &item_;
    atom_.type = Schema::Type::Object;
    atom_.additionalProperties = &text_;
    atom_.atomicMap = true;
    map_.type = Schema::Type::Object;
    map_.additionalProperties = &text_;
    plain_.type = Schema::Type::Array;
    plain_.items = &text_;
    root_.type = Schema::Type::Object;
    root_.properties = {{"set", &set_}, {"items", &items_}, {"atom", &atom_},
                        {"map", &map_}, {"plain", &plain_}, {"n", &number_}};
  }

  Typed type() const { return typeOfObject(&root_); }

  Schema text_, number_, set_, item_, items_, atom_, map_, plain_, root_;
};

struct CompareCase {
  const char* name;
  const char* before;
  const char* after;
  const char* added;
  const char* modified;
  const char* removed;
};

TEST_F(TypedTest, ComparesByField) {
  const CompareCase cases[] = {
      {"equal", R"({"n":1,"set":["a"]})", R"({"n":1.0,"set":["a"]})", "", "", ""},
      {"a number", R"({"n":1})", R"({"n":2})", "", R"({"f:n":{}})", ""},
      {"a map that is new", R"({})", R"({"map":{"a":"1"}})", R"({"f:map":{".":{},"f:a":{}}})", "",
       ""},
      {"a map that is gone", R"({"map":{"a":"1"}})", R"({})", "", "",
       R"({"f:map":{".":{},"f:a":{}}})"},
      {"a map made empty", R"({"map":{"a":"1"}})", R"({"map":{}})", "", "",
       R"({"f:map":{"f:a":{}}})"},
      {"an empty map made null", R"({"map":{}})", R"({"map":null})", "", R"({"f:map":{}})", ""},
      {"an atomic map", R"({"atom":{"a":"1"}})", R"({"atom":{"b":"1"}})", "", R"({"f:atom":{}})",
       ""},
      {"an atomic list", R"({"plain":["a"]})", R"({"plain":["a","b"]})", "", R"({"f:plain":{}})",
       ""},
      {"the order of a set", R"({"set":["a","b"]})", R"({"set":["b","a"]})", "", "", ""},
      {"items of a set", R"({"set":["a","b"]})", R"({"set":["b","c"]})",
       R"({"f:set":{"v:\"c\"":{}}})", "", R"({"f:set":{"v:\"a\"":{}}})"},
      {"a set with duplicates", R"({"set":["a","a"]})", R"({"set":["a"]})",
       R"({"f:set":{"v:\"a\"":{}}})", "", R"({"f:set":{"v:\"a\"":{}}})"},
      {"items by key", R"({"items":[{"id":"x","n":1},{"id":"y"}]})",
       R"({"items":[{"id":"z"},{"id":"x","n":2}]})",
       R"({"f:items":{"k:{\"id\":\"z\"}":{".":{},"f:id":{}}}})",
       R"({"f:items":{"k:{\"id\":\"x\"}":{"f:n":{}}}})",
       R"({"f:items":{"k:{\"id\":\"y\"}":{".":{},"f:id":{}}}})"},
      {"duplicates by key that have changed", R"({"items":[{"id":"x","n":1},{"id":"x","n":2}]})",
       R"({"items":[{"id":"x","n":1},{"id":"x","n":3}]})", "",
       R"({"f:items":{"k:{\"id\":\"x\"}":{}}})", ""},
  };
  for (const CompareCase& test : cases) {
    const auto changes = compare(json(test.before), json(test.after), type());
    ASSERT_TRUE(changes.has_value()) << test.name;
    EXPECT_EQ(print(changes->added), test.added) << test.name;
    EXPECT_EQ(print(changes->modified), test.modified) << test.name;
    EXPECT_EQ(print(changes->removed), test.removed) << test.name;
  }
  EXPECT_FALSE(compare(json("{}"), json(R"({"items":[{}]})"), type()).has_value());
}

TEST_F(TypedTest, ComparesWithoutASchema) {
  const auto changes =
      compare(json(R"({"a":{"b":1},"l":[1],"x":{"y":1}})"),
              json(R"({"a":{"b":2,"c":{"d":1}},"l":[{"e":1}],"x":"text"})"), typeOfObject(nullptr));
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(print(changes->added), R"({"f:a":{"f:c":{".":{},"f:d":{}}}})");
  EXPECT_EQ(print(changes->modified), R"({"f:a":{"f:b":{}},"f:l":{},"f:x":{}})");
  EXPECT_EQ(print(changes->removed), R"({"f:x":{"f:y":{}}})");
}

TEST_F(TypedTest, ListsAllFields) {
  EXPECT_EQ(print(fieldsOf(json(R"({"n":null,"map":{},"set":["b","a"],"items":[{"id":"x"}],
                                    "atom":{"a":"1"},"plain":[]})"),
                           type())),
            R"({"f:atom":{},"f:items":{"k:{\"id\":\"x\"}":{".":{},"f:id":{}}},"f:map":{},"f:n":{},)"
            R"("f:plain":{},"f:set":{"v:\"a\"":{},"v:\"b\"":{}}})");
  EXPECT_EQ(print(fieldsOf(json(R"({"map":{"k":"v"}})"), type())), R"({"f:map":{"f:k":{}}})");
}

struct MergeCase {
  const char* name;
  const char* live;
  const char* config;
  const char* merged;
};

TEST_F(TypedTest, MergesInTheOrderOfTheConfiguration) {
  const MergeCase cases[] = {
      {"new items behind those that are there", R"({"set":["a"]})", R"({"set":["b"]})",
       R"({"set":["a","b"]})"},
      {"shared items in the order of the configuration", R"({"set":["a","b","c"]})",
       R"({"set":["c","a"]})", R"({"set":["b","c","a"]})"},
      {"new items before the next shared one", R"({"set":["a","b","c"]})",
       R"({"set":["x","b","y"]})", R"({"set":["a","x","b","c","y"]})"},
      {"others keep their places", R"({"set":["1","a","2","b","3"]})", R"({"set":["b","a"]})",
       R"({"set":["1","2","b","3","a"]})"},
      {"duplicates of the live list become one", R"({"set":["a","a","b"]})", R"({"set":["a"]})",
       R"({"set":["a","b"]})"},
      {"duplicates that the configuration lacks stay", R"({"set":["a","a","b"]})",
       R"({"set":["b"]})", R"({"set":["a","a","b"]})"},
      {"items by key", R"({"items":[{"id":"x","n":1},{"id":"y","n":1}]})",
       R"({"items":[{"id":"z"},{"id":"y","n":2}]})",
       R"({"items":[{"id":"x","n":1},{"id":"z"},{"id":"y","n":2}]})"},
      {"atomic things are replaced", R"({"atom":{"a":"1"},"plain":["a"]})",
       R"({"atom":{"b":"1"},"plain":["b"]})", R"({"atom":{"b":"1"},"plain":["b"]})"},
      {"nothing over a map", R"({"map":{"a":"1"}})", R"({"map":null})", R"({"map":{"a":"1"}})"},
      {"an empty map over a map", R"({"map":{"a":"1"}})", R"({"map":{}})", R"({"map":{"a":"1"}})"},
      {"nothing over nothing", R"({"map":{}})", R"({"map":null})", R"({"map":null})"},
  };
  for (const MergeCase& test : cases) {
    const auto merged = merge(json(test.live), json(test.config), type());
    ASSERT_TRUE(merged.has_value()) << test.name << ": " << merged.error();
    EXPECT_EQ(print(*merged), test.merged) << test.name;
    EXPECT_EQ(print(merge(*merged, json(test.config), type()).value()), test.merged)
        << test.name << ", again";
  }
  const auto failed =
      merge(json(R"({"items":[{"n":1}]})"), json(R"({"items":[{"id":"a"}]})"), type());
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error(),
            ".items: element 0: associative list with keys has an element that omits all key "
            "fields [\"id\"] (and doesn't have default values for any key fields)");
}

TEST_F(TypedTest, RemovesFields) {
  const Value value = json(
      R"({"n":1,"map":{"a":"1","b":"2"},"set":["a","b"],"items":[{"id":"x","n":1},{"id":"y"}]})");
  const FieldSet some = json(
      R"({"f:n":{},"f:map":{"f:a":{}},"f:set":{"v:\"a\"":{}},"f:items":{"k:{\"id\":\"x\"}":{"f:n":{}},"k:{\"id\":\"y\"}":{}}})");
  EXPECT_EQ(print(removeFields(value, some, type())),
            R"({"items":[{"id":"x"}],"map":{"b":"2"},"set":["b"]})");
  const FieldSet all =
      json(R"({"f:map":{"f:a":{},"f:b":{}},"f:set":{"v:\"a\"":{},"v:\"b\"":{}},"f:items":{}})");
  EXPECT_EQ(print(removeFields(value, all, type())), R"({"map":null,"n":1,"set":null})");
  EXPECT_EQ(print(withNamedFields(all, type())),
            R"({"f:items":{},"f:map":{".":{},"f:a":{},"f:b":{}},)"
            R"("f:set":{".":{},"v:\"a\"":{},"v:\"b\"":{}}})");
}

}  // namespace
}  // namespace iop::apiserver::schema
