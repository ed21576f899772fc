#pragma once

// The pieces of a gjson path, split but not yet evaluated. Views into the path.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace iop::value::internal {

// What follows a component: the path goes on below each match ("more"), or applies to the result as
// a whole ("pipe").
struct Tail {
  std::optional<std::string_view> more;
  std::optional<std::string_view> pipe;
};

// One component where the tree has an object.
struct KeyPart {
  std::string key;
  bool wild = false;  // key is a pattern
  Tail tail;
};
KeyPart parseKeyPart(std::string_view path);

// "#(path op value)".
struct Query {
  std::string_view path;
  std::string_view op;  // empty: the path need only exist
  std::string value;
  bool all = false;  // "#(…)#"
};

// One component where the tree has an array.
struct ElementPart {
  std::string_view part;
  bool hash = false;                        // has a "#": no index
  std::optional<std::string_view> forEach;  // "#.rest": rest
  std::optional<Query> query;
  bool open = false;  // a query that is not closed
  Tail tail;
};
ElementPart parseElementPart(std::string_view path);

// "@name:argument" and what follows it. `name` is one of gjson's own modifiers.
struct Modifier {
  std::string_view name;
  std::string_view argument;
  std::string_view rest;
};
std::optional<Modifier> parseModifier(std::string_view path);

// "{a,"b":c}" or "[a,b]" and what follows it.
struct Selector {
  std::string_view name;  // with its quotes, where it has some; empty: taken from the path
  std::string_view path;
};
struct Selectors {
  std::vector<Selector> all;
  std::string_view rest;
};
std::optional<Selectors> parseSelectors(std::string_view path);
// The key of a selector without a name: the last component of its path, or "_" where that is no
// simple name.
std::string_view nameOfSelector(std::string_view path);

// "!value", a JSON literal as a path.
bool isLiteral(std::string_view path);

// Splits at the first "|" that belongs to the whole path; nothing where there is none.
struct Split {
  std::string_view left;
  std::string_view right;
};
std::optional<Split> splitAtPipe(std::string_view path);

// The content of a JSON string without its quotes, as far as its escapes are understood.
std::string unescape(std::string_view text);

}  // namespace iop::value::internal
