#pragma once

// Schemas of objects: those of CustomResourceDefinitions (structural OpenAPI v3 schemas) and those
// of the built-in kinds (the API server's own OpenAPI v3 document).
//
//   ASSIGN_OR_RETURN(std::shared_ptr<const Document> schema, parseCrdSchema(openAPIV3Schema));
//   std::vector<std::string> unknown = prune(object, schema->root());     // {"spec.foo"}
//   applyDefaults(object, schema->root());
//   FieldErrors errors = validate(object, schema->root(), old);
//
// A Document is immutable after construction: any thread may use it.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver::schema {

// One x-kubernetes-validations rule.
struct Rule {
  std::string expression;
  std::string message;
  std::string messageExpression;
  std::string reason;     // "FieldValueInvalid" where the CRD says nothing
  std::string fieldPath;  // relative, ".spec.x"; may be empty
  bool optionalOldSelf = false;
};

struct Validations;  // what a value must be besides its type: validations.h

// One node of a schema. Nodes refer to each other by pointers, also in circles (JSONSchemaProps);
// their Document owns them.
struct Schema {
  enum class Type : std::uint8_t { Any, Object, Array, String, Integer, Number, Boolean };
  enum class ListType : std::uint8_t { Atomic, Set, Map };

  Type type = Type::Any;
  bool nullable = false;
  bool preserveUnknownFields = false;  // x-kubernetes-preserve-unknown-fields
  bool embeddedResource = false;       // x-kubernetes-embedded-resource
  bool intOrString = false;        // x-kubernetes-int-or-string, and IntOrString of the built-ins
  bool additionalAllowed = false;  // additionalProperties: true
  bool atomicMap = false;          // x-kubernetes-map-type: atomic
  ListType listType = ListType::Atomic;
  bool patchMerge = false;       // x-kubernetes-patch-strategy has "merge"
  bool patchRetainKeys = false;  // x-kubernetes-patch-strategy has "retainKeys"

  bool rulesBelow = false;      // this node or one below it has rules
  bool listTypesBelow = false;  // …is a list of type set or map
  bool embeddedBelow = false;   // …is an embedded resource

  // "date-time", "int32" and so on; what the API server does not know is left out. Of built-ins
  // also "quantity", "int-or-string" and "micro-time".
  std::string format;
  // Of built-ins, the name of their definition: "io.k8s.api.core.v1.PodSpec".
  std::string definition;
  std::map<std::string, const Schema*, std::less<>> properties;
  const Schema* additionalProperties = nullptr;  // the values of a map
  const Schema* items = nullptr;                 // of an array
  std::vector<std::string> listMapKeys;          // x-kubernetes-list-map-keys
  std::string patchMergeKey;                     // x-kubernetes-patch-merge-key
  std::optional<Value> defaultValue;
  std::shared_ptr<const Validations> validations;  // null: none
  std::vector<Rule> rules;                         // x-kubernetes-validations

  // The schema of a member: of the property, of the values of a map, or null.
  const Schema* find(std::string_view key) const;
};

// All nodes of one schema.
class Document {
 public:
  const Schema& root() const { return *root_; }
  // Makes a node; for those who build the document.
  Schema& add() { return nodes_.emplace_back(); }
  void setRoot(const Schema& root) { root_ = &root; }

 private:
  std::deque<Schema> nodes_;
  const Schema* root_ = nullptr;
};

using DocumentPtr = std::shared_ptr<const Document>;

// The schema of one version of a CRD (`schema.openAPIV3Schema`). The errors that the API server
// finds (not structural, a default that is invalid, a list-map key that is not required, a rule
// that does not compile …) are added to `errors`, below `path`; null if there are any. A rule that
// compiles in Kubernetes but uses what our CEL cannot evaluate is left out and named in `warnings`.
DocumentPtr parseCrdSchema(const Value& openApiV3Schema, const std::string& path,
                           FieldErrors& errors, std::vector<std::string>& warnings);

// The schema of a built-in type from `components.schemas` of the API server's OpenAPI v3, $refs
// resolved. Error: NotFound for a name that is not there.
Result<DocumentPtr> parseOpenApiSchema(const Value& schemas, std::string_view name);

// Drops what the schema does not know; returns the paths of what was dropped ("spec.foo",
// "spec.list[0].bar"), in the API server's order. The root, and embedded resources, keep
// apiVersion, kind and metadata.
std::vector<std::string> prune(Value& object, const Schema& schema);

// Fills in defaults, and drops nulls that are not allowed where there is a default or none.
void applyDefaults(Value& object, const Schema& schema);

// Everything that the schema refuses, CEL rules included, in the API server's order and words.
// `old` is the object before an update, null for a creation: what has not changed is not judged
// again (validation ratcheting), and transition rules see it.
FieldErrors validate(const Value& object, const Schema& schema, const Value* old);

// For built-in kinds, whose server decodes into Go types: the first value that does not fit its
// type, in the words of Go's decoder ("json: cannot unmarshal string into Go struct field
// ServiceSpec.spec.ports of type []v1.ServicePort"); nothing if all fit. Of an object of a custom
// kind only metadata is such a type: give that member, its schema and "ObjectMeta".
std::optional<std::string> findTypeMismatch(const Value& object, const Schema& schema,
                                            std::string_view kind);

}  // namespace iop::apiserver::schema
