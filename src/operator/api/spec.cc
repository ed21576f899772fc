#include "operator/api/spec.h"

#include <array>

namespace iop::operators::api {
namespace {

using kube::api::ObjectKey;

std::string orDefault(const Value& text, std::string_view fallback) {
  return text.empty() ? std::string(fallback) : text.toString();
}

std::string indexed(const std::string& field, std::size_t index) {
  return field + "[" + std::to_string(index) + "]";
}

Result<EventSet> parseWhen(const Value& list, const std::string& field) {
  EventSet when;
  if (list.isNull()) {
    when.add(Event::Coupled);
    when.add(Event::Updated);
    return when;
  }
  for (const Value& item : list.items()) {
    const std::optional<Event> event = parseEvent(item.asString());
    if (!event) {
      return fail(Code::Invalid, field + ": \"" + item.toString() +
                                     "\" is none of created, coupled, updated, decoupled, deleted");
    }
    when.add(*event);
  }
  return when;
}

Result<Do> parseDo(const Value& text, const std::string& field) {
  if (text.isNull() || text.asString() == "apply" || text.empty()) return Do::Apply;
  if (text.asString() == "delete") return Do::Delete;
  if (text.asString() == "recreate") return Do::Recreate;
  return fail(Code::Invalid,
              field + ": \"" + text.toString() + "\" is none of apply, delete, recreate");
}

// Adds the templates of one of the four fields, which holds one or a list of them.
void addTemplates(const Value& entry, std::string_view name, bool structured,
                  const std::string& field, std::vector<ResourceAction::Template>& out) {
  const Value& value = entry[name];
  if (value.isNull()) return;
  const std::string path = field + "." + std::string(name);
  if (!value.isArray()) {
    out.push_back({structured, value, path});
    return;
  }
  for (std::size_t i = 0; i < value.size(); ++i)
    out.push_back({structured, value.at(i), indexed(path, i)});
}

}  // namespace

ObjectKey socketOf(const Value& plug) {
  const Value& socket = plug["spec"]["socket"];
  return {orDefault(socket["namespace"], kube::api::namespaceOf(plug)), socket["name"].toString()};
}

std::optional<ObjectKey> interfaceOf(const Value& object) {
  const Value& reference = object["spec"]["interface"];
  if (reference["name"].empty()) return std::nullopt;
  return ObjectKey{orDefault(reference["namespace"], kube::api::namespaceOf(object)),
                   reference["name"].toString()};
}

std::string interfaceVersionsOf(const Value& object) {
  return orDefault(object["spec"]["interfaceVersions"], "*");
}

bool hasInlineSchema(const Value& socket) {
  const Value& interface = socket["spec"]["interface"];
  return interface.contains("config") || interface.contains("result");
}

std::string serviceAccountOf(const Value& object) {
  return orDefault(object["spec"]["serviceAccountName"], "default");
}

DeletionPolicy deletionPolicyOf(const Value& socket) {
  const std::string_view policy = socket["spec"]["deletionPolicy"].asString();
  if (policy == "DeletePlugs") return DeletionPolicy::DeletePlugs;
  if (policy == "Block") return DeletionPolicy::Block;
  return DeletionPolicy::Decouple;
}

bool isForceDeleted(const Value& object) {
  return kube::api::annotationOf(object, kForceDelete) == "true";
}

Result<std::vector<ResourceAction>> parseActions(const Value& list, const std::string& field) {
  std::vector<ResourceAction> actions;
  actions.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value& entry = list.at(i);
    const std::string path = indexed(field, i);
    ResourceAction action;
    ASSIGN_OR_RETURN(action.when, parseWhen(entry["when"], path + ".when"));
    ASSIGN_OR_RETURN(action.what, parseDo(entry["do"], path + ".do"));
    action.retainWhenDecoupled =
        entry["retainWhenDecoupled"].asBool() || entry["preserveWhenDecoupled"].asBool();
    addTemplates(entry, "template", true, path, action.templates);
    addTemplates(entry, "templates", true, path, action.templates);
    addTemplates(entry, "stringTemplate", false, path, action.templates);
    addTemplates(entry, "stringTemplates", false, path, action.templates);
    actions.push_back(std::move(action));
  }
  return actions;
}

Result<std::vector<Var>> parseVars(const Value& list, const std::string& field) {
  std::vector<Var> vars;
  vars.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Value& entry = list.at(i);
    const Value& reference = entry["objref"];
    Var var;
    var.field = indexed(field, i);
    var.name = entry["name"].toString();
    if (var.name.empty()) return fail(Code::Invalid, var.field + ".name is required");
    const std::string kind = reference["kind"].toString();
    if (kind.empty()) return fail(Code::Invalid, var.field + ".objref.kind is required");
    if (!reference["apiVersion"].empty()) {
      var.kind = kube::api::parseKind(reference["apiVersion"].asString(), kind);
    } else {
      if (reference["version"].empty()) {
        return fail(Code::Invalid,
                    var.field + ".objref: apiVersion, or group and version, is required");
      }
      var.kind = {reference["group"].toString(), reference["version"].toString(), kind};
    }
    var.nameIsTemplate = reference["name"].empty();
    var.objectName =
        var.nameIsTemplate ? reference["templateName"].toString() : reference["name"].toString();
    if (var.objectName.empty()) {
      return fail(Code::Invalid, var.field + ".objref: name or templateName is required");
    }
    var.namespaceIsTemplate = reference["namespace"].empty();
    var.objectNamespace = var.namespaceIsTemplate ? reference["templateNamespace"].toString()
                                                  : reference["namespace"].toString();
    var.fieldPath = orDefault(entry["fieldref"]["fieldPath"], "metadata.name");
    vars.push_back(std::move(var));
  }
  return vars;
}

bool InventoryEntry::isSameObject(const InventoryEntry& other) const {
  // The version of a group is no identity: an object applied as v1beta1 is the one applied as v1
  // later on.
  return object.kind == other.object.kind && object.name == other.object.name &&
         object.namespaceName == other.object.namespaceName &&
         kube::api::parseKind(object.apiVersion, "").group ==
             kube::api::parseKind(other.object.apiVersion, "").group;
}

std::vector<InventoryEntry> parseInventory(const Value& list) {
  std::vector<InventoryEntry> inventory;
  inventory.reserve(list.size());
  for (const Value& item : list.items()) {
    inventory.push_back(
        {item["side"].asString() == "socket" ? Side::Socket : Side::Plug,
         {item["apiVersion"].toString(), item["kind"].toString(), item["namespace"].toString(),
          item["name"].toString(), item["uid"].toString()},
         item["retain"].asBool()});
  }
  return inventory;
}

Value printInventory(const std::vector<InventoryEntry>& inventory) {
  std::vector<Value> items;
  items.reserve(inventory.size());
  for (const InventoryEntry& entry : inventory) {
    Value item = Value::object({{"side", nameOf(entry.side)},
                                {"apiVersion", entry.object.apiVersion},
                                {"kind", entry.object.kind},
                                {"name", entry.object.name}});
    if (!entry.object.namespaceName.empty()) item.set("namespace", entry.object.namespaceName);
    if (!entry.object.uid.empty()) item.set("uid", entry.object.uid);
    if (entry.retain) item.set("retain", true);
    items.push_back(std::move(item));
  }
  return Value::fromItems(items);
}

}  // namespace iop::operators::api
