#pragma once

// The functions that an expression can call: a table of declarations beside what they do.
//
//   Item charAt(Call& call) { … call.text(0) … call.number(1) … }
//   const Declaration kStrings[] = {{"charAt", "string.(int) -> string", charAt}};
//
// Signatures are those of cel-go and k8s.io/apiserver/pkg/cel/library. A function is only called
// with values that fit one of its signatures, never with errors.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/item.h"
#include "cel/internal/types.h"

namespace iop::cel::internal {

// What one evaluation may spend.
class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(limit) {}

  // False where the budget is used up: the evaluation ends with overrun().
  bool spend(std::uint64_t cost) {
    spent_ += cost;
    return !isOver();
  }
  // Comparing and copying beside the cost.
  bool toil(std::uint64_t work) {
    work_ += work;
    return !isOver();
  }
  // New memory, in bytes; counted even where it is free again.
  bool take(std::uint64_t bytes) {
    bytes_ += bytes;
    return !isOver();
  }
  bool isOver() const { return spent_ > limit_ || work_ > kMaxWork || bytes_ > kMaxBytes; }
  std::uint64_t spent() const { return spent_; }
  std::uint64_t& work() { return work_; }
  static Item overrun();

 private:
  static constexpr std::uint64_t kMaxBytes = 128 << 20;

  std::uint64_t limit_;
  std::uint64_t spent_ = 0;
  std::uint64_t work_ = 0;
  std::uint64_t bytes_ = 0;
};

struct Call {
  Budget& budget;
  std::span<const Item> arguments;
  const void* prepared = nullptr;  // of the node, where the function prepares something

  const Item& operator[](std::size_t index) const { return arguments[index]; }
  std::string_view text(std::size_t index) const { return arguments[index].view(); }
  std::int64_t number(std::size_t index) const { return arguments[index].number; }
  std::size_t size() const { return arguments.size(); }
};

using Run = Item (*)(Call& call);
// In cel-go's units; null: one.
using CostOf = std::uint64_t (*)(std::span<const Item> arguments);

struct Declaration {
  std::string_view name;
  std::string_view signature;  // "(list(A), int) -> A", "string.(int) -> string"
  Run run;
  CostOf cost = nullptr;
};

struct Overload {
  bool isMember = false;
  std::vector<TypeRef> parameters;
  TypeRef result = nullptr;
  std::vector<TypeRef> generics;     // the parameters of its types
  std::vector<std::uint32_t> kinds;  // of values, a mask for each parameter
  Run run = nullptr;
  CostOf cost = nullptr;

  bool fits(std::span<const Item> arguments) const;
};

struct Function {
  std::string name;
  std::vector<Overload> overloads;
};

// Null where there is none. Lives as long as the program.
const Function* findFunction(std::string_view name);

// Costs that several functions have in common: a tenth of what is read, rounded up.
std::uint64_t tenth(std::uint64_t size);
std::uint64_t sizeForCost(const Item& item);
std::uint64_t costOfText(std::span<const Item> arguments);      // of the first argument
std::uint64_t costOfElements(std::span<const Item> arguments);  // of the first argument

// The tables, one for each subject.
std::span<const Declaration> operatorFunctions();
std::span<const Declaration> conversionFunctions();
std::span<const Declaration> timeFunctions();
std::span<const Declaration> stringFunctions();
std::span<const Declaration> regexFunctions();
std::span<const Declaration> listFunctions();
std::span<const Declaration> setFunctions();
std::span<const Declaration> optionalFunctions();
std::span<const Declaration> quantityFunctions();
std::span<const Declaration> networkFunctions();
std::span<const Declaration> formatFunctions();
std::span<const Declaration> semverFunctions();

}  // namespace iop::cel::internal
