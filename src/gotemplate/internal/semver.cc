#include "gotemplate/internal/semver.h"

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/strings.h"

namespace iop::gotemplate::internal {
namespace {

bool isIdentifierByte(char c) { return isAsciiAlphanumeric(c) || c == '-'; }

template <typename Predicate>
bool consistsOf(std::string_view text, Predicate isAllowed) {
  for (const char c : text) {
    if (!isAllowed(c)) return false;
  }
  return true;
}

tl::unexpected<Error> notAVersion() { return goError("Invalid Semantic Version"); }

// Takes digits from the front of `text`.
std::string_view takeDigits(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && isAsciiDigit(text[size])) ++size;
  const std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

// Takes what stands behind `mark` (if the text starts with it) up to `end`: identifiers joined by
// dots.
bool takeIdentifiers(std::string_view& text, char mark, char end, std::string& taken) {
  if (!text.starts_with(mark)) return true;
  text.remove_prefix(1);
  const std::string_view identifiers = text.substr(0, text.find(end));
  for (const std::string_view part : split(identifiers, ".")) {
    if (part.empty() || !consistsOf(part, isIdentifierByte)) return false;
  }
  taken = identifiers;
  text.remove_prefix(identifiers.size());
  return true;
}

Status checkPrerelease(std::string_view prerelease) {
  for (const std::string_view part : split(prerelease, ".")) {
    if (consistsOf(part, isAsciiDigit)) {
      if (part.size() > 1 && part[0] == '0') return goError("Version segment starts with 0");
    } else if (!consistsOf(part, isIdentifierByte)) {
      return goError("Invalid Prerelease string");
    }
  }
  return {};
}

Status checkMetadata(std::string_view metadata) {
  for (const std::string_view part : split(metadata, ".")) {
    if (!consistsOf(part, isIdentifierByte)) return goError("Invalid Metadata string");
  }
  return {};
}

int compareNumbers(std::uint64_t a, std::uint64_t b) { return a < b ? -1 : a > b ? 1 : 0; }

int comparePrereleaseParts(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  if (a.empty() || b.empty()) return a.empty() ? -1 : 1;
  const Parsed<std::uint64_t> numberA = parseUint(a);
  const Parsed<std::uint64_t> numberB = parseUint(b);
  if (numberA.ok() && numberB.ok()) return numberA.value > numberB.value ? 1 : -1;
  if (numberA.ok() != numberB.ok()) return numberA.ok() ? -1 : 1;  // numbers before words
  return a > b ? 1 : -1;
}

int comparePrereleases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.empty() == b.empty() ? 0 : a.empty() ? 1 : -1;
  const std::vector<std::string_view> partsA = split(a, ".");
  const std::vector<std::string_view> partsB = split(b, ".");
  const std::size_t count = std::max(partsA.size(), partsB.size());
  for (std::size_t i = 0; i < count; ++i) {
    const int order = comparePrereleaseParts(i < partsA.size() ? partsA[i] : "",
                                             i < partsB.size() ? partsB[i] : "");
    if (order != 0) return order;
  }
  return 0;
}

// A version made from another one keeps the "v" of its original text.
Semver withOriginal(Semver version) {
  const bool hasPrefix = version.original.starts_with('v');
  version.original = (hasPrefix ? "v" : "") + printSemver(version);
  return version;
}

Semver release(const Semver& version) {
  Semver result = version;
  result.prerelease.clear();
  result.metadata.clear();
  return result;
}

}  // namespace

Result<Semver> parseSemver(std::string_view text) {
  Semver version;
  version.original = text;
  std::string_view rest = text;
  if (rest.starts_with('v')) rest.remove_prefix(1);
  std::string_view numbers[3] = {takeDigits(rest), "0", "0"};
  if (numbers[0].empty()) return notAVersion();
  for (int i = 1; i < 3 && rest.starts_with('.'); ++i) {
    rest.remove_prefix(1);
    numbers[i] = takeDigits(rest);
    if (numbers[i].empty()) return notAVersion();
  }
  if (!takeIdentifiers(rest, '-', '+', version.prerelease) ||
      !takeIdentifiers(rest, '+', '\0', version.metadata) || !rest.empty()) {
    return notAVersion();
  }
  std::uint64_t* const targets[3] = {&version.major, &version.minor, &version.patch};
  for (int i = 0; i < 3; ++i) {
    const Parsed<std::uint64_t> number = parseUint(numbers[i]);
    if (!number.ok()) {
      return goError("Error parsing version segment: " +
                     numErrorText("ParseUint", numbers[i], number.error));
    }
    *targets[i] = number.value;
  }
  RETURN_IF_ERROR(checkPrerelease(version.prerelease));
  return version;
}

std::string printSemver(const Semver& version) {
  std::string out = std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
                    std::to_string(version.patch);
  if (!version.prerelease.empty()) out += "-" + version.prerelease;
  if (!version.metadata.empty()) out += "+" + version.metadata;
  return out;
}

int compareSemver(const Semver& a, const Semver& b) {
  if (const int order = compareNumbers(a.major, b.major)) return order;
  if (const int order = compareNumbers(a.minor, b.minor)) return order;
  if (const int order = compareNumbers(a.patch, b.patch)) return order;
  return comparePrereleases(a.prerelease, b.prerelease);
}

Semver incMajor(const Semver& version) {
  Semver next = release(version);
  ++next.major;
  next.minor = 0;
  next.patch = 0;
  return withOriginal(std::move(next));
}

Semver incMinor(const Semver& version) {
  Semver next = release(version);
  ++next.minor;
  next.patch = 0;
  return withOriginal(std::move(next));
}

Semver incPatch(const Semver& version) {
  Semver next = release(version);
  if (version.prerelease.empty()) ++next.patch;
  return withOriginal(std::move(next));
}

Result<Semver> withPrerelease(const Semver& version, std::string_view prerelease) {
  RETURN_IF_ERROR(checkPrerelease(prerelease));
  Semver next = version;
  next.prerelease = prerelease;
  return withOriginal(std::move(next));
}

Result<Semver> withMetadata(const Semver& version, std::string_view metadata) {
  RETURN_IF_ERROR(checkMetadata(metadata));
  Semver next = version;
  next.metadata = metadata;
  return withOriginal(std::move(next));
}

}  // namespace iop::gotemplate::internal
