#pragma once

// Reads the protobuf bodies that kubectl and client-go send for built-in kinds: Kubernetes' own
// envelope ("k8s\0" and runtime.Unknown) around messages of the public generated.proto files.
//
//   ASSIGN_OR_RETURN(Value object, parseProtobuf(body));    // as its JSON would be
//
// The server always answers with JSON, so nothing is written here. Pure; thread-safe.

#include <string_view>

#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver::kinds {

bool isProtobuf(std::string_view body);

// The object, with apiVersion and kind; empty strings, zero times and empty messages that Go's
// encoder writes but its JSON omits are left out. Errors (BadRequest): no envelope, a kind without
// a known message, bytes that are none, nesting deeper than text::kMaxDepth.
Result<Value> parseProtobuf(std::string_view body);

}  // namespace iop::apiserver::kinds
