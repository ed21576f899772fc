#pragma once

// Finds out what the names and calls of an expression are, and whether their types can fit.

#include <string>
#include <vector>

#include "cel/internal/ast.h"
#include "cel/internal/types.h"

namespace iop::cel::internal {

struct Checked {
  std::string type;       // of the result
  std::size_t slots = 0;  // variables and those of loops
};

// Completes the nodes. Variables have the first slots, in their order. False where there are
// problems. `unsupported` says what CEL has and we lack, if that is the problem.
bool check(Ast& ast, const std::vector<Variable>& variables, Problems& problems, Checked& out,
           std::string& unsupported);

}  // namespace iop::cel::internal
