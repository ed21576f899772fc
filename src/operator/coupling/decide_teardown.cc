// Decoupling and deletion: the parts of PlugDecision that undo things, with whatever is still there
// to undo them with.

#include <algorithm>

#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/decision.h"
#include "text/json.h"

namespace iop::operators::coupling {
namespace {

using api::Event;
using api::Reason;
using api::Side;

// An object that is gone, as far as templates and apparatuses may still ask for its name.
Value remnantOf(const Progress& progress) {
  return Value::object({{"apiVersion", api::kApiVersion},
                        {"kind", "Socket"},
                        {"metadata", Value::object({{"name", progress.socketKey.name},
                                                    {"namespace", progress.socketKey.namespaceName},
                                                    {"uid", progress.socketUid}})}});
}

}  // namespace

std::optional<std::string> PlugDecision::audibleEndpoint(const Lookup& lookup, Side side,
                                                         const Value& own) const {
  return lookup.isSilent(side) ? std::nullopt : endpointOf(snapshot_, side, own);
}

bool PlugDecision::readyForTeardown(Plan& plan, Lookup& lookup, Side side) const {
  const std::optional<Error> trouble = apparatusTrouble(lookup, side);
  if (!lookup.needs().empty()) return false;
  if (!trouble) return true;
  // What time does not heal, or what shall not be waited for, is done without.
  if (!isPassedOver(plan, *trouble)) {
    plan.failure = *trouble;
    return false;
  }
  lookup.skip(trouble->message);
  lookup.silence(side);
  return true;
}

void PlugDecision::addDecoupling(Plan& plan, Lookup& lookup) {
  const bool socketIsGone = snapshot_.coupledSocket.isNull();
  const Value socket = socketIsGone ? remnantOf(progress_) : snapshot_.coupledSocket;

  const bool isResumed = progress_.event == Event::Decoupled;
  // A side that was not reached by `coupled` is not told of the end.
  const bool socketNeverHeard =
      progress_.event == Event::Coupled && status_["coupling"]["stopped"].asString() == "plug";
  const auto hears = [&](Side side) {
    if (isResumed && progress_.isDeliveredTo(side)) return false;
    return side == Side::Plug || (!socketIsGone && !socketNeverHeard);
  };
  for (const Side side : api::kSides) {
    if (hears(side) && !readyForTeardown(plan, lookup, side)) return;
  }

  Schema schema;
  if (!socketIsGone) {
    const auto agreement =
        negotiate(plug_, socket, snapshot_.interfaces, status_["interfaceVersion"].asString());
    if (agreement) schema = agreement->schema;
  }
  Sources sources(lookup, plug_, socket, schema);
  const SourceResult<Configs> built = sources.configs();
  if (!lookup.needs().empty()) return;
  const Configs configs = built ? *built : Configs{};
  if (!built) {
    if (!lookup.passesOver(built.error().error)) {
      plan.failure = built.error().error;
      return;
    }
    lookup.skip(built.error().error.message);
  }

  std::map<Side, std::vector<RenderedObject>> objects;
  for (const Side side : api::kSides) {
    if (side == Side::Socket && socketIsGone) continue;
    auto rendered =
        render(lookup, side, "resources", Event::Decoupled, sources.resourceScope(side, configs));
    if (rendered) {
      objects[side] = std::move(*rendered);
    } else if (lookup.passesOver(rendered.error())) {
      lookup.skip(rendered.error().message);
    } else if (!Lookup::isUnknown(rendered.error())) {
      plan.failure = rendered.error();
    }
  }
  if (!lookup.needs().empty() || plan.failure) return;

  Value status = status_;
  if (!isResumed) {
    status.edit("coupling").set("event", api::nameOf(Event::Decoupled));
    status.edit("coupling").set("delivered", Value::array());
    plan.actions.push_back(
        {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
  }
  std::vector<api::InventoryEntry> made;
  for (const Side side : api::kSides) {
    const auto entries = entriesOf(objects[side]);
    made.insert(made.end(), entries.begin(), entries.end());
    if (!hears(side)) continue;
    const Value& own = objectOf(side, socket);
    addDelivery(
        plan, {side, own, Event::Decoupled, audibleEndpoint(lookup, side, own),
               couplingBody(plug_, socket, configs),
               idempotencyKey({kube::api::uidOf(plug_), progress_.socketUid, "decoupled",
                               api::nameOf(side), text::printJson(status_["coupling"]["inputs"])}),
               std::move(objects[side]), false});
    plan.actions.push_back({Mark{Mark::Kind::Delivered, side, {}}, side, {}});
  }

  const std::string socketUser =
      "system:serviceaccount:" + progress_.socketKey.namespaceName + ":" +
      (status_["coupling"]["socket"]["serviceAccountName"].empty()
           ? std::string("default")
           : status_["coupling"]["socket"]["serviceAccountName"].toString());
  std::vector<api::InventoryEntry> inventory = api::parseInventory(status_["resources"]);
  std::reverse(inventory.begin(), inventory.end());
  for (api::InventoryEntry& entry : inventory) {
    const bool isMadeNow =
        std::any_of(made.begin(), made.end(),
                    [&](const api::InventoryEntry& other) { return other.isSameObject(entry); });
    if (entry.retain || isMadeNow) continue;
    const std::string user = entry.side == Side::Plug ? userOf(plug_)
                             : socketIsGone           ? socketUser
                                                      : userOf(socket);
    const Side side = entry.side;
    plan.actions.push_back({Prune{std::move(entry), user}, side, "remove what the coupling made"});
  }
}

Plan PlugDecision::decouple() {
  Plan plan;
  plan.tolerant = true;
  plan.force = api::isForceDeleted(plug_);
  Lookup lookup = lookUp(teardownTolerance());
  addDecoupling(plan, lookup);
  if (!lookup.needs().empty()) {
    Plan needing;
    needing.needs = std::move(lookup.needs());
    return needing;
  }
  plan.masker = lookup.masker();
  for (const std::string& what : lookup.skipped()) {
    addNotice(plan, Side::Plug, true, std::string(api::nameOf(Reason::Error)),
              plan.masker.mask("decoupling goes on without: " + what));
  }
  if (plan.failure) {
    return waitForTeardown(std::move(plan));
  }

  Value status = status_;
  status.erase("coupledSocket");
  status.erase("coupledResult");
  status.erase("interfaceVersion");
  status.erase("resources");
  status.set("coupling", Value::object({{"created", true}}));
  plan.actions.push_back(
      {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
  addNotice(plan, Side::Plug, false, api::reasonOf(Side::Plug, Event::Decoupled),
            "decoupled from socket " + progress_.socketKey.print());
  if (!snapshot_.coupledSocket.isNull()) {
    addNotice(plan, Side::Socket, false, api::reasonOf(Side::Socket, Event::Decoupled),
              "decoupled plug " + kube::api::keyOf(plug_).print());
  }
  plan.again = true;
  return plan;
}

Plan PlugDecision::waitForTeardown(Plan plan) const {
  const bool isStarting = plan.failure->cause == kApparatusStarting;
  const Reason reason = isStarting || plan.failure->cause == kApparatusNotRunning
                            ? Reason::ApparatusNotReady
                            : Reason::Error;
  plan.actions.clear();
  Value status = status_.isObject() ? status_ : Value::object();
  setPlugConditions(status, reason, plan.masker.mask(plan.failure->message), generation_,
                    snapshot_.now);
  plan.actions.push_back(
      {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
  if (isStarting) plan.failure.reset();  // its pod wakes us
  return plan;
}

Plan PlugDecision::finishDeletion() {
  Plan plan;
  plan.tolerant = true;
  plan.force = api::isForceDeleted(plug_);
  Lookup lookup = lookUp(teardownTolerance());
  auto objects =
      render(lookup, Side::Plug, "resources", Event::Deleted, Value::object({{"plug", plug_}}));
  const bool isReady = readyForTeardown(plan, lookup, Side::Plug);
  if (!lookup.needs().empty()) {
    plan.needs = std::move(lookup.needs());
    return plan;
  }
  plan.masker = lookup.masker();
  if (!objects && !lookup.passesOver(objects.error())) plan.failure = objects.error();
  if (!isReady || plan.failure) return waitForTeardown(std::move(plan));
  if (!objects) lookup.skip(objects.error().message);
  for (const std::string& what : lookup.skipped()) {
    addNotice(plan, Side::Plug, true, std::string(api::nameOf(Reason::Error)),
              plan.masker.mask("deletion goes on without: " + what));
  }
  const auto endpoint = audibleEndpoint(lookup, Side::Plug, plug_);
  if (endpoint || (objects && !objects->empty())) {
    // Whoever goes on here after a crash does not decouple what has heard of its deletion.
    plan.actions.push_back({WriteStatus{}, Side::Plug, "record that the plug is decoupled"});
  }
  addDelivery(plan, {Side::Plug, plug_, Event::Deleted, endpoint, lifecycleBody(Side::Plug, plug_),
                     idempotencyKey({kube::api::uidOf(plug_), "deleted"}),
                     objects ? std::move(*objects) : std::vector<RenderedObject>(), false});
  addNotice(plan, Side::Plug, false, api::reasonOf(Side::Plug, Event::Deleted), "plug deleted");
  plan.actions.push_back({RemoveFinalizer{}, Side::Plug, "remove the finalizer"});
  return plan;
}

}  // namespace iop::operators::coupling
