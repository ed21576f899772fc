#include "base/time.h"

#include <cstdio>

namespace iop::base {
namespace {

using std::chrono::floor;
using Micros = std::chrono::microseconds;

struct Parts {
  int year;
  unsigned month, day;
  int hour, minute, second, micros;
};

Parts split(Time time) {
  const auto days = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(days);
  const auto rest = floor<Micros>(time - days).count();
  return {static_cast<int>(date.year()),
          static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()),
          static_cast<int>(rest / 3'600'000'000),
          static_cast<int>(rest / 60'000'000 % 60),
          static_cast<int>(rest / 1'000'000 % 60),
          static_cast<int>(rest % 1'000'000)};
}

// Reads exactly `width` digits at `pos`; -1 if they are not there.
int digits(std::string_view text, std::size_t pos, std::size_t width) {
  if (pos + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = pos; i < pos + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string printTime(Time time) {
  const Parts p = split(time);
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02dZ", p.year, p.month, p.day,
                p.hour, p.minute, p.second);
  return buffer;
}

std::string printMicroTime(Time time) {
  const Parts p = split(time);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", p.year, p.month,
                p.day, p.hour, p.minute, p.second, p.micros);
  return buffer;
}

Result<Time> parseTime(std::string_view text) {
  const auto bad = [&] {
    return fail(Code::BadRequest, "\"" + std::string(text) + "\" is not an RFC 3339 time");
  };
  const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return bad();
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad();
  std::size_t pos = 19;
  long long nanos = 0;
  if (pos < text.size() && text[pos] == '.') {
    long long unit = 100'000'000;
    std::size_t start = ++pos;
    for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, unit /= 10)
      nanos += unit * (text[pos] - '0');
    if (pos == start) return bad();
  }
  int offsetMinutes = 0;
  if (pos >= text.size()) return bad();
  if (text[pos] == 'Z' || text[pos] == 'z') {
    ++pos;
  } else {
    const int hours = digits(text, pos + 1, 2), minutes = digits(text, pos + 4, 2);
    if ((text[pos] != '+' && text[pos] != '-') || hours < 0 || hours > 23 || minutes < 0 ||
        minutes > 59 || text[pos + 3] != ':') {
      return bad();
    }
    offsetMinutes = (text[pos] == '-' ? -1 : 1) * (hours * 60 + minutes);
    pos += 6;
  }
  if (pos != text.size()) return bad();
  // What Time can count in nanoseconds.
  constexpr int kFirstYear = 1678, kLastYear = 2261;
  if (year < kFirstYear || year > kLastYear) return bad();
  const auto moment = std::chrono::sys_days(date) + std::chrono::hours(hour) +
                      std::chrono::minutes(minute) + std::chrono::seconds(second) -
                      std::chrono::minutes(offsetMinutes);
  return Time(moment) + std::chrono::duration_cast<Time::duration>(std::chrono::nanoseconds(nanos));
}

}  // namespace iop::base
