#include "text/internal/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "text/internal/number.h"

namespace iop::text::internal {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

struct Word {
  std::string_view text;
  Scalar meaning;
};

const Word* findWord(std::string_view text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static const auto words = std::to_array<Word>({
      {"y", true},          {"Y", true},          {"yes", true},        {"Yes", true},
      {"YES", true},        {"true", true},       {"True", true},       {"TRUE", true},
      {"on", true},         {"On", true},         {"ON", true},         {"n", false},
      {"N", false},         {"no", false},        {"No", false},        {"NO", false},
      {"false", false},     {"False", false},     {"FALSE", false},     {"off", false},
      {"Off", false},       {"OFF", false},       {"", nullptr},        {"~", nullptr},
      {"null", nullptr},    {"Null", nullptr},    {"NULL", nullptr},    {".nan", nan},
      {".NaN", nan},        {".NAN", nan},        {".inf", infinity},   {".Inf", infinity},
      {".INF", infinity},   {"+.inf", infinity},  {"+.Inf", infinity},  {"+.INF", infinity},
      {"-.inf", -infinity}, {"-.Inf", -infinity}, {"-.INF", -infinity},
  });
  if (text.size() > 5) return nullptr;
  const auto found =
      std::find_if(words.begin(), words.end(), [&](const Word& word) { return word.text == text; });
  return found != words.end() ? &*found : nullptr;
}

// Reads a number of one or two digits and moves on behind it.
std::optional<int> takeShort(std::string_view& text) {
  if (text.empty() || !isDigit(text[0])) return std::nullopt;
  int out = text[0] - '0';
  text.remove_prefix(1);
  if (!text.empty() && isDigit(text[0])) {
    out = out * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  return out;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

int daysIn(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool takeDate(std::string_view& text) {
  if (text.size() < 5 || !std::all_of(text.begin(), text.begin() + 4, isDigit) || text[4] != '-')
    return false;
  int year = 0;
  std::from_chars(text.data(), text.data() + 4, year);
  text.remove_prefix(5);
  const auto month = takeShort(text);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return false;
  const auto day = takeShort(text);
  return day && *day >= 1 && *day <= daysIn(year, *month);
}

bool takeTime(std::string_view& text) {
  const auto hour = takeShort(text);
  if (!hour || *hour > 23 || !take(text, ':')) return false;
  const auto minute = takeShort(text);
  if (!minute || *minute > 59 || !take(text, ':')) return false;
  const auto second = takeShort(text);
  if (!second || *second > 59) return false;
  if (text.size() >= 2 && (text[0] == '.' || text[0] == ',') && isDigit(text[1])) {
    text.remove_prefix(1);
    while (!text.empty() && isDigit(text[0])) text.remove_prefix(1);
  }
  return true;
}

// "Z", "+02:00"
bool isZone(std::string_view text) {
  if (text == "Z") return true;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
  if (!isDigit(text[1]) || !isDigit(text[2]) || !isDigit(text[4]) || !isDigit(text[5]))
    return false;
  return (text[1] - '0') * 10 + text[2] - '0' <= 24 && (text[4] - '0') * 10 + text[5] - '0' <= 60;
}

// The forms of the YAML timestamp type that Go's time.Parse can read.
bool isTimestamp(std::string_view text) {
  if (!takeDate(text)) return false;
  if (text.empty()) return true;
  const char separator = text[0];
  text.remove_prefix(1);
  if (separator == ' ') return takeTime(text) && text.empty();
  return (separator == 'T' || separator == 't') && takeTime(text) && isZone(text);
}

// Digits of one base; the whole text. Null where it is no number or does not fit.
template <typename Integer>
std::optional<Integer> parseDigits(std::string_view digits, int base) {
  Integer out = 0;
  const char* end = digits.data() + digits.size();
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;
  const auto result = std::from_chars(digits.data(), end, out, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return out;
}

// strconv.ParseUint with base 0: 0x, 0b, 0o and a leading 0 tell the base.
std::optional<std::uint64_t> parseUnsigned(std::string_view text) {
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    text.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
  }
  return parseDigits<std::uint64_t>(text, base);
}

std::optional<Scalar> negated(std::optional<std::uint64_t> size) {
  constexpr std::uint64_t most = std::uint64_t{1} << 63;
  if (!size || *size > most) return std::nullopt;
  return static_cast<std::int64_t>(-*size);
}

std::optional<Scalar> signedOrUnsigned(std::optional<std::uint64_t> number) {
  if (!number) return std::nullopt;
  if (*number > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return *number;
  return static_cast<std::int64_t>(*number);
}

std::optional<Scalar> parseInteger(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text[0] == '-') return negated(parseUnsigned(text.substr(1)));
  if (text[0] != '+') return signedOrUnsigned(parseUnsigned(text));
  const auto number = signedOrUnsigned(parseUnsigned(text.substr(1)));
  if (number && std::holds_alternative<std::uint64_t>(*number)) return std::nullopt;
  return number;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool isFloat(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && isDigit(text[i])) ++i;
    return i - start;
  };
  const auto skip = [&](std::string_view any) {
    const bool there = i < text.size() && any.find(text[i]) != std::string_view::npos;
    i += there ? 1 : 0;
    return there;
  };
  skip("+-");
  const bool whole = digits() > 0;
  const bool fraction = skip(".") && digits() > 0;
  if (!whole && !fraction) return false;
  if (skip("eE")) {
    skip("+-");
    if (digits() == 0) return false;
  }
  return i == text.size();
}

// "0b" with a sign behind it, which go-yaml reads, too.
std::optional<Scalar> parseSignedBinary(std::string_view text) {
  if (text.substr(0, 3) == "0b-") return negated(parseDigits<std::uint64_t>(text.substr(3), 2));
  if (text.substr(0, 3) != "0b+") return std::nullopt;
  const auto number = signedOrUnsigned(parseDigits<std::uint64_t>(text.substr(3), 2));
  return number && std::holds_alternative<std::int64_t>(*number) ? number : std::nullopt;
}

Scalar resolveNumber(std::string_view text, bool timestamps) {
  if (timestamps && isTimestamp(text)) return Timestamp{};
  std::string plain(text);
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  if (const auto integer = parseInteger(plain)) return *integer;
  if (isFloat(plain)) {
    if (const auto number = parseDecimal(plain)) return *number;
  }
  if (const auto binary = parseSignedBinary(plain)) return *binary;
  return std::monostate{};
}

// ".5": here, as in Go's literals, an underscore stands between digits.
Scalar resolveFraction(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain += text[i];
    } else if (!isDigit(text[i - 1]) || i + 1 == text.size() || !isDigit(text[i + 1])) {
      return std::monostate{};
    }
  }
  const auto number = isFloat(plain) ? parseDecimal(plain) : std::nullopt;
  return number ? Scalar(*number) : Scalar();
}

Scalar resolve(std::string_view text, bool timestamps) {
  if (const Word* word = findWord(text)) return word->meaning;
  const char first = text[0];
  if (first == '.') return resolveFraction(text);
  if (isDigit(first) || first == '+' || first == '-') return resolveNumber(text, timestamps);
  return std::monostate{};
}

std::string_view tagOf(const Scalar& scalar) {
  constexpr std::string_view kTags[] = {"str", "null",  "bool",      "int",
                                        "int", "float", "timestamp", "binary"};
  return kTags[scalar.index()];
}

}  // namespace

Scalar resolvePlain(std::string_view text) { return resolve(text, true); }

Result<Scalar> resolveTagged(std::string_view tag, std::string_view text) {
  if (tag.substr(0, kYamlTagPrefix.size()) != kYamlTagPrefix) return Scalar();
  const std::string_view name = tag.substr(kYamlTagPrefix.size());
  if (name == "binary") return Scalar(Binary{});
  constexpr std::string_view kResolvable[] = {"bool", "int", "float", "null", "timestamp"};
  if (std::find(std::begin(kResolvable), std::end(kResolvable), name) == std::end(kResolvable))
    return Scalar();

  const Scalar scalar = resolve(text, name == "timestamp");
  if (tagOf(scalar) == name) return scalar;
  if (const auto* integer = std::get_if<std::int64_t>(&scalar);
      integer != nullptr && name == "float") {
    return Scalar(static_cast<double>(*integer));
  }
  return fail(Code::BadRequest, "yaml: cannot decode !!" + std::string(tagOf(scalar)) + " `" +
                                    std::string(text) + "` as a !!" + std::string(name));
}

bool isBase60(std::string_view text) {
  std::size_t i = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  if (i == text.size() || !isDigit(text[i])) return false;
  while (i < text.size() && (isDigit(text[i]) || text[i] == '_')) ++i;
  if (i == text.size() || text[i] != ':') return false;
  while (i < text.size() && text[i] == ':') {
    const std::size_t start = ++i;
    while (i < text.size() && isDigit(text[i])) ++i;
    const std::size_t digits = i - start;
    if (digits == 0 || digits > 2 || (digits == 2 && text[start] > '5')) return false;
  }
  if (i == text.size()) return true;
  return text[i] == '.' && text.find_first_not_of("0123456789_", i + 1) == std::string_view::npos;
}

}  // namespace iop::text::internal
