#include "apiserver/auth/internal/go_text.h"

#include <algorithm>
#include <optional>

namespace iop::apiserver::auth::internal {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

struct Rune {
  std::size_t size;
  unsigned code;
};

// The character of more than one byte at the front of a text; nothing if it is no UTF-8.
std::optional<Rune> longRune(std::string_view text) {
  const auto byteAt = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byteAt(0);
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return std::nullopt;
  unsigned code = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byteAt(i) & 0xc0) != 0x80) return std::nullopt;
    code = code << 6 | (byteAt(i) & 0x3fU);
  }
  const bool isOverlong = code < (size == 4 ? 0x10000U : size == 3 ? 0x800U : 0x80U);
  if (isOverlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  return Rune{size, code};
}

void appendHex(std::string& out, std::string_view prefix, unsigned code, int digits) {
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += kDigits[(code >> static_cast<unsigned>(shift)) & 15U];
}

}  // namespace

void appendQuoted(std::string& out, std::string_view text) {
  constexpr std::string_view kShort = "\a\b\t\n\v\f\r", kNames = "abtnvfr";
  out += '"';
  while (!text.empty()) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    std::size_t size = 1;
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (const std::size_t known = kShort.find(c); known != std::string_view::npos) {
      (out += '\\') += kNames[known];
    } else if (byte < 0x20 || byte == 0x7f) {
      appendHex(out, "\\x", byte, 2);
    } else if (byte < 0x80) {
      out += c;
    } else if (const auto rune = longRune(text)) {
      size = rune->size;
      if (rune->code < 0xa0) {
        appendHex(out, "\\u", rune->code, 4);
      } else {
        out += text.substr(0, size);
      }
    } else {
      appendHex(out, "\\x", byte, 2);
    }
    text.remove_prefix(size);
  }
  out += '"';
}

std::string quote(std::string_view text) {
  std::string out;
  appendQuoted(out, text);
  return out;
}

std::string printErrors(const std::vector<std::string>& errors) {
  std::vector<std::string_view> distinct;
  for (const std::string& error : errors) {
    if (std::find(distinct.begin(), distinct.end(), error) == distinct.end())
      distinct.push_back(error);
  }
  if (distinct.size() == 1) return std::string(distinct.front());
  std::string out = "[";
  for (const std::string_view error : distinct) {
    if (out.size() > 1) out += ", ";
    out += error;
  }
  return out + "]";
}

}  // namespace iop::apiserver::auth::internal
