#pragma once

// What a schema says about a value, rules, embedded resources and the identity of list items set
// aside (kube-openapi, pkg/validation/validate).

#include <string>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema::internal {

// `old` may be null. Fields are paths from the value ("spec.x", "" for the value itself, "<nil>"
// where the server names none).
void validateStructure(const Value& value, const Schema& schema, const Value* old,
                       FieldErrors& errors);

// The items of sets and maps that are there twice.
void validateLists(const Value& value, const Schema& schema, FieldErrors& errors);

// All embedded resources, but not the value itself.
void validateAllEmbedded(const Value& value, const Schema& schema, FieldErrors& errors);

}  // namespace iop::apiserver::schema::internal
