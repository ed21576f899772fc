#include "apiserver/schema/internal/go_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace iop::apiserver::schema::internal {
namespace {

constexpr char kHex[] = "0123456789abcdef";

struct Rune {
  std::uint32_t code;
  std::size_t bytes;  // 0: the first byte is no UTF-8
};

Rune decode(std::string_view text) {
  const auto byteAt = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byteAt(0);
  if (first < 0x80) return {first, 1};
  std::size_t length = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
    code = first & 0x1FU;
    least = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    code = first & 0x0FU;
    least = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    code = first & 0x07U;
    least = 0x10000;
  }
  if (length == 0 || text.size() < length) return {0xFFFD, 0};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byteAt(i) & 0xC0U) != 0x80) return {0xFFFD, 0};
    code = (code << 6U) | (byteAt(i) & 0x3FU);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {0xFFFD, 0};
  return {code, length};
}

// What Go's unicode tables call not printable, as far as texts in practice have it.
bool isPrintable(std::uint32_t code) {
  if (code < 0x20 || (code >= 0x7F && code <= 0xA0) || code == 0xAD) return false;
  if (code >= 0x2000 && code <= 0x200F) return false;
  if (code >= 0x2028 && code <= 0x202F) return false;
  if (code >= 0x205F && code <= 0x206F) return false;
  if (code == 0x1680 || code == 0x3000 || code == 0xFEFF) return false;
  if (code >= 0xE000 && code <= 0xF8FF) return false;
  if (code >= 0xFFF0 && code <= 0xFFFB) return false;
  return (code & 0xFFFEU) != 0xFFFE && code < 0xE0000;
}

void appendHex(std::string& out, std::uint32_t code, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out += kHex[(code >> static_cast<unsigned>(shift)) & 0xFU];
}

std::string shortest(double number, std::chars_format format) {
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format).ptr;
  return {buffer.data(), end};
}

}  // namespace

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = decode(text);
    if (rune.bytes == 0) {
      out += "\\x";
      appendHex(out, static_cast<std::uint8_t>(text[0]), 2);
      text.remove_prefix(1);
      continue;
    }
    const std::string_view bytes = text.substr(0, rune.bytes);
    text.remove_prefix(rune.bytes);
    static constexpr std::string_view kNamed = "\a\b\f\n\r\t\v";
    if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += bytes;
    } else if (isPrintable(rune.code)) {
      out += bytes;
    } else if (const std::size_t named = kNamed.find(bytes); named != std::string_view::npos) {
      out += '\\';
      out += std::string_view("abfnrtv")[named];
    } else if (rune.code < 0x80) {
      out += "\\x";
      appendHex(out, rune.code, 2);
    } else if (rune.code < 0x10000) {
      out += "\\u";
      appendHex(out, rune.code, 4);
    } else {
      out += "\\U";
      appendHex(out, rune.code, 8);
    }
  }
  out += '"';
  return out;
}

std::string printFloat(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  const double size = std::fabs(number);
  const bool exponent = size != 0 && (size < 1e-4 || size >= 1e21);
  return shortest(number, exponent ? std::chars_format::scientific : std::chars_format::fixed);
}

std::string printPlainFloat(double number) {
  return std::isfinite(number) ? shortest(number, std::chars_format::fixed) : printFloat(number);
}

std::size_t countRunes(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) {
    const std::size_t bytes = decode(text).bytes;
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return count;
}

}  // namespace iop::apiserver::schema::internal
