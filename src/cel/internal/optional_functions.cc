// Optional values (cel-go, cel.OptionalTypes).

#include "cel/internal/functions.h"

namespace iop::cel::internal {
namespace {

bool isZero(const Item& item) {
  switch (item.kind) {
    case Kind::Null:
      return true;
    case Kind::Bool:
    case Kind::Int:
    case Kind::Uint:
    case Kind::Duration:
      return item.number == 0;
    case Kind::Double:
      return item.real == 0;
    case Kind::String:
    case Kind::Bytes:
      return item.json.empty();
    case Kind::List:
    case Kind::Map:
      return countOf(item) == 0;
    case Kind::Optional:
      return item.held() == nullptr;
    default:
      return false;
  }
}

Item none(Call&) { return Item::none(); }
Item of(Call& call) { return Item::some(call[0]); }
Item ofNonZero(Call& call) { return isZero(call[0]) ? Item::none() : Item::some(call[0]); }
Item hasValue(Call& call) { return Item::boolean(call[0].held() != nullptr); }
Item value(Call& call) {
  const Item* held = call[0].held();
  return held == nullptr ? Item::error("optional.none() dereference") : *held;
}
Item orOther(Call& call) { return call[0].held() == nullptr ? call[1] : call[0]; }
Item orValue(Call& call) { return call[0].held() == nullptr ? call[1] : *call[0].held(); }

Item unwrap(Call& call) {
  std::vector<Item> out;
  for (std::size_t i = 0; i < countOf(call[0]); ++i) {
    const Item item = elementOf(call[0], i);
    if (item.kind != Kind::Optional) return Item::noOverload();
    if (item.held() != nullptr) out.push_back(*item.held());
  }
  return Item::list(std::move(out));
}

constexpr Declaration kFunctions[] = {
    {"hasValue", "optional(V).() -> bool", hasValue},
    {"optional.none", "() -> optional(V)", none},
    {"optional.of", "(V) -> optional(V)", of},
    {"optional.ofNonZeroValue", "(V) -> optional(V)", ofNonZero},
    {"optional.unwrap", "(list(optional(V))) -> list(V)", unwrap},
    {"or", "optional(V).(optional(V)) -> optional(V)", orOther},
    {"orValue", "optional(V).(V) -> V", orValue},
    {"unwrapOpt", "list(optional(V)).() -> list(V)", unwrap},
    {"value", "optional(V).() -> V", value},
};

}  // namespace

std::span<const Declaration> optionalFunctions() { return kFunctions; }

}  // namespace iop::cel::internal
