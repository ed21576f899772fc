#pragma once

// Manifests of the Go operator's 0.x releases, made into today's.
//
//   const Conversion conversion = convert(manifest);
//   text::appendYaml(out, conversion.object);
//   for (const std::string& left : conversion.left) std::cerr << left << "\n";
//
// 0.x had Plug, Socket and Interface in the groups integration.siliconhills.dev and
// integration.rock8s.com (and for a while integration.risserlabs.com), version v1alpha2. What else
// there is passes as it is. Pure and thread-safe.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::operators::api {

struct Conversion {
  Value object;
  bool changed = false;
  // What has no equivalent and is not in `object`, or may mean something else there: "spec.FIELD:
  // why, and what to do".
  std::vector<std::string> left;
};

// Of one object. What stands in its status or was set by the API server is left out of a converted
// one.
Conversion convert(const Value& object);

// A Go template with the delimiters {{ }}, with {% %} instead. Text that the new delimiters would
// take for an action is written so that it stays text. Errors: an action that does not end.
Result<std::string> convertDelimiters(std::string_view text);

}  // namespace iop::operators::api
