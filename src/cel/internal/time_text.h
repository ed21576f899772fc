#pragma once

// Durations and timestamps as text, as Go and CEL write them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cel/internal/item.h"

namespace iop::cel::internal {

// The range of a timestamp: the years 1 to 9999.
constexpr std::int64_t kFirstSecond = -62'135'596'800;
constexpr std::int64_t kLastSecond = 253'402'300'799;

// "5400.5s"
std::string printDuration(std::int64_t nanoseconds);
// Go's time.ParseDuration: "1h30m", "-1.5s".
std::optional<std::int64_t> parseDuration(std::string_view text);
// As the format "duration" of a schema takes it: also "3 days", "2w" (kube-openapi, pkg/validation/
// strfmt).
std::optional<std::int64_t> parseLooseDuration(std::string_view text);

// RFC 3339, in the zone it was written in.
std::string printTimestamp(const Item& timestamp);
std::optional<Item> parseTimestamp(std::string_view text);
// As the formats "date-time" and "date" of a schema take it: also without a zone or a time.
std::optional<Item> parseLooseTimestamp(std::string_view text);

// A moment as a calendar shows it.
struct Calendar {
  int year = 0, month = 0, day = 0;  // month and day from 1
  int hour = 0, minute = 0, second = 0;
  int weekday = 0;  // from Sunday
  int yearday = 0;  // from 0
};
Calendar calendarOf(std::int64_t secondsSince1970);

}  // namespace iop::cel::internal
