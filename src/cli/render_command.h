#pragma once

// `integration-operator render`: what would become of plugs and sockets on a cluster, without one
// (operator/coupling/simulate.h).

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/streams.h"
#include "operator/coupling/simulate.h"
#include "value/value.h"

namespace iop::cli {

struct RenderFlags {
  std::vector<std::string> files;         // files or folders; "-" is the input
  std::string namespaceName = "default";  // of objects that name none
  std::string output = "yaml";            // or "json"
};

// What becomes of the objects of these files, on 2026-01-01 in UTC, so that equal files give equal
// answers. Errors: those of readManifests and simulate.
Result<operators::coupling::Simulation> simulateFiles(const std::vector<std::string>& files,
                                                      const std::string& namespaceName,
                                                      std::istream& in);

// A document for each plug, {plug, socket, couples, reason, message, interfaceVersion, configs,
// results, actions}, and one for each socket that does something itself or that is not ready,
// {socket, ready, reason, message, actions}. What is empty is left out.
std::vector<Value> printSimulation(const operators::coupling::Simulation& simulation);
// Each with "---" in front.
std::string printDocuments(const std::vector<Value>& documents);

// Returns the exit status: 0 where all plugs couple and all sockets are ready, 1 where one is not,
// 2 for what cannot be read.
int runRender(const RenderFlags& flags, const Streams& streams);

}  // namespace iop::cli
