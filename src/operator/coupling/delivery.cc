#include <algorithm>

#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/decision.h"
#include "operator/coupling/digest.h"
#include "text/json.h"

namespace iop::operators::coupling {
using api::Side;

void addNotice(Plan& plan, Side side, bool warning, std::string reason, std::string message) {
  plan.actions.push_back({Notice{side, warning, std::move(reason), std::move(message)}, side, {}});
}

std::string userOf(const Value& own) {
  return "system:serviceaccount:" + std::string(kube::api::namespaceOf(own)) + ":" +
         api::serviceAccountOf(own);
}

void addEffects(Plan& plan, Side side, const Value& own, std::vector<RenderedObject> objects,
                const std::string& attempt, bool inInventory, std::optional<api::Event> event) {
  const std::string user = userOf(own);
  for (RenderedObject& object : objects) {
    if (!object.served) continue;  // a deletion of what cannot be there
    const bool listed = inInventory && object.what != api::Do::Delete;
    if (listed && object.what == api::Do::Recreate) {
      plan.actions.push_back({Mark{Mark::Kind::Forget, side, {}, object.entry()}, side, {}});
      plan.actions.push_back(
          {WriteStatus{}, side, "record that " + object.field + " is about to be recreated"});
    }
    plan.actions.push_back({Effect{std::move(object), user, listed, event}, side, attempt});
  }
}

void addDelivery(Plan& plan, Delivery delivery) {
  const std::string attempt = "deliver " + std::string(api::nameOf(delivery.event)) + " to the " +
                              std::string(api::nameOf(delivery.side)) + "'s side";
  if (delivery.endpoint) {
    plan.actions.push_back(
        {Call{delivery.side, delivery.event,
              *delivery.endpoint + "/" + std::string(api::nameOf(delivery.event)),
              std::move(delivery.body), std::move(delivery.idempotencyKey)},
         delivery.side, attempt});
  }
  addEffects(plan, delivery.side, delivery.own, std::move(delivery.objects), attempt,
             delivery.inInventory, delivery.event);
}

std::string idempotencyKey(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part).append("\n");
  return digest(text);
}

bool mergeInventory(std::vector<api::InventoryEntry>& inventory,
                    const std::vector<api::InventoryEntry>& fresh) {
  bool changed = false;
  for (const api::InventoryEntry& entry : fresh) {
    const auto same =
        std::find_if(inventory.begin(), inventory.end(),
                     [&](const api::InventoryEntry& other) { return other.isSameObject(entry); });
    if (same == inventory.end()) {
      inventory.push_back(entry);
      changed = true;
    } else if (same->retain != entry.retain) {
      same->retain = entry.retain;
      changed = true;
    }
  }
  return changed;
}

std::vector<api::InventoryEntry> entriesOf(const std::vector<RenderedObject>& objects) {
  std::vector<api::InventoryEntry> entries;
  for (const RenderedObject& object : objects) {
    if (object.what != api::Do::Delete) entries.push_back(object.entry());
  }
  return entries;
}

std::string digestOf(const Value& plug, const Value& socket, const Agreement& agreement,
                     const Configs& configs, const Results& results) {
  const Value whole =
      Value::array({plug["spec"], socket["spec"], kube::api::uidOf(socket), agreement.version,
                    configs.data.plug, configs.data.socket, configs.vars.plug, configs.vars.socket,
                    configs.config.plug, configs.config.socket, results.resultVars.plug,
                    results.resultVars.socket, results.result.plug, results.result.socket});
  return digest(text::printJson(whole));
}

void applyMark(Value& status, const Mark& mark) {
  switch (mark.kind) {
    case Mark::Kind::Created:
      status.edit("coupling").set("created", true);
      return;
    case Mark::Kind::Delivered: {
      status.edit("coupling").erase("stopped");
      Value& delivered = status.edit("coupling").edit("delivered");
      for (const Value& side : delivered.items()) {
        if (side.asString() == api::nameOf(mark.side)) return;
      }
      delivered.push(api::nameOf(mark.side));
      return;
    }
    case Mark::Kind::Forget: {
      const std::vector<api::InventoryEntry> known = api::parseInventory(status["resources"]);
      for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i].isSameObject(mark.entry)) status.edit("resources").editItem(i).erase("uid");
      }
      return;
    }
    case Mark::Kind::Replace: {
      const std::vector<api::InventoryEntry> known = api::parseInventory(status["resources"]);
      status = mark.status;
      for (const api::InventoryEntry& entry : known) {
        if (!entry.object.uid.empty()) recordUid(status, entry, entry.object.uid);
      }
      return;
    }
  }
}

void recordUid(Value& status, const api::InventoryEntry& entry, const std::string& uid) {
  std::vector<api::InventoryEntry> inventory = api::parseInventory(status["resources"]);
  for (std::size_t i = 0; i < inventory.size(); ++i) {
    if (inventory[i].isSameObject(entry) && inventory[i].object.uid != uid) {
      status.edit("resources").editItem(i).set("uid", uid);
    }
  }
}

}  // namespace iop::operators::coupling
