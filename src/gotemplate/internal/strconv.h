#pragma once

// Numbers and quoted strings as Go's package strconv writes and reads them.
//
//   quote("a\tb")                              // "a\tb" with the quotes and the backslash written
//   formatFloat(1e6, 'g', -1)                  // 1e+06
//   Parsed<std::int64_t> n = parseInt("0x_1f", 0);
//   if (!n.ok()) return fail(Code::Invalid, numErrorText("ParseInt", "0x_1f", n.error));
//
// Pure functions, safe on any thread. Sizes of results are linear in the sizes of the arguments (a
// precision counts as its value), which the caller bounds.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace iop::gotemplate::internal {

// A double-quoted Go string literal (%q); invalid bytes become \xHH.
std::string quote(std::string_view text);
// The same with all non-ASCII runes escaped (%+q).
std::string quoteToAscii(std::string_view text);
// A single-quoted Go character literal ('x'); what is no valid rune is written as U+FFFD.
std::string quoteRune(char32_t rune);
std::string quoteRuneToAscii(char32_t rune);
// True where the text can stand unchanged between backquotes (%#q): valid UTF-8, no backquote, no
// control characters other than tab, no byte order mark.
bool canBackquote(std::string_view text);

// The value of a Go string literal ("…", `…`) or character literal ('…'). Error: "invalid syntax".
Result<std::string> unquote(std::string_view literal);

// The first character or escape sequence of a literal's inside.
struct UnquotedChar {
  char32_t value = 0;
  bool isMultibyte = false;  // false: `value` is one byte (a \x or octal escape, or ASCII)
  std::string_view tail;     // what follows it
};
// `quote` is the delimiter, which may not stand unescaped and is the only quote that may be
// escaped; 0: both quotes may stand and neither may be escaped. Error: "invalid syntax".
Result<UnquotedChar> unquoteChar(std::string_view text, char quote);

// `format` is one of b e E f g G x X; `precision` -1 asks for the fewest digits that read back as
// the same number of `bits` (32 or 64) bits. Infinities are "+Inf" and "-Inf", and there is "NaN".
std::string formatFloat(double value, char format, int precision, int bits = 64);
// Digits in a base of 2 to 36, lower case.
std::string formatInt(std::int64_t value, int base = 10);
std::string formatUint(std::uint64_t value, int base = 10);

// What a text that should be a number is.
enum class NumError { None, Syntax, Range };

template <typename T>
struct Parsed {
  T value{};  // on Range the nearest number there is (for floats an infinity), on Syntax 0
  NumError error = NumError::None;

  bool ok() const { return error == NumError::None; }
};

// Base 0 takes the base from the prefix 0x, 0o, 0b or 0 and allows "_" between digits; otherwise
// digits only. `bits` (1 to 64) is the size that the number must fit.
Parsed<std::int64_t> parseInt(std::string_view text, int base = 10, int bits = 64);
Parsed<std::uint64_t> parseUint(std::string_view text, int base = 10, int bits = 64);
// Go's ParseFloat for 64 bits: decimal, hexadecimal with a "p" exponent, inf, infinity, nan (any
// case); underscores only as Go's literals of base 0 allow them (for a decimal number: not at all).
Parsed<double> parseFloat(std::string_view text);
// True where every underscore of a number stands between digits or between a base prefix and a
// digit.
bool areUnderscoresOk(std::string_view text);

// `strconv.ParseInt: parsing "x": invalid syntax`; `function` is the Go function's name.
std::string numErrorText(std::string_view function, std::string_view text, NumError error);

}  // namespace iop::gotemplate::internal
