#pragma once

// Reading a tree by a path in the syntax of gjson (github.com/tidwall/gjson, SYNTAX.md), as
// Kubernetes tools in Go do.
//
//   getPath(pod, "metadata.name")                   // a member of a member
//   getPath(secret, "data.tls\\.crt")               // "\" makes the next character an ordinary one
//   getPath(service, "spec.ports.0.port")           // an element
//   getPath(pod, "spec.containers.#.name")          // of all elements; "#" at the end counts them
//   getPath(plug, "status.conditions.#(type==\"Ready\").status")   // of the first that matches
//
// Also: "#(…)#" for all matches, wildcards "*" and "?" in keys, "a|b", "{a,b}" and "[a,b]", and the
// modifiers @this, @valid, @reverse, @flatten, @join, @keys, @values, @group and @dig; @ugly and
// @pretty change nothing, because a Value has no layout. Other modifiers and "!literals" are
// refused, and so are JSON lines (".." at the start), brackets that are not closed, and what takes
// too much work (1,000,000 values visited, 64 levels of nesting, 1,000,000 values in the result).
//
// Pure; thread-safe.

#include <optional>
#include <string_view>

#include "base/result.h"
#include "value/value.h"

namespace iop::value {

// The value at that path; nothing where there is none (a null that is there is a null Value).
// Members are found in sorted order, which matters to wildcards only: gjson takes the first one of
// the text. Error: BadRequest, for a path that is not understood.
Result<std::optional<Value>> getPath(const Value& root, std::string_view path);

}  // namespace iop::value
