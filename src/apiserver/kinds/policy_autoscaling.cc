// PodDisruptionBudgets and HorizontalPodAutoscalers (pkg/registry/policy, pkg/registry/autoscaling,
// pkg/apis/policy/validation, pkg/apis/autoscaling/validation and v2/defaults.go).

#include "apiserver/kinds/conversions.h"
#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/quantity.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

// ---- PodDisruptionBudgets ----

void initialiseBudgetStatus(Value& budget) {
  budget.set("status", Value::object({{"currentHealthy", 0},
                                      {"desiredHealthy", 0},
                                      {"disruptionsAllowed", 0},
                                      {"expectedPods", 0}}));
}

FieldErrors validateBudget(const Value& budget) {
  static constexpr std::string_view kPolicies[] = {"AlwaysAllow", "IfHealthyBudget"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = budget["spec"];
  if (!spec["minAvailable"].isNull() && !spec["maxUnavailable"].isNull()) {
    FieldErrors list;
    list.push_back({FieldErrorType::Invalid, path.print(), std::nullopt,
                    printGo({{"MinAvailable", &spec["minAvailable"]},
                             {"Selector", &spec["selector"]},
                             {"MaxUnavailable", &spec["maxUnavailable"]},
                             {"UnhealthyPodEvictionPolicy", &spec["unhealthyPodEvictionPolicy"]}}) +
                        ": minAvailable and maxUnavailable cannot be both set"});
    errors.add(std::move(list));
  }
  for (const char* field : {"minAvailable", "maxUnavailable"}) {
    checkNonNegativeIntOrPercent(errors, path[field], spec[field]);
    checkNotAbove100Percent(errors, path[field], spec[field]);
  }
  checkLabelSelector(errors, path["selector"], spec["selector"]);
  checkOptionalChoice(errors, path["unhealthyPodEvictionPolicy"],
                      spec["unhealthyPodEvictionPolicy"], kPolicies);
  return errors.take();
}

// ---- HorizontalPodAutoscalers ----

bool isV1(const Value& autoscaler) {
  return autoscaler["apiVersion"].asString() == "autoscaling/v1";
}

Value policyOf(const char* type, int value) {
  constexpr int kSeconds = 15;
  return Value::object({{"periodSeconds", kSeconds}, {"type", type}, {"value", value}});
}

void applyBehaviorDefaults(Value& spec) {
  if (!spec["behavior"].isObject()) return;
  constexpr int kPods = 4, kPercent = 100;
  Value& behavior = spec.edit("behavior");
  Value& up = behavior.edit("scaleUp");
  setDefault(up, "selectPolicy", "Max");
  setDefault(up, "stabilizationWindowSeconds", 0);
  setDefault(up, "policies",
             Value::array({policyOf("Pods", kPods), policyOf("Percent", kPercent)}));
  Value& down = behavior.edit("scaleDown");
  setDefault(down, "selectPolicy", "Max");
  setDefault(down, "policies", Value::array({policyOf("Percent", kPercent)}));
}

void applyV2Defaults(Value& autoscaler) {
  constexpr int kUtilization = 80;
  Value& spec = autoscaler.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "minReplicas", 1);
  if (spec["maxReplicas"].isNull()) spec.set("maxReplicas", 0);
  if (spec["metrics"].empty()) {
    spec.set("metrics",
             Value::array({Value::object(
                 {{"resource",
                   Value::object({{"name", "cpu"},
                                  {"target", Value::object({{"averageUtilization", kUtilization},
                                                            {"type", "Utilization"}})}})},
                  {"type", "Resource"}})}));
  }
  for (std::size_t i = 0; i < spec["metrics"].size(); ++i) {
    for (const char* kind : {"resource", "containerResource", "pods", "object", "external"}) {
      const Value& target = spec["metrics"].at(i)[kind]["target"];
      for (const char* field : {"value", "averageValue"}) {
        if (!target[field].isNull())
          makeCanonical(spec.edit("metrics").editItem(i).edit(kind).edit("target").edit(field));
      }
    }
  }
  applyBehaviorDefaults(spec);
}

void applyAutoscalerDefaults(Value& autoscaler) {
  const bool wasV1 = isV1(autoscaler);
  dropZeroValues(autoscaler);
  if (wasV1) autoscaler = toAutoscalingV2(autoscaler);
  applyV2Defaults(autoscaler);
  if (wasV1) autoscaler = toAutoscalingV1(autoscaler);
}

void initialiseAutoscalerStatus(Value& autoscaler) {
  autoscaler.set("status",
                 isV1(autoscaler)
                     ? Value::object({{"currentReplicas", 0}, {"desiredReplicas", 0}})
                     : Value::object({{"currentMetrics", nullptr}, {"desiredReplicas", 0}}));
}

void checkTargetReference(Errors& errors, const Path& path, const Value& ref) {
  for (const char* field : {"kind", "name"}) {
    const std::string_view text = ref[field].asString();
    if (text.empty()) {
      errors.required(path[field]);
    } else {
      errors.invalid(path[field], text, checkPathSegment(text));
    }
  }
  const std::string_view version = ref["apiVersion"].asString();
  const bool isCore = version.empty() || version.find('/') == std::string_view::npos;
  // Only ReplicationControllers of the core group can be scaled.
  if (isCore && !(version == "v1" && ref["kind"].asString() == "ReplicationController"))
    errors.invalid(path["apiVersion"], version, "apiVersion must specify API group");
}

void checkTarget(Errors& errors, const Path& path, const Value& target) {
  static constexpr std::string_view kTypes[] = {"Utilization", "Value", "AverageValue"};
  const std::string_view type = target["type"].asString();
  if (type.empty()) errors.required(path["type"], "must specify a metric target type");
  if (!isOneOf(type, kTypes))
    errors.invalid(path["type"], type, "must be either Utilization, Value, or AverageValue");
  for (const char* field : {"value", "averageValue"}) {
    if (!target[field].isNull() && quantityOf(target[field]).nano <= 0)
      errors.invalid(path[field], target[field], "must be positive");
  }
  const Value& utilization = target["averageUtilization"];
  if (!utilization.isNull() && utilization.asInt() < 1)
    errors.invalid(path["averageUtilization"], utilization, "must be greater than 0");
}

void checkResourceMetric(Errors& errors, const Path& path, const Value& source) {
  if (source["name"].asString().empty())
    errors.required(path["name"], "must specify a resource name");
  const Path target = path["target"];
  checkTarget(errors, target, source["target"]);
  const Value& utilization = source["target"]["averageUtilization"];
  const Value& average = source["target"]["averageValue"];
  if (utilization.isNull() && average.isNull()) {
    errors.required(target["averageUtilization"],
                    "must set either a target raw value or a target utilization");
  } else if (!utilization.isNull() && !average.isNull()) {
    errors.forbidden(target["averageValue"],
                     "may not set both a target raw value and a target utilization");
  }
}

void checkNamedMetric(Errors& errors, const Path& path, const Value& source) {
  const Path metric = path["metric"];
  const std::string_view name = source["metric"]["name"].asString();
  if (name.empty()) {
    errors.required(metric["name"], "must specify a metric name");
  } else {
    errors.invalid(metric["name"], name, checkPathSegment(name));
  }
  checkTarget(errors, path["target"], source["target"]);
}

void checkMetric(Errors& errors, const Path& path, const Value& metric) {
  static constexpr std::string_view kTypes[] = {"ContainerResource", "External", "Object", "Pods",
                                                "Resource"};
  static constexpr const char* kSourceFields[] = {"containerResource", "external", "object", "pods",
                                                  "resource"};
  const std::string_view type = metric["type"].asString();
  if (type.empty()) errors.required(path["type"], "must specify a metric source type");
  if (!isOneOf(type, kTypes)) errors.notSupported(path["type"], type, kTypes);
  for (std::size_t i = 0; i < std::size(kTypes); ++i) {
    const Value& source = metric[kSourceFields[i]];
    const Path at = path[kSourceFields[i]];
    if (source.isNull()) {
      if (type == kTypes[i])
        errors.required(at, "must populate information for the given metric source");
      continue;
    }
    if (type != kTypes[i] && isOneOf(type, kTypes)) {
      errors.forbidden(at, "must populate the given metric source only");
    } else if (type == "Resource" || type == "ContainerResource") {
      checkResourceMetric(errors, at, source);
    } else {
      checkNamedMetric(errors, at, source);
    }
  }
}

void checkScalingRules(Errors& errors, const Path& path, const Value& rules) {
  static constexpr std::string_view kSelect[] = {"Disabled", "Max", "Min"};
  static constexpr std::string_view kTypes[] = {"Percent", "Pods"};
  constexpr int kMaxWindow = 3600, kMaxPeriod = 1800;
  if (!rules.isObject()) return;
  const Value& window = rules["stabilizationWindowSeconds"];
  if (window.asInt() < 0)
    errors.invalid(path["stabilizationWindowSeconds"], window,
                   "must be greater than or equal to zero");
  if (window.asInt() > kMaxWindow)
    errors.invalid(path["stabilizationWindowSeconds"], window,
                   "must be less than or equal to 3600");
  checkOptionalChoice(errors, path["selectPolicy"], rules["selectPolicy"], kSelect);
  const Path policies = path["policies"];
  if (rules["policies"].empty()) errors.required(policies, "must specify at least one Policy");
  for (std::size_t i = 0; i < rules["policies"].size(); ++i) {
    const Value& policy = rules["policies"].at(i);
    const Path at = policies[i];
    checkChoice(errors, at["type"], policy["type"], kTypes);
    if (policy["value"].asInt() <= 0)
      errors.invalid(at["value"], policy["value"], "must be greater than zero");
    if (policy["periodSeconds"].asInt() <= 0)
      errors.invalid(at["periodSeconds"], policy["periodSeconds"], "must be greater than zero");
    if (policy["periodSeconds"].asInt() > kMaxPeriod)
      errors.invalid(at["periodSeconds"], policy["periodSeconds"],
                     "must be less than or equal to 1800");
  }
}

FieldErrors validateAutoscaler(const Value& given) {
  const Value autoscaler = toAutoscalingV2(given);
  Errors errors;
  const Path root, path = root["spec"], metrics = path["metrics"], behavior = path["behavior"];
  const Value& spec = autoscaler["spec"];
  const Value& min = spec["minReplicas"];
  const Value& max = spec["maxReplicas"];
  checkNonNegative(errors, path["minReplicas"], min);
  if (max.asInt() < 0) errors.invalid(path["maxReplicas"], max, "must be greater than 0");
  if (!min.isNull() && max.asInt() < min.asInt())
    errors.invalid(path["maxReplicas"], max.asInt(),
                   "must be greater than or equal to `minReplicas`");
  if (max.asInt() == 0) errors.required(path["maxReplicas"]);
  checkTargetReference(errors, path["scaleTargetRef"], spec["scaleTargetRef"]);
  bool hasOutside = false;
  for (std::size_t i = 0; i < spec["metrics"].size(); ++i) {
    checkMetric(errors, metrics[i], spec["metrics"].at(i));
    const std::string_view type = spec["metrics"].at(i)["type"].asString();
    hasOutside = hasOutside || type == "Object" || type == "External";
  }
  if (!min.isNull() && min.asInt() == 0 && !hasOutside) {
    errors.forbidden(metrics,
                     "must specify at least one Object or External metric to support scaling to "
                     "zero replicas");
  }
  checkScalingRules(errors, behavior["scaleUp"], spec["behavior"]["scaleUp"]);
  checkScalingRules(errors, behavior["scaleDown"], spec["behavior"]["scaleDown"]);
  return errors.take();
}

}  // namespace

constinit const Strategy kPodDisruptionBudgets{.applyDefaults = dropZeroValues,
                                               .prepareForCreate = initialiseBudgetStatus,
                                               .validate = validateBudget,
                                               .hasGeneration = true,
                                               .allowUnconditionalUpdate = false};

constinit const Strategy kHorizontalPodAutoscalers{.applyDefaults = applyAutoscalerDefaults,
                                                   .prepareForCreate = initialiseAutoscalerStatus,
                                                   .validate = validateAutoscaler,
                                                   .hasGeneration = true};

}  // namespace iop::apiserver::kinds::internal
