#pragma once

// What the controllers know of the cluster: the caches of our own kinds, with the indexes that tell
// who is concerned by a change.
//
// Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <set>
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

  // A plug lets go of an object that its coupling made. False where another plug's coupling has
  // made it, too, and still holds it: then it stays. Of several that let go at once the last gets
  // true. Valid until letGo() of that plug.
  bool letsGo(const kube::api::ObjectKey& plug, const kube::api::ObjectRef& object);
  // The plug's status says now what it holds.
  void letGo(const kube::api::ObjectKey& plug);

 private:
  std::mutex mutex_;
  std::map<kube::api::ObjectKey, std::set<std::string>> leaving_;  // plug → objects
};

// The UID of the socket that a plug is attached to; empty if none.
std::string attachedSocketUid(const Value& plug);

}  // namespace iop::operators::control
