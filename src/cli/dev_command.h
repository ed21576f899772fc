#pragma once

// `integration-operator dev`: the embedded API server and the operator in one process.

#include <string>
#include <vector>

#include "cli/streams.h"

namespace iop::cli {

struct DevFlags {
  std::string kubeconfig;  // where it is written; empty: in a folder of our own
  std::string listen = "127.0.0.1:0";
  std::string data;                // empty: in memory
  std::vector<std::string> files;  // manifests to apply, and again as they change
  std::string auditLog;            // empty: none
  bool withoutOperator = false;
};

// Serves until SIGINT or SIGTERM. The exit status: 0, or 1 where it could not start.
int runDev(const DevFlags& flags, const Streams& streams);

}  // namespace iop::cli
