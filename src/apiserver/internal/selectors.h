#pragma once

// Label and field selectors (apimachinery, pkg/labels and pkg/fields).
//
//   ASSIGN_OR_RETURN(LabelSelector labels, LabelSelector::parse("app=web,tier in (a,b),!old"));
//   labels.matches(object["metadata"]["labels"])
//
// Pure; thread-safe.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver {

class LabelSelector {
 public:
  // Errors: BadRequest, in the words of apimachinery's parser.
  static Result<LabelSelector> parse(std::string_view text);

  bool matches(const Value& labels) const;
  bool empty() const { return requirements_.empty(); }

 private:
  enum class Operator { In, NotIn, Exists, NotExists, Greater, Less };
  struct Requirement {
    std::string key;
    Operator op;
    std::vector<std::string> values;
  };
  friend class SelectorParser;

  std::vector<Requirement> requirements_;
};

struct FieldTerm {
  std::string label;
  std::string value;
  bool negated = false;
};

// Errors: BadRequest ("invalid selector: 'x'; can't understand 'x'").
Result<std::vector<FieldTerm>> parseFieldSelector(std::string_view text);
// X of a selector that says metadata.name=X; else empty.
std::string nameOfSelector(std::string_view text);

}  // namespace iop::apiserver
