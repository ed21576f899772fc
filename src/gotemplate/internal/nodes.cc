#include "gotemplate/internal/nodes.h"

#include <algorithm>

#include "gotemplate/internal/functions.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

void appendNames(std::string& out, std::span<const std::string_view> names) {
  for (std::string_view name : names) {
    out += '.';
    out += name;
  }
}

void appendNode(std::string& out, const Node& node);

void appendPipe(std::string& out, const PipeNode& pipe) {
  for (std::size_t i = 0; i < pipe.declarations.size(); ++i) {
    if (i > 0) out += ", ";
    out += pipe.declarations[i]->name;
  }
  if (!pipe.declarations.empty()) out += pipe.isAssignment ? " = " : " := ";
  for (std::size_t i = 0; i < pipe.commands.size(); ++i) {
    if (i > 0) out += " | ";
    appendNode(out, *pipe.commands[i]);
  }
}

// Pipelines within something else stand in parentheses.
void appendOperand(std::string& out, const Node& node) {
  if (node.kind == NodeKind::Pipe) {
    out += '(';
    appendNode(out, node);
    out += ')';
  } else {
    appendNode(out, node);
  }
}

void appendNode(std::string& out, const Node& node) {
  switch (node.kind) {
    case NodeKind::Text:
      out += static_cast<const TextNode&>(node).text;
      return;
    case NodeKind::Action:
      out += "{{";
      appendPipe(out, *static_cast<const ActionNode&>(node).pipe);
      out += "}}";
      return;
    case NodeKind::Template: {
      const auto& call = static_cast<const TemplateNode&>(node);
      out += "{{template " + quote(call.name);
      if (call.pipe != nullptr) {
        out += ' ';
        appendPipe(out, *call.pipe);
      }
      out += "}}";
      return;
    }
    case NodeKind::If:
    case NodeKind::Range:
    case NodeKind::With:
      out += node.kind == NodeKind::If      ? "{{if "
             : node.kind == NodeKind::Range ? "{{range "
                                            : "{{with ";
      appendPipe(out, *static_cast<const BranchNode&>(node).pipe);
      out += "}}";
      return;
    case NodeKind::Break:
      out += "{{break}}";
      return;
    case NodeKind::Continue:
      out += "{{continue}}";
      return;
    case NodeKind::End:
      out += "{{end}}";
      return;
    case NodeKind::Else:
      out += "{{else}}";
      return;
    case NodeKind::Pipe:
      appendPipe(out, static_cast<const PipeNode&>(node));
      return;
    case NodeKind::Command: {
      const auto& command = static_cast<const CommandNode&>(node);
      for (std::size_t i = 0; i < command.words.size(); ++i) {
        if (i > 0) out += ' ';
        appendOperand(out, *command.words[i]);
      }
      return;
    }
    case NodeKind::Field:
      appendNames(out, static_cast<const FieldNode&>(node).names);
      return;
    case NodeKind::Variable:
      out += static_cast<const VariableNode&>(node).name;
      appendNames(out, static_cast<const VariableNode&>(node).names);
      return;
    case NodeKind::Chain:
      appendOperand(out, *static_cast<const ChainNode&>(node).node);
      appendNames(out, static_cast<const ChainNode&>(node).names);
      return;
    case NodeKind::Identifier:
      out += static_cast<const IdentifierNode&>(node).function->name;
      return;
    case NodeKind::Dot:
      out += '.';
      return;
    case NodeKind::Nil:
      out += "nil";
      return;
    case NodeKind::Bool:
      out += static_cast<const BoolNode&>(node).value ? "true" : "false";
      return;
    case NodeKind::Number:
      out += static_cast<const NumberNode&>(node).text;
      return;
    case NodeKind::String:
      out += static_cast<const StringNode&>(node).quoted;
      return;
  }
}

}  // namespace

const Body* Program::findBody(std::string_view bodyName) const {
  const auto found = bodies.find(bodyName);
  return found == bodies.end() ? nullptr : &found->second;
}

std::string printNode(const Node& node) {
  std::string out;
  appendNode(out, node);
  return out;
}

std::string printLocation(const Program& program, const Node& node) {
  const std::string_view before = program.source.substr(0, node.position);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return std::string(program.name) + ":" + std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace iop::gotemplate::internal
