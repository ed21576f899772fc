// The texts of times.h: formatting.

#include <cstdlib>

#include "gotemplate/internal/time_layout.h"
#include "gotemplate/internal/times.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::string_view kJsonLayout = "2006-01-02T15:04:05.999999999Z07:00";
constexpr std::string_view kStringLayout = "2006-01-02 15:04:05.999999999 -0700 MST";

// Filled up with zeros behind the sign.
void appendNumber(std::string& out, std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  if (number < 0) {
    out.push_back('-');
    digits.erase(0, 1);
  }
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void appendPadded(std::string& out, int number, std::size_t width) {
  const std::string digits = std::to_string(number);
  if (digits.size() < width) out.append(width - digits.size(), ' ');
  out += digits;
}

void appendFraction(std::string& out, std::int32_t nanos, std::string_view text) {
  const bool isTrimmed = text[1] == '9';
  if (isTrimmed && nanos == 0) return;
  std::string digits;
  appendNumber(digits, nanos, 9);
  if (text.size() - 1 < digits.size()) digits.resize(text.size() - 1);
  while (isTrimmed && !digits.empty() && digits.back() == '0') digits.pop_back();
  if (digits.empty()) return;
  out.push_back(text[0]);
  out += digits;
}

// How an offset is written.
struct OffsetStyle {
  bool hasMinutes = true;
  bool hasSeconds = false;
  bool hasColons = false;
};

void appendOffset(std::string& out, int offset, OffsetStyle style) {
  int minutes = offset / 60;
  int absolute = offset;
  out.push_back(minutes < 0 ? '-' : '+');
  if (minutes < 0) {
    minutes = -minutes;
    absolute = -absolute;
  }
  appendNumber(out, minutes / 60, 2);
  if (style.hasMinutes) {
    if (style.hasColons) out.push_back(':');
    appendNumber(out, minutes % 60, 2);
  }
  if (style.hasSeconds) {
    if (style.hasColons) out.push_back(':');
    appendNumber(out, absolute % 60, 2);
  }
}

OffsetStyle offsetStyleOf(LayoutElement element) {
  switch (element) {
    case LayoutElement::IsoShort:
    case LayoutElement::OffsetShort:
      return {false, false, false};
    case LayoutElement::IsoColon:
    case LayoutElement::OffsetColon:
      return {true, false, true};
    case LayoutElement::IsoSeconds:
    case LayoutElement::OffsetSeconds:
      return {true, true, false};
    case LayoutElement::IsoColonSeconds:
    case LayoutElement::OffsetColonSeconds:
      return {true, true, true};
    default:
      return {};
  }
}

int hour12(int hour) { return hour % 12 == 0 ? 12 : hour % 12; }

void appendDate(std::string& out, LayoutElement element, const CivilTime& civil) {
  const std::string_view month = kMonthNames[static_cast<std::size_t>(civil.month - 1)];
  const std::string_view weekday = kWeekdayNames[static_cast<std::size_t>(civil.weekday)];
  switch (element) {
    case LayoutElement::Year:
      return appendNumber(out, std::abs(civil.year % 100), 2);
    case LayoutElement::LongYear:
      return appendNumber(out, civil.year, 4);
    case LayoutElement::Month:
      out += month.substr(0, kShortNameLength);
      return;
    case LayoutElement::LongMonth:
      out += month;
      return;
    case LayoutElement::NumMonth:
      return appendNumber(out, civil.month, 0);
    case LayoutElement::ZeroMonth:
      return appendNumber(out, civil.month, 2);
    case LayoutElement::Weekday:
      out += weekday.substr(0, kShortNameLength);
      return;
    case LayoutElement::LongWeekday:
      out += weekday;
      return;
    case LayoutElement::Day:
      return appendNumber(out, civil.day, 0);
    case LayoutElement::UnderDay:
      return appendPadded(out, civil.day, 2);
    case LayoutElement::ZeroDay:
      return appendNumber(out, civil.day, 2);
    case LayoutElement::UnderYearDay:
      return appendPadded(out, civil.yearDay, 3);
    default:
      return appendNumber(out, civil.yearDay, 3);
  }
}

void appendClock(std::string& out, LayoutElement element, const CivilTime& civil) {
  switch (element) {
    case LayoutElement::Hour:
      return appendNumber(out, civil.hour, 2);
    case LayoutElement::Hour12:
      return appendNumber(out, hour12(civil.hour), 0);
    case LayoutElement::ZeroHour12:
      return appendNumber(out, hour12(civil.hour), 2);
    case LayoutElement::Minute:
      return appendNumber(out, civil.minute, 0);
    case LayoutElement::ZeroMinute:
      return appendNumber(out, civil.minute, 2);
    case LayoutElement::Second:
      return appendNumber(out, civil.second, 0);
    case LayoutElement::ZeroSecond:
      return appendNumber(out, civil.second, 2);
    case LayoutElement::UpperPm:
      out += civil.hour >= 12 ? "PM" : "AM";
      return;
    default:
      out += civil.hour >= 12 ? "pm" : "am";
  }
}

void appendZone(std::string& out, const LayoutChunk& chunk, const ZoneAt& zone) {
  if (chunk.element != LayoutElement::ZoneName) {
    if (chunk.text[0] == 'Z' && zone.offset == 0) {
      out.push_back('Z');
    } else {
      appendOffset(out, zone.offset, offsetStyleOf(chunk.element));
    }
  } else if (!zone.abbreviation.empty()) {
    out += zone.abbreviation;
  } else {
    appendOffset(out, zone.offset, {});
  }
}

// Month(13).String() and its like; Go prints the number without a sign.
std::string unknownName(std::string_view type, std::int64_t number) {
  return "%!" + std::string(type) + "(" + std::to_string(static_cast<std::uint64_t>(number)) + ")";
}

}  // namespace

std::string formatTime(const Time& time, std::string_view layout) {
  const CivilTime civil = civilTimeOf(time);
  const ZoneAt zone = zoneOf(time);
  std::string out;
  while (true) {
    const LayoutChunk chunk = nextChunk(layout);
    out += chunk.prefix;
    layout = chunk.suffix;
    switch (chunk.element) {
      case LayoutElement::None:
        return out;
      case LayoutElement::Year:
      case LayoutElement::LongYear:
      case LayoutElement::Month:
      case LayoutElement::LongMonth:
      case LayoutElement::NumMonth:
      case LayoutElement::ZeroMonth:
      case LayoutElement::Weekday:
      case LayoutElement::LongWeekday:
      case LayoutElement::Day:
      case LayoutElement::UnderDay:
      case LayoutElement::ZeroDay:
      case LayoutElement::UnderYearDay:
      case LayoutElement::ZeroYearDay:
        appendDate(out, chunk.element, civil);
        break;
      case LayoutElement::Hour:
      case LayoutElement::Hour12:
      case LayoutElement::ZeroHour12:
      case LayoutElement::Minute:
      case LayoutElement::ZeroMinute:
      case LayoutElement::Second:
      case LayoutElement::ZeroSecond:
      case LayoutElement::UpperPm:
      case LayoutElement::LowerPm:
        appendClock(out, chunk.element, civil);
        break;
      case LayoutElement::FractionZeros:
      case LayoutElement::FractionNines:
        appendFraction(out, time.nanos, chunk.text);
        break;
      default:
        appendZone(out, chunk, zone);
    }
  }
}

std::string printTime(const Time& time) { return formatTime(time, kStringLayout); }

std::string printGoTime(const Time& time) {
  const CivilTime civil = civilTimeOf(time);
  std::string out = "time.Date(" + std::to_string(civil.year) + ", time." + monthName(civil.month);
  for (const int number : {civil.day, civil.hour, civil.minute, civil.second, int{time.nanos}}) {
    out += ", " + std::to_string(number);
  }
  out += ", ";
  if (!time.location || time.location == utcLocation()) {
    out += "time.UTC";
  } else if (time.location == localLocation()) {
    out += "time.Local";
  } else {
    out += "time.Location(" + quoteForTimeError(time.location->name()) + ")";
  }
  return out + ")";
}

Result<std::string> printJsonTime(const Time& time) {
  std::string text = formatTime(time, kJsonLayout);
  if (text[4] != '-' || civilTimeOf(time).year < 0) {
    return fail(Code::Invalid, "Time.MarshalJSON: year outside of range [0,9999]");
  }
  if (!text.ends_with('Z')) {
    // Two digits of hours are at most 23.
    const std::string_view offset = std::string_view(text).substr(text.rfind(':') - 3);
    const bool isShort = offset[0] == '+' || offset[0] == '-';
    if (!isShort || offset.substr(1, 2) >= "24") {
      return fail(Code::Invalid, "Time.MarshalJSON: timezone hour outside of range [0,23]");
    }
  }
  return text;
}

std::string monthName(std::int64_t month) {
  if (month < 1 || month > 12) return unknownName("Month", month);
  return std::string(kMonthNames[static_cast<std::size_t>(month - 1)]);
}

std::string weekdayName(std::int64_t weekday) {
  if (weekday < 0 || weekday > 6) return unknownName("Weekday", weekday);
  return std::string(kWeekdayNames[static_cast<std::size_t>(weekday)]);
}

}  // namespace iop::gotemplate::internal
