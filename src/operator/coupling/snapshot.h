#pragma once

// All that a decision may look at, and what it finds missing.
//
//   Snapshot snapshot = …;                       // what the caches have
//   Plan plan = decide(snapshot);
//   while (!plan.needs.empty()) { fetch(plan.needs, snapshot); plan = decide(snapshot); }
//
// Plain data. What does not exist is an absent field or a NotFound error in a map, what was not
// looked up yet is no entry in the map.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api/types.h"
#include "operator/api/names.h"
#include "operator/coupling/pace.h"
#include "value/value.h"

namespace iop::operators::coupling {

using kube::api::GroupVersionKind;
using kube::api::ObjectKey;

// One object that a coupling reads: a Secret or ConfigMap (as ourselves), or the object behind a
// var (as a service account).
struct InputRef {
  GroupVersionKind kind;
  ObjectKey key;
  std::string user;  // whom to act as; empty: ourselves

  auto operator<=>(const InputRef&) const = default;
};

// Which state of an object was seen. `version` is its resourceVersion, or its generation for our
// own kinds.
struct ObjectVersion {
  std::string uid;
  std::string version;

  auto operator<=>(const ObjectVersion&) const = default;
};

// An apparatus' answer to POST /config, and the request that it answers to
// (ConfigRequest::identity).
struct ConfigAnswer {
  Value identity;
  Result<Value> answer;
};

// Another plug of a socket that has a limit.
struct Rival {
  enum class State {
    Placed,     // it has a place
    Queued,     // it waits for a place and for nothing else
    Undecided,  // nobody has looked at it in its present state yet
    Elsewhere,  // it waits for something else
  };
  ObjectKey key;
  std::string creationTimestamp;
  State state;
};

struct Snapshot {
  // The plug as it is in the cache, with the status that our own last write left.
  Value plug;
  // The socket that the plug names; null if there is none.
  Value socket;
  // The socket that the plug is coupled to by its status, if that one still exists (by UID); null
  // otherwise.
  Value coupledSocket;
  // The Interface objects that specs name.
  std::map<ObjectKey, Value> interfaces;
  // Whether the namespaces of a side are being deleted does not matter here: the API server's
  // refusals tell.

  std::map<InputRef, Result<Value>> contents;
  std::map<InputRef, std::optional<ObjectVersion>> versions;
  std::map<api::Side, ConfigAnswer> configAnswers;
  std::map<GroupVersionKind, Result<kube::api::Resource>> resources;
  // Whether the managed apparatus of a side can be called, and why not.
  std::map<api::Side, Status> apparatuses;
  std::vector<Rival> rivals;  // only where the socket has a limit

  // Digest of the payload that was last delivered, where this process has delivered one.
  std::optional<std::string> deliveredPayload;
  // Of this plug's coupling; empty where this process has delivered nothing.
  Pace pace;

  // URLs that replace the apparatus of all plugs and sockets; empty: none.
  std::map<api::Side, std::string> debugEndpoints;
  std::string clusterDomain = "cluster.local";

  base::Time now;
};

// A request to an apparatus whose answer a decision needs.
struct ConfigRequest {
  api::Side side;
  std::string url;
  Value body;
  // The body without what changes by our own writes: requests with one identity have one answer.
  Value identity;
};

// What a decision needs and the snapshot lacks.
struct Needs {
  std::set<InputRef> contents;
  std::set<InputRef> versions;
  std::set<GroupVersionKind> resources;
  // Managed apparatuses that are to be called: started where they are not there.
  std::set<api::Side> apparatuses;
  std::vector<ConfigRequest> configs;

  bool empty() const {
    return contents.empty() && versions.empty() && resources.empty() && apparatuses.empty() &&
           configs.empty();
  }
};

}  // namespace iop::operators::coupling
