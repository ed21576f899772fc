#include "gotemplate/internal/zone.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "gotemplate/internal/civil.h"
#include "gotemplate/internal/lru_cache.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::int64_t kAlways = INT64_MIN;
constexpr std::int64_t kForever = INT64_MAX;
constexpr std::size_t kCachedLocations = 64;
constexpr std::size_t kLargestFile = std::size_t{1} << 20;
// The longest name in the database has 32 bytes.
constexpr std::size_t kLongestCachedName = 64;

constexpr const char* kDatabases[] = {"/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/",
                                      "/usr/lib/locale/TZ/", "/etc/zoneinfo/"};

// When a change happens in a year, in seconds after the year began in UTC; `offset` is in use
// before it.
std::int64_t changeTime(const ZoneRule::Change& change, std::int64_t year, int offset) {
  using Kind = ZoneRule::Change::Kind;
  std::int64_t days = change.day;
  if (change.kind == Kind::JulianDay) {
    // Day 60 is always the first of March.
    days = change.day - 1 + (isLeapYear(year) && change.day >= 60 ? 1 : 0);
  } else if (change.kind == Kind::MonthWeekDay) {
    const CivilDay first = civilDay(calendarDay(year, change.month, 1));
    int day = (change.day - first.weekday + 7) % 7;
    for (int week = 1; week < change.week && day + 7 < daysInMonth(change.month, year); ++week)
      day += 7;
    days = first.yearDay - 1 + day;
  }
  return days * kSecondsPerDay + change.time - offset;
}

// What the rule says for a time after `lastTransition`.
ZoneAt lookupRule(const ZoneRule& rule, std::int64_t lastTransition, std::int64_t unixSeconds) {
  if (!rule.hasDst)
    return {rule.standardName, rule.standardOffset, false, lastTransition, kForever};
  const std::uint64_t calendarSecond =
      static_cast<std::uint64_t>(unixSeconds) + kCalendarDays * std::uint64_t{kSecondsPerDay};
  const CivilDay day = civilDay(calendarSecond / kSecondsPerDay);
  const std::int64_t secondOfYear = (day.yearDay - 1) * kSecondsPerDay +
                                    static_cast<std::int64_t>(calendarSecond % kSecondsPerDay);
  const std::int64_t yearStart = wrapSubtract(unixSeconds, secondOfYear);

  std::int64_t start = changeTime(rule.start, day.year, rule.standardOffset);
  std::int64_t end = changeTime(rule.end, day.year, rule.dstOffset);
  ZoneAt inside{rule.dstName, rule.dstOffset, true, 0, 0};
  ZoneAt outside{rule.standardName, rule.standardOffset, false, 0, 0};
  if (end < start) {  // the southern hemisphere
    std::swap(start, end);
    std::swap(inside, outside);
  }
  // The spans are right near a change; elsewhere they end with the year.
  if (secondOfYear < start) {
    outside.start = yearStart;
    outside.end = wrapAdd(yearStart, start);
    return outside;
  }
  if (secondOfYear >= end) {
    outside.start = wrapAdd(yearStart, end);
    outside.end = wrapAdd(yearStart, 365 * kSecondsPerDay);
    return outside;
  }
  inside.start = wrapAdd(yearStart, start);
  inside.end = wrapAdd(yearStart, end);
  return inside;
}

tl::unexpected<Error> malformed() { return fail(Code::Invalid, "malformed time zone information"); }

// The whole file; none where there is no such regular file of a sensible size.
std::optional<std::string> readFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  std::optional<std::string> contents;
  struct stat status {};
  if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
      status.st_size <= static_cast<off_t>(kLargestFile)) {
    contents.emplace(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t filled = 0;
    while (filled < contents->size()) {
      const ssize_t count = read(file, contents->data() + filled, contents->size() - filled);
      if (count <= 0) break;
      filled += static_cast<std::size_t>(count);
    }
    contents->resize(filled);
  }
  close(file);
  return contents;
}

std::optional<LocationPtr> loadFrom(const std::string& path, std::string_view name) {
  const std::optional<std::string> data = readFile(path);
  if (!data) return std::nullopt;
  Result<LocationPtr> location = Location::parse(std::string(name), *data);
  if (!location) return std::nullopt;
  return std::move(*location);
}

std::optional<LocationPtr> loadFromDatabase(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) return std::nullopt;
  for (const char* database : kDatabases) {
    if (auto location = loadFrom(database + std::string(name), name)) return location;
  }
  return std::nullopt;
}

// What Go's time.Local is: $TZ (a path or a name, with or without a colon in front), else
// /etc/localtime.
LocationPtr loadLocal() {
  const char* const variable = std::getenv("TZ");
  if (variable == nullptr) {
    if (auto location = loadFrom("/etc/localtime", "Local")) return *location;
    return Location::fixed("UTC", 0);
  }
  std::string_view name = variable;
  if (name.starts_with(':')) name.remove_prefix(1);
  if (name.starts_with('/')) {
    const std::string path(name);
    if (auto location = loadFrom(path, path == "/etc/localtime" ? "Local" : name)) return *location;
  } else if (!name.empty() && name != "UTC") {
    if (auto location = loadFromDatabase(name)) return *location;
  }
  return Location::fixed("UTC", 0);
}

LruCache<LocationPtr>& locationCache() {
  // Never destroyed: threads may outlive main().
  static auto* const instance = new LruCache<LocationPtr>(kCachedLocations);
  return *instance;
}

}  // namespace

// Reads a TZif file (RFC 8536) from front to back.
class TzifReader {
 public:
  explicit TzifReader(std::string_view data) : rest_(data) {}

  Result<LocationPtr> read(std::string name) {
    char version = 0;
    Counts counts;
    if (!takeHeader(version, counts)) return malformed();
    std::size_t timeSize = 4;
    if (version != '\0') {
      // From version 2 on all follows a second time, with times of 64 bits.
      if (!skip(counts.size(timeSize)) || !takeHeader(version, counts)) return malformed();
      timeSize = 8;
    }
    auto location = std::make_shared<Location>();
    location->name_ = std::move(name);
    if (!takeBody(counts, timeSize, *location)) return malformed();
    takeFooter(*location);
    return LocationPtr(std::move(location));
  }

 private:
  struct Counts {
    std::size_t utcFlags = 0;
    std::size_t standardFlags = 0;
    std::size_t leapSeconds = 0;
    std::size_t transitions = 0;
    std::size_t zones = 0;
    std::size_t characters = 0;

    std::size_t size(std::size_t timeSize) const {
      return transitions * (timeSize + 1) + zones * 6 + characters + leapSeconds * (timeSize + 4) +
             standardFlags + utcFlags;
    }
  };

  bool skip(std::size_t count) {
    if (count > rest_.size()) return false;
    rest_.remove_prefix(count);
    return true;
  }

  std::uint64_t takeNumber(std::size_t size) {
    std::uint64_t number = 0;
    for (const char c : rest_.substr(0, size)) number = number << 8 | static_cast<unsigned char>(c);
    rest_.remove_prefix(size);
    return number;
  }

  bool takeHeader(char& version, Counts& counts) {
    constexpr std::size_t kHeaderSize = 44;
    if (rest_.size() < kHeaderSize || !rest_.starts_with("TZif")) return false;
    version = rest_[4];
    if (version != '\0' && version != '2' && version != '3') return false;
    rest_.remove_prefix(20);
    for (std::size_t* const count : {&counts.utcFlags, &counts.standardFlags, &counts.leapSeconds,
                                     &counts.transitions, &counts.zones, &counts.characters}) {
      *count = takeNumber(4);
    }
    return true;
  }

  bool takeBody(const Counts& counts, std::size_t timeSize, Location& location) {
    if (counts.zones == 0 || counts.size(timeSize) > rest_.size()) return false;
    location.transitions_.resize(counts.transitions);
    for (Location::Transition& transition : location.transitions_) {
      const std::uint64_t when = takeNumber(timeSize);
      transition.when =
          timeSize == 4 ? static_cast<std::int32_t>(when) : static_cast<std::int64_t>(when);
    }
    for (Location::Transition& transition : location.transitions_) {
      transition.zone = takeNumber(1);
      if (transition.zone >= counts.zones) return false;
    }
    std::vector<std::size_t> names;
    for (std::size_t i = 0; i < counts.zones; ++i) {
      Location::Zone zone;
      zone.offset = static_cast<std::int32_t>(takeNumber(4));
      zone.isDst = takeNumber(1) != 0;
      names.push_back(takeNumber(1));
      if (names.back() >= counts.characters) return false;
      location.zones_.push_back(std::move(zone));
    }
    const std::string_view characters = rest_.substr(0, counts.characters);
    for (std::size_t i = 0; i < counts.zones; ++i) {
      const std::string_view tail = characters.substr(names[i]);
      location.zones_[i].name = tail.substr(0, tail.find('\0'));
    }
    if (location.transitions_.empty()) location.transitions_.push_back({kAlways, 0});
    return skip(counts.characters + counts.leapSeconds * (timeSize + 4) + counts.standardFlags +
                counts.utcFlags);
  }

  void takeFooter(Location& location) {
    if (rest_.size() > 2 && rest_.starts_with('\n') && rest_.ends_with('\n')) {
      location.rule_ = parseZoneRule(rest_.substr(1, rest_.size() - 2));
    }
  }

  std::string_view rest_;
};

LocationPtr Location::fixed(std::string name, int offset) {
  auto location = std::make_shared<Location>();
  location->zones_.push_back({name, offset, false});
  location->transitions_.push_back({kAlways, 0});
  location->name_ = std::move(name);
  return location;
}

LocationPtr Location::sharedFixed(std::string name, int offset) {
  constexpr int kFirst = -12, kLast = 14;
  static const auto* const unnamed = [] {
    auto* made = new std::vector<LocationPtr>;
    for (int hour = kFirst; hour <= kLast; ++hour) made->push_back(fixed("", hour * 3600));
    return made;
  }();
  const int hour = offset / 3600;
  if (name.empty() && hour * 3600 == offset && kFirst <= hour && hour <= kLast)
    return (*unnamed)[static_cast<std::size_t>(hour - kFirst)];
  return fixed(std::move(name), offset);
}

Result<LocationPtr> Location::parse(std::string name, std::string_view data) {
  return TzifReader(data).read(std::move(name));
}

ZoneAt Location::lookup(std::int64_t unixSeconds) const {
  const auto after = std::upper_bound(
      transitions_.begin(), transitions_.end(), unixSeconds,
      [](std::int64_t seconds, const Transition& transition) { return seconds < transition.when; });
  if (after == transitions_.begin()) {
    const Zone& zone = zones_[firstZone()];
    return {zone.name, zone.offset, zone.isDst, kAlways, after->when};
  }
  const Transition& last = *std::prev(after);
  if (after == transitions_.end() && rule_) return lookupRule(*rule_, last.when, unixSeconds);
  const Zone& zone = zones_[last.zone];
  return {zone.name, zone.offset, zone.isDst, last.when,
          after == transitions_.end() ? kForever : after->when};
}

// The zone before the first transition: the first one, unless a transition leads to it; then the
// last standard time that is listed before the one of the first transition, if that is daylight
// saving time; then the first standard time.
std::size_t Location::firstZone() const {
  const auto leadsToFirst = [](const Transition& transition) { return transition.zone == 0; };
  if (std::none_of(transitions_.begin(), transitions_.end(), leadsToFirst)) return 0;
  if (zones_[transitions_[0].zone].isDst) {
    for (std::size_t i = transitions_[0].zone; i > 0; --i) {
      if (!zones_[i - 1].isDst) return i - 1;
    }
  }
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    if (!zones_[i].isDst) return i;
  }
  return 0;
}

std::optional<int> Location::findOffset(std::string_view abbreviation,
                                        std::int64_t unixSeconds) const {
  for (const Zone& zone : zones_) {
    if (zone.name != abbreviation) continue;
    const ZoneAt then = lookup(wrapSubtract(unixSeconds, zone.offset));
    if (then.abbreviation == abbreviation) return then.offset;
  }
  for (const Zone& zone : zones_) {
    if (zone.name == abbreviation) return zone.offset;
  }
  return std::nullopt;
}

const LocationPtr& utcLocation() {
  static const auto* const instance = new LocationPtr(Location::fixed("UTC", 0));
  return *instance;
}

const LocationPtr& localLocation() {
  static const auto* const instance = new LocationPtr(loadLocal());
  return *instance;
}

Result<LocationPtr> loadLocation(std::string_view name) {
  if (name.empty() || name == "UTC") return utcLocation();
  if (name == "Local") return localLocation();
  if (name.find("..") != std::string_view::npos || name[0] == '/' || name[0] == '\\') {
    return fail(Code::Invalid, "time: invalid location name");
  }
  if (std::optional<LocationPtr> known = locationCache().find(name)) return *known;
  std::optional<LocationPtr> location = loadFromDatabase(name);
  if (!location) return fail(Code::NotFound, "unknown time zone " + std::string(name));
  if (name.size() <= kLongestCachedName) locationCache().insert(name, *location);
  return *location;
}

}  // namespace iop::gotemplate::internal
