#pragma once

// Kubernetes' quantities ("500m", "1.5Gi"; apimachinery, pkg/api/resource/quantity.go): compared
// exactly, printed in canonical form. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "value/value.h"

namespace iop::apiserver::kinds::internal {

__extension__ typedef __int128 Int128;

// A number of billionths (Go's smallest scale), saturated far beyond what is of use.
struct Quantity {
  Int128 nano = 0;
  enum class Format { Decimal, Binary, Exponent } format = Format::Decimal;

  bool isWhole() const;
  // "1", "500m", "128Mi", "1e3".
  std::string print() const;
};

// Nothing for what is no quantity. Fractions below a billionth are rounded up.
std::optional<Quantity> parseQuantity(std::string_view text);
// Of a string or a number; an absent or bad one is 0.
Quantity quantityOf(const Value& value);

// The canonical form of one value: a string or a number becomes a string.
void makeCanonical(Value& quantity);
// Of all values of a map.
void makeAllCanonical(Value& object, std::string_view key);

}  // namespace iop::apiserver::kinds::internal
