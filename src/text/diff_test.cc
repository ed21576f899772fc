#include "text/diff.h"

#include <gtest/gtest.h>

#include <vector>

#include "text/json.h"

namespace iop::text {
namespace {

Value json(std::string_view text) { return parseJson(text).value(); }

TEST(Diff, IsEmptyForEqualTrees) {
  EXPECT_EQ(diffAsYaml(json(R"({"a":[1,2]})"), json(R"({"a":[1,2]})")), "");
}

TEST(Diff, ShowsTheLinesThatDiffer) {
  EXPECT_EQ(diffAsYaml(json(R"({"metadata":{"name":"web-0","namespace":"app"}})"),
                       json(R"({"metadata":{"name":"web-1","namespace":"app"}})")),
            "--- expected\n+++ actual\n@@ -1,3 +1,3 @@\n metadata:\n-  name: web-0\n+  name: "
            "web-1\n   namespace: app\n");
}

TEST(Diff, ShowsHunksWithTheirContext) {
  std::string from, to;
  for (int i = 1; i <= 20; ++i) {
    from += "line " + std::to_string(i) + "\n";
    if (i != 2) to += "line " + std::to_string(i) + (i == 15 ? "!" : "") + "\n";
  }
  EXPECT_EQ(diffLines(from, to, {.from = "a", .to = "b", .context = 1}),
            "--- a\n+++ b\n@@ -1,3 +1,2 @@\n line 1\n-line 2\n line 3\n@@ -14,3 +13,3 @@\n line "
            "14\n-line 15\n"
            "+line 15!\n line 16\n");
  EXPECT_EQ(
      diffLines(from, to, {.context = 0}),
      "--- expected\n+++ actual\n@@ -2 +1,0 @@\n-line 2\n@@ -15 +14 @@\n-line 15\n+line 15!\n");
}

TEST(Diff, JoinsHunksThatTouch) {
  EXPECT_EQ(diffLines("a\nb\nc\nd\n", "A\nb\nc\nD\n", {.context = 1}),
            "--- expected\n+++ actual\n@@ -1,4 +1,4 @@\n-a\n+A\n b\n c\n-d\n+D\n");
}

TEST(Diff, HandlesEmptyTexts) {
  EXPECT_EQ(diffLines("", "a\n"), "--- expected\n+++ actual\n@@ -0,0 +1 @@\n+a\n");
  EXPECT_EQ(diffLines("a\nb\n", ""), "--- expected\n+++ actual\n@@ -1,2 +0,0 @@\n-a\n-b\n");
}

TEST(Diff, TellsTreesApartThatPrintAlike) {
  EXPECT_EQ(diffAsYaml(Value(1), Value(1.0)), "--- expected\n+++ actual\n");
}

// Undoing the edits must give both texts back, whatever they are.
TEST(Diff, ContainsBothTexts) {
  unsigned seed = 1;
  const auto next = [&](unsigned bound) {
    return (seed = seed * 1103515245 + 12345) / 65536 % bound;
  };
  for (int round = 0; round < 300; ++round) {
    std::string from, to;
    for (unsigned i = next(12); i > 0; --i)
      from += std::string(1, static_cast<char>('a' + next(4))) + "\n";
    for (unsigned i = next(12); i > 0; --i)
      to += std::string(1, static_cast<char>('a' + next(4))) + "\n";
    if (from == to) continue;
    const std::string diff = diffLines(from, to, {.context = 100});
    std::string left, right;
    for (std::size_t at = diff.find("@@\n") + 3; at < diff.size(); at += 3) {
      const std::string line = diff.substr(at + 1, 2);
      if (diff[at] != '+') left += line;
      if (diff[at] != '-') right += line;
    }
    ASSERT_EQ(left, from);
    ASSERT_EQ(right, to);
  }
}

TEST(Diff, BoundsItsWorkForLongTexts) {
  std::string from, to;
  for (int i = 0; i < 3000; ++i) {
    from += "a" + std::to_string(i) + "\n";
    to += "b" + std::to_string(i) + "\n";
  }
  const std::string diff = diffLines(from, to);
  EXPECT_NE(diff.find("@@ -1,3000 +1,3000 @@\n-a0\n"), std::string::npos);
}

}  // namespace
}  // namespace iop::text
