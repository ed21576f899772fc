#pragma once

// Quantities of Kubernetes ("100m", "1.5Gi"), exact to a billionth (apimachinery,
// pkg/api/resource).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cel/internal/item.h"

namespace iop::cel::internal {

__extension__ using Nanos = __int128;  // of a unit

struct Quantity : Block {
  Nanos nanos = 0;
  std::string text;
};

std::optional<Quantity> parseQuantity(std::string_view text);
Quantity quantityOf(Nanos nanos);
int compareQuantities(const Quantity& a, const Quantity& b);
double asDouble(const Quantity& quantity);
// Nothing where it has a fraction, or digits that Go would not keep in an int64.
std::optional<std::int64_t> asInteger(const Quantity& quantity);

}  // namespace iop::cel::internal
