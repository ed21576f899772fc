#pragma once

// What the controllers know of the cluster: the caches of our own kinds, with the indexes that tell
// who is concerned by a change, and who holds what several couplings have made.
//
// Thread-safe.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "kube/runtime/store.h"
#include "operator/api/names.h"

namespace iop::operators::control {

class World {
 public:
  World();

  const std::shared_ptr<kube::runtime::Store> plugs = std::make_shared<kube::runtime::Store>();
  const std::shared_ptr<kube::runtime::Store> sockets = std::make_shared<kube::runtime::Store>();
  const std::shared_ptr<kube::runtime::Store> interfaces = std::make_shared<kube::runtime::Store>();

  // Plugs whose spec names the socket.
  std::vector<Value> plugsNaming(const kube::api::ObjectKey& socket) const;
  // Plugs that have begun to couple with the socket of that UID, and have not finished to decouple
  // from it.
  std::vector<Value> plugsAttachedTo(std::string_view socketUid) const;
  std::vector<Value> socketsNamingInterface(const kube::api::ObjectKey& interface) const;
  // Plugs that are concerned by a change of an Interface: they or their sockets name it.
  std::vector<kube::api::ObjectKey> plugsUsingInterface(
      const kube::api::ObjectKey& interface) const;

  // Whether the socket is still there and is not being deleted.
  bool isStanding(const Value& socket) const;

  // A plug lets go of an object that its coupling made. False where another plug's coupling has
  // made it, too, and still holds it: then it stays. Of several that let go at once the last gets
  // true; it removes the object and then calls removed(). Holds until written() of that plug.
  bool letsGo(const kube::api::ObjectKey& plug, const kube::api::ObjectRef& object);
  void removed(const kube::api::ObjectRef& object);
  // Blocks while the object is being removed for another plug, or until `stop` asks.
  void waitUntilRemoved(const kube::api::ObjectRef& object, std::stop_token stop);
  // The plug's status, as it is in the cache, says what it holds.
  void written(const kube::api::ObjectKey& plug);

 private:
  std::mutex mutex_;
  std::condition_variable_any condition_;
  std::map<kube::api::ObjectKey, std::set<std::string>> leaving_;  // plug → objects
  std::multiset<std::string> removing_;
};

// The UID of the socket that a plug is attached to; empty if none.
std::string attachedSocketUid(const Value& plug);

}  // namespace iop::operators::control
