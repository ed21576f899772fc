#include "apiserver/schema/managed_entries.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

constexpr std::string_view kAncient = "ancient-changes";

bool isEmptyOrNull(const Value& value) { return value.isNull() || value.empty(); }

Value textOrNull(const Value& value) { return isEmptyOrNull(value) ? Value() : value; }

ManagedEntry readEntry(const Value& source) {
  ManagedEntry out;
  out.isApply = source["operation"].asString() == "Apply";
  out.manager = source["manager"];
  out.apiVersion = source["apiVersion"];
  out.subresource = textOrNull(source["subresource"]);
  out.time = source["time"];
  out.fields = source["fieldsV1"];
  out.source = source;
  return out;
}

// The same entry as a client may write it; nothing where it is not valid.
std::optional<ManagedEntry> parseEntry(const Value& source) {
  if (!source.isObject()) return std::nullopt;
  const std::string_view operation = source["operation"].asString();
  if (operation != "Apply" && operation != "Update") return std::nullopt;
  if (source["apiVersion"].asString().empty() || source["fieldsType"].asString() != "FieldsV1")
    return std::nullopt;
  std::optional<FieldSet> fields = normalizeFieldSet(source["fieldsV1"]);
  if (!fields) return std::nullopt;
  ManagedEntry out = readEntry(source);
  out.source = {};
  out.fields = std::move(*fields);
  if (!out.manager.isString()) out.manager = "";
  if (!out.time.isNull()) {
    const Result<base::Time> time = base::parseTime(out.time.asString());
    if (!time) return std::nullopt;
    out.time = base::printTime(*time);
  }
  return out;
}

// Times are RFC 3339 in UTC, so that their texts are in their order.
bool isBefore(const ManagedEntry& left, const ManagedEntry& right) {
  if (left.isApply != right.isApply) return left.isApply;
  if (left.time != right.time) return left.time.asString() < right.time.asString();
  if (left.manager != right.manager) return left.manager.asString() < right.manager.asString();
  if (left.apiVersion != right.apiVersion)
    return left.apiVersion.asString() < right.apiVersion.asString();
  return left.subresource.asString() < right.subresource.asString();
}

Value printEntry(const ManagedEntry& entry) {
  if (!entry.source.isNull()) return entry.source;
  Value out = Value::object({{"apiVersion", entry.apiVersion},
                             {"fieldsType", "FieldsV1"},
                             {"fieldsV1", entry.fields.isNull() ? Value::object() : entry.fields},
                             {"operation", entry.isApply ? "Apply" : "Update"}});
  if (!isEmptyOrNull(entry.manager)) out.set("manager", entry.manager);
  if (!entry.subresource.isNull()) out.set("subresource", entry.subresource);
  if (!entry.time.isNull()) out.set("time", entry.time);
  return out;
}

}  // namespace

bool ManagedEntry::isSameManager(const ManagedEntry& other) const {
  return isApply == other.isApply && manager == other.manager && subresource == other.subresource &&
         (isApply || apiVersion == other.apiVersion);
}

std::string ManagedEntry::identifier() const {
  std::string out = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (out.size() > 1) out += ',';
    text::appendJsonString(out, name);
    out += ':';
    text::appendJsonString(out, value);
  };
  add("manager", manager.asString());
  add("operation", isApply ? "Apply" : "Update");
  if (!isApply) add("apiVersion", apiVersion.asString());
  add("subresource", subresource.asString());
  return out + "}";
}

void ManagedEntry::setFields(FieldSet changed) {
  if (changed.isSame(fields)) return;
  fields = std::move(changed);
  source = {};
}

void ManagedEntry::setTime(std::string_view now) {
  time = now;
  source = {};
}

ManagedEntries readEntries(const Value& managedFields) {
  ManagedEntries out;
  out.reserve(managedFields.items().size() + 1);
  for (const Value& entry : managedFields.items()) out.push_back(readEntry(entry));
  return out;
}

std::optional<ManagedEntries> parseEntries(const Value& managedFields) {
  ManagedEntries out;
  std::unordered_map<std::string, std::size_t> places;
  if (!managedFields.isNull() && !managedFields.isArray()) return std::nullopt;
  for (const Value& source : managedFields.items()) {
    std::optional<ManagedEntry> entry = parseEntry(source);
    if (!entry) return std::nullopt;
    const auto [place, isNew] = places.try_emplace(entry->identifier(), out.size());
    if (isNew) {
      out.push_back(std::move(*entry));
    } else {
      out[place->second] = std::move(*entry);
    }
  }
  return out;
}

bool isReset(const Value& managedFields) {
  if (!managedFields.isArray()) return false;
  if (managedFields.empty()) return true;
  const Value& first = managedFields.at(0);
  return managedFields.size() == 1 && first.isObject() &&
         std::all_of(first.members().begin(), first.members().end(),
                     [](const Member& member) { return isEmptyOrNull(member.value); });
}

ManagedEntry* findEntry(ManagedEntries& entries, const ManagedEntry& who) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const ManagedEntry& entry) {
    return entry.isSameManager(who);
  });
  return found != entries.end() ? &*found : nullptr;
}

void dropEmpty(ManagedEntries& entries) {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
}

void capUpdates(ManagedEntries& entries) {
  const auto isUpdate = [](const ManagedEntry& entry) { return !entry.isApply; };
  auto count = static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), isUpdate));
  if (count <= kMaxUpdateEntries) return;
  std::vector<std::pair<std::string, ManagedEntry>> updates;
  for (ManagedEntry& entry : entries) {
    if (isUpdate(entry)) updates.emplace_back(entry.identifier(), std::move(entry));
  }
  std::erase_if(entries, isUpdate);
  std::sort(updates.begin(), updates.end(), [](const auto& left, const auto& right) {
    if (left.second.time != right.second.time)
      return left.second.time.asString() < right.second.time.asString();
    return left.first < right.first;
  });
  // The first of a version stays under its name until a second one joins it.
  std::map<std::string, std::size_t> firsts;  // index into `updates`, by version
  std::vector<bool> gone(updates.size());
  for (std::size_t i = 0; i < updates.size() && count > kMaxUpdateEntries; ++i) {
    ManagedEntry& entry = updates[i].second;
    const auto [first, isFirst] = firsts.try_emplace(entry.apiVersion.toString(), i);
    if (isFirst) continue;
    ManagedEntry& bucket = updates[first->second].second;
    bucket.manager = kAncient;
    bucket.subresource = {};
    bucket.fields = unite(entry.fields, bucket.fields);
    bucket.time = entry.time;
    bucket.source = {};
    gone[i] = true;
    --count;
  }
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (gone[i]) continue;
    ManagedEntry& entry = updates[i].second;
    ManagedEntry* same = findEntry(entries, entry);  // an older bucket
    if (same == nullptr) {
      entries.push_back(std::move(entry));
    } else {
      same->setFields(unite(same->fields, entry.fields));
      if (same->time.asString() < entry.time.asString()) same->setTime(entry.time.asString());
    }
  }
}

Value printEntries(ManagedEntries entries) {
  if (entries.empty()) return {};
  std::stable_sort(entries.begin(), entries.end(), isBefore);
  std::vector<Value> out;
  out.reserve(entries.size());
  for (const ManagedEntry& entry : entries) out.push_back(printEntry(entry));
  return Value::fromItems(out);
}

bool areEqualButTimes(const Value& left, const Value& right) {
  if (left.size() != right.size()) return false;
  std::unordered_map<std::string, ManagedEntry> others;
  for (ManagedEntry& entry : readEntries(right)) {
    std::string name = entry.identifier();
    others.insert_or_assign(std::move(name), std::move(entry));
  }
  const ManagedEntries entries = readEntries(left);
  return std::all_of(entries.begin(), entries.end(), [&](const ManagedEntry& entry) {
    const auto other = others.find(entry.identifier());
    return other != others.end() && other->second.apiVersion == entry.apiVersion &&
           other->second.fields == entry.fields;
  });
}

}  // namespace iop::apiserver::schema
