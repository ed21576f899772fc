#pragma once

// One object on disk.

#include <cstdint>
#include <string>

#include "kube/api/types.h"
#include "value/value.h"

namespace iop::apiserver::storage {

struct Row {
  std::string table;
  kube::api::ObjectKey key;
  std::uint64_t id = 0;  // the version of its creation
  std::uint64_t version = 0;
  Value value;
};

}  // namespace iop::apiserver::storage
