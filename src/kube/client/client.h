#pragma once

// The Kubernetes API as the rest of the program sees it.
//
//   Result<Resource> secrets = client.resolve({"", "v1", "Secret"});
//   Result<Value> secret = client.get(*secrets, {"shop", "db"}, {});
//   if (!secret && secret.error().isNotFound()) …
//
// Calls block the calling thread until the answer is there, the call's time is up or its stop_token
// asks to stop. Errors carry the code of the server's Status; without an answer it is Unreachable
// (the request never reached a server), Interrupted, Timeout or Canceled. Implementations:
// RestClient (rest_client.h); tests have others. Thread-safe.

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::kube::client {

using api::GroupVersionKind;
using api::ObjectKey;
using api::Resource;

// How one call is made.
struct CallOptions {
  // User to act as; empty: ourselves. For service accounts see serviceAccountUser().
  std::string impersonate = {};
  // Ask for metadata only (PartialObjectMetadata); reads and watches.
  bool metadataOnly = false;
  // "status", "token", …; empty: the object itself.
  std::string subresource = {};
  std::string fieldManager = {};  // writes
  bool force = false;             // server-side apply: take fields over from other managers
  bool dryRun = false;
  std::chrono::milliseconds timeout{30'000};
  std::stop_token stop = {};
};

// "system:serviceaccount:<namespace>:<name>".
std::string serviceAccountUser(std::string_view namespaceName, std::string_view name);

struct ListOptions {
  std::string labelSelector = {};
  std::string fieldSelector = {};
  // "": quorum-consistent; "0": any cached; "N": not older than N.
  std::string resourceVersion = {};
  std::string resourceVersionMatch = {};  // "NotOlderThan", "Exact" or empty
  int limit = 0;
  std::string continueToken = {};
};

struct WatchOptions {
  std::string labelSelector = {};
  std::string fieldSelector = {};
  std::string resourceVersion = {};
  bool sendInitialEvents = false;  // watch-list (KEP-3157)
  std::chrono::seconds serverTimeout{300};
  // No bytes for so long means that the connection is dead.
  std::chrono::seconds idleTimeout{150};
};

struct WatchEvent {
  enum class Type { Added, Modified, Deleted, Bookmark, Error };
  Type type;
  Value object;  // a Status where type is Error
};

enum class PatchType { Json, Merge, Strategic, Apply };

struct DeleteOptions {
  std::string uid = {};              // precondition; empty: none
  std::string resourceVersion = {};  // precondition; empty: none
  // "Background" (also for Jobs, whose own default orphans their pods), "Foreground" or "Orphan".
  std::string propagationPolicy = "Background";
};

class Client {
 public:
  virtual ~Client() = default;

  // The resource that serves a kind, from cached discovery, which is refreshed (at a bounded rate)
  // when the kind is unknown. Error: NotFound with a message that names the kind.
  virtual Result<Resource> resolve(const GroupVersionKind& kind) = 0;

  virtual Result<Value> get(const Resource& resource, const ObjectKey& key,
                            const CallOptions& options) = 0;
  // The whole list object of one page.
  virtual Result<Value> list(const Resource& resource, const std::string& namespaceName,
                             const ListOptions& list, const CallOptions& options) = 0;
  virtual Result<Value> create(const Resource& resource, const std::string& namespaceName,
                               const Value& object, const CallOptions& options) = 0;
  virtual Result<Value> update(const Resource& resource, const ObjectKey& key, const Value& object,
                               const CallOptions& options) = 0;
  // Apply is server-side apply: it needs options.fieldManager, and makes the object where there is
  // none.
  virtual Result<Value> patch(const Resource& resource, const ObjectKey& key, PatchType type,
                              const Value& patch, const CallOptions& options) = 0;
  // The deleted object, or the Status that the server answers with.
  virtual Result<Value> remove(const Resource& resource, const ObjectKey& key,
                               const DeleteOptions& remove, const CallOptions& options) = 0;

  // Calls `onEvent` (on the calling thread) for each event until the stream ends. It ends the watch
  // by returning false. Success: the stream ended in the ordinary way, was ended by onEvent, or
  // options.stop asked for it. A failure that the server tells inside of the stream is an event of
  // type Error, not an error.
  virtual Status watch(const Resource& resource, const std::string& namespaceName,
                       const WatchOptions& watch, const CallOptions& options,
                       const std::function<bool(WatchEvent&&)>& onEvent) = 0;
};

}  // namespace iop::kube::client
