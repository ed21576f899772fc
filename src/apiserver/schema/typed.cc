#include "apiserver/schema/typed.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

// The metadata of custom resources and of embedded ones, whose schemas say nothing about it: what
// counts for owners in the API server's own ObjectMeta.
struct MetadataSchema {
  Schema text;
  Schema metadata;

  MetadataSchema() {
    text.type = Schema::Type::String;
    texts_.type = Schema::Type::Object;
    texts_.additionalProperties = &text;
    strings_.type = Schema::Type::Array;
    strings_.listType = Schema::ListType::Set;
    strings_.items = &text;
    flag_.type = Schema::Type::Boolean;
    owner_.type = Schema::Type::Object;
    owner_.atomicMap = true;
    for (const char* name : {"apiVersion", "kind", "name", "uid"}) owner_.properties[name] = &text;
    for (const char* name : {"controller", "blockOwnerDeletion"}) owner_.properties[name] = &flag_;
    owners_.type = Schema::Type::Array;
    owners_.listType = Schema::ListType::Map;
    owners_.listMapKeys = {"uid"};
    owners_.items = &owner_;
    number_.type = Schema::Type::Integer;
    entries_.type = Schema::Type::Array;
    entries_.items = &any_;
    metadata.type = Schema::Type::Object;
    for (const char* name : {"name", "generateName", "namespace", "selfLink", "uid",
                             "resourceVersion", "creationTimestamp", "deletionTimestamp"}) {
      metadata.properties[name] = &text;
    }
    for (const char* name : {"generation", "deletionGracePeriodSeconds"})
      metadata.properties[name] = &number_;
    for (const char* name : {"labels", "annotations"}) metadata.properties[name] = &texts_;
    metadata.properties["finalizers"] = &strings_;
    metadata.properties["ownerReferences"] = &owners_;
    metadata.properties["managedFields"] = &entries_;
  }

 private:
  Schema flag_, number_, texts_, strings_, owner_, owners_, entries_, any_;
};

const MetadataSchema& metadataSchema() {
  static const MetadataSchema schema;
  return schema;
}

Typed typeOf(const Schema* schema, bool builtin) {
  Typed out{.schema = schema, .kind = Typed::Kind::Declared, .resource = false, .builtin = builtin};
  if (schema == nullptr) {
    out.kind = Typed::Kind::Atomic;
  } else if (schema->embeddedResource) {
    out.resource = true;
  } else if (schema->intOrString) {
    if (!builtin) out.kind = Typed::Kind::Atomic;
  } else if (schema->type == Schema::Type::Any && schema->properties.empty() &&
             schema->additionalProperties == nullptr) {
    out.kind = schema->preserveUnknownFields ? Typed::Kind::Deduced : Typed::Kind::Atomic;
  }
  return out;
}

Typed typeWithoutSchema(Typed::Kind kind, bool builtin) {
  return {.schema = nullptr, .kind = kind, .resource = false, .builtin = builtin};
}

std::optional<Shape> naturalShape(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return std::nullopt;
    case Value::Type::Array:
      return Shape::List;
    case Value::Type::Object:
      return Shape::Map;
    default:
      return Shape::Scalar;
  }
}

Shape declaredShape(const Schema& schema) {
  if (schema.intOrString) return Shape::Scalar;
  switch (schema.type) {
    case Schema::Type::Any:
    case Schema::Type::Object:
      return Shape::Map;
    case Schema::Type::Array:
      return Shape::List;
    default:
      return Shape::Scalar;
  }
}

// Members of the API server's Go structs that are structs themselves and no pointers: they are
// always there, as {} if need be. In its OpenAPI document they have the default {}.
constexpr std::string_view kStructs[] = {
    "acceptedNames",
    "backend",
    "clientConfig",
    "conditions",
    "current",
    "daemonEndpoints",
    "deprecatedSource",
    "describedObject",
    "jobTemplate",
    "kubeletEndpoint",
    "lastState",
    "loadBalancer",
    "metadata",
    "metric",
    "names",
    "nodeInfo",
    "podAffinityTerm",
    "resources",
    "scaleTargetRef",
    "source",
    "spec",
    "state",
    "status",
    "strategy",
    "target",
    "template",
    "updateStrategy",
    "user",
    "userInfo",
};
// Pointers of the same names.
constexpr std::pair<std::string_view, std::string_view> kPointers[] = {
    {"ContainerStatus", "resources"},
    {"ContainerStatus", "user"},
    {"PodSpec", "resources"},
    {"PodStatus", "resources"},
    {"ReplicationControllerSpec", "template"},
    {"WebhookConversion", "clientConfig"},
};
// Lists without "omitempty", whose items have owners: they are written as null.
constexpr std::string_view kRequiredLists[] = {"addresses", "containers", "drivers",
                                               "validationActions", "values"};

// "PodSpec" of "io.k8s.api.core.v1.PodSpec".
std::string_view shortName(const Schema& schema) {
  const std::string_view name = schema.definition;
  return name.substr(name.rfind('.') + 1);
}

// The value of a key that an item of a list does not have: what its schema says, or in Go structs
// the zero value.
const Value* defaultOfKey(const Typed& list, const std::string& key) {
  static const Value kNoText = "";
  static const Value kNoNumber = 0;
  const Schema* items = list.schema->items;
  const Schema* schema = items != nullptr ? items->find(key) : nullptr;
  if (schema == nullptr) return nullptr;
  if (schema->defaultValue) return &*schema->defaultValue;
  // Its name may be absent.
  if (!list.builtin || shortName(*items) == "ObjectReference") return nullptr;
  if (schema->type == Schema::Type::String) return &kNoText;
  return schema->type == Schema::Type::Integer ? &kNoNumber : nullptr;
}

tl::expected<Value, std::string> keyedStep(const Typed& list, const Value& item) {
  if (item.isNull())
    return tl::unexpected<std::string>("associative list with keys may not have a null element");
  if (!item.isObject()) {
    return tl::unexpected<std::string>("associative list with keys may not have non-map elements");
  }
  std::vector<std::pair<std::string_view, const Value*>> keys;
  for (const std::string& key : list.schema->listMapKeys) {
    const Value* value = item.find(key);
    if (value == nullptr) value = defaultOfKey(list, key);
    if (value != nullptr) keys.emplace_back(key, value);
  }
  if (keys.empty()) {
    std::string names;
    for (const std::string& key : list.schema->listMapKeys)
      names += (names.empty() ? "\"" : " \"") + key + "\"";
    return tl::unexpected("associative list with keys has an element that omits all key fields [" +
                          names + "] (and doesn't have default values for any key fields)");
  }
  std::sort(keys.begin(), keys.end());
  std::string step = "k:";
  for (const auto& [key, value] : keys) {
    step += step.size() == 2 ? '{' : ',';
    text::appendJsonString(step, key);
    step += ':';
    text::appendJson(step, *value);
  }
  return Value(step + "}");
}

}  // namespace

Typed typeOfObject(const Schema* schema) {
  if (schema == nullptr) return typeWithoutSchema(Typed::Kind::Deduced, false);
  const bool builtin = !schema->definition.empty();
  Typed out = typeOf(schema, builtin);
  out.kind = Typed::Kind::Declared;
  out.resource = !builtin;
  return out;
}

Shape shapeOf(const Typed& type, const Value& value) {
  if (type.kind == Typed::Kind::Declared) return declaredShape(*type.schema);
  return naturalShape(value).value_or(Shape::Map);
}

FieldType fieldType(const Typed& map, std::string_view name) {
  if (map.kind != Typed::Kind::Declared) return {typeWithoutSchema(map.kind, map.builtin), false};
  const Schema& schema = *map.schema;
  if (map.resource) {
    if (name == "metadata") return {typeOf(&metadataSchema().metadata, false), true};
    if (name == "apiVersion" || name == "kind")
      return {typeOf(&metadataSchema().text, false), true};
  }
  if (const auto found = schema.properties.find(name); found != schema.properties.end())
    return {typeOf(found->second, map.builtin), true};
  if (schema.additionalProperties != nullptr)
    return {typeOf(schema.additionalProperties, map.builtin), false};
  const bool free =
      schema.additionalAllowed || schema.preserveUnknownFields || schema.properties.empty();
  return {typeWithoutSchema(free ? Typed::Kind::Deduced : Typed::Kind::Undeclared, map.builtin),
          false};
}

Typed itemType(const Typed& list) {
  if (list.kind != Typed::Kind::Declared)
    return typeWithoutSchema(Typed::Kind::Atomic, list.builtin);
  return typeOf(list.schema->items, list.builtin);
}

bool isAtomicMap(const Typed& map) {
  return map.kind == Typed::Kind::Atomic ||
         (map.kind == Typed::Kind::Declared && map.schema->atomicMap);
}

Schema::ListType listTypeOf(const Typed& list) {
  return list.kind == Typed::Kind::Declared ? list.schema->listType : Schema::ListType::Atomic;
}

tl::expected<Value, std::string> itemStep(const Typed& list, const Value& item) {
  if (listTypeOf(list) == Schema::ListType::Map) return keyedStep(list, item);
  switch (item.type()) {
    case Value::Type::Object:
      return tl::unexpected<std::string>(
          "associative list without keys has an element that's a map type");
    case Value::Type::Array:
      return tl::unexpected<std::string>("not supported: associative list with lists as elements");
    case Value::Type::Null:
      return tl::unexpected<std::string>(
          "associative list without keys has an element that's an explicit null");
    default: {
      std::string step = "v:";
      text::appendJson(step, item);
      return Value(step);
    }
  }
}

const Value* zeroOf(const Typed& map, std::string_view name, const Typed& member) {
  static const Value kNull;
  static const Value kEmpty = Value::object();
  if (!map.builtin || map.kind != Typed::Kind::Declared || member.kind != Typed::Kind::Declared) {
    return nullptr;
  }
  const auto isIn = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  if (member.schema->type == Schema::Type::Array) return isIn(kRequiredLists) ? &kNull : nullptr;
  if (member.schema->type != Schema::Type::Object || !isIn(kStructs)) return nullptr;
  const bool pointer = std::find(std::begin(kPointers), std::end(kPointers),
                                 std::pair(shortName(*map.schema), name)) != std::end(kPointers);
  return pointer ? nullptr : &kEmpty;
}

bool isEqual(const Value& left, const Value& right) {
  if (left.isSame(right)) return true;
  if (left.isNumber() && right.isNumber()) {
    return left.isInt() == right.isInt() ? left == right : left.asDouble() == right.asDouble();
  }
  if (left.type() != right.type() || left.size() != right.size()) return false;
  if (left.isArray()) {
    return std::equal(left.items().begin(), left.items().end(), right.items().begin(), isEqual);
  }
  if (left.isObject()) {
    return std::equal(left.members().begin(), left.members().end(), right.members().begin(),
                      [](const Member& a, const Member& b) {
                        return a.key() == b.key() && isEqual(a.value, b.value);
                      });
  }
  return left == right;
}

}  // namespace iop::apiserver::schema
