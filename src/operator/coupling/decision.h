#pragma once

// The parts of decidePlug(), private to this folder. See decide.h.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/api/spec.h"
#include "operator/coupling/decide.h"
#include "operator/coupling/fit.h"
#include "operator/coupling/lookup.h"
#include "operator/coupling/pace.h"
#include "operator/coupling/plan.h"
#include "operator/coupling/sources.h"
#include "operator/coupling/status.h"

namespace iop::operators::coupling {

// Adds the actions that deliver an event to one object's own side.
struct Delivery {
  api::Side side;
  const Value& own;
  api::Event event;
  std::optional<std::string> endpoint;
  Value body;
  std::string idempotencyKey;
  std::vector<RenderedObject> objects;
  bool inInventory = false;
};
void addDelivery(Plan& plan, Delivery delivery);
void addEffects(Plan& plan, api::Side side, const Value& own, std::vector<RenderedObject> objects,
                const std::string& attempt, bool inInventory,
                std::optional<api::Event> event = std::nullopt);
void addNotice(Plan& plan, api::Side side, bool warning, std::string reason, std::string message);
std::string userOf(const Value& own);
// A stable key for an event of a coupling.
std::string idempotencyKey(std::initializer_list<std::string_view> parts);
// Entries of `fresh` that are not in `inventory` are added to it; true if there were any. `retain`
// follows `fresh`.
bool mergeInventory(std::vector<api::InventoryEntry>& inventory,
                    const std::vector<api::InventoryEntry>& fresh);
std::vector<api::InventoryEntry> entriesOf(const std::vector<RenderedObject>& objects);

class PlugDecision {
 public:
  explicit PlugDecision(const Snapshot& snapshot);

  Plan run();

 private:
  // A wait, or a failure of the spec: the condition says so, and nothing is done until something
  // changes. What is wrong on the socket's side (`whose`) is told on both objects.
  Plan wait(Lookup& lookup, api::Reason reason, const std::string& message,
            api::Side whose = api::Side::Plug);
  // A failure of a template, or of finding the kind of what it makes.
  Plan cannotRender(Lookup& lookup, const Error& error, api::Side whose);
  Plan fromSourceError(Lookup& lookup, const SourceError& error);
  Plan withStatus(Value status);
  // A lookup that knows already which values of the specs must not be shown.
  Lookup lookUp(Lookup::Tolerance tolerance = Lookup::Tolerance::None) const;
  Lookup::Tolerance teardownTolerance() const {
    return api::isForceDeleted(plug_) ? Lookup::Tolerance::Force : Lookup::Tolerance::Teardown;
  }

  Plan deliverCreated();
  // The reason to decouple a coupling that was begun, in words; empty if there is none.
  std::string reasonToDecouple() const;
  // The socket is being deleted, but stays while this plug is coupled to it (Block).
  bool isHeldBy(const Value& socket) const;
  // The socket is being deleted and takes its plugs along (DeletePlugs).
  bool isDeletedWithSocket() const;
  Plan deleteSelf();
  Plan decouple();
  Plan finishDeletion();
  void addDecoupling(Plan& plan, Lookup& lookup);
  // Whether a side's managed apparatus can be called, or shall be done without (then it is
  // silenced); if not, plan.failure says why.
  bool readyForTeardown(Plan& plan, Lookup& lookup, api::Side side) const;
  std::optional<std::string> audibleEndpoint(const Lookup& lookup, api::Side side,
                                             const Value& own) const;
  // A teardown that has to wait for what plan.failure says.
  Plan waitForTeardown(Plan plan) const;

  // The waiting rules, in their order; nothing if all of them say yes.
  std::optional<Plan> waitForSocket();
  std::optional<Plan> waitForPlace();
  // Where the plug stands in the line for a limited socket; nothing if it needs no place.
  struct Line {
    std::int64_t limit = 0;
    std::int64_t placed = 0;
    std::int64_t queuedAhead = 0;
    std::int64_t undecidedAhead = 0;
  };
  std::optional<Line> line() const;
  // Looks again later, if it depends on older plugs that nobody has looked at yet.
  std::optional<Plan> giveWay() const;
  // Why the managed apparatus of a side cannot be called; nothing if it can, or is none.
  std::optional<Error> apparatusTrouble(Lookup& lookup, api::Side side) const;
  // Nothing if the managed apparatuses of these sides can be called.
  std::optional<Plan> waitForApparatus(Lookup& lookup, const std::set<api::Side>& sides);

  Plan coupleOrUpdate();
  bool isSteady(Needs& needs) const;
  Plan deliver(Lookup& lookup, const Agreement& agreement, Sources& sources, const Configs& configs,
               api::Event event);
  Plan finish(Lookup& lookup, const Agreement& agreement, Sources& sources, const Configs& configs);

  // An update that follows too many others waits for its time; `changed` names what has changed.
  Plan holdBack(Lookup& lookup, const UpdateDue& due, const std::vector<std::string>& changed);

  Value ownInput(const Value& object, api::Side side) const;
  // The inputs of a coupling: the specs, the Interface, and what was looked up.
  Value inputs(const Agreement& agreement, const Lookup& lookup) const;
  Result<std::vector<RenderedObject>> render(Lookup& lookup, api::Side side, std::string_view list,
                                             std::optional<api::Event> event,
                                             const Value& scope) const;

  const Value& objectOf(api::Side side, const Value& socket) const {
    return side == api::Side::Plug ? snapshot_.plug : socket;
  }

  const Snapshot& snapshot_;
  const Value& plug_;
  const Value& status_;
  Progress progress_;
  std::int64_t generation_;
};

// A digest that differs when what is handed to the two sides does. Only ever kept in memory: it
// covers secrets.
std::string digestOf(const Value& plug, const Value& socket, const Agreement& agreement,
                     const Configs& configs, const Results& results);

}  // namespace iop::operators::coupling
