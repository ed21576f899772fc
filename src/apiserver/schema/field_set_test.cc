#include "apiserver/schema/field_set.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

Value json(std::string_view text) {
  Result<Value> value = text::parseJson(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Value());
}

std::string print(const FieldSet& set) {
  return set.isNull() ? "" : text::printJson(set, {.escapeHtml = false});
}

struct SetCase {
  const char* name;
  const char* left;
  const char* right;
  const char* both;
  const char* difference;
  const char* common;
  const char* withoutChildren;
};

TEST(FieldSet, CombinesSets) {
  const SetCase cases[] = {
      {"disjoint fields", R"({"f:a":{}})", R"({"f:b":{}})", R"({"f:a":{},"f:b":{}})",
       R"({"f:a":{}})", "", R"({"f:a":{}})"},
      {"equal sets", R"({"f:a":{}})", R"({"f:a":{}})", R"({"f:a":{}})", "", R"({"f:a":{}})", ""},
      {"a field and its member", R"({"f:a":{}})", R"({"f:a":{"f:b":{}}})",
       R"({"f:a":{".":{},"f:b":{}}})", R"({"f:a":{}})", "", R"({"f:a":{}})"},
      {"a member and its field", R"({"f:a":{"f:b":{}}})", R"({"f:a":{}})",
       R"({"f:a":{".":{},"f:b":{}}})", R"({"f:a":{"f:b":{}}})", "", ""},
      {"a field with members, without itself", R"({"f:a":{".":{},"f:b":{},"f:c":{}}})",
       R"({"f:a":{".":{},"f:c":{}}})", R"({"f:a":{".":{},"f:b":{},"f:c":{}}})",
       R"({"f:a":{"f:b":{}}})", R"({"f:a":{".":{},"f:c":{}}})", ""},
      {"items", R"({"f:l":{"k:{\"a\":1}":{".":{},"f:x":{}},"v:\"s\"":{}}})",
       R"({"f:l":{"k:{\"a\":1}":{"f:x":{}}}})",
       R"({"f:l":{"k:{\"a\":1}":{".":{},"f:x":{}},"v:\"s\"":{}}})",
       R"({"f:l":{"k:{\"a\":1}":{},"v:\"s\"":{}}})", R"({"f:l":{"k:{\"a\":1}":{"f:x":{}}}})",
       R"({"f:l":{"k:{\"a\":1}":{},"v:\"s\"":{}}})"},
  };
  for (const SetCase& test : cases) {
    const FieldSet left = json(test.left);
    const FieldSet right = json(test.right);
    EXPECT_EQ(print(unite(left, right)), test.both) << test.name;
    EXPECT_EQ(print(unite(right, left)), test.both) << test.name;
    EXPECT_EQ(print(subtract(left, right)), test.difference) << test.name;
    EXPECT_EQ(print(intersect(left, right)), test.common) << test.name;
    EXPECT_EQ(print(subtractWithChildren(left, right)), test.withoutChildren) << test.name;
    EXPECT_EQ(unite(left, FieldSet()), left) << test.name;
    EXPECT_EQ(subtract(left, FieldSet()), left) << test.name;
    EXPECT_TRUE(intersect(left, FieldSet()).isNull()) << test.name;
  }
}

TEST(FieldSet, ReturnsTheArgumentThatDoesNotChange) {
  const FieldSet set = json(R"({"f:a":{"f:b":{}},"f:c":{}})");
  const FieldSet other = json(R"({"f:a":{"f:x":{}},"f:z":{}})");
  EXPECT_TRUE(subtract(set, other).isSame(set));
  EXPECT_TRUE(subtractWithChildren(set, other).isSame(set));
  EXPECT_TRUE(unite(set, json(R"({"f:c":{}})")).isSame(set));
}

TEST(FieldSet, NormalizesWhatClientsWrite) {
  EXPECT_EQ(
      print(*normalizeFieldSet(json(
          R"({".":{},"f:a":{".":{}},"k:{ \"b\":1, \"a\":\"<\" }":{},"v: 1.0":{},"i:07":{}})"))),
      R"({"f:a":{},"i:7":{},"k:{\"a\":\"\\u003c\",\"b\":1}":{},"v:1":{}})");
  EXPECT_EQ(print(*normalizeFieldSet(json(R"({"f:a":{"x:later":{}},"f:b":{}})"))), R"({"f:b":{}})");
  EXPECT_TRUE(normalizeFieldSet(Value())->isNull());
  for (const char* wrong : {R"("text")", R"({"f:a":1})", R"({"nonsense":{}})", R"({"k:[]":{}})",
                            R"({"v:{":{}})", R"({"i:x":{}})", R"({"":{}})"}) {
    EXPECT_FALSE(normalizeFieldSet(json(wrong)).has_value()) << wrong;
  }
}

TEST(FieldSet, NamesPathsInTheOrderOfTheApiServer) {
  const FieldSet set = json(
      R"({"f:b":{},"f:a":{".":{},"f:x":{}},"f:l":{"k:{\"p\":443}":{},"k:{\"p\":80,\"q\":\"T\"}":{"f:n":{}},"k:{\"p\":80}":{},"v:\"é\"":{},"v:10":{},"v:9":{},"v:true":{},"i:3":{}}})");
  std::vector<std::string> paths;
  forEachField(set, [&](std::string_view path) { paths.emplace_back(path); });
  const std::vector<std::string> expected = {
      ".a",      ".b",         ".a.x",      ".l[p=80]", ".l[p=443]",         ".l[=9]",
      ".l[=10]", ".l[=\"é\"]", ".l[=true]", ".l[3]",    ".l[p=80,q=\"T\"].n"};
  EXPECT_EQ(paths, expected);
}

}  // namespace
}  // namespace iop::apiserver::schema
