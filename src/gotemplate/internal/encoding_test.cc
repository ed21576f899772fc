#include "gotemplate/internal/encoding.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

TEST(EncodingTest, Base64AndBase32AreInverse) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decodeBase64(encodeBase64(bytes)).value(), bytes);
    EXPECT_EQ(decodeBase32(encodeBase32(bytes)).value(), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
  EXPECT_EQ(encodeBase64("é"), "w6k=");
  EXPECT_EQ(encodeBase64("ab"), "YWI=");
  EXPECT_EQ(encodeBase32("é"), "YOUQ====");
}

TEST(EncodingTest, Base64IsDecoded) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"aGVsbG8=", "hello"}, {"YR==", "a"}, {"YW\nJj\r\n", "abc"}, {"YQ=\n=\n", "a"}, {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(decodeBase64(c.text).value(), c.want) << c.text;
}

TEST(EncodingTest, MalformedBase64IsToldByItsPlace) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"aGVs bG8=", "illegal base64 data at input byte 4"},
      {"aGVsbG8==", "illegal base64 data at input byte 8"},
      {"YQ", "illegal base64 data at input byte 0"},
      {"_-8=", "illegal base64 data at input byte 0"},
      {"=", "illegal base64 data at input byte 0"},
      {"A", "illegal base64 data at input byte 0"},
      {"YQ=a", "illegal base64 data at input byte 2"},
      {"YQ=", "illegal base64 data at input byte 3"},
      {"é", "illegal base64 data at input byte 0"},
      {"YQ==YQ==", "illegal base64 data at input byte 4"},
      {"YWJj=", "illegal base64 data at input byte 4"},
  };
  for (const auto& c : cases) EXPECT_EQ(decodeBase64(c.text).error().message, c.error) << c.text;
}

TEST(EncodingTest, Base32IsDecoded) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"NBSWY3DP", "hello"},
      {"NBSW\nY3DP", "hello"},
      {"MFRGG===", "abc"},
      {"MFRGG====", "abc"},
      {"", ""},
      {"MFRGG===A", "abc"},
  };
  for (const auto& c : cases) EXPECT_EQ(decodeBase32(c.text).value(), c.want) << c.text;
}

TEST(EncodingTest, MalformedBase32IsToldByItsPlace) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"nbswy3dp", "illegal base32 data at input byte 0"},
      {"NBSWY3D", "illegal base32 data at input byte 0"},
      {"1", "illegal base32 data at input byte 0"},
      {"========", "illegal base32 data at input byte 0"},
      {"MFRGG==", "illegal base32 data at input byte 7"},
      {"MFRGGA==", "illegal base32 data at input byte 6"},
      {"M=======", "illegal base32 data at input byte 1"},
      {"MFRGG==A", "illegal base32 data at input byte 6"},
  };
  for (const auto& c : cases) EXPECT_EQ(decodeBase32(c.text).error().message, c.error) << c.text;
}

TEST(EncodingTest, SumsAreInLowerCaseHex) {
  EXPECT_EQ(sha1Hex("hello"), "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
  EXPECT_EQ(sha256Hex("é"), "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c");
  EXPECT_EQ(sha512Hex("a"),
            "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa"
            "5e74210546f369fbbbce8c12cfc7957b2652fe9a75");
  EXPECT_EQ(sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(adler32Sum(""), 1u);
  EXPECT_EQ(adler32Sum("a"), 6422626u);
}

TEST(EncodingTest, HtmlIsEscaped) {
  EXPECT_EQ(escapeHtml("<a href=\"x\">'&amp;'</a>"),
            "&lt;a href=&#34;x&#34;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(escapeHtml("é日"), "é日");
  EXPECT_EQ(escapeHtml("\xff"), "\xff");
  EXPECT_EQ(escapeHtml(std::string_view("a\0b", 3)),
            "a\xef\xbf\xbd"
            "b");
}

TEST(EncodingTest, JavaScriptIsEscaped) {
  EXPECT_EQ(escapeJs("\\'\"<>&="), "\\\\\\'\\\"\\u003C\\u003E\\u0026\\u003D");
  EXPECT_EQ(escapeJs("\n\t\x01\x7f"), "\\u000A\\u0009\\u0001\x7f");
  EXPECT_EQ(escapeJs("é日😀\xc2\xa0\xe2\x80\x8b\xf3\xa0\x80\x81\xf4\x8f\xbf\xbe"),
            "é日😀\\u00A0\\u200B\\uE0001\\u10FFFE");
  EXPECT_EQ(escapeJs("a\xff"), "a\xff");
}

TEST(EncodingTest, QueriesAreEscaped) {
  EXPECT_EQ(escapeUrlQuery("aZ09-_.~ /?&=+%"), "aZ09-_.~+%2F%3F%26%3D%2B%25");
  EXPECT_EQ(escapeUrlQuery("é\n"), "%C3%A9%0A");
}

TEST(EncodingTest, JsonStringsAreWrittenAsGoWritesThem) {
  const struct {
    const char* text;
    const char* escaped;
    const char* raw;
  } cases[] = {
      {"a\"\\b", "\"a\\\"\\\\b\"", "\"a\\\"\\\\b\""},
      {"<&>", "\"\\u003c\\u0026\\u003e\"", "\"<&>\""},
      {"\n\r\t\x08\x0c\x01\x7f", "\"\\n\\r\\t\\b\\f\\u0001\x7f\"",
       "\"\\n\\r\\t\\b\\f\\u0001\x7f\""},
      {"é日\xe2\x80\xa8\xe2\x80\xa9", "\"é日\\u2028\\u2029\"", "\"é日\\u2028\\u2029\""},
      {"a\xff", "\"a\\ufffd\"", "\"a\\ufffd\""},
      {"", "\"\"", "\"\""},
  };
  for (const auto& c : cases) {
    std::string escaped;
    appendJsonString(escaped, c.text, true);
    EXPECT_EQ(escaped, c.escaped);
    std::string raw;
    appendJsonString(raw, c.text, false);
    EXPECT_EQ(raw, c.raw);
  }
}

TEST(EncodingTest, JsonNumbersHaveExponentsFarFromOne) {
  const struct {
    double value;
    const char* text;
  } cases[] = {
      {0, "0"},
      {-0.0, "-0"},
      {1e20, "100000000000000000000"},
      {1e21, "1e+21"},
      {1e-6, "0.000001"},
      {1e-7, "1e-7"},
      {1.5e-10, "1.5e-10"},
      {-1.25e300, "-1.25e+300"},
      {3, "3"},
      {0.1, "0.1"},
      {-123456789.5, "-123456789.5"},
  };
  for (const auto& c : cases) EXPECT_EQ(formatJsonNumber(c.value), c.text);
}

}  // namespace
}  // namespace iop::gotemplate::internal
