#pragma once

// What a cluster does by itself: the life of namespaces, garbage collection, the establishing of
// CRDs, aggregated roles, the end of old events (parts of kube-controller-manager and of the API
// server).
//
//   Controllers controllers(engine, caCertificate, schedule);
//   controllers.start();       // makes what every cluster has
//   controllers.run();         // whenever `schedule` was called
//
// Not thread-safe: used on the server's loop.

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "apiserver/internal/engine.h"

namespace iop::apiserver {

class Controllers {
 public:
  struct Hooks {
    // There is work: run() is to be called soon.
    std::function<void()> schedule;
    // A CRD is about to change or to go: watches of its kinds end.
    std::function<void(const Kind&)> kindChanges;
    // Roles or bindings changed.
    std::function<void()> rolesChanged;
  };
  Controllers(Engine& engine, std::string caCertificatePem, Hooks hooks);

  // The namespaces, roles and classes that every cluster has, and the index of owners of what is
  // stored. Serves the CRDs that are stored.
  void start();
  // Does some of the work; schedules itself again while there is more.
  void run();
  bool idle() const { return queue_.empty(); }
  // Deletes events older than an hour; to be called now and then.
  void expireEvents();

 private:
  using Item = std::pair<std::string, ObjectKey>;  // table and key

  void onChange(std::string_view table, const ObjectPtr& before, const ObjectPtr& after);
  void enqueue(std::string_view table, const ObjectKey& key);
  void enqueueDependents(const std::string& uid);
  void index(std::string_view table, const ObjectPtr& object, bool add);
  void sync(const Item& item);

  void syncNamespace(const ObjectKey& key);
  void syncCrd(const ObjectKey& key);
  void serveCrd(const Value& crd);
  void syncAggregatedRoles();
  void collect(const Item& item);
  void finishForeground(const Item& item, const Value& owner);
  void finishOrphaning(const Item& item, const Value& owner);
  enum class Owner { Solid, Waiting, Absent };
  Owner look(const Value& reference, const std::string& namespaceName) const;
  const Kind* kindOfTable(std::string_view table) const;
  void removeFinalizer(const Item& item, std::string_view finalizer);

  Engine& engine_;
  std::string caCertificatePem_;
  Hooks hooks_;
  std::deque<Item> queue_;
  std::set<Item> queued_;
  bool scheduled_ = false;
  std::map<std::string, Value, std::less<>> served_;  // by CRD: what its kinds were made of
  std::map<std::string, std::set<Item>, std::less<>> dependents_;  // by the owner's uid
};

}  // namespace iop::apiserver
