#pragma once

// ValidatingAdmissionPolicies: rules in CEL about what may be written (apiserver,
// pkg/admission/plugin/policy/validating).
//
// Not thread-safe: used on the server's loop.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/failure.h"
#include "apiserver/internal/engine.h"
#include "value/value.h"

namespace iop::apiserver {

class AdmissionPolicies {
 public:
  explicit AdmissionPolicies(Engine& engine);
  ~AdmissionPolicies();

  // What denies the request; nothing: it may go on. Warnings of policies are added to `call`.
  std::optional<Failure> check(const Kind& kind, std::string_view operation,
                               std::string_view subresource, const Value& object, const Value& old,
                               Call& call);

 private:
  struct Compiled;
  const Compiled& compiled(const ObjectPtr& policy);

  Engine& engine_;
  std::map<std::string, std::shared_ptr<const Compiled>, std::less<>> compiled_;  // by name
};

}  // namespace iop::apiserver
