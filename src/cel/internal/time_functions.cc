// duration(), timestamp() and what they can be asked.

#include <algorithm>
#include <charconv>

#include "cel/internal/functions.h"
#include "cel/internal/network.h"
#include "cel/internal/time_text.h"

namespace iop::cel::internal {
namespace {

Item same(Call& call) { return call[0]; }

Item textToDuration(Call& call) {
  const auto parsed = parseDuration(call.text(0));
  if (parsed) return Item::duration(*parsed);
  return Item::error("type conversion error from 'string' to 'google.protobuf.Duration'");
}

Item textToTimestamp(Call& call) {
  if (auto parsed = parseTimestamp(call.text(0))) return *parsed;
  return Item::error("type conversion error from 'string' to 'google.protobuf.Timestamp'");
}

Item intToTimestamp(Call& call) {
  if (call.number(0) < kFirstSecond || call.number(0) > kLastSecond)
    return Item::error("timestamp overflow");
  return Item::timestamp(call.number(0), 0);
}

// Minutes east of UTC; an Error where the zone is none or, like "Europe/Paris", is not known here.
Item zoneMinutes(std::string_view zone) {
  const std::size_t colon = zone.find(':');
  if (colon == std::string_view::npos) {
    if (zone.empty() || zone == "UTC" || zone == "GMT" || zone == "Etc/UTC")
      return Item::integer(0);
    return Item::error("unknown time zone " + std::string(zone));
  }
  const auto number = [](std::string_view text, int& out) {
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && std::abs(out) < 1'000;
  };
  int hours = 0, minutes = 0;
  for (const auto& [text, out] :
       {std::pair{zone.substr(0, colon), &hours}, std::pair{zone.substr(colon + 1), &minutes}}) {
    if (!number(text, *out))
      return Item::error("strconv.Atoi: parsing " + quoted(text) + ": invalid syntax");
  }
  return Item::integer(zone.starts_with('-') ? hours * 60 - minutes : hours * 60 + minutes);
}

template <typename Pick>
Item pick(Call& call, Pick pickFrom) {
  std::int64_t seconds = call.number(0);
  if (call.size() == 2) {
    const Item zone = zoneMinutes(call.text(1));
    if (zone.isError()) return zone;
    seconds += zone.number * 60;
  }
  return Item::integer(pickFrom(calendarOf(seconds)));
}

Item year(Call& call) {
  return pick(call, [](const Calendar& at) { return at.year; });
}
Item month(Call& call) {
  return pick(call, [](const Calendar& at) { return at.month - 1; });
}
Item date(Call& call) {
  return pick(call, [](const Calendar& at) { return at.day; });
}
Item dayOfMonth(Call& call) {
  return pick(call, [](const Calendar& at) { return at.day - 1; });
}
Item dayOfWeek(Call& call) {
  return pick(call, [](const Calendar& at) { return at.weekday; });
}
Item dayOfYear(Call& call) {
  return pick(call, [](const Calendar& at) { return at.yearday; });
}
Item hours(Call& call) {
  return pick(call, [](const Calendar& at) { return at.hour; });
}
Item minutes(Call& call) {
  return pick(call, [](const Calendar& at) { return at.minute; });
}
Item seconds(Call& call) {
  return pick(call, [](const Calendar& at) { return at.second; });
}
Item milliseconds(Call& call) {
  const std::int32_t nanos = call[0].nanos;
  return pick(call, [nanos](const Calendar&) { return nanos / 1'000'000; });
}

template <std::int64_t kUnit>
Item wholeUnits(Call& call) {
  return Item::integer(call.number(0) / kUnit);
}

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1000 * kMillisecond;

constexpr Declaration kFunctions[] = {
    {"duration", "(duration) -> duration", same},
    {"duration", "(string) -> duration", textToDuration},
    {"timestamp", "(timestamp) -> timestamp", same},
    {"timestamp", "(int) -> timestamp", intToTimestamp},
    {"timestamp", "(string) -> timestamp", textToTimestamp},
    {"getHours", "duration.() -> int", wholeUnits<3600 * kSecond>},
    {"getMinutes", "duration.() -> int", wholeUnits<60 * kSecond>},
    {"getSeconds", "duration.() -> int", wholeUnits<kSecond>},
    {"getMilliseconds", "duration.() -> int", wholeUnits<kMillisecond>},
};

constexpr std::pair<std::string_view, Run> kParts[] = {
    {"getFullYear", year},       {"getMonth", month},
    {"getDate", date},           {"getDayOfMonth", dayOfMonth},
    {"getDayOfWeek", dayOfWeek}, {"getDayOfYear", dayOfYear},
    {"getHours", hours},         {"getMinutes", minutes},
    {"getSeconds", seconds},     {"getMilliseconds", milliseconds}};

}  // namespace

std::span<const Declaration> timeFunctions() {
  static const std::vector<Declaration> all = [] {
    std::vector<Declaration> out(std::begin(kFunctions), std::end(kFunctions));
    for (const auto& [name, run] : kParts) {
      out.push_back({name, "timestamp.() -> int", run});
      out.push_back({name, "timestamp.(string) -> int", run});
    }
    return out;
  }();
  return all;
}

}  // namespace iop::cel::internal
