#pragma once

// JSONPath as additionalPrinterColumns of CRDs have it (client-go, util/jsonpath), of which only
// the first result is ever shown.
//
//   ASSIGN_OR_RETURN(JsonPath path,
//   JsonPath::parse(".status.conditions[?(@.type=='Ready')].status")); const Value* status =
//   path.first(object);
//
// Fields, ['keys'], indexes, slices, unions, wildcards, filters and "..". Members are visited in
// the order of their keys, where Go's order is random. Not here: range loops.
//
// Immutable after construction; thread-safe.

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver::kinds::internal {

class JsonPath {
 public:
  struct Node;
  using Nodes = std::vector<Node>;

  // Error: BadRequest, for a path that is not understood.
  static Result<JsonPath> parse(std::string_view path);
  JsonPath(JsonPath&&) noexcept;
  JsonPath& operator=(JsonPath&&) noexcept;
  ~JsonPath();

  // The first value at the path, part of `root` or of this; null where there is none, where the
  // path does not fit what is there, or where it leads to more than a million values.
  const Value* first(const Value& root) const;

 private:
  explicit JsonPath(std::unique_ptr<Nodes> nodes);

  std::unique_ptr<Nodes> nodes_;
};

}  // namespace iop::apiserver::kinds::internal
