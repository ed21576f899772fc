#include "gotemplate/internal/merge.h"

#include <string>

#include "gotemplate/internal/convert.h"
#include "gotemplate/internal/failure.h"

namespace iop::gotemplate::internal {
namespace {

// mergo calls no complex number empty.
bool isEmptyForMerge(const Runtime& runtime, const Any& value) {
  return value.type != Type::Complex128 && isEmptyValue(runtime, value);
}

// What mergo calls a map or a struct that shall fill what a pointer points to.
bool isMismatch(const Any& old, const Any& value, MergeMode mode) {
  if (mode != MergeMode::Fill || kindOf(old.type) != Kind::Pointer) return false;
  if (old.type == Type::SemverPointer && value.type == Type::Semver) return false;
  return kindOf(value.type) == Kind::Map || kindOf(value.type) == Kind::Struct;
}

// Merges into a map[string]string. What is no string there makes Go's reflection panic.
void mergeIntoStrings(Runtime& runtime, Map& target, const Any& source, MergeMode mode) {
  const auto refuse = [](std::string_view type) {
    failFunction("reflect.Value.SetMapIndex: value of type " + std::string(type) +
                 " is not assignable to type string");
  };
  Any fixed = runtime.resolve(source);
  if (!fixed.isSource && fixed.map != nullptr)
    fixed = Any::mapOf(fixed.type, runtime.snapshot(*fixed.map));
  const MapView entries(runtime, fixed);
  runtime.charge(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Any value = entries.value(i);
    const Any* old = target.find(entries.key(i));
    const bool isKept = old != nullptr && !old->asText().empty() && mode == MergeMode::Fill;
    if (fixed.type == Type::StringMap) {
      if (!isKept) runtime.set(target, entries.key(i), value);
    } else if (value.isNil()) {
      if (mode == MergeMode::Overwrite) refuse("interface {}");
    } else if (value.isSlice()) {
      if (old != nullptr) failFunction("reflect: call of reflect.Value.IsNil on string Value");
      refuse(typeName(value.type));
    } else if (!isKept) {
      refuse("interface {}");
    }
  }
}

bool mergeEntry(Runtime& runtime, Map& target, std::string_view key, const Any& value,
                MergeMode mode, int depth) {
  if (value.isNil()) {
    if (mode == MergeMode::Overwrite) runtime.set(target, key, value);
    return true;
  }
  const Any* found = target.find(key);
  const bool isPresent = found != nullptr;
  const Any old = isPresent ? *found : Any::nil();
  const bool areMaps = value.isMap() && old.type == Type::AnyMap && !old.isTypedNil();
  if (areMaps && !mergeInto(runtime, *runtime.mutableMap(old), value, mode, depth + 1))
    return false;
  if (value.isMap() && old.type == Type::StringMap && !old.isTypedNil())
    mergeIntoStrings(runtime, *runtime.mutableMap(old), value, mode);
  if (isMismatch(old, value, mode)) return false;
  if (isPresent && !isEmptyForMerge(runtime, old)) {
    if (value.isMap() && old.isMap()) return true;
    if (value.isSlice()) {
      if (mode == MergeMode::Overwrite) runtime.set(target, key, value);
      return true;
    }
    if (mode == MergeMode::Fill) return true;
  }
  runtime.set(target, key, value);
  return true;
}

}  // namespace

bool mergeInto(Runtime& runtime, Map& target, const Any& source, MergeMode mode, int depth) {
  runtime.checkDepth(depth);
  Any fixed = runtime.resolve(source);
  // The source may be the target, or within it.
  if (!fixed.isSource && fixed.map != nullptr)
    fixed = Any::mapOf(fixed.type, runtime.snapshot(*fixed.map));
  const MapView entries(runtime, fixed);
  runtime.charge(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (!mergeEntry(runtime, target, entries.key(i), entries.value(i).asInterface(), mode, depth))
      return false;
  }
  return true;
}

}  // namespace iop::gotemplate::internal
