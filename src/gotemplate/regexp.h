#pragma once

// Go's regular expressions for those who need them outside of templates; see internal/regexp.h.
//
//   ASSIGN_OR_RETURN(RegexpPtr expression, compileRegexp("^team-"));
//   expression->matches("team-a")

#include "gotemplate/internal/regexp.h"

namespace iop::gotemplate {

using internal::compileRegexp;
using internal::RegexpPtr;

}  // namespace iop::gotemplate
