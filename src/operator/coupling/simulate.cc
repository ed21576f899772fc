#include "operator/coupling/simulate.h"

#include <algorithm>
#include <optional>
#include <set>

#include "kube/api/object.h"
#include "operator/api/conditions.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus.h"
#include "operator/coupling/decide.h"
#include "operator/coupling/deferred.h"
#include "operator/coupling/fit.h"
#include "operator/coupling/simulated_world.h"
#include "operator/coupling/sources.h"
#include "operator/coupling/status.h"
#include "text/base64.h"
#include "text/json.h"

namespace iop::operators::coupling {
namespace {

using api::Side;
using kube::api::keyOf;

// Decisions on one object in a row, and looks at all objects, before it is said that there is no
// end to it.
constexpr int kMaxPasses = 40;
constexpr int kMaxRounds = 30;

GroupVersionKind ourKind(std::string_view kind) {
  return {std::string(api::kGroup), std::string(api::kVersion), std::string(kind)};
}

// Hides what nobody shall read in a simulation.
class Cover {
 public:
  void addSensitive(const Masker& masker) { sensitive_.add(masker); }

  void addSecret(const Value& secret) {
    for (const Member& member : secret["data"].members()) {
      const auto plain = text::decodeBase64(member.value.asString());
      if (plain && !plain->empty()) addSecretText(*plain);
    }
  }

  std::string text(const std::string& text) const {
    if (short_.contains(text)) return std::string(kMark);
    return secrets_.mask(sensitive_.mask(text));
  }

  Value tree(const Value& value) const {
    if (value.isString()) return text(value.toString());
    if (value.isArray()) {
      std::vector<Value> items;
      for (const Value& item : value.items()) items.push_back(tree(item));
      return Value::fromItems(items);
    }
    if (!value.isObject()) return value;
    std::vector<Member> members;
    for (const Member& member : value.members())
      members.emplace_back(sensitive_.mask(std::string(member.key())), tree(member.value));
    return Value::fromMembers(members);
  }

  // What says which object it is stays readable where a Secret happens to have the same words.
  Value object(const Value& object) const {
    Value out = tree(object);
    for (const char* field : {"apiVersion", "kind"}) out.set(field, object[field]);
    for (const char* field : {"name", "namespace"}) {
      const Value& name = object["metadata"][field];
      if (name.isString()) out.edit("metadata").set(field, sensitive_.mask(name.toString()));
    }
    if (object["kind"].asString() != "Secret") return out;
    for (const Member& member : object["data"].members()) {
      const auto plain = text::decodeBase64(member.value.asString());
      if (plain && text(*plain) != *plain) out.edit("data").set(member.key(), kMark);
    }
    return out;
  }

  static constexpr std::string_view kMark = "[sensitive]";

 private:
  // Shorter ones would be found everywhere: they are hidden only where they stand alone.
  static constexpr std::size_t kShortest = 4;

  void addSecretText(const std::string& plain) {
    if (plain.size() >= kShortest) {
      secrets_.add(plain);
    } else {
      short_.insert(plain);
      short_.insert(text::encodeBase64(plain));
    }
  }

  Masker sensitive_;
  Masker secrets_;
  std::set<std::string> short_;
};

std::string_view nameOf(api::Do what) {
  switch (what) {
    case api::Do::Apply:
      return "apply";
    case api::Do::Delete:
      return "delete";
    case api::Do::Recreate:
      return "recreate";
  }
  return "apply";
}

std::string named(const Value& object) {
  return object["kind"].toString() + " " + keyOf(object).print();
}

SimulatedAction printCall(const Call& call) {
  SimulatedAction out{call.side, std::string(api::nameOf(call.event)), "call", {}, {}, call.url,
                      call.body};
  for (const Side side : api::kSides) {
    const std::string_view name = api::nameOf(side);
    if (out.body[name].isObject()) out.body.set(name, named(out.body[name]));
  }
  return out;
}

SimulatedAction printEffect(const Effect& effect) {
  return {effect.rendered.side,
          effect.event ? std::string(api::nameOf(*effect.event)) : "result",
          std::string(nameOf(effect.rendered.what)),
          effect.rendered.object,
          effect.user,
          {},
          {}};
}

SimulatedAction printPrune(const Prune& prune) {
  const kube::api::ObjectRef& object = prune.entry.object;
  Value metadata = Value::object({{"name", object.name}});
  if (!object.namespaceName.empty()) metadata.set("namespace", object.namespaceName);
  return {prune.entry.side,
          {},
          "remove",
          Value::object(
              {{"apiVersion", object.apiVersion}, {"kind", object.kind}, {"metadata", metadata}}),
          prune.user,
          {},
          {}};
}

// What is known of one plug or socket besides its object.
struct Record {
  std::vector<SimulatedAction> actions;
  Cover cover;
  std::optional<std::string> payload;
  Pace pace;
};

class Simulator {
 public:
  explicit Simulator(const SimulationInput& input) : now_(input.now), world_(input.now) {}

  Status add(const SimulationInput& input) {
    std::vector<Value> objects;
    for (const Value& object : input.objects) flatten(object, 0, objects);
    for (const Value& object : objects) world_.learnKinds(object);
    for (const Value& object : objects) {
      RETURN_IF_ERROR(world_.add(object, input.defaultNamespace));
    }
    return {};
  }

  Simulation run() {
    Simulation out;
    out.rests = false;
    for (int round = 0; round < kMaxRounds && !out.rests; ++round) {
      const std::int64_t before = world_.changes();
      runSockets();
      for (const ObjectKey& key : plugsByAge()) runPlug(key);
      for (const ObjectKey& key : world_.keysOf(ourKind("DeferredResource"))) runDeferred(key);
      out.rests = world_.changes() == before;
    }
    out.rests = out.rests && isAtRest_;
    for (const ObjectKey& key : world_.keysOf(plugKind_)) out.plugs.push_back(tellPlug(key));
    for (const ObjectKey& key : world_.keysOf(socketKind_)) out.sockets.push_back(tellSocket(key));
    return out;
  }

 private:
  static void flatten(const Value& object, int depth, std::vector<Value>& out) {
    constexpr int kMostLevels = 10;
    if (object["kind"].asString() != "List" || depth > kMostLevels) {
      out.push_back(object);
      return;
    }
    for (const Value& item : object["items"].items()) flatten(item, depth + 1, out);
  }

  Value get(const GroupVersionKind& kind, const ObjectKey& key) const {
    const Value* found = world_.find(kind, key);
    return found == nullptr ? Value() : *found;
  }

  std::vector<ObjectKey> plugsByAge() const {
    std::vector<ObjectKey> keys = world_.keysOf(plugKind_);
    const auto age = [&](const ObjectKey& key) {
      return (*world_.find(plugKind_, key))["metadata"]["creationTimestamp"].asString();
    };
    std::stable_sort(keys.begin(), keys.end(),
                     [&](const ObjectKey& a, const ObjectKey& b) { return age(a) < age(b); });
    return keys;
  }

  Snapshot gather(const Value& plug) const {
    Snapshot snapshot;
    snapshot.plug = plug;
    snapshot.now = now_;
    snapshot.socket = get(socketKind_, api::socketOf(plug));
    const Progress progress = progressOf(plug);
    if (!progress.socketUid.empty()) {
      Value recorded = get(socketKind_, progress.socketKey);
      if (kube::api::uidOf(recorded) == progress.socketUid)
        snapshot.coupledSocket = std::move(recorded);
    }
    for (const Value* object : {&snapshot.plug, &snapshot.socket, &snapshot.coupledSocket}) {
      const auto key = api::interfaceOf(*object);
      const Value* interface = key ? world_.find(ourKind("Interface"), *key) : nullptr;
      if (interface != nullptr) snapshot.interfaces[*key] = *interface;
    }
    // Only who is about to take a place looks at the others.
    if (progress.created && progress.socketUid.empty()) gatherRivals(snapshot);
    return snapshot;
  }

  void gatherRivals(Snapshot& snapshot) const {
    if (snapshot.socket["spec"]["limit"].asInt() <= 0) return;
    const ObjectKey socket = keyOf(snapshot.socket);
    const std::string_view uid = kube::api::uidOf(snapshot.socket);
    for (const ObjectKey& key : world_.keysOf(plugKind_)) {
      const Value& plug = *world_.find(plugKind_, key);
      const bool isPlaced = progressOf(plug).socketUid == uid;
      if (key == keyOf(snapshot.plug) || (!isPlaced && api::socketOf(plug) != socket)) continue;
      Rival::State state = Rival::State::Elsewhere;
      const Value& coupled = api::findCondition(plug["status"], api::condition::kCoupled);
      if (isPlaced) {
        state = Rival::State::Placed;
      } else if (coupled["reason"].asString() == api::nameOf(api::Reason::SocketFull)) {
        state = Rival::State::Queued;
      }
      snapshot.rivals.push_back({key, plug["metadata"]["creationTimestamp"].toString(), state});
    }
  }

  void fetch(const Needs& needs, Snapshot& snapshot, Cover& cover) const {
    const Error notFound{Code::NotFound, "not found", {}, 0};
    for (const InputRef& ref : needs.contents) {
      const Value* found = world_.find(ref.kind, ref.key);
      if (found != nullptr && ref.kind.group.empty() && ref.kind.kind == "Secret")
        cover.addSecret(*found);
      snapshot.contents.insert_or_assign(
          ref, found != nullptr ? Result<Value>(*found) : tl::unexpected<Error>(notFound));
    }
    for (const InputRef& ref : needs.versions) {
      const Value* found = world_.find(ref.kind, ref.key);
      snapshot.versions[ref] =
          found == nullptr ? std::nullopt : std::optional(versionOf(snapshot, ref, *found));
    }
    for (const GroupVersionKind& kind : needs.resources)
      snapshot.resources.insert_or_assign(kind, world_.resolve(kind));
    for (const Side side : needs.apparatuses) snapshot.apparatuses.insert_or_assign(side, Status());
    for (const ConfigRequest& request : needs.configs) {
      const Error error{Code::Unreachable,
                        "apparatus " + request.url + ": cannot be asked without a cluster",
                        std::string(kApparatusNotRunning), 0};
      snapshot.configAnswers.insert_or_assign(
          request.side, ConfigAnswer{request.identity, tl::unexpected<Error>(error)});
    }
  }

  // The UID of what was made; empty if nothing was.
  std::string perform(const Effect& effect) {
    const GroupVersionKind kind = effect.rendered.resource.gvk();
    if (effect.rendered.what != api::Do::Apply) world_.remove(kind, keyOf(effect.rendered.object));
    if (effect.rendered.what == api::Do::Delete) return {};
    return world_.apply(effect.rendered.object);
  }

  void carryOut(const Plan& plan, const GroupVersionKind& kind, const ObjectKey& key,
                Record& record) {
    record.cover.addSensitive(plan.masker);
    for (const Action& action : plan.actions) {
      const Value* stored = world_.find(kind, key);
      if (stored == nullptr) return;
      Value subject = *stored;
      if (std::holds_alternative<AddFinalizer>(action.what)) {
        subject.edit("metadata").set("finalizers", Value::array({api::kFinalizer}));
      } else if (std::holds_alternative<RemoveFinalizer>(action.what)) {
        subject.edit("metadata").erase("finalizers");
      } else if (std::holds_alternative<DeleteSelf>(action.what)) {
        world_.remove(kind, key);
        continue;
      } else if (const auto* call = std::get_if<Call>(&action.what)) {
        record.actions.push_back(printCall(*call));
      } else if (const auto* effect = std::get_if<Effect>(&action.what)) {
        record.actions.push_back(printEffect(*effect));
        const std::string uid = perform(*effect);
        stored = world_.find(kind, key);  // it may have been the subject itself
        if (stored == nullptr) return;
        subject = *stored;
        if (effect->inInventory && !uid.empty())
          recordUid(subject.edit("status"), effect->rendered.entry(), uid);
      } else if (const auto* prune = std::get_if<Prune>(&action.what)) {
        const kube::api::ObjectRef& object = prune->entry.object;
        record.actions.push_back(printPrune(*prune));
        world_.remove(kube::api::parseKind(object.apiVersion, object.kind), object.key());
        continue;
      } else if (const auto* mark = std::get_if<Mark>(&action.what)) {
        applyMark(subject.edit("status"), *mark);
      }
      world_.put(subject);
    }
  }

  void runPlug(const ObjectKey& key) {
    Record& record = plugs_[key];
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      const Value* plug = world_.find(plugKind_, key);
      if (plug == nullptr) return;
      Snapshot snapshot = gather(*plug);
      snapshot.deliveredPayload = record.payload;
      snapshot.pace = record.pace;
      Plan plan = decidePlug(snapshot);
      for (int round = 0; !plan.needs.empty() && round < kMaxPasses; ++round) {
        fetch(plan.needs, snapshot, record.cover);
        plan = decidePlug(snapshot);
      }
      carryOut(plan, plugKind_, key, record);
      if (plan.payload)
        record.payload = plan.payload->empty() ? std::nullopt : std::move(plan.payload);
      if (plan.pace) {
        record.pace = *plan.pace;
        if (!record.pace.delivered) record.pace.delivered = now_;
      }
      if (!plan.again) return;
    }
    isAtRest_ = false;
  }

  void runSockets() {
    std::map<std::string, std::vector<Value>> attached;  // plugs, by the socket's UID
    for (const ObjectKey& key : world_.keysOf(plugKind_)) {
      const Value& plug = *world_.find(plugKind_, key);
      if (std::string uid = progressOf(plug).socketUid; !uid.empty())
        attached[std::move(uid)].push_back(plug);
    }
    for (const ObjectKey& key : world_.keysOf(socketKind_)) {
      if (const Value* socket = world_.find(socketKind_, key))
        runSocket(key, attached[std::string(kube::api::uidOf(*socket))]);
    }
  }

  void runSocket(const ObjectKey& key, const std::vector<Value>& attached) {
    SocketSnapshot snapshot;
    snapshot.now = now_;
    snapshot.attachedPlugs = attached.size();
    for (const Value& plug : attached) {
      if (!plug["status"]["coupledSocket"].isNull()) snapshot.coupledPlugs.push_back(plug);
    }
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      snapshot.socket = get(socketKind_, key);
      if (snapshot.socket.isNull()) return;
      const auto interface = api::interfaceOf(snapshot.socket);
      snapshot.interface = interface ? get(ourKind("Interface"), *interface) : Value();
      const Plan plan = decideSocket(snapshot);
      if (!plan.needs.empty()) {
        if (!plan.needs.apparatuses.empty()) snapshot.apparatus = Status();
        for (const GroupVersionKind& kind : plan.needs.resources)
          snapshot.resources.insert_or_assign(kind, world_.resolve(kind));
        continue;
      }
      carryOut(plan, socketKind_, key, sockets_[key]);
      if (!plan.again) return;
    }
    isAtRest_ = false;
  }

  void runDeferred(const ObjectKey& key) {
    const GroupVersionKind kind = ourKind("DeferredResource");
    DeferredSnapshot snapshot;
    snapshot.now = now_;
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      Value object = get(kind, key);
      if (object.isNull()) return;
      snapshot.object = object;
      if (object["spec"].isObject()) snapshot.object.edit("spec").erase("timeout");
      const DeferredPlan plan = decideDeferred(snapshot);
      if (!plan.needs.empty()) {
        Snapshot fetched;
        Cover cover;
        fetch(plan.needs, fetched, cover);
        for (const auto& [ref, content] : fetched.contents)
          snapshot.contents.insert_or_assign(ref, content);
        for (const auto& [wanted, resource] : fetched.resources)
          snapshot.resources.insert_or_assign(wanted, resource);
        continue;
      }
      if (!plan.stale.kind.empty()) {
        world_.remove(kube::api::parseKind(plan.stale.apiVersion, plan.stale.kind),
                      plan.stale.key());
      }
      api::DeferredReason reason = plan.reason;
      std::string message = plan.message;
      switch (plan.step) {
        case DeferredPlan::Step::AddFinalizer:
          object.edit("metadata").set("finalizers", Value::array({api::kFinalizer}));
          world_.put(object);
          continue;
        case DeferredPlan::Step::Remove:
          object.edit("metadata").erase("finalizers");
          world_.put(object);
          return;
        case DeferredPlan::Step::Apply: {
          kube::api::ObjectRef made = kube::api::refOf(plan.object);
          made.uid = world_.apply(plan.object);
          object.edit("status").set("ownerReferences", printOwned(made));
          reason = api::DeferredReason::Success;
          message = made.kind + " " + made.name + " applied";
          break;
        }
        case DeferredPlan::Step::Rest:
          break;
      }
      setDeferredConditions(object.edit("status"), reason, message, kube::api::generationOf(object),
                            now_);
      world_.put(object);
      return;
    }
    isAtRest_ = false;
  }

  // The maps that go into a coupling, in the state that all has come to.
  void tellValues(const Value& plug, Record& record, SimulatedPlug& out) const {
    Snapshot snapshot = gather(plug);
    std::string message;
    if (snapshot.socket.isNull() || judgeNamespace(snapshot.socket, out.plug.namespaceName,
                                                   message) != NamespaceVerdict::Allowed) {
      return;
    }
    const auto agreement = negotiate(plug, snapshot.socket, snapshot.interfaces,
                                     plug["status"]["interfaceVersion"].asString());
    if (!agreement) return;
    for (int round = 0; round < kMaxPasses; ++round) {
      Lookup lookup(snapshot);
      Origins origins;
      Sources sources(lookup, snapshot.plug, snapshot.socket, agreement->schema);
      sources.trace(origins);
      const SourceResult<Configs> configs = sources.configs();
      SourceResult<Results> results = tl::unexpected<SourceError>(SourceError{});
      if (configs && out.couples) results = sources.results(*configs);
      record.cover.addSensitive(lookup.masker());
      if (!lookup.needs().empty()) {
        fetch(lookup.needs(), snapshot, record.cover);
        continue;
      }
      const std::string ofDefault = agreement->interface ? "default of Interface " +
                                                               agreement->interface->print() + " " +
                                                               agreement->version
                                                         : "default of the socket's interface";
      for (const Side side : api::kSides) {
        if (configs) {
          out.configs[side] = print(configs->config.of(side), origins.config.of(side), ofDefault,
                                    Schema::Part::Config, side, agreement->schema, record.cover);
        }
        if (results) {
          out.results[side] = print(results->result.of(side), origins.result.of(side), ofDefault,
                                    Schema::Part::Result, side, agreement->schema, record.cover);
        }
      }
      return;
    }
  }

  static HandedValues print(const Value& values, const Value& origins, const std::string& ofDefault,
                            Schema::Part part, Side side, const Schema& schema,
                            const Cover& cover) {
    HandedValues out;
    for (const Member& member : values.members()) {
      HandedValue handed;
      handed.from = origins[member.key()].toString();
      if (handed.from == "default") handed.from = ofDefault;
      const bool isSecret =
          handed.from.starts_with("Secret ") || schema.isSensitive(part, side, member.key());
      const std::string value =
          member.value.isString() ? member.value.toString() : text::printJson(member.value);
      handed.value = isSecret ? std::string(Cover::kMark) : cover.text(value);
      out.emplace(member.key(), std::move(handed));
    }
    return out;
  }

  static std::vector<SimulatedAction> covered(const Record& record) {
    std::vector<SimulatedAction> out = record.actions;
    for (SimulatedAction& action : out) {
      if (action.object.isObject()) action.object = record.cover.object(action.object);
      action.body = record.cover.tree(action.body);
      action.url = record.cover.text(action.url);
    }
    return out;
  }

  SimulatedPlug tellPlug(const ObjectKey& key) {
    const Value plug = get(plugKind_, key);
    Record& record = plugs_[key];
    SimulatedPlug out;
    out.plug = key;
    out.socket = api::socketOf(plug);
    const Value& coupled = api::findCondition(plug["status"], api::condition::kCoupled);
    out.couples = coupled["status"].asString() == "True";
    out.reason = coupled["reason"].toString();
    out.interfaceVersion = plug["status"]["interfaceVersion"].toString();
    tellValues(plug, record, out);
    out.message = record.cover.text(coupled["message"].toString());
    out.actions = covered(record);
    return out;
  }

  SimulatedSocket tellSocket(const ObjectKey& key) {
    const Value socket = get(socketKind_, key);
    const Record& record = sockets_[key];
    SimulatedSocket out;
    out.socket = key;
    out.ready = api::isConditionTrue(socket["status"], api::condition::kReady);
    const Value& coupled = api::findCondition(socket["status"], api::condition::kCoupled);
    out.reason = coupled["reason"].toString();
    out.message = record.cover.text(coupled["message"].toString());
    if (const auto interface = api::interfaceOf(socket)) out.interface = interface->print();
    out.limit = socket["spec"]["limit"].asInt();
    out.actions = covered(record);
    return out;
  }

  const GroupVersionKind plugKind_ = ourKind("Plug");
  const GroupVersionKind socketKind_ = ourKind("Socket");
  base::Time now_;
  SimulatedWorld world_;
  std::map<ObjectKey, Record> plugs_;
  std::map<ObjectKey, Record> sockets_;
  bool isAtRest_ = true;
};

}  // namespace

Result<Simulation> simulate(const SimulationInput& input) {
  Simulator simulator(input);
  RETURN_IF_ERROR(simulator.add(input));
  return simulator.run();
}

}  // namespace iop::operators::coupling
