#pragma once

// What Go's decoder and encoder make of an object of a built-in kind: zero values of fields with
// `omitempty` that are no pointers disappear ("hostNetwork": false, "labels": {}, "env": []).
//
//   dropZeroValues(pod);
//
// Pure.

#include "value/value.h"

namespace iop::apiserver::kinds::internal {

// Below maps with keys of the user's (labels, data) nothing is changed, nor below managedFields and
// in schemas and opaque parts (ControllerRevision.data, a CRD's openAPIV3Schema).
void dropZeroValues(Value& object);

}  // namespace iop::apiserver::kinds::internal
