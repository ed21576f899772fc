#pragma once

// Whether a plug fits a socket: the socket's namespace rules, and the negotiation of the Interface
// and its version (api.md, "Interface"; lifecycle.md, "A plug's life", 2).

#include <map>
#include <string>

#include "base/result.h"
#include "operator/coupling/mask.h"
#include "operator/coupling/schema.h"
#include "operator/coupling/snapshot.h"

namespace iop::operators::coupling {

// The schema that both sides speak.
struct Agreement {
  Schema schema;
  std::string version;                 // of the Interface; empty without one
  std::optional<ObjectKey> interface;  // the Interface object, if there is one
};

// Why two sides do not fit.
struct Misfit {
  std::string message;
  // The specs themselves do not fit. Otherwise they do, and the Interface object, or a version in
  // it, is missing.
  bool bySpec = true;
};

// `recordedVersion` is what the two couple with at present, empty if they do not: where the specs
// accept it and it is gone from the Interface, the misfit is not by spec.
tl::expected<Agreement, Misfit> negotiate(const Value& plug, const Value& socket,
                                          const std::map<ObjectKey, Value>& interfaces,
                                          std::string_view recordedVersion);

// Notes the values in the specs of a plug and a socket, of either of which nothing need be known
// (null), that any schema which may apply to them calls sensitive, and the defaults of such
// properties: what no message may show, whatever fails.
void noteSensitiveSpecs(Masker& masker, const Value& plug, const Value& socket,
                        const std::map<ObjectKey, Value>& interfaces);

enum class NamespaceVerdict { Allowed, Refused, RuleInvalid };
// Whether the socket's rules let the namespace in; `message` says why not.
NamespaceVerdict judgeNamespace(const Value& socket, std::string_view namespaceName,
                                std::string& message);

}  // namespace iop::operators::coupling
