#include "text/yaml.h"

#include <gtest/gtest.h>

#include "text/json.h"

namespace iop::text {
namespace {

struct Case {
  std::string text;
  std::string expected;
};

std::string asJson(const Result<Value>& value) {
  return value ? printJson(*value) : "error: " + value.error().message;
}

TEST(Yaml, DoesWhatTheHeaderShows) {
  const Result<Value> job = parseYaml("metadata: {name: a}\nspec: {size: 0x10, on: yes}\n");
  ASSERT_TRUE(job);
  EXPECT_EQ(printYaml(*job), "metadata:\n  name: a\nspec:\n  size: 16\n  \"true\": true\n");
}

// The answers in these tables were given by sigs.k8s.io/yaml v1.6.
TEST(Yaml, ReadsScalarsAsGoDoes) {
  const Case cases[] = {
      {"yes", "true"},
      {"No", "false"},
      {"on", "true"},
      {"OFF", "false"},
      {"y", "true"},
      {"N", "false"},
      {"true", "true"},
      {"~", "null"},
      {"null", "null"},
      {"0", "0"},
      {"0123", "83"},
      {"08", "8"},
      {"0o17", "15"},
      {"0x1F", "31"},
      {"0b101", "5"},
      {"0b-1", "-1"},
      {"-0x1F", "-31"},
      {"1_000", "1000"},
      {"_1", "\"_1\""},
      {"1__0", "10"},
      {"+1", "1"},
      {"-", "[null]"},
      {"1e3", "1000"},
      {"1.50", "1.5"},
      {"1.", "1"},
      {".5", "0.5"},
      {".5_5", "0.55"},
      {"._5", "\"._5\""},
      {"1e400", "\"1e400\""},
      {"1e-400", "0"},
      {"-0.0", "0"},
      {"1e20", "100000000000000000000"},
      {"9223372036854775807", "9223372036854775807"},
      {"9223372036854775808", "9223372036854776000"},
      {"18446744073709551616", "18446744073709552000"},
      {"4611686018427387904.0", "4611686018427388000"},
      {".inf", "error: json: unsupported value: +Inf"},
      {"-.INF", "error: json: unsupported value: -Inf"},
      {".nan", "error: json: unsupported value: NaN"},
      {"12:30:45", "\"12:30:45\""},
      {"2001-12-14", "\"2001-12-14\""},
      {"2001-13-14", "\"2001-13-14\""},
      {"<<", "\"\\u003c\\u003c\""},
      {"=", "\"=\""},
      {"\xC3\xA9", "\"\xC3\xA9\""},
      {"1.5.5", "\"1.5.5\""},
      {"0x", "\"0x\""},
      {"0o8", "\"0o8\""},
      {"00", "0"},
      {"1e", "\"1e\""},
      {"yEs", "\"yEs\""},
      {"nULL", "\"nULL\""},
  };
  for (const Case& c : cases) EXPECT_EQ(asJson(parseYaml(c.text)), c.expected) << c.text;
}

TEST(Yaml, ReadsDocumentsAsGoDoes) {
  const Case cases[] = {
      {"", "null"},
      {"\n", "null"},
      {"# only a comment\n", "null"},
      {"---\n", "null"},
      {"a: 1\nb: [x, {c: d}]\n", "{\"a\":1,\"b\":[\"x\",{\"c\":\"d\"}]}"},
      {"- a\n-  - b\n   - c\n", "[\"a\",[\"b\",\"c\"]]"},
      {"a:\n- 1\n-\n", "{\"a\":[1,null]}"},
      {"{a: 1, \"b\": 'it''s'}", "{\"a\":1,\"b\":\"it's\"}"},
      {"\"a\\tb\\x41\\u00e9\\U0001F600\"", "\"a\\tbA\xC3\xA9\xF0\x9F\x98\x80\""},
      {"\"it\\'s\"", "\"it's\""},
      {"|\n  one\n  two\n", "\"one\\ntwo\\n\""},
      {"|-\n  one\n\n", "\"one\""},
      {"|+\n  one\n\n", "\"one\\n\\n\""},
      {">\n  one\n  two\n\n  three\n", "\"one two\\nthree\\n\""},
      {">-\n  one\n  two\n", "\"one two\""},
      {"|2\n   one\n", "\" one\\n\""},
      {"a: &x {k: v}\nb: *x\n", "{\"a\":{\"k\":\"v\"},\"b\":{\"k\":\"v\"}}"},
      {"a: &x [1]\nb: [*x, *x]\n", "{\"a\":[1],\"b\":[[1],[1]]}"},
      {"base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\n",
       "{\"base\":{\"true\":2,\"x\":1},\"c\":{\"true\":3,\"x\":1}}"},
      {"base: &b {x: 1, y: 2}\nc:\n  y: 3\n  <<: *b\n",
       "{\"base\":{\"true\":2,\"x\":1},\"c\":{\"true\":2,\"x\":1}}"},
      {"c:\n  <<: [{a: 1}, {a: 2, b: 3}]\n", "{\"c\":{\"a\":1,\"b\":3}}"},
      {"c:\n  \"<<\": {a: 1}\n", "{\"c\":{\"\\u003c\\u003c\":{\"a\":1}}}"},
      {"a: 1\na: 2\n", "{\"a\":2}"},
      {"{1: a, 1.5: b, yes: c, 1e6: d, .inf: e, 0x10: f, 2001-01-01: g, -0.0: h}",
       "{\"-0\":\"h\",\".inf\":\"e\",\"1\":\"a\",\"1.5\":\"b\",\"16\":\"f\",\"1e+06\":\"d\",\"2001-"
       "01-01\":\"g\",\"true\":\"c\"}"},
      {"!!str 12", "\"12\""},
      {"!!int \"12\"", "12"},
      {"!!float 1", "1"},
      {"!!bool yes", "true"},
      {"!!binary aGVsbG8=", "\"hello\""},
      {"!!binary /w==", "\"\xEF\xBF\xBD\""},
      {"!custom x", "\"x\""},
      {"! 12", "\"12\""},
      {"!!str {a: b}", "{\"a\":\"b\"}"},
      {"!!timestamp 2001-01-01", "\"2001-01-01\""},
      {"a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
      {"\xEF\xBB\xBF"
       "a: 1",
       "{\"a\":1}"},
      {"a: 1\n---\nb: 2\n", "{\"a\":1}"},
      {"a: b # comment\n", "{\"a\":\"b\"}"},
      {"a: b#no\n", "{\"a\":\"b#no\"}"},
      {"\"a\n  b\"", "\"a b\""},
      {"a\n b", "\"a b\""},
      {"[a, b,]", "[\"a\",\"b\"]"},
      {"{a, b: }", "{\"a\":null,\"b\":null}"},
      {"? a\n: b\n", "{\"a\":\"b\"}"},
      {"? [1]\n: b\n", "error: yaml: invalid map key: []interface {}{1}"},
      {"\xC3\xA9: \xE2\x98\x83\n", "{\"\xC3\xA9\":\"\xE2\x98\x83\"}"},
      {"a: ''\n", "{\"a\":\"\"}"},
      {"a: \"\"\n", "{\"a\":\"\"}"},
      {"{a:b}", "{\"a:b\":null}"},
      {"[http://x]", "[\"http://x\"]"},
      {"---\n- 1\n...\n", "[1]"},
      {"a: >-\n  x\n   y\n  z\n", "{\"a\":\"x\\n y\\nz\"}"},
      {"\"\\uD83D\\uDE00\"", "error: yaml: found invalid Unicode character escape code"},
  };
  for (const Case& c : cases) EXPECT_EQ(asJson(parseYaml(c.text)), c.expected) << c.text;
}

TEST(Yaml, SaysWhatGoSaysOfBadTexts) {
  const Case cases[] = {
      {"a: b: c", "error: yaml: mapping values are not allowed in this context"},
      {"a:\n  - b\n c: d", "error: yaml: line 2: did not find expected key"},
      {"a: [", "error: yaml: line 1: did not find expected node content"},
      {"a: {", "error: yaml: line 1: did not find expected node content"},
      {"\"abc", "error: yaml: found unexpected end of stream"},
      {"'abc", "error: yaml: found unexpected end of stream"},
      {"a: *x", "error: yaml: unknown anchor 'x' referenced"},
      {"a: &x [*x]", "error: yaml: anchor 'x' value contains itself"},
      {"a: &x {b: *x}", "error: yaml: anchor 'x' value contains itself"},
      {"\tx: 1", "error: yaml: found character that cannot start any token"},
      {"a:\n\t- b", "error: yaml: line 2: found character that cannot start any token"},
      {"%foo", "error: yaml: found unknown directive name"},
      {"@a", "error: yaml: found character that cannot start any token"},
      {"`a`", "error: yaml: found character that cannot start any token"},
      {"a: b\nc", "error: yaml: line 3: could not find expected ':'"},
      {"- a\nb: c", "error: yaml: line 1: did not find expected '-' indicator"},
      {"{a: 1} }", "{\"a\":1}"},
      {"[a]]", "[\"a\"]"},
      {"{{ x }}",
       "error: yaml: invalid map key: map[interface {}]interface {}{\"x\":interface {}(nil)}"},
      {"{{ .Values.x }}: y",
       "error: yaml: invalid map key: map[interface {}]interface {}{\".Values.x\":interface "
       "{}(nil)}"},
      {"a: {{ x }}",
       "error: yaml: invalid map key: map[interface {}]interface {}{\"x\":interface {}(nil)}"},
      {"{[1]: a}", "error: yaml: invalid map key: []interface {}{1}"},
      {"null: x", "error: unsupported map key of type: %!s(<nil>), key: <nil>, value: \"x\""},
      {"18446744073709551615: 1",
       "error: unsupported map key of type: uint64, key: 0xffffffffffffffff, value: 1"},
      {"a: .inf", "error: json: unsupported value: +Inf"},
      {"- .nan", "error: json: unsupported value: NaN"},
      {"!!int x", "error: yaml: cannot decode !!str `x` as a !!int"},
      {"!!int 1.5", "error: yaml: cannot decode !!float `1.5` as a !!int"},
      {"!!null x", "error: yaml: cannot decode !!str `x` as a !!null"},
      {"!!timestamp x", "error: yaml: cannot decode !!str `x` as a !!timestamp"},
      {"!!binary \"*\"", "error: yaml: !!binary value contains invalid base64 data"},
      {"<<: 1", "error: yaml: map merge requires map or sequence of maps as the value"},
      {"<<: [1]", "error: yaml: map merge requires map or sequence of maps as the value"},
      {"a: &x 1\nb: {<<: *x}",
       "error: yaml: map merge requires map or sequence of maps as the value"},
      {"\"\\q\"", "error: yaml: found unknown escape character"},
      {"\x01", "error: yaml: control characters are not allowed"},
      {"a: \"\\ud800\"", "error: yaml: found invalid Unicode character escape code"},
      {"a: |\n b\n  c\n d\ne", "error: yaml: line 6: could not find expected ':'"},
      {"&a &b c", "null"},
      {"*", "error: yaml: did not find expected alphabetic or numeric character"},
      {"a: !<x", "error: yaml: did not find the expected '>'"},
      {"key: - x", "error: yaml: block sequence entries are not allowed in this context"},
      {"x: [a, b\ny: z\n", "error: yaml: line 1: did not find expected ',' or ']'"},
      {"a: b\n c: d\n", "error: yaml: line 2: mapping values are not allowed in this context"},
      {"-a: b\n- c\n", "error: yaml: line 1: did not find expected key"},
      {"a:b\nc: d\n", "error: yaml: line 2: mapping values are not allowed in this context"},
      {"? a\n? b: c: d\n", "error: yaml: line 2: mapping values are not allowed in this context"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(asJson(parseYaml(c.text)), c.expected) << c.text;
  }
  EXPECT_EQ(parseYaml("a: [").error().code, Code::BadRequest);
}

TEST(Yaml, RejectsDuplicateKeysWhenAsked) {
  const Case cases[] = {
      {"a: 1\na: 2\n", "error: yaml: unmarshal errors:\n  line 2: key \"a\" already set in map"},
      {"a: 1\nb: {c: 1, c: 2}\na: 3\n",
       "error: yaml: unmarshal errors:\n  line 2: key \"c\" already set in map\n  line 3: key "
       "\"a\" already set in map"},
      {"{1: a, \"1\": b}", "{\"1\":\"b\"}"},
      {"1: a\n1: b\n", "error: yaml: unmarshal errors:\n  line 2: key 1 already set in map"},
      {"x: &b {a: 1}\ny: {<<: *b, a: 2}\n",
       "error: yaml: unmarshal errors:\n  line 2: key \"a\" already set in map"},
      {"yes: 1\ntrue: 2\n",
       "error: yaml: unmarshal errors:\n  line 2: key true already set in map"},
      {"- {a: 1}\n- {a: 1}\n", "[{\"a\":1},{\"a\":1}]"},
      {"1.5: a\n1.50: b\n", "error: yaml: unmarshal errors:\n  line 2: key 1.5 already set in map"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(asJson(parseYaml(c.text, DuplicateKeys::Reject)), c.expected) << c.text;
}

TEST(Yaml, LetsTheLastOfDuplicateKeysWin) {
  EXPECT_EQ(asJson(parseYaml("a: 1\nb: 2\na: 3\n")), R"({"a":3,"b":2})");
}

std::string printedDocuments(std::string_view text) {
  const auto documents = parseYamlDocuments(text);
  if (!documents) return "error: " + documents.error().message;
  std::string out;
  for (const YamlDocument& document : *documents) {
    out += std::to_string(document.line) + " " + printJson(document.value) + "\n";
  }
  return out;
}

TEST(Yaml, SplitsDocuments) {
  const Case cases[] = {
      {"", ""},
      {"---\n---\n# nothing\n---\n", ""},
      {"a: 1\n---\nb: 2\n", "1 {\"a\":1}\n3 {\"b\":2}\n"},
      {"---\na: 1\n--- # two\n\nb: 2\n---", "2 {\"a\":1}\n4 {\"b\":2}\n"},
      {"a: 1\r\n---\r\nb: 2\r\n", "1 {\"a\":1}\n3 {\"b\":2}\n"},
      {"a: |\n  ---\n  x\n", "1 {\"a\":\"---\\nx\\n\"}\n"},
      {"null\n---\n~\n---\n0\n", "5 0\n"},
      {"a: 1\n---\nb: {\n", "error: yaml: line 3: did not find expected node content"},
      {"a: 1\n---\nb: c: d\n",
       "error: yaml: line 3: mapping values are not allowed in this context"},
      {"a: 1\n---\n\nb: 1\nb: c: d\n",
       "error: yaml: line 5: mapping values are not allowed in this context"},
      {"a: 1\n--- b: 2\n", "error: invalid Yaml document separator: b: 2"},
      {"a: 1\n----\n", "error: invalid Yaml document separator: -"},
  };
  for (const Case& c : cases) EXPECT_EQ(printedDocuments(c.text), c.expected) << c.text;
  const auto repeated = parseYamlDocuments("a: 1\n---\nb: 1\nb: 2\n", DuplicateKeys::Reject);
  EXPECT_EQ(repeated.error().message,
            "yaml: unmarshal errors:\n  line 4: key \"b\" already set in map");
}

TEST(Yaml, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(asJson(parseYaml(nested(kMaxDepth))), nested(kMaxDepth));
  EXPECT_EQ(asJson(parseYaml(nested(kMaxDepth + 1))), "error: yaml: exceeded max depth of 1000");
}

TEST(Yaml, BoundsWhatAliasesMultiply) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 10; ++j) text += ", " + before;
    text += "]\n";
  }
  EXPECT_EQ(asJson(parseYaml(text)), "error: yaml: document contains excessive aliasing");

  std::string merges = "a0: &a0 {x: 1}\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    merges += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: [" + before + ", " +
              before + "]}\n";
  }
  EXPECT_EQ(asJson(parseYaml(merges)), "error: yaml: document contains excessive aliasing");
}

TEST(Yaml, BoundsChainsOfAliases) {
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i < 3000; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  }
  EXPECT_FALSE(parseYaml(text));
}

TEST(YamlPlaces, TellWhereThePartsOfADocumentStand) {
  const std::string text =
      "a: 1\n"
      "---\n"
      "# a comment\n"
      "spec:\n"
      "  list:\n"
      "  - name: first\n"
      "    text: |\n"
      "      one\n"
      "        two {% x %}\n"
      "  - {name: \"sec\\u00f6nd\", text: 'é {% y %}'}\n"
      "  tls.crt:\n"
      "    key: plain {% z %}\n";
  const YamlPlaces places = YamlPlaces::of(text, parseYamlDocuments(text).value()[1].line).value();
  const struct {
    const char* path;
    int line, column;
  } cases[] = {
      {"", 4, 1},
      {"spec", 5, 3},
      {"spec.list[0].name", 6, 11},
      {"spec.list[1].name", 10, 12},
      {"spec.tls.crt.key", 12, 10},
      {"spec.list[7].name", 6, 3},        // the list
      {"spec.list[0].nothing.at", 6, 5},  // the entry
      {"spec.list.name", 6, 3},
      {"nothing", 4, 1},
  };
  for (const auto& test : cases) {
    const YamlPlace place = places.find(test.path);
    EXPECT_EQ(place.line, test.line) << test.path;
    EXPECT_EQ(place.column, test.column) << test.path;
  }
  const struct {
    const char* path;
    int lines, bytes, line, column;
  } within[] = {
      {"spec.list[0].text", 1, 6, 9, 13},   // in a block
      {"spec.list[1].text", 0, 3, 10, 36},  // in quotes, behind a character of two bytes
      {"spec.list[1].name", 0, 4, 10, 12},  // an escape: only the string
      {"spec.tls.crt.key", 0, 6, 12, 16},   // without quotes
      {"spec.list[0].name", 2, 0, 6, 11},   // there are not so many lines
  };
  for (const auto& test : within) {
    const YamlPlace place = places.find(test.path, test.lines, test.bytes);
    EXPECT_EQ(place.line, test.line) << test.path;
    EXPECT_EQ(place.column, test.column) << test.path;
  }
}

}  // namespace
}  // namespace iop::text
