// matches(), find() and findAll(): Go's regular expressions.

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

Item matches(Call& call) {
  const auto expression = expressionOf(call);
  if (!expression) return Item::error(expression.error().message);
  return Item::boolean((*expression)->matches(call.text(0)));
}

Item illegal(const Error& error) { return Item::error("Illegal regex: " + error.message); }

Item find(Call& call) {
  const auto expression = expressionOf(call);
  if (!expression) return illegal(expression.error());
  return Item::text((*expression)->find(call.text(0)));
}

Item findAll(Call& call) {
  const auto expression = expressionOf(call);
  if (!expression) return illegal(expression.error());
  const std::int64_t limit = call.size() == 3 ? call.number(2) : -1;
  // Looking far ahead of each match may take the square of the text: searches are paid for.
  const std::size_t size = call.text(0).size();
  std::vector<Item> out;
  const auto found =
      (*expression)->findAll(call.text(0), limit, [&] { call.budget.toil(1 + size / 1024); });
  if (call.budget.isOver()) return Budget::overrun();
  if (found) {
    for (const std::string_view match : *found) {
      out.push_back(Item::text(match));
      if (!call.budget.take(sizeof(Item))) return Budget::overrun();
    }
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
