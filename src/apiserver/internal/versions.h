#pragma once

// Objects of one kind in another API version.

#include <string_view>

#include "value/value.h"

namespace iop::apiserver {

// Custom resources change their apiVersion only (conversion strategy None); of the built-in kinds
// events and HorizontalPodAutoscalers have two versions. Pure.
Value convertVersion(const Value& object, std::string_view from, std::string_view to, bool custom);

}  // namespace iop::apiserver
