#pragma once

// The parse tree of a template.
//
// Nodes live in the arena of their Program and point at its source. Nothing in them changes after
// parsing. The text of a node, which stands in error messages, is made when it is asked for.

#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gotemplate/internal/arena.h"
#include "gotemplate/template.h"

namespace iop::gotemplate::internal {

struct Function;

enum class NodeKind : std::uint8_t {
  // Statements.
  Text,
  Action,
  If,
  Range,
  With,
  Template,
  Break,
  Continue,
  // Ends of lists; never part of a finished tree.
  End,
  Else,
  // Parts of expressions.
  Pipe,
  Command,
  Field,
  Variable,
  Chain,
  Identifier,
  Dot,
  Nil,
  Bool,
  Number,
  String,
};

struct Node {
  NodeKind kind;
  std::uint32_t position;  // in the source, in bytes
};

struct ListNode {
  std::span<const Node* const> nodes;
};

struct TextNode : Node {
  std::string_view text;
};

struct FieldNode : Node {
  std::span<const std::string_view> names;  // .a.b: a, b
};

struct VariableNode : Node {
  std::uint32_t id;                         // one for each name
  std::string_view name;                    // with its "$"
  std::span<const std::string_view> names;  // $x.a.b: a, b
};

struct ChainNode : Node {
  const Node* node;
  std::span<const std::string_view> names;  // (pipe).a.b: a, b
};

struct IdentifierNode : Node {
  const Function* function;
};

struct BoolNode : Node {
  bool value;
};

struct NumberNode : Node {
  std::string_view text;
  // What the number can be taken for; several at once, see parseNumber().
  bool isInt = false;
  bool isUint = false;
  bool isFloat = false;
  bool isComplex = false;
  std::int64_t integer = 0;
  std::uint64_t unsignedInteger = 0;
  double number = 0;
  double imaginary = 0;  // of a complex number, whose real part is:
  double real = 0;
};

struct StringNode : Node {
  std::string_view quoted;
  std::string_view value;
};

struct CommandNode : Node {
  std::span<const Node* const> words;
};

struct PipeNode : Node {
  bool isAssignment = false;  // "=", not ":="
  std::span<const VariableNode* const> declarations;
  std::span<const CommandNode* const> commands;
};

struct ActionNode : Node {
  const PipeNode* pipe;
};

// if, range and with.
struct BranchNode : Node {
  const PipeNode* pipe;
  const ListNode* list;
  const ListNode* elseList;  // may be null
};

struct TemplateNode : Node {
  std::string_view name;
  const PipeNode* pipe;  // may be null
};

// A template by its name: the main one or one of a {% define %} or {% block %}.
struct Body {
  std::string_view name;
  const ListNode* root = nullptr;
  // Go calls a body empty that has only white space in it.
  bool isEmpty = true;
};

struct Program {
  explicit Program(std::size_t sourceBytes) : arena(SIZE_MAX, 1024 + sourceBytes * 4) {}

  const Body* findBody(std::string_view bodyName) const;

  Arena arena;
  std::string_view name;
  std::string_view source;
  MissingKey missingKey = MissingKey::Default;
  std::map<std::string_view, Body> bodies;  // by name
  const Body* main = nullptr;
};

// The node as Go prints it in error messages.
std::string printNode(const Node& node);

// "NAME:LINE:COLUMN" of a node.
std::string printLocation(const Program& program, const Node& node);

// Go's rules for numbers and character constants in templates. Error: the text after "template:
// NAME:LINE: ".
enum class NumberSyntax { Number, Complex, Character };
Result<NumberNode> parseNumber(std::string_view text, NumberSyntax syntax);

}  // namespace iop::gotemplate::internal
