#include "text/patch.h"

#include <gtest/gtest.h>

#include "text/json.h"

namespace iop::text {
namespace {

Value json(std::string_view text) { return parseJson(text).value(); }

// The examples of RFC 7386, appendix A, and some of ours.
TEST(Patch, AppliesMergePatches) {
  const char* cases[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"e":null})", R"({"a":1})", R"({"a":1,"e":null})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [target, patch, result] : cases) {
    EXPECT_EQ(printJson(applyMergePatch(json(target), json(patch))), result)
        << target << " " << patch;
  }
}

TEST(Patch, CreatesTheSmallestMergePatch) {
  const char* cases[][3] = {
      {R"({"a":1,"b":{"c":2,"d":3}})", R"({"a":1,"b":{"c":2,"d":3}})", R"({})"},
      {R"({"a":1,"b":{"c":2,"d":3}})", R"({"a":1,"b":{"c":4}})", R"({"b":{"c":4,"d":null}})"},
      {R"({"a":[1,2]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"({"a":{"b":1}})", R"({"a":5})", R"({"a":5})"},
      {R"({"a":5})", R"({"a":{"b":1}})", R"({"a":{"b":1}})"},
      {R"({"a":1})", R"({"a":null})", R"({"a":null})"},
      {R"({})", R"({"a":{"b":null,"c":1}})", R"({"a":{"c":1}})"},
      {R"([1])", R"({"a":1})", R"({"a":1})"},
      {R"({"a":1})", R"([1])", R"([1])"},
  };
  for (const auto& [from, to, patch] : cases) {
    EXPECT_EQ(printJson(createMergePatch(json(from), json(to))), patch) << from << " " << to;
  }
}

TEST(Patch, AppliesWhatItCreates) {
  const Value from = json(R"({"a":{"b":[1,{"x":1}],"c":"d"},"e":1,"f":{}})");
  const Value to = json(R"({"a":{"b":[2],"g":{"h":1}},"f":{"i":[]},"j":true})");
  EXPECT_EQ(applyMergePatch(from, createMergePatch(from, to)), to);
}

std::string patched(std::string_view target, std::string_view patch) {
  const Result<Value> out = applyJsonPatch(json(target), json(patch));
  return out ? printJson(*out) : out.error().message;
}

// Among them the examples of RFC 6902, appendix A.
TEST(Patch, AppliesJsonPatches) {
  const char* cases[][3] = {
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
       R"({"baz":"qux","foo":"bar"})"},
      {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
       R"({"foo":["bar","qux","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
      {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])",
       R"({"foo":["bar","baz"]})"},
      {R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])", R"({"baz":"boo"})"},
      {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
      {R"({"foo":["all","grass","cows","eat"]})",
       R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})"},
      {R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})"},
      {R"({"a":{"b":1.0}})", R"([{"op":"test","path":"/a","value":{"b":1}}])", R"({"a":{"b":1}})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"child":{"grandchild":{}},"foo":"bar"})"},
      {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
       R"({"foo":["bar",["abc","def"]]})"},
      {R"({"/":9,"~1":10})",
       R"([{"op":"test","path":"/~01","value":10},{"op":"remove","path":"/~1"}])", R"({"~1":10})"},
      {R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":1,"b":1})"},
      {R"({"a":1})",
       R"([{"op":"add","path":"","value":[1]},{"op":"replace","path":"/0","value":2}])", R"([2])"},
      {R"({"a":1})", R"([{"op":"replace","path":"","value":null}])", R"(null)"},
      {R"({"a":null})",
       R"([{"op":"add","path":"/a","value":{}},{"op":"move","from":"/a","path":"/a"}])",
       R"({"a":{}})"},
  };
  for (const auto& [target, patch, result] : cases)
    EXPECT_EQ(patched(target, patch), result) << patch;
}

TEST(Patch, RefusesPatchesThatDoNotFit) {
  const char* cases[][3] = {
      {R"({})", R"({})", "json patch: it must be a list of operations"},
      {R"({})", R"([1])", "json patch: operation 1: it must be an object"},
      {R"({})", R"([{"op":"put","path":"/a"}])", "json patch: operation 1: unknown op \"put\""},
      {R"({})", R"([{"op":"add","path":"/a"}])", "json patch: operation 1: \"value\" is missing"},
      {R"({})", R"([{"op":"remove"}])", "json patch: operation 1: \"path\" must be a string"},
      {R"({})", R"([{"op":"copy","path":"/a"}])",
       "json patch: operation 1: \"from\" must be a string"},
      {R"({})", R"([{"op":"remove","path":"a"}])",
       "json patch: operation 1: json pointer: \"a\" does not begin with \"/\""},
      {R"({})", R"([{"op":"remove","path":"/~2"}])",
       "json patch: operation 1: json pointer: \"~\" needs a 0 or a 1 behind it"},
      {R"({})", R"([{"op":"remove","path":"/a"}])",
       "json patch: operation 1: path \"/a\" does not exist"},
      {R"({})", R"([{"op":"remove","path":""}])",
       "json patch: operation 1: the root cannot be removed"},
      {R"({})", R"([{"op":"add","path":"/a/b","value":1}])",
       "json patch: operation 1: path \"/a/b\" does not exist"},
      {R"({"a":"x"})", R"([{"op":"add","path":"/a/b","value":1}])",
       "json patch: operation 1: path \"/a/b\" does not exist"},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/2","value":1}])",
       "json patch: operation 1: path \"/a/2\" is no place in the list"},
      {R"({"a":[1]})", R"([{"op":"add","path":"/a/00","value":1}])",
       "json patch: operation 1: path \"/a/00\" is no place in the list"},
      {R"({"a":[1]})", R"([{"op":"replace","path":"/a/1","value":1}])",
       "json patch: operation 1: path \"/a/1\" does not exist"},
      {R"({"a":[1]})", R"([{"op":"remove","path":"/a/-"}])",
       "json patch: operation 1: path \"/a/-\" does not exist"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/b"}])",
       "json patch: operation 1: \"/a\" cannot be moved into itself"},
      {R"({"a":1})",
       R"([{"op":"add","path":"/b","value":1},{"op":"test","path":"/a","value":"1"}])",
       "json patch: operation 2: test failed: \"/a\" has another value"},
  };
  for (const auto& [target, patch, message] : cases)
    EXPECT_EQ(patched(target, patch), message) << patch;
  EXPECT_EQ(applyJsonPatch(json("{}"), json(R"([{"op":"put","path":""}])")).error().code,
            Code::BadRequest);
  EXPECT_EQ(applyJsonPatch(json("{}"), json(R"([{"op":"remove","path":"/a"}])")).error().code,
            Code::Invalid);
}

TEST(Patch, LeavesTheTargetAlone) {
  const Value target = json(R"({"a":{"b":[1,2]}})");
  EXPECT_EQ(printJson(applyJsonPatch(target, json(R"([{"op":"remove","path":"/a/b/0"}])")).value()),
            R"({"a":{"b":[2]}})");
  EXPECT_EQ(printJson(applyMergePatch(target, json(R"({"a":null})"))), "{}");
  EXPECT_EQ(target, json(R"({"a":{"b":[1,2]}})"));
}

// RFC 6901, section 5.
TEST(Patch, FindsWhatPointersName) {
  const Value root = json(R"({"foo":["bar","baz"],"":0,"a/b":1,"m~n":8})");
  const std::pair<const char*, const char*> cases[] = {{"/foo", R"(["bar","baz"])"},
                                                       {"/foo/0", R"("bar")"},
                                                       {"/", "0"},
                                                       {"/a~1b", "1"},
                                                       {"/m~0n", "8"}};
  for (const auto& [pointer, expected] : cases) {
    EXPECT_EQ(printJson(getPointer(root, pointer).value().value()), expected) << pointer;
  }
  EXPECT_EQ(getPointer(root, "").value(), root);
  for (const char* pointer : {"/x", "/foo/2", "/foo/-", "/foo/01", "/foo/0/x"}) {
    EXPECT_FALSE(getPointer(root, pointer).value()) << pointer;
  }
  EXPECT_EQ(getPointer(root, "foo").error().code, Code::BadRequest);
}

}  // namespace
}  // namespace iop::text
