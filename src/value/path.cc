#include "value/path.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "value/internal/path_syntax.h"

namespace iop::value {
namespace {

using internal::ElementPart;
using internal::KeyPart;
using internal::Modifier;
using internal::Query;
using internal::Selector;
using internal::Selectors;
using internal::Split;

// Bounds for what somebody else writes: how deep queries and selectors may be nested in a path, how
// many members and elements one path may visit, and how many values a result made of selectors may
// have.
constexpr int kMaxNesting = 64;
constexpr long kMaxSteps = 1'000'000;
constexpr std::size_t kMaxValues = 1'000'000;

// Nothing: there is no such value.
using Found = std::optional<Value>;

// Values in a tree, counted up to `limit`.
std::size_t countValues(const Value& value, std::size_t limit) {
  std::size_t count = 1;
  for (const Value& item : value.items()) {
    if (count >= limit) return limit;
    count += countValues(item, limit - count);
  }
  for (const Member& member : value.members()) {
    if (count >= limit) return limit;
    count += countValues(member.value, limit - count);
  }
  return count;
}

// Bytes of the character at the start, which is taken for UTF-8.
std::size_t characterSize(std::string_view text) {
  std::size_t size = 1;
  if ((static_cast<unsigned char>(text[0]) & 0xC0) != 0xC0) return size;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) ++size;
  return size;
}

// "*" is any text, "?" any character, "\" makes the next one ordinary.
bool matchesPattern(std::string_view text, std::string_view pattern, long& steps) {
  std::size_t t = 0, p = 0, starText = 0, starPattern = std::string_view::npos;
  while (t < text.size()) {
    ++steps;
    if (p < pattern.size() && pattern[p] == '*') {
      starPattern = p++;
      starText = t;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t += characterSize(text.substr(t));
      continue;
    }
    const std::size_t literal = p < pattern.size() && pattern[p] == '\\' ? p + 1 : p;
    if (literal < pattern.size() && pattern[literal] == text[t]) {
      p = literal + 1;
      ++t;
    } else if (starPattern != std::string_view::npos && steps < kMaxSteps) {
      p = starPattern + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// A number in a query; what is none counts as 0.
double parseOperand(const std::string& text) {
  const bool decimal =
      !text.empty() && text.find_first_not_of("+-.0123456789eE") == std::string::npos;
  if (!decimal) return 0;
  char* end = nullptr;
  const double out = std::strtod(text.c_str(), &end);
  return *end == '\0' ? out : 0;
}

template <typename T>
bool compares(const T& left, std::string_view op, const T& right) {
  if (op == "=") return left == right;
  if (op == "!=") return left != right;
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  if (op == ">") return left > right;
  return op == ">=" && left >= right;
}

bool comparesBool(bool left, std::string_view op, std::string_view right) {
  if (op == "=") return right == (left ? "true" : "false");
  if (op == "!=") return right != (left ? "true" : "false");
  if (left) return op == ">=" || (op == ">" && right == "false");
  return op == "<=" || (op == "<" && right == "true");
}

// "~true", "~false": what would pass for a boolean. Nothing for what would not.
std::optional<bool> asTruth(const Found& value) {
  if (!value || value->isNull()) return std::nullopt;
  if (value->isBool()) return value->asBool();
  if (value->isNumber()) return value->asDouble() != 0;
  std::string text = value->toString();
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
  if (value->isString() && (text == "1" || text == "t" || text == "true")) return true;
  if (value->isString() && (text == "0" || text == "f" || text == "false")) return false;
  return std::nullopt;
}

// The index that a component names.
std::optional<std::size_t> parseIndex(std::string_view part) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
  return index;
}

class Evaluator {
 public:
  Result<Found> run(const Value& root, std::string_view path) {
    Found out = get(root, path);
    if (!error_.empty()) return fail(Code::BadRequest, "path " + std::string(path) + ": " + error_);
    return out;
  }

 private:
  // One walk down from a root. `value` may be set by a walk that ends without a hit: the matches of
  // a "#(…)#", which an ordinary match further on replaces.
  struct Walk {
    Found value;
    std::optional<std::string_view> pipe;
  };

  void refuse(std::string why) {
    if (error_.empty()) error_ = std::move(why);
  }

  bool step() {
    if (++steps_ > kMaxSteps) refuse("it visits too many values");
    return error_.empty();
  }

  Found get(Found from, std::string_view path) {
    if (++nesting_ > kMaxNesting) refuse("it is nested too deeply");
    while (error_.empty()) {
      if (const std::optional<Modifier> modifier = internal::parseModifier(path)) {
        from = applyModifier(*modifier, from);
        path = modifier->rest;
        if (path.empty() || (path.front() != '|' && path.front() != '.')) break;
        path.remove_prefix(1);
        continue;
      }
      if (internal::isLiteral(path)) refuse("literals (\"!\") are not supported");
      if (path.substr(0, 2) == "..") refuse("JSON lines (\"..\") are not supported");
      if (path.size() > 1 && (path.front() == '[' || path.front() == '{')) {
        const std::optional<Selectors> selectors = internal::parseSelectors(path);
        if (!selectors) {
          refuse("a selector is not closed");
          break;
        }
        from = select(from, *selectors, path.front());
        path = selectors->rest;
        if (path.empty()) break;
        if (path.front() != '|' && path.front() != '.')
          refuse("a selector must end the path or be followed by | or .");
        path.remove_prefix(1);
        continue;
      }
      Walk walk;
      if (from) descend(walk, *from, path);
      from = std::move(walk.value);
      if (!walk.pipe) break;
      path = *walk.pipe;
    }
    --nesting_;
    return from;
  }

  // True for a hit, which ends the walk.
  bool descend(Walk& walk, const Value& value, std::string_view path) {
    if (value.isObject()) return descendObject(walk, value, path);
    return value.isArray() && descendArray(walk, value, path);
  }

  bool descendObject(Walk& walk, const Value& object, std::string_view path) {
    const KeyPart part = internal::parseKeyPart(path);
    if (part.tail.pipe) walk.pipe = part.tail.pipe;
    const auto enter = [&](const Value& value) {
      if (part.tail.more) return descend(walk, value, *part.tail.more);
      walk.value = value;
      return true;
    };
    if (!part.wild) {
      const Value* found = step() ? object.find(part.key) : nullptr;
      return found != nullptr && enter(*found);
    }
    for (const Member& member : object.members()) {
      if (!step()) return false;
      if (matchesPattern(member.key(), part.key, steps_) && enter(member.value)) return true;
    }
    return false;
  }

  bool descendArray(Walk& walk, const Value& array, std::string_view path) {
    const ElementPart part = internal::parseElementPart(path);
    if (part.tail.pipe && !part.tail.more) walk.pipe = part.tail.pipe;
    if (part.open) refuse("a query is not closed");
    if (!part.hash) {
      const std::optional<std::size_t> index = parseIndex(part.part);
      if (!index || *index >= array.size() || !step()) return false;
      if (part.tail.more) return descend(walk, array.at(*index), *part.tail.more);
      walk.value = array.at(*index);
      return true;
    }
    if (part.query) return queryArray(walk, array, part);
    if (part.part != "#") return false;
    if (part.forEach) {
      walk.value = getOfEach(walk, array, *part.forEach);
    } else {
      walk.value = Value(array.size());
    }
    return true;
  }

  Value getOfEach(Walk& walk, const Value& array, std::string_view path) {
    if (const std::optional<Split> split = internal::splitAtPipe(path)) {
      path = split->left;
      walk.pipe = split->right;
    }
    std::vector<Value> out;
    for (const Value& item : array.items()) {
      if (!step()) break;
      if (Found found = get(item, path)) out.push_back(std::move(*found));
    }
    return Value::fromItems(out);
  }

  bool queryArray(Walk& walk, const Value& array, const ElementPart& part) {
    const Query& query = *part.query;
    std::optional<std::string_view> more = part.tail.more;
    std::vector<Value> matches;
    for (const Value& item : array.items()) {
      if (!step()) return false;
      if (!isMatch(query, item)) continue;
      if (more) {
        if (const std::optional<Split> split = internal::splitAtPipe(*more)) {
          more = split->left;
          walk.pipe = split->right;
        }
      }
      Found found = more ? get(item, *more) : item;
      if (!query.all) {
        walk.value = std::move(found);
        return true;
      }
      if (found) matches.push_back(std::move(*found));
    }
    if (query.all && !walk.value) walk.value = Value::fromItems(matches);
    return false;
  }

  bool isMatch(const Query& query, const Value& item) {
    Found value;
    if (item.isObject() || item.isArray()) {
      value = get(item, query.path);
    } else if (query.path.empty()) {
      value = item;
    }
    std::string operand = query.value;
    if (!operand.empty() && operand.front() == '~') {
      value = asTilde(operand.substr(1), value);
      operand = "true";
    }
    if (!value) return false;
    if (query.op.empty()) return true;
    switch (value->type()) {
      case Value::Type::String:
        if (query.op == "%") return matchesPattern(value->asString(), operand, steps_);
        if (query.op == "!%") return !matchesPattern(value->asString(), operand, steps_);
        return compares(value->asString(), query.op, std::string_view(operand));
      case Value::Type::Int:
      case Value::Type::Double:
        return compares(value->asDouble(), query.op, parseOperand(operand));
      case Value::Type::Bool:
        return comparesBool(value->asBool(), query.op, operand);
      default:
        return false;
    }
  }

  static Found asTilde(std::string_view what, const Found& value) {
    if (what == "*") return Value(value.has_value());
    if (what == "null") return Value(!value || value->isNull());
    if (what == "true") return Value(asTruth(value) == true);
    if (what == "false") return Value(!value || value->isNull() || asTruth(value) == false);
    return std::nullopt;
  }

  Found select(const Found& from, const Selectors& selectors, char kind) {
    std::vector<Value> items;
    std::vector<Member> members;
    for (const Selector& selector : selectors.all) {
      Found found = get(from, selector.path);
      if (!found) continue;
      if (kind == '[') {
        items.push_back(std::move(*found));
      } else {
        members.emplace_back(selectorKey(selector), std::move(*found));
      }
    }
    return bounded(kind == '[' ? Value::fromItems(items) : Value::fromMembers(members));
  }

  static std::string selectorKey(const Selector& selector) {
    const std::string_view name = selector.name;
    if (name.empty()) return std::string(internal::nameOfSelector(selector.path));
    const bool quoted = name.size() >= 2 && name.front() == '"' && name.back() == '"';
    return quoted ? internal::unescape(name.substr(1, name.size() - 2)) : std::string(name);
  }

  // Results that hold one value several times cost nothing here, but whoever prints them pays.
  Value bounded(Value value) {
    if (countValues(value, kMaxValues) == kMaxValues) refuse("its result is too large");
    return value;
  }

  Found applyModifier(const Modifier& modifier, const Found& from) {
    const std::string_view name = modifier.name;
    if (name == "this" || name == "ugly" || name == "pretty" || name == "valid") return from;
    if (name == "reverse") return from ? Found(reversed(*from)) : from;
    if (name == "flatten") return from ? Found(flattened(*from, flag(modifier, "deep"))) : from;
    if (name == "join") {
      if (flag(modifier, "preserve")) refuse("@join cannot preserve equal keys");
      return from ? Found(joined(*from)) : from;
    }
    if (name == "keys") return keysOf(from);
    if (name == "values") return valuesOf(from);
    if (name == "group") return from ? grouped(*from) : from;
    if (name == "dig") {
      std::vector<Value> all;
      if (from) dig(*from, modifier.argument, all);
      return bounded(Value::fromItems(all));
    }
    refuse("@" + std::string(name) + " is not supported");
    return std::nullopt;
  }

  // The argument {"name":true} of a modifier.
  bool flag(const Modifier& modifier, std::string_view name) {
    std::string argument;
    for (const char c : modifier.argument) {
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') argument += c;
    }
    const std::string key = "{\"" + std::string(name) + "\":";
    if (argument == key + "true}") return true;
    if (!argument.empty() && argument != "{}" && argument != key + "false}") {
      refuse("@" + std::string(modifier.name) + " does not understand " + argument);
    }
    return false;
  }

  static Value reversed(const Value& value) {
    if (!value.isArray()) return value;
    std::vector<Value> items(value.items().rbegin(), value.items().rend());
    return Value::fromItems(items);
  }

  static void flattenInto(std::vector<Value>& out, const Value& array, bool deep) {
    for (const Value& item : array.items()) {
      if (item.isArray() && deep) {
        flattenInto(out, item, true);
      } else if (item.isArray()) {
        out.insert(out.end(), item.items().begin(), item.items().end());
      } else {
        out.push_back(item);
      }
    }
  }

  static Value flattened(const Value& value, bool deep) {
    if (!value.isArray()) return value;
    std::vector<Value> out;
    flattenInto(out, value, deep);
    return Value::fromItems(out);
  }

  static Value joined(const Value& value) {
    if (!value.isArray()) return value;
    std::vector<Member> out;
    for (const Value& item : value.items())
      out.insert(out.end(), item.members().begin(), item.members().end());
    return Value::fromMembers(out);
  }

  static Value keysOf(const Found& from) {
    std::vector<Value> out;
    if (from && from->isObject()) {
      for (const Member& member : from->members()) out.push_back(member.name);
    } else if (from) {
      out.resize(from->isArray() ? from->size() : 1);
    }
    return Value::fromItems(out);
  }

  static Value valuesOf(const Found& from) {
    if (from && from->isArray()) return *from;
    std::vector<Value> out;
    if (from && from->isObject()) {
      for (const Member& member : from->members()) out.push_back(member.value);
    } else if (from) {
      out.push_back(*from);
    }
    return Value::fromItems(out);
  }

  // {"a":[1,2],"b":[3]} → [{"a":1,"b":3},{"a":2}]
  static Found grouped(const Value& value) {
    if (!value.isObject()) return std::nullopt;
    std::vector<Value> out;
    for (const Member& member : value.members()) {
      for (std::size_t i = 0; i < member.value.items().size(); ++i) {
        if (i == out.size()) out.push_back(Value::object());
        out[i].set(member.key(), member.value.at(i));
      }
    }
    return Value::fromItems(out);
  }

  // The path below this value and below all values in it.
  void dig(const Value& value, std::string_view path, std::vector<Value>& out) {
    if (!step()) return;
    if (Found found = get(value, path)) out.push_back(std::move(*found));
    for (const Value& item : value.items()) dig(item, path, out);
    for (const Member& member : value.members()) dig(member.value, path, out);
  }

  int nesting_ = 0;
  long steps_ = 0;
  std::string error_;
};

}  // namespace

Result<std::optional<Value>> getPath(const Value& root, std::string_view path) {
  return Evaluator().run(root, path);
}

}  // namespace iop::value
