#include "base/clock.h"

namespace iop::base {
namespace {

class RealClock final : public Clock {
 public:
  Time now() const override { return std::chrono::system_clock::now(); }
  Instant instant() const override { return std::chrono::steady_clock::now(); }
  void waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                 Instant deadline) override {
    if (deadline == Instant::max()) {
      condition.wait(lock);
    } else {
      condition.wait_until(lock, deadline);
    }
  }
};

}  // namespace

Clock& realClock() {
  static RealClock clock;
  return clock;
}

Time ManualClock::now() const {
  std::lock_guard guard(mutex_);
  return now_;
}

Instant ManualClock::instant() const {
  std::lock_guard guard(mutex_);
  return instant_;
}

void ManualClock::waitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                            Instant deadline) {
  {
    std::lock_guard guard(mutex_);
    if (deadline <= instant_) return;
    waiting_.insert(&condition);
    upToDate_.insert(&condition);
  }
  // advance() may have run between the two locks and notified nobody; a short real wait covers that
  // window.
  condition.wait_for(lock, std::chrono::milliseconds(5));
  std::lock_guard guard(mutex_);
  waiting_.erase(waiting_.find(&condition));
  if (!waiting_.contains(&condition)) upToDate_.erase(&condition);
}

void ManualClock::advance(Duration step) {
  std::lock_guard guard(mutex_);
  now_ += std::chrono::duration_cast<Time::duration>(step);
  instant_ += std::chrono::duration_cast<Instant::duration>(step);
  upToDate_.clear();
  for (std::condition_variable* condition : waiting_) condition->notify_all();
}

std::size_t ManualClock::waiters() const {
  std::lock_guard guard(mutex_);
  return upToDate_.size();
}

}  // namespace iop::base
