#include "kube/runtime/store.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/result.h"

namespace iop::kube::runtime {

using api::compareResourceVersions;
using api::resourceVersionOf;
using api::uidOf;

namespace {

// What we know and the informer has not seen yet.
struct Overlay {
  Value written;            // newer than what was seen; null: none
  std::string goneUid;      // the object of this uid is gone
  std::string goneVersion;  // the newest version of it that we know of
};

struct Entry {
  const std::string* namespaceName = nullptr;  // the keys of the maps that it is in
  const std::string* name = nullptr;
  Value seen;  // null: nothing
  std::unique_ptr<Overlay> overlay;
  std::size_t bytes = 0;  // of the visible object

  bool hasWritten() const { return overlay != nullptr && !overlay->written.isNull(); }
  const std::string* goneUid() const {
    return overlay == nullptr || overlay->goneUid.empty() ? nullptr : &overlay->goneUid;
  }
  bool isEmpty() const { return seen.isNull() && overlay == nullptr; }

  // What readers get; null: nothing.
  Value visible() const {
    if (hasWritten()) return overlay->written;
    if (goneUid() != nullptr && uidOf(seen) == *goneUid()) return {};
    return seen;
  }

  Overlay& makeOverlay() {
    if (overlay == nullptr) overlay = std::make_unique<Overlay>();
    return *overlay;
  }
  void tidyOverlay() {
    if (overlay != nullptr && overlay->written.isNull() && overlay->goneUid.empty()) {
      overlay.reset();
    }
  }

  // Forgets our write if the informer has come as far as that version.
  void dropWrittenUpTo(std::string_view version) {
    if (!hasWritten()) return;
    if (compareResourceVersions(resourceVersionOf(overlay->written), version) > 0) return;
    overlay->written = Value();
    tidyOverlay();
  }
  void forgetGone() {
    if (overlay == nullptr) return;
    overlay->goneUid.clear();
    overlay->goneVersion.clear();
    tidyOverlay();
  }
};

struct ByKey {
  bool operator()(const Entry* a, const Entry* b) const {
    const int order = a->namespaceName->compare(*b->namespaceName);
    return order != 0 ? order < 0 : *a->name < *b->name;
  }
};

struct Namespace {
  std::map<std::string, Entry, std::less<>> entries;
  std::size_t size = 0;  // of the visible objects
  std::size_t bytes = 0;
};

struct Index {
  Store::IndexFunction function;
  std::map<std::string, std::set<const Entry*, ByKey>, std::less<>> entries;
};

bool isNewer(const Value& object, const Value& than) {
  return compareResourceVersions(resourceVersionOf(object), resourceVersionOf(than)) > 0;
}

}  // namespace

struct Store::Impl {
  Entry* findEntry(std::string_view namespaceName, std::string_view name) {
    const auto space = namespaces.find(namespaceName);
    if (space == namespaces.end()) return nullptr;
    const auto entry = space->second.entries.find(name);
    return entry == space->second.entries.end() ? nullptr : &entry->second;
  }

  Entry& entryOf(const Value& object) {
    const auto space = namespaces.try_emplace(std::string(api::namespaceOf(object))).first;
    const auto entry = space->second.entries.try_emplace(std::string(api::nameOf(object))).first;
    entry->second.namespaceName = &space->first;
    entry->second.name = &entry->first;
    return entry->second;
  }

  // Runs a change of the entry; then brings indexes and tallies up to date, and removes an entry
  // that says nothing.
  template <typename Change>
  void change(Entry& entry, Change&& change) {
    const Value before = entry.visible();
    change();
    const Value after = entry.visible();
    const auto at = namespaces.find(*entry.namespaceName);
    Namespace& space = at->second;
    if (!before.isSame(after)) {
      unindex(entry, before);
      reindex(entry, after);
      if (!before.isNull()) --space.size;
      if (!after.isNull()) ++space.size;
      space.bytes -= std::exchange(entry.bytes, after.heapBytes());
      space.bytes += entry.bytes;
    }
    if (entry.overlay != nullptr) {
      overlaid.insert(&entry);
    } else {
      overlaid.erase(&entry);
    }
    if (entry.isEmpty()) {
      space.entries.erase(space.entries.find(*entry.name));
      if (space.entries.empty()) namespaces.erase(at);
    }
  }

  void reindex(const Entry& entry, const Value& object) {
    if (object.isNull()) return;
    for (auto& [name, index] : indexes) {
      for (std::string& value : index.function(object)) {
        index.entries[std::move(value)].insert(&entry);
      }
    }
  }

  void unindex(const Entry& entry, const Value& object) {
    if (object.isNull()) return;
    for (auto& [name, index] : indexes) {
      for (const std::string& value : index.function(object)) {
        const auto found = index.entries.find(value);
        if (found == index.entries.end()) continue;
        found->second.erase(&entry);
        if (found->second.empty()) index.entries.erase(found);
      }
    }
  }

  void advance(std::string_view scope, std::string_view version) {
    std::string& current = versions[std::string(scope)];
    if (compareResourceVersions(version, current) > 0) current = version;
  }

  // How far the informer that fills a namespace has come; empty: nowhere yet.
  std::string_view progressOf(std::string_view namespaceName) const {
    auto found = versions.find(namespaceName);
    if (found == versions.end()) found = versions.find(std::string_view());
    return found == versions.end() ? std::string_view() : std::string_view(found->second);
  }

  const std::set<const Entry*, ByKey>* findIndexed(std::string_view index,
                                                   std::string_view value) const {
    const auto found = indexes.find(index);
    ASSERT(found != indexes.end());
    const auto entries = found->second.entries.find(value);
    return entries == found->second.entries.end() ? nullptr : &entries->second;
  }

  template <typename Visit>
  void forEachNamespace(std::string_view scope, Visit&& visit) const {
    if (scope.empty()) {
      for (const auto& [name, space] : namespaces) visit(space);
    } else if (const auto space = namespaces.find(scope); space != namespaces.end()) {
      visit(space->second);
    }
  }

  std::vector<Value> list(std::string_view scope) const {
    std::shared_lock lock(mutex);
    std::vector<Value> objects;
    forEachNamespace(scope, [&](const Namespace& space) {
      for (const auto& [name, entry] : space.entries) {
        if (Value object = entry.visible(); !object.isNull()) objects.push_back(std::move(object));
      }
    });
    return objects;
  }

  mutable std::shared_mutex mutex;
  std::map<std::string, Namespace, std::less<>> namespaces;
  std::map<std::string, Index, std::less<>> indexes;
  std::map<std::string, std::string, std::less<>> versions;  // scope → how far its informer is
  std::set<Entry*> overlaid;
};

Store::Store() : impl_(std::make_unique<Impl>()) {}
Store::~Store() = default;

void Store::addIndex(std::string name, IndexFunction function) {
  std::unique_lock lock(impl_->mutex);
  ASSERT(impl_->namespaces.empty());
  impl_->indexes[std::move(name)].function = std::move(function);
}

std::optional<Value> Store::find(const ObjectKey& key) const {
  std::shared_lock lock(impl_->mutex);
  const Entry* entry = impl_->findEntry(key.namespaceName, key.name);
  if (entry == nullptr) return std::nullopt;
  Value object = entry->visible();
  if (object.isNull()) return std::nullopt;
  return object;
}

std::vector<Value> Store::list() const { return impl_->list({}); }

std::vector<Value> Store::list(std::string_view namespaceName) const {
  return impl_->list(namespaceName);
}

std::vector<Value> Store::byIndex(std::string_view index, std::string_view value) const {
  std::shared_lock lock(impl_->mutex);
  std::vector<Value> objects;
  if (const auto* entries = impl_->findIndexed(index, value)) {
    for (const Entry* entry : *entries) objects.push_back(entry->visible());
  }
  return objects;
}

std::vector<ObjectKey> Store::keysByIndex(std::string_view index, std::string_view value) const {
  std::shared_lock lock(impl_->mutex);
  std::vector<ObjectKey> keys;
  if (const auto* entries = impl_->findIndexed(index, value)) {
    for (const Entry* entry : *entries) keys.push_back({*entry->namespaceName, *entry->name});
  }
  return keys;
}

std::size_t Store::size(std::string_view scope) const {
  std::shared_lock lock(impl_->mutex);
  std::size_t size = 0;
  impl_->forEachNamespace(scope, [&](const Namespace& space) { size += space.size; });
  return size;
}

std::size_t Store::bytes(std::string_view scope) const {
  std::shared_lock lock(impl_->mutex);
  std::size_t bytes = 0;
  impl_->forEachNamespace(scope, [&](const Namespace& space) {
    bytes += space.bytes;
    for (const auto& [name, entry] : space.entries) {
      bytes += sizeof(Entry) + sizeof(std::string) + name.size();
    }
  });
  return bytes;
}

void Store::overlay(const Value& object) {
  std::unique_lock lock(impl_->mutex);
  const std::string_view version = resourceVersionOf(object);
  Entry* known = impl_->findEntry(api::namespaceOf(object), api::nameOf(object));
  if (known == nullptr) {
    // The informer has been here: it saw the object go, or does not select it.
    const std::string_view progress = impl_->progressOf(api::namespaceOf(object));
    if (!progress.empty() && compareResourceVersions(version, progress) <= 0) return;
    known = &impl_->entryOf(object);
  }
  Entry& entry = *known;
  if (entry.goneUid() != nullptr && uidOf(object) == *entry.goneUid()) return;
  if (entry.hasWritten() && !isNewer(object, entry.overlay->written)) return;
  const int order =
      entry.seen.isNull() ? 1 : compareResourceVersions(version, resourceVersionOf(entry.seen));
  if (order < 0) return;
  impl_->change(entry, [&] {
    if (order == 0) {
      entry.seen = object;
    } else {
      entry.makeOverlay().written = object;
    }
  });
}

void Store::overlayRemoved(const ObjectKey& key, std::string_view uid) {
  std::unique_lock lock(impl_->mutex);
  Entry* entry = impl_->findEntry(key.namespaceName, key.name);
  if (entry == nullptr) return;
  const bool wasSeen = uidOf(entry->seen) == uid;
  const bool wasWritten = entry->hasWritten() && uidOf(entry->overlay->written) == uid;
  if (!wasSeen && !wasWritten) return;
  impl_->change(*entry, [&] {
    Overlay& overlay = entry->makeOverlay();
    overlay.goneUid = uid;
    overlay.goneVersion = resourceVersionOf(wasWritten ? overlay.written : entry->seen);
    if (wasWritten) overlay.written = Value();
  });
}

std::vector<StoreChange> Store::replace(std::string_view scope, std::vector<Value> objects,
                                        std::string_view resourceVersion) {
  std::unique_lock lock(impl_->mutex);
  impl_->versions[std::string(scope)] = resourceVersion;

  // What is known and not listed has gone.
  std::set<std::pair<std::string_view, std::string_view>> listed;
  for (const Value& object : objects) {
    listed.emplace(api::namespaceOf(object), api::nameOf(object));
  }
  std::vector<Entry*> unlisted;
  for (auto& [space, contents] : impl_->namespaces) {
    if (!scope.empty() && space != scope) continue;
    for (auto& [name, entry] : contents.entries) {
      if (!listed.contains({space, name})) unlisted.push_back(&entry);
    }
  }
  std::vector<StoreChange> changes;
  for (Entry* entry : unlisted) {
    if (!entry->seen.isNull()) changes.push_back({entry->seen, Value()});
    impl_->change(*entry, [&] {
      entry->seen = Value();
      entry->dropWrittenUpTo(resourceVersion);
      entry->forgetGone();
    });
  }

  for (Value& object : objects) {
    Entry& entry = impl_->entryOf(object);
    const Value before = entry.seen;
    if (uidOf(before) == uidOf(object) && !isNewer(object, before)) {
      impl_->change(entry, [&] { entry.dropWrittenUpTo(resourceVersion); });
      continue;
    }
    impl_->change(entry, [&] {
      entry.seen = object;
      entry.dropWrittenUpTo(resourceVersion);
      if (entry.goneUid() != nullptr && *entry.goneUid() != uidOf(object)) entry.forgetGone();
    });
    if (!before.isNull() && uidOf(before) != uidOf(object)) {
      changes.push_back({before, Value()});
      changes.push_back({Value(), std::move(object)});
    } else {
      changes.push_back({before, std::move(object)});
    }
  }
  return changes;
}

std::optional<StoreChange> Store::put(std::string_view scope, Value object) {
  std::unique_lock lock(impl_->mutex);
  const std::string version(resourceVersionOf(object));
  impl_->advance(scope, version);
  Entry& entry = impl_->entryOf(object);
  if (!entry.seen.isNull() && !isNewer(object, entry.seen)) return std::nullopt;
  StoreChange result{entry.seen, object};
  impl_->change(entry, [&] {
    entry.seen = std::move(object);
    entry.dropWrittenUpTo(version);
    if (entry.goneUid() != nullptr && *entry.goneUid() != uidOf(entry.seen)) entry.forgetGone();
  });
  return result;
}

std::optional<StoreChange> Store::erase(std::string_view scope, const Value& last) {
  std::unique_lock lock(impl_->mutex);
  const std::string_view version = resourceVersionOf(last);
  impl_->advance(scope, version);
  Entry* entry = impl_->findEntry(api::namespaceOf(last), api::nameOf(last));
  if (entry == nullptr) return std::nullopt;
  if (compareResourceVersions(resourceVersionOf(entry->seen), version) > 0) return std::nullopt;
  const Value before = entry->seen;
  impl_->change(*entry, [&] {
    entry->seen = Value();
    entry->dropWrittenUpTo(version);
    if (entry->goneUid() != nullptr && *entry->goneUid() == uidOf(last)) entry->forgetGone();
  });
  if (before.isNull()) return std::nullopt;
  return StoreChange{before, Value()};
}

void Store::progress(std::string_view scope, std::string_view resourceVersion) {
  std::unique_lock lock(impl_->mutex);
  impl_->advance(scope, resourceVersion);
  const std::set<Entry*> overlaid = impl_->overlaid;
  for (Entry* entry : overlaid) {
    if (!scope.empty() && *entry->namespaceName != scope) continue;
    impl_->change(*entry, [&] {
      entry->dropWrittenUpTo(resourceVersion);
      // What was never seen until now never will be.
      if (entry->goneUid() != nullptr && entry->seen.isNull() &&
          compareResourceVersions(entry->overlay->goneVersion, resourceVersion) <= 0) {
        entry->forgetGone();
      }
    });
  }
}

}  // namespace iop::kube::runtime
