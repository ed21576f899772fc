#include "apiserver/schema/internal/list_keys.h"

#include "text/json.h"

namespace iop::apiserver::schema::internal {
Value keyOf(const Value& item, const Schema& list) {
  Value key = Value::object();
  for (const std::string& name : list.listMapKeys)
    if (const Value* found = item.find(name)) key.set(name, *found);
  return key;
}

std::string fingerprintOf(const Value& value) {
  if (value.isString()) return "\"" + value.toString();
  // 1 and 1.0 are two values.
  return (value.isDouble() ? "float64 " : "") + text::printJson(value, {.escapeHtml = false});
}

ListIndex::ListIndex(const Value& list, const Schema& schema) : list_(list), schema_(schema) {
  for (std::size_t i = 0; i < list_.size(); ++i)
    positions_.try_emplace(fingerprintOf(keyOf(list_.at(i), schema_)), i);
}

const Value* ListIndex::find(const Value& item) const {
  if (positions_.empty()) return nullptr;
  const auto found = positions_.find(fingerprintOf(keyOf(item, schema_)));
  return found == positions_.end() ? nullptr : &list_.at(found->second);
}

}  // namespace iop::apiserver::schema::internal
