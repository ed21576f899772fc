#pragma once

// Base64 with the standard alphabet and padding (RFC 4648), as Kubernetes writes bytes.

#include <optional>
#include <string>
#include <string_view>

namespace iop::text {

std::string encodeBase64(std::string_view bytes);
// Nothing where the text is no base64. Line breaks are passed over, as Go does.
std::optional<std::string> decodeBase64(std::string_view text);

}  // namespace iop::text
