#pragma once

// The objects that couplings and deferred resources read: Secrets, ConfigMaps, what vars point to,
// what is waited for. Knows the present version of each, tells whom to wake when one changes, and
// reads contents when they are needed.
//
//   Result<Value> secret = inputs.read(plug, ref, stop);  // from now on a change wakes the plug
//   Result<std::optional<ObjectVersion>> now = inputs.version(plug, ref, stop);
//   inputs.setDependents(plug, {ref});                    // and a change of nothing else
//
// Flow: one metadata-only watch of all Secrets and one of all ConfigMaps (a set for each watched
// namespace), which keep only what somebody refers to; for other kinds, one metadata-only watch for
// each kind, namespace and service account. Who reads an object is registered before it is read, so
// that no change between the two is missed.
// Guarantees: memory grows with what is referred to, not with what is in the cluster. Contents are
// kept only for what was read lately, within kMaxContentBytes. What a watch has shown is used only
// while the watch is up to date; otherwise each read asks the server.
// Assumptions: a service account that may get an object may be allowed to watch it; where it is
// not, dependents have to poll (needsPoll) every kPollInterval.
//
// Thread-safe.

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/runtime/informer.h"
#include "operator/coupling/snapshot.h"

namespace iop::operators::control {

using coupling::InputRef;
using coupling::ObjectKey;
using coupling::ObjectVersion;

// Who reads objects, or waits for a pod.
struct Dependent {
  enum class Kind { Plug, Socket, DeferredResource };
  Kind kind = Kind::Plug;
  ObjectKey key;

  auto operator<=>(const Dependent&) const = default;
};

class InputCache {
 public:
  static constexpr std::size_t kMaxContentBytes = 4u << 20;
  static constexpr std::chrono::seconds kPollInterval{30};

  struct Options {
    std::vector<std::string> namespaces;  // empty: all
    std::shared_ptr<kube::runtime::WatchListGate> watchList;
    metrics::Registry* metrics = nullptr;
  };

  // `wake` is called on informers' threads with each dependent of an object that changed.
  // All must outlive this.
  InputCache(kube::client::Client& client, base::Clock& clock,
             std::function<void(const Dependent&)> wake, Options options);
  ~InputCache();  // stops
  InputCache(const InputCache&) = delete;
  InputCache& operator=(const InputCache&) = delete;

  // Starts the watches of Secrets and ConfigMaps. What is known to be referred to should be
  // registered before.
  void start();
  void stop();
  bool waitForSync(base::Duration timeout, std::stop_token stop);

  // What somebody depends on from now on, in place of what it did or has read before. An empty list
  // forgets them.
  void setDependents(const Dependent& dependent, const std::vector<InputRef>& refs);

  // The whole object, read as the ref's user; from memory where it is the version that the watch
  // knows. A later change wakes the reader.
  Result<Value> read(const Dependent& reader, const InputRef& ref, std::stop_token stop);
  // The version that the watch knows, reading the object if it knows none yet; nothing where there
  // is no such object. A later change wakes the reader. Errors: what kept us from finding out.
  Result<std::optional<ObjectVersion>> version(const Dependent& reader, const InputRef& ref,
                                               std::stop_token stop);
  // The server's answer to a write of ours: what is read from now on is at least as new, and who
  // depends on it is woken.
  void noteWritten(const Value& object);
  // True if changes of one of the refs are not seen at present.
  bool needsPoll(const std::vector<InputRef>& refs) const;

 private:
  // Which watch serves a ref. Secrets and ConfigMaps of a namespace share one, whoever reads them.
  struct WatchKey {
    coupling::GroupVersionKind kind;
    std::string namespaceName;
    std::string user;
    auto operator<=>(const WatchKey&) const = default;
  };
  struct Watch;
  struct Content {
    ObjectVersion version;
    Value object;
    std::list<InputRef>::iterator place;
  };

  WatchKey watchKeyOf(const InputRef& ref) const;
  // Makes sure that changes of the ref are seen, and wake the reader, from now on. Null where it
  // cannot be watched.
  std::shared_ptr<Watch> registerRef(const Dependent& reader, const InputRef& ref);
  // Under the lock. The watch that nobody needs any more, to be ended without it; null if there is
  // none.
  std::shared_ptr<Watch> dropRef(const Dependent& dependent, const InputRef& ref);
  std::shared_ptr<Watch> makeWatch(const WatchKey& key, const kube::api::Resource& resource);
  // Wakes all who depend on the object, but not `reader`, who has just read it.
  void onChange(const WatchKey& watch, const Value& object, const Dependent* reader = nullptr);
  void remember(const InputRef& ref, const Value& object);
  std::optional<Value> recall(const InputRef& ref, const ObjectVersion& version);

  kube::client::Client& client_;
  base::Clock& clock_;
  std::function<void(const Dependent&)> wake_;
  Options options_;

  mutable std::mutex mutex_;
  bool started_ = false;
  bool stopped_ = false;
  std::map<WatchKey, std::shared_ptr<Watch>> watches_;
  std::map<Dependent, std::set<InputRef>> refsOf_;
  std::map<std::pair<WatchKey, ObjectKey>, std::set<Dependent>> dependents_;
  std::map<InputRef, Content> contents_;
  std::list<InputRef> recent_;  // most recently used first
  std::size_t contentBytes_ = 0;
};

}  // namespace iop::operators::control
