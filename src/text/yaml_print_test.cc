#include <gtest/gtest.h>

#include "text/json.h"
#include "text/yaml.h"

namespace iop::text {
namespace {

struct Case {
  std::string json;
  std::string yaml;
};

// The answers in this table were given by sigs.k8s.io/yaml v1.6.
TEST(YamlPrint, PrintsAsKubectlDoes) {
  const Case cases[] = {
      {"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"a\":\"b\"},\"name\":"
       "\"x\"},\"spec\":{\"containers\":[{\"args\":[\"a\",\"b\"],\"name\":\"c\"},{\"name\":\"d\"}]}"
       "}",
       "apiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    a: b\n  name: x\nspec:\n  "
       "containers:\n  - args:\n    - a\n    - b\n    name: c\n  - name: d\n"},
      {"[]", "[]\n"},
      {"{}", "{}\n"},
      {"null", "null\n"},
      {"\"x\"", "x\n"},
      {"\"a\\nb\"", "|-\n  a\n  b\n"},
      {"[[1,[2,[]]],[],{}]", "- - 1\n  - - 2\n    - []\n- []\n- {}\n"},
      {"{\"a\":{\"b\":{\"c\":{}}},\"d\":[]}", "a:\n  b:\n    c: {}\nd: []\n"},
      {"[\"yes\",\"no\",\"on\",\"y\",\"true\",\"null\",\"~\",\"\",\"0123\",\"1.5\",\"1e3\",\".5\","
       "\".inf\",\"0x1F\",\"12:30:45\",\"2001-12-14\",\"1_000\",\"<<\",\"=\",\"nope\"]",
       "- \"yes\"\n- \"no\"\n- \"on\"\n- \"y\"\n- \"true\"\n- \"null\"\n- \"~\"\n- \"\"\n- "
       "\"0123\"\n- \"1.5\"\n- \"1e3\"\n- \".5\"\n- \".inf\"\n- \"0x1F\"\n- \"12:30:45\"\n- "
       "\"2001-12-14\"\n- \"1_000\"\n- <<\n- =\n- nope\n"},
      {"[\"- a\",\"a: b\",\"a #b\",\"#a\",\"a#b\",\" a\",\"a \",\"a:\",\"?\",\"? "
       "a\",\"?a\",\"-\",\"-a\",\"--- "
       "a\",\"...\",\"[a\",\"{a\",\"&a\",\"*a\",\"!a\",\"|a\",\">a\",\"%a\",\"@a\",\"`a\",\"'a\","
       "\"\\\"a\",\",a\",\"a,b\",\"a'b\",\"a\\\"b\",\"a\\\\b\"]",
       "- '- a'\n- 'a: b'\n- 'a #b'\n- '#a'\n- a#b\n- ' a'\n- 'a '\n- 'a:'\n- '?'\n- '? a'\n- "
       "?a\n- '-'\n- -a\n- '--- a'\n- '...'\n- '[a'\n- '{a'\n- '&a'\n- '*a'\n- '!a'\n- '|a'\n- "
       "'>a'\n- '%a'\n- '@a'\n- '`a'\n- '''a'\n- '\"a'\n- ',a'\n- a,b\n- a'b\n- a\"b\n- a\\b\n"},
      {"[\"a\\n\",\"a\\n\\n\",\"\\na\",\"\\n\",\" a\\nb\",\"a\\nb \",\"a \\nb\",\"a\\n "
       "b\",\"a\\tb\\nc\"]",
       "- |\n  a\n- |+\n  a\n\n- |2-\n\n  a\n- |2+\n\n- |2-\n   a\n  b\n- \"a\\nb \"\n- \"a "
       "\\nb\"\n- |-\n  a\n   b\n- \"a\\tb\\nc\"\n"},
      {"[\"\xC3\xA9\",\"\xE2\x98\x83\",\"\\u00a0\",\"\xF0\x9F\x9A\x80\"]",
       "- \xC3\xA9\n- \xE2\x98\x83\n- \xC2\xA0\n- \"\\U0001F680\"\n"},
      {"{\"a10\":1,\"a2\":2,\"a\":3,\"A\":4,\"_a\":5,\"1\":6,\"10\":7,\"2\":8,\"a-b\":9,\"a.b\":"
       "10}",
       "_a: 5\n\"1\": 6\n\"2\": 8\n\"10\": 7\nA: 4\na: 3\na-b: 9\na.b: 10\na2: 2\na10: 1\n"},
      {"{\"y\":1,\"yes\":2,\"1\":3,\"\":4,\"a b\":5,\"a: b\":6,\"<\":7}",
       "\"\": 4\n<: 7\n\"1\": 3\na b: 5\n'a: b': 6\n\"y\": 1\n\"yes\": 2\n"},
      {"{\"a\\nb\":1,"
       "\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
       "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\":[1]}",
       "? |-\n  a\n  b\n: 1\n? "
       "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
       "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n: - 1\n"},
      {"{\"a\":1.5,\"b\":1e21,\"c\":1e-7,\"d\":1234567.5,\"e\":100000000000000000000,\"f\":"
       "9223372036854775807,\"g\":-0.0,\"h\":1.0,\"i\":123456789}",
       "a: 1.5\nb: 1e+21\nc: 1e-07\nd: 1.2345675e+06\ne: 1e+20\nf: 9223372036854775807\ng: 0\nh: "
       "1\ni: 123456789\n"},
      {"{\"a\":\"word word word word word word word word word word word word word word word word "
       "word word word word word word word word word word word word word word x\"}",
       "a: word word word word word word word word word word word word word word word word\n  word "
       "word word word word word word word word word word word word word x\n"},
      {"{\"a\":\"word: word: word: word: word: word: word: word: word: word: word: word: word: "
       "word: word: word: word: word: word: word: word: word: word: word: word: word: word: word: "
       "word: word: x\"}",
       "a: 'word: word: word: word: word: word: word: word: word: word: word: word: word:\n  word: "
       "word: word: word: word: word: word: word: word: word: word: word: word: word:\n  word: "
       "word: word: x'\n"},
      {"{\"a\":\"\\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword "
       "\\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword x\"}",
       "a: \"\\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword "
       "\\tword \\tword\n  \\tword \\tword \\tword \\tword \\tword \\tword \\tword \\tword x\"\n"},
      {"{\"a\":"
       "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
       "xxxxxxxxxxx  two  spaces "
       "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy "
       "z\"}",
       "a: "
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
       "xxxxxxxxx  two  spaces\n  "
       "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
       "\n  z\n"},
      {"{\"script\":\"#!/bin/sh\\nset -e\\n  echo \\\"hi\\\"\\n\"}",
       "script: |\n  #!/bin/sh\n  set -e\n    echo \"hi\"\n"},
  };
  for (const Case& c : cases) {
    const Value value = parseJson(c.json).value();
    EXPECT_EQ(printYaml(value), c.yaml) << c.json;
    // What was a whole Double is an Int now, as after any way through Go's JSON; both print alike.
    EXPECT_EQ(printYaml(parseYaml(c.yaml).value()), c.yaml);
  }
}

// Where Go prints what it reads otherwise, or cannot print, we print what is read as the same
// value.
TEST(YamlPrint, PrintsWhatIsReadAsTheSameValue) {
  const Value strange[] = {
      Value::object({{"<<", "<<"}}),
      Value("\x7F"),
      Value("a\xC2\x85"
            "b"),
      Value("\xE2\x80\xA8\xE2\x80\xA9"),
      Value("\xEF\xBB\xBF"),
      Value("\xEF\xBF\xBE"),
      Value(std::string_view("\0", 1)),
      Value::object(
          {{"a\r", 1}, {"\xC2\x85", 2}, {std::string(200, 'k') + "\n", Value::array({1})}}),
      Value::array({Value::array({Value::object({{"a\nb", Value::array({Value::array({})})}})})}),
  };
  for (const Value& value : strange)
    EXPECT_EQ(parseYaml(printYaml(value)).value(), value) << printYaml(value);
}

TEST(YamlPrint, KeepsRandomStrings) {
  constexpr std::string_view kPieces[] = {
      " ", "\n", "\t", ":", "#", "-", "'", "\"", "\\", "a",    "word ", "0",
      "é", "🚀",  "\r", ",", "[", "{", "&", "*",  "!",  "|",    ">",     "%",
      "@", "`",  "?",  "~", "=", "<", ".", "_",  "y",  "true", "---",   "\x01"};
  std::uint32_t seed = 7;
  const auto next = [&](std::size_t bound) {
    return (seed = seed * 1664525 + 1013904223) / 65536 % bound;
  };
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t i = next(30); i > 0; --i) text += kPieces[next(std::size(kPieces))];
    const Value value = Value::array({text, Value::object({{text, text}})});
    const Result<Value> again = parseYaml(printYaml(value));
    ASSERT_TRUE(again) << again.error().message << "\n" << printYaml(value);
    ASSERT_EQ(*again, value) << printYaml(value);
  }
}

TEST(YamlPrint, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(printYaml(Value::object({{"a\xFF", "\xE2\x82"}})),
            "a\xEF\xBF\xBD: \xEF\xBF\xBD\xEF\xBF\xBD\n");
}

TEST(YamlPrint, Appends) {
  std::string out = "---\n";
  appendYaml(out, Value::object({{"a", 1}}));
  EXPECT_EQ(out, "---\na: 1\n");
}

}  // namespace
}  // namespace iop::text
