#pragma once

// "%s is %d".format([name, age]): cel-go's ext.Strings, version 2.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/functions.h"

namespace iop::cel::internal {

struct FormatProblem {
  std::string message;
  std::optional<std::size_t> argument;  // the one that does not fit
};

// Whether arguments of these static types ("int", "dyn", "list(string)") fit a format.
std::optional<FormatProblem> checkFormat(std::string_view format,
                                         const std::vector<std::string>& types);

// The text, or an Error.
Item runFormat(Call& call);

}  // namespace iop::cel::internal
