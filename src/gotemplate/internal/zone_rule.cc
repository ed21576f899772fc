// POSIX TZ rules (IEEE Std 1003.1, section 8.3, with the extensions of RFC 8536), as Go reads them.

#include "gotemplate/internal/civil.h"
#include "gotemplate/internal/zone.h"

namespace iop::gotemplate::internal {
namespace {

constexpr int kSecondsPerHour = 3600;

// Reads a rule from left to right.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  std::optional<ZoneRule> read() {
    ZoneRule rule;
    if (!takeName(rule.standardName) || !takeOffset(rule.standardOffset)) return std::nullopt;
    rule.standardOffset = -rule.standardOffset;  // POSIX counts to the west
    if (rest_.empty() || rest_[0] == ',') return rule;
    rule.hasDst = true;
    if (!takeName(rule.dstName)) return std::nullopt;
    if (rest_.empty() || rest_[0] == ',') {
      rule.dstOffset = rule.standardOffset + kSecondsPerHour;
    } else {
      if (!takeOffset(rule.dstOffset)) return std::nullopt;
      rule.dstOffset = -rule.dstOffset;
    }
    if (rest_.empty()) rest_ = ",M3.2.0,M11.1.0";  // the rule of the United States is the default
    if (!takeSeparator() || !takeChange(rule.start) || !take(',') || !takeChange(rule.end) ||
        !rest_.empty()) {
      return std::nullopt;
    }
    return rule;
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool takeSeparator() { return take(',') || take(';'); }

  // <…>, or at least three characters that are no digit, sign or comma.
  bool takeName(std::string& name) {
    if (take('<')) {
      const std::size_t end = rest_.find('>');
      if (end == std::string_view::npos) return false;
      name = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      return true;
    }
    const std::size_t end = std::min(rest_.find_first_of("0123456789,-+"), rest_.size());
    if (end < 3) return false;
    name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return true;
  }

  bool takeNumber(int least, int most, int& number) {
    std::size_t digits = 0;
    number = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
      number = number * 10 + (rest_[digits] - '0');
      if (number > most) return false;
      ++digits;
    }
    rest_.remove_prefix(digits);
    return digits > 0 && number >= least;
  }

  // [+-]hh[:mm[:ss]]; hours may span a week.
  bool takeOffset(int& offset) {
    const bool isNegative = take('-');
    if (!isNegative) take('+');
    int part = 0;
    if (!takeNumber(0, 24 * 7, part)) return false;
    offset = part * kSecondsPerHour;
    for (const int unit : {60, 1}) {
      if (!take(':')) break;
      if (!takeNumber(0, 59, part)) return false;
      offset += part * unit;
    }
    if (isNegative) offset = -offset;
    return true;
  }

  bool takeChange(ZoneRule::Change& change) {
    using Kind = ZoneRule::Change::Kind;
    if (take('J')) {
      change.kind = Kind::JulianDay;
      if (!takeNumber(1, 365, change.day)) return false;
    } else if (take('M')) {
      change.kind = Kind::MonthWeekDay;
      if (!takeNumber(1, 12, change.month) || !take('.') || !takeNumber(1, 5, change.week) ||
          !take('.') || !takeNumber(0, 6, change.day)) {
        return false;
      }
    } else {
      change.kind = Kind::DayOfYear;
      if (!takeNumber(0, 365, change.day)) return false;
    }
    change.time = 2 * kSecondsPerHour;
    return !take('/') || takeOffset(change.time);
  }

  std::string_view rest_;
};

}  // namespace

std::optional<ZoneRule> parseZoneRule(std::string_view text) { return RuleReader(text).read(); }

}  // namespace iop::gotemplate::internal
