#include "cel/internal/semver.h"

#include <algorithm>
#include <charconv>

#include "cel/internal/characters.h"

namespace iop::cel::internal {
namespace {

bool isDigits(std::string_view text) { return std::all_of(text.begin(), text.end(), isDigit); }

bool isIdentifier(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return isDigit(c) || isLetter(c) || c == '-'; });
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(separator, at);
    out.emplace_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return out;
    at = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) out += (i == 0 ? "" : ".") + parts[i];
  return out;
}

// "v1.02" becomes "1.2.0"; what follows the numbers stays.
std::string normalized(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  const std::size_t end = std::min(text.find_first_of("-+"), text.size());
  std::vector<std::string> parts = split(text.substr(0, end), '.');
  for (std::string& part : parts) {
    const std::size_t digits = part.find_first_not_of('0');
    if (part.size() > 1) part.erase(0, std::min(digits, part.size() - 1));
  }
  while (parts.size() < 3) parts.emplace_back("0");
  return join(parts).append(text.substr(end));
}

tl::unexpected<Error> invalid(std::string message) {
  return fail(Code::Invalid, std::move(message));
}

int comparePrerelease(const std::string& a, const std::string& b) {
  const bool aNumber = isDigits(a), bNumber = isDigits(b);
  if (aNumber != bNumber) return aNumber ? -1 : 1;
  if (aNumber && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  const int order = a.compare(b);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace

Result<Semver> parseSemver(std::string_view given, bool normalize) {
  if (given.empty()) return invalid("Version string empty");
  const std::string text = normalize ? normalized(given) : std::string(given);
  // The patch takes the rest, so that it holds the prerelease and the build.
  std::vector<std::string> parts = split(text, '.');
  if (parts.size() < 3) return invalid("No Major.Minor.Patch elements found");
  const std::size_t second = text.find('.', text.find('.') + 1);
  std::string patch = text.substr(second + 1);
  Semver out;
  std::string build, prerelease;
  const std::size_t plus = patch.find('+');
  const bool hasBuild = plus != std::string::npos;
  if (hasBuild) {
    build = patch.substr(plus + 1);
    patch.resize(plus);
  }
  const std::size_t dash = patch.find('-');
  const bool hasPrerelease = dash != std::string::npos;
  if (hasPrerelease) {
    prerelease = patch.substr(dash + 1);
    patch.resize(dash);
  }
  static constexpr std::string_view kNames[] = {"Major", "Minor", "Patch"};
  static constexpr std::string_view kLower[] = {"major", "minor", "patch"};
  const std::array<std::string, 3> numbers = {parts[0], parts[1], patch};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string& number = numbers[i];
    if (!isDigits(number))
      return invalid("Invalid character(s) found in " + std::string(kLower[i]) + " number \"" +
                     number + "\"");
    if (number.size() > 1 && number[0] == '0')
      return invalid(std::string(kNames[i]) + " number must not contain leading zeroes \"" +
                     number + "\"");
    const char* end = number.data() + number.size();
    const auto [last, error] = std::from_chars(number.data(), end, out.numbers[i]);
    if (error != std::errc() || last != end)
      return invalid("strconv.ParseUint: parsing \"" + number +
                     "\": " + (number.empty() ? "invalid syntax" : "value out of range"));
  }
  if (hasPrerelease) out.prerelease = split(prerelease, '.');
  for (const std::string& part : out.prerelease) {
    if (part.empty()) return invalid("Prerelease is empty");
    if (isDigits(part) && part.size() > 1 && part[0] == '0')
      return invalid("Numeric PreRelease version must not contain leading zeroes \"" + part + "\"");
    if (!isIdentifier(part))
      return invalid("Invalid character(s) found in prerelease \"" + part + "\"");
  }
  if (hasBuild) out.build = split(build, '.');
  for (const std::string& part : out.build) {
    if (part.empty()) return invalid("Build meta data is empty");
    if (!isIdentifier(part))
      return invalid("Invalid character(s) found in build meta data \"" + part + "\"");
  }
  return out;
}

std::string printSemver(const Semver& version) {
  std::string out = std::to_string(version.numbers[0]) + "." + std::to_string(version.numbers[1]) +
                    "." + std::to_string(version.numbers[2]);
  if (!version.prerelease.empty()) out += "-" + join(version.prerelease);
  if (!version.build.empty()) out += "+" + join(version.build);
  return out;
}

int compareSemver(const Semver& a, const Semver& b) {
  if (a.numbers != b.numbers) return a.numbers < b.numbers ? -1 : 1;
  if (a.prerelease.empty() || b.prerelease.empty())
    return static_cast<int>(a.prerelease.empty()) - static_cast<int>(b.prerelease.empty());
  const std::size_t common = std::min(a.prerelease.size(), b.prerelease.size());
  for (std::size_t i = 0; i < common; ++i) {
    const int order = comparePrerelease(a.prerelease[i], b.prerelease[i]);
    if (order != 0) return order;
  }
  return a.prerelease.size() < b.prerelease.size()   ? -1
         : a.prerelease.size() > b.prerelease.size() ? 1
                                                     : 0;
}

}  // namespace iop::cel::internal
