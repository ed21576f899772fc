#pragma once

// Comparing values: the built-ins eq, ne, lt, le, gt and ge, and reflect.DeepEqual.
//
// Failures are those of Go ("incompatible types for comparison: float64 and int"), thrown as
// FunctionFailure.

#include <span>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

// eq for two values.
bool areEqual(Runtime& runtime, const Any& a, const Any& b);
bool isLess(Runtime& runtime, const Any& a, const Any& b);
// Types must be the same: int 1 is not float64 1.
bool areDeepEqual(Runtime& runtime, const Any& a, const Any& b, int depth = 0);

}  // namespace iop::gotemplate::internal
