#pragma once

// What would become of manifests on a cluster, without one: who couples and who does not and why,
// what is done for it in which order, and what the sides hand to each other.
//
//   ASSIGN_OR_RETURN(Simulation simulation, simulate({.objects = objects, .now = now}));
//   for (const SimulatedPlug& plug : simulation.plugs) … plug.couples, plug.message …
//
// The decisions are the operator's own (decide.h); what they ask for is done in memory, and what it
// makes can be read by later decisions, until nothing changes any more. Left out, because only a
// cluster has it: rights, admission, other controllers, and the answers of apparatuses to /config
// (a side with an apparatus waits with a message that says so); their events are taken as
// delivered. Time stands still; timeouts of DeferredResources are taken as over.
//
// No secret is in what comes out: values that a schema calls sensitive and values of Secrets are
// masked.
//
// Pure; thread-safe.

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api/types.h"
#include "operator/api/names.h"
#include "value/value.h"

namespace iop::operators::coupling {

struct SimulationInput {
  std::vector<Value> objects;                // of all kinds; Lists are taken apart
  std::string defaultNamespace = "default";  // of objects that name none
  base::Time now;
};

// One value of a config or result, and where it is from.
struct HandedValue {
  std::string value;
  std::string from;  // "spec.config", "Secret shop/db", "default of Interface db/postgres 1.2.0"
};
using HandedValues = std::map<std::string, HandedValue>;

struct SimulatedAction {
  // Whose action it is, and on which event: "created", "coupled", …, or "result" for result
  // resources; empty for what is removed because nobody names it any more.
  api::Side side = api::Side::Plug;
  std::string event;
  std::string what;  // "apply", "delete", "recreate", "remove" or "call"
  Value object;      // all but calls; of a removal only its names
  std::string user;  // as whom; empty for calls
  std::string url;   // calls
  Value body;        // calls; `plug` and `socket` are only named, though the whole objects are sent
};

struct SimulatedPlug {
  kube::api::ObjectKey plug;
  kube::api::ObjectKey socket;
  bool couples = false;
  std::string reason;
  std::string message;
  std::string interfaceVersion;  // empty: no Interface
  // Empty where they cannot be built: the message says why.
  std::map<api::Side, HandedValues> configs;
  std::map<api::Side, HandedValues> results;
  std::vector<SimulatedAction> actions;
};

struct SimulatedSocket {
  kube::api::ObjectKey socket;
  bool ready = false;
  std::string reason;
  std::string message;
  std::string interface;  // the Interface that it names, "namespace/name"
  std::int64_t limit = 0;
  std::vector<SimulatedAction> actions;  // on `created`
};

struct Simulation {
  std::vector<SimulatedPlug> plugs;  // those of the manifests and those that were made; sorted
  std::vector<SimulatedSocket> sockets;
  // The decisions come to an end. False where effects change their own causes again and again.
  bool rests = true;
};

// Error: Invalid for an object without apiVersion, kind or name.
Result<Simulation> simulate(const SimulationInput& input);

}  // namespace iop::operators::coupling
