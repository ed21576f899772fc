#include "operator/coupling/fit.h"

#include "gotemplate/regexp.h"
#include "gotemplate/semver.h"
#include "kube/api/object.h"
#include "operator/api/spec.h"

namespace iop::operators::coupling {
namespace {

using gotemplate::Semver;
using gotemplate::SemverConstraints;
using kube::api::keyOf;

tl::unexpected<Misfit> misfit(std::string message, bool bySpec = true) {
  return tl::unexpected<Misfit>(Misfit{std::move(message), bySpec});
}

std::string plugName(const Value& plug) { return "plug " + keyOf(plug).print(); }
std::string socketName(const Value& socket) { return "socket " + keyOf(socket).print(); }

tl::expected<SemverConstraints, Misfit> constraintOf(const Value& object, const std::string& name) {
  const std::string text = api::interfaceVersionsOf(object);
  auto constraint = SemverConstraints::parse(text);
  if (!constraint) {
    return misfit(name + ": spec.interfaceVersions \"" + text +
                  "\" is no version constraint: " + constraint.error().message);
  }
  return std::move(*constraint);
}

// "^1.2", or "any version" for "*".
std::string wish(const Value& object) {
  const std::string text = api::interfaceVersionsOf(object);
  return text == "*" ? "any version" : "\"" + text + "\"";
}

tl::expected<Agreement, Misfit> chooseVersion(const Value& plug, const Value& socket,
                                              const ObjectKey& key, const Value& interface,
                                              std::string_view recordedVersion) {
  auto plugWants = constraintOf(plug, plugName(plug));
  if (!plugWants) return misfit(plugWants.error().message);
  auto socketWants = constraintOf(socket, socketName(socket));
  if (!socketWants) return misfit(socketWants.error().message);

  const Value* best = nullptr;
  Semver bestVersion;
  std::string known;
  for (const Value& schema : interface["spec"]["schemas"].items()) {
    const Value& text = schema["version"];
    auto version = gotemplate::parseSemver(text.asString());
    if (!version) {
      return misfit("interface " + key.print() + ": version \"" + text.toString() +
                        "\" is no semantic version",
                    false);
    }
    known += (known.empty() ? "" : ", ") + text.toString();
    if (!plugWants->check(*version) || !socketWants->check(*version)) continue;
    if (best == nullptr || gotemplate::compareSemver(*version, bestVersion) > 0) {
      best = &schema;
      bestVersion = std::move(*version);
    }
  }
  if (best == nullptr) {
    bool bySpec = true;
    if (auto recorded = gotemplate::parseSemver(recordedVersion);
        recorded && !recordedVersion.empty()) {
      bySpec = !plugWants->check(*recorded) || !socketWants->check(*recorded);
    }
    return misfit("no version of interface " + key.print() + " suits both sides: " +
                      plugName(plug) + " accepts " + wish(plug) + ", " + socketName(socket) + " " +
                      wish(socket) + ", and there is " + (known.empty() ? "none" : known),
                  bySpec);
  }
  auto schema = Schema::parse(
      *best, "interface " + key.print() + " version " + (*best)["version"].toString());
  if (!schema) return misfit(schema.error().message, false);
  return Agreement{std::move(*schema), (*best)["version"].toString(), key};
}

// The index of the first rule that matches; -1 if none does, -2 with a message if one is no
// expression.
int firstMatch(const Value& rules, std::string_view namespaceName, const std::string& field,
               std::string& message) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto compiled = gotemplate::compileRegexp(rules.at(i).asString());
    if (!compiled) {
      message = field + "[" + std::to_string(i) + "]: " + compiled.error().message;
      return -2;
    }
    if ((*compiled)->matches(namespaceName)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

tl::expected<Agreement, Misfit> negotiate(const Value& plug, const Value& socket,
                                          const std::map<ObjectKey, Value>& interfaces,
                                          std::string_view recordedVersion) {
  const std::optional<ObjectKey> wanted = api::interfaceOf(plug);
  const std::optional<ObjectKey> offered = api::interfaceOf(socket);
  if (offered && api::hasInlineSchema(socket)) {
    return misfit(socketName(socket) +
                  " has both a schema of its own and a reference to interface " + offered->print() +
                  " in spec.interface: only one of them is allowed");
  }
  if (wanted && wanted != offered) {
    return misfit(plugName(plug) + " needs interface " + wanted->print() + ", but " +
                  socketName(socket) + " offers " +
                  (offered ? offered->print() : "no Interface object"));
  }
  if (!offered) {
    auto schema =
        Schema::parse(socket["spec"]["interface"], socketName(socket) + ": spec.interface");
    if (!schema) return misfit(schema.error().message);
    return Agreement{std::move(*schema), {}, std::nullopt};
  }
  const auto interface = interfaces.find(*offered);
  if (interface == interfaces.end() || interface->second.isNull()) {
    return misfit(
        "interface " + offered->print() + " does not exist; " + socketName(socket) + " names it",
        false);
  }
  return chooseVersion(plug, socket, *offered, interface->second, recordedVersion);
}

void noteSensitiveSpecs(Masker& masker, const Value& plug, const Value& socket,
                        const std::map<ObjectKey, Value>& interfaces) {
  const auto noteSchema = [&](const Value& schema) {
    for (const char* part : {"config", "result"}) {
      for (const api::Side side : api::kSides) {
        const Value& spec = (side == api::Side::Plug ? plug : socket)["spec"];
        for (const Member& property : schema[part][api::nameOf(side)].members()) {
          if (!property.value["sensitive"].asBool()) continue;
          masker.add(spec[part][property.key()].asString());
          masker.add(property.value["default"].asString());
        }
      }
    }
  };
  noteSchema(socket["spec"]["interface"]);
  const std::optional<ObjectKey> wanted = api::interfaceOf(plug),
                                 offered = api::interfaceOf(socket);
  for (const auto& [key, interface] : interfaces) {
    if (key != wanted && key != offered) continue;
    for (const Value& schema : interface["spec"]["schemas"].items()) noteSchema(schema);
  }
}

NamespaceVerdict judgeNamespace(const Value& socket, std::string_view namespaceName,
                                std::string& message) {
  const Value& rules = socket["spec"]["validation"];
  const std::string name(namespaceName);
  const std::string prefix = socketName(socket) + ": spec.validation.";

  const int refused = firstMatch(rules["namespaceBlacklist"], namespaceName,
                                 prefix + "namespaceBlacklist", message);
  if (refused == -2) return NamespaceVerdict::RuleInvalid;
  if (refused >= 0) {
    message = socketName(socket) + " does not take plugs of namespace " + name +
              " (namespaceBlacklist has \"" +
              rules["namespaceBlacklist"].at(static_cast<std::size_t>(refused)).toString() + "\")";
    return NamespaceVerdict::Refused;
  }
  const Value& whitelist = rules["namespaceWhitelist"];
  if (whitelist.empty()) return NamespaceVerdict::Allowed;
  const int allowed = firstMatch(whitelist, namespaceName, prefix + "namespaceWhitelist", message);
  if (allowed == -2) return NamespaceVerdict::RuleInvalid;
  if (allowed >= 0) return NamespaceVerdict::Allowed;
  message = socketName(socket) + " does not take plugs of namespace " + name +
            " (nothing in namespaceWhitelist matches it)";
  return NamespaceVerdict::Refused;
}

}  // namespace iop::operators::coupling
