#pragma once

// Semantic versions and constraints on them for those who need them outside of templates; see
// internal/semver.h.
//
//   ASSIGN_OR_RETURN(SemverConstraints accepted, SemverConstraints::parse(">=1.0 <2"));
//   accepted.check(*parseSemver("1.4.0"))

#include "gotemplate/internal/semver.h"

namespace iop::gotemplate {

using internal::compareSemver;
using internal::parseSemver;
using internal::Semver;
using internal::SemverConstraints;

}  // namespace iop::gotemplate
