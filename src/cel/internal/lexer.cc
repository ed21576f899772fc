#include "cel/internal/lexer.h"

#include <algorithm>
#include <cstdint>

#include "cel/internal/characters.h"

namespace iop::cel::internal {
namespace {

bool startsName(char byte) { return isLetter(byte) || byte == '_'; }

void appendUtf8(std::string& out, std::uint32_t code) {
  const auto continuation = [&](unsigned shift) {
    out += static_cast<char>(0x80 | (code >> shift & 0x3f));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    continuation(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

class Lexer {
 public:
  Lexer(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  std::vector<Token> run() {
    while (true) {
      skipSpace();
      Token token;
      token.offset = static_cast<int>(at_);
      if (at_ >= text_.size()) {
        tokens_.push_back(std::move(token));
        return std::move(tokens_);
      }
      const std::size_t begin = at_;
      if (!read(token)) continue;
      token.source = text_.substr(begin, at_ - begin);
      tokens_.push_back(std::move(token));
    }
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skipSpace() {
    while (at_ < text_.size()) {
      if (std::string_view(" \t\n\r\f").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  // What lies between `begin` and here is no token.
  bool refuse(std::size_t begin) {
    at_ = std::min(at_, text_.size());
    while (at_ < text_.size() && isContinuation(text_[at_])) ++at_;
    std::string shown;
    for (const char byte : text_.substr(begin, at_ - begin)) {
      if (byte == '\n' || byte == '\r' || byte == '\t') {
        shown += '\\';
        shown += byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
      } else {
        shown += byte;
      }
    }
    problems_.add(static_cast<int>(begin),
                  "Syntax error: token recognition error at: '" + shown + "'");
    return false;
  }

  bool read(Token& token) {
    const std::size_t begin = at_;
    const char byte = peek();
    if (isDigit(byte) || (byte == '.' && isDigit(peek(1)))) {
      number(token);
      return true;
    }
    if (const std::size_t prefix = literalPrefix(); prefix != std::string_view::npos)
      return literal(token, prefix);
    if (startsName(byte)) {
      while (startsName(peek()) || isDigit(peek())) ++at_;
      const std::string_view word = text_.substr(begin, at_ - begin);
      const bool isKeyword = word == "true" || word == "false" || word == "null" || word == "in";
      token.kind = isKeyword ? Token::Kind::Keyword : Token::Kind::Identifier;
      token.text = word;
      return true;
    }
    if (byte == '`') return quotedName(token);
    static constexpr std::string_view kPairs[] = {"&&", "||", "==", "!=", "<=", ">="};
    token.kind = Token::Kind::Symbol;
    for (const std::string_view pair : kPairs) {
      if (text_.substr(at_, 2) != pair) continue;
      at_ += 2;
      return true;
    }
    ++at_;
    if (std::string_view("()[]{}.,:?+-*/%!<>").find(byte) != std::string_view::npos) return true;
    if (byte == '&' || byte == '|' || byte == '=') ++at_;
    return refuse(begin);
  }

  void number(Token& token) {
    token.kind = Token::Kind::Int;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && hexValue(peek(2)) >= 0) {
      at_ += 2;
      while (hexValue(peek()) >= 0) ++at_;
    } else {
      while (isDigit(peek())) ++at_;
      if (peek() == '.' && isDigit(peek(1))) {
        token.kind = Token::Kind::Double;
        ++at_;
        while (isDigit(peek())) ++at_;
      }
      if (peek() == 'e' || peek() == 'E') {
        const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
        if (isDigit(peek(1 + sign))) {
          token.kind = Token::Kind::Double;
          at_ += 1 + sign;
          while (isDigit(peek())) ++at_;
        }
      }
    }
    if (token.kind == Token::Kind::Int && (peek() == 'u' || peek() == 'U')) {
      token.kind = Token::Kind::Uint;
      ++at_;
    }
  }

  // How many letters stand before the quote of a literal; npos where none begins here.
  std::size_t literalPrefix() const {
    std::size_t size = 0;
    bool raw = false, bytes = false;
    while (size < 2) {
      const char letter = static_cast<char>(peek(size) | 0x20);
      if (letter == 'r' && !raw) {
        raw = true;
      } else if (letter == 'b' && !bytes && size == 0) {
        bytes = true;
      } else {
        break;
      }
      ++size;
    }
    return peek(size) == '"' || peek(size) == '\'' ? size : std::string_view::npos;
  }

  bool literal(Token& token, std::size_t prefix) {
    const std::size_t begin = at_;
    bool raw = false;
    token.kind = Token::Kind::String;
    for (std::size_t i = 0; i < prefix; ++i) {
      if ((peek() | 0x20) == 'r') raw = true;
      if ((peek() | 0x20) == 'b') token.kind = Token::Kind::Bytes;
      ++at_;
    }
    const char quote = peek();
    const std::string triple(3, quote);
    const bool isTriple =
        text_.substr(at_, 3) == triple && text_.find(triple, at_ + 3) != std::string_view::npos;
    const std::string closing(isTriple ? 3 : 1, quote);
    at_ += closing.size();
    while (text_.substr(at_, closing.size()) != closing) {
      if (at_ >= text_.size()) return refuse(begin);
      if (!isTriple && (peek() == '\n' || peek() == '\r')) {
        ++at_;
        return refuse(begin);
      }
      if (peek() == '\\' && !raw) {
        if (!escape(token)) return refuse(begin);
      } else {
        token.text += text_[at_++];
      }
    }
    at_ += closing.size();
    return true;
  }

  // False where this is no escape: then we are behind the byte that spoils it.
  bool escape(Token& token) {
    static constexpr std::string_view kNames = "abfnrtv\\?\"'`";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\?\"'`";
    ++at_;
    const char name = peek();
    ++at_;
    if (at_ > text_.size()) return false;
    if (const std::size_t known = kNames.find(name); known != std::string_view::npos) {
      token.text += kValues[known];
      return true;
    }
    std::size_t digits = 0;
    std::uint32_t code = 0;
    unsigned base = 16;
    const bool isByte = name == 'x' || name == 'X' || (name >= '0' && name <= '3');
    if (name == 'x' || name == 'X') {
      digits = 2;
    } else if (name == 'u') {
      digits = 4;
    } else if (name == 'U') {
      digits = 8;
    } else if (isByte) {
      base = 8;
      digits = 2;
      code = static_cast<std::uint32_t>(name - '0');
    } else {
      return false;
    }
    for (std::size_t i = 0; i < digits; ++i) {
      const int value = hexValue(peek());
      ++at_;
      if (value < 0 || static_cast<unsigned>(value) >= base) return false;
      code = code * base + static_cast<std::uint32_t>(value);
    }
    const bool isBytes = token.kind == Token::Kind::Bytes;
    if (isBytes && isByte) {
      token.text += static_cast<char>(code);
    } else if (isBytes || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      token.isBroken = true;
    } else {
      appendUtf8(token.text, code);
    }
    return true;
  }

  bool quotedName(Token& token) {
    const std::size_t begin = at_++;
    const auto isPart = [](char byte) {
      return startsName(byte) || isDigit(byte) || byte == '.' || byte == '-' || byte == '/' ||
             byte == ' ';
    };
    while (isPart(peek())) token.text += text_[at_++];
    if (peek() != '`' || token.text.empty()) {
      ++at_;
      return refuse(begin);
    }
    ++at_;
    token.kind = Token::Kind::Quoted;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Problems& problems_;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text, Problems& problems) {
  return Lexer(text, problems).run();
}

}  // namespace iop::cel::internal
