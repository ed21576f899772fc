// Schemas of the built-in kinds, out of `components.schemas` of the server's OpenAPI v3 document.

#include <algorithm>

#include "apiserver/schema/schema.h"

namespace iop::apiserver::schema {
namespace {

constexpr std::string_view kRefPrefix = "#/components/schemas/";
constexpr std::string_view kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.";
constexpr std::string_view kQuantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
constexpr std::string_view kExtensions =
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

// The name that a property refers to: {"$ref": …}, or {"allOf": [{"$ref": …}], "default": {}}.
std::string_view referenceOf(const Value& source) {
  const Value& direct = source["$ref"];
  const Value& text = direct.isString() ? direct : source["allOf"].at(0)["$ref"];
  const std::string_view name = text.asString();
  return name.starts_with(kRefPrefix) ? name.substr(kRefPrefix.size()) : std::string_view();
}

// In this document `default: {}`, `0`, `""` and, of what is required, `false` only say what Go's
// zero value is.
bool isTrueDefault(const Value& value, bool required) {
  if (value.isNull() || value == Value("") || value == Value(0) || value == Value(0.0))
    return false;
  if (value.isObject() && value.empty()) return false;
  return !(required && value == Value(false));
}

class Parser {
 public:
  explicit Parser(const Value& schemas) : schemas_(schemas) {}

  Result<DocumentPtr> parse(std::string_view name) {
    if (!schemas_.contains(name))
      return fail(Code::NotFound, "no schema has the name \"" + std::string(name) + "\"");
    document_ = std::make_shared<Document>();
    document_->setRoot(definition(name));
    while (!open_.empty()) {
      const std::string next = std::move(open_.back());
      open_.pop_back();
      fillDefinition(next, *nodes_.find(next)->second);
    }
    // Now that all definitions are known, those places that say more about theirs get a node of
    // their own.
    for (const auto& [node, target] : copies_) copyInto(*node, *target);
    return DocumentPtr(document_);
  }

 private:
  Schema& definition(std::string_view name) {
    const auto found = nodes_.find(name);
    if (found != nodes_.end()) return *found->second;
    Schema& node = document_->add();
    nodes_.emplace(name, &node);
    open_.emplace_back(name);
    return node;
  }

  void fillDefinition(const std::string& name, Schema& node) {
    node.definition = name;
    const Value& source = schemas_[name];
    if (name == kQuantity) {
      node.type = Schema::Type::String;
      node.format = "quantity";
    } else if (name == std::string(kMeta) + "MicroTime") {
      node.type = Schema::Type::String;
      node.format = "micro-time";
    } else if (name == "io.k8s.apimachinery.pkg.runtime.RawExtension" ||
               name == std::string(kMeta) + "FieldsV1" || name == std::string(kMeta) + "Patch") {
      node.type = Schema::Type::Object;
      node.preserveUnknownFields = true;
    } else if (name == std::string(kExtensions) + "JSON") {
      node.preserveUnknownFields = true;
      node.nullable = true;
    } else if (name == std::string(kExtensions) + "JSONSchemaPropsOrBool") {
      fillProps(node);
    } else if (name == std::string(kExtensions) + "JSONSchemaPropsOrArray") {
      fillProps(node);
      node.items = &definition(std::string(kExtensions) + "JSONSchemaProps");
    } else if (name == std::string(kExtensions) + "JSONSchemaPropsOrStringArray") {
      fillProps(node);
      Schema& string = document_->add();
      string.type = Schema::Type::String;
      node.items = &string;
    } else {
      fill(source, node);
    }
  }

  // What may be a schema, or something else: it has the members of a schema and no type.
  void fillProps(Schema& node) {
    const std::string name = std::string(kExtensions) + "JSONSchemaProps";
    for (const Member& member : schemas_[name]["properties"].members())
      node.properties.emplace(member.key(), &child(member.value, false));
  }

  void fill(const Value& source, Schema& node) {
    const std::string_view type = source["type"].asString();
    node.format = source["format"].asString();
    node.preserveUnknownFields = source["x-kubernetes-preserve-unknown-fields"].asBool();
    node.embeddedResource = source["x-kubernetes-embedded-resource"].asBool();
    if (node.format == "int-or-string") {
      node.intOrString = true;
      return;
    }
    if (type == "object") node.type = Schema::Type::Object;
    if (type == "array") node.type = Schema::Type::Array;
    if (type == "string") node.type = Schema::Type::String;
    if (type == "integer") node.type = Schema::Type::Integer;
    if (type == "number") node.type = Schema::Type::Number;
    if (type == "boolean") node.type = Schema::Type::Boolean;
    fillLists(source, node);
    const auto required = source["required"].items();
    for (const Member& member : source["properties"].members()) {
      const bool needed = std::any_of(required.begin(), required.end(), [&](const Value& name) {
        return name.asString() == member.key();
      });
      Schema& property = child(member.value, true);
      const Value& value = member.value["default"];
      if (isTrueDefault(value, needed)) property.defaultValue = value;
      node.properties.emplace(member.key(), &property);
    }
    // A null in a map or a list is Go's zero value.
    const auto element = [&](const Value& of) -> const Schema* {
      Schema& made = child(of, true);
      if (const Value zero = zeroOf(of); !zero.isNull()) made.defaultValue = zero;
      return &made;
    };
    if (source["items"].isObject()) node.items = element(source["items"]);
    if (source["additionalProperties"].isObject())
      node.additionalProperties = element(source["additionalProperties"]);
    node.additionalAllowed = source["additionalProperties"].asBool();
  }

  static void fillLists(const Value& source, Schema& node) {
    const std::string_view listType = source["x-kubernetes-list-type"].asString();
    if (listType == "set") node.listType = Schema::ListType::Set;
    if (listType == "map") node.listType = Schema::ListType::Map;
    for (const Value& key : source["x-kubernetes-list-map-keys"].items())
      node.listMapKeys.push_back(key.toString());
    if (source["x-kubernetes-map-type"].asString() == "atomic") node.atomicMap = true;
    const std::string_view strategy = source["x-kubernetes-patch-strategy"].asString();
    node.patchMerge = strategy.find("merge") != std::string_view::npos;
    node.patchRetainKeys = strategy.find("retainKeys") != std::string_view::npos;
    node.patchMergeKey = source["x-kubernetes-patch-merge-key"].asString();
  }

  // Null where the zero value is null, too.
  Value zeroOf(const Value& source) const {
    const std::string_view reference = referenceOf(source);
    if (!reference.empty()) {
      if (reference == kQuantity) return "0";
      const Value& target = schemas_[reference];
      return target["type"].asString() == "object" && target.contains("properties")
                 ? Value::object()
                 : Value();
    }
    const std::string_view type = source["type"].asString();
    if (type == "string") return "";
    if (type == "integer" || type == "number") return 0;
    return type == "boolean" ? Value(false) : Value();
  }

  // The node of a property or an element. With `own` it is nobody else's, so that a default may be
  // put into it.
  Schema& child(const Value& source, bool own) {
    const std::string_view reference = referenceOf(source);
    if (reference.empty()) {
      Schema& node = document_->add();
      fill(source, node);
      return node;
    }
    Schema& target = definition(reference);
    const bool plain = source["default"].isNull() && zeroOf(source).isNull() &&
                       !source.contains("x-kubernetes-map-type") &&
                       !source.contains("x-kubernetes-patch-strategy");
    if (!own || plain) return target;
    Schema& node = document_->add();
    fillLists(source, node);
    copies_.emplace_back(&node, &target);
    return node;
  }

  static void copyInto(Schema& node, const Schema& target) {
    Schema merged = target;
    merged.atomicMap |= node.atomicMap;
    merged.patchMerge = node.patchMerge;
    merged.patchRetainKeys = node.patchRetainKeys;
    merged.patchMergeKey = node.patchMergeKey;
    merged.defaultValue = node.defaultValue;
    node = std::move(merged);
  }

  const Value& schemas_;
  std::shared_ptr<Document> document_;
  std::map<std::string, Schema*, std::less<>> nodes_;
  std::vector<std::string> open_;
  std::vector<std::pair<Schema*, const Schema*>> copies_;
};

}  // namespace

Result<DocumentPtr> parseOpenApiSchema(const Value& schemas, std::string_view name) {
  return Parser(schemas).parse(name);
}

}  // namespace iop::apiserver::schema
