#include "text/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace iop::text {
namespace {

using namespace std::string_literals;

std::string roundTrip(std::string_view text) {
  const Result<Value> value = parseJson(text);
  return value ? printJson(*value) : "error: " + value.error().message;
}

std::string roundTripAsDoubles(std::string_view text) {
  const Result<Value> value = parseJson(text, {.numbers = JsonNumbers::Double});
  return value ? printJson(*value) : "error: " + value.error().message;
}

TEST(Json, DoesWhatTheHeaderShows) {
  const Value pod = parseJson(R"({"b":1,"a":"<x>"})").value();
  EXPECT_EQ(printJson(pod), R"({"a":"\u003cx\u003e","b":1})");
  EXPECT_EQ(printJson(pod, {.escapeHtml = false}), R"({"a":"<x>","b":1})");
}

// The answers in this file were given by Go 1.26 (encoding/json, and sigs.k8s.io/json for
// integers).
struct RoundTrip {
  std::string name;
  std::string text;
  std::string printed;
};

class JsonRoundTrip : public testing::TestWithParam<RoundTrip> {};

TEST_P(JsonRoundTrip, PrintsAsGoDoes) { EXPECT_EQ(roundTrip(GetParam().text), GetParam().printed); }

INSTANTIATE_TEST_SUITE_P(
    Texts, JsonRoundTrip,
    testing::Values(
        RoundTrip{"SortsKeysBytewise", R"({"b":1,"a10":2,"a2":3,"":4,"Z":5})",
                  R"({"":4,"Z":5,"a10":2,"a2":3,"b":1})"},
        RoundTrip{"KeepsTheLastOfEqualKeys", R"({"a":1,"a":2})", R"({"a":2})"},
        RoundTrip{"PassesOverSpace", " [ 1 ,\n\t2 ]\r\n", "[1,2]"},
        RoundTrip{"KeepsEmptyContainers", R"({"a":[],"b":{}})", R"({"a":[],"b":{}})"},
        RoundTrip{"ReadsLiterals", "[true,false,null]", "[true,false,null]"},
        RoundTrip{"KeepsLargeIntegers", "[9223372036854775807,-9223372036854775808]",
                  "[9223372036854775807,-9223372036854775808]"},
        RoundTrip{"RoundsIntegersBeyond64Bits", "[9223372036854775808,18446744073709551616]",
                  "[9223372036854776000,18446744073709552000]"},
        RoundTrip{"PrintsWholeDoublesWithoutAPoint", "[1.0,1e3,1E+5]", "[1,1000,100000]"},
        RoundTrip{"UsesExponentsForTheVeryLargeAndSmall", "[1e20,1e21,1e-6,1e-7,0.000001234]",
                  "[100000000000000000000,1e+21,0.000001,1e-7,0.000001234]"},
        RoundTrip{"PrintsTheShortestDigits",
                  "[0.1,123456789012345680000.5,5e-324,1.7976931348623157e308]",
                  "[0.1,123456789012345680000,5e-324,1.7976931348623157e+308]"},
        RoundTrip{"TakesWhatIsTooSmallForZero", "[1e-400,-0.0,-0]", "[0,-0,0]"},
        RoundTrip{"EscapesForHtml", "\"<>&\xE2\x80\xA8\xE2\x80\xA9\"",
                  R"("\u003c\u003e\u0026\u2028\u2029")"},
        RoundTrip{"EscapesControls", R"("\b\f\n\r\t\u0001\u001f\"\\\/")",
                  R"("\b\f\n\r\t\u0001\u001f\"\\/")"},
        RoundTrip{"KeepsDelete", "\"\x7f\"", "\"\x7f\""},
        RoundTrip{"JoinsSurrogates", R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
        RoundTrip{"ReplacesLoneSurrogates", R"("\ud800x\udc00\ud800\ud83d\ude00")",
                  "\"\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\xF0\x9F\x98\x80\""},
        RoundTrip{"ReplacesBytesThatAreNotUtf8", "\"\xFF\xE2\x82\xED\xA0\x80\"",
                  "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        RoundTrip{"ReplacesInKeysToo", "{\"\xFF\":1,\"\xFE\":2}", "{\"\xEF\xBF\xBD\":2}"}),
    [](const auto& test) { return test.param.name; });

struct Failure {
  std::string text;
  std::string message;
};

TEST(Json, SaysWhatGoSaysOfBadTexts) {
  const Failure failures[] = {
      {"", "unexpected end of JSON input"},
      {"{", "unexpected end of JSON input"},
      {"[1,", "unexpected end of JSON input"},
      {"\"a", "unexpected end of JSON input"},
      {"-", "invalid character ' ' in numeric literal"},
      {"1.", "invalid character ' ' after decimal point in numeric literal"},
      {"1e", "invalid character ' ' in exponent of numeric literal"},
      {"nul", "invalid character ' ' in literal null (expecting 'l')"},
      {"truX", "invalid character 'X' in literal true (expecting 'e')"},
      {"01", "invalid character '1' after top-level value"},
      {"[1,]", "invalid character ']' looking for beginning of value"},
      {"[1 2]", "invalid character '2' after array element"},
      {"{\"a\"}", "invalid character '}' after object key"},
      {"{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"},
      {"{'a':1}", R"(invalid character '\'' looking for beginning of object key string)"},
      {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
      {"[1]x", "invalid character 'x' after top-level value"},
      {"\"\\x\"", "invalid character 'x' in string escape code"},
      {"\"\\u12g4\"", R"(invalid character 'g' in \u hexadecimal character escape)"},
      {"\"a\nb\"", R"(invalid character '\n' in string literal)"},
      {"\"a\x01\"", R"(invalid character '\x01' in string literal)"},
      {"\xEF\xBB\xBF{}", "invalid character '\u00ef' looking for beginning of value"},
      {"\x80", R"(invalid character '\u0080' looking for beginning of value)"},
      {"[1e400", "unexpected end of JSON input"},
      {"[1e400,-1e500]", "json: cannot unmarshal number 1e400 into Go value of type float64"},
  };
  for (const Failure& failure : failures) {
    EXPECT_EQ(roundTrip(failure.text), "error: " + failure.message) << failure.text;
    EXPECT_EQ(parseJson(failure.text).error().code, Code::BadRequest);
  }
  EXPECT_EQ(roundTrip("[\0]"s), "error: invalid character '\\x00' looking for beginning of value");
}

TEST(Json, ReadsAllNumbersAsDoublesWhenAsked) {
  EXPECT_TRUE(parseJson("1", {.numbers = JsonNumbers::Double})->isDouble());
  EXPECT_TRUE(parseJson("1")->isInt());
  EXPECT_TRUE(parseJson("1.0")->isDouble());
  EXPECT_EQ(roundTripAsDoubles("[9007199254740993,-0,12]"), "[9007199254740992,-0,12]");
  EXPECT_EQ(roundTripAsDoubles("1e400"),
            "error: json: cannot unmarshal number 1e400 into Go value of type float64");
}

TEST(Json, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_EQ(roundTrip(nested(kMaxDepth)), nested(kMaxDepth));
  EXPECT_EQ(roundTrip(nested(kMaxDepth + 1)), "error: exceeded max depth");
  EXPECT_EQ(roundTrip(std::string(1'000'000, '[')), "error: exceeded max depth");
}

TEST(Json, FindsTheEndOfStringsOfAnyLength) {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string text(length, 'a');
    EXPECT_EQ(roundTrip("\"" + text + "\""), "\"" + text + "\"");
    EXPECT_EQ(roundTrip("\"" + text + "\\n\xC3\xA9\""), "\"" + text + "\\n\xC3\xA9\"");
    EXPECT_EQ(roundTrip("\"" + text), "error: unexpected end of JSON input");
  }
}

TEST(Json, SharesLongKeysWithoutMixingThemUp) {
  std::string text = "[";
  for (int i = 0; i < 500; ++i) {
    const std::string n = std::to_string(i % 250);
    text += (i > 0 ? ",{\"" : "{\"") + std::string("a-key-that-is-long-") + n + "\":" + n + "}";
  }
  text += "]";
  EXPECT_EQ(roundTrip(text), text);
}

TEST(Json, IndentsAsMarshalIndentDoes) {
  const Value value = parseJson(R"({"a":[1,{"b":[]},{}],"c":"<"})").value();
  EXPECT_EQ(printJson(value, {.indent = "  "}),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    },\n    {}\n  ],\n  \"c\": "
            "\"\\u003c\"\n}");
  EXPECT_EQ(printJson(Value::array(), {.indent = "  "}), "[]");
}

TEST(Json, PrintsNullForWhatIsNoNumber) {
  EXPECT_EQ(printJson(Value(std::numeric_limits<double>::infinity())), "null");
  EXPECT_EQ(printJson(Value(std::nan(""))), "null");
}

TEST(Json, ReplacesBytesThatAreNotUtf8WhenPrinting) {
  EXPECT_EQ(printJson(Value("a\xFF")), "\"a\\ufffd\"");
}

TEST(Json, PrintsBodiesThatAYamlReaderUnderstands) {
  const Value value =
      Value::object({{"a", "\xF0\x9F\x98\x80</\x7F\xC2\x85\xE2\x80\xA8\xEF\xBB\xBF\t"}});
  EXPECT_EQ(printApplyBody(value), "{\"a\":\"\xF0\x9F\x98\x80</\\u007f\\u0085\\u2028\\ufeff\\t\"}");
  EXPECT_EQ(parseJson(printApplyBody(value)).value(), value);
}

TEST(Json, PrintsAsGjsonString) {
  const std::pair<Value, std::string> cases[] = {
      {"a\"b", "a\"b"},    {1, "1"},       {1.5, "1.5"},  {1e21, "1000000000000000000000"},
      {1e-7, "0.0000001"}, {true, "true"}, {nullptr, ""}, {Value::array({1, "<"}), R"([1,"<"])"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(printAsGjsonString(value), text);
}

TEST(Json, DropsWhatIsNotWanted) {
  const DropPaths drop(
      {"/metadata/managedFields", "/data", "/spec/*/secret", "/spec/a/b", "/a~1b/~0"});
  const auto parse = [&](std::string_view text) {
    const Result<Value> value = parseJson(text, {.drop = &drop});
    return value ? printJson(*value) : "error: " + value.error().message;
  };
  EXPECT_EQ(
      parse(R"({"metadata":{"managedFields":[{"a":1}],"name":"x"},"data":{"k":"v"},"datax":1})"),
      R"({"datax":1,"metadata":{"name":"x"}})");
  EXPECT_EQ(parse(R"({"spec":{"a":{"secret":1,"b":2,"c":3},"z":{"secret":1,"b":2}},"secret":4})"),
            R"({"secret":4,"spec":{"a":{"c":3},"z":{"b":2}}})");
  EXPECT_EQ(parse(R"({"spec":[{"a":{"b":1,"c":2}}]})"), R"({"spec":[{"a":{"c":2}}]})");
  EXPECT_EQ(parse(R"({"a/b":{"~":1,"x":2}})"), R"({"a/b":{"x":2}})");
  EXPECT_EQ(parse(R"({"data":{"k":"\ud800","n":1e400,"l":[true,{}]}})"), "{}");
}

TEST(Json, ChecksTheSyntaxOfWhatIsDropped) {
  const DropPaths drop({"/data"});
  EXPECT_EQ(parseJson(R"({"data":{"k":tru}})", {.drop = &drop}).error().message,
            "invalid character '}' in literal true (expecting 'e')");
  EXPECT_EQ(parseJson(R"({"data":{"k")", {.drop = &drop}).error().message,
            "unexpected end of JSON input");
}

TEST(Json, GivesAwayTheItemsOfAList) {
  const DropPaths drop({"/metadata/managedFields"});
  std::vector<std::string> items;
  const auto each = [&](Value item) {
    items.push_back(printJson(item));
    return Status();
  };
  const Result<Value> rest = parseJsonList(
      R"({"kind":"PodList","items":[{"metadata":{"managedFields":[],"name":"a"}},{"items":[1]}],"metadata":{"resourceVersion":"7","managedFields":1}})",
      each, {.drop = &drop});
  ASSERT_TRUE(rest);
  EXPECT_EQ(printJson(*rest),
            R"({"kind":"PodList","metadata":{"managedFields":1,"resourceVersion":"7"}})");
  EXPECT_EQ(items, (std::vector<std::string>{R"({"metadata":{"name":"a"}})", R"({"items":[1]})"}));
}

TEST(Json, ReturnsWhatIsNoListAsItIs) {
  const auto each = [](Value) { return fail(Code::InternalError, "not expected"); };
  EXPECT_EQ(printJson(parseJsonList(R"({"items":null,"kind":"Status"})", each).value()),
            R"({"items":null,"kind":"Status"})");
  EXPECT_EQ(printJson(parseJsonList("[1,2]", each).value()), "[1,2]");
  EXPECT_EQ(printJson(parseJsonList(R"({"items":[]})", each).value()), "{}");
}

TEST(Json, StopsAListAtTheFirstError) {
  int given = 0;
  const auto each = [&](Value) -> Status {
    if (++given == 2) return fail(Code::Conflict, "enough");
    return {};
  };
  EXPECT_EQ(parseJsonList(R"({"items":[1,2,3]})", each).error().message, "enough");
  EXPECT_EQ(given, 2);
  given = 5;
  EXPECT_EQ(parseJsonList(R"({"items":[1,2,x]})", each).error().message,
            "invalid character 'x' looking for beginning of value");
  EXPECT_EQ(given, 7);
}

}  // namespace
}  // namespace iop::text
