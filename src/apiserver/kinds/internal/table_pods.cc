// What `kubectl get pods` shows (k8s.io/kubernetes, pkg/printers/internalversion: printPod).

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "apiserver/kinds/internal/table_cells.h"

namespace iop::apiserver::kinds::internal {
namespace {

// Restarts of containers and when the last one was.
struct Restarts {
  std::int64_t count = 0;
  std::optional<TableTime> last;

  void add(const Value& status) {
    count += status["restartCount"].asInt();
    const std::optional<TableTime> time =
        readTime(status["lastState"]["terminated"]["finishedAt"].asString());
    if (time && (!last || *last < *time)) last = *time;
  }

  std::string print(TableTime now) const {
    if (count == 0 || !last) return std::to_string(count);
    return fmt::format("{} ({} ago)", count, humanDuration(elapsed(*last, now)));
  }
};

bool hasCondition(const Value& pod, std::string_view type) {
  for (const Value& condition : pod["status"]["conditions"].items()) {
    if (condition["type"].asString() == type && condition["status"].asString() == "True")
      return true;
  }
  return false;
}

// The first condition of that type decides.
bool isFirstTrue(const Value& conditions, std::string_view type) {
  for (const Value& condition : conditions.items()) {
    if (condition["type"].asString() == type) return condition["status"].asString() == "True";
  }
  return false;
}

bool isRestartable(const Value& container) {
  return container["restartPolicy"].asString() == "Always";
}

std::string terminationOf(const Value& terminated) {
  if (!terminated["reason"].empty()) return terminated["reason"].toString();
  if (terminated["signal"].asInt() != 0)
    return fmt::format("Signal:{}", terminated["signal"].asInt());
  return fmt::format("ExitCode:{}", terminated["exitCode"].asInt());
}

class PodSummary {
 public:
  explicit PodSummary(const Value& pod)
      : pod_(pod),
        spec_(pod["spec"]),
        status_(pod["status"]),
        reason_(status_["phase"].asString()) {
    if (!status_["reason"].empty()) reason_ = status_["reason"].asString();
    for (const Value& condition : status_["conditions"].items()) {
      if (condition["type"].asString() == "PodScheduled" &&
          condition["reason"].asString() == "SchedulingGated")
        reason_ = "SchedulingGated";
    }
    total_ = spec_["containers"].size();
    for (const Value& container : spec_["initContainers"].items()) {
      if (isRestartable(container)) ++total_;
    }
    const bool isInitializing = readInitContainers();
    if (!isInitializing || isFirstTrue(status_["conditions"], "Initialized")) {
      restarts_ = sidecarRestarts_;
      readContainers();
    }
    if (pod_["metadata"]["deletionTimestamp"].isString()) {
      const std::string_view phase = status_["phase"].asString();
      if (status_["reason"].asString() == "NodeLost") {
        reason_ = "Unknown";
      } else if (phase != "Succeeded" && phase != "Failed") {
        reason_ = "Terminating";
      }
    }
  }

  void print(Cells& cells) const {
    cells.addName(pod_);
    cells.add(fmt::format("{}/{}", ready_, total_));
    cells.add(reason_);
    cells.add(restarts_.print(cells.now()));
    cells.addAge(pod_);
    addOrNone(cells, status_["podIPs"].at(0)["ip"]);
    addOrNone(cells, spec_["nodeName"]);
    addOrNone(cells, status_["nominatedNodeName"]);
    const Value& gates = spec_["readinessGates"];
    if (gates.empty()) {
      cells.add("<none>");
      return;
    }
    const auto open =
        std::count_if(gates.items().begin(), gates.items().end(), [&](const Value& gate) {
          return isFirstTrue(status_["conditions"], gate["conditionType"].asString());
        });
    cells.add(fmt::format("{}/{}", open, gates.size()));
  }

 private:
  static void addOrNone(Cells& cells, const Value& text) {
    cells.add(text.empty() ? Value("<none>") : text);
  }

  // The last container of a name counts.
  bool isSidecar(std::string_view name) const {
    const auto containers = spec_["initContainers"].items();
    for (std::size_t i = containers.size(); i > 0; --i) {
      if (containers[i - 1]["name"].asString() == name) return isRestartable(containers[i - 1]);
    }
    return false;
  }

  // True while they are at work, or one has failed.
  bool readInitContainers() {
    const auto statuses = status_["initContainerStatuses"].items();
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      const Value& status = statuses[i];
      const Value& terminated = status["state"]["terminated"];
      const Value& waiting = status["state"]["waiting"];
      const bool sidecar = isSidecar(status["name"].asString());
      restarts_.add(status);
      if (sidecar) sidecarRestarts_.add(status);
      if (terminated.isObject() && terminated["exitCode"].asInt() == 0) continue;
      if (sidecar && status["started"].asBool()) {
        if (status["ready"].asBool()) ++ready_;
        continue;
      }
      if (terminated.isObject()) {
        reason_ = "Init:" + terminationOf(terminated);
      } else if (!waiting["reason"].empty() && waiting["reason"].asString() != "PodInitializing") {
        reason_ = fmt::format("Init:{}", waiting["reason"].asString());
      } else {
        reason_ = fmt::format("Init:{}/{}", i, spec_["initContainers"].size());
      }
      return true;
    }
    return false;
  }

  void readContainers() {
    bool isRunning = false;
    std::string failure;
    const auto statuses = status_["containerStatuses"].items();
    for (std::size_t i = statuses.size(); i > 0; --i) {
      const Value& status = statuses[i - 1];
      const Value& state = status["state"];
      restarts_.add(status);
      if (!state["waiting"]["reason"].empty()) {
        reason_ = state["waiting"]["reason"].asString();
      } else if (state["terminated"].isObject()) {
        reason_ = terminationOf(state["terminated"]);
        if (state["terminated"]["exitCode"].asInt() != 0) failure = reason_;
      } else if (status["ready"].asBool() && state["running"].isObject()) {
        isRunning = true;
        ++ready_;
      }
    }
    // One container has completed: that is not all there is to say where others go on.
    if (reason_ != "Completed") return;
    if (isRunning && hasCondition(pod_, "Ready")) {
      reason_ = "Running";
    } else if (!failure.empty()) {
      reason_ = failure;
    } else if (isRunning) {
      reason_ = "NotReady";
    }
  }

  const Value& pod_;
  const Value& spec_;
  const Value& status_;
  std::string reason_;
  std::size_t total_ = 0;
  std::size_t ready_ = 0;
  Restarts restarts_;
  Restarts sidecarRestarts_;
};

}  // namespace

void printPod(Cells& cells, const Value& pod) { PodSummary(pod).print(cells); }

}  // namespace iop::apiserver::kinds::internal
