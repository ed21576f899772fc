// The formats of strings (kube-openapi, pkg/validation/strfmt, and the govalidator that it took
// over). Odd as some of them are, this is what the API server accepts: see formats_test.cc.

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "apiserver/schema/internal/mail_address.h"
#include "apiserver/schema/internal/uri.h"
#include "apiserver/schema/validations.h"

namespace iop::apiserver::schema {
namespace {

using re2::RE2;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

RE2::Options quietOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

// A text that is longer than any that could match is not looked at: hostile input is short work.
bool fits(std::string_view text, const RE2& regex) {
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// One function for each pattern, compiled at the first use.
#define IOP_MATCHES(name, pattern)                    \
  bool name(std::string_view text) {                  \
    static const RE2 kRegex(pattern, quietOptions()); \
    return fits(text, kRegex);                        \
  }

IOP_MATCHES(isUuid, "(?i)[0-9A-F]{8}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{12}")
IOP_MATCHES(isUuid3, "(?i)[0-9A-F]{8}-?[0-9A-F]{4}-?3[0-9A-F]{3}-?[0-9A-F]{4}-?[0-9A-F]{12}")
IOP_MATCHES(isUuid4, "(?i)[0-9A-F]{8}-?[0-9A-F]{4}-?4[0-9A-F]{3}-?[89AB][0-9A-F]{3}-?[0-9A-F]{12}")
IOP_MATCHES(isUuid5, "(?i)[0-9A-F]{8}-?[0-9A-F]{4}-?5[0-9A-F]{3}-?[89AB][0-9A-F]{3}-?[0-9A-F]{12}")
IOP_MATCHES(isByte,
            "(?:[A-Za-z0-9+/]{4})*"
            "(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})")
IOP_MATCHES(isHexColor, "#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
IOP_MATCHES(isBsonObjectId, "[0-9a-fA-F]{24}")
IOP_MATCHES(isSsnShape, R"(\d{3}[- ]?\d{2}[- ]?\d{4})")
IOP_MATCHES(isRgbColor, R"(rgb\(\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,)"
                        R"(\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,)"
                        R"(\s*(?:0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\))")
IOP_MATCHES(isCardShape,
            "4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|"
            "(?:222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}|"
            "6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|"
            "(?:2131|1800|35[0-9]{3})[0-9]{11}|6[27][0-9]{14}")
IOP_MATCHES(isHostLabel, R"([a-zA-Z0-9\pS\pL]-?[a-zA-Z0-9\pS\pL]{0,62})")
IOP_MATCHES(isDomainLabel, R"([a-zA-Z0-9\pS\pL](?:[-a-zA-Z0-9\pS\pL]{0,61}[a-zA-Z0-9\pS\pL])?)")
IOP_MATCHES(isTopLabel, R"([a-zA-Z\pL]{2,63})")
IOP_MATCHES(isTimeOfDay, R"((?s)\d{2}:\d{2}:\d{2}(?:.\d+)?(?:z|[+-]\d{2}:\d{2}))")

#undef IOP_MATCHES

bool isDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  int fields[3] = {0, 0, 0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 4 || i == 7) continue;
    if (!isDigit(text[i])) return false;
    int& field = fields[i < 4 ? 0U : i < 7 ? 1U : 2U];
    field = field * 10 + (text[i] - '0');
  }
  const auto [year, month, day] = fields;
  if (month < 1 || month > 12 || day < 1) return false;
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

// Only the part up to a second "t" counts, as in Go.
bool isDateTime(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  const std::string_view all = lower;
  const std::size_t split = all.find('t');
  if (split == std::string_view::npos || !isDate(all.substr(0, split))) return false;
  const std::string_view rest = all.substr(split + 1);
  const std::string_view time = rest.substr(0, rest.find('t'));
  return isTimeOfDay(time) && time.substr(0, 2) <= "23" && time.substr(3, 2) <= "59" &&
         time.substr(6, 2) <= "59";
}

// Go's time.ParseDuration: [-+]?([0-9]*(\.[0-9]*)?[a-z]+)+ or 0. Whether a number is too large need
// not be known: the wider syntax below takes it.
bool isGoDuration(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text == "0") return true;
  if (text.empty()) return false;
  while (!text.empty()) {
    std::size_t digits = 0;
    std::size_t at = 0;
    for (; at < text.size() && (isDigit(text[at]) || text[at] == '.'); ++at)
      if (isDigit(text[at])) ++digits;
    if (digits == 0 || std::count(text.begin(), text.begin() + static_cast<long>(at), '.') > 1)
      return false;
    text.remove_prefix(at);
    std::size_t unit = 0;
    while (unit < text.size() && !isDigit(text[unit]) && text[unit] != '.') ++unit;
    static constexpr std::string_view kUnits[] = {"ns", "us", "µs", "μs", "ms", "s", "m", "h"};
    if (std::find(std::begin(kUnits), std::end(kUnits), text.substr(0, unit)) == std::end(kUnits))
      return false;
    text.remove_prefix(unit);
  }
  return true;
}

// What strfmt adds: somewhere in the text a number and a unit ("2 days").
bool isDuration(std::string_view text) {
  if (isGoDuration(text)) return true;
  static const RE2 kPart("(\\d+)\\s*([A-Za-zµ]+)", quietOptions());
  static constexpr std::string_view kNames[] = {"ns", "us", "µs", "ms", "s", "m",
                                                "h",  "hr", "d",  "w",  "wk"};
  static constexpr std::string_view kBeginnings[] = {"nano", "micro", "milli", "sec",
                                                     "min",  "hour",  "day",   "week"};
  re2::StringPiece rest(text.data(), text.size());
  std::string number;
  std::string unit;
  bool found = false;
  while (RE2::FindAndConsume(&rest, kPart, &number, &unit)) {
    std::int64_t factor = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), factor).ec != std::errc())
      return false;
    for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    found |= std::find(std::begin(kNames), std::end(kNames), unit) != std::end(kNames) ||
             std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                         [&](std::string_view name) { return unit.starts_with(name); });
  }
  return found;
}

// Leading zeros are fine, as in Go before 1.17 ("sloppy" parsing).
bool isPlainIpv4(std::string_view text) {
  int parts = 0;
  std::size_t at = 0;
  while (true) {
    int number = 0;
    const std::size_t begin = at;
    for (; at < text.size() && isDigit(text[at]); ++at) {
      number = number * 10 + (text[at] - '0');
      if (number > 255) return false;
    }
    if (at == begin) return false;
    ++parts;
    if (at == text.size()) return parts == 4;
    if (text[at] != '.') return false;
    ++at;
  }
}

bool isIpv6(std::string_view text) {
  if (text.size() > 45 || text.find(':') == std::string_view::npos) return false;
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1 &&
         text.find('\0') == std::string_view::npos;
}

bool isIpv4(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return isPlainIpv4(text);
  return text.find('.') != std::string_view::npos && isIpv6(text);
}

bool isCidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view address = text.substr(0, slash);
  const std::string_view bits = text.substr(slash + 1);
  if (bits.empty() || !std::all_of(bits.begin(), bits.end(), isDigit)) return false;
  int number = 0;
  for (const char c : bits) {
    number = number * 10 + (c - '0');
    if (number > 128) return false;
  }
  return isIpv6(address) || (isPlainIpv4(address) && number <= 32);
}

// Six, eight or twenty bytes in groups of one or two, or in none.
bool isMac(std::string_view text) {
  char separator = 0;
  std::size_t group = 0;
  if (text.size() > 4 && text[4] == '.') {
    separator = '.';
    group = 4;
  } else if (text.size() > 2 && (text[2] == ':' || text[2] == '-')) {
    separator = text[2];
    group = 2;
  }
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (group != 0 && i % (group + 1) == group) {
      if (text[i] != separator || i + 1 == text.size()) return false;
    } else if (std::isxdigit(static_cast<unsigned char>(text[i])) != 0) {
      ++digits;
    } else {
      return false;
    }
  }
  return digits == 12 || digits == 16 || digits == 40;
}

bool isHostname(std::string_view text) {
  if (text.size() > 255) return false;
  std::vector<std::string_view> labels;
  std::string_view rest = text;
  while (true) {
    const std::size_t dot = rest.find('.');
    labels.push_back(rest.substr(0, dot));
    if (labels.back().size() > 63) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (labels.size() == 1) return isHostLabel(text);
  return isTopLabel(labels.back()) &&
         std::all_of(labels.begin(), labels.end() - 1,
                     [](std::string_view l) { return isDomainLabel(l); });
}

bool isShortName(std::string_view text) {
  const auto isAlnum = [](char c) { return (c >= 'a' && c <= 'z') || isDigit(c); };
  return !text.empty() && text.size() <= 63 && isAlnum(text.front()) && isAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return isAlnum(c) || c == '-'; });
}

bool isLongName(std::string_view text) {
  if (text.size() > 253) return false;
  const auto isAlnum = [](char c) { return (c >= 'a' && c <= 'z') || isDigit(c); };
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || !isAlnum(label.front()) || !isAlnum(label.back()) ||
        !std::all_of(label.begin(), label.end(), [&](char c) { return isAlnum(c) || c == '-'; }))
      return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool isSsn(std::string_view text) { return text.size() == 11 && isSsnShape(text); }

bool isCreditCard(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), isDigit);
  if (!isCardShape(digits)) return false;
  int sum = 0;
  bool twice = false;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, twice = !twice) {
    const int number = (*digit - '0') * (twice ? 2 : 1);
    sum += number > 9 ? number - 9 : number;
  }
  return sum % 10 == 0;
}

std::string withoutDashes(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) {
    return c != '-' && c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v';
  });
  return out;
}

bool isIsbn10(std::string_view text) {
  const std::string plain = withoutDashes(text);
  if (plain.size() != 10 || !std::all_of(plain.begin(), plain.end() - 1, isDigit)) return false;
  if (plain[9] != 'X' && !isDigit(plain[9])) return false;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    const char c = plain[static_cast<std::size_t>(i)];
    sum += (i + 1) * (c == 'X' ? 10 : c - '0');
  }
  return sum % 11 == 0;
}

bool isIsbn13(std::string_view text) {
  const std::string plain = withoutDashes(text);
  if (plain.size() != 13 || !std::all_of(plain.begin(), plain.end(), isDigit)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 13; ++i) sum += (plain[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return sum % 10 == 0;
}

bool isIsbn(std::string_view text) { return isIsbn10(text) || isIsbn13(text); }

bool isAnything(std::string_view) { return true; }

struct Format {
  std::string_view name;  // without dashes: strfmt passes over them
  FormatCheck check;
};

constexpr Format kFormats[] = {
    {"bsonobjectid", isBsonObjectId},
    {"byte", isByte},
    {"cidr", isCidr},
    {"creditcard", isCreditCard},
    {"date", isDate},
    {"datetime", isDateTime},
    {"duration", isDuration},
    {"email", internal::isMailAddress},
    {"hexcolor", isHexColor},
    {"hostname", isHostname},
    {"ipv4", isIpv4},
    {"ipv6", isIpv6},
    {"isbn", isIsbn},
    {"isbn10", isIsbn10},
    {"isbn13", isIsbn13},
    {"k8slongname", isLongName},
    {"k8sshortname", isShortName},
    {"mac", isMac},
    {"password", isAnything},
    {"rgbcolor", isRgbColor},
    {"ssn", isSsn},
    {"uri", internal::isRequestUri},
    {"uuid", isUuid},
    {"uuid3", isUuid3},
    {"uuid4", isUuid4},
    {"uuid5", isUuid5},
};

}  // namespace

FormatCheck findFormat(std::string_view name) {
  std::string plain(name);
  plain.erase(std::remove(plain.begin(), plain.end(), '-'), plain.end());
  const auto found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                  [&](const Format& format) { return format.name == plain; });
  return found == std::end(kFormats) ? nullptr : found->check;
}

bool isNumberFormat(std::string_view name) {
  return name == "int32" || name == "int64" || name == "float" || name == "double";
}

struct Pattern::Impl {
  explicit Impl(std::string_view pattern)
      : regex(re2::StringPiece(pattern.data(), pattern.size()), quietOptions()) {}
  RE2 regex;
};

Result<Pattern> Pattern::compile(std::string_view pattern) {
  auto impl = std::make_shared<Impl>(pattern);
  if (!impl->regex.ok()) {
    std::string_view kind;
    std::string_view shown(impl->regex.error_arg());
    switch (impl->regex.error_code()) {
      case RE2::ErrorMissingParen:
        kind = "missing closing )";
        shown = pattern;
        break;
      case RE2::ErrorUnexpectedParen:
        kind = "unexpected )";
        shown = pattern;
        break;
      case RE2::ErrorMissingBracket:
        kind = "missing closing ]";
        break;
      case RE2::ErrorBadEscape:
        kind = "invalid escape sequence";
        break;
      case RE2::ErrorTrailingBackslash:
        kind = "trailing backslash at end of expression";
        shown = "";
        break;
      case RE2::ErrorBadCharClass:
        kind = "invalid character class";
        break;
      case RE2::ErrorBadCharRange:
        kind = "invalid character class range";
        break;
      case RE2::ErrorRepeatArgument:
        kind = "missing argument to repetition operator";
        break;
      case RE2::ErrorRepeatSize:
        kind = "invalid repeat count";
        break;
      case RE2::ErrorRepeatOp:
        kind = "invalid nested repetition operator";
        break;
      case RE2::ErrorBadPerlOp:
        kind = "invalid or unsupported Perl syntax";
        break;
      case RE2::ErrorBadUTF8:
        kind = "invalid UTF-8";
        break;
      case RE2::ErrorBadNamedCapture:
        kind = "invalid named capture";
        break;
      default:
        kind = "expression too large";
        shown = pattern;
        break;
    }
    return fail(Code::Invalid,
                "error parsing regexp: " + std::string(kind) + ": `" + std::string(shown) + "`");
  }
  Pattern out;
  out.source_ = pattern;
  out.impl_ = std::move(impl);
  return out;
}

bool Pattern::matches(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->regex);
}

}  // namespace iop::apiserver::schema
