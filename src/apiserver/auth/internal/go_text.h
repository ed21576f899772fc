#pragma once

// How Go prints texts and errors into messages.
//
// Pure.

#include <string>
#include <string_view>
#include <vector>

namespace iop::apiserver::auth::internal {

// %q of a string: quotes, escapes, bytes that are no UTF-8 as "\xff". Characters beyond ASCII are
// taken for printable, except those of control (U+0080 to U+009F).
void appendQuoted(std::string& out, std::string_view text);
std::string quote(std::string_view text);
// %q of a []string: ["a" "b"].
template <typename Texts>
std::string quoteList(const Texts& texts) {
  std::string out = "[";
  for (const auto& text : texts) {
    if (out.size() > 1) out += ' ';
    appendQuoted(out, text);
  }
  return out + "]";
}

// An error that is made of several (apimachinery, util/errors): one as itself, more in brackets,
// each text once.
std::string printErrors(const std::vector<std::string>& errors);

}  // namespace iop::apiserver::auth::internal
