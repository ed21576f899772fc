#include "gotemplate/internal/parser.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "gotemplate/internal/failure.h"
#include "gotemplate/internal/functions.h"
#include "gotemplate/internal/lexer.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/strings.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

// What Go prints of a token.
std::string printToken(const Token& token) {
  if (token.kind == TokenKind::Eof) return "EOF";
  if (token.kind == TokenKind::Error) return std::string(token.text);
  if (isKeyword(token.kind)) return "<" + std::string(token.text) + ">";
  if (token.text.size() <= 10) return quote(token.text);
  std::size_t end = 0;
  for (int runes = 0; runes < 10 && end < token.text.size(); ++runes)
    end += decodeRune(token.text.substr(end)).width;
  return quote(token.text.substr(0, end)) + "...";
}

// What all trees of one source share: its tokens, the finished definitions, and room to work in.
struct Session {
  Session(Program& target, std::string_view leftDelim, std::string_view rightDelim)
      : program(target), lexer(target.source, leftDelim, rightDelim) {}

  Program& program;
  Lexer lexer;
  std::unordered_map<std::string_view, std::uint32_t> variableIds;
  std::vector<std::string_view> names;       // of a field that is not finished
  std::vector<const Node*> nodes;            // of lists and commands that are not finished
  std::vector<const CommandNode*> commands;  // of pipelines that are not finished
  int controlDepth = 0;
  int expressionDepth = 0;
};

// The parser of one template: the main one, or the body of a definition or block. Tokens come from
// the common lexer; look-ahead, variables and the place that errors name are its own.
class Parser {
 public:
  explicit Parser(Session& session) : session_(session), program_(session.program) {
    declare(variableId("$"));
  }

  void parseMain();
  // After "define".
  void parseDefinition();
  // After the pipeline of a "block". The error of a wrong end is the outer parser's.
  void parseBlock(std::string_view name, Parser& outer);

 private:
  struct List {
    const ListNode* list;
    const Node* end;  // an End or Else node
  };

  // --- Tokens ---

  Token next();
  void backup() { ++peekCount_; }
  void backup2(const Token& first);
  void backup3(const Token& first, const Token& second);
  const Token& peek();
  Token nextNonSpace();
  const Token& peekNonSpace();
  Token expect(TokenKind kind, const char* context);

  // --- Errors ---

  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void failLimit(const std::string& message) const;
  [[noreturn]] void unexpected(const Token& token, std::string_view context) const;
  template <typename T>
  T valueOr(Result<T>&& result) const {
    if (!result) fail(result.error().message);
    return std::move(*result);
  }

  // --- Statements ---

  const Node* textOrAction();
  const Node* action();
  const Node* breakOrContinue(NodeKind kind, const Token& token);
  const Node* control(NodeKind kind, std::string_view context);
  const Node* controlBody(NodeKind kind, std::string_view context);
  const ListNode* elseList(NodeKind kind);
  const Node* block();
  const Node* templateCall();
  const Node* endOfList();
  const Node* elseOfList();
  std::string_view templateName(const Token& token, std::string_view context);
  List itemList();
  const ListNode* finishList(std::size_t first);
  void addBody(std::string_view name, const ListNode* root);

  // --- Expressions ---

  const PipeNode* pipeline(std::string_view context, TokenKind end);
  void declarations(PipeNode& pipe, std::string_view context);
  void checkPipeline(const PipeNode& pipe, std::string_view context) const;
  const CommandNode* command();
  const Node* operand();
  const Node* term();
  const Node* parenthesized();
  const Node* withFields(const Node* node);
  const VariableNode* useVariable(const Token& token);
  const VariableNode* newVariable(const Token& token);
  std::uint32_t variableId(std::string_view name);
  void declare(std::uint32_t id);
  void leaveScope(std::size_t scope);
  std::string_view unquoted(std::string_view literal);

  template <typename T>
  T* make(NodeKind kind, std::uint32_t position) {
    T* out = program_.arena.make<T>();
    out->kind = kind;
    out->position = position;
    return out;
  }

  Session& session_;
  Program& program_;
  Token tokens_[3];
  int peekCount_ = 0;
  std::uint32_t actionLine_ = 0;
  int rangeDepth_ = 0;
  std::vector<std::uint32_t> variables_;     // ids of those in scope
  std::vector<std::uint32_t> declarations_;  // how often each id is in scope
};

// --- Tokens ---

Token Parser::next() {
  if (peekCount_ > 0) {
    --peekCount_;
  } else {
    tokens_[0] = session_.lexer.next();
  }
  return tokens_[peekCount_];
}

void Parser::backup2(const Token& first) {
  tokens_[1] = first;
  peekCount_ = 2;
}

void Parser::backup3(const Token& first, const Token& second) {
  tokens_[1] = second;
  tokens_[2] = first;
  peekCount_ = 3;
}

const Token& Parser::peek() {
  if (peekCount_ > 0) return tokens_[peekCount_ - 1];
  peekCount_ = 1;
  tokens_[0] = session_.lexer.next();
  return tokens_[0];
}

Token Parser::nextNonSpace() {
  Token token = next();
  while (token.kind == TokenKind::Space) token = next();
  return token;
}

const Token& Parser::peekNonSpace() {
  nextNonSpace();
  backup();
  return tokens_[peekCount_ - 1];
}

Token Parser::expect(TokenKind kind, const char* context) {
  const Token token = nextNonSpace();
  if (token.kind != kind) unexpected(token, context);
  return token;
}

// --- Errors ---

void Parser::fail(const std::string& message) const {
  throw TemplateFailure{Error{Code::Invalid,
                              "template: " + std::string(program_.name) + ":" +
                                  std::to_string(tokens_[0].line) + ": " + message,
                              {},
                              0}};
}

void Parser::failLimit(const std::string& message) const {
  try {
    fail(message);
  } catch (TemplateFailure& failure) {
    failure.error.code = Code::RequestEntityTooLarge;
    throw;
  }
}

void Parser::unexpected(const Token& token, std::string_view context) const {
  if (token.kind != TokenKind::Error)
    fail("unexpected " + printToken(token) + " in " + std::string(context));
  std::string extra;
  if (actionLine_ != 0 && actionLine_ != token.line) {
    extra = token.text.ends_with(" action") ? " started at " : " in action started at ";
    extra += std::string(program_.name) + ":" + std::to_string(actionLine_);
  }
  fail(printToken(token) + extra);
}

// --- Statements ---

void Parser::parseMain() {
  peek();
  std::vector<const Node*>& nodes = session_.nodes;
  const std::size_t first = nodes.size();
  while (peek().kind != TokenKind::Eof) {
    if (peek().kind == TokenKind::LeftDelim) {
      const Token delim = next();
      if (nextNonSpace().kind == TokenKind::Define) {
        Parser(session_).parseDefinition();
        continue;
      }
      backup2(delim);
    }
    const Node* node = textOrAction();
    if (node->kind == NodeKind::End || node->kind == NodeKind::Else)
      fail("unexpected " + printNode(*node));
    nodes.push_back(node);
  }
  addBody(program_.name, finishList(first));
}

void Parser::parseDefinition() {
  constexpr const char* kContext = "define clause";
  const Token token = nextNonSpace();
  if (token.kind != TokenKind::String && token.kind != TokenKind::RawString)
    unexpected(token, kContext);
  const std::string_view name = unquoted(token.text);
  expect(TokenKind::RightDelim, kContext);
  const List body = itemList();
  if (body.end->kind != NodeKind::End)
    fail("unexpected " + printNode(*body.end) + " in " + kContext);
  addBody(name, body.list);
}

void Parser::parseBlock(std::string_view name, Parser& outer) {
  const List body = itemList();
  if (body.end->kind != NodeKind::End)
    outer.fail("unexpected " + printNode(*body.end) + " in block clause");
  addBody(name, body.list);
}

bool isEmptyBody(const ListNode* root) {
  return std::ranges::all_of(root->nodes, [](const Node* node) {
    return node->kind == NodeKind::Text &&
           trimSpace(static_cast<const TextNode*>(node)->text).empty();
  });
}

// Of two bodies with one name one must be empty, and the other one stays.
void Parser::addBody(std::string_view name, const ListNode* root) {
  const bool isEmpty = isEmptyBody(root);
  Body& body = program_.bodies[name];
  if (body.isEmpty) {
    body = {name, root, isEmpty};
  } else if (!isEmpty) {
    fail("template: multiple definition of template " + quote(name));
  }
}

const ListNode* Parser::finishList(std::size_t first) {
  std::vector<const Node*>& nodes = session_.nodes;
  ListNode* list = program_.arena.make<ListNode>();
  list->nodes = program_.arena.copy(std::span<const Node* const>(nodes).subspan(first));
  nodes.resize(first);
  return list;
}

Parser::List Parser::itemList() {
  std::vector<const Node*>& nodes = session_.nodes;
  const std::size_t first = nodes.size();
  while (peekNonSpace().kind != TokenKind::Eof) {
    const Node* node = textOrAction();
    if (node->kind == NodeKind::End || node->kind == NodeKind::Else)
      return {finishList(first), node};
    nodes.push_back(node);
  }
  fail("unexpected EOF");
}

const Node* Parser::textOrAction() {
  const Token token = nextNonSpace();
  if (token.kind == TokenKind::Text) {
    auto* text = make<TextNode>(NodeKind::Text, token.position);
    text->text = token.text;
    return text;
  }
  if (token.kind != TokenKind::LeftDelim) unexpected(token, "input");
  actionLine_ = token.line;
  const Node* node = action();
  actionLine_ = 0;
  return node;
}

const Node* Parser::action() {
  const Token token = nextNonSpace();
  switch (token.kind) {
    case TokenKind::Block:
      return block();
    case TokenKind::Break:
      return breakOrContinue(NodeKind::Break, token);
    case TokenKind::Continue:
      return breakOrContinue(NodeKind::Continue, token);
    case TokenKind::Else:
      return elseOfList();
    case TokenKind::End:
      return endOfList();
    case TokenKind::If:
      return control(NodeKind::If, "if");
    case TokenKind::Range:
      return control(NodeKind::Range, "range");
    case TokenKind::Template:
      return templateCall();
    case TokenKind::With:
      return control(NodeKind::With, "with");
    default:
      break;
  }
  backup();
  auto* node = make<ActionNode>(NodeKind::Action, peek().position);
  node->pipe = pipeline("command", TokenKind::RightDelim);
  return node;
}

const Node* Parser::breakOrContinue(NodeKind kind, const Token& token) {
  const std::string name = kind == NodeKind::Break ? "{{break}}" : "{{continue}}";
  if (const Token end = nextNonSpace(); end.kind != TokenKind::RightDelim) unexpected(end, name);
  if (rangeDepth_ == 0) fail(name + " outside {{range}}");
  return make<Node>(kind, token.position);
}

const Node* Parser::endOfList() {
  return make<Node>(NodeKind::End, expect(TokenKind::RightDelim, "end").position);
}

const Node* Parser::elseOfList() {
  // "else if" and "else with" are an else with an action in it, see elseList().
  const Token& token = peekNonSpace();
  if (token.kind == TokenKind::If || token.kind == TokenKind::With)
    return make<Node>(NodeKind::Else, token.position);
  return make<Node>(NodeKind::Else, expect(TokenKind::RightDelim, "else").position);
}

const Node* Parser::control(NodeKind kind, std::string_view context) {
  if (session_.controlDepth == kMaxControlDepth) {
    failLimit("exceeded the limit of " + std::to_string(kMaxControlDepth) + " nested actions");
  }
  ++session_.controlDepth;
  const std::size_t scope = variables_.size();
  const Node* node = controlBody(kind, context);
  leaveScope(scope);
  --session_.controlDepth;
  return node;
}

const Node* Parser::controlBody(NodeKind kind, std::string_view context) {
  auto* node = make<BranchNode>(kind, 0);
  node->pipe = pipeline(context, TokenKind::RightDelim);
  node->position = node->pipe->position;
  if (kind == NodeKind::Range) ++rangeDepth_;
  const List list = itemList();
  if (kind == NodeKind::Range) --rangeDepth_;
  node->list = list.list;
  node->elseList = list.end->kind == NodeKind::Else ? elseList(kind) : nullptr;
  return node;
}

const ListNode* Parser::elseList(NodeKind kind) {
  const TokenKind follower = peek().kind;
  if ((kind == NodeKind::If && follower == TokenKind::If) ||
      (kind == NodeKind::With && follower == TokenKind::With)) {
    // One "end" is for both.
    next();
    const std::size_t first = session_.nodes.size();
    const Node* inner = control(kind, kind == NodeKind::If ? "if" : "with");
    session_.nodes.push_back(inner);
    return finishList(first);
  }
  const List list = itemList();
  if (list.end->kind != NodeKind::End) fail("expected end; found " + printNode(*list.end));
  return list.list;
}

std::string_view Parser::templateName(const Token& token, std::string_view context) {
  if (token.kind != TokenKind::String && token.kind != TokenKind::RawString)
    unexpected(token, context);
  return unquoted(token.text);
}

const Node* Parser::block() {
  constexpr std::string_view kContext = "block clause";
  const Token token = nextNonSpace();
  auto* node = make<TemplateNode>(NodeKind::Template, token.position);
  node->name = templateName(token, kContext);
  node->pipe = pipeline(kContext, TokenKind::RightDelim);
  if (session_.controlDepth == kMaxControlDepth) {
    failLimit("exceeded the limit of " + std::to_string(kMaxControlDepth) + " nested actions");
  }
  ++session_.controlDepth;
  Parser(session_).parseBlock(node->name, *this);
  --session_.controlDepth;
  return node;
}

const Node* Parser::templateCall() {
  constexpr std::string_view kContext = "template clause";
  const Token token = nextNonSpace();
  auto* node = make<TemplateNode>(NodeKind::Template, token.position);
  node->name = templateName(token, kContext);
  node->pipe = nullptr;
  if (nextNonSpace().kind != TokenKind::RightDelim) {
    backup();
    node->pipe = pipeline(kContext, TokenKind::RightDelim);
  }
  return node;
}

// --- Expressions ---

const PipeNode* Parser::pipeline(std::string_view context, TokenKind end) {
  auto* pipe = make<PipeNode>(NodeKind::Pipe, peekNonSpace().position);
  declarations(*pipe, context);
  std::vector<const CommandNode*>& commands = session_.commands;
  const std::size_t first = commands.size();
  while (true) {
    const Token token = nextNonSpace();
    if (token.kind == end) {
      pipe->commands =
          program_.arena.copy(std::span<const CommandNode* const>(commands).subspan(first));
      commands.resize(first);
      checkPipeline(*pipe, context);
      return pipe;
    }
    switch (token.kind) {
      case TokenKind::Bool:
      case TokenKind::CharConstant:
      case TokenKind::Complex:
      case TokenKind::Dot:
      case TokenKind::Field:
      case TokenKind::Identifier:
      case TokenKind::Number:
      case TokenKind::Nil:
      case TokenKind::RawString:
      case TokenKind::String:
      case TokenKind::Variable:
      case TokenKind::LeftParen:
        backup();
        break;
      default:
        unexpected(token, context);
    }
    const CommandNode* one = command();
    commands.push_back(one);
  }
}

// The variables before ":=" or "=", if there are any. A name is in scope from here on.
void Parser::declarations(PipeNode& pipe, std::string_view context) {
  std::vector<const VariableNode*> declared;
  while (peekNonSpace().kind == TokenKind::Variable) {
    const Token variable = next();
    const Token afterVariable = peek();
    const Token following = peekNonSpace();
    const bool isComma = following.kind == TokenKind::Char && following.text == ",";
    if (following.kind != TokenKind::Assign && following.kind != TokenKind::Declare && !isComma) {
      // An operand after all.
      if (afterVariable.kind == TokenKind::Space) {
        backup3(variable, afterVariable);
      } else {
        backup2(variable);
      }
      break;
    }
    nextNonSpace();
    declared.push_back(newVariable(variable));
    declare(declared.back()->id);
    if (!isComma) {
      pipe.isAssignment = following.kind == TokenKind::Assign;
      break;
    }
    if (context != "range" || declared.size() >= 2)
      fail("too many declarations in " + std::string(context));
    const TokenKind kind = peekNonSpace().kind;
    if (kind != TokenKind::Variable && kind != TokenKind::RightDelim &&
        kind != TokenKind::RightParen) {
      fail("range can only initialize variables");
    }
  }
  pipe.declarations = program_.arena.copy(std::span<const VariableNode* const>(declared));
}

void Parser::checkPipeline(const PipeNode& pipe, std::string_view context) const {
  if (pipe.commands.empty()) fail("missing value for " + std::string(context));
  for (std::size_t i = 1; i < pipe.commands.size(); ++i) {
    switch (pipe.commands[i]->words[0]->kind) {
      case NodeKind::Bool:
      case NodeKind::Dot:
      case NodeKind::Nil:
      case NodeKind::Number:
      case NodeKind::String:
        fail("non executable command in pipeline stage " + std::to_string(i + 1));
      default:
        break;
    }
  }
}

const CommandNode* Parser::command() {
  auto* node = make<CommandNode>(NodeKind::Command, peekNonSpace().position);
  std::vector<const Node*>& words = session_.nodes;
  const std::size_t first = words.size();
  while (true) {
    peekNonSpace();
    if (const Node* word = operand(); word != nullptr) words.push_back(word);
    const Token token = next();
    if (token.kind == TokenKind::Space) continue;
    if (token.kind == TokenKind::RightDelim || token.kind == TokenKind::RightParen) {
      backup();
    } else if (token.kind != TokenKind::Pipe) {
      unexpected(token, "operand");
    }
    break;
  }
  if (words.size() == first) fail("empty command");
  node->words = program_.arena.copy(std::span<const Node* const>(words).subspan(first));
  words.resize(first);
  return node;
}

const Node* Parser::operand() {
  const Node* node = term();
  if (node == nullptr || peek().kind != TokenKind::Field) return node;
  return withFields(node);
}

// A term and the fields after it. Fields and variables take them in; their position is then that of
// the first field that was added.
const Node* Parser::withFields(const Node* node) {
  const std::uint32_t position = peek().position;
  std::vector<std::string_view>& names = session_.names;
  names.clear();
  if (node->kind == NodeKind::Field) {
    const auto& own = static_cast<const FieldNode*>(node)->names;
    names.assign(own.begin(), own.end());
  }
  while (peek().kind == TokenKind::Field) names.push_back(next().text.substr(1));
  const std::span<const std::string_view> all =
      program_.arena.copy(std::span<const std::string_view>(names));
  switch (node->kind) {
    case NodeKind::Field: {
      auto* field = make<FieldNode>(NodeKind::Field, position);
      field->names = all;
      return field;
    }
    case NodeKind::Variable: {
      auto* variable = make<VariableNode>(NodeKind::Variable, position);
      variable->id = static_cast<const VariableNode*>(node)->id;
      variable->name = static_cast<const VariableNode*>(node)->name;
      variable->names = all;
      return variable;
    }
    case NodeKind::Bool:
    case NodeKind::String:
    case NodeKind::Number:
    case NodeKind::Nil:
    case NodeKind::Dot:
      fail("unexpected . after term " + quote(printNode(*node)));
    default: {
      auto* chain = make<ChainNode>(NodeKind::Chain, position);
      chain->node = node;
      chain->names = all;
      return chain;
    }
  }
}

// Null where no operand starts here.
const Node* Parser::term() {
  const Token token = nextNonSpace();
  switch (token.kind) {
    case TokenKind::Identifier: {
      const Function* function = findFunction(token.text);
      if (function == nullptr) fail("function " + quote(token.text) + " not defined");
      if (function->special == Function::Special::Refused) {
        fail("function " + quote(token.text) +
             " is not available: " + std::string(function->refusal));
      }
      auto* node = make<IdentifierNode>(NodeKind::Identifier, token.position);
      node->function = function;
      return node;
    }
    case TokenKind::Dot:
      return make<Node>(NodeKind::Dot, token.position);
    case TokenKind::Nil:
      return make<Node>(NodeKind::Nil, token.position);
    case TokenKind::Variable:
      return useVariable(token);
    case TokenKind::Field: {
      auto* node = make<FieldNode>(NodeKind::Field, token.position);
      const std::string_view name = token.text.substr(1);
      node->names = program_.arena.copy(std::span<const std::string_view>(&name, 1));
      return node;
    }
    case TokenKind::Bool: {
      auto* node = make<BoolNode>(NodeKind::Bool, token.position);
      node->value = token.text == "true";
      return node;
    }
    case TokenKind::CharConstant:
    case TokenKind::Complex:
    case TokenKind::Number: {
      const NumberSyntax syntax = token.kind == TokenKind::Number    ? NumberSyntax::Number
                                  : token.kind == TokenKind::Complex ? NumberSyntax::Complex
                                                                     : NumberSyntax::Character;
      auto* node = program_.arena.make<NumberNode>(valueOr(parseNumber(token.text, syntax)));
      node->position = token.position;
      return node;
    }
    case TokenKind::LeftParen:
      return parenthesized();
    case TokenKind::String:
    case TokenKind::RawString: {
      auto* node = make<StringNode>(NodeKind::String, token.position);
      node->quoted = token.text;
      node->value = unquoted(token.text);
      return node;
    }
    default:
      backup();
      return nullptr;
  }
}

const Node* Parser::parenthesized() {
  if (session_.expressionDepth == kMaxExpressionDepth) failLimit("max expression depth exceeded");
  ++session_.expressionDepth;
  const PipeNode* pipe = pipeline("parenthesized pipeline", TokenKind::RightParen);
  --session_.expressionDepth;
  return pipe;
}

const VariableNode* Parser::useVariable(const Token& token) {
  const VariableNode* node = newVariable(token);
  if (node->id >= declarations_.size() || declarations_[node->id] == 0) {
    fail("undefined variable " + quote(token.text));
  }
  return node;
}

const VariableNode* Parser::newVariable(const Token& token) {
  auto* node = make<VariableNode>(NodeKind::Variable, token.position);
  node->id = variableId(token.text);
  node->name = token.text;
  return node;
}

std::uint32_t Parser::variableId(std::string_view name) {
  if (name == "$") return 0;
  const auto next = static_cast<std::uint32_t>(session_.variableIds.size() + 1);
  return session_.variableIds.try_emplace(name, next).first->second;
}

void Parser::declare(std::uint32_t id) {
  variables_.push_back(id);
  if (id >= declarations_.size()) declarations_.resize(id + 1);
  ++declarations_[id];
}

void Parser::leaveScope(std::size_t scope) {
  for (; variables_.size() > scope; variables_.pop_back()) --declarations_[variables_.back()];
}

std::string_view Parser::unquoted(std::string_view literal) {
  const std::string_view inner = literal.substr(1, literal.size() - 2);
  // Most literals stand for themselves. Between double quotes, bytes that are not UTF-8 become
  // U+FFFD.
  const bool isRaw = literal[0] == '`';
  const bool isPlain = inner.find_first_of(isRaw ? "\r" : "\\\n") == std::string_view::npos;
  if (isPlain && (isRaw || isValidUtf8(inner))) return inner;
  return program_.arena.copy(std::string_view(valueOr(unquote(literal))));
}

}  // namespace

Result<std::shared_ptr<const Program>> parseProgram(std::string_view text,
                                                    const ParseOptions& options) {
  if (text.size() > kMaxSourceBytes) {
    return iop::fail(Code::RequestEntityTooLarge, "template: " + std::string(options.name) +
                                                      ": the source exceeds " +
                                                      std::to_string(kMaxSourceBytes) + " bytes");
  }
  auto program = std::make_shared<Program>(text.size());
  program->source = program->arena.copy(text);
  program->name = program->arena.copy(options.name);
  program->missingKey = options.missingKey;
  // As in Go, an empty delimiter means the usual one, of Go.
  const std::string_view left =
      options.leftDelim.empty() ? std::string_view("{{") : options.leftDelim;
  const std::string_view right =
      options.rightDelim.empty() ? std::string_view("}}") : options.rightDelim;
  try {
    Session session(*program, left, right);
    Parser(session).parseMain();
  } catch (const TemplateFailure& failure) {
    return tl::unexpected(failure.error);
  }
  program->main = program->findBody(program->name);
  return program;
}

}  // namespace iop::gotemplate::internal
