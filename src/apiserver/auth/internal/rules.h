#pragma once

// PolicyRules of RBAC, made ready for being asked; and what one set of rules lacks of another.
//
//   const Rule rule(Value::object({{"verbs", …}, {"apiGroups", …}, {"resources", …}}));
//   if (rule.allows({.verb = "get", .resource = "pods", .whole = "pods"})) …
//
// The rules of the game: pkg/apis/rbac/v1/evaluation_helpers.go, component-helpers,
// auth/rbac/validation/policy_comparator.go and policy_compact.go.
//
// Immutable; thread-safe.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::auth::internal {

// A list of names of a rule, which may have "*" for all. Views into the Value that it was made
// from.
class Names {
 public:
  explicit Names(const Value& list);

  bool all() const { return all_; }
  bool empty() const { return sorted_.empty(); }
  bool lists(std::string_view name) const;  // "*" is a name like any other
  bool has(std::string_view name) const { return all_ || lists(name); }
  bool hasAll(const Names& others) const;
  const std::vector<std::string_view>& sorted() const { return sorted_; }

 private:
  std::vector<std::string_view> sorted_;
  bool all_ = false;
};

// What is asked. Views of the caller's.
struct Question {
  std::string_view verb;
  std::string_view group = {};
  std::string_view resource = {};
  std::string_view subresource = {};
  std::string_view whole = {};  // resource/subresource
  std::string_view name = {};
  std::string_view path = {};
  bool isPath = false;
};

// One verb on one resource (or path): what a rule is taken apart into.
struct Right {
  std::string_view verb;
  std::string_view group = {};
  std::string_view resource = {};
  std::optional<std::string_view> name = std::nullopt;  // nothing: objects of any name
  std::optional<std::string_view> path = std::nullopt;
};

class Rule {
 public:
  explicit Rule(Value rule);

  const Value& value() const { return rule_; }
  bool allows(const Question& question) const;
  bool includes(const Right& right) const;
  // Whether everything that the other one says of resources (of paths) is included. False may be
  // wrong where several rules together would do: ask for each Right then.
  bool includesResourcesOf(const Rule& other) const;
  bool includesPathsOf(const Rule& other) const;

  // How many rights the rule has, and all of them in the order of the real server; valid as long as
  // the rule. `visit` ends it by false.
  double rights() const;
  template <typename Visit>
  bool visitRights(const Visit& visit) const;

 private:
  bool coversResource(std::string_view resource) const;
  bool coversPath(std::string_view path) const;

  Value rule_;  // keeps the texts alive
  Names verbs_, groups_, resources_, resourceNames_;
  std::vector<std::string_view> paths_;
};

// What of `wanted` no rule of `owned` includes, each right in one text, sorted:
// {APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}. Nothing (no optional): too much
// to compare.
std::optional<std::vector<std::string>> findMissing(const std::vector<const Rule*>& owned,
                                                    const std::vector<Rule>& wanted);

template <typename Visit>
bool Rule::visitRights(const Visit& visit) const {
  const auto verbs = rule_["verbs"].items();
  for (const Value& group : rule_["apiGroups"].items()) {
    for (const Value& resource : rule_["resources"].items()) {
      for (const Value& verb : verbs) {
        Right right{verb.asString(), group.asString(), resource.asString()};
        if (rule_["resourceNames"].empty() && !visit(right)) return false;
        for (const Value& name : rule_["resourceNames"].items()) {
          right.name = name.asString();
          if (!visit(right)) return false;
        }
      }
    }
  }
  for (const std::string_view path : paths_) {
    for (const Value& verb : verbs) {
      if (!visit(Right{.verb = verb.asString(), .path = path})) return false;
    }
  }
  return true;
}

}  // namespace iop::apiserver::auth::internal
