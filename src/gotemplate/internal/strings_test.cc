#include "gotemplate/internal/strings.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

std::string show(const std::vector<std::string_view>& parts) {
  std::string out;
  for (const std::string_view part : parts) out.append("[").append(part).append("]");
  return out;
}

TEST(StringsTest, UpperMapsRuneByRune) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"", ""},         {"hello WORLD", "HELLO WORLD"}, {"ÀÉ ßŉ ǅ İı", "ÀÉ ßŉ Ǆ İI"},
      {"日本", "日本"}, {"a\xff\xc3\xa9", "A�É"},       {"Ⅷ ⓐ", "Ⅷ Ⓐ"},
  };
  for (const auto& c : cases) EXPECT_EQ(upper(c.text), c.want) << c.text;
}

TEST(StringsTest, LowerMapsRuneByRune) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"", ""},         {"hello WORLD", "hello world"}, {"ÀÉ ßŉ ǅ İı", "àé ßŉ ǆ iı"},
      {"日本", "日本"}, {"a\xff\xc3\xa9", "a�é"},       {"Ⅷ ⓐ", "ⅷ ⓐ"},
  };
  for (const auto& c : cases) EXPECT_EQ(lower(c.text), c.want) << c.text;
}

TEST(StringsTest, TitleRaisesTheFirstLetterOfEachWord) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"hello-world foo_bar", "Hello-World Foo_bar"},
      {"o'neil", "O'Neil"},
      {"a1b 2c", "A1b 2c"},
      {"x.y,z", "X.Y,Z"},
      {"éa êb", "Éa Êb"},
      {"the quick\tbrown\nfox", "The Quick\tBrown\nFox"},
      {"ǆabc", "ǅabc"},
      {"\xff"
       "abc a\xff"
       "b",
       "�abc A�b"},
      {"日本 go", "日本 Go"},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(title(c.text), c.want) << c.text;
}

TEST(StringsTest, UntitleLowersTheFirstLetterOfEachWord) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"ÀB CD", "àB cD"}, {"A\tB", "a\tb"},  {"ABC", "aBC"},
      {"ǅabc", "ǆabc"},   {"\xff A", "� a"}, {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(untitle(c.text), c.want) << c.text;
}

TEST(StringsTest, SwapcaseRaisesToTitleCaseAfterSpace) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"aA bB", "Aa Bb"}, {"This Is A.Test", "tHIS iS a.tEST"},
      {"ǅ", "ǆ"},         {"ǆ aǆ", "ǅ AǄ"},
      {"1a 2b", "1A 2B"}, {" -a", " -A"},
      {"ß", "ß"},         {"\xff", "�"},
  };
  for (const auto& c : cases) EXPECT_EQ(swapcase(c.text), c.want) << c.text;
}

TEST(StringsTest, SnakecaseCutsIntoWords) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"FirstName", "first_name"},
      {"HTTPServer", "http_server"},
      {"NoHTTPS", "no_https"},
      {"GO-PATH", "go_path"},
      {"HTTP20xOK", "http_20x_ok"},
      {"http2xx", "http_2xx"},
      {"Bld4Floor3rd", "bld4_floor_3rd"},
      {"Duration2m3s", "duration_2m3s"},
      {"_leading", "_leading"},
      {"trailing_", "trailing_"},
      {"__double__", "__double__"},
      {"_complex__case_", "_complex__case_"},
      {"some words", "some_words"},
      {"ABc", "a_bc"},
      {"A1b", "a_1b"},
      {"1Ab", "1_ab"},
      {"éÀb", "é_àb"},
      {"ÀÉtat", "à_état"},
      {"日本Foo", "日本_foo"},
      {"日1a", "日_1a"},
      {"a,b;c", "a,b;c"},
      {"Foo.Bar-Baz", "foo.bar_baz"},
      {",_x", ",_x"},
      {"-", "_"},
      {"", ""},
      {"AB$c", "ab_$_c"},
      {"a\xff"
       "B",
       "a_�b"},
      {"AB\xff"
       "c",
       "a_b�c"},
      {"_\xff", "_�"},
      {"\xff", "\xff"},
      {"IPv4Address", "i_pv4_address"},
      {"v1beta1", "v_1beta1"},
  };
  for (const auto& c : cases) EXPECT_EQ(snakecase(c.text), c.want) << c.text;
}

TEST(StringsTest, KebabcaseCutsIntoWords) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"FirstName", "first-name"},
      {"GO-PATH", "go-path"},
      {"Bld4Floor3rd", "bld4-floor-3rd"},
      {"trailing_", "trailing-"},
      {"some words", "some-words"},
      {"1Ab", "1-ab"},
      {"日本Foo", "日本-foo"},
      {"IPv4Address", "i-pv4-address"},
      {",_x", ",_x"},
      {"_a", "-a"},
  };
  for (const auto& c : cases) EXPECT_EQ(kebabcase(c.text), c.want) << c.text;
}

TEST(StringsTest, CamelcaseJoinsWords) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"FirstName", "FirstName"},
      {"HTTPServer", "Httpserver"},
      {"NoHTTPS", "NoHTTPS"},
      {"GO PATH", "GoPath"},
      {"some_words", "SomeWords"},
      {"a__b", "A_B"},
      {"a_-b", "A_B"},
      {"_leading", "_Leading"},
      {"__double__", "__Double__"},
      {"trailing_", "Trailing_"},
      {"-", "--"},
      {"-_", "-__"},
      {" - _", " - __"},
      {"fooBAR", "FooBAR"},
      {"a_BCd eFG", "ABcdEFG"},
      {"éÀb", "ÉÀb"},
      {"AÉB", "Aéb"},
      {"日本Foo", "日本Foo"},
      {"1a", "1a"},
      {"a.b", "A.b"},
      {"", ""},
      {"a\xff_b", "A�B"},
      {"AB\xff"
       "C",
       "Ab�C"},
  };
  for (const auto& c : cases) EXPECT_EQ(camelcase(c.text), c.want) << c.text;
}

TEST(StringsTest, TrimsWhiteSpaceOfUnicode) {
  EXPECT_EQ(trimSpace(" \t\n\xc2\x85\xc2\xa0\xe2\x80\xa8\xe3\x80\x80 a b \xe3\x80\x80"), "a b");
  EXPECT_EQ(trimSpace("\xff \xff"), "\xff \xff");
  EXPECT_EQ(trimSpace("  "), "");
}

TEST(StringsTest, TrimsRunesOfASet) {
  EXPECT_EQ(trimCutset("--a-b==", "-="), "a-b");
  EXPECT_EQ(trimCutset("ééaé", "é"), "a");
  EXPECT_EQ(trimCutset("éa", "\xc3"), "éa");
  EXPECT_EQ(trimCutset("\xff"
                       "a\xff",
                       "\xef\xbf\xbd"),
            "a");  // an invalid byte counts as U+FFFD
  EXPECT_EQ(trimCutset("aaa", "a"), "");
  EXPECT_EQ(trimCutset("aaa", ""), "aaa");
}

TEST(StringsTest, TrimsAffixesOnce) {
  EXPECT_EQ(trimPrefix("aab", "a"), "ab");
  EXPECT_EQ(trimPrefix("ab", "b"), "ab");
  EXPECT_EQ(trimSuffix("abb", "b"), "ab");
  EXPECT_EQ(trimSuffix("a", "aa"), "a");
}

TEST(StringsTest, FindsTheWordsBetweenSpace) {
  EXPECT_EQ(show(fields("  a b\xc2\xa0"
                        "c\t\n\xff ")),
            "[a][b][c][\xff]");
  EXPECT_EQ(show(fields("  ")), "");
  EXPECT_EQ(show(fields("a")), "[a]");
}

TEST(StringsTest, SplitsAtSeparators) {
  EXPECT_EQ(show(split("a,b,,c", ",")), "[a][b][][c]");
  EXPECT_EQ(show(split("", ",")), "[]");
  EXPECT_EQ(show(split("a", ",")), "[a]");
  EXPECT_EQ(show(splitN("a,b,c", ",", 2)), "[a][b,c]");
  EXPECT_EQ(show(splitN("a,b,c", ",", 1)), "[a,b,c]");
  EXPECT_EQ(show(splitN("a,b,c", ",", 0)), "");
  EXPECT_EQ(show(split("é日\xff", "")), "[é][日][\xff]");
  EXPECT_EQ(show(splitN("abc", "", 2)), "[a][bc]");
  EXPECT_EQ(show(split("", "")), "");
  EXPECT_EQ(join(split("a,b", ","), "-"), "a-b");
}

TEST(StringsTest, ReplacesAllOccurrences) {
  const struct {
    const char* text;
    const char* old;
    const char* replacement;
    const char* want;
  } cases[] = {
      {"banana", "a", "b", "bbnbnb"},
      {"abc", "", "x", "xaxbxcx"},
      {"aaaaa", "aa", "b", "bba"},
      {"", "x", "y", ""},
      {"", "", "x", "x"},
      {"日本", "", "-", "-日-本-"},
      {"banana", "na", "", "ba"},
      {"\xff", "", "-", "-\xff-"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(replaceAll(c.text, c.old, c.replacement), c.want);
    const std::string_view text = c.text;
    const std::string_view old = c.old;
    EXPECT_EQ(text.size() + countOccurrences(text, old) *
                                (std::string_view(c.replacement).size() - old.size()),
              std::string_view(c.want).size());
  }
}

TEST(StringsTest, RepeatsWithinBounds) {
  EXPECT_EQ(repeat("ab", 3).value(), "ababab");
  EXPECT_EQ(repeat("ab", 0).value(), "");
  EXPECT_EQ(repeat("", INT64_MAX).value(), "");
  EXPECT_EQ(repeat("a", -1).error().message, "strings: negative Repeat count");
  EXPECT_EQ(repeat("aaaa", 4611686018427387904).error().message,
            "strings: Repeat output length overflow");
}

TEST(StringsTest, InitialsAreFirstBytes) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {"a.b c", "ac"},
      {"日本 語", "æè"},
      {"  x  y ", "xy"},
      {"", ""},
      {"a\xc2\xa0"
       "b",
       "ab"},
  };
  for (const auto& c : cases) EXPECT_EQ(initials(c.text), c.want) << c.text;
}

TEST(StringsTest, NospaceDeletesSpaceBytes) {
  const struct {
    const char* text;
    const char* want;
  } cases[] = {
      {" a b ", "ab"},
      {"é b", "Ã©b"},
      {"à", "Ã"},
      {"a\xc2\x85"
       "b",
       "aÂb"},
      {"éb", "éb"},
      {"a\xe3\x80\x80"
       "b",
       "a\xe3\x80\x80"
       "b"},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(nospace(c.text), c.want) << c.text;
}

TEST(StringsTest, SubstrCutsBytes) {
  const struct {
    std::int64_t start;
    std::int64_t end;
    const char* text;
    const char* want;
  } cases[] = {
      {0, 2, "hello", "he"},  {1, -1, "hello", "ello"}, {3, 99, "hello", "lo"},
      {-1, 2, "hello", "he"}, {5, 5, "hello", ""},      {2, 4, "日本", "\xa5\xe6"},
      {0, 0, "", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(substr(c.start, c.end, c.text).value(), c.want);
  const struct {
    std::int64_t start;
    std::int64_t end;
    const char* text;
    const char* error;
  } failures[] = {
      {-1, 99, "hello", "runtime error: slice bounds out of range [:99] with length 5"},
      {-5, -2, "hello", "runtime error: slice bounds out of range [:-2]"},
      {5, 2, "hello", "runtime error: slice bounds out of range [5:2]"},
      {6, 99, "hello", "runtime error: slice bounds out of range [6:5]"},
      {6, -1, "hello", "runtime error: slice bounds out of range [6:5]"},
  };
  for (const auto& c : failures) EXPECT_EQ(substr(c.start, c.end, c.text).error().message, c.error);
}

TEST(StringsTest, TruncCutsFromEitherEnd) {
  const struct {
    std::int64_t number;
    const char* text;
    const char* want;
  } cases[] = {
      {2, "hello", "he"},     {-2, "hello", "lo"},    {0, "hello", ""}, {9, "hello", "hello"},
      {-9, "hello", "hello"}, {-5, "hello", "hello"}, {1, "é", "\xc3"},
  };
  for (const auto& c : cases) EXPECT_EQ(trunc(c.number, c.text), c.want) << c.text;
}

TEST(StringsTest, AbbrevEndsWithAnEllipsis) {
  const struct {
    std::int64_t number;
    const char* text;
    const char* want;
  } cases[] = {
      {5, "hello world", "he..."}, {3, "hello", "hello"},  {5, "hello", "hello"},
      {4, "hello", "h..."},        {-1, "hello", "hello"},
  };
  for (const auto& c : cases) EXPECT_EQ(abbrev(c.number, c.text), c.want) << c.text;
}

TEST(StringsTest, AbbrevbothHasEllipsesAtBothEnds) {
  const struct {
    std::int64_t offset;
    std::int64_t width;
    const char* text;
    std::string want;
  } cases[] = {
      {5, 10, "1234 5678 9123 abcd", "...5678..."},
      {0, 7, "1234 5678 9123 abcd", "1234..."},
      {1, 6, "1234 5678 9123 abcd", "1234 5678 9123 abcd"},
      {5, 6, "1234 5678 9123 abcd", "1234 5678 9123 abcd"},
      {10, 16, "1234 5678 9123 abcd", "...678 9123 abcd"},
      {99, 8, "1234 5678 9123 abcd", "... abcd"},
      {-1, 6, "1234 5678 9123 abcd", "123..."},
      {6, 7, "1234 5678 9123 abcd", "...6..."},
      {5, 10, "short", "short"},
      {-9223372036854775807, 7, "1234 5678 9123 abcd", "...abcd"},
  };
  for (const auto& c : cases) EXPECT_EQ(abbrevboth(c.offset, c.width, c.text), c.want) << c.offset;
}

TEST(StringsTest, WrapBreaksAtSpaces) {
  const struct {
    std::int64_t number;
    const char* text;
    const char* want;
  } cases[] = {
      {10, "aaa  bbb   ccc", "aaa  bbb  \nccc"},
      {10, " lead trail ", "lead trail\n"},
      {5, "averylongword ok", "averylongword\nok"},
      {0, "a b", "a\nb"},
      {-1, " lead trail ", "lead\ntrail\n"},
      {3, "a b c d e f", "a b\nc d\ne f"},
      {80, "a b", "a b"},
      {5, "a\nb c", "a\nb c"},
      {1, "", ""},
      {5, "日本語 テキスト", "日本語\nテキスト"},
  };
  for (const auto& c : cases) EXPECT_EQ(wrapText(c.text, c.number), c.want) << c.text;
}

TEST(StringsTest, WrapWithCutsLongWords) {
  const struct {
    std::int64_t width;
    const char* lineBreak;
    const char* text;
    const char* want;
  } cases[] = {
      {3, "-", "averylongword ok", "ave-ryl-ong-wor-d-ok"},
      {10, "", "averylongword ok", "averylongw\nord ok"},
      {5, "|", "aaa  bbb", "aaa |bbb"},
      {0, "\t", "Hello World", "H\te\tl\tl\to\tW\to\tr\tl\td"},
      {3, "-", "", ""},
  };
  for (const auto& c : cases)
    EXPECT_EQ(wrapTextWith(c.text, c.width, c.lineBreak), c.want) << c.text;
}

TEST(StringsTest, IndentPadsEachLine) {
  EXPECT_EQ(indent(2, "a\n\nb\n").value(), "  a\n  \n  b\n  ");
  EXPECT_EQ(indent(0, "a").value(), "a");
  EXPECT_EQ(indent(2, "").value(), "  ");
  EXPECT_EQ(indent(-1, "a").error().message, "strings: negative Repeat count");
}

TEST(StringsTest, PluralIsForAllButOne) {
  EXPECT_EQ(plural("one", "many", 1), "one");
  EXPECT_EQ(plural("one", "many", 0), "many");
  EXPECT_EQ(plural("one", "many", -1), "many");
}

}  // namespace
}  // namespace iop::gotemplate::internal
