#pragma once

// The CEL rules of CRDs: compiling them with the schema, running them over objects
// (apiextensions-apiserver, pkg/apiserver/schema/cel).

#include <string>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/schema.h"
#include "apiserver/schema/validations.h"

namespace iop::apiserver::schema::internal {

// The names of fields as CEL can write them: "a-b" is "a__dash__b", "namespace" is
// "__namespace__". Empty where CEL cannot reach the field.
std::string escapeFieldName(std::string_view name);

// The value with the names that CEL knows its fields by, as deep as the schema goes.
Value withEscapedNames(const Value& value, const Schema& schema);

// Compiles `rules` of a node; `path` is that of the node. `uncorrelatable` is the path of the list
// above it whose items have no identity, empty where there is none: oldSelf cannot be used then.
void compileRules(const Schema& node, bool isResource, const std::string& path,
                  const std::string& uncorrelatable, Validations& into, FieldErrors& errors,
                  std::vector<std::string>& warnings);

// All rules of an object that is structurally valid.
void runRules(const Value& object, const Schema& root, const Value* old, FieldErrors& errors);

}  // namespace iop::apiserver::schema::internal
