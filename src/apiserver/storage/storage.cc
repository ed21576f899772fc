#include "apiserver/storage/storage.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <utility>

#include "apiserver/storage/internal/disk.h"
#include "apiserver/storage/internal/history.h"
#include "apiserver/storage/internal/measure.h"
#include "apiserver/storage/internal/page.h"
#include "apiserver/storage/internal/subscribers.h"
#include "apiserver/storage/internal/table.h"
#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

// The counters that make_shared puts before an object.
constexpr std::size_t kSharedHeader = 16;
constexpr std::size_t kObjectBytes = allocatedBytes(kSharedHeader + sizeof(Object)) + sizeof(Entry);
// A change, its place in the history of its table, and in the order of all.
constexpr std::size_t kChangeBytes =
    allocatedBytes(kSharedHeader + sizeof(Change)) + sizeof(History::Record) + sizeof(void*);

struct Space {
  explicit Space(std::string name) : table(std::move(name)) {}

  Table table;
  History history;
  Subscribers subscribers;
};

struct SubscriberPlace {
  Space* space;
  std::string namespaceName;
  std::string name;
};

std::string printPlace(std::string_view table, const ObjectKey& key) {
  return fmt::format("{} {}", table, key.print());
}

tl::unexpected<Error> failNotFound(std::string_view table, const ObjectKey& key) {
  return fail(Code::NotFound, printPlace(table, key) + " not found");
}

tl::unexpected<Error> failConflict(std::string_view table, const ObjectKey& key,
                                   std::uint64_t expected, std::uint64_t version) {
  return fail(Code::Conflict, fmt::format("{} is at version {}, not {}", printPlace(table, key),
                                          version, expected));
}

// What is stored must be readable again.
Status checkObject(std::string_view table, const ObjectKey& key, const Value& object) {
  const auto invalid = [&](std::string_view why) {
    return fail(Code::Invalid, fmt::format("{}: {}", printPlace(table, key), why));
  };
  if (key.name.empty()) return invalid("it has no name");
  if (!object.isObject()) return invalid("not an object");
  const Value& metadata = object["metadata"];
  if (!metadata.isObject() && !metadata.isNull()) return invalid("metadata is not an object");
  return {};
}

void setVersion(Value& object, std::uint64_t version) {
  object.edit("metadata").set("resourceVersion", std::to_string(version));
}

}  // namespace

struct Storage::Impl {
  explicit Impl(StorageOptions given) : options(std::move(given)) {}

  // Null where there is none yet.
  Space* findSpace(std::string_view table) {
    const auto found = spaces.find(table);
    return found == spaces.end() ? nullptr : &found->second;
  }

  Space& makeSpace(std::string_view table) {
    if (Space* space = findSpace(table)) return *space;
    std::string name(table);
    Space& space = spaces.try_emplace(name, name).first->second;
    space.history.forget(compacted);
    return space;
  }

  std::uint64_t oldestOf(const Space* space) const {
    return space == nullptr ? compacted : space->history.oldest();
  }

  // A change may be made now.
  Status checkWritable() const {
    ASSERT(telling == 0);
    if (disk != nullptr && disk->hasFailed()) return fail(Code::InternalError, disk->error());
    return {};
  }

  Result<std::size_t> measureObject(std::string_view table, const ObjectKey& key,
                                    const Value& object) const {
    const std::optional<std::size_t> bytes = measure(object);
    if (!bytes) {
      return fail(Code::Invalid, fmt::format("{}: nested deeper than {} levels",
                                             printPlace(table, key), text::kMaxDepth));
    }
    return *bytes + kObjectBytes + stringBytes(key.name.size());
  }

  void put(Entry& entry, ObjectPtr object, std::size_t bytes) {
    objectBytes += bytes - std::exchange(entry.bytes, bytes);
    entry.object = std::move(object);
  }

  Status load(Row row) {
    Space& space = makeSpace(row.table);
    if (space.table.find(row.key) != nullptr) {
      return fail(Code::Invalid, printPlace(row.table, row.key) + ": it is there twice");
    }
    RETURN_IF_ERROR(checkObject(row.table, row.key, row.value));
    ASSIGN_OR_RETURN(const std::size_t bytes, measureObject(row.table, row.key, row.value));
    Entry& entry = space.table.insert(row.key);
    entry.id = row.id;
    put(entry, std::make_shared<const Object>(Object{std::move(row.value), row.version}), bytes);
    return {};
  }

  // The change is made: writes it down and tells it. `entry` may be one that is no longer in the
  // table.
  void record(Space& space, Entry& entry, Change change) {
    std::size_t bytes = kChangeBytes + stringBytes(change.key.namespaceName.size()) +
                        stringBytes(change.key.name.size());
    if (change.before != nullptr) {
      const ObjectPtr& next = change.after != nullptr ? change.after : change.last;
      bytes += kObjectBytes + unsharedBytes(change.before->value, next->value);
    }
    // The memory of a deleted object is the history's now.
    if (change.last != nullptr) bytes += entry.bytes;
    const auto shared = std::make_shared<const Change>(std::move(change));
    space.history.add(shared, bytes);
    order.push_back(&space);
    historyBytes += bytes;
    while (order.size() > options.maxHistoryChanges ||
           (historyBytes > options.maxHistoryBytes && !order.empty())) {
      historyBytes -= order.front()->history.dropOldest();
      order.pop_front();
    }
    if (disk != nullptr) disk->write(entry, space.table.name(), shared);
    ++telling;
    space.subscribers.dispatch(shared);
    --telling;
  }

  StorageOptions options;
  std::uint64_t version = 0;
  std::uint64_t compacted = 0;  // no history up to here
  // Their addresses stay.
  std::map<std::string, Space, std::less<>> spaces;
  std::deque<Space*> order;  // of the changes in all histories
  std::size_t objectBytes = 0;
  std::size_t historyBytes = 0;
  std::map<std::uint64_t, SubscriberPlace> subscriptions;
  std::uint64_t lastSubscription = 0;
  int telling = 0;             // subscribers are called
  std::unique_ptr<Disk> disk;  // null: memory only; goes first, it knows the tables' names
};

Storage::Storage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Storage::~Storage() = default;

Result<std::unique_ptr<Storage>> Storage::open(StorageOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (!impl->options.directory.empty()) {
    const auto each = [&](Row row) { return impl->load(std::move(row)); };
    ASSIGN_OR_RETURN(impl->disk,
                     Disk::open(impl->options.directory, each, impl->options.onDurable));
    impl->version = impl->disk->durableVersion();
    impl->compacted = impl->version;
    for (auto& [name, space] : impl->spaces) space.history.forget(impl->compacted);
  }
  return std::unique_ptr<Storage>(new Storage(std::move(impl)));
}

std::uint64_t Storage::version() const { return impl_->version; }

std::uint64_t Storage::durableVersion() const {
  return impl_->disk == nullptr ? impl_->version : impl_->disk->durableVersion();
}

std::string Storage::diskError() const {
  return impl_->disk == nullptr ? std::string() : impl_->disk->error();
}

// --- Reading ---

ObjectPtr Storage::find(std::string_view table, const ObjectKey& key) const {
  Space* space = impl_->findSpace(table);
  const Entry* entry = space == nullptr ? nullptr : space->table.find(key);
  return entry == nullptr ? nullptr : entry->object;
}

std::size_t Storage::count(std::string_view table) const {
  const Space* space = impl_->findSpace(table);
  return space == nullptr ? 0 : space->table.size();
}

std::size_t Storage::countNamespace(std::string_view table, std::string_view namespaceName) const {
  const Space* space = impl_->findSpace(table);
  return space == nullptr ? 0 : space->table.sizeOf(namespaceName);
}

std::vector<std::string> Storage::tables() const {
  std::vector<std::string> names;
  for (const auto& [name, space] : impl_->spaces) {
    if (space.table.hadObjects()) names.push_back(name);
  }
  return names;
}

Result<ListPage> Storage::list(std::string_view table, const ListRange& range) const {
  const std::uint64_t version = range.version == 0 ? impl_->version : range.version;
  if (version > impl_->version) {
    Error error{Code::Timeout,
                fmt::format("Too large resource version: {}, current: {}", version, impl_->version),
                "ResourceVersionTooLarge", 1};
    return tl::unexpected(std::move(error));
  }
  Space* space = impl_->findSpace(table);
  const std::uint64_t oldest = impl_->oldestOf(space);
  if (version < oldest) {
    return fail(Code::Expired, "The resourceVersion for the provided list is too old.");
  }
  if (space == nullptr) return ListPage{.objects = {}, .version = version};
  return readPage(space->table, range,
                  version == impl_->version ? nullptr : &space->history.past(version), version);
}

// --- Changing ---

Result<ObjectPtr> Storage::create(std::string_view table, const ObjectKey& key, Value object) {
  RETURN_IF_ERROR(impl_->checkWritable());
  RETURN_IF_ERROR(checkObject(table, key, object));
  Space& space = impl_->makeSpace(table);
  if (space.table.find(key) != nullptr) {
    return fail(Code::AlreadyExists, printPlace(table, key) + " already exists");
  }
  setVersion(object, impl_->version + 1);
  ASSIGN_OR_RETURN(const std::size_t bytes, impl_->measureObject(table, key, object));
  const std::uint64_t version = ++impl_->version;
  auto made = std::make_shared<const Object>(Object{std::move(object), version});
  Entry& entry = space.table.insert(key);
  entry.id = version;
  impl_->put(entry, made, bytes);
  impl_->record(space, entry, {version, key, nullptr, made, nullptr});
  return made;
}

Result<ObjectPtr> Storage::update(std::string_view table, const ObjectKey& key,
                                  std::uint64_t expected, Value object) {
  RETURN_IF_ERROR(impl_->checkWritable());
  Space* space = impl_->findSpace(table);
  Entry* entry = space == nullptr ? nullptr : space->table.find(key);
  if (entry == nullptr) return failNotFound(table, key);
  ObjectPtr before = entry->object;
  if (before->version != expected) return failConflict(table, key, expected, before->version);
  RETURN_IF_ERROR(checkObject(table, key, object));
  setVersion(object, before->version);
  if (object == before->value) return before;
  setVersion(object, impl_->version + 1);
  ASSIGN_OR_RETURN(const std::size_t bytes, impl_->measureObject(table, key, object));
  const std::uint64_t version = ++impl_->version;
  auto after = std::make_shared<const Object>(Object{std::move(object), version});
  impl_->put(*entry, after, bytes);
  impl_->record(*space, *entry, {version, key, std::move(before), after, nullptr});
  return after;
}

Result<ObjectPtr> Storage::remove(std::string_view table, const ObjectKey& key,
                                  std::uint64_t expected, const Value* last) {
  RETURN_IF_ERROR(impl_->checkWritable());
  Space* space = impl_->findSpace(table);
  Entry* found = space == nullptr ? nullptr : space->table.find(key);
  if (found == nullptr) return failNotFound(table, key);
  ObjectPtr before = found->object;
  if (before->version != expected) return failConflict(table, key, expected, before->version);
  Value state = last == nullptr ? before->value : *last;
  RETURN_IF_ERROR(checkObject(table, key, state));
  const std::uint64_t version = ++impl_->version;
  setVersion(state, version);
  auto gone = std::make_shared<const Object>(Object{std::move(state), version});
  Entry entry = *found;
  impl_->objectBytes -= entry.bytes;
  space->table.erase(key);
  impl_->record(*space, entry, {version, key, std::move(before), nullptr, gone});
  return gone;
}

// --- Watching ---

Result<std::uint64_t> Storage::subscribe(const Subscription& subscription, Subscriber onChange) {
  const std::uint64_t oldest = impl_->oldestOf(impl_->findSpace(subscription.table));
  if (subscription.after < oldest) {
    return fail(Code::Expired,
                fmt::format("too old resource version: {} ({})", subscription.after, oldest));
  }
  Space& space = impl_->makeSpace(subscription.table);
  const auto one = std::make_shared<Subscribers::One>();
  one->after = std::max(subscription.after, impl_->version);
  one->onChange = std::move(onChange);
  ++impl_->telling;
  for (auto at = space.history.after(subscription.after); at != space.history.end(); ++at) {
    const ObjectKey& key = at->change->key;
    const bool isMeant =
        (subscription.namespaceName.empty() || subscription.namespaceName == key.namespaceName) &&
        (subscription.name.empty() || subscription.name == key.name);
    if (isMeant) one->onChange(at->change);
  }
  --impl_->telling;
  one->number = ++impl_->lastSubscription;
  space.subscribers.add(subscription.namespaceName, subscription.name, one);
  impl_->subscriptions.emplace(
      one->number, SubscriberPlace{&space, subscription.namespaceName, subscription.name});
  return one->number;
}

void Storage::unsubscribe(std::uint64_t number) {
  const auto found = impl_->subscriptions.find(number);
  if (found == impl_->subscriptions.end()) return;
  const SubscriberPlace place = std::move(found->second);
  impl_->subscriptions.erase(found);
  place.space->subscribers.remove(place.namespaceName, place.name, number);
}

void Storage::compact() {
  ASSERT(impl_->telling == 0);
  impl_->compacted = impl_->version;
  impl_->order.clear();
  impl_->historyBytes = 0;
  for (auto& [name, space] : impl_->spaces) space.history.forget(impl_->compacted);
}

std::size_t Storage::heapBytes() const {
  std::size_t bytes = impl_->objectBytes + impl_->historyBytes;
  for (const auto& [name, space] : impl_->spaces) bytes += space.history.pastBytes();
  return bytes;
}

}  // namespace iop::apiserver::storage
