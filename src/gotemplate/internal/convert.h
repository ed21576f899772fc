#pragma once

// Conversions of numbers and of values, as Go on amd64, sprig and spf13/cast make them.
//
//   toInt64(Any::string("0x1f"))               // 31; what is no number is 0
//   truncateToInt64(1e30)                      // INT64_MIN, as the processor has it
//
// Pure, safe on any thread.

#include <cstdint>
#include <string>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

// int64(f) and uint64(f); without undefined cases.
std::int64_t truncateToInt64(double value);
std::uint64_t truncateToUint64(double value);

// cast.ToInt64 and cast.ToFloat64: 0 for what is no number.
std::int64_t toInt64(const Any& value);
double toFloat64(const Any& value);

// sprig's "empty": nil, false, 0, and what has no elements.
bool isEmptyValue(const Runtime& runtime, const Any& value);
// text/template's truth.
bool isTrue(const Runtime& runtime, const Any& value);
// The number of elements of a list or map, or bytes of a string.
std::size_t lengthOf(const Runtime& runtime, const Any& value);

// sprig's strval: a string itself, otherwise %v. In the arena unless it is the string itself.
std::string_view toText(Runtime& runtime, const Any& value);

}  // namespace iop::gotemplate::internal
