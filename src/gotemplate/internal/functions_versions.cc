// sprig's functions on semantic versions.

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/semver.h"

namespace iop::gotemplate::internal {
namespace {

Typed<Type::SemverPointer> semver(Runtime& runtime, std::string_view text) {
  return {runtime.makeSemver(Type::SemverPointer, valueOrFail(parseSemver(text)))};
}

Result<bool> semverCompare(std::string_view constraint, std::string_view version) {
  ASSIGN_OR_RETURN(const SemverConstraints constraints, SemverConstraints::parse(constraint));
  ASSIGN_OR_RETURN(const Semver parsed, parseSemver(version));
  return constraints.check(parsed);
}

constexpr Function kFunctions[] = {
    bind<&semver>("semver", "versions"),
    bind<&semverCompare>("semverCompare", "versions"),
};

}  // namespace

std::span<const Function> versionFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
