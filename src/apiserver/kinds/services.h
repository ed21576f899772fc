#pragma once

// What remains to be allocated for a Service, after its defaults and prepareForCreate or
// prepareForUpdate.
//
//   ServiceNeeds needs = needsOf(service);
//   if (needs.clusterIp) { … set spec.clusterIP and spec.clusterIPs … }
//
// Pure; thread-safe.

#include <cstddef>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::kinds {

struct ServiceNeeds {
  bool clusterIp = false;              // spec.clusterIP and spec.clusterIPs
  bool ipFamilies = false;             // spec.ipFamilies; also of headless services
  bool ipFamilyPolicy = false;         // spec.ipFamilyPolicy: SingleStack
  std::vector<std::size_t> nodePorts;  // indexes of spec.ports without a nodePort
  bool healthCheckNodePort = false;
};

ServiceNeeds needsOf(const Value& service);

}  // namespace iop::apiserver::kinds
