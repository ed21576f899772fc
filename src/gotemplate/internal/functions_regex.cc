// sprig's functions on regular expressions. Those whose name begins with "must" fail with the
// expression's error; in Go the others panic, which fails with a longer text.

#include <optional>
#include <string>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/regexp.h"

namespace iop::gotemplate::internal {
namespace {

using StringList = Typed<Type::StringSlice>;

RegexpPtr compile(std::string_view pattern, bool isMust) {
  Result<RegexpPtr> compiled = compileRegexp(pattern);
  if (compiled) return *std::move(compiled);
  failFunction(isMust ? compiled.error().message : mustCompileErrorText(pattern, compiled.error()));
}

StringList listOf(Runtime& runtime, const std::optional<std::vector<std::string_view>>& parts) {
  if (!parts) return {Any::list(Type::StringSlice, nullptr)};
  return {runtime.makeStringList(*parts, Slice::Growth::Appended)};
}

bool regexMatch(std::string_view pattern, std::string_view text) {
  const Result<RegexpPtr> compiled = compileRegexp(pattern);
  return compiled && (*compiled)->matches(text);
}
bool mustRegexMatch(std::string_view pattern, std::string_view text) {
  return compile(pattern, true)->matches(text);
}

template <bool isMust>
std::string_view regexFind(std::string_view pattern, std::string_view text) {
  return compile(pattern, isMust)->find(text);
}
template <bool isMust>
StringList regexFindAll(Runtime& runtime, std::string_view pattern, std::string_view text,
                        std::int64_t limit) {
  return listOf(runtime, compile(pattern, isMust)->findAll(text, limit));
}
template <bool isMust>
StringList regexSplit(Runtime& runtime, std::string_view pattern, std::string_view text,
                      std::int64_t limit) {
  return listOf(runtime, compile(pattern, isMust)->split(text, limit));
}
template <bool isMust>
std::string regexReplaceAll(Runtime& runtime, std::string_view pattern, std::string_view text,
                            std::string_view replacement) {
  const std::size_t limit = runtime.limits().valueBytes;
  Result<std::string> replaced = compile(pattern, isMust)->replaceAll(text, replacement, limit);
  if (!replaced) runtime.checkValueBytes(limit + 1);
  return *std::move(replaced);
}
template <bool isMust>
std::string regexReplaceAllLiteral(Runtime& runtime, std::string_view pattern,
                                   std::string_view text, std::string_view replacement) {
  const std::size_t limit = runtime.limits().valueBytes;
  Result<std::string> replaced =
      compile(pattern, isMust)->replaceAllLiteral(text, replacement, limit);
  if (!replaced) runtime.checkValueBytes(limit + 1);
  return *std::move(replaced);
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "regular expressions");
}

constexpr Function kFunctions[] = {
    entry<&regexMatch>("regexMatch"),
    entry<&mustRegexMatch>("mustRegexMatch"),
    entry<&regexFind<false>>("regexFind"),
    entry<&regexFind<true>>("mustRegexFind"),
    entry<&regexFindAll<false>>("regexFindAll"),
    entry<&regexFindAll<true>>("mustRegexFindAll"),
    entry<&regexSplit<false>>("regexSplit"),
    entry<&regexSplit<true>>("mustRegexSplit"),
    entry<&regexReplaceAll<false>>("regexReplaceAll"),
    entry<&regexReplaceAll<true>>("mustRegexReplaceAll"),
    entry<&regexReplaceAllLiteral<false>>("regexReplaceAllLiteral"),
    entry<&regexReplaceAllLiteral<true>>("mustRegexReplaceAllLiteral"),
    entry<&quoteMeta>("regexQuoteMeta"),
};

}  // namespace

std::span<const Function> regexFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
