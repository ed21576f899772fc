#include "operator/control/world.h"

#include "kube/api/object.h"
#include "operator/api/spec.h"

namespace iop::operators::control {
namespace {

using kube::api::ObjectKey;

constexpr char kByNamedSocket[] = "namedSocket";
constexpr char kByAttachedSocket[] = "attachedSocket";
constexpr char kByInterface[] = "interface";
constexpr char kByMadeObject[] = "madeObject";

std::string nameOfMade(const kube::api::ObjectRef& object) {
  const kube::api::GroupVersionKind kind = kube::api::parseKind(object.apiVersion, object.kind);
  return kind.group + "/" + kind.kind + "/" + object.key().print();
}

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
  plugs->addIndex(kByMadeObject, [](const Value& plug) {
    std::vector<std::string> names;
    for (const api::InventoryEntry& entry : api::parseInventory(plug["status"]["resources"]))
      names.push_back(nameOfMade(entry.object));
    return names;
  });
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

bool World::isStanding(const Value& socket) const {
  const std::optional<Value> now = sockets->find(kube::api::keyOf(socket));
  return now && kube::api::uidOf(*now) == kube::api::uidOf(socket) &&
         !kube::api::isBeingDeleted(*now);
}

bool World::letsGo(const ObjectKey& plug, const kube::api::ObjectRef& object) {
  const std::string name = nameOfMade(object);
  std::lock_guard guard(mutex_);
  leaving_[plug].insert(name);
  for (const ObjectKey& holder : plugs->keysByIndex(kByMadeObject, name)) {
    const auto leaving = leaving_.find(holder);
    if (leaving == leaving_.end() || !leaving->second.contains(name)) return false;
  }
  removing_.insert(name);
  return true;
}

void World::removed(const kube::api::ObjectRef& object) {
  std::lock_guard guard(mutex_);
  removing_.erase(removing_.find(nameOfMade(object)));
  condition_.notify_all();
}

void World::waitUntilRemoved(const kube::api::ObjectRef& object, std::stop_token stop) {
  const std::string name = nameOfMade(object);
  std::unique_lock lock(mutex_);
  condition_.wait(lock, std::move(stop), [&] { return !removing_.contains(name); });
}

void World::written(const ObjectKey& plug) {
  std::lock_guard guard(mutex_);
  leaving_.erase(plug);
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
