#pragma once

// What the API server does with objects of one built-in kind besides what their schema says: the
// defaults and rules of Go's registries (k8s.io/kubernetes, pkg/registry, pkg/apis/*/validation).
//
//   const Strategy& strategy = strategyOf("apps", "deployments");
//   strategy.applyDefaults(object);
//   FieldErrors errors = strategy.validate(object);
//
// Values must have the types that the kind's schema says (schema::findTypeMismatch finds others);
// nulls may stand anywhere. Pure: what is allocated (services.h), the server does. Thread-safe.

#include <string_view>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "value/value.h"

namespace iop::apiserver::kinds {

using schema::FieldErrors;

struct Strategy {
  // After the defaults of the schema, on every request. Also drops what Go's encoder does: zero
  // values of fields with `omitempty`; and prints quantities and times in their canonical form.
  void (*applyDefaults)(Value& object) = nullptr;
  // Before a creation is validated: status dropped or initialised, generation, derived fields
  // (Secret.stringData into data, Job selectors and labels, PodSpec's qosClass).
  void (*prepareForCreate)(Value& object) = nullptr;
  // Before an update is validated: carries over what a client cannot change. Status is handled by
  // the server.
  void (*prepareForUpdate)(Value& object, const Value& old) = nullptr;
  // Everything but metadata, which the server validates.
  FieldErrors (*validate)(const Value& object) = nullptr;
  // In addition, for an update: immutable fields.
  FieldErrors (*validateUpdate)(const Value& object, const Value& old) = nullptr;

  bool hasGeneration = false;            // a change of the spec counts metadata.generation up
  bool allowUnconditionalUpdate = true;  // PUT without resourceVersion
  bool allowCreateOnUpdate = false;      // PUT of what is not there
  bool returnsDeletedObject = false;     // DELETE answers with the object, not a Status
  bool isGraceful = false;               // DELETE gives a grace period (pods)
  // How a name is judged: as an RFC 1123 subdomain, an RFC 1123 label without dots (namespaces,
  // services, stateful sets), an RFC 1035 label, or a path segment (RBAC).
  enum class NameRule { Subdomain, Label, Label1035, PathSegment } nameRule = NameRule::Subdomain;
};

// The strategy of a resource; an empty one for those that have none of their own.
const Strategy& strategyOf(std::string_view group, std::string_view plural);

// The value of a field selector's label ("spec.nodeName", "involvedObject.name") of an object, or
// nothing where the kind does not support it. metadata.name and metadata.namespace are the
// server's.
std::vector<std::string_view> fieldLabelsOf(std::string_view group, std::string_view plural);
std::string fieldLabelValue(const Value& object, std::string_view group, std::string_view plural,
                            std::string_view label);

}  // namespace iop::apiserver::kinds
