// matches(), find() and findAll(): Go's regular expressions.

#include <algorithm>

#include "cel/internal/functions.h"
#include "gotemplate/regexp.h"

namespace iop::cel::internal {
namespace {

using Regexp = gotemplate::RegexpPtr::element_type;

// The expression prepared from a literal, or one compiled now.
Result<gotemplate::RegexpPtr> expressionOf(Call& call) {
  if (call.prepared != nullptr) {
    // It belongs to the node, which outlives the call.
    return gotemplate::RegexpPtr(gotemplate::RegexpPtr(),
                                 static_cast<const Regexp*>(call.prepared));
  }
  return gotemplate::compileRegexp(call.text(1));
}

// Searching takes time that grows with the expression too, which the cost does not tell.
bool meter(Call& call, const Regexp& expression, std::uint64_t searches) {
  const std::uint64_t steps = expression.programSize() * (call.text(0).size() + 1) / 256;
  return call.budget.toil(searches * (steps + 1));
}

Item matches(Call& call) {
  const auto expression = expressionOf(call);
  if (!expression) return Item::error(expression.error().message);
  if (!meter(call, **expression, 1)) return Budget::overrun();
  return Item::boolean((*expression)->matches(call.text(0)));
}

Item illegal(const Error& error) { return Item::error("Illegal regex: " + error.message); }

Item find(Call& call) {
  const auto expression = expressionOf(call);
  if (!expression) return illegal(expression.error());
  if (!meter(call, **expression, 1)) return Budget::overrun();
  return Item::text((*expression)->find(call.text(0)));
}

Item findAll(Call& call) {
  const auto expression = expressionOf(call);
  if (!expression) return illegal(expression.error());
  // Looking far ahead of each match may take the square of the text.
  const auto most = static_cast<std::int64_t>(kMaxWork / (1 + call.text(0).size() / 64));
  const std::int64_t limit = call.size() == 3 ? call.number(2) : -1;
  const auto found = (*expression)->findAll(call.text(0), limit < 0 ? most : std::min(limit, most));
  std::vector<Item> out;
  if (!found) return Item::list(std::move(out));
  const bool isCut = static_cast<std::int64_t>(found->size()) == most && limit != most;
  if (isCut || !meter(call, **expression, 1 + found->size() / 64)) {
    call.budget.toil(kMaxWork + 1);
    return Budget::overrun();
  }
  for (const std::string_view match : *found) {
    out.push_back(Item::text(match));
    if (!call.budget.take(sizeof(Item))) return Budget::overrun();
  }
  return Item::list(std::move(out));
}

std::uint64_t costOfMatch(std::span<const Item> arguments) {
  const std::uint64_t text = tenth(1 + sizeForCost(arguments[0]));
  return text * ((sizeForCost(arguments[1]) + 3) / 4);
}

constexpr Declaration kFunctions[] = {
    {"matches", "(string, string) -> bool", matches, costOfMatch},
    {"matches", "string.(string) -> bool", matches, costOfMatch},
    {"find", "string.(string) -> string", find, costOfMatch},
    {"findAll", "string.(string) -> list(string)", findAll, costOfMatch},
    {"findAll", "string.(string, int) -> list(string)", findAll, costOfMatch},
};

}  // namespace

std::span<const Declaration> regexFunctions() { return kFunctions; }

}  // namespace iop::cel::internal
