#pragma once

// `integration-operator convert`: manifests of the Go operator's 0.x releases, made into today's
// (operator/api/convert.h).

#include <string>
#include <vector>

#include "cli/streams.h"

namespace iop::cli {

struct ConvertFlags {
  std::vector<std::string> files;  // files or folders; "-" is the input
};

// Writes all objects as YAML, those that need no conversion as they are, and to `err` what could
// not be converted. Returns the exit status: 0 where all could be, 1 where something is left, 2 for
// what cannot be read; then nothing is written.
int runConvert(const ConvertFlags& flags, const Streams& streams);

}  // namespace iop::cli
