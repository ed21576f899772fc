#pragma once

// What Kubernetes' own decoders say of times and quantities that they cannot read.

#include <optional>
#include <string>
#include <string_view>

namespace iop::apiserver::schema::internal {

// metav1.Time and, with six digits of a second, metav1.MicroTime: Go's time.Parse. Nothing where
// the text is a time.
std::optional<std::string> findTimeError(std::string_view text, bool micro);

// resource.ParseQuantity; nothing where the text is a quantity.
std::optional<std::string> findQuantityError(std::string_view text);

}  // namespace iop::apiserver::schema::internal
