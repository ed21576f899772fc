#pragma once

// A test double of the Client interface: a small API server in memory, without the wire.
//
//   MemoryClient client(clock);
//   client.serve({"", "v1", "configmaps", "ConfigMap", true});
//   client.create(configMaps, "shop", configMap, {});
//   client.setFault([](const MemoryClient::Call& call) -> std::optional<Error> { … });
//
// It keeps uids, resourceVersions, generations, creation and deletion times, finalizers, the status
// subresource, preconditions and optimistic locking; lists with label selectors (equality) and
// metadata.name, pages, and watches with history, bookmarks, 410 for what compact() forgot, and the
// streaming of initial objects. A change that changes nothing makes no new version.
//
// It does less than a server where tests of our code need no more: Apply merges like a merge patch
// with lists replaced whole and knows no field ownership; Strategic is the same; nothing is
// validated, defaulted or authorized, there is no garbage collection, and deleting a namespace
// deletes nothing in it. A stream ends only when the test ends it or its stop_token asks. The tests
// against a real server are the judge of our clients; this one is for their callers.
//
// Thread-safe.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/client.h"
#include "value/value.h"

namespace iop::testing {

class MemoryClient : public kube::client::Client {
 public:
  using Resource = kube::api::Resource;
  using ObjectKey = kube::api::ObjectKey;

  // What was asked for. The verbs are those of RBAC: get, list, watch, create, update, patch,
  // delete.
  struct Call {
    std::string verb;
    Resource resource;
    ObjectKey key;  // without a name for list, watch and create
    kube::client::CallOptions options;
    kube::client::ListOptions list;    // list
    kube::client::WatchOptions watch;  // watch
    Value body;                        // create, update, patch
  };
  // The error that a call is to end with; nothing: the call goes on. Called without a lock: it may
  // block.
  using Fault = std::function<std::optional<Error>(const Call& call)>;

  enum class WatchList { Supported, Ignored };

  explicit MemoryClient(base::Clock& clock = base::realClock());
  ~MemoryClient() override;

  // --- For tests ---

  // Makes a resource known to resolve().
  void serve(const Resource& resource);
  void setFault(Fault fault);
  // Ignored: as servers up to 1.26 do, the stream begins with the objects and their end is never
  // told.
  void setWatchList(WatchList support);

  // The objects as they are, without a call being counted.
  std::optional<Value> find(const Resource& resource, const ObjectKey& key) const;
  std::vector<Value> objects(const Resource& resource) const;
  // All calls so far, also those that failed; those of one verb.
  std::vector<Call> calls() const;
  std::vector<Call> calls(std::string_view verb) const;
  // The version of the newest change.
  std::string resourceVersion() const;

  // Forgets the history: a watch from an older version is answered with 410.
  void compact();
  // Ends all open streams as a server does when their time is up, or as a broken connection does.
  void endWatches();
  void breakWatches(Error error);
  // Sends an event to all open streams of the resource, as it is.
  void send(const Resource& resource, kube::client::WatchEvent event);
  // Sends a bookmark with the newest version.
  void sendBookmark(const Resource& resource);
  // Blocks until so many streams are open.
  void waitForWatches(std::size_t count) const;

  // --- Client ---

  Result<Resource> resolve(const kube::api::GroupVersionKind& kind) override;
  Result<Value> get(const Resource& resource, const ObjectKey& key,
                    const kube::client::CallOptions& options) override;
  Result<Value> list(const Resource& resource, const std::string& namespaceName,
                     const kube::client::ListOptions& list,
                     const kube::client::CallOptions& options) override;
  Result<Value> create(const Resource& resource, const std::string& namespaceName,
                       const Value& object, const kube::client::CallOptions& options) override;
  Result<Value> update(const Resource& resource, const ObjectKey& key, const Value& object,
                       const kube::client::CallOptions& options) override;
  Result<Value> patch(const Resource& resource, const ObjectKey& key, kube::client::PatchType type,
                      const Value& patch, const kube::client::CallOptions& options) override;
  Result<Value> remove(const Resource& resource, const ObjectKey& key,
                       const kube::client::DeleteOptions& remove,
                       const kube::client::CallOptions& options) override;
  Status watch(const Resource& resource, const std::string& namespaceName,
               const kube::client::WatchOptions& watch, const kube::client::CallOptions& options,
               const std::function<bool(kube::client::WatchEvent&&)>& onEvent) override;

 private:
  struct Change {
    std::uint64_t version;
    Value before;  // null: created
    Value after;   // null: deleted
    // Where it was deleted, its last state; where there is neither before nor after, what send()
    // sent.
    kube::client::WatchEvent event;
  };
  // All objects of one resource, and what happened to them.
  struct Table {
    std::map<ObjectKey, Value> objects;
    std::vector<Change> history;
  };

  Status begin(Call call);
  Value commit(Table& table, const ObjectKey& key, const Value& before, Value after, bool dryRun);
  Result<Value> createLocked(const Resource& resource, const std::string& namespaceName,
                             Value object, const kube::client::CallOptions& options);
  Result<Value> replaceLocked(Table& table, const Resource& resource, const ObjectKey& key,
                              Value after, const kube::client::CallOptions& options);
  static std::optional<kube::client::WatchEvent> eventOf(const Change& change,
                                                         const std::string& namespaceName,
                                                         const kube::client::WatchOptions& watch,
                                                         bool metadataOnly);

  base::Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::set<Resource> served_;
  std::map<Resource, Table> tables_;
  std::vector<Call> calls_;
  Fault fault_;
  WatchList watchList_ = WatchList::Supported;
  std::uint64_t version_ = 100;
  std::uint64_t compacted_ = 0;  // changes before this version are forgotten
  std::uint64_t uids_ = 0;
  std::uint64_t epoch_ = 0;  // streams of an older epoch end
  std::optional<Error> broken_;
  std::size_t streams_ = 0;
};

}  // namespace iop::testing
