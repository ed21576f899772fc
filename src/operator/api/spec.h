#pragma once

// Typed views of what Plug and Socket specs say (api.md, "Fields that Plug and Socket share").
//
//   kube::api::ObjectKey socket = socketOf(plug);
//   ASSIGN_OR_RETURN(std::vector<ResourceAction> actions,
//                    parseActions(plug["spec"]["resources"], "spec.resources"));
//
// The API server has checked most of this against the CRDs; what it cannot check is an error of
// code Invalid that names the field.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/api/object.h"
#include "operator/api/names.h"
#include "value/value.h"

namespace iop::operators::api {

// The socket that a plug names; its namespace defaults to the plug's.
kube::api::ObjectKey socketOf(const Value& plug);
// The Interface object that a plug or a socket names, if it names one.
std::optional<kube::api::ObjectKey> interfaceOf(const Value& object);
// `interfaceVersions`, "*" if absent.
std::string interfaceVersionsOf(const Value& object);
// True for a socket that has a schema in its own spec.
bool hasInlineSchema(const Value& socket);
std::string serviceAccountOf(const Value& object);
bool isForceDeleted(const Value& object);

// What deleting a socket does to its plugs.
enum class DeletionPolicy : std::uint8_t { Decouple, DeletePlugs, Block };
DeletionPolicy deletionPolicyOf(const Value& socket);

// A set of events.
class EventSet {
 public:
  void add(Event event) { bits_ |= bit(event); }
  bool has(Event event) const { return (bits_ & bit(event)) != 0; }

 private:
  static unsigned bit(Event event) { return 1U << static_cast<unsigned>(event); }
  unsigned bits_ = 0;
};

enum class Do : std::uint8_t { Apply, Delete, Recreate };

// One entry of `resources` or `resultResources`.
struct ResourceAction {
  struct Template {
    bool structured;  // of `template`/`templates`; otherwise text
    Value source;
    std::string field;  // "spec.resources[1].stringTemplates[0]", for messages
  };

  EventSet when;
  Do what = Do::Apply;
  bool retainWhenDecoupled = false;
  std::vector<Template> templates;  // in the order in which they are processed
};

// `field` is what the list is called in messages.
Result<std::vector<ResourceAction>> parseActions(const Value& list, const std::string& field);

// One entry of `vars` or `resultVars`. Namespace and name are templates where `templated…` is set.
struct Var {
  std::string name;
  kube::api::GroupVersionKind kind;
  std::string objectName;
  bool nameIsTemplate = false;
  std::string objectNamespace;  // empty: the own side's
  bool namespaceIsTemplate = false;
  std::string fieldPath;  // "metadata.name" if absent
  std::string field;      // "spec.vars[0]", for messages
};

Result<std::vector<Var>> parseVars(const Value& list, const std::string& field);

// An entry of status.resources: an object made for a coupling.
struct InventoryEntry {
  Side side;
  kube::api::ObjectRef object;
  bool retain = false;

  bool isSameObject(const InventoryEntry& other) const;
};

std::vector<InventoryEntry> parseInventory(const Value& list);
Value printInventory(const std::vector<InventoryEntry>& inventory);

}  // namespace iop::operators::api
