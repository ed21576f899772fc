#include <algorithm>

#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/bootstrap_data.h"
#include "base/result.h"
#include "kube/api/object.h"
#include "text/json.h"

// ClusterRoles that are made of others, and those that every cluster has.

namespace iop::apiserver::auth {
namespace {

bool lists(const Value& list, std::string_view text) {
  const auto items = list.items();
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& one) { return one.asString() == text; });
}

// A metav1.LabelSelector. Operators are valid: the API server has checked them.
bool selects(const Value& selector, const Value& labels) {
  for (const Member& wanted : selector["matchLabels"].members()) {
    const Value* label = labels.find(wanted.key());
    if (label == nullptr || *label != wanted.value) return false;
  }
  for (const Value& one : selector["matchExpressions"].items()) {
    const std::string_view op = one["operator"].asString();
    const Value* label = labels.find(one["key"].asString());
    const bool isListed = label != nullptr && lists(one["values"], label->asString());
    if ((op == "In" && !isListed) || (op == "NotIn" && isListed) ||
        (op == "Exists" && label == nullptr) || (op == "DoesNotExist" && label != nullptr))
      return false;
  }
  return true;
}

// Rules are alike where only an empty list and an absent one differ.
Value withoutEmptyLists(const Value& rule) {
  Value out = rule;
  for (const Member& member : rule.members()) {
    if (member.value.empty()) out.erase(member.key());
  }
  return out;
}

}  // namespace

Value aggregate(const Value& clusterRole, const std::vector<Value>& clusterRoles) {
  std::vector<const Value*> others;
  for (const Value& other : clusterRoles) {
    if (kube::api::nameOf(other) != kube::api::nameOf(clusterRole)) others.push_back(&other);
  }
  std::sort(others.begin(), others.end(), [](const Value* a, const Value* b) {
    return kube::api::nameOf(*a) < kube::api::nameOf(*b);
  });
  Value rules = Value::array();
  std::vector<Value> known;
  for (const Value& selector : clusterRole["aggregationRule"]["clusterRoleSelectors"].items()) {
    for (const Value* other : others) {
      if (!selects(selector, (*other)["metadata"]["labels"])) continue;
      for (const Value& rule : (*other)["rules"].items()) {
        Value plain = withoutEmptyLists(rule);
        if (std::find(known.begin(), known.end(), plain) != known.end()) continue;
        rules.push(plain);
        known.push_back(std::move(plain));
      }
    }
  }
  return rules.empty() ? Value() : rules;
}

const std::vector<Value>& bootstrapRoles() {
  static const std::vector<Value> roles = [] {
    const auto parsed = text::parseJson(kBootstrapRoles);
    ASSERT(parsed);
    return std::vector<Value>(parsed->items().begin(), parsed->items().end());
  }();
  return roles;
}

}  // namespace iop::apiserver::auth
