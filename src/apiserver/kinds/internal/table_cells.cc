#include "apiserver/kinds/internal/table_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/time.h"

namespace iop::apiserver::kinds::internal {

void Cells::addAge(const Value& object) {
  add(ageOf(object["metadata"]["creationTimestamp"], now_));
}

void Cells::addContainers(const Value& podSpec) {
  std::string names, images;
  for (const Value& container : podSpec["containers"].items()) {
    if (&container != &podSpec["containers"].at(0)) {
      names += ',';
      images += ',';
    }
    names += container["name"].asString();
    images += container["image"].asString();
  }
  add(names);
  add(images);
}

std::string humanDuration(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return fmt::format("{}s", seconds);
  const auto withRest = [](std::int64_t whole, char unit, std::int64_t rest, char restUnit) {
    return rest == 0 ? fmt::format("{}{}", whole, unit)
                     : fmt::format("{}{}{}{}", whole, unit, rest, restUnit);
  };
  const std::int64_t minutes = seconds / 60;
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return fmt::format("{}m", minutes);
  const std::int64_t hours = minutes / 60;
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  const std::int64_t days = hours / 24;
  if (days < 8) return withRest(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return fmt::format("{}d", days);
  const std::int64_t years = days / 365;
  return withRest(years, 'y', years < 8 ? days % 365 : 0, 'd');
}

std::optional<TableTime> readTime(std::string_view text) {
  constexpr std::string_view kFirstYear = "1678", kLastYear = "2261";
  constexpr std::size_t kDigits = 4;
  const std::string_view year = text.substr(0, kDigits);
  const bool isEarly = year < kFirstYear;
  if (!isEarly && year <= kLastYear) {
    const Result<base::Time> time = base::parseTime(text);
    return time ? std::optional(*time) : std::nullopt;
  }
  if (text.size() < kDigits || year.find_first_not_of("0123456789") != std::string_view::npos ||
      !base::parseTime("2000" + std::string(text.substr(kDigits))))
    return std::nullopt;
  return isEarly ? TableTime::min() : TableTime::max();
}

std::chrono::nanoseconds elapsed(TableTime from, TableTime to) {
  using Nanos = std::chrono::nanoseconds;
  static_assert(std::is_same_v<TableTime::duration, Nanos>);
  Nanos::rep difference = 0;
  if (__builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(),
                             &difference))
    return from < to ? Nanos::max() : Nanos::min();
  return Nanos(difference);
}

std::string ageOf(const Value& timestamp, TableTime now) {
  const std::optional<TableTime> time = readTime(timestamp.asString());
  return time ? humanDuration(elapsed(*time, now)) : "<unknown>";
}

std::string formatLabels(const Value& labels) {
  std::string out;
  for (const Member& label : labels.members()) {
    if (!out.empty()) out += ',';
    out += label.key();
    out += '=';
    out += label.value.asString();
  }
  return out.empty() ? "<none>" : out;
}

std::string formatSelector(const Value& selector, std::string_view bad) {
  std::vector<std::pair<std::string_view, std::string>> terms;  // by key
  for (const Member& label : selector["matchLabels"].members())
    terms.emplace_back(label.key(), fmt::format("{}={}", label.key(), label.value.asString()));
  for (const Value& expression : selector["matchExpressions"].items()) {
    const std::string_view key = expression["key"].asString();
    const std::string_view op = expression["operator"].asString();
    std::vector<std::string_view> values;
    for (const Value& value : expression["values"].items()) values.push_back(value.asString());
    std::sort(values.begin(), values.end());
    const bool isMembership = op == "In" || op == "NotIn";
    if (!isMembership && op != "Exists" && op != "DoesNotExist") return std::string(bad);
    if (values.empty() == isMembership) return std::string(bad);
    if (isMembership) {
      terms.emplace_back(
          key, fmt::format("{} {} ({})", key, op == "In" ? "in" : "notin", fmt::join(values, ",")));
    } else {
      terms.emplace_back(key, fmt::format("{}{}", op == "Exists" ? "" : "!", key));
    }
  }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out;
  for (const auto& [key, term] : terms) {
    if (!out.empty()) out += ',';
    out += term;
  }
  return out;
}

std::string formatLabelSelector(const Value& selector) {
  std::string out = formatSelector(selector, "<error>");
  return out.empty() ? "<none>" : out;
}

std::string quantityText(const Value& quantity) {
  return quantity.isString() ? quantity.toString() : std::to_string(quantity.asInt());
}

std::string intOrStringText(const Value& value) {
  return value.isString() ? value.toString() : std::to_string(value.asInt());
}

std::string joinTexts(const Value& texts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += separator;
    out += texts.at(i).asString();
  }
  return out;
}

void ShortList::add(std::string_view text) {
  if (count_ < max_) {
    ++count_;
    shown_.emplace_back(text);
  } else {
    hasMore_ = true;
  }
}

std::string ShortList::print(std::size_t total, std::string_view separator) const {
  const std::string out = fmt::format("{}", fmt::join(shown_, separator));
  return hasMore_ ? fmt::format("{} + {} more...", out, total - max_) : out;
}

CellPrinter printerOf(std::string_view group, std::string_view plural) {
  struct Entry {
    std::string_view group, plural;
    CellPrinter print;
  };
  static constexpr Entry kPrinters[] = {
      {"", "configmaps", printConfigMap},
      {"", "endpoints", printEndpoints},
      {"", "events", printEvent},
      {"", "namespaces", printNamespace},
      {"", "persistentvolumeclaims", printPersistentVolumeClaim},
      {"", "persistentvolumes", printPersistentVolume},
      {"", "pods", printPod},
      {"", "podtemplates", printPodTemplate},
      {"", "replicationcontrollers", printReplicationController},
      {"", "resourcequotas", printResourceQuota},
      {"", "secrets", printSecret},
      {"", "serviceaccounts", printNameAndAge},
      {"", "services", printService},
      {"admissionregistration.k8s.io", "validatingadmissionpolicies", printAdmissionPolicy},
      {"admissionregistration.k8s.io", "validatingadmissionpolicybindings",
       printAdmissionPolicyBinding},
      {"apiextensions.k8s.io", "customresourcedefinitions", printCustomResourceDefinition},
      {"apps", "controllerrevisions", printControllerRevision},
      {"apps", "daemonsets", printDaemonSet},
      {"apps", "deployments", printDeployment},
      {"apps", "replicasets", printReplicaSet},
      {"apps", "statefulsets", printStatefulSet},
      {"autoscaling", "horizontalpodautoscalers", printHorizontalPodAutoscaler},
      {"autoscaling", "scale", printScale},
      {"batch", "cronjobs", printCronJob},
      {"batch", "jobs", printJob},
      {"coordination.k8s.io", "leases", printLease},
      {"discovery.k8s.io", "endpointslices", printEndpointSlice},
      {"events.k8s.io", "events", printEvent},
      {"networking.k8s.io", "ingressclasses", printIngressClass},
      {"networking.k8s.io", "ingresses", printIngress},
      {"networking.k8s.io", "networkpolicies", printNetworkPolicy},
      {"policy", "poddisruptionbudgets", printPodDisruptionBudget},
      {"rbac.authorization.k8s.io", "clusterrolebindings", printRoleBinding},
      {"rbac.authorization.k8s.io", "rolebindings", printRoleBinding},
      {"scheduling.k8s.io", "priorityclasses", printPriorityClass},
      {"storage.k8s.io", "storageclasses", printStorageClass},
  };
  for (const Entry& entry : kPrinters) {
    if (entry.group == group && entry.plural == plural) return entry.print;
  }
  return printNameAndCreation;
}

}  // namespace iop::apiserver::kinds::internal
