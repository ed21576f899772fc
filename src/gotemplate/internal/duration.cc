// The durations of times.h.

#include <cstdlib>

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/time_layout.h"
#include "gotemplate/internal/times.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 63;  // of either sign

std::uint64_t magnitudeOf(GoDuration duration) {
  const auto bits = static_cast<std::uint64_t>(duration);
  return duration < 0 ? ~bits + 1 : bits;
}

// value / 10^places without trailing zeros.
std::string printFraction(std::uint64_t value, int places) {
  std::string digits = std::to_string(value);
  const auto width = static_cast<std::size_t>(places) + 1;
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  digits.insert(digits.size() - static_cast<std::size_t>(places), ".");
  while (digits.back() == '0') digits.pop_back();
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

std::uint64_t unitOf(std::string_view name) {
  if (name == "ns") return kNanosecond;
  if (name == "us" || name == "\u00b5s" || name == "\u03bcs") return kMicrosecond;
  if (name == "ms") return kMillisecond;
  if (name == "s") return kSecond;
  if (name == "m") return kMinute;
  if (name == "h") return kHour;
  return 0;
}

// One number with its unit, read from the front of a duration.
struct Quantity {
  std::uint64_t whole = 0;
  double fraction = 0;  // the digits after the point as a number, to be divided by `scale`
  double scale = 1;
  std::string_view unit;
};

enum class QuantityError { None, Invalid, MissingUnit };

QuantityError takeQuantity(std::string_view& text, Quantity& quantity) {
  std::size_t at = 0;
  while (at < text.size() && isAsciiDigit(text[at])) {
    if (quantity.whole > kLargest / 10) return QuantityError::Invalid;
    quantity.whole = quantity.whole * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (quantity.whole > kLargest) return QuantityError::Invalid;
    ++at;
  }
  bool hasDigits = at > 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::uint64_t digits = 0;
    bool isFull = false;  // what does not fit is cut off
    for (; at < text.size() && isAsciiDigit(text[at]); ++at) {
      hasDigits = true;
      if (isFull || digits > (kLargest - 1) / 10) {
        isFull = true;
        continue;
      }
      const std::uint64_t next = digits * 10 + static_cast<std::uint64_t>(text[at] - '0');
      if (next > kLargest) {
        isFull = true;
        continue;
      }
      digits = next;
      quantity.scale *= 10;
    }
    quantity.fraction = static_cast<double>(digits);
  }
  if (!hasDigits) return QuantityError::Invalid;
  const std::size_t unitStart = at;
  while (at < text.size() && text[at] != '.' && !isAsciiDigit(text[at])) ++at;
  if (at == unitStart) return QuantityError::MissingUnit;
  quantity.unit = text.substr(unitStart, at - unitStart);
  text.remove_prefix(at);
  return QuantityError::None;
}

bool isBelowHalf(std::uint64_t part, std::uint64_t whole) { return part + part < whole; }

}  // namespace

std::string printDuration(GoDuration duration) {
  std::uint64_t rest = magnitudeOf(duration);
  if (rest == 0) return "0s";
  std::string out = duration < 0 ? "-" : "";
  if (rest < std::uint64_t{kMicrosecond}) return out + std::to_string(rest) + "ns";
  if (rest < std::uint64_t{kMillisecond}) return out + printFraction(rest, 3) + "\u00b5s";
  if (rest < std::uint64_t{kSecond}) return out + printFraction(rest, 6) + "ms";
  const std::uint64_t minutes = rest / std::uint64_t{kMinute};
  rest %= std::uint64_t{kMinute};
  if (minutes >= 60) out += std::to_string(minutes / 60) + "h";
  if (minutes > 0) out += std::to_string(minutes % 60) + "m";
  return out + printFraction(rest, 9) + "s";
}

Result<GoDuration> parseDuration(std::string_view text) {
  const auto invalid = [text](const std::string& what) {
    return fail(Code::Invalid, "time: " + what + " duration " + quoteForTimeError(text));
  };
  std::string_view rest = text;
  const bool isNegative = rest.starts_with('-');
  if (isNegative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return 0;
  if (rest.empty()) return invalid("invalid");
  std::uint64_t sum = 0;
  while (!rest.empty()) {
    Quantity quantity;
    const QuantityError error = takeQuantity(rest, quantity);
    if (error == QuantityError::MissingUnit) return invalid("missing unit in");
    if (error != QuantityError::None) return invalid("invalid");
    const std::uint64_t unit = unitOf(quantity.unit);
    if (unit == 0) return invalid("unknown unit " + quoteForTimeError(quantity.unit) + " in");
    if (quantity.whole > kLargest / unit) return invalid("invalid");
    std::uint64_t value = quantity.whole * unit;
    if (quantity.fraction > 0) {
      value += static_cast<std::uint64_t>(quantity.fraction *
                                          (static_cast<double>(unit) / quantity.scale));
      if (value > kLargest) return invalid("invalid");
    }
    sum += value;
    if (sum > kLargest) return invalid("invalid");
  }
  if (isNegative) return static_cast<GoDuration>(~sum + 1);
  if (sum == kLargest) return invalid("invalid");
  return static_cast<GoDuration>(sum);
}

GoDuration roundDuration(GoDuration duration, GoDuration unit) {
  if (unit <= 0) return duration;
  const auto whole = static_cast<std::uint64_t>(unit);
  const std::uint64_t magnitude = magnitudeOf(duration);
  const std::uint64_t rest = magnitude % whole;
  const std::uint64_t rounded =
      isBelowHalf(rest, whole) ? magnitude - rest : magnitude - rest + whole;
  if (duration < 0) return rounded > kLargest ? INT64_MIN : static_cast<GoDuration>(~rounded + 1);
  return rounded >= kLargest ? INT64_MAX : static_cast<GoDuration>(rounded);
}

GoDuration truncateDuration(GoDuration duration, GoDuration unit) {
  return unit <= 0 ? duration : duration - duration % unit;
}

std::string printRoundedDuration(GoDuration duration) {
  constexpr std::uint64_t kDay = 24 * std::uint64_t{kHour};
  constexpr std::pair<std::uint64_t, const char*> kUnits[] = {
      {365 * kDay, "y"}, {30 * kDay, "mo"}, {kDay, "d"},
      {kHour, "h"},      {kMinute, "m"},    {std::uint64_t{kSecond}, "s"}};
  const std::uint64_t magnitude = magnitudeOf(duration);
  for (const auto& [unit, name] : kUnits) {
    if (magnitude > unit) return std::to_string(magnitude / unit) + name;
  }
  return "0s";
}

}  // namespace iop::gotemplate::internal
