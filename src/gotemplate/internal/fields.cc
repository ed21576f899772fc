// Which parts of its data a template names.

#include <algorithm>

#include "gotemplate/internal/nodes.h"
#include "gotemplate/template.h"

namespace iop::gotemplate {
namespace internal {
namespace {

class Walk {
 public:
  explicit Walk(const Program& program) : program_(program) {}

  std::vector<FieldUse> run() {
    if (program_.main != nullptr && program_.main->root != nullptr)
      visitList(*program_.main->root, true);
    return std::move(found_);
  }

 private:
  // `atRoot`: whether the dot is the data itself there.
  void visitList(const ListNode& list, bool atRoot) {
    for (const Node* node : list.nodes) visitStatement(*node, atRoot);
  }

  void visitStatement(const Node& node, bool atRoot) {
    switch (node.kind) {
      case NodeKind::Action:
        visit(*static_cast<const ActionNode&>(node).pipe, atRoot);
        return;
      case NodeKind::If:
      case NodeKind::Range:
      case NodeKind::With: {
        const auto& branch = static_cast<const BranchNode&>(node);
        visit(*branch.pipe, atRoot);
        visitList(*branch.list, atRoot && node.kind == NodeKind::If);
        if (branch.elseList != nullptr) visitList(*branch.elseList, atRoot);
        return;
      }
      case NodeKind::Template:
        // What is called has a dot of its own.
        if (const PipeNode* pipe = static_cast<const TemplateNode&>(node).pipe)
          visit(*pipe, atRoot);
        return;
      default:
        return;
    }
  }

  void visit(const Node& node, bool atRoot) {
    switch (node.kind) {
      case NodeKind::Pipe:
        for (const CommandNode* command : static_cast<const PipeNode&>(node).commands)
          visit(*command, atRoot);
        return;
      case NodeKind::Command:
        for (const Node* word : static_cast<const CommandNode&>(node).words) visit(*word, atRoot);
        return;
      case NodeKind::Chain:
        visit(*static_cast<const ChainNode&>(node).node, atRoot);
        return;
      case NodeKind::Field:
        if (atRoot) {
          // Go's place of a chain is that of its second name.
          const auto& names = static_cast<const FieldNode&>(node).names;
          note(names, node.position - (names.size() > 1 ? names[0].size() + 1 : 0));
        }
        return;
      case NodeKind::Variable: {
        const auto& variable = static_cast<const VariableNode&>(node);
        if (variable.name == "$" && !variable.names.empty())
          note(variable.names, node.position - 1);
        return;
      }
      default:
        return;
    }
  }

  void note(std::span<const std::string_view> names, std::size_t position) {
    const std::string_view before = program_.source.substr(0, position);
    FieldUse use;
    use.names.assign(names.begin(), names.end());
    use.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    use.column = static_cast<int>(before.size() - (before.rfind('\n') + 1));
    found_.push_back(std::move(use));
  }

  const Program& program_;
  std::vector<FieldUse> found_;
};

}  // namespace
}  // namespace internal

std::vector<FieldUse> Template::fields() const { return internal::Walk(*program_).run(); }

}  // namespace iop::gotemplate
