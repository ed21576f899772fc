#include "gotemplate/internal/unicode.h"

#include <unicode/uchar.h>

namespace iop::gotemplate::internal {
namespace {

unsigned char byteAt(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool isContinuation(std::string_view text, std::size_t at) {
  return at < text.size() && (byteAt(text, at) & 0xC0) == 0x80;
}

char32_t tailBits(std::string_view text, std::size_t at) { return byteAt(text, at) & 0x3Fu; }

UChar32 icu(char32_t rune) { return static_cast<UChar32>(rune); }

// ICU's masks of general categories, for runes that ICU can take.
bool isIn(char32_t rune, std::uint32_t mask) {
  return rune <= kMaxRune && (U_GET_GC_MASK(icu(rune)) & mask) != 0;
}

bool isAsciiUpper(char32_t rune) { return rune >= 'A' && rune <= 'Z'; }
bool isAsciiLower(char32_t rune) { return rune >= 'a' && rune <= 'z'; }

}  // namespace

DecodedRune decodeRune(std::string_view text) {
  if (text.empty()) return {kReplacementRune, 0};
  const unsigned char lead = byteAt(text, 0);
  if (lead < 0x80) return {lead, 1};
  constexpr DecodedRune kInvalid{kReplacementRune, 1};
  if (lead < 0xC2 || lead > 0xF4 || !isContinuation(text, 1)) return kInvalid;
  if (lead < 0xE0) return {(lead & 0x1Fu) << 6 | tailBits(text, 1), 2};
  if (!isContinuation(text, 2)) return kInvalid;
  if (lead < 0xF0) {
    const char32_t rune = (lead & 0x0Fu) << 12 | tailBits(text, 1) << 6 | tailBits(text, 2);
    return rune >= 0x800 && isValidRune(rune) ? DecodedRune{rune, 3} : kInvalid;
  }
  if (!isContinuation(text, 3)) return kInvalid;
  const char32_t rune =
      (lead & 0x07u) << 18 | tailBits(text, 1) << 12 | tailBits(text, 2) << 6 | tailBits(text, 3);
  return rune >= 0x10000 && isValidRune(rune) ? DecodedRune{rune, 4} : kInvalid;
}

DecodedRune decodeLastRune(std::string_view text) {
  if (text.empty()) return {kReplacementRune, 0};
  const std::size_t longest = text.size() < 4 ? text.size() : 4;
  for (std::size_t width = 1; width <= longest; ++width) {
    const DecodedRune candidate = decodeRune(text.substr(text.size() - width));
    if (candidate.width == width && !candidate.isInvalid()) return candidate;
    if (!isContinuation(text, text.size() - width)) break;
  }
  return {kReplacementRune, 1};
}

void appendRune(std::string& out, char32_t rune) {
  const auto push = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (!isValidRune(rune)) rune = kReplacementRune;
  if (rune < 0x80) {
    push(rune);
  } else if (rune < 0x800) {
    push(0xC0 | rune >> 6);
    push(0x80 | (rune & 0x3F));
  } else if (rune < 0x10000) {
    push(0xE0 | rune >> 12);
    push(0x80 | (rune >> 6 & 0x3F));
    push(0x80 | (rune & 0x3F));
  } else {
    push(0xF0 | rune >> 18);
    push(0x80 | (rune >> 12 & 0x3F));
    push(0x80 | (rune >> 6 & 0x3F));
    push(0x80 | (rune & 0x3F));
  }
}

std::size_t countRunes(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) at += decodeRune(text.substr(at)).width;
  return count;
}

bool isValidUtf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    if (next.isInvalid()) return false;
    at += next.width;
  }
  return true;
}

bool isValidRune(char32_t rune) { return rune < 0xD800 || (rune > 0xDFFF && rune <= kMaxRune); }

bool isSpace(char32_t rune) {
  if (rune < 0x80) return rune == ' ' || (rune >= '\t' && rune <= '\r');
  return rune <= kMaxRune && u_isUWhiteSpace(icu(rune));
}

bool isLetter(char32_t rune) {
  if (rune < 0x80) return isAsciiUpper(rune) || isAsciiLower(rune);
  return isIn(rune, U_GC_L_MASK);
}

bool isDigit(char32_t rune) {
  if (rune < 0x80) return rune >= '0' && rune <= '9';
  return isIn(rune, U_GC_ND_MASK);
}

bool isNumber(char32_t rune) { return rune < 0x80 ? isDigit(rune) : isIn(rune, U_GC_N_MASK); }

bool isUpper(char32_t rune) { return rune < 0x80 ? isAsciiUpper(rune) : isIn(rune, U_GC_LU_MASK); }

bool isLower(char32_t rune) { return rune < 0x80 ? isAsciiLower(rune) : isIn(rune, U_GC_LL_MASK); }

bool isTitle(char32_t rune) { return rune >= 0x80 && isIn(rune, U_GC_LT_MASK); }

bool isPunct(char32_t rune) { return isIn(rune, U_GC_P_MASK); }

bool isSymbol(char32_t rune) { return isIn(rune, U_GC_S_MASK); }

bool isControl(char32_t rune) { return rune < 0x20 || (rune >= 0x7F && rune < 0xA0); }

bool isPrint(char32_t rune) {
  if (rune < 0x80) return rune >= ' ' && rune < 0x7F;
  return isIn(rune, U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK | U_GC_P_MASK | U_GC_S_MASK);
}

char32_t toUpper(char32_t rune) {
  if (rune < 0x80) return isAsciiLower(rune) ? rune - ('a' - 'A') : rune;
  return rune <= kMaxRune ? static_cast<char32_t>(u_toupper(icu(rune))) : rune;
}

char32_t toLower(char32_t rune) {
  if (rune < 0x80) return isAsciiUpper(rune) ? rune + ('a' - 'A') : rune;
  return rune <= kMaxRune ? static_cast<char32_t>(u_tolower(icu(rune))) : rune;
}

char32_t toTitle(char32_t rune) {
  if (rune < 0x80) return toUpper(rune);
  return rune <= kMaxRune ? static_cast<char32_t>(u_totitle(icu(rune))) : rune;
}

}  // namespace iop::gotemplate::internal
