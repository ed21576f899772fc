#pragma once

// Which objects a list or a watch is about.

#include <optional>
#include <string>
#include <vector>

#include "apiserver/failure.h"
#include "apiserver/internal/registry.h"
#include "apiserver/internal/request.h"
#include "apiserver/internal/selectors.h"
#include "value/value.h"

namespace iop::apiserver {

class Selection {
 public:
  // From labelSelector and fieldSelector. Errors: 400 in the API server's words.
  static Answer<Selection> of(const Kind& kind, const QueryParameters& query);

  // `object` in the version of the kind.
  bool matches(const Value& object) const;
  bool empty() const { return labels_.empty() && fields_.empty(); }
  // X where only objects of the name X can match.
  const std::string& name() const { return name_; }

 private:
  LabelSelector labels_;
  std::vector<FieldTerm> fields_;
  std::string name_;
  const Kind* kind_ = nullptr;
};

}  // namespace iop::apiserver
