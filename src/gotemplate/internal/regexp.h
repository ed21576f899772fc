#pragma once

// Go's regular expressions (package regexp) on RE2.
//
//   ASSIGN_OR_RETURN(RegexpPtr expression, compileRegexp("(\\w+)=(\\w+)"));
//   expression->find("a=b c=d")                        // "a=b"
//   expression->replaceAll("a=b c=d", "$2=$1", 1024)   // "b=a d=c"
//
// One match is linear in the text; all matches of an expression that has to look far ahead of each
// of them may take the square of that, as in Go. Compiled expressions are kept in a bounded cache
// which all threads share; each holds a bounded amount of memory, and an expression that needs more
// is refused with "expression too large", as Go refuses it (and refuses it earlier than Go: some
// 30,000 instructions, each rune class of Unicode taking hundreds, so that Go takes
// "(\pL{30}){30}" and we do not). \C is refused as in Go. Where a
// text is not valid UTF-8, it is matched as if each bad byte were U+FFFD, as in Go, and results are
// cut from the text itself.
//
// A Regexp is immutable and may be used by any number of threads at once.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {

class Regexp;
using RegexpPtr = std::shared_ptr<const Regexp>;

// Compiles or finds in the cache. Error, with Go's text: "error parsing regexp: missing closing ):
// `(`"; of code RequestEntityTooLarge where it is our bound that refuses it, after most of the work
// that it would have taken.
Result<RegexpPtr> compileRegexp(std::string_view pattern);

// The text of a panic of regexp.MustCompile for that error: "regexp: Compile(`(`): error parsing
// regexp: …".
std::string mustCompileErrorText(std::string_view pattern, const Error& error);

class Regexp {
 public:
  struct Program;  // RE2 behind a pointer
  explicit Regexp(std::unique_ptr<const Program> program);
  ~Regexp();
  Regexp(const Regexp&) = delete;
  Regexp& operator=(const Regexp&) = delete;

  // Told before each of the searches that one call makes. It may end the call by an exception.
  using Meter = std::function<void()>;

  // Instructions: what compiling and matching cost grows with it.
  std::size_t programSize() const;

  bool matches(std::string_view text) const;
  // The leftmost match, "" where there is none. Points into `text`.
  std::string_view find(std::string_view text) const;
  // Up to `limit` matches (negative: all). None where there is no match: Go's nil slice. They point
  // into `text`.
  std::optional<std::vector<std::string_view>> findAll(std::string_view text, std::int64_t limit,
                                                       const Meter& meter = {}) const;
  // The parts between matches, at most `limit` (negative: all; 0: none, Go's nil slice). They point
  // into `text`. `matches` becomes the number of matches that Go looks for, at most `limit`.
  std::optional<std::vector<std::string_view>> split(std::string_view text, std::int64_t limit,
                                                     std::size_t& matches,
                                                     const Meter& meter = {}) const;
  // Each match replaced by `replacement` with $1, $name, ${name} expanded. Error
  // (RequestEntityTooLarge): the result would have more than `maxBytes` bytes.
  Result<std::string> replaceAll(std::string_view text, std::string_view replacement,
                                 std::size_t maxBytes, const Meter& meter = {}) const;
  // The same without expansion.
  Result<std::string> replaceAllLiteral(std::string_view text, std::string_view replacement,
                                        std::size_t maxBytes, const Meter& meter = {}) const;

 private:
  std::unique_ptr<const Program> program_;
};

// A backslash before each of \.+*?()|[]{}^$.
std::string quoteMeta(std::string_view text);

}  // namespace iop::gotemplate::internal
