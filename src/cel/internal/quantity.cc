#include "cel/internal/quantity.h"

#include <algorithm>
#include <cmath>

#include "cel/internal/characters.h"

namespace iop::cel::internal {
namespace {

constexpr Nanos kUnit = 1'000'000'000;
constexpr std::int64_t kMostUnits = 9'223'372'036'854'775'807;
constexpr Nanos kMost = kMostUnits * kUnit;

struct Suffix {
  std::string_view text;
  int base;
  int exponent;
};

constexpr Suffix kSuffixes[] = {{"", 10, 0},   {"n", 10, -9}, {"u", 10, -6}, {"m", 10, -3},
                                {"k", 10, 3},  {"M", 10, 6},  {"G", 10, 9},  {"T", 10, 12},
                                {"P", 10, 15}, {"E", 10, 18}, {"Ki", 2, 10}, {"Mi", 2, 20},
                                {"Gi", 2, 30}, {"Ti", 2, 40}, {"Pi", 2, 50}, {"Ei", 2, 60}};

std::optional<Suffix> parseSuffix(std::string_view text) {
  for (const Suffix& known : kSuffixes) {
    if (known.text == text) return known;
  }
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.size() > 6) return std::nullopt;
  int exponent = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    exponent = exponent * 10 + (digit - '0');
  }
  return Suffix{"", 10, negative ? -exponent : exponent};
}

}  // namespace

std::optional<Quantity> parseQuantity(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  std::string digits;
  int scale = 0;  // digits × 10^scale
  std::size_t at = 0;
  while (at < rest.size() && isDigit(rest[at])) digits += rest[at++];
  const bool hasPoint = at < rest.size() && rest[at] == '.';
  if (hasPoint) {
    ++at;
    while (at < rest.size() && isDigit(rest[at])) {
      digits += rest[at++];
      --scale;
    }
  }
  if (digits.empty() && !hasPoint) return std::nullopt;
  const auto suffix = parseSuffix(rest.substr(at));
  if (!suffix) return std::nullopt;
  if (suffix->base == 10) scale += suffix->exponent;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));

  // In nanos: what is larger than the most is the most, what is finer is rounded away from zero.
  Quantity out;
  out.text = text;
  Nanos value = 0;
  const long long shift = static_cast<long long>(scale) + 9;
  const auto count = static_cast<long long>(digits.size());
  const Nanos factor = suffix->base == 2 ? Nanos{1} << suffix->exponent : 1;
  bool inexact = false;
  if (count + shift > 30) {
    value = digits.empty() ? 0 : kMost;
  } else {
    // Some digits beyond the nanos may matter where a factor of 2^n follows.
    const long long kept = std::clamp<long long>(count + shift, 0, count);
    for (long long i = 0; i < kept; ++i)
      value = value * 10 + (digits[static_cast<std::size_t>(i)] - '0');
    for (long long i = kept; i < count + shift; ++i) value *= 10;
    Nanos fraction = 0, unit = 1;
    for (long long i = kept; i < count && unit < kUnit; ++i) {
      fraction = fraction * 10 + (digits[static_cast<std::size_t>(i)] - '0');
      unit *= 10;
    }
    for (long long i = kept; i < count; ++i)
      inexact = inexact || digits[static_cast<std::size_t>(i)] != '0';
    if (value > kMost / factor) {
      value = kMost;
    } else {
      const bool leadingZeros = count + shift < 0;
      const Nanos extra = leadingZeros ? 0 : fraction * factor / unit;
      inexact = inexact && (leadingZeros || fraction * factor % unit != 0 || unit >= kUnit);
      value = value * factor + extra + (inexact ? 1 : 0);
    }
  }
  out.nanos = std::min(value, kMost);
  if (negative) out.nanos = -out.nanos;
  return out;
}

Quantity quantityOf(Nanos nanos) {
  Quantity out;
  out.nanos = std::clamp(nanos, -kMost, kMost);
  const bool negative = out.nanos < 0;
  const Nanos size = negative ? -out.nanos : out.nanos;
  out.text = (negative ? "-" : "") + std::to_string(static_cast<std::uint64_t>(size / kUnit));
  const auto rest = static_cast<std::uint64_t>(size % kUnit);
  if (rest != 0) {
    std::string digits = std::to_string(rest + static_cast<std::uint64_t>(kUnit)).substr(1);
    while (digits.back() == '0') digits.pop_back();
    out.text += "." + digits;
  }
  return out;
}

int compareQuantities(const Quantity& a, const Quantity& b) {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

double asDouble(const Quantity& quantity) {
  return static_cast<double>(static_cast<long double>(quantity.nanos) /
                             static_cast<long double>(kUnit));
}

std::optional<std::int64_t> asInteger(const Quantity& quantity) {
  constexpr Nanos kMostKept = Nanos{999'999'999'999'999'999} * kUnit;  // 18 digits
  if (quantity.nanos % kUnit != 0 || quantity.nanos > kMostKept || quantity.nanos < -kMostKept)
    return std::nullopt;
  return static_cast<std::int64_t>(quantity.nanos / kUnit);
}

}  // namespace iop::cel::internal
