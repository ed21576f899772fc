#include "operator/coupling/apparatus.h"

#include "kube/api/object.h"
#include "operator/api/spec.h"
#include "operator/coupling/apparatus_pod.h"

namespace iop::operators::coupling {
namespace {

std::string debugEndpointOf(const Snapshot& snapshot, api::Side side) {
  const auto found = snapshot.debugEndpoints.find(side);
  return found == snapshot.debugEndpoints.end() ? std::string() : found->second;
}

}  // namespace

std::optional<std::string> endpointOf(api::Side side, const Value& own,
                                      const std::string& debugEndpoint,
                                      const std::string& clusterDomain) {
  const Value& apparatus = own["spec"]["apparatus"];
  if (!apparatus.isObject()) return std::nullopt;
  std::string url = debugEndpoint.empty() ? apparatus["endpoint"].toString() : debugEndpoint;
  if (url.empty() || url.front() == '/') {
    const bool isPod = isManaged(own, debugEndpoint);
    url.insert(0, "http://" + (isPod ? apparatusName(side, own) + "." +
                                           std::string(kube::api::namespaceOf(own)) + ".svc." +
                                           clusterDomain
                                     : "localhost"));
  } else if (url.find("://") == std::string::npos) {
    url.insert(0, "http://");
  }
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

std::optional<std::string> endpointOf(const Snapshot& snapshot, api::Side side, const Value& own) {
  return endpointOf(side, own, debugEndpointOf(snapshot, side), snapshot.clusterDomain);
}

Value lifecycleBody(api::Side side, const Value& own) {
  return Value::object({{"version", kProtocolVersion}, {api::nameOf(side), own}});
}

Value couplingBody(const Value& plug, const Value& socket, const Configs& configs) {
  return Value::object({{"version", kProtocolVersion},
                        {"plug", plug},
                        {"socket", socket},
                        {"plugConfig", configs.config.plug},
                        {"socketConfig", configs.config.socket}});
}

}  // namespace iop::operators::coupling
