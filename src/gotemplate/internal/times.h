#pragma once

// Points in time, durations and time zones as Go's package time has them.
//
//   ASSIGN_OR_RETURN(LocationPtr berlin, loadLocation("Europe/Berlin"));
//   Time time = unixTime(1700000000, 0, berlin);
//   formatTime(time, "Jan 2, 2006 at 3:04pm (MST)")             // Nov 14, 2023 at 11:13pm (CET)
//   ASSIGN_OR_RETURN(Time day, parseTime("2006-01-02", "2020-02-29", localLocation()));
//   printDuration(parseDuration("1h35s").value())               // 1h0m35s
//
// Times are values; locations are immutable and shared. All functions may be called from any
// thread. There is no monotonic reading: the text of the current time has no "m=+0.01" at its end.
// Errors carry Go's texts: `parsing time "x" as "2006": cannot parse "x" as "2006"`, `time: invalid
// duration "x"`.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gotemplate/internal/zone.h"

namespace iop::gotemplate::internal {

// Nanoseconds, as Go's time.Duration.
using GoDuration = std::int64_t;
inline constexpr GoDuration kNanosecond = 1;
inline constexpr GoDuration kMicrosecond = 1000 * kNanosecond;
inline constexpr GoDuration kMillisecond = 1000 * kMicrosecond;
inline constexpr GoDuration kSecond = 1000 * kMillisecond;
inline constexpr GoDuration kMinute = 60 * kSecond;
inline constexpr GoDuration kHour = 60 * kMinute;

// Go's time.Time. The default is its zero value, 0001-01-01 00:00:00 UTC.
struct Time {
  std::int64_t unixSeconds = -62135596800;
  std::int32_t nanos = 0;  // 0 to 999999999
  LocationPtr location;    // null: UTC

  // Go's ==: the same moment and the same location object. For the moment alone: compareTimes.
  friend bool operator==(const Time&, const Time&) = default;
};

// The time `seconds` and `nanos` (any number of them) after 1970 began; nanos are brought into
// their range.
Time unixTime(std::int64_t seconds, std::int64_t nanos, LocationPtr location);
// The machine's clock, in the local zone.
Time currentTime();

// A time on the wall of its location.
struct CivilTime {
  std::int64_t year = 1;
  int month = 1;  // 1 to 12
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int weekday = 1;  // 0: Sunday
  int yearDay = 1;  // 1 to 366
};
CivilTime civilTimeOf(const Time& time);
// What time.Date makes of its arguments: months, days … may be out of range and carry over.
Time makeTime(std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t hour,
              std::int64_t minute, std::int64_t second, std::int64_t nanos, LocationPtr location);
// The zone in use at that time in its location.
ZoneAt zoneOf(const Time& time);
// ISO 8601 year and week.
struct IsoWeek {
  std::int64_t year;
  int week;
};
IsoWeek isoWeekOf(const Time& time);

bool isZeroTime(const Time& time);
// -1, 0, 1.
int compareTimes(const Time& a, const Time& b);
// Ends at the last moment there is.
Time addDuration(const Time& time, GoDuration duration);
// a - b; saturates at the ends of the range.
GoDuration subtractTimes(const Time& a, const Time& b);
Time addDate(const Time& time, std::int64_t years, std::int64_t months, std::int64_t days);
Time truncateTime(const Time& time, GoDuration unit);
Time roundTime(const Time& time, GoDuration unit);
Time inLocation(const Time& time, LocationPtr location);

std::int64_t unixMillisOf(const Time& time);
std::int64_t unixMicrosOf(const Time& time);
std::int64_t unixNanosOf(const Time& time);

// --- Text ---

// Go's reference layout. The result is linear in the layout.
std::string formatTime(const Time& time, std::string_view layout);
// Time.String: 2006-01-02 15:04:05.999999999 -0700 MST.
std::string printTime(const Time& time);
// Time.GoString (%#v): time.Date(2020, time.February, 29, 0, 0, 0, 0, time.UTC).
std::string printGoTime(const Time& time);
// Time.MarshalJSON without the quotes: RFC 3339 with nanoseconds. Errors: "Time.MarshalJSON: year
// outside of range [0,9999]", "Time.MarshalJSON: timezone hour outside of range [0,23]".
Result<std::string> printJsonTime(const Time& time);
// time.ParseInLocation: what has no zone is in `location`.
Result<Time> parseTime(std::string_view layout, std::string_view text, const LocationPtr& location);

// "January"; "%!Month(13)" out of range. "Sunday"; "%!Weekday(7)".
std::string monthName(std::int64_t month);
std::string weekdayName(std::int64_t weekday);

// --- Durations ---

// 1h1m35s, 1.5ms, 0s.
std::string printDuration(GoDuration duration);
// Errors: `time: invalid duration "x"`, `time: missing unit in duration "1"`, `time: unknown unit
// "x" in duration "1x"`.
Result<GoDuration> parseDuration(std::string_view text);
GoDuration roundDuration(GoDuration duration, GoDuration unit);
GoDuration truncateDuration(GoDuration duration, GoDuration unit);
// sprig's durationRound: the largest unit that is exceeded (3mo, 61m gives 1h, 1s gives 0s).
std::string printRoundedDuration(GoDuration duration);

}  // namespace iop::gotemplate::internal
