#include "gotemplate/template.h"

#include "gotemplate/internal/executor.h"
#include "gotemplate/internal/functions.h"
#include "gotemplate/internal/nodes.h"
#include "gotemplate/internal/parser.h"

namespace iop::gotemplate {

Template::Template(std::shared_ptr<const internal::Program> program)
    : program_(std::move(program)) {}

Result<Template> Template::parse(std::string_view text, const ParseOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<const internal::Program> program,
                   internal::parseProgram(text, options));
  return Template(std::move(program));
}

Result<std::string> Template::execute(const Value& data, const Limits& limits) const {
  return internal::Executor(*program_, limits).run(data);
}

std::size_t Template::bytes() const { return sizeof(internal::Program) + program_->arena.bytes(); }

Result<std::string> render(std::string_view text, const Value& data, const Limits& limits) {
  if (!containsAction(text)) return std::string(text);
  ASSIGN_OR_RETURN(const Template parsed, Template::parse(text));
  return parsed.execute(data, limits);
}

std::vector<FunctionInfo> listFunctions() {
  std::vector<FunctionInfo> out;
  for (const internal::Function* function : internal::allFunctions()) {
    if (function->special == internal::Function::Special::Refused) continue;
    out.push_back({function->name, function->group, internal::printSignature(*function)});
  }
  return out;
}

}  // namespace iop::gotemplate
