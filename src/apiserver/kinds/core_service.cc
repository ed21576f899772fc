// Services (pkg/registry/core/service, pkg/apis/core/validation/validation.go).

#include <algorithm>
#include <set>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"
#include "apiserver/kinds/services.h"

namespace iop::apiserver::kinds {
namespace internal {
namespace {

constexpr std::string_view kServiceProtocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view kTrafficPolicies[] = {"Cluster", "Local"};
constexpr int kAffinitySeconds = 10'800, kMaxAffinitySeconds = 86'400;

std::string_view typeOf(const Value& service) { return service["spec"]["type"].asString(); }

// ---- Services ----

void applyServiceDefaults(Value& service) {
  dropZeroValues(service);
  Value& spec = service.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  if (spec["selector"].isObject() && spec["selector"].empty()) spec.erase("selector");
  setDefault(spec, "sessionAffinity", "None");
  if (spec["sessionAffinity"].asString() == "None") {
    spec.erase("sessionAffinityConfig");
  } else if (spec["sessionAffinity"].asString() == "ClientIP" &&
             spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].isNull()) {
    spec.edit("sessionAffinityConfig").edit("clientIP").set("timeoutSeconds", kAffinitySeconds);
  }
  setDefault(spec, "type", "ClusterIP");
  for (std::size_t i = 0; i < spec["ports"].size(); ++i) {
    if (!spec["ports"].at(i).isObject()) continue;
    Value& port = spec.edit("ports").editItem(i);
    setDefault(port, "protocol", "TCP");
    const Value& target = port["targetPort"];
    if (isZero(target)) port.set("targetPort", Value(port["port"].asInt()));
  }
  const std::string type = spec["type"].toString();
  const bool isExternal = type == "NodePort" || type == "LoadBalancer";
  if (isExternal || (type == "ClusterIP" && !spec["externalIPs"].empty()))
    setDefault(spec, "externalTrafficPolicy", "Cluster");
  if (type != "ExternalName") setDefault(spec, "internalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") setDefault(spec, "allocateLoadBalancerNodePorts", true);
}

// A client may give either of clusterIP and clusterIPs; the other one follows
// (normalizeClusterIPs).
void linkClusterIps(Value& service, const Value* old) {
  Value& spec = service.edit("spec");
  if (!spec.isObject()) return;
  const std::string_view address = spec["clusterIP"].asString();
  if (old == nullptr) {
    if (!address.empty() && spec["clusterIPs"].empty()) {
      const Value copy = spec["clusterIP"];
      spec.set("clusterIPs", Value::array({copy}));
    }
    return;
  }
  const Value& before = (*old)["spec"];
  if (before["clusterIP"].asString() == address) return;
  if (address.empty()) {
    if (before["clusterIPs"] == spec["clusterIPs"]) spec.erase("clusterIPs");
  } else if (before["clusterIPs"] == spec["clusterIPs"] || spec["clusterIPs"].empty()) {
    const Value copy = spec["clusterIP"];
    spec.set("clusterIPs", Value::array({copy}));
  }
}

void prepareServiceForCreate(Value& service) {
  linkClusterIps(service, nullptr);
  service.set("status", Value::object({{"loadBalancer", Value::object()}}));
}

bool needsClusterIp(const Value& service) {
  const std::string_view type = typeOf(service);
  return type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer";
}

bool needsNodePorts(const Value& service) {
  return typeOf(service) == "NodePort" ||
         (typeOf(service) == "LoadBalancer" &&
          service["spec"]["allocateLoadBalancerNodePorts"].asBool(true));
}

bool mayHaveNodePorts(const Value& service) {
  return typeOf(service) == "NodePort" || typeOf(service) == "LoadBalancer";
}

bool needsHealthCheckPort(const Value& service) {
  return typeOf(service) == "LoadBalancer" &&
         service["spec"]["externalTrafficPolicy"].asString() == "Local";
}

bool isSameExcept(const Value& a, const Value& b, const char* field) {
  return a["spec"][field] == b["spec"][field];
}

// Fields that the old type had and the new one does not, unless the client changed them
// (dropTypeDependentFields).
void dropFieldsOfOldType(Value& service, const Value& old) {
  Value& spec = service.edit("spec");
  if (needsClusterIp(old) && !needsClusterIp(service)) {
    if (isSameExcept(service, old, "clusterIP") && isSameExcept(service, old, "clusterIPs")) {
      for (const char* field : {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"})
        spec.erase(field);
    }
  }
  const auto hasSameNodePorts = [&] {
    const auto numbers = [](const Value& from) {
      std::multiset<std::int64_t> out;
      for (const Value& port : from["spec"]["ports"].items()) out.insert(port["nodePort"].asInt());
      return out;
    };
    return numbers(service) == numbers(old);
  };
  if (mayHaveNodePorts(old) && !mayHaveNodePorts(service) && hasSameNodePorts()) {
    for (std::size_t i = 0; i < spec["ports"].size(); ++i)
      spec.edit("ports").editItem(i).erase("nodePort");
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(service) &&
      isSameExcept(service, old, "healthCheckNodePort"))
    spec.erase("healthCheckNodePort");
  if (typeOf(old) == "LoadBalancer" && typeOf(service) != "LoadBalancer") {
    for (const char* field : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
      if (isSameExcept(service, old, field)) spec.erase(field);
    }
  }
  const auto isReachable = [](const Value& each) {
    return mayHaveNodePorts(each) ||
           (typeOf(each) == "ClusterIP" && !each["spec"]["externalIPs"].empty());
  };
  if (isReachable(old) && !isReachable(service) &&
      isSameExcept(service, old, "externalTrafficPolicy"))
    spec.erase("externalTrafficPolicy");
  if (typeOf(old) != "ExternalName" && typeOf(service) == "ExternalName" &&
      isSameExcept(service, old, "internalTrafficPolicy"))
    spec.erase("internalTrafficPolicy");
}

// What an update leaves out stays as it was allocated (patchAllocatedValues).
void keepAllocated(Value& service, const Value& old) {
  Value& spec = service.edit("spec");
  const Value& before = old["spec"];
  if (needsClusterIp(old) && needsClusterIp(service)) {
    if (spec["clusterIP"].asString().empty() && before.contains("clusterIP"))
      spec.set("clusterIP", before["clusterIP"]);
    if (spec["clusterIPs"].empty() && before.contains("clusterIPs") &&
        spec["clusterIP"] == before["clusterIP"])
      spec.set("clusterIPs", before["clusterIPs"]);
    for (const char* field : {"ipFamilies", "ipFamilyPolicy"}) {
      if (isZero(spec[field]) && before.contains(field)) spec.set(field, before[field]);
    }
  }
  if (needsNodePorts(old) && needsNodePorts(service)) {
    std::set<std::int64_t> used;
    for (const Value& port : spec["ports"].items()) used.insert(port["nodePort"].asInt());
    for (std::size_t i = 0; i < spec["ports"].size(); ++i) {
      const Value& port = spec["ports"].at(i);
      if (port["nodePort"].asInt() != 0) continue;
      for (const Value& other : before["ports"].items()) {
        if (other["protocol"] != port["protocol"] || other["port"] != port["port"]) continue;
        const Value number = other["nodePort"];
        if (number.asInt() != 0 && used.insert(number.asInt()).second)
          spec.edit("ports").editItem(i).set("nodePort", number);
        break;
      }
    }
  }
  if (needsHealthCheckPort(old) && needsHealthCheckPort(service) &&
      spec["healthCheckNodePort"].asInt() == 0 && before.contains("healthCheckNodePort"))
    spec.set("healthCheckNodePort", before["healthCheckNodePort"]);
}

void prepareServiceForUpdate(Value& service, const Value& old) {
  if (!service["spec"].isObject()) return;
  linkClusterIps(service, &old);
  dropFieldsOfOldType(service, old);
  keepAllocated(service, old);
}

void checkServicePort(Errors& errors, const Path& path, const Value& service, const Value& port,
                      std::set<std::string_view>& names) {
  const std::string_view name = port["name"].asString();
  if (name.empty()) {
    if (service["spec"]["ports"].size() > 1) errors.required(path["name"]);
  } else {
    errors.invalid(path["name"], name, checkDnsLabel(name));
    if (!names.insert(name).second) errors.duplicate(path["name"], name);
  }
  checkPort(errors, path["port"], port["port"]);
  if (port["protocol"].asString().empty()) {
    errors.required(path["protocol"]);
  } else {
    checkChoice(errors, path["protocol"], port["protocol"], kServiceProtocols);
  }
  const Value& target = port["targetPort"];
  if (target.isString()) {
    errors.invalid(path["targetPort"], target, checkPortName(target.asString()));
  } else {
    checkPort(errors, path["targetPort"], target);
  }
  if (port["appProtocol"].isString())
    errors.invalid(path["appProtocol"], port["appProtocol"],
                   checkQualifiedName(port["appProtocol"].asString()));
}

void checkClusterIps(Errors& errors, const Path& path, const Value& service) {
  const Value& spec = service["spec"];
  const Value& addresses = spec["clusterIPs"];
  const Path at = path["clusterIPs"];
  const std::string_view first = spec["clusterIP"].asString();
  if (typeOf(service) == "ExternalName") {
    if (!addresses.empty()) errors.forbidden(at, "may not be set for ExternalName services");
    for (const char* field : {"ipFamilies", "ipFamilyPolicy"}) {
      if (!isZero(spec[field]))
        errors.forbidden(path[field], "may not be set for ExternalName services");
    }
    return;
  }
  if (!addresses.empty() && first.empty()) {
    errors.invalid(at, addresses, "must be empty when `clusterIP` is not specified");
  } else if (!addresses.empty() && addresses.at(0).asString() != first) {
    errors.invalid(at, addresses, "first value must match `clusterIP`");
  }
  if (first == "None") {
    if (addresses.size() > 1)
      errors.invalid(at, addresses, "may not hold more than one value when first value is 'None'");
  } else {
    int families[2] = {0, 0};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      Ip ip;
      const std::string_view text = addresses.at(i).asString();
      errors.invalid(at[i], addresses.at(i), checkIp(text));
      if (parseIp(text, ip)) ++families[ip.isV4 ? 0 : 1];
    }
    if (addresses.size() > 2) errors.invalid(at, addresses, "may only hold up to 2 values");
    if (families[0] > 1 || families[1] > 1)
      errors.invalid(at, addresses, "may specify no more than one IP for each IP family");
  }
  static constexpr std::string_view kFamilies[] = {"IPv4", "IPv6"};
  static constexpr std::string_view kPolicies[] = {"PreferDualStack", "RequireDualStack",
                                                   "SingleStack"};
  const Path families = path["ipFamilies"];
  for (std::size_t i = 0; i < spec["ipFamilies"].size(); ++i) {
    const Value& family = spec["ipFamilies"].at(i);
    checkChoice(errors, families[i], family, kFamilies);
    // This cluster has one family; of a headless service without pods it does not matter.
    if (family.asString() == "IPv6" &&
        (spec["clusterIP"].asString() != "None" || !spec["selector"].empty()))
      errors.invalid(families[i], family, "not configured on this cluster");
  }
  checkOptionalChoice(errors, path["ipFamilyPolicy"], spec["ipFamilyPolicy"], kPolicies);
}

void checkAffinity(Errors& errors, const Path& path, const Value& spec) {
  static constexpr std::string_view kAffinities[] = {"ClientIP", "None"};
  if (spec["sessionAffinity"].asString().empty()) {
    errors.required(path["sessionAffinity"]);
    return;
  }
  checkChoice(errors, path["sessionAffinity"], spec["sessionAffinity"], kAffinities);
  if (spec["sessionAffinity"].asString() != "ClientIP") return;
  const std::int64_t seconds = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].asInt();
  if (seconds <= 0 || seconds > kMaxAffinitySeconds)
    errors.invalid(path["sessionAffinityConfig.clientIP.timeoutSeconds"], seconds,
                   "must be greater than 0 and less than 86400");
}

FieldErrors validateService(const Value& service) {
  static constexpr std::string_view kTypes[] = {"ClusterIP", "ExternalName", "LoadBalancer",
                                                "NodePort"};
  static constexpr std::string_view kDistributions[] = {"PreferClose", "PreferSameZone",
                                                        "PreferSameNode"};
  Errors errors;
  const Path root, path = root["spec"], ports = path["ports"];
  const Value& spec = service["spec"];
  const std::string_view type = typeOf(service);
  const bool isHeadless = spec["clusterIP"].asString() == "None";
  if (spec["ports"].empty() && !isHeadless && type != "ExternalName") errors.required(ports);
  if (type == "LoadBalancer" && isHeadless)
    errors.invalid(path["clusterIPs[0]"], spec["clusterIP"],
                   "may not be set to 'None' for LoadBalancer services");
  if (type == "NodePort" && isHeadless)
    errors.invalid(path["clusterIPs[0]"], spec["clusterIP"],
                   "may not be set to 'None' for NodePort services");
  if (type == "ExternalName") {
    std::string_view name = spec["externalName"].asString();
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty()) {
      errors.required(path["externalName"]);
    } else {
      errors.invalid(path["externalName"], spec["externalName"], checkDnsSubdomain(name));
    }
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < spec["ports"].size(); ++i)
    checkServicePort(errors, ports[i], service, spec["ports"].at(i), names);
  checkLabels(errors, path["selector"], spec["selector"]);
  checkAffinity(errors, path, spec);
  const Path externals = path["externalIPs"];
  for (std::size_t i = 0; i < spec["externalIPs"].size(); ++i) {
    const std::string_view address = spec["externalIPs"].at(i).asString();
    const Messages wrong = checkIp(address);
    errors.invalid(externals[i], address, wrong);
    if (wrong.empty()) checkNonSpecialIp(errors, externals[i], address);
  }
  if (type.empty()) {
    errors.required(path["type"]);
  } else {
    checkChoice(errors, path["type"], spec["type"], kTypes);
  }
  std::set<std::pair<std::string_view, std::int64_t>> numbers, nodePorts;
  for (std::size_t i = 0; i < spec["ports"].size(); ++i) {
    const Value& port = spec["ports"].at(i);
    const Path at = ports[i];
    const std::string_view protocol = port["protocol"].asString();
    const std::int64_t node = port["nodePort"].asInt();
    if (node != 0) {
      if (type == "ClusterIP" || type == "ExternalName") {
        errors.forbidden(at["nodePort"],
                         "may not be used when `type` is '" + std::string(type) + "'");
      } else if (!nodePorts.emplace(protocol, node).second) {
        errors.duplicate(at["nodePort"], node);
      }
    }
    if (!numbers.emplace(protocol, port["port"].asInt()).second) {
      const Value none, zero(0), empty("");
      FieldErrors list;
      list.push_back({FieldErrorType::Duplicate, at.print(), std::nullopt,
                      printGo({{"Name", &empty},
                               {"Protocol", &port["protocol"]},
                               {"AppProtocol", &none},
                               {"Port", &port["port"]},
                               {"TargetPort", &zero},
                               {"NodePort", &zero}})});
      errors.add(std::move(list));
    }
  }
  if (!spec["loadBalancerSourceRanges"].empty()) {
    // The API server spells it like this.
    const Path ranges = path["LoadBalancerSourceRanges"];
    if (type != "LoadBalancer")
      errors.forbidden(ranges, "may only be used when `type` is 'LoadBalancer'");
    for (std::size_t i = 0; i < spec["loadBalancerSourceRanges"].size(); ++i) {
      const std::string_view range = spec["loadBalancerSourceRanges"].at(i).asString();
      errors.invalid(ranges[i], range, checkCidr(range));
    }
  }
  if (spec["allocateLoadBalancerNodePorts"].isBool() && type != "LoadBalancer")
    errors.forbidden(path["allocateLoadBalancerNodePorts"],
                     "may only be used when `type` is 'LoadBalancer'");
  if (spec["loadBalancerClass"].isString()) {
    if (type != "LoadBalancer") {
      errors.forbidden(path["loadBalancerClass"], "may only be used when `type` is 'LoadBalancer'");
    } else {
      errors.invalid(path["loadBalancerClass"], spec["loadBalancerClass"],
                     checkQualifiedName(spec["loadBalancerClass"].asString()));
    }
  }
  checkClusterIps(errors, path, service);
  const Value& external = spec["externalTrafficPolicy"];
  const bool isReachable =
      mayHaveNodePorts(service) || (type == "ClusterIP" && !spec["externalIPs"].empty());
  if (!external.asString().empty()) {
    if (!isReachable) {
      errors.invalid(path["externalTrafficPolicy"], external,
                     "may only be set for externally-accessible services");
    } else {
      checkChoice(errors, path["externalTrafficPolicy"], external, kTrafficPolicies);
    }
  } else if (isReachable) {
    errors.required(path["externalTrafficPolicy"],
                    "must be set for externally-accessible services");
  }
  const Value& health = spec["healthCheckNodePort"];
  if (health.asInt() != 0 && !needsHealthCheckPort(service)) {
    errors.invalid(path["healthCheckNodePort"], health,
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is "
                   "'Local'");
  }
  checkOptionalChoice(errors, path["internalTrafficPolicy"], spec["internalTrafficPolicy"],
                      kTrafficPolicies);
  if (type != "ExternalName" && spec["internalTrafficPolicy"].isNull())
    errors.required(path["internalTrafficPolicy"]);
  checkOptionalChoice(errors, path["trafficDistribution"], spec["trafficDistribution"],
                      kDistributions);
  return errors.take();
}

FieldErrors validateServiceUpdate(const Value& service, const Value& old) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = service["spec"];
  const Value& before = old["spec"];
  if (needsClusterIp(service) && needsClusterIp(old)) {
    const Path addresses = path["clusterIPs"];
    const Value& was = before["clusterIPs"];
    if (!was.empty() && spec["clusterIPs"].at(0) != was.at(0))
      errors.invalid(addresses[std::size_t{0}], spec["clusterIPs"], "may not change once set");
    const Path families = path["ipFamilies"];
    if (!before["ipFamilies"].empty() && !spec["ipFamilies"].empty() &&
        before["ipFamilies"].at(0) != spec["ipFamilies"].at(0))
      errors.invalid(families[std::size_t{0}], spec["ipFamilies"], "may not change once set");
  }
  if (typeOf(service) == "LoadBalancer" && typeOf(old) == "LoadBalancer" &&
      spec["loadBalancerClass"] != before["loadBalancerClass"])
    errors.invalid(path["loadBalancerClass"], spec["loadBalancerClass"], "may not change once set");
  return errors.take();
}

}  // namespace

constinit const Strategy kServices{.applyDefaults = applyServiceDefaults,
                                   .prepareForCreate = prepareServiceForCreate,
                                   .prepareForUpdate = prepareServiceForUpdate,
                                   .validate = validateService,
                                   .validateUpdate = validateServiceUpdate,
                                   .allowCreateOnUpdate = true,
                                   .returnsDeletedObject = true,
                                   .nameRule = Strategy::NameRule::Label};

}  // namespace internal

ServiceNeeds needsOf(const Value& service) {
  const Value& spec = service["spec"];
  ServiceNeeds out;
  if (internal::needsClusterIp(service)) {
    const bool isHeadless = spec["clusterIP"].asString() == "None";
    out.clusterIp = !isHeadless && spec["clusterIP"].asString().empty();
    out.ipFamilies = spec["ipFamilies"].empty();
    out.ipFamilyPolicy = spec["ipFamilyPolicy"].isNull();
  }
  if (internal::needsNodePorts(service)) {
    for (std::size_t i = 0; i < spec["ports"].size(); ++i) {
      if (spec["ports"].at(i)["nodePort"].asInt() == 0) out.nodePorts.push_back(i);
    }
  }
  out.healthCheckNodePort =
      internal::needsHealthCheckPort(service) && spec["healthCheckNodePort"].asInt() == 0;
  return out;
}

}  // namespace iop::apiserver::kinds
