#pragma once

// The objects of the embedded API server: in memory, with the history that watches need, and on
// disk where a folder is given.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Storage> storage, Storage::open({.directory = dir}));
//   ASSIGN_OR_RETURN(ObjectPtr made, storage->create("configmaps", {"shop", "web"}, object));
//   storage->subscribe({.table = "configmaps", .after = made->version}, onChange);
//
// A table holds the objects of one group and plural ("configmaps", "apps/deployments",
// "example.com/widgets"). One counter gives the version of every change, as etcd's revision does;
// it is written into metadata.resourceVersion. Everything is seen at once; what is on disk lags
// behind by one group commit: hold answers back until durableVersion() has reached the version that
// was current when they were made (onDurable tells).
//
// A change that was not durable yet when the program was killed is lost. The counter then goes on
// far behind all versions that may have been given out, so that no version ever has two meanings.
//
// Not thread-safe: one thread (the server's loop) owns it. Only the writing to disk happens on a
// thread of its own. A change waits for that thread where more than 32 MB wait to be written.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::apiserver::storage {

using kube::api::ObjectKey;

// One version of one object; immutable.
struct Object {
  Value value;                // with metadata.resourceVersion
  std::uint64_t version = 0;  // the same as a number
};
using ObjectPtr = std::shared_ptr<const Object>;

struct Change {
  std::uint64_t version;
  ObjectKey key;
  ObjectPtr before;  // null: created
  // Null: deleted; `last` then is the last state with the version of the deletion.
  ObjectPtr after;
  ObjectPtr last;
};
using ChangePtr = std::shared_ptr<const Change>;

struct StorageOptions {
  std::string directory = {};  // empty: memory only
  // How much history watches can go back to: whichever is less.
  std::size_t maxHistoryChanges = 100'000;
  std::size_t maxHistoryBytes = 128U << 20;
  // Called on the disk's thread whenever durableVersion() has grown, and once when the disk has
  // failed: post to the loop from there, and nothing else. Not called after the destructor.
  std::function<void()> onDurable = {};
};

struct ListRange {
  std::string namespaceName = {};  // empty: all
  ObjectKey after = {};            // only keys greater than this one
  std::size_t limit = 0;           // 0: all
  // The state as of this version; 0: now.
  std::uint64_t version = 0;
};

struct ListPage {
  // In the order of etcd's keys, as kube-apiserver has it: by "NAMESPACE/NAME", bytewise, which
  // puts "a-b/x" before "a/x".
  std::vector<ObjectPtr> objects;
  std::uint64_t version;  // of the state that this is a page of
  bool more = false;
  std::size_t remaining = 0;  // how many follow
};

class Storage {
 public:
  // Reads what is on disk. The history begins there: watches and lists from before get Expired.
  // Errors: InternalError naming the file (in use by another process, corrupt, not writable).
  static Result<std::unique_ptr<Storage>> open(StorageOptions options);
  ~Storage();  // writes what is not written yet
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::uint64_t version() const;
  // Everything up to here survives a kill; equals version() where there is no disk.
  std::uint64_t durableVersion() const;
  // Not empty: the disk failed (full, gone): nothing becomes durable any more, and every further
  // change is refused with InternalError. What is there can be read.
  std::string diskError() const;

  // Null if absent.
  ObjectPtr find(std::string_view table, const ObjectKey& key) const;
  std::size_t count(std::string_view table) const;
  std::size_t countNamespace(std::string_view table, std::string_view namespaceName) const;
  // The tables that have had an object since open().
  std::vector<std::string> tables() const;
  // Pages of one version fit together, whatever is changed between them. Errors, in
  // kube-apiserver's words: Expired where the history does not reach back to that version, Timeout
  // for a version that is not there yet ("Too large resource version: 9, current: 7").
  Result<ListPage> list(std::string_view table, const ListRange& range) const;

  // Errors: AlreadyExists; Invalid for what cannot be stored (no object, nested deeper than
  // text::kMaxDepth, no name), here and in update() and remove().
  Result<ObjectPtr> create(std::string_view table, const ObjectKey& key, Value object);
  // Replaces what is there at `expected` (its version). Errors: NotFound, Conflict. Equal to what
  // is there, but for the resourceVersion: nothing happens, no version is used up.
  Result<ObjectPtr> update(std::string_view table, const ObjectKey& key, std::uint64_t expected,
                           Value object);
  // The last state, with the version of the deletion. Errors: NotFound, Conflict. `last` replaces
  // the state that watchers see; null: the one there is.
  Result<ObjectPtr> remove(std::string_view table, const ObjectKey& key, std::uint64_t expected,
                           const Value* last = nullptr);

  struct Subscription {
    std::string table;
    std::string namespaceName = {};  // empty: all
    std::string name = {};           // empty: all
    std::uint64_t after = 0;         // changes later than this version
  };
  using Subscriber = std::function<void(const ChangePtr&)>;
  // Calls `onChange` for the history at once, then within each change, in order. Returns a number
  // for unsubscribe(). Error: Expired where the history does not reach back ("too old resource
  // version: 5 (900)", where 900 would do). A version that is not there yet is waited for.
  // `onChange` must not change the storage, but may subscribe and unsubscribe, itself, too.
  Result<std::uint64_t> subscribe(const Subscription& subscription, Subscriber onChange);
  void unsubscribe(std::uint64_t number);

  // Forgets the history up to now: older watches and lists get Expired.
  void compact();
  // Bytes of memory that objects and history take, about. Known at once.
  std::size_t heapBytes() const;

 private:
  struct Impl;
  explicit Storage(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::apiserver::storage
