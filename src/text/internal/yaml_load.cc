#include "text/internal/yaml_load.h"

#include <yaml.h>

#include <map>
#include <optional>

#include "text/internal/utf8.h"
#include "text/json.h"

namespace iop::text::internal {
namespace {

// How many "\\'" one document may have: each means to read it once more.
constexpr int kMaxRepairs = 100;

// Reads the first document of a text into nodes.
class Loader {
 public:
  // `firstLine` is added to the lines in errors.
  Loader(std::string_view text, int firstLine) : text_(text), firstLine_(firstLine) {
    ASSERT(yaml_parser_initialize(&parser_) != 0);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }

  // Null for a stream without a document.
  Result<const Node*> load() {
    Node* root = nullptr;
    if (!next() || !next()) return tl::unexpected(error_);
    if (event_.type != YAML_STREAM_END_EVENT) {
      root = next() ? loadNode() : nullptr;
      // What stands behind the document may show that it has not ended well.
      if (root == nullptr || !next()) return tl::unexpected(error_);
    }
    return root;
  }

  // After load(): whether something stands behind the document, be it readable or not.
  bool hasMore() {
    return event_.type != YAML_STREAM_END_EVENT &&
           (!next() || event_.type != YAML_STREAM_END_EVENT);
  }

  std::deque<Node> takeNodes() { return std::move(nodes_); }

  // After an error: where a "\\'" in double quotes was refused, which libyaml does not know and
  // Go's port of it reads.
  std::optional<std::size_t> refusedQuote() const {
    if (parser_.problem == nullptr ||
        std::string_view(parser_.problem) != "found unknown escape character")
      return {};
    std::size_t at = text_.substr(0, 3) == "\xEF\xBB\xBF" ? 3 : 0;
    for (std::size_t i = 0; i < parser_.problem_mark.index && at < text_.size(); ++i) {
      at += internal::decodeRune(text_.substr(at)).size;
    }
    return text_.substr(at, 2) == "\\'" ? std::optional(at) : std::nullopt;
  }

 private:
  // Moves on to the next event.
  bool next() {
    yaml_event_delete(&event_);
    if (yaml_parser_parse(&parser_, &event_) != 0) return true;
    error_ = yamlError("yaml: " + where() +
                       (parser_.problem != nullptr ? parser_.problem : "unknown problem"));
    return false;
  }

  // "line 3: ", counted as go-yaml does: a scanner's mark is the line before, and the first line
  // has no number.
  std::string where() const {
    const bool scanner = parser_.error == YAML_SCANNER_ERROR;
    std::size_t line = 0;
    if (parser_.problem_mark.line != 0) {
      line = parser_.problem_mark.line + (scanner ? 1 : 0);
    } else if (parser_.context_mark.line != 0) {
      line = parser_.context_mark.line;
    } else if (firstLine_ != 0 && parser_.error != YAML_READER_ERROR) {
      line = 1;
    }
    if (line == 0) return {};
    return "line " + std::to_string(line + static_cast<std::size_t>(firstLine_)) + ": ";
  }

  // The node that begins with the current event; null after an error.
  Node* loadNode() {
    if (event_.type == YAML_ALIAS_EVENT) return loadAlias();
    Node& node = nodes_.emplace_back();
    node.line = static_cast<int>(event_.start_mark.line);
    node.column = static_cast<int>(event_.start_mark.column);
    switch (event_.type) {
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event_.data.scalar;
        node.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        node.plain = scalar.plain_implicit != 0;
        node.block = scalar.style == YAML_LITERAL_SCALAR_STYLE;
        describe(node, scalar.tag, scalar.anchor);
        return &node;
      }
      case YAML_SEQUENCE_START_EVENT:
        node.kind = Node::Kind::Sequence;
        describe(node, event_.data.sequence_start.tag, event_.data.sequence_start.anchor);
        return loadEntries(node, YAML_SEQUENCE_END_EVENT);
      default:
        ASSERT(event_.type == YAML_MAPPING_START_EVENT);
        node.kind = Node::Kind::Mapping;
        describe(node, event_.data.mapping_start.tag, event_.data.mapping_start.anchor);
        return loadEntries(node, YAML_MAPPING_END_EVENT);
    }
  }

  void describe(Node& node, const yaml_char_t* tag, const yaml_char_t* anchor) {
    if (tag != nullptr) node.tag = reinterpret_cast<const char*>(tag);
    if (anchor != nullptr) anchors_[reinterpret_cast<const char*>(anchor)] = &node;
  }

  Node* loadAlias() {
    const std::string name = reinterpret_cast<const char*>(event_.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      error_ = yamlError("yaml: unknown anchor '" + name + "' referenced");
      return nullptr;
    }
    Node& node = nodes_.emplace_back();
    node.kind = Node::Kind::Alias;
    node.line = static_cast<int>(event_.start_mark.line);
    node.text = name;
    node.target = found->second;
    return &node;
  }

  Node* loadEntries(Node& node, yaml_event_type_t end) {
    if (++depth_ > kMaxDepth) {
      error_ = yamlError("yaml: exceeded max depth of " + std::to_string(kMaxDepth));
      return nullptr;
    }
    for (;;) {
      if (!next()) return nullptr;
      if (event_.type == end) break;
      Node* entry = loadNode();
      if (entry == nullptr) return nullptr;
      node.entries.push_back(entry);
    }
    --depth_;
    return &node;
  }

  yaml_parser_t parser_{};
  yaml_event_t event_{};
  std::string_view text_;
  int firstLine_;
  int depth_ = 0;
  std::deque<Node> nodes_;
  std::map<std::string, Node*> anchors_;
  Error error_;
};

}  // namespace

Error yamlError(std::string message) { return Error{Code::BadRequest, std::move(message), {}, 0}; }

Result<YamlNodes> loadFirst(std::string_view text, int firstLine) {
  std::string repaired;
  for (int repairs = 0;; ++repairs) {
    Loader loader(text, firstLine);
    Result<const Node*> root = loader.load();
    if (root) return YamlNodes{loader.takeNodes(), *root, loader.hasMore()};
    const std::optional<std::size_t> quote = loader.refusedQuote();
    if (!quote || repairs == kMaxRepairs) return tl::unexpected(root.error());
    repaired = std::string(text).erase(*quote, 1);
    text = repaired;
  }
}

}  // namespace iop::text::internal
