#include "operator/coupling/interface_status.h"

#include <set>

#include "gotemplate/semver.h"
#include "kube/api/object.h"
#include "operator/api/conditions.h"
#include "operator/api/spec.h"
#include "operator/coupling/schema.h"

namespace iop::operators::coupling {
namespace {

using api::Reason;

constexpr std::string_view kBreaking = "Breaking";
constexpr std::string_view kAccepted = "Accepted";
constexpr std::size_t kMostNames = 10;

bool accepts(const Value& socket, std::string_view version) {
  const auto constraints = gotemplate::SemverConstraints::parse(api::interfaceVersionsOf(socket));
  const auto parsed = gotemplate::parseSemver(version);
  return constraints && parsed && constraints->check(*parsed);
}

// What is wrong with its schemas, in words; empty if nothing.
std::string problemOf(const Value& interface) {
  for (const Value& schema : interface["spec"]["schemas"].items()) {
    const auto parsed = Schema::parse(schema, "spec.schemas[" + schema["version"].toString() + "]");
    if (!parsed) return parsed.error().message;
  }
  return {};
}

// A coupling that stands, and whose next update the Interface does not let through.
bool isBroken(const Value& plug, const std::set<std::string>& versions) {
  const Value& status = plug["status"];
  if (status["coupledSocket"].isNull() || kube::api::isBeingDeleted(plug)) return false;
  if (!versions.contains(status["interfaceVersion"].toString())) return true;
  const Value& coupled = api::findCondition(status, api::condition::kCoupled);
  const std::string_view reason = coupled["reason"].asString();
  return coupled["status"].asString() == "False" &&
         (reason == api::nameOf(Reason::ConfigInvalid) ||
          reason == api::nameOf(Reason::InterfaceMismatch));
}

std::string namesOf(const std::vector<Value>& plugs) {
  std::string names;
  for (std::size_t i = 0; i < std::min(plugs.size(), kMostNames); ++i) {
    names += (i == 0 ? "" : ", ") + kube::api::keyOf(plugs[i]).print();
  }
  if (plugs.size() > kMostNames) {
    names += " and " + std::to_string(plugs.size() - kMostNames) + " more";
  }
  return names;
}

}  // namespace

Value interfaceStatus(const InterfaceSnapshot& snapshot) {
  const Value& interface = snapshot.interface;
  const std::int64_t generation = kube::api::generationOf(interface);
  Value status = interface["status"].isObject() ? interface["status"] : Value::object();
  Value versions = Value::array();
  std::set<std::string> known;
  for (const Value& schema : interface["spec"]["schemas"].items()) {
    const std::string version = schema["version"].toString();
    known.insert(version);
    std::int64_t sockets = 0, plugs = 0;
    for (const Value& socket : snapshot.sockets) sockets += accepts(socket, version) ? 1 : 0;
    for (const Value& plug : snapshot.plugs) {
      const bool isIts = plug["status"]["interfaceVersion"].asString() == version;
      plugs += isIts && !plug["status"]["coupledSocket"].isNull() ? 1 : 0;
    }
    versions.push(Value::object({{"version", version}, {"sockets", sockets}, {"plugs", plugs}}));
  }
  status.set("versions", std::move(versions));

  const std::string problem = problemOf(interface);
  const std::string_view reason = problem.empty() ? kAccepted : api::nameOf(Reason::Error);
  api::setCondition(status, {api::condition::kReady, problem.empty(), reason, problem}, generation,
                    snapshot.now);
  if (problem.empty()) {
    api::removeCondition(status, api::condition::kStalled);
  } else {
    api::setCondition(status, {api::condition::kStalled, true, reason, problem}, generation,
                      snapshot.now);
  }
  std::vector<Value> broken;
  for (const Value& plug : snapshot.plugs) {
    if (isBroken(plug, known)) broken.push_back(plug);
  }
  if (broken.empty()) {
    api::removeCondition(status, kBreaking);
  } else {
    api::setCondition(status,
                      {kBreaking, true, "CouplingsBroken",
                       "these couplings stand, but cannot be updated with the present schemas: " +
                           namesOf(broken)},
                      generation, snapshot.now);
  }
  status.set("observedGeneration", generation);
  return status;
}

}  // namespace iop::operators::coupling
