#include "gotemplate/internal/strconv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace iop::gotemplate::internal {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(StrconvTest, QuotesAsGoLiterals) {
  const struct {
    std::string text;
    const char* quoted;
    const char* ascii;
  } cases[] = {
      {"", "\"\"", "\"\""},
      {"a\"b\\", "\"a\\\"b\\\\\"", "\"a\\\"b\\\\\""},
      {std::string("\x07\x08\x0c\n\r\t\x0b\x00\x7f", 9), "\"\\a\\b\\f\\n\\r\\t\\v\\x00\\x7f\"",
       "\"\\a\\b\\f\\n\\r\\t\\v\\x00\\x7f\""},
      {"é日😀", "\"é日😀\"", "\"\\u00e9\\u65e5\\U0001f600\""},
      {"\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf", "\"\\u00a0\\u200b\\ufeff\"",
       "\"\\u00a0\\u200b\\ufeff\""},
      {"a\xff\xc3", "\"a\\xff\\xc3\"", "\"a\\xff\\xc3\""},
      {"�", "\"�\"", "\"\\ufffd\""},
      {"\xf4\x8f\xbf\xbe", "\"\\U0010fffe\"", "\"\\U0010fffe\""},
      {"́", "\"́\"", "\"\\u0301\""},
      {"'`", "\"'`\"", "\"'`\""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(quote(c.text), c.quoted);
    EXPECT_EQ(quoteToAscii(c.text), c.ascii);
    EXPECT_EQ(unquote(c.quoted).value(), c.text);
    EXPECT_EQ(unquote(c.ascii).value(), c.text);
  }
}

TEST(StrconvTest, QuotesRunes) {
  EXPECT_EQ(quoteRune('a'), "'a'");
  EXPECT_EQ(quoteRune('\''), "'\\''");
  EXPECT_EQ(quoteRune('"'), "'\"'");
  EXPECT_EQ(quoteRune(0xE9), "'é'");
  EXPECT_EQ(quoteRuneToAscii(0xE9), "'\\u00e9'");
  EXPECT_EQ(quoteRune(0xD800), "'\xef\xbf\xbd'");
  EXPECT_EQ(quoteRuneToAscii(0x1F600), "'\\U0001f600'");
}

TEST(StrconvTest, KnowsWhatCanStandBetweenBackquotes) {
  EXPECT_TRUE(canBackquote("a\"b\\\té\xef\xbf\xbd"));
  EXPECT_FALSE(canBackquote("`"));
  EXPECT_FALSE(canBackquote("a\nb"));
  EXPECT_FALSE(canBackquote("\x7f"));
  EXPECT_FALSE(canBackquote("\xff"));
  EXPECT_FALSE(canBackquote("\xef\xbb\xbf"));
}

TEST(StrconvTest, UnquotesLiterals) {
  const struct {
    const char* literal;
    const char* value;
  } cases[] = {
      {"\"a\\nb\"", "a\nb"}, {"`a\rb\\`", "ab\\"}, {"'x'", "x"},
      {"'\\''", "'"},        {"\"\\\"\"", "\""},   {"\"\\x41\\101\\u00e9\\U0001F600\"", "AAé😀"},
      {"\"\\377\"", "\xff"}, {"\"\xff\"", "�"},    {"''", ""},
      {"\"'\"", "'"},
  };
  for (const auto& c : cases) EXPECT_EQ(unquote(c.literal).value(), c.value) << c.literal;
}

TEST(StrconvTest, RefusesMalformedLiterals) {
  const struct {
    const char* literal;
    const char* error;
  } cases[] = {
      {"\"\\'\"", "invalid syntax"},
      {"'\\\"'", "invalid syntax"},
      {"\"\\400\"", "invalid syntax"},
      {"\"\\ud800\"", "invalid syntax"},
      {"\"\\U00110000\"", "invalid syntax"},
      {"\"\\q\"", "invalid syntax"},
      {"\"\\x4\"", "invalid syntax"},
      {"\"a", "invalid syntax"},
      {"a", "invalid syntax"},
      {"\"", "invalid syntax"},
      {"\"a\nb\"", "invalid syntax"},
      {"\"a\"b\"", "invalid syntax"},
      {"'ab'", "invalid syntax"},
      {"`a`b`", "invalid syntax"},
      {"\"\\", "invalid syntax"},
  };
  for (const auto& c : cases) {
    const Result<std::string> got = unquote(c.literal);
    ASSERT_FALSE(got.has_value()) << c.literal;
    EXPECT_EQ(got.error().message, c.error) << c.literal;
  }
}

TEST(StrconvTest, UnquotesOneCharacterAfterTheOther) {
  const UnquotedChar letter = unquoteChar("a\\n", '"').value();
  EXPECT_EQ(letter.value, U'a');
  EXPECT_FALSE(letter.isMultibyte);
  const UnquotedChar escape = unquoteChar(letter.tail, '"').value();
  EXPECT_EQ(escape.value, U'\n');
  EXPECT_EQ(escape.tail, "");
  EXPECT_TRUE(unquoteChar("é", '\'').value().isMultibyte);
  EXPECT_FALSE(unquoteChar("\\xff", '\'').value().isMultibyte);
  EXPECT_FALSE(unquoteChar("'", '\'').has_value());
  EXPECT_FALSE(unquoteChar("", '\'').has_value());
}

TEST(StrconvTest, FormatsFloatsAsGo) {
  const struct {
    double value;
    char format;
    int precision;
    const char* text;
  } cases[] = {
      {1e6, 'g', -1, "1e+06"},
      {123456, 'g', -1, "123456"},
      {1e-5, 'g', -1, "1e-05"},
      {0.0001, 'g', -1, "0.0001"},
      {-0.0, 'g', -1, "-0"},
      {5e-324, 'g', -1, "5e-324"},
      {1.7976931348623157e308, 'g', -1, "1.7976931348623157e+308"},
      {3, 'g', -1, "3"},
      {2.5, 'f', 0, "2"},
      {3.5, 'f', 0, "4"},
      {1234.5678, 'f', 2, "1234.57"},
      {1234.5678, 'e', 3, "1.235e+03"},
      {100, 'g', 3, "100"},
      {1000, 'g', 3, "1e+03"},
      {0.1, 'f', 20, "0.10000000000000000555"},
      {1.5, 'x', -1, "0x1.8p+00"},
      {1.9, 'x', 2, "0x1.e6p+00"},
      {0, 'x', -1, "0x0p+00"},
      {1, 'b', -1, "4503599627370496p-52"},
      {1e22, 'f', -1, "10000000000000000000000"},
      {0, 'e', -1, "0e+00"},
      {0, 'g', 3, "0"},
      {1e21, 'E', 2, "1.00E+21"},
      {1, 'X', 3, "0X1.000P+00"},
      {123456789, 'G', 4, "1.235E+08"},
      {kInfinity, 'g', -1, "+Inf"},
      {-kInfinity, 'e', 2, "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), 'f', 3, "NaN"},
  };
  for (const auto& c : cases) EXPECT_EQ(formatFloat(c.value, c.format, c.precision), c.text);
  EXPECT_EQ(formatFloat(0.1, 'g', -1, 32), "0.1");
  EXPECT_EQ(formatFloat(1e300, 'g', -1, 32), "+Inf");
  EXPECT_EQ(formatFloat(1, 'f', 5000).size(), 5002u);
}

TEST(StrconvTest, ParsesFloatsAsGo) {
  const struct {
    const char* text;
    double value;
  } cases[] = {
      {"1_000", 1000},
      {"0x_1p-2", 0.25},
      {"0x1_0p0", 16},
      {"1e1_0", 1e10},
      {"inf", kInfinity},
      {"+Inf", kInfinity},
      {"-infinity", -kInfinity},
      {"+.5", 0.5},
      {"5.", 5},
      {"0x.8p0", 0.5},
      {"1e-400", 0},
      {"0x1p-1080", 0},
      {"4.9e-324", 5e-324},
      {"0e999999999999", 0},
      {"0x1.fffffffffffff8p0", 2},
      {"0x1.fffffffffffff7p0", 1.9999999999999998},
      {"0x.00000000000000000001p1100", 1.1235582092889474e307},
      {"2.2250738585072012e-308", 2.2250738585072014e-308},
  };
  for (const auto& c : cases) {
    const Parsed<double> got = parseFloat(c.text);
    EXPECT_TRUE(got.ok()) << c.text;
    EXPECT_EQ(got.value, c.value) << c.text;
  }
  EXPECT_TRUE(std::signbit(parseFloat("-0").value));
  EXPECT_TRUE(std::isnan(parseFloat("NaN").value));
}

TEST(StrconvTest, RefusesWhatIsNoFloat) {
  for (const char* const text : {"", ".", "+", "_1", "1_", "1__0", "1_.5", "+nan", "infinit", "0x1",
                                 "1e", "1e+", "0b1", " 1", "1 ", "1.2.3", "0xp1", "1p1"}) {
    EXPECT_EQ(parseFloat(text).error, NumError::Syntax) << text;
  }
  for (const char* const text : {"1e400", "0x1p1024", "1.7976931348623159e308"}) {
    const Parsed<double> got = parseFloat(text);
    EXPECT_EQ(got.error, NumError::Range) << text;
    EXPECT_EQ(got.value, kInfinity) << text;
  }
  EXPECT_EQ(parseFloat("-1e400").value, -kInfinity);
}

TEST(StrconvTest, ParsesIntegersAsGo) {
  const struct {
    const char* text;
    int base;
    int bits;
    std::int64_t value;
    const char* error;
  } cases[] = {
      {"0", 0, 64, 0, ""},
      {"0x1f", 0, 64, 31, ""},
      {"0b11", 0, 64, 3, ""},
      {"0o17", 0, 64, 15, ""},
      {"017", 0, 64, 15, ""},
      {"1_000", 0, 64, 1000, ""},
      {"-0x_f", 0, 64, -15, ""},
      {"+7", 10, 64, 7, ""},
      {"zz", 36, 64, 1295, ""},
      {"9223372036854775807", 10, 64, 9223372036854775807, ""},
      {"-9223372036854775808", 10, 64, INT64_MIN, ""},
      {"127", 10, 8, 127, ""},
      {"", 10, 64, 0, "strconv.ParseInt: parsing \"\": invalid syntax"},
      {"-", 10, 64, 0, "strconv.ParseInt: parsing \"-\": invalid syntax"},
      {"08", 0, 64, 0, "strconv.ParseInt: parsing \"08\": invalid syntax"},
      {"0x", 0, 64, 0, "strconv.ParseInt: parsing \"0x\": invalid syntax"},
      {"1__0", 0, 64, 0, "strconv.ParseInt: parsing \"1__0\": invalid syntax"},
      {"_1", 0, 64, 0, "strconv.ParseInt: parsing \"_1\": invalid syntax"},
      {"1_", 0, 64, 0, "strconv.ParseInt: parsing \"1_\": invalid syntax"},
      {"1_0", 10, 64, 0, "strconv.ParseInt: parsing \"1_0\": invalid syntax"},
      {" 1", 10, 64, 0, "strconv.ParseInt: parsing \" 1\": invalid syntax"},
      {"1.5", 10, 64, 0, "strconv.ParseInt: parsing \"1.5\": invalid syntax"},
      {"9223372036854775808", 10, 64, 9223372036854775807,
       "strconv.ParseInt: parsing \"9223372036854775808\": value out of range"},
      {"-9223372036854775809", 10, 64, INT64_MIN,
       "strconv.ParseInt: parsing \"-9223372036854775809\": value out of range"},
      {"128", 10, 8, 127, "strconv.ParseInt: parsing \"128\": value out of range"},
      {"-129", 10, 8, -128, "strconv.ParseInt: parsing \"-129\": value out of range"},
      {"99999999999999999999x", 10, 64, 9223372036854775807,
       "strconv.ParseInt: parsing \"99999999999999999999x\": value out of range"},
  };
  for (const auto& c : cases) {
    const Parsed<std::int64_t> got = parseInt(c.text, c.base, c.bits);
    EXPECT_EQ(got.value, c.value) << c.text;
    EXPECT_EQ(got.ok() ? "" : numErrorText("ParseInt", c.text, got.error), c.error) << c.text;
  }
  EXPECT_EQ(parseUint("18446744073709551615").value, UINT64_MAX);
  EXPECT_EQ(parseUint("18446744073709551616").error, NumError::Range);
  EXPECT_EQ(parseUint("-1").error, NumError::Syntax);
}

TEST(StrconvTest, FormatsIntegersInAnyBase) {
  EXPECT_EQ(formatInt(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(formatInt(-255, 16), "-ff");
  EXPECT_EQ(formatUint(UINT64_MAX, 2), std::string(64, '1'));
}

}  // namespace
}  // namespace iop::gotemplate::internal
