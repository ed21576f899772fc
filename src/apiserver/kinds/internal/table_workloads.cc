// What `kubectl get` shows of workloads and their budgets (k8s.io/kubernetes,
// pkg/printers/internalversion).

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/kinds/conversions.h"
#include "apiserver/kinds/internal/table_cells.h"

namespace iop::apiserver::kinds::internal {
namespace {

// The first condition of that type decides.
bool hasJobCondition(const Value& job, std::string_view type) {
  for (const Value& condition : job["status"]["conditions"].items()) {
    if (condition["type"].asString() == type) return condition["status"].asString() == "True";
  }
  return false;
}

std::string_view statusOfJob(const Value& job) {
  if (hasJobCondition(job, "Complete")) return "Complete";
  if (hasJobCondition(job, "Failed")) return "Failed";
  if (job["metadata"]["deletionTimestamp"].isString()) return "Terminating";
  for (const std::string_view type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (hasJobCondition(job, type)) return type;
  }
  return "Running";
}

std::string completionsOf(const Value& job) {
  const std::int64_t succeeded = job["status"]["succeeded"].asInt();
  const Value& spec = job["spec"];
  if (spec["completions"].isInt())
    return fmt::format("{}/{}", succeeded, spec["completions"].asInt());
  const std::int64_t parallelism = spec["parallelism"].asInt();
  if (parallelism > 1) return fmt::format("{}/1 of {}", succeeded, parallelism);
  return fmt::format("{}/1", succeeded);
}

std::string durationOfJob(const Value& job, TableTime now) {
  const Value& status = job["status"];
  const std::optional<TableTime> start = readTime(status["startTime"].asString());
  if (!start) return "";
  const std::optional<TableTime> end = readTime(status["completionTime"].asString());
  return humanDuration(elapsed(*start, end.value_or(now)));
}

// What a metric is and what it should be: "<unknown>/80%".
std::string targetOf(const Value& metric, const Value& status) {
  const std::string_view type = metric["type"].asString();
  const auto quantity = [](const Value& value) {
    return value.isNull() ? std::string("<nil>") : quantityText(value);
  };
  const auto compare = [&](std::string_view source, bool byAverage, std::string_view suffix) {
    const Value& wanted = metric[source]["target"][byAverage ? "averageValue" : "value"];
    const Value& current = status[source]["current"][byAverage ? "averageValue" : "value"];
    // What is not there at all is unknown; of an external one also what has no average.
    const bool isKnown = status[source].isObject() && (suffix.empty() || !current.isNull());
    return fmt::format("{}/{}{}", isKnown ? quantity(current) : "<unknown>", quantity(wanted),
                       suffix);
  };
  const auto hasAverage = [&](std::string_view source) {
    return !metric[source]["target"]["averageValue"].isNull();
  };
  if (type == "Pods") return compare("pods", true, "");
  for (const auto& [name, source] : {std::pair("External", "external"), {"Object", "object"}}) {
    if (type == name)
      return hasAverage(source) ? compare(source, true, " (avg)") : compare(source, false, "");
  }
  for (const auto& [name, source] :
       {std::pair("Resource", "resource"), {"ContainerResource", "containerResource"}}) {
    if (type != name) continue;
    const std::string_view resource = metric[source]["name"].asString();
    if (hasAverage(source)) return fmt::format("{}: {}", resource, compare(source, true, ""));
    const auto percent = [](const Value& value, std::string_view fallback) {
      return value.isInt() ? fmt::format("{}%", value.asInt()) : std::string(fallback);
    };
    return fmt::format("{}: {}/{}", resource,
                       percent(status[source]["current"]["averageUtilization"], "<unknown>"),
                       percent(metric[source]["target"]["averageUtilization"], "<auto>"));
  }
  return "<unknown type>";
}

std::string targetsOf(const Value& autoscaler) {
  const Value& metrics = autoscaler["spec"]["metrics"];
  if (metrics.empty()) return "<none>";
  constexpr std::size_t kShown = 2;
  ShortList targets(kShown);
  for (std::size_t i = 0; i < metrics.size(); ++i)
    targets.add(targetOf(metrics.at(i), autoscaler["status"]["currentMetrics"].at(i)));
  return targets.print(metrics.size(), ", ");
}

void addReplicas(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addInt(object["spec"]["replicas"]);
  cells.addInt(object["status"]["replicas"]);
  cells.addInt(object["status"]["readyReplicas"]);
  cells.addAge(object);
  cells.addContainers(object["spec"]["template"]["spec"]);
}

}  // namespace

void printPodTemplate(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addContainers(object["template"]["spec"]);
  cells.add(formatLabels(object["template"]["metadata"]["labels"]));
}

void printReplicationController(Cells& cells, const Value& object) {
  addReplicas(cells, object);
  cells.add(formatLabels(object["spec"]["selector"]));
}

void printReplicaSet(Cells& cells, const Value& object) {
  addReplicas(cells, object);
  cells.add(formatLabelSelector(object["spec"]["selector"]));
}

void printDeployment(Cells& cells, const Value& object) {
  const Value& status = object["status"];
  cells.addName(object);
  cells.add(
      fmt::format("{}/{}", status["readyReplicas"].asInt(), object["spec"]["replicas"].asInt()));
  cells.addInt(status["updatedReplicas"]);
  cells.addInt(status["availableReplicas"]);
  cells.addAge(object);
  cells.addContainers(object["spec"]["template"]["spec"]);
  cells.add(formatSelector(object["spec"]["selector"], "<invalid>"));
}

void printStatefulSet(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.add(fmt::format("{}/{}", object["status"]["readyReplicas"].asInt(),
                        object["spec"]["replicas"].asInt()));
  cells.addAge(object);
  cells.addContainers(object["spec"]["template"]["spec"]);
}

void printDaemonSet(Cells& cells, const Value& object) {
  const Value& podSpec = object["spec"]["template"]["spec"];
  cells.addName(object);
  for (const std::string_view number : {"desiredNumberScheduled", "currentNumberScheduled",
                                        "numberReady", "updatedNumberScheduled", "numberAvailable"})
    cells.addInt(object["status"][number]);
  cells.add(formatLabels(podSpec["nodeSelector"]));
  cells.addAge(object);
  cells.addContainers(podSpec);
  cells.add(formatLabelSelector(object["spec"]["selector"]));
}

void printControllerRevision(Cells& cells, const Value& object) {
  cells.addName(object);
  std::string controller = "<none>";
  for (const Value& owner : object["metadata"]["ownerReferences"].items()) {
    if (!owner["controller"].asBool()) continue;
    const std::string_view apiVersion = owner["apiVersion"].asString();
    const std::size_t slash = apiVersion.find('/');
    controller = owner["kind"].toString();
    if (slash != std::string_view::npos) {
      controller += '.';
      controller += apiVersion.substr(0, slash);
    }
    std::transform(controller.begin(), controller.end(), controller.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (!controller.empty()) controller += '/';
    controller += owner["name"].asString();
    break;
  }
  cells.add(controller);
  cells.addInt(object["revision"]);
  cells.addAge(object);
}

void printJob(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.add(statusOfJob(object));
  cells.add(completionsOf(object));
  cells.add(durationOfJob(object, cells.now()));
  cells.addAge(object);
  cells.addContainers(object["spec"]["template"]["spec"]);
  cells.add(formatLabelSelector(object["spec"]["selector"]));
}

void printCronJob(Cells& cells, const Value& object) {
  const Value& spec = object["spec"];
  cells.addName(object);
  cells.addText(spec["schedule"]);
  cells.add(spec["timeZone"].isString() ? spec["timeZone"] : Value("<none>"));
  cells.add(!spec["suspend"].isBool() ? "<unset>" : spec["suspend"].asBool() ? "True" : "False");
  cells.add(object["status"]["active"].size());
  const Value& last = object["status"]["lastScheduleTime"];
  cells.add(last.isNull() ? "<none>" : ageOf(last, cells.now()));
  cells.addAge(object);
  const Value& job = spec["jobTemplate"]["spec"];
  cells.addContainers(job["template"]["spec"]);
  cells.add(formatLabelSelector(job["selector"]));
}

void printScale(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addInt(object["spec"]["replicas"]);
  cells.addInt(object["status"]["replicas"]);
  cells.addAge(object);
}

void printHorizontalPodAutoscaler(Cells& cells, const Value& object) {
  const Value autoscaler = toAutoscalingV2(object);
  const Value& spec = autoscaler["spec"];
  const Value& target = spec["scaleTargetRef"];
  cells.addName(autoscaler);
  cells.add(fmt::format("{}/{}", target["kind"].asString(), target["name"].asString()));
  cells.add(targetsOf(autoscaler));
  cells.add(spec["minReplicas"].isInt() ? std::to_string(spec["minReplicas"].asInt()) : "<unset>");
  cells.addInt(spec["maxReplicas"]);
  cells.addInt(autoscaler["status"]["currentReplicas"]);
  cells.addAge(autoscaler);
}

void printPodDisruptionBudget(Cells& cells, const Value& object) {
  cells.addName(object);
  for (const std::string_view limit : {"minAvailable", "maxUnavailable"}) {
    const Value& value = object["spec"][limit];
    cells.add(value.isNull() ? "N/A" : intOrStringText(value));
  }
  cells.addInt(object["status"]["disruptionsAllowed"]);
  cells.addAge(object);
}

}  // namespace iop::apiserver::kinds::internal
