#pragma once

// The objects of one resource as we know them: what an informer has seen, and on top of it what we
// have written ourselves and the informer has not seen yet.
//
//   Store plugs;
//   plugs.addIndex("socket", [](const Value& plug) { return
//   std::vector{plug["spec"]["socket"]["name"].toString()}; }); …an Informer fills it… for (const
//   Value& plug : plugs.byIndex("socket", "postgres")) …
//
// Flow: the informer calls replace() with each list and put() and erase() with each event; whoever
// writes an object calls overlay() with the server's answer, or overlayRemoved() when the object is
// gone. Readers see the newest of what was seen and what was written.
// Guarantees: objects are immutable and shared, so what find() returns never changes. An object and
// its index entries change together. A write is visible to every later read of this process (read
// your writes), and no event that is older than it takes it back. Lists are sorted by namespace and
// name.
// Assumptions: all writers speak of one resource in one representation; resourceVersions of one
// resource are ordered (KEP-5504). Each namespace, or all of them, is filled by one informer.
// Caveats: an overlaid object that the informer's selector would not select stays visible until the
// informer's next bookmark. Index functions run under the store's lock: they must be pure and fast.
// Errors: none.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kube/api/object.h"
#include "kube/api/types.h"
#include "value/value.h"

namespace iop::kube::runtime {

using api::ObjectKey;

// One difference between what handlers were told last and what they are to be told now. `before` is
// null for an object that is new, `after` for one that is gone.
struct StoreChange {
  Value before;
  Value after;
};

// Thread-safe.
class Store {
 public:
  // The values under which an object is found; pure.
  using IndexFunction = std::function<std::vector<std::string>(const Value& object)>;

  Store();
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Before the store is filled.
  void addIndex(std::string name, IndexFunction function);

  // --- Reading ---

  // The object; nothing where there is none.
  std::optional<Value> find(const ObjectKey& key) const;
  // All objects, or those of one namespace.
  std::vector<Value> list() const;
  std::vector<Value> list(std::string_view namespaceName) const;
  // The objects that have that value in that index, which must exist.
  std::vector<Value> byIndex(std::string_view index, std::string_view value) const;
  // The same, as keys.
  std::vector<ObjectKey> keysByIndex(std::string_view index, std::string_view value) const;

  // How many objects there are, in all or in one namespace.
  std::size_t size(std::string_view scope = {}) const;
  // Heap bytes of these objects, about (blocks that objects share are counted for each).
  std::size_t bytes(std::string_view scope = {}) const;

  // --- Our own writes ---

  // Takes the server's answer to a write of ours, or to a get. Ignored where something newer is
  // known already. Where the informer has seen exactly this version (a projection of it, perhaps),
  // this object takes that one's place.
  void overlay(const Value& object);
  // The object of that uid is gone: the server has answered our deletion with a Status, or a get
  // with NotFound.
  void overlayRemoved(const ObjectKey& key, std::string_view uid);

  // --- The informer's side; `scope` is its namespace, empty for all of them ---

  // Makes the objects of the scope exactly these, as of that version of the list. Returns the
  // differences from what was seen before: what is not listed any more first.
  std::vector<StoreChange> replace(std::string_view scope, std::vector<Value> objects,
                                   std::string_view resourceVersion);
  // An object was added or changed. Nothing where a newer version was seen already.
  std::optional<StoreChange> put(std::string_view scope, Value object);
  // An object was deleted; `last` is its last state. Nothing where it was not there.
  std::optional<StoreChange> erase(std::string_view scope, const Value& last);
  // All that is older than that version has been seen (a bookmark).
  void progress(std::string_view scope, std::string_view resourceVersion);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
