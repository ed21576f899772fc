#include "apiserver/schema/typed_print.h"

#include "apiserver/schema/internal/go_text.h"
#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

// Of large values only the beginning is shown.
constexpr std::size_t kMaxShown = 1000;

void appendGoSyntax(std::string& out, const Value& value) {
  if (out.size() > kMaxShown) return;
  if (value.isNull()) {
    out += "interface {}(nil)";
  } else if (value.isString()) {
    out += internal::quote(value.asString());
  } else if (value.isDouble()) {
    out += internal::printFloat(value.asDouble());
  } else if (value.isArray()) {
    out += "[]interface {}{";
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ", ";
      appendGoSyntax(out, value.at(i));
    }
    out += '}';
  } else if (value.isObject()) {
    out += "map[string]interface {}{";
    bool first = true;
    for (const Member& member : value.members()) {
      if (!first) out += ", ";
      first = false;
      out += internal::quote(member.key()) + ":";
      appendGoSyntax(out, member.value);
    }
    out += '}';
  } else {
    text::appendJson(out, value);
  }
}

void appendGoPlain(std::string& out, const Value& value) {
  if (out.size() > kMaxShown) return;
  if (value.isNull()) {
    out += "<nil>";
  } else if (value.isString()) {
    out += value.asString();
  } else if (value.isDouble()) {
    out += internal::printFloat(value.asDouble());
  } else if (value.isArray()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ' ';
      appendGoPlain(out, value.at(i));
    }
    out += ']';
  } else if (value.isObject()) {
    out += "map[";
    bool first = true;
    for (const Member& member : value.members()) {
      if (!first) out += ' ';
      first = false;
      out += std::string(member.key()) + ":";
      appendGoPlain(out, member.value);
    }
    out += ']';
  } else {
    text::appendJson(out, value);
  }
}

}  // namespace

std::string printPlain(const Value& value) {
  std::string out;
  appendGoPlain(out, value);
  return out;
}

std::string printGoSyntax(const Value& value) {
  std::string out;
  appendGoSyntax(out, value);
  return out;
}

std::string_view goTypeOf(const Value& value) {
  switch (value.type()) {
    case Value::Type::Bool:
      return "bool";
    case Value::Type::Int:
      return "int64";
    case Value::Type::Double:
      return "float64";
    case Value::Type::Array:
      return "[]interface {}";
    case Value::Type::Object:
      return "map[string]interface {}";
    case Value::Type::String:
      return "string";
    case Value::Type::Null:
      break;
  }
  return "<nil>";
}

}  // namespace iop::apiserver::schema
