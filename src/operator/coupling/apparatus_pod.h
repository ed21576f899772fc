#pragma once

// The pod and the Service of a managed apparatus (apparatus.md, "The managed pod"): what they look
// like, and what a pod's status says. Pure.
//
//   const Value pod = apparatusPod(Side::Socket, socket);
//   client.create(pods, …, pod);
//   describePod(seen)   // {Starting, "apparatus pod shop/db-socket-1a2b3c4d: ImagePullBackOff: …"}

#include <string>

#include "operator/api/names.h"
#include "value/value.h"

namespace iop::operators::coupling {

// The port of the container that the Service leads to.
inline constexpr std::string_view kApparatusPort = "container";
inline constexpr std::int64_t kDefaultIdleTimeout = 60;  // seconds

// Annotations and labels of the pod.
inline constexpr std::string_view kApparatusLabel = "apparatus";
inline constexpr std::string_view kSpecDigest = "integration.rock8s.com/spec-digest";
inline constexpr std::string_view kLastEvent = "integration.rock8s.com/last-event";
// Selects all managed pods.
inline constexpr std::string_view kApparatusSelector =
    "app.kubernetes.io/managed-by=integration-operator,apparatus";

// True where the spec asks for a pod. A debug endpoint takes the place of the pod.
bool isManaged(const Value& own, const std::string& debugEndpoint);

// The name of both, of at most 63 characters that any kind takes: another one for each object, also
// for a plug and a socket of one name, or for two objects of one name one after the other.
std::string apparatusName(api::Side side, const Value& own);
Value apparatusPod(api::Side side, const Value& own);
Value apparatusService(api::Side side, const Value& own);

struct PodState {
  enum class Kind { Starting, Ready, Ended };
  Kind kind = Kind::Starting;
  std::string message;  // why it is not ready, in the kubelet's words where it has said something
};
PodState describePod(const Value& pod);
// True if the pod is not the one that apparatusPod() makes now.
bool isOutdated(const Value& pod, api::Side side, const Value& own);
// Seconds without an event after which the pod goes.
std::int64_t idleTimeoutOf(const Value& own);

}  // namespace iop::operators::coupling
