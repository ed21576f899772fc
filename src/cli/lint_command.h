#pragma once

// `integration-operator lint`: finds in manifests what an API server takes and an operator then
// stumbles over (operator/coupling/lint.h), with file, line and column.

#include <string>
#include <vector>

#include "cli/streams.h"

namespace iop::cli {

struct LintFlags {
  std::vector<std::string> files;  // files or folders; "-" is the input
};

// Writes a line for each finding, "FILE:LINE:COLUMN: Kind namespace/name: path: message". Returns
// the exit status: 0 where nothing is wrong, 1 where something is, 2 for what cannot be read.
int runLint(const LintFlags& flags, const Streams& streams);

}  // namespace iop::cli
