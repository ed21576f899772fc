#pragma once

// Which items of a list of type map are the same: those whose keys are equal.

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>

#include "apiserver/schema/schema.h"
#include "value/value.h"

namespace iop::apiserver::schema::internal {

// The values of an item's keys, as an object without those that are absent.
Value keyOf(const Value& item, const Schema& list);

// Finds items by their keys. The items belong to the list, which is kept.
class ListIndex {
 public:
  ListIndex(const Value& list, const Schema& schema);
  // The item of the list with the keys of `item`; null where there is none.
  const Value* find(const Value& item) const;

 private:
  Value list_;
  const Schema& schema_;
  std::unordered_map<std::string, std::size_t> positions_;
};

// A text that two values share only where they are equal.
std::string fingerprintOf(const Value& value);

}  // namespace iop::apiserver::schema::internal
