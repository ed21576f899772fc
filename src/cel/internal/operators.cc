// What +, <, == and the like do (cel-spec, doc/langdef.md, "Operators").

#include <algorithm>
#include <cmath>
#include <limits>

#include "cel/internal/functions.h"
#include "cel/internal/time_text.h"

namespace iop::cel::internal {
namespace {

Item integerOverflow() { return Item::error("integer overflow"); }
Item naturalOverflow() { return Item::error("unsigned integer overflow"); }

// Of durations too.
Item withSign(Kind kind, bool overflows, std::int64_t value) {
  if (overflows) return integerOverflow();
  Item out = Item::integer(value);
  out.kind = kind;
  return out;
}

Item addIntegers(Call& call) {
  std::int64_t out = 0;
  const bool overflows = __builtin_add_overflow(call.number(0), call.number(1), &out);
  return withSign(call[0].kind, overflows, out);
}

Item subtractIntegers(Call& call) {
  std::int64_t out = 0;
  const bool overflows = __builtin_sub_overflow(call.number(0), call.number(1), &out);
  return withSign(call[0].kind, overflows, out);
}

Item multiplyIntegers(Call& call) {
  std::int64_t out = 0;
  const bool overflows = __builtin_mul_overflow(call.number(0), call.number(1), &out);
  return withSign(Kind::Int, overflows, out);
}

bool overflowsDivision(Call& call) {
  return call.number(0) == std::numeric_limits<std::int64_t>::min() && call.number(1) == -1;
}

Item divideIntegers(Call& call) {
  if (call.number(1) == 0) return Item::error("division by zero");
  if (overflowsDivision(call)) return integerOverflow();
  return Item::integer(call.number(0) / call.number(1));
}

Item moduloIntegers(Call& call) {
  if (call.number(1) == 0) return Item::error("modulus by zero");
  if (overflowsDivision(call)) return integerOverflow();
  return Item::integer(call.number(0) % call.number(1));
}

Item negateInteger(Call& call) {
  if (call.number(0) == std::numeric_limits<std::int64_t>::min()) return integerOverflow();
  return Item::integer(-call.number(0));
}

template <typename Operate>
Item onNaturals(Call& call, Operate operate) {
  std::uint64_t out = 0;
  const bool overflows = operate(call[0].asNatural(), call[1].asNatural(), &out);
  return overflows ? naturalOverflow() : Item::natural(out);
}

Item addNaturals(Call& call) {
  return onNaturals(call,
                    [](auto a, auto b, auto* out) { return __builtin_add_overflow(a, b, out); });
}
Item subtractNaturals(Call& call) {
  return onNaturals(call,
                    [](auto a, auto b, auto* out) { return __builtin_sub_overflow(a, b, out); });
}
Item multiplyNaturals(Call& call) {
  return onNaturals(call,
                    [](auto a, auto b, auto* out) { return __builtin_mul_overflow(a, b, out); });
}
Item divideNaturals(Call& call) {
  if (call.number(1) == 0) return Item::error("division by zero");
  return Item::natural(call[0].asNatural() / call[1].asNatural());
}
Item moduloNaturals(Call& call) {
  if (call.number(1) == 0) return Item::error("modulus by zero");
  return Item::natural(call[0].asNatural() % call[1].asNatural());
}

Item addDoubles(Call& call) { return Item::floating(call[0].real + call[1].real); }
Item subtractDoubles(Call& call) { return Item::floating(call[0].real - call[1].real); }
Item multiplyDoubles(Call& call) { return Item::floating(call[0].real * call[1].real); }
Item divideDoubles(Call& call) {
  const double a = call[0].real, b = call[1].real;
  if (b != 0) return Item::floating(a / b);
  // What IEEE 754 says, which C++ does not promise.
  if (a == 0 || std::isnan(a)) return Item::floating(std::nan(""));
  return Item::floating(std::signbit(a) == std::signbit(b) ? HUGE_VAL : -HUGE_VAL);
}
Item negateDouble(Call& call) { return Item::floating(-call[0].real); }

Item addText(Call& call) {
  const std::string_view a = call.text(0), b = call.text(1);
  if (!call.budget.take(a.size() + b.size())) return Budget::overrun();
  std::string out;
  out.reserve(a.size() + b.size());
  out.append(a).append(b);
  return call[0].kind == Kind::String ? Item::text(out) : Item::bytes(out);
}

// The elements that make two items of a list that is a map the same one.
bool haveSameKeys(const Item& a, const Item& b, const std::vector<std::string>& keys,
                  std::uint64_t& work) {
  return a.kind == Kind::Map && b.kind == Kind::Map &&
         std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
           const auto left = fieldOf(a, key), right = fieldOf(b, key);
           if (!left || !right) return left.has_value() == right.has_value();
           return equal(*left, *right, work);
         });
}

// A set keeps what it has; in a list that is a map later items replace earlier ones.
Item mergeLists(Call& call, const Type& declared) {
  std::uint64_t& work = call.budget.work();
  std::vector<Item> out;
  for (std::size_t i = 0; i < countOf(call[0]); ++i) out.push_back(elementOf(call[0], i));
  for (std::size_t i = 0; i < countOf(call[1]); ++i) {
    Item item = elementOf(call[1], i);
    const auto found = std::find_if(out.begin(), out.end(), [&](const Item& known) {
      return declared.listKind == Type::ListKind::Set
                 ? equal(known, item, work)
                 : haveSameKeys(known, item, declared.keys, work);
    });
    if (call.budget.isOver()) return Budget::overrun();
    if (found == out.end()) {
      out.push_back(std::move(item));
    } else {
      *found = std::move(item);
    }
  }
  Item list = Item::list(std::move(out));
  list.declared = &declared;
  return list;
}

Item addLists(Call& call) {
  const std::size_t a = countOf(call[0]), b = countOf(call[1]);
  if (!call.budget.take((a + b) * sizeof(Item))) return Budget::overrun();
  const Type* declared = call[0].declared;
  if (declared != nullptr && declared->listKind != Type::ListKind::Atomic)
    return mergeLists(call, *declared);
  std::vector<Item> out;
  out.reserve(a + b);
  for (std::size_t i = 0; i < a; ++i) out.push_back(elementOf(call[0], i));
  for (std::size_t i = 0; i < b; ++i) out.push_back(elementOf(call[1], i));
  return Item::list(std::move(out));
}

Item moved(const Item& timestamp, std::int64_t nanoseconds, bool isForward) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  // Whole seconds and the rest apart, so that nothing overflows.
  const std::int64_t sign = isForward ? 1 : -1;
  std::int64_t seconds = timestamp.number + sign * (nanoseconds / kSecond);
  std::int64_t nanos = timestamp.nanos + sign * (nanoseconds % kSecond);
  if (nanos < 0) {
    nanos += kSecond;
    --seconds;
  } else if (nanos >= kSecond) {
    nanos -= kSecond;
    ++seconds;
  }
  if (seconds < kFirstSecond || seconds > kLastSecond) return Item::error("timestamp overflow");
  return Item::timestamp(seconds, static_cast<std::int32_t>(nanos), timestamp.zoneMinutes);
}

Item addToTimestamp(Call& call) {
  const bool isFirst = call[0].kind == Kind::Timestamp;
  return moved(call[isFirst ? 0 : 1], call.number(isFirst ? 1 : 0), true);
}
Item subtractFromTimestamp(Call& call) { return moved(call[0], call.number(1), false); }

Item subtractTimestamps(Call& call) {
  std::int64_t out = 0;
  const bool overflows =
      __builtin_mul_overflow(call.number(0) - call.number(1), std::int64_t{1'000'000'000}, &out) ||
      __builtin_add_overflow(out, std::int64_t{call[0].nanos - call[1].nanos}, &out);
  return withSign(Kind::Duration, overflows, out);
}

template <typename Judge>
Item ordered(Call& call, Judge judge) {
  const auto order = compare(call[0], call[1]);
  if (order) return Item::boolean(judge(*order));
  if (call[0].isNumber() && call[1].isNumber()) return Item::error("NaN values cannot be ordered");
  return Item::noOverload();
}

Item less(Call& call) {
  return ordered(call, [](int order) { return order < 0; });
}
Item atMost(Call& call) {
  return ordered(call, [](int order) { return order <= 0; });
}
Item greater(Call& call) {
  return ordered(call, [](int order) { return order > 0; });
}
Item atLeast(Call& call) {
  return ordered(call, [](int order) { return order >= 0; });
}

// Kubernetes' own lists and maps do not compare with anything else but null.
bool isRefused(Call& call) {
  const bool isContainer = call[0].kind == Kind::List || call[0].kind == Kind::Map;
  return isContainer && call[0].block == nullptr && call[1].kind != call[0].kind &&
         call[1].kind != Kind::Null;
}

Item equals(Call& call) {
  if (isRefused(call)) return Item::noOverload();
  return Item::boolean(equal(call[0], call[1], call.budget.work()));
}
Item differs(Call& call) {
  if (isRefused(call)) return Item::noOverload();
  return Item::boolean(!equal(call[0], call[1], call.budget.work()));
}

Item negate(Call& call) { return Item::boolean(!call[0].isTrue()); }

// An error among the elements counts where nothing is found.
Item isInList(Call& call) {
  Item problem;
  for (std::size_t i = 0; i < countOf(call[1]); ++i) {
    const Item element = elementOf(call[1], i);
    if (element.isError()) problem = element;
    if (equal(call[0], element, call.budget.work())) return Item::boolean(true);
  }
  return problem.isError() ? problem : Item::boolean(false);
}

Item isInMap(Call& call) {
  const auto found = entryOf(call[1], call[0]);
  if (found && found->isError()) return *found;
  return Item::boolean(found.has_value());
}

// Indexes depend on where they stand: the interpreter knows them.
Item index(Call&) { return Item::noOverload(); }

std::uint64_t costOfComparing(std::span<const Item> arguments) {
  return tenth(std::min(sizeForCost(arguments[0]), sizeForCost(arguments[1])));
}
std::uint64_t costOfAdding(std::span<const Item> arguments) {
  return tenth(sizeForCost(arguments[0]) + sizeForCost(arguments[1]));
}
std::uint64_t costOfFinding(std::span<const Item> arguments) { return sizeForCost(arguments[1]); }

constexpr Declaration kFunctions[] = {
    {"!_", "(bool) -> bool", negate},
    {"-_", "(double) -> double", negateDouble},
    {"-_", "(int) -> int", negateInteger},
    {"@in", "(A, list(A)) -> bool", isInList, costOfFinding},
    {"@in", "(A, map(A, B)) -> bool", isInMap},
    {"_==_", "(A, A) -> bool", equals, costOfComparing},
    {"_!=_", "(A, A) -> bool", differs, costOfComparing},
    {"_%_", "(int, int) -> int", moduloIntegers},
    {"_%_", "(uint, uint) -> uint", moduloNaturals},
    {"_*_", "(double, double) -> double", multiplyDoubles},
    {"_*_", "(int, int) -> int", multiplyIntegers},
    {"_*_", "(uint, uint) -> uint", multiplyNaturals},
    {"_+_", "(bytes, bytes) -> bytes", addText, costOfAdding},
    {"_+_", "(double, double) -> double", addDoubles},
    {"_+_", "(duration, duration) -> duration", addIntegers},
    {"_+_", "(duration, timestamp) -> timestamp", addToTimestamp},
    {"_+_", "(timestamp, duration) -> timestamp", addToTimestamp},
    {"_+_", "(int, int) -> int", addIntegers},
    {"_+_", "(list(A), list(A)) -> list(A)", addLists, costOfAdding},
    {"_+_", "(string, string) -> string", addText, costOfAdding},
    {"_+_", "(uint, uint) -> uint", addNaturals},
    {"_-_", "(double, double) -> double", subtractDoubles},
    {"_-_", "(duration, duration) -> duration", subtractIntegers},
    {"_-_", "(timestamp, duration) -> timestamp", subtractFromTimestamp},
    {"_-_", "(timestamp, timestamp) -> duration", subtractTimestamps},
    {"_-_", "(int, int) -> int", subtractIntegers},
    {"_-_", "(uint, uint) -> uint", subtractNaturals},
    {"_/_", "(double, double) -> double", divideDoubles},
    {"_/_", "(int, int) -> int", divideIntegers},
    {"_/_", "(uint, uint) -> uint", divideNaturals},
    {"_[_]", "(list(A), int) -> A", index},
    {"_[_]", "(map(A, B), A) -> B", index},
    {"_[_]", "(optional(list(V)), int) -> optional(V)", index},
    {"_[_]", "(optional(map(K, V)), K) -> optional(V)", index},
    {"_[?_]", "(list(V), int) -> optional(V)", index},
    {"_[?_]", "(map(K, V), K) -> optional(V)", index},
    {"_[?_]", "(optional(list(V)), int) -> optional(V)", index},
    {"_[?_]", "(optional(map(K, V)), K) -> optional(V)", index},
};

// Each ordering operator has the same signatures.
constexpr std::string_view kOrdered[] = {
    "(int, int) -> bool",       "(string, string) -> bool",
    "(double, double) -> bool", "(bool, bool) -> bool",
    "(bytes, bytes) -> bool",   "(duration, duration) -> bool",
    "(uint, uint) -> bool",     "(timestamp, timestamp) -> bool",
    "(double, int) -> bool",    "(double, uint) -> bool",
    "(int, double) -> bool",    "(int, uint) -> bool",
    "(uint, double) -> bool",   "(uint, int) -> bool"};

}  // namespace

std::span<const Declaration> operatorFunctions() {
  static const std::vector<Declaration> all = [] {
    std::vector<Declaration> out(std::begin(kFunctions), std::end(kFunctions));
    for (const std::string_view signature : kOrdered) {
      out.push_back({"_<_", signature, less, costOfComparing});
      out.push_back({"_<=_", signature, atMost, costOfComparing});
      out.push_back({"_>_", signature, greater, costOfComparing});
      out.push_back({"_>=_", signature, atLeast, costOfComparing});
    }
    return out;
  }();
  return all;
}

}  // namespace iop::cel::internal
