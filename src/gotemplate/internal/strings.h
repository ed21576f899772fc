#pragma once

// String functions of Go's package strings and of sprig (with the libraries goutils 1.1 and
// xstrings 1.5 that it stands on). Strings are bytes; where a function looks at runes, invalid
// bytes count as U+FFFD.
//
//   snakecase("HTTPServer")                    // http_server
//   wrapText("the quick brown fox", 10)        // "the quick\nbrown fox"
//   Result<std::string> part = substr(5, 3, text);
//   part.error().message                       // runtime error: slice bounds out of range [5:3]
//
// Pure functions, safe on any thread. A Result's Error carries the exact text of Go's panic,
// without anything in front. Results are linear in the sizes of the arguments, except where a
// comment gives the size: the caller checks it before.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {

// --- Case ---

std::string upper(std::string_view text);
std::string lower(std::string_view text);
// The old strings.Title: the first letter of each word in title case, the rest unchanged.
std::string title(std::string_view text);
// The first rune of each word that white space separates in lower case.
std::string untitle(std::string_view text);
std::string swapcase(std::string_view text);
std::string snakecase(std::string_view text);
std::string kebabcase(std::string_view text);
std::string camelcase(std::string_view text);

// --- Trimming; results point into `text` ---

std::string_view trimSpace(std::string_view text);
// Cuts leading and trailing runes that are in `cutset`.
std::string_view trimCutset(std::string_view text, std::string_view cutset);
std::string_view trimPrefix(std::string_view text, std::string_view prefix);
std::string_view trimSuffix(std::string_view text, std::string_view suffix);

// --- Cutting and joining ---

// The words that white space separates. They point into `text`.
std::vector<std::string_view> fields(std::string_view text);
// strings.SplitN: at most `limit` parts, all of them for a negative one, none for 0. An empty
// separator cuts after each rune (invalid bytes stay as they are). The parts point into `text`.
std::vector<std::string_view> splitN(std::string_view text, std::string_view separator, int limit);
inline std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  return splitN(text, separator, -1);
}
std::string join(const std::vector<std::string_view>& parts, std::string_view separator);

// strings.Count: how often `part` occurs without overlap; for an empty part the number of runes
// plus one.
std::size_t countOccurrences(std::string_view text, std::string_view part);
// strings.ReplaceAll; an empty `old` matches before each rune and at the end. The result has
// text.size() + countOccurrences(text, old) * (replacement.size() - old.size()) bytes.
std::string replaceAll(std::string_view text, std::string_view old, std::string_view replacement);
// text.size() * count bytes. Errors: "strings: negative Repeat count", "strings: Repeat output
// length overflow".
Result<std::string> repeat(std::string_view text, std::int64_t count);

// --- sprig ---

std::string initials(std::string_view text);
std::string nospace(std::string_view text);
// Error: "runtime error: slice bounds out of range …".
Result<std::string> substr(std::int64_t start, std::int64_t end, std::string_view text);
std::string trunc(std::int64_t count, std::string_view text);
std::string abbrev(std::int64_t width, std::string_view text);
std::string abbrevboth(std::int64_t offset, std::int64_t width, std::string_view text);
// Breaks lines at spaces so that they have at most `width` bytes where the words allow it.
std::string wrapText(std::string_view text, std::int64_t width);
// The same with another line break ("" means "\n"), and longer words cut. Up to text.size() / width
// breaks.
std::string wrapTextWith(std::string_view text, std::int64_t width, std::string_view lineBreak);
// `spaces` spaces in front of each line: (lines) * spaces bytes more. Error: "strings: negative
// Repeat count".
Result<std::string> indent(std::int64_t spaces, std::string_view text);
std::string_view plural(std::string_view one, std::string_view many, std::int64_t count);

}  // namespace iop::gotemplate::internal
