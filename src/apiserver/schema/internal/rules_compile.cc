#include <algorithm>
#include <cctype>

#include "apiserver/schema/internal/rules.h"
#include "text/json.h"

namespace iop::apiserver::schema::internal {
namespace {

using Kind = cel::Type::Kind;

constexpr std::string_view kReserved[] = {
    "true",     "false",   "null",      "in",       "as",  "break",  "const",
    "continue", "else",    "for",       "function", "if",  "import", "let",
    "loop",     "package", "namespace", "return",   "var", "void",   "while"};

cel::TypePtr makeType(Kind kind, cel::TypePtr element = nullptr) {
  return std::make_shared<const cel::Type>(cel::Type{kind, std::move(element), {}});
}

// Null where CEL knows no type for the node: it cannot be selected.
cel::TypePtr typeOf(const Schema& node, bool isResource) {
  if (node.intOrString) return makeType(Kind::Dyn);
  switch (node.type) {
    case Schema::Type::Any:
      return nullptr;
    case Schema::Type::Boolean:
      return makeType(Kind::Bool);
    case Schema::Type::Integer:
      return makeType(Kind::Int);
    case Schema::Type::Number:
      return makeType(Kind::Double);
    case Schema::Type::String:
      if (node.format == "date-time" || node.format == "date") return makeType(Kind::Timestamp);
      if (node.format == "duration") return makeType(Kind::Duration);
      if (node.format == "byte") return makeType(Kind::Bytes);
      return makeType(Kind::String);
    case Schema::Type::Array: {
      if (node.items == nullptr) return nullptr;
      cel::TypePtr element = typeOf(*node.items, node.items->embeddedResource);
      return element == nullptr ? nullptr : makeType(Kind::List, std::move(element));
    }
    case Schema::Type::Object:
      break;
  }
  if (node.additionalProperties != nullptr) {
    cel::TypePtr element =
        typeOf(*node.additionalProperties, node.additionalProperties->embeddedResource);
    return element == nullptr ? nullptr : makeType(Kind::Map, std::move(element));
  }
  cel::Type object;
  object.kind = Kind::Object;
  for (const auto& [name, property] : node.properties) {
    if (isResource && name == "metadata") continue;
    const std::string escaped = escapeFieldName(name);
    cel::TypePtr type = typeOf(*property, property->embeddedResource);
    if (!escaped.empty() && type != nullptr) object.fields[escaped] = std::move(type);
  }
  if (isResource) {
    const cel::TypePtr string = makeType(Kind::String);
    cel::Type meta;
    meta.kind = Kind::Object;
    meta.fields = {{"generateName", string}, {"name", string}};
    object.fields.insert({{"apiVersion", string}, {"kind", string}});
    object.fields["metadata"] = std::make_shared<const cel::Type>(std::move(meta));
  }
  return std::make_shared<const cel::Type>(std::move(object));
}

// The rule as Go shows it in an error; FieldError has no value for it because the members of a
// Value are sorted.
std::string showRule(const Rule& rule, const Value& source) {
  std::string out = "{\"Rule\":";
  text::appendJsonString(out, rule.expression);
  out += ",\"Message\":";
  text::appendJsonString(out, rule.message);
  out += ",\"MessageExpression\":";
  text::appendJsonString(out, rule.messageExpression);
  out += ",\"Reason\":";
  text::appendJson(out, source);
  out += ",\"FieldPath\":";
  text::appendJsonString(out, rule.fieldPath);
  out += ",\"OptionalOldSelf\":";
  out += rule.optionalOldSelf ? "true" : "null";
  out += "}";
  return out;
}

// ".spec['a-b'].c" as the path of a field (".spec.a-b.c"); nothing where the schema has none such.
std::optional<std::string> normalizeFieldPath(std::string_view path, const Schema& node) {
  const Schema* at = &node;
  std::string out;
  while (!path.empty()) {
    std::string key;
    bool bracket = false;
    if (path[0] == '.') {
      std::size_t end = 1;
      // A "-" belongs to a name: ".c.d-e" is two of them.
      while (end < path.size() && path[end] != '.' && path[end] != '[') ++end;
      key = path.substr(1, end - 1);
      path.remove_prefix(end);
    } else if (path.starts_with("['")) {
      bracket = true;
      std::size_t end = 2;
      while (end < path.size() && path[end] != '\'') {
        if (path[end] == '\\' && end + 1 < path.size()) ++end;
        key += path[end];
        ++end;
      }
      if (path.substr(std::min(end, path.size())).substr(0, 2) != "']") return std::nullopt;
      path.remove_prefix(end + 2);
    } else {
      return std::nullopt;
    }
    if (key.empty()) return std::nullopt;
    const auto property = at->properties.find(key);
    if (property != at->properties.end()) {
      at = property->second;
      out += "." + key;
    } else if (bracket && at->additionalProperties != nullptr) {
      at = at->additionalProperties;
      out += "[" + key + "]";
    } else {
      return std::nullopt;
    }
  }
  return out;
}

class Compiler {
 public:
  Compiler(FieldErrors& errors, std::vector<std::string>& warnings)
      : errors_(errors), warnings_(warnings) {}

  std::optional<CompiledRule> compile(const Rule& rule, const Schema& node,
                                      const cel::TypePtr& type, const std::string& path,
                                      const std::string& uncorrelatable) {
    const std::size_t before = errors_.size();
    std::optional<cel::Program> program = compileOne(rule, rule.expression, type, path, "rule", "");
    std::optional<cel::Program> message;
    if (!rule.messageExpression.empty())
      message = compileOne(rule, rule.messageExpression, type, path, "messageExpression",
                           "messageExpression ");
    const bool usesOldSelf = program && program->uses("oldSelf");
    if (program && rule.optionalOldSelf && !usesOldSelf)
      errors_.push_back({FieldErrorType::Invalid, path + ".optionalOldSelf", Value(true),
                         "may not be set if oldSelf is not used in rule"});
    if (usesOldSelf && !uncorrelatable.empty())
      errors_.push_back({FieldErrorType::Invalid, path + ".rule", Value(rule.expression),
                         "oldSelf cannot be used on the uncorrelatable portion of the schema "
                         "within " +
                             uncorrelatable});
    std::string below;
    if (!rule.fieldPath.empty()) {
      if (std::optional<std::string> found = normalizeFieldPath(rule.fieldPath, node)) {
        below = std::move(*found);
      } else {
        errors_.push_back({FieldErrorType::Invalid, path + ".fieldPath", Value(rule.fieldPath),
                           "must be a valid path"});
      }
    }
    if (errors_.size() != before || !program) return std::nullopt;
    return CompiledRule{rule, std::move(*program), std::move(message), std::move(below),
                        usesOldSelf};
  }

 private:
  std::optional<cel::Program> compileOne(const Rule& rule, const std::string& expression,
                                         const cel::TypePtr& type, const std::string& path,
                                         std::string_view field, std::string_view what) {
    // An optional oldSelf is a value of another type: what it holds is checked when it runs.
    const cel::TypePtr oldType = rule.optionalOldSelf ? nullptr : type;
    auto program = cel::Program::compile(expression, {{"self", type}, {"oldSelf", oldType}});
    const std::string at = path + "." + std::string(field);
    const Value reason = rule.reason == kDefaultReason ? Value() : Value(rule.reason);
    if (program) {
      // A Program does not tell its type, but only a bool can be an operand of "||", and only a
      // string can be added to one.
      const bool isRule = what.empty();
      const auto asOperand =
          cel::Program::compile("(" + expression + (isRule ? "\n) || false" : "\n) + ''"),
                                {{"self", type}, {"oldSelf", oldType}});
      if (asOperand || asOperand.error().code != Code::Invalid) return std::move(*program);
      errors_.push_back(
          {FieldErrorType::Invalid, at, std::nullopt,
           showRule(rule, reason) + (isRule ? ": cel expression must evaluate to a bool"
                                            : ": messageExpression must evaluate to a string")});
      return std::nullopt;
    }
    if (program.error().code == Code::MethodNotAllowed) {
      warnings_.push_back(at + ": " + program.error().message);
      return std::nullopt;
    }
    errors_.push_back({FieldErrorType::Invalid, at, std::nullopt,
                       showRule(rule, reason) + ": " + std::string(what) +
                           "compilation failed: " + program.error().message});
    return std::nullopt;
  }

  static constexpr std::string_view kDefaultReason = "FieldValueInvalid";

  FieldErrors& errors_;
  std::vector<std::string>& warnings_;
};

}  // namespace

std::string escapeFieldName(std::string_view name) {
  if (std::find(std::begin(kReserved), std::end(kReserved), name) != std::end(kReserved))
    return "__" + std::string(name) + "__";
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return {};
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (c == '_' && i + 1 < name.size() && name[i + 1] == '_') {
      out += "__underscores__";
      ++i;
    } else if (c == '.') {
      out += "__dot__";
    } else if (c == '-') {
      out += "__dash__";
    } else if (c == '/') {
      out += "__slash__";
    } else if (c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0) {
      out += c;
    } else {
      return {};
    }
  }
  return out;
}

namespace {

bool renamesFields(const Schema& schema) {
  for (const auto& [name, property] : schema.properties) {
    if (name == "metadata") continue;
    if (escapeFieldName(name) != name || renamesFields(*property)) return true;
  }
  return (schema.items != nullptr && renamesFields(*schema.items)) ||
         (schema.additionalProperties != nullptr && renamesFields(*schema.additionalProperties));
}

}  // namespace

Value withEscapedNames(const Value& value, const Schema& schema) {
  if (value.isArray() && schema.items != nullptr) {
    std::vector<Value> items;
    for (const Value& item : value.items()) items.push_back(withEscapedNames(item, *schema.items));
    return Value::fromItems(items);
  }
  if (!value.isObject()) return value;
  std::vector<Member> members;
  for (const Member& member : value.members()) {
    const auto property = schema.properties.find(member.key());
    if (property != schema.properties.end()) {
      const std::string name = escapeFieldName(member.key());
      // What CEL cannot name cannot be asked for either.
      if (!name.empty())
        members.emplace_back(name, withEscapedNames(member.value, *property->second));
    } else if (schema.additionalProperties != nullptr) {
      members.emplace_back(member.key(),
                           withEscapedNames(member.value, *schema.additionalProperties));
    } else {
      members.push_back(member);
    }
  }
  return Value::fromMembers(members);
}

void compileRules(const Schema& node, bool isResource, const std::string& path,
                  const std::string& uncorrelatable, Validations& into, FieldErrors& errors,
                  std::vector<std::string>& warnings) {
  const std::string field = path + ".x-kubernetes-validations";
  into.celType = typeOf(node, isResource);
  if (into.celType == nullptr) {
    errors.push_back({FieldErrorType::InternalError, field, std::nullopt,
                      "internal error: failed to construct type information for "
                      "x-kubernetes-validations rules: unable to convert structural schema to CEL "
                      "declarations"});
    return;
  }
  into.renamesFields = renamesFields(node);
  Compiler compiler(errors, warnings);
  for (std::size_t i = 0; i < node.rules.size(); ++i) {
    std::optional<CompiledRule> rule = compiler.compile(
        node.rules[i], node, into.celType, field + "[" + std::to_string(i) + "]", uncorrelatable);
    if (rule) into.rules.push_back(std::move(*rule));
  }
}

}  // namespace iop::apiserver::schema::internal
