// Pipelines, commands and fields.

#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/executor.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {
namespace {

// The fields of Go's structs that templates can see exist, but not use.
bool isUnexportedField(Type type, std::string_view name) {
  const auto isOneOf = [name](std::initializer_list<std::string_view> names) {
    for (std::string_view candidate : names) {
      if (candidate == name) return true;
    }
    return false;
  };
  switch (type) {
    case Type::Time:
      return isOneOf({"wall", "ext", "loc"});
    case Type::Location:
      return isOneOf({"name", "zone", "tx", "extend", "cacheStart", "cacheEnd", "cacheZone"});
    case Type::SemverPointer:
    case Type::Semver:
      return isOneOf({"major", "minor", "patch", "pre", "metadata", "original"});
    default:
      return false;
  }
}

bool isHexInteger(std::string_view text) {
  return text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
         text.find_first_of("pP") == std::string_view::npos;
}

}  // namespace

Any Executor::evaluatePipe(const Any& dot, const PipeNode* pipe) {
  node_ = pipe;
  Any value;
  const Any* final = nullptr;
  for (const CommandNode* command : pipe->commands) {
    value = evaluateCommand(dot, *command, final).unwrapped();
    final = &value;
  }
  for (const VariableNode* declaration : pipe->declarations) {
    if (pipe->isAssignment) {
      variable(*declaration).value = value;
    } else {
      push(declaration->id, value);
    }
  }
  return value;
}

Any Executor::evaluateCommand(const Any& dot, const CommandNode& command, const Any* final) {
  runtime_.charge(1);
  const Words words = command.words;
  const Node& first = *words[0];
  switch (first.kind) {
    case NodeKind::Field:
      return evaluateFieldNode(dot, static_cast<const FieldNode&>(first), words, final);
    case NodeKind::Chain:
      return evaluateChain(dot, static_cast<const ChainNode&>(first), words, final);
    case NodeKind::Identifier: {
      node_ = &first;
      return callFunction(dot, *static_cast<const IdentifierNode&>(first).function, command, words,
                          final);
    }
    case NodeKind::Pipe:
      checkNoArguments(words, final);
      return evaluatePipe(dot, static_cast<const PipeNode*>(&first));
    case NodeKind::Variable:
      return evaluateVariable(dot, static_cast<const VariableNode&>(first), words, final);
    default:
      node_ = &first;
      checkNoArguments(words, final);
      if (first.kind == NodeKind::Dot) return dot;
      if (first.kind == NodeKind::Nil) fail("nil is not a command");
      return evaluateLiteral(first);
  }
}

void Executor::checkNoArguments(Words words, const Any* final) {
  if (words.size() > 1 || final != nullptr) {
    fail("can't give argument to non-function " + printNode(*words[0]));
  }
}

Any Executor::evaluateLiteral(const Node& node) {
  node_ = &node;
  switch (node.kind) {
    case NodeKind::Bool:
      return Any::boolean(static_cast<const BoolNode&>(node).value);
    case NodeKind::String:
      return Any::string(static_cast<const StringNode&>(node).value);
    default:
      return evaluateNumber(static_cast<const NumberNode&>(node));
  }
}

// Go's "ideal constant": what a number is where nothing asks for a certain type.
Any Executor::evaluateNumber(const NumberNode& node) {
  if (node.isComplex) return runtime_.makeComplex({node.real, node.imaginary});
  const bool looksLikeFloat = node.text.find_first_of(".eEpP") != std::string_view::npos;
  if (node.isFloat && looksLikeFloat && !isHexInteger(node.text) && node.text[0] != '\'') {
    return Any::float64(node.number);
  }
  if (node.isInt) return Any::integerOf(node.integer);
  fail(std::string(node.text) + " overflows int");
}

Any Executor::evaluateFieldNode(const Any& dot, const FieldNode& node, Words words,
                                const Any* final) {
  node_ = &node;
  return evaluateFields(dot, dot, node, node.names, words, final);
}

Any Executor::evaluateChain(const Any& dot, const ChainNode& node, Words words, const Any* final) {
  node_ = &node;
  if (node.node->kind == NodeKind::Nil)
    fail("indirection through explicit nil in " + printNode(node));
  node_ = node.node;
  const Any receiver =
      node.node->kind == NodeKind::Pipe
          ? evaluatePipe(dot, static_cast<const PipeNode*>(node.node))
          : callFunction(dot, *static_cast<const IdentifierNode*>(node.node)->function, *node.node,
                         {}, nullptr);
  return evaluateFields(dot, receiver, node, node.names, words, final);
}

Any Executor::evaluateVariable(const Any& dot, const VariableNode& node, Words words,
                               const Any* final) {
  node_ = &node;
  const Any value = variable(node).value;
  if (node.names.empty()) {
    checkNoArguments(words, final);
    return value;
  }
  return evaluateFields(dot, value, node, node.names, words, final);
}

Any Executor::evaluateFields(const Any& dot, const Any& receiver, const Node& node, Names names,
                             Words words, const Any* final) {
  Any value = receiver;
  for (std::size_t i = 0; i + 1 < names.size(); ++i)
    value = evaluateField(dot, names[i], node, {}, nullptr, value);
  return evaluateField(dot, names.back(), node, words, final, value);
}

Any Executor::evaluateField(const Any& dot, std::string_view name, const Node& node, Words words,
                            const Any* final, const Any& receiver) {
  if (receiver.isMap()) {
    if (words.size() > 1 || final != nullptr) failField(receiver, name, true);
    bool found = false;
    const Any value = runtime_.find(receiver, name, found);
    return found ? value : missingField(receiver, name);
  }
  if (receiver.isInvalid()) {
    if (program_.missingKey == MissingKey::Error) fail("nil data; no entry for key " + quote(name));
    return receiver;
  }
  if (const Function* method = findMethod(receiver.type, name); method != nullptr) {
    const Any self = receiver.unwrapped();
    return callFunction(dot, *method, node, words, final, &self);
  }
  const bool hasArguments = words.size() > 1 || final != nullptr;
  if (receiver.type == Type::Certificate && !hasArguments) {
    if (name == "Cert") return Any::string(receiver.certificate->certificate);
    if (name == "Key") return Any::string(receiver.certificate->key);
  }
  failField(receiver, name, hasArguments);
}

Any Executor::missingField(const Any& map, std::string_view name) {
  switch (program_.missingKey) {
    case MissingKey::Default:
      break;
    case MissingKey::Zero:
      return map.type == Type::StringMap ? Any::string("") : Any::nil().asInterface();
    case MissingKey::Error:
      fail("map has no entry for key " + quote(name));
  }
  return Any::nil();
}

void Executor::failField(const Any& receiver, std::string_view name, bool hasArguments) {
  const std::string field(name);
  const std::string type(staticTypeName(receiver));
  if (receiver.isNil()) fail("nil pointer evaluating " + type + "." + field);
  if (receiver.isMap()) fail(field + " is not a method but has arguments");
  if (isUnexportedField(receiver.type, name)) {
    if (receiver.isTypedNil()) fail("nil pointer evaluating " + type + "." + field);
    fail(field + " is an unexported field of struct type " + type);
  }
  if (receiver.type == Type::Certificate && hasArguments && (name == "Cert" || name == "Key")) {
    fail(field + " has arguments but cannot be invoked as function");
  }
  fail("can't evaluate field " + field + " in type " + type);
}

}  // namespace iop::gotemplate::internal
