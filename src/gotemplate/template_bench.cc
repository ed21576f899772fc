// What templates cost: the benchmark templates of ../shared ($IOP_SHARED names another place),
// parsed and executed, and executed only; and each hostile template until a bound ends it, in a
// process of its own, with the processor time and the memory that it took there.

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "base/file.h"
#include "gotemplate/hostile_templates.h"
#include "gotemplate/template.h"
#include "text/json.h"

namespace {

// Of the whole program, which has one thread.
std::size_t allocations = 0;
std::size_t allocatedBytes = 0;

}  // namespace

#pragma GCC diagnostic ignored \
    "-Wmismatched-new-delete"  // g++ does not see that these belong together

void* operator new(std::size_t size) {
  ++allocations;
  allocatedBytes += size;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace iop::gotemplate {
namespace {

template <typename Run>
void measure(benchmark::State& state, Run run) {
  run();  // what is made once is made now
  const std::size_t countBefore = allocations, bytesBefore = allocatedBytes;
  for (auto _ : state) run();
  const auto runs = static_cast<double>(state.iterations());
  state.counters["allocations"] = static_cast<double>(allocations - countBefore) / runs;
  state.counters["bytes"] = static_cast<double>(allocatedBytes - bytesBefore) / runs;
}

bool addShared() {
  const char* shared = std::getenv("IOP_SHARED");
  const std::filesystem::path folder =
      std::filesystem::path(shared == nullptr ? "../shared" : shared) / "templates/bench";
  if (!std::filesystem::exists(folder)) return false;
  for (const char* name : {"value", "job", "range"}) {
    const std::string path = (folder / (std::string(name) + ".json")).string();
    const Value whole =
        text::parseJson(base::readFile(path).value(), {.numbers = text::JsonNumbers::Double})
            .value();
    const std::string source = whole["template"].toString();
    benchmark::RegisterBenchmark(
        (std::string(name) + "/parse+execute").c_str(), [whole, source](benchmark::State& state) {
          measure(state, [&] {
            benchmark::DoNotOptimize(Template::parse(source).value().execute(whole["data"]));
          });
        });
    benchmark::RegisterBenchmark(
        (std::string(name) + "/execute").c_str(), [whole, source](benchmark::State& state) {
          const Template parsed = Template::parse(source).value();
          measure(state, [&] { benchmark::DoNotOptimize(parsed.execute(whole["data"])); });
        });
  }
  return true;
}

// Runs in a process of its own, which ends with it.
rusage usageOf(const std::string& source) {
  const pid_t child = fork();
  if (child == 0) {
    if (!source.empty()) benchmark::DoNotOptimize(render(source, Value::object()));
    _exit(0);
  }
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  if (!WIFEXITED(status)) std::fprintf(stderr, "a hostile template ended the process\n");
  return usage;
}

void hostile(benchmark::State& state, const std::string& source) {
  long most = 0;
  const long idle = usageOf("").ru_maxrss;
  for (auto _ : state) {
    const rusage usage = usageOf(source);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    state.SetIterationTime(seconds(usage.ru_utime) + seconds(usage.ru_stime));
    most = std::max(most, usage.ru_maxrss - idle);
  }
  state.counters["MiB"] = static_cast<double>(most) / 1024;
}

void addHostile() {
  for (const HostileTemplate& each : hostileTemplates()) {
    benchmark::RegisterBenchmark(
        ("hostile/" + each.name).c_str(),
        [text = each.text](benchmark::State& state) { hostile(state, text); })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(3);
  }
}

}  // namespace
}  // namespace iop::gotemplate

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (!iop::gotemplate::addShared())
    std::puts("=== NOT RUN: the benchmark templates of ../shared, which is not there.");
  iop::gotemplate::addHostile();
  benchmark::RunSpecifiedBenchmarks();
}
