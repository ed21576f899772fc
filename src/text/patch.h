#pragma once

// Changes to trees as data: JSON merge patch (RFC 7386), JSON patch (RFC 6902) and JSON pointer
// (RFC 6901).
//
//   applyMergePatch(pod, parseJson(R"({"metadata":{"labels":{"a":"1","b":null}}})").value())
//   applyJsonPatch(pod,
//   parseJson(R"([{"op":"replace","path":"/spec/replicas","value":3}])").value())
//   createMergePatch(before, after)     // {} where both are equal
//
// Pure; thread-safe.

#include <optional>
#include <string_view>

#include "base/result.h"
#include "value/value.h"

namespace iop::text {

Value applyMergePatch(const Value& target, const Value& patch);

// The smallest patch p with applyMergePatch(from, p) == to. Lists are replaced whole. Nulls in `to`
// cannot be expressed (they mean removal), so `to` comes out without them where they are members.
Value createMergePatch(const Value& from, const Value& to);

// All operations or none. Errors: BadRequest for what is no patch ("json patch: operation 2:
// unknown op \"put\""), Invalid for what does not fit the target (a missing path, a failed test).
Result<Value> applyJsonPatch(const Value& target, const Value& patch);

// The value that an RFC 6901 pointer names ("" is the root, "/spec/ports/0"); nothing where there
// is none. Error: BadRequest for what is no pointer.
Result<std::optional<Value>> getPointer(const Value& root, std::string_view pointer);

}  // namespace iop::text
