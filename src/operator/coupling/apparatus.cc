#include "operator/coupling/apparatus.h"

#include "operator/api/spec.h"

namespace iop::operators::coupling {
namespace {

std::string debugEndpointOf(const Snapshot& snapshot, api::Side side) {
  const auto found = snapshot.debugEndpoints.find(side);
  return found == snapshot.debugEndpoints.end() ? std::string() : found->second;
}

}  // namespace

std::optional<std::string> endpointOf(const Value& own, const std::string& debugEndpoint) {
  const Value& apparatus = own["spec"]["apparatus"];
  if (!apparatus.isObject()) return std::nullopt;
  std::string url = debugEndpoint.empty() ? apparatus["endpoint"].toString() : debugEndpoint;
  if (url.empty() || url.front() == '/') {
    url.insert(0, "http://localhost");
  } else if (url.find("://") == std::string::npos) {
    url.insert(0, "http://");
  }
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

std::optional<std::string> endpointOf(const Snapshot& snapshot, api::Side side, const Value& own) {
  return endpointOf(own, debugEndpointOf(snapshot, side));
}

std::string unsupportedApparatus(api::Side side, const Value& own,
                                 const std::string& debugEndpoint) {
  if (own["spec"]["apparatus"]["containers"].empty() || !debugEndpoint.empty()) return {};
  return std::string(api::nameOf(side)) +
         "'s spec.apparatus.containers: pods are not managed by this version; run the "
         "apparatus yourself and give its URL in spec.apparatus.endpoint";
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
