#pragma once

// Reads and writes what every Kubernetes object has, on a plain Value.
//
//   if (isBeingDeleted(plug) && !hasFinalizer(plug, kFinalizer)) return;
//
// Functions that return a string_view point into the object: they are valid as long as it is.

#include <cstdint>
#include <string_view>

#include "kube/api/types.h"
#include "value/value.h"

namespace iop::kube::api {

inline std::string_view nameOf(const Value& object) {
  return object["metadata"]["name"].asString();
}
inline std::string_view namespaceOf(const Value& object) {
  return object["metadata"]["namespace"].asString();
}
inline std::string_view uidOf(const Value& object) { return object["metadata"]["uid"].asString(); }
inline std::string_view resourceVersionOf(const Value& object) {
  return object["metadata"]["resourceVersion"].asString();
}
inline std::int64_t generationOf(const Value& object) {
  return object["metadata"]["generation"].asInt();
}
inline bool isBeingDeleted(const Value& object) {
  return object["metadata"]["deletionTimestamp"].isString();
}

ObjectKey keyOf(const Value& object);
ObjectRef refOf(const Value& object);
GroupVersionKind kindOf(const Value& object);

bool hasFinalizer(const Value& object, std::string_view finalizer);
// The value of an annotation; empty if absent.
std::string_view annotationOf(const Value& object, std::string_view key);

// Compares two resourceVersions of one resource (KEP-5504: decimal numbers of any length): <0, 0 or
// >0.
int compareResourceVersions(std::string_view a, std::string_view b);

// Whether a text can be the name of a namespace (RFC 1123 label) or of most other objects (RFC 1123
// subdomain).
bool isDnsLabel(std::string_view text);
bool isDnsSubdomain(std::string_view text);

}  // namespace iop::kube::api
