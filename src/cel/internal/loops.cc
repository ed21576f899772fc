// The macros: what cel-go expands into comprehensions runs here as loops, at the same cost.

#include <algorithm>

#include "cel/internal/interpreter.h"

namespace iop::cel::internal {
namespace {

constexpr std::uint64_t kAppendCost = 12;  // naming the result, a list of one, adding it
constexpr std::uint64_t kListCost = 10;    // of which the list; nothing where it is constant

std::string_view goTypeOf(const Item& item) {
  switch (item.kind) {
    case Kind::Null:
      return "types.Null";
    case Kind::Bool:
      return "types.Bool";
    case Kind::Int:
      return "types.Int";
    case Kind::Uint:
      return "types.Uint";
    case Kind::Double:
      return "types.Double";
    case Kind::String:
      return "types.String";
    case Kind::Bytes:
      return "types.Bytes";
    case Kind::Duration:
      return "types.Duration";
    case Kind::Timestamp:
      return "types.Timestamp";
    case Kind::Type:
      return "*types.Type";
    case Kind::Optional:
      return "*types.Optional";
    default:
      return typeNameOf(item);
  }
}

}  // namespace

struct Interpreter::Range {
  Item of;
  std::size_t count = 0;
};

void Interpreter::bind(const Node& node, const Range& range, std::size_t index) {
  const bool isPair = node.names.size() == 2;
  Item* slot = &slots_[static_cast<std::size_t>(node.slot)];
  if (range.of.kind == Kind::List) {
    if (isPair) *slot++ = Item::integer(static_cast<std::int64_t>(index));
    *slot = elementOf(range.of, index);
    return;
  }
  slot[0] = keyAt(range.of, index);
  if (isPair) slot[1] = entryOf(range.of, slot[0]).value_or(Item());
}

Item Interpreter::loop(const Node& node) {
  Range range{evaluate(node.children[0]), 0};
  if (range.of.isError()) return range.of;
  if (node.loop == LoopKind::OptionalMap || node.loop == LoopKind::OptionalFlatMap)
    return optionalLoop(node, range.of);
  if (range.of.kind != Kind::List && range.of.kind != Kind::Map) {
    const std::string type(goTypeOf(range.of));
    return Item::error(node.names.size() == 2 ? "unsupported comprehension range type: " + type
                                              : "got '" + type + "', expected iterable type");
  }
  range.count = countOf(range.of);
  Item result;
  switch (node.loop) {
    case LoopKind::All:
    case LoopKind::Exists:
      result = quantified(node, range);
      break;
    case LoopKind::ExistsOne:
      result = counted(node, range);
      break;
    case LoopKind::TransformMap:
    case LoopKind::TransformMapEntry:
      result = mapped(node, range);
      break;
    case LoopKind::SortBy:
      result = sorted(node, range);
      break;
    default:
      result = listed(node, range);
  }
  return budget_.spend(1) ? result : Budget::overrun();
}

Item Interpreter::optionalLoop(const Node& node, const Item& target) {
  if (target.kind != Kind::Optional)
    return Item::error("no such overload: hasValue(" + std::string(typeNameOf(target)) + ")");
  if (target.held() == nullptr) {
    budget_.spend(2);
    return Item::none();
  }
  if (!budget_.spend(4)) return Budget::overrun();
  slots_[static_cast<std::size_t>(node.slot)] = *target.held();
  Item body = evaluate(node.children[1]);
  if (body.isError() || node.loop == LoopKind::OptionalFlatMap) return body;
  return Item::some(std::move(body));
}

// all() and exists(): the first answer that decides ends it, and errors of others with it.
Item Interpreter::quantified(const Node& node, const Range& range) {
  const bool decides = node.loop == LoopKind::Exists;
  const std::uint64_t conditionCost = decides ? 3 : 2;
  std::optional<Item> problem;
  for (std::size_t i = 0; i < range.count; ++i) {
    bind(node, range, i);
    if (!budget_.spend(conditionCost + 1)) return Budget::overrun();
    Item answer = evaluate(node.children[1]);
    if (budget_.isOver()) return Budget::overrun();
    if (answer.isBool() && answer.isTrue() == decides) {
      if (i + 1 < range.count) budget_.spend(conditionCost);
      return answer;
    }
    if (answer.isBool() || problem) continue;
    problem = answer.isError() ? std::move(answer) : Item::noOverload();
  }
  return problem ? std::move(*problem) : Item::boolean(!decides);
}

Item Interpreter::counted(const Node& node, const Range& range) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < range.count; ++i) {
    bind(node, range, i);
    const Item answer = evaluate(node.children[1]);
    if (answer.isError()) return answer;
    if (!answer.isBool()) return Item::noOverload();
    if (!answer.isTrue()) continue;
    ++found;
    if (!budget_.spend(2)) return Budget::overrun();
  }
  budget_.spend(1);
  return Item::boolean(found == 1);
}

// map() and filter().
Item Interpreter::listed(const Node& node, const Range& range) {
  const bool isFilter = node.loop == LoopKind::Filter;
  const bool hasFilter = isFilter || node.loop == LoopKind::MapFiltered;
  std::vector<Item> items;
  for (std::size_t i = 0; i < range.count; ++i) {
    bind(node, range, i);
    if (hasFilter) {
      const Item answer = evaluate(node.children[1]);
      if (answer.isError()) return answer;
      if (!answer.isBool()) return Item::noOverload();
      if (!answer.isTrue()) continue;
    }
    const std::size_t last = static_cast<std::size_t>(node.slot) + node.names.size() - 1;
    Item item = isFilter ? slots_[last] : evaluate(node.children.back());
    if (item.isError()) return item;
    items.push_back(std::move(item));
    std::uint64_t cost = kAppendCost - 1 + tenth(items.size()) + (isFilter ? 1 : 0);
    if (!isFilter && ast_.nodes[node.children.back()].kind == NodeKind::Literal) cost -= kListCost;
    if (!budget_.spend(cost) || !budget_.take(sizeof(Item))) return Budget::overrun();
  }
  return Item::list(std::move(items));
}

Item Interpreter::mapped(const Node& node, const Range& range) {
  MapBuilder builder;
  for (std::size_t i = 0; i < range.count; ++i) {
    bind(node, range, i);
    if (node.children.size() == 3) {
      const Item answer = evaluate(node.children[1]);
      if (answer.isError()) return answer;
      if (!answer.isBool()) return Item::noOverload();
      if (!answer.isTrue()) continue;
    }
    const std::size_t first = static_cast<std::size_t>(node.slot);
    Item body = evaluate(node.children.back());
    if (body.isError()) return body;
    const bool isEntry = node.loop == LoopKind::TransformMapEntry;
    if (!budget_.spend(isEntry ? 2 : 3) || !budget_.take(2 * sizeof(Item)))
      return Budget::overrun();
    if (!isEntry) {
      builder.insert(slots_[first], std::move(body), true);
      continue;
    }
    if (body.kind != Kind::Map) return Item::noOverload();
    for (std::size_t k = 0; k < countOf(body); ++k) {
      const Item key = keyAt(body, k);
      Item value = entryOf(body, key).value_or(Item());
      if (value.isError()) return value;
      if (!budget_.toil(1) || !budget_.take(2 * sizeof(Item))) return Budget::overrun();
      if (!builder.insert(key, std::move(value), false))
        return Item::error("insert failed: key " + printKey(key) + " already exists");
    }
  }
  return std::move(builder).finish();
}

Item Interpreter::sorted(const Node& node, const Range& range) {
  if (range.of.kind != Kind::List) return Item::noOverload();
  std::vector<std::pair<Item, std::size_t>> keys;
  for (std::size_t i = 0; i < range.count; ++i) {
    bind(node, range, i);
    Item key = evaluate(node.children[1]);
    if (key.isError()) return key;
    if (!keys.empty() && key.kind != keys.front().first.kind)
      return Item::error("list elements must have the same type");
    if (!compare(key, key)) return Item::error("list elements must be comparable");
    keys.emplace_back(std::move(key), i);
    if (!budget_.spend(kAppendCost) || !budget_.take(2 * sizeof(Item))) return Budget::overrun();
  }
  const std::uint64_t count = range.count;
  if (!budget_.spend(kAppendCost + 1 + 2 * count * count)) return Budget::overrun();
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
    return compare(a.first, b.first).value_or(0) < 0;
  });
  std::vector<Item> items;
  for (const auto& [key, index] : keys) items.push_back(elementOf(range.of, index));
  return Item::list(std::move(items));
}

}  // namespace iop::cel::internal
