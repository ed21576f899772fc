#pragma once

// The wire format of protobuf, read by a table of messages into what Go's JSON of the same object
// would be (https://protobuf.dev/programming-guides/encoding).
//
// Pure; thread-safe.

#include <string_view>

#include "apiserver/kinds/internal/protobuf_fields.h"
#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver::kinds::internal {

// "k8s\0" in front of runtime.Unknown.
inline constexpr std::string_view kEnvelopePrefix("k8s\0", 4);

// The object in an envelope. `depth`: how many arrays and objects it stands in, itself included.
// Errors: BadRequest, in the words of kube-apiserver where it has any.
Result<Value> decodeEnvelope(std::string_view bytes, int depth);

// For the table: what a message without any field is. The zeros of what it contains must be there.
Value zeroOf(const Message& message);

}  // namespace iop::apiserver::kinds::internal
