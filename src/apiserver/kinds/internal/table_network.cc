// What `kubectl get` shows of services, endpoints and the networking kinds (k8s.io/kubernetes,
// pkg/printers/internalversion).

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apiserver/kinds/internal/table_cells.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::size_t kShownEndpoints = 3;

// Addresses of a load balancer, sorted and each once.
std::string loadBalancerAddresses(const Value& object) {
  std::set<std::string_view> addresses;
  for (const Value& ingress : object["status"]["loadBalancer"]["ingress"].items()) {
    const Value& address = ingress["ip"].empty() ? ingress["hostname"] : ingress["ip"];
    if (!address.empty()) addresses.insert(address.asString());
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

std::string externalAddresses(const Value& service) {
  const Value& spec = service["spec"];
  const std::string_view type = spec["type"].asString();
  const std::string external = joinTexts(spec["externalIPs"], ",");
  if (type == "ExternalName") return spec["externalName"].toString();
  if (type == "LoadBalancer") {
    const std::string balancer = loadBalancerAddresses(service);
    if (spec["externalIPs"].empty()) return balancer.empty() ? "<pending>" : balancer;
    return balancer.empty() ? external : balancer + "," + external;
  }
  if (type != "ClusterIP" && type != "NodePort") return "<unknown>";
  return spec["externalIPs"].empty() ? "<none>" : external;
}

std::string portsOfService(const Value& service) {
  std::string out;
  for (const Value& port : service["spec"]["ports"].items()) {
    if (!out.empty()) out += ',';
    out += std::to_string(port["port"].asInt());
    if (port["nodePort"].asInt() > 0) out += fmt::format(":{}", port["nodePort"].asInt());
    out += fmt::format("/{}", port["protocol"].asString());
  }
  return out.empty() ? "<none>" : out;
}

std::string addressesOf(const Value& endpoints) {
  if (endpoints["subsets"].empty()) return "<none>";
  ShortList shown(kShownEndpoints);
  std::size_t total = 0;
  for (const Value& subset : endpoints["subsets"].items()) {
    const Value& addresses = subset["addresses"];
    const Value& ports = subset["ports"];
    for (std::size_t i = 0; i < std::max<std::size_t>(ports.size(), 1); ++i) {
      total += addresses.size();
      for (const Value& address : addresses.items()) {
        const std::string_view ip = address["ip"].asString();
        if (ports.empty()) {
          shown.add(ip);
        } else {
          const bool isV6 = ip.find(':') != std::string_view::npos;
          shown.add(fmt::format("{}{}{}:{}", isV6 ? "[" : "", ip, isV6 ? "]" : "",
                                ports.at(i)["port"].asInt()));
        }
      }
    }
  }
  return shown.print(total);
}

std::string orUnset(std::string text) { return text.empty() ? "<unset>" : text; }

std::string hostsOf(const Value& ingress) {
  constexpr std::size_t kShown = 3;
  const Value& rules = ingress["spec"]["rules"];
  std::string out;
  std::size_t count = 0;
  bool hasMore = false;
  for (const Value& rule : rules.items()) {
    if (count == kShown) hasMore = true;
    if (hasMore || rule["host"].empty()) continue;
    if (count++ > 0) out += ',';
    out += rule["host"].asString();
  }
  if (count == 0) return "*";
  return hasMore ? fmt::format("{} + {} more...", out, rules.size() - kShown) : out;
}

}  // namespace

void printService(Cells& cells, const Value& object) {
  const Value& spec = object["spec"];
  cells.addName(object);
  cells.addText(spec["type"]);
  cells.add(spec["clusterIPs"].empty() ? Value("<none>") : spec["clusterIPs"].at(0));
  cells.add(externalAddresses(object));
  cells.add(portsOfService(object));
  cells.addAge(object);
  cells.add(formatLabels(spec["selector"]));
}

void printEndpoints(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.add(addressesOf(object));
  cells.addAge(object);
}

void printEndpointSlice(Cells& cells, const Value& object) {
  ShortList ports(kShownEndpoints), endpoints(kShownEndpoints);
  std::size_t total = 0;
  for (const Value& port : object["ports"].items()) {
    ports.add(port["port"].isInt()      ? std::to_string(port["port"].asInt())
              : port["name"].isString() ? port["name"].toString()
                                        : "*");
  }
  for (const Value& endpoint : object["endpoints"].items()) {
    total += endpoint["addresses"].size();
    for (const Value& address : endpoint["addresses"].items()) endpoints.add(address.asString());
  }
  cells.addName(object);
  cells.addText(object["addressType"]);
  cells.add(orUnset(ports.print(object["ports"].size())));
  cells.add(orUnset(endpoints.print(total)));
  cells.addAge(object);
}

void printIngress(Cells& cells, const Value& object) {
  const Value& className = object["spec"]["ingressClassName"];
  cells.addName(object);
  cells.add(className.isString() ? className : Value("<none>"));
  cells.add(hostsOf(object));
  cells.add(loadBalancerAddresses(object));
  cells.add(object["spec"]["tls"].empty() ? "80" : "80, 443");
  cells.addAge(object);
}

void printIngressClass(Cells& cells, const Value& object) {
  const Value& metadata = object["metadata"];
  std::string name = metadata["name"].toString();
  if (metadata["annotations"]["ingressclass.kubernetes.io/is-default-class"].asString() == "true")
    name += " (default)";
  std::string parameters = "<none>";
  if (const Value& reference = object["spec"]["parameters"]; reference.isObject()) {
    parameters = reference["kind"].toString();
    if (reference["apiGroup"].isString())
      parameters += fmt::format(".{}", reference["apiGroup"].asString());
    parameters += fmt::format("/{}", reference["name"].asString());
  }
  cells.add(name);
  cells.addText(object["spec"]["controller"]);
  cells.add(parameters);
  cells.addAge(object);
}

void printNetworkPolicy(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.add(formatLabelSelector(object["spec"]["podSelector"]));
  cells.addAge(object);
}

}  // namespace iop::apiserver::kinds::internal
