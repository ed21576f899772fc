#pragma once

// The tokens of an expression (cel-spec, doc/langdef.md, "Syntax").

#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/problems.h"

namespace iop::cel::internal {

struct Token {
  enum class Kind {
    End,
    Identifier,
    Quoted,   // an identifier in backquotes
    Keyword,  // true, false, null, in
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Symbol,
  };
  Kind kind = Kind::End;
  std::string_view source;  // as it is written; empty at the end
  std::string text;         // String, Bytes, Quoted: what it means
  bool isBroken = false;    // String, Bytes: escapes without a meaning
  int offset = 0;
};

// Ends with one token of kind End. What is no token is added to `problems` and left out.
std::vector<Token> tokenize(std::string_view text, Problems& problems);

}  // namespace iop::cel::internal
