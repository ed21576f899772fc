// Any text as an expression: what compiles can be evaluated within its limits, and does so twice
// with the same answer.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cel/cel.h"

using iop::Member;
using iop::Result;
using iop::Value;
using iop::cel::Binding;
using iop::cel::Program;
using iop::cel::Type;
using iop::cel::TypePtr;
using iop::cel::Variable;

namespace {

TypePtr makeType(Type::Kind kind, TypePtr element = nullptr) {
  return std::make_shared<const Type>(Type{kind, std::move(element), {}});
}

// An object with a field of each kind, named by one letter so that the fuzzer finds them.
TypePtr makeObject() {
  Type object;
  object.kind = Type::Kind::Object;
  object.fields = {{"i", makeType(Type::Kind::Int)},
                   {"s", makeType(Type::Kind::String)},
                   {"d", makeType(Type::Kind::Duration)},
                   {"t", makeType(Type::Kind::Timestamp)},
                   {"l", makeType(Type::Kind::List, makeType(Type::Kind::Int))},
                   {"m", makeType(Type::Kind::Map, makeType(Type::Kind::String))},
                   {"a__dash__b", makeType(Type::Kind::Double)}};
  return std::make_shared<const Type>(std::move(object));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Variable> variables = {{"self", makeObject()}, {"x", nullptr}};
  static const Value self = Value::object({{"i", 7},
                                           {"s", "text"},
                                           {"d", "1h"},
                                           {"t", "2026-01-02T03:04:05Z"},
                                           {"l", Value::array({1, 2, 3})},
                                           {"m", Value::object({{"k", "v"}})},
                                           {"a-b", 1.5}});
  static const std::vector<Binding> bindings = {{"self", self, nullptr}, {"x", self, nullptr}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Program> program = Program::compile(text, variables);
  if (!program) {
    ASSERT(!program.error().message.empty());
    return 0;
  }
  std::uint64_t spent = 0, again = 0;
  const Result<Value> value = program->evaluate(bindings, {.cost = 20'000}, &spent);
  const Result<Value> same = program->evaluate(bindings, {.cost = 20'000}, &again);
  ASSERT(spent == again);
  ASSERT(value.has_value() == same.has_value());
  if (!value) ASSERT(!value.error().message.empty() && value.error() == same.error());
  return 0;
}
