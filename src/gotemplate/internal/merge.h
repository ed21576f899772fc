#pragma once

// Merging of maps with the rules of dario.cat/mergo 1.0, on which sprig's merge functions stand.

#include "gotemplate/internal/any.h"
#include "gotemplate/internal/runtime.h"

namespace iop::gotemplate::internal {

enum class MergeMode {
  Fill,       // what is empty in `target` (nil, "", 0, false, no elements) is taken from `source`
  Overwrite,  // what is in `source` wins
};

// Changes `target` and the maps in it. Maps of the source that the target lacks are shared, not
// copied. False where mergo fails ("src and dst must be of same type"): what comes before is merged
// by then.
bool mergeInto(Runtime& runtime, Map& target, const Any& source, MergeMode mode, int depth = 0);

}  // namespace iop::gotemplate::internal
