#pragma once

// What is wrong with one field of an object, in the words of Kubernetes (apimachinery,
// pkg/util/validation/field/errors.go).
//
//   errors.push_back({FieldErrorType::Required, "spec.rules[0].host", {}, ""});
//   errors.back().print()        // "spec.rules[0].host: Required value"
//
// Plain data; pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::schema {

enum class FieldErrorType {
  NotFound,
  Required,
  Duplicate,
  Invalid,
  NotSupported,
  Forbidden,
  TooLong,
  TooMany,
  InternalError,
  TypeInvalid,
};

struct FieldError {
  FieldErrorType type;
  std::string field;           // "spec.ports[0].name"; "<nil>" where there is none
  std::optional<Value> value;  // the bad value, where the type shows one
  std::string detail;          // may be empty

  // "spec.x: Invalid value: "a": must be …".
  std::string print() const;
  // The cause's message in a Status: print() without the field.
  std::string printBody() const;
  // The cause's reason in a Status: "FieldValueInvalid".
  std::string_view reason() const;
};

using FieldErrors = std::vector<FieldError>;

}  // namespace iop::apiserver::schema
