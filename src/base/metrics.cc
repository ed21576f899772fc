#include "base/metrics.h"

#include <dirent.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <mutex>

#include "base/result.h"

namespace iop::metrics {

void Counter::increment(double by) const {
  if (counter_ != nullptr) counter_->Increment(by);
}
double Counter::value() const { return counter_ == nullptr ? 0 : counter_->Value(); }

void Gauge::set(double value) const {
  if (gauge_ != nullptr) gauge_->Set(value);
}
void Gauge::add(double by) const {
  if (gauge_ != nullptr) gauge_->Increment(by);
}
double Gauge::value() const { return gauge_ == nullptr ? 0 : gauge_->Value(); }

void Histogram::observe(double value) const {
  if (histogram_ != nullptr) histogram_->Observe(value);
}

struct Registry::Impl {
  struct Callback {
    std::string name;
    std::string help;
    prometheus::MetricType type;
    Labels labels;
    std::function<double()> read;
  };

  template <typename Metric>
  struct Families {
    std::map<std::string,
             std::pair<std::unique_ptr<prometheus::Family<Metric>>, std::vector<double>>,
             std::less<>>
        byName;

    // The family of that name; the first call decides on its help text and buckets.
    std::pair<prometheus::Family<Metric>*, const std::vector<double>*> at(
        std::string_view name, std::string_view help, const std::vector<double>& buckets) {
      auto found = byName.find(name);
      if (found == byName.end()) {
        auto family = std::make_unique<prometheus::Family<Metric>>(
            std::string(name), std::string(help), prometheus::Labels{});
        found = byName.emplace(std::string(name), std::pair(std::move(family), buckets)).first;
      }
      return {found->second.first.get(), &found->second.second};
    }
  };

  void claim(std::string_view name, prometheus::MetricType type) {
    const auto [found, isNew] = types.emplace(std::string(name), type);
    ASSERT(found->second == type);
  }

  CallbackHandle::Remover addCallback(Callback callback) {
    std::lock_guard guard(mutex);
    claim(callback.name, callback.type);
    callbacks.push_back(std::move(callback));
    return [this, entry = std::prev(callbacks.end())] {
      std::lock_guard lock(mutex);
      callbacks.erase(entry);
    };
  }

  mutable std::mutex mutex;
  std::map<std::string, prometheus::MetricType, std::less<>> types;
  Families<prometheus::Counter> counters;
  Families<prometheus::Gauge> gauges;
  Families<prometheus::Histogram> histograms;
  std::list<Callback> callbacks;
  std::vector<CallbackHandle> own;  // of addProcessMetrics()
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() { impl_->own.clear(); }

Counter Registry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard guard(impl_->mutex);
  impl_->claim(name, prometheus::MetricType::Counter);
  return Counter(&impl_->counters.at(name, help, {}).first->Add(labels));
}

Gauge Registry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  std::lock_guard guard(impl_->mutex);
  impl_->claim(name, prometheus::MetricType::Gauge);
  return Gauge(&impl_->gauges.at(name, help, {}).first->Add(labels));
}

Histogram Registry::histogram(std::string_view name, std::string_view help,
                              const std::vector<double>& buckets, const Labels& labels) {
  std::lock_guard guard(impl_->mutex);
  impl_->claim(name, prometheus::MetricType::Histogram);
  const auto [family, familyBuckets] = impl_->histograms.at(name, help, buckets);
  return Histogram(&family->Add(labels, *familyBuckets));
}

CallbackHandle Registry::gaugeCallback(std::string_view name, std::string_view help,
                                       const Labels& labels, std::function<double()> read) {
  return CallbackHandle(
      impl_->addCallback({std::string(name), std::string(help), prometheus::MetricType::Gauge,
                          labels, std::move(read)}));
}

CallbackHandle Registry::counterCallback(std::string_view name, std::string_view help,
                                         const Labels& labels, std::function<double()> read) {
  return CallbackHandle(
      impl_->addCallback({std::string(name), std::string(help), prometheus::MetricType::Counter,
                          labels, std::move(read)}));
}

std::string Registry::printText() const {
  std::lock_guard guard(impl_->mutex);
  std::map<std::string, prometheus::MetricFamily> families;
  const auto collect = [&](const auto& all) {
    for (const auto& [name, family] : all.byName) {
      for (prometheus::MetricFamily& collected : family.first->Collect()) {
        families[name] = std::move(collected);
      }
    }
  };
  collect(impl_->counters);
  collect(impl_->gauges);
  collect(impl_->histograms);
  for (const Impl::Callback& callback : impl_->callbacks) {
    prometheus::MetricFamily& family = families[callback.name];
    family.name = callback.name;
    if (family.help.empty()) family.help = callback.help;
    family.type = callback.type;
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : callback.labels) metric.label.push_back({name, value});
    const double value = callback.read();
    metric.counter.value = value;
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
  }

  std::vector<prometheus::MetricFamily> sorted;
  sorted.reserve(families.size());
  for (auto& [name, family] : families) {
    std::sort(family.metric.begin(), family.metric.end(),
              [](const auto& a, const auto& b) { return a.label < b.label; });
    sorted.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(sorted);
}

namespace {

// The numbered fields of /proc/self/stat (proc(5)), from 1; 0 where it cannot be read.
double statField(int field) {
  std::FILE* file = std::fopen("/proc/self/stat", "r");
  if (file == nullptr) return 0;
  char text[1024];
  const std::size_t size = std::fread(text, 1, sizeof(text) - 1, file);
  std::fclose(file);
  text[size] = '\0';
  // The second field is a name in parentheses that may contain anything.
  std::string_view rest(text, size);
  const std::size_t end = rest.rfind(')');
  if (end == std::string_view::npos) return 0;
  rest.remove_prefix(end + 1);
  for (int current = 3; current < field; ++current) {
    const std::size_t next = rest.find(' ', 1);
    if (next == std::string_view::npos) return 0;
    rest.remove_prefix(next);
  }
  return std::strtod(rest.data(), nullptr);
}

double ticks(double count) { return count / static_cast<double>(sysconf(_SC_CLK_TCK)); }

double cpuSeconds() { return ticks(statField(14) + statField(15)); }

double residentBytes() { return statField(24) * static_cast<double>(sysconf(_SC_PAGESIZE)); }

double openFiles() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count - 3;  // ".", ".." and the directory itself
}

double maxFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<double>(limit.rlim_cur);
}

// When the process was started, in seconds since 1970; field 22 counts from the machine's start.
double startTime() {
  std::FILE* file = std::fopen("/proc/stat", "r");
  if (file == nullptr) return 0;
  double bootTime = 0;
  char line[512];
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    if (std::sscanf(line, "btime %lf", &bootTime) == 1) break;
  }
  std::fclose(file);
  return bootTime + ticks(statField(22));
}

}  // namespace

void Registry::addProcessMetrics() {
  const auto keep = [this](CallbackHandle handle) {
    std::lock_guard guard(impl_->mutex);
    impl_->own.push_back(std::move(handle));
  };
  keep(counterCallback("process_cpu_seconds_total",
                       "Total user and system CPU time spent in seconds.", {}, cpuSeconds));
  keep(gaugeCallback("process_resident_memory_bytes", "Resident memory size in bytes.", {},
                     residentBytes));
  keep(gaugeCallback("process_virtual_memory_bytes", "Virtual memory size in bytes.", {},
                     [] { return statField(23); }));
  keep(gaugeCallback("process_open_fds", "Number of open file descriptors.", {}, openFiles));
  keep(gaugeCallback("process_max_fds", "Maximum number of open file descriptors.", {}, maxFiles));
  keep(gaugeCallback("process_threads", "Number of OS threads in the process.", {},
                     [] { return statField(20); }));
  keep(gaugeCallback("process_start_time_seconds",
                     "Start time of the process since unix epoch in seconds.", {},
                     [started = startTime()] { return started; }));
}

std::vector<double> exponentialBuckets(double first, double factor, int count) {
  std::vector<double> bounds;
  for (double bound = first; static_cast<int>(bounds.size()) < count; bound *= factor) {
    bounds.push_back(bound);
  }
  return bounds;
}

}  // namespace iop::metrics
