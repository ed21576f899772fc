#pragma once

// What is wrong with manifests that an API server takes: templates that do not parse or name what
// is never there, keys that the schema of the interface does not have, actions that never do
// anything.
//
//   for (const Finding& finding : lint(objects)) …objects[finding.object], finding.path…
//
// Pure and thread-safe. What is judged against a socket or an Interface is judged only where that
// one is among the objects.

#include <cstddef>
#include <string>
#include <vector>

#include "value/value.h"

namespace iop::operators::coupling {

struct Finding {
  std::size_t object = 0;  // index
  std::string path;        // "spec.resources[0].stringTemplate"
  // Of a place within the string there: line breaks and bytes before it.
  int lines = 0;
  int bytes = 0;
  std::string message;
};

// Findings in the order of the objects. Objects of other kinds are passed over.
std::vector<Finding> lint(const std::vector<Value>& objects);

}  // namespace iop::operators::coupling
