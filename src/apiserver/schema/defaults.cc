// Defaults, and nulls that mean "not there" (apiextensions-apiserver, pkg/apiserver/schema/
// defaulting: Default and PruneNonNullableNullsWithoutDefaults, here in one walk).

#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema {
namespace {

bool isAbsent(const Value& value, const Schema& schema) {
  return value.isNull() && !schema.nullable;
}

// The value with its defaults; nothing where none is missing.
std::optional<Value> withDefaults(const Value& value, const Schema& schema);

std::optional<Value> objectWithDefaults(const Value& object, const Schema& schema) {
  std::optional<Value> changed;
  const auto edit = [&]() -> Value& {
    if (!changed) changed = object;
    return *changed;
  };
  const auto fill = [&](std::string_view key, const Schema& known) {
    std::optional<Value> inner = withDefaults(*known.defaultValue, known);
    edit().set(key, inner ? std::move(*inner) : *known.defaultValue);
  };
  for (const Member& member : object.members()) {
    const std::string_view key = member.key();
    const Schema* known = schema.find(key);
    if (known == nullptr) continue;
    if (isAbsent(member.value, *known)) {
      if (known->defaultValue) {
        fill(key, *known);
      } else {
        edit().erase(key);
      }
    } else if (std::optional<Value> inner = withDefaults(member.value, *known)) {
      edit().set(key, std::move(*inner));
    }
  }
  for (const auto& [key, known] : schema.properties)
    if (known->defaultValue && !object.contains(key)) fill(key, *known);
  return changed;
}

std::optional<Value> arrayWithDefaults(const Value& array, const Schema& items) {
  std::optional<Value> changed;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const Value& item = array.at(i);
    const bool absent = isAbsent(item, items) && items.defaultValue;
    const Value& present = absent ? *items.defaultValue : item;
    std::optional<Value> inner = withDefaults(present, items);
    if (!absent && !inner) continue;
    if (!changed) changed = array;
    changed->editItem(i) = inner ? std::move(*inner) : present;
  }
  return changed;
}

std::optional<Value> withDefaults(const Value& value, const Schema& schema) {
  if (value.isObject()) return objectWithDefaults(value, schema);
  if (value.isArray() && schema.items != nullptr) return arrayWithDefaults(value, *schema.items);
  return std::nullopt;
}

}  // namespace

void applyDefaults(Value& object, const Schema& schema) {
  if (std::optional<Value> changed = withDefaults(object, schema)) object = std::move(*changed);
}

}  // namespace iop::apiserver::schema
