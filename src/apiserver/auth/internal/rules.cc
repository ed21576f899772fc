#include "apiserver/auth/internal/rules.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "apiserver/auth/internal/go_text.h"

namespace iop::apiserver::auth::internal {
namespace {

// Lists of a rule are short mostly, and then a walk is faster than a search.
constexpr std::size_t kFewNames = 8;
// Questions of one comparison: below a second.
constexpr double kMaxComparisons = 5e6;

// "/a/*" stands for what begins with "/a/".
bool pathMatches(std::string_view rule, std::string_view path) {
  if (rule == "*" || rule == path) return true;
  if (!rule.ends_with('*')) return false;
  while (rule.ends_with('*')) rule.remove_suffix(1);
  return path.starts_with(rule);
}

void appendField(std::string& out, std::string_view title, const std::string& list) {
  if (out.size() > 1) out += ", ";
  out.append(title).append(":").append(list);
}

std::string quoteOne(std::string_view text) { return "[" + quote(text) + "]"; }

std::string printRight(const Right& right, const std::vector<std::string_view>& verbs) {
  std::string out = "{";
  if (right.path) {
    appendField(out, "NonResourceURLs", quoteOne(*right.path));
  } else {
    appendField(out, "APIGroups", quoteOne(right.group));
    appendField(out, "Resources", quoteOne(right.resource));
    if (right.name) appendField(out, "ResourceNames", quoteOne(*right.name));
  }
  appendField(out, "Verbs", quoteList(verbs));
  return out + "}";
}

}  // namespace

Names::Names(const Value& list) {
  sorted_.reserve(list.size());
  for (const Value& name : list.items()) sorted_.push_back(name.asString());
  std::sort(sorted_.begin(), sorted_.end());
  all_ = lists("*");
}

bool Names::lists(std::string_view name) const {
  return sorted_.size() <= kFewNames
             ? std::find(sorted_.begin(), sorted_.end(), name) != sorted_.end()
             : std::binary_search(sorted_.begin(), sorted_.end(), name);
}

bool Names::hasAll(const Names& others) const {
  return all_ || std::all_of(others.sorted_.begin(), others.sorted_.end(),
                             [this](std::string_view name) { return lists(name); });
}

Rule::Rule(Value rule)
    : rule_(std::move(rule)),
      verbs_(rule_["verbs"]),
      groups_(rule_["apiGroups"]),
      resources_(rule_["resources"]),
      resourceNames_(rule_["resourceNames"]) {
  for (const Value& path : rule_["nonResourceURLs"].items()) paths_.push_back(path.asString());
}

bool Rule::coversPath(std::string_view path) const {
  return std::any_of(paths_.begin(), paths_.end(),
                     [&](std::string_view rule) { return pathMatches(rule, path); });
}

// "pods/log" is covered by itself, by "*/log" and by "*".
bool Rule::coversResource(std::string_view resource) const {
  if (resources_.has(resource)) return true;
  const std::size_t slash = resource.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view subresource = resource.substr(slash);
  const std::vector<std::string_view>& names = resources_.sorted();
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return name.starts_with('*') && name.substr(1) == subresource;
  });
}

bool Rule::allows(const Question& asked) const {
  if (!verbs_.has(asked.verb)) return false;
  if (asked.isPath) return coversPath(asked.path);
  if (!groups_.has(asked.group)) return false;
  if (!resources_.has(asked.whole)) {
    if (asked.subresource.empty()) return false;
    const std::vector<std::string_view>& names = resources_.sorted();
    const bool isKnown = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return name.starts_with("*/") && name.substr(2) == asked.subresource;
    });
    if (!isKnown) return false;
  }
  return resourceNames_.empty() || resourceNames_.lists(asked.name);
}

bool Rule::includes(const Right& right) const {
  if (!verbs_.has(right.verb)) return false;
  if (right.path) return resourceNames_.empty() && coversPath(*right.path);
  if (!groups_.has(right.group) || !coversResource(right.resource)) return false;
  return resourceNames_.empty() || (right.name && resourceNames_.lists(*right.name));
}

bool Rule::includesResourcesOf(const Rule& other) const {
  if (!verbs_.hasAll(other.verbs_) || !groups_.hasAll(other.groups_)) return false;
  if (!resourceNames_.empty() &&
      (other.resourceNames_.empty() || !resourceNames_.hasAll(other.resourceNames_)))
    return false;
  return resources_.hasAll(other.resources_);
}

bool Rule::includesPathsOf(const Rule& other) const {
  if (!verbs_.hasAll(other.verbs_) || !resourceNames_.empty()) return false;
  return std::find(paths_.begin(), paths_.end(), "*") != paths_.end();
}

double Rule::rights() const {
  const auto count = [&](const char* field) { return static_cast<double>(rule_[field].size()); };
  const double names = resourceNames_.empty() ? 1 : count("resourceNames");
  return count("verbs") *
         (count("apiGroups") * count("resources") * names + count("nonResourceURLs"));
}

std::optional<std::vector<std::string>> findMissing(const std::vector<const Rule*>& owned,
                                                    const std::vector<Rule>& wanted) {
  // Rights of the same resource and name are one text, with their verbs in the order in which they
  // were met; paths stay apart.
  using Key = std::tuple<std::string_view, std::string_view, std::optional<std::string_view>>;
  std::map<Key, std::pair<Right, std::vector<std::string_view>>> resources;
  std::vector<std::string> out;
  double comparisons = 0;
  for (const Rule& rule : wanted) {
    const bool hasResources = std::any_of(owned.begin(), owned.end(), [&](const Rule* one) {
      return one->includesResourcesOf(rule);
    });
    const bool hasPaths = std::any_of(owned.begin(), owned.end(),
                                      [&](const Rule* one) { return one->includesPathsOf(rule); });
    if (hasResources && (hasPaths || rule.value()["nonResourceURLs"].empty())) continue;
    comparisons += rule.rights() * static_cast<double>(owned.size() + 1);
    if (comparisons > kMaxComparisons) return std::nullopt;
    rule.visitRights([&](const Right& right) {
      if (std::any_of(owned.begin(), owned.end(),
                      [&](const Rule* one) { return one->includes(right); }))
        return true;
      if (right.path) {
        out.push_back(printRight(right, {right.verb}));
      } else {
        auto& [first, verbs] = resources[{right.group, right.resource, right.name}];
        first = right;
        verbs.push_back(right.verb);
      }
      return true;
    });
  }
  for (const auto& [key, right] : resources) out.push_back(printRight(right.first, right.second));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace iop::apiserver::auth::internal
