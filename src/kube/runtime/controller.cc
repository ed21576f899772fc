#include "kube/runtime/controller.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"
#include "kube/runtime/internal/wait.h"

namespace iop::kube::runtime {
namespace {

constexpr std::string_view kTerminalCause = "Terminal";

struct ControllerMetrics {
  ControllerMetrics(metrics::Registry* registry, const std::string& name, int workers) {
    if (registry == nullptr) return;
    const metrics::Labels labels = {{"controller", name}};
    const auto result = [&](const char* value) {
      return registry->counter("controller_runtime_reconcile_total",
                               "Total number of reconciliations per controller",
                               {{"controller", name}, {"result", value}});
    };
    success = result("success");
    error = result("error");
    requeueAfter = result("requeue_after");
    result("requeue");
    errors = registry->counter("controller_runtime_reconcile_errors_total",
                               "Total number of reconciliation errors per controller", labels);
    terminalErrors =
        registry->counter("controller_runtime_terminal_reconcile_errors_total",
                          "Total number of terminal reconciliation errors per controller", labels);
    panics = registry->counter("controller_runtime_reconcile_panics_total",
                               "Total number of reconciliation panics per controller", labels);
    seconds = registry->histogram(
        "controller_runtime_reconcile_time_seconds",
        "Length of time per reconciliation per controller",
        {0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
         0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
         6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60},
        labels);
    active = registry->gauge("controller_runtime_active_workers",
                             "Number of currently used workers per controller", labels);
    registry
        ->gauge("controller_runtime_max_concurrent_reconciles",
                "Maximum number of concurrent reconciles per controller", labels)
        .set(workers);
  }

  metrics::Counter success;
  metrics::Counter error;
  metrics::Counter requeueAfter;
  metrics::Counter errors;
  metrics::Counter terminalErrors;
  metrics::Counter panics;
  metrics::Histogram seconds;
  metrics::Gauge active;
};

std::string printSeconds(base::Duration duration) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3gs", toSeconds(duration));
  return text;
}

}  // namespace

Error terminal(Error error) {
  error.cause = kTerminalCause;
  return error;
}

bool isTerminal(const Error& error) {
  return error.cause == kTerminalCause || !error.isRetriable();
}

struct Controller::Impl {
  Impl(base::Clock& clockToUse, ControllerOptions optionsToUse, Reconcile reconcileToUse)
      : clock(clockToUse),
        options(std::move(optionsToUse)),
        reconcile(std::move(reconcileToUse)),
        queue(clock, {.name = options.name,
                      .baseDelay = options.baseDelay,
                      .maxDelay = options.maxDelay,
                      .random = {},
                      .metrics = options.metrics}),
        counts(options.metrics, options.name, options.workers) {}

  void work() {
    while (const std::optional<WorkItem> item = queue.get()) {
      counts.active.add(1);
      process(*item);
      counts.active.add(-1);
      queue.done(item->key);
    }
    std::lock_guard guard(mutex);
    --running;
    ended.notify_all();
  }

  // The one place where the outcome of a reconcile is acted on.
  void process(const WorkItem& item) {
    const ReconcileContext context{stopping.get_token(), randomUuid()};
    const base::Instant started = clock.instant();
    const Result<Outcome> result = run(item.key, context);
    counts.seconds.observe(toSeconds(clock.instant() - started));

    if (!result) {
      fail(item, context, result.error());
      return;
    }
    queue.forget(item.key);
    if (result->requeueAfter > base::Duration::zero()) {
      counts.requeueAfter.increment();
      queue.addAfter(item.key, result->requeueAfter, item.priority);
    } else {
      counts.success.increment();
    }
  }

  Result<Outcome> run(const ObjectKey& key, const ReconcileContext& context) {
    try {
      return reconcile(key, context);
    } catch (const std::exception& exception) {
      counts.panics.increment();
      return base::fail(Code::InternalError, std::string("exception: ") + exception.what());
    }
  }

  void fail(const WorkItem& item, const ReconcileContext& context, const Error& error) {
    counts.error.increment();
    counts.errors.increment();
    if (isTerminal(error)) {
      counts.terminalErrors.increment();
      queue.forget(item.key);
      log::error("reconcile failed for good", {{"controller", options.name},
                                               {"object", item.key.print()},
                                               {"reconcileId", context.reconcileId},
                                               {"error", error.message}});
      return;
    }
    const base::Duration delay = queue.addWithBackoff(item.key, item.priority);
    const log::Field fields[] = {{"controller", options.name},
                                 {"object", item.key.print()},
                                 {"reconcileId", context.reconcileId},
                                 {"error", error.message},
                                 {"retryIn", printSeconds(delay)}};
    // Losing a race for an object is everyday life.
    const bool isRace = error.isConflict() || error.code == Code::Canceled;
    const log::Level level = isRace ? log::Level::Debug : log::Level::Warn;
    if (log::isEnabled(level)) log::write(level, "reconcile failed", fields);
  }

  base::Clock& clock;
  ControllerOptions options;
  Reconcile reconcile;
  WorkQueue queue;
  ControllerMetrics counts;

  std::mutex mutex;
  std::condition_variable ended;
  int running = 0;  // workers
  std::stop_source stopping;
  std::vector<std::thread> workers;
};

Controller::Controller(base::Clock& clock, ControllerOptions options, Reconcile reconcile)
    : impl_(std::make_unique<Impl>(clock, std::move(options), std::move(reconcile))) {}

Controller::~Controller() { stop(base::Duration::zero()); }

void Controller::enqueue(const ObjectKey& key, Priority priority) {
  impl_->queue.add(key, priority);
}

void Controller::enqueueAfter(const ObjectKey& key, base::Duration delay, Priority priority) {
  impl_->queue.addAfter(key, delay, priority);
}

void Controller::start() {
  std::lock_guard guard(impl_->mutex);
  ASSERT(impl_->workers.empty());
  impl_->running = impl_->options.workers;
  for (int worker = 0; worker < impl_->options.workers; ++worker) {
    impl_->workers.emplace_back([impl = impl_.get()] { impl->work(); });
  }
}

bool Controller::stop(base::Duration grace) {
  impl_->queue.shutDownNow();
  const base::Instant deadline = impl_->clock.instant() + grace;
  std::vector<std::thread> workers;
  bool inTime = false;
  {
    std::unique_lock lock(impl_->mutex);
    while (impl_->running > 0 && impl_->clock.instant() < deadline) {
      impl_->clock.waitUntil(lock, impl_->ended, deadline);
    }
    inTime = impl_->running == 0;
    workers.swap(impl_->workers);
  }
  impl_->stopping.request_stop();
  for (std::thread& worker : workers) worker.join();
  return inTime;
}

bool Controller::waitUntilIdle(base::Instant deadline) const {
  return impl_->queue.waitUntilIdle(deadline);
}

const std::string& Controller::name() const { return impl_->options.name; }
const WorkQueue& Controller::queue() const { return impl_->queue; }

}  // namespace iop::kube::runtime
