// sprig's functions on dictionaries.

#include <string>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/merge.h"

namespace iop::gotemplate::internal {
namespace {

using Dict = Typed<Type::AnyMap>;

Any mapValue(Map* map) { return Any::mapOf(Type::AnyMap, map); }

Dict dict(Runtime& runtime, Rest<Any> pairs) {
  Map* out = runtime.makeMap((pairs.size() + 1) / 2);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const Any value = i + 1 < pairs.size() ? pairs[i + 1] : Any::string("");
    runtime.set(*out, toText(runtime, pairs[i]), value.asInterface());
  }
  return {mapValue(out)};
}

Any get(Runtime& runtime, MapArgument map, std::string_view key) {
  bool found = false;
  const Any value = runtime.find(map.value, key, found);
  return found ? value : Any::string("");
}

Dict set(Runtime& runtime, MapArgument map, std::string_view key, Any value) {
  if (map.value.isTypedNil()) failFunction("assignment to entry in nil map");
  Map* changed = runtime.mutableMap(map.value);
  runtime.set(*changed, key, value.asInterface());
  return {mapValue(changed)};
}

Dict unset(Runtime& runtime, MapArgument map, std::string_view key) {
  if (map.value.isTypedNil()) return {map.value};
  Map* changed = runtime.mutableMap(map.value);
  runtime.erase(*changed, key);
  return {mapValue(changed)};
}

bool hasKey(Runtime& runtime, MapArgument map, std::string_view key) {
  bool found = false;
  runtime.find(map.value, key, found);
  return found;
}

Typed<Type::AnySlice> pluck(Runtime& runtime, std::string_view key, Rest<MapArgument> maps) {
  std::vector<Any> found;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    bool isThere = false;
    const Any value = runtime.find(maps[i].value, key, isThere);
    if (isThere) found.push_back(value);
  }
  return {runtime.makeList(found, Slice::Growth::Appended)};
}

Typed<Type::StringSlice> keys(Runtime& runtime, Rest<MapArgument> maps) {
  std::vector<std::string_view> all;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const MapView entries(runtime, maps[i].value);
    runtime.checkValueBytes((all.size() + entries.size()) * sizeof(Any));
    for (std::size_t j = 0; j < entries.size(); ++j) all.push_back(entries.key(j));
  }
  return {runtime.makeStringList(all, Slice::Growth::Appended)};
}

Typed<Type::AnySlice> values(Runtime& runtime, MapArgument map) {
  const MapView entries(runtime, map.value);
  Slice* out = runtime.makeSlice(entries.size(), Slice::Growth::Appended);
  for (std::size_t i = 0; i < entries.size(); ++i) out->items[i] = entries.value(i);
  return {Any::list(Type::AnySlice, out)};
}

Dict pick(Runtime& runtime, MapArgument map, Rest<std::string_view> wanted) {
  Map* out = runtime.makeMap(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    bool found = false;
    const Any value = runtime.find(map.value, wanted[i], found);
    if (found) runtime.set(*out, wanted[i], value);
  }
  return {mapValue(out)};
}

Dict omit(Runtime& runtime, MapArgument map, Rest<std::string_view> unwanted) {
  const MapView entries(runtime, map.value);
  Map* out = runtime.makeMap(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i)
    out->entries[i] = {entries.key(i), entries.value(i)};
  out->size = static_cast<std::uint32_t>(entries.size());
  runtime.charge(entries.size());
  for (std::size_t i = 0; i < unwanted.size(); ++i) runtime.erase(*out, unwanted[i]);
  return {mapValue(out)};
}

// The functions without "must" swallow an error and answer with an empty string.
template <MergeMode mode, bool must>
Any merge(Runtime& runtime, MapArgument target, Rest<MapArgument> sources) {
  Any merged = target.value;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const Any source = sources[i].value;
    if (merged.isTypedNil() && !source.isTypedNil()) merged = mapValue(runtime.makeMap());
    if (merged.isTypedNil()) continue;
    if (mergeInto(runtime, *runtime.mutableMap(merged), source, mode)) continue;
    if (must) failFunction("src and dst must be of same type");
    return Any::string("");
  }
  return merged;
}

// Go's panic of a type assertion.
[[noreturn]] void failConversion(const Any& value, std::string_view wanted) {
  failFunction("interface conversion: interface {} is " +
               std::string(value.isNil() ? std::string_view("nil") : typeName(value.type)) +
               ", not " + std::string(wanted));
}

Any dig(Runtime& runtime, Rest<Any> arguments) {
  if (arguments.size() < 3) failFunction("dig needs at least three arguments");
  Any value = arguments[arguments.size() - 1];
  if (value.type != Type::AnyMap) failConversion(value, typeName(Type::AnyMap));
  const std::size_t keyCount = arguments.size() - 2;
  for (std::size_t i = 0; i < keyCount; ++i) {
    if (!arguments[i].isString()) failConversion(arguments[i], "string");
  }
  for (std::size_t i = 0; i < keyCount; ++i) {
    if (value.type != Type::AnyMap) failConversion(value, typeName(Type::AnyMap));
    bool found = false;
    value = runtime.find(value, arguments[i].asText(), found).unwrapped();
    if (!found) return arguments[arguments.size() - 2];
  }
  return value;
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "dictionaries");
}

constexpr Function kFunctions[] = {
    entry<&dict>("dict"),
    entry<&get>("get"),
    entry<&set>("set"),
    entry<&unset>("unset"),
    entry<&hasKey>("hasKey"),
    entry<&pluck>("pluck"),
    entry<&keys>("keys"),
    entry<&values>("values"),
    entry<&pick>("pick"),
    entry<&omit>("omit"),
    entry<&merge<MergeMode::Fill, false>>("merge"),
    entry<&merge<MergeMode::Fill, true>>("mustMerge"),
    entry<&merge<MergeMode::Overwrite, false>>("mergeOverwrite"),
    entry<&merge<MergeMode::Overwrite, true>>("mustMergeOverwrite"),
    entry<&dig>("dig"),
};

}  // namespace

std::span<const Function> dictFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
