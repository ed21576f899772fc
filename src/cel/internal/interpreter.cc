#include "cel/internal/interpreter.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "gotemplate/regexp.h"

namespace iop::cel::internal {
namespace {

constexpr std::uint64_t kListCost = 10;
constexpr std::uint64_t kMapCost = 30;

constexpr std::uint32_t kComparable =
    maskOf(Kind::Bool) | maskOf(Kind::Int) | maskOf(Kind::Uint) | maskOf(Kind::Double) |
    maskOf(Kind::String) | maskOf(Kind::Bytes) | maskOf(Kind::Duration) | maskOf(Kind::Timestamp);

// Go has an answer of its own for each way in which arguments fit nothing.
Item noOverload(const Node& node, std::span<const Item> arguments) {
  static constexpr std::string_view kPlain[] = {"startsWith", "endsWith", "contains", "matches",
                                                "!_",         "@in",      "or",       "orValue"};
  const std::string name = node.text;
  if (std::find(std::begin(kPlain), std::end(kPlain), name) != std::end(kPlain))
    return Item::noOverload();
  if (name.back() == '_') {
    // An operator that the first operand has at all.
    std::uint32_t known = kComparable;
    if (name == "_+_") known |= maskOf(Kind::List);
    if (name == "-_") known = maskOf(Kind::Int) | maskOf(Kind::Double);
    if (name == "_%_") known = maskOf(Kind::Int) | maskOf(Kind::Uint);
    return (maskOf(arguments[0].kind) & known) != 0 ? Item::noOverload()
                                                    : Item::error("no such overload: " + name);
  }
  if (name == "size") return Item::error("no such overload: size");
  std::string shown = "no such overload: " + name + "(";
  for (std::size_t i = 0; i < arguments.size(); ++i)
    shown.append(i == 0 ? "" : ", ").append(typeNameOf(arguments[i]));
  return Item::error(shown + ")");
}

// Bytes that a new value holds.
std::uint64_t footprint(const Item& item) {
  if (item.block == nullptr) return item.kind == Kind::List ? 0 : item.json.size();
  if (item.kind == Kind::List || item.kind == Kind::Map) return countOf(item) * sizeof(Item);
  return 0;
}

Item noSuchKey(std::string_view key) { return Item::error("no such key: " + std::string(key)); }

// What is found, or none where nothing is; errors stay errors.
Item optionally(std::optional<Item> found) {
  if (!found) return Item::none();
  if (found->isError()) return *found;
  return Item::some(std::move(*found));
}

// The position that a key means in a list; an Error where it means none.
Item position(const Item& list, const Item& key) {
  if (key.kind == Kind::Int) return key;
  if (key.kind == Kind::Uint || key.kind == Kind::Double) {
    const bool isWhole = key.kind == Kind::Uint || key.real == std::floor(key.real);
    if (!isWhole) return Item::error("unsupported index value " + printKey(key) + " in list");
    if (list.declared != nullptr) return Item::error("unsupported index: " + printKey(key));
    if (key.kind == Kind::Uint) return Item::integer(key.number);
    if (std::abs(key.real) < 9e15) return Item::integer(static_cast<std::int64_t>(key.real));
  }
  return Item::error("unsupported index type '" + std::string(typeNameOf(key)) + "' in list");
}

}  // namespace

Item selectField(const Item& from, std::string_view name, bool isOptional, bool isTest) {
  if (from.isError()) return from;
  if (from.kind == Kind::Optional) {
    const Item* held = from.held();
    if (isTest)
      return held == nullptr ? Item::boolean(false) : selectField(*held, name, false, true);
    return held == nullptr ? Item::none() : selectField(*held, name, true, false);
  }
  std::optional<Item> found;
  if (from.kind == Kind::Map) found = fieldOf(from, name);
  if (isTest && !(found && found->isError())) return Item::boolean(found.has_value());
  if (isOptional) return optionally(std::move(found));
  return found ? std::move(*found) : noSuchKey(name);
}

Item indexInto(const Item& from, const Item& key, bool isOptional) {
  if (from.kind == Kind::Optional) {
    const Item* held = from.held();
    return held == nullptr ? Item::none() : indexInto(*held, key, true);
  }
  if (from.kind == Kind::List) {
    const Item at = position(from, key);
    if (at.isError()) return at;
    const bool isInside = at.number >= 0 && static_cast<std::uint64_t>(at.number) < countOf(from);
    if (!isInside)
      return isOptional ? Item::none()
                        : Item::error("index out of bounds: " + std::to_string(at.number));
    Item found = elementOf(from, static_cast<std::size_t>(at.number));
    return isOptional ? optionally(std::move(found)) : found;
  }
  std::optional<Item> found;
  if (from.kind == Kind::Map) {
    if (from.declared != nullptr && key.kind != Kind::String) return Item::noOverload();
    found = entryOf(from, key);
  }
  if (isOptional) return optionally(std::move(found));
  return found ? std::move(*found) : noSuchKey(printKey(key));
}

Item Interpreter::evaluate(NodeId id) {
  const Node& node = ast_.nodes[id];
  switch (node.kind) {
    case NodeKind::Literal:
      return node.literal;
    case NodeKind::Identifier:
      if (!budget_.spend(1)) return Budget::overrun();
      return slots_[static_cast<std::size_t>(node.slot)];
    case NodeKind::Select:
    case NodeKind::Has: {
      const Item from = evaluate(node.children[0]);
      const bool isTest = node.kind == NodeKind::Has;
      if (!budget_.spend(isTest ? 0 : 1)) return Budget::overrun();
      return selectField(from, node.text, node.isOptional, isTest);
    }
    case NodeKind::Call:
      return call(node);
    case NodeKind::List:
      return list(node);
    case NodeKind::Map:
      return map(node);
    case NodeKind::And:
    case NodeKind::Or:
      return junction(node);
    case NodeKind::Conditional:
      return conditional(node);
    case NodeKind::Loop:
      return loop(node);
    case NodeKind::Struct:
      break;
  }
  return Item::error("unsupported expression");
}

// The side that decides absorbs errors of the other ones, wherever they stand.
Item Interpreter::junction(const Node& node) {
  const bool decides = node.kind == NodeKind::Or;
  std::optional<Item> problem;
  for (const NodeId child : node.children) {
    Item value = evaluate(child);
    if (budget_.isOver()) return Budget::overrun();
    if (value.isBool() && value.isTrue() == decides) return value;
    if (value.isBool() || problem) continue;
    problem = value.isError() ? std::move(value) : Item::noOverload();
  }
  return problem ? std::move(*problem) : Item::boolean(!decides);
}

Item Interpreter::conditional(const Node& node) {
  const Item condition = evaluate(node.children[0]);
  if (condition.isError()) return condition;
  if (!condition.isBool()) return Item::noOverload();
  return evaluate(node.children[condition.isTrue() ? 1 : 2]);
}

Item Interpreter::call(const Node& node) {
  std::array<Item, 4> few;
  std::vector<Item> many;
  const std::size_t count = node.children.size();
  Item* items = few.data();
  if (count > few.size()) {
    many.resize(count);
    items = many.data();
  }
  const Item* problem = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    items[i] = evaluate(node.children[i]);
    if (items[i].isError() && problem == nullptr) problem = &items[i];
    if (budget_.isOver()) return Budget::overrun();
  }
  const std::span<const Item> arguments(items, count);
  if (problem != nullptr) {
    budget_.spend(1);
    return *problem;
  }
  const auto fitting =
      std::find_if(node.overloads.begin(), node.overloads.end(),
                   [&](const Overload* overload) { return overload->fits(arguments); });
  const bool isIndex = node.text == "_[_]" || node.text == "_[?_]";
  if (fitting == node.overloads.end() && !isIndex) return noOverload(node, arguments);
  if (isIndex) {
    if (!budget_.spend(1)) return Budget::overrun();
    return indexInto(items[0], items[1], node.text == "_[?_]");
  }
  const Overload& overload = **fitting;
  // To look something up in a literal is free.
  const bool isFree = node.text == "@in" && ast_.nodes[node.children[1]].kind == NodeKind::Literal;
  const std::uint64_t cost = overload.cost == nullptr ? 1 : overload.cost(arguments);
  if (!(isFree ? budget_.toil(cost) : budget_.spend(cost))) return Budget::overrun();
  Call context{budget_, arguments, node.prepared.get()};
  Item result = overload.run(context);
  budget_.take(footprint(result));
  return budget_.isOver() ? Budget::overrun() : result;
}

Item Interpreter::list(const Node& node) {
  std::vector<Item> items;
  items.reserve(node.children.size());
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    Item item = evaluate(node.children[i]);
    if (item.isError()) return item;
    if (node.optionals[i]) {
      if (item.kind != Kind::Optional) return Item::noOverload();
      if (item.held() == nullptr) continue;
      const Item held = *item.held();
      item = held;
    }
    items.push_back(std::move(item));
  }
  if (!budget_.spend(kListCost) || !budget_.take(items.size() * sizeof(Item)))
    return Budget::overrun();
  return Item::list(std::move(items));
}

Item Interpreter::map(const Node& node) {
  MapBuilder builder;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    Item key = evaluate(node.children[i]);
    if (key.isError()) return key;
    Item value = evaluate(node.children[i + 1]);
    if (value.isError()) return value;
    if (node.optionals[i / 2]) {
      if (value.kind != Kind::Optional) return Item::noOverload();
      if (value.held() == nullptr) continue;
      const Item held = *value.held();
      value = held;
    }
    if (!MapBuilder::isKey(key))
      return Item::error("unsupported key type: " + std::string(typeNameOf(key)));
    builder.insert(std::move(key), std::move(value), true);
  }
  if (!budget_.spend(kMapCost) || !budget_.take(node.children.size() * sizeof(Item)))
    return Budget::overrun();
  return std::move(builder).finish();
}

std::string prepare(Ast& ast, Problems& problems) {
  std::string failure;
  for (NodeId id = 0; id < ast.nodes.size(); ++id) {
    Node& node = ast.nodes[id];
    if (node.kind == NodeKind::Call &&
        (node.text == "matches" || node.text == "find" || node.text == "findAll")) {
      const Node& pattern = ast.nodes[node.children[1]];
      if (pattern.kind == NodeKind::Literal && pattern.literal.kind == Kind::String) {
        auto regexp = gotemplate::compileRegexp(pattern.literal.view());
        if (regexp) {
          node.prepared = std::move(*regexp);
        } else if (node.text == "matches") {
          problems.add(pattern.offset, "invalid matches argument");
        } else if (failure.empty()) {
          failure = regexp.error().message;
        }
      }
    }
    if (!node.isConstant || node.kind == NodeKind::Literal) continue;
    // What literals can make is no larger than they are.
    Budget budget(kMaxWork);
    std::vector<Item> none;
    Item value = Interpreter(ast, budget, none).evaluate(id);
    if (value.isError()) {
      const bool isTime = node.text == "duration" || node.text == "timestamp";
      if (node.kind == NodeKind::Call && isTime) {
        problems.add(ast.nodes[node.children[0]].offset, "invalid " + node.text + " argument");
      } else if (failure.empty()) {
        failure = value.view();
      }
      continue;
    }
    node.kind = NodeKind::Literal;
    node.literal = std::move(value);
  }
  return failure;
}

}  // namespace iop::cel::internal
