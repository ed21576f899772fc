#include "gotemplate/internal/regexp.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace iop::gotemplate::internal {
namespace {

RegexpPtr compile(std::string_view pattern) { return compileRegexp(pattern).value(); }

std::string show(const std::optional<std::vector<std::string_view>>& parts) {
  if (!parts) return "nil";
  std::string out;
  for (const std::string_view part : *parts) out.append("[").append(part).append("]");
  return out;
}

constexpr std::size_t kLarge = 1 << 20;

TEST(RegexpTest, FindsTheLeftmostMatch) {
  const struct {
    const char* pattern;
    const char* text;
    const char* want;
  } cases[] = {
      {"a+", "caaat aab", "aaa"},
      {"x*", "axxb", ""},
      {"b$", "ab\nb", "b"},
      {"(?m)^b", "a\nb", "b"},
      {"a.b", "a\nb", ""},
      {"(?s)a.b", "a\nb", "a\nb"},
      {".", "日本", "日"},
      {"\\bw", "xw w", "w"},
      {"(?i)ÀB", "xàb", "àb"},
      {"\\pL+", "1é日2", "é日"},
      {"\\pl+", "aΩ1", "aΩ"},
      {"\\p{upper-case LETTER}", "aΩ1", "Ω"},
      {"\\P{^greek}", "aΩ1", "Ω"},
      {"[\\p{ASCII}]+", "Ωa1", "a1"},
      {"[^\\P{ascii}x]+", "Ωa1", "a1"},
      {"\\P{Assigned}", "a\u0378", "\u0378"},
      {"[\\p{Cn}1]+", "a\u03781", "\u03781"},
      {"[\\P{LC}]+", "aΩ1.", "1."},
      {"\\p{C}", "a\u0378", "\u0378"},
      {"a|ab", "ab", "a"},
      {"(?<n>b)", "ab", "b"},
      {"[[:alpha:]]+", "1ab2", "ab"},
      {"\\Q(?<n>\\E", "a(?<n>", "(?<n>"},
      {"[(?<]+", "a(?<", "(?<"},
  };
  for (const auto& c : cases) EXPECT_EQ(compile(c.pattern)->find(c.text), c.want) << c.pattern;
}

TEST(RegexpTest, ErrorsAreThoseOfGo) {
  const struct {
    const char* pattern;
    const char* text;
    const char* error;
  } cases[] = {
      {"(", "", "error parsing regexp: missing closing ): `(`"},
      {"a)", "", "error parsing regexp: unexpected ): `a)`"},
      {"*", "", "error parsing regexp: missing argument to repetition operator: `*`"},
      {"a**", "", "error parsing regexp: invalid nested repetition operator: `**`"},
      {"a{1001}", "", "error parsing regexp: invalid repeat count: `{1001}`"},
      {"a{2,1}", "", "error parsing regexp: invalid repeat count: `{2,1}`"},
      {"[", "", "error parsing regexp: missing closing ]: `[`"},
      {"[z-a]", "", "error parsing regexp: invalid character class range: `z-a`"},
      {"\\", "", "error parsing regexp: trailing backslash at end of expression: ``"},
      {"\\C", "", "error parsing regexp: invalid escape sequence: `\\C`"},
      {"\\Z", "", "error parsing regexp: invalid escape sequence: `\\Z`"},
      {"(?=a)", "", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
      {"(?<=a)", "", "error parsing regexp: invalid named capture: `(?<=a)`"},
      {"(?P<n!>a)", "", "error parsing regexp: invalid named capture: `(?P<n!>`"},
      {"(?<é>a)", "", "error parsing regexp: invalid named capture: `(?<é>`"},
      {"(?z)", "", "error parsing regexp: invalid or unsupported Perl syntax: `(?z`"},
      {"[[:x:]]", "", "error parsing regexp: invalid character class range: `[:x:]`"},
      {"\\p{Old_Italic}", "",
       "error parsing regexp: invalid character class range: `\\p{Old_Italic}`"},
      {"\\p{X}", "", "error parsing regexp: invalid character class range: `\\p{X}`"},
      {"a\xff"
       "b",
       "",
       "error parsing regexp: invalid UTF-8: `\xff"
       "b`"},
      {"(?:a{500}){3}", "", "error parsing regexp: invalid repeat count: `{3}`"},
      {"\\8", "", "error parsing regexp: invalid escape sequence: `\\8`"},
      {"(?P=n)", "", "error parsing regexp: invalid or unsupported Perl syntax: `(?P`"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(compileRegexp(c.pattern).error().message, c.error) << c.pattern;
}

TEST(RegexpTest, FindsAllMatches) {
  const struct {
    const char* pattern;
    const char* text;
    std::int64_t limit;
    const char* want;
  } cases[] = {
      {"a+", "caaat aab", -1, "[aaa][aa]"}, {"a+", "caaat aab", 1, "[aaa]"},
      {"a+", "caaat aab", 0, "nil"},        {"x", "abc", -1, "nil"},
      {"x*", "axxb", -1, "[][xx][]"},       {"", "日b", -1, "[][][]"},
      {"\\B", "aé日", -1, "[][]"},          {"^a", "aaa", -1, "[a]"},
      {"b*", "abb", 2, "[][bb]"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(show(compile(c.pattern)->findAll(c.text, c.limit)), c.want) << c.pattern;
}

TEST(RegexpTest, SplitsBetweenMatches) {
  const struct {
    const char* pattern;
    const char* text;
    std::int64_t limit;
    const char* want;
  } cases[] = {
      {"a+", "caaat aab", -1, "[c][t ][b]"},
      {"a+", "caaat aab", 2, "[c][t aab]"},
      {"a", "banana", 0, "nil"},
      {"a", "banana", 1, "[banana]"},
      {"", "日bc", -1, "[日][b][c]"},
      {"x", "", -1, "[]"},
      {"x*", "axxb", 2, "[a][b]"},
      {"^a", "abc", -1, "[][bc]"},
      {"|", "*", 2, "[*]"},
      {"c$", "abc", -1, "[ab][]"},
  };
  for (const auto& c : cases) {
    std::size_t matches = 0;
    EXPECT_EQ(show(compile(c.pattern)->split(c.text, c.limit, matches)), c.want) << c.pattern;
  }
  std::size_t matches = 0;
  EXPECT_TRUE(compile("")->split("", -1, matches)->empty());
}

TEST(RegexpTest, ReplacementsAreExpanded) {
  const struct {
    const char* pattern;
    const char* text;
    const char* replacement;
    const char* want;
  } cases[] = {
      {"(\\w+)=(\\w+)", "a=b c=d", "$2=$1", "b=a d=c"},
      {"a", "banana", "$0$0", "baanaanaa"},
      {"(a)(n)?", "banana", "${1}x$1x$2", "baxnaxnax"},
      {"(?<n>a)|(?<n>b)", "ab", "<$n>", "<a><b>"},
      {"(?P<first>a)|(?<second>n)", "ban", "<$first|${second}|$none>", "b<a||><|n|>"},
      {"a", "banana", "$$1", "b$1n$1n$1"},
      {"a", "banana", "$", "b$n$n$"},
      {"a", "banana", "${a", "b${an${an${a"},
      {"(a)", "banana", "$01", "bnn"},
      {"x*", "abc", "-", "-a-b-c-"},
      {"", "日", "-", "-日-"},
      {"a", "b", "", "b"},
      {"a", "a", "é$0é", "é"},
      {"a", "banana", "$1000000000", "bnn"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(compile(c.pattern)->replaceAll(c.text, c.replacement, kLarge).value(), c.want)
        << c.replacement;
  }
  EXPECT_EQ(compile("a+")->replaceAllLiteral("caat", "$0", kLarge).value(), "c$0t");
}

TEST(RegexpTest, ReplacementStopsAtItsLimit) {
  const std::string text(1000, 'a');
  EXPECT_EQ(compile("a")->replaceAll(text, "bb", 2000).value().size(), 2000u);
  EXPECT_EQ(compile("a")->replaceAll(text, "bb", 1999).error().code, Code::RequestEntityTooLarge);
  EXPECT_EQ(compile("")->replaceAllLiteral(text, text, kLarge / 2).error().code,
            Code::RequestEntityTooLarge);
  EXPECT_EQ(compile("(a+)")->replaceAll(text, "$1$1$1", 2999).error().code,
            Code::RequestEntityTooLarge);
}

TEST(RegexpTest, InvalidBytesCountAsTheReplacementCharacter) {
  const struct {
    const char* pattern;
    const char* text;
    const char* replacement;
    const char* want;
  } cases[] = {
      {".",
       "a\xff"
       "b",
       "<$0>", "<a><\xff><b>"},
      {"[^a]",
       "a\xff\xe6\x97"
       "b",
       "-", "a----"},
      {"\\x{FFFD}",
       "\xff\xef\xbf\xbd"
       "a",
       "x", "xxa"},
      {"b",
       "\xff"
       "b\xff\xff"
       "b\xff",
       "<$0>", "\xff<b>\xff\xff<b>\xff"},
      {"\\B", "a\xff\xff", "-", "a\xff-\xff-"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(compile(c.pattern)->replaceAll(c.text, c.replacement, kLarge).value(), c.want)
        << c.pattern;
  }
  EXPECT_EQ(compile("b.")->find("\xff\xff"
                                "b\xff\xff"),
            "b\xff");
  EXPECT_TRUE(compile("^.$")->matches("\xff"));
}

TEST(RegexpTest, MustCompileTextQuotesThePattern) {
  EXPECT_EQ(mustCompileErrorText("(", compileRegexp("(").error()),
            "regexp: Compile(`(`): error parsing regexp: missing closing ): `(`");
  EXPECT_EQ(mustCompileErrorText("`(", compileRegexp("`(").error()),
            "regexp: Compile(\"`(\"): error parsing regexp: missing closing ): ``(`");
  EXPECT_EQ(mustCompileErrorText("(\n", compileRegexp("(\n").error()),
            "regexp: Compile(\"(\\n\"): error parsing regexp: missing closing ): `(\n`");
}

TEST(RegexpTest, LargeExpressionsAreCompiledOrRefused) {
  EXPECT_TRUE(compile("[[:alpha:]]{1000}")->matches(std::string(1000, 'a')));
  EXPECT_TRUE(compile("(\\pL{10}){10}")->matches(std::string(100, 'a')));
  // Go compiles this one, too, in ten times the time and memory that a template may take.
  const std::string pattern = "(\\pL{30}){30}";
  EXPECT_EQ(compileRegexp(pattern).error().message,
            "error parsing regexp: expression too large: `" + pattern + "`");
}

TEST(RegexpTest, GroupsNestAsDeepAsInGo) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a" + std::string(depth, ')');
  };
  EXPECT_TRUE(compileRegexp(nested(999)));
  EXPECT_EQ(compileRegexp(nested(1000)).error().message,
            "error parsing regexp: expression nests too deeply: `" + nested(1000) + "`");
  std::string sideBySide;
  for (int i = 0; i < 1500; ++i) sideBySide += "(a)";
  EXPECT_TRUE(compileRegexp(sideBySide)) << "these are not within each other";
}

TEST(RegexpTest, ASearchCanBeEnded) {
  int searches = 0;
  const auto meter = [&searches] {
    if (++searches == 3) throw 3;
  };
  EXPECT_THROW(static_cast<void>(compile("a")->findAll("aaaa", -1, meter)), int);
  EXPECT_EQ(searches, 3);
}

TEST(RegexpTest, ExpressionsAreSharedByThreads) {
  EXPECT_EQ(compile("a(b)c"), compile("a(b)c"));
  std::vector<std::thread> threads;
  std::atomic<int> matches = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&matches] {
      for (int i = 0; i < 200; ++i) {
        const std::string number = std::to_string(i);
        if (compile("x" + number)->matches("wx" + number)) ++matches;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(matches, 800);
}

TEST(RegexpTest, QuoteMetaEscapesGoMetacharactersOnly) {
  EXPECT_EQ(quoteMeta("\\.+*?()|[]{}^$"), "\\\\\\.\\+\\*\\?\\(\\)\\|\\[\\]\\{\\}\\^\\$");
  EXPECT_EQ(quoteMeta("a-b_c/é \""), "a-b_c/é \"");
}

}  // namespace
}  // namespace iop::gotemplate::internal
