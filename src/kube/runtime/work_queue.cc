#include "kube/runtime/work_queue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kube/runtime/internal/wait.h"

namespace iop::kube::runtime {
namespace {

using base::Duration;
using base::Instant;

constexpr std::size_t kPriorities = 3;
// The priorities of Go's controller-runtime, for the label.
constexpr std::array<const char*, kPriorities> kPriorityLabels = {"-100", "0", "100"};
// Each so manieth key handed out is of the lowest priority that has one.
constexpr std::uint64_t kFairShare = 8;

std::size_t indexOf(Priority priority) { return static_cast<std::size_t>(priority); }

// Where a key is. It may be worked on and wait for its next run at the same time.
struct State {
  enum class Pending { None, Delayed, Ready };

  Pending pending = Pending::None;
  Priority priority = Priority::Normal;
  Instant readyAt{};        // Delayed: when it will be; Ready: since when it is
  std::uint64_t order = 0;  // Ready: its place among those of its priority
  bool processing = false;
  Instant started{};  // processing
};

struct QueueMetrics {
  explicit QueueMetrics(const WorkQueueOptions& options) {
    if (options.metrics == nullptr) return;
    metrics::Registry& registry = *options.metrics;
    const metrics::Labels labels = {{"name", options.name}, {"controller", options.name}};
    const std::vector<double> buckets = metrics::exponentialBuckets(1e-8, 10, 12);
    adds = registry.counter("workqueue_adds_total", "Total number of adds handled by workqueue",
                            labels);
    retries = registry.counter("workqueue_retries_total",
                               "Total number of retries handled by workqueue", labels);
    queueDuration = registry.histogram(
        "workqueue_queue_duration_seconds",
        "How long in seconds an item stays in workqueue before being requested", buckets, labels);
    workDuration = registry.histogram(
        "workqueue_work_duration_seconds",
        "How long in seconds processing an item from workqueue takes.", buckets, labels);
  }

  metrics::Counter adds;
  metrics::Counter retries;
  metrics::Histogram queueDuration;
  metrics::Histogram workDuration;
};

}  // namespace

struct WorkQueue::Impl {
  Impl(base::Clock& clockToUse, WorkQueueOptions optionsToUse)
      : clock(clockToUse), options(std::move(optionsToUse)), counts(options) {
    if (!options.random) options.random = makeRandom();
    if (options.metrics != nullptr) addCallbacks(*options.metrics);
  }

  void addCallbacks(metrics::Registry& registry) {
    metrics::Labels labels = {{"name", options.name}, {"controller", options.name}};
    callbacks.push_back(registry.gaugeCallback(
        "workqueue_unfinished_work_seconds",
        "How many seconds of work has been done that is in progress and hasn't been observed by "
        "work_duration.",
        labels, [this] { return workingSeconds().first; }));
    callbacks.push_back(registry.gaugeCallback(
        "workqueue_longest_running_processor_seconds",
        "How many seconds has the longest running processor for workqueue been running.", labels,
        [this] { return workingSeconds().second; }));
    for (std::size_t priority = 0; priority < kPriorities; ++priority) {
      labels["priority"] = kPriorityLabels[priority];
      callbacks.push_back(registry.gaugeCallback(
          "workqueue_depth", "Current depth of workqueue by workqueue and priority", labels,
          [this, priority] {
            std::lock_guard guard(mutex);
            return static_cast<double>(ready[priority].size());
          }));
    }
  }

  // Of all keys being worked on together, and of the one that takes longest.
  std::pair<double, double> workingSeconds() const {
    std::lock_guard guard(mutex);
    const Instant now = clock.instant();
    double sum = 0;
    double longest = 0;
    for (const auto& [key, state] : states) {
      if (!state.processing) continue;
      const double seconds = toSeconds(now - state.started);
      sum += seconds;
      longest = std::max(longest, seconds);
    }
    return {sum, longest};
  }

  // --- With the lock held ---

  void addAt(const ObjectKey& key, Instant readyAt, Priority priority) {
    if (shuttingDown) return;
    counts.adds.increment();
    const Instant now = clock.instant();
    State& state = states[key];
    switch (state.pending) {
      case State::Pending::Ready:
        if (priority > state.priority) raise(key, state, priority);
        return;
      case State::Pending::Delayed:
        state.priority = std::max(priority, state.priority);
        if (readyAt >= state.readyAt) return;
        delayed.erase({state.readyAt, key});
        break;
      case State::Pending::None:
        state.priority = priority;
        break;
    }
    if (readyAt <= now) {
      makeReady(key, state, now);
      changed.notify_one();
    } else {
      state.pending = State::Pending::Delayed;
      state.readyAt = readyAt;
      const auto place = delayed.insert({readyAt, key}).first;
      // All who wait do so for the earliest time.
      if (place == delayed.begin()) changed.notify_all();
    }
  }

  void makeReady(const ObjectKey& key, State& state, Instant now) {
    state.pending = State::Pending::Ready;
    state.readyAt = now;
    state.order = nextOrder++;
    if (!state.processing) ready[indexOf(state.priority)].emplace(state.order, key);
  }

  void raise(const ObjectKey& key, State& state, Priority priority) {
    if (!state.processing) ready[indexOf(state.priority)].erase(state.order);
    state.priority = priority;
    state.order = nextOrder++;
    if (!state.processing) ready[indexOf(priority)].emplace(state.order, key);
  }

  void promoteDue() {
    const Instant now = clock.instant();
    while (!delayed.empty() && delayed.begin()->first <= now) {
      const ObjectKey key = delayed.begin()->second;
      delayed.erase(delayed.begin());
      makeReady(key, states.at(key), now);
    }
  }

  std::size_t readyCount() const {
    std::size_t count = 0;
    for (const auto& keys : ready) count += keys.size();
    return count;
  }

  // Since when the key has been ready that has been so the longest; `now` if none is.
  Instant oldestReady(Instant now) const {
    Instant oldest = now;
    for (const auto& keys : ready) {
      for (const auto& [order, key] : keys) oldest = std::min(oldest, states.at(key).readyAt);
    }
    return oldest;
  }

  WorkItem take() {
    const auto hasKeys = [](const auto& keys) { return !keys.empty(); };
    auto& keys = ++handedOut % kFairShare == 0
                     ? *std::find_if(ready.begin(), ready.end(), hasKeys)
                     : *std::find_if(ready.rbegin(), ready.rend(), hasKeys);
    ObjectKey key = std::move(keys.begin()->second);
    keys.erase(keys.begin());

    State& state = states.at(key);
    const Instant now = clock.instant();
    counts.queueDuration.observe(toSeconds(now - state.readyAt));
    state.pending = State::Pending::None;
    state.processing = true;
    state.started = now;
    lastTaken = now;
    ++working;
    return {std::move(key), state.priority};
  }

  void dropDelayed() {
    for (const auto& [readyAt, key] : delayed) {
      State& state = states.at(key);
      state.pending = State::Pending::None;
      if (!state.processing) states.erase(key);
    }
    delayed.clear();
  }

  void dropReady() {
    for (auto& keys : ready) keys.clear();
    for (auto& [key, state] : states) {
      if (state.pending == State::Pending::Ready) state.pending = State::Pending::None;
    }
    std::erase_if(states, [](const auto& entry) {
      return !entry.second.processing && entry.second.pending == State::Pending::None;
    });
  }

  base::Clock& clock;
  WorkQueueOptions options;
  QueueMetrics counts;
  Instant lastTaken{};

  mutable std::mutex mutex;
  mutable std::condition_variable changed;  // something is ready, or waits for an earlier time
  mutable std::condition_variable idle;
  std::unordered_map<ObjectKey, State> states;
  std::array<std::map<std::uint64_t, ObjectKey>, kPriorities> ready;
  std::set<std::pair<Instant, ObjectKey>> delayed;
  std::unordered_map<ObjectKey, int> failures;
  std::uint64_t nextOrder = 0;
  std::uint64_t handedOut = 0;
  std::size_t working = 0;
  bool shuttingDown = false;

  std::vector<metrics::CallbackHandle> callbacks;  // last: they go first
};

WorkQueue::WorkQueue(base::Clock& clock, WorkQueueOptions options)
    : impl_(std::make_unique<Impl>(clock, std::move(options))) {}
WorkQueue::~WorkQueue() = default;

void WorkQueue::add(const ObjectKey& key, Priority priority) {
  addAfter(key, Duration::zero(), priority);
}

void WorkQueue::addAfter(const ObjectKey& key, Duration delay, Priority priority) {
  std::lock_guard guard(impl_->mutex);
  impl_->addAt(key, impl_->clock.instant() + delay, priority);
}

Duration WorkQueue::addWithBackoff(const ObjectKey& key, Priority priority) {
  std::lock_guard guard(impl_->mutex);
  const int failures = impl_->failures[key]++;
  const double limit = std::min(toSeconds(impl_->options.maxDelay),
                                std::ldexp(toSeconds(impl_->options.baseDelay), failures));
  const Duration delay = scale(std::chrono::seconds(1), limit * impl_->options.random());
  impl_->counts.retries.increment();
  impl_->addAt(key, impl_->clock.instant() + delay, priority);
  return delay;
}

void WorkQueue::forget(const ObjectKey& key) {
  std::lock_guard guard(impl_->mutex);
  impl_->failures.erase(key);
}

int WorkQueue::failures(const ObjectKey& key) const {
  std::lock_guard guard(impl_->mutex);
  const auto found = impl_->failures.find(key);
  return found == impl_->failures.end() ? 0 : found->second;
}

std::optional<WorkItem> WorkQueue::get() {
  std::unique_lock lock(impl_->mutex);
  for (;;) {
    impl_->promoteDue();
    if (impl_->readyCount() > 0) return impl_->take();
    if (impl_->shuttingDown) return std::nullopt;
    const Instant next = impl_->delayed.empty() ? Instant::max() : impl_->delayed.begin()->first;
    impl_->clock.waitUntil(lock, impl_->changed, next);
  }
}

void WorkQueue::done(const ObjectKey& key) {
  std::lock_guard guard(impl_->mutex);
  const auto found = impl_->states.find(key);
  ASSERT(found != impl_->states.end() && found->second.processing);
  State& state = found->second;
  impl_->counts.workDuration.observe(toSeconds(impl_->clock.instant() - state.started));
  state.processing = false;
  --impl_->working;
  if (state.pending == State::Pending::Ready) {
    impl_->ready[indexOf(state.priority)].emplace(state.order, key);
    impl_->changed.notify_one();
  } else if (state.pending == State::Pending::None) {
    impl_->states.erase(found);
  }
  if (impl_->working == 0) impl_->idle.notify_all();
}

base::Duration WorkQueue::stalledFor() const {
  std::lock_guard guard(impl_->mutex);
  const Instant now = impl_->clock.instant();
  return now - std::max(impl_->oldestReady(now), std::min(impl_->lastTaken, now));
}

void WorkQueue::shutDown() {
  std::lock_guard guard(impl_->mutex);
  impl_->shuttingDown = true;
  impl_->promoteDue();
  impl_->dropDelayed();
  impl_->changed.notify_all();
  impl_->idle.notify_all();
}

void WorkQueue::shutDownNow() {
  std::lock_guard guard(impl_->mutex);
  impl_->shuttingDown = true;
  impl_->dropReady();
  impl_->dropDelayed();
  impl_->changed.notify_all();
  impl_->idle.notify_all();
}

bool WorkQueue::waitUntilIdle(Instant deadline) const {
  std::unique_lock lock(impl_->mutex);
  for (;;) {
    impl_->promoteDue();
    if (impl_->working == 0 && impl_->readyCount() == 0) return true;
    if (impl_->clock.instant() >= deadline) return false;
    impl_->clock.waitUntil(lock, impl_->idle, deadline);
  }
}

std::size_t WorkQueue::depth() const {
  std::lock_guard guard(impl_->mutex);
  impl_->promoteDue();
  return impl_->readyCount();
}

std::size_t WorkQueue::delayed() const {
  std::lock_guard guard(impl_->mutex);
  impl_->promoteDue();
  return impl_->delayed.size();
}

std::size_t WorkQueue::processing() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->working;
}

}  // namespace iop::kube::runtime
