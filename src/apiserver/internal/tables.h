#pragma once

// Answers as Tables (meta.k8s.io).

#include <chrono>
#include <span>
#include <string_view>

#include "apiserver/internal/registry.h"
#include "value/value.h"

namespace iop::apiserver {

// A Table of these objects. `includeObject`: None, Metadata (also for "") or Object.
Value tableOf(const Kind& kind, std::span<const Value> objects, std::string_view includeObject,
              std::string_view version, std::chrono::system_clock::time_point now);

}  // namespace iop::apiserver
