#include "apiserver/internal/crds.h"

#include <algorithm>

#include "apiserver/internal/controllers.h"
#include "base/log.h"
#include "base/time.h"
#include "kube/api/object.h"

// The life of CustomResourceDefinitions (apiextensions-apiserver, pkg/controller).

namespace iop::apiserver {
namespace {

constexpr std::string_view kTable = kCrdTable;
constexpr std::string_view kFinalizer = kCrdFinalizer;

bool isTrue(const Value& crd, std::string_view type) {
  for (const Value& condition : crd["status"]["conditions"].items()) {
    if (condition["type"].asString() == type) return condition["status"].asString() == "True";
  }
  return false;
}

struct Conflict {
  std::string reason;
  std::string message;
};

// A name that another CRD of the group, or a built-in kind, has already.
std::optional<Conflict> findConflict(const Value& crd, const std::vector<Value>& others) {
  const Value& names = crd["spec"]["names"];
  std::set<std::string> plurals, kinds;
  for (const Value& other : others) {
    if (other["spec"]["group"] != crd["spec"]["group"] ||
        kube::api::nameOf(other) == kube::api::nameOf(crd))
      continue;
    const Value& taken = other["status"]["acceptedNames"];
    for (const char* field : {"plural", "singular"}) plurals.insert(taken[field].toString());
    for (const Value& name : taken["shortNames"].items()) plurals.insert(name.toString());
    for (const char* field : {"kind", "listKind"}) kinds.insert(taken[field].toString());
  }
  plurals.erase("");
  kinds.erase("");
  const auto inUse = [](std::string_view name) {
    return "\"" + std::string(name) + "\" is already in use";
  };
  if (plurals.contains(names["plural"].toString()))
    return Conflict{"PluralConflict", inUse(names["plural"].asString())};
  if (plurals.contains(names["singular"].toString()))
    return Conflict{"SingularConflict", inUse(names["singular"].asString())};
  for (const Value& name : names["shortNames"].items()) {
    if (plurals.contains(name.toString()))
      return Conflict{"ShortNamesConflict", inUse(name.asString())};
  }
  if (kinds.contains(names["kind"].toString()))
    return Conflict{"KindConflict", inUse(names["kind"].asString())};
  if (kinds.contains(names["listKind"].toString()))
    return Conflict{"ListKindConflict", inUse(names["listKind"].asString())};
  return std::nullopt;
}

}  // namespace

void setCondition(Value& status, std::string_view type, std::string_view value,
                  std::string_view reason, std::string_view message, std::string_view now) {
  Value& conditions = status.edit("conditions");
  if (!conditions.isArray()) conditions = Value::array();
  Value made = Value::object({{"type", type},
                              {"status", value},
                              {"lastTransitionTime", now},
                              {"reason", reason},
                              {"message", message}});
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Value old = conditions.at(i);
    if (old["type"].asString() != type) continue;
    if (old["status"].asString() == value)
      made.set("lastTransitionTime", old["lastTransitionTime"]);
    conditions.editItem(i) = std::move(made);
    return;
  }
  conditions.push(std::move(made));
}

void Controllers::syncCrd(const ObjectKey& key) {
  const ObjectPtr found = engine_.storage().find(kTable, key);
  if (found == nullptr) return;
  const Value& crd = found->value;
  const std::string now = base::printTime(engine_.clock().now());
  const auto write = [&](const std::function<void(Value & crd)>& change) {
    const Status written = engine_.write(kTable, key, [&](const Value& stored) {
      if (stored.isNull()) return stored;
      Value changed = stored;
      change(changed);
      return changed;
    });
    if (!written) log::error("CRD", {{"name", key.name}, {"error", written.error().message}});
  };
  const std::string table =
      crd["spec"]["group"].toString() + "/" + crd["spec"]["names"]["plural"].toString();

  if (kube::api::isBeingDeleted(crd)) {
    if (!kube::api::hasFinalizer(crd, kFinalizer)) return;
    const Kind* kind = kindOfTable(table);
    if (kind != nullptr && kind->custom) {
      // Nothing new from now on.
      if (!kind->terminating) serveCrd(crd);
      kind = kindOfTable(table);
      Call call{.user = {.name = "system:apiserver"}, .fieldManager = "kube-apiserver"};
      for (const ObjectPtr& object : engine_.objects(table)) {
        if (kube::api::isBeingDeleted(object->value)) continue;
        const auto removed = engine_.remove(*kind, kube::api::keyOf(object->value), {}, call);
        if (!removed && removed.error().code != 404)
          log::warn("delete a custom resource", {{"error", removed.error().message}});
      }
    }
    if (engine_.storage().count(table) > 0 && kind != nullptr && kind->custom) {
      write([&](Value& changed) {
        setCondition(changed.edit("status"), "Terminating", "True", "InstanceDeletionInProgress",
                     "CustomResource deletion is in progress", now);
      });
      return;
    }
    removeFinalizer({std::string(kTable), key}, kFinalizer);
    return;
  }

  std::vector<Value> others;
  for (const ObjectPtr& other : engine_.objects(kTable)) others.push_back(other->value);
  const auto conflict = findConflict(crd, others);
  write([&](Value& changed) {
    Value& status = changed.edit("status");
    if (!conflict) {
      status.set("acceptedNames", changed["spec"]["names"]);
      setCondition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
      setCondition(status, "Established", "True", "InitialNamesAccepted",
                   "the initial names have been accepted", now);
    } else {
      setCondition(status, "NamesAccepted", "False", conflict->reason, conflict->message, now);
      if (!isTrue(changed, "Established")) {
        setCondition(status, "Established", "False", "NotAccepted", "not all names are accepted",
                     now);
      }
    }
    Value stored = status["storedVersions"];
    for (const Value& version : changed["spec"]["versions"].items()) {
      if (!version["storage"].asBool()) continue;
      const auto known = stored.items();
      if (std::find(known.begin(), known.end(), version["name"]) == known.end())
        stored.push(version["name"]);
    }
    status.set("storedVersions", std::move(stored));
  });
  const ObjectPtr current = engine_.storage().find(kTable, key);
  if (current != nullptr && isTrue(current->value, "Established")) serveCrd(current->value);
}

void Controllers::serveCrd(const Value& crd) {
  const std::string name(kube::api::nameOf(crd));
  // Only what clients see of a CRD makes its kinds anew: open watches would end otherwise.
  const bool isTerminating = kube::api::isBeingDeleted(crd);
  Value seen = Value::object({{"spec", crd["spec"]},
                              {"names", crd["status"]["acceptedNames"]},
                              {"terminating", isTerminating}});
  Value& served = served_[name];
  if (served == seen) return;
  const bool onlyTerminating = served["spec"] == seen["spec"] && served["names"] == seen["names"];
  if (!onlyTerminating) {
    for (const Kind* kind : engine_.registry().kinds()) {
      if (kind->custom && qualifiedResource(kind->resource.group, kind->resource.plural) == name)
        hooks_.kindChanges(*kind);
    }
  }
  served = std::move(seen);
  if (onlyTerminating && isTerminating) {
    engine_.registry().setTerminating(name);
  } else {
    engine_.registry().setCrd(crd);
  }
}

}  // namespace iop::apiserver
