// Of value/path.h; here because its tables are JSON, which value does not know.

#include "value/path.h"

#include <gtest/gtest.h>

#include "text/json.h"

namespace iop::text {
namespace {

Value sample() {
  return parseJson(
             "{\"a\":{\"b\":[1,2,{\"c\":\"x\"}],\"b.c\":\"dot\"},\"arr\":[[1,2],[3,[4]]],\"g\":{"
             "\"a\":[1,2],\"b\":[3]},\"i\":12,\"n\":null,\"o\":[{\"k\":\"a\",\"t\":true,\"v\":1},{"
             "\"k\":\"b\",\"t\":false,\"v\":2},{\"k\":\"a\",\"v\":3.5},{\"v\":\"z\"}],\"s\":[\"x\","
             "\"y\",\"xy\"],\"status\":{\"conditions\":[{\"status\":\"True\",\"type\":\"Ready\"},{"
             "\"status\":\"False\",\"type\":\"Failed\"}]},\"tls.crt\":\"CRT\",\"*\":\"star\"}")
      .value();
}

std::string read(const Value& root, std::string_view path) {
  const Result<std::optional<Value>> found = value::getPath(root, path);
  if (!found) return "error: " + found.error().message;
  return *found ? printJson(**found) : "absent";
}

TEST(Path, ReadsWhatTheHeaderShows) {
  const Value pod = Value::object({{"metadata", Value::object({{"name", "web-0"}})}});
  EXPECT_EQ(value::getPath(pod, "metadata.name").value().value(), Value("web-0"));
  EXPECT_FALSE(value::getPath(pod, "metadata.labels").value());
}

// The answers in this table were given by gjson 1.20.
TEST(Path, ReadsAsGjsonDoes) {
  const std::pair<std::string, std::string> cases[] = {
      {"a.b", "[1,2,{\"c\":\"x\"}]"},
      {"a.b.#", "3"},
      {"a.b.0", "1"},
      {"a.b.2.c", "\"x\""},
      {"a.b.3", "absent"},
      {"a.b.x", "absent"},
      {"a.b\\.c", "\"dot\""},
      {"tls\\.crt", "\"CRT\""},
      {"\\*", "\"star\""},
      {"a.b*", "[1,2,{\"c\":\"x\"}]"},
      {"a.b?c", "\"dot\""},
      {"*.b.0", "1"},
      {"zz*.b", "absent"},
      {"n", "null"},
      {"i", "12"},
      {"zz", "absent"},
      {"i.x", "absent"},
      {"n.x", "absent"},
      {"", "absent"},
      {"a.", "absent"},
      {"a..b", "absent"},
      {"arr.1.1.0", "4"},
      {"arr.#.0", "[1,3]"},
      {"arr.#.#", "[2,2]"},
      {"status.conditions.#(type==\"Ready\").status", "\"True\""},
      {"status.conditions.#(type==Ready).status", "\"True\""},
      {"status.conditions.#(type=\"Failed\").status", "\"False\""},
      {"status.conditions.#(type==\"X\").status", "absent"},
      {"status.conditions.#(type==\"X\")#.status", "[]"},
      {"status.conditions.#.type", "[\"Ready\",\"Failed\"]"},
      {"status.conditions.#(status!=\"True\")#.type", "[\"Failed\"]"},
      {"o.#(v>1)#.k", "[\"b\",\"a\"]"},
      {"o.#(v>=2).k", "\"b\""},
      {"o.#(v<\"2\").k", "\"a\""},
      {"o.#(t==true).v", "1"},
      {"o.#(t==~false)#.v", "[2,3.5,\"z\"]"},
      {"o.#(t==~null)#.v", "[3.5,\"z\"]"},
      {"o.#(t==~*)#.v", "[1,2]"},
      {"o.#(k%\"[ab]\").v", "absent"},
      {"o.#(k)#.k", "[\"a\",\"b\",\"a\"]"},
      {"o.#(k==\"a\")#|1.v", "3.5"},
      {"o.#(k==\"a\")#|#", "2"},
      {"s.#(%\"x*\")#", "[\"x\",\"xy\"]"},
      {"s.#(!%\"x*\")#", "[\"y\"]"},
      {"s.#(==\"y\")", "\"y\""},
      {"o.#(k==\"\\u0062\").v", "2"},
      {"o.#(zz.#(x==1))", "absent"},
      {"o.#.k|0", "\"a\""},
      {"o.#.k.0", "[]"},
      {"a|b|0", "1"},
      {"{i,\"q\":a.b.0}", "{\"i\":12,\"q\":1}"},
      {"[i,zz,n]", "[12,null]"},
      {"o.#.{k,v}",
       "[{\"k\":\"a\",\"v\":1},{\"k\":\"b\",\"v\":2},{\"k\":\"a\",\"v\":3.5},{\"v\":\"z\"}]"},
      {"o.0.[v,k]", "[1,\"a\"]"},
      {"{a.b.#}", "{\"_\":3}"},
      {"{status.conditions.#(type==\"Ready\").status}", "{\"status\":\"True\"}"},
      {"s.@reverse", "[\"xy\",\"y\",\"x\"]"},
      {"s|@reverse|0", "\"xy\""},
      {"arr|@flatten", "[1,2,3,[4]]"},
      {"arr|@flatten:{\"deep\":true}", "[1,2,3,4]"},
      {"o|@join", "{\"k\":\"a\",\"t\":false,\"v\":\"z\"}"},
      {"g.@keys", "[\"a\",\"b\"]"},
      {"g.@values", "[[1,2],[3]]"},
      {"g.@group", "[{\"a\":1,\"b\":3},{\"a\":2}]"},
      {"zz|@keys", "[]"},
      {"i.@values", "[12]"},
      {"@this.i", "12"},
      {"a.@ugly.b.0", "1"},
      {"@dig:k", "[\"a\",\"b\",\"a\"]"},
      {"@dig:c|0", "\"x\""},
      {"@foo", "absent"},
      {"a.@this|@this", "{\"b\":[1,2,{\"c\":\"x\"}],\"b.c\":\"dot\"}"},
  };
  const Value root = sample();
  for (const auto& [path, expected] : cases) EXPECT_EQ(read(root, path), expected) << path;
}

TEST(Path, ReadsRootsThatAreNoObjects) {
  const Value list = Value::array({1, Value::object({{"a", 2}}), "x"});
  EXPECT_EQ(read(list, "#"), "3");
  EXPECT_EQ(read(list, "1.a"), "2");
  EXPECT_EQ(read(list, "#.a"), "[2]");
  EXPECT_EQ(read(list, "#(==\"x\")"), "\"x\"");
  EXPECT_EQ(read(Value("text"), "a"), "absent");
  EXPECT_EQ(read(Value("text"), "@this"), "\"text\"");
}

TEST(Path, TellsNullFromAbsent) {
  const Value root = sample();
  EXPECT_TRUE(value::getPath(root, "n").value()->isNull());
  EXPECT_FALSE(value::getPath(root, "zz").value());
}

TEST(Path, RefusesWhatItDoesNotUnderstand) {
  const std::pair<std::string, std::string> cases[] = {
      {"..#.a", "path ..#.a: JSON lines (\"..\") are not supported"},
      {"!\"x\"", "path !\"x\": literals (\"!\") are not supported"},
      {"a|@tostr", "path a|@tostr: @tostr is not supported"},
      {"a|@fromstr", "path a|@fromstr: @fromstr is not supported"},
      {"arr|@flatten:{\"deep\":1}",
       "path arr|@flatten:{\"deep\":1}: @flatten does not understand {\"deep\":1}"},
      {"o|@join:{\"preserve\":true}",
       "path o|@join:{\"preserve\":true}: @join cannot preserve equal keys"},
      {"{a,b", "path {a,b: a selector is not closed"},
      {"{a}b", "path {a}b: a selector must end the path or be followed by | or ."},
      {"o.#(k==\"a\"", "path o.#(k==\"a\": a query is not closed"},
  };
  const Value root = sample();
  for (const auto& [path, message] : cases) {
    EXPECT_EQ(read(root, path), "error: " + message) << path;
    EXPECT_EQ(value::getPath(root, path).error().code, Code::BadRequest);
  }
}

TEST(Path, BoundsNesting) {
  std::string path = "i";
  for (int i = 0; i < 100; ++i) path = "{" + path + "}";
  EXPECT_NE(read(sample(), path).find("it is nested too deeply"), std::string::npos);
}

TEST(Path, BoundsWhatSelectorsMultiply) {
  std::string path = "[@this,@this]";
  for (int i = 0; i < 40; ++i) path += "|[@this,@this]";
  EXPECT_NE(read(sample(), path).find("its result is too large"), std::string::npos);
}

TEST(Path, BoundsTheWorkOfNestedSearches) {
  Value chain = Value::object();
  for (int i = 0; i < 900; ++i) chain = Value::object({{"a", chain}});
  const std::string nested = read(chain, "@dig:@dig:@dig:zz");
  EXPECT_NE(nested.find("it visits too many values"), std::string::npos) << nested.substr(0, 200);
  const Value text = Value::array({std::string(2000, 'a')});
  EXPECT_EQ(read(text, "#(%\"*a*a*a*a*a*a*a*b\")"), "absent");
}

}  // namespace
}  // namespace iop::text
