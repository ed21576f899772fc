#include "apiserver/storage/internal/page.h"

#include <algorithm>
#include <utility>

namespace iop::apiserver::storage {
namespace {

struct StateRange {
  Past::States::const_iterator at;
  Past::States::const_iterator end;
};

// The differences that concern the range.
StateRange findStates(const Past::States& states, const ListRange& range) {
  const bool isFromStart = range.after == ObjectKey();
  if (range.namespaceName.empty()) {
    return {isFromStart ? states.begin() : states.upper_bound(&range.after), states.end()};
  }
  // No name is empty: this is before all of the namespace.
  const ObjectKey first{range.namespaceName, {}};
  auto at = states.lower_bound(&first);
  auto end = at;
  while (end != states.end() && end->first->namespaceName == range.namespaceName) ++end;
  if (!isFromStart) {
    const Past::KeyOrder isBefore;
    while (at != end && !isBefore(&range.after, at->first)) ++at;
  }
  return {at, end};
}

}  // namespace

ListPage readPage(const Table& table, const ListRange& range, const Past* past,
                  std::uint64_t version) {
  static const Past::States kNoStates;
  ListPage page{.objects = {}, .version = version};
  Cursor now(table, range.namespaceName, range.after);
  StateRange then = findStates(past == nullptr ? kNoStates : past->states(), range);
  const std::size_t most = now.count();
  page.objects.reserve(range.limit == 0 ? most : std::min(range.limit, most));
  while (now.entry() != nullptr || then.at != then.end) {
    // Which of the two comes next: negative: what is there now and has not changed since.
    int order = 0;
    if (then.at == then.end) {
      order = -1;
    } else if (now.entry() == nullptr) {
      order = 1;
    } else {
      const ObjectKey& key = *then.at->first;
      order = compareKeys(now.namespaceName(), now.entry()->name, key.namespaceName, key.name);
    }
    const ObjectPtr& object = order < 0 ? now.entry()->object : then.at->second.change->before;
    if (object != nullptr) {
      if (range.limit != 0 && page.objects.size() == range.limit) break;
      page.objects.push_back(object);
    }
    if (order <= 0) now.advance();
    if (order >= 0) ++then.at;
  }
  page.remaining = now.count();
  for (; then.at != then.end; ++then.at) {
    const Past::State& state = then.at->second;
    if (state.change->before != nullptr) ++page.remaining;
    if (state.isThereNow) --page.remaining;
  }
  page.more = page.remaining > 0;
  return page;
}

}  // namespace iop::apiserver::storage
