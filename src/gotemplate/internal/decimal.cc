#include "gotemplate/internal/decimal.h"

#include <gmp.h>

#include <cmath>
#include <cstdlib>

#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

// Digits after the point that a quotient has.
constexpr long kQuotientDigits = 16;

class Integer {
 public:
  Integer() { mpz_init(value_); }
  explicit Integer(long value) { mpz_init_set_si(value_, value); }
  Integer(const Integer& other) { mpz_init_set(value_, other.value_); }
  Integer(Integer&& other) noexcept : Integer() { mpz_swap(value_, other.value_); }
  Integer& operator=(Integer other) noexcept {
    mpz_swap(value_, other.value_);
    return *this;
  }
  ~Integer() { mpz_clear(value_); }

  mpz_ptr get() { return value_; }
  mpz_srcptr get() const { return value_; }
  int sign() const { return mpz_sgn(value_); }

 private:
  mpz_t value_;
};

// coefficient × 10^exponent
struct Decimal {
  Integer coefficient;
  long exponent = 0;
};

void multiplyByPowerOfTen(Integer& value, long power) {
  Integer factor;
  mpz_ui_pow_ui(factor.get(), 10, static_cast<unsigned long>(power));
  mpz_mul(value.get(), value.get(), factor.get());
}

// The shortest decimal that reads back as the number.
Result<Decimal> makeDecimal(double value) {
  if (!std::isfinite(value)) {
    return fail(Code::Invalid, "Cannot create a Decimal from " + formatFloat(value, 'g', -1));
  }
  const std::string text = formatFloat(value, 'e', -1);  // [-]d[.d…]e±dd
  const std::size_t e = text.find('e');
  std::string digits = text.substr(0, e);
  Decimal result;
  result.exponent = std::strtol(text.c_str() + e + 1, nullptr, 10);
  if (const std::size_t point = digits.find('.'); point != std::string::npos) {
    result.exponent -= static_cast<long>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  mpz_set_str(result.coefficient.get(), digits.c_str(), 10);
  if (result.coefficient.sign() == 0) result.exponent = 0;
  return result;
}

double nearestDouble(const Decimal& value) {
  std::string digits(mpz_sizeinbase(value.coefficient.get(), 10) + 2, '\0');
  mpz_get_str(digits.data(), 10, value.coefficient.get());
  digits.resize(digits.find('\0'));
  return parseFloat(digits + "e" + std::to_string(value.exponent)).value;
}

// Gives both the smaller one of their exponents.
void align(Decimal& a, Decimal& b) {
  Decimal& longer = a.exponent > b.exponent ? a : b;
  const long exponent = a.exponent > b.exponent ? b.exponent : a.exponent;
  multiplyByPowerOfTen(longer.coefficient, longer.exponent - exponent);
  longer.exponent = exponent;
}

Status divide(Decimal& dividend, const Decimal& divisor) {
  if (divisor.coefficient.sign() == 0) return fail(Code::Invalid, "decimal division by 0");
  // dividend × 10^16 / divisor as a quotient of integers
  Integer numerator = dividend.coefficient;
  Integer denominator = divisor.coefficient;
  const long shift = dividend.exponent - divisor.exponent + kQuotientDigits;
  multiplyByPowerOfTen(shift < 0 ? denominator : numerator, std::labs(shift));
  Integer quotient;
  Integer rest;
  mpz_tdiv_qr(quotient.get(), rest.get(), numerator.get(), denominator.get());
  mpz_mul_ui(rest.get(), rest.get(), 2);
  if (mpz_cmpabs(rest.get(), denominator.get()) >= 0) {  // half away from zero
    const bool isNegative = numerator.sign() * denominator.sign() < 0;
    const Integer one(isNegative ? -1 : 1);
    mpz_add(quotient.get(), quotient.get(), one.get());
  }
  dividend = {std::move(quotient), -kQuotientDigits};
  return {};
}

Status apply(DecimalOperator op, Decimal& left, Decimal right) {
  switch (op) {
    case DecimalOperator::Add:
      align(left, right);
      mpz_add(left.coefficient.get(), left.coefficient.get(), right.coefficient.get());
      return {};
    case DecimalOperator::Subtract:
      align(left, right);
      mpz_sub(left.coefficient.get(), left.coefficient.get(), right.coefficient.get());
      return {};
    case DecimalOperator::Multiply:
      mpz_mul(left.coefficient.get(), left.coefficient.get(), right.coefficient.get());
      left.exponent += right.exponent;
      return {};
    case DecimalOperator::Divide:
      return divide(left, right);
  }
  return {};
}

// Go's math.Pow(10, exponent): repeated squaring of mantissa and exponent, which rounds otherwise
// than C's pow.
double powerOfTen(std::int64_t exponent) {
  constexpr int kTooLarge = 1 << 12;
  int squareExponent = 0;
  double square = std::frexp(10.0, &squareExponent);
  double result = 1;
  int resultExponent = 0;
  const auto bits = static_cast<std::uint64_t>(exponent);
  for (std::uint64_t rest = exponent < 0 ? ~bits + 1 : bits; rest != 0; rest >>= 1) {
    if (squareExponent > kTooLarge) {
      resultExponent += squareExponent;
      break;
    }
    if ((rest & 1) != 0) {
      result *= square;
      resultExponent += squareExponent;
    }
    square *= square;
    squareExponent *= 2;
    if (square < 0.5) {
      square += square;
      --squareExponent;
    }
  }
  return exponent < 0 ? std::ldexp(1 / result, -resultExponent)
                      : std::ldexp(result, resultExponent);
}

}  // namespace

Result<double> foldDecimals(DecimalOperator op, double first, std::span<const double> rest) {
  ASSIGN_OR_RETURN(Decimal result, makeDecimal(first));
  for (const double value : rest) {
    ASSIGN_OR_RETURN(Decimal operand, makeDecimal(value));
    RETURN_IF_ERROR(apply(op, result, std::move(operand)));
  }
  return nearestDouble(result);
}

double roundTo(double value, std::int64_t places, double threshold) {
  const double power = powerOfTen(places);
  const double scaled = power * value;
  double whole = 0;
  const double fraction = std::modf(scaled, &whole);
  return (fraction >= threshold ? std::ceil(scaled) : std::floor(scaled)) / power;
}

}  // namespace iop::gotemplate::internal
