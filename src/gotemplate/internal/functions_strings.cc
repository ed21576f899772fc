// sprig's functions on strings and on lists of strings.

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/encoding.h"
#include "gotemplate/internal/fmt.h"
#include "gotemplate/internal/lists.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/strings.h"

namespace iop::gotemplate::internal {
namespace {

using StringList = Typed<Type::StringSlice>;
using StringMap = Typed<Type::StringMap>;

std::string_view hello() { return "Hello!"; }

// --- Trimming ---

std::string_view trimAll(std::string_view cutset, std::string_view text) {
  return trimCutset(text, cutset);
}
std::string_view trimStart(std::string_view prefix, std::string_view text) {
  return trimPrefix(text, prefix);
}
std::string_view trimEnd(std::string_view suffix, std::string_view text) {
  return trimSuffix(text, suffix);
}

// --- Searching ---

bool contains(std::string_view part, std::string_view text) {
  return text.find(part) != std::string_view::npos;
}
bool hasPrefix(std::string_view prefix, std::string_view text) { return text.starts_with(prefix); }
bool hasSuffix(std::string_view suffix, std::string_view text) { return text.ends_with(suffix); }

// --- Growing: the size of the result is checked first ---

std::string replace(Runtime& runtime, std::string_view old, std::string_view replacement,
                    std::string_view text) {
  const std::uint64_t count = countOccurrences(text, old);
  runtime.checkValueBytes(text.size() + count * replacement.size());
  return replaceAll(text, old, replacement);
}

Result<std::string> repeatText(Runtime& runtime, std::int64_t count, std::string_view text) {
  if (count > 0 && !text.empty()) {
    const auto times = static_cast<std::uint64_t>(count);
    // What overflows fails by itself.
    if (times <=
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / text.size()) {
      runtime.checkValueBytes(times * text.size());
    }
  }
  if (text.empty() && count >= 0) return std::string();
  return repeat(text, count);
}

Result<std::string> indentText(Runtime& runtime, std::int64_t spaces, std::string_view text) {
  if (spaces > 0) {
    runtime.checkValueBytes(static_cast<std::uint64_t>(spaces));
    const auto lines = static_cast<std::uint64_t>(std::ranges::count(text, '\n')) + 1;
    runtime.checkValueBytes(text.size() + lines * static_cast<std::uint64_t>(spaces));
  }
  return indent(spaces, text);
}

Result<std::string> newlineIndentText(Runtime& runtime, std::int64_t spaces,
                                      std::string_view text) {
  ASSIGN_OR_RETURN(const std::string indented, indentText(runtime, spaces, text));
  return "\n" + indented;
}

std::string wrapAt(std::int64_t width, std::string_view text) { return wrapText(text, width); }
std::string wrapWith(Runtime& runtime, std::int64_t width, std::string_view lineBreak,
                     std::string_view text) {
  const auto columns = static_cast<std::uint64_t>(std::max<std::int64_t>(width, 1));
  runtime.checkValueBytes(text.size() + (text.size() / columns + 1) * lineBreak.size());
  return wrapTextWith(text, width, lineBreak);
}

// --- Any values as text ---

std::string_view toStringText(Runtime& runtime, Any value) { return toText(runtime, value); }

std::string quoteAll(Runtime& runtime, Rest<Any> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].isNil()) continue;
    std::string quoted = quote(toText(runtime, values[i]));
    if (out.empty()) {
      out = std::move(quoted);
    } else {
      out.append(1, ' ').append(quoted);
    }
    runtime.checkValueBytes(out.size());
  }
  return out;
}

std::string singleQuoteAll(Runtime& runtime, Rest<Any> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].isNil()) continue;
    out += out.empty() ? "'" : " '";
    appendValue(runtime, out, values[i]);
    out += '\'';
    runtime.checkValueBytes(out.size());
  }
  return out;
}

std::string cat(Runtime& runtime, Rest<Any> values) {
  std::string out;
  bool isFirst = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].isNil()) continue;
    if (!std::exchange(isFirst, false)) out += ' ';
    appendValue(runtime, out, values[i]);
    runtime.checkValueBytes(out.size());
  }
  return out;
}

// --- Lists of strings ---

StringList toStrings(Runtime& runtime, Any value) {
  if (value.type == Type::StringSlice) return {value};
  const std::vector<std::string_view> texts = textsOf(runtime, value);
  // Go makes room for the nils as well.
  Slice* out = runtime.makeSlice(value.isSlice() ? SliceView(value).size() : texts.size());
  for (std::size_t i = 0; i < out->length; ++i)
    out->items[i] = Any::string(i < texts.size() ? texts[i] : std::string_view());
  out->length = static_cast<std::uint32_t>(texts.size());
  return {Any::list(Type::StringSlice, out)};
}

std::string joinList(Runtime& runtime, std::string_view separator, Any list) {
  const std::vector<std::string_view> parts = textsOf(runtime, list);
  std::uint64_t bytes = parts.size() * separator.size();
  for (std::string_view part : parts) bytes += part.size();
  runtime.checkValueBytes(bytes);
  return join(parts, separator);
}

// A []string is sorted where it is, for everybody who holds it.
StringList sortAlpha(Runtime& runtime, Any list) {
  if (!list.isSlice()) {
    const std::string_view one = toText(runtime, list);
    return {runtime.makeStringList({&one, 1})};
  }
  const Any sorted = toStrings(runtime, list).value;
  if (sorted.slice == nullptr) return {sorted};
  runtime.charge(sorted.slice->length);
  std::sort(sorted.slice->items, sorted.slice->items + sorted.slice->length,
            [](const Any& a, const Any& b) { return a.asText() < b.asText(); });
  return {sorted};
}

StringList splitList(Runtime& runtime, std::string_view separator, std::string_view text) {
  const std::uint64_t parts = countOccurrences(text, separator) + 1;
  runtime.checkValueBytes(parts * sizeof(Any));
  return {runtime.makeStringList(split(text, separator))};
}

StringMap numbered(Runtime& runtime, const std::vector<std::string_view>& parts) {
  runtime.charge(parts.size());
  Map* map = runtime.makeMap(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    map->entries[i] = {runtime.makeString("_" + std::to_string(i)).asText(), Any::string(parts[i])};
  }
  map->size = static_cast<std::uint32_t>(parts.size());
  std::sort(map->entries, map->entries + map->size,
            [](const Map::Entry& a, const Map::Entry& b) { return a.key < b.key; });
  return {Any::mapOf(Type::StringMap, map)};
}

StringMap splitMapN(Runtime& runtime, std::string_view separator, std::int64_t limit,
                    std::string_view text) {
  const std::uint64_t parts = countOccurrences(text, separator) + 1;
  runtime.checkValueBytes(
      limit >= 0 && static_cast<std::uint64_t>(limit) < parts ? 0 : parts * sizeof(Map::Entry));
  const auto clamped =
      static_cast<int>(std::clamp<std::int64_t>(limit, -1, std::numeric_limits<int>::max()));
  return numbered(runtime, splitN(text, separator, clamped));
}

StringMap splitMap(Runtime& runtime, std::string_view separator, std::string_view text) {
  return splitMapN(runtime, separator, -1, text);
}

// --- Encodings whose errors become the output ---

std::string textOrError(Result<std::string> result) {
  return result ? *std::move(result) : result.error().message;
}
std::string base64Decoded(std::string_view text) { return textOrError(decodeBase64(text)); }
std::string base32Decoded(std::string_view text) { return textOrError(decodeBase32(text)); }
std::string adler32Text(std::string_view text) { return std::to_string(adler32Sum(text)); }

// --- Table ---

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "strings");
}
template <auto function>
constexpr Function encoding(std::string_view name) {
  return bind<function>(name, "encoding");
}
template <auto function>
constexpr Function lists(std::string_view name) {
  return bind<function>(name, "string lists");
}

constexpr Function kFunctions[] = {
    entry<&hello>("hello"),
    entry<&trimSpace>("trim"),
    entry<&trimAll>("trimAll"),
    entry<&trimAll>("trimall"),
    entry<&trimStart>("trimPrefix"),
    entry<&trimEnd>("trimSuffix"),
    entry<&upper>("upper"),
    entry<&lower>("lower"),
    entry<&title>("title"),
    entry<&untitle>("untitle"),
    entry<&swapcase>("swapcase"),
    entry<&snakecase>("snakecase"),
    entry<&kebabcase>("kebabcase"),
    entry<&camelcase>("camelcase"),
    entry<&nospace>("nospace"),
    entry<&initials>("initials"),
    entry<&repeatText>("repeat"),
    entry<&substr>("substr"),
    entry<&trunc>("trunc"),
    entry<&abbrev>("abbrev"),
    entry<&abbrevboth>("abbrevboth"),
    entry<&wrapAt>("wrap"),
    entry<&wrapWith>("wrapWith"),
    entry<&contains>("contains"),
    entry<&hasPrefix>("hasPrefix"),
    entry<&hasSuffix>("hasSuffix"),
    entry<&replace>("replace"),
    entry<&quoteAll>("quote"),
    entry<&singleQuoteAll>("squote"),
    entry<&cat>("cat"),
    entry<&indentText>("indent"),
    entry<&newlineIndentText>("nindent"),
    entry<&plural>("plural"),
    entry<&toStringText>("toString"),
    lists<&splitMap>("split"),
    lists<&splitMapN>("splitn"),
    lists<&splitList>("splitList"),
    lists<&joinList>("join"),
    lists<&toStrings>("toStrings"),
    lists<&sortAlpha>("sortAlpha"),
    encoding<&encodeBase64>("b64enc"),
    encoding<&base64Decoded>("b64dec"),
    encoding<&encodeBase32>("b32enc"),
    encoding<&base32Decoded>("b32dec"),
    encoding<&sha1Hex>("sha1sum"),
    encoding<&sha256Hex>("sha256sum"),
    encoding<&sha512Hex>("sha512sum"),
    encoding<&adler32Text>("adler32sum"),
};

}  // namespace

std::span<const Function> stringFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
