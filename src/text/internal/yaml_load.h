#pragma once

// A YAML document as libyaml sees it: nodes with their places, before scalars mean anything.

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::text::internal {

// The shape of a document before its scalars mean anything: aliases point, merges are not done.
struct Node {
  enum class Kind { Scalar, Sequence, Mapping, Alias };

  Kind kind = Kind::Scalar;
  int line = 0;  // from 0
  int column = 0;
  bool block = false;  // a scalar in | form
  std::string tag;
  std::string text;            // of a scalar; the name of an alias
  bool plain = false;          // a scalar without quotes and without a tag
  std::vector<Node*> entries;  // of a mapping: keys and values in turn
  Node* target = nullptr;      // of an alias
};

// The first document of a text. The nodes live as long as this.
struct YamlNodes {
  std::deque<Node> nodes;
  const Node* root = nullptr;  // null where there is no document
  bool more = false;           // something stands behind the document
};

Error yamlError(std::string message);

// `firstLine` is added to the lines in errors, which have the words of Go's library.
Result<YamlNodes> loadFirst(std::string_view text, int firstLine);

}  // namespace iop::text::internal
