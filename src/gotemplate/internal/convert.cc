#include "gotemplate/internal/convert.h"

#include <cmath>
#include <limits>

#include "gotemplate/internal/fmt.h"
#include "gotemplate/internal/printer.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

// "5.00" → "5": a fraction of zeros is no fraction.
std::string_view trimZeroDecimal(std::string_view text) {
  bool foundZero = false;
  for (std::size_t i = text.size(); i > 0; --i) {
    if (text[i - 1] == '.') return foundZero ? text.substr(0, i - 1) : text;
    if (text[i - 1] != '0') return text;
    foundZero = true;
  }
  return text;
}

}  // namespace

std::int64_t truncateToInt64(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

std::uint64_t truncateToUint64(double value) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(value >= kLimit)) return static_cast<std::uint64_t>(truncateToInt64(value));
  return static_cast<std::uint64_t>(truncateToInt64(value - kLimit)) ^ (std::uint64_t{1} << 63);
}

std::int64_t toInt64(const Any& value) {
  switch (value.type) {
    case Type::Bool:
    case Type::Int:
    case Type::Int64:
    case Type::Uint8:
    case Type::Uint64:
    case Type::Month:
    case Type::Weekday:
      return value.integer;
    case Type::Float64:
      return truncateToInt64(value.number);
    case Type::String: {
      const Parsed<std::int64_t> parsed = parseInt(trimZeroDecimal(value.asText()), 0);
      return parsed.ok() ? parsed.value : 0;
    }
    default:
      return 0;
  }
}

double toFloat64(const Any& value) {
  switch (value.type) {
    case Type::Bool:
    case Type::Int:
    case Type::Int64:
    case Type::Month:
    case Type::Weekday:
      return static_cast<double>(value.integer);
    case Type::Uint8:
    case Type::Uint64:
      return static_cast<double>(value.unsignedInteger);
    case Type::Float64:
      return value.number;
    case Type::String: {
      const Parsed<double> parsed = parseFloat(value.asText());
      return parsed.ok() ? parsed.value : 0;
    }
    default:
      return 0;
  }
}

std::size_t lengthOf(const Runtime& runtime, const Any& value) {
  if (value.isString()) return value.size;
  if (value.isSlice()) return SliceView(value).size();
  if (value.isMap()) return MapView(runtime, value).size();
  return 0;
}

bool isEmptyValue(const Runtime& runtime, const Any& value) {
  switch (kindOf(value.type)) {
    case Kind::Invalid:
      return true;
    case Kind::Bool:
    case Kind::Int:
    case Kind::Int64:
    case Kind::Uint8:
    case Kind::Uint64:
      return value.integer == 0;
    case Kind::Float64:
      return value.number == 0;
    case Kind::Complex128:
      return *value.complex == std::complex<double>();
    case Kind::String:
    case Kind::Slice:
    case Kind::Map:
      return lengthOf(runtime, value) == 0;
    case Kind::Struct:
      return false;
    case Kind::Pointer:
      return value.isTypedNil();
  }
  return true;
}

// Both call the same things empty.
bool isTrue(const Runtime& runtime, const Any& value) { return !isEmptyValue(runtime, value); }

std::string_view toText(Runtime& runtime, const Any& value) {
  if (value.isString()) return value.asText();
  std::string out;
  if (value.type == Type::ByteSlice) {
    const SliceView bytes(value);
    for (std::size_t i = 0; i < bytes.size(); ++i) out += static_cast<char>(bytes[i].integer);
  } else {
    appendValue(runtime, out, value);
  }
  return runtime.makeString(out).asText();
}

}  // namespace iop::gotemplate::internal
