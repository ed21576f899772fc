#pragma once

// JSON as Go reads and writes it, because Kubernetes' objects, templates and error messages do.
//
//   ASSIGN_OR_RETURN(Value pod, parseJson(R"({"b":1,"a":"<x>"})"));
//   printJson(pod)                          // {"a":"\u003cx\u003e","b":1}
//   printJson(pod, {.escapeHtml = false})   // {"a":"<x>","b":1}
//
// Reading: the text must be one value. Of equal keys the last one stays. Bytes that are not UTF-8
// and surrogates without their other half become U+FFFD. Errors are BadRequest and have the words
// of Go's encoding/json ("invalid character 'x' looking for beginning of value", "unexpected end of
// JSON input").
//
// Writing: keys sorted bytewise; a double in its shortest form, with an exponent below 1e-6 and
// from 1e21 on.
//
// All functions are pure and thread-safe.

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "value/value.h"

namespace iop::text {

// How deep arrays and objects may be nested in what is read, as JSON or as YAML. Lower than Go's
// 10,000, so that whoever walks a tree may recurse.
inline constexpr int kMaxDepth = 1000;

enum class JsonNumbers {
  // As Kubernetes reads objects (sigs.k8s.io/json): an integer that fits 64 bits is an Int, others
  // are Doubles.
  IntOrDouble,
  // As encoding/json reads into an `any`: all numbers are Doubles.
  Double,
};

// Which members never become part of the tree: their text is checked and skipped. Each path is a
// JSON pointer (RFC 6901) of keys from the root; "*" stands for any key, and arrays on the way are
// passed through.
//
//   const DropPaths drop({"/metadata/managedFields", "/spec/containers/env"});
//   parseJson(text, {.drop = &drop});
//
// Immutable after construction; thread-safe.
class DropPaths {
 public:
  DropPaths() = default;
  explicit DropPaths(std::initializer_list<std::string_view> pointers);
  DropPaths(DropPaths&&) noexcept;
  DropPaths& operator=(DropPaths&&) noexcept;
  ~DropPaths();

  // For the parser: what a key leads to from some node; null where no path goes on.
  struct Node;
  const Node* root() const { return root_.get(); }

 private:
  std::unique_ptr<Node> root_;
};

struct JsonParseOptions {
  JsonNumbers numbers = JsonNumbers::IntOrDouble;
  const DropPaths* drop = nullptr;  // must outlive the call; null: everything is kept
  // A number that no double holds is null and no error: what Go's Unmarshal has made of the rest
  // when it returns that error.
  bool nullOutOfRange = false;
};

Result<Value> parseJson(std::string_view text, const JsonParseOptions& options = {});

// Reads the object of a Kubernetes LIST and gives each element of its "items" away as soon as it is
// read, so that the list never exists as one tree. Returns the rest of the object ("kind",
// "metadata", …). `drop` applies to each item, from its root. An error of `each` ends the reading
// and is returned; whatever was given away before an error stays given away.
//
//   const auto each = [&](Value pod) {
//     store.add(std::move(pod));
//     return Status();
//   };
//   ASSIGN_OR_RETURN(Value list, parseJsonList(body, each));
//   list["metadata"]["resourceVersion"].asString()
Result<Value> parseJsonList(std::string_view text, const std::function<Status(Value item)>& each,
                            const JsonParseOptions& options = {});

struct JsonPrintOptions {
  // Writes <, > and & as \u003c, \u003e and \u0026, as Go does unless told otherwise.
  bool escapeHtml = true;
  // Not empty: one member or element a line, indented by this (Go's MarshalIndent without prefix).
  std::string_view indent = {};
};

// What JSON has no number for (NaN, infinities) is written as null; no parser of this folder makes
// such a Value.
std::string printJson(const Value& value, const JsonPrintOptions& options = {});
void appendJson(std::string& out, const Value& value, const JsonPrintOptions& options = {});

// One string with its quotes; one double. NaN and infinities are "null".
void appendJsonString(std::string& out, std::string_view text, bool escapeHtml = true);
void appendJsonNumber(std::string& out, double number);

// JSON that a YAML reader understands the same way: the bodies of server-side apply, which
// kube-apiserver reads as YAML. Characters from U+007F to U+009F, U+2028, U+2029, U+FEFF, U+FFFE
// and U+FFFF are escaped and all others are themselves (YAML knows no surrogate pairs).
std::string printApplyBody(const Value& value);

// gjson's Result.String(): a string itself, a number without an exponent, true or false, null as
// "", arrays and objects as JSON without HTML escapes.
std::string printAsGjsonString(const Value& value);

}  // namespace iop::text
