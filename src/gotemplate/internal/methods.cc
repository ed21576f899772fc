// The methods of Go's types that templates can reach: time.Time and its parts, and semver.Version.
//
// Those with several results exist to be refused with Go's message. Not there: methods that change
// their receiver or make binary data.

#include <cmath>
#include <string>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/semver.h"
#include "gotemplate/internal/times.h"

namespace iop::gotemplate::internal {
namespace {

using Bytes = Typed<Type::ByteSlice>;

Bytes bytesOf(Runtime& runtime, std::string_view text) {
  Slice* out = runtime.makeSlice(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    out->items[i] = Any::byte(static_cast<unsigned char>(text[i]));
  return {Any::list(Type::ByteSlice, out)};
}

Typed<Type::Uint64> unsigned64(std::uint64_t value) { return {Any::unsigned64(value)}; }

// --- time.Time ---

Time timeAdd(TimeArgument time, DurationValue duration) {
  return addDuration(time.value, duration.value);
}
Time timeAddDate(TimeArgument time, std::int64_t years, std::int64_t months, std::int64_t days) {
  return addDate(time.value, years, months, days);
}
bool timeAfter(TimeArgument a, TimeArgument b) { return compareTimes(a.value, b.value) > 0; }
bool timeBefore(TimeArgument a, TimeArgument b) { return compareTimes(a.value, b.value) < 0; }
bool timeEqual(TimeArgument a, TimeArgument b) { return compareTimes(a.value, b.value) == 0; }
std::int64_t timeCompare(TimeArgument a, TimeArgument b) { return compareTimes(a.value, b.value); }
DurationValue timeSub(TimeArgument a, TimeArgument b) { return {subtractTimes(a.value, b.value)}; }
std::string timeFormat(TimeArgument time, std::string_view layout) {
  return formatTime(time.value, layout);
}
std::string timeString(TimeArgument time) { return printTime(time.value); }
std::string timeGoString(TimeArgument time) { return printGoTime(time.value); }
Time timeIn(TimeArgument time, LocationArgument location) {
  if (location.value == nullptr) failFunction("time: missing Location in call to Time.In");
  return inLocation(time.value, *location.value);
}
Time timeLocal(TimeArgument time) { return inLocation(time.value, localLocation()); }
Time timeUtc(TimeArgument time) { return inLocation(time.value, nullptr); }
bool timeIsZero(TimeArgument time) { return isZeroTime(time.value); }
bool timeIsDst(TimeArgument time) { return zoneOf(time.value).isDst; }
Typed<Type::Location> timeLocation(Runtime& runtime, TimeArgument time) {
  return {
      runtime.makeLocation(time.value.location != nullptr ? time.value.location : utcLocation())};
}
std::int64_t timeYear(TimeArgument time) { return civilTimeOf(time.value).year; }
Typed<Type::Month> timeMonth(TimeArgument time) {
  return {Any::ofInteger(Type::Month, civilTimeOf(time.value).month)};
}
std::int64_t timeDay(TimeArgument time) { return civilTimeOf(time.value).day; }
std::int64_t timeHour(TimeArgument time) { return civilTimeOf(time.value).hour; }
std::int64_t timeMinute(TimeArgument time) { return civilTimeOf(time.value).minute; }
std::int64_t timeSecond(TimeArgument time) { return civilTimeOf(time.value).second; }
std::int64_t timeNanosecond(TimeArgument time) { return time.value.nanos; }
std::int64_t timeYearDay(TimeArgument time) { return civilTimeOf(time.value).yearDay; }
Typed<Type::Weekday> timeWeekday(TimeArgument time) {
  return {Any::ofInteger(Type::Weekday, civilTimeOf(time.value).weekday)};
}
GoInt64 timeUnix(TimeArgument time) { return {time.value.unixSeconds}; }
GoInt64 timeUnixMilli(TimeArgument time) { return {unixMillisOf(time.value)}; }
GoInt64 timeUnixMicro(TimeArgument time) { return {unixMicrosOf(time.value)}; }
GoInt64 timeUnixNano(TimeArgument time) { return {unixNanosOf(time.value)}; }
Time timeRound(TimeArgument time, DurationValue unit) { return roundTime(time.value, unit.value); }
Time timeTruncate(TimeArgument time, DurationValue unit) {
  return truncateTime(time.value, unit.value);
}
Bytes timeMarshalJson(Runtime& runtime, TimeArgument time) {
  return bytesOf(runtime, "\"" + valueOrFail(printJsonTime(time.value)) + "\"");
}
Bytes timeMarshalText(Runtime& runtime, TimeArgument time) {
  Result<std::string> text = printJsonTime(time.value);
  if (text) return bytesOf(runtime, *text);
  constexpr std::string_view kJson = "Time.MarshalJSON";
  std::string message = text.error().message;
  if (message.starts_with(kJson)) message = "Time.MarshalText" + message.substr(kJson.size());
  failFunction(message);
}

// --- time.Duration, time.Month, time.Weekday, *time.Location ---

double inUnits(DurationValue duration, GoDuration unit) {
  const std::int64_t whole = duration.value / unit;
  return static_cast<double>(whole) +
         static_cast<double>(duration.value % unit) / static_cast<double>(unit);
}
double durationHours(DurationValue duration) { return inUnits(duration, kHour); }
double durationMinutes(DurationValue duration) { return inUnits(duration, kMinute); }
double durationSeconds(DurationValue duration) { return inUnits(duration, kSecond); }
GoInt64 durationMilliseconds(DurationValue duration) { return {duration.value / kMillisecond}; }
GoInt64 durationMicroseconds(DurationValue duration) { return {duration.value / kMicrosecond}; }
GoInt64 durationNanoseconds(DurationValue duration) { return {duration.value}; }
DurationValue durationAbs(DurationValue duration) {
  if (duration.value == INT64_MIN) return {INT64_MAX};
  return {duration.value < 0 ? -duration.value : duration.value};
}
DurationValue durationRound(DurationValue duration, DurationValue unit) {
  return {roundDuration(duration.value, unit.value)};
}
DurationValue durationTruncate(DurationValue duration, DurationValue unit) {
  return {truncateDuration(duration.value, unit.value)};
}
std::string durationString(DurationValue duration) { return printDuration(duration.value); }
std::string monthString(std::int64_t month) { return monthName(month); }
std::string weekdayString(std::int64_t weekday) { return weekdayName(weekday); }
std::string locationString(LocationArgument location) { return (*location.value)->name(); }

// --- semver.Version ---

const Semver& versionOf(SemverArgument version) {
  if (version.value == nullptr) failFunction(kNilDereference);
  return *version.value;
}
Typed<Type::Semver> versionResult(Runtime& runtime, Semver version) {
  return {runtime.makeSemver(Type::Semver, std::move(version))};
}

int compare(SemverArgument a, SemverArgument b) {
  return compareSemver(versionOf(a), versionOf(b));
}
std::int64_t versionCompare(SemverArgument a, SemverArgument b) { return compare(a, b); }
bool versionEqual(SemverArgument a, SemverArgument b) {
  if (a.value == nullptr || b.value == nullptr) return a.value == b.value;
  return compare(a, b) == 0;
}
bool versionGreater(SemverArgument a, SemverArgument b) { return compare(a, b) > 0; }
bool versionGreaterEqual(SemverArgument a, SemverArgument b) { return compare(a, b) >= 0; }
bool versionLess(SemverArgument a, SemverArgument b) { return compare(a, b) < 0; }
bool versionLessEqual(SemverArgument a, SemverArgument b) { return compare(a, b) <= 0; }
Typed<Type::Uint64> versionMajor(SemverArgument version) {
  return unsigned64(versionOf(version).major);
}
Typed<Type::Uint64> versionMinor(SemverArgument version) {
  return unsigned64(versionOf(version).minor);
}
Typed<Type::Uint64> versionPatch(SemverArgument version) {
  return unsigned64(versionOf(version).patch);
}
std::string_view versionPrerelease(SemverArgument version) { return versionOf(version).prerelease; }
std::string_view versionMetadata(SemverArgument version) { return versionOf(version).metadata; }
std::string_view versionOriginal(SemverArgument version) { return versionOf(version).original; }
std::string versionString(SemverArgument version) { return printSemver(versionOf(version)); }
Typed<Type::Semver> versionIncMajor(Runtime& runtime, SemverArgument version) {
  return versionResult(runtime, incMajor(versionOf(version)));
}
Typed<Type::Semver> versionIncMinor(Runtime& runtime, SemverArgument version) {
  return versionResult(runtime, incMinor(versionOf(version)));
}
Typed<Type::Semver> versionIncPatch(Runtime& runtime, SemverArgument version) {
  return versionResult(runtime, incPatch(versionOf(version)));
}
Typed<Type::Semver> versionSetPrerelease(Runtime& runtime, SemverArgument version,
                                         std::string_view prerelease) {
  return versionResult(runtime, valueOrFail(withPrerelease(versionOf(version), prerelease)));
}
Typed<Type::Semver> versionSetMetadata(Runtime& runtime, SemverArgument version,
                                       std::string_view metadata) {
  return versionResult(runtime, valueOrFail(withMetadata(versionOf(version), metadata)));
}
Any versionValue(Runtime& runtime, SemverArgument version) {
  return runtime.makeString(printSemver(versionOf(version)));
}
Bytes versionMarshalJson(Runtime& runtime, SemverArgument version) {
  return bytesOf(runtime, "\"" + printSemver(versionOf(version)) + "\"");
}
Bytes versionMarshalText(Runtime& runtime, SemverArgument version) {
  return bytesOf(runtime, printSemver(versionOf(version)));
}

// --- Tables ---

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "methods");
}

constexpr Param kReceiverOnly[] = {Param::Time};
constexpr Function refused(std::string_view name, std::string_view why) {
  Function out;
  out.name = name;
  out.params = kReceiverOnly;
  out.special = Function::Special::Refused;
  out.refusal = why;
  return out;
}

constexpr Function kTimeMethods[] = {
    entry<&timeAdd>("Add"),
    entry<&timeAddDate>("AddDate"),
    entry<&timeAfter>("After"),
    entry<&timeBefore>("Before"),
    refused("Clock", "function Clock has 3 return values; should be 1 or 2"),
    entry<&timeCompare>("Compare"),
    refused("Date", "function Date has 3 return values; should be 1 or 2"),
    entry<&timeDay>("Day"),
    entry<&timeEqual>("Equal"),
    entry<&timeFormat>("Format"),
    entry<&timeGoString>("GoString"),
    entry<&timeHour>("Hour"),
    refused("ISOWeek",
            "invalid function signature for ISOWeek: second return value should be error; is int"),
    entry<&timeIn>("In"),
    entry<&timeIsDst>("IsDST"),
    entry<&timeIsZero>("IsZero"),
    entry<&timeLocal>("Local"),
    entry<&timeLocation>("Location"),
    entry<&timeMarshalJson>("MarshalJSON"),
    entry<&timeMarshalText>("MarshalText"),
    entry<&timeMinute>("Minute"),
    entry<&timeMonth>("Month"),
    entry<&timeNanosecond>("Nanosecond"),
    entry<&timeRound>("Round"),
    entry<&timeSecond>("Second"),
    entry<&timeString>("String"),
    entry<&timeSub>("Sub"),
    entry<&timeTruncate>("Truncate"),
    entry<&timeUtc>("UTC"),
    entry<&timeUnix>("Unix"),
    entry<&timeUnixMicro>("UnixMicro"),
    entry<&timeUnixMilli>("UnixMilli"),
    entry<&timeUnixNano>("UnixNano"),
    entry<&timeWeekday>("Weekday"),
    entry<&timeYear>("Year"),
    entry<&timeYearDay>("YearDay"),
    refused("Zone",
            "invalid function signature for Zone: second return value should be error; is int"),
    refused("ZoneBounds",
            "invalid function signature for ZoneBounds: second return value should be error; is "
            "time.Time"),
};

constexpr Function kDurationMethods[] = {
    entry<&durationAbs>("Abs"),
    entry<&durationHours>("Hours"),
    entry<&durationMicroseconds>("Microseconds"),
    entry<&durationMilliseconds>("Milliseconds"),
    entry<&durationMinutes>("Minutes"),
    entry<&durationNanoseconds>("Nanoseconds"),
    entry<&durationRound>("Round"),
    entry<&durationSeconds>("Seconds"),
    entry<&durationString>("String"),
    entry<&durationTruncate>("Truncate"),
};
constexpr Function kMonthMethods[] = {entry<&monthString>("String")};
constexpr Function kWeekdayMethods[] = {entry<&weekdayString>("String")};
constexpr Function kLocationMethods[] = {entry<&locationString>("String")};

// Of values and of pointers.
constexpr Function kVersionMethods[] = {
    entry<&versionIncMajor>("IncMajor"),
    entry<&versionIncMinor>("IncMinor"),
    entry<&versionIncPatch>("IncPatch"),
    entry<&versionMajor>("Major"),
    entry<&versionMarshalJson>("MarshalJSON"),
    entry<&versionMarshalText>("MarshalText"),
    entry<&versionMetadata>("Metadata"),
    entry<&versionMinor>("Minor"),
    entry<&versionPatch>("Patch"),
    entry<&versionPrerelease>("Prerelease"),
    entry<&versionSetMetadata>("SetMetadata"),
    entry<&versionSetPrerelease>("SetPrerelease"),
    entry<&versionString>("String"),
    entry<&versionValue>("Value"),
};
// Of pointers only.
constexpr Function kVersionPointerMethods[] = {
    entry<&versionCompare>("Compare"),     entry<&versionEqual>("Equal"),
    entry<&versionGreater>("GreaterThan"), entry<&versionGreaterEqual>("GreaterThanEqual"),
    entry<&versionLess>("LessThan"),       entry<&versionLessEqual>("LessThanEqual"),
    entry<&versionOriginal>("Original"),
};

const Function* findIn(std::span<const Function> methods, std::string_view name) {
  for (const Function& method : methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

}  // namespace

const Function* findMethod(Type receiver, std::string_view name) {
  switch (receiver) {
    case Type::Time:
      return findIn(kTimeMethods, name);
    case Type::Duration:
      return findIn(kDurationMethods, name);
    case Type::Month:
      return findIn(kMonthMethods, name);
    case Type::Weekday:
      return findIn(kWeekdayMethods, name);
    case Type::Location:
      return findIn(kLocationMethods, name);
    case Type::SemverPointer:
      if (const Function* method = findIn(kVersionPointerMethods, name); method != nullptr)
        return method;
      return findIn(kVersionMethods, name);
    case Type::Semver:
      return findIn(kVersionMethods, name);
    default:
      return nullptr;
  }
}

}  // namespace iop::gotemplate::internal
