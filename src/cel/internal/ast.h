#pragma once

// The tree of an expression.
//
//   Ast ast;
//   if (!parse("self.items.all(x, x > 0)", ast, problems)) return problems.print();
//
// Operators are calls of functions named as in cel-go ("_+_", "@in"); macros are nodes of their
// own.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/item.h"
#include "cel/internal/problems.h"

namespace iop::cel::internal {

struct Overload;

enum class NodeKind : std::uint8_t {
  Literal,
  Identifier,   // text
  Select,       // children[0].text
  Has,          // has(children[0].text)
  Call,         // text(children…)
  List,         // children
  Map,          // children: key, value, key, value, …
  Struct,       // text{…}: a message, which there is none of here
  And,          // all children
  Or,           // any child
  Conditional,  // condition, then, else
  Loop,         // children: range, what each element is asked
};

enum class LoopKind : std::uint8_t {
  All,
  Exists,
  ExistsOne,
  Map,          // children: range, body
  MapFiltered,  // children: range, filter, body
  Filter,
  TransformMap,  // as Map or MapFiltered, with a map as the result
  TransformMapEntry,
  OptionalMap,  // target.optMap(variable, body): the range is an optional
  OptionalFlatMap,
  SortBy,
};

using NodeId = std::uint32_t;

struct Node {
  NodeKind kind = NodeKind::Literal;
  LoopKind loop = LoopKind::All;
  bool isMember = false;    // Call: children[0] is the receiver
  bool isOptional = false;  // Select: .?field
  int offset = 0;           // of what an error points at, in bytes
  std::uint16_t height = 0;
  std::string text;
  Item literal;
  std::vector<NodeId> children;
  std::vector<bool> optionals;     // List, Map: ?element
  std::vector<std::string> names;  // Loop: its variables

  // What the checker finds out.
  int slot = -1;                           // Identifier: the variable; Loop: its first variable
  bool isConstant = false;                 // computed once, costs nothing
  std::vector<const Overload*> overloads;  // Call: what it may be
  std::shared_ptr<const void> prepared;    // Call: an expression (regular) of a literal
};

struct Ast {
  std::vector<Node> nodes;
  NodeId root = 0;
};

// False where there are problems.
bool parse(std::string_view text, Ast& ast, Problems& problems);

}  // namespace iop::cel::internal
