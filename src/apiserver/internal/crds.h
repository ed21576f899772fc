#pragma once

// What several parts know of CustomResourceDefinitions.

#include <string_view>

#include "value/value.h"

namespace iop::apiserver {

inline constexpr std::string_view kCrdTable = "apiextensions.k8s.io/customresourcedefinitions";
// Keeps a CRD until its objects are gone.
inline constexpr std::string_view kCrdFinalizer = "customresourcecleanup.apiextensions.k8s.io";

// Sets a condition of a status in place, or adds it; its time changes with its status only.
void setCondition(Value& status, std::string_view type, std::string_view value,
                  std::string_view reason, std::string_view message, std::string_view now);

}  // namespace iop::apiserver
