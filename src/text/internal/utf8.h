#pragma once

// UTF-8 as Go's unicode/utf8 reads it: of what is not UTF-8, every byte counts as one U+FFFD.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace iop::text::internal {

inline constexpr char32_t kReplacement = 0xFFFD;

struct Rune {
  char32_t code = kReplacement;
  std::size_t size = 0;  // bytes; 1 and kReplacement for a byte that is not UTF-8
};

// The first character; `text` must not be empty.
inline Rune decodeRune(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const auto low = [&](std::size_t i) { return static_cast<char32_t>(byte(i) & 0x3F); };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xC2 && first <= 0xDF && continues(1)) return {((first & 0x1F) << 6) | low(1), 2};
  if (first >= 0xE0 && first <= 0xEF && continues(1) && continues(2)) {
    const char32_t code = ((first & 0x0F) << 12) | (low(1) << 6) | low(2);
    if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) return {code, 3};
  } else if (first >= 0xF0 && first <= 0xF4 && continues(1) && continues(2) && continues(3)) {
    const char32_t code = ((first & 0x07) << 18) | (low(1) << 12) | (low(2) << 6) | low(3);
    if (code >= 0x10000 && code <= 0x10FFFF) return {code, 4};
  }
  return {kReplacement, 1};
}

inline bool isInvalid(const Rune& rune) { return rune.code == kReplacement && rune.size == 1; }

inline void appendRune(std::string& out, char32_t code) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

inline bool isValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = decodeRune(text);
    if (isInvalid(rune)) return false;
    text.remove_prefix(rune.size);
  }
  return true;
}

// `code` in upper-case or lower-case hexadecimal with leading zeros.
inline void appendHex(std::string& out, std::uint64_t code, int digits, bool upper = false) {
  const char* alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += alphabet[(code >> shift) & 0xF];
}

}  // namespace iop::text::internal
