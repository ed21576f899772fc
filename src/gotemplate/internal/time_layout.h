#pragma once

// The reference layouts of Go's package time ("Mon Jan _2 15:04:05 2006"), cut into their elements.
//
//   LayoutChunk chunk = nextChunk("on Jan 2");
//   chunk.prefix                               // "on "
//   chunk.element                              // LayoutElement::Month, written as chunk.text ==
//   "Jan" chunk.suffix                               // " 2"
//
// Pure, safe on any thread. For times_format.cc and times_parse.cc.

#include <array>
#include <string>
#include <string_view>

namespace iop::gotemplate::internal {

enum class LayoutElement {
  None,  // the layout ends
  LongMonth,
  Month,
  NumMonth,
  ZeroMonth,
  LongWeekday,
  Weekday,
  Day,
  UnderDay,
  ZeroDay,
  UnderYearDay,
  ZeroYearDay,
  Hour,
  Hour12,
  ZeroHour12,
  Minute,
  ZeroMinute,
  Second,
  ZeroSecond,
  LongYear,
  Year,
  UpperPm,
  LowerPm,
  ZoneName,         // MST
  Iso,              // Z0700: "Z" for UTC
  IsoSeconds,       // Z070000
  IsoShort,         // Z07
  IsoColon,         // Z07:00
  IsoColonSeconds,  // Z07:00:00
  Offset,           // -0700: always numbers
  OffsetSeconds,    // -070000
  OffsetShort,      // -07
  OffsetColon,      // -07:00
  OffsetColonSeconds,
  FractionZeros,  // .000 or ,000: that many digits
  FractionNines,  // .999 or ,999: without trailing zeros
};

struct LayoutChunk {
  std::string_view prefix;
  LayoutElement element = LayoutElement::None;
  std::string_view text;  // the element as the layout writes it
  std::string_view suffix;
};

LayoutChunk nextChunk(std::string_view layout);

inline constexpr std::array<std::string_view, 12> kMonthNames = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
inline constexpr std::array<std::string_view, 7> kWeekdayNames = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
inline constexpr std::size_t kShortNameLength = 3;

// As package time quotes in its errors: bytes that are not printable ASCII as \xHH (0x7F stays).
std::string quoteForTimeError(std::string_view text);

}  // namespace iop::gotemplate::internal
