#include <algorithm>
#include <set>

#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/quantity.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::string_view kPortProtocols[] = {"SCTP", "TCP", "UDP"};

// The fields of a pod that the downward API knows (pkg/apis/core/v1/conversion.go).
constexpr std::string_view kEnvFields[] = {"metadata.name",
                                           "metadata.namespace",
                                           "metadata.uid",
                                           "spec.nodeName",
                                           "spec.serviceAccountName",
                                           "status.hostIP",
                                           "status.hostIPs",
                                           "status.podIP",
                                           "status.podIPs"};
constexpr std::string_view kPodLabels[] = {
    "metadata.annotations", "metadata.labels",  "metadata.name",      "metadata.namespace",
    "metadata.uid",         "spec.nodeName",    "spec.restartPolicy", "spec.serviceAccountName",
    "spec.schedulerName",   "spec.hostNetwork", "status.phase",       "status.hostIP",
    "status.hostIPs",       "status.podIP",     "status.podIPs",      "status.nominatedNodeName"};

// "metadata.labels['key']" and "metadata.annotations['key']".
bool isSubscript(std::string_view path) {
  return (path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['")) &&
         path.ends_with("']");
}

void checkFieldRef(Errors& errors, const Path& path, const Value& ref) {
  const std::string_view field = ref["fieldPath"].asString();
  const Path at = path["fieldPath"];
  if (field.empty()) {
    errors.required(at);
  } else if (!isSubscript(field)) {
    if (!isOneOf(field, kPodLabels)) {
      errors.invalid(
          at, field,
          "error converting fieldPath: field label not supported: " + std::string(field));
    } else if (!isOneOf(field, kEnvFields)) {
      errors.notSupported(at, field, kEnvFields);
    }
  }
}

void checkKeyRef(Errors& errors, const Path& path, const Value& ref) {
  const std::string_view name = ref["name"].asString();
  errors.invalid(path["name"], name, checkDnsSubdomain(name));
  const std::string_view key = ref["key"].asString();
  if (key.empty()) {
    errors.required(path["key"]);
  } else {
    errors.invalid(path["key"], key, checkConfigKey(key));
  }
}

void checkEnvSource(Errors& errors, const Path& path, const Value& variable) {
  const Value& source = variable["valueFrom"];
  if (source.isNull()) return;
  int count = 0;
  if (source["fieldRef"].isObject()) {
    ++count;
    checkFieldRef(errors, path["fieldRef"], source["fieldRef"]);
  }
  if (source["resourceFieldRef"].isObject()) {
    ++count;
    if (source["resourceFieldRef"]["resource"].asString().empty()) {
      const Path ref = path["resourceFieldRef"];
      errors.required(ref["resource"]);
    }
  }
  for (const char* kind : {"configMapKeyRef", "secretKeyRef"}) {
    if (!source[kind].isObject()) continue;
    ++count;
    checkKeyRef(errors, path[kind], source[kind]);
  }
  if (source["fileKeyRef"].isObject()) ++count;
  if (count == 0) {
    errors.invalid(path, "",
                   "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                   "`secretKeyRef` or `fileKeyRef`");
  } else if (!variable["value"].asString().empty()) {
    errors.invalid(path, "", "may not be specified when `value` is not empty");
  } else if (count > 1) {
    errors.invalid(path, "", "may not have more than one field specified at a time");
  }
}

void checkEnv(Errors& errors, const Path& path, const Value& env) {
  for (std::size_t i = 0; i < env.size(); ++i) {
    const Path at = path[i];
    const std::string_view name = env.at(i)["name"].asString();
    if (name.empty()) {
      errors.required(at["name"]);
    } else {
      errors.invalid(at["name"], name, checkEnvName(name));
    }
    checkEnvSource(errors, at["valueFrom"], env.at(i));
  }
}

void checkEnvFrom(Errors& errors, const Path& path, const Value& list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Path at = path[i];
    const std::string_view prefix = list.at(i)["prefix"].asString();
    if (!prefix.empty()) errors.invalid(at["prefix"], prefix, checkEnvName(prefix));
    int count = 0;
    for (const char* kind : {"configMapRef", "secretRef"}) {
      if (!list.at(i)[kind].isObject()) continue;
      ++count;
      const Path ref = at[kind];
      const std::string_view name = list.at(i)[kind]["name"].asString();
      if (name.empty()) {
        errors.required(ref["name"]);
      } else {
        errors.invalid(ref["name"], name, checkDnsSubdomain(name));
      }
    }
    if (count == 0) errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
    if (count > 1) errors.invalid(path, "", "may not have more than one field specified at a time");
  }
}

void checkPorts(Errors& errors, const Path& path, const Value& ports, bool hostNetwork) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Value& port = ports.at(i);
    const Path at = path[i];
    const std::string_view name = port["name"].asString();
    if (!name.empty()) {
      const Messages wrong = checkPortName(name);
      errors.invalid(at["name"], name, wrong);
      if (wrong.empty() && !names.insert(name).second) errors.duplicate(at["name"], name);
    }
    if (port["containerPort"].asInt() == 0) {
      errors.required(at["containerPort"]);
    } else {
      checkPort(errors, at["containerPort"], port["containerPort"]);
    }
    const std::int64_t hostPort = port["hostPort"].asInt();
    if (hostPort != 0) {
      checkPort(errors, at["hostPort"], port["hostPort"]);
      if (hostNetwork && hostPort != port["containerPort"].asInt())
        errors.invalid(at["hostPort"], hostPort,
                       "must match `containerPort` when `hostNetwork` is true");
    }
    if (port["protocol"].asString().empty()) {
      errors.required(at["protocol"]);
    } else {
      checkChoice(errors, at["protocol"], port["protocol"], kPortProtocols);
    }
  }
}

// A number or a name of a port.
void checkPortReference(Errors& errors, const Path& path, const Value& port) {
  if (port.isString()) {
    errors.invalid(path, port, checkPortName(port.asString()));
  } else {
    checkPort(errors, path, port);
  }
}

void checkHandler(Errors& errors, const Path& path, const Value& handler, bool isProbe) {
  static constexpr std::string_view kSchemes[] = {"HTTP", "HTTPS"};
  int count = 0;
  const auto begins = [&](const char* kind, const Path& at) {
    if (!handler[kind].isObject()) return false;
    if (++count > 1) {
      errors.forbidden(at, "may not specify more than 1 handler type");
      return false;
    }
    return true;
  };
  const Path exec = path["exec"], get = path["httpGet"], socket = path["tcpSocket"];
  if (begins("exec", exec) && handler["exec"]["command"].empty()) errors.required(exec["command"]);
  if (begins("httpGet", get)) {
    const Value& action = handler["httpGet"];
    if (action["path"].asString().empty()) errors.required(get["path"]);
    checkPortReference(errors, get["port"], action["port"]);
    checkOptionalChoice(errors, get["scheme"], action["scheme"], kSchemes);
    const Path headers = get["httpHeaders"];
    for (std::size_t i = 0; i < action["httpHeaders"].size(); ++i) {
      const std::string_view name = action["httpHeaders"].at(i)["name"].asString();
      const Path header = headers[i];
      errors.invalid(header["name"], name, checkHttpHeaderName(name));
    }
  }
  if (begins("tcpSocket", socket))
    checkPortReference(errors, socket["port"], handler["tcpSocket"]["port"]);
  if (isProbe) {
    const Path grpc = path["grpc"];
    if (begins("grpc", grpc)) checkPort(errors, grpc["port"], handler["grpc"]["port"]);
  } else {
    const Path sleep = path["sleep"];
    begins("sleep", sleep);
  }
  if (count == 0) errors.required(path, "must specify a handler type");
}

void checkProbe(Errors& errors, const Path& path, const Value& probe, bool mustSucceedOnce) {
  if (!probe.isObject()) return;
  checkHandler(errors, path, probe, true);
  for (const char* name : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                           "successThreshold", "failureThreshold"})
    checkNonNegative(errors, path[name], probe[name]);
  const Value& grace = probe["terminationGracePeriodSeconds"];
  if (!grace.isNull() && grace.asInt() <= 0)
    errors.invalid(path["terminationGracePeriodSeconds"], grace, "must be greater than 0");
  if (mustSucceedOnce && probe["successThreshold"].asInt() != 1)
    errors.invalid(path["successThreshold"], probe["successThreshold"], "must be 1");
}

void checkResources(Errors& errors, const Path& path, const Value& resources) {
  const Value& limits = resources["limits"];
  const Value& requests = resources["requests"];
  const Path limitsPath = path["limits"], requestsPath = path["requests"];
  const auto checkAmount = [&](const Path& at, const Member& member) {
    checkContainerResourceName(errors, at, member.key());
    const Quantity amount = quantityOf(member.value);
    if (amount.nano < 0) errors.invalid(at, member.value, std::string(kNotNegative));
    const bool isWholeKind =
        member.key() != "cpu" && member.key() != "memory" && member.key() != "ephemeral-storage";
    if (isWholeKind && !amount.isWhole()) errors.invalid(at, member.value, "must be an integer");
  };
  for (const Member& limit : limits.members()) checkAmount(limitsPath.key(limit.key()), limit);
  for (const Member& request : requests.members()) {
    checkAmount(requestsPath.key(request.key()), request);
    const std::string name(request.key());
    const bool mayOvercommit = name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
                               name.find('/') == std::string::npos;
    const bool isHugePages = name.starts_with("hugepages-");
    const Value* limit = limits.find(name);
    if (limit == nullptr) {
      if (!mayOvercommit || isHugePages)
        errors.required(limitsPath, "Limit must be set for non overcommitable resources");
      continue;
    }
    const Int128 most = quantityOf(*limit).nano, wanted = quantityOf(request.value).nano;
    const std::string shown = name + " limit of " + quantityOf(*limit).print();
    if ((!mayOvercommit || isHugePages) && wanted != most) {
      errors.invalid(requestsPath, request.value, "must be equal to " + shown);
    } else if (wanted > most) {
      errors.invalid(requestsPath, request.value, "must be less than or equal to " + shown);
    }
  }
}

void checkMounts(Errors& errors, const Path& path, const Value& container, const Value& volumes) {
  std::set<std::string_view> paths;
  const Value& mounts = container["volumeMounts"];
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    const Value& mount = mounts.at(i);
    const Path at = path[i];
    const std::string_view name = mount["name"].asString();
    if (name.empty()) errors.required(at["name"]);
    const auto list = volumes.items();
    if (std::none_of(list.begin(), list.end(),
                     [&](const Value& volume) { return volume["name"].asString() == name; }))
      errors.notFound(at["name"], name);
    const std::string_view where = mount["mountPath"].asString();
    if (where.empty()) {
      errors.required(at["mountPath"]);
    } else if (!paths.insert(where).second) {
      errors.invalid(at["mountPath"], where, "must be unique");
    }
    for (const char* field : {"subPath", "subPathExpr"}) {
      const std::string_view inner = mount[field].asString();
      // The API server names the list here, not its element.
      if (inner.starts_with('/')) errors.invalid(path[field], inner, "must be a relative path");
      if (inner == ".." || inner.find("../") != std::string_view::npos || inner.ends_with("/.."))
        errors.invalid(path[field], inner, "must not contain '..'");
    }
    if (!mount["subPath"].asString().empty() && !mount["subPathExpr"].asString().empty())
      errors.invalid(at["subPathExpr"], mount["subPathExpr"],
                     "subPathExpr and subPath are mutually exclusive");
  }
}

void checkSecurityContext(Errors& errors, const Path& path, const Value& context) {
  if (!context.isObject()) return;
  constexpr std::int64_t kMaxId = 2'147'483'647;
  for (const char* name : {"runAsUser", "runAsGroup"}) {
    const Value& id = context[name];
    if (!id.isNull() && (id.asInt() < 0 || id.asInt() > kMaxId))
      errors.invalid(path[name], id, "must be between 0 and 2147483647, inclusive");
  }
  if (context["allowPrivilegeEscalation"].isNull() || context["allowPrivilegeEscalation"].asBool())
    return;
  FieldErrors list;
  const auto refuse = [&](const char* why) {
    const std::string shown =
        printGo({{"Capabilities", &context["capabilities"]},
                 {"Privileged", &context["privileged"]},
                 {"SELinuxOptions", &context["seLinuxOptions"]},
                 {"WindowsOptions", &context["windowsOptions"]},
                 {"RunAsUser", &context["runAsUser"]},
                 {"RunAsGroup", &context["runAsGroup"]},
                 {"RunAsNonRoot", &context["runAsNonRoot"]},
                 {"ReadOnlyRootFilesystem", &context["readOnlyRootFilesystem"]},
                 {"AllowPrivilegeEscalation", &context["allowPrivilegeEscalation"]},
                 {"ProcMount", &context["procMount"]},
                 {"SeccompProfile", &context["seccompProfile"]},
                 {"AppArmorProfile", &context["appArmorProfile"]}});
    list.push_back({FieldErrorType::Invalid, path.print(), std::nullopt, shown + ": " + why});
  };
  if (context["privileged"].asBool())
    refuse("cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  for (const Value& capability : context["capabilities"]["add"].items()) {
    if (capability.asString() == "CAP_SYS_ADMIN")
      refuse("cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
  errors.add(std::move(list));
}

void checkContainer(Errors& errors, const Path& path, const Value& container, const Value& spec) {
  static constexpr std::string_view kPullPolicies[] = {"Always", "IfNotPresent", "Never"};
  static constexpr std::string_view kMessagePolicies[] = {"File", "FallbackToLogsOnError"};
  const std::string_view name = container["name"].asString();
  if (name.empty()) {
    errors.required(path["name"]);
  } else {
    errors.invalid(path["name"], name, checkDnsLabel(name));
  }
  const std::string_view image = container["image"].asString();
  if (image.empty()) {
    errors.required(path["image"]);
  } else if (image.front() == ' ' || image.back() == ' ' || image.front() == '\t' ||
             image.back() == '\t' || image.front() == '\n' || image.back() == '\n') {
    errors.invalid(path["image"], image, "must not have leading or trailing whitespace");
  }
  if (container["terminationMessagePolicy"].asString().empty()) {
    errors.required(path["terminationMessagePolicy"]);
  } else {
    checkChoice(errors, path["terminationMessagePolicy"], container["terminationMessagePolicy"],
                kMessagePolicies);
  }
  checkPorts(errors, path["ports"], container["ports"], spec["hostNetwork"].asBool());
  checkEnv(errors, path["env"], container["env"]);
  checkEnvFrom(errors, path["envFrom"], container["envFrom"]);
  checkMounts(errors, path["volumeMounts"], container, spec["volumes"]);
  if (container["imagePullPolicy"].asString().empty()) {
    errors.required(path["imagePullPolicy"]);
  } else {
    checkChoice(errors, path["imagePullPolicy"], container["imagePullPolicy"], kPullPolicies);
  }
  checkResources(errors, path["resources"], container["resources"]);
  checkSecurityContext(errors, path["securityContext"], container["securityContext"]);
}

void checkLifecycle(Errors& errors, const Path& path, const Value& lifecycle) {
  for (const char* hook : {"postStart", "preStop"}) {
    if (lifecycle[hook].isObject()) checkHandler(errors, path[hook], lifecycle[hook], false);
  }
}

void checkProbes(Errors& errors, const Path& path, const Value& container) {
  checkLifecycle(errors, path["lifecycle"], container["lifecycle"]);
  checkProbe(errors, path["livenessProbe"], container["livenessProbe"], true);
  checkProbe(errors, path["readinessProbe"], container["readinessProbe"], false);
  checkProbe(errors, path["startupProbe"], container["startupProbe"], true);
}

}  // namespace

void checkResourceName(Errors& errors, const Path& path, std::string_view name) {
  static constexpr std::string_view kStandard[] = {"cpu",
                                                   "memory",
                                                   "ephemeral-storage",
                                                   "storage",
                                                   "pods",
                                                   "services",
                                                   "secrets",
                                                   "configmaps",
                                                   "resourcequotas",
                                                   "replicationcontrollers",
                                                   "persistentvolumeclaims",
                                                   "services.nodeports",
                                                   "services.loadbalancers",
                                                   "requests.cpu",
                                                   "requests.memory",
                                                   "requests.storage",
                                                   "requests.ephemeral-storage",
                                                   "limits.cpu",
                                                   "limits.memory",
                                                   "limits.ephemeral-storage"};
  errors.invalid(path, name, checkQualifiedName(name));
  const bool isHugePages =
      name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
  if (checkQualifiedName(name).empty() && name.find('/') == std::string_view::npos &&
      !isOneOf(name, kStandard) && !isHugePages)
    errors.invalid(path, name, "must be a standard resource type or fully qualified");
}

void checkContainerResourceName(Errors& errors, const Path& path, std::string_view name) {
  static constexpr std::string_view kStandard[] = {"cpu", "memory", "ephemeral-storage"};
  checkResourceName(errors, path, name);
  if (name.find('/') == std::string_view::npos && !isOneOf(name, kStandard) &&
      !name.starts_with("hugepages-"))
    errors.invalid(path, name, "must be a standard resource for containers");
}

void checkContainers(Errors& errors, const Path& path, const Value& spec) {
  static constexpr std::string_view kRestartPolicies[] = {"Always", "Never", "OnFailure"};
  std::set<std::string_view> names;
  const auto checkUnique = [&](const Path& at, const Value& container) {
    const std::string_view name = container["name"].asString();
    if (!name.empty() && !names.insert(name).second) errors.duplicate(at["name"], name);
  };
  const Path containers = path["containers"], inits = path["initContainers"];
  if (spec["containers"].empty()) errors.required(containers);
  for (std::size_t i = 0; i < spec["containers"].size(); ++i) {
    const Value& container = spec["containers"].at(i);
    const Path at = containers[i];
    checkContainer(errors, at, container, spec);
    checkUnique(at, container);
    checkProbes(errors, at, container);
  }
  for (std::size_t i = 0; i < spec["initContainers"].size(); ++i) {
    const Value& container = spec["initContainers"].at(i);
    const Path at = inits[i];
    checkContainer(errors, at, container, spec);
    checkUnique(at, container);
    checkOptionalChoice(errors, at["restartPolicy"], container["restartPolicy"], kRestartPolicies);
    if (container["restartPolicy"].asString() == "Always") {
      checkProbes(errors, at, container);
      continue;
    }
    for (const char* name : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
      if (!container[name].isNull())
        errors.forbidden(at[name],
                         "may not be set for init containers without restartPolicy=Always");
    }
  }
}

}  // namespace iop::apiserver::kinds::internal
