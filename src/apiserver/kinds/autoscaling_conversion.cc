// autoscaling/v1 and autoscaling/v2 (pkg/apis/autoscaling/v1/conversion.go).

#include "apiserver/kinds/conversions.h"
#include "apiserver/kinds/internal/checks.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

constexpr const char *kMetrics = "autoscaling.alpha.kubernetes.io/metrics",
                     *kBehavior = "autoscaling.alpha.kubernetes.io/behavior",
                     *kConditions = "autoscaling.alpha.kubernetes.io/conditions",
                     *kCurrentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics";

// A metric's source has one form with a target in v2 and flat fields in v1.
Value flattenTarget(const Value& target, bool hasUtilization) {
  Value out = Value::object();
  const auto copy = [&](const char* from, const char* to) {
    if (!target[from].isNull()) out.set(to, target[from]);
  };
  if (hasUtilization) copy("averageUtilization", "targetAverageUtilization");
  copy("averageValue", "targetAverageValue");
  if (!hasUtilization) copy("value", "targetValue");
  return out;
}

Value toTarget(const Value& flat) {
  Value out = Value::object();
  const auto copy = [&](const char* from, const char* to, const char* type) {
    if (flat[from].isNull()) return;
    out.set(to, flat[from]);
    out.set("type", type);
  };
  copy("targetValue", "value", "Value");
  copy("targetAverageValue", "averageValue", "AverageValue");
  copy("averageValue", "averageValue", "AverageValue");
  copy("targetAverageUtilization", "averageUtilization", "Utilization");
  return out;
}

Value metricToV1(const Value& metric) {
  Value out = Value::object({{"type", metric["type"]}});
  for (const char* kind : {"resource", "containerResource"}) {
    const Value& source = metric[kind];
    if (!source.isObject()) continue;
    Value flat = flattenTarget(source["target"], true);
    flat.set("name", source["name"]);
    if (source.contains("container")) flat.set("container", source["container"]);
    out.set(kind, std::move(flat));
  }
  for (const char* kind : {"pods", "object", "external"}) {
    const Value& source = metric[kind];
    if (!source.isObject()) continue;
    Value flat = flattenTarget(source["target"], false);
    flat.set("metricName", source["metric"]["name"]);
    const bool isExternal = std::string_view(kind) == "external";
    if (!source["metric"]["selector"].isNull())
      flat.set(isExternal ? "metricSelector" : "selector", source["metric"]["selector"]);
    if (std::string_view(kind) == "object") {
      flat.set("target", source["describedObject"]);
      if (const Value* average = flat.find("targetAverageValue")) {
        const Value copy = *average;
        flat.erase("targetAverageValue");
        flat.set("averageValue", copy);
      }
      if (flat["targetValue"].isNull()) flat.set("targetValue", "0");
    }
    out.set(kind, std::move(flat));
  }
  return out;
}

Value metricToV2(const Value& metric) {
  Value out = Value::object({{"type", metric["type"]}});
  for (const char* kind : {"resource", "containerResource"}) {
    const Value& flat = metric[kind];
    if (!flat.isObject()) continue;
    Value source = Value::object({{"name", flat["name"]}, {"target", toTarget(flat)}});
    if (flat.contains("container")) source.set("container", flat["container"]);
    out.set(kind, std::move(source));
  }
  for (const char* kind : {"pods", "object", "external"}) {
    Value flat = metric[kind];
    if (!flat.isObject()) continue;
    const bool isObject = std::string_view(kind) == "object";
    if (isObject && flat.contains("averageValue")) flat.erase("targetValue");
    Value named = Value::object({{"name", flat["metricName"]}});
    const Value& selector =
        flat[std::string_view(kind) == "external" ? "metricSelector" : "selector"];
    if (!selector.isNull()) named.set("selector", selector);
    Value source = Value::object({{"metric", std::move(named)}, {"target", toTarget(flat)}});
    if (isObject) source.set("describedObject", flat["target"]);
    out.set(kind, std::move(source));
  }
  return out;
}

bool isCpuUtilization(const Value& metric) {
  return metric["type"].asString() == "Resource" &&
         metric["resource"]["name"].asString() == "cpu" &&
         !metric["resource"]["target"]["averageUtilization"].isNull();
}

// Texts as Go writes them: "type" is the first field of its struct.
std::string printMetrics(const Value& metrics) {
  std::string out = "[";
  for (const Value& metric : metrics.items()) {
    if (out.size() > 1) out += ',';
    out += "{\"type\":";
    text::appendJson(out, metric["type"]);
    for (const Member& member : metric.members()) {
      if (member.key() == "type") continue;
      out += ',';
      text::appendJsonString(out, member.key());
      out += ':';
      text::appendJson(out, member.value);
    }
    out += '}';
  }
  return out + "]";
}

void setAnnotation(Value& object, const char* name, std::string value) {
  Value& annotations = object.edit("metadata").edit("annotations");
  if (!annotations.isObject()) annotations = Value::object();
  annotations.set(name, std::move(value));
}

// Takes the annotation out and returns what its text says; null where it is absent or no JSON.
Value takeAnnotation(Value& object, const char* name) {
  const Value* found = object["metadata"]["annotations"].find(name);
  if (found == nullptr) return {};
  auto parsed = text::parseJson(found->asString());
  Value& annotations = object.edit("metadata").edit("annotations");
  annotations.erase(name);
  if (annotations.empty()) object.edit("metadata").erase("annotations");
  return parsed ? std::move(*parsed) : Value();
}

}  // namespace

Value toAutoscalingV1(const Value& autoscaler) {
  if (autoscaler["apiVersion"].asString() == "autoscaling/v1") return autoscaler;
  Value out = autoscaler;
  out.set("apiVersion", "autoscaling/v1");
  const Value& from = autoscaler["spec"];
  if (out["spec"].isObject()) {
    Value& spec = out.edit("spec");
    spec.erase("metrics");
    spec.erase("behavior");
    bool hasCpu = false;
    Value others = Value::array();
    for (const Value& metric : from["metrics"].items()) {
      if (!hasCpu && isCpuUtilization(metric)) {
        spec.set("targetCPUUtilizationPercentage",
                 metric["resource"]["target"]["averageUtilization"]);
        hasCpu = true;
      } else {
        others.push(metricToV1(metric));
      }
    }
    if (!others.empty()) setAnnotation(out, kMetrics, printMetrics(others));
    if (from["behavior"].isObject())
      setAnnotation(out, kBehavior, text::printJson(from["behavior"]));
  }
  if (out["status"].isObject()) {
    Value& status = out.edit("status");
    const Value conditions = status["conditions"], metrics = status["currentMetrics"];
    status.erase("conditions");
    status.erase("currentMetrics");
    if (status["currentReplicas"].isNull()) status.set("currentReplicas", 0);
    if (status["desiredReplicas"].isNull()) status.set("desiredReplicas", 0);
    if (!conditions.empty()) setAnnotation(out, kConditions, text::printJson(conditions));
    Value others = Value::array();
    for (const Value& metric : metrics.items()) {
      const Value& current = metric["resource"]["current"];
      if (metric["resource"]["name"].asString() == "cpu" && !current["averageUtilization"].isNull())
        out.edit("status").set("currentCPUUtilizationPercentage", current["averageUtilization"]);
      else
        others.push(metric);
    }
    if (!others.empty()) setAnnotation(out, kCurrentMetrics, text::printJson(others));
  }
  return out;
}

Value toAutoscalingV2(const Value& autoscaler) {
  if (autoscaler["apiVersion"].asString() != "autoscaling/v1") return autoscaler;
  Value out = autoscaler;
  out.set("apiVersion", "autoscaling/v2");
  const Value others = takeAnnotation(out, kMetrics);
  const Value behavior = takeAnnotation(out, kBehavior);
  const Value conditions = takeAnnotation(out, kConditions);
  const Value currentMetrics = takeAnnotation(out, kCurrentMetrics);
  if (out["spec"].isObject()) {
    Value& spec = out.edit("spec");
    const Value utilization = spec["targetCPUUtilizationPercentage"];
    spec.erase("targetCPUUtilizationPercentage");
    Value metrics = Value::array();
    if (!utilization.isNull()) {
      metrics.push(Value::object(
          {{"resource",
            Value::object({{"name", "cpu"},
                           {"target", Value::object({{"averageUtilization", utilization},
                                                     {"type", "Utilization"}})}})},
           {"type", "Resource"}}));
    }
    for (const Value& metric : others.items()) metrics.push(metricToV2(metric));
    if (!metrics.empty()) spec.set("metrics", std::move(metrics));
    if (behavior.isObject()) spec.set("behavior", behavior);
  }
  if (out["status"].isObject()) {
    Value& status = out.edit("status");
    const Value utilization = status["currentCPUUtilizationPercentage"];
    status.erase("currentCPUUtilizationPercentage");
    Value metrics = currentMetrics.isArray() ? currentMetrics : Value::array();
    if (!utilization.isNull()) {
      metrics.insertItem(
          0, Value::object(
                 {{"resource",
                   Value::object({{"current", Value::object({{"averageUtilization", utilization}})},
                                  {"name", "cpu"}})},
                  {"type", "Resource"}}));
    }
    status.set("currentMetrics", metrics.empty() ? Value() : metrics);
    if (conditions.isArray()) status.set("conditions", conditions);
    if (status["currentReplicas"].asInt() == 0) status.erase("currentReplicas");
    if (status["desiredReplicas"].isNull()) status.set("desiredReplicas", 0);
  }
  return out;
}

}  // namespace iop::apiserver::kinds
