#pragma once

// `integration-operator graph`: who is plugged into what, on a cluster or in manifests.

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/streams.h"
#include "kube/client/client.h"
#include "operator/coupling/simulate.h"

namespace iop::cli {

struct GraphFlags {
  std::vector<std::string> files;  // empty: the cluster is asked
  std::string kubeconfig;          // empty: as for `run`
  std::string output = "text";     // or "dot", "mermaid", "json"
};

struct Graph {
  struct Plug {
    std::string name;  // "namespace/name"
    bool isCoupled = false;
    std::string reason;
    std::string message;
  };
  struct Socket {
    std::string name;
    bool exists = true;     // false: only plugs name it
    std::string interface;  // the Interface that it names, "namespace/name"; empty: none
    std::int64_t limit = 0;
    bool isReady = false;
    std::string reason;
    std::string message;
    std::vector<Plug> plugs;  // that name it, sorted
  };
  std::vector<Socket> sockets;  // sorted
};

// From files: what would be, by simulation.
Graph graphOf(const operators::coupling::Simulation& simulation);
// From Plugs and Sockets with the statuses that an operator has written. A plug whose coupled
// socket is another than the one that it names belongs to the coupled one.
Graph graphOf(const std::vector<Value>& plugs, const std::vector<Value>& sockets);
// Asks a cluster. Errors are the client's.
Result<Graph> readGraph(kube::client::Client& client);

// The forms: a tree for people, Graphviz, Mermaid, and JSON.
std::string printGraph(const Graph& graph, const std::string& form);

// Returns the exit status: 0, or 2 for what cannot be read.
int runGraph(const GraphFlags& flags, const Streams& streams);

}  // namespace iop::cli
