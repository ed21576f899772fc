#include "text/internal/number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <system_error>

namespace iop::text::internal {
namespace {

// 0.d1d2d3… × 10^point, in as few digits as tell the number from its neighbours.
struct Decimal {
  std::string digits;
  int point = 0;
  bool negative = false;
};

template <typename Number>
Decimal shortestDecimal(Number number) {
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  Decimal out;
  if (text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  out.digits = text.front();
  if (e > 2) out.digits += text.substr(2, e - 2);
  out.point = std::atoi(std::string(text.substr(e + 1)).c_str()) + 1;
  return out;
}

// d.ddde±XX
void appendScientific(std::string& out, const Decimal& decimal, std::size_t exponentDigits) {
  if (decimal.negative) out += '-';
  out += decimal.digits[0];
  if (decimal.digits.size() > 1) out.append(".").append(decimal.digits, 1);
  const int exponent = decimal.point - 1;
  const std::string power = std::to_string(std::abs(exponent));
  out += exponent < 0 ? "e-" : "e+";
  if (power.size() < exponentDigits) out.append(exponentDigits - power.size(), '0');
  out += power;
}

void appendFixed(std::string& out, const Decimal& decimal) {
  if (decimal.negative) out += '-';
  const int count = static_cast<int>(decimal.digits.size());
  if (decimal.point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-decimal.point), '0');
    out += decimal.digits;
  } else if (decimal.point >= count) {
    out += decimal.digits;
    out.append(static_cast<std::size_t>(decimal.point - count), '0');
  } else {
    out.append(decimal.digits, 0, static_cast<std::size_t>(decimal.point));
    out += '.';
    out.append(decimal.digits, static_cast<std::size_t>(decimal.point));
  }
}

template <typename Number>
void appendGeneralOf(std::string& out, Number number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number < 0 ? "-Inf" : "+Inf";
  } else if (number == 0) {
    out += std::signbit(number) ? "-0" : "0";
  } else {
    const Decimal decimal = shortestDecimal(number);
    const int exponent = decimal.point - 1;
    if (exponent < -4 || exponent >= 6) {
      appendScientific(out, decimal, 2);
    } else {
      appendFixed(out, decimal);
    }
  }
}

}  // namespace

void appendJsonDouble(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
  } else if (number == 0) {
    out += std::signbit(number) ? "-0" : "0";
  } else if (const double size = std::fabs(number); size < 1e-6 || size >= 1e21) {
    appendScientific(out, shortestDecimal(number), 1);
  } else {
    appendFixed(out, shortestDecimal(number));
  }
}

void appendPositional(std::string& out, double number) {
  if (number == 0 || !std::isfinite(number)) {
    appendGeneral(out, number);
  } else {
    appendFixed(out, shortestDecimal(number));
  }
}

void appendGeneral(std::string& out, double number) { appendGeneralOf(out, number); }
void appendGeneral(std::string& out, float number) { appendGeneralOf(out, number); }

std::optional<double> parseDecimal(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc::result_out_of_range) return out;
  out = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isinf(out)) return std::nullopt;
  return out;
}

}  // namespace iop::text::internal
