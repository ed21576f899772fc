// Deployments, ReplicaSets, StatefulSets, DaemonSets, ControllerRevisions and
// ReplicationControllers (pkg/registry/apps, pkg/apis/apps/validation/validation.go).

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr int kRevisionHistory = 10, kProgressSeconds = 600;

// Status counters that Go leaves out when they are 0, unlike others of the same name.
void dropZeroStatus(Value& object, std::initializer_list<const char*> fields) {
  for (const char* field : fields) {
    const Value* value = object["status"].find(field);
    if (value != nullptr && isZero(*value)) object.edit("status").erase(field);
  }
}

// The template's defaults, if there is a spec.
Value* applyWorkloadDefaults(Value& object) {
  dropZeroValues(object);
  Value& spec = object.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return nullptr;
  applyPodTemplateDefaults(spec.edit("template"));
  return &spec;
}

void checkSelector(Errors& errors, const Path& path, const Value& spec, const char* kind,
                   bool isRequired, bool addsSummary) {
  const Path at = path["selector"];
  const Value& selector = spec["selector"];
  if (selector.isNull()) {
    if (isRequired) errors.required(at);
    return;
  }
  Errors own;
  checkLabelSelector(own, at, selector);
  const bool isWrong = !own.empty();
  errors.add(own.take());
  if (isEmptySelector(selector))
    errors.invalid(at, selector, std::string("empty selector is invalid for ") + kind);
  if (isWrong && addsSummary) errors.invalid(at, selector, "invalid label selector");
}

void checkMatch(Errors& errors, const Path& path, const Value& spec) {
  const Value& labels = spec["template"]["metadata"]["labels"];
  if (!selectorMatches(spec["selector"], labels))
    errors.invalid(path["template.metadata.labels"], labels,
                   "`selector` does not match template `labels`");
}

// Whether a selector is one that can be used at all.
bool isValidSelector(const Path& path, const Value& spec) {
  Errors errors;
  checkLabelSelector(errors, path["selector"], spec["selector"]);
  return errors.empty();
}

void checkRestartsAlways(Errors& errors, const Path& path, const Value& spec,
                         const char* deadlineOwner) {
  static constexpr std::string_view kAlways[] = {"Always"};
  static constexpr std::string_view kAll[] = {"Always", "OnFailure", "Never"};
  const Value& pod = spec["template"]["spec"];
  if (pod["restartPolicy"].asString() != "Always" && isOneOf(pod["restartPolicy"].asString(), kAll))
    errors.notSupported(path["template.spec.restartPolicy"], pod["restartPolicy"], kAlways);
  if (!pod["activeDeadlineSeconds"].isNull())
    errors.forbidden(
        path["template.spec.activeDeadlineSeconds"],
        std::string("activeDeadlineSeconds in ") + deadlineOwner + " is not Supported");
}

// What the API server prints of an update strategy.
void addStrategyError(Errors& errors, FieldErrorType type, const Path& path, const Value& strategy,
                      const std::string& detail) {
  const Value none;
  FieldErrors list;
  list.push_back(
      {type, path.print(), std::nullopt,
       printGo({{"Type", &strategy["type"]}, {"RollingUpdate", &none}}) + ": " + detail});
  errors.add(std::move(list));
}

// ---- Deployments ----

void applyDeploymentDefaults(Value& deployment) {
  Value* spec = applyWorkloadDefaults(deployment);
  if (spec == nullptr) return;
  setDefault(*spec, "replicas", 1);
  Value& strategy = spec->edit("strategy");
  if (strategy.isNull() || strategy.isObject()) {
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"].asString() == "RollingUpdate") {
      Value& rolling = strategy.edit("rollingUpdate");
      if (rolling.isNull() || rolling.isObject()) {
        setDefault(rolling, "maxUnavailable", "25%");
        setDefault(rolling, "maxSurge", "25%");
      }
    }
  }
  setDefault(*spec, "revisionHistoryLimit", kRevisionHistory);
  setDefault(*spec, "progressDeadlineSeconds", kProgressSeconds);
  dropZeroStatus(deployment, {"replicas", "availableReplicas"});
}

bool isZeroAmount(const Value& amount) {
  return amount.isString() ? amount.asString() == "0%" || amount.asString().empty()
                           : amount.asInt() == 0;
}

void checkDeploymentStrategy(Errors& errors, const Path& path, const Value& strategy) {
  const std::string_view type = strategy["type"].asString();
  const Path rolling = path["rollingUpdate"];
  const Value& update = strategy["rollingUpdate"];
  if (type == "Recreate") {
    if (!update.isNull())
      errors.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
  } else if (type == "RollingUpdate") {
    const Path unavailable = rolling["maxUnavailable"], surge = rolling["maxSurge"];
    checkNonNegativeIntOrPercent(errors, unavailable, update["maxUnavailable"]);
    checkNonNegativeIntOrPercent(errors, surge, update["maxSurge"]);
    if (isZeroAmount(update["maxUnavailable"]) && isZeroAmount(update["maxSurge"]))
      errors.invalid(unavailable, update["maxUnavailable"], "may not be 0 when `maxSurge` is 0");
    checkNotAbove100Percent(errors, unavailable, update["maxUnavailable"]);
  } else {
    addStrategyError(errors, FieldErrorType::NotSupported, path, strategy,
                     R"(supported values: "Recreate", "RollingUpdate")");
  }
}

FieldErrors validateDeployment(const Value& deployment) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = deployment["spec"];
  checkNonNegative(errors, path["replicas"], spec["replicas"]);
  checkSelector(errors, path, spec, "deployment", true, true);
  if (isValidSelector(path, spec)) {
    checkMatch(errors, path, spec);
    checkRestartsAlways(errors, path, spec, "ReplicaSet");
    checkPodTemplate(errors, path["template"], spec["template"]);
  }
  checkDeploymentStrategy(errors, path["strategy"], spec["strategy"]);
  checkNonNegative(errors, path["minReadySeconds"], spec["minReadySeconds"]);
  checkNonNegative(errors, path["revisionHistoryLimit"], spec["revisionHistoryLimit"]);
  const Value& deadline = spec["progressDeadlineSeconds"];
  if (!deadline.isNull()) {
    checkNonNegative(errors, path["progressDeadlineSeconds"], deadline);
    if (deadline.asInt() <= spec["minReadySeconds"].asInt())
      errors.invalid(path["progressDeadlineSeconds"], deadline,
                     "must be greater than minReadySeconds");
  }
  return errors.take();
}

FieldErrors validateSelectorUpdate(const Value& object, const Value& old) {
  Errors errors;
  const Path root;
  checkImmutable(errors, root["spec.selector"], object["spec"]["selector"],
                 old["spec"]["selector"]);
  return errors.take();
}

void initialiseEmptyStatus(Value& object) { object.set("status", Value::object()); }

// ---- ReplicaSets ----

void applyReplicaSetDefaults(Value& set) {
  Value* spec = applyWorkloadDefaults(set);
  if (spec == nullptr) return;
  setDefault(*spec, "replicas", 1);
  dropZeroStatus(set, {"availableReplicas"});
}

void initialiseReplicas(Value& object) { object.set("status", Value::object({{"replicas", 0}})); }

FieldErrors validateReplicaSet(const Value& set) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = set["spec"];
  checkNonNegative(errors, path["replicas"], spec["replicas"]);
  checkNonNegative(errors, path["minReadySeconds"], spec["minReadySeconds"]);
  checkSelector(errors, path, spec, "deployment", true, true);
  if (isValidSelector(path, spec)) {
    checkMatch(errors, path, spec);
    checkRestartsAlways(errors, path, spec, "ReplicaSet");
    checkPodTemplate(errors, path["template"], spec["template"]);
  }
  return errors.take();
}

// ---- StatefulSets ----

void applyStatefulSetDefaults(Value& set) {
  Value* spec = applyWorkloadDefaults(set);
  if (spec == nullptr) return;
  if (spec->find("serviceName") == nullptr) spec->set("serviceName", "");
  setDefault(*spec, "podManagementPolicy", "OrderedReady");
  Value& strategy = spec->edit("updateStrategy");
  if (strategy.isNull() || strategy.isObject()) {
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"].asString() == "RollingUpdate") {
      Value& rolling = strategy.edit("rollingUpdate");
      if (rolling.isNull() || rolling.isObject()) {
        setDefault(rolling, "partition", 0);
        setDefault(rolling, "maxUnavailable", 1);
      }
    }
  }
  Value& retention = spec->edit("persistentVolumeClaimRetentionPolicy");
  if (retention.isNull() || retention.isObject()) {
    setDefault(retention, "whenDeleted", "Retain");
    setDefault(retention, "whenScaled", "Retain");
  }
  setDefault(*spec, "replicas", 1);
  setDefault(*spec, "revisionHistoryLimit", kRevisionHistory);
  for (std::size_t i = 0; i < (*spec)["volumeClaimTemplates"].size(); ++i) {
    Value& claim = spec->edit("volumeClaimTemplates").editItem(i);
    if (!claim.isObject()) continue;
    setDefault(claim, "apiVersion", "v1");
    setDefault(claim, "kind", "PersistentVolumeClaim");
    applyClaimSpecDefaults(claim.edit("spec"));
    Value& status = claim.edit("status");
    if (status.isNull() || status.isObject()) setDefault(status, "phase", "Pending");
  }
}

void initialiseStatefulSetStatus(Value& object) {
  object.set("status", Value::object({{"availableReplicas", 0}, {"replicas", 0}}));
}

FieldErrors validateStatefulSet(const Value& set) {
  static constexpr std::string_view kRetention[] = {"Retain", "Delete"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = set["spec"];
  const std::string_view policy = spec["podManagementPolicy"].asString();
  if (policy.empty()) {
    errors.required(path["podManagementPolicy"]);
  } else if (policy != "OrderedReady" && policy != "Parallel") {
    errors.invalid(path["podManagementPolicy"], policy, "must be 'OrderedReady' or 'Parallel'");
  }
  const Path strategyPath = path["updateStrategy"], rolling = strategyPath["rollingUpdate"];
  const Value& strategy = spec["updateStrategy"];
  const std::string_view type = strategy["type"].asString();
  const Value& update = strategy["rollingUpdate"];
  if (type.empty()) {
    errors.required(strategyPath);
  } else if (type == "OnDelete") {
    if (!update.isNull()) {
      FieldErrors list;
      list.push_back({FieldErrorType::Invalid, rolling.print(), std::nullopt,
                      printGo({{"Partition", &update["partition"]},
                               {"MaxUnavailable", &update["maxUnavailable"]}}) +
                          ": only allowed for updateStrategy 'RollingUpdate'"});
      errors.add(std::move(list));
    }
  } else if (type == "RollingUpdate") {
    checkNonNegative(errors, rolling["partition"], update["partition"]);
    checkNonNegativeIntOrPercent(errors, rolling["maxUnavailable"], update["maxUnavailable"]);
  } else {
    addStrategyError(errors, FieldErrorType::Invalid, strategyPath, strategy,
                     "must be 'RollingUpdate' or 'OnDelete'");
  }
  const Path retention = path["persistentVolumeClaimRetentionPolicy"];
  for (const char* field : {"whenDeleted", "whenScaled"})
    checkOptionalChoice(errors, retention[field],
                        spec["persistentVolumeClaimRetentionPolicy"][field], kRetention);
  checkNonNegative(errors, path["replicas"], spec["replicas"]);
  checkNonNegative(errors, path["minReadySeconds"], spec["minReadySeconds"]);
  checkNonNegative(errors, path["ordinals.start"], spec["ordinals"]["start"]);
  checkSelector(errors, path, spec, "statefulset", true, true);
  if (isValidSelector(path, spec)) {
    checkMatch(errors, path, spec);
    Value podTemplate = spec["template"];
    // Claims are volumes that mounts may name.
    for (const Value& claim : spec["volumeClaimTemplates"].items()) {
      Value& volumes = podTemplate.edit("spec").edit("volumes");
      if (!volumes.isArray()) volumes = Value::array();
      bool isThere = false;
      for (const Value& volume : volumes.items())
        isThere = isThere || volume["name"] == claim["metadata"]["name"];
      if (!isThere)
        volumes.push(
            Value::object({{"emptyDir", Value::object()}, {"name", claim["metadata"]["name"]}}));
    }
    checkPodTemplate(errors, path["template"], podTemplate);
  }
  checkRestartsAlways(errors, path, spec, "StatefulSet");
  return errors.take();
}

FieldErrors validateStatefulSetUpdate(const Value& set, const Value& old) {
  static constexpr const char* kMutable[] = {"replicas",
                                             "ordinals",
                                             "template",
                                             "updateStrategy",
                                             "revisionHistoryLimit",
                                             "persistentVolumeClaimRetentionPolicy",
                                             "minReadySeconds"};
  Errors errors;
  const Path root, path = root["spec"];
  for (const char* field :
       {"selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"})
    checkImmutable(errors, path[field], set["spec"][field], old["spec"][field]);
  if (!errors.empty()) return errors.take();
  Value munged = set["spec"];
  for (const char* field : kMutable) {
    if (old["spec"].contains(field)) {
      munged.set(field, old["spec"][field]);
    } else {
      munged.erase(field);
    }
  }
  if (munged != old["spec"]) {
    errors.forbidden(path,
                     "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                     "'template', 'updateStrategy', 'revisionHistoryLimit', "
                     "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
  }
  return errors.take();
}

// ---- DaemonSets ----

constexpr const char* kTemplateGeneration = "deprecated.daemonset.template.generation";

void setTemplateGeneration(Value& set, std::int64_t generation) {
  Value& annotations = set.edit("metadata").edit("annotations");
  if (!annotations.isObject()) annotations = Value::object();
  annotations.set(kTemplateGeneration, std::to_string(generation));
}

void applyDaemonSetDefaults(Value& set) {
  if (set["metadata"].isObject() && set["metadata"]["annotations"][kTemplateGeneration].isNull())
    setTemplateGeneration(set, 0);
  Value* spec = applyWorkloadDefaults(set);
  if (spec == nullptr) return;
  Value& strategy = spec->edit("updateStrategy");
  if (strategy.isNull() || strategy.isObject()) {
    setDefault(strategy, "type", "RollingUpdate");
    if (strategy["type"].asString() == "RollingUpdate") {
      Value& rolling = strategy.edit("rollingUpdate");
      if (rolling.isNull() || rolling.isObject()) {
        setDefault(rolling, "maxUnavailable", 1);
        setDefault(rolling, "maxSurge", 0);
      }
    }
  }
  setDefault(*spec, "revisionHistoryLimit", kRevisionHistory);
}

void prepareDaemonSetForCreate(Value& set) {
  setTemplateGeneration(set, 1);
  set.set("status", Value::object({{"currentNumberScheduled", 0},
                                   {"desiredNumberScheduled", 0},
                                   {"numberMisscheduled", 0},
                                   {"numberReady", 0}}));
}

void prepareDaemonSetForUpdate(Value& set, const Value& old) {
  const std::string_view text = old["metadata"]["annotations"][kTemplateGeneration].asString("0");
  std::int64_t generation = 0;
  for (const char c : text.substr(0, 15))
    generation = c >= '0' && c <= '9' ? generation * 10 + (c - '0') : generation;
  if (set["spec"]["template"] != old["spec"]["template"]) ++generation;
  setTemplateGeneration(set, generation);
}

FieldErrors validateDaemonSet(const Value& set) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = set["spec"];
  checkSelector(errors, path, spec, "daemonset", false, false);
  if (isValidSelector(path, spec)) checkMatch(errors, path, spec);
  checkPodTemplate(errors, path["template"], spec["template"]);
  checkRestartsAlways(errors, path, spec, "DaemonSet");
  checkNonNegative(errors, path["minReadySeconds"], spec["minReadySeconds"]);
  const Path strategyPath = path["updateStrategy"], rolling = strategyPath["rollingUpdate"];
  const Value& strategy = spec["updateStrategy"];
  const Value& update = strategy["rollingUpdate"];
  const std::string_view type = strategy["type"].asString();
  if (type == "RollingUpdate") {
    const Path unavailable = rolling["maxUnavailable"], surge = rolling["maxSurge"];
    checkNonNegativeIntOrPercent(errors, unavailable, update["maxUnavailable"]);
    checkNonNegativeIntOrPercent(errors, surge, update["maxSurge"]);
    const bool noneUnavailable = isZeroAmount(update["maxUnavailable"]);
    if (noneUnavailable && isZeroAmount(update["maxSurge"])) {
      errors.required(unavailable, "cannot be 0 when maxSurge is 0");
    } else if (!noneUnavailable && !isZeroAmount(update["maxSurge"])) {
      errors.invalid(surge, update["maxSurge"], "may not be set when maxUnavailable is non-zero");
    }
    checkNotAbove100Percent(errors, unavailable, update["maxUnavailable"]);
    checkNotAbove100Percent(errors, surge, update["maxSurge"]);
  } else if (type != "OnDelete") {
    addStrategyError(errors, FieldErrorType::NotSupported, strategyPath, strategy,
                     R"(supported values: "RollingUpdate", "OnDelete")");
  }
  checkNonNegative(errors, path["revisionHistoryLimit"], spec["revisionHistoryLimit"]);
  return errors.take();
}

// ---- ControllerRevisions ----

FieldErrors validateRevision(const Value& revision) {
  Errors errors;
  const Path root;
  if (revision["data"].isNull()) errors.required(root["data"], "data is mandatory");
  checkNonNegative(errors, root["revision"], revision["revision"]);
  return errors.take();
}

FieldErrors validateRevisionUpdate(const Value& revision, const Value& old) {
  Errors errors;
  const Path root;
  checkImmutable(errors, root["data"], revision["data"], old["data"]);
  return errors.take();
}

// ---- ReplicationControllers ----

void applyControllerDefaults(Value& controller) {
  dropZeroValues(controller);
  Value& spec = controller.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "replicas", 1);
  if (!spec["template"].isObject()) return;
  applyPodTemplateDefaults(spec.edit("template"));
  const Value labels = spec["template"]["metadata"]["labels"];
  if (labels.empty()) return;
  if (spec["selector"].empty()) spec.set("selector", labels);
  if (controller["metadata"]["labels"].empty()) controller.edit("metadata").set("labels", labels);
}

FieldErrors validateController(const Value& controller) {
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = controller["spec"];
  checkNonNegative(errors, path["minReadySeconds"], spec["minReadySeconds"]);
  if (spec["selector"].empty() && !spec["template"].isNull()) errors.required(path["selector"]);
  checkNonNegative(errors, path["replicas"], spec["replicas"]);
  if (spec["template"].isNull()) {
    errors.required(path["template"]);
    return errors.take();
  }
  const Value& labels = spec["template"]["metadata"]["labels"];
  if (!spec["selector"].empty() &&
      !selectorMatches(Value::object({{"matchLabels", spec["selector"]}}), labels))
    errors.invalid(path["template.metadata.labels"], labels,
                   "`selector` does not match template `labels`");
  checkPodTemplate(errors, path["template"], spec["template"]);
  checkRestartsAlways(errors, path, spec, "ReplicationController");
  return errors.take();
}

}  // namespace

constinit const Strategy kDeployments{.applyDefaults = applyDeploymentDefaults,
                                      .prepareForCreate = initialiseEmptyStatus,
                                      .validate = validateDeployment,
                                      .validateUpdate = validateSelectorUpdate,
                                      .hasGeneration = true};

constinit const Strategy kReplicaSets{.applyDefaults = applyReplicaSetDefaults,
                                      .prepareForCreate = initialiseReplicas,
                                      .validate = validateReplicaSet,
                                      .validateUpdate = validateSelectorUpdate,
                                      .hasGeneration = true};

constinit const Strategy kStatefulSets{.applyDefaults = applyStatefulSetDefaults,
                                       .prepareForCreate = initialiseStatefulSetStatus,
                                       .validate = validateStatefulSet,
                                       .validateUpdate = validateStatefulSetUpdate,
                                       .hasGeneration = true,
                                       .nameRule = Strategy::NameRule::Label};

constinit const Strategy kDaemonSets{.applyDefaults = applyDaemonSetDefaults,
                                     .prepareForCreate = prepareDaemonSetForCreate,
                                     .prepareForUpdate = prepareDaemonSetForUpdate,
                                     .validate = validateDaemonSet,
                                     .validateUpdate = validateSelectorUpdate,
                                     .hasGeneration = true};

constinit const Strategy kControllerRevisions{.validate = validateRevision,
                                              .validateUpdate = validateRevisionUpdate};

constinit const Strategy kReplicationControllers{.applyDefaults = applyControllerDefaults,
                                                 .prepareForCreate = initialiseReplicas,
                                                 .validate = validateController,
                                                 .hasGeneration = true,
                                                 .returnsDeletedObject = true};

}  // namespace iop::apiserver::kinds::internal
