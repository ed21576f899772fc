#include "apiserver/schema/internal/structural.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "apiserver/schema/internal/go_text.h"
#include "apiserver/schema/internal/list_keys.h"
#include "apiserver/schema/internal/object_meta.h"
#include "apiserver/schema/validations.h"
#include "text/json.h"

namespace iop::apiserver::schema::internal {
namespace {

using Type = Schema::Type;

std::string_view nameOf(Type type) {
  switch (type) {
    case Type::Any:
      return "";
    case Type::Object:
      return "object";
    case Type::Array:
      return "array";
    case Type::String:
      return "string";
    case Type::Integer:
      return "integer";
    case Type::Number:
      return "number";
    case Type::Boolean:
      return "boolean";
  }
  return "";
}

Type typeOf(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return Type::Any;
    case Value::Type::Bool:
      return Type::Boolean;
    case Value::Type::Int:
      return Type::Integer;
    case Value::Type::Double:
      return Type::Number;
    case Value::Type::String:
      return Type::String;
    case Value::Type::Array:
      return Type::Array;
    case Value::Type::Object:
      return Type::Object;
  }
  return Type::Any;
}

// swag.IsFloat64AJSONInteger: "nearly integral" counts.
bool isIntegral(double number) {
  constexpr double kLimit = 9007199254740991.0;
  if (!std::isfinite(number) || std::fabs(number) > kLimit) return false;
  if (std::trunc(number) == number) return true;
  const double size = std::fabs(number);
  const double whole = std::trunc(size);
  if (whole == 0) return false;
  return (size - whole) / (size + whole) < 1e-9;
}

std::string printNumber(double number) {
  const bool whole = std::trunc(number) == number && std::fabs(number) < 9.2e18;
  return whole ? std::to_string(static_cast<std::int64_t>(number)) : printFloat(number);
}

// Whether a number can be had in the type and format of a schema.
bool fitsFormat(double number, const Schema& schema) {
  if (schema.type == Schema::Type::Integer) {
    if (std::trunc(number) != number) return false;
    if (schema.format == "int32") return number >= -2147483648.0 && number <= 2147483647.0;
    return number >= -9223372036854775808.0 && number < 9223372036854775808.0;
  }
  return schema.format != "float" || std::fabs(number) <= std::numeric_limits<float>::max();
}

class Walker {
 public:
  explicit Walker(FieldErrors& errors) : errors_(errors) {}

  bool sawJunctors() const { return sawJunctors_; }

  // Returns how many checks matched, which tells the best arm of an anyOf.
  int validate(const Value& value, const Schema& schema, const Value* old) {
    const std::size_t before = errors_.size();
    const int matched = validateNode(value, schema, old);
    // What has not changed is not judged again.
    if (errors_.size() != before && old != nullptr && *old == value) errors_.resize(before);
    return matched;
  }

 private:
  int validateNode(const Value& value, const Schema& schema, const Value* old) {
    int matched = 0;
    const bool typed = schema.type != Type::Any || schema.intOrString || !schema.format.empty();
    if (typed) matched += validateType(value, schema) ? 2 : 1;
    const Validations* rules = schema.validations.get();
    if (value.isNull()) {
      if (rules != nullptr) validateEnum(value, *rules);
      return matched;
    }
    matched += 2;  // allOf and its kind, and enum, are always looked at
    if (rules != nullptr) matched += validateJunctors(value, *rules, old);
    switch (value.type()) {
      case Value::Type::String:
        if (rules != nullptr) {
          validateString(value, *rules);
          if (rules->format != nullptr && !rules->format(value.asString()))
            addType(value, schema.format, value);
        }
        matched += 1;
        break;
      case Value::Type::Int:
      case Value::Type::Double:
        if (schema.type == Type::Integer || schema.type == Type::Number)
          validateRange(value, schema);
        if (rules != nullptr) validateNumber(value, schema, *rules);
        matched += 2;
        break;
      case Value::Type::Array:
        matched += validateArray(value, schema, old);
        break;
      default:
        break;
    }
    if (rules != nullptr) validateEnum(value, *rules);
    if (value.isObject()) matched += validateObject(value, schema, old);
    return matched + 1;
  }

  void add(FieldErrorType type, std::optional<Value> value, std::string detail) {
    errors_.push_back({type, path_, std::move(value), std::move(detail)});
  }
  void addComposite(std::string detail) {
    errors_.push_back({FieldErrorType::Invalid, "<nil>", Value(""), std::move(detail)});
  }
  void addType(const Value& shown, std::string_view wanted, const Value& found) {
    std::string detail = path_ + " in body must be of type " + std::string(wanted) + ": ";
    detail += quote(found.asString());
    add(FieldErrorType::TypeInvalid, shown, std::move(detail));
  }
  void reject(const Value& value, std::string_view what, std::string_view bound) {
    add(FieldErrorType::Invalid, value,
        path_ + " in body " + std::string(what) + std::string(bound));
  }

  bool validateType(const Value& value, const Schema& schema) {
    if (value.isNull()) {
      if (schema.nullable || (schema.type == Type::Any && !schema.intOrString)) return true;
      addType("null", wantedType(schema), "null");
      return false;
    }
    const Type type = typeOf(value);
    const bool floatInteger = value.isDouble() && isIntegral(value.asDouble());
    const bool fits = fitsType(type, schema, floatInteger);
    const bool numeric =
        schema.type == Type::Number || schema.type == Type::Integer || schema.intOrString;
    if (!schema.format.empty()) {
      if (type != Type::String && type != Type::Array && !fits) {
        const std::string_view goType = value.isInt() ? "int64" : value.isDouble() ? "float64" : "";
        addType(goType, schema.format, goType);
        return false;
      }
      // With a format the type of strings and lists is not looked at.
      if (!numeric && (type == Type::String || type == Type::Array)) return true;
    }
    if (fits) return true;
    addType(nameOf(type), wantedType(schema), nameOf(type));
    return false;
  }

  static bool fitsType(Type type, const Schema& schema, bool floatInteger) {
    if (schema.intOrString) return type == Type::Integer || type == Type::String || floatInteger;
    if (schema.type == Type::Any) return schema.format.empty();
    return type == schema.type || (type == Type::Integer && schema.type == Type::Number) ||
           (floatInteger && schema.type == Type::Integer);
  }

  static std::string_view wantedType(const Schema& schema) {
    return schema.intOrString ? "integer,string" : nameOf(schema.type);
  }

  // Whether a number fits its format: "Checked value must be of type …".
  void validateRange(const Value& value, const Schema& schema) {
    // An integer of 64 bits is always one; as a double it might not be.
    if (value.isInt() && schema.format != "int32" && schema.format != "float") return;
    if (!fitsFormat(value.asDouble(), schema)) addRange(schema, "Checked");
  }

  void addRange(const Schema& schema, std::string_view what) {
    addComposite(std::string(what) + " value must be of type " + std::string(nameOf(schema.type)) +
                 (schema.format.empty() ? " (default format)" : " with format " + schema.format) +
                 " in " + path_);
  }

  void validateNumber(const Value& value, const Schema& schema, const Validations& rules) {
    if (rules.multipleOf) validateMultiple(value, schema, *rules.multipleOf);
    if (rules.minimum) {
      const double bound = boundOf(value, schema, *rules.minimum, "Minimum boundary");
      const int order = compare(value, bound);
      if (order < 0 || (order == 0 && rules.exclusiveMinimum))
        reject(value,
               rules.exclusiveMinimum ? "should be greater than "
                                      : "should be greater than or equal to ",
               printNumber(bound));
    }
    if (rules.maximum) {
      const double bound = boundOf(value, schema, *rules.maximum, "Maximum boundary");
      const int order = compare(value, bound);
      if (order > 0 || (order == 0 && rules.exclusiveMaximum))
        reject(value,
               rules.exclusiveMaximum ? "should be less than " : "should be less than or equal to ",
               printNumber(bound));
    }
  }

  // A bound that is none of the schema's type is told of, and used as it is; else an integer is
  // compared with the integral part of the bound.
  double boundOf(const Value& value, const Schema& schema, double bound, std::string_view what) {
    if (!fitsFormat(bound, schema)) {
      addRange(schema, what);
      return bound;
    }
    return value.isInt() ? std::trunc(bound) : bound;
  }

  void validateMultiple(const Value& value, const Schema& schema, double declared) {
    const double factor = boundOf(value, schema, declared, "MultipleOf");
    if (factor <= 0) {
      add(FieldErrorType::Invalid, shownFactor(factor, value),
          "factor MultipleOf declared for " + path_ + " must be positive: " + printNumber(factor));
      return;
    }
    bool fits = false;
    if (value.isInt() && std::trunc(factor) == factor && factor < 9.2e18) {
      fits = value.asInt() % static_cast<std::int64_t>(factor) == 0;
    } else {
      const double number = value.asDouble();
      fits = isIntegral(factor < 1 ? 1 / factor * number : number / factor);
    }
    if (!fits) reject(value, "should be a multiple of ", printNumber(factor));
  }

  static Value shownFactor(double factor, const Value& value) {
    if (value.isInt() && std::trunc(factor) == factor && std::fabs(factor) < 9.2e18)
      return static_cast<std::int64_t>(factor);
    return factor;
  }

  static int compare(const Value& value, double bound) {
    if (value.isInt() && std::trunc(bound) == bound && std::fabs(bound) < 9.2e18) {
      const auto whole = static_cast<std::int64_t>(bound);
      return value.asInt() < whole ? -1 : value.asInt() > whole ? 1 : 0;
    }
    const double number = value.asDouble();
    return number < bound ? -1 : number > bound ? 1 : 0;
  }

  // The first thing that is wrong, as the server has it.
  void validateString(const Value& value, const Validations& rules) {
    if (!rules.maxLength && !rules.minLength && !rules.pattern) return;
    const std::string_view text = value.asString();
    if (rules.maxLength || rules.minLength) {
      const auto length = static_cast<std::int64_t>(countRunes(text));
      if (rules.maxLength && length > *rules.maxLength) {
        add(FieldErrorType::TooLong, Value(""),
            "may not be more than " + std::to_string(*rules.maxLength) +
                (*rules.maxLength == 1 ? " byte" : " bytes"));
        return;
      }
      if (rules.minLength && length < *rules.minLength) {
        reject(value, "should be at least ", std::to_string(*rules.minLength) + " chars long");
        return;
      }
    }
    if (rules.pattern && !rules.pattern->matches(text))
      reject(value, "should match '", rules.pattern->source() + "'");
  }

  void validateEnum(const Value& value, const Validations& rules) {
    if (rules.enumValues.empty()) return;
    const auto isOneOf = [&](const Value& allowed) {
      if (allowed == value) return true;
      if (!allowed.isNumber() || !value.isNumber()) return false;
      // Go converts the value to the type of what is allowed.
      return allowed.isInt() ? std::trunc(value.asDouble()) == allowed.asDouble()
                             : value.asDouble() == allowed.asDouble();
    };
    if (std::any_of(rules.enumValues.begin(), rules.enumValues.end(), isOneOf)) return;
    std::string detail = "supported values: ";
    bool first = true;
    for (const Value& allowed : rules.enumValues) {
      if (!first) detail += ", ";
      first = false;
      detail += quote(allowed.isString() ? allowed.toString() : text::printJson(allowed));
    }
    add(FieldErrorType::NotSupported, value, std::move(detail));
  }

  void addTooMany(std::size_t found, std::int64_t most) {
    add(FieldErrorType::TooMany, Value(static_cast<std::int64_t>(found)),
        "must have at most " + std::to_string(most) + (most == 1 ? " item" : " items"));
  }

  int validateArray(const Value& array, const Schema& schema, const Value* old) {
    int matched = 2;
    if (schema.items != nullptr) {
      const bool keyed = old != nullptr && schema.listType == Schema::ListType::Map;
      std::optional<ListIndex> before;
      const std::size_t length = path_.size();
      for (std::size_t i = 0; i < array.size(); ++i) {
        const Value& item = array.at(i);
        path_ += '[';
        path_ += std::to_string(i);
        path_ += ']';
        const std::size_t reported = errors_.size();
        matched += validateNode(item, *schema.items, nullptr);
        // Whether the item was like that before is only worth knowing where something is wrong.
        if (keyed && errors_.size() != reported) {
          if (!before) before.emplace(*old, schema);
          errors_.resize(reported);
          static_cast<void>(validate(item, *schema.items, before->find(item)));
        }
        path_.resize(length);
      }
    }
    const Validations* rules = schema.validations.get();
    if (rules == nullptr) return matched;
    const auto size = static_cast<std::int64_t>(array.size());
    if (rules->minItems && size < *rules->minItems)
      reject(size, "should have at least ", std::to_string(*rules->minItems) + " items");
    if (rules->maxItems && size > *rules->maxItems) addTooMany(array.size(), *rules->maxItems);
    return matched;
  }

  int validateObject(const Value& object, const Schema& schema, const Value* old) {
    const Validations* rules = schema.validations.get();
    if (rules != nullptr) {
      const auto size = static_cast<std::int64_t>(object.size());
      if (rules->minProperties && size < *rules->minProperties) {
        reject(size, "should have at least ",
               std::to_string(*rules->minProperties) + " properties");
        return 1;
      }
      if (rules->maxProperties && size > *rules->maxProperties) {
        addTooMany(object.size(), *rules->maxProperties);
        return 1;
      }
    }
    int matched = 1;
    const std::size_t length = path_.size();
    for (const Member& member : object.members()) {
      const std::string_view key = member.key();
      const Schema* known = schema.find(key);
      if (rules != nullptr && rules->additionalForbidden && !schema.properties.contains(key)) {
        const std::string name(key);
        add(FieldErrorType::Invalid, Value(key),
            (length > 0 ? path_ + "." + name : name) + " in body is a forbidden property");
        continue;
      }
      if (known == nullptr) continue;
      if (length > 0) path_ += '.';
      path_ += key;
      matched += validate(member.value, *known, old == nullptr ? nullptr : old->find(key));
      path_.resize(length);
    }
    if (rules == nullptr) return matched;
    for (const std::string& name : rules->required) {
      if (object.contains(name)) continue;
      errors_.push_back({FieldErrorType::Required, length > 0 ? path_ + "." + name : name, {}, ""});
    }
    return matched;
  }

  struct Arm {
    FieldErrors errors;
    int matched = 0;
  };

  Arm validateArm(const Value& value, const Schema& schema, const Value* old) {
    const std::size_t before = errors_.size();
    Arm arm;
    arm.matched = validateNode(value, schema, old);
    const auto from = errors_.begin() + static_cast<std::ptrdiff_t>(before);
    arm.errors.assign(std::make_move_iterator(from), std::make_move_iterator(errors_.end()));
    errors_.resize(before);
    return arm;
  }

  void append(FieldErrors&& errors) {
    std::move(errors.begin(), errors.end(), std::back_inserter(errors_));
  }

  int validateJunctors(const Value& value, const Validations& rules, const Value* old) {
    int matched = 0;
    if (!rules.anyOf.empty()) matched += validateAnyOf(value, rules, old);
    if (!rules.oneOf.empty()) matched += validateOneOf(value, rules, old);
    if (!rules.allOf.empty()) matched += validateAllOf(value, rules, old);
    if (rules.negated != nullptr && validateArm(value, *rules.negated, old).errors.empty())
      addComposite("\"" + path_ + "\" must not validate the schema (not)");
    return matched;
  }

  int validateAnyOf(const Value& value, const Validations& rules, const Value* old) {
    sawJunctors_ = true;
    Arm best;
    best.matched = -1;
    for (const Schema* schema : rules.anyOf) {
      Arm arm = validateArm(value, *schema, old);
      if (arm.errors.empty()) return arm.matched;
      if (arm.matched > best.matched) best = std::move(arm);
    }
    addComposite("\"" + path_ + "\" must validate at least one schema (anyOf)");
    append(std::move(best.errors));
    return best.matched;
  }

  int validateOneOf(const Value& value, const Validations& rules, const Value* old) {
    sawJunctors_ = true;
    Arm best;
    best.matched = -1;
    int valid = 0;
    int matched = 0;
    for (const Schema* schema : rules.oneOf) {
      Arm arm = validateArm(value, *schema, old);
      if (arm.errors.empty()) {
        ++valid;
        matched = arm.matched;
      } else if (valid == 0 && arm.matched > best.matched) {
        best = std::move(arm);
      }
    }
    if (valid == 1) return matched;
    const std::string found =
        valid == 0 ? "Found none valid" : "Found " + std::to_string(valid) + " valid alternatives";
    addComposite("\"" + path_ + "\" must validate one and only one schema (oneOf). " + found);
    if (valid > 0) return 0;
    append(std::move(best.errors));
    return best.matched;
  }

  int validateAllOf(const Value& value, const Validations& rules, const Value* old) {
    sawJunctors_ = true;
    std::size_t valid = 0;
    int matched = 0;
    for (const Schema* schema : rules.allOf) {
      Arm arm = validateArm(value, *schema, old);
      if (arm.errors.empty()) ++valid;
      matched += arm.matched;
      append(std::move(arm.errors));
    }
    if (valid != rules.allOf.size())
      addComposite("\"" + path_ + "\" must validate all the schemas (allOf)" +
                   (valid == 0 ? ". None validated" : ""));
    return matched;
  }

  FieldErrors& errors_;
  std::string path_;
  bool sawJunctors_ = false;
};

// Arms of an anyOf may say the same as others: the server shows each sentence once.
void removeRepeated(FieldErrors& errors, std::size_t from) {
  std::unordered_set<std::string> seen;
  const auto repeated = [&](const FieldError& error) { return !seen.insert(error.print()).second; };
  const auto begin = errors.begin() + static_cast<std::ptrdiff_t>(from);
  errors.erase(std::remove_if(begin, errors.end(), repeated), errors.end());
}

template <typename Visit>
void walk(const Value& value, const Schema& schema, std::string& path, bool Schema::*below,
          const Visit& visit) {
  if (!(schema.*below)) return;
  visit(value, schema, path);
  const std::size_t length = path.size();
  if (value.isObject()) {
    for (const Member& member : value.members()) {
      const auto property = schema.properties.find(member.key());
      const bool declared = property != schema.properties.end();
      const Schema* known = declared ? property->second : schema.additionalProperties;
      if (known == nullptr || !(known->*below)) continue;
      if (declared) {
        if (length > 0) path += '.';
        path += member.key();
      } else {
        path += '[';
        path += member.key();
        path += ']';
      }
      walk(member.value, *known, path, below, visit);
      path.resize(length);
    }
  } else if (value.isArray() && schema.items != nullptr && schema.items->*below) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      path += '[';
      path += std::to_string(i);
      path += ']';
      walk(value.at(i), *schema.items, path, below, visit);
      path.resize(length);
    }
  }
}

// Each value that is there more than once is told of once, at its second place.
void findDuplicates(const Value& list, const Schema& schema, const std::string& path,
                    FieldErrors& errors) {
  std::unordered_map<std::string, int> seen;
  seen.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool keyed = schema.listType == Schema::ListType::Map;
    if (keyed && !list.at(i).isObject()) continue;
    Value key = keyed ? keyOf(list.at(i), schema) : list.at(i);
    if (++seen[fingerprintOf(key)] == 2)
      errors.push_back(
          {FieldErrorType::Duplicate, path + "[" + std::to_string(i) + "]", std::move(key), ""});
  }
}

}  // namespace

void validateStructure(const Value& value, const Schema& schema, const Value* old,
                       FieldErrors& errors) {
  const std::size_t before = errors.size();
  Walker walker(errors);
  static_cast<void>(walker.validate(value, schema, old));
  if (walker.sawJunctors() && errors.size() > before + 1) removeRepeated(errors, before);
}

void validateLists(const Value& value, const Schema& schema, FieldErrors& errors) {
  std::string path;
  walk(value, schema, path, &Schema::listTypesBelow,
       [&](const Value& list, const Schema& node, const std::string& at) {
         if (list.isArray() && list.size() > 1 && node.listType != Schema::ListType::Atomic)
           findDuplicates(list, node, at, errors);
       });
}

void validateAllEmbedded(const Value& value, const Schema& schema, FieldErrors& errors) {
  std::string path;
  walk(value, schema, path, &Schema::embeddedBelow,
       [&](const Value& resource, const Schema& node, const std::string& at) {
         if (node.embeddedResource && resource.isObject() && !at.empty())
           validateEmbedded(resource, at, errors);
       });
}

}  // namespace iop::apiserver::schema::internal
