#pragma once

// Numbers as text, as Go prints and reads them.

#include <optional>
#include <string>
#include <string_view>

namespace iop::cel::internal {

// strconv.FormatFloat(number, 'g', -1, 64): "1.5", "1e+20", "+Inf".
std::string printDouble(double number);
// strconv.ParseFloat; nothing where it would be out of range too.
std::optional<double> parseDouble(std::string_view text);
bool isUtf8(std::string_view text);

}  // namespace iop::cel::internal
