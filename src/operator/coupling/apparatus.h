#pragma once

// What is said to an apparatus, a side's own code (apparatus.md): where it listens and what the
// bodies hold. The calls themselves are made elsewhere.

#include <optional>
#include <string>
#include <string_view>

#include "operator/api/names.h"
#include "operator/coupling/snapshot.h"
#include "operator/coupling/sources.h"
#include "value/value.h"

namespace iop::operators::coupling {

inline constexpr std::string_view kProtocolVersion = "1";

// Error::cause of calls: nothing listens at the endpoint (the request never reached a server); it
// ran and failed; its pod is on its way, and who waits for it is woken.
inline constexpr std::string_view kApparatusStarting = "ApparatusStarting";
inline constexpr std::string_view kApparatusNotRunning = "ApparatusNotRunning";
inline constexpr std::string_view kApparatusFailed = "ApparatusFailed";

// The base URL of a side's apparatus, without a slash at the end; nothing if the side has no
// apparatus.
std::optional<std::string> endpointOf(const Snapshot& snapshot, api::Side side, const Value& own);
// The same for one object apart from a snapshot. `debugEndpoint` replaces what the object says, if
// not empty.
std::optional<std::string> endpointOf(api::Side side, const Value& own,
                                      const std::string& debugEndpoint,
                                      const std::string& clusterDomain);

// Bodies of POST /created and /deleted, and of /coupled, /updated and /decoupled.
Value lifecycleBody(api::Side side, const Value& own);
Value couplingBody(const Value& plug, const Value& socket, const Configs& configs);

}  // namespace iop::operators::coupling
