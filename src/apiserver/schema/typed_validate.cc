// What an applied configuration must be (structured-merge-diff, typed/validate.go).

#include <set>

#include "apiserver/schema/typed.h"
#include "apiserver/schema/typed_print.h"

namespace iop::apiserver::schema {
namespace {

class Validator {
 public:
  std::vector<std::string> errors;

  void validateNode(const Value& value, const Typed& type, int depth) {
    if (value.isNull() || depth >= kMaxFieldDepth) return;
    switch (shapeOf(type, value)) {
      case Shape::Map:
        if (!value.isObject()) return add("expected map, got &{" + printPlain(value) + "}");
        return validateMap(value, type, depth);
      case Shape::List:
        if (!value.isArray()) return add("expected list, got &{" + printPlain(value) + "}");
        return validateList(value, type, depth);
      case Shape::Scalar:
        return validateScalar(value, type);
    }
  }

 private:
  void add(const std::string& message) {
    errors.push_back(path_.empty() ? message : path_ + ": " + message);
  }

  template <typename Visit>
  void descend(std::string_view step, Visit visit) {
    const std::size_t length = path_.size();
    path_ += printStep(step);
    visit();
    path_.resize(length);
  }

  void validateMap(const Value& value, const Typed& type, int depth) {
    for (const Member& member : value.members()) {
      const FieldType field = fieldType(type, member.key());
      if (field.type.kind == Typed::Kind::Atomic) continue;  // nothing can be wrong below it
      const bool undeclared = field.type.kind == Typed::Kind::Undeclared;
      descend(fieldStep(member.key()).asString(), [&] {
        if (undeclared) {
          add("field not declared in schema");
        } else {
          validateNode(member.value, field.type, depth + 1);
        }
      });
      if (undeclared) return;
    }
  }

  void validateList(const Value& value, const Typed& type, int depth) {
    const Typed items = itemType(type);
    const bool associative = listTypeOf(type) != Schema::ListType::Atomic;
    if (!associative && items.kind == Typed::Kind::Atomic) return;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::string step = "i:" + std::to_string(i);
      if (associative) {
        const tl::expected<Value, std::string> named = itemStep(type, value.at(i));
        if (!named) return add("element " + std::to_string(i) + ": " + named.error());
        step = named->toString();
        if (!seen.insert(step).second) add("duplicate entries for key " + printStep(step));
      }
      descend(step, [&] { validateNode(value.at(i), items, depth + 1); });
    }
  }

  void validateScalar(const Value& value, const Typed& type) {
    if (type.kind != Typed::Kind::Declared) return;  // shaped by the value: it is a scalar
    if (type.schema->intOrString || type.schema->format == "quantity") {
      if (value.isObject() || value.isArray())
        add("expected any scalar, got &{" + printPlain(value) + "}");
      return;
    }
    switch (type.schema->type) {
      case Schema::Type::Integer:
      case Schema::Type::Number:
        if (!value.isNumber())
          add("expected numeric (int or float), got " + std::string(goTypeOf(value)));
        return;
      case Schema::Type::Boolean:
        if (!value.isBool()) add("expected boolean, got &{" + printPlain(value) + "}");
        return;
      case Schema::Type::String:
        if (!value.isString())
          add("expected string, got &value.valueUnstructured{Value:" + printGoSyntax(value) + "}");
        return;
      default:
        return;
    }
  }

  std::string path_;
};

}  // namespace

std::vector<std::string> validate(const Value& value, const Typed& type) {
  Validator validator;
  validator.validateNode(value, type, 0);
  return std::move(validator.errors);
}

}  // namespace iop::apiserver::schema
