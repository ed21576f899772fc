#include "cli/graph_command.h"

#include <algorithm>
#include <map>
#include <ostream>

#include "cli/render_command.h"
#include "kube/api/object.h"
#include "kube/client/config.h"
#include "kube/client/rest_client.h"
#include "operator/api/conditions.h"
#include "operator/api/spec.h"
#include "text/json.h"

namespace iop::cli {
namespace {

namespace api = operators::api;

using Sockets = std::map<std::string, Graph::Socket>;

// The socket of that name; one that only plugs know of is made for them.
Graph::Socket& socketNamed(Sockets& sockets, const std::string& name) {
  const auto [at, isNew] = sockets.try_emplace(name);
  if (isNew) {
    at->second.name = name;
    at->second.exists = false;
  }
  return at->second;
}

Graph collect(Sockets sockets) {
  Graph graph;
  for (auto& [name, socket] : sockets) {
    std::sort(socket.plugs.begin(), socket.plugs.end(),
              [](const Graph::Plug& a, const Graph::Plug& b) { return a.name < b.name; });
    graph.sockets.push_back(std::move(socket));
  }
  return graph;
}

// On one line, without what a terminal would take for an order.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out;
}

std::size_t coupledPlugs(const Graph::Socket& socket) {
  return static_cast<std::size_t>(
      std::count_if(socket.plugs.begin(), socket.plugs.end(),
                    [](const Graph::Plug& plug) { return plug.isCoupled; }));
}

// "Interface db/postgres, 1 of 3 places taken".
std::string describe(const Graph::Socket& socket) {
  if (!socket.exists) return "there is no such socket";
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (!socket.interface.empty()) add("Interface " + socket.interface);
  if (socket.limit > 0) {
    add(std::to_string(coupledPlugs(socket)) + " of " + std::to_string(socket.limit) +
        " places taken");
  }
  if (!socket.isReady && !socket.reason.empty()) add(socket.reason + ": " + socket.message);
  if (socket.plugs.empty()) add("no plugs");
  return out;
}

std::string describe(const Graph::Plug& plug) {
  if (plug.reason.empty()) return plug.isCoupled ? "coupled" : "no operator has looked at it yet";
  if (plug.isCoupled && plug.reason == "CouplingSucceeded") return "coupled";
  return (plug.isCoupled ? "coupled, " : "") + plug.reason + ": " + plug.message;
}

std::string printText(const Graph& graph) {
  std::string out;
  for (const Graph::Socket& socket : graph.sockets) {
    const std::string what = describe(socket);
    out += plain(socket.name + (what.empty() ? "" : "  (" + what + ")")) + "\n";
    for (const Graph::Plug& plug : socket.plugs) {
      const bool isLast = &plug == &socket.plugs.back();
      out += (isLast ? "└─ " : "├─ ") + plain(plug.name + "  " + describe(plug)) + "\n";
    }
  }
  return out;
}

// A string of Graphviz' DOT language.
std::string quoteDot(std::string_view text) {
  std::string out = "\"";
  for (const char c : plain(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string printDot(const Graph& graph) {
  std::string out = "digraph integrations {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const Graph::Socket& socket : graph.sockets) {
    const std::string own = quoteDot("socket " + socket.name);
    out += "  " + own + " [label=" + quoteDot(socket.name) + ", shape=component" +
           (socket.exists ? "" : ", style=dashed") + "];\n";
    for (const Graph::Plug& plug : socket.plugs) {
      const std::string its = quoteDot("plug " + plug.name);
      out += "  " + its + " [label=" + quoteDot(plug.name) + "];\n  " + its + " -> " + own;
      if (!plug.isCoupled) out += " [style=dashed, label=" + quoteDot(plug.reason) + "]";
      out += ";\n";
    }
  }
  return out + "}\n";
}

// A text of Mermaid's flowcharts, which write entities with # and no name for the quote.
std::string quoteMermaid(std::string_view text) {
  std::string out = "\"";
  for (const char c : plain(text)) {
    if (c == '"' || c == '#' || c == '<' || c == '>' || c == '&') {
      out += "#" + std::to_string(static_cast<int>(c)) + ";";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string printMermaid(const Graph& graph) {
  std::string out = "flowchart LR\n";
  std::size_t plugs = 0;
  for (std::size_t i = 0; i < graph.sockets.size(); ++i) {
    const Graph::Socket& socket = graph.sockets[i];
    const std::string own = "s" + std::to_string(i);
    out += "  " + own + "[[" + quoteMermaid(socket.name) + "]]\n";
    for (const Graph::Plug& plug : socket.plugs) {
      out += "  p" + std::to_string(plugs++) + "(" + quoteMermaid(plug.name) + ") ";
      if (plug.isCoupled) {
        out += "--> ";
      } else {
        out += plug.reason.empty() ? "-.-> " : "-.->|" + quoteMermaid(plug.reason) + "| ";
      }
      out += own + "\n";
    }
  }
  return out;
}

std::string printAsJson(const Graph& graph) {
  Value sockets = Value::array();
  for (const Graph::Socket& socket : graph.sockets) {
    Value plugs = Value::array();
    for (const Graph::Plug& plug : socket.plugs) {
      plugs.push(Value::object({{"plug", plug.name},
                                {"coupled", plug.isCoupled},
                                {"reason", plug.reason},
                                {"message", plug.message}}));
    }
    Value item = Value::object(
        {{"socket", socket.name}, {"exists", socket.exists}, {"plugs", std::move(plugs)}});
    if (socket.exists) {
      item.set("ready", socket.isReady);
      item.set("reason", socket.reason);
      item.set("message", socket.message);
    }
    if (!socket.interface.empty()) item.set("interface", socket.interface);
    if (socket.limit > 0) item.set("limit", socket.limit);
    sockets.push(std::move(item));
  }
  return text::printJson(Value::object({{"sockets", std::move(sockets)}}),
                         {.escapeHtml = false, .indent = "  "}) +
         "\n";
}

Result<std::vector<Value>> listAll(kube::client::Client& client,
                                   const kube::api::Resource& resource) {
  std::vector<Value> objects;
  kube::client::ListOptions page;
  page.limit = 500;
  do {
    const Result<Value> list = client.list(resource, {}, page, {});
    if (!list && list.error().isNotFound()) {
      return fail(Code::NotFound, "list " + resource.plural + ": the cluster has no " +
                                      resource.plural + "." + resource.group +
                                      " (its definitions are in config/crd)");
    }
    if (!list) return tl::unexpected<Error>(list.error().withContext("list " + resource.plural));
    for (const Value& item : (*list)["items"].items()) objects.push_back(item);
    page.continueToken = (*list)["metadata"]["continue"].toString();
  } while (!page.continueToken.empty());
  return objects;
}

Result<Graph> graphFor(const GraphFlags& flags, std::istream& in) {
  if (!flags.files.empty()) {
    ASSIGN_OR_RETURN(const auto simulation, simulateFiles(flags.files, "default", in));
    return graphOf(simulation);
  }
  ASSIGN_OR_RETURN(kube::client::Config config,
                   kube::client::loadConfig({.kubeconfig = flags.kubeconfig, .context = {}}));
  ASSIGN_OR_RETURN(const std::unique_ptr<kube::client::RestClient> client,
                   kube::client::RestClient::create(std::move(config)));
  return readGraph(*client);
}

}  // namespace

Graph graphOf(const operators::coupling::Simulation& simulation) {
  Sockets sockets;
  for (const auto& socket : simulation.sockets) {
    Graph::Socket& out = sockets[socket.socket.print()];
    out.name = socket.socket.print();
    out.interface = socket.interface;
    out.limit = socket.limit;
    out.isReady = socket.ready;
    out.reason = socket.reason;
    out.message = socket.message;
  }
  for (const auto& plug : simulation.plugs) {
    socketNamed(sockets, plug.socket.print())
        .plugs.push_back({plug.plug.print(), plug.couples, plug.reason, plug.message});
  }
  return collect(std::move(sockets));
}

Graph graphOf(const std::vector<Value>& plugs, const std::vector<Value>& sockets) {
  Sockets found;
  for (const Value& socket : sockets) {
    Graph::Socket& out = found[kube::api::keyOf(socket).print()];
    const Value& coupled = api::findCondition(socket["status"], api::condition::kCoupled);
    out.name = kube::api::keyOf(socket).print();
    if (const auto interface = api::interfaceOf(socket)) out.interface = interface->print();
    out.limit = socket["spec"]["limit"].asInt();
    out.isReady = api::isConditionTrue(socket["status"], api::condition::kReady);
    out.reason = coupled["reason"].toString();
    out.message = coupled["message"].toString();
  }
  for (const Value& plug : plugs) {
    const Value& coupled = api::findCondition(plug["status"], api::condition::kCoupled);
    const Value& recorded = plug["status"]["coupledSocket"];
    const kube::api::ObjectKey socket =
        recorded.isObject()
            ? kube::api::ObjectKey{recorded["namespace"].toString(), recorded["name"].toString()}
            : api::socketOf(plug);
    socketNamed(found, socket.print())
        .plugs.push_back({kube::api::keyOf(plug).print(),
                          api::isConditionTrue(plug["status"], api::condition::kCoupled),
                          coupled["reason"].toString(), coupled["message"].toString()});
  }
  return collect(std::move(found));
}

Result<Graph> readGraph(kube::client::Client& client) {
  ASSIGN_OR_RETURN(const std::vector<Value> plugs, listAll(client, api::plugResource()));
  ASSIGN_OR_RETURN(const std::vector<Value> sockets, listAll(client, api::socketResource()));
  return graphOf(plugs, sockets);
}

std::string printGraph(const Graph& graph, const std::string& form) {
  if (form == "dot") return printDot(graph);
  if (form == "mermaid") return printMermaid(graph);
  if (form == "json") return printAsJson(graph);
  return printText(graph);
}

int runGraph(const GraphFlags& flags, const Streams& streams) {
  const Result<Graph> graph = graphFor(flags, streams.in);
  if (!graph) {
    streams.err << graph.error().message << "\n";
    return 2;
  }
  streams.out << printGraph(*graph, flags.output) << std::flush;
  return streams.out.good() ? 0 : 2;
}

}  // namespace iop::cli
