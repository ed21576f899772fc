#pragma once

// Exact decimal arithmetic on floating-point numbers: addf, subf, mulf and divf of sprig
// (shopspring/decimal).
//
//   foldDecimals(DecimalOperator::Add, 0.1, {0.2})      // 0.3, not 0.30000000000000004
//
// Each operand stands for the shortest decimal that reads back as it; a quotient has 16 digits
// after the point, rounded half away from zero; the result is the nearest double. Pure, safe on any
// thread. Time and memory grow with the number of operands, which the caller bounds.

#include <initializer_list>
#include <span>

#include "base/result.h"

namespace iop::gotemplate::internal {

enum class DecimalOperator { Add, Subtract, Multiply, Divide };

// first op rest[0] op rest[1] … from left to right. Errors: "Cannot create a Decimal from +Inf"
// (-Inf, NaN), "decimal division by 0".
Result<double> foldDecimals(DecimalOperator op, double first, std::span<const double> rest);
inline Result<double> foldDecimals(DecimalOperator op, double first,
                                   std::initializer_list<double> rest) {
  return foldDecimals(op, first, std::span<const double>(rest.begin(), rest.size()));
}

// sprig's round: value * 10^places, up where the fraction is at least `threshold`, down otherwise.
double roundTo(double value, std::int64_t places, double threshold = 0.5);

}  // namespace iop::gotemplate::internal
