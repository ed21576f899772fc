#pragma once

// Lists as sprig's functions see them.

#include <string_view>
#include <vector>

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

// sprig's strslice: the elements of a list as texts without the nils; a scalar is a list of one,
// nil of none.
std::vector<std::string_view> textsOf(Runtime& runtime, const Any& value);

// The capacity that Go gives a list, and with it how far `slice` may reach beyond its end.
std::uint32_t capacityOf(const Any& list);

}  // namespace iop::gotemplate::internal
