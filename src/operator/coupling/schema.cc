#include "operator/coupling/schema.h"

#include <algorithm>

#include "gotemplate/regexp.h"
#include "text/json.h"

namespace iop::operators::coupling {
namespace {

using api::Side;

std::string_view nameOf(Schema::Part part) {
  return part == Schema::Part::Config ? "config" : "result";
}

// Whether an empty value counts as none: for what a plug brings and what a socket results in.
bool isEmptyMissing(Schema::Part part, Side side) {
  return (part == Schema::Part::Config) == (side == Side::Plug);
}

bool isJsonNumber(std::string_view text, bool integer) {
  const Result<Value> value = text::parseJson(text);
  if (!value || text.find_first_of(" \t\r\n") != std::string_view::npos) return false;
  return integer ? text.find_first_of(".eE") == std::string_view::npos && value->isNumber()
                 : value->isNumber();
}

bool hasType(std::string_view type, std::string_view text) {
  if (type == "integer") return isJsonNumber(text, true);
  if (type == "number") return isJsonNumber(text, false);
  if (type == "boolean") return text == "true" || text == "false";
  return true;
}

Result<Property> parseProperty(const Value& object, const std::string& field) {
  Property property;
  if (object["default"].isString()) property.defaultValue = object["default"].toString();
  property.required = object["required"].asBool();
  property.sensitive = object["sensitive"].asBool();
  property.type = object["type"].toString();
  property.pattern = object["pattern"].toString();
  for (const Value& item : object["enum"].items()) property.allowed.push_back(item.toString());
  static constexpr std::array<std::string_view, 5> kTypes = {"", "string", "integer", "number",
                                                             "boolean"};
  if (std::find(kTypes.begin(), kTypes.end(), property.type) == kTypes.end()) {
    return fail(Code::Invalid, field + ".type: \"" + property.type +
                                   "\" is none of string, integer, number, boolean");
  }
  if (!property.pattern.empty()) {
    if (auto compiled = gotemplate::compileRegexp(property.pattern); !compiled) {
      return fail(Code::Invalid, field + ".pattern: " + compiled.error().message);
    }
  }
  return property;
}

Result<Schema::Properties> parseProperties(const Value& object, const std::string& field) {
  Schema::Properties properties;
  for (const Member& member : object.members()) {
    const std::string name(member.key());
    ASSIGN_OR_RETURN(properties[name], parseProperty(member.value, field + "." + name));
  }
  return properties;
}

// What a value breaks of its property's rules; empty if nothing.
std::string brokenRule(const Property& property, std::string_view value) {
  if (!hasType(property.type, value)) return "must be of type " + property.type;
  if (!property.allowed.empty() && std::find(property.allowed.begin(), property.allowed.end(),
                                             value) == property.allowed.end()) {
    std::string list;
    for (const std::string& item : property.allowed) list += (list.empty() ? "" : ", ") + item;
    return "must be one of " + list;
  }
  if (!property.pattern.empty()) {
    const auto compiled = gotemplate::compileRegexp(property.pattern);
    if (compiled && !(*compiled)->matches(value)) return "must match " + property.pattern;
  }
  return {};
}

}  // namespace

Result<Schema> Schema::parse(const Value& object, const std::string& field) {
  Schema schema;
  const auto parsePart = [&](std::string_view name, PartSchema& part) -> Status {
    part.present = object[name].isObject();
    for (const Side side : api::kSides) {
      const Value* properties = object[name].find(api::nameOf(side));
      if (properties == nullptr || properties->isNull()) continue;
      ASSIGN_OR_RETURN(part.sides[side],
                       parseProperties(*properties, field + "." + std::string(name) + "." +
                                                        std::string(api::nameOf(side))));
    }
    return {};
  };
  RETURN_IF_ERROR(parsePart("config", schema.config_));
  RETURN_IF_ERROR(parsePart("result", schema.result_));
  return schema;
}

const Schema::Properties* Schema::propertiesOf(Part part, Side side) const {
  const auto& sides = partOf(part).sides;
  const auto found = sides.find(side);
  return found == sides.end() ? nullptr : &found->second;
}

std::optional<Value> Schema::withoutProperties(Part part, Side side, const Value& values) const {
  if (propertiesOf(part, side) != nullptr) return std::nullopt;
  // A config schema that omits a side leaves that side empty; a result schema that does lets it
  // pass.
  if (part == Part::Config && config_.present) return Value::object();
  return values;
}

Value Schema::project(Part part, Side side, const Value& values) const {
  if (const auto whole = withoutProperties(part, side, values)) return *whole;
  Value out = Value::object();
  for (const auto& [name, property] : *propertiesOf(part, side)) {
    const Value* value = values.find(name);
    const bool missing = value == nullptr || (value->empty() && isEmptyMissing(part, side));
    if (missing && property.defaultValue) {
      out.set(name, *property.defaultValue);
    } else if (value != nullptr) {
      out.set(name, *value);
    }
  }
  return out;
}

Result<Value> Schema::validate(Part part, Side side, const Value& values) const {
  if (const auto whole = withoutProperties(part, side, values)) return *whole;
  Value out = project(part, side, values);
  const std::string subject =
      std::string(api::nameOf(side)).append(" ").append(nameOf(part)) + " property '";
  for (const auto& [name, property] : *propertiesOf(part, side)) {
    const Value* value = out.find(name);
    if (value == nullptr ||
        (value->empty() && isEmptyMissing(part, side) && !property.defaultValue)) {
      if (property.required) return fail(Code::NotFound, subject + name + "' is required");
      continue;
    }
    if (value->empty()) continue;
    if (const std::string broken = brokenRule(property, value->asString()); !broken.empty()) {
      return fail(Code::Invalid,
                  subject + name + "' " + broken +
                      (property.sensitive ? "" : ", but is \"" + value->toString() + "\""));
    }
  }
  return out;
}

Value Schema::withoutSensitive(Part part, Side side, const Value& values) const {
  Value out = values;
  for (const Member& member : values.members()) {
    if (isSensitive(part, side, member.key())) out.erase(member.key());
  }
  return out;
}

bool Schema::isSensitive(Part part, Side side, std::string_view name) const {
  const Properties* properties = propertiesOf(part, side);
  if (properties == nullptr) return false;
  const auto found = properties->find(name);
  return found != properties->end() && found->second.sensitive;
}

}  // namespace iop::operators::coupling
