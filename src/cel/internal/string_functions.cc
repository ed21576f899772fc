// Texts: the standard functions and cel-go's ext.Strings (version 2). Positions are code points.

#include <algorithm>

#include "cel/internal/characters.h"
#include "cel/internal/format.h"
#include "cel/internal/functions.h"

namespace iop::cel::internal {
namespace {

// The byte at which a code point begins; the size of the text for the one behind the last.
std::size_t byteAt(std::string_view text, std::size_t point) {
  std::size_t at = 0;
  while (at < text.size() && point > 0) {
    ++at;
    while (at < text.size() && isContinuation(text[at])) ++at;
    --point;
  }
  return at;
}

std::size_t pointAt(std::string_view text, std::size_t byte) {
  return codePoints(text.substr(0, byte));
}

Item outOfRange(std::int64_t index) {
  return Item::error("index out of range: " + std::to_string(index));
}

Item size(Call& call) { return Item::integer(static_cast<std::int64_t>(sizeForCost(call[0]))); }

Item charAt(Call& call) {
  const std::string_view text = call.text(0);
  const std::int64_t index = call.number(1);
  const auto count = static_cast<std::int64_t>(codePoints(text));
  if (index < 0 || index > count) return outOfRange(index);
  const std::size_t begin = byteAt(text, static_cast<std::size_t>(index));
  const std::string_view rest = text.substr(begin);
  return Item::text(rest.substr(0, byteAt(rest, 1)));
}

Item indexOf(Call& call) {
  const std::string_view text = call.text(0), part = call.text(1);
  const std::int64_t from = call.size() == 3 ? call.number(2) : 0;
  if (from < 0) return outOfRange(from);
  const auto count = static_cast<std::int64_t>(codePoints(text));
  if (part.empty()) return from > count ? Item::integer(-1) : Item::integer(from);
  if (from >= count) return Item::integer(-1);
  const std::size_t found = text.find(part, byteAt(text, static_cast<std::size_t>(from)));
  if (found == std::string_view::npos) return Item::integer(-1);
  return Item::integer(static_cast<std::int64_t>(pointAt(text, found)));
}

Item lastIndexOf(Call& call) {
  const std::string_view text = call.text(0), part = call.text(1);
  const auto count = static_cast<std::int64_t>(codePoints(text));
  const std::int64_t last = call.size() == 3 ? call.number(2) : count;
  if (last < 0) return outOfRange(last);
  if (part.empty()) return Item::integer(std::min(last, count));
  if (call.size() == 3 && last >= count) return Item::integer(-1);
  const std::size_t found = text.rfind(part, byteAt(text, static_cast<std::size_t>(last)));
  if (found == std::string_view::npos) return Item::integer(-1);
  return Item::integer(static_cast<std::int64_t>(pointAt(text, found)));
}

Item substring(Call& call) {
  const std::string_view text = call.text(0);
  const auto count = static_cast<std::int64_t>(codePoints(text));
  const std::int64_t begin = call.number(1);
  const std::int64_t end = call.size() == 3 ? call.number(2) : count;
  if (begin > end && call.size() == 3)
    return Item::error("invalid substring range. start: " + std::to_string(begin) +
                       ", end: " + std::to_string(end));
  if (begin < 0 || begin > count) return outOfRange(begin);
  if (end < 0 || end > count) return outOfRange(end);
  const std::size_t first = byteAt(text, static_cast<std::size_t>(begin));
  const std::size_t size = byteAt(text.substr(first), static_cast<std::size_t>(end - begin));
  return Item::text(text.substr(first, size));
}

// Go's strings.Replace: an empty text is found before each code point and at the end.
Item replace(Call& call) {
  const std::string_view text = call.text(0), from = call.text(1), to = call.text(2);
  std::int64_t left = call.size() == 4 ? call.number(3) : -1;
  std::string out;
  std::size_t at = 0;
  while (left != 0) {
    const std::size_t found = from.empty() ? at : text.find(from, at);
    if (found == std::string_view::npos) break;
    if (!call.budget.take(to.size() + (found - at))) return Budget::overrun();
    out.append(text.substr(at, found - at)).append(to);
    --left;
    at = found + from.size();
    if (!from.empty()) continue;
    if (at >= text.size()) return Item::text(out);
    const std::size_t next = at + byteAt(text.substr(at), 1);
    out.append(text.substr(at, next - at));
    at = next;
  }
  return Item::text(out.append(text.substr(at)));
}

Item split(Call& call) {
  std::string_view text = call.text(0);
  const std::string_view separator = call.text(1);
  std::int64_t left = call.size() == 3 ? call.number(2) : -1;
  std::vector<Item> parts;
  if (left == 0 || (separator.empty() && text.empty())) return Item::list(std::move(parts));
  while (left != 1) {
    const std::size_t found = separator.empty() ? byteAt(text, 1) : text.find(separator);
    if (found == std::string_view::npos || (separator.empty() && found >= text.size())) break;
    parts.push_back(Item::text(text.substr(0, found)));
    text.remove_prefix(found + separator.size());
    --left;
    if (!call.budget.take(sizeof(Item))) return Budget::overrun();
  }
  parts.push_back(Item::text(text));
  return Item::list(std::move(parts));
}

Item join(Call& call) {
  const std::string_view separator = call.size() == 2 ? call.text(1) : std::string_view();
  std::string out;
  for (std::size_t i = 0; i < countOf(call[0]); ++i) {
    const Item part = elementOf(call[0], i);
    if (part.isError()) return part;
    if (part.kind != Kind::String)
      return Item::error(std::string("no such overload: join(list") +
                         (call.size() == 2 ? ", string)" : ")"));
    if (!call.budget.take(part.json.size() + separator.size())) return Budget::overrun();
    if (i > 0) out.append(separator);
    out.append(part.view());
  }
  return Item::text(out);
}

// Unicode's White_Space, as Go's strings.TrimSpace knows it.
std::size_t spaceAt(std::string_view text) {
  static constexpr std::string_view kSpaces[] = {
      " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u0085", "\u00a0", "\u1680",
      "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
      "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  for (const std::string_view space : kSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

Item trim(Call& call) {
  std::string_view text = call.text(0);
  while (const std::size_t size = spaceAt(text)) text.remove_prefix(size);
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && isContinuation(text[last])) --last;
    const std::size_t size = spaceAt(text.substr(last));
    if (size == 0 || last + size != text.size()) break;
    text.remove_suffix(size);
  }
  return Item::text(text);
}

template <char kFirst, char kLast>
Item changeCase(Call& call) {
  std::string out(call.text(0));
  for (char& byte : out) {
    if (byte >= kFirst && byte <= kLast) byte = static_cast<char>(byte ^ 0x20);
  }
  return Item::text(out);
}

Item quote(Call& call) {
  static constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kNames = "abfnrtv\\\"";
  std::string out = "\"";
  for (const char byte : call.text(0)) {
    const std::size_t known = kBytes.find(byte);
    if (known != std::string_view::npos) out += '\\';
    out += known == std::string_view::npos ? byte : kNames[known];
  }
  return Item::text(out + "\"");
}

Item contains(Call& call) {
  return Item::boolean(call.text(0).find(call.text(1)) != std::string_view::npos);
}
Item startsWith(Call& call) { return Item::boolean(call.text(0).starts_with(call.text(1))); }
Item endsWith(Call& call) { return Item::boolean(call.text(0).ends_with(call.text(1))); }

std::uint64_t costOfPart(std::span<const Item> arguments) {
  return tenth(sizeForCost(arguments[1]));
}
std::uint64_t costOfSearch(std::span<const Item> arguments) {
  return tenth(sizeForCost(arguments[0])) * tenth(sizeForCost(arguments[1]));
}
std::uint64_t costOfJoin(std::span<const Item> arguments) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < countOf(arguments[0]); ++i)
    size += elementOf(arguments[0], i).json.size();
  return tenth(size) + tenth(countOf(arguments[0]) / 2);
}

constexpr Declaration kFunctions[] = {
    {"size", "(bytes) -> int", size},
    {"size", "(list(A)) -> int", size},
    {"size", "(map(A, B)) -> int", size},
    {"size", "(string) -> int", size},
    {"size", "bytes.() -> int", size},
    {"size", "list(A).() -> int", size},
    {"size", "map(A, B).() -> int", size},
    {"size", "string.() -> int", size},
    {"charAt", "string.(int) -> string", charAt, costOfText},
    {"contains", "string.(string) -> bool", contains, costOfSearch},
    {"endsWith", "string.(string) -> bool", endsWith, costOfPart},
    {"format", "string.(list(dyn)) -> string", runFormat, costOfText},
    {"indexOf", "string.(string) -> int", indexOf, costOfSearch},
    {"indexOf", "string.(string, int) -> int", indexOf, costOfSearch},
    {"join", "list(string).() -> string", join, costOfJoin},
    {"join", "list(string).(string) -> string", join, costOfJoin},
    {"lastIndexOf", "string.(string) -> int", lastIndexOf, costOfSearch},
    {"lastIndexOf", "string.(string, int) -> int", lastIndexOf, costOfSearch},
    {"lowerAscii", "string.() -> string", changeCase<'A', 'Z'>, costOfText},
    {"replace", "string.(string, string) -> string", replace, costOfText},
    {"replace", "string.(string, string, int) -> string", replace, costOfText},
    {"split", "string.(string) -> list(string)", split, costOfText},
    {"split", "string.(string, int) -> list(string)", split, costOfText},
    {"startsWith", "string.(string) -> bool", startsWith, costOfPart},
    {"strings.quote", "(string) -> string", quote, costOfText},
    {"substring", "string.(int) -> string", substring, costOfText},
    {"substring", "string.(int, int) -> string", substring, costOfText},
    {"trim", "string.() -> string", trim, costOfText},
    {"upperAscii", "string.() -> string", changeCase<'a', 'z'>, costOfText},
};

}  // namespace

std::span<const Declaration> stringFunctions() { return kFunctions; }

}  // namespace iop::cel::internal
