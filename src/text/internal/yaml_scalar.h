#pragma once

// What a YAML scalar means, as go-yaml v2 resolves it: YAML 1.1 without base 60, and with octal
// numbers of Go.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace iop::text::internal {

inline constexpr std::string_view kYamlTagPrefix = "tag:yaml.org,2002:";

// A string that is no timestamp is std::monostate: the text itself.
struct Timestamp {};
struct Binary {};
using Scalar = std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, std::uint64_t,
                            double, Timestamp, Binary>;

// The meaning of a plain scalar without a tag.
Scalar resolvePlain(std::string_view text);
// The meaning of a scalar with a tag in its long form ("tag:yaml.org,2002:int"). Tags that are not
// known mean a string. Error: the text does not fit the tag, in go-yaml's words.
Result<Scalar> resolveTagged(std::string_view tag, std::string_view text);

// True if readers of YAML 1.1 that know base 60 would take the text for a number ("12:30:45").
bool isBase60(std::string_view text);

}  // namespace iop::text::internal
