#include "apiserver/schema/internal/go_time.h"

#include <algorithm>
#include <array>

#include "apiserver/schema/internal/go_text.h"

namespace iop::apiserver::schema::internal {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// Go's time.Parse with one of two layouts: element by element, the first that fails is told of.
class TimeReader {
 public:
  TimeReader(std::string_view text, bool micro) : text_(text), rest_(text), micro_(micro) {}

  std::optional<std::string> run() {
    readYear();
    skip("-");
    month_ = readNumber("01", true);
    if (month_ < 1 || month_ > 12) refuse("month");
    skip("-");
    day_ = readNumber("02", true);
    skip("T");
    if (readNumber("15", false) > 23) refuse("hour");
    skip(":");
    if (readNumber("04", true) > 59) refuse("minute");
    skip(":");
    if (readNumber("05", true) > 59) refuse("second");
    readFraction();
    readZone();
    if (!error_ && !rest_.empty()) error_ = intro() + ": extra text: " + quote(rest_);
    if (!error_ && (day_ < 1 || day_ > daysInMonth())) refuse("day");
    return std::move(error_);
  }

 private:
  std::string intro() const { return "parsing time " + quote(text_); }

  void fail(std::string_view value, std::string_view element) {
    if (error_) return;
    error_ = intro() + " as \"2006-01-02T15:04:05" + (micro_ ? ".000000" : "") +
             "Z07:00\": cannot parse " + quote(value) + " as " + quote(element);
  }
  void refuse(std::string_view what) {
    if (!error_) error_ = intro() + ": " + std::string(what) + " out of range";
  }

  void skip(std::string_view prefix) {
    if (error_) return;
    if (!rest_.starts_with(prefix)) return fail(rest_, prefix);
    rest_.remove_prefix(prefix.size());
  }

  void readYear() {
    const std::string_view digits = rest_.substr(0, 4);
    if (digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), isDigit))
      return fail(rest_, "2006");
    for (const char c : digits) year_ = year_ * 10 + (c - '0');
    rest_.remove_prefix(4);
  }

  // Two digits, or one where that will do.
  int readNumber(std::string_view element, bool two) {
    if (error_) return 1;
    const auto digitAt = [&](std::size_t i) { return i < rest_.size() && isDigit(rest_[i]); };
    if (!digitAt(0) || (two && !digitAt(1))) {
      fail(rest_, element);
      return 1;
    }
    const std::size_t length = digitAt(1) ? 2 : 1;
    int number = 0;
    for (const char c : rest_.substr(0, length)) number = number * 10 + (c - '0');
    rest_.remove_prefix(length);
    return number;
  }

  void readFraction() {
    if (error_) return;
    const bool begins = !rest_.empty() && (rest_[0] == '.' || rest_[0] == ',');
    std::size_t end = begins ? 1 : 0;
    while (begins && end < rest_.size() && isDigit(rest_[end])) ++end;
    if (!micro_) {
      if (end > 1) rest_.remove_prefix(end);
      return;
    }
    if (end < 7) return fail(rest_, ".000000");
    rest_.remove_prefix(7);
  }

  void readZone() {
    if (error_) return;
    if (rest_.starts_with("Z")) {
      rest_.remove_prefix(1);
      return;
    }
    const bool shaped = rest_.size() >= 6 && (rest_[0] == '+' || rest_[0] == '-') &&
                        isDigit(rest_[1]) && isDigit(rest_[2]) && rest_[3] == ':' &&
                        isDigit(rest_[4]) && isDigit(rest_[5]);
    if (!shaped) return fail(rest_, "Z07:00");
    if ((rest_[1] - '0') * 10 + (rest_[2] - '0') > 24) return refuse("time zone offset hour");
    if ((rest_[4] - '0') * 10 + (rest_[5] - '0') > 60) return refuse("time zone offset minute");
    rest_.remove_prefix(6);
  }

  int daysInMonth() const {
    static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year_ % 4 == 0 && year_ % 100 != 0) || year_ % 400 == 0;
    return kDays[static_cast<std::size_t>(month_ - 1)] + (month_ == 2 && leap ? 1 : 0);
  }

  std::string_view text_;
  std::string_view rest_;
  bool micro_;
  int year_ = 0;
  int month_ = 1;
  int day_ = 1;
  std::optional<std::string> error_;
};

bool isSuffix(std::string_view suffix) {
  static constexpr std::string_view kSuffixes[] = {"",  "n", "u",  "m",  "k",  "M",  "G",  "T",
                                                   "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  if (std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) != std::end(kSuffixes))
    return true;
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
  std::string_view exponent = suffix.substr(1);
  if (exponent[0] == '+' || exponent[0] == '-') exponent.remove_prefix(1);
  return !exponent.empty() && exponent.size() <= 18 &&
         std::all_of(exponent.begin(), exponent.end(), isDigit);
}

}  // namespace

std::optional<std::string> findTimeError(std::string_view text, bool micro) {
  return TimeReader(text, micro).run();
}

std::optional<std::string> findQuantityError(std::string_view text) {
  static constexpr std::string_view kWrong =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  static constexpr std::string_view kSpace = " \t\n\v\f\r";
  while (!text.empty() && kSpace.find(text.front()) != std::string_view::npos)
    text.remove_prefix(1);
  while (!text.empty() && kSpace.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  if (text.empty()) return std::string(kWrong);
  std::size_t at = text[0] == '+' || text[0] == '-' ? 1 : 0;
  const auto skipDigits = [&] {
    while (at < text.size() && isDigit(text[at])) ++at;
  };
  skipDigits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    skipDigits();
  }
  const std::string_view suffix = text.substr(at);
  while (at < text.size() &&
         std::string_view("eEinumkKMGTP").find(text[at]) != std::string_view::npos)
    ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  skipDigits();
  if (at < text.size()) return std::string(kWrong);
  if (!isSuffix(suffix)) return "unable to parse quantity's suffix";
  return std::nullopt;
}

}  // namespace iop::apiserver::schema::internal
