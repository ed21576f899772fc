#include "gotemplate/internal/unicode.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

TEST(UnicodeTest, DecodesTheFirstRune) {
  const struct {
    std::string_view text;
    char32_t rune;
    std::size_t width;
  } cases[] = {
      {"", kReplacementRune, 0},
      {"a", 'a', 1},
      {"éa", 0xE9, 2},
      {"日", 0x65E5, 3},
      {"😀", 0x1F600, 4},
      {"\xef\xbf\xbd", kReplacementRune, 3},  // U+FFFD as it is written
      {"\x80", kReplacementRune, 1},          // a continuation without a lead
      {"\xc3", kReplacementRune, 1},          // a lead without a continuation
      {"\xc3"
       "a",
       kReplacementRune, 1},
      {"\xe6\x97", kReplacementRune, 1},
      {"\xf0\x9f\x98", kReplacementRune, 1},
      {"\xc0\x80", kReplacementRune, 1},  // overlong forms
      {"\xe0\x80\x80", kReplacementRune, 1},
      {"\xf0\x80\x80\x80", kReplacementRune, 1},
      {"\xed\xa0\x80", kReplacementRune, 1},      // a surrogate
      {"\xf4\x90\x80\x80", kReplacementRune, 1},  // above U+10FFFF
      {"\xf4\x8f\xbf\xbf", kMaxRune, 4},
  };
  for (const auto& c : cases) {
    const DecodedRune got = decodeRune(c.text);
    EXPECT_EQ(got.rune, c.rune) << c.text;
    EXPECT_EQ(got.width, c.width) << c.text;
  }
}

TEST(UnicodeTest, DecodesTheLastRune) {
  const struct {
    std::string_view text;
    char32_t rune;
    std::size_t width;
  } cases[] = {
      {"", kReplacementRune, 0},
      {"ab", 'b', 1},
      {"aé", 0xE9, 2},
      {"a日", 0x65E5, 3},
      {"a😀", 0x1F600, 4},
      {"a\x80", kReplacementRune, 1},
      {"é\x80", kReplacementRune, 1},
      {"a\xf0\x9f\x98", kReplacementRune, 1},
  };
  for (const auto& c : cases) {
    const DecodedRune got = decodeLastRune(c.text);
    EXPECT_EQ(got.rune, c.rune) << c.text;
    EXPECT_EQ(got.width, c.width) << c.text;
  }
}

TEST(UnicodeTest, EncodingAndDecodingAreInverse) {
  for (char32_t rune = 0; rune <= kMaxRune; ++rune) {
    std::string text;
    appendRune(text, rune);
    const DecodedRune got = decodeRune(text);
    ASSERT_EQ(got.width, text.size()) << static_cast<std::uint32_t>(rune);
    ASSERT_EQ(got.rune, isValidRune(rune) ? rune : kReplacementRune)
        << static_cast<std::uint32_t>(rune);
  }
}

TEST(UnicodeTest, CountsInvalidBytesAsOneRuneEach) {
  EXPECT_EQ(countRunes(""), 0u);
  EXPECT_EQ(countRunes("aé日😀"), 4u);
  EXPECT_EQ(countRunes("\xff\xff"
                       "a\xe6\x97"),
            5u);
  EXPECT_TRUE(isValidUtf8("aé日😀\xef\xbf\xbd"));
  EXPECT_FALSE(isValidUtf8("a\xff"));
}

// The number of runes of each class, and a hash of them, as Go 1.26 (Unicode 15.0) has them.
TEST(UnicodeTest, ClassesAreThoseOfGo) {
  const struct {
    const char* name;
    bool (*is)(char32_t);
    std::uint64_t count;
    std::uint64_t hash;
  } cases[] = {
      {"isSpace", isSpace, 25, 6683082541612398426u},
      {"isLetter", isLetter, 136104, 7674122493976212486u},
      {"isDigit", isDigit, 680, 15886137320041802964u},
      {"isNumber", isNumber, 1831, 14783343902856503645u},
      {"isUpper", isUpper, 1831, 15188619951759871072u},
      {"isLower", isLower, 2233, 14177069023233823678u},
      {"isTitle", isTitle, 31, 14353869528881710902u},
      {"isPunct", isPunct, 842, 15669029753263820443u},
      {"isSymbol", isSymbol, 7770, 14495222319740537913u},
      {"isControl", isControl, 65, 5705923874481211007u},
      {"isPrint", isPrint, 148998, 11005349497113234412u},
  };
  for (const auto& c : cases) {
    std::uint64_t count = 0;
    std::uint64_t hash = 0;
    for (char32_t rune = 0; rune <= kMaxRune; ++rune) {
      if (!c.is(rune)) continue;
      ++count;
      hash = hash * 31 + rune;
    }
    EXPECT_EQ(count, c.count) << c.name;
    EXPECT_EQ(hash, c.hash) << c.name;
  }
}

TEST(UnicodeTest, CaseMappingIsThatOfGo) {
  const struct {
    const char* name;
    char32_t (*map)(char32_t);
    std::uint64_t hash;
  } cases[] = {
      {"toUpper", toUpper, 6588865143157233593u},
      {"toLower", toLower, 6667803932044710544u},
      {"toTitle", toTitle, 357148874356802809u},
  };
  for (const auto& c : cases) {
    std::uint64_t hash = 0;
    for (char32_t rune = 0; rune <= kMaxRune; ++rune) hash = hash * 31 + c.map(rune);
    EXPECT_EQ(hash, c.hash) << c.name;
  }
}

}  // namespace
}  // namespace iop::gotemplate::internal
