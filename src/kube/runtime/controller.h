#pragma once

// Runs a reconcile function for the keys of a queue.
//
//   Controller plugs(clock, {.name = "plug", .workers = 8},
//                    [&](const ObjectKey& key, const ReconcileContext& context) -> Result<Outcome>
//                    {
//                      …
//                      return Outcome{.requeueAfter = std::chrono::minutes(1)};
//                    });
//   informer.addHandlers(…plugs.enqueue(keyOf(after))…);
//   plugs.start();
//   plugs.stop(std::chrono::seconds(25));
//
// Flow: a worker takes a key, reconciles it, and does what the result says: an error is retried
// with back-off, unless it is terminal (then it is counted and nothing follows until the key is
// added again); requeueAfter runs the key again after that time; otherwise the key is done. Success
// forgets earlier failures.
// Guarantees: one reconcile per key at a time. Every error is logged once, here, with the
// reconcile's id. An exception is an error like any other (and counted as a panic). Metrics have
// the names of Go's controller-runtime, and exist from the start.
// Assumptions: reconcile is idempotent and looks at the whole state of its object, whatever woke
// it. Caveats: keys may be enqueued before start() (they wait); start() belongs after the
// informers' sync and after the election of a leader.
// Errors: an error is terminal if trying again cannot help: !Error::isRetriable(), or marked by
// terminal().

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "kube/runtime/work_queue.h"

namespace iop::kube::runtime {

struct ReconcileContext {
  std::stop_token stop;     // asks when the time that stop() gave is up
  std::string reconcileId;  // a random UUID, for logs
};

struct Outcome {
  base::Duration requeueAfter{0};  // 0: not before something changes
};

using Reconcile =
    std::function<Result<Outcome>(const ObjectKey& key, const ReconcileContext& context)>;

// The same error, marked as one that trying again cannot mend. The mark is the error's cause,
// "Terminal".
Error terminal(Error error);
bool isTerminal(const Error& error);

struct ControllerOptions {
  std::string name = {};
  int workers = 4;
  base::Duration baseDelay = std::chrono::milliseconds(500);
  base::Duration maxDelay = std::chrono::minutes(5);
  metrics::Registry* metrics = nullptr;  // outlives the controller
};

// Thread-safe.
class Controller {
 public:
  Controller(base::Clock& clock, ControllerOptions options, Reconcile reconcile);
  ~Controller();  // stops without waiting longer than reconciles take to heed their stop_token
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void enqueue(const ObjectKey& key, Priority priority = Priority::Normal);
  void enqueueAfter(const ObjectKey& key, base::Duration delay,
                    Priority priority = Priority::Normal);

  void start();
  // Takes no new work, and waits for what is being reconciled. After `grace` the reconciles are
  // asked to stop, and waited for. True if all ended within the grace.
  bool stop(base::Duration grace);

  // Ready keys and running reconciles are none; for tests and for `--once`. Keys that wait for
  // their time do not count.
  bool waitUntilIdle(base::Instant deadline) const;

  const std::string& name() const;
  const WorkQueue& queue() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
