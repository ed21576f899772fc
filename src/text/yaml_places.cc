#include <algorithm>
#include <charconv>

#include "text/internal/utf8.h"
#include "text/internal/yaml_load.h"
#include "text/yaml.h"

namespace iop::text {

using internal::Node;

struct YamlPlaces::Tree {
  internal::YamlNodes nodes;
  std::string text;  // of the document and what follows it
  int firstLine = 0;

  std::vector<std::size_t> starts;  // of the lines

  std::string_view lineAt(int number) const {
    const auto index = static_cast<std::size_t>(number);
    if (index >= starts.size()) return {};
    const std::string_view rest = std::string_view(text).substr(starts[index]);
    return rest.substr(0, rest.find('\n'));
  }

  // The node at the path, or the nearest around it; null where there is no document.
  const Node* find(std::string_view path) const {
    const Node* node = nodes.root;
    while (node != nullptr && !path.empty()) {
      if (path[0] == '.') path.remove_prefix(1);
      const Node* inner = node->kind == Node::Kind::Alias ? node->target : node;
      const Node* next = inner->kind == Node::Kind::Sequence  ? takeIndex(*inner, path)
                         : inner->kind == Node::Kind::Mapping ? takeKey(*inner, path)
                                                              : nullptr;
      if (next == nullptr) return node;
      node = next;
    }
    return node;
  }

 private:
  static const Node* takeIndex(const Node& node, std::string_view& path) {
    std::size_t index = 0;
    if (path[0] != '[') return nullptr;
    const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
    if (error != std::errc() || end == path.data() + path.size() || *end != ']' ||
        index >= node.entries.size()) {
      return nullptr;
    }
    path.remove_prefix(static_cast<std::size_t>(end - path.data()) + 1);
    return node.entries[index];
  }

  // The longest key that the path begins with: keys may have dots in them.
  static const Node* takeKey(const Node& node, std::string_view& path) {
    const Node* found = nullptr;
    std::size_t length = 0;
    for (std::size_t i = 0; i + 1 < node.entries.size(); i += 2) {
      const std::string& key = node.entries[i]->text;
      const bool fits =
          path.starts_with(key) &&
          (path.size() == key.size() || path[key.size()] == '.' || path[key.size()] == '[');
      if (!fits || key.size() < length) continue;
      found = node.entries[i + 1];
      length = key.size();
    }
    path.remove_prefix(length);
    return found;
  }
};

YamlPlaces::YamlPlaces(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
YamlPlaces::~YamlPlaces() = default;
YamlPlaces::YamlPlaces(YamlPlaces&&) noexcept = default;
YamlPlaces& YamlPlaces::operator=(YamlPlaces&&) noexcept = default;

Result<YamlPlaces> YamlPlaces::of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  auto tree = std::make_unique<Tree>();
  // Up to the next document, as parseYamlDocuments reads it.
  const std::size_t end = text.find("\n---");
  tree->text = text.substr(0, end == std::string_view::npos ? end : end + 1);
  tree->firstLine = line - 1;
  for (std::size_t at = 0; at != std::string::npos && at < tree->text.size();) {
    tree->starts.push_back(at);
    at = tree->text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  ASSIGN_OR_RETURN(tree->nodes, internal::loadFirst(tree->text, tree->firstLine));
  return YamlPlaces(std::move(tree));
}

YamlPlace YamlPlaces::find(std::string_view path) const {
  const Node* node = tree_->find(path);
  if (node == nullptr) return {tree_->firstLine + 1, 1};
  return {tree_->firstLine + node->line + 1, node->column + 1};
}

YamlPlace YamlPlaces::find(std::string_view path, int lines, int bytes) const {
  const YamlPlace start = find(path);
  const Node* node = tree_->find(path);
  if (node == nullptr || node->kind != Node::Kind::Scalar) return start;
  std::string_view line = node->text;
  for (int i = 0; i < lines; ++i) {
    const std::size_t end = line.find('\n');
    if (end == std::string_view::npos) return start;
    line.remove_prefix(end + 1);
  }
  line = line.substr(0, line.find('\n'));
  const auto within = static_cast<int>(
      std::ranges::count_if(line.substr(0, static_cast<std::size_t>(bytes)),
                            [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  if (node->block) {
    // The lines of the block stand below its "|", indented.
    const std::string_view source = tree_->lineAt(node->line + 1 + lines);
    const std::size_t indent = source.find(line);
    if (indent == std::string_view::npos) return start;
    return {start.line + 1 + lines, static_cast<int>(indent) + within + 1};
  }
  if (lines > 0) return start;
  const std::string_view source = tree_->lineAt(node->line);
  std::size_t at = 0;  // in bytes, of the node's column
  for (int column = 0; column < node->column && at < source.size(); ++column)
    at += internal::decodeRune(source.substr(at)).size;
  const bool quoted = at < source.size() && (source[at] == '"' || source[at] == '\'');
  if (!source.substr(std::min(at + (quoted ? 1 : 0), source.size())).starts_with(node->text))
    return start;
  return {start.line, start.column + (quoted ? 1 : 0) + within};
}

}  // namespace iop::text
