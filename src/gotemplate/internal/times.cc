#include "gotemplate/internal/times.h"

#include <chrono>

#include "gotemplate/internal/civil.h"

namespace iop::gotemplate::internal {
namespace {

__extension__ using Int128 = __int128;

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

// Go counts from the year 1. This matters where 64 bits are not enough.
constexpr std::int64_t kYearOneToUnix = 62'135'596'800;

std::int64_t sinceYearOne(const Time& time) { return wrapAdd(time.unixSeconds, kYearOneToUnix); }

void setSinceYearOne(Time& time, std::int64_t seconds) {
  time.unixSeconds = wrapSubtract(seconds, kYearOneToUnix);
}

// Seconds are added with a stop at the ends.
void addSeconds(Time& time, std::int64_t seconds) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(sinceYearOne(time), seconds, &sum))
    sum = seconds > 0 ? INT64_MAX : -INT64_MAX;
  setSinceYearOne(time, sum);
}

// Brings `low` into [0, base) and carries into `high`.
void carry(std::int64_t& high, std::int64_t& low, std::int64_t base) {
  std::int64_t quotient = low / base;
  std::int64_t rest = low % base;
  if (rest < 0) {
    rest += base;
    --quotient;
  }
  high = wrapAdd(high, quotient);
  low = rest;
}

// How far the time is past a multiple of `unit` since the year 1.
GoDuration remainderOf(const Time& time, GoDuration unit) {
  const Int128 total = Int128{sinceYearOne(time)} * kNanosPerSecond + time.nanos;
  const auto rest = static_cast<std::int64_t>(total % unit);
  return rest < 0 ? rest + unit : rest;
}

bool isLessThanHalf(GoDuration part, GoDuration whole) {
  return static_cast<std::uint64_t>(part) * 2 < static_cast<std::uint64_t>(whole);
}

CivilDay civilDayOf(const Time& time, std::int64_t& secondOfDay) {
  const std::uint64_t calendarSecond =
      static_cast<std::uint64_t>(time.unixSeconds) +
      static_cast<std::uint64_t>(std::int64_t{zoneOf(time).offset}) +
      kCalendarDays * std::uint64_t{kSecondsPerDay};
  secondOfDay = static_cast<std::int64_t>(calendarSecond % kSecondsPerDay);
  return civilDay(calendarSecond / kSecondsPerDay);
}

}  // namespace

Time unixTime(std::int64_t seconds, std::int64_t nanos, LocationPtr location) {
  carry(seconds, nanos, kNanosPerSecond);
  return {seconds, static_cast<std::int32_t>(nanos), std::move(location)};
}

Time currentTime() {
  const auto sinceEpoch = std::chrono::system_clock::now().time_since_epoch();
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(sinceEpoch).count();
  return unixTime(0, nanos, localLocation());
}

ZoneAt zoneOf(const Time& time) {
  return (time.location ? time.location : utcLocation())->lookup(time.unixSeconds);
}

CivilTime civilTimeOf(const Time& time) {
  std::int64_t second = 0;
  const CivilDay day = civilDayOf(time, second);
  CivilTime result;
  result.year = day.year;
  result.month = day.month;
  result.day = day.day;
  result.hour = static_cast<int>(second / 3600);
  result.minute = static_cast<int>(second / 60 % 60);
  result.second = static_cast<int>(second % 60);
  result.weekday = day.weekday;
  result.yearDay = day.yearDay;
  return result;
}

Time makeTime(std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t hour,
              std::int64_t minute, std::int64_t second, std::int64_t nanos, LocationPtr location) {
  std::int64_t monthFromZero = wrapSubtract(month, 1);
  carry(year, monthFromZero, 12);
  carry(second, nanos, kNanosPerSecond);
  carry(minute, second, 60);
  carry(hour, minute, 60);
  carry(day, hour, 24);
  const std::uint64_t days =
      calendarDay(year, static_cast<int>(monthFromZero) + 1, day) - kCalendarDays;
  std::int64_t unixSeconds = wrapMultiply(static_cast<std::int64_t>(days), kSecondsPerDay);
  unixSeconds = wrapAdd(unixSeconds, hour * 3600 + minute * 60 + second);
  if (location && location != utcLocation()) {
    // The zone is looked up as if the clock showed UTC; near a change it may be the other one.
    ZoneAt zone = location->lookup(unixSeconds);
    if (zone.offset != 0) {
      const std::int64_t utc = wrapSubtract(unixSeconds, zone.offset);
      if (utc < zone.start || utc >= zone.end) zone = location->lookup(utc);
      unixSeconds = wrapSubtract(unixSeconds, zone.offset);
    }
  }
  return {unixSeconds, static_cast<std::int32_t>(nanos), std::move(location)};
}

IsoWeek isoWeekOf(const Time& time) {
  // A week belongs to the year of its Thursday.
  std::int64_t secondOfDay = 0;
  const CivilDay day = civilDayOf(time, secondOfDay);
  const int daysToThursday = 4 - (day.weekday == 0 ? 7 : day.weekday);
  const CivilDay thursday = civilDay(calendarDay(day.year, day.month, day.day + daysToThursday));
  return {thursday.year, (thursday.yearDay - 1) / 7 + 1};
}

bool isZeroTime(const Time& time) { return sinceYearOne(time) == 0 && time.nanos == 0; }

int compareTimes(const Time& a, const Time& b) {
  const std::int64_t secondsA = sinceYearOne(a);
  const std::int64_t secondsB = sinceYearOne(b);
  if (secondsA != secondsB) return secondsA < secondsB ? -1 : 1;
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

Time addDuration(const Time& time, GoDuration duration) {
  Time result = time;
  std::int64_t seconds = duration / kSecond;
  std::int64_t nanos = time.nanos + duration % kSecond;
  carry(seconds, nanos, kNanosPerSecond);
  addSeconds(result, seconds);
  result.nanos = static_cast<std::int32_t>(nanos);
  return result;
}

GoDuration subtractTimes(const Time& a, const Time& b) {
  const std::int64_t seconds = wrapSubtract(sinceYearOne(a), sinceYearOne(b));
  const GoDuration difference = wrapAdd(wrapMultiply(seconds, kSecond), a.nanos - b.nanos);
  if (compareTimes(addDuration(b, difference), a) == 0) return difference;
  return compareTimes(a, b) < 0 ? INT64_MIN : INT64_MAX;
}

Time addDate(const Time& time, std::int64_t years, std::int64_t months, std::int64_t days) {
  const CivilTime civil = civilTimeOf(time);
  return makeTime(wrapAdd(civil.year, years), wrapAdd(civil.month, months),
                  wrapAdd(civil.day, days), civil.hour, civil.minute, civil.second, time.nanos,
                  time.location);
}

Time truncateTime(const Time& time, GoDuration unit) {
  if (unit <= 0) return time;
  return addDuration(time, -remainderOf(time, unit));
}

Time roundTime(const Time& time, GoDuration unit) {
  if (unit <= 0) return time;
  const GoDuration rest = remainderOf(time, unit);
  return addDuration(time, isLessThanHalf(rest, unit) ? -rest : unit - rest);
}

Time inLocation(const Time& time, LocationPtr location) {
  if (location == utcLocation()) location = nullptr;
  return {time.unixSeconds, time.nanos, std::move(location)};
}

std::int64_t unixMillisOf(const Time& time) {
  return wrapAdd(wrapMultiply(time.unixSeconds, 1'000), time.nanos / 1'000'000);
}

std::int64_t unixMicrosOf(const Time& time) {
  return wrapAdd(wrapMultiply(time.unixSeconds, 1'000'000), time.nanos / 1'000);
}

std::int64_t unixNanosOf(const Time& time) {
  return wrapAdd(wrapMultiply(time.unixSeconds, kNanosPerSecond), time.nanos);
}

}  // namespace iop::gotemplate::internal
