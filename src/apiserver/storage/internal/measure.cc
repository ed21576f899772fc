#include "apiserver/storage/internal/measure.h"

#include "text/json.h"

namespace iop::apiserver::storage {
namespace {

// The headers that value.cc puts before the content of its blocks.
constexpr std::size_t kStringHeader = 8;
constexpr std::size_t kTreeHeader = 16;
constexpr std::size_t kLongestInlineString = 15;

// Of the Value's own block, without what is below it.
std::size_t blockBytes(const Value& tree) {
  switch (tree.type()) {
    case Value::Type::String:
      return tree.size() > kLongestInlineString ? allocatedBytes(kStringHeader + tree.size()) : 0;
    case Value::Type::Array:
      return allocatedBytes(kTreeHeader + tree.size() * sizeof(Value));
    case Value::Type::Object:
      return allocatedBytes(kTreeHeader + tree.size() * sizeof(Member));
    default:
      return 0;
  }
}

bool add(const Value& tree, int depth, std::size_t& bytes) {
  bytes += blockBytes(tree);
  if (!tree.isArray() && !tree.isObject()) return true;
  if (depth == text::kMaxDepth) return false;
  for (const Value& item : tree.items()) {
    if (!add(item, depth + 1, bytes)) return false;
  }
  for (const Member& member : tree.members()) {
    bytes += blockBytes(member.name);
    if (!add(member.value, depth + 1, bytes)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::size_t> measure(const Value& tree) {
  std::size_t bytes = 0;
  if (!add(tree, 0, bytes)) return std::nullopt;
  return bytes;
}

std::size_t unsharedBytes(const Value& before, const Value& after) {
  if (before.isSame(after)) return 0;
  std::size_t bytes = blockBytes(before);
  for (std::size_t i = 0; i < before.items().size(); ++i) {
    bytes += unsharedBytes(before.at(i), after.at(i));
  }
  for (const Member& member : before.members()) {
    // A key is shared where its member was copied from the other tree, which cannot be seen from
    // outside of the tree. Long keys are rare enough to leave them out.
    bytes += unsharedBytes(member.value, after[member.key()]);
  }
  return bytes;
}

}  // namespace iop::apiserver::storage
