#pragma once

// Executes a parsed template (text/template's exec.go: its order of evaluation, its messages).
//
//   Result<std::string> text = Executor(program, limits).run(data);
//
// One Executor is for one execution. Statements are walked with a stack of frames on the heap, so
// that templates may call each other as deep as Limits allows; only expressions recurse, and their
// nesting the parser has bounded.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gotemplate/internal/any.h"
#include "gotemplate/internal/functions.h"
#include "gotemplate/internal/nodes.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

class Executor {
 public:
  Executor(const Program& program, const Limits& limits);
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  Result<std::string> run(const Value& data);

 private:
  struct Variable {
    std::uint32_t id;
    Any value;
  };

  // A list of statements that is being walked.
  struct Frame {
    enum class Kind : std::uint8_t { List, Iteration, Else /* of a range */, Call };

    const ListNode* list;
    Any dot;
    std::uint32_t next;        // statement of the list
    std::uint32_t variables;   // to be left when the list is done
    std::uint32_t callerBase;  // of a Call
    Kind kind;
    const Body* caller;  // of a Call
  };

  // The loop of the innermost Iteration frame.
  struct Loop {
    const BranchNode* range;
    Any collection;
    std::uint32_t outerVariables;  // to be left when the loop is done
    std::uint64_t index;
    std::uint64_t size;
  };

  using Words = std::span<const Node* const>;
  using Names = std::span<const std::string_view>;

  // --- Statements (executor.cc) ---

  void walk();
  void execute(const Node& node, const Any& dot);
  void pushList(const ListNode& list, const Any& dot, std::size_t variables);
  void leaveFrame();
  void executeBranch(const BranchNode& node, const Any& dot);
  void executeRange(const BranchNode& node, const Any& dot);
  std::uint64_t iterationsOf(const Any& collection, const BranchNode& node);
  void nextIteration();
  void endLoop();
  void breakOrContinue(NodeKind kind);
  void executeTemplate(const TemplateNode& node, const Any& dot);
  void appendOutput(std::string_view text);
  void checkOutput();
  void print(const Any& value);

  // --- Variables ---

  void push(std::uint32_t id, const Any& value) { variables_.push({id, value}); }
  Variable& variable(const VariableNode& node);

  // --- Expressions (evaluate.cc). `final` is the result of the command before in a pipeline; null:
  // there is none ---

  Any evaluatePipe(const Any& dot, const PipeNode* pipe);
  Any evaluateCommand(const Any& dot, const CommandNode& command, const Any* final);
  Any evaluateFieldNode(const Any& dot, const FieldNode& node, Words words, const Any* final);
  Any evaluateChain(const Any& dot, const ChainNode& node, Words words, const Any* final);
  Any evaluateVariable(const Any& dot, const VariableNode& node, Words words, const Any* final);
  Any evaluateFields(const Any& dot, const Any& receiver, const Node& node, Names names,
                     Words words, const Any* final);
  Any evaluateField(const Any& dot, std::string_view name, const Node& node, Words words,
                    const Any* final, const Any& receiver);
  Any missingField(const Any& map, std::string_view name);
  [[noreturn]] void failField(const Any& receiver, std::string_view name, bool hasArguments);
  Any evaluateLiteral(const Node& node);
  Any evaluateNumber(const NumberNode& node);
  void checkNoArguments(Words words, const Any* final);

  // --- Calls (call.cc) ---

  // `words` are the function's own node and the arguments, or nothing.
  Any callFunction(const Any& dot, const Function& function, const Node& node, Words words,
                   const Any* final, const Any* receiver = nullptr);
  void checkCount(const Function& function, std::span<const Param> params, std::size_t written,
                  bool hasFinal);
  Any andOr(const Any& dot, const Function& function, Words arguments, const Any* final);
  Any invoke(const Function& function, const Node& node, std::span<const Any> arguments);
  Any evaluateArgument(const Any& dot, Param param, const Node& node);
  Any evaluateConstant(Param param, const Node& node);
  Any validated(const Any& value, Param param);

  // --- Errors ---

  [[noreturn]] void fail(const std::string& message);
  Error errorAt(const std::string& message, Code code) const;

  const Program& program_;
  Runtime runtime_;
  std::string out_;
  ArenaStack<Frame> frames_;
  ArenaStack<Loop> loops_;
  ArenaStack<Variable> variables_;
  ArenaStack<Any> arguments_;     // of the calls in progress
  std::size_t variableBase_ = 0;  // of the running template
  int templateDepth_ = 0;
  const Body* body_;            // the running template
  const Node* node_ = nullptr;  // what errors are reported for; only ever overwritten
};

}  // namespace iop::gotemplate::internal
