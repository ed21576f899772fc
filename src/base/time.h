#pragma once

// RFC 3339 times as Kubernetes writes them.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace iop::base {

// "2026-01-02T03:04:05Z" (metav1.Time: whole seconds, UTC).
std::string printTime(Time time);
// "2026-01-02T03:04:05.678901Z" (metav1.MicroTime: always six digits, UTC).
std::string printMicroTime(Time time);
// Any RFC 3339 time of the years 1678 to 2261, with or without a fraction, in any zone. Error:
// BadRequest.
Result<Time> parseTime(std::string_view text);

}  // namespace iop::base
