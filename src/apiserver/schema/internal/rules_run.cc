#include <algorithm>

#include "apiserver/schema/internal/list_keys.h"
#include "apiserver/schema/internal/rules.h"

namespace iop::apiserver::schema::internal {
namespace {

constexpr std::uint64_t kCostPerRule = 1'000'000;
constexpr std::uint64_t kCostPerObject = 10'000'000;
constexpr std::size_t kMaxMessage = 5 * 1024;

std::string trim(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\n\v\f\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

std::string_view nameOf(Schema::Type type) {
  switch (type) {
    case Schema::Type::Any:
      return "";
    case Schema::Type::Object:
      return "object";
    case Schema::Type::Array:
      return "array";
    case Schema::Type::String:
      return "string";
    case Schema::Type::Integer:
      return "integer";
    case Schema::Type::Number:
      return "number";
    case Schema::Type::Boolean:
      return "boolean";
  }
  return "";
}

class Runner {
 public:
  explicit Runner(FieldErrors& errors) : errors_(errors) {}

  // `old`: what the value was before an update and can be compared with; null where there is none.
  void visit(const Value& value, const Schema& schema, const Value* old) {
    if (!schema.rulesBelow || value.isNull() || exhausted_) return;
    if (old != nullptr && old->isNull()) old = nullptr;
    if (schema.validations != nullptr)
      for (const CompiledRule& rule : schema.validations->rules) {
        run(rule, value, schema, old);
        if (exhausted_) return;
      }
    if (value.isObject()) {
      visitObject(value, schema, old);
    } else if (value.isArray() && schema.items != nullptr) {
      visitArray(value, schema, old);
    }
  }

 private:
  void visitObject(const Value& object, const Schema& schema, const Value* old) {
    const std::size_t length = path_.size();
    for (const Member& member : object.members()) {
      const std::string_view key = member.key();
      const auto property = schema.properties.find(key);
      const bool declared = property != schema.properties.end();
      const Schema* known = declared ? property->second : schema.additionalProperties;
      if (known == nullptr || !known->rulesBelow) continue;
      if (declared) {
        if (length > 0) path_ += '.';
        path_ += key;
      } else {
        path_ += '[';
        path_ += key;
        path_ += ']';
      }
      visit(member.value, *known, old == nullptr ? nullptr : old->find(key));
      path_.resize(length);
    }
  }

  void visitArray(const Value& array, const Schema& schema, const Value* old) {
    const std::size_t length = path_.size();
    const ListIndex known(
        old != nullptr && schema.listType == Schema::ListType::Map ? *old : Value(), schema);
    for (std::size_t i = 0; i < array.size(); ++i) {
      path_ += '[';
      path_ += std::to_string(i);
      path_ += ']';
      visit(array.at(i), *schema.items, known.find(array.at(i)));
      path_.resize(length);
    }
  }

  void run(const CompiledRule& compiled, const Value& value, const Schema& schema,
           const Value* old) {
    const Rule& rule = compiled.rule;
    if (compiled.usesOldSelf && old == nullptr && !rule.optionalOldSelf) return;
    const std::uint64_t allowed = std::min(kCostPerRule, budget_);
    std::uint64_t spent = 0;
    const std::vector<cel::Binding> bindings = bind(compiled, value, schema, old);
    const Result<Value> answer = compiled.program.evaluate(bindings, {allowed}, &spent);
    const bool overCost = !answer && answer.error().code == Code::RequestEntityTooLarge;
    if (spent > budget_ || (overCost && allowed < kCostPerRule)) {
      exhausted_ = true;
      add(FieldErrorType::Invalid, "", Value(nameOf(schema.type)),
          "validation failed due to running out of cost budget, no further validation rules will "
          "be run");
      return;
    }
    budget_ -= spent;
    const std::size_t before = errors_.size();
    if (!answer) {
      report(compiled, answer.error(), schema);
      exhausted_ = overCost;
    } else if (*answer != Value(true)) {
      reportFailure(compiled, value, bindings);
    }
    // What has not changed is not judged again.
    if (!compiled.usesOldSelf && old != nullptr && errors_.size() != before && *old == value)
      errors_.resize(before);
  }

  static std::vector<cel::Binding> bind(const CompiledRule& compiled, const Value& value,
                                        const Schema& schema, const Value* old) {
    const cel::TypePtr& type = schema.validations->celType;
    const auto named = [&](const Value& of) {
      return schema.validations->renamesFields ? withEscapedNames(of, schema) : of;
    };
    std::vector<cel::Binding> bindings;
    bindings.push_back({"self", named(value), type});
    if (compiled.usesOldSelf || old != nullptr) {
      cel::Binding binding{"oldSelf", old == nullptr ? Value() : named(*old), type};
      binding.isNone = old == nullptr;
      binding.isSome = old != nullptr && compiled.rule.optionalOldSelf;
      bindings.push_back(std::move(binding));
    }
    return bindings;
  }

  void add(FieldErrorType type, std::string_view below, std::optional<Value> value,
           std::string detail) {
    std::string field = path_ + std::string(below);
    if (field.empty()) field = "<nil>";
    if (path_.empty() && field[0] == '.') field.erase(0, 1);
    errors_.push_back({type, std::move(field), std::move(value), std::move(detail)});
  }

  void report(const CompiledRule& compiled, const Error& error, const Schema& schema) {
    const Rule& rule = compiled.rule;
    const std::string shown = trim(rule.message.empty() ? rule.expression : rule.message);
    std::string detail;
    if (error.code == Code::RequestEntityTooLarge) {
      detail = "'" + error.message +
               "': no further validation rules will be run due to call cost exceeds limit for "
               "rule: " +
               shown;
    } else if (error.message.starts_with("no such overload")) {
      detail = "'" + error.message +
               "': call arguments did not match a supported operator, function or macro signature "
               "for rule: " +
               shown;
    } else {
      detail = error.message + " evaluating rule: " + shown;
    }
    add(FieldErrorType::Invalid, "", Value(nameOf(schema.type)), std::move(detail));
  }

  void reportFailure(const CompiledRule& compiled, const Value& value,
                     const std::vector<cel::Binding>& bindings) {
    const Rule& rule = compiled.rule;
    std::string detail;
    if (compiled.message) detail = evaluateMessage(*compiled.message, bindings);
    if (detail.empty())
      detail = rule.message.empty() ? "failed rule: " + trim(rule.expression) : trim(rule.message);
    // Objects and lists are not shown.
    std::optional<Value> shown;
    if (!value.isObject() && !value.isArray()) shown = value;
    if (rule.reason == "FieldValueForbidden") {
      add(FieldErrorType::Forbidden, compiled.path, std::nullopt, std::move(detail));
    } else if (rule.reason == "FieldValueRequired") {
      add(FieldErrorType::Required, compiled.path, std::nullopt, std::move(detail));
    } else if (rule.reason == "FieldValueDuplicate") {
      add(FieldErrorType::Duplicate, compiled.path, std::move(shown), "");
    } else {
      add(FieldErrorType::Invalid, compiled.path, std::move(shown), std::move(detail));
    }
  }

  // Empty where the expression has no usable answer: the rule's message is used then.
  std::string evaluateMessage(const cel::Program& program,
                              const std::vector<cel::Binding>& bindings) {
    std::uint64_t spent = 0;
    const Result<Value> answer =
        program.evaluate(bindings, {std::min(kCostPerRule, budget_)}, &spent);
    budget_ -= std::min(budget_, spent);
    if (!answer || !answer->isString()) return {};
    const std::string text = trim(answer->asString());
    if (text.size() > kMaxMessage || text.find_first_of("\n\r") != std::string::npos) return {};
    return text;
  }

  FieldErrors& errors_;
  std::string path_;
  std::uint64_t budget_ = kCostPerObject;
  bool exhausted_ = false;
};

}  // namespace

void runRules(const Value& object, const Schema& root, const Value* old, FieldErrors& errors) {
  Runner(errors).visit(object, root, old);
}

}  // namespace iop::apiserver::schema::internal
