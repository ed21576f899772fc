// What `kubectl get` shows of all other kinds (k8s.io/kubernetes, pkg/printers/internalversion).

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apiserver/kinds/internal/table_cells.h"

namespace iop::apiserver::kinds::internal {
namespace {

std::string lowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trimSpace(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

const Value& firstNonEmpty(const Value& preferred, const Value& other) {
  return preferred.empty() ? other : preferred;
}

std::string accessModes(const Value& modes) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kShort = {
      {{"ReadWriteOnce", "RWO"},
       {"ReadOnlyMany", "ROX"},
       {"ReadWriteMany", "RWX"},
       {"ReadWriteOncePod", "RWOP"}}};
  std::string out;
  for (const auto& [mode, shown] : kShort) {
    for (const Value& item : modes.items()) {
      if (item.asString() != mode) continue;
      if (!out.empty()) out += ',';
      out += shown;
      break;
    }
  }
  return out;
}

const Value& storageClassOf(const Value& object) {
  const Value& beta = object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
  return beta.isString() ? beta : object["spec"]["storageClassName"];
}

Value phaseOf(const Value& object) {
  if (object["metadata"]["deletionTimestamp"].isString()) return "Terminating";
  const Value& phase = object["status"]["phase"];
  return phase.isString() ? phase : Value("");
}

// Go's zero time where there is none.
Value creationOf(const Value& object) {
  const Value& creation = object["metadata"]["creationTimestamp"];
  return creation.isString() ? creation : Value("0001-01-01T00:00:00Z");
}

// A LabelSelector as Go prints it for debugging, which is what the API server shows.
std::string goSelector(const Value& selector) {
  std::string labels, expressions;
  for (const Member& label : selector["matchLabels"].members())
    labels += fmt::format("{}: {},", label.key(), label.value.asString());
  for (const Value& expression : selector["matchExpressions"].items()) {
    expressions += fmt::format("LabelSelectorRequirement{{Key:{},Operator:{},Values:[{}],}},",
                               expression["key"].asString(), expression["operator"].asString(),
                               joinTexts(expression["values"], " "));
  }
  return fmt::format(
      "&LabelSelector{{MatchLabels:map[string]string{{{}}},"
      "MatchExpressions:[]LabelSelectorRequirement{{{}}},}}",
      labels, expressions);
}

void addOrUnset(Cells& cells, const Value& text) {
  cells.add(text.isString() ? text : Value("<unset>"));
}

}  // namespace

void printConfigMap(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.add(object["data"].size() + object["binaryData"].size());
  cells.addAge(object);
}

void printSecret(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addText(object["type"]);
  cells.add(object["data"].size());
  cells.addAge(object);
}

void printNameAndAge(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addAge(object);
}

void printNamespace(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addText(object["status"]["phase"]);
  cells.addAge(object);
}

void printEvent(Cells& cells, const Value& object) {
  // An Event of events.k8s.io has other names for the same.
  const bool isCore = object["apiVersion"].asString() == "v1";
  const auto either = [&](const char* core, const char* other) -> const Value& {
    return object[isCore ? core : other];
  };
  const Value& first = either("firstTimestamp", "deprecatedFirstTimestamp");
  const Value& last = either("lastTimestamp", "deprecatedLastTimestamp");
  const Value& series = object["series"];
  const Value& target = either("involvedObject", "regarding");
  const Value& source = either("source", "deprecatedSource");

  const std::string firstSeen = ageOf(first.empty() ? object["eventTime"] : first, cells.now());
  std::string lastSeen = last.empty() ? firstSeen : ageOf(last, cells.now());
  std::int64_t count = either("count", "deprecatedCount").asInt();
  if (series.isObject()) {
    lastSeen = ageOf(series["lastObservedTime"], cells.now());
    count = series["count"].asInt();
  } else if (count == 0) {
    count = 1;
  }
  std::string about = lowerCase(target["kind"].asString());
  if (!target["name"].empty()) about += fmt::format("/{}", target["name"].asString());
  std::string reporter =
      firstNonEmpty(source["component"], either("reportingComponent", "reportingController"))
          .toString();
  const Value& instance = firstNonEmpty(source["host"], object["reportingInstance"]);
  if (!instance.empty()) reporter += fmt::format(", {}", instance.asString());

  cells.add(lastSeen);
  cells.addText(object["type"]);
  cells.addText(object["reason"]);
  cells.add(about);
  cells.addText(target["fieldPath"]);
  cells.add(reporter);
  cells.add(std::string(trimSpace(either("message", "note").asString())));
  cells.add(firstSeen);
  cells.add(count);
  cells.addName(object);
}

void printResourceQuota(Cells& cells, const Value& object) {
  std::string requests, limits;
  const Value& status = object["status"];
  for (const Member& hard : status["hard"].members()) {
    std::string& column = hard.key().starts_with("limits.") ? limits : requests;
    if (!column.empty()) column += ", ";
    column += fmt::format("{}: {}/{}", hard.key(), quantityText(status["used"][hard.key()]),
                          quantityText(hard.value));
  }
  cells.addName(object);
  cells.add(requests);
  cells.add(limits);
  cells.addAge(object);
}

void printPersistentVolume(Cells& cells, const Value& object) {
  const Value& spec = object["spec"];
  const Value& claim = spec["claimRef"];
  cells.addName(object);
  cells.add(quantityText(spec["capacity"]["storage"]));
  cells.add(accessModes(spec["accessModes"]));
  cells.addText(spec["persistentVolumeReclaimPolicy"]);
  cells.add(phaseOf(object));
  cells.add(claim.isObject()
                ? fmt::format("{}/{}", claim["namespace"].asString(), claim["name"].asString())
                : std::string());
  cells.addText(storageClassOf(object));
  addOrUnset(cells, spec["volumeAttributesClassName"]);
  cells.addText(object["status"]["reason"]);
  cells.addAge(object);
  addOrUnset(cells, spec["volumeMode"]);
}

void printPersistentVolumeClaim(Cells& cells, const Value& object) {
  const Value& spec = object["spec"];
  const Value& status = object["status"];
  const bool isBound = !spec["volumeName"].empty();
  cells.addName(object);
  cells.add(phaseOf(object));
  cells.addText(spec["volumeName"]);
  cells.add(isBound ? quantityText(status["capacity"]["storage"]) : std::string());
  cells.add(isBound ? accessModes(status["accessModes"]) : std::string());
  cells.addText(storageClassOf(object));
  addOrUnset(cells, spec["volumeAttributesClassName"]);
  cells.addAge(object);
  addOrUnset(cells, spec["volumeMode"]);
}

void printStorageClass(Cells& cells, const Value& object) {
  const auto orDefault = [](const Value& text, const char* fallback) {
    return text.isString() ? text : Value(fallback);
  };
  cells.addName(object);
  cells.addText(object["provisioner"]);
  cells.add(orDefault(object["reclaimPolicy"], "Delete"));
  cells.add(orDefault(object["volumeBindingMode"], "Immediate"));
  cells.add(object["allowVolumeExpansion"].asBool());
  cells.addAge(object);
}

void printPriorityClass(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addInt(object["value"]);
  cells.add(object["globalDefault"].asBool());
  cells.addAge(object);
  cells.addText(object["preemptionPolicy"]);
}

void printLease(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.addText(object["spec"]["holderIdentity"]);
  cells.addAge(object);
}

void printRoleBinding(Cells& cells, const Value& object) {
  const Value& role = object["roleRef"];
  std::string users, groups, accounts;
  const auto append = [](std::string& list, const Value& subject, bool withNamespace) {
    if (!list.empty()) list += ", ";
    if (withNamespace) list += fmt::format("{}/", subject["namespace"].asString());
    list += subject["name"].asString();
  };
  for (const Value& subject : object["subjects"].items()) {
    const std::string_view kind = subject["kind"].asString();
    if (kind == "User") append(users, subject, false);
    if (kind == "Group") append(groups, subject, false);
    if (kind == "ServiceAccount") append(accounts, subject, true);
  }
  cells.addName(object);
  cells.add(fmt::format("{}/{}", role["kind"].asString(), role["name"].asString()));
  cells.addAge(object);
  cells.add(users);
  cells.add(groups);
  cells.add(accounts);
}

void printAdmissionPolicy(Cells& cells, const Value& object) {
  const Value& parameters = object["spec"]["paramKind"];
  cells.addName(object);
  cells.add(object["spec"]["validations"].size());
  cells.add(parameters.isObject() ? fmt::format("{}/{}", parameters["apiVersion"].asString(),
                                                parameters["kind"].asString())
                                  : std::string("<unset>"));
  cells.addAge(object);
}

void printAdmissionPolicyBinding(Cells& cells, const Value& object) {
  const Value& parameter = object["spec"]["paramRef"];
  std::string shown = "<unset>";
  if (!parameter["name"].empty()) {
    const std::string_view space = parameter["namespace"].asString();
    shown = fmt::format("{}/{}", space.empty() ? "*" : space, parameter["name"].asString());
  } else if (parameter["selector"].isObject()) {
    shown = goSelector(parameter["selector"]);
  }
  cells.addName(object);
  cells.addText(object["spec"]["policyName"]);
  cells.add(shown);
  cells.addAge(object);
}

void printCustomResourceDefinition(Cells& cells, const Value& object) {
  const Value& spec = object["spec"];
  std::vector<std::string> versions;
  for (const Value& version : spec["versions"].items()) {
    if (!version["served"].asBool()) continue;
    versions.push_back(version["name"].toString() +
                       (version["storage"].asBool() ? "(storage)" : ""));
  }
  std::sort(versions.begin(), versions.end());
  bool isEstablished = false;
  for (const Value& condition : object["status"]["conditions"].items()) {
    if (condition["type"].asString() == "Established" && condition["status"].asString() == "True")
      isEstablished = true;
  }
  cells.addName(object);
  cells.addText(spec["scope"]);
  cells.add(fmt::format("{}", fmt::join(versions, ",")));
  cells.add(creationOf(object));
  cells.addText(spec["group"]);
  cells.addText(spec["names"]["kind"]);
  cells.add(joinTexts(spec["names"]["shortNames"], ","));
  cells.add(isEstablished);
}

void printNameAndCreation(Cells& cells, const Value& object) {
  cells.addName(object);
  cells.add(creationOf(object));
}

}  // namespace iop::apiserver::kinds::internal
