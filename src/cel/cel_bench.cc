// What a rule of a CRD costs: once to compile it, and for each object to run it.

#include <benchmark/benchmark.h>

#include "cel/cel.h"
#include "text/json.h"

namespace iop::cel {
namespace {

using Kind = Type::Kind;

TypePtr makeType(Kind kind, TypePtr element = nullptr) {
  return std::make_shared<const Type>(Type{kind, std::move(element), {}});
}

std::vector<Variable> variables() {
  Type container;
  container.kind = Kind::Object;
  container.fields = {{"name", makeType(Kind::String)}, {"port", makeType(Kind::Int)}};
  Type spec;
  spec.kind = Kind::Object;
  spec.fields = {{"replicas", makeType(Kind::Int)},
                 {"maxReplicas", makeType(Kind::Int)},
                 {"containers", makeType(Kind::List, std::make_shared<const Type>(container))}};
  return {{"self", std::make_shared<const Type>(spec)}};
}

constexpr std::string_view kExpressions[] = {
    "self.replicas <= self.maxReplicas",
    "self.containers.all(c, c.port > 0 && c.port < 65536)",
    "self.containers.all(c, c.name.matches('^[a-z][a-z0-9-]*$'))",
};

void compile(benchmark::State& state) {
  const std::vector<Variable> known = variables();
  for (auto _ : state) {
    auto program = Program::compile(kExpressions[static_cast<std::size_t>(state.range(0))], known);
    benchmark::DoNotOptimize(program);
  }
}
BENCHMARK(compile)->DenseRange(0, 2);

void evaluate(benchmark::State& state) {
  const auto program =
      Program::compile(kExpressions[static_cast<std::size_t>(state.range(0))], variables()).value();
  const Value self = text::parseJson(R"({"replicas": 2, "maxReplicas": 5, "containers": [
      {"name": "web", "port": 80}, {"name": "metrics", "port": 9090},
      {"name": "admin", "port": 8080}, {"name": "probe", "port": 8081}]})")
                         .value();
  const std::vector<Binding> bindings = {{"self", self, nullptr}};
  for (auto _ : state) {
    auto value = program.evaluate(bindings, {});
    benchmark::DoNotOptimize(value);
  }
}
BENCHMARK(evaluate)->DenseRange(0, 2);

}  // namespace
}  // namespace iop::cel
