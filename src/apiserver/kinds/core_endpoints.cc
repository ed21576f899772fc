// Endpoints and EndpointSlices (pkg/registry/core/endpoint, pkg/registry/discovery,
// pkg/apis/discovery/validation/validation.go).

#include <set>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::string_view kEndpointProtocols[] = {"SCTP", "TCP", "UDP"};

// ---- Endpoints ----

void applyEndpointsDefaults(Value& endpoints) {
  dropZeroValues(endpoints);
  for (std::size_t i = 0; i < endpoints["subsets"].size(); ++i) {
    for (std::size_t k = 0; k < endpoints["subsets"].at(i)["ports"].size(); ++k) {
      if (endpoints["subsets"].at(i)["ports"].at(k)["protocol"].asString().empty())
        endpoints.edit("subsets").editItem(i).edit("ports").editItem(k).set("protocol", "TCP");
    }
  }
}

void checkAddresses(Errors& errors, const Path& path, const Value& addresses) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Path at = path[i];
    const std::string_view address = addresses.at(i)["ip"].asString();
    errors.invalid(at["ip"], address, checkIp(address));
    const std::string_view host = addresses.at(i)["hostname"].asString();
    if (!host.empty()) errors.invalid(at["hostname"], host, checkDnsLabel(host));
    const std::string_view node = addresses.at(i)["nodeName"].asString();
    if (!node.empty()) errors.invalid(at["nodeName"], node, checkDnsSubdomain(node));
    checkNonSpecialIp(errors, at["ip"], address);
  }
}

FieldErrors validateEndpoints(const Value& endpoints) {
  Errors errors;
  const Path root, path = root["subsets"];
  for (std::size_t i = 0; i < endpoints["subsets"].size(); ++i) {
    const Value& subset = endpoints["subsets"].at(i);
    const Path at = path[i];
    if (subset["addresses"].empty() && subset["notReadyAddresses"].empty())
      errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    checkAddresses(errors, at["addresses"], subset["addresses"]);
    checkAddresses(errors, at["notReadyAddresses"], subset["notReadyAddresses"]);
    const Path ports = at["ports"];
    for (std::size_t k = 0; k < subset["ports"].size(); ++k) {
      const Value& port = subset["ports"].at(k);
      const Path each = ports[k];
      const std::string_view name = port["name"].asString();
      if (name.empty()) {
        if (subset["ports"].size() > 1) errors.required(each["name"]);
      } else {
        errors.invalid(each["name"], name, checkDnsLabel(name));
      }
      checkPort(errors, each["port"], port["port"]);
      checkChoice(errors, each["protocol"], port["protocol"], kEndpointProtocols);
    }
  }
  return errors.take();
}

// ---- EndpointSlices ----

void applySliceDefaults(Value& slice) {
  dropZeroValues(slice);
  for (std::size_t i = 0; i < slice["ports"].size(); ++i) {
    Value& port = slice.edit("ports").editItem(i);
    if (port["name"].isNull()) port.set("name", "");
    setDefault(port, "protocol", "TCP");
  }
  for (std::size_t i = 0; i < slice["endpoints"].size(); ++i) {
    Value& endpoint = slice.edit("endpoints").editItem(i);
    if (endpoint.isObject()) setDefault(endpoint, "conditions", Value::object());
  }
  for (const char* list : {"endpoints", "ports"}) {
    if (slice[list].isNull()) slice.set(list, nullptr);
  }
}

void prepareSliceForUpdate(Value& slice, const Value& old) {
  const bool changed = slice["endpoints"] != old["endpoints"] || slice["ports"] != old["ports"] ||
                       slice["addressType"] != old["addressType"] ||
                       slice["metadata"]["labels"] != old["metadata"]["labels"] ||
                       slice["metadata"]["annotations"] != old["metadata"]["annotations"];
  if (changed) slice.edit("metadata").set("generation", old["metadata"]["generation"].asInt() + 1);
}

void checkSliceAddress(Errors& errors, const Path& list, std::size_t index, std::string_view type,
                       std::string_view address) {
  if (type == "FQDN") {
    errors.invalid(list[index], address, checkFullyQualifiedDomainName(address));
    return;
  }
  const Messages wrong = checkIp(address);
  errors.invalid(list[index], address, wrong);
  Ip ip;
  if (!wrong.empty() || !parseIp(address, ip)) return;
  if (ip.isV4 != (type == "IPv4")) {
    errors.invalid(list, address, "must be an " + std::string(type) + " address");
    return;
  }
  checkNonSpecialIp(errors, list[index], address);
}

FieldErrors validateSlice(const Value& slice) {
  static constexpr std::string_view kTypes[] = {"FQDN", "IPv4", "IPv6"};
  Errors errors;
  const Path root, endpoints = root["endpoints"], ports = root["ports"];
  const std::string_view type = slice["addressType"].asString();
  if (type.empty()) {
    errors.required(root["addressType"]);
    return errors.take();
  }
  if (!isOneOf(type, kTypes)) {
    errors.notSupported(root["addressType"], type, kTypes);
    return errors.take();
  }
  for (std::size_t i = 0; i < slice["endpoints"].size(); ++i) {
    const Value& addresses = slice["endpoints"].at(i)["addresses"];
    const Path at = endpoints[i], list = at["addresses"];
    if (addresses.empty()) errors.required(list);
    for (std::size_t k = 0; k < addresses.size(); ++k)
      checkSliceAddress(errors, list, k, type, addresses.at(k).asString());
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < slice["ports"].size(); ++i) {
    const Value& port = slice["ports"].at(i);
    const Path at = ports[i];
    const std::string_view name = port["name"].asString();
    if (!name.empty()) errors.invalid(at["name"], name, checkDnsLabel(name));
    if (!names.insert(name).second) errors.duplicate(at["name"], name);
    checkChoice(errors, at["protocol"], port["protocol"], kEndpointProtocols);
  }
  return errors.take();
}

FieldErrors validateSliceUpdate(const Value& slice, const Value& old) {
  Errors errors;
  const Path root;
  // The API server shows no value here.
  if (slice["addressType"] != old["addressType"])
    errors.invalid(root["addressType"], nullptr, std::string(kImmutable));
  return errors.take();
}

}  // namespace

constinit const Strategy kEndpoints{.applyDefaults = applyEndpointsDefaults,
                                    .validate = validateEndpoints,
                                    .allowCreateOnUpdate = true};

constinit const Strategy kEndpointSlices{.applyDefaults = applySliceDefaults,
                                         .prepareForUpdate = prepareSliceForUpdate,
                                         .validate = validateSlice,
                                         .validateUpdate = validateSliceUpdate,
                                         .hasGeneration = true};

}  // namespace iop::apiserver::kinds::internal
