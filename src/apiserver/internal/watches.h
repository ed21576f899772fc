#pragma once

// Open watches: streams of changes (apiserver, pkg/endpoints/handlers/watch.go).
//
// Not thread-safe: used on the server's loop.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "apiserver/internal/engine.h"
#include "apiserver/internal/media.h"
#include "apiserver/internal/selection.h"
#include "http/server.h"

namespace iop::apiserver {

struct WatchRequest {
  const Kind* kind;
  std::string namespaceName;  // empty: all
  Selection selection;
  Format format;
  std::string includeObject;  // of Tables: None, Metadata or Object
  std::uint64_t after = 0;    // changes later than this version
  // First the objects that are there, as additions.
  bool initial = false;
  bool initialEnd = false;  // and then a bookmark that says that these were all
  bool bookmarks = false;
  std::chrono::seconds timeout{1800};
};

class Watches {
 public:
  // `whenDurable` runs a function once everything up to now is on disk.
  Watches(Engine& engine, http::Server& server,
          std::function<void(std::function<void()>)> whenDurable);
  ~Watches();

  void start(WatchRequest request, const std::shared_ptr<http::Reply>& reply);
  // Ends the watches of a kind that is not served any more.
  void endKind(const Kind& kind);

 private:
  struct Open;

  void send(Open& watch, std::string_view type, const Value& object);
  void onChange(Open& watch, const storage::ChangePtr& change);
  void sendBookmark(Open& watch, bool initialEnd);
  void scheduleBookmark(std::uint64_t number);
  void end(std::uint64_t number);
  const std::string& textOf(const Open& watch, const ObjectPtr& object);

  Engine& engine_;
  http::Server& server_;
  std::function<void(std::function<void()>)> whenDurable_;
  std::map<std::uint64_t, std::shared_ptr<Open>> open_;
  std::uint64_t next_ = 1;
  // The last object that was printed for a watch: the others want the same text.
  struct Printed {
    ObjectPtr object;
    const Kind* kind = nullptr;
    std::string text;
  } printed_;
};

}  // namespace iop::apiserver
