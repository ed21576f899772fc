#include "apiserver/storage/internal/table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/result.h"

namespace iop::apiserver::storage {
namespace {

// Entries of a chunk: enough to keep the list of chunks short, few enough to be moved quickly.
constexpr std::size_t kChunk = 64;

bool isBefore(const Entry& entry, std::string_view name) { return entry.name < name; }

}  // namespace

int compareNamespaces(std::string_view a, std::string_view b) {
  const std::size_t common = std::min(a.size(), b.size());
  const int order = a.substr(0, common).compare(b.substr(0, common));
  if (order != 0 || a.size() == b.size()) return order;
  // The shorter one is followed by the slash.
  const bool aIsShorter = a.size() < b.size();
  const auto next = static_cast<unsigned char>(aIsShorter ? b[common] : a[common]);
  const bool shorterIsFirst = static_cast<unsigned char>('/') <= next;
  return aIsShorter == shorterIsFirst ? -1 : 1;
}

int compareKeys(std::string_view namespaceA, std::string_view nameA, std::string_view namespaceB,
                std::string_view nameB) {
  const int order = compareNamespaces(namespaceA, namespaceB);
  return order != 0 ? order : nameA.compare(nameB);
}

// --- Names ---

// The chunk that has the name or is the one for it; 0 where there are no chunks.
std::size_t Names::chunkOf(std::string_view name) const {
  const auto next = std::upper_bound(
      chunks_.begin(), chunks_.end(), name,
      [](std::string_view text, const std::vector<Entry>& chunk) { return text < chunk[0].name; });
  return next == chunks_.begin() ? 0 : static_cast<std::size_t>(next - chunks_.begin()) - 1;
}

Entry* Names::find(std::string_view name) {
  if (chunks_.empty()) return nullptr;
  std::vector<Entry>& chunk = chunks_[chunkOf(name)];
  const auto found = std::lower_bound(chunk.begin(), chunk.end(), name, isBefore);
  return found != chunk.end() && found->name == name ? &*found : nullptr;
}

Names::Position Names::after(std::string_view name) const {
  if (chunks_.empty()) return {};
  const std::size_t at = chunkOf(name);
  const std::vector<Entry>& chunk = chunks_[at];
  const auto found =
      std::upper_bound(chunk.begin(), chunk.end(), name,
                       [](std::string_view text, const Entry& entry) { return text < entry.name; });
  if (found == chunk.end()) return {at + 1, 0};
  return {at, static_cast<std::size_t>(found - chunk.begin())};
}

const Entry* Names::at(const Position& position) const {
  return position.chunk < chunks_.size() ? &chunks_[position.chunk][position.index] : nullptr;
}

void Names::advance(Position& position) const {
  if (++position.index < chunks_[position.chunk].size()) return;
  position = {position.chunk + 1, 0};
}

std::size_t Names::countFrom(const Position& position) const {
  if (position.chunk == 0) return size_ - position.index;
  std::size_t count = 0;
  for (std::size_t i = position.chunk; i < chunks_.size(); ++i) count += chunks_[i].size();
  return count - position.index;
}

Entry& Names::insert(std::string_view name) {
  std::size_t at = chunkOf(name);
  if (chunks_.empty()) chunks_.emplace_back();
  if (chunks_[at].size() == kChunk) {
    std::vector<Entry>& full = chunks_[at];
    // Names that come in order fill chunk after chunk; others halve them.
    const bool isAppended = at + 1 == chunks_.size() && full.back().name < name;
    const std::size_t middle = isAppended ? kChunk : kChunk / 2;
    const bool goesBehind = isAppended || full[middle].name < name;
    std::vector<Entry> upper(std::make_move_iterator(full.begin() + static_cast<long>(middle)),
                             std::make_move_iterator(full.end()));
    full.resize(middle);
    chunks_.insert(chunks_.begin() + static_cast<long>(at) + 1, std::move(upper));
    if (goesBehind) ++at;
  }
  std::vector<Entry>& chunk = chunks_[at];
  const auto place = std::lower_bound(chunk.begin(), chunk.end(), name, isBefore);
  ASSERT(place == chunk.end() || place->name != name);
  ++size_;
  Entry fresh;
  fresh.name = name;
  return *chunk.insert(place, std::move(fresh));
}

void Names::erase(std::string_view name) {
  ASSERT(!chunks_.empty());
  const std::size_t at = chunkOf(name);
  std::vector<Entry>& chunk = chunks_[at];
  const auto found = std::lower_bound(chunk.begin(), chunk.end(), name, isBefore);
  ASSERT(found != chunk.end() && found->name == name);
  chunk.erase(found);
  --size_;
  if (chunk.empty()) {
    chunks_.erase(chunks_.begin() + static_cast<long>(at));
    return;
  }
  // Chunks that have become small are joined, so that many deletions leave no long list of them.
  if (at + 1 == chunks_.size()) return;
  std::vector<Entry>& next = chunks_[at + 1];
  if (chunk.size() + next.size() > kChunk / 2) return;
  std::move(next.begin(), next.end(), std::back_inserter(chunk));
  chunks_.erase(chunks_.begin() + static_cast<long>(at) + 1);
}

// --- Table ---

std::size_t Table::sizeOf(std::string_view namespaceName) const {
  const auto space = namespaces_.find(namespaceName);
  return space == namespaces_.end() ? 0 : space->second.size();
}

Entry* Table::find(const ObjectKey& key) {
  const auto space = namespaces_.find(key.namespaceName);
  return space == namespaces_.end() ? nullptr : space->second.find(key.name);
}

Entry& Table::insert(const ObjectKey& key) {
  hadObjects_ = true;
  ++size_;
  return namespaces_[key.namespaceName].insert(key.name);
}

void Table::erase(const ObjectKey& key) {
  const auto space = namespaces_.find(key.namespaceName);
  ASSERT(space != namespaces_.end());
  space->second.erase(key.name);
  if (space->second.size() == 0) namespaces_.erase(space);
  --size_;
}

// --- Cursor ---

Cursor::Cursor(const Table& table, const std::string& onlyNamespace, const ObjectKey& after)
    : space_(table.namespaces().begin()), end_(table.namespaces().end()) {
  const bool isFromStart = after == ObjectKey();
  if (!onlyNamespace.empty()) {
    space_ = table.namespaces().find(onlyNamespace);
    if (space_ != end_) end_ = std::next(space_);
  }
  if (!isFromStart) {
    if (onlyNamespace.empty()) {
      space_ = table.namespaces().lower_bound(after.namespaceName);
    } else if (compareNamespaces(onlyNamespace, after.namespaceName) < 0) {
      space_ = end_;
    }
    if (space_ != end_ && space_->first == after.namespaceName) {
      position_ = space_->second.after(after.name);
    }
  }
  skipEnds();
}

void Cursor::advance() {
  space_->second.advance(position_);
  skipEnds();
}

void Cursor::skipEnds() {
  for (; space_ != end_; ++space_, position_ = {}) {
    entry_ = space_->second.at(position_);
    if (entry_ != nullptr) return;
  }
  entry_ = nullptr;
}

std::size_t Cursor::count() const {
  if (entry_ == nullptr) return 0;
  std::size_t count = space_->second.countFrom(position_);
  for (auto space = std::next(space_); space != end_; ++space) count += space->second.size();
  return count;
}

}  // namespace iop::apiserver::storage
