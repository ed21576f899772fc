#pragma once

// Evaluates a checked expression.

#include <string_view>
#include <vector>

#include "cel/internal/ast.h"
#include "cel/internal/functions.h"

namespace iop::cel::internal {

// Computes the nodes that are constant and what calls prepare from literals. An error ends up in
// `problems` where cel-go finds it while compiling, else it comes back.
std::string prepare(Ast& ast, Problems& problems);

class Interpreter {
 public:
  // `slots`: the variables, with room for those of loops.
  Interpreter(const Ast& ast, Budget& budget, std::vector<Item>& slots)
      : ast_(ast), budget_(budget), slots_(slots) {}

  Item evaluate(NodeId id);

 private:
  Item junction(const Node& node);
  Item conditional(const Node& node);
  Item call(const Node& node);
  Item list(const Node& node);
  Item map(const Node& node);

  // loops.cc
  struct Range;
  Item loop(const Node& node);
  Item optionalLoop(const Node& node, const Item& target);
  Item quantified(const Node& node, const Range& range);
  Item counted(const Node& node, const Range& range);
  Item listed(const Node& node, const Range& range);
  Item mapped(const Node& node, const Range& range);
  Item sorted(const Node& node, const Range& range);
  void bind(const Node& node, const Range& range, std::size_t index);

  const Ast& ast_;
  Budget& budget_;
  std::vector<Item>& slots_;
};

// x.name and x.?name of any value; `isTest`: has(x.name).
Item selectField(const Item& from, std::string_view name, bool isOptional, bool isTest);
// x[key] and x[?key].
Item indexInto(const Item& from, const Item& key, bool isOptional);

}  // namespace iop::cel::internal
