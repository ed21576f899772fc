#pragma once

// The changes of one table that watches can go back to, and what the table was like before them.
//
//   history.add(change, bytes);
//   for (auto at = history.after(7); at != history.end(); ++at) …
//   const Past& past = history.past(7);   // undoes all that came after version 7
//
// Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "apiserver/storage/internal/table.h"
#include "apiserver/storage/storage.h"

namespace iop::apiserver::storage {

// What a table was like at a version, as differences from what it is like now.
class Past {
 public:
  struct State {
    ChangePtr change;  // the first one after the version: its `before` was there then
    bool isThereNow = false;
  };
  struct KeyOrder {
    bool operator()(const ObjectKey* a, const ObjectKey* b) const {
      return compareKeys(a->namespaceName, a->name, b->namespaceName, b->name) < 0;
    }
  };
  // The keys are those of the changes.
  using States = std::map<const ObjectKey*, State, KeyOrder>;

  explicit Past(std::uint64_t version) : version_(version), seen_(version) {}

  std::uint64_t version() const { return version_; }
  const States& states() const { return states_; }

 private:
  friend class History;

  std::uint64_t version_;
  std::uint64_t seen_;  // changes up to here are in `states_`
  States states_;
};

class History {
 public:
  struct Record {
    ChangePtr change;
    std::size_t bytes = 0;
  };
  using Iterator = std::deque<Record>::const_iterator;

  // The oldest version that can be gone back to.
  std::uint64_t oldest() const { return oldest_; }
  Iterator after(std::uint64_t version) const;
  Iterator end() const { return records_.end(); }
  // Forgets everything up to a version.
  void forget(std::uint64_t version);
  void add(ChangePtr change, std::size_t bytes) { records_.push_back({std::move(change), bytes}); }
  // Returns the bytes of the oldest change, which is no longer there.
  std::size_t dropOldest();

  // `version` must be one that can be gone back to. Valid until the next call or change. Those
  // asked for last are kept and brought up to date, so that the pages of a list cost little.
  const Past& past(std::uint64_t version);
  // Bytes of memory that kept ones take, about.
  std::size_t pastBytes() const;

 private:
  std::deque<Record> records_;
  std::uint64_t oldest_ = 0;
  std::vector<std::unique_ptr<Past>> pasts_;  // the one asked for last stands last
};

}  // namespace iop::apiserver::storage
