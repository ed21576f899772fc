// Lists: k8s.io/apiserver/pkg/cel/library (Lists) and cel-go's ext.Lists (version 3) and ext.Sets.

#include <algorithm>
#include <limits>

#include "cel/internal/functions.h"

namespace iop::cel::internal {
namespace {

constexpr std::int64_t kMaxRange = 1'000'000;

std::vector<Item> elementsOf(const Item& list) {
  std::vector<Item> out;
  const std::size_t count = countOf(list);
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) out.push_back(elementOf(list, i));
  return out;
}

Item isSorted(Call& call) {
  const std::size_t count = countOf(call[0]);
  for (std::size_t i = 1; i < count; ++i) {
    const Item before = elementOf(call[0], i - 1), here = elementOf(call[0], i);
    const auto order = compare(before, here);
    if (order && *order > 0) return Item::boolean(false);
  }
  return Item::boolean(true);
}

// The extreme element; those of another type do not change it.
Item extreme(Call& call, std::string_view name, int sign) {
  const std::size_t count = countOf(call[0]);
  if (count == 0) return Item::error(std::string(name) + " called on empty list");
  Item best = elementOf(call[0], 0);
  if (!compare(best, best)) return Item::noOverload();
  for (std::size_t i = 1; i < count; ++i) {
    Item item = elementOf(call[0], i);
    if (!compare(item, item)) return Item::noOverload();
    const auto order = compare(item, best);
    if (order && *order * sign > 0) best = std::move(item);
  }
  return best;
}

Item max(Call& call) { return extreme(call, "max", 1); }
Item min(Call& call) { return extreme(call, "min", -1); }

Item plus(const Item& a, const Item& b) {
  Item out = a;
  if (a.kind != b.kind) return Item::noOverload();
  switch (a.kind) {
    case Kind::Double:
      out.real += b.real;
      return out;
    case Kind::Int:
    case Kind::Duration:
      if (__builtin_add_overflow(a.number, b.number, &out.number))
        return Item::error("integer overflow");
      return out;
    case Kind::Uint: {
      std::uint64_t sum = 0;
      if (__builtin_add_overflow(a.asNatural(), b.asNatural(), &sum))
        return Item::error("unsigned integer overflow");
      return Item::natural(sum);
    }
    default:
      return Item::noOverload();
  }
}

Item sum(Call& call) {
  const std::size_t count = countOf(call[0]);
  if (count == 0) return Item::integer(0);
  Item total = elementOf(call[0], 0);
  if (count == 1) return plus(total, total).isError() ? Item::noOverload() : total;
  for (std::size_t i = 1; i < count && !total.isError(); ++i)
    total = plus(total, elementOf(call[0], i));
  return total;
}

Item indexOf(Call& call) {
  for (std::size_t i = 0; i < countOf(call[0]); ++i) {
    if (equal(elementOf(call[0], i), call[1], call.budget.work()))
      return Item::integer(static_cast<std::int64_t>(i));
  }
  return Item::integer(-1);
}

Item lastIndexOf(Call& call) {
  for (std::size_t i = countOf(call[0]); i-- > 0;) {
    if (equal(elementOf(call[0], i), call[1], call.budget.work()))
      return Item::integer(static_cast<std::int64_t>(i));
  }
  return Item::integer(-1);
}

Item includes(Call& call) {
  if (call[0].kind != Kind::List) return Item::boolean(equal(call[0], call[1], call.budget.work()));
  return Item::boolean(indexOf(call).number >= 0);
}

Item sort(Call& call) {
  std::vector<Item> items = elementsOf(call[0]);
  for (const Item& item : items) {
    if (item.isError()) return item;
    if (item.kind != items.front().kind)
      return Item::error("list elements must have the same type");
    if (!compare(item, item)) return Item::error("list elements must be comparable");
  }
  std::stable_sort(items.begin(), items.end(),
                   [](const Item& a, const Item& b) { return compare(a, b).value_or(0) < 0; });
  return Item::list(std::move(items));
}

Item slice(Call& call) {
  const std::int64_t begin = call.number(1), end = call.number(2);
  const auto count = static_cast<std::int64_t>(countOf(call[0]));
  const std::string what =
      "cannot slice(" + std::to_string(begin) + ", " + std::to_string(end) + "), ";
  if (begin < 0 || end < 0) return Item::error(what + "negative indexes not supported");
  if (begin > end) return Item::error(what + "start index must be less than or equal to end index");
  if (end > count) return Item::error(what + "list is length " + std::to_string(count));
  std::vector<Item> out;
  for (std::int64_t i = begin; i < end; ++i)
    out.push_back(elementOf(call[0], static_cast<std::size_t>(i)));
  return Item::list(std::move(out));
}

bool flattenInto(std::vector<Item>& out, const Item& list, std::int64_t depth, Budget& budget) {
  for (std::size_t i = 0; i < countOf(list); ++i) {
    Item item = elementOf(list, i);
    if (!budget.toil(1) || !budget.take(sizeof(Item))) return false;
    if (item.kind == Kind::List && depth > 0) {
      if (!flattenInto(out, item, depth - 1, budget)) return false;
    } else {
      out.push_back(std::move(item));
    }
  }
  return true;
}

Item flatten(Call& call) {
  const std::int64_t depth = call.size() == 2 ? call.number(1) : 1;
  if (depth < 0) return Item::error("level must be non-negative");
  std::vector<Item> out;
  if (!flattenInto(out, call[0], depth, call.budget)) return Budget::overrun();
  return Item::list(std::move(out));
}

bool holds(const std::vector<Item>& items, const Item& item, std::uint64_t& work) {
  return std::any_of(items.begin(), items.end(),
                     [&](const Item& known) { return equal(known, item, work); });
}

Item distinct(Call& call) {
  std::vector<Item> out;
  for (std::size_t i = 0; i < countOf(call[0]); ++i) {
    Item item = elementOf(call[0], i);
    if (!holds(out, item, call.budget.work())) out.push_back(std::move(item));
    if (call.budget.isOver()) return Budget::overrun();
  }
  return Item::list(std::move(out));
}

Item reverse(Call& call) {
  std::vector<Item> items = elementsOf(call[0]);
  std::reverse(items.begin(), items.end());
  return Item::list(std::move(items));
}

Item range(Call& call) {
  const std::int64_t count = call.number(0);
  if (count < 0)
    return Item::error("lists.range: size must be non-negative, got " + std::to_string(count));
  if (count > kMaxRange)
    return Item::error("lists.range: size " + std::to_string(count) +
                       " exceeds maximum allowed (1000000)");
  if (!call.budget.take(static_cast<std::uint64_t>(count) * sizeof(Item))) return Budget::overrun();
  std::vector<Item> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(Item::integer(i));
  return Item::list(std::move(out));
}

Item end(Call& call, bool isLast) {
  const std::size_t count = countOf(call[0]);
  if (count == 0) return Item::none();
  Item item = elementOf(call[0], isLast ? count - 1 : 0);
  return item.isError() ? item : Item::some(std::move(item));
}

Item first(Call& call) { return end(call, false); }
Item last(Call& call) { return end(call, true); }

bool containsAll(const Item& list, const Item& sublist, std::uint64_t& work) {
  const std::vector<Item> items = elementsOf(list);
  for (std::size_t i = 0; i < countOf(sublist); ++i) {
    if (!holds(items, elementOf(sublist, i), work)) return false;
  }
  return true;
}

Item setContains(Call& call) {
  return Item::boolean(containsAll(call[0], call[1], call.budget.work()));
}
Item setEquivalent(Call& call) {
  std::uint64_t& work = call.budget.work();
  return Item::boolean(containsAll(call[0], call[1], work) && containsAll(call[1], call[0], work));
}
Item setIntersects(Call& call) {
  const std::vector<Item> items = elementsOf(call[0]);
  for (std::size_t i = 0; i < countOf(call[1]); ++i) {
    if (holds(items, elementOf(call[1], i), call.budget.work())) return Item::boolean(true);
  }
  return Item::boolean(false);
}

std::uint64_t costOfCopy(std::span<const Item> arguments) { return 11 + sizeForCost(arguments[0]); }
std::uint64_t costOfSlice(std::span<const Item> arguments) {
  const std::int64_t begin = std::max<std::int64_t>(arguments[1].number, 0);
  const std::int64_t count = static_cast<std::int64_t>(countOf(arguments[0]));
  const std::int64_t end = std::min(arguments[2].number, count);
  return 11 + static_cast<std::uint64_t>(std::max<std::int64_t>(end - begin, 0));
}
std::uint64_t costOfSquare(std::span<const Item> arguments) {
  const std::uint64_t size = sizeForCost(arguments[0]);
  return 11 + 2 * size * size;
}
std::uint64_t costOfRange(std::span<const Item> arguments) {
  const std::int64_t count = arguments[0].number;
  return 12 + (count > 0 && count <= kMaxRange ? static_cast<std::uint64_t>(count) - 1 : 0);
}
std::uint64_t costOfProduct(std::span<const Item> arguments) {
  return 1 + sizeForCost(arguments[0]) * sizeForCost(arguments[1]);
}
std::uint64_t costOfBoth(std::span<const Item> arguments) {
  return 1 + 2 * sizeForCost(arguments[0]) * sizeForCost(arguments[1]);
}

constexpr Declaration kFunctions[] = {
    {"distinct", "list(T).() -> list(T)", distinct, costOfSquare},
    {"first", "list(V).() -> optional(V)", first},
    {"flatten", "list(list(T)).() -> list(T)", flatten, costOfCopy},
    {"flatten", "list(dyn).(int) -> list(dyn)", flatten, costOfCopy},
    {"includes", "dyn.(dyn) -> bool", includes, costOfElements},
    {"indexOf", "list(A).(A) -> int", indexOf, costOfElements},
    {"last", "list(V).() -> optional(V)", last},
    {"lastIndexOf", "list(A).(A) -> int", lastIndexOf, costOfElements},
    {"lists.range", "(int) -> list(int)", range, costOfRange},
    {"reverse", "list(T).() -> list(T)", reverse, costOfCopy},
    {"slice", "list(T).(int, int) -> list(T)", slice, costOfSlice},
};

constexpr Declaration kSets[] = {
    {"sets.contains", "(list(T), list(T)) -> bool", setContains, costOfProduct},
    {"sets.equivalent", "(list(T), list(T)) -> bool", setEquivalent, costOfBoth},
    {"sets.intersects", "(list(T), list(T)) -> bool", setIntersects, costOfProduct},
};

// These exist for lists of each type that has an order.
struct Ordered {
  std::string_view name;
  Run run;
  CostOf cost;
  std::string_view signatures[8];
};

constexpr Ordered kOrdered[] = {
    {"isSorted",
     isSorted,
     costOfElements,
     {"list(int).() -> bool", "list(string).() -> bool", "list(double).() -> bool",
      "list(bool).() -> bool", "list(bytes).() -> bool", "list(duration).() -> bool",
      "list(timestamp).() -> bool", "list(uint).() -> bool"}},
    {"max",
     max,
     costOfElements,
     {"list(int).() -> int", "list(string).() -> string", "list(double).() -> double",
      "list(bool).() -> bool", "list(bytes).() -> bytes", "list(duration).() -> duration",
      "list(timestamp).() -> timestamp", "list(uint).() -> uint"}},
    {"min",
     min,
     costOfElements,
     {"list(int).() -> int", "list(string).() -> string", "list(double).() -> double",
      "list(bool).() -> bool", "list(bytes).() -> bytes", "list(duration).() -> duration",
      "list(timestamp).() -> timestamp", "list(uint).() -> uint"}},
    {"sort",
     sort,
     costOfSquare,
     {"list(int).() -> list(int)", "list(string).() -> list(string)",
      "list(double).() -> list(double)", "list(bool).() -> list(bool)",
      "list(bytes).() -> list(bytes)", "list(duration).() -> list(duration)",
      "list(timestamp).() -> list(timestamp)", "list(uint).() -> list(uint)"}},
    {"sum",
     sum,
     costOfElements,
     {"list(int).() -> int", "list(double).() -> double", "list(duration).() -> duration",
      "list(uint).() -> uint"}},
};

}  // namespace

std::span<const Declaration> listFunctions() {
  static const std::vector<Declaration> all = [] {
    std::vector<Declaration> out(std::begin(kFunctions), std::end(kFunctions));
    for (const Ordered& ordered : kOrdered) {
      for (const std::string_view signature : ordered.signatures) {
        if (!signature.empty()) out.push_back({ordered.name, signature, ordered.run, ordered.cost});
      }
    }
    return out;
  }();
  return all;
}

std::span<const Declaration> setFunctions() { return kSets; }

}  // namespace iop::cel::internal
