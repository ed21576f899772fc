#pragma once

// The tokens of a template, one at a time (text/template/parse's lexer).
//
//   Lexer lexer("Hi {% .name %}", "{%", "%}");
//   lexer.next()      // Text "Hi ", then LeftDelim, Space, Field ".name", …
//
// After an Error token there are only Eof tokens. Not thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

namespace iop::gotemplate::internal {

enum class TokenKind : std::uint8_t {
  Error,  // the text is the message
  Bool,
  Char,  // a printable ASCII character that has no other meaning
  CharConstant,
  Complex,
  Assign,
  Declare,
  Eof,
  Field,
  Identifier,
  LeftDelim,
  LeftParen,
  Number,
  Pipe,
  RawString,
  RightDelim,
  RightParen,
  Space,
  String,
  Text,
  Variable,
  // Keywords.
  Block,
  Break,
  Continue,
  Dot,
  Define,
  Else,
  End,
  If,
  Nil,
  Range,
  Template,
  With,
};

constexpr bool isKeyword(TokenKind kind) { return kind >= TokenKind::Block; }

struct Token {
  TokenKind kind = TokenKind::Eof;
  std::uint32_t position = 0;
  std::uint32_t line = 1;  // where it starts
  std::string_view text;
};

class Lexer {
 public:
  // `input` and the delimiters must outlive the lexer and its tokens.
  Lexer(std::string_view input, std::string_view leftDelim, std::string_view rightDelim);
  Lexer(const Lexer&) = delete;
  Lexer& operator=(const Lexer&) = delete;

  Token next();

 private:
  struct RightDelim {
    bool found;
    bool trims;
  };

  std::string_view rest() const { return input_.substr(at_); }
  bool isAtEnd() const { return at_ >= input_.size(); }
  char peekByte() const { return isAtEnd() ? '\0' : input_[at_]; }
  char32_t peekRune(std::size_t& width) const;
  bool accept(std::string_view characters);
  void acceptRun(std::string_view characters);
  void skipAlphanumerics();
  bool isAtTerminator() const;
  RightDelim atRightDelim() const;

  Token emit(TokenKind kind);
  void ignore();
  Token error(std::string message);
  Token badCharacter();

  // Each reads one token; lexText may find none and go on with the action, lexComment with the
  // text.
  Token lexText();
  bool skipComment(Token& failure);
  Token lexRightDelim();
  Token lexInsideAction();
  Token lexSpace();
  Token lexIdentifier();
  Token lexFieldOrVariable(TokenKind kind);
  Token lexQuoted(char delimiter, TokenKind kind, const char* unterminated);
  Token lexRawString();
  Token lexNumber();
  bool scanNumber();

  std::string_view input_;
  std::string_view left_;
  std::string_view right_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;   // of the current token
  std::uint32_t line_ = 1;  // at start_
  bool insideAction_ = false;
  int parenDepth_ = 0;
  std::string message_;  // of the error
};

}  // namespace iop::gotemplate::internal
