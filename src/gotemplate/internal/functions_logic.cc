// sprig's defaults, tests of types, and copies; and what it has that templates must not.

#include <string>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/compare.h"
#include "gotemplate/internal/convert.h"

namespace iop::gotemplate::internal {
namespace {

// --- Defaults ---

Any defaultTo(Runtime& runtime, Any fallback, Rest<Any> given) {
  return given.empty() || isEmptyValue(runtime, given[0]) ? fallback : given[0];
}

bool isEmpty(Runtime& runtime, Any value) { return isEmptyValue(runtime, value); }

Any coalesce(Runtime& runtime, Rest<Any> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!isEmptyValue(runtime, values[i])) return values[i];
  }
  return Any::nil();
}

bool all(Runtime& runtime, Rest<Any> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (isEmptyValue(runtime, values[i])) return false;
  }
  return true;
}

bool any(Runtime& runtime, Rest<Any> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!isEmptyValue(runtime, values[i])) return true;
  }
  return false;
}

Any ternary(Any yes, Any no, bool condition) { return condition ? yes : no; }

std::string_view failWith(std::string_view message) { failFunction(std::string(message)); }

// --- Types ---

std::string_view typeOf(Any value) { return typeName(value.type); }
std::string_view kindNameOf(Any value) { return kindName(kindOf(value.type)); }
bool typeIs(std::string_view wanted, Any value) { return wanted == typeOf(value); }
bool kindIs(std::string_view wanted, Any value) { return wanted == kindNameOf(value); }
bool typeIsLike(std::string_view wanted, Any value) {
  const std::string_view type = typeOf(value);
  return wanted == type || (type.starts_with('*') && wanted == type.substr(1));
}

// --- Copies ---

bool deepEqual(Runtime& runtime, Any a, Any b) { return areDeepEqual(runtime, a, b); }

Any copyOf(Runtime& runtime, const Any& value, int depth) {
  runtime.charge(1);
  runtime.checkDepth(depth);
  if (value.isTypedNil()) return value;
  if (value.isSlice()) {
    const SliceView items(value);
    Slice* out = runtime.makeSlice(items.size());
    for (std::size_t i = 0; i < items.size(); ++i)
      out->items[i] = copyOf(runtime, items[i], depth + 1);
    Any copy = Any::list(value.type, out);
    copy.isInterface = value.isInterface;
    return copy;
  }
  if (value.isMap()) {
    const MapView entries(runtime, value);
    Map* out = runtime.makeMap(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      out->entries[out->size++] = {entries.key(i), copyOf(runtime, entries.value(i), depth + 1)};
    }
    Any copy = Any::mapOf(value.type, out);
    copy.isInterface = value.isInterface;
    return copy;
  }
  // Of structs only what they show to the world is copied, which is nothing of these.
  Any copy = value;
  if (value.type == Type::Semver || value.type == Type::SemverPointer)
    copy = runtime.makeSemver(value.type, {});
  if (value.type == Type::Location) copy = runtime.makeLocation(Location::fixed("", 0));
  copy.isInterface = value.isInterface;
  return copy;
}

Any deepCopy(Runtime& runtime, Any value) {
  if (value.isNil()) failFunction("reflect: call of reflect.Value.Type on zero Value");
  return copyOf(runtime, value, 0);
}

// --- Table ---

template <auto function>
constexpr Function entry(std::string_view name, std::string_view group) {
  return bind<function>(name, group);
}

constexpr Function refused(std::string_view name, std::string_view why) {
  Function out;
  out.name = name;
  out.special = Function::Special::Refused;
  out.refusal = why;
  return out;
}
constexpr std::string_view kNoEnvironment = "templates cannot read the operator's environment";
constexpr std::string_view kNoNetwork = "templates cannot use the network";

constexpr Function kFunctions[] = {
    entry<&defaultTo>("default", "defaults"),
    entry<&isEmpty>("empty", "defaults"),
    entry<&coalesce>("coalesce", "defaults"),
    entry<&all>("all", "defaults"),
    entry<&any>("any", "defaults"),
    entry<&ternary>("ternary", "defaults"),
    entry<&failWith>("fail", "flow"),
    entry<&typeOf>("typeOf", "types"),
    entry<&typeIs>("typeIs", "types"),
    entry<&typeIsLike>("typeIsLike", "types"),
    entry<&kindNameOf>("kindOf", "types"),
    entry<&kindIs>("kindIs", "types"),
    entry<&deepEqual>("deepEqual", "types"),
    entry<&deepCopy>("deepCopy", "types"),
    entry<&deepCopy>("mustDeepCopy", "types"),
    refused("env", kNoEnvironment),
    refused("expandenv", kNoEnvironment),
    refused("getHostByName", kNoNetwork),
};

}  // namespace

std::span<const Function> logicFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
