// What it costs to make, copy, read and change a tree.

#include <benchmark/benchmark.h>

#include "value/path.h"
#include "value/value.h"

namespace iop::value {
namespace {

// A Plug with its status: 12 objects and lists.
Value makePlug() {
  return Value::object(
      {{"apiVersion", "integration.rock8s.com/v1beta1"},
       {"kind", "Plug"},
       {"metadata", Value::object({{"name", "database"},
                                   {"namespace", "shop"},
                                   {"uid", "0f6f8a52-3c1e-4a40-8b35-2f8f3f1c1000"},
                                   {"resourceVersion", "4815162342"},
                                   {"generation", 3}})},
       {"spec", Value::object(
                    {{"socket", Value::object({{"name", "postgres"}, {"namespace", "databases"}})},
                     {"config", Value::object({{"database", "shop"}, {"user", "shop"}})},
                     {"configTemplate", Value::object({{"owner", "{% .vars.release %}"}})}})},
       {"status",
        Value::object(
            {{"conditions", Value::array(
                                {Value::object({{"type", "Coupled"},
                                                {"status", "True"},
                                                {"reason", "CouplingSucceeded"},
                                                {"lastTransitionTime", "2026-01-02T03:04:05Z"}})})},
             {"coupledSocket", Value::object({{"name", "postgres"}, {"namespace", "databases"}})},
             {"coupledResult", Value::object({{"plug", Value::object()}})}})}});
}

void make(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(makePlug());
  state.counters["heap_bytes"] = static_cast<double>(makePlug().heapBytes());
}
BENCHMARK(make);

void copy(benchmark::State& state) {
  const Value plug = makePlug();
  for (auto _ : state) {
    Value shared = plug;
    benchmark::DoNotOptimize(shared);
  }
}
BENCHMARK(copy);

void readMember(benchmark::State& state) {
  const Value plug = makePlug();
  for (auto _ : state) benchmark::DoNotOptimize(plug["spec"]["socket"]["name"].asString());
}
BENCHMARK(readMember);

// A change deep in a tree that somebody else holds: three blocks are copied.
void changeShared(benchmark::State& state) {
  const Value plug = makePlug();
  for (auto _ : state) {
    Value changed = plug;
    changed.edit("spec").edit("socket").set("name", "mysql");
    benchmark::DoNotOptimize(changed);
  }
}
BENCHMARK(changeShared);

void compareEqual(benchmark::State& state) {
  const Value a = makePlug(), b = makePlug();
  for (auto _ : state) benchmark::DoNotOptimize(a == b);
}
BENCHMARK(compareEqual);

void compareShared(benchmark::State& state) {
  const Value a = makePlug();
  const Value b = a;
  for (auto _ : state) benchmark::DoNotOptimize(a == b);
}
BENCHMARK(compareShared);

void path(benchmark::State& state) {
  const Value plug = makePlug();
  for (auto _ : state) {
    benchmark::DoNotOptimize(getPath(plug, "status.conditions.#(type==\"Coupled\").status"));
  }
}
BENCHMARK(path);

// An object of `n` members, built one by one in an unsorted order.
void growObject(benchmark::State& state) {
  const std::int64_t n = state.range(0);
  for (auto _ : state) {
    Value object;
    for (std::int64_t i = 0; i < n; ++i) object.set("key-" + std::to_string(i * 7919 % n), i);
    benchmark::DoNotOptimize(object);
  }
}
BENCHMARK(growObject)->Arg(10)->Arg(1000);

}  // namespace
}  // namespace iop::value
