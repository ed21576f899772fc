// Schemas of CRDs.

#include <algorithm>

#include "apiserver/schema/internal/crd_checks.h"
#include "apiserver/schema/internal/object_meta.h"
#include "apiserver/schema/internal/rules.h"
#include "apiserver/schema/internal/structural.h"
#include "apiserver/schema/validations.h"

namespace iop::apiserver::schema {
namespace {

Schema::Type typeOf(std::string_view name) {
  if (name == "object") return Schema::Type::Object;
  if (name == "array") return Schema::Type::Array;
  if (name == "string") return Schema::Type::String;
  if (name == "integer") return Schema::Type::Integer;
  if (name == "number") return Schema::Type::Number;
  if (name == "boolean") return Schema::Type::Boolean;
  return Schema::Type::Any;
}

std::optional<std::int64_t> readInt(const Value& value) {
  if (value.isInt()) return value.asInt();
  return std::nullopt;
}

std::optional<double> readNumber(const Value& value) {
  if (value.isNumber()) return value.asDouble();
  return std::nullopt;
}

class Parser {
 public:
  Parser(FieldErrors& errors, std::vector<std::string>& warnings)
      : errors_(errors), warnings_(warnings) {}

  DocumentPtr parse(const Value& source, const std::string& path) {
    const std::size_t before = errors_.size();
    document_ = std::make_shared<Document>();
    meta_ = &internal::addObjectMeta(*document_);
    Schema& root = parseNode(source, true);
    document_->setRoot(root);
    checkDefaults(source, root, path);
    if (errors_.size() == before) compileAll(source, root, true, path, "");
    return errors_.size() == before ? document_ : nullptr;
  }

 private:
  Schema& parseNode(const Value& source, bool root) {
    Schema& node = document_->add();
    node.type = typeOf(source["type"].asString());
    node.nullable = source["nullable"].asBool();
    node.preserveUnknownFields = source["x-kubernetes-preserve-unknown-fields"].asBool();
    node.embeddedResource = source["x-kubernetes-embedded-resource"].asBool();
    node.intOrString = source["x-kubernetes-int-or-string"].asBool();
    node.additionalAllowed = source["additionalProperties"].asBool();
    node.atomicMap = source["x-kubernetes-map-type"].asString() == "atomic";
    const std::string_view listType = source["x-kubernetes-list-type"].asString();
    if (listType == "set") node.listType = Schema::ListType::Set;
    if (listType == "map") node.listType = Schema::ListType::Map;
    for (const Value& key : source["x-kubernetes-list-map-keys"].items())
      node.listMapKeys.push_back(key.toString());
    const std::string_view format = source["format"].asString();
    if (isNumberFormat(format) || findFormat(format) != nullptr) node.format = format;
    if (!source["default"].isNull()) node.defaultValue = source["default"];

    for (const Member& member : source["properties"].members())
      node.properties.emplace(member.key(), &parseNode(member.value, false));
    if (source["additionalProperties"].isObject())
      node.additionalProperties = &parseNode(source["additionalProperties"], false);
    // Of a mere true or false the members are kept, but nothing inside of them is known.
    if (source["additionalProperties"].isBool()) node.additionalProperties = &document_->add();
    if (source["items"].isObject()) node.items = &parseNode(source["items"], false);
    parseRules(source, node);
    parseValidations(source, node);
    if (root || node.embeddedResource) addMeta(node);
    mark(node);
    return node;
  }

  // apiVersion, kind and metadata are there whatever the schema says; what it says about a name in
  // them is kept.
  void addMeta(Schema& node) {
    Schema& string = document_->add();
    string.type = Schema::Type::String;
    node.properties.try_emplace("apiVersion", &string);
    node.properties.try_emplace("kind", &string);
    const auto [metadata, isNew] = node.properties.try_emplace("metadata", meta_);
    if (isNew) return;
    Schema& merged = document_->add();
    merged = *metadata->second;
    merged.type = Schema::Type::Object;
    merged.properties.insert(meta_->properties.begin(), meta_->properties.end());
    metadata->second = &merged;
  }

  static void parseRules(const Value& source, Schema& node) {
    for (const Value& entry : source["x-kubernetes-validations"].items()) {
      Rule rule;
      rule.expression = entry["rule"].toString();
      rule.message = entry["message"].toString();
      rule.messageExpression = entry["messageExpression"].toString();
      rule.reason = entry["reason"].toString("FieldValueInvalid");
      rule.fieldPath = entry["fieldPath"].toString();
      rule.optionalOldSelf = entry["optionalOldSelf"].asBool();
      node.rules.push_back(std::move(rule));
    }
  }

  void parseValidations(const Value& source, Schema& node) {
    static constexpr std::string_view kWords[] = {"minimum",
                                                  "maximum",
                                                  "multipleOf",
                                                  "minLength",
                                                  "maxLength",
                                                  "minItems",
                                                  "maxItems",
                                                  "minProperties",
                                                  "maxProperties",
                                                  "pattern",
                                                  "required",
                                                  "enum",
                                                  "allOf",
                                                  "anyOf",
                                                  "oneOf",
                                                  "not",
                                                  "x-kubernetes-validations"};
    const FormatCheck format = node.format.empty() ? nullptr : findFormat(node.format);
    const bool forbidden = source["additionalProperties"] == Value(false);
    if (format == nullptr && !forbidden &&
        std::none_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return source.contains(word); }))
      return;
    auto rules = std::make_shared<Validations>();
    rules->format = format;
    rules->additionalForbidden = forbidden;
    rules->minimum = readNumber(source["minimum"]);
    rules->maximum = readNumber(source["maximum"]);
    rules->multipleOf = readNumber(source["multipleOf"]);
    rules->exclusiveMinimum = source["exclusiveMinimum"].asBool();
    rules->exclusiveMaximum = source["exclusiveMaximum"].asBool();
    rules->minLength = readInt(source["minLength"]);
    rules->maxLength = readInt(source["maxLength"]);
    rules->minItems = readInt(source["minItems"]);
    rules->maxItems = readInt(source["maxItems"]);
    rules->minProperties = readInt(source["minProperties"]);
    rules->maxProperties = readInt(source["maxProperties"]);
    if (source["pattern"].isString() && !source["pattern"].empty())
      if (auto pattern = Pattern::compile(source["pattern"].asString()))
        rules->pattern = std::move(*pattern);
    for (const Value& name : source["required"].items()) rules->required.push_back(name.toString());
    for (const Value& allowed : source["enum"].items()) rules->enumValues.push_back(allowed);
    const auto parseArms = [&](std::string_view name, std::vector<const Schema*>& arms) {
      for (const Value& arm : source[name].items()) arms.push_back(&parseNode(arm, false));
    };
    parseArms("allOf", rules->allOf);
    parseArms("anyOf", rules->anyOf);
    parseArms("oneOf", rules->oneOf);
    if (source["not"].isObject()) rules->negated = &parseNode(source["not"], false);
    node.validations = std::move(rules);
  }

  static void mark(Schema& node) {
    node.rulesBelow = !node.rules.empty();
    node.listTypesBelow = node.listType != Schema::ListType::Atomic;
    node.embeddedBelow = node.embeddedResource;
    const auto take = [&](const Schema* below) {
      if (below == nullptr) return;
      node.rulesBelow |= below->rulesBelow;
      node.listTypesBelow |= below->listTypesBelow;
      node.embeddedBelow |= below->embeddedBelow;
    };
    for (const auto& [name, property] : node.properties)
      if (name != "metadata") take(property);
    take(node.additionalProperties);
    take(node.items);
  }

  // A default must be what an object could have (pkg/apiserver/schema/defaulting/validation.go).
  void checkDefaults(const Value& source, const Schema& node, const std::string& path) {
    if (node.defaultValue)
      checkDefault(*node.defaultValue, node, path + ".default",
                   node.embeddedResource || &node == &document_->root());
    for (const Member& member : source["properties"].members())
      checkDefaults(member.value, *node.properties.find(member.key())->second,
                    path + ".properties[" + std::string(member.key()) + "]");
    if (node.items != nullptr) checkDefaults(source["items"], *node.items, path + ".items");
    if (node.additionalProperties != nullptr)
      checkDefaults(source["additionalProperties"], *node.additionalProperties,
                    path + ".additionalProperties");
  }

  void checkDefault(const Value& value, const Schema& node, const std::string& path,
                    bool isResource) {
    Value pruned = value;
    if (!prune(pruned, node).empty()) {
      errors_.push_back({FieldErrorType::Invalid, path, value, "must not have unknown fields"});
      return;
    }
    FieldErrors found;
    internal::validateStructure(value, node, nullptr, found);
    internal::validateAllEmbedded(value, node, found);
    for (FieldError& error : found) {
      if (error.field.empty() || error.field == "<nil>") {
        error.field = path;
      } else {
        error.field = path + "." + error.field;
      }
      errors_.push_back(std::move(error));
    }
    if (isResource) internal::validateEmbedded(value, path, errors_);
  }

  void compileAll(const Value& source, Schema& node, bool root, const std::string& path,
                  const std::string& uncorrelatable) {
    if (!node.rules.empty()) {
      auto rules = std::make_shared<Validations>(*node.validations);
      internal::compileRules(node, root || node.embeddedResource, path, uncorrelatable, *rules,
                             errors_, warnings_);
      node.validations = std::move(rules);
    }
    if (!node.rulesBelow) return;
    for (const Member& member : source["properties"].members())
      compileAll(member.value, mutableOf(node.properties.find(member.key())->second), false,
                 path + ".properties[" + std::string(member.key()) + "]", uncorrelatable);
    if (node.items != nullptr) {
      const bool keyed = node.listType == Schema::ListType::Map;
      compileAll(source["items"], mutableOf(node.items), false, path + ".items",
                 uncorrelatable.empty() && !keyed ? path : uncorrelatable);
    }
    if (node.additionalProperties != nullptr)
      compileAll(source["additionalProperties"], mutableOf(node.additionalProperties), false,
                 path + ".additionalProperties", uncorrelatable);
  }

  // All nodes are this document's, which nobody else has yet.
  static Schema& mutableOf(const Schema* node) { return const_cast<Schema&>(*node); }

  FieldErrors& errors_;
  std::vector<std::string>& warnings_;
  std::shared_ptr<Document> document_;
  Schema* meta_ = nullptr;
};

}  // namespace

DocumentPtr parseCrdSchema(const Value& openApiV3Schema, const std::string& path,
                           FieldErrors& errors, std::vector<std::string>& warnings) {
  const std::size_t before = errors.size();
  internal::checkCrdSchema(openApiV3Schema, path, errors);
  if (errors.size() != before) return nullptr;
  return Parser(errors, warnings).parse(openApiV3Schema, path);
}

}  // namespace iop::apiserver::schema
