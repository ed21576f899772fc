#pragma once

// Whether an OpenAPI schema may be that of a CRD.
//
// Order and words are those of apiextensions-apiserver (pkg/apis/apiextensions/validation and
// pkg/apiserver/schema: structural schemas). Defaults and what CEL says are not judged here.

#include <string>

#include "apiserver/schema/field_error.h"
#include "value/value.h"

namespace iop::apiserver::schema::internal {

void checkCrdSchema(const Value& schema, const std::string& path, FieldErrors& errors);

// Whether the two-armed anyOf that int-or-string fields may have is there: [{type: integer},
// {type: string}].
bool isIntOrStringChoice(const Value& anyOf);

}  // namespace iop::apiserver::schema::internal
