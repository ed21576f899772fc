#include "operator/control/world.h"

#include <set>

#include "kube/api/object.h"
#include "operator/api/spec.h"

namespace iop::operators::control {
namespace {

using kube::api::ObjectKey;

constexpr char kByNamedSocket[] = "namedSocket";
constexpr char kByAttachedSocket[] = "attachedSocket";
constexpr char kByInterface[] = "interface";

std::vector<std::string> interfaceIndex(const Value& object) {
  const auto interface = api::interfaceOf(object);
  if (!interface) return {};
  return {interface->print()};
}

}  // namespace

std::string attachedSocketUid(const Value& plug) {
  return plug["status"]["coupling"]["socket"]["uid"].toString();
}

World::World() {
  plugs->addIndex(kByNamedSocket, [](const Value& plug) {
    return std::vector<std::string>{api::socketOf(plug).print()};
  });
  plugs->addIndex(kByAttachedSocket, [](const Value& plug) {
    std::string uid = attachedSocketUid(plug);
    return uid.empty() ? std::vector<std::string>() : std::vector<std::string>{std::move(uid)};
  });
  plugs->addIndex(kByInterface, interfaceIndex);
  sockets->addIndex(kByInterface, interfaceIndex);
}

std::vector<Value> World::plugsNaming(const ObjectKey& socket) const {
  return plugs->byIndex(kByNamedSocket, socket.print());
}

std::vector<Value> World::plugsAttachedTo(std::string_view socketUid) const {
  return plugs->byIndex(kByAttachedSocket, socketUid);
}

std::vector<Value> World::socketsNamingInterface(const ObjectKey& interface) const {
  return sockets->byIndex(kByInterface, interface.print());
}

std::vector<ObjectKey> World::plugsUsingInterface(const ObjectKey& interface) const {
  std::set<ObjectKey> keys;
  for (const ObjectKey& key : plugs->keysByIndex(kByInterface, interface.print())) keys.insert(key);
  for (const ObjectKey& socket : sockets->keysByIndex(kByInterface, interface.print())) {
    for (const ObjectKey& key : plugs->keysByIndex(kByNamedSocket, socket.print()))
      keys.insert(key);
  }
  return {keys.begin(), keys.end()};
}

}  // namespace iop::operators::control
