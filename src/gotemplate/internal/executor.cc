#include "gotemplate/internal/executor.h"

#include <algorithm>

#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/fmt.h"
#include "gotemplate/internal/strconv.h"

namespace iop::gotemplate::internal {

Executor::Executor(const Program& program, const Limits& limits)
    : program_(program),
      runtime_(limits),
      frames_(runtime_.arena()),
      loops_(runtime_.arena()),
      variables_(runtime_.arena()),
      arguments_(runtime_.arena()),
      body_(program.main) {}

Result<std::string> Executor::run(const Value& data) {
  try {
    out_.reserve(program_.source.size() + program_.source.size() / 4);
    const Any dot = Any::fromValue(data);
    push(0, dot);
    pushList(*body_->root, dot, 1);
    walk();
    return std::move(out_);
  } catch (const TemplateFailure& failure) {
    return tl::unexpected(failure.error);
  } catch (const LimitFailure& failure) {
    return tl::unexpected(errorAt("exceeded the limit of " + failure.what, failure.code));
  }
}

// --- Errors ---

Error Executor::errorAt(const std::string& message, Code code) const {
  std::string text = "template: ";
  if (node_ == nullptr) {
    text += std::string(body_->name) + ": ";
  } else {
    text += printLocation(program_, *node_) + ": executing " + quote(body_->name) + " at <" +
            printNode(*node_) + ">: ";
  }
  return {code, text + message, {}, 0};
}

void Executor::fail(const std::string& message) {
  throw TemplateFailure{errorAt(message, Code::Invalid)};
}

// --- Output ---

void Executor::checkOutput() {
  if (out_.size() > runtime_.limits().outputBytes) {
    throw LimitFailure{std::to_string(runtime_.limits().outputBytes) + " bytes of output"};
  }
}

void Executor::appendOutput(std::string_view text) {
  out_ += text;
  checkOutput();
}

void Executor::print(const Any& value) {
  if (value.isString()) {
    out_ += value.asText();
  } else if (value.isNil()) {
    out_ += "<no value>";
  } else {
    appendValue(runtime_, out_, value);
  }
  checkOutput();
}

// --- Statements ---

void Executor::walk() {
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.next == frame.list->nodes.size()) {
      leaveFrame();
      continue;
    }
    const Node& node = *frame.list->nodes[frame.next++];
    runtime_.charge(1);
    node_ = &node;
    execute(node, frame.dot);
  }
}

// `dot` is in a frame, which may move when a list is pushed.
void Executor::execute(const Node& node, const Any& dot) {
  switch (node.kind) {
    case NodeKind::Text:
      return appendOutput(static_cast<const TextNode&>(node).text);
    case NodeKind::Action: {
      const PipeNode* pipe = static_cast<const ActionNode&>(node).pipe;
      const Any value = evaluatePipe(dot, pipe);
      if (!pipe->declarations.empty()) return;
      node_ = &node;
      return print(value);
    }
    case NodeKind::If:
    case NodeKind::With:
      return executeBranch(static_cast<const BranchNode&>(node), Any(dot));
    case NodeKind::Range:
      return executeRange(static_cast<const BranchNode&>(node), Any(dot));
    case NodeKind::Template:
      return executeTemplate(static_cast<const TemplateNode&>(node), Any(dot));
    default:
      return breakOrContinue(node.kind);
  }
}

void Executor::pushList(const ListNode& list, const Any& dot, std::size_t variables) {
  frames_.push(
      {&list, dot, 0, static_cast<std::uint32_t>(variables), 0, Frame::Kind::List, nullptr});
}

void Executor::leaveFrame() {
  const Frame& frame = frames_.back();
  variables_.shrink(frame.variables);
  switch (frame.kind) {
    case Frame::Kind::List:
    case Frame::Kind::Else:
      return frames_.pop();
    case Frame::Kind::Iteration:
      return nextIteration();
    case Frame::Kind::Call:
      variableBase_ = frame.callerBase;
      body_ = frame.caller;
      --templateDepth_;
      return frames_.pop();
  }
}

void Executor::executeBranch(const BranchNode& node, const Any& dot) {
  const std::size_t outer = variables_.size();
  const Any value = evaluatePipe(dot, node.pipe);
  if (isTrue(runtime_, value)) {
    pushList(*node.list, node.kind == NodeKind::With ? value : dot, outer);
  } else if (node.elseList != nullptr) {
    pushList(*node.elseList, dot, outer);
  } else {
    variables_.shrink(outer);
  }
}

// --- Loops ---

void Executor::executeRange(const BranchNode& node, const Any& dot) {
  const std::size_t outer = variables_.size();
  const Any collection = evaluatePipe(dot, node.pipe);
  const std::uint64_t size = iterationsOf(collection, node);
  if (size == 0) {
    if (node.elseList != nullptr) {
      pushList(*node.elseList, dot, outer);
      frames_.back().kind = Frame::Kind::Else;
    } else {
      variables_.shrink(outer);
    }
    return;
  }
  Any iterated = collection;
  if (iterated.isMap()) {
    iterated = runtime_.resolve(collection);
    if (!iterated.isSource) iterated = Any::mapOf(iterated.type, runtime_.snapshot(*iterated.map));
  }
  loops_.push({&node, iterated, static_cast<std::uint32_t>(outer), 0, size});
  frames_.push({node.list, dot, 0, static_cast<std::uint32_t>(variables_.size()), 0,
                Frame::Kind::Iteration, nullptr});
  nextIteration();
}

std::uint64_t Executor::iterationsOf(const Any& collection, const BranchNode& node) {
  switch (kindOf(collection.type)) {
    case Kind::Invalid:
      return 0;
    case Kind::Slice:
    case Kind::Map:
      return lengthOf(runtime_, collection);
    case Kind::Int:
    case Kind::Int64:
    case Kind::Uint8:
    case Kind::Uint64: {
      if (node.pipe->declarations.size() > 1) {
        fail("can't use " + formatValue(runtime_, collection, 'v') +
             " to iterate over more than one variable");
      }
      const bool isUnsigned = collection.type == Type::Uint8 || collection.type == Type::Uint64;
      return isUnsigned || collection.integer > 0 ? collection.unsignedInteger : 0;
    }
    case Kind::Pointer:
      if (collection.isTypedNil()) return 0;
      [[fallthrough]];
    default:
      fail("range can't iterate over " + formatValue(runtime_, collection, 'v'));
  }
}

// Starts the next round of the innermost loop, or ends it.
void Executor::nextIteration() {
  Loop& loop = loops_.back();
  if (loop.index == loop.size) return endLoop();
  runtime_.charge(1);
  const std::uint64_t at = loop.index++;
  Any index;
  Any element;
  if (loop.collection.isSlice()) {
    index = Any::integerOf(static_cast<std::int64_t>(at));
    element = SliceView(loop.collection)[at];
  } else if (loop.collection.isMap()) {
    const MapView entries(runtime_, loop.collection);
    index = Any::string(entries.key(at));
    element = entries.value(at);
  } else {
    element = Any::ofInteger(loop.collection.type, static_cast<std::int64_t>(at));
  }
  const PipeNode& pipe = *loop.range->pipe;
  const bool hasTwo = pipe.declarations.size() > 1;
  if (pipe.isAssignment) {
    variable(*pipe.declarations[0]).value = hasTwo ? index : element;
    if (hasTwo) variable(*pipe.declarations[1]).value = element;
  } else if (!pipe.declarations.empty()) {
    variables_[variables_.size() - 1].value = element;
    if (hasTwo) variables_[variables_.size() - 2].value = index;
  }
  Frame& frame = frames_.back();
  frame.dot = element;
  frame.next = 0;
}

void Executor::endLoop() {
  variables_.shrink(loops_.back().outerVariables);
  loops_.pop();
  frames_.pop();
}

void Executor::breakOrContinue(NodeKind kind) {
  // The parser has made sure that there is a loop in this template. In Go a break within a range's
  // else ends that range, which has no rounds, and not the one around it.
  const bool isBreak = kind == NodeKind::Break;
  while (frames_.back().kind != Frame::Kind::Iteration &&
         !(isBreak && frames_.back().kind == Frame::Kind::Else)) {
    frames_.pop();
  }
  variables_.shrink(frames_.back().variables);
  if (frames_.back().kind == Frame::Kind::Else) {
    frames_.pop();
  } else if (isBreak) {
    endLoop();
  } else {
    nextIteration();
  }
}

void Executor::executeTemplate(const TemplateNode& node, const Any& dot) {
  const Body* body = program_.findBody(node.name);
  if (body == nullptr) fail("template " + quote(node.name) + " not defined");
  const int limit = runtime_.limits().templateDepth;
  if (templateDepth_ == limit)
    fail("exceeded maximum template depth (" + std::to_string(limit) + ")");
  // Variables of the argument stay with the caller.
  const Any argument = node.pipe != nullptr ? evaluatePipe(dot, node.pipe) : Any::nil();
  ++templateDepth_;
  const auto base = static_cast<std::uint32_t>(variableBase_);
  variableBase_ = variables_.size();
  frames_.push({body->root, argument, 0, static_cast<std::uint32_t>(variableBase_), base,
                Frame::Kind::Call, body_});
  push(0, argument);
  body_ = body;
}

// --- Variables ---

Executor::Variable& Executor::variable(const VariableNode& node) {
  for (std::size_t i = variables_.size(); i > variableBase_; --i) {
    Variable& candidate = variables_[i - 1];
    if (candidate.id == node.id) {
      runtime_.charge((variables_.size() - i) / 16);
      return candidate;
    }
  }
  fail("undefined variable: " + std::string(node.name));
}

}  // namespace iop::gotemplate::internal
