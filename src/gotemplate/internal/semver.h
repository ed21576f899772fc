#pragma once

// Semantic versions and constraints on them, with the rules (and quirks) of Masterminds/semver 3.3.
//
//   ASSIGN_OR_RETURN(SemverConstraints constraints, SemverConstraints::parse(">=1.2, <2 || ~3.1"));
//   ASSIGN_OR_RETURN(Semver version, parseSemver("v1.4"));
//   constraints.check(version)                 // true
//   printSemver(version)                       // 1.4.0
//
// Values without hidden state; safe on any thread. Errors carry that library's texts
// ("Invalid Semantic Version", "improper constraint: x").

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {

struct Semver {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t patch = 0;
  std::string prerelease;  // without its "-"
  std::string metadata;    // without its "+"
  std::string original;    // as it was parsed

  // Field by field, as Go compares the struct; equality of versions is compareSemver(a, b) == 0.
  friend bool operator==(const Semver&, const Semver&) = default;
};

// Loose: an optional "v", one to three numbers, a prerelease, metadata.
Result<Semver> parseSemver(std::string_view text);
// X.Y.Z[-prerelease][+metadata].
std::string printSemver(const Semver& version);
// -1, 0 or 1 by SemVer 2 precedence; metadata does not count.
int compareSemver(const Semver& a, const Semver& b);

// Versions with the next number. incPatch of a prerelease gives its release.
Semver incMajor(const Semver& version);
Semver incMinor(const Semver& version);
Semver incPatch(const Semver& version);
// A copy with another prerelease or metadata (which may be empty). Errors: "Invalid Prerelease
// string", "Invalid Metadata string", "Version segment starts with 0".
Result<Semver> withPrerelease(const Semver& version, std::string_view prerelease);
Result<Semver> withMetadata(const Semver& version, std::string_view metadata);

class SemverConstraints {
 public:
  // Error: "improper constraint: x" and others of the library.
  static Result<SemverConstraints> parse(std::string_view text);

  bool check(const Semver& version) const;

 private:
  enum class Operator {
    TildeOrEqual,
    Not,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret
  };
  struct Constraint {
    Operator op = Operator::TildeOrEqual;
    Semver version;
    bool isMinorDirty = false;  // the minor number was missing or a wildcard
    bool isPatchDirty = false;
    bool isDirty = false;  // any number was
  };

  static Result<Constraint> parseOne(std::string_view text);
  static bool checkOne(const Constraint& constraint, const Semver& version);
  static bool checkTilde(const Constraint& constraint, const Semver& version);
  static bool checkCaret(const Constraint& constraint, const Semver& version);

  std::vector<std::vector<Constraint>>
      alternatives_;  // one of them must hold, with all of its parts
};

}  // namespace iop::gotemplate::internal
