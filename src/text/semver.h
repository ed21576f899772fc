#pragma once
#include "gotemplate/internal/semver.h"
namespace iop::text {
using gotemplate::internal::compareSemver;
using gotemplate::internal::parseSemver;
using gotemplate::internal::Semver;
using gotemplate::internal::SemverConstraints;
}  // namespace iop::text
