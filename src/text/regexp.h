#pragma once
#include "gotemplate/internal/regexp.h"
namespace iop::text {
using gotemplate::internal::compileRegexp;
}
