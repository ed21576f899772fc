#pragma once

// Sleeping on a Clock, and random numbers for jitter and names.

#include <functional>
#include <stop_token>
#include <string>

#include "base/clock.h"

namespace iop::kube::runtime {

// Sleeps for that long; false if `stop` asked to stop before or meanwhile.
bool sleepFor(base::Clock& clock, base::Duration duration, std::stop_token stop);

// Numbers in [0, 1) from a generator that is seeded by the system. The function is not thread-safe.
std::function<double()> makeRandom();

// A random UUID (RFC 9562, version 4). Thread-safe.
std::string randomUuid();

inline double toSeconds(base::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

inline base::Duration scale(base::Duration duration, double factor) {
  return std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(duration) *
                                                    factor);
}

}  // namespace iop::kube::runtime
