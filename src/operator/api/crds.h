#pragma once

// The CustomResourceDefinitions of config/crd, which the program carries with it.

#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::operators::api {

// The definitions, as config/crd has them. Never changes; thread-safe.
const std::vector<Value>& crds();

// The OpenAPI schema of one of our kinds; null for other kinds.
const Value* findCrdSchema(std::string_view kind);

}  // namespace iop::operators::api
