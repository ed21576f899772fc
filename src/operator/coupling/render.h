#pragma once

// Templates of specs, rendered: texts, and the objects of resource actions (lifecycle.md, "Resource
// actions").

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/api/spec.h"
#include "operator/coupling/lookup.h"
#include "value/value.h"

namespace iop::operators::coupling {

// Error::cause of a template that took longer than its bound, which is no failure of a server.
inline constexpr std::string_view kTemplateTimeout = "TemplateTimeout";

// A text with its actions executed on `scope`, within the bounds of all templates. Error: Invalid
// with Go's text.
Result<std::string> renderText(std::string_view text, const Value& scope);

// A structure in which every string, keys included, is its own template. What renders stays a
// string.
Result<Value> renderStructure(const Value& structure, const Value& scope);

// One object that an action asks for.
struct RenderedObject {
  api::Side side = api::Side::Plug;
  api::Do what = api::Do::Apply;
  bool retain = false;
  Value object;
  kube::api::Resource resource;
  std::string field;  // whose template it came from, for messages
  // False where the cluster does not serve the kind and nothing can be done with it (deletion of
  // what cannot be).
  bool served = true;

  api::InventoryEntry entry() const;
};

// The objects of the actions that are due at `event` (of all actions if there is none:
// `resultResources`), in order, with the namespace of `own` filled in. Errors name the template's
// field. In a tolerant lookup, an action that cannot be rendered is noted and skipped.
Result<std::vector<RenderedObject>> renderActions(Lookup& lookup, api::Side side, const Value& own,
                                                  const std::vector<api::ResourceAction>& actions,
                                                  std::optional<api::Event> event,
                                                  const Value& scope);

}  // namespace iop::operators::coupling
