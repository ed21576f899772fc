#pragma once

// Time as a dependency, so that tests turn it by hand.
//
//   ManualClock clock(parseTime("2026-01-02T03:04:05Z").value());
//   Queue queue(clock);
//   clock.advance(std::chrono::seconds(5));     // wakes whoever waits on the clock

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

namespace iop::base {

// Wall-clock time, as Kubernetes writes it into objects.
using Time = std::chrono::system_clock::time_point;
// Monotonic time: for time-outs, back-offs and leases; never compared with another machine's.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Instant instant() const = 0;
  // Waits on `condition` (whose lock is held) until it is notified or `deadline` has come. Wakes
  // spuriously.
  virtual void waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                         Instant deadline) = 0;
};

// The machine's clock. Lives as long as the program.
Clock& realClock();

// A clock that stands until it is told to move. Thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Time start = Time{std::chrono::seconds(1'700'000'000)}) : now_(start) {}

  Time now() const override;
  Instant instant() const override;
  void waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                 Instant deadline) override;

  // Moves the time on and wakes everybody who waits for a moment that has come.
  void advance(Duration step);

  // How many conditions have threads that know the present time and wait for a later one: who wants
  // to turn the clock in step with its users does so when all of them wait.
  std::size_t waiters() const;

 private:
  mutable std::mutex mutex_;
  Time now_;
  Instant instant_{std::chrono::hours(1)};
  std::multiset<std::condition_variable*> waiting_;
  std::set<std::condition_variable*>
      upToDate_;  // those that began to wait since the last advance()
};

}  // namespace iop::base
