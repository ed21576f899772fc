#include "gotemplate/internal/strconv.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "gotemplate/internal/ascii.h"

namespace iop::gotemplate::internal {
namespace {

// The value of a digit or letter in bases up to 36; 255 for anything else.
unsigned digitValue(char c) {
  if (isAsciiDigit(c)) return static_cast<unsigned>(c - '0');
  const char lower = toAsciiLower(c);
  if (lower >= 'a' && lower <= 'z') return static_cast<unsigned>(lower - 'a' + 10);
  return 255;
}

// --- Floats to text ---

// d₁.d₂d₃… × 10^exponent without trailing zeros; no digits for zero.
struct Digits {
  std::string digits;
  int exponent = 0;

  int count() const { return static_cast<int>(digits.size()); }
  char at(int index) const {
    return index >= 0 && index < count() ? digits[static_cast<std::size_t>(index)] : '0';
  }
};

// Reads what std::to_chars writes in its scientific format.
Digits readScientific(std::string_view text) {
  Digits result;
  const std::size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c != '.') result.digits.push_back(c);
  }
  while (!result.digits.empty() && result.digits.back() == '0') result.digits.pop_back();
  std::string_view exponent = text.substr(e + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), result.exponent);
  if (result.digits.empty()) result.exponent = 0;
  return result;
}

// The shortest digits that read back as `value`, which is not negative.
Digits shortestDigits(double value, int bits) {
  char buffer[64];
  const auto end =
      bits == 32
          ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value),
                          std::chars_format::scientific)
          : std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  return readScientific({buffer, static_cast<std::size_t>(end.ptr - buffer)});
}

// std::to_chars in a buffer that is large enough.
std::string printExactly(double value, std::chars_format format, int precision) {
  constexpr std::size_t kLongestWithoutFraction = 330;
  std::string out(kLongestWithoutFraction + static_cast<std::size_t>(precision), '\0');
  const auto end = std::to_chars(out.data(), out.data() + out.size(), value, format, precision);
  out.resize(static_cast<std::size_t>(end.ptr - out.data()));
  return out;
}

void appendExponent(std::string& out, char letter, int exponent) {
  out.push_back(letter);
  out.push_back(exponent < 0 ? '-' : '+');
  const int magnitude = exponent < 0 ? -exponent : exponent;
  if (magnitude < 10) out.push_back('0');
  out += std::to_string(magnitude);
}

void appendScientific(std::string& out, const Digits& digits, int precision, char letter) {
  out.push_back(digits.at(0));
  if (precision > 0) {
    out.push_back('.');
    for (int i = 1; i <= precision; ++i) out.push_back(digits.at(i));
  }
  appendExponent(out, letter, digits.exponent);
}

void appendFixed(std::string& out, const Digits& digits, int precision) {
  if (digits.exponent < 0) out.push_back('0');
  for (int i = 0; i <= digits.exponent; ++i) out.push_back(digits.at(i));
  if (precision > 0) {
    out.push_back('.');
    for (int i = 1; i <= precision; ++i) out.push_back(digits.at(digits.exponent + i));
  }
}

void appendGeneral(std::string& out, double value, char format, int precision, int bits) {
  const bool isShortest = precision < 0;
  if (precision == 0) precision = 1;
  const Digits digits =
      isShortest
          ? shortestDigits(value, bits)
          : readScientific(printExactly(value, std::chars_format::scientific, precision - 1));
  const int largestFixed = isShortest ? 6 : precision;
  if (digits.exponent < -4 || digits.exponent >= largestFixed) {
    appendScientific(out, digits, digits.count() - 1, format == 'G' ? 'E' : 'e');
  } else {
    appendFixed(out, digits, digits.count() - digits.exponent - 1);
  }
}

// The number is mantissa × 2^exponent.
struct BinaryFloat {
  std::uint64_t mantissa = 0;
  int exponent = 0;
  int mantissaBits = 0;  // without the implicit one
};

BinaryFloat splitFloat(double value, int bits) {
  BinaryFloat result;
  int field = 0;
  int bias = 0;
  if (bits == 32) {
    const auto raw = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    result.mantissaBits = 23;
    bias = 127;
    field = static_cast<int>(raw >> 23 & 0xFF);
    result.mantissa = raw & ((1u << 23) - 1);
  } else {
    const auto raw = std::bit_cast<std::uint64_t>(value);
    result.mantissaBits = 52;
    bias = 1023;
    field = static_cast<int>(raw >> 52 & 0x7FF);
    result.mantissa = raw & ((std::uint64_t{1} << 52) - 1);
  }
  if (field == 0) {
    field = 1;  // a denormal number has the least exponent and no implicit one
  } else {
    result.mantissa |= std::uint64_t{1} << result.mantissaBits;
  }
  result.exponent = field - bias - result.mantissaBits;
  return result;
}

void appendBinaryExponent(std::string& out, double value, int bits) {
  const BinaryFloat parts = splitFloat(value, bits);
  out += std::to_string(parts.mantissa);
  out.push_back('p');
  if (parts.exponent >= 0) out.push_back('+');
  out += std::to_string(parts.exponent);
}

void appendHex(std::string& out, double value, char format, int precision, int bits) {
  // The leading one is moved to this bit, so that the fraction is the 15 hexadecimal digits below
  // it.
  constexpr int kPoint = 60;
  constexpr std::uint64_t kOne = std::uint64_t{1} << kPoint;
  BinaryFloat parts = splitFloat(value, bits);
  int exponent = parts.mantissa == 0 ? 0 : parts.exponent + parts.mantissaBits;
  std::uint64_t mantissa = parts.mantissa << (kPoint - parts.mantissaBits);
  while (mantissa != 0 && (mantissa & kOne) == 0) {
    mantissa <<= 1;
    --exponent;
  }
  if (precision >= 0 && precision < 15) {
    const int dropped = kPoint - 4 * precision;
    const std::uint64_t rest = mantissa & ((std::uint64_t{1} << dropped) - 1);
    const std::uint64_t half = std::uint64_t{1} << (dropped - 1);
    mantissa >>= dropped;
    if (rest > half || (rest == half && (mantissa & 1) != 0)) ++mantissa;  // half to even
    mantissa <<= dropped;
    if ((mantissa & (kOne << 1)) != 0) {
      mantissa >>= 1;
      ++exponent;
    }
  }
  const char* hexDigits = format == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  out.push_back('0');
  out.push_back(format);
  out.push_back(static_cast<char>('0' + (mantissa >> kPoint)));
  std::uint64_t fraction = mantissa << 4;
  if (precision > 0 || (precision < 0 && fraction != 0)) {
    out.push_back('.');
    for (int i = 0; precision < 0 ? fraction != 0 : i < precision; ++i) {
      out.push_back(hexDigits[fraction >> kPoint]);
      fraction <<= 4;
    }
  }
  appendExponent(out, format == 'X' ? 'P' : 'p', exponent);
}

// --- Text to floats ---

// "inf", "+Infinity", "nan": any case; only infinities have a sign.
bool parseSpecialFloat(std::string_view text, double& value) {
  std::string lower;
  for (const char c : text.substr(0, 10)) lower.push_back(toAsciiLower(c));
  if (text.size() > 9) return false;
  std::string_view name = lower;
  if (name == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  const bool isNegative = name.starts_with('-');
  if (isNegative || name.starts_with('+')) name.remove_prefix(1);
  if (name != "inf" && name != "infinity") return false;
  value = isNegative ? -std::numeric_limits<double>::infinity()
                     : std::numeric_limits<double>::infinity();
  return true;
}

// The parts of a well-formed number.
struct FloatText {
  bool isNegative = false;
  bool isHex = false;
  std::string number;  // for std::from_chars: without sign, prefix and underscores
  // Where the first digit that is not zero stands relative to the point, in digits, plus the
  // exponent (in decimal digits or, for a hexadecimal number, in bits): its sign tells a large
  // number from a small one.
  double magnitude = 0;
};

bool scanFloat(std::string_view text, FloatText& result) {
  std::size_t at = 0;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    result.isNegative = text[0] == '-';
    at = 1;
  }
  if (text.size() >= at + 2 && text[at] == '0' && toAsciiLower(text[at + 1]) == 'x') {
    result.isHex = true;
    at += 2;
  }
  const unsigned base = result.isHex ? 16 : 10;
  bool sawPoint = false;
  bool sawDigit = false;
  bool sawUnderscore = false;
  bool sawNonZero = false;
  double integerDigits = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '_') {
      sawUnderscore = true;
      continue;
    }
    if (c == '.') {
      if (sawPoint) break;
      sawPoint = true;
      result.number.push_back(c);
      continue;
    }
    if (digitValue(c) >= base) break;
    sawDigit = true;
    sawNonZero = sawNonZero || c != '0';
    if (sawNonZero && !sawPoint) ++integerDigits;
    if (!sawNonZero && sawPoint) --integerDigits;
    result.number.push_back(c);
  }
  if (!sawDigit) return false;
  const char exponentLetter = result.isHex ? 'p' : 'e';
  double exponent = 0;
  if (at < text.size() && toAsciiLower(text[at]) == exponentLetter) {
    result.number.push_back(exponentLetter);
    ++at;
    double sign = 1;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
      if (text[at] == '-') {
        sign = -1;
        result.number.push_back('-');
      }
      ++at;
    }
    if (at >= text.size() || digitValue(text[at]) > 9) return false;
    for (; at < text.size() && (digitValue(text[at]) < 10 || text[at] == '_'); ++at) {
      if (text[at] == '_') {
        sawUnderscore = true;
        continue;
      }
      exponent = exponent * 10 + digitValue(text[at]);
      result.number.push_back(text[at]);
    }
    exponent *= sign;
  } else if (result.isHex) {
    return false;
  }
  if (at != text.size() || (sawUnderscore && !areUnderscoresOk(text))) return false;
  result.magnitude = integerDigits * (result.isHex ? 4 : 1) + exponent;
  return true;
}

}  // namespace

std::string formatFloat(double value, char format, int precision, int bits) {
  if (bits == 32) value = static_cast<float>(value);
  if (std::isnan(value)) return "NaN";
  const bool isNegative = std::signbit(value);
  if (std::isinf(value)) return isNegative ? "-Inf" : "+Inf";
  const double magnitude = std::fabs(value);
  std::string out = isNegative ? "-" : "";
  switch (format) {
    case 'b':
      appendBinaryExponent(out, magnitude, bits);
      break;
    case 'x':
    case 'X':
      appendHex(out, magnitude, format, precision, bits);
      break;
    case 'f':
    case 'F':
      if (precision < 0) {
        const Digits digits = shortestDigits(magnitude, bits);
        appendFixed(out, digits, digits.count() - digits.exponent - 1);
      } else {
        out += printExactly(magnitude, std::chars_format::fixed, precision);
      }
      break;
    case 'e':
    case 'E': {
      if (precision < 0) {
        const Digits digits = shortestDigits(magnitude, bits);
        appendScientific(out, digits, digits.count() - 1, format);
      } else {
        const std::string text = printExactly(magnitude, std::chars_format::scientific, precision);
        const std::size_t e = text.find('e');
        out.append(text, 0, e);
        out.push_back(format);
        out.append(text, e + 1);
      }
      break;
    }
    default:
      appendGeneral(out, magnitude, format, precision, bits);
  }
  return out;
}

std::string formatInt(std::int64_t value, int base) {
  char buffer[65];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base);
  return {buffer, end.ptr};
}

std::string formatUint(std::uint64_t value, int base) {
  char buffer[65];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, base);
  return {buffer, end.ptr};
}

Parsed<std::uint64_t> parseUint(std::string_view text, int base, int bits) {
  constexpr Parsed<std::uint64_t> kSyntax{0, NumError::Syntax};
  if (text.empty()) return kSyntax;
  std::string_view digits = text;
  auto realBase = static_cast<unsigned>(base);
  const bool isLiteral = base == 0;
  if (isLiteral) {
    realBase = 10;
    if (digits[0] == '0') {
      const char letter = digits.size() >= 3 ? toAsciiLower(digits[1]) : '\0';
      realBase = letter == 'b' ? 2 : letter == 'x' ? 16 : 8;
      digits.remove_prefix(letter == 'b' || letter == 'o' || letter == 'x' ? 2 : 1);
    }
  }
  const std::uint64_t largest = bits == 64 ? UINT64_MAX : (std::uint64_t{1} << bits) - 1;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c == '_' && isLiteral) continue;
    const unsigned digit = digitValue(c);
    if (digit >= realBase) return kSyntax;
    if (value > (largest - digit) / realBase) return {largest, NumError::Range};
    value = value * realBase + digit;
  }
  if (isLiteral && text.find('_') != std::string_view::npos && !areUnderscoresOk(text))
    return kSyntax;
  return {value, NumError::None};
}

Parsed<std::int64_t> parseInt(std::string_view text, int base, int bits) {
  const bool isNegative = text.starts_with('-');
  const bool isSigned = isNegative || text.starts_with('+');
  const Parsed<std::uint64_t> magnitude = parseUint(text.substr(isSigned ? 1 : 0), base, bits);
  if (magnitude.error == NumError::Syntax) return {0, NumError::Syntax};
  const std::uint64_t limit = std::uint64_t{1} << (bits - 1);
  if (isNegative) {
    const auto lowest = static_cast<std::int64_t>(~limit + 1);
    if (magnitude.value > limit) return {lowest, NumError::Range};
    return {static_cast<std::int64_t>(~magnitude.value + 1), NumError::None};
  }
  if (magnitude.value >= limit) return {static_cast<std::int64_t>(limit - 1), NumError::Range};
  return {static_cast<std::int64_t>(magnitude.value), NumError::None};
}

Parsed<double> parseFloat(std::string_view text) {
  double value = 0;
  if (parseSpecialFloat(text, value)) return {value, NumError::None};
  FloatText parts;
  if (!scanFloat(text, parts)) return {0, NumError::Syntax};
  const auto format = parts.isHex ? std::chars_format::hex : std::chars_format::general;
  const char* end = parts.number.data() + parts.number.size();
  NumError error = NumError::None;
  if (std::from_chars(parts.number.data(), end, value, format).ec ==
      std::errc::result_out_of_range) {
    const bool isOverflow = parts.magnitude > 0;
    value = isOverflow ? std::numeric_limits<double>::infinity() : 0;
    if (isOverflow) error = NumError::Range;
  }
  return {parts.isNegative ? -value : value, error};
}

bool areUnderscoresOk(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  bool isHex = false;
  bool isAfterDigit = false;  // a digit or the base prefix
  if (text.size() >= 2 && text[0] == '0') {
    const char letter = toAsciiLower(text[1]);
    if (letter == 'b' || letter == 'o' || letter == 'x') {
      isHex = letter == 'x';
      isAfterDigit = true;
      text.remove_prefix(2);
    }
  }
  bool isAfterUnderscore = false;
  for (const char c : text) {
    const bool isDigitHere = digitValue(c) < (isHex ? 16u : 10u);
    if (c == '_' && !isAfterDigit) return false;
    if (c != '_' && !isDigitHere && isAfterUnderscore) return false;
    isAfterDigit = isDigitHere;
    isAfterUnderscore = c == '_';
  }
  return !isAfterUnderscore;
}

std::string numErrorText(std::string_view function, std::string_view text, NumError error) {
  std::string out = "strconv.";
  out += function;
  out += ": parsing ";
  out += quote(text);
  out += error == NumError::Range ? ": value out of range" : ": invalid syntax";
  return out;
}

}  // namespace iop::gotemplate::internal
