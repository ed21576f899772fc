// sprig's arithmetic. Integers are 64 bits and wrap around, as in Go.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/decimal.h"
#include "gotemplate/internal/fmt.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

// --- Conversion ---

std::int64_t toInt(Any value) { return toInt64(value); }
GoInt64 toInt64Value(Any value) { return {toInt64(value)}; }
double toFloat(Any value) { return toFloat64(value); }
// strconv.Atoi without its error: out of range is the nearest there is.
std::int64_t atoi(std::string_view text) { return parseInt(text).value; }

GoInt64 toDecimal(Runtime& runtime, Any octal) {
  std::string text;
  appendValue(runtime, text, octal);
  const Parsed<std::int64_t> parsed = parseInt(text, 8);
  return {parsed.ok() ? parsed.value : 0};
}

// --- Integers ---

std::int64_t wrappingAdd(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t wrappingMultiply(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
std::int64_t wrappingNegate(std::int64_t a) {
  return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(a));
}

GoInt64 add(Rest<Any> values) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum = wrappingAdd(sum, toInt64(values[i]));
  return {sum};
}
GoInt64 add1(Any value) { return {wrappingAdd(toInt64(value), 1)}; }
GoInt64 sub(Any a, Any b) { return {wrappingAdd(toInt64(a), wrappingNegate(toInt64(b)))}; }
GoInt64 mul(Any first, Rest<Any> others) {
  std::int64_t product = toInt64(first);
  for (std::size_t i = 0; i < others.size(); ++i)
    product = wrappingMultiply(product, toInt64(others[i]));
  return {product};
}

std::int64_t divisorOf(const Any& value) {
  const std::int64_t divisor = toInt64(value);
  if (divisor == 0) failFunction("runtime error: integer divide by zero");
  return divisor;
}
// -1 apart: INT64_MIN / -1 is no number, and Go wraps around.
GoInt64 div(Any a, Any b) {
  const std::int64_t divisor = divisorOf(b);
  return {divisor == -1 ? wrappingNegate(toInt64(a)) : toInt64(a) / divisor};
}
GoInt64 mod(Any a, Any b) {
  const std::int64_t divisor = divisorOf(b);
  return {divisor == -1 ? 0 : toInt64(a) % divisor};
}

GoInt64 max(Any first, Rest<Any> others) {
  std::int64_t out = toInt64(first);
  for (std::size_t i = 0; i < others.size(); ++i) out = std::max(out, toInt64(others[i]));
  return {out};
}
GoInt64 min(Any first, Rest<Any> others) {
  std::int64_t out = toInt64(first);
  for (std::size_t i = 0; i < others.size(); ++i) out = std::min(out, toInt64(others[i]));
  return {out};
}

// --- Floats ---

template <DecimalOperator op>
Result<double> fold(Runtime& runtime, double first, const std::vector<double>& rest) {
  // Exact numbers grow with each operation.
  runtime.charge(rest.size() * rest.size() / 4);
  return foldDecimals(op, first, std::span<const double>(rest));
}

std::vector<double> floatsOf(Rest<Any> values) {
  std::vector<double> out;
  for (std::size_t i = 0; i < values.size(); ++i) out.push_back(toFloat64(values[i]));
  return out;
}

Result<double> addf(Runtime& runtime, Rest<Any> values) {
  return fold<DecimalOperator::Add>(runtime, 0, floatsOf(values));
}
Result<double> add1f(Runtime& runtime, Any value) {
  return fold<DecimalOperator::Add>(runtime, toFloat64(value), {1.0});
}
template <DecimalOperator op>
Result<double> foldf(Runtime& runtime, Any first, Rest<Any> others) {
  return fold<op>(runtime, toFloat64(first), floatsOf(others));
}

// math.Max and math.Min: NaN wins unless there is the infinity that is asked for, and 0 is greater
// than -0.
double maxOf(double a, double b) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (a == kInfinity || b == kInfinity) return kInfinity;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}
double minOf(double a, double b) { return -maxOf(-a, -b); }

double maxf(Any first, Rest<Any> others) {
  double out = toFloat64(first);
  for (std::size_t i = 0; i < others.size(); ++i) out = maxOf(out, toFloat64(others[i]));
  return out;
}
double minf(Any first, Rest<Any> others) {
  double out = toFloat64(first);
  for (std::size_t i = 0; i < others.size(); ++i) out = minOf(out, toFloat64(others[i]));
  return out;
}

double floorOf(Any value) { return std::floor(toFloat64(value)); }
double ceilOf(Any value) { return std::ceil(toFloat64(value)); }
double round(Any value, std::int64_t places, Rest<double> threshold) {
  return roundTo(toFloat64(value), places, threshold.empty() ? 0.5 : threshold[0]);
}

// --- Sequences ---

// How many numbers there are from `start` to before `stop`.
std::uint64_t countSteps(std::int64_t start, std::int64_t stop, std::int64_t step) {
  if (stop < start ? step >= 0 : step <= 0) return 0;
  const bool isDown = stop < start;
  const std::uint64_t distance =
      isDown ? static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop)
             : static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start);
  const std::uint64_t stride =
      isDown ? 0 - static_cast<std::uint64_t>(step) : static_cast<std::uint64_t>(step);
  return distance / stride + (distance % stride == 0 ? 0 : 1);
}

Typed<Type::IntSlice> untilStep(Runtime& runtime, std::int64_t start, std::int64_t stop,
                                std::int64_t step) {
  const std::uint64_t count = countSteps(start, stop, step);
  runtime.checkValueBytes(count > std::numeric_limits<std::uint32_t>::max() ? count
                                                                            : count * sizeof(Any));
  Slice* out = runtime.makeSlice(count, Slice::Growth::Appended);
  std::int64_t value = start;
  for (std::uint64_t i = 0; i < count; ++i, value = wrappingAdd(value, step))
    out->items[i] = Any::integerOf(value);
  return {Any::list(Type::IntSlice, out)};
}

Typed<Type::IntSlice> until(Runtime& runtime, std::int64_t count) {
  return untilStep(runtime, 0, count, count < 0 ? -1 : 1);
}

std::string numbersAsText(Runtime& runtime, std::int64_t start, std::int64_t end,
                          std::int64_t direction, std::int64_t step) {
  const Any numbers = untilStep(runtime, start, wrappingAdd(end, direction), step).value;
  std::string out;
  for (std::size_t i = 0; i < numbers.slice->length; ++i) {
    if (i > 0) out += ' ';
    out += std::to_string(numbers.slice->items[i].integer);
    runtime.checkValueBytes(out.size());
  }
  return out;
}

std::string seq(Runtime& runtime, Rest<std::int64_t> bounds) {
  if (bounds.empty() || bounds.size() > 3) return "";
  const std::int64_t start = bounds.size() == 1 ? 1 : bounds[0];
  const std::int64_t end = bounds[bounds.size() - 1];
  const std::int64_t direction = end < start ? -1 : 1;
  if (bounds.size() < 3) return numbersAsText(runtime, start, end, direction, direction);
  if (end < start && bounds[1] > 0) return "";
  return numbersAsText(runtime, start, end, direction, bounds[1]);
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "numbers");
}

constexpr Function kFunctions[] = {
    entry<&toInt>("int"),
    entry<&toInt64Value>("int64"),
    entry<&toFloat>("float64"),
    entry<&atoi>("atoi"),
    entry<&toDecimal>("toDecimal"),
    entry<&add>("add"),
    entry<&add1>("add1"),
    entry<&sub>("sub"),
    entry<&mul>("mul"),
    entry<&div>("div"),
    entry<&mod>("mod"),
    entry<&max>("max"),
    entry<&max>("biggest"),
    entry<&min>("min"),
    entry<&addf>("addf"),
    entry<&add1f>("add1f"),
    entry<&foldf<DecimalOperator::Subtract>>("subf"),
    entry<&foldf<DecimalOperator::Multiply>>("mulf"),
    entry<&foldf<DecimalOperator::Divide>>("divf"),
    entry<&maxf>("maxf"),
    entry<&minf>("minf"),
    entry<&floorOf>("floor"),
    entry<&ceilOf>("ceil"),
    entry<&round>("round"),
    entry<&until>("until"),
    entry<&untilStep>("untilStep"),
    entry<&seq>("seq"),
};

}  // namespace

std::span<const Function> numberFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
