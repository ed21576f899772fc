#include "gotemplate/internal/regexp.h"

#include <re2/re2.h>

#include <algorithm>

#include "gotemplate/internal/lru_cache.h"
#include "gotemplate/internal/regexp_unicode.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

// Memory that one expression may use for its program and its automata. What does not fit the first
// limit is compiled with the second one and not kept. Go's own bound is 128 MiB for a program,
// which takes the better part of a second to compile; RE2 needs 5 to 10 times its limit meanwhile.
constexpr std::int64_t kCachedMemory = std::int64_t{1} << 20;
constexpr std::int64_t kLargestMemory = std::int64_t{2} << 20;
constexpr std::size_t kCachedExpressions = 32;
constexpr std::size_t kLongestCachedPattern = 4096;
// Groups within each other; Go's bound on the height of an expression, with what is inside of them.
constexpr std::size_t kDeepestGroups = 999;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

// --- Patterns ---

// A pattern as RE2 takes it: (?<name>…) is spelled (?P<name>…), classes have the names that RE2
// knows, and what Go does not know, but RE2 does (\C, some classes), becomes something that RE2
// does not know either.
constexpr std::string_view kUnknownEscape = "\\y";
constexpr std::string_view kAnyByteEscape = "\\C";
constexpr char kUnknownClass = '!';  // in front of its name

class PatternTranslator {
 public:
  explicit PatternTranslator(std::string_view pattern) : rest_(pattern) {}

  std::string translate() {
    while (!rest_.empty()) {
      if (rest_.starts_with("\\Q")) {
        const std::size_t end = rest_.find("\\E");
        copy(end == std::string_view::npos ? rest_.size() : end + 2);
      } else if (rest_[0] == '\\') {
        copyEscape(false);
      } else if (rest_[0] == '[') {
        copyClass();
      } else if (rest_.starts_with("(?P<")) {
        open(true);
        copyGroupName(4);
      } else if (rest_.starts_with("(?<")) {
        open(true);
        copyGroupName(3);
      } else {
        if (rest_[0] == '(') open(!rest_.starts_with("(?"));
        if (rest_[0] == ')') close();
        copy(1);
      }
    }
    return std::move(out_);
  }

  // How many capturing groups were open at once at most.
  std::size_t depth() const { return depth_; }

 private:
  void copy(std::size_t count) {
    out_ += rest_.substr(0, count);
    rest_.remove_prefix(count < rest_.size() ? count : rest_.size());
  }

  // From behind an opening of `width` bytes to the ">".
  void copyGroupName(std::size_t width) {
    rest_.remove_prefix(width);
    out_ += "(?P<";
    const std::size_t end = rest_.find('>');
    if (end == std::string_view::npos) return;
    for (const char c : rest_.substr(0, end)) {
      if (static_cast<unsigned char>(c) < 0x80) continue;
      out_ += '!';
      break;
    }
    copy(end + 1);
  }

  void copyEscape(bool isInBrackets) {
    if (rest_.starts_with("\\p") || rest_.starts_with("\\P")) {
      copyUnicodeClass(isInBrackets);
    } else if (rest_.starts_with(kAnyByteEscape)) {
      out_ += kUnknownEscape;
      rest_.remove_prefix(kAnyByteEscape.size());
    } else {
      copy(2);
    }
  }

  // \pN or \p{Name}; a "^" in front of the name negates once more.
  void copyUnicodeClass(bool isInBrackets) {
    const bool isBraced = rest_.size() > 2 && rest_[2] == '{';
    const std::size_t end = isBraced           ? rest_.find('}')
                            : rest_.size() > 2 ? 2
                                               : std::string_view::npos;
    if (end == std::string_view::npos || static_cast<unsigned char>(rest_[end]) >= 0x80)
      return copy(2);
    std::string_view name = rest_.substr(isBraced ? 3 : 2, isBraced ? end - 3 : 1);
    bool isNegated = rest_[1] == 'P';
    if (name.starts_with('^')) {
      isNegated = !isNegated;
      name.remove_prefix(1);
    }
    if (appendUnicodeClass(out_, name, isNegated, isInBrackets)) {
      rest_.remove_prefix(end + 1);
      return;
    }
    if (isBraced) {
      copy(3);
      out_ += kUnknownClass;
      copy(end + 1 - 3);
    } else {
      copy(end + 1);
    }
  }

  // From "[" to the "]" that ends it; a "]" in the first place stands for itself.
  void copyClass() {
    copy(1);
    if (rest_.starts_with('^')) copy(1);
    if (rest_.starts_with(']')) copy(1);
    while (!rest_.empty() && rest_[0] != ']') {
      const std::size_t posixEnd =
          rest_.starts_with("[:") ? rest_.find(":]", 2) : std::string_view::npos;
      if (posixEnd != std::string_view::npos) {
        copy(posixEnd + 2);
      } else if (rest_[0] == '\\') {
        copyEscape(true);
      } else {
        copy(1);
      }
    }
    if (!rest_.empty()) copy(1);
  }

  void open(bool isCapturing) {
    isCapturing_.push_back(isCapturing);
    if (isCapturing) depth_ = std::max(depth_, ++captures_);
  }
  void close() {
    if (isCapturing_.empty()) return;
    if (isCapturing_.back()) --captures_;
    isCapturing_.pop_back();
  }

  std::string_view rest_;
  std::string out_;
  std::vector<bool> isCapturing_;  // of the groups that are open
  std::size_t captures_ = 0;
  std::size_t depth_ = 0;
};

std::string_view patternErrorName(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
      return "invalid character class";
    case re2::RE2::ErrorBadCharRange:
      return "invalid character class range";
    case re2::RE2::ErrorMissingBracket:
      return "missing closing ]";
    case re2::RE2::ErrorMissingParen:
      return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "regexp/syntax: internal error";
  }
}

Error makeError(std::string_view name, std::string_view argument) {
  std::string message = "error parsing regexp: ";
  message += name;
  message += ": `";
  message += argument;
  message += "`";
  return {Code::Invalid, std::move(message), {}, 0};
}

std::string fromFirstInvalidByte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && !decodeRune(text.substr(at)).isInvalid()) {
    at += decodeRune(text.substr(at)).width;
  }
  return std::string(text.substr(at));
}

// RE2 tells which part of the translated pattern is wrong; Go shows that part as it was written.
Error patternError(std::string_view pattern, const std::string& translated,
                   const re2::RE2& expression) {
  std::string argument = expression.error_arg();
  const auto isWritten = [pattern](const std::string& text) {
    return pattern.find(text) != std::string_view::npos;
  };
  if (expression.error_code() == re2::RE2::ErrorBadUTF8) {
    argument = fromFirstInvalidByte(pattern);
  } else if (expression.error_code() == re2::RE2::ErrorPatternTooLarge) {
    argument = pattern;
  } else if (argument.ends_with(kUnknownEscape) && !isWritten(argument)) {
    argument.replace(argument.size() - kUnknownEscape.size(), std::string::npos, kAnyByteEscape);
  } else if ((argument.starts_with("\\p{!") || argument.starts_with("\\P{!")) &&
             !isWritten(argument)) {
    argument.erase(3, 1);
  } else if (argument == translated) {
    argument = pattern;
  } else if (expression.error_code() == re2::RE2::ErrorRepeatSize && argument.starts_with('{') &&
             argument.ends_with('?')) {
    argument.pop_back();
  } else if (argument.starts_with("(?P<") && !isWritten(argument)) {
    if (argument[4] == '!') argument.erase(4, 1);
    if (!isWritten(argument)) argument.erase(2, 1);
  }
  return makeError(patternErrorName(expression.error_code()), argument);
}

std::unique_ptr<re2::RE2> compileWith(const std::string& translated, std::int64_t maxMemory) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(maxMemory);
  return std::make_unique<re2::RE2>(translated, options);
}

// --- Texts ---

// A text that RE2 can match: its invalid bytes are written as U+FFFD, and positions are translated
// back.
class Subject {
 public:
  explicit Subject(std::string_view text) : original_(text), matched_(text) {
    if (isValidUtf8(text)) return;
    for (std::size_t at = 0; at < text.size();) {
      const DecodedRune next = decodeRune(text.substr(at));
      if (next.isInvalid()) {
        appendRune(rewritten_, kReplacementRune);
        replacedAt_.push_back(rewritten_.size());
      } else {
        rewritten_ += text.substr(at, next.width);
      }
      at += next.width;
    }
    matched_ = rewritten_;
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  std::string_view text() const { return matched_; }

  // The part of the original text between two rune boundaries of text().
  std::string_view cut(std::size_t start, std::size_t end) const {
    const std::size_t from = originalPosition(start);
    return original_.substr(from, originalPosition(end) - from);
  }

 private:
  std::size_t originalPosition(std::size_t position) const {
    constexpr std::size_t kAdded = 2;  // U+FFFD has three bytes for one
    const auto passed = std::upper_bound(replacedAt_.begin(), replacedAt_.end(), position);
    return position - kAdded * static_cast<std::size_t>(passed - replacedAt_.begin());
  }

  std::string_view original_;
  std::string_view matched_;
  std::string rewritten_;
  std::vector<std::size_t> replacedAt_;  // where the replacements end in rewritten_
};

struct Span {
  std::size_t start = 0;
  std::size_t end = 0;
};

// The groups of a match; those that took no part have no data.
using Groups = std::vector<re2::StringPiece>;

Span spanOf(std::string_view text, const re2::StringPiece& group) {
  const auto start = static_cast<std::size_t>(group.data() - text.data());
  return {start, start + group.size()};
}

// The leftmost match that starts at or after `from`. RE2 lets an empty match (of \B) start inside
// of a rune, Go does not.
bool search(const re2::RE2& expression, std::string_view text, std::size_t from, Groups& groups) {
  while (expression.Match(piece(text), from, text.size(), re2::RE2::UNANCHORED, groups.data(),
                          static_cast<int>(groups.size()))) {
    if (groups.empty()) return true;
    const std::size_t start = spanOf(text, groups[0]).start;
    from = start;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
    if (from == start) return true;
  }
  return false;
}

// Calls `take` with the span of each match that Go's FindAll would give, until it returns false.
template <typename Take>
void forEachMatch(const re2::RE2& expression, std::string_view text, const Regexp::Meter& meter,
                  Take take) {
  Groups groups(1);
  std::size_t previousEnd = std::string_view::npos;
  for (std::size_t at = 0; at <= text.size();) {
    if (meter) meter();
    if (!search(expression, text, at, groups)) return;
    const Span match = spanOf(text, groups[0]);
    const bool isEmptyHere = match.end == at;
    const bool isIgnored = isEmptyHere && match.start == previousEnd;
    if (isEmptyHere) {
      const std::size_t width = decodeRune(text.substr(at)).width;
      at += width > 0 ? width : 1;
    } else {
      at = match.end;
    }
    previousEnd = match.end;
    if (!isIgnored && !take(match)) return;
  }
}

// --- Replacement templates ---

struct GroupReference {
  std::string_view name;
  std::string_view rest;  // what follows the reference
};

// What a "$" stands before: name, or {name}.
std::optional<GroupReference> takeReference(std::string_view text) {
  const bool isBraced = text.starts_with('{');
  if (isBraced) text.remove_prefix(1);
  std::size_t end = 0;
  while (end < text.size()) {
    const DecodedRune next = decodeRune(text.substr(end));
    if (!isLetter(next.rune) && !isDigit(next.rune) && next.rune != '_') break;
    end += next.width;
  }
  if (end == 0) return std::nullopt;
  const std::string_view name = text.substr(0, end);
  if (!isBraced) return GroupReference{name, text.substr(end)};
  if (end == text.size() || text[end] != '}') return std::nullopt;
  return GroupReference{name, text.substr(end + 1)};
}

// The number that a name is; none for what is no number, or has a leading zero, or nine digits.
std::optional<std::size_t> groupNumber(std::string_view name) {
  if (name.size() > 1 && name[0] == '0') return std::nullopt;
  constexpr std::size_t kLimit = 100'000'000;
  std::size_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number >= kLimit) return std::nullopt;
    number = number * 10 + static_cast<std::size_t>(c - '0');
  }
  return number;
}

// A replacement cut into literal texts and groups once for all matches.
struct ReplacementPart {
  std::string literal;
  // A name may belong to several groups: the first one that took part in the match counts.
  std::vector<std::size_t> groups;
};

std::vector<std::size_t> groupsOf(std::string_view name, const re2::RE2& expression) {
  const std::optional<std::size_t> number = groupNumber(name);
  const auto count = static_cast<std::size_t>(expression.NumberOfCapturingGroups());
  if (number) return *number <= count ? std::vector{*number} : std::vector<std::size_t>{};
  std::vector<std::size_t> groups;
  for (const auto& [group, groupName] : expression.CapturingGroupNames()) {
    if (groupName == name) groups.push_back(static_cast<std::size_t>(group));
  }
  return groups;
}

std::vector<ReplacementPart> parseReplacement(std::string_view text, const re2::RE2& expression) {
  std::vector<ReplacementPart> parts;
  const auto addLiteral = [&parts](std::string_view literal) {
    if (literal.empty()) return;
    if (parts.empty() || !parts.back().groups.empty()) parts.emplace_back();
    parts.back().literal += literal;
  };
  for (std::size_t dollar = text.find('$'); dollar != std::string_view::npos;
       dollar = text.find('$')) {
    addLiteral(text.substr(0, dollar));
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      addLiteral("$");
      text.remove_prefix(1);
      continue;
    }
    const std::optional<GroupReference> reference = takeReference(text);
    if (!reference) {
      addLiteral("$");
      continue;
    }
    text = reference->rest;
    std::vector<std::size_t> groups = groupsOf(reference->name, expression);
    if (!groups.empty()) parts.push_back({{}, std::move(groups)});
  }
  addLiteral(text);
  return parts;
}

// Go's Regexp.replaceAll: `append` writes the replacement of one match.
template <typename Append>
Result<std::string> replaceMatches(const re2::RE2& expression, const Subject& subject,
                                   std::size_t groupCount, std::size_t maxBytes,
                                   const Regexp::Meter& meter, Append append) {
  const std::string_view text = subject.text();
  std::string out;
  Groups groups(groupCount);
  std::size_t lastEnd = 0;
  const auto tooLarge = [maxBytes] {
    return fail(Code::RequestEntityTooLarge, "the text with its matches replaced is longer than " +
                                                 std::to_string(maxBytes) + " bytes");
  };
  for (std::size_t at = 0; at <= text.size();) {
    if (meter) meter();
    if (!search(expression, text, at, groups)) break;
    const Span match = spanOf(text, groups[0]);
    out += subject.cut(lastEnd, match.start);
    // No replacement for an empty match that touches the match before it.
    if (match.end > lastEnd || match.start == 0) {
      if (!append(out, groups)) return tooLarge();
    }
    if (out.size() > maxBytes) return tooLarge();
    lastEnd = match.end;
    const std::size_t width = decodeRune(text.substr(at)).width;
    const std::size_t next = at + (width > 0 ? width : 1);
    at = next > match.end ? next : match.end;
  }
  out += subject.cut(lastEnd, text.size());
  if (out.size() > maxBytes) return tooLarge();
  return out;
}

// --- Cache ---

LruCache<RegexpPtr>& regexpCache() {
  // Never destroyed: threads may outlive main().
  static auto* const instance = new LruCache<RegexpPtr>(kCachedExpressions);
  return *instance;
}

}  // namespace

struct Regexp::Program {
  std::unique_ptr<re2::RE2> re2;
};

Regexp::Regexp(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
Regexp::~Regexp() = default;

Result<RegexpPtr> compileRegexp(std::string_view pattern) {
  if (std::optional<RegexpPtr> known = regexpCache().find(pattern)) return *known;
  PatternTranslator translator(pattern);
  const std::string translated = translator.translate();
  if (translator.depth() > kDeepestGroups)
    return tl::unexpected<Error>(makeError("expression nests too deeply", pattern));
  std::unique_ptr<re2::RE2> re2 = compileWith(translated, kCachedMemory);
  bool isCached = pattern.size() <= kLongestCachedPattern;
  if (re2->error_code() == re2::RE2::ErrorPatternTooLarge) {
    re2 = compileWith(translated, kLargestMemory);
    isCached = false;
  }
  if (!re2->ok()) {
    Error error = patternError(pattern, translated, *re2);
    if (re2->error_code() == re2::RE2::ErrorPatternTooLarge)
      error.code = Code::RequestEntityTooLarge;
    return tl::unexpected<Error>(std::move(error));
  }
  auto program = std::make_unique<const Regexp::Program>(Regexp::Program{std::move(re2)});
  auto expression = std::make_shared<const Regexp>(std::move(program));
  if (isCached) regexpCache().insert(pattern, expression);
  return expression;
}

std::string mustCompileErrorText(std::string_view pattern, const Error& error) {
  std::string out = "regexp: Compile(";
  if (canBackquote(pattern)) {
    out += '`';
    out += pattern;
    out += '`';
  } else {
    out += quote(pattern);
  }
  return out + "): " + error.message;
}

std::size_t Regexp::programSize() const {
  return static_cast<std::size_t>(program_->re2->ProgramSize());
}

bool Regexp::matches(std::string_view text) const {
  const Subject subject(text);
  // Without groups RE2 is faster; only \B makes it matter where the match is.
  Groups groups(program_->re2->pattern().find("\\B") == std::string::npos ? 0 : 1);
  return search(*program_->re2, subject.text(), 0, groups);
}

std::string_view Regexp::find(std::string_view text) const {
  const Subject subject(text);
  Groups groups(1);
  if (!search(*program_->re2, subject.text(), 0, groups)) return {};
  const Span match = spanOf(subject.text(), groups[0]);
  return subject.cut(match.start, match.end);
}

std::optional<std::vector<std::string_view>> Regexp::findAll(std::string_view text,
                                                             std::int64_t limit,
                                                             const Meter& meter) const {
  std::vector<std::string_view> found;
  if (limit == 0) return std::nullopt;
  const Subject subject(text);
  forEachMatch(*program_->re2, subject.text(), meter, [&](Span match) {
    found.push_back(subject.cut(match.start, match.end));
    return limit < 0 || found.size() < static_cast<std::size_t>(limit);
  });
  if (found.empty()) return std::nullopt;
  return found;
}

std::optional<std::vector<std::string_view>> Regexp::split(std::string_view text,
                                                           std::int64_t limit, std::size_t& matches,
                                                           const Meter& meter) const {
  matches = 0;
  if (limit == 0) return std::nullopt;
  if (text.empty() && !program_->re2->pattern().empty()) return std::vector<std::string_view>{text};
  std::vector<std::string_view> parts;
  const Subject subject(text);
  std::size_t start = 0;
  std::size_t end = 0;
  forEachMatch(*program_->re2, subject.text(), meter, [&](Span match) {
    ++matches;
    if (limit > 0 && parts.size() + 1 == static_cast<std::size_t>(limit)) return false;
    end = match.start;
    if (match.end != 0) {  // an empty match at the very start separates nothing
      parts.push_back(subject.cut(start, end));
      start = match.end;
    }
    return limit < 0 || matches < static_cast<std::size_t>(limit);
  });
  const std::size_t size = subject.text().size();
  if (end != size) parts.push_back(subject.cut(start, size));
  return parts;
}

Result<std::string> Regexp::replaceAll(std::string_view text, std::string_view replacement,
                                       std::size_t maxBytes, const Meter& meter) const {
  const Subject subject(text);
  const re2::RE2& expression = *program_->re2;
  const std::vector<ReplacementPart> parts = parseReplacement(replacement, expression);
  std::size_t groupCount = 1;
  for (const ReplacementPart& part : parts) {
    for (const std::size_t group : part.groups) groupCount = std::max(groupCount, group + 1);
  }
  const auto append = [&](std::string& out, const Groups& groups) {
    for (const ReplacementPart& part : parts) {
      out += part.literal;
      for (const std::size_t group : part.groups) {
        if (groups[group].data() == nullptr) continue;
        const Span span = spanOf(subject.text(), groups[group]);
        out += subject.cut(span.start, span.end);
        break;
      }
      if (out.size() > maxBytes) return false;
    }
    return true;
  };
  return replaceMatches(expression, subject, groupCount, maxBytes, meter, append);
}

Result<std::string> Regexp::replaceAllLiteral(std::string_view text, std::string_view replacement,
                                              std::size_t maxBytes, const Meter& meter) const {
  const Subject subject(text);
  const auto append = [&](std::string& out, const Groups&) {
    out += replacement;
    return true;
  };
  return replaceMatches(*program_->re2, subject, 1, maxBytes, meter, append);
}

std::string quoteMeta(std::string_view text) {
  constexpr std::string_view kSpecial = "\\.+*?()|[]{}^$";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace iop::gotemplate::internal
