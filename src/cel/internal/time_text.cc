#include "cel/internal/time_text.h"

#include <algorithm>
#include <array>

#include "cel/internal/characters.h"

namespace iop::cel::internal {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400;

std::string padded(std::int64_t value, std::size_t width) {
  std::string out = std::to_string(value);
  if (out.size() < width) out.insert(0, width - out.size(), '0');
  return out;
}

// ".5" for half a second; nothing for none.
std::string printFraction(std::int64_t nanos) {
  if (nanos == 0) return {};
  std::string digits = padded(nanos, 9);
  while (digits.back() == '0') digits.pop_back();
  return "." + digits;
}

// Days since 1970 of a date of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date
// Algorithms").
std::int64_t daysOf(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year;
  const int era = (y >= 0 ? y : y - 399) / 400;
  const int ofEra = y - era * 400;
  const int ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return std::int64_t{era} * 146'097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719'468;
}

int daysIn(int year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

// Reads from the front of a text; `ok` tells whether all reads found what they wanted.
struct Reader {
  std::string_view text;
  bool ok = true;

  int number(std::size_t digits) {
    int out = 0;
    if (text.size() < digits) ok = false;
    for (std::size_t i = 0; ok && i < digits; ++i) {
      ok = isDigit(text[i]);
      out = out * 10 + (text[i] - '0');
    }
    if (ok) text.remove_prefix(digits);
    return out;
  }
  bool accept(char byte) {
    if (text.empty() || text.front() != byte) return false;
    text.remove_prefix(1);
    return true;
  }
  void expect(char byte) {
    if (!accept(byte)) ok = false;
  }
};

struct Moment {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  int zoneMinutes = 0;
};

std::optional<std::int64_t> readDate(Reader& in) {
  const int year = in.number(4);
  in.expect('-');
  const int month = in.number(2);
  in.expect('-');
  const int day = in.number(2);
  if (!in.ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return std::nullopt;
  return daysOf(year, month, day) * kDay;
}

std::optional<Item> readMoment(std::string_view text, bool loose) {
  Reader in{text};
  const auto date = readDate(in);
  if (!date) return std::nullopt;
  if (loose && in.text.empty()) return Item::timestamp(*date, 0);
  if (!in.accept('T') && !(loose && (in.accept('t') || in.accept(' ')))) return std::nullopt;
  const int hour = in.number(2);
  in.expect(':');
  const int minute = in.number(2);
  in.expect(':');
  const int second = in.number(2);
  if (!in.ok || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  std::int32_t nanos = 0;
  if (in.accept('.') || in.accept(',')) {
    if (in.text.empty() || !isDigit(in.text.front())) return std::nullopt;
    std::int32_t unit = 100'000'000;
    while (!in.text.empty() && isDigit(in.text.front())) {
      nanos += unit * (in.text.front() - '0');
      unit /= 10;
      in.text.remove_prefix(1);
    }
  }
  int zone = 0;
  if (in.accept('Z') || (loose && in.accept('z')) || (loose && in.text.empty())) {
    if (!in.text.empty()) return std::nullopt;
  } else {
    const bool west = in.accept('-');
    if (!west) in.expect('+');
    const int hours = in.number(2);
    in.expect(':');
    const int minutes = in.number(2);
    if (!in.ok || !in.text.empty() || hours > 24 || minutes > 60) return std::nullopt;
    zone = (west ? -1 : 1) * (hours * 60 + minutes);
  }
  const std::int64_t seconds = *date + hour * 3600 + minute * 60 + second - zone * 60;
  if (seconds < kFirstSecond || seconds > kLastSecond) return std::nullopt;
  return Item::timestamp(seconds, nanos, zone);
}

// Adds number × unit + fraction × unit to `total`; false on overflow.
bool addAmount(std::uint64_t& total, std::string_view digits, std::string_view fraction,
               std::uint64_t unit) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 63;
  std::uint64_t whole = 0;
  for (const char digit : digits) {
    if (whole > kMost / 10) return false;
    whole = whole * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (whole > kMost / unit) return false;
  double part = 0, scale = static_cast<double>(unit);
  for (const char digit : fraction.substr(0, 18)) part += (digit - '0') * (scale /= 10);
  total += whole * unit + static_cast<std::uint64_t>(part + 1e-6);
  return total <= kMost;
}

struct Unit {
  std::string_view name;
  std::uint64_t nanos;
};

constexpr std::uint64_t kMinute = 60 * std::uint64_t{kSecond};

}  // namespace

std::string printDuration(std::int64_t nanoseconds) {
  const bool negative = nanoseconds < 0;
  const std::uint64_t size = negative ? 0 - static_cast<std::uint64_t>(nanoseconds)
                                      : static_cast<std::uint64_t>(nanoseconds);
  std::string out = negative ? "-" : "";
  out += std::to_string(size / kSecond);
  out += printFraction(static_cast<std::int64_t>(size % kSecond));
  return out + "s";
}

std::optional<std::int64_t> parseDuration(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ns", 1},          {"us", 1'000},      {"\u00b5s", 1'000},
                                    {"\u03bcs", 1'000}, {"ms", 1'000'000},  {"s", kSecond},
                                    {"m", kMinute},     {"h", 60 * kMinute}};
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    std::size_t at = 0;
    while (at < text.size() && isDigit(text[at])) ++at;
    const std::string_view digits = text.substr(0, at);
    std::string_view fraction;
    if (at < text.size() && text[at] == '.') {
      const std::size_t begin = ++at;
      while (at < text.size() && isDigit(text[at])) ++at;
      fraction = text.substr(begin, at - begin);
    }
    if (digits.empty() && fraction.empty()) return std::nullopt;
    std::size_t end = at;
    while (end < text.size() && text[end] != '.' && !isDigit(text[end])) ++end;
    const std::string_view name = text.substr(at, end - at);
    const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                    [&](const Unit& known) { return known.name == name; });
    if (unit == std::end(kUnits) || !addAmount(total, digits, fraction, unit->nanos))
      return std::nullopt;
    text.remove_prefix(end);
  }
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 63) - 1;
  if (total > kMost + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - total : total);
}

std::optional<std::int64_t> parseLooseDuration(std::string_view text) {
  if (const auto strict = parseDuration(text)) return strict;
  static constexpr Unit kUnits[] = {{"ns", 1},
                                    {"nano", 1},
                                    {"us", 1'000},
                                    {"\u00b5s", 1'000},
                                    {"micro", 1'000},
                                    {"ms", 1'000'000},
                                    {"milli", 1'000'000},
                                    {"s", kSecond},
                                    {"sec", kSecond},
                                    {"second", kSecond},
                                    {"m", kMinute},
                                    {"min", kMinute},
                                    {"minute", kMinute},
                                    {"h", 60 * kMinute},
                                    {"hr", 60 * kMinute},
                                    {"hour", 60 * kMinute},
                                    {"d", 1440 * kMinute},
                                    {"day", 1440 * kMinute},
                                    {"w", 10'080 * kMinute},
                                    {"wk", 10'080 * kMinute},
                                    {"week", 10'080 * kMinute}};
  std::size_t at = 0;
  while (at < text.size() && isDigit(text[at])) ++at;
  const std::string_view digits = text.substr(0, at);
  while (at < text.size() && text[at] == ' ') ++at;
  std::string_view name = text.substr(at);
  if (name.size() > 3 && name.ends_with('s')) name.remove_suffix(1);  // a plural
  const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                  [&](const Unit& known) { return known.name == name; });
  std::uint64_t total = 0;
  if (digits.empty() || unit == std::end(kUnits) || !addAmount(total, digits, {}, unit->nanos) ||
      total >> 63 != 0)
    return std::nullopt;
  return static_cast<std::int64_t>(total);
}

std::string printTimestamp(const Item& timestamp) {
  const Calendar at = calendarOf(timestamp.number + timestamp.zoneMinutes * 60);
  std::string out = padded(at.year, 4) + "-" + padded(at.month, 2) + "-" + padded(at.day, 2) + "T" +
                    padded(at.hour, 2) + ":" + padded(at.minute, 2) + ":" + padded(at.second, 2) +
                    printFraction(timestamp.nanos);
  if (timestamp.zoneMinutes == 0) return out + "Z";
  const int zone = std::abs(timestamp.zoneMinutes);
  out += timestamp.zoneMinutes < 0 ? "-" : "+";
  return out + padded(zone / 60, 2) + ":" + padded(zone % 60, 2);
}

std::optional<Item> parseTimestamp(std::string_view text) { return readMoment(text, false); }

std::optional<Item> parseLooseTimestamp(std::string_view text) { return readMoment(text, true); }

Calendar calendarOf(std::int64_t secondsSince1970) {
  std::int64_t days = secondsSince1970 / kDay;
  std::int64_t rest = secondsSince1970 % kDay;
  if (rest < 0) {
    rest += kDay;
    --days;
  }
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const std::int64_t ofEra = shifted - era * 146'097;
  const std::int64_t yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36'524 - ofEra / 146'096) / 365;
  const std::int64_t ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const std::int64_t part = (5 * ofYear + 2) / 153;
  Calendar out;
  out.day = static_cast<int>(ofYear - (153 * part + 2) / 5 + 1);
  out.month = static_cast<int>(part + (part < 10 ? 3 : -9));
  out.year = static_cast<int>(yearOfEra + era * 400) + (out.month <= 2 ? 1 : 0);
  out.hour = static_cast<int>(rest / 3600);
  out.minute = static_cast<int>(rest / 60 % 60);
  out.second = static_cast<int>(rest % 60);
  out.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  out.yearday = static_cast<int>(days - daysOf(out.year, 1, 1));
  return out;
}

}  // namespace iop::cel::internal
