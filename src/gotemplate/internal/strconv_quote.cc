// The quoting part of strconv.h.

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

void appendHexDigits(std::string& out, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out.push_back("0123456789abcdef"[value >> shift & 0xF]);
  }
}

void appendEscaped(std::string& out, char32_t rune, char quote, bool isAsciiOnly) {
  if (rune == static_cast<unsigned char>(quote) || rune == '\\') {
    out.push_back('\\');
    out.push_back(static_cast<char>(rune));
    return;
  }
  if ((rune < 0x80 || !isAsciiOnly) && isPrint(rune)) {
    appendRune(out, rune);
    return;
  }
  constexpr std::string_view kControls = "\a\b\f\n\r\t\v";
  if (rune < 0x80) {
    const std::size_t named = kControls.find(static_cast<char>(rune));
    out.push_back('\\');
    if (named != std::string_view::npos) {
      out.push_back("abfnrtv"[named]);
    } else {
      out.push_back('x');
      appendHexDigits(out, rune, 2);
    }
    return;
  }
  if (!isValidRune(rune)) rune = kReplacementRune;
  const bool isLong = rune >= 0x10000;
  out += isLong ? "\\U" : "\\u";
  appendHexDigits(out, rune, isLong ? 8 : 4);
}

// The end of the run of bytes at `at` that stand for themselves between double quotes.
std::size_t skipPlain(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] >= ' ' && text[at] < 0x7F && text[at] != '"' &&
         text[at] != '\\')
    ++at;
  return at;
}

std::string quoteWith(std::string_view text, bool isAsciiOnly) {
  std::string out;
  out.reserve(text.size() + 2);
  out.push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t plainEnd = skipPlain(text, at);
    out += text.substr(at, plainEnd - at);
    at = plainEnd;
    if (at == text.size()) break;
    const DecodedRune next = decodeRune(text.substr(at));
    if (next.isInvalid()) {
      out += "\\x";
      appendHexDigits(out, static_cast<unsigned char>(text[at]), 2);
    } else {
      appendEscaped(out, next.rune, '"', isAsciiOnly);
    }
    at += next.width;
  }
  out.push_back('"');
  return out;
}

std::string quoteRuneWith(char32_t rune, bool isAsciiOnly) {
  std::string out = "'";
  appendEscaped(out, isValidRune(rune) ? rune : kReplacementRune, '\'', isAsciiOnly);
  out.push_back('\'');
  return out;
}

tl::unexpected<Error> syntaxError() { return fail(Code::Invalid, "invalid syntax"); }

// The value of an escape of `count` digits in `base`; the digits leave `text`.
bool takeDigits(std::string_view& text, std::size_t count, unsigned base, std::uint32_t& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int digit = hexDigitValue(text[i]);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) return false;
    value = value * base + static_cast<unsigned>(digit);
  }
  text.remove_prefix(count);
  return true;
}

}  // namespace

std::string quote(std::string_view text) { return quoteWith(text, false); }
std::string quoteToAscii(std::string_view text) { return quoteWith(text, true); }
std::string quoteRune(char32_t rune) { return quoteRuneWith(rune, false); }
std::string quoteRuneToAscii(char32_t rune) { return quoteRuneWith(rune, true); }

bool canBackquote(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    if (next.isInvalid() || next.rune == 0xFEFF || next.rune == '`' || next.rune == 0x7F)
      return false;
    if (next.rune < ' ' && next.rune != '\t') return false;
    at += next.width;
  }
  return true;
}

Result<UnquotedChar> unquoteChar(std::string_view text, char quote) {
  if (text.empty()) return syntaxError();
  if (text[0] == quote && (quote == '\'' || quote == '"')) return syntaxError();
  if (text[0] != '\\') {
    const DecodedRune next = decodeRune(text);
    return UnquotedChar{next.rune, next.rune >= 0x80, text.substr(next.width)};
  }
  if (text.size() < 2) return syntaxError();
  const char letter = text[1];
  std::string_view tail = text.substr(2);
  constexpr std::string_view kLetters = "abfnrtv";
  if (const std::size_t named = kLetters.find(letter); named != std::string_view::npos) {
    return UnquotedChar{static_cast<char32_t>("\a\b\f\n\r\t\v"[named]), false, tail};
  }
  std::uint32_t value = 0;
  switch (letter) {
    case 'x':
      if (!takeDigits(tail, 2, 16, value)) return syntaxError();
      return UnquotedChar{value, false, tail};
    case 'u':
    case 'U':
      if (!takeDigits(tail, letter == 'u' ? 4 : 8, 16, value) || !isValidRune(value))
        return syntaxError();
      return UnquotedChar{value, true, tail};
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
      tail = text.substr(1);
      if (!takeDigits(tail, 3, 8, value) || value > 255) return syntaxError();
      return UnquotedChar{value, false, tail};
    case '\\':
      return UnquotedChar{'\\', false, tail};
    case '\'':
    case '"':
      if (letter != quote) return syntaxError();
      return UnquotedChar{static_cast<unsigned char>(letter), false, tail};
    default:
      return syntaxError();
  }
}

Result<std::string> unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return syntaxError();
  const char quote = literal.front();
  std::string_view inside = literal.substr(1, literal.size() - 2);
  std::string out;
  if (quote == '`') {
    if (inside.find('`') != std::string_view::npos) return syntaxError();
    out.reserve(inside.size());
    for (const char c : inside) {
      if (c != '\r') out.push_back(c);
    }
    return out;
  }
  if ((quote != '"' && quote != '\'') || inside.find('\n') != std::string_view::npos)
    return syntaxError();
  out.reserve(inside.size());
  while (!inside.empty()) {
    ASSIGN_OR_RETURN(const UnquotedChar next, unquoteChar(inside, quote));
    if (next.isMultibyte) {
      appendRune(out, next.value);
    } else {
      out.push_back(static_cast<char>(next.value));
    }
    inside = next.tail;
    if (quote == '\'' && !inside.empty()) return syntaxError();
  }
  return out;
}

}  // namespace iop::gotemplate::internal
