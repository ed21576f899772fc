// Ingresses, IngressClasses and NetworkPolicies (pkg/registry/networking,
// pkg/apis/networking/validation/validation.go).

#include <cstring>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr const char* kClassAnnotation = "kubernetes.io/ingress.class";

void initialiseIngressStatus(Value& ingress) {
  ingress.set("status", Value::object({{"loadBalancer", Value::object()}}));
}

void checkBackend(Errors& errors, const Path& path, const Value& backend) {
  const Value& service = backend["service"];
  const bool hasResource = backend["resource"].isObject();
  if (!service.isObject() && !hasResource) {
    errors.invalid(path, "", "resource or service backend is required");
    return;
  }
  if (service.isObject() && hasResource) {
    errors.invalid(path, "", "cannot set both resource and service backends");
    return;
  }
  if (hasResource) {
    const Path at = path["resource"];
    for (const char* field : {"kind", "name"}) {
      if (backend["resource"][field].asString().empty()) errors.required(at[field]);
    }
    return;
  }
  const Path at = path["service"], port = at["port"];
  const std::string_view name = service["name"].asString();
  if (name.empty()) {
    errors.required(at["name"]);
  } else {
    errors.invalid(at["name"], name, checkDnsLabel(name));
  }
  const std::string_view portName = service["port"]["name"].asString();
  const std::int64_t number = service["port"]["number"].asInt();
  if (!portName.empty() && number != 0) {
    errors.invalid(path, "", "cannot set both port name & port number");
  } else if (!portName.empty()) {
    errors.invalid(port["name"], portName, checkPortName(portName));
  } else if (number != 0) {
    checkPort(errors, port["number"], number);
  } else {
    errors.required(path, "port name or number is required");
  }
}

void checkIngressPath(Errors& errors, const Path& path, const Value& rule) {
  static constexpr std::string_view kTypes[] = {"Exact", "ImplementationSpecific", "Prefix"};
  static constexpr std::string_view kForbidden[] = {"//", "/./", "/../", "%2f", "%2F"};
  const Value& type = rule["pathType"];
  const std::string_view text = rule["path"].asString();
  if (type.isNull()) {
    errors.required(path["pathType"], "pathType must be specified");
  } else {
    const std::string_view name = type.asString();
    if (name == "Exact" || name == "Prefix") {
      if (!text.starts_with('/')) errors.invalid(path["path"], text, "must be an absolute path");
      for (const std::string_view bad : kForbidden) {
        if (text.find(bad) != std::string_view::npos)
          errors.invalid(path["path"], text, "must not contain '" + std::string(bad) + "'");
      }
      for (const std::string_view bad : {"/..", "/."}) {
        if (text.ends_with(bad))
          errors.invalid(path["path"], text, "cannot end with '" + std::string(bad) + "'");
      }
    } else if (name == "ImplementationSpecific") {
      if (!text.empty() && !text.starts_with('/'))
        errors.invalid(path["path"], text, "must be an absolute path");
    } else {
      errors.notSupported(path["pathType"], type, kTypes);
    }
  }
  checkBackend(errors, path["backend"], rule["backend"]);
}

void checkHost(Errors& errors, const Path& path, std::string_view host) {
  if (host.find('*') != std::string_view::npos) {
    errors.invalid(path, host, checkWildcardSubdomain(host));
  } else {
    errors.invalid(path, host, checkDnsSubdomain(host));
  }
}

FieldErrors validateIngress(const Value& ingress) {
  Errors errors;
  const Path root, path = root["spec"], rules = path["rules"], tls = path["tls"];
  const Value& spec = ingress["spec"];
  if (spec["rules"].empty() && spec["defaultBackend"].isNull())
    errors.invalid(path, nullptr, "either `defaultBackend` or `rules` must be specified");
  if (spec["defaultBackend"].isObject())
    checkBackend(errors, path["defaultBackend"], spec["defaultBackend"]);
  for (std::size_t i = 0; i < spec["rules"].size(); ++i) {
    const Value& rule = spec["rules"].at(i);
    const Path at = rules[i];
    const std::string_view host = rule["host"].asString();
    if (!host.empty()) {
      if (Ip ip; parseIp(host, ip))
        errors.invalid(at["host"], host, "must be a DNS name, not an IP address");
      else
        checkHost(errors, at["host"], host);
    }
    if (!rule["http"].isObject()) continue;
    const Path paths = at["http.paths"];
    if (rule["http"]["paths"].empty()) errors.required(paths);
    for (std::size_t k = 0; k < rule["http"]["paths"].size(); ++k)
      checkIngressPath(errors, paths[k], rule["http"]["paths"].at(k));
  }
  for (std::size_t i = 0; i < spec["tls"].size(); ++i) {
    const Path at = tls[i], hosts = at["hosts"];
    for (std::size_t k = 0; k < spec["tls"].at(i)["hosts"].size(); ++k)
      checkHost(errors, hosts[k], spec["tls"].at(i)["hosts"].at(k).asString());
    const std::string_view secret = spec["tls"].at(i)["secretName"].asString();
    if (!secret.empty()) errors.invalid(at["secretName"], secret, checkDnsSubdomain(secret));
  }
  const Value& className = spec["ingressClassName"];
  if (className.isString())
    errors.invalid(path["ingressClassName"], className, checkDnsSubdomain(className.asString()));
  const Value& annotation = ingress["metadata"]["annotations"][kClassAnnotation];
  if (className.isString() && annotation.isString() && annotation != className) {
    errors.invalid(root["annotations.kubernetes.io/ingress.class"], annotation,
                   "must match `ingressClassName` when both are specified");
  }
  return errors.take();
}

// ---- IngressClasses ----

void applyIngressClassDefaults(Value& ingressClass) {
  dropZeroValues(ingressClass);
  if (ingressClass["spec"]["parameters"].isObject())
    setDefault(ingressClass.edit("spec").edit("parameters"), "scope", "Cluster");
}

FieldErrors validateIngressClass(const Value& ingressClass) {
  static constexpr std::string_view kScopes[] = {"Cluster", "Namespace"};
  Errors errors;
  const Path root, path = root["spec"], at = path["parameters"];
  const Value& spec = ingressClass["spec"];
  const std::string_view controller = spec["controller"].asString();
  if (controller.empty()) {
    errors.required(path["controller"]);
  } else {
    errors.invalid(path["controller"], controller, checkDomainPrefixedPath(controller));
  }
  const Value& parameters = spec["parameters"];
  if (!parameters.isObject()) return errors.take();
  const Value& space = parameters["namespace"];
  checkOptionalChoice(errors, at["scope"], parameters["scope"], kScopes);
  if (parameters["scope"].asString() == "Namespace" && space.asString().empty())
    errors.required(at["namespace"], "`parameters.scope` is set to 'Namespace'");
  if (parameters["scope"].asString() == "Cluster" && !space.asString().empty())
    errors.forbidden(at["namespace"], "`parameters.scope` is set to 'Cluster'");
  for (const char* field : {"kind", "name"}) {
    const std::string_view text = parameters[field].asString();
    if (text.empty()) {
      errors.required(at[field]);
    } else {
      errors.invalid(at[field], text, checkPathSegment(text));
    }
  }
  return errors.take();
}

FieldErrors validateIngressClassUpdate(const Value& ingressClass, const Value& old) {
  Errors errors;
  const Path root;
  checkImmutable(errors, root["spec.controller"], ingressClass["spec"]["controller"],
                 old["spec"]["controller"]);
  return errors.take();
}

// ---- NetworkPolicies ----

constexpr const char* kDirections[] = {"ingress", "egress"};

void applyPolicyDefaults(Value& policy) {
  dropZeroValues(policy);
  Value& spec = policy.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "podSelector", Value::object());
  for (const char* direction : kDirections) {
    for (std::size_t i = 0; i < spec[direction].size(); ++i) {
      for (std::size_t k = 0; k < spec[direction].at(i)["ports"].size(); ++k) {
        if (spec[direction].at(i)["ports"].at(k)["protocol"].isNull())
          spec.edit(direction).editItem(i).edit("ports").editItem(k).set("protocol", "TCP");
      }
    }
  }
  if (!spec["policyTypes"].empty()) return;
  Value types = Value::array({"Ingress"});
  if (!spec["egress"].empty()) types.push("Egress");
  spec.set("policyTypes", std::move(types));
}

// Whether the network `inner` is a part of `outer`, and smaller.
bool isStrictSubset(std::string_view inner, std::string_view outer) {
  Ip a, b;
  int aBits = 0, bBits = 0;
  if (!parseCidr(inner, a, aBits) || !parseCidr(outer, b, bBits)) return false;
  if (a.isV4 != b.isV4 || aBits <= bBits) return false;
  const int bits = bBits + (b.isV4 ? 96 : 0);
  const std::size_t whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(a.bytes, b.bytes, whole) != 0) return false;
  const int rest = bits % 8;
  return rest == 0 || ((a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest)) == 0;
}

void checkPeer(Errors& errors, const Path& path, const Value& peer) {
  int count = 0;
  for (const char* field : {"podSelector", "namespaceSelector"}) {
    if (!peer[field].isObject()) continue;
    ++count;
    checkLabelSelector(errors, path[field], peer[field]);
  }
  const Value& block = peer["ipBlock"];
  if (block.isObject()) {
    const Path at = path["ipBlock"], except = at["except"];
    const std::string_view cidr = block["cidr"].asString();
    if (cidr.empty()) {
      errors.required(at["cidr"]);
    } else {
      const Messages wrong = checkCidr(cidr);
      errors.invalid(at["cidr"], cidr, wrong);
      for (std::size_t i = 0; wrong.empty() && i < block["except"].size(); ++i) {
        const std::string_view part = block["except"].at(i).asString();
        const Messages partWrong = checkCidr(part);
        errors.invalid(except[i], part, partWrong);
        if (partWrong.empty() && !isStrictSubset(part, cidr))
          errors.invalid(except[i], part, "must be a strict subset of `cidr`");
      }
    }
  }
  if (count == 0 && !block.isObject()) {
    errors.required(path, "must specify a peer");
  } else if (count > 0 && block.isObject()) {
    errors.forbidden(path, "may not specify both ipBlock and another peer");
  }
}

void checkPolicyPort(Errors& errors, const Path& path, const Value& port) {
  static constexpr std::string_view kProtocols[] = {"TCP", "UDP", "SCTP"};
  checkOptionalChoice(errors, path["protocol"], port["protocol"], kProtocols);
  const Value& number = port["port"];
  const Value& end = port["endPort"];
  if (number.isString()) {
    errors.invalid(path["port"], number, checkPortName(number.asString()));
    if (!end.isNull())
      errors.invalid(path["endPort"], end, "may not be specified when `port` is non-numeric");
  } else if (!number.isNull()) {
    checkPort(errors, path["port"], number);
    if (!end.isNull()) {
      if (end.asInt() < number.asInt())
        errors.invalid(path["endPort"], end, "must be greater than or equal to `port`");
      checkPort(errors, path["endPort"], end);
    }
  } else if (!end.isNull()) {
    errors.invalid(path["endPort"], end, "may not be specified when `port` is not specified");
  }
}

FieldErrors validatePolicy(const Value& policy) {
  static constexpr std::string_view kTypes[] = {"Ingress", "Egress"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = policy["spec"];
  checkLabelSelector(errors, path["podSelector"], spec["podSelector"]);
  for (const char* direction : kDirections) {
    const char* const peers = direction == kDirections[0] ? "from" : "to";
    const Path rules = path[direction];
    for (std::size_t i = 0; i < spec[direction].size(); ++i) {
      const Value& rule = spec[direction].at(i);
      const Path at = rules[i], ports = at["ports"], list = at[peers];
      for (std::size_t k = 0; k < rule["ports"].size(); ++k)
        checkPolicyPort(errors, ports[k], rule["ports"].at(k));
      for (std::size_t k = 0; k < rule[peers].size(); ++k)
        checkPeer(errors, list[k], rule[peers].at(k));
    }
  }
  const Path types = path["policyTypes"];
  if (spec["policyTypes"].size() > std::size(kTypes))
    errors.invalid(types, spec["policyTypes"], "may not specify more than two policyTypes");
  for (std::size_t i = 0; i < spec["policyTypes"].size(); ++i)
    checkChoice(errors, types[i], spec["policyTypes"].at(i), kTypes);
  return errors.take();
}

}  // namespace

constinit const Strategy kIngresses{.applyDefaults = dropZeroValues,
                                    .prepareForCreate = initialiseIngressStatus,
                                    .validate = validateIngress,
                                    .hasGeneration = true};

constinit const Strategy kIngressClasses{.applyDefaults = applyIngressClassDefaults,
                                         .validate = validateIngressClass,
                                         .validateUpdate = validateIngressClassUpdate,
                                         .hasGeneration = true};

constinit const Strategy kNetworkPolicies{
    .applyDefaults = applyPolicyDefaults, .validate = validatePolicy, .hasGeneration = true};

}  // namespace iop::apiserver::kinds::internal
