// ValidatingAdmissionPolicies and their bindings (pkg/registry/admissionregistration,
// pkg/apis/admissionregistration/validation/validation.go). Expressions are compiled elsewhere.

#include <set>

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

void applyMatchDefaults(Value& match) {
  if (!match.isObject()) return;
  setDefault(match, "matchPolicy", "Equivalent");
  setDefault(match, "namespaceSelector", Value::object());
  setDefault(match, "objectSelector", Value::object());
  for (const char* list : {"resourceRules", "excludeResourceRules"}) {
    for (std::size_t i = 0; i < match[list].size(); ++i) {
      if (match[list].at(i).isObject()) setDefault(match.edit(list).editItem(i), "scope", "*");
    }
  }
}

void applyAdmissionPolicyDefaults(Value& policy) {
  dropZeroValues(policy);
  Value& spec = policy.edit("spec");
  if (!spec.isNull() && !spec.isObject()) return;
  setDefault(spec, "failurePolicy", "Fail");
  if (spec["matchConstraints"].isObject()) applyMatchDefaults(spec.edit("matchConstraints"));
}

void initialisePolicyStatus(Value& policy) { policy.set("status", Value::object()); }

void checkRuleList(Errors& errors, const Path& path, const Value& list, std::string_view what) {
  if (list.empty()) {
    errors.required(path);
    return;
  }
  for (const Value& each : list.items()) {
    if (each.asString() == "*" && list.size() > 1) {
      errors.invalid(path, list, "if '*' is present, must not specify other " + std::string(what));
      return;
    }
  }
}

void checkResourceRule(Errors& errors, const Path& path, const Value& rule) {
  static constexpr std::string_view kOperations[] = {"*", "CONNECT", "CREATE", "DELETE", "UPDATE"};
  static constexpr std::string_view kScopes[] = {"*", "Cluster", "Namespaced"};
  const Path operations = path["operations"];
  checkRuleList(errors, operations, rule["operations"], "operations");
  for (std::size_t i = 0; i < rule["operations"].size(); ++i)
    checkChoice(errors, operations[i], rule["operations"].at(i), kOperations);
  checkRuleList(errors, path["apiGroups"], rule["apiGroups"], "API groups");
  checkRuleList(errors, path["apiVersions"], rule["apiVersions"], "API versions");
  checkRuleList(errors, path["resources"], rule["resources"], "resources without subresources");
  checkOptionalChoice(errors, path["scope"], rule["scope"], kScopes);
}

void checkMatchResources(Errors& errors, const Path& path, const Value& match) {
  static constexpr std::string_view kPolicies[] = {"Equivalent", "Exact"};
  checkOptionalChoice(errors, path["matchPolicy"], match["matchPolicy"], kPolicies);
  checkLabelSelector(errors, path["namespaceSelector"], match["namespaceSelector"]);
  checkLabelSelector(errors, path["objectSelector"], match["objectSelector"]);
  for (const char* list : {"resourceRules", "excludeResourceRules"}) {
    const Path rules = path[list];
    for (std::size_t i = 0; i < match[list].size(); ++i)
      checkResourceRule(errors, rules[i], match[list].at(i));
  }
}

void checkMatchConditions(Errors& errors, const Path& path, const Value& conditions) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Path at = path[i];
    if (conditions.at(i)["expression"].asString().empty()) errors.required(at["expression"]);
    const std::string_view name = conditions.at(i)["name"].asString();
    if (name.empty()) {
      errors.required(at["name"]);
      continue;
    }
    errors.invalid(at["name"], name, checkQualifiedName(name));
    if (!names.insert(name).second) errors.duplicate(at["name"], name);
  }
}

void checkRule(Errors& errors, const Path& path, const Value& rule) {
  static constexpr std::string_view kReasons[] = {"Forbidden", "Invalid", "RequestEntityTooLarge"};
  if (rule["expression"].asString().empty())
    errors.required(path["expression"], "expression is not specified");
  const Value& message = rule["message"];
  if (message.asString().find('\n') != std::string_view::npos)
    errors.invalid(path["message"], message, "must not contain line breaks");
  const std::string_view reason = rule["reason"].asString();
  // Unauthorized is left out of the words on purpose.
  if (!reason.empty() && reason != "Unauthorized")
    checkChoice(errors, path["reason"], rule["reason"], kReasons);
}

FieldErrors validateAdmissionPolicy(const Value& policy) {
  static constexpr std::string_view kPolicies[] = {"Fail", "Ignore"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = policy["spec"];
  checkOptionalChoice(errors, path["failurePolicy"], spec["failurePolicy"], kPolicies);
  if (spec["paramKind"].isObject()) {
    const Path kind = path["paramKind"];
    for (const char* field : {"apiVersion", "kind"}) {
      if (spec["paramKind"][field].asString().empty()) errors.required(kind[field]);
    }
  }
  const Path match = path["matchConstraints"];
  if (!spec["matchConstraints"].isObject()) {
    errors.required(match);
  } else {
    checkMatchResources(errors, match, spec["matchConstraints"]);
    if (spec["matchConstraints"]["resourceRules"].empty()) errors.required(match["resourceRules"]);
  }
  checkMatchConditions(errors, path["matchConditions"], spec["matchConditions"]);
  const Path variables = path["variables"];
  for (std::size_t i = 0; i < spec["variables"].size(); ++i) {
    const Path at = variables[i];
    const std::string_view name = spec["variables"].at(i)["name"].asString();
    if (name.empty()) {
      errors.required(at["name"], "name is not specified");
    } else if (!isCelIdentifier(name)) {
      errors.invalid(at["name"], name, "must be a valid CEL identifier");
    }
    if (spec["variables"].at(i)["expression"].asString().empty())
      errors.required(at["expression"], "expression is not specified");
  }
  const Path rules = path["validations"], annotations = path["auditAnnotations"];
  if (spec["validations"].empty() && spec["auditAnnotations"].empty()) {
    const char* const why = "validations or auditAnnotations must contain at least one item";
    errors.required(rules, why);
    errors.required(annotations, why);
  }
  for (std::size_t i = 0; i < spec["validations"].size(); ++i)
    checkRule(errors, rules[i], spec["validations"].at(i));
  const std::string prefix = policy["metadata"]["name"].toString() + "/";
  for (std::size_t i = 0; i < spec["auditAnnotations"].size(); ++i) {
    const Value& annotation = spec["auditAnnotations"].at(i);
    const Path at = annotations[i];
    const std::string key = prefix + annotation["key"].toString();
    errors.invalid(at["key"], key, checkQualifiedName(key));
    if (annotation["valueExpression"].asString().empty())
      errors.required(at["valueExpression"], "valueExpression is not specified");
  }
  return errors.take();
}

// ---- Bindings ----

void applyPolicyBindingDefaults(Value& binding) {
  dropZeroValues(binding);
  if (binding["spec"]["matchResources"].isObject())
    applyMatchDefaults(binding.edit("spec").edit("matchResources"));
}

FieldErrors validatePolicyBinding(const Value& binding) {
  static constexpr std::string_view kActions[] = {"Audit", "Deny", "Warn"};
  static constexpr std::string_view kNotFound[] = {"Allow", "Deny"};
  Errors errors;
  const Path root, path = root["spec"];
  const Value& spec = binding["spec"];
  const std::string_view name = spec["policyName"].asString();
  if (name.empty()) {
    errors.required(path["policyName"]);
  } else {
    errors.invalid(path["policyName"], name, checkDnsSubdomain(name));
  }
  if (spec["paramRef"].isObject()) {
    const Path ref = path["paramRef"];
    const Value& value = spec["paramRef"];
    const bool hasName = !value["name"].asString().empty();
    const bool hasSelector = value["selector"].isObject();
    if (!hasName && !hasSelector) {
      errors.required(ref, "one of name or selector must be specified");
    } else if (hasName && hasSelector) {
      errors.forbidden(ref["name"], "name and selector are mutually exclusive");
    }
    if (value["parameterNotFoundAction"].isNull()) {
      errors.required(ref["parameterNotFoundAction"]);
    } else {
      checkChoice(errors, ref["parameterNotFoundAction"], value["parameterNotFoundAction"],
                  kNotFound);
    }
  }
  if (spec["matchResources"].isObject())
    checkMatchResources(errors, path["matchResources"], spec["matchResources"]);
  const Path actions = path["validationActions"];
  if (spec["validationActions"].empty()) errors.required(actions);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < spec["validationActions"].size(); ++i) {
    const Value& action = spec["validationActions"].at(i);
    checkChoice(errors, actions[i], action, kActions);
    if (!seen.insert(action.asString()).second) errors.duplicate(actions[i], action);
  }
  if (seen.contains("Deny") && seen.contains("Warn")) {
    errors.invalid(actions, spec["validationActions"],
                   "must not contain both Deny and Warn (repeating the same validation failure "
                   "information in the API response and headers serves no purpose)");
  }
  return errors.take();
}

}  // namespace

constinit const Strategy kValidatingAdmissionPolicies{.applyDefaults = applyAdmissionPolicyDefaults,
                                                      .prepareForCreate = initialisePolicyStatus,
                                                      .validate = validateAdmissionPolicy,
                                                      .hasGeneration = true,
                                                      .allowUnconditionalUpdate = false};

constinit const Strategy kValidatingAdmissionPolicyBindings{
    .applyDefaults = applyPolicyBindingDefaults,
    .validate = validatePolicyBinding,
    .hasGeneration = true,
    .allowUnconditionalUpdate = false};

}  // namespace iop::apiserver::kinds::internal
