#pragma once

// Kubernetes' strategic merge patch (apimachinery, pkg/util/strategicpatch): a merge patch that
// knows the keys of lists.
//
//   applyStrategicMergePatch(pod, patch, podSchema)   // containers are merged by name
//
// Pure; thread-safe.

#include "apiserver/schema/schema.h"
#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver::schema {

// Directives: $patch (replace, delete, merge), $deleteFromPrimitiveList/…, $setElementOrder/…,
// $retainKeys. Errors (BadRequest, Invalid) in the words of the API server.
Result<Value> applyStrategicMergePatch(const Value& target, const Value& patch,
                                       const Schema& schema);

}  // namespace iop::apiserver::schema
