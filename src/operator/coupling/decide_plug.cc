#include <algorithm>
#include <tuple>

#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/apparatus_pod.h"
#include "operator/coupling/decision.h"

namespace iop::operators::coupling {
namespace {

using api::Event;
using api::Reason;
using api::Side;
using kube::api::keyOf;

// How long a plug gives way for each older one that nobody has looked at yet, and in all.
constexpr std::chrono::milliseconds kGiveWay{50};
constexpr std::chrono::milliseconds kLongestGiveWay{2000};

// Positions in a line are told up to here: a long line must not be written anew for each step.
constexpr std::int64_t kMostPositions = 20;

bool isOlder(const Rival& rival, const Value& plug) {
  const ObjectKey key = keyOf(plug);
  return std::make_tuple(std::string_view(rival.creationTimestamp), std::cref(rival.key)) <
         std::make_tuple(plug["metadata"]["creationTimestamp"].asString(), std::cref(key));
}

std::string debugEndpointOf(const Snapshot& snapshot, Side side) {
  const auto found = snapshot.debugEndpoints.find(side);
  return found == snapshot.debugEndpoints.end() ? std::string() : found->second;
}

}  // namespace

PlugDecision::PlugDecision(const Snapshot& snapshot)
    : snapshot_(snapshot),
      plug_(snapshot.plug),
      status_(snapshot.plug["status"]),
      progress_(progressOf(snapshot.plug)),
      generation_(kube::api::generationOf(snapshot.plug)) {}

Plan PlugDecision::run() {
  if (kube::api::isBeingDeleted(plug_)) {
    if (!kube::api::hasFinalizer(plug_, api::kFinalizer)) return {};
    return progress_.socketUid.empty() ? finishDeletion() : decouple();
  }
  if (!kube::api::hasFinalizer(plug_, api::kFinalizer)) {
    Plan plan;
    plan.actions.push_back({AddFinalizer{}, Side::Plug, "add the finalizer"});
    plan.again = true;
    return plan;
  }
  if (!progress_.created) return deliverCreated();
  // A decoupling that was begun is ended, whatever became of its reason.
  const bool isDecoupling = progress_.event == Event::Decoupled;
  if (!progress_.socketUid.empty() && (isDecoupling || !reasonToDecouple().empty())) {
    return isDeletedWithSocket() ? deleteSelf() : decouple();
  }
  if (auto plan = waitForSocket()) return std::move(*plan);
  return coupleOrUpdate();
}

Plan PlugDecision::withStatus(Value status) {
  Plan plan;
  plan.actions.push_back(
      {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
  return plan;
}

Plan PlugDecision::wait(Lookup& lookup, Reason reason, const std::string& message, Side whose) {
  Plan plan;
  if (!lookup.needs().empty()) {
    plan.needs = std::move(lookup.needs());
    return plan;
  }
  Value status = status_.isObject() ? status_ : Value::object();
  const std::string text =
      lookup.masker().mask(message.empty() ? standardMessage(reason) : message);
  setPlugConditions(status, reason, text, generation_, snapshot_.now);
  plan = withStatus(std::move(status));
  const Value& before = api::findCondition(status_, api::condition::kCoupled);
  const bool isNews =
      before["reason"].asString() != api::nameOf(reason) || before["message"].asString() != text;
  if (api::isFailure(reason) && isNews) {
    addNotice(plan, Side::Plug, true, std::string(api::nameOf(reason)), text);
    if (whose == Side::Socket) {
      addNotice(plan, Side::Socket, true, std::string(api::nameOf(reason)),
                "plug " + keyOf(plug_).print() + ": " + text);
    }
  }
  plan.masker = lookup.masker();
  for (const auto& [ref, content] : snapshot_.contents) plan.watched.push_back(ref);
  if (lookup.lacksKind()) plan.requeueAfter = kUnknownKindPause;
  return plan;
}

Plan PlugDecision::cannotRender(Lookup& lookup, const Error& error, Side whose) {
  Plan plan = wait(lookup, Reason::Error, error.message, whose);
  if (plan.needs.empty() && error.isRetriable() && !error.isNotFound()) plan.failure = error;
  return plan;
}

Lookup PlugDecision::lookUp(Lookup::Tolerance tolerance) const {
  Lookup lookup(snapshot_, tolerance);
  const Value& socket =
      snapshot_.coupledSocket.isNull() ? snapshot_.socket : snapshot_.coupledSocket;
  noteSensitiveSpecs(lookup.masker(), plug_, socket, snapshot_.interfaces);
  return lookup;
}

Plan PlugDecision::fromSourceError(Lookup& lookup, const SourceError& error) {
  Plan plan = wait(lookup, error.reason, error.error.message, error.side);
  // What an API server or an apparatus could not answer is asked again; all else is watched.
  const Code code = error.error.code;
  if (plan.needs.empty() && error.error.isRetriable() && code != Code::NotFound) {
    plan.failure = error.error;
    if (error.error.cause == kApparatusNotRunning) {
      plan = wait(lookup, Reason::ApparatusNotReady, error.error.message);
      plan.failure = error.error;
    }
  }
  return plan;
}

Plan PlugDecision::deliverCreated() {
  Lookup lookup = lookUp();
  const Value scope = Value::object({{"plug", plug_}});
  Result<std::vector<RenderedObject>> objects =
      render(lookup, Side::Plug, "resources", Event::Created, scope);
  Plan plan;
  if (!lookup.needs().empty()) {
    plan.needs = std::move(lookup.needs());
    return plan;
  }
  if (!objects) return cannotRender(lookup, objects.error(), Side::Plug);
  if (auto waiting = waitForApparatus(lookup, {Side::Plug})) return std::move(*waiting);

  const auto endpoint = endpointOf(snapshot_, Side::Plug, plug_);
  const bool hasEffects = endpoint || !objects->empty();
  plan.masker = lookup.masker();
  addDelivery(plan,
              {Side::Plug, plug_, Event::Created, endpoint, lifecycleBody(Side::Plug, plug_),
               idempotencyKey({kube::api::uidOf(plug_), "created"}), std::move(*objects), false});
  if (hasEffects) {
    Value status = status_.isObject() ? status_ : Value::object();
    setPlugConditions(status, Reason::PlugCreated, standardMessage(Reason::PlugCreated),
                      generation_, snapshot_.now);
    plan.actions.push_back(
        {Mark{Mark::Kind::Replace, Side::Plug, std::move(status)}, Side::Plug, {}});
  }
  plan.actions.push_back({Mark{Mark::Kind::Created, Side::Plug, {}}, Side::Plug, {}});
  if (hasEffects)
    plan.actions.push_back({WriteStatus{}, Side::Plug, "record that created was delivered"});
  addNotice(plan, Side::Plug, false, api::reasonOf(Side::Plug, Event::Created),
            standardMessage(Reason::PlugCreated));
  plan.again = true;
  return plan;
}

std::string PlugDecision::reasonToDecouple() const {
  const std::string name = "socket " + progress_.socketKey.print();
  if (api::socketOf(plug_) != progress_.socketKey) return "the plug names another socket";
  const Value& socket = snapshot_.coupledSocket;
  if (socket.isNull()) return name + " is gone";
  if (kube::api::isBeingDeleted(socket) && !isHeldBy(socket)) return name + " is being deleted";
  std::string message;
  if (judgeNamespace(socket, kube::api::namespaceOf(plug_), message) == NamespaceVerdict::Refused)
    return message;
  // Only a change of a spec can undo what once fitted: an Interface that has gone fails the next
  // update instead.
  bool specsChanged = false;
  for (const Input& input : parseInputs(status_["coupling"]["inputs"])) {
    if (!isCoupledItself(input.ref)) continue;
    const bool isPlug = input.ref.kind.kind == "Plug";
    const bool isSocket = input.ref.kind.kind == "Socket";
    if (isPlug) specsChanged |= input.version.version != std::to_string(generation_);
    if (isSocket)
      specsChanged |= input.version.version != std::to_string(kube::api::generationOf(socket));
  }
  if (!specsChanged) return {};
  const auto agreement =
      negotiate(plug_, socket, snapshot_.interfaces, status_["interfaceVersion"].asString());
  return !agreement && agreement.error().bySpec ? agreement.error().message : std::string();
}

std::optional<Plan> PlugDecision::waitForSocket() {
  Lookup lookup = lookUp();
  const Value& socket = snapshot_.socket;
  const std::string name = "socket " + api::socketOf(plug_).print();
  if (socket.isNull()) return wait(lookup, Reason::SocketNotCreated, {});
  if (kube::api::isBeingDeleted(socket) && !isHeldBy(socket))
    return wait(lookup, Reason::SocketTerminating, name + " is being deleted");
  std::string message;
  if (judgeNamespace(socket, kube::api::namespaceOf(plug_), message) != NamespaceVerdict::Allowed) {
    return wait(lookup, Reason::NamespaceNotAllowed, message);
  }
  // Its code hears of the socket before it hears of plugs.
  if (progress_.socketUid.empty() && !socket["status"]["coupling"]["created"].asBool() &&
      endpointOf(snapshot_, Side::Socket, socket)) {
    const Value& its = api::findCondition(socket["status"], api::condition::kCoupled)["message"];
    return wait(lookup, Reason::ApparatusNotReady,
                name + " waits for its apparatus to take the event created" +
                    (its.empty() ? std::string() : ": " + its.toString()));
  }
  return std::nullopt;
}

std::optional<Error> PlugDecision::apparatusTrouble(Lookup& lookup, Side side) const {
  const Value& socket =
      snapshot_.coupledSocket.isNull() ? snapshot_.socket : snapshot_.coupledSocket;
  if (!isManaged(objectOf(side, socket), debugEndpointOf(snapshot_, side))) return std::nullopt;
  const auto known = snapshot_.apparatuses.find(side);
  if (known == snapshot_.apparatuses.end()) {
    lookup.needs().apparatuses.insert(side);
    return std::nullopt;
  }
  return known->second ? std::nullopt : std::optional(known->second.error());
}

std::optional<Plan> PlugDecision::waitForApparatus(Lookup& lookup, const std::set<Side>& sides) {
  std::optional<Error> trouble;
  for (const Side side : sides) {
    std::optional<Error> its = apparatusTrouble(lookup, side);
    if (its && !trouble) trouble = std::move(its);
  }
  if (!trouble && lookup.needs().empty()) return std::nullopt;
  if (!trouble) return wait(lookup, Reason::ApparatusNotReady, {});
  const bool isStarting = trouble->cause == kApparatusStarting;
  const bool isAway = isStarting || trouble->cause == kApparatusNotRunning;
  Plan plan = wait(lookup, isAway ? Reason::ApparatusNotReady : Reason::Error, trouble->message);
  if (plan.needs.empty() && !isStarting) {
    plan.failure = std::move(trouble);
    // What only a change of rights mends is not watched, so it is tried again as well.
    if (!plan.failure->isRetriable()) plan.failure->code = Code::InternalError;
  }
  return plan;
}

bool PlugDecision::isHeldBy(const Value& socket) const {
  return api::deletionPolicyOf(socket) == api::DeletionPolicy::Block &&
         !api::isForceDeleted(socket) && kube::api::uidOf(socket) == progress_.socketUid;
}

bool PlugDecision::isDeletedWithSocket() const {
  const Value& socket = snapshot_.coupledSocket;
  return kube::api::isBeingDeleted(socket) && api::socketOf(plug_) == progress_.socketKey &&
         api::deletionPolicyOf(socket) == api::DeletionPolicy::DeletePlugs;
}

// First of all: once the plug is decoupled, nothing says any more that it was coupled.
Plan PlugDecision::deleteSelf() {
  Plan plan;
  plan.actions.push_back({DeleteSelf{}, Side::Plug,
                          "delete the plug with socket " + progress_.socketKey.print() +
                              " (its deletionPolicy is DeletePlugs)"});
  plan.again = true;
  return plan;
}

std::optional<PlugDecision::Line> PlugDecision::line() const {
  const std::int64_t limit = snapshot_.socket["spec"]["limit"].asInt();
  if (limit <= 0 || !progress_.socketUid.empty()) return std::nullopt;
  Line line{.limit = limit};
  for (const Rival& rival : snapshot_.rivals) {
    if (rival.state == Rival::State::Placed) ++line.placed;
    if (!isOlder(rival, plug_)) continue;
    if (rival.state == Rival::State::Queued) ++line.queuedAhead;
    if (rival.state == Rival::State::Undecided) ++line.undecidedAhead;
  }
  return line;
}

std::optional<Plan> PlugDecision::giveWay() const {
  const std::optional<Line> line = this->line();
  if (!line) return std::nullopt;
  const std::int64_t left = line->limit - line->placed - line->queuedAhead;
  if (left <= 0 || left > line->undecidedAhead) return std::nullopt;
  Plan plan;
  // The more are ahead, the longer it takes them: a long line must not look around all the time.
  plan.requeueAfter = std::min(kGiveWay * line->undecidedAhead, kLongestGiveWay);
  for (const auto& [ref, content] : snapshot_.contents) plan.watched.push_back(ref);
  return plan;
}

std::optional<Plan> PlugDecision::waitForPlace() {
  if (auto plan = giveWay()) return plan;
  const std::optional<Line> line = this->line();
  if (!line) return std::nullopt;
  const std::int64_t ahead = line->queuedAhead + line->undecidedAhead;
  if (line->limit - line->placed > ahead) return std::nullopt;
  Lookup lookup = lookUp();
  const std::string position = ahead < kMostPositions
                                   ? "number " + std::to_string(ahead + 1) + " in line"
                                   : "more than " + std::to_string(kMostPositions) + " are ahead";
  return wait(lookup, Reason::SocketFull,
              "socket " + keyOf(snapshot_.socket).print() +
                  " is full: " + std::to_string(line->placed) + " of " +
                  std::to_string(line->limit) + " places are taken; " + position);
}

Result<std::vector<RenderedObject>> PlugDecision::render(Lookup& lookup, Side side,
                                                         std::string_view list,
                                                         std::optional<Event> event,
                                                         const Value& scope) const {
  const Value& own = side == Side::Plug ? plug_ : scope["socket"];
  ASSIGN_OR_RETURN(const std::vector<api::ResourceAction> actions,
                   api::parseActions(own["spec"][list], "spec." + std::string(list))
                       .map_error(addContext(std::string(api::nameOf(side)))));
  return renderActions(lookup, side, own, actions, event, scope);
}

Value PlugDecision::ownInput(const Value& object, Side side) const {
  const GroupVersionKind kind{std::string(api::kGroup), std::string(api::kVersion),
                              object["kind"].toString()};
  return printInputs({{side,
                       {kind, keyOf(object), {}},
                       {std::string(kube::api::uidOf(object)),
                        std::to_string(kube::api::generationOf(object))}}})
      .at(0);
}

Value PlugDecision::inputs(const Agreement& agreement, const Lookup& lookup) const {
  Value list =
      Value::array({ownInput(plug_, Side::Plug), ownInput(snapshot_.socket, Side::Socket)});
  if (agreement.interface)
    list.push(ownInput(snapshot_.interfaces.at(*agreement.interface), Side::Socket));
  const Value looked = printInputs(lookup.inputs());
  for (const Value& item : looked.items()) list.push(item);
  return list;
}

Plan decidePlug(const Snapshot& snapshot) { return PlugDecision(snapshot).run(); }

}  // namespace iop::operators::coupling
