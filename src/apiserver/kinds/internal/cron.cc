#include "apiserver/kinds/internal/cron.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <vector>

namespace iop::apiserver::kinds::internal {
namespace {

struct Bounds {
  unsigned min, max;
  const std::string_view* names;  // of the numbers from `min` on; null: none
  std::size_t count;
};

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr Bounds kFields[] = {{0, 59, nullptr, 0},
                              {0, 23, nullptr, 0},
                              {1, 31, nullptr, 0},
                              {1, 12, kMonths, 12},
                              {0, 6, kDays, 7}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = text.find_first_not_of(separators, at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return out;
}

std::vector<std::string_view> splitAll(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// The number of a text; false with `problem` set.
bool parseNumber(std::string_view text, unsigned& out, std::string& problem) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const char* end = digits.data() + digits.size();
  const auto [at, error] = std::from_chars(digits.data(), end, out);
  if (digits.empty() || error != std::errc() || at != end) {
    problem = "failed to parse int from " + std::string(text) + ": strconv.Atoi: parsing " +
              quoted(text) + ": invalid syntax";
    return false;
  }
  if (negative && out != 0) {
    problem = "negative number (" + std::string(text) + ") not allowed: " + std::string(text);
    return false;
  }
  return true;
}

bool parseEnd(std::string_view text, const Bounds& bounds, unsigned& out, std::string& problem) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (std::size_t i = 0; i < bounds.count; ++i) {
    if (bounds.names[i] != lower) continue;
    out = bounds.min + static_cast<unsigned>(i);
    return true;
  }
  return parseNumber(text, out, problem);
}

std::string findRangeProblem(std::string_view text, const Bounds& bounds) {
  const std::string whole(text);
  const auto parts = splitAll(text, '/');
  const auto ends = splitAll(parts[0], '-');
  unsigned first = bounds.min, last = bounds.max, step = 1;
  std::string problem;
  const bool single = ends.size() == 1;
  if (ends[0] != "*" && ends[0] != "?") {
    if (!parseEnd(ends[0], bounds, first, problem)) return problem;
    last = first;
    if (ends.size() == 2 && !parseEnd(ends[1], bounds, last, problem)) return problem;
    if (ends.size() > 2) return "too many hyphens: " + whole;
  }
  if (parts.size() == 2) {
    if (!parseNumber(parts[1], step, problem)) return problem;
    if (single && ends[0] != "*" && ends[0] != "?") last = bounds.max;
  } else if (parts.size() > 2) {
    return "too many slashes: " + whole;
  }
  if (first < bounds.min)
    return "beginning of range (" + std::to_string(first) + ") below minimum (" +
           std::to_string(bounds.min) + "): " + whole;
  if (last > bounds.max)
    return "end of range (" + std::to_string(last) + ") above maximum (" +
           std::to_string(bounds.max) + "): " + whole;
  if (first > last)
    return "beginning of range (" + std::to_string(first) + ") beyond end of range (" +
           std::to_string(last) + "): " + whole;
  if (step == 0) return "step of range should be a positive number: " + whole;
  return {};
}

bool isDuration(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return true;
  bool any = false;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    if (digits == 0) return false;
    text.remove_prefix(digits);
    const std::string_view units[] = {"ns", "us", "ms", "s", "m", "h"};
    const auto* unit = std::find_if(std::begin(units), std::end(units),
                                    [&](std::string_view each) { return text.starts_with(each); });
    // "m" is also how "ms" begins: the table has the longer ones first.
    if (unit == std::end(units)) return false;
    text.remove_prefix(unit->size());
    any = true;
  }
  return any;
}

}  // namespace

std::string findCronProblem(std::string_view schedule) {
  if (schedule.empty()) return "empty spec string";
  if (schedule.starts_with('@')) {
    static constexpr std::string_view kMacros[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                                   "@daily",  "@midnight", "@hourly"};
    if (std::find(std::begin(kMacros), std::end(kMacros), schedule) != std::end(kMacros)) return {};
    constexpr std::string_view kEvery = "@every ";
    if (schedule.starts_with(kEvery)) {
      const std::string_view duration = schedule.substr(kEvery.size());
      if (isDuration(duration)) return {};
      return "failed to parse duration " + std::string(schedule) + ": time: invalid duration " +
             quoted(duration);
    }
    return "unrecognized descriptor: " + std::string(schedule);
  }
  const auto fields = split(schedule, " \t\n\v\f\r");
  if (fields.size() != std::size(kFields)) {
    std::string list;
    for (const std::string_view field : fields)
      list += (list.empty() ? "" : " ") + std::string(field);
    return "expected exactly 5 fields, found " + std::to_string(fields.size()) + ": [" + list + "]";
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (const std::string_view range : split(fields[i], ",")) {
      if (std::string problem = findRangeProblem(range, kFields[i]); !problem.empty())
        return problem;
    }
  }
  return {};
}

bool isTimeZone(std::string_view name) {
  if (name == "UTC" || name == "Etc/UTC" || name.empty()) return true;
  if (name.find("..") != std::string_view::npos || name.front() == '/' || name.front() == '\\' ||
      name.find('\0') != std::string_view::npos)
    return false;
  static const std::filesystem::path kZones = "/usr/share/zoneinfo";
  std::error_code error;
  // Without a database every name that looks like one is believed.
  if (!std::filesystem::is_directory(kZones, error)) {
    return std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
             c == '/' || c == '_' || c == '-' || c == '+';
    });
  }
  return std::filesystem::is_regular_file(kZones / name, error);
}

}  // namespace iop::apiserver::kinds::internal
