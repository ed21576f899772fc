// What the primitives cost: objects through the store, keys through the queue, events through the
// correlator.

#include <benchmark/benchmark.h>

#include <string>

#include "kube/runtime/internal/event_correlator.h"
#include "kube/runtime/store.h"
#include "kube/runtime/work_queue.h"

namespace iop::kube::runtime {
namespace {

Value plug(int number, int version) {
  const std::string name = "plug-" + std::to_string(number);
  return Value::object(
      {{"apiVersion", "integration.rock8s.com/v1"},
       {"kind", "Plug"},
       {"metadata", Value::object({{"namespace", "app-" + std::to_string(number % 100)},
                                   {"name", name},
                                   {"uid", "7d9f2c1e-0000-4000-8000-" + name},
                                   {"resourceVersion", std::to_string(version)}})},
       {"spec", Value::object({{"socket", "socket-" + std::to_string(number % 50)}})}});
}

void fill(Store& store, int count) {
  store.addIndex("socket", [](const Value& object) {
    return std::vector{object["spec"]["socket"].toString()};
  });
  for (int number = 0; number < count; ++number) store.put("", plug(number, number + 1));
}

void storePut(benchmark::State& state) {
  Store store;
  const int count = static_cast<int>(state.range(0));
  fill(store, count);
  int version = count;
  for (auto _ : state) {
    ++version;
    store.put("", plug(version % count, version));
  }
  state.counters["bytes/object"] = static_cast<double>(store.bytes()) / count;
}
BENCHMARK(storePut)->Arg(1000)->Arg(100'000);

void storeFind(benchmark::State& state) {
  Store store;
  fill(store, 100'000);
  const ObjectKey key{"app-42", "plug-4242"};
  for (auto _ : state) benchmark::DoNotOptimize(store.find(key));
}
BENCHMARK(storeFind);

void storeByIndex(benchmark::State& state) {
  Store store;
  fill(store, 50'000);
  for (auto _ : state) benchmark::DoNotOptimize(store.byIndex("socket", "socket-7"));
}
BENCHMARK(storeByIndex);

void queueRoundTrip(benchmark::State& state) {
  WorkQueue queue(base::realClock(), {.name = "bench"});
  const ObjectKey key{"app", "plug"};
  for (auto _ : state) {
    queue.add(key);
    queue.done(queue.get()->key);
  }
}
BENCHMARK(queueRoundTrip);

void recordRepeatedEvent(benchmark::State& state) {
  EventCorrelator correlator({.component = "bench"});
  const Event event{.regarding = {"integration.rock8s.com/v1", "Socket", "app", "postgres", "uid"},
                    .reason = "SocketCoupled",
                    .message = "coupled with app/plug"};
  for (auto _ : state) correlator.add(event, base::Instant{});
}
BENCHMARK(recordRepeatedEvent);

}  // namespace
}  // namespace iop::kube::runtime
