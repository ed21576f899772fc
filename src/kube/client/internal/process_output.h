#pragma once

// Runs a program to its end and keeps what it writes.
//
//   ASSIGN_OR_RETURN(ProcessOutput output, runProcess({.command = {"aws", "eks", "get-token"}}));
//   if (output.exitStatus != 0) …

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace iop::kube::client::internal {

struct ProcessOptions {
  std::vector<std::string> command;  // the first one is looked up in $PATH unless it has a slash
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to our own
  std::chrono::milliseconds timeout{60'000};
  std::size_t maxOutputBytes = std::size_t{4} << 20;
  std::stop_token stop = {};
};

struct ProcessOutput {
  int exitStatus = 0;  // 128 and its number where a signal ended it
  std::string output;
  std::string errors;
};

// The program reads nothing (/dev/null) and leads a process group of its own, which is killed when
// time is up. Errors: NotFound where there is no such program, BadRequest where it cannot be run or
// writes too much, Timeout, Canceled. Blocks; thread-safe.
Result<ProcessOutput> runProcess(const ProcessOptions& options);

}  // namespace iop::kube::client::internal
