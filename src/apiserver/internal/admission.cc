#include "apiserver/internal/admission.h"

#include <algorithm>

#include "apiserver/internal/selectors.h"
#include "cel/cel.h"
#include "kube/api/object.h"

namespace iop::apiserver {
namespace {

constexpr std::string_view kPolicies = "admissionregistration.k8s.io/validatingadmissionpolicies";
constexpr std::string_view kBindings =
    "admissionregistration.k8s.io/validatingadmissionpolicybindings";
// kube-apiserver's budget for all expressions of one policy (apis/cel/config.go).
constexpr std::uint64_t kCostPerExpression = 10'000'000;

bool lists(const Value& list, std::string_view text) {
  const auto items = list.items();
  return std::any_of(items.begin(), items.end(), [&](const Value& one) {
    return one.asString() == "*" || one.asString() == text;
  });
}

bool listsResource(const Value& list, std::string_view plural, std::string_view subresource) {
  const auto items = list.items();
  return std::any_of(items.begin(), items.end(), [&](const Value& one) {
    const std::string_view rule = one.asString();
    const std::size_t slash = rule.find('/');
    const std::string_view wanted = rule.substr(0, slash);
    const std::string_view sub =
        slash == std::string_view::npos ? std::string_view() : rule.substr(slash + 1);
    return (wanted == "*" || wanted == plural) && (sub == "*" || sub == subresource);
  });
}

// A metav1.LabelSelector.
bool matchesLabels(const Value& selector, const Value& labels) {
  for (const Member& wanted : selector["matchLabels"].members()) {
    if (labels[wanted.key()].asString() != wanted.value.asString() ||
        !labels.contains(wanted.key()))
      return false;
  }
  for (const Value& one : selector["matchExpressions"].items()) {
    const std::string_view key = one["key"].asString(), op = one["operator"].asString();
    const Value* label = labels.find(key);
    const bool listed = label != nullptr && lists(one["values"], label->asString());
    if ((op == "In" && !listed) || (op == "NotIn" && listed) ||
        (op == "Exists" && label == nullptr) || (op == "DoesNotExist" && label != nullptr))
      return false;
  }
  return true;
}

struct Subject {
  const Kind& kind;
  std::string_view operation;
  std::string_view subresource;
  const Value& object;
  const Value& old;
  const Value& space;  // the namespace's object, or null
  std::string name;
};

bool ruleMatches(const Value& rule, const Subject& subject) {
  const kube::api::Resource& resource = subject.kind.resource;
  const std::string_view scope = rule["scope"].asString("*");
  if ((scope == "Namespaced" && !resource.namespaced) ||
      (scope == "Cluster" && resource.namespaced))
    return false;
  if (!rule["resourceNames"].empty() && !lists(rule["resourceNames"], subject.name)) return false;
  return lists(rule["operations"], subject.operation) && lists(rule["apiGroups"], resource.group) &&
         lists(rule["apiVersions"], resource.version) &&
         listsResource(rule["resources"], resource.plural, subject.subresource);
}

// A MatchResources, of a policy or a binding; null matches everything.
bool constraintsMatch(const Value& constraints, const Subject& subject) {
  if (constraints.isNull()) return true;
  if (!subject.space.isNull() &&
      !matchesLabels(constraints["namespaceSelector"], subject.space["metadata"]["labels"]))
    return false;
  const Value& selector = constraints["objectSelector"];
  if (!selector.empty() && !matchesLabels(selector, subject.object["metadata"]["labels"]) &&
      !matchesLabels(selector, subject.old["metadata"]["labels"]))
    return false;
  const auto anyMatches = [&](const Value& rules) {
    const auto items = rules.items();
    return std::any_of(items.begin(), items.end(),
                       [&](const Value& rule) { return ruleMatches(rule, subject); });
  };
  if (anyMatches(constraints["excludeResourceRules"])) return false;
  return constraints["resourceRules"].empty() || anyMatches(constraints["resourceRules"]);
}

Value userInfo(const auth::User& user) {
  Value groups = Value::array();
  for (const std::string& group : user.groups) groups.push(group);
  Value extra = Value::object();
  for (const auto& [key, values] : user.extra) {
    Value list = Value::array();
    for (const std::string& value : values) list.push(value);
    extra.set(key, std::move(list));
  }
  return Value::object({{"username", user.name},
                        {"uid", user.uid},
                        {"groups", std::move(groups)},
                        {"extra", std::move(extra)}});
}

Value requestOf(const Subject& subject, const Call& call) {
  const kube::api::Resource& resource = subject.kind.resource;
  const Value kind = Value::object(
      {{"group", resource.group}, {"version", resource.version}, {"kind", resource.kind}});
  const Value served = Value::object(
      {{"group", resource.group}, {"version", resource.version}, {"resource", resource.plural}});
  const Value& present = subject.object.isNull() ? subject.old : subject.object;
  return Value::object({{"kind", kind},
                        {"requestKind", kind},
                        {"resource", served},
                        {"requestResource", served},
                        {"subResource", subject.subresource},
                        {"requestSubResource", subject.subresource},
                        {"name", subject.name},
                        {"namespace", kube::api::namespaceOf(present)},
                        {"operation", subject.operation},
                        {"userInfo", userInfo(call.user)},
                        {"dryRun", call.dryRun}});
}

struct Expression {
  std::string name;  // of a match condition or variable
  std::string text;
  std::optional<cel::Program> program;
  std::string problem;  // why there is no program
};

Expression compile(const Value& name, const Value& text,
                   const std::vector<cel::Variable>& variables) {
  Expression out{name.toString(), text.toString(), std::nullopt, {}};
  auto program = cel::Program::compile(out.text, variables);
  if (program) {
    out.program = std::move(*program);
  } else {
    out.problem = program.error().message;
  }
  return out;
}

Result<Value> evaluate(const Expression& expression, const std::vector<cel::Binding>& bindings) {
  if (!expression.program) return fail(Code::Invalid, "compilation error: " + expression.problem);
  return expression.program->evaluate(bindings, {.cost = kCostPerExpression});
}

}  // namespace

struct AdmissionPolicies::Compiled {
  std::uint64_t version = 0;
  std::vector<Expression> conditions;
  std::vector<Expression> variables;
  struct Validation {
    Expression expression;
    std::optional<Expression> message;
    std::string text;
    std::string reason;
  };
  std::vector<Validation> validations;
};

AdmissionPolicies::AdmissionPolicies(Engine& engine) : engine_(engine) {}

AdmissionPolicies::~AdmissionPolicies() = default;

const AdmissionPolicies::Compiled& AdmissionPolicies::compiled(const ObjectPtr& policy) {
  std::shared_ptr<const Compiled>& known = compiled_[std::string(kube::api::nameOf(policy->value))];
  if (known != nullptr && known->version == policy->version) return *known;
  static const std::vector<cel::Variable> variables = {
      {"object", nullptr}, {"oldObject", nullptr},       {"request", nullptr},
      {"params", nullptr}, {"namespaceObject", nullptr}, {"variables", nullptr}};
  auto made = std::make_shared<Compiled>();
  made->version = policy->version;
  const Value& spec = policy->value["spec"];
  for (const Value& one : spec["matchConditions"].items())
    made->conditions.push_back(compile(one["name"], one["expression"], variables));
  for (const Value& one : spec["variables"].items())
    made->variables.push_back(compile(one["name"], one["expression"], variables));
  for (const Value& one : spec["validations"].items()) {
    Compiled::Validation validation{.expression = compile({}, one["expression"], variables),
                                    .message = std::nullopt,
                                    .text = one["message"].toString(),
                                    .reason = one["reason"].toString("Invalid")};
    if (one["messageExpression"].isString())
      validation.message = compile({}, one["messageExpression"], variables);
    made->validations.push_back(std::move(validation));
  }
  known = std::move(made);
  return *known;
}

std::optional<Failure> AdmissionPolicies::check(const Kind& kind, std::string_view operation,
                                                std::string_view subresource, const Value& object,
                                                const Value& old, Call& call) {
  const storage::Storage& storage = engine_.storage();
  if (storage.count(kBindings) == 0) return std::nullopt;
  // Policies do not judge policies (nobody could mend them).
  if (kind.resource.group == "admissionregistration.k8s.io") return std::nullopt;
  const Value& present = object.isNull() ? old : object;
  Value space;
  if (kind.table == "namespaces") {
    space = present;
  } else if (kind.resource.namespaced) {
    const ObjectPtr found =
        storage.find("namespaces", {"", std::string(kube::api::namespaceOf(present))});
    if (found != nullptr) space = found->value;
  }
  const Subject subject{
      kind, operation, subresource, object, old, space, kube::api::keyOf(present).name};

  struct Denial {
    std::string message;
    std::string reason;
  };
  std::vector<Denial> denials;
  const auto page = storage.list(kBindings, {});
  for (const ObjectPtr& binding : page->objects) {
    const Value& bound = binding->value["spec"];
    const std::string policyName = bound["policyName"].toString();
    const ObjectPtr policy = storage.find(kPolicies, {"", policyName});
    if (policy == nullptr) continue;
    const Value& spec = policy->value["spec"];
    if (!constraintsMatch(spec["matchConstraints"], subject) ||
        !constraintsMatch(bound["matchResources"], subject))
      continue;
    const Compiled& code = compiled(policy);
    const std::string who = "ValidatingAdmissionPolicy '" + policyName + "' with binding '" +
                            std::string(kube::api::nameOf(binding->value)) + "' denied request: ";
    const bool failureDenies = spec["failurePolicy"].asString("Fail") == "Fail";
    const auto deny = [&](std::string message, std::string reason) {
      const Value& actions = bound["validationActions"];
      if (lists(actions, "Warn")) {
        call.warnings.push_back("Validation failed for ValidatingAdmissionPolicy '" + policyName +
                                "' with binding '" +
                                std::string(kube::api::nameOf(binding->value)) + "': " + message);
      }
      if (lists(actions, "Deny")) denials.push_back({who + message, std::move(reason)});
    };

    std::vector<cel::Binding> bindings = {{"object", object, nullptr},
                                          {"oldObject", old, nullptr},
                                          {"request", requestOf(subject, call), nullptr},
                                          {"params", Value(), nullptr},
                                          {"namespaceObject", space, nullptr},
                                          {"variables", Value::object(), nullptr}};
    if (!spec["paramKind"].isNull() && !bound["paramRef"].isNull()) {
      const Kind* paramKind = engine_.registry().findByKind(kube::api::parseKind(
          spec["paramKind"]["apiVersion"].asString(), spec["paramKind"]["kind"].asString()));
      const Value& reference = bound["paramRef"];
      std::string where = reference["namespace"].toString();
      if (where.empty()) where = kube::api::namespaceOf(present);
      const ObjectPtr params =
          paramKind == nullptr
              ? nullptr
              : storage.find(paramKind->table, {paramKind->resource.namespaced ? where : "",
                                                reference["name"].toString()});
      if (reference["name"].asString().empty()) {
        if (failureDenies) {
          deny("the embedded API server finds parameters by name only, not by selector", "Invalid");
        }
        continue;
      }
      if (params == nullptr) {
        if (reference["parameterNotFoundAction"].asString("Deny") == "Deny" && failureDenies)
          deny("no params found for policy binding with `Deny` parameterNotFoundAction", "Invalid");
        continue;
      }
      bindings[3].value = engine_.present(*paramKind, params->value);
    }

    bool matches = true;
    for (const Expression& condition : code.conditions) {
      const auto answer = evaluate(condition, bindings);
      if (answer && !answer->asBool()) {
        matches = false;
        break;
      }
      if (answer) continue;
      if (failureDenies) {
        deny("expression '" + condition.text + "' resulted in error: " + answer.error().message,
             "Invalid");
      }
      matches = false;
      break;
    }
    if (!matches) continue;
    for (const Expression& variable : code.variables) {
      // What cannot be computed is absent: who reads it fails.
      if (auto value = evaluate(variable, bindings))
        bindings[5].value.set(variable.name, std::move(*value));
    }
    for (const Compiled::Validation& validation : code.validations) {
      const auto answer = evaluate(validation.expression, bindings);
      if (!answer) {
        if (failureDenies) {
          deny("expression '" + validation.expression.text +
                   "' resulted in error: " + answer.error().message,
               "Invalid");
        }
        continue;
      }
      if (answer->asBool()) continue;
      std::string message = validation.text;
      if (validation.message) {
        const auto text = evaluate(*validation.message, bindings);
        if (text && text->isString() && !text->empty()) message = text->asString();
      }
      if (message.empty()) message = "failed expression: " + validation.expression.text;
      deny(std::move(message), validation.reason);
    }
  }
  if (denials.empty()) return std::nullopt;
  Failure failure = forbidden(kind.resource.group, kind.resource.plural, subject.name, "");
  const std::string& reason = denials.front().reason;
  failure.message =
      (subject.name.empty() ? qualifiedResource(kind.resource.group, kind.resource.plural)
                            : qualifiedResource(kind.resource.group, kind.resource.plural) + " \"" +
                                  subject.name + "\"") +
      " is forbidden: " + denials.front().message;
  failure.reason = reason;
  failure.code = reason == "Forbidden"               ? 403
                 : reason == "Unauthorized"          ? 401
                 : reason == "RequestEntityTooLarge" ? 413
                                                     : 422;
  Value causes = Value::array();
  for (const Denial& denial : denials) causes.push(Value::object({{"message", denial.message}}));
  failure.details.set("causes", std::move(causes));
  return failure;
}

}  // namespace iop::apiserver
