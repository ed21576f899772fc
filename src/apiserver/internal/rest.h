#pragma once

// The REST API over HTTP: who asks, may they, what for, and the answer in the form they want.
//
// Not thread-safe: used on the server's loop.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/auth/authenticator.h"
#include "apiserver/internal/audit.h"
#include "apiserver/internal/discovery.h"
#include "apiserver/internal/engine.h"
#include "apiserver/internal/media.h"
#include "apiserver/internal/options.h"
#include "apiserver/internal/request.h"
#include "apiserver/internal/watches.h"
#include "http/server.h"

namespace iop::apiserver {

// One request on its way.
struct Request {
  const http::ServerRequest& http;
  RequestInfo info;
  auth::User user;           // whose rights count
  auth::User authenticated;  // who asked: another one where they impersonate
  Format format;
  base::Time received = {};
  std::vector<std::string> warnings = {};
};

// The head of a list: kind, apiVersion, metadata.
Value listHead(const Kind& kind, const storage::ListPage& page, const std::string& continueToken,
               bool countRemaining);
// An object as it stands in a list: those of built-in kinds without their kind.
Value listedItem(const Kind& kind, Value object);

class Rest {
 public:
  // `audit` may be null.
  Rest(Engine& engine, const auth::Tokens& tokens, http::Server& server, AuditLog* audit);
  ~Rest();

  // A handler of the server.
  void handle(http::ServerRequest&& request, const std::shared_ptr<http::Reply>& reply);
  // What waits for the disk and need not any more is sent.
  void flush();
  // Ends the watches of a kind that changes or is not served any more.
  void endWatches(const Kind& kind) { watches_.endKind(kind); }
  // Where the server listens, for discovery.
  void setAddress(std::string address) { discovery_.setAddress(std::move(address)); }

 private:
  struct Waiting {
    std::uint64_t version;
    std::function<void()> send;
  };

  Answer<auth::User> authenticate(const http::ServerRequest& request) const;
  void logRequest(const Request& request, int code);
  void answer(const Request& request, const std::shared_ptr<http::Reply>& reply,
              http::ServerResponse response);
  void answerValue(const Request& request, const std::shared_ptr<http::Reply>& reply, int status,
                   const Value& value);
  void answerFailure(const Request& request, const std::shared_ptr<http::Reply>& reply,
                     const Failure& failure);
  void answerObject(const Request& request, const std::shared_ptr<http::Reply>& reply, int status,
                    const Kind& kind, const Value& object);
  void whenDurable(std::function<void()> send);

  bool handlePath(Request& request, const std::shared_ptr<http::Reply>& reply);
  void handleResource(Request& request, const std::shared_ptr<http::Reply>& reply);
  void get(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void list(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void watch(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind,
             const ListOptions& options, Selection selection);
  void listNow(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind,
               const ListOptions& options, const Selection& selection);
  void sendList(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind,
                std::string body);
  // Runs `then` (with a request that is valid for the call) once the storage has reached a version;
  // answers with 504 where that takes too long.
  void atVersion(const Request& request, const std::shared_ptr<http::Reply>& reply,
                 std::uint64_t version, std::chrono::milliseconds left,
                 std::function<void(Request&)> then);
  void create(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void update(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void patch(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void remove(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void removeCollection(Request& request, const std::shared_ptr<http::Reply>& reply,
                        const Kind& kind);
  // Access reviews and TokenRequests, which are answered and never stored. False: it is none.
  bool review(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);
  void scale(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind);

  Answer<Call> callOf(const Request& request, std::string_view options) const;
  Answer<DeleteOptions> deleteOptionsOf(const Request& request) const;
  // The object of the body, checked against what the kind knows.
  Answer<Value> bodyOf(const Request& request, const Kind& kind, Call& call) const;

  Engine& engine_;
  const auth::Tokens& tokens_;
  http::Server& server_;
  AuditLog* audit_;
  Discovery discovery_;
  Watches watches_;
  std::deque<Waiting> waiting_;
};

}  // namespace iop::apiserver
