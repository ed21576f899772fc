#include "apiserver/storage/internal/history.h"

#include <algorithm>
#include <utility>

#include "apiserver/storage/internal/measure.h"
#include "base/result.h"

namespace iop::apiserver::storage {
namespace {

// How many lists of one table may be read page by page at the same time without starting afresh
// for each page.
constexpr std::size_t kPasts = 4;

}  // namespace

History::Iterator History::after(std::uint64_t version) const {
  return std::upper_bound(
      records_.begin(), records_.end(), version,
      [](std::uint64_t wanted, const Record& record) { return wanted < record.change->version; });
}

void History::forget(std::uint64_t version) {
  while (!records_.empty() && records_.front().change->version <= version) records_.pop_front();
  oldest_ = std::max(oldest_, version);
  std::erase_if(pasts_, [&](const auto& past) { return past->version() < oldest_; });
}

std::size_t History::dropOldest() {
  const std::size_t bytes = records_.front().bytes;
  forget(records_.front().change->version);
  return bytes;
}

const Past& History::past(std::uint64_t version) {
  ASSERT(version >= oldest_);
  const auto found = std::find_if(pasts_.begin(), pasts_.end(),
                                  [&](const auto& past) { return past->version() == version; });
  if (found != pasts_.end()) {
    std::rotate(found, found + 1, pasts_.end());
  } else {
    if (pasts_.size() == kPasts) pasts_.erase(pasts_.begin());
    pasts_.push_back(std::make_unique<Past>(version));
  }
  Past& past = *pasts_.back();
  for (auto at = after(past.seen_); at != end(); ++at) {
    const ChangePtr& change = at->change;
    const auto state = past.states_.try_emplace(&change->key, Past::State{change}).first;
    state->second.isThereNow = change->after != nullptr;
    past.seen_ = change->version;
  }
  return past;
}

std::size_t History::pastBytes() const {
  // A node of the map: its links, key and state.
  constexpr std::size_t kNode = allocatedBytes(32 + sizeof(Past::States::value_type));
  std::size_t bytes = 0;
  for (const auto& past : pasts_) bytes += past->states().size() * kNode;
  return bytes;
}

}  // namespace iop::apiserver::storage
