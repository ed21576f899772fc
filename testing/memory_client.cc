#include "testing/memory_client.h"

#include <algorithm>
#include <utility>

#include "base/time.h"
#include "kube/api/object.h"
#include "text/patch.h"

namespace iop::testing {

using kube::api::GroupVersionKind;
using kube::client::CallOptions;
using kube::client::DeleteOptions;
using kube::client::ListOptions;
using kube::client::PatchType;
using kube::client::WatchEvent;
using kube::client::WatchOptions;

namespace {

std::uint64_t parseVersion(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

// "a=b,c==d,e!=f,g": all must hold.
bool matchesLabels(const Value& object, std::string_view selector) {
  const Value& labels = object["metadata"]["labels"];
  while (!selector.empty()) {
    const std::size_t end = std::min(selector.find(','), selector.size());
    const std::string_view term = selector.substr(0, end);
    selector.remove_prefix(std::min(end + 1, selector.size()));
    const std::size_t equals = term.find('=');
    if (equals == std::string_view::npos) {
      if (!labels.contains(term)) return false;
      continue;
    }
    const bool isNegated = equals > 0 && term[equals - 1] == '!';
    const std::string_view key = term.substr(0, equals - (isNegated ? 1 : 0));
    std::string_view value = term.substr(equals + 1);
    if (value.starts_with('=')) value.remove_prefix(1);
    const bool isEqual = labels.contains(key) && labels[key].asString() == value;
    if (isEqual == isNegated) return false;
  }
  return true;
}

bool matchesFields(const Value& object, std::string_view selector) {
  constexpr std::string_view kName = "metadata.name=";
  if (selector.empty()) return true;
  return selector.starts_with(kName) &&
         object["metadata"]["name"].asString() == selector.substr(kName.size());
}

template <typename Selectors>
bool matches(const Value& object, const std::string& namespaceName, const Selectors& selectors) {
  if (object.isNull()) return false;
  if (!namespaceName.empty() && kube::api::namespaceOf(object) != namespaceName) return false;
  return matchesLabels(object, selectors.labelSelector) &&
         matchesFields(object, selectors.fieldSelector);
}

Value view(const Value& object, bool metadataOnly) {
  if (!metadataOnly) return object;
  return Value::object({{"apiVersion", "meta.k8s.io/v1"},
                        {"kind", "PartialObjectMetadata"},
                        {"metadata", object["metadata"]}});
}

Value bookmark(const kube::api::Resource& resource, std::uint64_t version, bool isListEnd) {
  Value metadata = Value::object({{"resourceVersion", std::to_string(version)}});
  if (isListEnd) {
    metadata.set("annotations", Value::object({{"k8s.io/initial-events-end", "true"}}));
  }
  return Value::object(
      {{"apiVersion", resource.apiVersion()}, {"kind", resource.kind}, {"metadata", metadata}});
}

tl::unexpected<Error> notFound(const kube::api::Resource& resource, const std::string& name) {
  return fail(Code::NotFound, resource.plural + " \"" + name + "\" not found");
}

// Everything that makes a new generation when it changes.
Value specOf(Value object) {
  object.erase("metadata");
  object.erase("status");
  return object;
}

}  // namespace

MemoryClient::MemoryClient(base::Clock& clock) : clock_(clock) {}
MemoryClient::~MemoryClient() = default;

void MemoryClient::serve(const Resource& resource) {
  std::lock_guard guard(mutex_);
  served_.insert(resource);
}

void MemoryClient::setFault(Fault fault) {
  std::lock_guard guard(mutex_);
  fault_ = std::move(fault);
}

void MemoryClient::setWatchList(WatchList support) {
  std::lock_guard guard(mutex_);
  watchList_ = support;
}

std::optional<Value> MemoryClient::find(const Resource& resource, const ObjectKey& key) const {
  std::lock_guard guard(mutex_);
  const auto table = tables_.find(resource);
  if (table == tables_.end()) return std::nullopt;
  const auto object = table->second.objects.find(key);
  if (object == table->second.objects.end()) return std::nullopt;
  return object->second;
}

std::vector<Value> MemoryClient::objects(const Resource& resource) const {
  std::lock_guard guard(mutex_);
  std::vector<Value> all;
  const auto table = tables_.find(resource);
  if (table == tables_.end()) return all;
  for (const auto& [key, object] : table->second.objects) all.push_back(object);
  return all;
}

std::vector<MemoryClient::Call> MemoryClient::calls() const {
  std::lock_guard guard(mutex_);
  return calls_;
}

std::vector<MemoryClient::Call> MemoryClient::calls(std::string_view verb) const {
  std::vector<Call> all = calls();
  std::erase_if(all, [&](const Call& call) { return call.verb != verb; });
  return all;
}

std::string MemoryClient::resourceVersion() const {
  std::lock_guard guard(mutex_);
  return std::to_string(version_);
}

void MemoryClient::compact() {
  std::lock_guard guard(mutex_);
  compacted_ = version_;
}

void MemoryClient::endWatches() {
  std::lock_guard guard(mutex_);
  ++epoch_;
  broken_.reset();
  changed_.notify_all();
}

void MemoryClient::breakWatches(Error error) {
  std::lock_guard guard(mutex_);
  ++epoch_;
  broken_ = std::move(error);
  changed_.notify_all();
}

void MemoryClient::send(const Resource& resource, WatchEvent event) {
  std::lock_guard guard(mutex_);
  tables_[resource].history.push_back({version_, {}, {}, std::move(event)});
  changed_.notify_all();
}

void MemoryClient::sendBookmark(const Resource& resource) {
  std::uint64_t version = 0;
  {
    std::lock_guard guard(mutex_);
    version = version_;
  }
  send(resource, {WatchEvent::Type::Bookmark, bookmark(resource, version, false)});
}

void MemoryClient::waitForWatches(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return streams_ >= count; });
}

Result<MemoryClient::Resource> MemoryClient::resolve(const GroupVersionKind& kind) {
  std::lock_guard guard(mutex_);
  for (const Resource& resource : served_) {
    if (resource.gvk() == kind) return resource;
  }
  return fail(Code::NotFound,
              "no matches for kind \"" + kind.kind + "\" in version \"" + kind.apiVersion() + "\"");
}

Status MemoryClient::begin(Call call) {
  Fault fault;
  {
    std::lock_guard guard(mutex_);
    calls_.push_back(call);
    fault = fault_;
  }
  if (call.options.stop.stop_requested()) return fail(Code::Canceled, "canceled");
  if (!fault) return {};
  if (std::optional<Error> error = fault(call)) return tl::unexpected(std::move(*error));
  return {};
}

Result<Value> MemoryClient::get(const Resource& resource, const ObjectKey& key,
                                const CallOptions& options) {
  RETURN_IF_ERROR(begin({"get", resource, key, options, {}, {}, {}}));
  const std::optional<Value> object = find(resource, key);
  if (!object) return notFound(resource, key.name);
  return view(*object, options.metadataOnly);
}

Result<Value> MemoryClient::list(const Resource& resource, const std::string& namespaceName,
                                 const ListOptions& list, const CallOptions& options) {
  RETURN_IF_ERROR(begin({"list", resource, {namespaceName, ""}, options, list, {}, {}}));
  std::lock_guard guard(mutex_);
  if (!list.continueToken.empty() && parseVersion(list.continueToken) <= compacted_) {
    return fail(Code::Expired, "the provided continue parameter is too old");
  }
  // "<version>/<how many came before>"; the pages are of the objects as they are now.
  std::size_t skip = 0;
  if (!list.continueToken.empty()) {
    skip = std::stoul(list.continueToken.substr(list.continueToken.find('/') + 1));
  }
  Value items = Value::array();
  std::size_t index = 0;
  std::string next;
  for (const auto& [key, object] : tables_[resource].objects) {
    if (!matches(object, namespaceName, list) || index++ < skip) continue;
    if (list.limit > 0 && items.size() == static_cast<std::size_t>(list.limit)) {
      next = std::to_string(version_) + "/" + std::to_string(index - 1);
      break;
    }
    items.push(view(object, options.metadataOnly));
  }
  Value metadata = Value::object({{"resourceVersion", std::to_string(version_)}});
  if (!next.empty()) metadata.set("continue", next);
  return Value::object({{"apiVersion", resource.apiVersion()},
                        {"kind", resource.kind + "List"},
                        {"metadata", metadata},
                        {"items", items}});
}

Value MemoryClient::commit(Table& table, const ObjectKey& key, const Value& before, Value after,
                           bool dryRun) {
  if (before == after || dryRun) return after;
  ++version_;
  Value& metadata = after.edit("metadata");
  metadata.set("resourceVersion", std::to_string(version_));
  const bool isGone = metadata["deletionTimestamp"].isString() && metadata["finalizers"].empty();
  if (isGone) {
    table.objects.erase(key);
  } else {
    table.objects[key] = after;
  }
  table.history.push_back({version_,
                           before,
                           isGone ? Value() : after,
                           {WatchEvent::Type::Deleted, isGone ? after : Value()}});
  changed_.notify_all();
  return after;
}

Result<Value> MemoryClient::createLocked(const Resource& resource, const std::string& namespaceName,
                                         Value object, const CallOptions& options) {
  Value& metadata = object.edit("metadata");
  if (metadata["name"].empty() && !metadata["generateName"].empty()) {
    metadata.set("name", metadata["generateName"].toString() + std::to_string(uids_));
  }
  if (resource.namespaced) metadata.set("namespace", namespaceName);
  const ObjectKey key = kube::api::keyOf(object);
  Table& table = tables_[resource];
  if (table.objects.contains(key)) {
    return fail(Code::AlreadyExists, resource.plural + " \"" + key.name + "\" already exists");
  }
  Value& fresh = object.edit("metadata");
  fresh.set("uid", "uid-" + std::to_string(++uids_));
  fresh.set("creationTimestamp", base::printTime(clock_.now()));
  fresh.set("generation", 1);
  return commit(table, key, Value(), std::move(object), options.dryRun);
}

Result<Value> MemoryClient::create(const Resource& resource, const std::string& namespaceName,
                                   const Value& object, const CallOptions& options) {
  RETURN_IF_ERROR(begin({"create", resource, {namespaceName, ""}, options, {}, {}, object}));
  std::lock_guard guard(mutex_);
  return createLocked(resource, namespaceName, object, options);
}

Result<Value> MemoryClient::replaceLocked(Table& table, const Resource& resource,
                                          const ObjectKey& key, Value after,
                                          const CallOptions& options) {
  const auto found = table.objects.find(key);
  if (found == table.objects.end()) return notFound(resource, key.name);
  const Value before = found->second;
  const std::string_view version = kube::api::resourceVersionOf(after);
  if (!version.empty() && version != kube::api::resourceVersionOf(before)) {
    return fail(Code::Conflict, "Operation cannot be fulfilled on " + resource.plural + " \"" +
                                    key.name + "\": the object has been modified");
  }
  if (options.subresource == "status") {
    Value only = before;
    only.set("status", after["status"]);
    after = std::move(only);
  }
  // What the server alone decides.
  Value& metadata = after.edit("metadata");
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp", "generation",
                            "deletionTimestamp", "resourceVersion"}) {
    if (before["metadata"].contains(field)) {
      metadata.set(field, before["metadata"][field]);
    } else {
      metadata.erase(field);
    }
  }
  if (specOf(before) != specOf(after)) {
    after.edit("metadata").set("generation", kube::api::generationOf(before) + 1);
  }
  return commit(table, key, before, std::move(after), options.dryRun);
}

Result<Value> MemoryClient::update(const Resource& resource, const ObjectKey& key,
                                   const Value& object, const CallOptions& options) {
  RETURN_IF_ERROR(begin({"update", resource, key, options, {}, {}, object}));
  std::lock_guard guard(mutex_);
  return replaceLocked(tables_[resource], resource, key, object, options);
}

Result<Value> MemoryClient::patch(const Resource& resource, const ObjectKey& key, PatchType type,
                                  const Value& patch, const CallOptions& options) {
  RETURN_IF_ERROR(begin({"patch", resource, key, options, {}, {}, patch}));
  std::lock_guard guard(mutex_);
  Table& table = tables_[resource];
  const auto found = table.objects.find(key);
  if (found == table.objects.end()) {
    if (type != PatchType::Apply) return notFound(resource, key.name);
    return createLocked(resource, key.namespaceName, patch, options);
  }
  Value after;
  if (type == PatchType::Json) {
    ASSIGN_OR_RETURN(after, text::applyJsonPatch(found->second, patch));
  } else {
    after = text::applyMergePatch(found->second, patch);
  }
  // A patch without a version is made on whatever is there.
  if (type != PatchType::Json && !patch["metadata"].contains("resourceVersion")) {
    after.edit("metadata").erase("resourceVersion");
  }
  return replaceLocked(table, resource, key, std::move(after), options);
}

Result<Value> MemoryClient::remove(const Resource& resource, const ObjectKey& key,
                                   const DeleteOptions& remove, const CallOptions& options) {
  RETURN_IF_ERROR(begin({"delete", resource, key, options, {}, {}, {}}));
  std::lock_guard guard(mutex_);
  Table& table = tables_[resource];
  const auto found = table.objects.find(key);
  if (found == table.objects.end()) return notFound(resource, key.name);
  const Value before = found->second;
  if ((!remove.uid.empty() && remove.uid != kube::api::uidOf(before)) ||
      (!remove.resourceVersion.empty() &&
       remove.resourceVersion != kube::api::resourceVersionOf(before))) {
    return fail(Code::Conflict, "the precondition failed");
  }
  if (kube::api::isBeingDeleted(before)) return before;
  Value after = before;
  Value& metadata = after.edit("metadata");
  metadata.set("deletionTimestamp", base::printTime(clock_.now()));
  metadata.set("generation", kube::api::generationOf(before) + 1);
  const Value last = commit(table, key, before, std::move(after), options.dryRun);
  if (!last["metadata"]["finalizers"].empty()) return last;
  return Value::object(
      {{"apiVersion", "v1"},
       {"kind", "Status"},
       {"status", "Success"},
       {"details", Value::object({{"name", key.name}, {"uid", last["metadata"]["uid"]}})}});
}

std::optional<WatchEvent> MemoryClient::eventOf(const Change& change,
                                                const std::string& namespaceName,
                                                const WatchOptions& watch, bool metadataOnly) {
  const bool isPlain = change.before.isNull() && change.after.isNull();
  if (isPlain) return change.event;
  const bool before = matches(change.before, namespaceName, watch);
  const bool after = matches(change.after, namespaceName, watch);
  if (!before && !after) return std::nullopt;
  if (!after) {
    // Gone, or no longer selected: the last state that was, with the version of the change.
    const bool isGone = change.after.isNull();
    Value last = isGone ? change.event.object : change.before;
    last.edit("metadata").set("resourceVersion", std::to_string(change.version));
    return WatchEvent{WatchEvent::Type::Deleted, view(last, metadataOnly)};
  }
  return WatchEvent{before ? WatchEvent::Type::Modified : WatchEvent::Type::Added,
                    view(change.after, metadataOnly)};
}

Status MemoryClient::watch(const Resource& resource, const std::string& namespaceName,
                           const WatchOptions& watch, const CallOptions& options,
                           const std::function<bool(WatchEvent&&)>& onEvent) {
  RETURN_IF_ERROR(begin({"watch", resource, {namespaceName, ""}, options, {}, watch, {}}));
  const std::stop_callback wake(options.stop, [this] {
    std::lock_guard guard(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  Table& table = tables_[resource];
  std::size_t position = table.history.size();
  std::vector<WatchEvent> pending;

  const bool isFromNow = watch.resourceVersion.empty() || watch.resourceVersion == "0";
  if (isFromNow || watch.sendInitialEvents) {
    for (const auto& [key, object] : table.objects) {
      if (!matches(object, namespaceName, watch)) continue;
      pending.push_back({WatchEvent::Type::Added, view(object, options.metadataOnly)});
    }
    if (watch.sendInitialEvents && watchList_ == WatchList::Supported) {
      pending.push_back({WatchEvent::Type::Bookmark, bookmark(resource, version_, true)});
    }
  } else {
    const std::uint64_t from = parseVersion(watch.resourceVersion);
    if (from < compacted_) {
      return fail(Code::Expired, "too old resource version: " + watch.resourceVersion);
    }
    while (position > 0 && table.history[position - 1].version > from) --position;
  }

  const std::uint64_t epoch = epoch_;
  ++streams_;
  changed_.notify_all();
  bool wantsMore = true;
  while (wantsMore && epoch == epoch_ && !options.stop.stop_requested()) {
    for (; position < table.history.size(); ++position) {
      std::optional<WatchEvent> event =
          eventOf(table.history[position], namespaceName, watch, options.metadataOnly);
      if (event) pending.push_back(std::move(*event));
    }
    if (pending.empty()) {
      changed_.wait(lock);
      continue;
    }
    std::vector<WatchEvent> events;
    events.swap(pending);
    lock.unlock();
    for (WatchEvent& event : events) {
      wantsMore = wantsMore && onEvent(std::move(event));
    }
    lock.lock();
  }
  --streams_;
  changed_.notify_all();
  if (wantsMore && epoch != epoch_ && broken_) return tl::unexpected(*broken_);
  return {};
}

}  // namespace iop::testing
