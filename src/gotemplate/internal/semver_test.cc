#include "gotemplate/internal/semver.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

TEST(SemverTest, ReadsLooseVersions) {
  const struct {
    const char* text;
    const char* printed;
    const char* nextMajor;  // as its original text
    const char* nextMinor;
    const char* nextPatch;
  } cases[] = {
      {"1.2.3", "1.2.3", "2.0.0", "1.3.0", "1.2.4"},
      {"v1", "1.0.0", "v2.0.0", "v1.1.0", "v1.0.1"},
      {"1.2", "1.2.0", "2.0.0", "1.3.0", "1.2.1"},
      {"1.2.3-beta.1+build.5", "1.2.3-beta.1+build.5", "2.0.0", "1.3.0", "1.2.3"},
      {"01.2.3", "1.2.3", "2.0.0", "1.3.0", "1.2.4"},
      {"18446744073709551615.0.0", "18446744073709551615.0.0", "0.0.0", "18446744073709551615.1.0",
       "18446744073709551615.0.1"},
      {"v2.0.0-rc", "2.0.0-rc", "v3.0.0", "v2.1.0", "v2.0.0"},
  };
  for (const auto& c : cases) {
    const Semver version = parseSemver(c.text).value();
    EXPECT_EQ(version.original, c.text);
    EXPECT_EQ(printSemver(version), c.printed);
    EXPECT_EQ(incMajor(version).original, c.nextMajor);
    EXPECT_EQ(incMinor(version).original, c.nextMinor);
    EXPECT_EQ(incPatch(version).original, c.nextPatch);
  }
}

TEST(SemverTest, RefusesWhatIsNoVersion) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "Invalid Semantic Version"},
      {"V1.2.3", "Invalid Semantic Version"},
      {"1.2.3.4", "Invalid Semantic Version"},
      {" 1.2.3", "Invalid Semantic Version"},
      {"1.2.3 ", "Invalid Semantic Version"},
      {"1.2.3-", "Invalid Semantic Version"},
      {"1.2.3-01", "Version segment starts with 0"},
      {"1.2.3-a..b", "Invalid Semantic Version"},
      {"1.2.x", "Invalid Semantic Version"},
      {"1.2.3-é", "Invalid Semantic Version"},
      {"99999999999999999999.0.0",
       "Error parsing version segment: strconv.ParseUint: parsing \"99999999999999999999\": value "
       "out of range"},
      {"1.2.3+", "Invalid Semantic Version"},
      {"1.2.3\n", "Invalid Semantic Version"},
  };
  for (const auto& c : cases) EXPECT_EQ(parseSemver(c.text).error().message, c.error);
}

TEST(SemverTest, OrdersByPrecedence) {
  // Each version is older than the next one.
  const char* const ordered[] = {"0.9.9",      "1.0.0-0",     "1.0.0-1",       "1.0.0-2",
                                 "1.0.0-10",   "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                 "1.0.0-beta", "1.0.0",       "1.0.1",         "1.1.0",
                                 "2"};
  for (std::size_t i = 0; i < std::size(ordered); ++i) {
    for (std::size_t j = 0; j < std::size(ordered); ++j) {
      const int want = i < j ? -1 : i > j ? 1 : 0;
      EXPECT_EQ(compareSemver(parseSemver(ordered[i]).value(), parseSemver(ordered[j]).value()),
                want)
          << ordered[i] << " " << ordered[j];
    }
  }
  EXPECT_EQ(compareSemver(parseSemver("1.0.0+a").value(), parseSemver("v1+b").value()), 0);
}

TEST(SemverTest, PrereleaseAndMetadataAreReplaced) {
  const Semver version = parseSemver("v1.2.3-a+b").value();
  EXPECT_EQ(withPrerelease(version, "rc.1")->original, "v1.2.3-rc.1+b");
  EXPECT_EQ(withPrerelease(version, "")->original, "v1.2.3+b");
  EXPECT_EQ(withMetadata(version, "c.d")->original, "v1.2.3-a+c.d");
  EXPECT_EQ(withPrerelease(version, "a_b").error().message, "Invalid Prerelease string");
  EXPECT_EQ(withPrerelease(version, "01").error().message, "Version segment starts with 0");
  EXPECT_EQ(withMetadata(version, "é").error().message, "Invalid Metadata string");
}

TEST(SemverTest, ConstraintsSelectVersions) {
  // One letter for each of these: y where the constraint takes it.
  const char* const versions[] = {"1.2.3", "0.0.0", "1.3.0-beta", "2.0.0", "0.2.3"};
  const struct {
    const char* constraint;
    const char* want;
  } cases[] = {
      {"*", "yynyy"},        {"1.2", "ynnnn"},          {"1.x", "ynnnn"},
      {"=1", "ynnnn"},       {"!=1", "nynyy"},          {"!=1.2.x", "nynyy"},
      {">1", "nnnyn"},       {">1.1", "ynnyn"},         {"<2", "yynny"},
      {"<=1.2", "yynny"},    {">=1.2.3-beta", "ynyyn"}, {"~1.2", "ynnnn"},
      {"~>1", "ynnnn"},      {"^1.2", "ynnnn"},         {"^0.2", "nnnny"},
      {"^0.0.3", "nnnnn"},   {"~0.0.0", "yynyy"},       {"1 - 2", "ynnyn"},
      {">=1 <2", "ynnnn"},   {">=1,<2", "ynnnn"},       {" >= 1 , < 2 ", "ynnnn"},
      {"1||0.2.x", "ynnny"}, {"<1.2.3-a", "nynny"},     {"1.2.3-beta", "nnnnn"},
      {"!=*", "ynnyy"},      {"^*", "nynnn"},
  };
  for (const auto& c : cases) {
    const SemverConstraints constraints = SemverConstraints::parse(c.constraint).value();
    std::string got;
    for (const char* const version : versions) {
      got += constraints.check(parseSemver(version).value()) ? 'y' : 'n';
    }
    EXPECT_EQ(got, c.want) << c.constraint;
  }
}

TEST(SemverTest, RefusesMalformedConstraints) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"", "improper constraint: "},
      {"  ", "improper constraint:   "},
      {"1 || ", "improper constraint:  "},
      {">", "improper constraint: >"},
      {">>1", "improper constraint: >>1"},
      {"> =1", "improper constraint: > =1"},
      {"1.2 -3", "improper constraint: 1.2 -3"},
      {"1,", "improper constraint: 1,"},
      {"1,,2", "improper constraint: 1,,2"},
      {",1", "improper constraint: ,1"},
      {"1 - 2 - 3", "improper constraint: >= 1, <= 2 - 3"},
      {"V1", "improper constraint: V1"},
      {"1.2.3.4", "improper constraint: 1.2.3.4"},
      {"1.2.3-", "improper constraint: 1.2.3-"},
      {"99999999999999999999", "constraint Parser Error"},
      {"1.2.3-01", "constraint Parser Error"},
      {"1 | 2", "constraint Parser Error"},
  };
  for (const auto& c : cases) EXPECT_EQ(SemverConstraints::parse(c.text).error().message, c.error);
}

}  // namespace
}  // namespace iop::gotemplate::internal
