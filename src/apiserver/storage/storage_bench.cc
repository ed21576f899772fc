// What changes, lists and watches cost, in memory and with a folder, and what an object takes.
//
//   build/release/src/apiserver/storage/apiserver_storage_bench
//
// The folder is made below $TMPDIR: which disk that is on decides what "durable" costs. Argument 0
// is memory only, 1 is with a folder.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "apiserver/storage/objects_test.h"
#include "apiserver/storage/storage.h"
#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

// What kube-apiserver stores for a small ConfigMap: 470 bytes of JSON.
Value smallObject(std::string_view name, std::uint64_t number) {
  static const std::string kTemplate =
      R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{0}","namespace":"shop",)"
      R"("uid":"c6be194b-f85a-45e9-938b-{1:012}","creationTimestamp":"2026-11-28T12:35:56Z",)"
      R"("labels":{{"app":"web"}},"managedFields":[{{"manager":"kubectl-create",)"
      R"("operation":"Update","apiVersion":"v1","time":"2026-11-28T12:35:56Z",)"
      R"("fieldsType":"FieldsV1","fieldsV1":{{"f:data":{{".":{{}},"f:key":{{}}}},)"
      R"("f:metadata":{{"f:labels":{{".":{{}},"f:app":{{}}}}}}}}}}]}},"data":{{"key":"{1}"}}}})";
  return text::parseJson(fmt::format(fmt::runtime(kTemplate), name, number)).value();
}

struct Fixture {
  explicit Fixture(bool onDisk) {
    if (onDisk) folder.emplace();
    StorageOptions options;
    if (folder) options.directory = folder->path();
    options.onDurable = [this] {
      transactions.fetch_add(1, std::memory_order_relaxed);
      const std::lock_guard lock(mutex);
      grown.notify_one();
    };
    storage = Storage::open(std::move(options)).value();
  }

  void waitUntilDurable() {
    std::unique_lock lock(mutex);
    grown.wait(lock, [this] {
      return storage->durableVersion() == storage->version() || !storage->diskError().empty();
    });
  }

  void fill(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string name = fmt::format("web-{:06}", i);
      (void)storage->create("configmaps", {"shop", name}, smallObject(name, i));
    }
  }

  std::optional<TemporaryFolder> folder;
  std::mutex mutex;
  std::condition_variable grown;
  std::atomic<std::int64_t> transactions = 0;
  std::unique_ptr<Storage> storage;  // goes first: its thread uses the rest
};

void reportTransactions(benchmark::State& state, const Fixture& fixture) {
  state.SetItemsProcessed(state.iterations());
  state.counters["transactions"] = static_cast<double>(fixture.transactions.load());
}

// Objects come from the network, parsed: that is not counted.
void create(benchmark::State& state) {
  Fixture fixture(state.range(0) == 1);
  const Value object = smallObject("web", 1);
  std::uint64_t number = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        fixture.storage->create("configmaps", {"shop", fmt::format("web-{}", ++number)}, object));
  }
  fixture.waitUntilDurable();
  reportTransactions(state, fixture);
}
BENCHMARK(create)->Arg(0)->Arg(1)->Iterations(200'000)->MeasureProcessCPUTime()->UseRealTime();

void update(benchmark::State& state) {
  Fixture fixture(state.range(0) == 1);
  constexpr std::uint64_t kObjects = 10'000;
  fixture.fill(kObjects);
  std::vector<ObjectKey> keys;
  for (std::uint64_t i = 0; i < kObjects; ++i)
    keys.push_back({"shop", fmt::format("web-{:06}", i)});
  std::uint64_t number = 0;
  for (auto _ : state) {
    const ObjectKey& key = keys[++number * 7919 % kObjects];
    const ObjectPtr there = fixture.storage->find("configmaps", key);
    Value object = there->value;
    object.edit("data").set("key", number);
    benchmark::DoNotOptimize(
        fixture.storage->update("configmaps", key, there->version, std::move(object)));
  }
  fixture.waitUntilDurable();
  reportTransactions(state, fixture);
}
BENCHMARK(update)->Arg(0)->Arg(1)->Iterations(200'000)->MeasureProcessCPUTime()->UseRealTime();

// One client that waits for each of its changes: the latency of a transaction.
void createAndWait(benchmark::State& state) {
  Fixture fixture(true);
  const Value object = smallObject("web", 1);
  std::uint64_t number = 0;
  for (auto _ : state) {
    (void)fixture.storage->create("configmaps", {"shop", fmt::format("web-{}", ++number)}, object);
    fixture.waitUntilDurable();
  }
  reportTransactions(state, fixture);
}
BENCHMARK(createAndWait)->Iterations(2'000)->UseRealTime();

// All pages of 500 of 100,000 objects; argument 1: at a version that 1,000 objects have changed
// since.
void listPages(benchmark::State& state) {
  Fixture fixture(false);
  fixture.fill(100'000);
  const std::uint64_t version = fixture.storage->version();
  if (state.range(0) == 1) {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const ObjectKey key{"shop", fmt::format("web-{:06}", i * 100)};
      (void)fixture.storage->remove("configmaps", key,
                                    fixture.storage->find("configmaps", key)->version);
    }
  }
  std::int64_t pages = 0;
  for (auto _ : state) {
    ListRange range{.limit = 500, .version = version};
    for (bool more = true; more; ++pages) {
      const ListPage page = fixture.storage->list("configmaps", range).value();
      more = page.more;
      range.after = {"shop", page.objects.back()->value["metadata"]["name"].toString()};
    }
  }
  state.SetItemsProcessed(pages);
}
BENCHMARK(listPages)->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// One change that so many subscribers hear of, besides 1,000 that wait for other objects.
void watch(benchmark::State& state) {
  Fixture fixture(false);
  fixture.fill(1);
  std::int64_t heard = 0;
  const auto count = [&](const ChangePtr&) { ++heard; };
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    (void)fixture.storage->subscribe({.table = "configmaps"}, count);
  }
  for (int i = 0; i < 1000; ++i) {
    (void)fixture.storage->subscribe(
        {.table = "configmaps", .namespaceName = "shop", .name = fmt::format("other-{}", i)},
        count);
  }
  const ObjectKey key{"shop", "web-000000"};
  std::uint64_t number = 0;
  for (auto _ : state) {
    const ObjectPtr there = fixture.storage->find("configmaps", key);
    Value object = there->value;
    object.edit("data").set("key", ++number);
    (void)fixture.storage->update("configmaps", key, there->version, std::move(object));
  }
  state.counters["heard"] = static_cast<double>(heard);
}
BENCHMARK(watch)->Arg(0)->Arg(100);

// Bytes of the whole process for each of 100,000 objects, history included, beside what the storage
// says; and how long it takes to read them from disk.
void memory(benchmark::State& state) {
  constexpr std::uint64_t kObjects = 100'000;
  for (auto _ : state) {
    malloc_trim(0);
    const struct mallinfo2 before = mallinfo2();
    Fixture fixture(state.range(0) == 1);
    fixture.fill(kObjects);
    if (fixture.folder) fixture.waitUntilDurable();
    const struct mallinfo2 after = mallinfo2();
    state.counters["bytes"] =
        static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
        kObjects;
    state.counters["told"] = static_cast<double>(fixture.storage->heapBytes()) / kObjects;
    if (!fixture.folder) continue;
    fixture.storage.reset();
    const auto start = std::chrono::steady_clock::now();
    fixture.storage = Storage::open({.directory = fixture.folder->path()}).value();
    state.counters["openSeconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}
BENCHMARK(memory)->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace iop::apiserver::storage
