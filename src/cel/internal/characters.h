#pragma once

// Bytes of ASCII and of UTF-8.

namespace iop::cel::internal {

constexpr bool isDigit(char byte) { return byte >= '0' && byte <= '9'; }
constexpr bool isLetter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}
// Not the first byte of a code point.
constexpr bool isContinuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}
// -1 for what is no hexadecimal digit.
constexpr int hexValue(char byte) {
  if (isDigit(byte)) return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

}  // namespace iop::cel::internal
