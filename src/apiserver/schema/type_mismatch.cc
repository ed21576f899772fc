// The words of Go's decoder for a value that does not fit its type (sigs.k8s.io/json, and the
// UnmarshalJSON of Quantity, Time, IntOrString and what has one besides).

#include <algorithm>
#include <cmath>
#include <limits>

#include "apiserver/schema/internal/go_text.h"
#include "apiserver/schema/internal/go_time.h"
#include "apiserver/schema/internal/go_types.h"
#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema {
namespace {

constexpr std::string_view kQuantityRule =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

std::string_view shortName(std::string_view definition) {
  return definition.substr(definition.rfind('.') + 1);
}

// "v1.PodSpec" of "io.k8s.api.core.v1.PodSpec".
std::string_view packageName(std::string_view definition) {
  const std::size_t last = definition.rfind('.');
  if (last == std::string_view::npos || last == 0) return definition;
  const std::size_t before = definition.rfind('.', last - 1);
  return before == std::string_view::npos ? definition : definition.substr(before + 1);
}

std::string goTypeOf(const Schema& schema) {
  if (schema.intOrString) return "int32";
  if (schema.type == Schema::Type::Array && schema.items != nullptr)
    return "[]" + goTypeOf(*schema.items);
  if (schema.format == "date-time" || schema.format == "micro-time")
    return schema.definition.empty() ? "string" : std::string(packageName(schema.definition));
  if (!schema.definition.empty()) return std::string(packageName(schema.definition));
  switch (schema.type) {
    case Schema::Type::Object:
      if (schema.additionalProperties == nullptr) return "map[string]interface {}";
      if (schema.additionalProperties->format == "quantity") return "v1.ResourceList";
      return "map[string]" + goTypeOf(*schema.additionalProperties);
    case Schema::Type::Integer:
      return schema.format.empty() ? "int64" : schema.format;
    case Schema::Type::Number:
      return "float64";
    case Schema::Type::Boolean:
      return "bool";
    case Schema::Type::String:
      return schema.format == "byte" ? "[]uint8" : "string";
    default:
      return "interface {}";
  }
}

// Where in base64 the decoder stops (encoding/base64's CorruptInputError); nothing where it does
// not.
std::optional<std::size_t> findBase64Error(std::string_view text) {
  const auto isAlphabet = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  std::size_t in = 0;     // of the group of four
  std::size_t begin = 0;  // where that group begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    if (in == 0) begin = i;
    if (isAlphabet(c)) {
      in = (in + 1) % 4;
      continue;
    }
    if (c != '=' || in < 2) return i;
    std::size_t rest = i + 1;
    const auto skipBreaks = [&] {
      while (rest < text.size() && (text[rest] == '\n' || text[rest] == '\r')) ++rest;
    };
    if (in == 2) {
      skipBreaks();
      if (rest == text.size()) return text.size();
      if (text[rest] != '=') return rest;
      ++rest;
    }
    skipBreaks();
    return rest == text.size() ? std::nullopt : std::optional(rest);
  }
  return in == 0 ? std::nullopt : std::optional(begin);
}

class Finder {
 public:
  explicit Finder(std::string_view kind) : struct_(kind) {}

  std::optional<std::string> find(const Value& value, const Schema& schema, std::string_view type) {
    if (value.isNull()) return std::nullopt;
    if (schema.intOrString) return findInteger(value, "int32", true);
    if (schema.format == "quantity") return findQuantity(value);
    if (schema.format == "date-time" || schema.format == "micro-time")
      return findTime(value, schema.format == "micro-time");
    switch (schema.type) {
      case Schema::Type::Any:
        return findOpen(value, schema);
      case Schema::Type::Object:
        return value.isObject() ? findInObject(value, schema, type) : mismatch(value, type, schema);
      case Schema::Type::Array:
        return value.isArray() ? findInArray(value, schema, type) : mismatch(value, type, schema);
      case Schema::Type::String:
        if (schema.format == "byte") return findBytes(value, schema, type);
        return value.isString() ? std::nullopt : mismatch(value, type, schema);
      case Schema::Type::Boolean:
        return value.isBool() ? std::nullopt : mismatch(value, type, schema);
      case Schema::Type::Number:
        return value.isNumber() ? std::nullopt : mismatch(value, type, schema);
      case Schema::Type::Integer:
        return findInteger(value, schema.format, false);
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> mismatch(const Value& value, std::string_view type,
                                      const Schema& schema) const {
    return say(nameOf(value), type.empty() ? goTypeOf(schema) : std::string(type));
  }

  std::string say(std::string_view what, std::string_view type) const {
    std::string out = "json: cannot unmarshal " + std::string(what) + " into Go ";
    if (path_.empty()) return out + "value of type " + std::string(type);
    return out + "struct field " + std::string(struct_) + "." + path_ + " of type " +
           std::string(type);
  }

  static std::string_view nameOf(const Value& value) {
    switch (value.type()) {
      case Value::Type::Bool:
        return "bool";
      case Value::Type::Int:
      case Value::Type::Double:
        return "number";
      case Value::Type::String:
        return "string";
      case Value::Type::Array:
        return "array";
      default:
        return "object";
    }
  }

  // The literal of a number as far as it is still known.
  static std::string literalOf(const Value& value) {
    if (value.isInt()) return std::to_string(value.asInt());
    const double number = value.asDouble();
    std::string out = internal::printFloat(number);
    if (std::trunc(number) == number && std::fabs(number) < 9.2e18) out += ".0";
    return out;
  }

  std::optional<std::string> findInteger(const Value& value, std::string_view type,
                                         bool orString) const {
    if (orString && value.isString()) return std::nullopt;
    if (!value.isNumber()) return say(nameOf(value), type.empty() ? "int64" : type);
    const bool narrow = type == "int32";
    if (value.isInt() && (!narrow || (value.asInt() >= std::numeric_limits<std::int32_t>::min() &&
                                      value.asInt() <= std::numeric_limits<std::int32_t>::max())))
      return std::nullopt;
    return say("number " + literalOf(value), type.empty() ? "int64" : type);
  }

  std::optional<std::string> findTime(const Value& value, bool micro) const {
    if (!value.isString()) return say(nameOf(value), "string");
    return internal::findTimeError(value.asString(), micro);
  }

  static std::optional<std::string> findQuantity(const Value& value) {
    if (value.isNumber()) return std::nullopt;
    if (!value.isString()) return std::string(kQuantityRule);
    return internal::findQuantityError(value.asString());
  }

  std::optional<std::string> findBytes(const Value& value, const Schema& schema,
                                       std::string_view type) const {
    // Go takes a list of numbers for bytes, too.
    if (value.isArray() && value.empty()) return std::nullopt;
    if (!value.isString()) return mismatch(value, type, schema);
    if (const std::optional<std::size_t> at = findBase64Error(value.asString()))
      return "illegal base64 data at input byte " + std::to_string(*at);
    return std::nullopt;
  }

  std::optional<std::string> findOpen(const Value& value, const Schema& schema) {
    if (schema.properties.empty()) return std::nullopt;
    if (value.isObject()) return findInObject(value, schema, {});
    if (schema.items != nullptr) {
      if (value.isArray()) return findInArray(value, schema, {});
      return std::nullopt;
    }
    if (value.isBool()) return std::nullopt;
    return "boolean or JSON schema expected";
  }

  std::optional<std::string> findInArray(const Value& array, const Schema& schema,
                                         std::string_view type) {
    if (schema.items == nullptr) return std::nullopt;
    const std::string_view element = type.starts_with("[]") ? type.substr(2) : std::string_view();
    for (const Value& item : array.items())
      if (auto found = find(item, *schema.items, element)) return found;
    return std::nullopt;
  }

  std::optional<std::string> findInObject(const Value& object, const Schema& schema,
                                          std::string_view type) {
    const std::size_t length = path_.size();
    const std::string_view outer = struct_;
    for (const Member& member : object.members()) {
      const std::string_view key = member.key();
      const auto property = schema.properties.find(key);
      std::optional<std::string> found;
      if (property != schema.properties.end()) {
        if (!schema.definition.empty()) struct_ = shortName(schema.definition);
        const std::string_view embedded = internal::embeddedStructOf(schema.definition, key);
        for (const std::string_view part : {embedded, key}) {
          if (part.empty()) continue;
          if (!path_.empty()) path_ += '.';
          path_ += part;
        }
        found =
            find(member.value, *property->second, internal::namedTypeOf(schema.definition, key));
      } else if (schema.additionalProperties != nullptr) {
        const std::size_t end = type.starts_with("map[") ? type.find(']') : std::string_view::npos;
        found = find(member.value, *schema.additionalProperties,
                     end == std::string_view::npos ? std::string_view() : type.substr(end + 1));
      }
      path_.resize(length);
      struct_ = outer;
      if (found) return found;
    }
    return std::nullopt;
  }

  std::string_view struct_;
  std::string path_;
};

}  // namespace

std::optional<std::string> findTypeMismatch(const Value& object, const Schema& schema,
                                            std::string_view kind) {
  return Finder(kind).find(object, schema, {});
}

}  // namespace iop::apiserver::schema
