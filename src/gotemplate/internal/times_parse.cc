// The texts of times.h: parsing.

#include <optional>

#include "gotemplate/internal/civil.h"
#include "gotemplate/internal/time_layout.h"
#include "gotemplate/internal/times.h"

namespace iop::gotemplate::internal {
namespace {

bool isDigitAt(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

bool isPoint(char c) { return c == '.' || c == ','; }

int digitAt(std::string_view text, std::size_t at) { return text[at] - '0'; }

// The whole of a text as a number with an optional sign.
std::optional<int> wholeNumber(std::string_view text) {
  const bool isNegative = text.starts_with('-');
  if (isNegative || text.starts_with('+')) text.remove_prefix(1);
  int number = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!isDigitAt(text, i)) return std::nullopt;
    number = number * 10 + digitAt(text, i);
  }
  return isNegative ? -number : number;
}

bool equalsIgnoringCase(std::string_view text, std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (text[i] == name[i]) continue;
    const int lower = text[i] | 0x20;
    if (lower != (name[i] | 0x20) || lower < 'a' || lower > 'z') return false;
  }
  return true;
}

// The length of "+h" or "-hh" at the front of `text`, at most 23 hours; 0 where there is none.
std::size_t signedHoursLength(std::string_view text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return 0;
  std::size_t at = 1;
  int hours = 0;
  for (; isDigitAt(text, at); ++at) {
    if (hours <= 23) hours = hours * 10 + digitAt(text, at);
  }
  return at == 1 || hours > 23 ? 0 : at;
}

// The length of what looks like the abbreviation of a zone at the front of `text`; 0 where nothing
// does.
std::size_t zoneNameLength(std::string_view text) {
  if (text.size() < 3) return 0;
  // The only two with small letters, Guam and a zone that once was.
  if (text.starts_with("ChST") || text.starts_with("MeST")) return 4;
  if (text.starts_with("GMT")) return 3 + signedHoursLength(text.substr(3));
  if (text[0] == '+' || text[0] == '-') return signedHoursLength(text);
  std::size_t capitals = 0;
  while (capitals < 6 && capitals < text.size() && text[capitals] >= 'A' && text[capitals] <= 'Z') {
    ++capitals;
  }
  switch (capitals) {
    case 3:
      return 3;
    case 4:
      return text[3] == 'T' || text.starts_with("WITA") ? 4 : 0;
    case 5:
      return text[4] == 'T' ? 5 : 0;
    default:
      return 0;
  }
}

class TimeParser {
 public:
  TimeParser(std::string_view layout, std::string_view text, const LocationPtr& location)
      : layout_(layout), text_(text), location_(location), rest_(text) {}

  Result<Time> parse() {
    RETURN_IF_ERROR(readElements());
    if (isPm_ && hour_ < 12) hour_ += 12;
    if (isAm_ && hour_ == 12) hour_ = 0;
    RETURN_IF_ERROR(settleDay());
    return makeResult();
  }

 private:
  // What an element finds: its value, nothing that it can read, or a value out of its range.
  struct Outcome {
    bool isOk = true;
    std::string_view outOfRange;
  };
  static constexpr Outcome kBad{false, {}};

  tl::unexpected<Error> mismatch(std::string_view expected, std::string_view found) const {
    return fail(Code::Invalid, "parsing time " + quoteForTimeError(text_) + " as " +
                                   quoteForTimeError(layout_) + ": cannot parse " +
                                   quoteForTimeError(found) + " as " + quoteForTimeError(expected));
  }

  tl::unexpected<Error> wrong(const std::string& message) const {
    return fail(Code::Invalid, "parsing time " + quoteForTimeError(text_) + ": " + message);
  }

  Status readElements() {
    std::string_view layout = layout_;
    while (true) {
      const LayoutChunk chunk = nextChunk(layout);
      if (!skip(chunk.prefix)) return mismatch(chunk.prefix, rest_);
      if (chunk.element == LayoutElement::None) {
        if (!rest_.empty()) return wrong("extra text: " + quoteForTimeError(rest_));
        return {};
      }
      layout = chunk.suffix;
      const std::string_view before = rest_;
      const Outcome outcome = readElement(chunk, layout);
      if (!outcome.outOfRange.empty())
        return wrong(std::string(outcome.outOfRange) + " out of range");
      if (!outcome.isOk) return mismatch(chunk.text, before);
    }
  }

  // Text between elements must be the same; a run of spaces stands for any run of spaces, also an
  // empty one at the end of the text.
  bool skip(std::string_view prefix) {
    while (!prefix.empty()) {
      if (prefix[0] == ' ') {
        if (!rest_.empty() && rest_[0] != ' ') return false;
        while (prefix.starts_with(' ')) prefix.remove_prefix(1);
        while (rest_.starts_with(' ')) rest_.remove_prefix(1);
        continue;
      }
      if (!rest_.starts_with(prefix[0])) return false;
      prefix.remove_prefix(1);
      rest_.remove_prefix(1);
    }
    return true;
  }

  // One or two digits, or exactly two.
  bool takeTwoDigits(bool isFixed, int& number) {
    number = 0;
    if (!isDigitAt(rest_, 0) || (isFixed && !isDigitAt(rest_, 1))) return false;
    const std::size_t width = isDigitAt(rest_, 1) ? 2 : 1;
    for (std::size_t i = 0; i < width; ++i) number = number * 10 + digitAt(rest_, i);
    rest_.remove_prefix(width);
    return true;
  }

  bool takeThreeDigits(bool isFixed, int& number) {
    number = 0;
    std::size_t width = 0;
    for (; width < 3 && isDigitAt(rest_, width); ++width)
      number = number * 10 + digitAt(rest_, width);
    if (width == 0 || (isFixed && width != 3)) return false;
    rest_.remove_prefix(width);
    return true;
  }

  Outcome takeInRange(bool isFixed, int& number, int least, int most, std::string_view name) {
    if (!takeTwoDigits(isFixed, number)) return kBad;
    if (number < least || number > most) return {true, name};
    return {};
  }

  // A month or weekday, in any case; its position counted from 1.
  template <std::size_t kCount>
  Outcome takeName(const std::array<std::string_view, kCount>& names, std::size_t length,
                   int& number) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::string_view name = names[i].substr(0, length);
      if (rest_.size() < name.size() || !equalsIgnoringCase(rest_, name)) continue;
      rest_.remove_prefix(name.size());
      number = static_cast<int>(i) + 1;
      return {};
    }
    return kBad;
  }

  Outcome takeYear(std::size_t width) {
    if (rest_.size() < width || (width == 4 && !isDigitAt(rest_, 0))) return kBad;
    const std::optional<int> year = wholeNumber(rest_.substr(0, width));
    if (!year) return kBad;
    rest_.remove_prefix(width);
    year_ = *year;
    if (width == 2) year_ += year_ >= 69 ? 1900 : 2000;
    return {};
  }

  Outcome takePm(std::string_view pm, std::string_view am) {
    if (rest_.starts_with(pm)) {
      isPm_ = true;
    } else if (rest_.starts_with(am)) {
      isAm_ = true;
    } else {
      return kBad;
    }
    rest_.remove_prefix(2);
    return {};
  }

  // The point and the digits of the first `width` bytes; more than nine digits are cut off.
  Outcome takeFraction(std::size_t width) {
    constexpr std::size_t kLongest = 10;
    if (!isPoint(rest_[0])) return kBad;
    const std::size_t used = std::min(width, kLongest);
    const std::optional<int> digits = wholeNumber(rest_.substr(1, used - 1));
    if (!digits) return kBad;
    if (*digits < 0) return {true, "fractional second"};
    nanos_ = *digits;
    for (std::size_t i = used; i < kLongest; ++i) nanos_ *= 10;
    rest_.remove_prefix(width);
    return {};
  }

  std::size_t fractionWidth() const {
    std::size_t width = 1;
    while (isDigitAt(rest_, width)) ++width;
    return width;
  }

  Outcome takeSecond(bool isFixed, std::string_view layout) {
    const Outcome outcome = takeInRange(isFixed, second_, 0, 59, "second");
    if (!outcome.isOk || !outcome.outOfRange.empty()) return outcome;
    // A fraction may follow though the layout has none.
    if (rest_.size() < 2 || !isPoint(rest_[0]) || !isDigitAt(rest_, 1)) return {};
    const LayoutElement next = nextChunk(layout).element;
    if (next == LayoutElement::FractionZeros || next == LayoutElement::FractionNines) return {};
    return takeFraction(fractionWidth());
  }

  Outcome takeOffset(LayoutElement element) {
    struct Form {
      std::size_t width;
      std::size_t minutes;  // where they stand; 0: nowhere
      std::size_t seconds;
      bool hasColons;
    };
    Form form{5, 3, 0, false};
    if (element == LayoutElement::IsoShort || element == LayoutElement::OffsetShort) {
      form = {3, 0, 0, false};
    } else if (element == LayoutElement::IsoColon || element == LayoutElement::OffsetColon) {
      form = {6, 4, 0, true};
    } else if (element == LayoutElement::IsoSeconds || element == LayoutElement::OffsetSeconds) {
      form = {7, 3, 5, false};
    } else if (element == LayoutElement::IsoColonSeconds ||
               element == LayoutElement::OffsetColonSeconds) {
      form = {9, 4, 7, true};
    }
    if (rest_.size() < form.width) return kBad;
    if (form.hasColons && rest_[3] != ':') return kBad;
    if (form.hasColons && form.seconds != 0 && rest_[6] != ':') return kBad;
    const std::string_view text = rest_.substr(0, form.width);
    rest_.remove_prefix(form.width);

    // Numbers after one that is none are not read; all that were read are checked.
    bool isOk = true;
    const auto numberAt = [&](std::size_t at) {
      if (at == 0 || !isOk) return 0;
      isOk = isDigitAt(text, at) && isDigitAt(text, at + 1);
      return isOk ? digitAt(text, at) * 10 + digitAt(text, at + 1) : 0;
    };
    const int hours = numberAt(1);
    const int minutes = numberAt(form.minutes);
    const int seconds = numberAt(form.seconds);
    // Some write offsets of 24 hours or 60 minutes.
    std::string_view outOfRange;
    if (hours > 24) outOfRange = "time zone offset hour";
    if (minutes > 60) outOfRange = "time zone offset minute";
    if (seconds > 60) outOfRange = "time zone offset second";
    const int offset = (hours * 60 + minutes) * 60 + seconds;
    offset_ = text[0] == '-' ? -offset : offset;
    if (text[0] != '+' && text[0] != '-') isOk = false;
    return {isOk, outOfRange};
  }

  Outcome takeZoneName() {
    if (rest_.starts_with("UTC")) {
      isUtc_ = true;
      rest_.remove_prefix(3);
      return {};
    }
    const std::size_t length = zoneNameLength(rest_);
    if (length == 0) return kBad;
    zoneName_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return {};
  }

  Outcome takeYearDay(bool isPadded) {
    for (int i = 0; i < 2 && isPadded && rest_.starts_with(' '); ++i) rest_.remove_prefix(1);
    int number = 0;
    const bool isOk = takeThreeDigits(!isPadded, number);
    yearDay_ = number;
    return {isOk, {}};
  }

  Outcome takeDay(LayoutElement element) {
    if (element == LayoutElement::UnderDay && rest_.starts_with(' ')) rest_.remove_prefix(1);
    int number = 0;
    const bool isOk = takeTwoDigits(element == LayoutElement::ZeroDay, number);
    day_ = number;
    return {isOk, {}};
  }

  Outcome takeMonth(bool isFixed) {
    int number = 0;
    const Outcome outcome = takeInRange(isFixed, number, 1, 12, "month");
    month_ = number;
    return outcome;
  }

  Outcome takeMonthName(std::size_t length) {
    int number = 0;
    const Outcome outcome = takeName(kMonthNames, length, number);
    month_ = number;
    return outcome;
  }

  Outcome readElement(const LayoutChunk& chunk, std::string_view layout) {
    int ignored = 0;
    switch (chunk.element) {
      case LayoutElement::Year:
        return takeYear(2);
      case LayoutElement::LongYear:
        return takeYear(4);
      case LayoutElement::Month:
        return takeMonthName(kShortNameLength);
      case LayoutElement::LongMonth:
        return takeMonthName(std::string_view::npos);
      case LayoutElement::NumMonth:
      case LayoutElement::ZeroMonth:
        return takeMonth(chunk.element == LayoutElement::ZeroMonth);
      case LayoutElement::Weekday:
        return takeName(kWeekdayNames, kShortNameLength, ignored);
      case LayoutElement::LongWeekday:
        return takeName(kWeekdayNames, std::string_view::npos, ignored);
      case LayoutElement::Day:
      case LayoutElement::UnderDay:
      case LayoutElement::ZeroDay:
        return takeDay(chunk.element);
      case LayoutElement::UnderYearDay:
      case LayoutElement::ZeroYearDay:
        return takeYearDay(chunk.element == LayoutElement::UnderYearDay);
      case LayoutElement::Hour:
        return takeInRange(false, hour_, 0, 23, "hour");
      case LayoutElement::Hour12:
      case LayoutElement::ZeroHour12:
        return takeInRange(chunk.element == LayoutElement::ZeroHour12, hour_, 0, 12, "hour");
      case LayoutElement::Minute:
      case LayoutElement::ZeroMinute:
        return takeInRange(chunk.element == LayoutElement::ZeroMinute, minute_, 0, 59, "minute");
      case LayoutElement::Second:
      case LayoutElement::ZeroSecond:
        return takeSecond(chunk.element == LayoutElement::ZeroSecond, layout);
      case LayoutElement::UpperPm:
        return takePm("PM", "AM");
      case LayoutElement::LowerPm:
        return takePm("pm", "am");
      case LayoutElement::ZoneName:
        return takeZoneName();
      case LayoutElement::FractionZeros:
        return rest_.size() < chunk.text.size() ? kBad : takeFraction(chunk.text.size());
      case LayoutElement::FractionNines:
        if (rest_.size() < 2 || !isPoint(rest_[0]) || !isDigitAt(rest_, 1)) return {};
        return takeFraction(fractionWidth());
      default:
        if (chunk.text[0] == 'Z' && rest_.starts_with('Z')) {
          rest_.remove_prefix(1);
          isUtc_ = true;
          return {};
        }
        return takeOffset(chunk.element);
    }
  }

  // Makes month and day of the day of the year, and checks the day.
  Status settleDay() {
    if (yearDay_) {
      int yearDay = *yearDay_;
      const bool isLeapDay = isLeapYear(year_) && yearDay == 60;
      if (isLeapYear(year_) && yearDay > 60) --yearDay;
      if (yearDay < 1 || yearDay > 365) return wrong("day-of-year out of range");
      int month = isLeapDay ? 2 : 1;
      while (!isLeapDay && daysBeforeMonth(month + 1) < yearDay) ++month;
      const int day = isLeapDay ? 29 : yearDay - daysBeforeMonth(month);
      if (month_ && *month_ != month) return wrong("day-of-year does not match month");
      month_ = month;
      if (day_ && *day_ != day) return wrong("day-of-year does not match day");
      day_ = day;
    }
    if (!month_) month_ = 1;
    if (!day_) day_ = 1;
    if (*day_ < 1 || *day_ > daysInMonth(*month_, year_)) return wrong("day out of range");
    return {};
  }

  Time onWall(const LocationPtr& location) const {
    return makeTime(year_, *month_, *day_, hour_, minute_, second_, nanos_, location);
  }

  Time makeResult() const {
    if (isUtc_) return onWall(nullptr);
    const LocationPtr location = location_ == utcLocation() ? nullptr : location_;
    const Location& local = location ? *location : *utcLocation();
    if (offset_) {
      Time time = onWall(nullptr);
      time.unixSeconds -= *offset_;
      // The offset may be the one of the location; otherwise it makes one of its own.
      const ZoneAt zone = local.lookup(time.unixSeconds);
      const bool isLocal =
          zone.offset == *offset_ && (zoneName_.empty() || zone.abbreviation == zoneName_);
      time.location = isLocal ? location : Location::sharedFixed(std::string(zoneName_), *offset_);
      return time;
    }
    if (zoneName_.empty()) return onWall(location);
    Time time = onWall(nullptr);
    if (const std::optional<int> offset = local.findOffset(zoneName_, time.unixSeconds)) {
      time.unixSeconds -= *offset;
      time.location = location;
      return time;
    }
    // Nobody knows the offset of that name; only "GMT-3" tells it.
    int offset = 0;
    if (zoneName_.size() > 3 && zoneName_.starts_with("GMT")) {
      offset = wholeNumber(zoneName_.substr(3)).value_or(0) * 3600;
    }
    time.location = Location::sharedFixed(std::string(zoneName_), offset);
    return time;
  }

  const std::string_view layout_;
  const std::string_view text_;
  const LocationPtr& location_;
  std::string_view rest_;

  int year_ = 0;
  std::optional<int> month_;
  std::optional<int> day_;
  std::optional<int> yearDay_;
  int hour_ = 0;
  int minute_ = 0;
  int second_ = 0;
  int nanos_ = 0;
  bool isPm_ = false;
  bool isAm_ = false;
  bool isUtc_ = false;
  std::optional<int> offset_;
  std::string_view zoneName_;
};

}  // namespace

Result<Time> parseTime(std::string_view layout, std::string_view text,
                       const LocationPtr& location) {
  return TimeParser(layout, text, location).parse();
}

}  // namespace iop::gotemplate::internal
