#pragma once

// YAML as Go's Kubernetes libraries read and write it (sigs.k8s.io/yaml): YAML 1.1 by way of JSON.
//
//   ASSIGN_OR_RETURN(Value job, parseYaml("metadata: {name: a}\nspec: {size: 0x10, on: yes}\n"));
//   printYaml(job)   // metadata:
//                    //   name: a
//                    // spec:
//                    //   size: 16
//                    //   "true": true
//
// Reading: yes, no, on, off, y and n are no strings where YAML 1.1 says so; 0123 is octal, 0x1F,
// 0b1 and 1_000 are integers; 1.0 and 1e3 become Ints, as they do on their way through JSON; times
// stay strings; keys become strings ("true", "1"); merge keys, anchors and aliases work, within
// bounds. Errors are BadRequest and have Go's words ("yaml: line 3: mapping values are not allowed
// in this context").
//
// All functions are pure and thread-safe.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::text {

enum class DuplicateKeys {
  LastWins,  // as Unmarshal and kubectl have it
  Reject,    // an error, as UnmarshalStrict has it; keys that a merge ("<<") brings count, too
};

// The first document of the text; null where there is none or it is empty. What follows a first
// document is not looked at, as Go has it; where there may be several, use parseYamlDocuments. JSON
// is YAML, too.
Result<Value> parseYaml(std::string_view text, DuplicateKeys duplicates = DuplicateKeys::LastWins);

struct YamlDocument {
  Value value;
  int line = 1;  // the first one of the document, behind its "---"; the text begins with line 1
  bool more = false;  // up to the next "---" stands more than the document: it is not read
};

// All documents, separated by lines that begin with "---" (apimachinery's YAMLReader: only spaces
// and a comment may follow on such a line). Documents that are empty, null or only comments are
// left out. Lines in errors are counted from the start of the text.
Result<std::vector<YamlDocument>> parseYamlDocuments(
    std::string_view text, DuplicateKeys duplicates = DuplicateKeys::LastWins);

// Where something stands in a text, counted from 1; columns in characters.
struct YamlPlace {
  int line = 1;
  int column = 1;
};

// Where the parts of one document stand in its text, for messages.
//
//   ASSIGN_OR_RETURN(const YamlPlaces places, YamlPlaces::of(text, document.line));
//   places.find("spec.resources[0].stringTemplate", 3, 7)   // of the fourth line of that text
class YamlPlaces {
 public:
  // `text` is what parseYamlDocuments read, `line` the document's. Errors are those of reading.
  static Result<YamlPlaces> of(std::string_view text, int line);
  ~YamlPlaces();
  YamlPlaces(YamlPlaces&&) noexcept;
  YamlPlaces& operator=(YamlPlaces&&) noexcept;

  // Of the value at a path of keys and indexes ("spec.vars[0].name"; a key may have dots in it), or
  // of the nearest one around it that is there.
  YamlPlace find(std::string_view path) const;
  // Of a byte within the string at the path: `lines` line breaks and `bytes` bytes behind its
  // beginning, as far as its form lets it be told (| blocks, and strings on one line without
  // escapes); else of the string.
  YamlPlace find(std::string_view path, int lines, int bytes) const;

 private:
  struct Tree;
  explicit YamlPlaces(std::unique_ptr<Tree> tree);

  std::unique_ptr<Tree> tree_;
};

// As kubectl prints (-o yaml): block style, keys in natural order (a2 before a10), indented by two,
// lists not indented below their key, strings quoted only where they would be read as something
// else, several lines as a | block, lines folded at the first space after column 80. Ends with a
// line break. parseYaml(printYaml(v)) is what parseJson makes of printJson(v): the same again,
// except that a Double with an integral value comes back as an Int and bytes that are not UTF-8 as
// U+FFFD.
std::string printYaml(const Value& value);
void appendYaml(std::string& out, const Value& value);

}  // namespace iop::text
