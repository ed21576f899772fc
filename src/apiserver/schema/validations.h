#pragma once

// What a value must be besides its type: the private half of a Schema, compiled once.
//
// Immutable after construction; thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/schema/schema.h"
#include "cel/cel.h"
#include "value/value.h"

namespace iop::apiserver::schema {

// A regular expression of Go's syntax, which is RE2's.
class Pattern {
 public:
  // Error: Invalid, with Go's words ("error parsing regexp: missing closing ): `(`").
  static Result<Pattern> compile(std::string_view pattern);
  bool matches(std::string_view text) const;  // somewhere in the text
  const std::string& source() const { return source_; }

 private:
  struct Impl;
  std::string source_;
  std::shared_ptr<const Impl> impl_;
};

// Whether a text has a format; for those that the API server knows (kube-openapi, pkg/validation/
// strfmt).
using FormatCheck = bool (*)(std::string_view text);

// Null where the name is unknown, which is no error: the API server drops such formats.
FormatCheck findFormat(std::string_view name);
// Formats of numbers ("int32", "double"), which findFormat does not know.
bool isNumberFormat(std::string_view name);

// One rule, ready to run.
struct CompiledRule {
  Rule rule;
  cel::Program program;
  std::optional<cel::Program> message;
  std::string path;  // of the field that the rule blames, below the node (".c.d-e")
  bool usesOldSelf = false;
};

struct Validations {
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::optional<double> multipleOf;
  bool exclusiveMinimum = false;
  bool exclusiveMaximum = false;
  std::optional<std::int64_t> minLength;
  std::optional<std::int64_t> maxLength;
  std::optional<std::int64_t> minItems;
  std::optional<std::int64_t> maxItems;
  std::optional<std::int64_t> minProperties;
  std::optional<std::int64_t> maxProperties;
  std::optional<Pattern> pattern;
  FormatCheck format = nullptr;
  bool additionalForbidden = false;  // additionalProperties: false
  std::vector<std::string> required;
  std::vector<Value> enumValues;
  std::vector<const Schema*> allOf;
  std::vector<const Schema*> anyOf;
  std::vector<const Schema*> oneOf;
  const Schema* negated = nullptr;  // not
  std::vector<CompiledRule> rules;
  cel::TypePtr celType;        // of the node, where it has rules
  bool renamesFields = false;  // CEL knows a field of it, or below, by another name
};

}  // namespace iop::apiserver::schema
