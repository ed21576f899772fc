// The constraints of semver.h. The library they follow reads them with regular expressions; the
// grammar here takes the same texts:
//
//   constraints = set { "||" set }
//   set         = part { ( spaces | [spaces] "," ) part }
//   part        = [spaces] [operator] [spaces] version [spaces]
//   version     = ["v"] number [ "." number [ "." number ]] [ "-" identifiers ] [ "+" identifiers ]
//   number      = { digit | "x" | "X" | "*" | "|" }            (the "|" is a slip of the original)
//
// Before that, "a - b" becomes ">= a, <= b ".

#include <optional>

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/semver.h"
#include "gotemplate/internal/strings.h"

namespace iop::gotemplate::internal {
namespace {

bool isNumberByte(char c) {
  return isAsciiDigit(c) || c == 'x' || c == 'X' || c == '*' || c == '|';
}

bool isSuffixByte(char c) { return isAsciiAlphanumeric(c) || c == '-'; }

// \s of regular expressions.
bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

std::size_t skipBlanks(std::string_view text, std::size_t at) {
  while (at < text.size() && isBlank(text[at])) ++at;
  return at;
}

template <typename Predicate>
std::size_t skipWhile(std::string_view text, std::size_t at, Predicate isTaken) {
  while (at < text.size() && isTaken(text[at])) ++at;
  return at;
}

// The end of `mark` and identifiers joined by dots at `at`; `at` itself where there are none.
std::size_t skipIdentifiers(std::string_view text, std::size_t at, char mark) {
  if (at >= text.size() || text[at] != mark) return at;
  std::size_t end = skipWhile(text, at + 1, isSuffixByte);
  if (end == at + 1) return at;
  while (end < text.size() && text[end] == '.') {
    const std::size_t next = skipWhile(text, end + 1, isSuffixByte);
    if (next == end + 1) break;
    end = next;
  }
  return end;
}

// A version as a constraint writes it.
struct VersionText {
  std::string_view all;
  std::string_view numbers[3];  // "" where absent
  std::string_view prerelease;  // with its "-"
};

std::optional<VersionText> takeVersion(std::string_view text, std::size_t start) {
  VersionText version;
  std::size_t at = start;
  if (at < text.size() && text[at] == 'v') ++at;
  for (int i = 0; i < 3; ++i) {
    const std::size_t from = i == 0 ? at : at + 1;
    if (i > 0 && (at >= text.size() || text[at] != '.')) break;
    const std::size_t end = skipWhile(text, from, isNumberByte);
    if (end <= from) {
      if (i == 0) return std::nullopt;
      break;
    }
    version.numbers[i] = text.substr(from, end - from);
    at = end;
  }
  const std::size_t numbersEnd = at;
  at = skipIdentifiers(text, at, '-');
  version.prerelease = text.substr(numbersEnd, at - numbersEnd);
  at = skipIdentifiers(text, at, '+');
  version.all = text.substr(start, at - start);
  return version;
}

constexpr std::string_view kOperators[] = {"!=", ">=", "=>", "<=", "=<", "~>",
                                           "=",  ">",  "<",  "~",  "^"};

std::string_view takeOperator(std::string_view text) {
  for (const std::string_view name : kOperators) {
    if (text.starts_with(name)) return name;
  }
  return {};
}

// One "a - b" with the blanks around it.
struct HyphenRange {
  std::size_t start = 0;
  std::size_t end = 0;
  std::string_view low;
  std::string_view high;
};

// A range that starts exactly at `start`, without blanks in front.
std::optional<HyphenRange> takeRange(std::string_view text, std::size_t start) {
  const std::optional<VersionText> low = takeVersion(text, start);
  if (!low) return std::nullopt;
  std::size_t at = start + low->all.size();
  const std::size_t dash = skipBlanks(text, at);
  if (dash == at || dash >= text.size() || text[dash] != '-') return std::nullopt;
  at = skipBlanks(text, dash + 1);
  if (at == dash + 1) return std::nullopt;
  const std::optional<VersionText> high = takeVersion(text, at);
  if (!high) return std::nullopt;
  return HyphenRange{start, skipBlanks(text, at + high->all.size()), low->all, high->all};
}

// Each range from left to right becomes two constraints. As in the original, what is replaced is
// the first place where the range's text stands.
std::string rewriteRanges(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t blanksEnd = skipBlanks(text, at);
    std::optional<HyphenRange> range = takeRange(text, blanksEnd);
    if (!range) {
      at = blanksEnd > at ? blanksEnd : at + 1;
      continue;
    }
    const std::string_view written = text.substr(at, range->end - at);
    const std::string rewritten =
        ">= " + std::string(range->low) + ", <= " + std::string(range->high) + " ";
    out.replace(out.find(written), written.size(), rewritten);
    at = range->end;
  }
  return out;
}

bool isWildcard(std::string_view number) {
  return number.empty() || number == "x" || number == "X" || number == "*";
}

tl::unexpected<Error> improper(std::string_view text) {
  return fail(Code::Invalid, "improper constraint: " + std::string(text));
}

}  // namespace

Result<SemverConstraints::Constraint> SemverConstraints::parseOne(std::string_view text) {
  const std::string_view name = takeOperator(text);
  const VersionText written = *takeVersion(text, skipBlanks(text, name.size()));
  Constraint constraint;
  if (name == "!=") constraint.op = Operator::Not;
  if (name == ">") constraint.op = Operator::Greater;
  if (name == "<") constraint.op = Operator::Less;
  if (name == ">=" || name == "=>") constraint.op = Operator::GreaterOrEqual;
  if (name == "<=" || name == "=<") constraint.op = Operator::LessOrEqual;
  if (name == "~" || name == "~>") constraint.op = Operator::Tilde;
  if (name == "^") constraint.op = Operator::Caret;

  std::string version(written.all);
  const std::string prerelease(written.prerelease);
  if (isWildcard(written.numbers[0])) {
    version = "0.0.0" + prerelease;
    constraint.isDirty = true;
  } else if (isWildcard(written.numbers[1])) {
    version = std::string(written.numbers[0]) + ".0.0" + prerelease;
    constraint.isMinorDirty = constraint.isDirty = true;
  } else if (isWildcard(written.numbers[2])) {
    version =
        std::string(written.numbers[0]) + "." + std::string(written.numbers[1]) + ".0" + prerelease;
    constraint.isPatchDirty = constraint.isDirty = true;
  }
  Result<Semver> parsed = parseSemver(version);
  if (!parsed) return fail(Code::Invalid, "constraint Parser Error");
  constraint.version = std::move(*parsed);
  return constraint;
}

Result<SemverConstraints> SemverConstraints::parse(std::string_view text) {
  const std::string rewritten = rewriteRanges(text);
  SemverConstraints result;
  for (const std::string_view set : internal::split(rewritten, "||")) {
    // The whole set is checked before any part of it is read.
    std::vector<std::string_view> parts;
    std::size_t at = skipBlanks(set, 0);
    while (true) {
      const std::size_t start = at;
      at = skipBlanks(set, at + takeOperator(set.substr(at)).size());
      const std::optional<VersionText> version = takeVersion(set, at);
      if (!version) return improper(set);
      at += version->all.size();
      parts.push_back(set.substr(start, at - start));
      const std::size_t next = skipBlanks(set, at);
      if (next == set.size()) break;
      if (set[next] == ',') {
        at = skipBlanks(set, next + 1);
      } else if (next > at) {
        at = next;
      } else {
        return improper(set);
      }
    }
    std::vector<Constraint> constraints;
    for (const std::string_view part : parts) {
      ASSIGN_OR_RETURN(Constraint constraint, parseOne(part));
      constraints.push_back(std::move(constraint));
    }
    result.alternatives_.push_back(std::move(constraints));
  }
  return result;
}

bool SemverConstraints::check(const Semver& version) const {
  for (const std::vector<Constraint>& set : alternatives_) {
    bool holds = true;
    for (const Constraint& constraint : set) holds = holds && checkOne(constraint, version);
    if (holds) return true;
  }
  return false;
}

bool SemverConstraints::checkOne(const Constraint& constraint, const Semver& version) {
  const Semver& wanted = constraint.version;
  const int order = compareSemver(version, wanted);
  if (constraint.op == Operator::Not && !constraint.isDirty) return order != 0;
  // A prerelease is only for those who ask for one.
  if (!version.prerelease.empty() && wanted.prerelease.empty()) return false;
  switch (constraint.op) {
    case Operator::TildeOrEqual:
      return constraint.isDirty ? checkTilde(constraint, version) : order == 0;
    case Operator::Not:
      if (version.major != wanted.major) return true;
      if (constraint.isMinorDirty) return false;
      if (version.minor != wanted.minor) return true;
      if (!constraint.isPatchDirty) return order != 0;
      return version.prerelease != wanted.prerelease;
    case Operator::Greater:
      if (version.major != wanted.major || !constraint.isDirty) return order > 0;
      if (constraint.isMinorDirty) return false;
      return constraint.isPatchDirty ? version.minor > wanted.minor : order > 0;
    case Operator::Less:
      return order < 0;
    case Operator::GreaterOrEqual:
      return order >= 0;
    case Operator::LessOrEqual:
      if (!constraint.isDirty) return order <= 0;
      if (version.major > wanted.major) return false;
      return version.major < wanted.major || version.minor <= wanted.minor ||
             constraint.isMinorDirty;
    case Operator::Tilde:
      return checkTilde(constraint, version);
    case Operator::Caret:
      return checkCaret(constraint, version);
  }
  return false;
}

bool SemverConstraints::checkTilde(const Constraint& constraint, const Semver& version) {
  const Semver& wanted = constraint.version;
  if (compareSemver(version, wanted) < 0) return false;
  // ~0.0.0 and ~* take everything.
  const bool isZero = wanted.major == 0 && wanted.minor == 0 && wanted.patch == 0;
  if (isZero && !constraint.isMinorDirty && !constraint.isPatchDirty) return true;
  return version.major == wanted.major &&
         (version.minor == wanted.minor || constraint.isMinorDirty);
}

bool SemverConstraints::checkCaret(const Constraint& constraint, const Semver& version) {
  const Semver& wanted = constraint.version;
  if (compareSemver(version, wanted) < 0 || version.major != wanted.major) return false;
  if (wanted.major > 0 || constraint.isMinorDirty) return true;
  if (version.minor != wanted.minor) return false;
  return wanted.minor > 0 || constraint.isPatchDirty || version.patch == wanted.patch;
}

}  // namespace iop::gotemplate::internal
