// Coupling and updating: the parts of PlugDecision that make things happen.

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

constexpr std::array<std::string_view, 3> kResultSources = {"resultSecretName",
                                                            "resultConfigMapName", "resultVars"};

// True where the results do not depend on anything that delivering the event may change.
bool areResultsStatic(const Value& plug, const Value& socket) {
  for (const Value* own : {&plug, &socket}) {
    for (const std::string_view field : kResultSources) {
      if (!(*own)["spec"][field].empty()) return false;
    }
  }
  return true;
}

// What differs between the inputs that were recorded and those of now.
struct Difference {
  bool specs = false;                // the plug, the socket or the Interface
  std::vector<std::string> lookups;  // what else was read, by kind and name

  explicit operator bool() const { return specs || !lookups.empty(); }
};

const Input* find(const std::vector<Input>& inputs, const Input& wanted) {
  const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const Input& other) {
    return other.side == wanted.side && other.ref == wanted.ref;
  });
  return found == inputs.end() ? nullptr : &*found;
}

Difference compareInputs(const std::vector<Input>& then, const std::vector<Input>& now) {
  Difference difference;
  for (const Input& input : now) {
    const Input* before = find(then, input);
    if (isCoupledItself(input.ref)) {
      difference.specs |= before == nullptr || before->version != input.version;
    } else if (before == nullptr || isOtherState(input.ref, input.version, before->version)) {
      difference.lookups.push_back(input.ref.kind.kind + " " + input.ref.key.print());
    }
  }
  for (const Input& input : then) {
    if (find(now, input) != nullptr) continue;
    if (isCoupledItself(input.ref)) {
      difference.specs = true;
    } else {
      difference.lookups.push_back(input.ref.kind.kind + " " + input.ref.key.print());
    }
  }
  return difference;
}

// What is recorded of a coupling that is done while what it has read has changed already: `then` is
// what was delivered, `now` what is read at present, `whole` that and what the results are made of.
// All that was not delivered differs from what will be found, so that an update follows.
std::vector<Input> undelivered(const std::vector<Input>& then, const std::vector<Input>& now,
                               std::vector<Input> whole) {
  for (Input& input : whole) {
    if (const Input* before = find(then, input)) {
      input.version = before->version;
    } else if (find(now, input) != nullptr) {
      input.version = {};
    }
  }
  return whole;
}

}  // namespace

bool PlugDecision::isSteady(Needs& needs) const {
  if (progress_.socketUid.empty() || progress_.event) return false;
  for (const Input& input : parseInputs(status_["coupling"]["inputs"])) {
    if (isCoupledItself(input.ref)) {
      const Value* object = nullptr;
      if (input.ref.kind.kind == "Plug") {
        object = &plug_;
      } else if (input.ref.kind.kind == "Socket") {
        object = &snapshot_.socket;
      } else if (const auto found = snapshot_.interfaces.find(input.ref.key);
                 found != snapshot_.interfaces.end()) {
        object = &found->second;
      }
      if (object == nullptr || kube::api::uidOf(*object) != input.version.uid ||
          std::to_string(kube::api::generationOf(*object)) != input.version.version) {
        return false;
      }
      continue;
    }
    const auto found = snapshot_.versions.find(input.ref);
    if (found == snapshot_.versions.end()) {
      needs.versions.insert(input.ref);
      continue;
    }
    if (!found->second || isOtherState(input.ref, *found->second, input.version)) return false;
  }
  return true;
}

Plan PlugDecision::coupleOrUpdate() {
  Needs needs;
  const bool steady = isSteady(needs);
  if (!needs.empty()) {
    Plan plan;
    plan.needs = std::move(needs);
    return plan;
  }
  if (steady) {
    Lookup lookup = lookUp();
    Plan plan = wait(lookup, Reason::CouplingSucceeded, {});
    for (const Input& input : parseInputs(status_["coupling"]["inputs"])) {
      if (!isCoupledItself(input.ref)) plan.watched.push_back(input.ref);
    }
    return plan;
  }

  Lookup lookup = lookUp();
  const auto agreement = negotiate(plug_, snapshot_.socket, snapshot_.interfaces,
                                   status_["interfaceVersion"].asString());
  if (!agreement) return wait(lookup, Reason::InterfaceMismatch, agreement.error().message);
  if (auto later = giveWay()) return std::move(*later);
  if (auto waiting = waitForApparatus(lookup, {Side::Plug, Side::Socket})) {
    return std::move(*waiting);
  }
  Sources sources(lookup, plug_, snapshot_.socket, agreement->schema);
  const SourceResult<Configs> configs = sources.configs();
  if (!lookup.needs().empty() || !configs) {
    if (!lookup.needs().empty()) return wait(lookup, Reason::ConfigInvalid, {});
    return fromSourceError(lookup, configs.error());
  }
  if (auto plan = waitForPlace()) return std::move(*plan);

  const bool isBegun =
      !progress_.socketUid.empty() && progress_.event && *progress_.event != Event::Decoupled;
  if (isBegun && progress_.deliveredToPlug && progress_.deliveredToSocket) {
    const auto then = parseInputs(status_["coupling"]["inputs"]);
    const auto now = parseInputs(inputs(*agreement, lookup));
    const Difference difference = compareInputs(then, now);
    if (!difference) return finish(lookup, *agreement, sources, *configs);
    // Perhaps the delivery itself has changed what it was made of. It is ended as what it was; the
    // change is an update like any other.
    if (!difference.specs) {
      Plan plan = finish(lookup, *agreement, sources, *configs);
      if (!plan.payload) return plan;  // it did not come to an end
      for (Action& action : plan.actions) {
        Mark* mark = std::get_if<Mark>(&action.what);
        if (mark == nullptr || mark->kind != Mark::Kind::Replace ||
            !mark->status["coupling"]["event"].isNull()) {
          continue;
        }
        Value& coupling = mark->status.edit("coupling");
        coupling.set("inputs",
                     printInputs(undelivered(then, now, parseInputs(coupling["inputs"]))));
      }
      plan.payload = std::string();
      plan.again = true;
      return plan;
    }
  }
  const bool isCoupled =
      !status_["coupledSocket"].isNull() && (!isBegun || *progress_.event == Event::Updated);
  return deliver(lookup, *agreement, sources, *configs,
                 isCoupled ? Event::Updated : Event::Coupled);
}

Plan PlugDecision::deliver(Lookup& lookup, const Agreement& agreement, Sources& sources,
                           const Configs& configs, Event event) {
  const Value& socket = snapshot_.socket;
  const Value delivered = inputs(agreement, lookup);
  const bool samePayload = status_["coupling"]["inputs"] == delivered && progress_.event == event;

  Pace pace;
  if (event == Event::Updated && !progress_.event) {
    const SourceResult<Results> results = sources.results(configs);
    if (!lookup.needs().empty()) return wait(lookup, Reason::ResultPending, {});
    // The same values in newer versions of their objects are no event.
    if (results && snapshot_.deliveredPayload &&
        digestOf(plug_, socket, agreement, configs, *results) == *snapshot_.deliveredPayload) {
      Value status = status_;
      status.edit("coupling").set("inputs", inputs(agreement, lookup));
      setPlugConditions(status, Reason::CouplingSucceeded,
                        standardMessage(Reason::CouplingSucceeded), generation_, snapshot_.now);
      Plan plan = withStatus(std::move(status));
      plan.payload = snapshot_.deliveredPayload;
      plan.pace = snapshot_.pace;
      plan.pace->disturbed.reset();
      for (const Input& input : lookup.inputs()) plan.watched.push_back(input.ref);
      return plan;
    }
    const Difference difference = compareInputs(parseInputs(status_["coupling"]["inputs"]),
                                                parseInputs(inputs(agreement, lookup)));
    if (!difference.specs) {
      const UpdateDue due = nextUpdate(snapshot_.pace, snapshot_.now);
      if (due.at > snapshot_.now) return holdBack(lookup, due, difference.lookups);
      pace = due.delivered;
    }
  }

  std::map<Side, std::vector<RenderedObject>> objects;
  std::vector<api::InventoryEntry> entries;
  for (const Side side : api::kSides) {
    Result<std::vector<RenderedObject>> rendered =
        render(lookup, side, "resources", event, sources.resourceScope(side, configs));
    if (!rendered) {
      if (Lookup::isUnknown(rendered.error())) continue;
      return cannotRender(lookup, rendered.error(), side);
    }
    const auto made = entriesOf(*rendered);
    entries.insert(entries.end(), made.begin(), made.end());
    objects[side] = std::move(*rendered);
  }
  if (areResultsStatic(plug_, socket)) {
    // What the results will make is known already: it goes into the same record.
    if (const SourceResult<Results> results = sources.results(configs)) {
      for (const Side side : {Side::Socket, Side::Plug}) {
        const auto rendered = render(lookup, side, "resultResources", std::nullopt,
                                     sources.resultScope(side, configs, *results));
        if (!rendered) continue;  // told when it is their turn
        const auto made = entriesOf(*rendered);
        entries.insert(entries.end(), made.begin(), made.end());
      }
    }
  }
  if (!lookup.needs().empty()) return wait(lookup, Reason::Error, {});

  Plan plan;
  plan.masker = lookup.masker();
  plan.takesPlace = progress_.socketUid.empty();
  if (!progress_.event) plan.pace = pace;
  std::vector<api::InventoryEntry> inventory = api::parseInventory(status_["resources"]);
  const bool grows = mergeInventory(inventory, entries);

  const bool keepsProgress = samePayload && progress_.event;
  Value status = status_.isObject() ? status_ : Value::object();
  Value& coupling = status.edit("coupling");
  coupling.set("socket", Value::object({{"name", kube::api::nameOf(socket)},
                                        {"namespace", kube::api::namespaceOf(socket)},
                                        {"uid", kube::api::uidOf(socket)},
                                        {"serviceAccountName", api::serviceAccountOf(socket)}}));
  coupling.set("event", api::nameOf(event));
  coupling.set("inputs", delivered);
  if (!keepsProgress) coupling.set("delivered", Value::array());
  if (grows || !inventory.empty()) status.set("resources", api::printInventory(inventory));
  // Another attempt at the same leaves the reason of the last failure until it is outdone.
  const bool isNewCoupling = event == Event::Coupled && !keepsProgress;
  if (isNewCoupling) {
    setPlugConditions(status, Reason::CouplingInProcess, standardMessage(Reason::CouplingInProcess),
                      generation_, snapshot_.now);
  }
  plan.actions.push_back(
      {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});

  bool callsApparatus = false;
  for (const Side side : api::kSides) {
    callsApparatus |= endpointOf(snapshot_, side, objectOf(side, socket)).has_value();
  }
  const bool hasEffects =
      callsApparatus || !objects[Side::Plug].empty() || !objects[Side::Socket].empty();
  if (grows || (isNewCoupling && hasEffects)) {
    plan.actions.push_back(
        {WriteStatus{}, Side::Plug, "record what the coupling is about to make"});
    if (plan.takesPlace)
      plan.actions.push_back({ConfirmSocket{}, Side::Plug, "look at the socket"});
  }
  for (const Side side : api::kSides) {
    if (keepsProgress && progress_.isDeliveredTo(side)) continue;
    const Value& own = objectOf(side, socket);
    addDelivery(plan, {side, own, event, endpointOf(snapshot_, side, own),
                       couplingBody(plug_, socket, configs),
                       idempotencyKey({kube::api::uidOf(plug_), api::nameOf(event),
                                       api::nameOf(side), text::printJson(delivered)}),
                       std::move(objects[side]), true});
    plan.actions.push_back({Mark{Mark::Kind::Delivered, side, {}}, side, {}});
    if (!status_["coupling"]["stopped"].isNull()) {
      // The record says that the other side has not heard of the coupling, which is about to
      // change.
      plan.actions.push_back({WriteStatus{}, side, "record that the event was delivered"});
    }
  }
  plan.again = true;
  return plan;
}

Plan PlugDecision::finish(Lookup& lookup, const Agreement& agreement, Sources& sources,
                          const Configs& configs) {
  const Value& socket = snapshot_.socket;
  const Event event = *progress_.event;
  const SourceResult<Results> results = sources.results(configs);
  if (!lookup.needs().empty() || !results) {
    if (!lookup.needs().empty()) return wait(lookup, Reason::ResultPending, {});
    Plan plan = fromSourceError(lookup, results.error());
    // The two are joined; only the results are outstanding.
    for (Action& action : plan.actions) {
      if (Mark* mark = std::get_if<Mark>(&action.what))
        mark->status.set("coupledSocket", printReference(socket));
    }
    return plan;
  }

  std::map<Side, std::vector<RenderedObject>> objects;
  std::vector<api::InventoryEntry> entries;
  for (const Side side : {Side::Socket, Side::Plug}) {
    Result<std::vector<RenderedObject>> rendered =
        render(lookup, side, "resultResources", std::nullopt,
               sources.resultScope(side, configs, *results));
    if (!rendered) {
      if (Lookup::isUnknown(rendered.error())) continue;
      return cannotRender(lookup, rendered.error(), side);
    }
    const auto made = entriesOf(*rendered);
    entries.insert(entries.end(), made.begin(), made.end());
    objects[side] = std::move(*rendered);
  }
  // What any action of a live coupling still names stays; the rest of the inventory goes after an
  // update.
  std::vector<api::InventoryEntry> named = entries;
  for (const Side side : api::kSides) {
    for (const Event still : {Event::Coupled, Event::Updated}) {
      const auto rendered =
          render(lookup, side, "resources", still, sources.resourceScope(side, configs));
      if (!rendered) {
        if (Lookup::isUnknown(rendered.error())) continue;
        return cannotRender(lookup, rendered.error(), side);
      }
      const auto made = entriesOf(*rendered);
      named.insert(named.end(), made.begin(), made.end());
    }
  }
  if (!lookup.needs().empty()) return wait(lookup, Reason::Error, {});

  Plan plan;
  plan.masker = lookup.masker();
  std::vector<api::InventoryEntry> inventory = api::parseInventory(status_["resources"]);
  if (mergeInventory(inventory, entries)) {
    Value status = status_;
    status.set("resources", api::printInventory(inventory));
    plan.actions.push_back(
        {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
    plan.actions.push_back({WriteStatus{}, Side::Plug, "record what the result is about to make"});
  }
  for (const Side side : {Side::Socket, Side::Plug}) {
    addEffects(plan, side, objectOf(side, socket), std::move(objects[side]),
               "apply the " + std::string(api::nameOf(side)) + "'s result resources", true);
  }
  std::vector<api::InventoryEntry> kept;
  for (const api::InventoryEntry& entry : inventory) {
    const bool isNamed =
        std::any_of(named.begin(), named.end(),
                    [&](const api::InventoryEntry& other) { return other.isSameObject(entry); });
    if (isNamed) {
      kept.push_back(entry);
    } else {
      plan.actions.push_back({Prune{entry, userOf(objectOf(entry.side, socket))}, entry.side,
                              "remove what the coupling does not make any more"});
    }
  }

  Value status = status_;
  Value& coupling = status.edit("coupling");
  coupling.erase("event");
  coupling.erase("delivered");
  coupling.set("inputs", inputs(agreement, lookup));
  if (kept.empty()) {
    status.erase("resources");
  } else {
    status.set("resources", api::printInventory(kept));
  }
  status.set("coupledSocket", printReference(socket));
  status.set(
      "coupledResult",
      Value::object({{"plug", agreement.schema.withoutSensitive(Schema::Part::Result, Side::Plug,
                                                                results->result.plug)},
                     {"socket", agreement.schema.withoutSensitive(
                                    Schema::Part::Result, Side::Socket, results->result.socket)},
                     {"observedGeneration", generation_}}));
  if (agreement.version.empty()) {
    status.erase("interfaceVersion");
  } else {
    status.set("interfaceVersion", agreement.version);
  }
  setPlugConditions(status, Reason::CouplingSucceeded, standardMessage(Reason::CouplingSucceeded),
                    generation_, snapshot_.now);
  plan.actions.push_back(
      {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
  plan.actions.push_back({WriteStatus{}, Side::Plug, "record the coupling"});
  const std::string verb = event == Event::Coupled ? "coupled to " : "updated the coupling to ";
  addNotice(plan, Side::Plug, false, api::reasonOf(Side::Plug, event),
            verb + "socket " + kube::api::keyOf(socket).print());
  addNotice(plan, Side::Socket, false, api::reasonOf(Side::Socket, event),
            (event == Event::Coupled ? "coupled plug " : "updated the coupling to plug ") +
                kube::api::keyOf(plug_).print());
  for (const Input& input : lookup.inputs()) plan.watched.push_back(input.ref);
  plan.payload = digestOf(plug_, socket, agreement, configs, *results);
  plan.pace = Pace{.delivered = {}, .disturbed = {}, .inARow = snapshot_.pace.inARow};
  return plan;
}

Plan PlugDecision::holdBack(Lookup& lookup, const UpdateDue& due,
                            const std::vector<std::string>& changed) {
  constexpr std::size_t kMostNames = 3;
  std::string names;
  for (std::size_t i = 0; i < std::min(changed.size(), kMostNames); ++i) {
    names.append(names.empty() ? "" : ", ").append(changed[i]);
  }
  if (changed.size() > kMostNames) names += ", …";
  const auto pause =
      std::chrono::duration_cast<std::chrono::seconds>(due.at - *snapshot_.pace.delivered);
  const std::string message = "the coupling was updated " + std::to_string(snapshot_.pace.inARow) +
                              " times in a row and is due again, for " + names +
                              " changed: its own effects seem to change what it reads; it is "
                              "updated " +
                              std::to_string(pause.count()) + "s after the last time";
  Plan plan = wait(lookup, Reason::Flapping, message);
  if (!plan.needs.empty()) return plan;
  if (snapshot_.pace.inARow == kFreeUpdates && !snapshot_.pace.disturbed) {
    addNotice(plan, Side::Plug, true, std::string(api::nameOf(Reason::Flapping)),
              lookup.masker().mask(message));
  }
  plan.pace = due.held;
  plan.requeueAfter = due.at - snapshot_.now;
  return plan;
}

}  // namespace iop::operators::coupling
