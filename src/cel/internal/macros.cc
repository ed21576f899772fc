#include "cel/internal/macros.h"

#include <algorithm>

namespace iop::cel::internal {
namespace {

struct Macro {
  std::string_view name;
  std::size_t arguments;
  std::size_t variables;
  LoopKind kind;
  std::string_view complaint;  // about a variable that is no name
};

constexpr std::string_view kSimple = "argument must be a simple name";
constexpr std::string_view kIdentifier = "argument is not an identifier";

constexpr Macro kMacros[] = {
    {"all", 2, 1, LoopKind::All, kSimple},
    {"all", 3, 2, LoopKind::All, kSimple},
    {"exists", 2, 1, LoopKind::Exists, kSimple},
    {"exists", 3, 2, LoopKind::Exists, kSimple},
    {"exists_one", 2, 1, LoopKind::ExistsOne, kSimple},
    {"exists_one", 3, 2, LoopKind::ExistsOne, kSimple},
    {"existsOne", 3, 2, LoopKind::ExistsOne, kSimple},
    {"map", 2, 1, LoopKind::Map, kIdentifier},
    {"map", 3, 1, LoopKind::MapFiltered, kIdentifier},
    {"filter", 2, 1, LoopKind::Filter, kIdentifier},
    {"transformList", 3, 2, LoopKind::Map, kSimple},
    {"transformList", 4, 2, LoopKind::MapFiltered, kSimple},
    {"transformMap", 3, 2, LoopKind::TransformMap, kSimple},
    {"transformMap", 4, 2, LoopKind::TransformMap, kSimple},
    {"transformMapEntry", 3, 2, LoopKind::TransformMapEntry, kSimple},
    {"transformMapEntry", 4, 2, LoopKind::TransformMapEntry, kSimple},
    {"optMap", 2, 1, LoopKind::OptionalMap, "optMap() variable name must be a simple identifier"},
    {"optFlatMap", 2, 1, LoopKind::OptionalFlatMap,
     "optFlatMap() variable name must be a simple identifier"},
    {"sortBy", 2, 1, LoopKind::SortBy, kIdentifier},
};

}  // namespace

std::optional<Node> expandMacro(std::string_view name, NodeId receiver,
                                const std::vector<NodeId>& arguments, const Ast& ast, int offset,
                                Problems& problems) {
  const auto* macro = std::find_if(std::begin(kMacros), std::end(kMacros), [&](const Macro& one) {
    return one.name == name && one.arguments == arguments.size();
  });
  if (macro == std::end(kMacros)) return std::nullopt;
  Node loop;
  loop.kind = NodeKind::Loop;
  loop.loop = macro->kind;
  loop.offset = offset;
  loop.children.push_back(receiver);
  const Node& range = ast.nodes[receiver];
  if (macro->kind == LoopKind::SortBy &&
      (range.kind == NodeKind::Literal || range.kind == NodeKind::Map)) {
    problems.add(range.offset,
                 "sortBy can only be applied to a list, identifier, comprehension, call or select "
                 "expression");
    return loop;
  }
  for (std::size_t i = 0; i < macro->variables; ++i) {
    const Node& variable = ast.nodes[arguments[i]];
    if (variable.kind != NodeKind::Identifier) {
      problems.add(variable.offset, std::string(macro->complaint));
      return loop;
    }
    loop.names.push_back(variable.text);
  }
  if (loop.names.size() == 2 && loop.names[0] == loop.names[1]) {
    problems.add(ast.nodes[arguments[1]].offset, "duplicate variable name: " + loop.names[1]);
    return loop;
  }
  loop.children.insert(loop.children.end(),
                       arguments.begin() + static_cast<std::ptrdiff_t>(macro->variables),
                       arguments.end());
  return loop;
}

}  // namespace iop::cel::internal
