#include "gotemplate/internal/time_layout.h"

#include <utility>

namespace iop::gotemplate::internal {
namespace {

using Spelling = std::pair<std::string_view, LayoutElement>;

// In the order in which they are tried: where one starts with another, the longer one comes first.
constexpr Spelling kSpellings[] = {
    {"January", LayoutElement::LongMonth},
    {"Jan", LayoutElement::Month},
    {"Monday", LayoutElement::LongWeekday},
    {"Mon", LayoutElement::Weekday},
    {"MST", LayoutElement::ZoneName},
    {"01", LayoutElement::ZeroMonth},
    {"02", LayoutElement::ZeroDay},
    {"03", LayoutElement::ZeroHour12},
    {"04", LayoutElement::ZeroMinute},
    {"05", LayoutElement::ZeroSecond},
    {"06", LayoutElement::Year},
    {"002", LayoutElement::ZeroYearDay},
    {"15", LayoutElement::Hour},
    {"1", LayoutElement::NumMonth},
    {"2006", LayoutElement::LongYear},
    {"2", LayoutElement::Day},
    {"__2", LayoutElement::UnderYearDay},
    {"_2", LayoutElement::UnderDay},
    {"3", LayoutElement::Hour12},
    {"4", LayoutElement::Minute},
    {"5", LayoutElement::Second},
    {"PM", LayoutElement::UpperPm},
    {"pm", LayoutElement::LowerPm},
    {"-070000", LayoutElement::OffsetSeconds},
    {"-07:00:00", LayoutElement::OffsetColonSeconds},
    {"-0700", LayoutElement::Offset},
    {"-07:00", LayoutElement::OffsetColon},
    {"-07", LayoutElement::OffsetShort},
    {"Z070000", LayoutElement::IsoSeconds},
    {"Z07:00:00", LayoutElement::IsoColonSeconds},
    {"Z0700", LayoutElement::Iso},
    {"Z07:00", LayoutElement::IsoColon},
    {"Z07", LayoutElement::IsoShort},
};

bool startsWithLowerCase(std::string_view text) {
  return !text.empty() && text[0] >= 'a' && text[0] <= 'z';
}

bool startsWithDigit(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

// The element at the front of `text`.
Spelling elementAt(std::string_view text) {
  if (text[0] == '.' || text[0] == ',') {
    // A fraction of a second: a run of one digit that no other digit follows.
    if (text.size() < 2 || (text[1] != '0' && text[1] != '9')) return {};
    std::size_t end = 1;
    while (end < text.size() && text[end] == text[1]) ++end;
    if (startsWithDigit(text.substr(end))) return {};
    return {text.substr(0, end),
            text[1] == '0' ? LayoutElement::FractionZeros : LayoutElement::FractionNines};
  }
  for (const auto& [spelling, element] : kSpellings) {
    if (spelling[0] != text[0] || !text.starts_with(spelling)) continue;
    // Short names are not found inside of words.
    const bool isShortName = element == LayoutElement::Month || element == LayoutElement::Weekday;
    if (isShortName && startsWithLowerCase(text.substr(spelling.size()))) continue;
    return {text.substr(0, spelling.size()), element};
  }
  return {};
}

}  // namespace

LayoutChunk nextChunk(std::string_view layout) {
  for (std::size_t at = 0; at < layout.size(); ++at) {
    const std::string_view rest = layout.substr(at);
    if (rest.starts_with("_2006")) continue;  // the underscore is text, the year follows
    const auto [text, element] = elementAt(rest);
    if (element == LayoutElement::None) continue;
    return {layout.substr(0, at), element, text, rest.substr(text.size())};
  }
  return {layout, LayoutElement::None, {}, {}};
}

std::string quoteForTimeError(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte >= 0x80) {
      out += "\\x";
      out.push_back("0123456789abcdef"[byte >> 4]);
      out.push_back("0123456789abcdef"[byte & 0xF]);
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

}  // namespace iop::gotemplate::internal
