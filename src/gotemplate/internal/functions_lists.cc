// sprig's functions on lists.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/compare.h"
#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/lists.h"

namespace iop::gotemplate::internal {
namespace {

using AnyList = Typed<Type::AnySlice>;
using Growth = Slice::Growth;

// The list of an argument; anything else fails with "WHAT KIND".
SliceView listOf(Runtime& runtime, const Any& value, std::string_view what,
                 std::string_view suffix = "") {
  if (value.isNil()) failFunction(kNilDereference);
  if (!value.isSlice()) {
    failFunction(std::string(what) + " " + std::string(kindName(kindOf(value.type))) +
                 std::string(suffix));
  }
  const SliceView items(value);
  runtime.charge(items.size() / 8);
  return items;
}

AnyList nilList() { return {Any::list(Type::AnySlice, nullptr)}; }

// `count` elements of a list from `first` on, after `before` elements that the caller fills in, and
// before `after`.
Slice* copyItems(Runtime& runtime, const SliceView& items, std::size_t first, std::size_t count,
                 std::size_t before = 0, std::size_t after = 0, Growth growth = Growth::Exact) {
  Slice* out = runtime.makeSlice(before + count + after, growth);
  for (std::size_t i = 0; i < count; ++i) out->items[before + i] = items[first + i].asInterface();
  return out;
}

AnyList list(Runtime& runtime, Rest<Any> values) {
  Slice* out = runtime.makeSlice(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) out->items[i] = values[i].asInterface();
  return {Any::list(Type::AnySlice, out)};
}

Any first(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot find first on type");
  return items.size() == 0 ? Any::nil() : items[0];
}

Any last(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot find last on type");
  return items.size() == 0 ? Any::nil() : items[items.size() - 1];
}

AnyList rest(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot find rest on type");
  if (items.size() == 0) return nilList();
  return {Any::list(Type::AnySlice, copyItems(runtime, items, 1, items.size() - 1))};
}

AnyList initial(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot find initial on type");
  if (items.size() == 0) return nilList();
  return {Any::list(Type::AnySlice, copyItems(runtime, items, 0, items.size() - 1))};
}

AnyList push(Runtime& runtime, Any value, Any added) {
  const SliceView items = listOf(runtime, value, "Cannot push on type");
  Slice* out = copyItems(runtime, items, 0, items.size(), 0, 1, Growth::AppendedOnce);
  out->items[items.size()] = added.asInterface();
  return {Any::list(Type::AnySlice, out)};
}

AnyList prepend(Runtime& runtime, Any value, Any added) {
  const SliceView items = listOf(runtime, value, "Cannot prepend on type");
  Slice* out = copyItems(runtime, items, 0, items.size(), 1, 0);
  out->items[0] = added.asInterface();
  return {Any::list(Type::AnySlice, out)};
}

Any concat(Runtime& runtime, Rest<Any> lists) {
  std::vector<Any> all;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const SliceView items = listOf(runtime, lists[i], "Cannot concat type", " as list");
    runtime.checkValueBytes((all.size() + items.size()) * sizeof(Any));
    for (std::size_t j = 0; j < items.size(); ++j) all.push_back(items[j]);
  }
  if (all.empty()) return nilList().value;
  return runtime.makeList(all, Growth::Appended);
}

AnyList reverse(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot find reverse on type");
  Slice* out = copyItems(runtime, items, 0, items.size());
  std::reverse(out->items, out->items + out->length);
  return {Any::list(Type::AnySlice, out)};
}

AnyList compact(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot compact on type");
  std::vector<Any> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Any item = items[i];
    if (!isEmptyValue(runtime, item)) kept.push_back(item);
  }
  return {runtime.makeList(kept, Growth::Appended)};
}

template <typename Items>
bool isAmong(Runtime& runtime, const Items& items, const Any& wanted) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (areDeepEqual(runtime, wanted, items[i])) return true;
  }
  return false;
}

AnyList uniq(Runtime& runtime, Any value) {
  const SliceView items = listOf(runtime, value, "Cannot find uniq on type");
  std::vector<Any> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Any item = items[i];
    if (!isAmong(runtime, kept, item)) kept.push_back(item);
  }
  return {runtime.makeList(kept, Growth::Appended)};
}

AnyList without(Runtime& runtime, Any value, Rest<Any> omitted) {
  const SliceView items = listOf(runtime, value, "Cannot find without on type");
  std::vector<Any> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Any item = items[i];
    if (!isAmong(runtime, omitted, item)) kept.push_back(item);
  }
  return {runtime.makeList(kept, Growth::Appended)};
}

bool has(Runtime& runtime, Any wanted, Any value) {
  if (value.isNil()) return false;
  return isAmong(runtime, listOf(runtime, value, "Cannot find has on type"), wanted);
}

// Shares the elements with its argument, and may reach beyond its end, where Go has room for more.
Any slice(Runtime& runtime, Any value, Rest<Any> indexes) {
  const SliceView items = listOf(runtime, value, "list should be type of slice or array but");
  if (items.size() == 0) return Any::nil();
  const std::int64_t start = indexes.size() > 0 ? toInt64(indexes[0]) : 0;
  const std::int64_t end =
      indexes.size() > 1 ? toInt64(indexes[1]) : static_cast<std::int64_t>(items.size());
  const std::uint32_t capacity = capacityOf(value);
  if (start < 0 || start > end || end > capacity)
    failFunction("reflect.Value.Slice: slice index out of bounds");
  Slice* whole = value.isSource ? nullptr : value.slice;
  if (whole == nullptr || whole->growth != Growth::Exact) {
    whole = runtime.makeSlice(capacity);
    Any zero = Any::nil().asInterface();
    if (value.type == Type::StringSlice) zero = Any::string("");
    if (value.type == Type::IntSlice) zero = Any::integerOf(0);
    if (value.type == Type::AnySliceSlice) zero = Any::list(Type::AnySlice, nullptr);
    for (std::size_t i = 0; i < capacity; ++i) whole->items[i] = i < items.size() ? items[i] : zero;
  }
  Slice* out = runtime.arena().make<Slice>();
  out->items = whole->items + start;
  out->length = static_cast<std::uint32_t>(end - start);
  out->capacity = capacity - static_cast<std::uint32_t>(start);
  return Any::list(value.type, out);
}

// With sprig's arithmetic, on which the answers to sizes below 1 depend.
Typed<Type::AnySliceSlice> chunk(Runtime& runtime, std::int64_t size, Any value) {
  constexpr const char* kBadLength = "runtime error: makeslice: len out of range";
  const SliceView items = listOf(runtime, value, "Cannot chunk type");
  const double quotient = (static_cast<double>(items.size()) - 1) / static_cast<double>(size);
  const std::int64_t count = truncateToInt64(std::floor(quotient) + 1);
  if (count < 0) failFunction(kBadLength);
  Slice* chunks = runtime.makeSlice(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < chunks->length; ++i) {
    std::int64_t members = size;
    if (i + 1 == chunks->length) {
      const double rest = std::fmod(static_cast<double>(items.size()), static_cast<double>(size));
      if (rest != 0) members = static_cast<std::int64_t>(rest);
    }
    if (members < 0) failFunction(kBadLength);
    const std::size_t from = i * static_cast<std::size_t>(size);
    chunks->items[i] = Any::list(
        Type::AnySlice, copyItems(runtime, items, from, static_cast<std::size_t>(members)));
  }
  return {Any::list(Type::AnySliceSlice, chunks)};
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "lists");
}

constexpr Function kFunctions[] = {
    entry<&list>("list"),           entry<&list>("tuple"),      entry<&first>("first"),
    entry<&first>("mustFirst"),     entry<&last>("last"),       entry<&last>("mustLast"),
    entry<&rest>("rest"),           entry<&rest>("mustRest"),   entry<&initial>("initial"),
    entry<&initial>("mustInitial"), entry<&push>("append"),     entry<&push>("mustAppend"),
    entry<&push>("push"),           entry<&push>("mustPush"),   entry<&prepend>("prepend"),
    entry<&prepend>("mustPrepend"), entry<&concat>("concat"),   entry<&reverse>("reverse"),
    entry<&reverse>("mustReverse"), entry<&compact>("compact"), entry<&compact>("mustCompact"),
    entry<&uniq>("uniq"),           entry<&uniq>("mustUniq"),   entry<&without>("without"),
    entry<&without>("mustWithout"), entry<&has>("has"),         entry<&has>("mustHas"),
    entry<&slice>("slice"),         entry<&slice>("mustSlice"), entry<&chunk>("chunk"),
    entry<&chunk>("mustChunk"),
};

}  // namespace

std::span<const Function> listFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
