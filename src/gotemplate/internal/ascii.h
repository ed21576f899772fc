#pragma once

// Small things that the parsers and printers of the library share: classes of ASCII bytes (whatever
// the locale), bytes of strings as C libraries take them, and errors with the texts of Go. Pure.

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace iop::gotemplate::internal {

constexpr bool isAsciiDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool isAsciiLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool isAsciiAlphanumeric(char c) { return isAsciiDigit(c) || isAsciiLetter(c); }

constexpr char toAsciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// -1 for what is no hexadecimal digit.
constexpr int hexDigitValue(char c) {
  if (isAsciiDigit(c)) return c - '0';
  const char lower = toAsciiLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline unsigned char* mutableBytesOf(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
inline const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The failure of a function of Go's library, with Go's text.
inline tl::unexpected<Error> goError(std::string message) {
  return fail(Code::Invalid, std::move(message));
}

}  // namespace iop::gotemplate::internal
