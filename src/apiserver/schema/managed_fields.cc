#include "apiserver/schema/managed_fields.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apiserver/schema/internal/go_text.h"
#include "apiserver/schema/managed_entries.h"
#include "apiserver/schema/typed.h"
#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
// apimachinery, pkg/api/validation: all annotations together.
constexpr std::size_t kMaxAnnotationBytes = 256 * 1024;

// Fields that never have an owner (managedfields, stripmeta.go).
const FieldSet& identityFields() {
  static const FieldSet fields = [] {
    FieldSet metadata = Value::object({{".", leafNode()}});
    for (const char* name : {"name", "namespace", "creationTimestamp", "selfLink", "uid",
                             "clusterName", "generation", "managedFields", "resourceVersion"}) {
      metadata.set(fieldStep(name).asString(), leafNode());
    }
    return Value::object(
        {{"f:apiVersion", leafNode()}, {"f:kind", leafNode()}, {"f:metadata", metadata}});
  }();
  return fields;
}

// The set of the paths of Write::resetFields.
FieldSet resetSet(const Write& write) {
  FieldSet out = Value::object();
  for (const std::string& path : write.resetFields) {
    Value* node = &out;
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::size_t dot = rest.find('.');
      node = &node->edit(fieldStep(rest.substr(0, dot)).asString());
      if (node->isNull()) *node = Value::object();
      rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    }
  }
  return out;
}

std::optional<Comparison> compareForOwners(const Value& before, const Value& after,
                                           const Write& write) {
  CompareOptions options;
  options.skipIdentity = true;
  bool nested = false;
  for (const std::string& path : write.resetFields) {
    if (path.find('.') == std::string::npos) {
      options.skipFields.push_back(path);
    } else {
      nested = true;
    }
  }
  std::optional<Comparison> out = compare(before, after, typeOfObject(write.schema), options);
  if (out && nested) {
    const FieldSet reset = resetSet(write);
    for (FieldSet* set : {&out->added, &out->modified, &out->removed})
      *set = subtractWithChildren(*set, reset);
  }
  return out;
}

ManagedEntry entryOf(const Write& write, std::string_view manager, bool isApply) {
  ManagedEntry out;
  out.isApply = isApply;
  out.manager = manager.empty() ? "unknown" : manager;
  out.apiVersion = write.apiVersion;
  if (!write.subresource.empty()) out.subresource = write.subresource;
  return out;
}

// What a write that changed `before` into `after` does to the entries.
void recordUpdate(ManagedEntries& entries, const Value& before, const Value& after,
                  const Write& write, std::string_view manager) {
  const std::optional<Comparison> changes = compareForOwners(before, after, write);
  if (!changes) return;  // the API server, too, keeps the entries of what it cannot read
  const FieldSet taken = unite(changes->added, changes->modified);
  const ManagedEntry mine = entryOf(write, manager, false);
  ManagedEntry* previous = findEntry(entries, mine);
  if (previous == nullptr && !taken.empty()) previous = &entries.emplace_back(mine);
  for (ManagedEntry& entry : entries) {
    const FieldSet kept = subtract(entry.fields, changes->removed);
    entry.setFields(&entry == previous ? unite(kept, taken) : subtract(kept, taken));
  }
  // The API server forgets the time on the way from a Scale to its object.
  if (!taken.empty() && write.subresource != "scale") previous->setTime(write.now);
  dropEmpty(entries);
  capUpdates(entries);
}

// `object` with these entries; `stored` itself where they are equal, so that objects share them.
Value withEntries(Value object, ManagedEntries entries, const Value& stored) {
  Value managedFields = printEntries(std::move(entries));
  if (managedFields == stored) managedFields = stored;
  const Value& metadata = object["metadata"];
  if (managedFields.isNull()) {
    if (metadata.contains("managedFields")) object.edit("metadata").erase("managedFields");
  } else if (!managedFields.isSame(metadata["managedFields"]) &&
             (metadata.isObject() || metadata.isNull())) {
    object.edit("metadata").set("managedFields", std::move(managedFields));
  }
  return object;
}

Value withoutEntries(const Value& object) {
  if (!object["metadata"].contains("managedFields")) return object;
  Value out = object;
  out.edit("metadata").erase("managedFields");
  return out;
}

// Those that an update starts from: what the client sent, where that is any good, else what is
// there (managedfields, fieldmanager.go, decodeLiveOrNew).
ManagedEntries entriesForUpdate(const Value& live, const Value& updated, const Write& write) {
  const Value& sent = updated["metadata"]["managedFields"];
  const Value& stored = live["metadata"]["managedFields"];
  if (write.subresource.empty() && !sent.isNull() && !sent.isSame(stored) && sent != stored) {
    if (isReset(sent)) return {};
    std::optional<ManagedEntries> parsed = parseEntries(sent);
    if (parsed && !parsed->empty()) return std::move(*parsed);
  }
  return readEntries(stored);
}

// One attempt to apply.
struct Applied {
  Value object;  // without managedFields
  ManagedEntries entries;
  bool changed = false;
};

// Fields that others own and the apply would change.
struct Conflict {
  ManagedEntry owner;
  FieldSet fields;
};

using Conflicts = std::vector<Conflict>;

// Takes away what the manager applied before and no longer does, unless somebody else owns it
// (structured-merge-diff, merge/update.go, prune).
Value pruneGivenUp(const Value& merged, const FieldSet& last, const FieldSet& mine,
                   const ManagedEntries& others, const Typed& type) {
  const FieldSet before = withNamedFields(last, type);
  if (subtract(before, withNamedFields(mine, type)).empty()) return merged;
  FieldSet owned = mine;
  for (const ManagedEntry& entry : others) owned = unite(owned, entry.fields);
  const FieldSet all = withNamedFields(fieldsOf(merged, type), type);
  // First without all that was applied before, then with what has an owner.
  const Value bare = removeFields(merged, before, type);
  const FieldSet left = withNamedFields(fieldsOf(bare, type), type);
  const FieldSet kept = unite(left, withNamedFields(owned, type));
  const Value pruned = removeFields(merged, subtract(all, kept), type);
  // What stood below a removed field and was never applied comes back.
  const FieldSet remaining = withNamedFields(fieldsOf(pruned, type), type);
  return removeFields(merged, intersect(subtract(all, remaining), before), type);
}

tl::unexpected<ApplyFailure> invalid(std::string message) {
  return tl::unexpected(ApplyFailure{ApplyFailure::Kind::Invalid, std::move(message), {}});
}

// "ns/name; apps/v1, Kind=Deployment"
std::string printIdentity(const Value& object) {
  const std::string apiVersion = object["apiVersion"].toString();
  return object["metadata"]["namespace"].toString() + "/" + object["metadata"]["name"].toString() +
         "; " + (apiVersion.find('/') == std::string::npos ? "/" : "") + apiVersion +
         ", Kind=" + object["kind"].toString();
}

std::string printErrors(const std::vector<std::string>& errors) {
  if (errors.size() == 1) return errors[0];
  std::string out = "errors:";
  for (const std::string& error : errors) out += "\n  " + error;
  return out;
}

// `live` without managedFields; an empty object for a creation. Conflicts are left in `conflicts`
// where `force` is false.
tl::expected<Applied, ApplyFailure> attempt(const Value& live, const Value& config,
                                            ManagedEntries entries, const Write& write, bool force,
                                            Conflicts& conflicts) {
  const Typed type = typeOfObject(write.schema);
  tl::expected<Value, std::string> merged = merge(live, config, type);
  if (!merged) return invalid("failed to merge config: " + merged.error());

  ManagedEntry mine = entryOf(write, write.manager, true);
  mine.fields = subtractWithChildren(fieldsOf(config, type), resetSet(write));
  FieldSet last;
  if (ManagedEntry* previous = findEntry(entries, mine)) {
    last = previous->fields;
    mine.time = previous->time;
    mine.source = previous->source;
    entries.erase(entries.begin() + (previous - entries.data()));
  }
  Applied out;
  out.object = last.empty() ? *merged : pruneGivenUp(*merged, last, mine.fields, entries, type);

  const std::optional<Comparison> changes = compareForOwners(live, out.object, write);
  if (!changes) return invalid("failed to compare objects");
  const FieldSet taken = unite(changes->added, changes->modified);
  for (ManagedEntry& entry : entries) {
    FieldSet lost = intersect(entry.fields, taken);
    if (!lost.empty() && !force) conflicts.push_back({entry, lost});
    entry.setFields(subtract(subtract(entry.fields, lost), changes->removed));
  }
  dropEmpty(entries);
  out.changed = !isEqual(live, out.object);

  mine.fields = subtract(mine.fields, identityFields());
  if (!mine.fields.empty()) {
    if (!mine.source.isNull() &&
        (mine.fields != mine.source["fieldsV1"] || mine.apiVersion != mine.source["apiVersion"])) {
      mine.source = {};
    }
    if (out.changed) mine.setTime(write.now);
    entries.push_back(std::move(mine));
  }
  out.entries = std::move(entries);
  return out;
}

std::string printManager(const ManagedEntry& owner) {
  std::string out = internal::quote(owner.manager.asString());
  if (!owner.subresource.isNull())
    out += " with subresource " + internal::quote(owner.subresource.asString());
  if (!owner.isApply) out += " using " + owner.apiVersion.toString();
  return out;
}

ApplyFailure describeConflicts(Conflicts conflicts) {
  std::sort(conflicts.begin(), conflicts.end(), [](const Conflict& left, const Conflict& right) {
    return left.owner.identifier() < right.owner.identifier();
  });
  ApplyFailure out{ApplyFailure::Kind::Conflict, {}, {}};
  std::string lines;
  for (const Conflict& conflict : conflicts) {
    lines += (lines.empty() ? "conflicts with " : "\nconflicts with ") +
             printManager(conflict.owner) + ":";
    forEachField(conflict.fields, [&](std::string_view path) {
      lines += "\n- " + std::string(path);
      out.conflicts.push_back({.manager = conflict.owner.manager.toString(),
                               .subresource = conflict.owner.subresource.toString(),
                               .apiVersion = conflict.owner.apiVersion.toString(),
                               .time = {},
                               .isApply = conflict.owner.isApply,
                               .field = std::string(path)});
    });
  }
  const std::size_t count = out.conflicts.size();
  out.message = count == 1 ? "Apply failed with 1 conflict: conflict with " +
                                 printManager(conflicts[0].owner) + ": " + out.conflicts[0].field
                           : "Apply failed with " + std::to_string(count) + " conflicts: " + lines;
  return out;
}

// The fields of the annotation that kubectl's client-side apply left and that `live` still has
// that way: they are kubectl's, whoever is written down for them. Nothing where there are none.
std::optional<FieldSet> fieldsOfLastApplied(const Value& live, const Write& write) {
  const Value& annotation = live["metadata"]["annotations"][kLastApplied];
  if (!annotation.isString() || annotation.empty()) return std::nullopt;
  const Result<Value> applied = text::parseJson(annotation.asString());
  if (!applied || !applied->isObject()) return std::nullopt;
  if ((*applied)["apiVersion"].asString() != write.apiVersion) return std::nullopt;
  const Typed type = typeOfObject(write.schema);
  if (!validate(*applied, type).empty()) return std::nullopt;
  const std::optional<Comparison> changes = compare(*applied, live, type);
  if (!changes) return std::nullopt;
  FieldSet out = fieldsOf(*applied, type);
  for (const FieldSet& changed : {changes->modified, changes->added, changes->removed})
    out = subtract(out, changed);
  return out;
}

// Leaves the conflicts that stay when what is kubectl's anyway is taken away.
void allowLastApplied(Conflicts& conflicts, const FieldSet& allowed) {
  for (Conflict& conflict : conflicts) conflict.fields = subtract(conflict.fields, allowed);
  std::erase_if(conflicts, [](const Conflict& conflict) { return conflict.fields.empty(); });
}

// Keeps the annotation of client-side apply right, so that one may go back to that.
void refreshLastApplied(Value& object, const Value& config) {
  const Value& annotation = object["metadata"]["annotations"][kLastApplied];
  if (!annotation.isString() || annotation.empty()) return;
  Value bare = config;
  if (bare["metadata"]["annotations"].contains(kLastApplied))
    bare.edit("metadata").edit("annotations").erase(kLastApplied);
  const std::string text = text::printJson(bare) + "\n";
  std::size_t bytes = text.size() + std::string_view(kLastApplied).size();
  for (const Member& member : object["metadata"]["annotations"].members()) {
    if (member.key() != kLastApplied) bytes += member.key().size() + member.value.size();
  }
  Value& annotations = object.edit("metadata").edit("annotations");
  if (bytes > kMaxAnnotationBytes) {
    annotations.erase(kLastApplied);
  } else if (annotations[kLastApplied].asString() != text) {
    annotations.set(kLastApplied, text);
  }
}

}  // namespace

Value trackUpdate(const Value& live, const Value& updated, const Write& write) {
  ManagedEntries entries = entriesForUpdate(live, updated, write);
  // An object whose entries were taken away has none until somebody applies.
  if (entries.empty() && !live.isNull()) return withoutEntries(updated);
  recordUpdate(entries, live.isNull() ? Value::object() : live, updated, write, write.manager);
  return withEntries(updated, std::move(entries), live["metadata"]["managedFields"]);
}

Value keepTimes(const Value& live, const Value& updated) {
  const Value& before = live["metadata"]["managedFields"];
  const Value& after = updated["metadata"]["managedFields"];
  if (before == after || !areEqualButTimes(before, after)) return updated;
  return isEqual(withoutEntries(live), withoutEntries(updated)) ? live : updated;
}

tl::expected<Value, ApplyFailure> applyConfiguration(const Value& live, const Value& sent,
                                                     const Write& write, bool force) {
  if (!sent["metadata"]["managedFields"].isNull())
    return invalid("metadata.managedFields must be nil");
  const Value config = withoutEntries(sent);
  if (const auto errors = validate(config, typeOfObject(write.schema)); !errors.empty()) {
    return invalid("failed to create typed patch object (" + printIdentity(config) +
                   "): " + printErrors(errors));
  }
  const Value before = live.isNull() ? Value::object() : withoutEntries(live);
  ManagedEntries entries = readEntries(live["metadata"]["managedFields"]);
  if (entries.empty() && !live.isNull())
    recordUpdate(entries, Value::object(), before, write, "before-first-apply");

  Conflicts conflicts;
  auto applied = attempt(before, config, entries, write, force, conflicts);
  if (!applied) return tl::unexpected(std::move(applied.error()));
  const bool isKubectl = write.manager == "kubectl";
  if (!conflicts.empty()) {
    const std::optional<FieldSet> allowed =
        isKubectl ? fieldsOfLastApplied(before, write) : std::nullopt;
    if (allowed) allowLastApplied(conflicts, *allowed);
    if (!conflicts.empty()) return tl::unexpected(describeConflicts(std::move(conflicts)));
    applied = attempt(before, config, entries, write, true, conflicts);
    if (!applied) return tl::unexpected(std::move(applied.error()));
  }
  Value object = applied->changed ? std::move(applied->object) : before;
  if (isKubectl) refreshLastApplied(object, config);
  return withEntries(std::move(object), std::move(applied->entries),
                     live["metadata"]["managedFields"]);
}

}  // namespace iop::apiserver::schema
