#pragma once

// The macros that are called on something: x.all(y, …), x.map(y, …).

#include <optional>
#include <string_view>
#include <vector>

#include "cel/internal/ast.h"

namespace iop::cel::internal {

// The loop that a call stands for; nothing where it is an ordinary call. `arguments` without the
// receiver. A call that is no right use of its macro is added to `problems`, and an empty loop
// comes back.
std::optional<Node> expandMacro(std::string_view name, NodeId receiver,
                                const std::vector<NodeId>& arguments, const Ast& ast, int offset,
                                Problems& problems);

}  // namespace iop::cel::internal
