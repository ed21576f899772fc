#pragma once

#include <string>
#include <string_view>

namespace iop::operators::coupling {

// 32 hexadecimal digits that differ where the texts do (FNV-1a from two starting points): enough to
// tell events, payloads and states of objects apart, and nothing more. Not cryptographic.
std::string digest(std::string_view text);

}  // namespace iop::operators::coupling
