#include "apiserver/kinds/internal/jsonpath.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace iop::apiserver::kinds::internal {

struct JsonPath::Node {
  enum class Type : std::uint8_t {
    Field,
    Wildcard,
    Recursive,
    Slice,
    Filter,
    Union,
    Literal,
    Unknown  // a word: Go reads it and fails when it runs
  };
  // One of the three numbers of a slice.
  struct Bound {
    bool isKnown = false;
    bool isDerived = false;  // the end of a plain index
    std::int64_t value = 0;
  };

  Type type = Type::Field;
  std::string text;               // of a field: its name; of a filter: its operator
  std::array<Bound, 3> bounds{};  // of a slice
  std::vector<Nodes> lists;       // of a filter: left and right; of a union: all
  Value literal;
};

namespace {

using Node = JsonPath::Node;
using Nodes = JsonPath::Nodes;
using NodeType = Node::Type;

constexpr std::size_t kMaxVisited = 1'000'000;
constexpr int kMaxNesting = 8;  // filters in filters

bool isTerminator(char c) {
  return std::string_view(" \t\r\n.,[]$@{}").find(c) != std::string_view::npos;
}
bool isPathDigit(char c) { return c >= '0' && c <= '9'; }
// Letters beyond ASCII count as letters.
bool isWordCharacter(char c) {
  return c == '_' || isPathDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

class PathParser {
 public:
  PathParser(std::string_view text, int nesting) : text_(text), nesting_(nesting) {}

  Result<Nodes> parse() {
    if (nesting_ > kMaxNesting) return fail(Code::BadRequest, "jsonpath is nested too deeply");
    while (at_ < text_.size() && text_[at_] != '}') RETURN_IF_ERROR(parseNext());
    return std::move(nodes_);
  }

 private:
  bool startsWith(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }

  Status parseNext() {
    if (startsWith("[?(")) return parseFilter();
    if (startsWith("..")) return parseRecursive();
    const char c = text_[at_];
    if (c == ' ' || c == '@' || c == '$') {
      ++at_;
      return {};
    }
    if (c == '[') return parseBrackets();
    if (c == '"' || c == '\'') return parseQuoted(c);
    if (c == '.') {
      ++at_;
      parseField();
      return {};
    }
    if (c == '+' || c == '-' || isPathDigit(c)) return parseNumber();
    if (isWordCharacter(c)) {
      parseWord();
      return {};
    }
    return fail(Code::BadRequest, "unrecognized character in action");
  }

  Node& add(NodeType type) {
    nodes_.emplace_back();
    nodes_.back().type = type;
    return nodes_.back();
  }

  void parseField() {
    std::string name;
    for (; at_ < text_.size() && !isTerminator(text_[at_]); ++at_) {
      if (text_[at_] == '\\') {
        if (++at_ == text_.size()) break;
        if (text_[at_] == '\\') continue;  // no backslash stays
      }
      name += text_[at_];
    }
    if (name == "*") {
      add(NodeType::Wildcard);
    } else {
      add(NodeType::Field).text = std::move(name);
    }
  }

  Status parseRecursive() {
    if (!nodes_.empty() && nodes_.back().type == NodeType::Recursive)
      return fail(Code::BadRequest, "invalid multiple recursive descent");
    at_ += 2;
    add(NodeType::Recursive);
    if (at_ < text_.size() && isWordCharacter(text_[at_])) parseField();
    return {};
  }

  void parseWord() {
    const std::size_t start = at_;
    while (at_ < text_.size() && !isTerminator(text_[at_])) ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    if (word == "true" || word == "false") {
      add(NodeType::Literal).literal = Value(word == "true");
    } else {
      add(NodeType::Unknown);
    }
  }

  Status parseNumber() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && (isPathDigit(text_[at_]) || text_[at_] == '.')) ++at_;
    std::string_view number = text_.substr(start, at_ - start);
    if (number.starts_with('+')) number.remove_prefix(1);
    const char* const end = number.data() + number.size();
    std::int64_t integer = 0;
    if (const auto [last, error] = std::from_chars(number.data(), end, integer);
        error == std::errc() && last == end) {
      add(NodeType::Literal).literal = Value(integer);
      return {};
    }
    double real = 0;
    if (const auto [last, error] = std::from_chars(number.data(), end, real);
        error == std::errc() && last == end) {
      add(NodeType::Literal).literal = Value(real);
      return {};
    }
    return fail(Code::BadRequest, "cannot parse number " + std::string(number));
  }

  Status parseQuoted(char quote) {
    std::string text;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\n') break;
      if (text_[at_] != '\\') {
        text += text_[at_];
        continue;
      }
      if (++at_ == text_.size()) break;
      constexpr std::string_view kEscapes = "abfnrtv\\", kMeanings = "\a\b\f\n\r\t\v\\";
      const std::size_t escape = kEscapes.find(text_[at_]);
      if (escape == std::string_view::npos && text_[at_] != quote)
        return fail(Code::BadRequest, "unknown escape in quoted string");
      text += escape == std::string_view::npos ? quote : kMeanings[escape];
    }
    if (at_ >= text_.size() || text_[at_] != quote)
      return fail(Code::BadRequest, "unterminated quoted string");
    ++at_;
    add(NodeType::Literal).literal = Value(std::string_view(text));
    return {};
  }

  Status parseBrackets() {
    const std::size_t end = text_.find_first_of("]\n", at_);
    if (end == std::string_view::npos || text_[end] == '\n')
      return fail(Code::BadRequest, "unterminated array");
    const std::string_view inner = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (inner.find(',') == std::string_view::npos) return parseIndex(inner);
    std::vector<Nodes> lists;
    for (std::size_t start = 0; start <= inner.size();) {
      const std::size_t comma = std::min(inner.find(',', start), inner.size());
      std::string_view part = inner.substr(start, comma - start);
      while (part.starts_with(' ')) part.remove_prefix(1);
      while (part.ends_with(' ')) part.remove_suffix(1);
      PathParser parser("", nesting_ + 1);
      RETURN_IF_ERROR(parser.parseIndex(part));
      lists.push_back(std::move(parser.nodes_));
      start = comma + 1;
    }
    add(NodeType::Union).lists = std::move(lists);
    return {};
  }

  Status parseIndex(std::string_view inner) {
    if (inner.size() >= 2 && inner.front() == '\'' && inner.find('\'', 1) == inner.size() - 1) {
      const std::string path = "." + std::string(inner.substr(1, inner.size() - 2));
      ASSIGN_OR_RETURN(Nodes nodes, PathParser(path, nesting_ + 1).parse());
      for (Node& node : nodes) nodes_.push_back(std::move(node));
      return {};
    }
    const std::string_view whole = inner == "*" ? ":" : inner;
    std::array<Node::Bound, 3> bounds{};
    std::size_t start = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      if (i > 0 && start > whole.size()) {  // no such part
        if (i == 1) bounds[1] = {true, true, bounds[0].value + 1};
        continue;
      }
      const std::size_t colon = std::min(whole.find(':', start), whole.size());
      const std::string_view number = whole.substr(start, colon - start);
      start = colon + 1;
      if (number.empty()) continue;
      const char* const end = number.data() + number.size();
      // Far beyond any list, and no sum of two can overflow.
      std::int32_t value = 0;
      const auto [last, error] = std::from_chars(number.data(), end, value);
      if (error != std::errc() || last != end)
        return fail(Code::BadRequest, "invalid array index " + std::string(inner));
      bounds[i] = {true, false, value};
    }
    if (start <= whole.size())
      return fail(Code::BadRequest, "invalid array index " + std::string(inner));
    add(NodeType::Slice).bounds = bounds;
    return {};
  }

  // Go looks for the closing parenthesis this way: quotes count as one pair only.
  Status parseFilter() {
    at_ += 3;
    const std::size_t start = at_;
    bool begun = false, ended = false;
    char pair = 0;
    for (;; ++at_) {
      if (at_ >= text_.size() || text_[at_] == '\n')
        return fail(Code::BadRequest, "unterminated filter");
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        if (!begun) {
          begun = true;
          pair = c;
        } else if (c == pair && text_[at_ - 1] != '\\') {
          ended = true;
        }
      }
      if (c == ')' && begun == ended) break;
    }
    const std::string_view inner = text_.substr(start, at_ - start);
    if (!text_.substr(at_).starts_with(")]"))
      return fail(Code::BadRequest, "unclosed array expect ]");
    at_ += 2;

    constexpr std::string_view kOperators = "!<>=";
    const std::size_t left = std::min(inner.find_first_of(kOperators), inner.size());
    const std::size_t right = std::min(inner.find_first_not_of(kOperators, left), inner.size());
    std::string op = "exists";
    std::vector<Nodes> lists(2);
    if (left > 0 && right > left && right < inner.size()) {
      op = inner.substr(left, right - left);
      ASSIGN_OR_RETURN(lists[0], PathParser(inner.substr(0, left), nesting_ + 1).parse());
      ASSIGN_OR_RETURN(lists[1], PathParser(inner.substr(right), nesting_ + 1).parse());
    } else {
      ASSIGN_OR_RETURN(lists[0], PathParser(inner, nesting_ + 1).parse());
    }
    Node& node = add(NodeType::Filter);
    node.text = std::move(op);
    node.lists = std::move(lists);
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_;
  Nodes nodes_;
};

// What is smaller; nothing where Go's templates cannot compare the two.
std::optional<std::partial_ordering> compare(const Value& left, const Value& right) {
  if (left.type() != right.type()) return std::nullopt;
  switch (left.type()) {
    case Value::Type::Bool:
      return left.asBool() == right.asBool() ? std::partial_ordering::equivalent
                                             : std::partial_ordering::unordered;
    case Value::Type::Int:
      return left.asInt() <=> right.asInt();
    case Value::Type::Double:
      return left.asDouble() <=> right.asDouble();
    case Value::Type::String:
      return left.asString() <=> right.asString();
    case Value::Type::Null:
    case Value::Type::Array:
    case Value::Type::Object:
      return std::nullopt;
  }
  return std::nullopt;
}

class Evaluator {
 public:
  using Found = std::vector<const Value*>;

  // Nothing: Go fails, or it is too much work.
  std::optional<Found> run(Found found, const Nodes& nodes) {
    for (const Node& node : nodes) {
      Found next;
      for (const Value* value : found) {
        if (!step(*value, node, next)) return std::nullopt;
      }
      found = std::move(next);
    }
    return found;
  }

 private:
  // Whether one more value may be looked at.
  bool count() { return ++visited_ <= kMaxVisited; }

  bool push(Found& out, const Value& value) {
    out.push_back(&value);
    return count();
  }

  // What one value leads to.
  bool step(const Value& value, const Node& node, Found& out) {
    if (!count()) return false;
    switch (node.type) {
      case NodeType::Field: {
        const Value* member = value.find(node.text);
        return member == nullptr || push(out, *member);
      }
      case NodeType::Wildcard:
        return forEachChild(value, [&](const Value& child) { return push(out, child); });
      case NodeType::Recursive:
        return descend(value, out);
      case NodeType::Slice:
        return slice(value, node, out);
      case NodeType::Filter:
        return filter(value, node, out);
      case NodeType::Union:
        for (const Nodes& list : node.lists) {
          const std::optional<Found> part = run({&value}, list);
          if (!part) return false;
          out.insert(out.end(), part->begin(), part->end());
        }
        return true;
      case NodeType::Literal:
        return push(out, node.literal);
      case NodeType::Unknown:
        return false;
    }
    return false;
  }

  template <typename Visit>
  static bool forEachChild(const Value& value, const Visit& visit) {
    return std::all_of(value.items().begin(), value.items().end(), visit) &&
           std::all_of(value.members().begin(), value.members().end(),
                       [&](const Member& member) { return visit(member.value); });
  }

  // All that is not empty below a value, which comes first.
  bool descend(const Value& value, Found& out) {
    if (value.empty()) return count();
    return push(out, value) &&
           forEachChild(value, [&](const Value& child) { return descend(child, out); });
  }

  bool slice(const Value& value, const Node& node, Found& out) {
    if (value.isNull()) return true;
    if (!value.isArray()) return false;
    const auto length = static_cast<std::int64_t>(value.size());
    const auto& [first, last, stride] = node.bounds;
    std::int64_t begin = first.value;
    if (begin < 0) begin += length;
    std::int64_t end = last.isKnown ? last.value : length;
    if (end < 0 || (end == 0 && last.isDerived)) end += length;
    if (begin == end) return true;
    if (begin < 0 || begin >= length || end < 0 || end > length || begin > end) return false;
    if (stride.isKnown && stride.value <= 0) return false;
    for (std::int64_t i = begin; i < end; i += stride.isKnown ? stride.value : 1) {
      if (!push(out, value.at(static_cast<std::size_t>(i)))) return false;
    }
    return true;
  }

  bool filter(const Value& value, const Node& node, Found& out) {
    if (!value.isArray()) return false;
    for (const Value& item : value.items()) {
      if (!count()) return false;
      const std::optional<Found> left = run({&item}, node.lists[0]);
      if (node.text == "exists") {
        // Where the path does not fit, Go goes on with what it had, and that exists.
        if (!left || !left->empty()) out.push_back(&item);
        continue;
      }
      if (!left) return false;
      if (left->empty()) continue;
      const std::optional<Found> right = run({&item}, node.lists[1]);
      if (left->size() > 1 || !right || right->size() > 1) return false;
      if (right->empty()) continue;
      const std::optional<bool> passes = holds(node.text, *left->front(), *right->front());
      if (!passes) return false;
      if (*passes) out.push_back(&item);
    }
    return true;
  }

  static std::optional<bool> holds(std::string_view op, const Value& left, const Value& right) {
    const auto order = compare(left, right);
    if (!order) return std::nullopt;
    if (op == "==") return *order == 0;
    if (op == "!=") return *order != 0;
    if (left.isBool()) return std::nullopt;
    if (op == "<") return *order < 0;
    if (op == "<=") return *order <= 0;
    if (op == ">") return *order > 0;
    if (op == ">=") return *order >= 0;
    return std::nullopt;
  }

  std::size_t visited_ = 0;
};

}  // namespace

JsonPath::JsonPath(std::unique_ptr<Nodes> nodes) : nodes_(std::move(nodes)) {}
JsonPath::JsonPath(JsonPath&&) noexcept = default;
JsonPath& JsonPath::operator=(JsonPath&&) noexcept = default;
JsonPath::~JsonPath() = default;

Result<JsonPath> JsonPath::parse(std::string_view path) {
  ASSIGN_OR_RETURN(Nodes nodes, PathParser(path, 0).parse());
  return JsonPath(std::make_unique<Nodes>(std::move(nodes)));
}

const Value* JsonPath::first(const Value& root) const {
  const auto found = Evaluator().run({&root}, *nodes_);
  return found && !found->empty() ? found->front() : nullptr;
}

}  // namespace iop::apiserver::kinds::internal
