#include "cli/render_command.h"

#include <algorithm>
#include <ostream>

#include "base/time.h"
#include "cli/manifests.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::cli {
namespace {

using operators::coupling::HandedValues;
using operators::coupling::SimulatedAction;
using operators::coupling::SimulatedPlug;
using operators::coupling::SimulatedSocket;
using operators::coupling::Simulation;

Value printValues(const std::map<operators::api::Side, HandedValues>& bySide) {
  Value out = Value::object();
  for (const auto& [side, values] : bySide) {
    for (const auto& [key, handed] : values) {
      out.edit(operators::api::nameOf(side))
          .set(key, Value::object({{"value", handed.value}, {"from", handed.from}}));
    }
  }
  return out;
}

Value printActions(const std::vector<SimulatedAction>& actions) {
  Value out = Value::array();
  for (const SimulatedAction& action : actions) {
    Value item = Value::object({{"side", operators::api::nameOf(action.side)}});
    if (!action.event.empty()) item.set("event", action.event);
    if (!action.user.empty()) item.set("as", action.user);
    item.set(action.what, action.what == "call"
                              ? Value::object({{"url", action.url}, {"body", action.body}})
                              : action.object);
    out.push(std::move(item));
  }
  return out;
}

void setUnlessEmpty(Value& document, std::string_view key, Value value) {
  if (!value.empty()) document.set(key, std::move(value));
}

Value printPlug(const SimulatedPlug& plug) {
  Value out = Value::object({{"plug", plug.plug.print()},
                             {"socket", plug.socket.print()},
                             {"couples", plug.couples},
                             {"reason", plug.reason},
                             {"message", plug.message}});
  setUnlessEmpty(out, "interfaceVersion", plug.interfaceVersion);
  setUnlessEmpty(out, "configs", printValues(plug.configs));
  setUnlessEmpty(out, "results", printValues(plug.results));
  setUnlessEmpty(out, "actions", printActions(plug.actions));
  return out;
}

Value printSocket(const SimulatedSocket& socket) {
  Value out = Value::object({{"socket", socket.socket.print()},
                             {"ready", socket.ready},
                             {"reason", socket.reason},
                             {"message", socket.message}});
  setUnlessEmpty(out, "actions", printActions(socket.actions));
  return out;
}

}  // namespace

Result<Simulation> simulateFiles(const std::vector<std::string>& files,
                                 const std::string& namespaceName, std::istream& in) {
  operators::coupling::SimulationInput input;
  input.defaultNamespace = namespaceName;
  ASSIGN_OR_RETURN(input.now, base::parseTime("2026-01-01T00:00:00Z"));
  ASSIGN_OR_RETURN(const std::vector<ManifestFile> manifests, readManifests(files, in));
  for (const ManifestFile& file : manifests) {
    ASSIGN_OR_RETURN(const std::vector<text::YamlDocument> documents, parseManifests(file));
    for (const text::YamlDocument& document : documents) input.objects.push_back(document.value);
  }
  ASSIGN_OR_RETURN(Simulation simulation, operators::coupling::simulate(input));
  if (simulation.plugs.empty() && simulation.sockets.empty())
    return fail(Code::BadRequest, "there is no Plug and no Socket among the files");
  return simulation;
}

std::vector<Value> printSimulation(const Simulation& simulation) {
  std::vector<Value> documents;
  for (const SimulatedSocket& socket : simulation.sockets) {
    if (!socket.ready || !socket.actions.empty()) documents.push_back(printSocket(socket));
  }
  for (const SimulatedPlug& plug : simulation.plugs) documents.push_back(printPlug(plug));
  return documents;
}

std::string printDocuments(const std::vector<Value>& documents) {
  std::string out;
  for (const Value& document : documents) {
    out += "---\n";
    text::appendYaml(out, document);
  }
  return out;
}

int runRender(const RenderFlags& flags, const Streams& streams) {
  const Result<Simulation> simulation = simulateFiles(flags.files, flags.namespaceName, streams.in);
  if (!simulation) {
    streams.err << simulation.error().message << "\n";
    return 2;
  }
  std::vector<Value> documents = printSimulation(*simulation);
  if (flags.output == "json") {
    streams.out << text::printJson(Value::fromItems(documents),
                                   {.escapeHtml = false, .indent = "  "})
                << "\n";
  } else {
    streams.out << printDocuments(documents);
  }
  streams.out << std::flush;
  if (!simulation->rests) {
    streams.err << "it does not come to rest: what is made changes its own causes again and again; "
                   "this is how far it came\n";
  }
  const bool allCouple = std::all_of(simulation->plugs.begin(), simulation->plugs.end(),
                                     [](const SimulatedPlug& plug) { return plug.couples; }) &&
                         std::all_of(simulation->sockets.begin(), simulation->sockets.end(),
                                     [](const SimulatedSocket& socket) { return socket.ready; });
  return allCouple && simulation->rests && streams.out.good() ? 0 : 1;
}

}  // namespace iop::cli
