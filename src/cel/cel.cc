#include "cel/cel.h"

#include <algorithm>

#include "cel/internal/ast.h"
#include "cel/internal/checker.h"
#include "cel/internal/interpreter.h"

namespace iop::cel {

struct Program::Impl {
  internal::Ast ast;
  internal::Checked checked;
  std::vector<Variable> variables;
};

Program::Program(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Result<Program> Program::compile(std::string_view expression,
                                 const std::vector<Variable>& variables) {
  auto impl = std::make_shared<Impl>();
  impl->variables = variables;
  internal::Problems problems(expression);
  std::string unsupported;
  const bool isGood =
      internal::parse(expression, impl->ast, problems) &&
      internal::check(impl->ast, impl->variables, problems, impl->checked, unsupported);
  if (!unsupported.empty())
    return fail(Code::MethodNotAllowed, "the embedded CEL does not know " + unsupported);
  if (!isGood) return fail(Code::Invalid, problems.print());
  const std::string failure = internal::prepare(impl->ast, problems);
  if (!problems.empty()) return fail(Code::Invalid, problems.print());
  if (!failure.empty()) return fail(Code::Invalid, failure);
  return Program(std::move(impl));
}

Result<Value> Program::evaluate(const std::vector<Binding>& bindings, const Limits& limits,
                                std::uint64_t* spent) const {
  std::vector<internal::Item> slots(impl_->checked.slots);
  for (std::size_t i = 0; i < impl_->variables.size(); ++i) {
    const Variable& variable = impl_->variables[i];
    const auto binding = std::find_if(bindings.begin(), bindings.end(), [&](const Binding& one) {
      return one.name == variable.name;
    });
    if (binding == bindings.end()) {
      slots[i] = internal::Item::error("no such attribute(s): " + variable.name);
      continue;
    }
    if (binding->isNone) {
      slots[i] = internal::Item::none();
      continue;
    }
    const Type* type = binding->type == nullptr ? variable.type.get() : binding->type.get();
    slots[i] = internal::Item::of(binding->value, type);
    if (variable.isOptional && !slots[i].isError())
      slots[i] = internal::Item::some(std::move(slots[i]));
  }
  internal::Budget budget(limits.cost);
  const internal::Item result =
      internal::Interpreter(impl_->ast, budget, slots).evaluate(impl_->ast.root);
  if (spent != nullptr) *spent = budget.spent();
  if (budget.isOver())
    return fail(Code::RequestEntityTooLarge, internal::Budget::overrun().json.toString());
  return internal::toValue(result);
}

const std::string& Program::resultType() const { return impl_->checked.type; }

bool Program::uses(std::string_view variable) const {
  const auto& nodes = impl_->ast.nodes;
  return std::any_of(nodes.begin(), nodes.end(), [&](const internal::Node& node) {
    return node.kind == internal::NodeKind::Identifier && node.text == variable &&
           static_cast<std::size_t>(node.slot) < impl_->variables.size();
  });
}

}  // namespace iop::cel
