#pragma once

// `integration-operator apparatus test URL`: whether somebody's apparatus keeps to the protocol
// (apparatus_trial.h).

#include <string>
#include <vector>

#include "cli/streams.h"

namespace iop::cli {

struct ApparatusTestFlags {
  std::string url;
  std::string side = "socket";     // or "plug": whose apparatus it is
  std::vector<std::string> files;  // a Plug and a Socket to play it with; none: made up
  int timeoutSeconds = 30;
};

// Writes a line for each thing that was tried, and what was wrong with it. Returns the exit status:
// 0 where nothing was, 1 where something was, 2 for what cannot be read.
int runApparatusTest(const ApparatusTestFlags& flags, const Streams& streams);

}  // namespace iop::cli
