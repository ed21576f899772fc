#include "apiserver/kinds/internal/checks.h"

#include <algorithm>

#include "apiserver/kinds/internal/names.h"
#include "text/json.h"

namespace iop::apiserver::kinds::internal {

void Path::append(std::string& out) const {
  if (parent_ != nullptr) parent_->append(out);
  switch (kind_) {
    case Kind::Root:
      return;
    case Kind::Name:
      if (!out.empty()) out += '.';
      out += name_;
      return;
    case Kind::Index:
      out += '[' + std::to_string(index_) + ']';
      return;
    case Kind::Key:
      out += '[';
      out += name_;
      out += ']';
      return;
  }
}

std::string Path::print() const {
  std::string out;
  append(out);
  return out;
}

void Errors::required(const Path& path, std::string detail) {
  list_.push_back({FieldErrorType::Required, path.print(), std::nullopt, std::move(detail)});
}

void Errors::invalid(const Path& path, Shown bad, std::string detail) {
  list_.push_back({FieldErrorType::Invalid, path.print(), std::move(bad.value), std::move(detail)});
}

void Errors::invalid(const Path& path, const Shown& bad, const Messages& details) {
  for (const std::string& detail : details) invalid(path, bad, detail);
}

void Errors::notSupported(const Path& path, Shown bad,
                          std::span<const std::string_view> supported) {
  std::string detail = "supported values: ";
  for (std::size_t i = 0; i < supported.size(); ++i) {
    if (i > 0) detail += ", ";
    text::appendJsonString(detail, supported[i]);
  }
  list_.push_back(
      {FieldErrorType::NotSupported, path.print(), std::move(bad.value), std::move(detail)});
}

void Errors::forbidden(const Path& path, std::string detail) {
  list_.push_back({FieldErrorType::Forbidden, path.print(), std::nullopt, std::move(detail)});
}

void Errors::duplicate(const Path& path, Shown bad) {
  list_.push_back({FieldErrorType::Duplicate, path.print(), std::move(bad.value), {}});
}

void Errors::notFound(const Path& path, Shown bad) {
  list_.push_back({FieldErrorType::NotFound, path.print(), std::move(bad.value), {}});
}

void Errors::tooLong(const Path& path, std::size_t max) {
  list_.push_back({FieldErrorType::TooLong, path.print(), std::nullopt,
                   "may not be more than " + std::to_string(max) + " bytes"});
}

void Errors::add(FieldErrors more) {
  std::move(more.begin(), more.end(), std::back_inserter(list_));
}

bool isOneOf(std::string_view text, Choices choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

void checkChoice(Errors& errors, const Path& path, const Value& value, Choices choices) {
  if (!isOneOf(value.asString(), choices))
    errors.notSupported(path, value.isNull() ? Value("") : value, choices);
}

void checkOptionalChoice(Errors& errors, const Path& path, const Value& value, Choices choices) {
  if (!value.isNull()) checkChoice(errors, path, value, choices);
}

void checkNonNegative(Errors& errors, const Path& path, const Value& value) {
  if (value.asInt() < 0) errors.invalid(path, value, std::string(kNotNegative));
}

void checkPort(Errors& errors, const Path& path, const Value& value) {
  if (value.asInt() < 1 || value.asInt() > 65'535)
    errors.invalid(path, value.isNull() ? Value(0) : value, std::string(kPortRange));
}

void checkImmutable(Errors& errors, const Path& path, const Value& value, const Value& old) {
  if (value != old) errors.invalid(path, value, std::string(kImmutable));
}

namespace {

// The number of a percentage; -1 for another text.
std::int64_t percentOf(std::string_view text) {
  constexpr std::size_t kMaxDigits = 15;
  if (text.size() < 2 || text.size() > kMaxDigits || text.back() != '%') return -1;
  std::int64_t out = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return -1;
    out = out * 10 + (c - '0');
  }
  return out;
}

}  // namespace

void checkNonNegativeIntOrPercent(Errors& errors, const Path& path, const Value& value) {
  if (value.isString()) {
    if (percentOf(value.asString()) < 0) {
      errors.invalid(path, value,
                     "a valid percent string must be a numeric string followed by an ending '%' "
                     "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')");
    }
    return;
  }
  checkNonNegative(errors, path, value);
}

void checkNotAbove100Percent(Errors& errors, const Path& path, const Value& value) {
  if (value.isString() && percentOf(value.asString()) > 100)
    errors.invalid(path, value, "must not be greater than 100%");
}

void checkLabels(Errors& errors, const Path& path, const Value& labels) {
  for (const Member& label : labels.members()) {
    errors.invalid(path, label.name, checkQualifiedName(label.key()));
    errors.invalid(path, label.value, checkLabelValue(label.value.asString()));
  }
}

void checkLabelSelector(Errors& errors, const Path& path, const Value& selector) {
  checkLabels(errors, path["matchLabels"], selector["matchLabels"]);
  const Value& expressions = selector["matchExpressions"];
  const Path list = path["matchExpressions"];
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const Value& expression = expressions.at(i);
    const Value& values = expression["values"];
    const std::string_view operation = expression["operator"].asString();
    const Path at = list[i];
    const Path valuesPath = at["values"];
    if (operation == "In" || operation == "NotIn") {
      if (values.empty()) {
        errors.required(valuesPath, "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (operation == "Exists" || operation == "DoesNotExist") {
      if (!values.empty()) {
        errors.forbidden(valuesPath,
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      errors.invalid(at["operator"], operation, "not a valid selector operator");
    }
    const std::string_view key = expression["key"].asString();
    errors.invalid(at["key"], key, checkQualifiedName(key));
    for (std::size_t k = 0; k < values.size(); ++k)
      errors.invalid(valuesPath[k], values.at(k), checkLabelValue(values.at(k).asString()));
  }
}

bool isEmptySelector(const Value& selector) {
  return selector["matchLabels"].empty() && selector["matchExpressions"].empty();
}

bool selectorMatches(const Value& selector, const Value& labels) {
  if (selector.isNull()) return false;
  for (const Member& wanted : selector["matchLabels"].members()) {
    const Value* label = labels.find(wanted.key());
    if (label == nullptr || *label != wanted.value) return false;
  }
  for (const Value& expression : selector["matchExpressions"].items()) {
    const std::string_view operation = expression["operator"].asString();
    const Value* label = labels.find(expression["key"].asString());
    const auto values = expression["values"].items();
    const bool listed =
        label != nullptr && std::find(values.begin(), values.end(), *label) != values.end();
    const bool matches = operation == "In"       ? listed
                         : operation == "NotIn"  ? !listed
                         : operation == "Exists" ? label != nullptr
                                                 : label == nullptr;
    if (!matches) return false;
  }
  return true;
}

void setDefault(Value& object, std::string_view key, Value value) {
  if (!object.isObject() && !object.isNull()) return;
  const Value* there = object.find(key);
  if (there != nullptr && !there->isNull() && !(there->isString() && there->empty())) return;
  object.set(key, std::move(value));
}

bool isZero(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return true;
    case Value::Type::Bool:
      return !value.asBool();
    case Value::Type::Int:
      return value.asInt() == 0;
    case Value::Type::Double:
      return value.asDouble() == 0;
    default:
      return value.empty();
  }
}

std::string printGo(std::initializer_list<std::pair<std::string_view, const Value*>> members) {
  std::string out = "{";
  for (const auto& [name, value] : members) {
    if (out.size() > 1) out += ',';
    text::appendJsonString(out, name);
    out += ':';
    text::appendJson(out, *value);
  }
  return out + "}";
}

}  // namespace iop::apiserver::kinds::internal
