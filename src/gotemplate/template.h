#pragma once

// Templates of Go: the language of text/template (Go 1.26) with the text functions of sprig 3.3.
//
//   ASSIGN_OR_RETURN(Template greeting, Template::parse("Hello {% .name | upper %}!"));
//   ASSIGN_OR_RETURN(std::string text,
//                    greeting.execute(Value::object({{"name", "world"}})));   // Hello WORLD!
//   render("{% .a.b", data).error().message     // template: :1: unclosed action
//
// Delimiters are {% and %} unless told otherwise. Outputs and error texts are Go's to the letter.
// Every number of the data, Int or Double, is a float64 to the template, as encoding/json would
// have made it. The data is read where it is: neither copied nor changed, also by functions such as
// `set`, whose effects are seen by the running template only.
//
// Executions are bounded (Limits): a hostile template ends in an error that names the bound it hit.
// The functions env, expandenv and getHostByName are refused when a template is parsed. The order
// of `keys` and `values`, random in Go, is sorted here.
//
// Not here: Helm's functions (include, toYaml, …), html/template, and rendering of whole trees.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::gotemplate {

// What a field of a map that has no such key gives (Go's option "missingkey").
enum class MissingKey {
  Default,  // no value; prints "<no value>" ("default", "invalid")
  Zero,     // the zero value of the map's elements: nil ("zero")
  Error,    // the execution fails ("error")
};

struct ParseOptions {
  // The template's name, which stands in error texts.
  std::string_view name = {};
  std::string_view leftDelim = "{%";
  std::string_view rightDelim = "%}";
  MissingKey missingKey = MissingKey::Default;
};

// What one execution may use. Hitting a bound is an error of code RequestEntityTooLarge (Timeout
// for `wallTime`) with the place and the bound: `template: :1:3: executing "" at <…>: exceeded the
// limit of 1000000 steps`.
struct Limits {
  // Units of work: one for each statement, command, argument and element that is walked and for
  // every 256 bytes that a function reads or makes; more for what is slow by design (bcrypt
  // 100,000, an RSA key of 4096 bits 400,000).
  std::uint64_t steps = 1'000'000;
  // Bytes of the result.
  std::size_t outputBytes = 8u << 20;
  // Templates that call each other; the default is Go's.
  int templateDepth = 100'000;
  // Nesting of a value that is printed, compared, copied or merged.
  int valueDepth = 1'000;
  // Bytes of any one value that a function makes.
  std::size_t valueBytes = 4u << 20;
  // Bytes of all values that one execution makes, whether still in use or not.
  std::size_t memoryBytes = 32u << 20;
  std::chrono::milliseconds wallTime{10'000};
};

// What is parsed: larger and deeper sources are refused (RequestEntityTooLarge). Parentheses in
// parentheses end in Go's "max expression depth exceeded", at a tenth of Go's depth.
inline constexpr std::size_t kMaxSourceBytes = 4u << 20;
inline constexpr int kMaxControlDepth =
    1'000;  // if, with, range and block within each other, "else if" counting
inline constexpr int kMaxExpressionDepth = 1'000;  // parentheses

// A field that a template names, and where: the line from 1, the column in bytes from 0, as in Go's
// errors.
struct FieldUse {
  std::vector<std::string> names;  // of .a.b: a, b
  int line = 1;
  int column = 0;
};

namespace internal {
struct Program;
}

// A parsed template. Immutable; copies are cheap and share everything; any number of threads may
// execute it at once.
class Template {
 public:
  // Errors are Invalid with Go's text: `template: NAME:LINE: function "x" not defined`.
  static Result<Template> parse(std::string_view text, const ParseOptions& options = {});

  // The whole output, or an error and no output. Errors are Invalid with Go's text (`template:
  // :1:3: executing "" at <.x>: …`), except where a bound of `limits` was hit. A null root is Go's
  // nil.
  Result<std::string> execute(const Value& data, const Limits& limits = {}) const;

  // The fields of the data that the text names, in its order: ".a.b" where the dot is the data
  // itself, "$.a.b" everywhere but in templates that it calls. For linters; what is reached in
  // other ways (range, with, index, variables) is not there.
  std::vector<FieldUse> fields() const;

  // What it takes on the heap, about.
  std::size_t bytes() const;

 private:
  explicit Template(std::shared_ptr<const internal::Program> program);

  std::shared_ptr<const internal::Program> program_;
};

// True where a text has the left delimiter at all; other texts render to themselves.
inline bool containsAction(std::string_view text, std::string_view leftDelim = "{%") {
  return text.find(leftDelim) != std::string_view::npos;
}

// Parses and executes once, with the default options. A text without an action is returned as it
// is.
Result<std::string> render(std::string_view text, const Value& data, const Limits& limits = {});

// Parsed templates by their text, the most recently used ones, for those who render the same texts
// again and again. Any number of threads may use one cache at once.
//
//   TemplateCache cache(16u << 20);
//   ASSIGN_OR_RETURN(std::string text, cache.render("{% .a %}", data));
class TemplateCache {
 public:
  // Keeps templates of up to `maxBytes` bytes altogether (their own and their nodes').
  explicit TemplateCache(std::size_t maxBytes = 16u << 20, ParseOptions options = {});
  ~TemplateCache();
  TemplateCache(const TemplateCache&) = delete;
  TemplateCache& operator=(const TemplateCache&) = delete;

  // The template of that text, parsed only if it is not in the cache. Errors are not kept.
  Result<Template> get(std::string_view text);
  Result<std::string> render(std::string_view text, const Value& data, const Limits& limits = {});

  // For metrics.
  std::size_t size() const;
  std::size_t bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One function that templates can call, for documentation.
struct FunctionInfo {
  std::string_view name;
  std::string_view group;  // "strings", "lists", …; "builtin" for those of Go itself
  std::string signature;   // "(string, int) string"
};

// All functions, sorted by name.
std::vector<FunctionInfo> listFunctions();

}  // namespace iop::gotemplate
