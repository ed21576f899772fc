#pragma once

// The objects of one table, in the order of etcd's keys.
//
//   Table table("configmaps");
//   table.insert({"shop", "web"}).object = made;
//   table.find("shop", "web")->object
//
// Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/storage/storage.h"

namespace iop::apiserver::storage {

// The order of "NAMESPACE/NAME", bytewise, as etcd has it: "a-b" comes before "a". Negative, 0 or
// positive.
int compareNamespaces(std::string_view a, std::string_view b);
int compareKeys(std::string_view namespaceA, std::string_view nameA, std::string_view namespaceB,
                std::string_view nameB);

struct NamespaceOrder {
  using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
  bool operator()(std::string_view a, std::string_view b) const {
    return compareNamespaces(a, b) < 0;
  }
};

struct Entry {
  std::string name;
  ObjectPtr object;
  std::uint64_t id = 0;     // of its row on disk: the version of its creation
  std::size_t bytes = 0;    // of memory, about
  std::uint32_t place = 0;  // in the disk's queue, where it is in there
};

// The entries of one namespace by name: a list of sorted chunks. That is smaller than a tree of
// nodes and counts what follows a position without visiting it.
class Names {
 public:
  // Valid until the next change.
  struct Position {
    std::size_t chunk = 0;
    std::size_t index = 0;
  };

  std::size_t size() const { return size_; }
  // Valid until the next change; null if absent.
  Entry* find(std::string_view name);
  // Of the first entry with a greater name.
  Position after(std::string_view name) const;
  // Null at the end.
  const Entry* at(const Position& position) const;
  void advance(Position& position) const;
  // How many there are from there on.
  std::size_t countFrom(const Position& position) const;

  // The name must not be there yet. Valid until the next change.
  Entry& insert(std::string_view name);
  // The name must be there.
  void erase(std::string_view name);

 private:
  std::size_t chunkOf(std::string_view name) const;

  std::vector<std::vector<Entry>> chunks_;  // none is empty
  std::size_t size_ = 0;
};

class Table {
 public:
  using Namespaces = std::map<std::string, Names, NamespaceOrder>;

  explicit Table(std::string name) : name_(std::move(name)) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  const std::string& name() const { return name_; }
  std::size_t size() const { return size_; }
  std::size_t sizeOf(std::string_view namespaceName) const;
  bool hadObjects() const { return hadObjects_; }
  const Namespaces& namespaces() const { return namespaces_; }

  // Valid until the next change; null if absent.
  Entry* find(const ObjectKey& key);
  // The key must not be there yet. Valid until the next change.
  Entry& insert(const ObjectKey& key);
  // The key must be there.
  void erase(const ObjectKey& key);

 private:
  std::string name_;
  Namespaces namespaces_;
  std::size_t size_ = 0;
  bool hadObjects_ = false;
};

// Walks over a table, or over one namespace of it, from behind a key. The table must not change
// meanwhile.
class Cursor {
 public:
  // Both empty: from the beginning.
  Cursor(const Table& table, const std::string& onlyNamespace, const ObjectKey& after);

  // Null at the end.
  const Entry* entry() const { return entry_; }
  std::string_view namespaceName() const { return space_->first; }
  void advance();
  // How many there are from here on.
  std::size_t count() const;

 private:
  void skipEnds();

  Table::Namespaces::const_iterator space_;
  Table::Namespaces::const_iterator end_;
  Names::Position position_;
  const Entry* entry_ = nullptr;
};

}  // namespace iop::apiserver::storage
