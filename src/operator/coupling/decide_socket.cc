#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/apparatus_pod.h"
#include "operator/coupling/decision.h"
#include "operator/coupling/fit.h"

namespace iop::operators::coupling {
namespace {

using api::Event;
using api::Reason;
using api::Side;

// What is wrong with the socket's own spec, in words; empty if nothing.
std::string problemOf(const SocketSnapshot& snapshot) {
  const Value& socket = snapshot.socket;
  if (api::interfaceOf(socket) && api::hasInlineSchema(socket)) {
    return "spec.interface has both a schema and a reference to an Interface object: only one of "
           "them is allowed";
  }
  if (const auto schema = Schema::parse(socket["spec"]["interface"], "spec.interface"); !schema) {
    return schema.error().message;
  }
  std::string message;
  if (judgeNamespace(socket, "", message) == NamespaceVerdict::RuleInvalid) return message;
  for (const char* list : {"resources", "resultResources"}) {
    if (const auto actions = api::parseActions(socket["spec"][list], std::string("spec.") + list);
        !actions) {
      return actions.error().message;
    }
  }
  return {};
}

std::string plugs(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " plug" : " plugs");
}

void addStatus(Plan& plan, Value status) {
  plan.actions.push_back(
      {Mark{Mark::Kind::Replace, Side::Socket, std::move(status)}, Side::Socket, {}});
}

// The coupled plugs and the conditions that follow from them.
Value statusOf(const SocketSnapshot& snapshot) {
  const Value& socket = snapshot.socket;
  Value status = socket["status"].isObject() ? socket["status"] : Value::object();
  std::vector<Value> listed;
  for (const Value& plug : snapshot.coupledPlugs) {
    if (listed.size() == kMaxListedPlugs) break;
    listed.push_back(printReference(plug));
  }
  status.set("coupledPlugs", Value::fromItems(listed));
  status.set("coupledPlugCount", snapshot.coupledPlugs.size());

  const std::size_t count = snapshot.coupledPlugs.size();
  const std::string problem = problemOf(snapshot);
  const std::int64_t generation = kube::api::generationOf(socket);
  if (kube::api::isBeingDeleted(socket) &&
      api::deletionPolicyOf(socket) == api::DeletionPolicy::Block) {
    setSocketConditions(status, Reason::DeletionBlocked,
                        "deletion waits until " + plugs(snapshot.attachedPlugs) +
                            (snapshot.attachedPlugs == 1 ? " is" : " are") +
                            " decoupled (spec.deletionPolicy is Block)",
                        false, generation, snapshot.now);
  } else if (kube::api::isBeingDeleted(socket)) {
    setSocketConditions(status, Reason::SocketTerminating,
                        "waiting for " + plugs(snapshot.attachedPlugs) + " to be decoupled", false,
                        generation, snapshot.now);
  } else if (!problem.empty()) {
    setSocketConditions(status, Reason::Error, problem, false, generation, snapshot.now);
  } else {
    setSocketConditions(status, count == 0 ? Reason::SocketEmpty : Reason::SocketCoupled,
                        plugs(count) + " coupled", true, generation, snapshot.now);
  }
  return status;
}

// Delivers `created` or `deleted` to the socket's own side. False where something has to be fetched
// first, or its apparatus (plan.failure).
bool addOwnEvent(Plan& plan, Lookup& lookup, const SocketSnapshot& snapshot, Event event,
                 Status& outcome) {
  const Value& socket = snapshot.socket;
  std::vector<RenderedObject> objects;
  const auto actions = api::parseActions(socket["spec"]["resources"], "spec.resources");
  auto rendered = actions ? renderActions(lookup, Side::Socket, socket, *actions, event,
                                          Value::object({{"socket", socket}}))
                          : tl::unexpected<Error>(actions.error());
  if (!lookup.needs().empty()) {
    plan.needs = std::move(lookup.needs());
    return false;
  }
  auto endpoint = endpointOf(Side::Socket, socket, snapshot.debugEndpoint, snapshot.clusterDomain);
  if (isManaged(socket, snapshot.debugEndpoint)) {
    if (!snapshot.apparatus) {
      plan.needs.apparatuses.insert(Side::Socket);
      return false;
    }
    if (!*snapshot.apparatus) {
      const Error& trouble = snapshot.apparatus->error();
      if (!isPassedOver(plan, trouble)) {
        plan.failure = trouble;
        return false;
      }
      lookup.skip(trouble.message);
      endpoint.reset();
    }
  }
  if (rendered) {
    objects = std::move(*rendered);
  } else {
    outcome = tl::unexpected<Error>(rendered.error());
  }
  addDelivery(plan, {Side::Socket, socket, event, endpoint, lifecycleBody(Side::Socket, socket),
                     idempotencyKey({kube::api::uidOf(socket), api::nameOf(event)}),
                     std::move(objects), false});
  return true;
}

// What an event that its apparatus cannot take yet leaves in the status.
Plan waitForApparatus(Plan plan, const SocketSnapshot& snapshot) {
  if (!plan.failure) return plan;
  const bool isStarting = plan.failure->cause == kApparatusStarting;
  const Reason reason = isStarting || plan.failure->cause == kApparatusNotRunning
                            ? Reason::ApparatusNotReady
                            : Reason::Error;
  Value status = statusOf(snapshot);
  setSocketConditions(status, reason, plan.masker.mask(plan.failure->message), false,
                      kube::api::generationOf(snapshot.socket), snapshot.now);
  addStatus(plan, std::move(status));
  if (isStarting) plan.failure.reset();  // its pod wakes us
  return plan;
}

// A lookup that knows already which values of the spec must not be shown.
Lookup lookUp(const SocketSnapshot& snapshot, const Snapshot& resources,
              Lookup::Tolerance tolerance) {
  Lookup lookup(resources, tolerance);
  std::map<ObjectKey, Value> interfaces;
  if (const auto key = api::interfaceOf(snapshot.socket)) interfaces[*key] = snapshot.interface;
  noteSensitiveSpecs(lookup.masker(), Value(), snapshot.socket, interfaces);
  return lookup;
}

Plan deleteSocket(const SocketSnapshot& snapshot, const Snapshot& resources) {
  Plan plan;
  if (!kube::api::hasFinalizer(snapshot.socket, api::kFinalizer)) return plan;
  const bool force = api::isForceDeleted(snapshot.socket);
  if (snapshot.attachedPlugs > 0 && !force) {
    addStatus(plan, statusOf(snapshot));
    return plan;
  }
  plan.tolerant = true;
  plan.force = force;
  Lookup lookup =
      lookUp(snapshot, resources, force ? Lookup::Tolerance::Force : Lookup::Tolerance::Teardown);
  plan.masker = lookup.masker();
  Status outcome;
  if (!addOwnEvent(plan, lookup, snapshot, Event::Deleted, outcome)) {
    return waitForApparatus(std::move(plan), snapshot);
  }
  if (!outcome && !lookup.passesOver(outcome.error())) {
    plan.failure = outcome.error();
    plan.actions.clear();
    return waitForApparatus(std::move(plan), snapshot);
  }
  if (!outcome) lookup.skip(outcome.error().message);
  for (const std::string& what : lookup.skipped()) {
    addNotice(plan, Side::Socket, true, std::string(api::nameOf(Reason::Error)),
              plan.masker.mask("deletion goes on without: " + what));
  }
  addNotice(plan, Side::Socket, false, api::reasonOf(Side::Socket, Event::Deleted),
            "socket deleted");
  plan.actions.push_back({RemoveFinalizer{}, Side::Socket, "remove the finalizer"});
  return plan;
}

Plan createSocket(const SocketSnapshot& snapshot, const Snapshot& resources) {
  Plan plan;
  Lookup lookup = lookUp(snapshot, resources, Lookup::Tolerance::None);
  plan.masker = lookup.masker();
  Status outcome;
  if (!addOwnEvent(plan, lookup, snapshot, Event::Created, outcome)) {
    return waitForApparatus(std::move(plan), snapshot);
  }
  const std::string problem =
      plan.masker.mask(outcome ? problemOf(snapshot) : outcome.error().message);
  if (!outcome && outcome.error().isRetriable() && !outcome.error().isNotFound())
    plan.failure = outcome.error();
  if (!problem.empty()) {
    plan.actions.clear();
    Value status = statusOf(snapshot);
    setSocketConditions(status, Reason::Error, problem, false,
                        kube::api::generationOf(snapshot.socket), snapshot.now);
    const Value& before = api::findCondition(snapshot.socket["status"], api::condition::kFailed);
    if (before["message"].asString() != problem || before["status"].asString() != "True") {
      addNotice(plan, Side::Socket, true, std::string(api::nameOf(Reason::Error)), problem);
    }
    addStatus(plan, std::move(status));
    if (lookup.lacksKind()) plan.requeueAfter = kUnknownKindPause;
    return plan;
  }
  const bool hasEffects = !plan.actions.empty();
  if (hasEffects) {
    Value status = statusOf(snapshot);
    setSocketConditions(status, Reason::SocketCreated, standardMessage(Reason::SocketCreated),
                        false, kube::api::generationOf(snapshot.socket), snapshot.now);
    addStatus(plan, std::move(status));
  }
  plan.actions.push_back({Mark{Mark::Kind::Created, Side::Socket, {}}, Side::Socket, {}});
  if (hasEffects)
    plan.actions.push_back({WriteStatus{}, Side::Socket, "record that created was delivered"});
  addNotice(plan, Side::Socket, false, api::reasonOf(Side::Socket, Event::Created),
            standardMessage(Reason::SocketCreated));
  plan.again = true;
  return plan;
}

}  // namespace

Plan decideSocket(const SocketSnapshot& snapshot) {
  const Value& socket = snapshot.socket;
  Snapshot resources;  // what templates of the socket's own events may ask for
  resources.resources = snapshot.resources;
  resources.now = snapshot.now;

  if (kube::api::isBeingDeleted(socket)) return deleteSocket(snapshot, resources);
  Plan plan;
  if (!kube::api::hasFinalizer(socket, api::kFinalizer)) {
    plan.actions.push_back({AddFinalizer{}, Side::Socket, "add the finalizer"});
    plan.again = true;
    return plan;
  }
  if (!socket["status"]["coupling"]["created"].asBool()) return createSocket(snapshot, resources);
  Value status = statusOf(snapshot);
  const Value& failed = api::findCondition(status, api::condition::kFailed);
  const Value& before = api::findCondition(socket["status"], api::condition::kFailed);
  if (failed["status"].asString() == "True" && failed["message"] != before["message"]) {
    addNotice(plan, Side::Socket, true, std::string(api::nameOf(Reason::Error)),
              failed["message"].toString());
  }
  addStatus(plan, std::move(status));
  return plan;
}

}  // namespace iop::operators::coupling
