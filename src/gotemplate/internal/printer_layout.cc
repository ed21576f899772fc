// Digits, signs, padding: how Printer writes what it has decided to write.

#include <algorithm>
#include <cstdlib>

#include "gotemplate/internal/printer.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {

void Printer::writePadding(std::int64_t count) {
  if (count <= 0) return;
  runtime_.checkValueBytes(out_.size() - start_ + static_cast<std::uint64_t>(count));
  // Zeros only stand on the left.
  out_.append(static_cast<std::size_t>(count), flags.zero && !flags.minus ? '0' : ' ');
}

void Printer::pad(std::string_view text) {
  if (!flags.hasWidth || flags.width == 0) return write(text);
  const std::int64_t missing = flags.width - static_cast<std::int64_t>(countRunes(text));
  if (!flags.minus) writePadding(missing);
  write(text);
  if (flags.minus) writePadding(missing);
}

void Printer::padWithSpaces(std::string_view text) {
  const bool zero = flags.zero;
  flags.zero = false;
  pad(text);
  flags.zero = zero;
}

std::string_view Printer::truncated(std::string_view text) const {
  if (!flags.hasPrecision) return text;
  std::size_t end = 0;
  for (int runes = 0; runes < flags.precision && end < text.size(); ++runes) {
    end += decodeRune(text.substr(end)).width;
  }
  return text.substr(0, end);
}

void Printer::writeQuoted(std::string_view text) {
  text = truncated(text);
  if (flags.sharp && canBackquote(text)) return pad("`" + std::string(text) + "`");
  pad(flags.plus ? quoteToAscii(text) : quote(text));
}

void Printer::writeHex(std::string_view bytes, bool upperCase) {
  if (flags.hasPrecision) bytes = bytes.substr(0, static_cast<std::size_t>(flags.precision));
  if (bytes.empty()) {
    if (flags.hasWidth) writePadding(flags.width);
    return;
  }
  const char* digits = upperCase ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::string_view prefix = !flags.sharp ? "" : upperCase ? "0X" : "0x";
  std::string text(prefix);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (flags.space && i > 0) {
      text += ' ';
      text += prefix;
    }
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  pad(text);
}

void Printer::writeCharacter(std::uint64_t code) {
  std::string text;
  appendRune(text, code > kMaxRune ? kReplacementRune : static_cast<char32_t>(code));
  pad(text);
}

void Printer::writeQuotedCharacter(std::uint64_t code) {
  const char32_t rune = code > kMaxRune ? kReplacementRune : static_cast<char32_t>(code);
  pad(flags.plus ? quoteRuneToAscii(rune) : quoteRune(rune));
}

void Printer::writeUnicode(std::uint64_t code) {
  std::string digits = formatUint(code, 16);
  for (char& c : digits) {
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  const int minimum = flags.hasPrecision && flags.precision > 4 ? flags.precision : 4;
  runtime_.checkValueBytes(static_cast<std::uint64_t>(minimum));
  if (digits.size() < static_cast<std::size_t>(minimum)) {
    digits.insert(0, static_cast<std::size_t>(minimum) - digits.size(), '0');
  }
  std::string text = "U+" + digits;
  if (flags.sharp && code <= kMaxRune && isPrint(static_cast<char32_t>(code))) {
    text += " '";
    appendRune(text, static_cast<char32_t>(code));
    text += "'";
  }
  padWithSpaces(text);
}

void Printer::writeHexInteger(std::uint64_t value) {
  const bool sharp = flags.sharp;
  flags.sharp = true;
  writeInteger(value, 16, false, 'v', false);
  flags.sharp = sharp;
}

void Printer::writeInteger(std::uint64_t value, int base, bool isSigned, char32_t verb,
                           bool upperCase) {
  const bool isNegative = isSigned && static_cast<std::int64_t>(value) < 0;
  if (isNegative) value = 0 - value;
  int minimum = 0;  // digits
  if (flags.hasPrecision) {
    minimum = flags.precision;
    if (minimum == 0 && value == 0) {
      const bool zero = flags.zero;
      flags.zero = false;
      writePadding(flags.width);
      flags.zero = zero;
      return;
    }
  } else if (flags.zero && !flags.minus && flags.hasWidth) {
    minimum = flags.width;
    if (isNegative || flags.plus || flags.space) --minimum;
  }
  runtime_.checkValueBytes(static_cast<std::uint64_t>(std::max(minimum, 0)));
  std::string digits = formatUint(value, base);
  if (upperCase) {
    for (char& c : digits) {
      if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    }
  }
  if (minimum > 0 && digits.size() < static_cast<std::size_t>(minimum)) {
    digits.insert(0, static_cast<std::size_t>(minimum) - digits.size(), '0');
  }
  std::string text;
  if (isNegative) {
    text = "-";
  } else if (flags.plus) {
    text = "+";
  } else if (flags.space) {
    text = " ";
  }
  if (verb == 'O') text += "0o";
  if (flags.sharp) {
    if (base == 2) text += "0b";
    if (base == 8 && digits[0] != '0') text += "0";
    if (base == 16) text += upperCase ? "0X" : "0x";
  }
  padWithSpaces(text + digits);
}

namespace {

// The flag "#": a point always, and the zeros at the end that %g drops.
void keepPoint(std::string& number, char verb, int precision) {
  int digits = 0;
  if (verb == 'g' || verb == 'G' || verb == 'x') digits = precision == -1 ? 6 : precision;
  const bool isHex = verb == 'x' || verb == 'X';
  const std::size_t exponent = number.find_first_of(isHex ? "pP" : "eE", 1);
  const std::string tail = exponent == std::string::npos ? "" : number.substr(exponent);
  if (exponent != std::string::npos) number.resize(exponent);
  bool hasPoint = false;
  bool sawNonzero = false;
  for (std::size_t i = 1; i < number.size(); ++i) {
    if (number[i] == '.') {
      hasPoint = true;
      continue;
    }
    if (number[i] != '0') sawNonzero = true;
    if (sawNonzero) --digits;
  }
  if (!hasPoint) {
    if (number.size() == 2 && number[1] == '0') --digits;
    number += '.';
  }
  if (digits > 0) number.append(static_cast<std::size_t>(digits), '0');
  number += tail;
}

}  // namespace

void Printer::writeFloat(double value, char verb, int precision) {
  if (flags.hasPrecision) precision = flags.precision;
  runtime_.checkValueBytes(static_cast<std::uint64_t>(std::max(precision, 0)));
  // With a sign, always.
  std::string number = internal::formatFloat(value, verb, precision);
  if (number[0] != '-' && number[0] != '+') number.insert(0, 1, '+');
  if (flags.space && number[0] == '+' && !flags.plus) number[0] = ' ';
  if (number[1] == 'I' || number[1] == 'N') {
    // An infinity always shows its sign.
    if (number[1] == 'N' && !flags.space && !flags.plus) number.erase(0, 1);
    return padWithSpaces(number);
  }
  if (flags.sharp && verb != 'b') keepPoint(number, verb, precision);
  if (!flags.plus && number[0] == '+') return pad(std::string_view(number).substr(1));
  const auto size = static_cast<std::int64_t>(number.size());
  if (flags.zero && !flags.minus && flags.hasWidth && flags.width > size) {
    write(number.substr(0, 1));
    writePadding(flags.width - size);
    return write(std::string_view(number).substr(1));
  }
  pad(number);
}

}  // namespace iop::gotemplate::internal
