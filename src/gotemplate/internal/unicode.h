#pragma once

// UTF-8 and the classes of characters, as Go's packages unicode and unicode/utf8 have them
// (Unicode 15.0).
//
//   for (std::size_t at = 0; at < text.size();) {
//     DecodedRune next = decodeRune(text.substr(at));   // "\xff" gives U+FFFD with width 1
//     appendRune(out, toUpper(next.rune));
//     at += next.width;
//   }
//
// Strings are bytes and may hold anything; each byte that is no part of a valid encoding counts as
// one U+FFFD. All functions are pure and may be called from any thread. Case mapping is Go's: one
// rune to one rune, no special casing (U+00DF stays, U+0130 becomes 'i'), no locale.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace iop::gotemplate::internal {

inline constexpr char32_t kReplacementRune = 0xFFFD;
inline constexpr char32_t kMaxRune = 0x10FFFF;

struct DecodedRune {
  char32_t rune = kReplacementRune;
  std::size_t width = 0;  // bytes; 0 only for an empty text

  // True where the text does not start with a valid encoding (a written U+FFFD has width 3).
  bool isInvalid() const { return rune == kReplacementRune && width <= 1; }
};

// The first (last) rune of a text. Surrogates, overlong forms and runes above U+10FFFF are invalid.
DecodedRune decodeRune(std::string_view text);
DecodedRune decodeLastRune(std::string_view text);
// Appends the encoding; what is no Unicode scalar value is written as U+FFFD.
void appendRune(std::string& out, char32_t rune);
std::size_t countRunes(std::string_view text);
bool isValidUtf8(std::string_view text);
// True for Unicode scalar values: not a surrogate and not above U+10FFFF.
bool isValidRune(char32_t rune);

bool isSpace(char32_t rune);    // property White_Space
bool isLetter(char32_t rune);   // category L
bool isDigit(char32_t rune);    // category Nd
bool isNumber(char32_t rune);   // category N
bool isUpper(char32_t rune);    // category Lu
bool isLower(char32_t rune);    // category Ll
bool isTitle(char32_t rune);    // category Lt
bool isPunct(char32_t rune);    // category P
bool isSymbol(char32_t rune);   // category S
bool isControl(char32_t rune);  // category Cc
// Letters, marks, numbers, punctuation, symbols and the ASCII space: strconv.IsPrint and
// unicode.IsPrint.
bool isPrint(char32_t rune);

char32_t toUpper(char32_t rune);
char32_t toLower(char32_t rune);
char32_t toTitle(char32_t rune);

}  // namespace iop::gotemplate::internal
