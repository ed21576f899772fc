// sprig's functions on regular expressions. Those whose name begins with "must" fail with the
// expression's error; in Go the others panic, which fails with a longer text.

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/regexp.h"

namespace iop::gotemplate::internal {
namespace {

using StringList = Typed<Type::StringSlice>;

// --- What it costs ---

// Instructions up to which expressions cost next to nothing to compile, and match by an automaton
// at the speed of the text.
constexpr std::uint64_t kEverydaySize = 1'000;
// For each instruction beyond these, and for an expression that turned out to be too large.
constexpr std::uint64_t kStepsPerInstruction = 20;
constexpr std::uint64_t kStepsOfTooLarge = 600'000;

void chargeCompilation(Runtime& runtime, const Result<RegexpPtr>& compiled) {
  if (compiled) {
    const std::uint64_t size = (*compiled)->programSize();
    runtime.charge(size / 8);
    if (size > kEverydaySize) runtime.charge((size - kEverydaySize) * kStepsPerInstruction);
  } else if (compiled.error().code == Code::RequestEntityTooLarge) {
    runtime.charge(kStepsOfTooLarge);
  }
}

// One pass over the text.
void chargeMatching(Runtime& runtime, const Regexp& expression, std::string_view text) {
  const std::uint64_t size = expression.programSize();
  runtime.chargeBytes(text.size());
  runtime.charge(text.size() * size / (size > kEverydaySize ? 256 : 4096));
}

constexpr int kSearchesPerLook = 16;
constexpr std::chrono::microseconds kEverydaySearch{10};
constexpr std::uint64_t kStepsPerMicrosecond = 10;

std::chrono::nanoseconds threadTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// An expression that looks far ahead of each match makes all matches take the square of the text.
// How far it looked cannot be known, so searches that take more than kEverydaySearch are charged by
// their processor time.
Regexp::Meter meterOf(Runtime& runtime) {
  return [&runtime, last = threadTime(), searches = 0]() mutable {
    runtime.charge(1);
    if (++searches % kSearchesPerLook != 0) return;
    const std::chrono::nanoseconds now = threadTime();
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(now - last);
    last = now;
    if (taken < kSearchesPerLook * kEverydaySearch) return;
    runtime.charge(static_cast<std::uint64_t>(taken.count()) * kStepsPerMicrosecond);
  };
}

// --- The functions ---

RegexpPtr compile(Runtime& runtime, std::string_view pattern, std::string_view text, bool isMust) {
  Result<RegexpPtr> compiled = compileRegexp(pattern);
  chargeCompilation(runtime, compiled);
  if (!compiled)
    failFunction(isMust ? compiled.error().message
                        : mustCompileErrorText(pattern, compiled.error()));
  chargeMatching(runtime, **compiled, text);
  return *std::move(compiled);
}

// As Go appends them to an empty list of that capacity.
StringList listOf(Runtime& runtime, const std::optional<std::vector<std::string_view>>& parts,
                  std::size_t capacity) {
  if (!parts) return {Any::list(Type::StringSlice, nullptr)};
  const Any list = runtime.makeStringList(*parts, Slice::Growth::Appended);
  list.slice->reserved = static_cast<std::uint32_t>(capacity);
  return {list};
}

bool regexMatch(Runtime& runtime, std::string_view pattern, std::string_view text) {
  const Result<RegexpPtr> compiled = compileRegexp(pattern);
  chargeCompilation(runtime, compiled);
  if (!compiled) return false;
  chargeMatching(runtime, **compiled, text);
  return (*compiled)->matches(text);
}
bool mustRegexMatch(Runtime& runtime, std::string_view pattern, std::string_view text) {
  return compile(runtime, pattern, text, true)->matches(text);
}

template <bool isMust>
std::string_view regexFind(Runtime& runtime, std::string_view pattern, std::string_view text) {
  return compile(runtime, pattern, text, isMust)->find(text);
}
template <bool isMust>
StringList regexFindAll(Runtime& runtime, std::string_view pattern, std::string_view text,
                        std::int64_t limit) {
  constexpr std::size_t kCapacity = 10;
  return listOf(runtime,
                compile(runtime, pattern, text, isMust)->findAll(text, limit, meterOf(runtime)),
                kCapacity);
}
template <bool isMust>
StringList regexSplit(Runtime& runtime, std::string_view pattern, std::string_view text,
                      std::int64_t limit) {
  std::size_t matches = 0;
  const auto parts =
      compile(runtime, pattern, text, isMust)->split(text, limit, matches, meterOf(runtime));
  return listOf(runtime, parts, matches);
}
template <bool isMust>
std::string regexReplaceAll(Runtime& runtime, std::string_view pattern, std::string_view text,
                            std::string_view replacement) {
  const std::size_t limit = runtime.limits().valueBytes;
  Result<std::string> replaced = compile(runtime, pattern, text, isMust)
                                     ->replaceAll(text, replacement, limit, meterOf(runtime));
  if (!replaced) runtime.checkValueBytes(limit + 1);
  return *std::move(replaced);
}
template <bool isMust>
std::string regexReplaceAllLiteral(Runtime& runtime, std::string_view pattern,
                                   std::string_view text, std::string_view replacement) {
  const std::size_t limit = runtime.limits().valueBytes;
  Result<std::string> replaced =
      compile(runtime, pattern, text, isMust)
          ->replaceAllLiteral(text, replacement, limit, meterOf(runtime));
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
