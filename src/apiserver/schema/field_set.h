#pragma once

// Sets of fields of an object, in the form in which Kubernetes stores them (FieldsV1):
//
//   {"f:spec": {"f:replicas": {}, "f:ports": {"k:{\"port\":80}": {".": {}, "f:name": {}}}}}
//
// A key names a step: a member ("f:" and its name), an item of a list by its keys ("k:" and an
// object) or by its value ("v:" and JSON), or by its index ("i:"). A node without members, and one
// with ".", is in the set itself; every other is only on the way. The root is never in the set.
//
// The sets are plain Values, so that they share with the objects they come from and need neither
// parsing nor printing. All operations expect keys in their canonical form (see
// normalizeFieldSet), walk both sets once, and return an argument itself where nothing changes.
//
// Pure; thread-safe.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "value/value.h"

namespace iop::apiserver::schema {

using FieldSet = Value;  // an object, or null: the empty set

// Deeper fields belong to the leaf at this depth: a set is stored inside its object, which must
// stay readable (text::kMaxDepth).
inline constexpr int kMaxFieldDepth = 900;

// The one node without members.
const Value& leafNode();
// Whether a node is in its set.
bool isInSet(const Value& node);

// The step to a member.
Value fieldStep(std::string_view name);

FieldSet unite(const FieldSet& left, const FieldSet& right);
FieldSet subtract(const FieldSet& from, const FieldSet& what);
FieldSet intersect(const FieldSet& left, const FieldSet& right);
// Without the fields of `what` and everything below them.
FieldSet subtractWithChildren(const FieldSet& from, const FieldSet& what);

// What a client sent, with canonical keys, and without what the API server does not know; nothing
// where it is no set at all.
std::optional<FieldSet> normalizeFieldSet(const Value& fieldsV1);

// A step as paths have it: ".spec", "[name=\"web\"]", "[=\"a\"]", "[0]".
std::string printStep(std::string_view step);

// Calls `each` with the path of every field in the set (".spec.ports[port=80].name"), in the order
// of structured-merge-diff: the fields of a node, then what is below them.
void forEachField(const FieldSet& set, const std::function<void(std::string_view path)>& each);

}  // namespace iop::apiserver::schema
