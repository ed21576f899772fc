#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apiserver/internal/engine.h"
#include "apiserver/kinds/services.h"
#include "kube/api/object.h"

namespace iop::apiserver {
namespace {

using schema::FieldErrorType;

// The cluster's range of service addresses, and where node ports lie (kube-apiserver's defaults).
constexpr std::string_view kAddressPrefix = "10.0.";
constexpr int kFirstAddress = 1, kLastAddress = 65'533;
constexpr int kFirstNodePort = 30'000, kLastNodePort = 32'767;

std::string addressOf(int number) {
  return fmt::format("{}{}.{}", kAddressPrefix, number / 256, number % 256);
}

struct Taken {
  std::set<std::string, std::less<>> addresses;
  std::set<std::pair<std::int64_t, std::string>> nodePorts;
};

}  // namespace

std::optional<Failure> Engine::allocate(const Kind& kind, Value& object, const Value& old) {
  if (kind.table != "services") return std::nullopt;
  const Value spec = object["spec"];
  Taken taken;
  const auto page = storage_.list("services", {});
  if (!page) return internalError(page.error().message);
  for (const ObjectPtr& other : page->objects) {
    if (kube::api::keyOf(other->value) == kube::api::keyOf(object)) continue;
    taken.addresses.emplace(other->value["spec"]["clusterIP"].asString());
    for (const Value& port : other->value["spec"]["ports"].items()) {
      if (!port["nodePort"].isNull())
        taken.nodePorts.emplace(port["nodePort"].asInt(), port["protocol"].toString());
    }
  }
  const auto refuse = [&](std::string field, Value value, std::string why) {
    return invalid("", "Service", kube::api::nameOf(object),
                   {{FieldErrorType::Invalid, std::move(field), std::move(value), std::move(why)}});
  };
  const kinds::ServiceNeeds needs = kinds::needsOf(object);
  Value& changed = object.edit("spec");
  const std::string address = spec["clusterIP"].toString();
  if (needs.clusterIp) {
    int number = kFirstAddress;
    while (number < kLastAddress && taken.addresses.contains(addressOf(number))) ++number;
    if (number == kLastAddress)
      return internalError("failed to allocate a serviceIP: range is full");
    changed.set("clusterIP", addressOf(number));
    changed.set("clusterIPs", Value::array({addressOf(number)}));
  } else if (!address.empty() && address != "None" &&
             address != old["spec"]["clusterIP"].asString() && taken.addresses.contains(address)) {
    return refuse("spec.clusterIPs", Value::array({address}),
                  "failed to allocate IP " + address + ": provided IP is already allocated");
  }
  // A headless service without a selector may have addresses of any family.
  const bool any = address == "None" && spec["selector"].empty();
  if (needs.ipFamilies)
    changed.set("ipFamilies", any ? Value::array({"IPv4", "IPv6"}) : Value::array({"IPv4"}));
  if (needs.ipFamilyPolicy) changed.set("ipFamilyPolicy", any ? "RequireDualStack" : "SingleStack");
  const auto freePort = [&](const std::string& protocol) {
    int number = kFirstNodePort;
    while (number <= kLastNodePort && taken.nodePorts.contains({number, protocol})) ++number;
    taken.nodePorts.emplace(number, protocol);
    return number;
  };
  for (std::size_t i = 0; i < spec["ports"].size(); ++i) {
    const Value& port = spec["ports"].at(i);
    const std::string protocol = port["protocol"].toString("TCP");
    if (std::find(needs.nodePorts.begin(), needs.nodePorts.end(), i) != needs.nodePorts.end()) {
      const int number = freePort(protocol);
      if (number > kLastNodePort)
        return internalError("failed to allocate a nodePort: range is full");
      changed.edit("ports").editItem(i).set("nodePort", number);
    } else if (port["nodePort"].asInt() != 0 &&
               taken.nodePorts.contains({port["nodePort"].asInt(), protocol})) {
      return refuse("spec.ports[" + std::to_string(i) + "].nodePort", port["nodePort"],
                    "provided port is already allocated");
    }
  }
  if (needs.healthCheckNodePort) changed.set("healthCheckNodePort", freePort("TCP"));
  return std::nullopt;
}

}  // namespace iop::apiserver
