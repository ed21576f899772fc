#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/pod.h"

namespace iop::apiserver::kinds::internal {
namespace {

void checkRequirements(Errors& errors, const Path& path, const Value& requirements) {
  for (std::size_t i = 0; i < requirements.size(); ++i) {
    const Value& each = requirements.at(i);
    const Path at = path[i];
    const std::string_view operation = each["operator"].asString();
    const std::size_t values = each["values"].size();
    if (operation == "In" || operation == "NotIn") {
      if (values == 0)
        errors.required(at["values"], "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operation == "Exists" || operation == "DoesNotExist") {
      if (values > 0)
        errors.forbidden(at["values"],
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else if (operation == "Gt" || operation == "Lt") {
      if (values != 1)
        errors.required(at["values"],
                        "must be specified single value when `operator` is 'Lt' or 'Gt'");
    } else {
      errors.invalid(at["operator"], operation, "not a valid selector operator");
    }
    const std::string_view key = each["key"].asString();
    errors.invalid(at["key"], key, checkQualifiedName(key));
  }
}

void checkNodeSelectorTerm(Errors& errors, const Path& path, const Value& term) {
  checkRequirements(errors, path["matchExpressions"], term["matchExpressions"]);
}

void checkNodeAffinity(Errors& errors, const Path& path, const Value& affinity) {
  const Path required = path["requiredDuringSchedulingIgnoredDuringExecution"];
  const Path preferred = path["preferredDuringSchedulingIgnoredDuringExecution"];
  const Value& selector = affinity["requiredDuringSchedulingIgnoredDuringExecution"];
  if (selector.isObject()) {
    const Path terms = required["nodeSelectorTerms"];
    if (selector["nodeSelectorTerms"].empty())
      errors.required(terms, "must have at least one node selector term");
    for (std::size_t i = 0; i < selector["nodeSelectorTerms"].size(); ++i)
      checkNodeSelectorTerm(errors, terms[i], selector["nodeSelectorTerms"].at(i));
  }
  const Value& list = affinity["preferredDuringSchedulingIgnoredDuringExecution"];
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Path at = preferred[i];
    const std::int64_t weight = list.at(i)["weight"].asInt();
    if (weight <= 0 || weight > 100)
      errors.invalid(at["weight"], weight, "must be in the range 1-100");
    checkNodeSelectorTerm(errors, at["preference"], list.at(i)["preference"]);
  }
}

void checkPodAffinityTerm(Errors& errors, const Path& path, const Value& term) {
  if (term["labelSelector"].isObject())
    checkLabelSelector(errors, path["labelSelector"], term["labelSelector"]);
  if (term["namespaceSelector"].isObject())
    checkLabelSelector(errors, path["namespaceSelector"], term["namespaceSelector"]);
  const Path namespaces = path["namespaces"];
  for (std::size_t i = 0; i < term["namespaces"].size(); ++i) {
    const std::string_view name = term["namespaces"].at(i).asString();
    errors.invalid(namespaces[i], name, checkDnsLabel(name));
  }
  const std::string_view key = term["topologyKey"].asString();
  const Path at = path["topologyKey"];
  if (key.empty()) errors.required(at, "can not be empty");
  errors.invalid(at, key, checkQualifiedName(key));
}

void checkPodAffinity(Errors& errors, const Path& path, const Value& affinity) {
  const Path required = path["requiredDuringSchedulingIgnoredDuringExecution"];
  const Path preferred = path["preferredDuringSchedulingIgnoredDuringExecution"];
  const Value& terms = affinity["requiredDuringSchedulingIgnoredDuringExecution"];
  for (std::size_t i = 0; i < terms.size(); ++i)
    checkPodAffinityTerm(errors, required[i], terms.at(i));
  const Value& list = affinity["preferredDuringSchedulingIgnoredDuringExecution"];
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Path at = preferred[i];
    const std::int64_t weight = list.at(i)["weight"].asInt();
    if (weight <= 0 || weight > 100)
      errors.invalid(at["weight"], weight, "must be in the range 1-100");
    checkPodAffinityTerm(errors, at["podAffinityTerm"], list.at(i)["podAffinityTerm"]);
  }
}

void checkTolerations(Errors& errors, const Path& path, const Value& tolerations) {
  static constexpr std::string_view kEffects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
  static constexpr std::string_view kOperators[] = {"Equal", "Exists"};
  for (std::size_t i = 0; i < tolerations.size(); ++i) {
    const Value& each = tolerations.at(i);
    const Path at = path[i];
    const std::string_view key = each["key"].asString();
    const std::string_view operation = each["operator"].asString();
    if (!key.empty()) errors.invalid(at["key"], key, checkQualifiedName(key));
    if (key.empty() && operation != "Exists") {
      errors.invalid(at["operator"], operation,
                     "operator must be Exists when `key` is empty, which means \"match all values "
                     "and all keys\"");
    }
    if (!each["tolerationSeconds"].isNull() && each["effect"].asString() != "NoExecute") {
      errors.invalid(at["effect"], each["effect"].toString(),
                     "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (operation == "Exists") {
      if (!each["value"].asString().empty())
        errors.invalid(at["operator"], each["value"],
                       "value must be empty when `operator` is 'Exists'");
    } else if (operation.empty() || operation == "Equal") {
      errors.invalid(at["operator"], each["value"], checkLabelValue(each["value"].asString()));
    } else {
      errors.notSupported(at["operator"], operation, kOperators);
    }
    if (!each["effect"].asString().empty())
      checkChoice(errors, at["effect"], each["effect"], kEffects);
  }
}

void checkTopologySpread(Errors& errors, const Path& path, const Value& constraints) {
  static constexpr std::string_view kActions[] = {"DoNotSchedule", "ScheduleAnyway"};
  for (std::size_t i = 0; i < constraints.size(); ++i) {
    const Value& each = constraints.at(i);
    const Path at = path[i];
    if (each["maxSkew"].asInt() <= 0)
      errors.invalid(at["maxSkew"], each["maxSkew"].asInt(), "must be greater than zero");
    if (each["topologyKey"].asString().empty())
      errors.required(at["topologyKey"], "can not be empty");
    checkChoice(errors, at["whenUnsatisfiable"], each["whenUnsatisfiable"], kActions);
    if (!each["minDomains"].isNull() && each["minDomains"].asInt() <= 0)
      errors.invalid(at["minDomains"], each["minDomains"], "must be greater than zero");
    if (each["labelSelector"].isObject())
      checkLabelSelector(errors, at["labelSelector"], each["labelSelector"]);
  }
}

}  // namespace

void checkScheduling(Errors& errors, const Path& path, const Value& spec) {
  const Value& affinity = spec["affinity"];
  if (affinity.isObject()) {
    const Path at = path["affinity"];
    checkNodeAffinity(errors, at["nodeAffinity"], affinity["nodeAffinity"]);
    checkPodAffinity(errors, at["podAffinity"], affinity["podAffinity"]);
    checkPodAffinity(errors, at["podAntiAffinity"], affinity["podAntiAffinity"]);
  }
  checkTopologySpread(errors, path["topologySpreadConstraints"], spec["topologySpreadConstraints"]);
  checkTolerations(errors, path["tolerations"], spec["tolerations"]);
}

}  // namespace iop::apiserver::kinds::internal
