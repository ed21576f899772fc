#include "gotemplate/internal/strings.h"

#include <bitset>
#include <unordered_set>

#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

bool isAsciiText(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

// Each rune through `map`; invalid bytes reach it as U+FFFD.
template <typename Map>
std::string mapRunes(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    appendRune(out, map(next.rune));
    at += next.width;
  }
  return out;
}

template <typename Map>
std::string mapCase(std::string_view text, Map map) {
  if (!isAsciiText(text)) return mapRunes(text, map);
  std::string out(text);
  for (char& c : out) c = static_cast<char>(map(static_cast<unsigned char>(c)));
  return out;
}

// What separates words for title().
bool isTitleSeparator(char32_t rune) {
  if (rune < 0x80) return !isLetter(rune) && !isDigit(rune) && rune != '_';
  return !isLetter(rune) && !isDigit(rune) && isSpace(rune);
}

template <typename Predicate>
std::string_view trimWhere(std::string_view text, Predicate isCut) {
  while (!text.empty()) {
    const DecodedRune first = decodeRune(text);
    if (!isCut(first.rune)) break;
    text.remove_prefix(first.width);
  }
  while (!text.empty()) {
    const DecodedRune last = decodeLastRune(text);
    if (!isCut(last.rune)) break;
    text.remove_suffix(last.width);
  }
  return text;
}

// strings.SplitN for an empty separator.
std::vector<std::string_view> splitRunes(std::string_view text, int limit) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const bool isLast = limit > 0 && parts.size() + 1 == static_cast<std::size_t>(limit);
    const std::size_t width = isLast ? text.size() : decodeRune(text).width;
    parts.push_back(text.substr(0, width));
    text.remove_prefix(width);
  }
  return parts;
}

tl::unexpected<Error> outOfRange(const std::string& bounds) {
  return fail(Code::Invalid, "runtime error: slice bounds out of range " + bounds);
}

// A byte as goutils takes it: for the rune of that number.
char32_t latin1(char c) { return static_cast<unsigned char>(c); }

constexpr std::string_view kEllipsis = "...";

}  // namespace

std::string upper(std::string_view text) { return mapCase(text, toUpper); }
std::string lower(std::string_view text) { return mapCase(text, toLower); }

std::string title(std::string_view text) {
  char32_t previous = ' ';
  return mapRunes(text, [&previous](char32_t rune) {
    const bool startsWord = isTitleSeparator(previous);
    previous = rune;
    return startsWord ? toTitle(rune) : rune;
  });
}

std::string untitle(std::string_view text) {
  bool startsWord = true;
  return mapRunes(text, [&startsWord](char32_t rune) {
    if (isSpace(rune)) {
      startsWord = true;
      return rune;
    }
    if (!startsWord) return rune;
    startsWord = false;
    return toLower(rune);
  });
}

std::string swapcase(std::string_view text) {
  bool isAfterSpace = true;
  return mapRunes(text, [&isAfterSpace](char32_t rune) {
    const bool wasAfterSpace = isAfterSpace;
    isAfterSpace = false;
    if (isUpper(rune) || isTitle(rune)) return toLower(rune);
    if (isLower(rune)) return wasAfterSpace ? toTitle(rune) : toUpper(rune);
    isAfterSpace = isSpace(rune);
    return rune;
  });
}

std::string_view trimSpace(std::string_view text) { return trimWhere(text, isSpace); }

std::string_view trimCutset(std::string_view text, std::string_view cutset) {
  std::bitset<128> ascii;
  std::unordered_set<char32_t> others;
  for (std::size_t at = 0; at < cutset.size();) {
    const DecodedRune next = decodeRune(cutset.substr(at));
    if (next.rune < 0x80) {
      ascii.set(next.rune);
    } else {
      others.insert(next.rune);
    }
    at += next.width;
  }
  return trimWhere(
      text, [&](char32_t rune) { return rune < 0x80 ? ascii.test(rune) : others.contains(rune); });
}

std::string_view trimPrefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

std::string_view trimSuffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

std::vector<std::string_view> fields(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t start = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    if (!isSpace(next.rune)) {
      if (start == std::string_view::npos) start = at;
    } else if (start != std::string_view::npos) {
      words.push_back(text.substr(start, at - start));
      start = std::string_view::npos;
    }
    at += next.width;
  }
  if (start != std::string_view::npos) words.push_back(text.substr(start));
  return words;
}

std::vector<std::string_view> splitN(std::string_view text, std::string_view separator, int limit) {
  if (limit == 0) return {};
  if (separator.empty()) return splitRunes(text, limit);
  std::vector<std::string_view> parts;
  while (limit < 0 || parts.size() + 1 < static_cast<std::size_t>(limit)) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) break;
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

std::string join(const std::vector<std::string_view>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::size_t countOccurrences(std::string_view text, std::string_view part) {
  if (part.empty()) return countRunes(text) + 1;
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

std::string replaceAll(std::string_view text, std::string_view old, std::string_view replacement) {
  std::string out;
  if (old.empty()) {
    while (!text.empty()) {
      const std::size_t width = decodeRune(text).width;
      out += replacement;
      out += text.substr(0, width);
      text.remove_prefix(width);
    }
    out += replacement;
    return out;
  }
  for (std::size_t at = text.find(old); at != std::string_view::npos; at = text.find(old)) {
    out += text.substr(0, at);
    out += replacement;
    text.remove_prefix(at + old.size());
  }
  out += text;
  return out;
}

Result<std::string> repeat(std::string_view text, std::int64_t count) {
  if (count < 0) return fail(Code::Invalid, "strings: negative Repeat count");
  if (count == 0 || text.empty()) return std::string();
  if (text.size() > static_cast<std::size_t>(INT64_MAX / count)) {
    return fail(Code::Invalid, "strings: Repeat output length overflow");
  }
  std::string out;
  out.reserve(text.size() * static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string initials(std::string_view text) {
  std::string out;
  bool isAfterGap = true;
  for (const char c : text) {
    if (isSpace(latin1(c))) {
      isAfterGap = true;
    } else if (isAfterGap) {
      appendRune(out, latin1(c));
      isAfterGap = false;
    }
  }
  return out;
}

std::string nospace(std::string_view text) {
  std::string out;
  std::size_t kept = 0;
  for (const char c : text) {
    if (isSpace(latin1(c))) continue;
    appendRune(out, latin1(c));
    ++kept;
  }
  return kept == text.size() ? std::string(text) : out;
}

Result<std::string> substr(std::int64_t start, std::int64_t end, std::string_view text) {
  const auto length = static_cast<std::int64_t>(text.size());
  if (start < 0) {
    if (end < 0) return outOfRange("[:" + std::to_string(end) + "]");
    if (end > length) {
      return outOfRange("[:" + std::to_string(end) + "] with length " + std::to_string(length));
    }
    return std::string(text.substr(0, static_cast<std::size_t>(end)));
  }
  if (end < 0 || end > length) end = length;
  if (start > end) {
    return outOfRange("[" + std::to_string(start) + ":" + std::to_string(end) + "]");
  }
  return std::string(
      text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)));
}

std::string trunc(std::int64_t count, std::string_view text) {
  const auto length = static_cast<std::int64_t>(text.size());
  if (count >= 0) return std::string(text.substr(0, static_cast<std::size_t>(count)));
  if (length + count <= 0) return std::string(text);
  return std::string(text.substr(static_cast<std::size_t>(length + count)));
}

std::string abbrev(std::int64_t width, std::string_view text) {
  if (width < 4 || text.size() <= static_cast<std::size_t>(width)) return std::string(text);
  return std::string(text.substr(0, static_cast<std::size_t>(width) - kEllipsis.size()))
      .append(kEllipsis);
}

std::string abbrevboth(std::int64_t offset, std::int64_t width, std::string_view text) {
  if (width < 4 || (offset > 0 && width < 7)) return std::string(text);
  const auto length = static_cast<std::int64_t>(text.size());
  if (length <= width) return std::string(text);
  const std::int64_t room = width - 3;  // beside one ellipsis
  // The difference wraps around in Go too.
  const auto rest = static_cast<std::int64_t>(static_cast<std::uint64_t>(length) -
                                              static_cast<std::uint64_t>(offset));
  if (offset > length || rest < room) offset = length - room;
  if (offset <= 4) return abbrev(width, text);
  if (width < 7) return {};
  std::string out(kEllipsis);
  if (offset + room >= length) {
    return out.append(text.substr(static_cast<std::size_t>(length - room)));
  }
  // Room for less than a letter and the second ellipsis gives nothing at all, as goutils' inner
  // call fails.
  if (room >= 4) out += abbrev(room, text.substr(static_cast<std::size_t>(offset)));
  return out;
}

namespace {

std::string wrapAt(std::string_view text, std::int64_t width, std::string_view lineBreak,
                   bool cutsLongWords) {
  const std::size_t columns = width < 1 ? 1 : static_cast<std::size_t>(width);
  std::string out;
  while (text.size() > columns) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    std::size_t lineEnd = text.rfind(' ', columns);
    std::size_t gap = 1;
    if (lineEnd == std::string_view::npos) {
      gap = cutsLongWords ? 0 : 1;
      lineEnd = cutsLongWords ? columns : text.find(' ', columns);
      if (lineEnd == std::string_view::npos) break;
    }
    out += text.substr(0, lineEnd);
    out += lineBreak;
    text.remove_prefix(lineEnd + gap);
  }
  out += text;
  return out;
}

}  // namespace

std::string wrapText(std::string_view text, std::int64_t width) {
  return wrapAt(text, width, "\n", false);
}

std::string wrapTextWith(std::string_view text, std::int64_t width, std::string_view lineBreak) {
  return wrapAt(text, width, lineBreak.empty() ? "\n" : lineBreak, true);
}

Result<std::string> indent(std::int64_t spaces, std::string_view text) {
  ASSIGN_OR_RETURN(const std::string padding, repeat(" ", spaces));
  return padding + replaceAll(text, "\n", "\n" + padding);
}

std::string_view plural(std::string_view one, std::string_view many, std::int64_t count) {
  return count == 1 ? one : many;
}

}  // namespace iop::gotemplate::internal
