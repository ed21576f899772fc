#pragma once

// The schema that a plug and a socket share, and the validation of configs and results against it
// (lifecycle.md, "Validation").
//
//   ASSIGN_OR_RETURN(Schema schema, Schema::parse(socket["spec"]["interface"], "spec.interface"));
//   ASSIGN_OR_RETURN(Value config, schema.validate(Schema::Part::Config, Side::Plug, rawConfig));

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/names.h"
#include "value/value.h"

namespace iop::operators::coupling {

struct Property {
  std::optional<std::string> defaultValue;
  bool required = false;
  bool sensitive = false;
  std::string type;  // "string", "integer", "number", "boolean" or empty
  std::vector<std::string> allowed;
  std::string pattern;
};

class Schema {
 public:
  enum class Part { Config, Result };
  using Properties = std::map<std::string, Property, std::less<>>;

  // An empty schema: everything passes.
  Schema() = default;
  // From an object with `config` and `result`, each with `plug` and `socket`. Error: Invalid,
  // naming the property whose pattern is no regular expression or whose type is unknown.
  static Result<Schema> parse(const Value& object, const std::string& field);

  // The values as they are handed on: defaults filled in, unknown properties dropped. Errors name
  // the property; NotFound: it is required and missing; Invalid: the rule, and the value unless it
  // is sensitive.
  Result<Value> validate(Part part, api::Side side, const Value& values) const;
  // The same without judging: what teardown hands on.
  Value project(Part part, api::Side side, const Value& values) const;
  // Without the sensitive properties.
  Value withoutSensitive(Part part, api::Side side, const Value& values) const;
  bool isSensitive(Part part, api::Side side, std::string_view name) const;

 private:
  struct PartSchema {
    bool present = false;
    std::map<api::Side, Properties> sides;
  };

  const PartSchema& partOf(Part part) const { return part == Part::Config ? config_ : result_; }
  const Properties* propertiesOf(Part part, api::Side side) const;
  // What a part without properties for a side makes of its values, if it decides that alone.
  std::optional<Value> withoutProperties(Part part, api::Side side, const Value& values) const;

  PartSchema config_;
  PartSchema result_;
};

}  // namespace iop::operators::coupling
