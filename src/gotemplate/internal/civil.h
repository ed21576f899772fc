#pragma once

// Days of the proleptic Gregorian calendar, for zone.cc and times.cc.
//
// Arithmetic is modulo 2^64, as in Go: dates so far away that they do not fit give other dates, not
// errors.

#include <cstdint>

namespace iop::gotemplate::internal {

inline constexpr std::int64_t kSecondsPerDay = 86400;

inline std::int64_t wrapAdd(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapSubtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapMultiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

// Unix days are counted from 1970-01-01. As the 400 years of a cycle have 146097 days, all is
// counted from a 1 March so far back that no day before it can be written in 64 bits of seconds.
inline constexpr std::uint64_t kCycles = 730'692'556;
inline constexpr std::uint64_t kDaysPerCycle = 146'097;
inline constexpr std::uint64_t kCalendarYears = kCycles * 400;                     // to the year 0
inline constexpr std::uint64_t kCalendarDays = kCycles * kDaysPerCycle + 719'468;  // to 1970-01-01

struct CivilDay {
  std::int64_t year = 1970;
  int month = 1;    // 1 to 12
  int day = 1;      // 1 to 31
  int yearDay = 1;  // 1 to 366
  int weekday = 4;  // 0: Sunday
};

inline bool isLeapYear(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Days before the first of a month (1 to 13) of a year that is no leap year.
inline int daysBeforeMonth(int month) {
  constexpr int kDays[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
  return kDays[month - 1];
}

inline int daysInMonth(int month, std::int64_t year) {
  if (month == 2 && isLeapYear(year)) return 29;
  return daysBeforeMonth(month + 1) - daysBeforeMonth(month);
}

// Days from the calendar's start to a date; the day may be out of its month.
inline std::uint64_t calendarDay(std::int64_t year, int month, std::int64_t day) {
  const bool isBeforeMarch = month < 3;
  const std::uint64_t years =
      static_cast<std::uint64_t>(year) + kCalendarYears - (isBeforeMarch ? 1 : 0);
  const auto monthFromMarch = static_cast<unsigned>(isBeforeMarch ? month + 9 : month - 3);
  const std::uint64_t dayOfYear = (153 * monthFromMarch + 2) / 5;
  return years * 365 + years / 4 - years / 100 + years / 400 + dayOfYear +
         static_cast<std::uint64_t>(day) - 1;
}

inline CivilDay civilDay(std::uint64_t calendarDays) {
  const std::uint64_t cycle = calendarDays / kDaysPerCycle;
  const auto dayOfCycle = static_cast<unsigned>(calendarDays % kDaysPerCycle);
  const unsigned yearOfCycle =
      (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36524 - dayOfCycle / 146096) / 365;
  const unsigned fromMarch = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100);
  const unsigned monthFromMarch = (5 * fromMarch + 2) / 153;
  CivilDay result;
  result.day = static_cast<int>(fromMarch - (153 * monthFromMarch + 2) / 5) + 1;
  result.month = static_cast<int>(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9);
  result.year = static_cast<std::int64_t>(cycle * 400 + yearOfCycle - kCalendarYears) +
                (result.month < 3 ? 1 : 0);
  const bool isAfterLeapDay = result.month > 2 && isLeapYear(result.year);
  result.yearDay = daysBeforeMonth(result.month) + result.day + (isAfterLeapDay ? 1 : 0);
  result.weekday =
      static_cast<int>((calendarDays + 3) % 7);  // the calendar starts with a Wednesday
  return result;
}

}  // namespace iop::gotemplate::internal
