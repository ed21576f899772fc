#pragma once

// The entries of metadata.managedFields while they are worked on.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/schema/field_set.h"
#include "value/value.h"

namespace iop::apiserver::schema {

struct ManagedEntry {
  bool isApply = false;
  Value manager;
  Value apiVersion;
  Value subresource;  // null: none
  Value time;         // null: none
  FieldSet fields;
  Value source;  // the entry as it was read, while it still says this; else null

  // Who it is about: an Apply entry has no version of its own.
  bool isSameManager(const ManagedEntry& other) const;
  // As Kubernetes names it, for sorting: {"manager":"a","operation":"Update",…}.
  std::string identifier() const;
  void setFields(FieldSet changed);
  void setTime(std::string_view now);
};

using ManagedEntries = std::vector<ManagedEntry>;

// At most this many entries of updates; the oldest become one of "ancient-changes".
inline constexpr std::size_t kMaxUpdateEntries = 10;

// The entries of a stored object.
ManagedEntries readEntries(const Value& managedFields);
// Those that a client sent; nothing where they are not valid.
std::optional<ManagedEntries> parseEntries(const Value& managedFields);
// True for what asks for their removal: an empty list, or one with an empty entry.
bool isReset(const Value& managedFields);

ManagedEntry* findEntry(ManagedEntries& entries, const ManagedEntry& who);
void dropEmpty(ManagedEntries& entries);
void capUpdates(ManagedEntries& entries);
// metadata.managedFields, in its order; null where there are none.
Value printEntries(ManagedEntries entries);
// Of two stored lists.
bool areEqualButTimes(const Value& left, const Value& right);

}  // namespace iop::apiserver::schema
