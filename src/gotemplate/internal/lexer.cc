#include "gotemplate/internal/lexer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::string_view kSpaceCharacters = " \t\r\n";
constexpr std::string_view kLeftComment = "/*";
constexpr std::string_view kRightComment = "*/";
constexpr std::size_t kTrimMarkerBytes = 2;  // "-" and white space

constexpr bool isSpaceByte(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
constexpr bool isDigitByte(char c) { return c >= '0' && c <= '9'; }

bool isAlphanumeric(char32_t rune) {
  if (rune < 0x80) {
    return rune == '_' || (rune >= '0' && rune <= '9') || (rune >= 'a' && rune <= 'z') ||
           (rune >= 'A' && rune <= 'Z');
  }
  return isLetter(rune) || isDigit(rune);
}

bool startsWithLeftTrim(std::string_view text) {
  return text.size() >= kTrimMarkerBytes && text[0] == '-' && isSpaceByte(text[1]);
}
bool startsWithRightTrim(std::string_view text) {
  return text.size() >= kTrimMarkerBytes && isSpaceByte(text[0]) && text[1] == '-';
}

std::size_t leadingSpaces(std::string_view text) {
  return std::min(text.find_first_not_of(kSpaceCharacters), text.size());
}

// Go's %#U.
std::string describeRune(char32_t rune) {
  char code[16];
  std::snprintf(code, sizeof code, "U+%04X", static_cast<unsigned>(rune));
  std::string out = code;
  if (isPrint(rune)) {
    out += " '";
    appendRune(out, rune);
    out += "'";
  }
  return out;
}

TokenKind kindOfWord(std::string_view word) {
  static constexpr std::pair<std::string_view, TokenKind> kWords[] = {
      {"if", TokenKind::If},
      {"end", TokenKind::End},
      {"else", TokenKind::Else},
      {"range", TokenKind::Range},
      {"with", TokenKind::With},
      {"nil", TokenKind::Nil},
      {"true", TokenKind::Bool},
      {"false", TokenKind::Bool},
      {"template", TokenKind::Template},
      {"define", TokenKind::Define},
      {"block", TokenKind::Block},
      {"break", TokenKind::Break},
      {"continue", TokenKind::Continue},
  };
  for (const auto& [text, kind] : kWords) {
    if (text == word) return kind;
  }
  return TokenKind::Identifier;
}

}  // namespace

Lexer::Lexer(std::string_view input, std::string_view leftDelim, std::string_view rightDelim)
    : input_(input), left_(leftDelim), right_(rightDelim) {}

Token Lexer::next() { return insideAction_ ? lexInsideAction() : lexText(); }

char32_t Lexer::peekRune(std::size_t& width) const {
  const DecodedRune decoded = decodeRune(rest());
  width = decoded.width;
  return decoded.rune;
}

bool Lexer::accept(std::string_view characters) {
  if (isAtEnd() || characters.find(input_[at_]) == std::string_view::npos) return false;
  ++at_;
  return true;
}

void Lexer::acceptRun(std::string_view characters) {
  while (accept(characters)) {
  }
}

void Lexer::skipAlphanumerics() {
  while (!isAtEnd()) {
    std::size_t width = 1;
    const auto byte = static_cast<unsigned char>(input_[at_]);
    if (!isAlphanumeric(byte < 0x80 ? char32_t{byte} : peekRune(width))) return;
    at_ += width;
  }
}

// What may follow a field, a variable or an identifier.
bool Lexer::isAtTerminator() const {
  if (isAtEnd()) return true;
  switch (input_[at_]) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '.':
    case ',':
    case '|':
    case ':':
    case ')':
    case '(':
      return true;
    default:
      return rest().starts_with(right_);
  }
}

Lexer::RightDelim Lexer::atRightDelim() const {
  const std::string_view text = rest();
  if (startsWithRightTrim(text) && text.substr(kTrimMarkerBytes).starts_with(right_))
    return {true, true};
  return {text.starts_with(right_), false};
}

Token Lexer::emit(TokenKind kind) {
  const Token out{kind, static_cast<std::uint32_t>(start_), line_,
                  input_.substr(start_, at_ - start_)};
  ignore();
  return out;
}

void Lexer::ignore() {
  line_ += static_cast<std::uint32_t>(
      std::count(input_.begin() + static_cast<std::ptrdiff_t>(start_),
                 input_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
  start_ = at_;
}

Token Lexer::error(std::string message) {
  message_ = std::move(message);
  const Token out{TokenKind::Error, static_cast<std::uint32_t>(start_), line_, message_};
  input_ = {};
  at_ = start_ = 0;
  insideAction_ = false;
  return out;
}

Token Lexer::badCharacter() {
  std::size_t width = 0;
  return error("bad character " + describeRune(peekRune(width)));
}

Token Lexer::lexText() {
  while (true) {
    const std::size_t found = input_.find(left_, at_);
    if (found == std::string_view::npos) {
      at_ = input_.size();
      if (at_ > start_) return emit(TokenKind::Text);
      Token eof = emit(TokenKind::Eof);
      eof.text = "EOF";
      return eof;
    }
    if (found > at_) {
      at_ = found;
      std::size_t trimmed = at_;
      if (startsWithLeftTrim(input_.substr(found + left_.size()))) {
        while (trimmed > start_ && isSpaceByte(input_[trimmed - 1])) --trimmed;
      }
      Token text{TokenKind::Text, static_cast<std::uint32_t>(start_), line_,
                 input_.substr(start_, trimmed - start_)};
      ignore();
      if (!text.text.empty()) return text;
    }
    at_ += left_.size();
    const std::size_t marker = startsWithLeftTrim(rest()) ? kTrimMarkerBytes : 0;
    if (!rest().substr(marker).starts_with(kLeftComment)) {
      const Token out = emit(TokenKind::LeftDelim);
      insideAction_ = true;
      parenDepth_ = 0;
      at_ += marker;
      ignore();
      return out;
    }
    at_ += marker;
    ignore();
    Token failure;
    if (!skipComment(failure)) return failure;
  }
}

bool Lexer::skipComment(Token& failure) {
  const std::size_t end = input_.find(kRightComment, at_ + kLeftComment.size());
  if (end == std::string_view::npos) {
    failure = error("unclosed comment");
    return false;
  }
  at_ = end + kRightComment.size();
  const RightDelim delim = atRightDelim();
  if (!delim.found) {
    failure = error("comment ends before closing delimiter");
    return false;
  }
  at_ += right_.size() + (delim.trims ? kTrimMarkerBytes : 0);
  if (delim.trims) at_ += leadingSpaces(rest());
  ignore();
  return true;
}

Token Lexer::lexRightDelim() {
  const bool trims = atRightDelim().trims;
  if (trims) {
    at_ += kTrimMarkerBytes;
    ignore();
  }
  at_ += right_.size();
  const Token out = emit(TokenKind::RightDelim);
  if (trims) {
    at_ += leadingSpaces(rest());
    ignore();
  }
  insideAction_ = false;
  return out;
}

Token Lexer::lexInsideAction() {
  if (atRightDelim().found)
    return parenDepth_ == 0 ? lexRightDelim() : error("unclosed left paren");
  if (isAtEnd()) return error("unclosed action");
  const char c = input_[at_];
  if (isSpaceByte(c)) return lexSpace();
  switch (c) {
    case '=':
      ++at_;
      return emit(TokenKind::Assign);
    case ':':
      ++at_;
      if (!accept("=")) return error("expected :=");
      return emit(TokenKind::Declare);
    case '|':
      ++at_;
      return emit(TokenKind::Pipe);
    case '"':
      return lexQuoted('"', TokenKind::String, "unterminated quoted string");
    case '\'':
      return lexQuoted('\'', TokenKind::CharConstant, "unterminated character constant");
    case '`':
      return lexRawString();
    case '$':
      return lexFieldOrVariable(TokenKind::Variable);
    case '.':
      if (at_ + 1 < input_.size() && !isDigitByte(input_[at_ + 1]))
        return lexFieldOrVariable(TokenKind::Field);
      return lexNumber();
    case '(':
      ++at_;
      ++parenDepth_;
      return emit(TokenKind::LeftParen);
    case ')':
      ++at_;
      if (--parenDepth_ < 0) return error("unexpected right paren");
      return emit(TokenKind::RightParen);
    default:
      break;
  }
  if (c == '+' || c == '-' || isDigitByte(c)) return lexNumber();
  std::size_t width = 0;
  const char32_t rune = peekRune(width);
  if (isAlphanumeric(rune)) return lexIdentifier();
  if (rune < 0x80 && isPrint(rune)) {
    ++at_;
    return emit(TokenKind::Char);
  }
  return error("unrecognized character in action: " + describeRune(rune));
}

Token Lexer::lexSpace() {
  std::size_t spaces = 0;
  while (!isAtEnd() && isSpaceByte(input_[at_])) {
    ++at_;
    ++spaces;
  }
  // The last space may belong to a trimming delimiter.
  const std::string_view fromLast = input_.substr(at_ - 1);
  if (startsWithRightTrim(fromLast) && fromLast.substr(kTrimMarkerBytes).starts_with(right_)) {
    --at_;
    if (spaces == 1) return lexRightDelim();
  }
  return emit(TokenKind::Space);
}

Token Lexer::lexIdentifier() {
  skipAlphanumerics();
  if (!isAtTerminator()) return badCharacter();
  return emit(kindOfWord(input_.substr(start_, at_ - start_)));
}

// A "." or "$" alone or followed by a name.
Token Lexer::lexFieldOrVariable(TokenKind kind) {
  ++at_;
  if (isAtTerminator())
    return emit(kind == TokenKind::Variable ? TokenKind::Variable : TokenKind::Dot);
  skipAlphanumerics();
  if (!isAtTerminator()) return badCharacter();
  return emit(kind);
}

Token Lexer::lexQuoted(char delimiter, TokenKind kind, const char* unterminated) {
  ++at_;
  while (true) {
    if (isAtEnd()) return error(unterminated);
    const char c = input_[at_++];
    if (c == delimiter) return emit(kind);
    if (c == '\\' && !isAtEnd() && input_[at_] != '\n') {
      ++at_;
    } else if (c == '\\' || c == '\n') {
      return error(unterminated);
    }
  }
}

Token Lexer::lexRawString() {
  const std::size_t end = input_.find('`', at_ + 1);
  if (end == std::string_view::npos) return error("unterminated raw quoted string");
  at_ = end + 1;
  return emit(TokenKind::RawString);
}

Token Lexer::lexNumber() {
  const auto badNumber = [this] {
    return error("bad number syntax: " + quote(input_.substr(start_, at_ - start_)));
  };
  if (!scanNumber()) return badNumber();
  if (peekByte() != '+' && peekByte() != '-') return emit(TokenKind::Number);
  if (!scanNumber() || input_[at_ - 1] != 'i') return badNumber();
  return emit(TokenKind::Complex);
}

// Reads what looks like a number; whether it is one, is decided later.
bool Lexer::scanNumber() {
  constexpr std::string_view kDecimal = "0123456789_";
  constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF_";
  accept("+-");
  std::string_view digits = kDecimal;
  if (accept("0")) {
    if (accept("xX")) {
      digits = kHexadecimal;
    } else if (accept("oO")) {
      digits = "01234567_";
    } else if (accept("bB")) {
      digits = "01_";
    }
  }
  acceptRun(digits);
  if (accept(".")) acceptRun(digits);
  if (digits == kDecimal && accept("eE")) {
    accept("+-");
    acceptRun(kDecimal);
  }
  if (digits == kHexadecimal && accept("pP")) {
    accept("+-");
    acceptRun(kDecimal);
  }
  accept("i");
  if (isAtEnd()) return true;
  std::size_t width = 0;
  if (!isAlphanumeric(peekRune(width))) return true;
  at_ += width;
  return false;
}

}  // namespace iop::gotemplate::internal
