#pragma once

// Kubernetes' Status objects, in which the API server tells failures (apimachinery,
// pkg/apis/meta/v1/types.go).
//
//   if (isStatus(body)) return tl::unexpected(errorOf(body, httpStatus));
//
// Pure.

#include "base/result.h"
#include "value/value.h"

namespace iop::kube::api {

// Whether this is a Status of v1.
bool isStatus(const Value& object);

// The failure that a Status tells: code from its reason and code (`httpStatus` where it has none),
// its message, the first cause's reason and retryAfterSeconds.
Error errorOf(const Value& status, int httpStatus = 0);

// A Status that tells a failure, as an API server would send it. errorOf() gives the same error
// back, except for codes that no server answers with (Unreachable and its like become
// InternalError).
Value statusOf(const Error& error);

}  // namespace iop::kube::api
