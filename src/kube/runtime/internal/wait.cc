#include "kube/runtime/internal/wait.h"

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <random>

namespace iop::kube::runtime {

bool sleepFor(base::Clock& clock, base::Duration duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable condition;
  const std::stop_callback wake(stop, [&] {
    std::lock_guard guard(mutex);
    condition.notify_all();
  });
  const base::Instant deadline = clock.instant() + duration;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested() && clock.instant() < deadline) {
    clock.waitUntil(lock, condition, deadline);
  }
  return !stop.stop_requested();
}

std::function<double()> makeRandom() {
  return [generator = std::mt19937_64(std::random_device()())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(generator);
  };
}

std::string randomUuid() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  const std::uint64_t high = (generator() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (generator() & ~(3ULL << 62)) | (2ULL << 62);
  char text[37];
  std::snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx",
                static_cast<unsigned>(high >> 32), static_cast<unsigned>((high >> 16) & 0xffff),
                static_cast<unsigned>(high & 0xffff), static_cast<unsigned>(low >> 48),
                static_cast<unsigned long long>(low & 0xffffffffffffULL));
  return text;
}

}  // namespace iop::kube::runtime
