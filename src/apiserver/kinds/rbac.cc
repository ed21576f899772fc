// Roles and bindings (pkg/registry/rbac, pkg/apis/rbac/validation/validation.go).

#include "apiserver/kinds/internal/go_zero.h"
#include "apiserver/kinds/internal/names.h"
#include "apiserver/kinds/internal/strategies.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

void applyRoleDefaults(Value& role) {
  dropZeroValues(role);
  if (!role.contains("rules")) role.set("rules", nullptr);
}

void checkRules(Errors& errors, const Path& path, const Value& rules, bool namespaced) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Value& rule = rules.at(i);
    const Path at = path[i];
    if (rule["verbs"].empty()) errors.required(at["verbs"]);
    if (!rule["nonResourceURLs"].empty()) {
      if (namespaced) {
        errors.invalid(at["nonResourceURLs"], rule["nonResourceURLs"],
                       "namespaced rules cannot apply to non-resource URLs");
      }
      if (!rule["apiGroups"].empty() || !rule["resources"].empty() ||
          !rule["resourceNames"].empty()) {
        errors.invalid(at["nonResourceURLs"], rule["nonResourceURLs"],
                       "rules cannot apply to both regular resources and non-resource URLs");
      }
      continue;
    }
    if (rule["apiGroups"].empty())
      errors.required(at["apiGroups"], "resource rules must supply at least one api group");
    if (rule["resources"].empty())
      errors.required(at["resources"], "resource rules must supply at least one resource");
  }
}

FieldErrors validateRole(const Value& role) {
  Errors errors;
  const Path root;
  checkRules(errors, root["rules"], role["rules"], true);
  return errors.take();
}

FieldErrors validateClusterRole(const Value& role) {
  Errors errors;
  const Path root, path = root["aggregationRule.clusterRoleSelectors"];
  checkRules(errors, root["rules"], role["rules"], false);
  const Value& aggregation = role["aggregationRule"];
  if (!aggregation.isObject()) return errors.take();
  const Value& selectors = aggregation["clusterRoleSelectors"];
  if (selectors.empty())
    errors.required(path,
                    "at least one clusterRoleSelector required if aggregationRule is non-nil");
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    const Path at = path[i];
    Errors own;
    checkLabelSelector(own, at, selectors.at(i));
    const bool isWrong = !own.empty();
    errors.add(own.take());
    // The API server shows no value here.
    if (isWrong) errors.invalid(at, nullptr, "invalid label selector.");
  }
  return errors.take();
}

// ---- Bindings ----

void applyBindingDefaults(Value& binding) {
  dropZeroValues(binding);
  Value& ref = binding.edit("roleRef");
  if (ref.isNull() || ref.isObject()) {
    setDefault(ref, "apiGroup", kGroup);
    for (const char* field : {"kind", "name"}) {
      if (ref[field].isNull()) ref.set(field, "");
    }
  }
  for (std::size_t i = 0; i < binding["subjects"].size(); ++i) {
    const Value& subject = binding["subjects"].at(i);
    const std::string_view kind = subject["kind"].asString();
    if (!subject.isObject()) continue;
    const std::string_view group = subject["apiGroup"].asString();
    if (!group.empty()) continue;
    if (kind == "User" || kind == "Group") {
      binding.edit("subjects").editItem(i).set("apiGroup", kGroup);
    } else if (subject.contains("apiGroup")) {
      binding.edit("subjects").editItem(i).erase("apiGroup");
    }
  }
}

void checkSubjects(Errors& errors, const Path& path, const Value& subjects, bool namespaced) {
  static constexpr std::string_view kKinds[] = {"ServiceAccount", "User", "Group"};
  static constexpr std::string_view kNone[] = {""};
  static constexpr std::string_view kGroups[] = {kGroup};
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const Value& subject = subjects.at(i);
    const Path at = path[i];
    const std::string_view kind = subject["kind"].asString();
    const std::string_view name = subject["name"].asString();
    if (name.empty()) errors.required(at["name"]);
    if (kind == "ServiceAccount") {
      if (!name.empty()) errors.invalid(at["name"], name, checkDnsSubdomain(name));
      if (!subject["apiGroup"].asString().empty())
        errors.notSupported(at["apiGroup"], subject["apiGroup"], kNone);
      if (!namespaced && subject["namespace"].asString().empty()) errors.required(at["namespace"]);
    } else if (kind == "User" || kind == "Group") {
      if (subject["apiGroup"].asString() != kGroup)
        errors.notSupported(at["apiGroup"], subject["apiGroup"], kGroups);
    } else {
      errors.notSupported(at["kind"], kind, kKinds);
    }
  }
}

FieldErrors checkBinding(const Value& binding, Choices kinds, bool namespaced) {
  static constexpr std::string_view kGroups[] = {kGroup};
  Errors errors;
  const Path root, ref = root["roleRef"];
  const Value& role = binding["roleRef"];
  if (role["apiGroup"].asString() != kGroup)
    errors.notSupported(ref["apiGroup"], role["apiGroup"].asString(), kGroups);
  checkChoice(errors, ref["kind"], role["kind"], kinds);
  const std::string_view name = role["name"].asString();
  if (name.empty()) {
    errors.required(ref["name"]);
  } else {
    errors.invalid(ref["name"], name, checkPathSegment(name));
  }
  checkSubjects(errors, root["subjects"], binding["subjects"], namespaced);
  return errors.take();
}

FieldErrors validateRoleBinding(const Value& binding) {
  static constexpr std::string_view kKinds[] = {"Role", "ClusterRole"};
  return checkBinding(binding, kKinds, true);
}

FieldErrors validateClusterRoleBinding(const Value& binding) {
  static constexpr std::string_view kKinds[] = {"ClusterRole"};
  return checkBinding(binding, kKinds, false);
}

FieldErrors validateBindingUpdate(const Value& binding, const Value& old) {
  FieldErrors out;
  const Value& ref = binding["roleRef"];
  if (ref != old["roleRef"]) {
    out.push_back(
        {FieldErrorType::Invalid, "roleRef", std::nullopt,
         printGo({{"APIGroup", &ref["apiGroup"]}, {"Kind", &ref["kind"]}, {"Name", &ref["name"]}}) +
             ": " + std::string(kImmutable)});
  }
  return out;
}

}  // namespace

constinit const Strategy kRoles{.applyDefaults = applyRoleDefaults,
                                .validate = validateRole,
                                .allowCreateOnUpdate = true,
                                .nameRule = Strategy::NameRule::PathSegment};

constinit const Strategy kClusterRoles{.applyDefaults = applyRoleDefaults,
                                       .validate = validateClusterRole,
                                       .allowCreateOnUpdate = true,
                                       .nameRule = Strategy::NameRule::PathSegment};

constinit const Strategy kRoleBindings{.applyDefaults = applyBindingDefaults,
                                       .validate = validateRoleBinding,
                                       .validateUpdate = validateBindingUpdate,
                                       .allowCreateOnUpdate = true,
                                       .nameRule = Strategy::NameRule::PathSegment};

constinit const Strategy kClusterRoleBindings{.applyDefaults = applyBindingDefaults,
                                              .validate = validateClusterRoleBinding,
                                              .validateUpdate = validateBindingUpdate,
                                              .allowCreateOnUpdate = true,
                                              .nameRule = Strategy::NameRule::PathSegment};

}  // namespace iop::apiserver::kinds::internal
