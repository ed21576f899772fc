// Recursive descent, a function for each level of precedence; its errors are worded as those of
// cel-go, whose parser is ANTLR's. It stops at the first of them.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "cel/internal/ast.h"
#include "cel/internal/lexer.h"
#include "cel/internal/macros.h"

namespace iop::cel::internal {
namespace {

constexpr std::size_t kMaxCodePoints = 100'000;
constexpr int kMaxRecursion = 250;
constexpr std::uint16_t kMaxHeight = 250;

constexpr std::string_view kOperands =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, "
    "BYTES, IDENTIFIER}";
constexpr std::string_view kArguments =
    "{'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
    "STRING, BYTES, IDENTIFIER}";
constexpr std::string_view kIndexes =
    "{'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
    "STRING, BYTES, IDENTIFIER}";
constexpr std::string_view kElements =
    "{'[', ']', '{', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "
    "NUM_UINT, STRING, BYTES, IDENTIFIER}";
constexpr std::string_view kEntries =
    "{'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, "
    "NUM_UINT, STRING, BYTES, IDENTIFIER}";

constexpr std::string_view kReserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

bool isReserved(std::string_view name) {
  return std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved);
}

class Parser {
 public:
  Parser(std::string_view text, Ast& ast, Problems& problems)
      : tokens_(tokenize(text, problems)), ast_(ast), problems_(problems) {}

  void run() {
    const NodeId root = expression(kOperands);
    if (!failed_ && !isEnd()) unexpected("<EOF>", next().kind == Token::Kind::End);
    ast_.root = root;
  }

 private:
  const Token& token() const { return tokens_[at_]; }
  const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void advance() {
    if (at_ + 1 < tokens_.size()) ++at_;
  }
  bool isEnd() const { return token().kind == Token::Kind::End; }
  static bool isSymbol(const Token& token, std::string_view text) {
    return token.kind == Token::Kind::Symbol && token.source == text;
  }
  bool isSymbol(std::string_view text) const { return isSymbol(token(), text); }
  bool isKeyword(std::string_view text) const {
    return token().kind == Token::Kind::Keyword && token().source == text;
  }
  bool accept(std::string_view symbol) {
    if (!isSymbol(symbol)) return false;
    advance();
    return true;
  }

  static bool startsOperand(const Token& token) {
    switch (token.kind) {
      case Token::Kind::End:
      case Token::Kind::Quoted:
        return false;
      case Token::Kind::Keyword:
        return token.source != "in";
      case Token::Kind::Symbol:
        return token.source.size() == 1 &&
               std::string_view("[{(.-!").find(token.source[0]) != std::string_view::npos;
      default:
        return true;
    }
  }

  void fault(int offset, std::string message) {
    if (!failed_) problems_.add(offset, std::move(message));
    failed_ = true;
  }
  std::string shown() const { return isEnd() ? "<EOF>" : std::string(token().source); }
  void unexpected(std::string_view expected, bool isExtraneous) {
    fault(token().offset, std::string("Syntax error: ") +
                              (isExtraneous ? "extraneous" : "mismatched") + " input '" + shown() +
                              "' expecting " + std::string(expected));
  }
  // `canBeMissing`: what stands here could follow the symbol.
  void expect(std::string_view symbol, bool canBeMissing, std::string_view expected = {}) {
    if (accept(symbol) || failed_) return;
    const std::string quoted = "'" + std::string(symbol) + "'";
    if (!isEnd() && isSymbol(next(), symbol)) {
      unexpected(expected.empty() ? quoted : expected, true);
    } else if (canBeMissing) {
      fault(token().offset, "Syntax error: missing " + quoted + " at '" + shown() + "'");
    } else {
      unexpected(expected.empty() ? quoted : expected, false);
    }
  }

  NodeId add(Node node) {
    std::uint16_t height = 0;
    for (const NodeId child : node.children)
      height = std::max(height, static_cast<std::uint16_t>(ast_.nodes[child].height + 1));
    node.height = height;
    if (height > kMaxHeight) fault(Problems::kNowhere, "max recursion depth exceeded");
    ast_.nodes.push_back(std::move(node));
    return static_cast<NodeId>(ast_.nodes.size() - 1);
  }
  NodeId add(NodeKind kind, int offset, std::vector<NodeId> children, std::string text = {}) {
    Node node;
    node.kind = kind;
    node.offset = offset;
    node.children = std::move(children);
    node.text = std::move(text);
    return add(std::move(node));
  }
  NodeId literal(int offset, Item value) {
    Node node;
    node.offset = offset;
    node.literal = std::move(value);
    return add(std::move(node));
  }

  bool enter() {
    if (++depth_ <= kMaxRecursion) return true;
    fault(Problems::kNowhere, "expression recursion limit exceeded: 250");
    return false;
  }

  // `expected`: what Go would list where no operand begins here.
  NodeId expression(std::string_view expected) {
    NodeId result = 0;
    if (enter()) {
      result = disjunction(expected);
      if (!failed_ && isSymbol("?")) {
        const int offset = token().offset;
        advance();
        const NodeId yes = disjunction(kOperands);
        expect(":", false);
        const NodeId no = failed_ ? 0 : expression(kOperands);
        if (!failed_) result = add(NodeKind::Conditional, offset, {result, yes, no});
      }
    }
    --depth_;
    return result;
  }

  NodeId disjunction(std::string_view expected) {
    const NodeId first = conjunction(expected);
    if (failed_ || !isSymbol("||")) return first;
    const int offset = token().offset;
    std::vector<NodeId> terms{first};
    while (!failed_ && accept("||")) terms.push_back(conjunction(kOperands));
    return failed_ ? 0 : add(NodeKind::Or, offset, std::move(terms));
  }

  NodeId conjunction(std::string_view expected) {
    const NodeId first = relation(expected);
    if (failed_ || !isSymbol("&&")) return first;
    const int offset = token().offset;
    std::vector<NodeId> terms{first};
    while (!failed_ && accept("&&")) terms.push_back(relation(kOperands));
    return failed_ ? 0 : add(NodeKind::And, offset, std::move(terms));
  }

  NodeId binary(const Token& op, NodeId left, NodeId right) {
    if (failed_) return 0;
    return add(NodeKind::Call, op.offset, {left, right}, "_" + std::string(op.source) + "_");
  }

  NodeId relation(std::string_view expected) {
    static constexpr std::string_view kOperators[] = {"<", "<=", ">=", ">", "==", "!="};
    NodeId left = addition(expected);
    while (!failed_) {
      const Token op = token();
      const bool isComparison =
          op.kind == Token::Kind::Symbol && std::find(std::begin(kOperators), std::end(kOperators),
                                                      op.source) != std::end(kOperators);
      if (!isComparison && !isKeyword("in")) break;
      advance();
      const NodeId right = addition(kOperands);
      if (isComparison) {
        left = binary(op, left, right);
      } else if (!failed_) {
        left = add(NodeKind::Call, op.offset, {left, right}, "@in");
      }
    }
    return left;
  }

  NodeId addition(std::string_view expected) {
    NodeId left = multiplication(expected);
    while (!failed_ && (isSymbol("+") || isSymbol("-"))) {
      const Token op = token();
      advance();
      left = binary(op, left, multiplication(kOperands));
    }
    return left;
  }

  NodeId multiplication(std::string_view expected) {
    NodeId left = unary(expected);
    while (!failed_ && (isSymbol("*") || isSymbol("/") || isSymbol("%"))) {
      const Token op = token();
      advance();
      left = binary(op, left, unary(kOperands));
    }
    return left;
  }

  NodeId unary(std::string_view expected) {
    if (!isSymbol("!") && !isSymbol("-")) return member(expected);
    const Token op = token();
    if (startsNegativeNumber()) return negativeNumber();
    std::size_t count = 0;
    while (isSymbol(op.source)) {
      ++count;
      advance();
    }
    const NodeId operand = startsNegativeNumber() ? negativeNumber() : member(kOperands);
    // Twice is not at all.
    if (failed_ || count % 2 == 0) return operand;
    return add(NodeKind::Call, op.offset, {operand}, op.source == "!" ? "!_" : "-_");
  }

  // A sign belongs to the number behind it, so that the smallest integer can be written.
  bool startsNegativeNumber() const {
    return isSymbol("-") && (next().kind == Token::Kind::Int || next().kind == Token::Kind::Double);
  }
  NodeId negativeNumber() {
    advance();
    return member(kOperands, true);
  }

  NodeId member(std::string_view expected, bool isNegative = false) {
    NodeId left = primary(expected, isNegative);
    while (!failed_) {
      const int offset = token().offset;
      if (isSymbol(".")) {
        left = selection(left);
      } else if (accept("[")) {
        const bool isOptional = accept("?");
        const NodeId index = expression(isOptional ? kOperands : kIndexes);
        expect("]", true);
        if (failed_) return 0;
        left = add(NodeKind::Call, offset, {left, index}, isOptional ? "_[?_]" : "_[_]");
      } else if (isSymbol("{") && isMessageName(left)) {
        left = message(left);
      } else {
        break;
      }
    }
    return left;
  }

  NodeId selection(NodeId left) {
    const int offset = token().offset;
    advance();
    const bool isOptional = accept("?");
    const Token name = token();
    const bool isQuoted = name.kind == Token::Kind::Quoted;
    if (name.kind != Token::Kind::Identifier && !isQuoted) {
      if (isOptional) {
        unexpected("{IDENTIFIER, ESC_IDENTIFIER}", false);
      } else if (name.kind == Token::Kind::Keyword && name.source != "in") {
        unexpected("IDENTIFIER", false);
      } else {
        fault(name.offset,
              "Syntax error: no viable alternative at input '." + std::string(name.source) + "'");
      }
      return 0;
    }
    advance();
    if (!isOptional && !isQuoted && isSymbol("(")) return memberCall(left, name);
    Node node;
    node.kind = NodeKind::Select;
    node.offset = offset;
    node.isOptional = isOptional;
    node.text = name.text;
    node.children = {left};
    return add(std::move(node));
  }

  // Reads "(" to ")".
  std::vector<NodeId> arguments() {
    std::vector<NodeId> out;
    advance();
    if (accept(")")) return out;
    out.push_back(expression(kArguments));
    while (!failed_ && accept(",")) out.push_back(expression(kOperands));
    expect(")", canFollowOperand());
    return out;
  }

  bool canFollowOperand() const { return isEnd() || token().kind == Token::Kind::Symbol; }

  NodeId memberCall(NodeId receiver, const Token& name) {
    const int offset = token().offset;
    std::vector<NodeId> given = arguments();
    if (failed_) return 0;
    if (auto loop = expandMacro(name.text, receiver, given, ast_, offset, problems_)) {
      failed_ = failed_ || !problems_.empty();
      return failed_ ? 0 : add(std::move(*loop));
    }
    given.insert(given.begin(), receiver);
    const NodeId call = add(NodeKind::Call, offset, std::move(given), name.text);
    ast_.nodes[call].isMember = true;
    return call;
  }

  NodeId globalCall(const Token& name) {
    const int offset = token().offset;
    std::vector<NodeId> given = arguments();
    if (failed_) return 0;
    if (name.text != "has" || given.size() != 1)
      return add(NodeKind::Call, offset, std::move(given), name.text);
    const Node& field = ast_.nodes[given[0]];
    if (field.kind != NodeKind::Select || field.isOptional) {
      fault(field.offset, "invalid argument to has() macro");
      return 0;
    }
    ast_.nodes[given[0]].kind = NodeKind::Has;
    ast_.nodes[given[0]].offset = offset;
    return given[0];
  }

  NodeId primary(std::string_view expected, bool isNegative) {
    const Token here = token();
    switch (here.kind) {
      case Token::Kind::Identifier:
        return identifier();
      case Token::Kind::Int:
      case Token::Kind::Uint:
      case Token::Kind::Double:
        advance();
        return number(here, isNegative);
      case Token::Kind::String:
      case Token::Kind::Bytes: {
        advance();
        const bool isBytes = here.kind == Token::Kind::Bytes;
        if (here.isBroken) {
          fault(here.offset, isBytes ? "unable to unescape string" : "invalid unicode code point");
          return 0;
        }
        return literal(here.offset, isBytes ? Item::bytes(here.text) : Item::text(here.text));
      }
      case Token::Kind::Keyword:
        if (here.source == "in") break;
        advance();
        return literal(here.offset,
                       here.source == "null" ? Item() : Item::boolean(here.source == "true"));
      default:
        break;
    }
    if (accept("(")) {
      const NodeId inner = expression(kOperands);
      expect(")", canFollowOperand());
      return inner;
    }
    if (isSymbol("[")) return list();
    if (isSymbol("{")) return map();
    if (isSymbol(".") && next().kind == Token::Kind::Identifier) {
      advance();  // the root, which is where everything is
      return identifier();
    }
    unexpected(expected, !isEnd() && startsOperand(next()));
    return 0;
  }

  NodeId identifier() {
    const Token name = token();
    advance();
    if (isReserved(name.source)) {
      fault(name.offset, "reserved identifier: " + name.text);
      return 0;
    }
    if (isSymbol("(")) return globalCall(name);
    return add(NodeKind::Identifier, name.offset, {}, name.text);
  }

  NodeId number(const Token& token, bool isNegative) {
    const int offset = isNegative ? token.offset - 1 : token.offset;
    std::string_view digits = token.source;
    if (token.kind == Token::Kind::Double) {
      const double value = std::strtod(std::string(digits).c_str(), nullptr);
      if (std::isinf(value)) fault(offset, "invalid double literal");
      return literal(offset, Item::floating(isNegative ? -value : value));
    }
    const bool isNatural = token.kind == Token::Kind::Uint;
    if (isNatural) digits.remove_suffix(1);
    const bool isHex = digits.starts_with("0x") || digits.starts_with("0X");
    if (isHex) digits.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, isHex ? 16 : 10);
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (error != std::errc() || (!isNatural && value > kMost + (isNegative ? 1 : 0))) {
      fault(offset, isNatural ? "invalid uint literal" : "invalid int literal");
      return 0;
    }
    if (isNatural) return literal(offset, Item::natural(value));
    return literal(offset,
                   Item::integer(static_cast<std::int64_t>(isNegative ? 0 - value : value)));
  }

  NodeId list() {
    Node node;
    node.kind = NodeKind::List;
    node.offset = token().offset;
    advance();
    std::string_view expected = kElements;
    while (!failed_ && !isSymbol("]")) {
      node.optionals.push_back(accept("?"));
      node.children.push_back(expression(expected));
      if (failed_) return 0;
      if (!accept(",")) {
        expect("]", false, "{']', ','}");
        return failed_ ? 0 : add(std::move(node));
      }
      expected = kOperands;
      if (!startsOperand(token()) && !isSymbol("?")) break;
    }
    expect("]", canFollowOperand() && !isSymbol(","));
    return failed_ ? 0 : add(std::move(node));
  }

  NodeId map() {
    Node node;
    node.kind = NodeKind::Map;
    node.offset = token().offset;
    advance();
    std::string_view expected = kEntries;
    while (!failed_ && !isSymbol("}")) {
      node.optionals.push_back(accept("?"));
      node.children.push_back(expression(expected));
      expect(":", startsOperand(token()));
      if (failed_) return 0;
      node.children.push_back(expression(kOperands));
      if (failed_) return 0;
      if (!accept(",")) {
        expect("}", false, "{'}', ','}");
        return failed_ ? 0 : add(std::move(node));
      }
      expected = kOperands;
      if (!startsOperand(token()) && !isSymbol("?")) break;
    }
    expect("}", canFollowOperand() && !isSymbol(","));
    return failed_ ? 0 : add(std::move(node));
  }

  bool isMessageName(NodeId id) const {
    const Node* node = &ast_.nodes[id];
    while (node->kind == NodeKind::Select && !node->isOptional)
      node = &ast_.nodes[node->children[0]];
    return node->kind == NodeKind::Identifier;
  }

  NodeId message(NodeId name) {
    std::string text;
    const Node* node = &ast_.nodes[name];
    for (; node->kind == NodeKind::Select; node = &ast_.nodes[node->children[0]])
      text = "." + node->text + text;
    text = node->text + text;
    const int offset = token().offset;
    advance();
    std::vector<NodeId> values;
    while (!failed_ && !isSymbol("}")) {
      accept("?");
      if (token().kind != Token::Kind::Identifier && token().kind != Token::Kind::Quoted) {
        unexpected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}", false);
        return 0;
      }
      advance();
      expect(":", startsOperand(token()));
      if (failed_) return 0;
      values.push_back(expression(kOperands));
      if (!accept(",")) break;
    }
    expect("}", canFollowOperand());
    return failed_ ? 0 : add(NodeKind::Struct, offset, std::move(values), std::move(text));
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Ast& ast_;
  Problems& problems_;
  bool failed_ = false;
  int depth_ = 0;
};

}  // namespace

bool parse(std::string_view text, Ast& ast, Problems& problems) {
  const std::size_t size = codePoints(text);
  if (size > kMaxCodePoints) {
    problems.add(Problems::kNowhere,
                 "expression code point size exceeds limit: size: " + std::to_string(size) +
                     ", limit " + std::to_string(kMaxCodePoints));
    return false;
  }
  Parser(text, ast, problems).run();
  return problems.empty();
}

}  // namespace iop::cel::internal
