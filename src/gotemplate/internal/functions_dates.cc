// sprig's functions on times.

#include <string>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/times.h"

namespace iop::gotemplate::internal {
namespace {

// What sprig takes for a time: a time, or seconds as an integer. Everything else is now.
Time timeOf(const Any& value) {
  if (value.type == Type::Time) return *value.time;
  if (value.type == Type::Int || value.type == Type::Int64)
    return unixTime(value.integer, 0, localLocation());
  return currentTime();
}

std::string dateInZone(std::string_view layout, Any value, std::string_view zone) {
  const Result<LocationPtr> location = loadLocation(zone);
  return formatTime(inLocation(timeOf(value), location ? *location : utcLocation()), layout);
}
std::string date(std::string_view layout, Any value) { return dateInZone(layout, value, "Local"); }
std::string htmlDate(Any value) { return dateInZone("2006-01-02", value, "Local"); }
std::string htmlDateInZone(Any value, std::string_view zone) {
  return dateInZone("2006-01-02", value, zone);
}

Time now() { return currentTime(); }

Result<Time> mustToDate(std::string_view layout, std::string_view text) {
  return parseTime(layout, text, localLocation());
}
Time toDate(std::string_view layout, std::string_view text) {
  return mustToDate(layout, text).value_or(Time{});
}

Result<Time> mustDateModify(std::string_view duration, TimeArgument time) {
  ASSIGN_OR_RETURN(const GoDuration parsed, parseDuration(duration));
  return addDuration(time.value, parsed);
}
Time dateModify(std::string_view duration, TimeArgument time) {
  return mustDateModify(duration, time).value_or(time.value);
}

std::string ago(Any value) {
  return printDuration(roundDuration(subtractTimes(currentTime(), timeOf(value)), kSecond));
}
std::string unixEpoch(TimeArgument time) { return formatInt(time.value.unixSeconds); }

// Only a text or an int64 counts, see sprig.
std::string duration(Any seconds) {
  std::int64_t count = 0;
  if (seconds.isString()) {
    count = parseInt(seconds.asText()).value;
  } else if (seconds.type == Type::Int64) {
    count = seconds.integer;
  }
  const auto nanoseconds = static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(kSecond);
  return printDuration(static_cast<GoDuration>(nanoseconds));
}

std::string durationRound(Any value) {
  GoDuration rounded = 0;
  if (value.isString()) {
    rounded = parseDuration(value.asText()).value_or(0);
  } else if (value.type == Type::Int64) {
    rounded = value.integer;
  } else if (value.type == Type::Time) {
    rounded = subtractTimes(currentTime(), *value.time);
  }
  return printRoundedDuration(rounded);
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "dates");
}

constexpr Function kFunctions[] = {
    entry<&now>("now"),
    entry<&date>("date"),
    entry<&dateInZone>("dateInZone"),
    entry<&dateInZone>("date_in_zone"),
    entry<&htmlDate>("htmlDate"),
    entry<&htmlDateInZone>("htmlDateInZone"),
    entry<&toDate>("toDate"),
    entry<&mustToDate>("mustToDate"),
    entry<&dateModify>("dateModify"),
    entry<&dateModify>("date_modify"),
    entry<&mustDateModify>("mustDateModify"),
    entry<&mustDateModify>("must_date_modify"),
    entry<&ago>("ago"),
    entry<&unixEpoch>("unixEpoch"),
    entry<&duration>("duration"),
    entry<&durationRound>("durationRound"),
};

}  // namespace

std::span<const Function> dateFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
