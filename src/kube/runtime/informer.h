#pragma once

// Keeps a Store equal to a resource on the server, and tells handlers what changes.
//
//   auto plugs = std::make_shared<Store>();
//   Informer informer(client, clock, plugs, {.resource = plugResource});
//   informer.addHandlers({.onAdd = [&](const Value& plug, bool) { queue.add(keyOf(plug)); }});
//   informer.start();
//   if (!informer.waitForSync(std::chrono::minutes(2), stop)) …
//
// Flow: list (from the server's cache, resourceVersion "0") or, where the server can, a watch that
// begins with the initial objects (KEP-3157); then watch from there, for ever. A stream that ends
// is opened again where it was; a version that is too old for the server (410) leads to a new list.
// Each change goes into the store first and is then told to the handlers, on the informer's thread,
// in the server's order.
// Guarantees: handlers hear of every object in the store, and of each deletion, also one that
// happened while we were disconnected. hasSynced() is true after the handlers have heard of
// everything in the first list. A connection that went silent is noticed within `idleTimeout`.
// Assumptions: the client's calls end when their stop_token asks. Handlers are quick (they fill
// queues): what they take is time that the watch does not read.
// Caveats: several versions of an object may arrive as one change. `before` is what handlers were
// told last, which may be older than what the store shows if we wrote the object ourselves. Several
// informers may fill one store, one namespace each.
// Errors: none come out; they are logged, counted, retried with back-off (0.8 s doubling to 30 s,
// jitter), and the last one is in status().

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "kube/client/client.h"
#include "kube/runtime/store.h"

namespace iop::kube::runtime {

// What is known about a server's ability to stream the initial objects. One for all informers of a
// server: what one finds out, the others need not. Thread-safe.
class WatchListGate {
 public:
  // Off until the server is known to be 1.34 or later (1.27 to 1.33 have it behind a gate that is
  // often off, older ones ignore the request and never end the initial list).
  static bool isSupportedBy(int major, int minor) {
    return major > 1 || (major == 1 && minor >= 34);
  }

  void setServerVersion(int major, int minor) { open_ = isSupportedBy(major, minor); }
  bool isOpen() const { return open_; }
  void close() { open_ = false; }

 private:
  std::atomic<bool> open_{false};
};

struct InformerOptions {
  api::Resource resource = {};
  std::string namespaceName = {};  // empty: all
  std::string labelSelector = {};
  std::string fieldSelector = {};
  // Objects are only apiVersion, kind and metadata.
  bool metadataOnly = false;
  // Applied before an object is stored; nothing: the object is as if it did not exist. Called on
  // the informer's thread and from overlay(). To keep only what is referred to, store a stub
  // (metadata with name, namespace, uid and resourceVersion) of the others: what turns out to be
  // needed is then read once and given to overlay(). `metadata.managedFields` is dropped in any
  // case.
  std::function<std::optional<Value>(Value&&)> transform = {};
  // Streaming of the initial objects; null: lists.
  std::shared_ptr<WatchListGate> watchList = {};
  std::chrono::seconds idleTimeout{150};
  // Without any object for so long in the initial stream, or without its end for twelve times that,
  // the gate is closed and a list is made instead.
  std::chrono::seconds watchListTimeout{10};
  metrics::Registry* metrics = nullptr;  // outlives the informer
};

// Any of them may be empty.
struct InformerHandlers {
  // inInitialList: the object was there when the informer started; nothing has happened to it just
  // now.
  std::function<void(const Value& object, bool inInitialList)> onAdd = {};
  std::function<void(const Value& before, const Value& after)> onUpdate = {};
  std::function<void(const Value& last)> onDelete = {};
};

struct InformerStatus {
  bool synced = false;
  std::string resourceVersion;
  // Since the server last said anything (events, bookmarks, lists); since the start where it never
  // has.
  base::Duration lastEventAge{};
  // The failure that is being retried; nothing while all is well.
  std::optional<Error> error;
};

// Thread-safe.
class Informer {
 public:
  // `client` and `clock` must outlive the informer.
  Informer(client::Client& client, base::Clock& clock, std::shared_ptr<Store> store,
           InformerOptions options);
  ~Informer();  // stops
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Before start().
  void addHandlers(InformerHandlers handlers);

  void start();
  // Ends the calls under way and waits for the thread. No handler runs afterwards.
  void stop();

  bool hasSynced() const;
  // Blocks until synced, the time is up or `stop` asks; what hasSynced() says then.
  bool waitForSync(base::Duration timeout, std::stop_token stop = {}) const;
  InformerStatus status() const;

  // The same as the store's, after the projection that this informer's objects go through.
  void overlay(const Value& object);

  const InformerOptions& options() const;
  const std::shared_ptr<Store>& store() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
