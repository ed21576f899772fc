#include "gotemplate/internal/merge.h"

#include "gotemplate/internal/convert.h"

namespace iop::gotemplate::internal {
namespace {

// mergo calls no complex number empty.
bool isEmptyForMerge(const Runtime& runtime, const Any& value) {
  return value.type != Type::Complex128 && isEmptyValue(runtime, value);
}

void mergeEntry(Runtime& runtime, Map& target, std::string_view key, const Any& value,
                MergeMode mode, int depth) {
  if (value.isNil()) {
    if (mode == MergeMode::Overwrite) runtime.set(target, key, value);
    return;
  }
  const Any* found = target.find(key);
  const bool isPresent = found != nullptr;
  const Any old = isPresent ? *found : Any::nil();
  const bool areMaps = value.isMap() && old.type == Type::AnyMap && !old.isTypedNil();
  if (areMaps) mergeInto(runtime, *runtime.mutableMap(old), value, mode, depth + 1);
  if (isPresent && !isEmptyForMerge(runtime, old)) {
    if (value.isMap() && old.isMap()) return;
    if (value.isSlice()) {
      if (mode == MergeMode::Overwrite) runtime.set(target, key, value);
      return;
    }
    if (mode == MergeMode::Fill) return;
  }
  runtime.set(target, key, value);
}

}  // namespace

void mergeInto(Runtime& runtime, Map& target, const Any& source, MergeMode mode, int depth) {
  runtime.checkDepth(depth);
  Any fixed = runtime.resolve(source);
  // The source may be the target, or within it.
  if (!fixed.isSource && fixed.map != nullptr)
    fixed = Any::mapOf(fixed.type, runtime.snapshot(*fixed.map));
  const MapView entries(runtime, fixed);
  runtime.charge(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    mergeEntry(runtime, target, entries.key(i), entries.value(i).asInterface(), mode, depth);
  }
}

}  // namespace iop::gotemplate::internal
