// The order of the API server (apiextensions-apiserver, pkg/registry/customresource/strategy.go):
// the schema, embedded resources, lists, rules.

#include <algorithm>

#include "apiserver/schema/internal/rules.h"
#include "apiserver/schema/internal/structural.h"
#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema {
namespace {

// Errors that leave a value which rules cannot be sure of.
bool isBlocking(const FieldError& error) {
  return error.type == FieldErrorType::NotSupported || error.type == FieldErrorType::Required ||
         error.type == FieldErrorType::TooLong || error.type == FieldErrorType::TooMany ||
         error.type == FieldErrorType::TypeInvalid;
}

bool listsAreValid(const Value& object, const Schema& schema) {
  FieldErrors errors;
  internal::validateLists(object, schema, errors);
  return errors.empty();
}

}  // namespace

FieldErrors validate(const Value& object, const Schema& schema, const Value* old) {
  FieldErrors errors;
  internal::validateStructure(object, schema, old, errors);
  if (schema.embeddedBelow) internal::validateAllEmbedded(object, schema, errors);
  if (schema.listTypesBelow) {
    // Lists that were wrong before may stay so.
    const std::size_t before = errors.size();
    internal::validateLists(object, schema, errors);
    if (errors.size() != before && old != nullptr && !listsAreValid(*old, schema))
      errors.resize(before);
  }
  if (!schema.rulesBelow) return errors;
  if (std::any_of(errors.begin(), errors.end(), isBlocking)) {
    errors.push_back({FieldErrorType::Invalid, "<nil>", Value(),
                      "some validation rules were not checked because the object was invalid; "
                      "correct the existing errors to complete validation"});
  } else {
    internal::runRules(object, schema, old, errors);
  }
  return errors;
}

}  // namespace iop::apiserver::schema
