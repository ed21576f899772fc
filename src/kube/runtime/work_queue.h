#pragma once

// The keys of the objects that somebody has to look at.
//
//   WorkQueue queue(clock, {.name = "plug"});
//   queue.add({"shop", "db"});
//   while (std::optional<WorkItem> item = queue.get()) {
//     if (work(item->key)) queue.forget(item->key); else queue.addWithBackoff(item->key,
//     item->priority); queue.done(item->key);
//   }
//
// Flow: add() makes a key ready, addAfter() later; get() hands a ready key to one worker, done()
// gives it back. Guarantees: a key is with one worker at a time; adds of a key that is waiting
// collapse into one, adds while it is being worked on into one more run. A key that is added again
// keeps the higher priority and the earlier time. Within a priority keys come first in, first out;
// each eighth key handed out is of the lowest priority that has one, so that nothing starves.
// Assumptions: each key got is given to done().
// Caveats: keys, never objects: the worker reads the newest state. A key that waits for its time
// does not block; it is ready at once if it is added without a delay.
// Errors: none.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "kube/api/types.h"

namespace iop::kube::runtime {

using api::ObjectKey;

enum class Priority {
  Low,     // nothing has happened: initial lists, resyncs
  Normal,  // something has changed
  High,    // somebody waits for it
};

struct WorkItem {
  ObjectKey key;
  Priority priority = Priority::Normal;
};

struct WorkQueueOptions {
  std::string name = {};  // the label of the metrics
  // The n-th addWithBackoff() of a key in a row (n from 0) waits a random time up to baseDelay ·
  // 2ⁿ, at most maxDelay
  // ("full jitter").
  base::Duration baseDelay = std::chrono::milliseconds(500);
  base::Duration maxDelay = std::chrono::minutes(5);
  // A number in [0, 1), for the jitter. Called under the queue's lock. Empty: a generator of its
  // own.
  std::function<double()> random = {};
  metrics::Registry* metrics = nullptr;  // outlives the queue
};

// Thread-safe.
class WorkQueue {
 public:
  WorkQueue(base::Clock& clock, WorkQueueOptions options);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Ignored after shutDown().
  void add(const ObjectKey& key, Priority priority = Priority::Normal);
  void addAfter(const ObjectKey& key, base::Duration delay, Priority priority = Priority::Normal);
  // After a failure; returns the delay.
  base::Duration addWithBackoff(const ObjectKey& key, Priority priority = Priority::Normal);
  // After a success: the next failure begins with the base delay again.
  void forget(const ObjectKey& key);
  // Failures in a row.
  int failures(const ObjectKey& key) const;

  // Blocks until a key is ready; nothing once the queue is shut down and has no ready key left.
  std::optional<WorkItem> get();
  void done(const ObjectKey& key);

  // What is waiting for its time is dropped, what is ready is still handed out.
  void shutDown();
  // shutDown(), and what is ready is dropped too.
  void shutDownNow();
  // Blocks until no key is ready or being worked on, or until `deadline`; true if so.
  bool waitUntilIdle(base::Instant deadline) const;

  // Keys that are ready; keys that wait for their time; keys being worked on.
  std::size_t depth() const;
  std::size_t delayed() const;
  std::size_t processing() const;
  // For how long there have been ready keys of which nobody took one; 0 where none is ready.
  base::Duration stalledFor() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
