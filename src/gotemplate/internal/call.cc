// Function calls: counting, evaluating and converting arguments.

#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/executor.h"

namespace iop::gotemplate::internal {
namespace {

bool isAssignable(Type type, Param param) {
  switch (param) {
    case Param::Any:
    case Param::Reflect:
      return true;
    case Param::Bool:
      return type == Type::Bool;
    case Param::Int:
      return type == Type::Int;
    case Param::Int64:
      return type == Type::Int64;
    case Param::Uint32:
      return false;
    case Param::Float64:
      return type == Type::Float64;
    case Param::String:
      return type == Type::String;
    case Param::AnySlice:
      return type == Type::AnySlice;
    case Param::ByteSlice:
      return type == Type::ByteSlice;
    case Param::AnyMap:
      return type == Type::AnyMap;
    case Param::Time:
      return type == Type::Time;
    case Param::Duration:
      return type == Type::Duration;
    case Param::Location:
      return type == Type::Location;
    case Param::SemverPointer:
      return type == Type::SemverPointer;
    case Param::Certificate:
      return type == Type::Certificate;
  }
  return false;
}

// What nil is for a parameter that can be nil.
Any zeroOf(Param param) {
  switch (param) {
    case Param::AnySlice:
      return Any::list(Type::AnySlice, nullptr);
    case Param::ByteSlice:
      return Any::list(Type::ByteSlice, nullptr);
    case Param::AnyMap:
      return Any::mapOf(Type::AnyMap, nullptr);
    case Param::Location:
      return Any::list(Type::Location, nullptr);
    case Param::SemverPointer:
      return Any::list(Type::SemverPointer, nullptr);
    default:
      return Any::nil();
  }
}

}  // namespace

Any Executor::callFunction(const Any& dot, const Function& function, const Node& node, Words words,
                           const Any* final, const Any* receiver) {
  const Words written = words.empty() ? words : words.subspan(1);
  const std::span<const Param> params =
      receiver != nullptr ? function.params.subspan(1) : function.params;
  checkCount(function, params, written.size(), final != nullptr);
  if (function.special == Function::Special::Refused) fail(std::string(function.refusal));
  if (function.special == Function::Special::And || function.special == Function::Special::Or) {
    return andOr(dot, function, written, final);
  }
  const std::size_t base = arguments_.size();
  if (receiver != nullptr) arguments_.push(*receiver);
  if (function.special == Function::Special::Call) {
    const std::string callee = !written.empty()    ? printNode(*written[0])
                               : final->isString() ? std::string(final->asText())
                               : final->isNil()
                                   ? "<invalid Value>"
                                   : "<" + std::string(typeName(final->type)) + " Value>";
    arguments_.push(runtime_.makeString(callee));
  }
  const auto paramAt = [&](std::size_t index) {
    return index < params.size() ? params[index] : params.back();
  };
  for (std::size_t i = 0; i < written.size(); ++i) {
    arguments_.push(evaluateArgument(dot, paramAt(i), *written[i]));
  }
  if (final != nullptr) arguments_.push(validated(*final, paramAt(written.size())));
  const Any result = invoke(function, node, arguments_.from(base));
  arguments_.shrink(base);
  return result;
}

void Executor::checkCount(const Function& function, std::span<const Param> params,
                          std::size_t written, bool hasFinal) {
  const std::size_t given = written + (hasFinal ? 1 : 0);
  const std::size_t fixed = function.isVariadic ? params.size() - 1 : params.size();
  if (function.isVariadic ? given >= fixed : given == fixed) return;
  // Go does not count the piped argument where it says "at least".
  fail("wrong number of args for " + std::string(function.name) + ": want " +
       (function.isVariadic ? "at least " : "") + std::to_string(fixed) + " got " +
       std::to_string(function.isVariadic ? written : given));
}

Any Executor::andOr(const Any& dot, const Function& function, Words arguments, const Any* final) {
  const bool decides = function.special == Function::Special::Or;
  Any value;
  for (const Node* argument : arguments) {
    value = evaluateArgument(dot, Param::Reflect, *argument);
    if (isTrue(runtime_, value) == decides) return value;
  }
  return final != nullptr ? *final : value;
}

Any Executor::invoke(const Function& function, const Node& node, std::span<const Any> arguments) {
  std::size_t bytes = 0;
  for (const Any& argument : arguments) {
    if (argument.isString()) bytes += argument.size;
  }
  runtime_.charge(1 + arguments.size());
  runtime_.chargeBytes(bytes);
  try {
    return function.invoke(runtime_, arguments);
  } catch (const FunctionFailure& failure) {
    node_ = &node;
    fail("error calling " + std::string(function.name) + ": " + failure.text);
  } catch (const LimitFailure&) {
    node_ = &node;
    throw;
  }
}

// --- Arguments ---

Any Executor::evaluateArgument(const Any& dot, Param param, const Node& node) {
  node_ = &node;
  switch (node.kind) {
    case NodeKind::Dot:
      return validated(dot, param);
    case NodeKind::Nil:
      if (canBeNil(param)) return zeroOf(param);
      fail("cannot assign nil to " + std::string(typeName(param)));
    case NodeKind::Field:
      return validated(evaluateFieldNode(dot, static_cast<const FieldNode&>(node), {}, nullptr),
                       param);
    case NodeKind::Variable:
      return validated(evaluateVariable(dot, static_cast<const VariableNode&>(node), {}, nullptr),
                       param);
    case NodeKind::Pipe:
      return validated(evaluatePipe(dot, static_cast<const PipeNode*>(&node)), param);
    case NodeKind::Identifier:
      return validated(
          callFunction(dot, *static_cast<const IdentifierNode&>(node).function, node, {}, nullptr),
          param);
    case NodeKind::Chain:
      return validated(evaluateChain(dot, static_cast<const ChainNode&>(node), {}, nullptr), param);
    default:
      return evaluateConstant(param, node);
  }
}

// A bool, number or string as it is written, for a parameter.
Any Executor::evaluateConstant(Param param, const Node& node) {
  const auto* number =
      node.kind == NodeKind::Number ? static_cast<const NumberNode*>(&node) : nullptr;
  switch (param) {
    case Param::Any:
    case Param::Reflect:
      return evaluateLiteral(node);
    case Param::Bool:
      if (node.kind == NodeKind::Bool) return evaluateLiteral(node);
      fail("expected bool; found " + printNode(node));
    case Param::String:
      if (node.kind == NodeKind::String) return evaluateLiteral(node);
      fail("expected string; found " + printNode(node));
    case Param::Int:
    case Param::Int64:
    case Param::Duration:
      if (number == nullptr || !number->isInt) fail("expected integer; found " + printNode(node));
      return Any::ofInteger(param == Param::Duration ? Type::Duration
                            : param == Param::Int64  ? Type::Int64
                                                     : Type::Int,
                            number->integer);
    case Param::Uint32:
      if (number == nullptr || !number->isUint)
        fail("expected unsigned integer; found " + printNode(node));
      return Any::unsigned64(number->unsignedInteger);
    case Param::Float64:
      if (number == nullptr || !number->isFloat) fail("expected float; found " + printNode(node));
      return Any::float64(number->number);
    default:
      fail("can't handle " + printNode(node) + " for arg of type " + std::string(typeName(param)));
  }
}

Any Executor::validated(const Any& value, Param param) {
  if (value.isInvalid()) {
    if (canBeNil(param)) return zeroOf(param);
    fail("invalid value; expected " + std::string(typeName(param)));
  }
  if (param == Param::Any || param == Param::Reflect) return value;
  if (!value.isNil() && isAssignable(value.type, param)) return value.unwrapped();
  fail("wrong type for value; expected " + std::string(typeName(param)) + "; got " +
       std::string(value.isNil() ? staticTypeName(value) : typeName(value.type)));
}

}  // namespace iop::gotemplate::internal
