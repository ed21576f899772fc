#pragma once

// The Common Expression Language (CEL), as Kubernetes uses it in CRDs and admission policies.
//
//   ASSIGN_OR_RETURN(Program program, Program::compile("self.min <= self.max", {"self"}));
//   Result<Value> answer = program.evaluate({{"self", object}}, {.costLimit = 1'000'000});
//
// The language of github.com/google/cel-spec with Kubernetes' libraries: strings, lists, regex,
// URLs, quantities, IP and CIDR, sets, format, optional types; macros has, all, exists, exists_one,
// map, filter. Values are dynamically typed; where types are declared, what cannot fit is an error
// of compile().
//
// Immutable after compile(); thread-safe.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::cel {

// The declared type of a value, for checking and for what JSON cannot tell: a tree beside the
// schema of an object. `Dyn` is checked while evaluating.
struct Type {
  enum class Kind { Dyn, Bool, Int, Double, String, Bytes, Duration, Timestamp, List, Map, Object };
  // x-kubernetes-list-type: the order of a set or map does not matter to ==, and + merges them.
  enum class ListKind { Atomic, Set, Map };
  Kind kind = Kind::Dyn;
  std::shared_ptr<const Type> element;                             // List, Map (its values)
  std::map<std::string, std::shared_ptr<const Type>> fields = {};  // Object: what can be selected
  ListKind listKind = ListKind::Atomic;                            // List
  std::vector<std::string> keys = {};                              // List that is a map
};
using TypePtr = std::shared_ptr<const Type>;

struct Variable {
  std::string name;
  TypePtr type = nullptr;   // null: Dyn
  bool isOptional = false;  // an optional of that type (oldSelf with optionalOldSelf)
};

struct Limits {
  std::uint64_t cost = 1'000'000;  // as cel-go counts: about one for each step
};

// A value bound to a variable. With an object's type (a CRD's schema) strings of format date-time
// and duration become timestamps and durations.
struct Binding {
  std::string name;
  Value value;
  TypePtr type;
  // For optionalOldSelf: optional.none(), or optional.of(value).
  bool isNone = false;
  bool isSome = false;
};

class Program {
 public:
  // Errors: Invalid, in the words of cel-go ("ERROR: <input>:1:3: Syntax error: …", "undeclared
  // reference to 'x' (in container '')"); MethodNotAllowed for what CEL has and we lack.
  static Result<Program> compile(std::string_view expression,
                                 const std::vector<Variable>& variables);

  // The result as JSON (a duration or timestamp as its string). Errors: Invalid with cel-go's words
  // ("no such key: x", "division by zero", "no such overload"); RequestEntityTooLarge where the
  // cost limit is exceeded. `spent`: what it cost, if not null.
  Result<Value> evaluate(const std::vector<Binding>& bindings, const Limits& limits,
                         std::uint64_t* spent = nullptr) const;

  // What the expression is known to give: "bool", "dyn", "list(string)", in cel-go's words.
  const std::string& resultType() const;

  // Whether the expression reads the variable (a transition rule reads oldSelf).
  bool uses(std::string_view variable) const;

 private:
  struct Impl;
  explicit Program(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace iop::cel
