#include "operator/control/input_cache.h"

#include <algorithm>

#include "kube/api/object.h"

namespace iop::operators::control {
namespace {

using kube::api::Resource;
using kube::client::CallOptions;
using kube::runtime::Informer;
using kube::runtime::Store;

const Resource& secrets() {
  static const Resource resource{"", "v1", "secrets", "Secret", true};
  return resource;
}

const Resource& configMaps() {
  static const Resource resource{"", "v1", "configmaps", "ConfigMap", true};
  return resource;
}

bool isConfigKind(const coupling::GroupVersionKind& kind) {
  return kind.group.empty() && (kind.kind == "Secret" || kind.kind == "ConfigMap");
}

// All that is kept of an object: who it is and which version.
Value stubOf(const Value& object) {
  return Value::object(
      {{"metadata", Value::object({{"name", kube::api::nameOf(object)},
                                   {"namespace", kube::api::namespaceOf(object)},
                                   {"uid", kube::api::uidOf(object)},
                                   {"resourceVersion", kube::api::resourceVersionOf(object)}})}});
}

ObjectVersion versionOf(const Value& object) {
  return {std::string(kube::api::uidOf(object)), std::string(kube::api::resourceVersionOf(object))};
}

CallOptions callOptions(const InputRef& ref, std::stop_token stop) {
  CallOptions options;
  options.impersonate = ref.user;
  options.stop = std::move(stop);
  return options;
}

// Impersonates one user for all calls of an informer.
class ImpersonatingClient : public kube::client::Client {
 public:
  // `onDeleted` is told of each deletion that a watch shows, known to the informer or not.
  ImpersonatingClient(kube::client::Client& client, std::string user,
                      std::function<void(const Value&)> onDeleted)
      : client_(client), user_(std::move(user)), onDeleted_(std::move(onDeleted)) {}
  Result<Resource> resolve(const kube::api::GroupVersionKind& kind) override {
    return client_.resolve(kind);
  }
  Result<Value> get(const Resource& resource, const ObjectKey& key,
                    const CallOptions& options) override {
    return client_.get(resource, key, as(options));
  }
  Result<Value> list(const Resource& resource, const std::string& namespaceName,
                     const kube::client::ListOptions& list, const CallOptions& options) override {
    return client_.list(resource, namespaceName, list, as(options));
  }
  Result<Value> create(const Resource& resource, const std::string& namespaceName,
                       const Value& object, const CallOptions& options) override {
    return client_.create(resource, namespaceName, object, as(options));
  }
  Result<Value> update(const Resource& resource, const ObjectKey& key, const Value& object,
                       const CallOptions& options) override {
    return client_.update(resource, key, object, as(options));
  }
  Result<Value> patch(const Resource& resource, const ObjectKey& key, kube::client::PatchType type,
                      const Value& patch, const CallOptions& options) override {
    return client_.patch(resource, key, type, patch, as(options));
  }
  Result<Value> remove(const Resource& resource, const ObjectKey& key,
                       const kube::client::DeleteOptions& remove,
                       const CallOptions& options) override {
    return client_.remove(resource, key, remove, as(options));
  }
  Status watch(const Resource& resource, const std::string& namespaceName,
               const kube::client::WatchOptions& watch, const CallOptions& options,
               const std::function<bool(kube::client::WatchEvent&&)>& onEvent) override {
    return client_.watch(resource, namespaceName, watch, as(options),
                         [&](kube::client::WatchEvent&& event) {
                           if (event.type == kube::client::WatchEvent::Type::Deleted)
                             onDeleted_(event.object);
                           return onEvent(std::move(event));
                         });
  }

 private:
  CallOptions as(const CallOptions& options) const {
    CallOptions changed = options;
    changed.impersonate = user_;
    return changed;
  }

  kube::client::Client& client_;
  std::string user_;
  std::function<void(const Value&)> onDeleted_;
};

}  // namespace

// One metadata-only watch, and which of its objects are referred to.
struct InputCache::Watch {
  Watch(kube::client::Client& client, std::string user)
      : asUser(client, std::move(user), [this](const Value& object) { noteDeleted(object); }) {}

  void noteDeleted(const Value& object) {
    std::lock_guard guard(mutex);
    if (const auto found = referred.find(kube::api::keyOf(object)); found != referred.end())
      found->second = kube::api::resourceVersionOf(object);
  }
  // What was read is older than a deletion that the watch has shown since.
  bool isDeletedSince(const Value& object) {
    std::lock_guard guard(mutex);
    const auto found = referred.find(kube::api::keyOf(object));
    return found != referred.end() && !found->second.empty() &&
           kube::api::compareResourceVersions(found->second, kube::api::resourceVersionOf(object)) >
               0;
  }

  bool isReferred(const ObjectKey& key) {
    std::lock_guard guard(mutex);
    return referred.contains(key);
  }
  // What the store says is what the server has, but for what is on its way.
  bool isCurrent() const {
    const kube::runtime::InformerStatus status = informer->status();
    return status.synced && !status.error;
  }

  Resource resource;
  ImpersonatingClient asUser;
  std::shared_ptr<Store> store = std::make_shared<Store>();
  std::mutex mutex;
  std::map<ObjectKey, std::string> referred;  // and the version of its last deletion, if seen
  std::set<ObjectKey> known;                  // referred, and read at least once since
  std::unique_ptr<Informer> informer;         // last: its thread uses the rest
};

InputCache::InputCache(kube::client::Client& client, base::Clock& clock,
                       std::function<void(const Dependent&)> wake, Options options)
    : client_(client), clock_(clock), wake_(std::move(wake)), options_(std::move(options)) {
  if (options_.namespaces.empty()) options_.namespaces.emplace_back();
  for (const Resource* resource : {&secrets(), &configMaps()}) {
    for (const std::string& namespaceName : options_.namespaces) {
      const WatchKey key{resource->gvk(), namespaceName, {}};
      watches_[key] = makeWatch(key, *resource);
    }
  }
}

InputCache::~InputCache() { stop(); }

std::shared_ptr<InputCache::Watch> InputCache::makeWatch(const WatchKey& key,
                                                         const Resource& resource) {
  auto watch = std::make_shared<Watch>(client_, key.user);
  watch->resource = resource;
  kube::runtime::InformerOptions options;
  options.resource = resource;
  options.namespaceName = key.namespaceName;
  options.metadataOnly = true;
  options.watchList = options_.watchList;
  options.metrics = options_.metrics;
  Watch* raw = watch.get();
  options.transform = [raw](Value&& object) -> std::optional<Value> {
    if (!raw->isReferred(kube::api::keyOf(object))) return std::nullopt;
    return stubOf(object);
  };
  watch->informer =
      std::make_unique<Informer>(watch->asUser, clock_, watch->store, std::move(options));
  watch->informer->addHandlers(
      {.onAdd = [this, key](const Value& object, bool) { onChange(key, object); },
       .onUpdate = [this, key](const Value&, const Value& after) { onChange(key, after); },
       .onDelete = [this, key](const Value& last) { onChange(key, last); }});
  return watch;
}

void InputCache::start() {
  std::lock_guard guard(mutex_);
  started_ = true;
  for (const auto& [key, watch] : watches_) watch->informer->start();
}

void InputCache::stop() {
  std::map<WatchKey, std::shared_ptr<Watch>> watches;
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    watches = watches_;
  }
  for (const auto& [key, watch] : watches) watch->informer->stop();
}

bool InputCache::waitForSync(base::Duration timeout, std::stop_token stop) {
  std::map<WatchKey, std::shared_ptr<Watch>> watches;
  {
    std::lock_guard guard(mutex_);
    watches = watches_;
  }
  for (const auto& [key, watch] : watches) {
    if (key.user.empty() && !watch->informer->waitForSync(timeout, stop)) return false;
  }
  return true;
}

InputCache::WatchKey InputCache::watchKeyOf(const InputRef& ref) const {
  if (!isConfigKind(ref.kind)) return {ref.kind, ref.key.namespaceName, ref.user};
  const bool all = options_.namespaces.size() == 1 && options_.namespaces.front().empty();
  return {ref.kind, all ? std::string() : ref.key.namespaceName, {}};
}

void InputCache::onChange(const WatchKey& watch, const Value& object, const Dependent* reader) {
  std::vector<Dependent> woken;
  {
    std::lock_guard guard(mutex_);
    const auto found = dependents_.find({watch, kube::api::keyOf(object)});
    if (found != dependents_.end()) woken.assign(found->second.begin(), found->second.end());
  }
  for (const Dependent& dependent : woken) {
    if (reader == nullptr || dependent != *reader) wake_(dependent);
  }
}

std::shared_ptr<InputCache::Watch> InputCache::dropRef(const Dependent& dependent,
                                                       const InputRef& ref) {
  const WatchKey key = watchKeyOf(ref);
  const auto found = dependents_.find({key, ref.key});
  if (found == dependents_.end()) return nullptr;
  found->second.erase(dependent);
  if (!found->second.empty()) return nullptr;
  dependents_.erase(found);
  const auto watch = watches_.find(key);
  if (watch == watches_.end()) return nullptr;
  {
    std::lock_guard guard(watch->second->mutex);
    watch->second->referred.erase(ref.key);
    watch->second->known.erase(ref.key);
    if (isConfigKind(ref.kind) || !watch->second->referred.empty()) return nullptr;
  }
  std::shared_ptr<Watch> unused = std::move(watch->second);
  watches_.erase(watch);
  return unused;
}

void InputCache::setDependents(const Dependent& dependent, const std::vector<InputRef>& refs) {
  std::vector<std::shared_ptr<Watch>> unused;  // ended after the lock is given back
  std::set<InputRef> wanted(refs.begin(), refs.end());
  std::lock_guard guard(mutex_);
  const auto old = refsOf_.find(dependent);
  if (old == refsOf_.end() ? wanted.empty() : old->second == wanted) return;
  // The new ones first: two refs may be of one object.
  for (const InputRef& ref : wanted) {
    const WatchKey key = watchKeyOf(ref);
    dependents_[{key, ref.key}].insert(dependent);
    if (const auto watch = watches_.find(key); watch != watches_.end()) {
      std::lock_guard watchGuard(watch->second->mutex);
      watch->second->referred.try_emplace(ref.key);
      // Before the first list everything that is referred to will be in it.
      if (!started_) watch->second->known.insert(ref.key);
    }
  }
  if (old != refsOf_.end()) {
    for (const InputRef& ref : old->second) {
      const bool isWanted = std::any_of(wanted.begin(), wanted.end(), [&](const InputRef& other) {
        return other.key == ref.key && watchKeyOf(other) == watchKeyOf(ref);
      });
      if (!isWanted) unused.push_back(dropRef(dependent, ref));
    }
  }
  if (wanted.empty()) {
    refsOf_.erase(dependent);
  } else {
    refsOf_[dependent] = std::move(wanted);
  }
}

std::shared_ptr<InputCache::Watch> InputCache::registerRef(const Dependent& reader,
                                                           const InputRef& ref) {
  const WatchKey key = watchKeyOf(ref);
  {
    std::lock_guard guard(mutex_);
    if (stopped_) return nullptr;
    refsOf_[reader].insert(ref);
    dependents_[{key, ref.key}].insert(reader);
    if (const auto found = watches_.find(key); found != watches_.end()) {
      std::lock_guard watchGuard(found->second->mutex);
      found->second->referred.try_emplace(ref.key);
      return found->second;
    }
    if (isConfigKind(ref.kind)) return nullptr;  // of a namespace that we do not watch
  }
  const Result<Resource> resource = client_.resolve(ref.kind);
  if (!resource) return nullptr;
  std::lock_guard guard(mutex_);
  if (stopped_) return nullptr;
  std::shared_ptr<Watch>& watch = watches_[key];
  if (watch == nullptr) {
    watch = makeWatch(key, *resource);
    watch->referred.try_emplace(ref.key);
    watch->informer->start();
  } else {
    std::lock_guard watchGuard(watch->mutex);
    watch->referred.try_emplace(ref.key);
  }
  return watch;
}

Result<Value> InputCache::read(const Dependent& reader, const InputRef& ref, std::stop_token stop) {
  const std::shared_ptr<Watch> watch = registerRef(reader, ref);
  if (watch != nullptr && watch->isCurrent()) {
    if (const std::optional<Value> stub = watch->store->find(ref.key)) {
      if (std::optional<Value> content = recall(ref, versionOf(*stub))) return std::move(*content);
    }
  }
  Resource resource = ref.kind.kind == "Secret" ? secrets() : configMaps();
  if (!isConfigKind(ref.kind)) {
    ASSIGN_OR_RETURN(resource, client_.resolve(ref.kind));
  }
  Result<Value> object = client_.get(resource, ref.key, callOptions(ref, std::move(stop)));
  if (watch != nullptr && (object || object.error().isNotFound())) {
    if (object && watch->isDeletedSince(*object)) {
      wake_(reader);  // it has gone while it was read
    } else if (object &&
               watch->store->put(watch->informer->options().namespaceName, stubOf(*object))) {
      // The watch will not tell of this version again: who else waits for it hears of it from us.
      onChange(watchKeyOf(ref), *object, &reader);
    }
    std::lock_guard watchGuard(watch->mutex);
    watch->known.insert(ref.key);
  }
  if (object) {
    object->edit("metadata").erase("managedFields");
    remember(ref, *object);
  }
  return object;
}

Result<std::optional<ObjectVersion>> InputCache::version(const Dependent& reader,
                                                         const InputRef& ref,
                                                         std::stop_token stop) {
  const std::shared_ptr<Watch> watch = registerRef(reader, ref);
  if (watch != nullptr && watch->isCurrent()) {
    bool isKnown = false;
    {
      std::lock_guard watchGuard(watch->mutex);
      isKnown = watch->known.contains(ref.key);
    }
    if (const std::optional<Value> stub = watch->store->find(ref.key)) return versionOf(*stub);
    if (isKnown) return std::nullopt;
  }
  const Result<Value> object = read(reader, ref, std::move(stop));
  if (object) return versionOf(*object);
  if (object.error().isNotFound()) return std::nullopt;
  return tl::unexpected<Error>(object.error());
}

void InputCache::noteWritten(const Value& object) {
  const coupling::GroupVersionKind kind = kube::api::kindOf(object);
  const ObjectKey key = kube::api::keyOf(object);
  std::vector<WatchKey> changed;  // told after the lock is given back
  {
    std::lock_guard guard(mutex_);
    for (const auto& [watchKey, watch] : watches_) {
      const bool isIts = watchKey.kind == kind && (watchKey.namespaceName.empty() ||
                                                   watchKey.namespaceName == key.namespaceName);
      if (isIts && watch->isReferred(key) &&
          watch->store->put(watch->informer->options().namespaceName, stubOf(object))) {
        changed.push_back(watchKey);
      }
    }
  }
  for (const WatchKey& watchKey : changed) onChange(watchKey, object);
}

bool InputCache::needsPoll(const std::vector<InputRef>& refs) const {
  std::lock_guard guard(mutex_);
  for (const InputRef& ref : refs) {
    const auto found = watches_.find(watchKeyOf(ref));
    if (found == watches_.end() || !found->second->isCurrent()) return true;
  }
  return false;
}

void InputCache::remember(const InputRef& ref, const Value& object) {
  const std::size_t bytes = object.heapBytes();
  if (bytes > kMaxContentBytes / 4) return;
  std::lock_guard guard(mutex_);
  if (const auto old = contents_.find(ref); old != contents_.end()) {
    contentBytes_ -= old->second.object.heapBytes();
    recent_.erase(old->second.place);
    contents_.erase(old);
  }
  recent_.push_front(ref);
  contents_[ref] = {versionOf(object), object, recent_.begin()};
  contentBytes_ += bytes;
  while (contentBytes_ > kMaxContentBytes) {
    const auto oldest = contents_.find(recent_.back());
    contentBytes_ -= oldest->second.object.heapBytes();
    contents_.erase(oldest);
    recent_.pop_back();
  }
}

std::optional<Value> InputCache::recall(const InputRef& ref, const ObjectVersion& version) {
  std::lock_guard guard(mutex_);
  const auto found = contents_.find(ref);
  if (found == contents_.end() || found->second.version != version) return std::nullopt;
  recent_.splice(recent_.begin(), recent_, found->second.place);
  return found->second.object;
}

}  // namespace iop::operators::control
