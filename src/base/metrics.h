#pragma once

// Metrics in the format that Prometheus scrapes.
//
//   metrics::Registry registry;
//   metrics::Counter coupled = registry.counter("plugs_coupled_total", "Plugs.", {{"side", "a"}});
//   coupled.increment();
//   registry.printText()      // … plugs_coupled_total{side="a"} 1 …
//
// A Counter, Gauge or Histogram is a handle: it is cheap to copy, safe to use from all threads,
// valid as long as its registry lives, and costs an atomic operation a use (a histogram: a short
// lock). A default-constructed handle counts nothing, so code can be written without asking whether
// metrics are wanted.
//
// Looking a metric up by name and labels takes locks: on hot paths keep the handle.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace iop::metrics {

using Labels = std::map<std::string, std::string>;

// Only goes up.
class Counter {
 public:
  Counter() = default;
  void increment(double by = 1) const;
  double value() const;  // 0 for a handle that counts nothing

 private:
  friend class Registry;
  explicit Counter(prometheus::Counter* counter) : counter_(counter) {}
  prometheus::Counter* counter_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void set(double value) const;
  void add(double by) const;
  double value() const;

 private:
  friend class Registry;
  explicit Gauge(prometheus::Gauge* gauge) : gauge_(gauge) {}
  prometheus::Gauge* gauge_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  void observe(double value) const;

 private:
  friend class Registry;
  explicit Histogram(prometheus::Histogram* histogram) : histogram_(histogram) {}
  prometheus::Histogram* histogram_ = nullptr;
};

// Keeps a callback registered; its destructor takes the series away, after a call that is under way
// has ended. Must not outlive its registry.
class CallbackHandle {
 public:
  CallbackHandle() = default;
  CallbackHandle(CallbackHandle&&) noexcept = default;
  CallbackHandle& operator=(CallbackHandle&&) noexcept = default;

 private:
  friend class Registry;
  using Remover = std::function<void()>;
  struct Run {
    void operator()(const Remover* remover) const {
      (*remover)();
      delete remover;
    }
  };
  explicit CallbackHandle(Remover remover) : remover_(new Remover(std::move(remover))) {}

  std::unique_ptr<const Remover, Run> remover_;
};

// Thread-safe.
class Registry {
 public:
  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The metric of that name and those labels, made at 0 if it is new. All series of a name share
  // the help text (and the buckets) of the first call. A name of another type, or names that
  // Prometheus does not allow, end the program.
  Counter counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  // `buckets`: upper bounds, ascending, without infinity.
  Histogram histogram(std::string_view name, std::string_view help,
                      const std::vector<double>& buckets, const Labels& labels = {});

  // A series whose value is asked for at each scrape, on the scraping thread; `read` must not use
  // the registry.
  [[nodiscard]] CallbackHandle gaugeCallback(std::string_view name, std::string_view help,
                                             const Labels& labels, std::function<double()> read);
  [[nodiscard]] CallbackHandle counterCallback(std::string_view name, std::string_view help,
                                               const Labels& labels, std::function<double()> read);

  // Adds what is known of this process from /proc, under the names that all Prometheus clients use
  // (process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
  // process_open_fds, process_max_fds, process_threads, process_start_time_seconds).
  void addProcessMetrics();

  // The text exposition format, version 0.0.4.
  std::string printText() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The Content-Type of printText().
inline constexpr std::string_view kTextContentType = "text/plain; version=0.0.4; charset=utf-8";

// `count` bounds: first, first·factor, first·factor², …
std::vector<double> exponentialBuckets(double first, double factor, int count);

}  // namespace iop::metrics
