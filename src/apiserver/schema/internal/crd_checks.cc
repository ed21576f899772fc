#include "apiserver/schema/internal/crd_checks.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "apiserver/schema/internal/go_text.h"
#include "apiserver/schema/validations.h"

namespace iop::apiserver::schema::internal {
namespace {

constexpr std::string_view kEmbedded = "x-kubernetes-embedded-resource";
constexpr std::string_view kIntOrString = "x-kubernetes-int-or-string";
constexpr std::string_view kListKeys = "x-kubernetes-list-map-keys";
constexpr std::string_view kListType = "x-kubernetes-list-type";
constexpr std::string_view kMapType = "x-kubernetes-map-type";
constexpr std::string_view kPreserve = "x-kubernetes-preserve-unknown-fields";
constexpr std::string_view kRules = "x-kubernetes-validations";

bool isFilled(const Value& value) {
  return !value.isNull() && !(value.isString() && value.empty()) && value != Value(false) &&
         !((value.isArray() || value.isObject()) && value.empty());
}

std::string_view trim(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string keyed(const std::string& path, std::string_view child, std::string_view key) {
  return path + "." + std::string(child) + "[" + std::string(key) + "]";
}

std::string indexed(const std::string& path, std::string_view child, std::size_t index) {
  return path + "." + std::string(child) + "[" + std::to_string(index) + "]";
}

std::string below(const std::string& path, std::string_view child) {
  return path + "." + std::string(child);
}

std::string quoteAll(std::initializer_list<std::string_view> values) {
  std::string out = "supported values: ";
  bool first = true;
  for (const std::string_view value : values) {
    if (!first) out += ", ";
    first = false;
    out += quote(value);
  }
  return out;
}

class Checker {
 public:
  explicit Checker(FieldErrors& errors) : errors_(errors) {}

  void run(const Value& schema, const std::string& path) {
    checkRoot(schema, path);
    // What cannot be converted to a structural schema is not judged as one.
    if (isConvertible(schema)) checkStructure(schema, Level::Root, path);
    checkOpenApi(schema, path, true);
  }

 private:
  enum class Level { Root, Item, Field };

  void add(FieldErrorType type, std::string field, std::optional<Value> value, std::string detail) {
    errors_.push_back({type, std::move(field), std::move(value), std::move(detail)});
  }
  void require(std::string field, std::string detail) {
    add(FieldErrorType::Required, std::move(field), {}, std::move(detail));
  }
  void forbid(std::string field, std::string detail) {
    add(FieldErrorType::Forbidden, std::move(field), {}, std::move(detail));
  }
  void reject(std::string field, Value value, std::string detail) {
    add(FieldErrorType::Invalid, std::move(field), std::move(value), std::move(detail));
  }

  void checkRoot(const Value& schema, const std::string& path) {
    if (schema["nullable"].asBool())
      forbid(below(path, "nullable"), "nullable cannot be true at the root");
  }

  static bool isConvertible(const Value& schema) {
    for (const std::string_view name :
         {"$ref", "additionalItems", "definitions", "dependencies", "id", "patternProperties"})
      if (isFilled(schema[name])) return false;
    if (schema["items"].isArray()) return false;
    for (const std::string_view name : {"items", "additionalProperties", "not"})
      if (schema[name].isObject() && !isConvertible(schema[name])) return false;
    const auto convertible = [](const Value& arm) { return isConvertible(arm); };
    for (const std::string_view junctor : {"allOf", "anyOf", "oneOf"}) {
      const auto arms = schema[junctor].items();
      if (!std::all_of(arms.begin(), arms.end(), convertible)) return false;
    }
    const auto members = schema["properties"].members();
    return std::all_of(members.begin(), members.end(),
                       [](const Member& member) { return isConvertible(member.value); });
  }

  // --- structural schemas ---

  void checkStructure(const Value& schema, Level level, const std::string& path) {
    const Value& type = schema["type"];
    const bool open = schema[kPreserve].asBool() || schema[kIntOrString].asBool();
    if (level == Level::Root && schema["additionalProperties"].isObject())
      forbid(below(path, "additionalProperties"), "must not be used at the root");
    checkType(schema, level, path, open);
    if (schema[kEmbedded].asBool()) {
      if (!schema[kPreserve].asBool() && schema["properties"].empty())
        require(below(path, "properties"),
                "must not be empty if x-kubernetes-embedded-resource is true without "
                "x-kubernetes-preserve-unknown-fields");
      if (type.isString() && type.asString() != "object")
        reject(below(path, "type"), type,
               "must be object if x-kubernetes-embedded-resource is true");
    }
    if (level == Level::Root || schema[kEmbedded].asBool()) checkMeta(schema, level, path);

    const bool array = type.asString() == "array";
    const Value& items = schema["items"];
    if (array && items.isNull() && !open) require(below(path, "items"), "must be specified");
    for (const Member& member : schema["properties"].members())
      checkStructure(member.value, Level::Field, keyed(path, "properties", member.key()));
    if (items.isObject()) checkStructure(items, Level::Item, below(path, "items"));
    if (schema["additionalProperties"].isObject())
      checkStructure(schema["additionalProperties"], Level::Field,
                     below(path, "additionalProperties"));
    checkJunctors(schema, level == Level::Root, path);
  }

  void checkType(const Value& schema, Level level, const std::string& path, bool open) {
    const Value& type = schema["type"];
    const std::string field = below(path, "type");
    if (!isFilled(type)) {
      if (open && level != Level::Root) return;
      if (level == Level::Root) {
        require(field, "must not be empty at the root");
      } else {
        require(field, level == Level::Item ? "must not be empty for specified array items"
                                            : "must not be empty for specified object fields");
      }
      return;
    }
    if (level == Level::Root && type.asString() != "object") {
      reject(field, type, "must be object at the root");
      return;
    }
    static constexpr std::array<std::string_view, 6> kTypes = {"array",  "boolean", "integer",
                                                               "number", "object",  "string"};
    if (std::find(kTypes.begin(), kTypes.end(), type.asString()) == kTypes.end())
      add(FieldErrorType::NotSupported, field, type,
          quoteAll({"array", "boolean", "integer", "number", "object", "string"}));
  }

  // apiVersion, kind and metadata of an object of its own.
  void checkMeta(const Value& schema, Level level, const std::string& path) {
    const Value& properties = schema["properties"];
    for (const std::string_view name : {"apiVersion", "kind"}) {
      const Value* property = properties.find(name);
      if (property != nullptr && (*property)["type"].asString() != "string")
        reject(keyed(path, "properties", name) + ".type", (*property)["type"].toString(),
               "must be string");
    }
    const Value* metadata = properties.find("metadata");
    if (metadata == nullptr) return;
    const std::string field = keyed(path, "properties", "metadata");
    if ((*metadata)["type"].asString() != "object")
      reject(field + ".type", (*metadata)["type"].toString(), "must be object");
    if (level != Level::Root) return;
    const auto isName = [](const Member& member) {
      return member.key() == "name" || member.key() == "generateName";
    };
    const auto members = (*metadata)["properties"].members();
    bool plain = std::all_of(members.begin(), members.end(), isName);
    for (const Member& member : metadata->members())
      plain = plain && (member.key() == "type" || member.key() == "properties" ||
                        member.key() == "default" || !isFilled(member.value));
    if (!plain)
      forbid(field,
             "must not specify anything other than name and generateName, but metadata is "
             "implicitly specified");
  }

  void checkJunctors(const Value& schema, bool root, const std::string& path) {
    const bool intOrString = schema[kIntOrString].asBool();
    for (const std::string_view junctor : {"allOf", "anyOf", "oneOf"}) {
      const auto arms = schema[junctor].items();
      if (junctor == "anyOf" && intOrString && isIntOrStringChoice(schema[junctor])) continue;
      for (std::size_t i = 0; i < arms.size(); ++i) {
        const bool choice =
            junctor == "allOf" && i == 0 && intOrString && isIntOrStringChoice(arms[i]["anyOf"]);
        checkArm(arms[i], schema, root, indexed(path, junctor, i), path, choice);
      }
    }
    if (schema["not"].isObject())
      checkArm(schema["not"], schema, root, below(path, "not"), path, false);
  }

  // Below allOf, anyOf, oneOf and not only values may be judged, not declared.
  void checkArm(const Value& arm, const Value& schema, bool root, const std::string& path,
                const std::string& schemaPath, bool intOrStringChoice) {
    if (root && arm["properties"].contains("metadata")) {
      const std::string field = keyed(path, "properties", "metadata");
      forbid(field, "must not be specified in a nested context");
      if (!schema["properties"].contains("metadata"))
        require(keyed(schemaPath, "properties", "metadata"), "because it is defined in " + field);
    }
    struct Ban {
      std::string_view name;
      std::string_view detail;
    };
    static constexpr Ban kBans[] = {
        {"additionalProperties", "must be undefined to be structural"},
        {"default", "must be undefined to be structural"},
        {"description", "must be empty to be structural"},
        {"nullable", "must be false to be structural"},
        {"title", "must be empty to be structural"},
        {"type", "must be empty to be structural"},
        {kEmbedded, "must be false to be structural"},
        {kIntOrString, "must be false to be structural"},
        {kListKeys, "must be empty to be structural"},
        {kListType, "must be undefined to be structural"},
        {kMapType, "must be undefined to be structural"},
        {kPreserve, "must be false to be structural"},
        {kRules, "must be empty to be structural"},
    };
    for (const Ban& ban : kBans)
      if (isFilled(arm[ban.name])) forbid(below(path, ban.name), std::string(ban.detail));
    for (const Member& member : arm["properties"].members())
      checkArm(member.value, Value(), false, keyed(path, "properties", member.key()), schemaPath,
               false);
    if (arm["items"].isObject())
      checkArm(arm["items"], Value(), false, below(path, "items"), schemaPath, false);
    for (const std::string_view junctor : {"allOf", "anyOf", "oneOf"}) {
      if (intOrStringChoice && junctor == "anyOf") continue;
      const auto arms = arm[junctor].items();
      for (std::size_t i = 0; i < arms.size(); ++i)
        checkArm(arms[i], Value(), false, indexed(path, junctor, i), schemaPath, false);
    }
    if (arm["not"].isObject())
      checkArm(arm["not"], Value(), false, below(path, "not"), schemaPath, false);
  }

  void checkSetItems(const Value& schema, const std::string& path) {
    const Value& items = schema["items"];
    if (schema[kListType].asString() != "set" || !items.isObject()) return;
    const std::string itemsPath = below(path, "items");
    if (items["nullable"].asBool())
      forbid(below(itemsPath, "nullable"), "cannot be nullable when x-kubernetes-list-type is set");
    const std::string_view type = items["type"].asString();
    if (type == "object" && items[kMapType].asString() != "atomic")
      reject(below(itemsPath, kMapType), items[kMapType],
             "must be atomic as item of a list with x-kubernetes-list-type=set");
    if (type == "array" && !items[kListType].isNull() && items[kListType].asString() != "atomic")
      reject(below(itemsPath, kListType), items[kListType],
             "must be atomic as item of a list with x-kubernetes-list-type=set");
  }

  void checkMapKeys(const Value& schema, const std::string& path) {
    const Value& items = schema["items"];
    if (schema[kListType].asString() != "map" || !items.isObject()) return;
    const std::string itemsPath = below(path, "items");
    if (items["nullable"].asBool())
      forbid(below(itemsPath, "nullable"), "cannot be nullable when x-kubernetes-list-type is map");
    for (const Value& key : schema[kListKeys].items()) {
      const Value* property = items["properties"].find(key.asString());
      if (property == nullptr) continue;
      const std::string field = keyed(itemsPath, "properties", key.asString());
      const auto required = items["required"].items();
      if ((*property)["default"].isNull() &&
          std::find(required.begin(), required.end(), key) == required.end())
        require(field + ".default",
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
                "required property");
      if ((*property)["nullable"].asBool())
        forbid(field + ".nullable",
               "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
    }
  }

  // --- what no CRD may use ---

  void checkOpenApi(const Value& schema, const std::string& path, bool root) {
    for (const std::string_view name :
         {"$ref", "additionalItems", "definitions", "dependencies", "id", "patternProperties"}) {
      const Value* found = schema.find(name);
      if (found != nullptr && (isFilled(*found) || name == "additionalItems"))
        forbid(below(path, name), std::string(name) + " is not supported");
    }
    if (schema["uniqueItems"].asBool())
      forbid(below(path, "uniqueItems"),
             "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    if (schema["pattern"].isString()) {
      if (auto pattern = Pattern::compile(schema["pattern"].asString()); !pattern)
        reject(below(path, "pattern"), schema["pattern"],
               "must be a valid regular expression, but isn't: " + pattern.error().message);
    }
    const Value& additional = schema["additionalProperties"];
    if (!schema["properties"].empty() && (additional.isObject() || additional == Value(false)))
      forbid(below(path, "additionalProperties"),
             "additionalProperties and properties are mutual exclusive");
    if (additional.isObject()) checkOpenApi(additional, below(path, "additionalProperties"), false);
    for (const Member& member : schema["properties"].members()) {
      const std::string field = keyed(path, "properties", member.key());
      if (root && member.key() == "metadata")
        forbidDefaults(member.value, field, "must not be set in top-level metadata");
      checkOpenApi(member.value, field, false);
    }
    if (schema["items"].isArray())
      forbid(below(path, "items"), "items must be a schema object and not an array");
    if (schema["items"].isObject()) checkOpenApi(schema["items"], below(path, "items"), false);
    if (schema["not"].isObject()) checkOpenApi(schema["not"], below(path, "not"), false);
    for (const std::string_view junctor : {"allOf", "oneOf", "anyOf"}) {
      const auto arms = schema[junctor].items();
      for (std::size_t i = 0; i < arms.size(); ++i)
        checkOpenApi(arms[i], indexed(path, junctor, i), false);
    }
    checkExtensions(schema, path);
    checkSetItems(schema, path);
    checkListMap(schema, path);
    checkMapKeys(schema, path);
    checkRules(schema, path);
  }

  void forbidDefaults(const Value& schema, const std::string& path, const std::string& why) {
    if (!schema["default"].isNull()) forbid(below(path, "default"), why);
    for (const Member& member : schema["properties"].members())
      forbidDefaults(member.value, keyed(path, "properties", member.key()), why);
  }

  void checkTypeFor(const Value& schema, const std::string& path, std::string_view wanted,
                    std::string_view extension) {
    const Value& type = schema["type"];
    if (type.asString() == wanted) return;
    std::string detail =
        "must be " + std::string(wanted) + " if " + std::string(extension) + " is specified";
    if (isFilled(type)) {
      reject(below(path, "type"), type, std::move(detail));
    } else {
      require(below(path, "type"), std::move(detail));
    }
  }

  void checkExtensions(const Value& schema, const std::string& path) {
    if (schema[kPreserve] == Value(false))
      reject(below(path, kPreserve), false, "must be true or undefined");
    const Value& mapType = schema[kMapType];
    if (mapType.isString()) {
      checkTypeFor(schema, path, "object", kMapType);
      if (mapType.asString() != "atomic" && mapType.asString() != "granular")
        add(FieldErrorType::NotSupported, below(path, kMapType), mapType,
            quoteAll({"atomic", "granular"}));
    }
    const Value& listType = schema[kListType];
    if (listType.isString()) {
      const std::string_view name = listType.asString();
      if (schema["type"].asString() != "array") {
        checkTypeFor(schema, path, "array", kListType);
      } else if (name != "atomic" && name != "set" && name != "map") {
        add(FieldErrorType::NotSupported, below(path, kListType), listType,
            quoteAll({"atomic", "set", "map"}));
      }
    }
  }

  void checkListMap(const Value& schema, const std::string& path) {
    const Value& listType = schema[kListType];
    const Value& keys = schema[kListKeys];
    const std::string keysPath = below(path, kListKeys);
    if (!keys.empty()) {
      if (listType.isNull()) {
        require(below(path, kListType), "must be map if x-kubernetes-list-map-keys is non-empty");
      } else if (listType.asString() != "map") {
        reject(below(path, kListType), listType,
               "must be map if x-kubernetes-list-map-keys is non-empty");
      }
    }
    if (listType.asString() != "map") return;
    if (keys.empty()) require(keysPath, "must not be empty if x-kubernetes-list-type is map");
    const Value& items = schema["items"];
    if (items.isNull())
      require(below(path, "items"), "must have a schema if x-kubernetes-list-type is map");
    if (!items.isObject()) return;
    if (items["type"].asString() != "object") {
      reject(below(path, "items.type"), items["type"].toString(),
             "must be object if parent array's x-kubernetes-list-type is map");
      return;
    }
    std::set<std::string_view> seen;
    bool twice = false;
    for (const Value& key : keys.items()) {
      twice |= !seen.insert(key.asString()).second;
      const Value* property = items["properties"].find(key.asString());
      if (property == nullptr) {
        reject(keysPath, keys, "entries must all be names of item properties");
        continue;
      }
      const std::string_view type = (*property)["type"].asString();
      if (type == "array" || type == "object")
        reject(keyed(below(path, "items"), "properties", key.asString()) + ".type",
               (*property)["type"],
               "must be a scalar type if parent array's x-kubernetes-list-type is map");
    }
    if (twice) reject(keysPath, keys, "must not contain duplicate entries");
  }

  void checkRules(const Value& schema, const std::string& path) {
    const auto rules = schema[kRules].items();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const Value& rule = rules[i];
      const std::string field = indexed(path, kRules, i);
      const std::string_view expression = trim(rule["rule"].asString());
      const std::string_view message = rule["message"].asString();
      if (expression.empty()) require(field + ".rule", "rule is not specified");
      if (!message.empty() && trim(message).empty()) {
        reject(field + ".message", rule["message"], "must be non-empty if specified");
      } else if (hasLineBreak(trim(message))) {
        reject(field + ".message", rule["message"], "must not contain line breaks");
      } else if (hasLineBreak(expression) && message.empty()) {
        require(field + ".message", "message must be specified if rule contains line breaks");
      }
      const std::string_view messageExpression = rule["messageExpression"].asString();
      if (!messageExpression.empty() && trim(messageExpression).empty())
        require(field + ".messageExpression", "messageExpression must be non-empty if specified");
      static constexpr std::string_view kReasons[] = {"FieldValueDuplicate", "FieldValueForbidden",
                                                      "FieldValueInvalid", "FieldValueRequired"};
      if (rule["reason"].isString() && std::find(std::begin(kReasons), std::end(kReasons),
                                                 rule["reason"].asString()) == std::end(kReasons))
        add(FieldErrorType::NotSupported, field + ".reason", rule["reason"],
            quoteAll({"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                      "FieldValueRequired"}));
    }
  }

  static bool hasLineBreak(std::string_view text) {
    return text.find_first_of("\n\r") != std::string_view::npos;
  }

  FieldErrors& errors_;
};

}  // namespace

bool isIntOrStringChoice(const Value& anyOf) {
  const auto isOnly = [](const Value& arm, std::string_view type) {
    return arm.members().size() == 1 && arm["type"].asString() == type;
  };
  return anyOf.size() == 2 && isOnly(anyOf.at(0), "integer") && isOnly(anyOf.at(1), "string");
}

void checkCrdSchema(const Value& schema, const std::string& path, FieldErrors& errors) {
  const std::size_t before = errors.size();
  Checker(errors).run(schema, path);
  // The server meets this one where it converts the schema, and tells of it only if all else is
  // well.
  std::vector<const Value*> open = {&schema};
  while (errors.size() == before && !open.empty()) {
    const Value& node = *open.back();
    open.pop_back();
    if (isFilled(node["$schema"]))
      errors.push_back(
          {FieldErrorType::Invalid, path, Value(""), "OpenAPIV3Schema 'schema' is not supported"});
    for (const Member& member : node["properties"].members()) open.push_back(&member.value);
    for (const std::string_view name : {"items", "additionalProperties", "not"})
      if (node[name].isObject()) open.push_back(&node[name]);
  }
}

}  // namespace iop::apiserver::schema::internal
