#pragma once

// Time zones from the system's tz database (TZif files, RFC 8536).
//
//   ASSIGN_OR_RETURN(LocationPtr tokyo, loadLocation("Asia/Tokyo"));
//   tokyo->lookup(1700000000).abbreviation     // JST
//
// Locations are immutable and shared by all threads; the most recently used ones stay loaded. Names
// are looked up as Go's time.LoadLocation does, which never leaves the database's directory.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {

class Location;
using LocationPtr = std::shared_ptr<const Location>;

// What the clocks show at some moment.
struct ZoneAt {
  std::string_view abbreviation;  // lives as long as the location
  int offset = 0;                 // seconds east of UTC
  bool isDst = false;
  // The half-open span of Unix seconds in which this is so.
  std::int64_t start = INT64_MIN;
  std::int64_t end = INT64_MAX;
};

// The rule of a TZif footer ("EST5EDT,M3.2.0,M11.1.0") for times after the last transition.
struct ZoneRule {
  struct Change {
    enum class Kind { JulianDay, DayOfYear, MonthWeekDay } kind = Kind::JulianDay;
    int day = 0;
    int week = 0;
    int month = 0;
    int time = 0;  // seconds after midnight
  };
  std::string standardName;
  int standardOffset = 0;
  bool hasDst = false;
  std::string dstName;
  int dstOffset = 0;
  Change start;  // of daylight saving time
  Change end;
};
// None where the text is no rule that Go understands.
std::optional<ZoneRule> parseZoneRule(std::string_view text);

class Location {
 public:
  // A place that always has one offset, named and abbreviated alike.
  static LocationPtr fixed(std::string name, int offset);
  // The same as Go's time.FixedZone: those without a name, of -12 to 14 whole hours, are one object
  // each.
  static LocationPtr sharedFixed(std::string name, int offset);
  // The contents of a TZif file. Error: "malformed time zone information".
  static Result<LocationPtr> parse(std::string name, std::string_view data);

  const std::string& name() const { return name_; }
  ZoneAt lookup(std::int64_t unixSeconds) const;
  // The offset of the zone of that abbreviation, preferably at about that (zone-less) time; none if
  // unknown.
  std::optional<int> findOffset(std::string_view abbreviation, std::int64_t unixSeconds) const;

 private:
  friend class TzifReader;
  struct Zone {
    std::string name;
    int offset = 0;
    bool isDst = false;
  };
  struct Transition {
    std::int64_t when = 0;
    std::size_t zone = 0;
  };

  std::size_t firstZone() const;

  std::string name_;
  std::vector<Zone> zones_;
  std::vector<Transition> transitions_;
  std::optional<ZoneRule> rule_;
};

// The zone called UTC.
const LocationPtr& utcLocation();
// The process' zone: $TZ, or /etc/localtime, or UTC. Read once.
const LocationPtr& localLocation();
// "" and "UTC" give UTC, "Local" the process' zone. Errors: "unknown time zone X", "time: invalid
// location name".
Result<LocationPtr> loadLocation(std::string_view name);

}  // namespace iop::gotemplate::internal
