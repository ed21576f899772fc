#pragma once

// Semantic versions as Kubernetes' CEL library reads them (semver.org 2.0.0, blang/semver's words).

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/item.h"

namespace iop::cel::internal {

struct Semver : Block {
  std::array<std::uint64_t, 3> numbers = {};  // major, minor, patch
  std::vector<std::string> prerelease;
  std::vector<std::string> build;
};

// `normalize`: a "v" in front, missing numbers and leading zeros are mended first. Error: Invalid.
Result<Semver> parseSemver(std::string_view text, bool normalize);
std::string printSemver(const Semver& version);
// The build does not matter.
int compareSemver(const Semver& a, const Semver& b);

}  // namespace iop::cel::internal
