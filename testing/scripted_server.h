#pragma once

// A tiny HTTP/1.1 server whose answers a test writes byte by byte, so that it can be as faulty as
// the world is.
//
//   ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
//     if (request.target == "/broken") return connection.reset();
//     connection.answer(200, {{"content-type", "text/plain"}}, "hello");
//   });
//   client.send({.url = server.url() + "/x"});
//
// A connection is kept open for further requests until the script closes it. The script runs on a
// thread per connection.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/certificates.h"

namespace iop::testing {

using ScriptedHeaders = std::vector<std::pair<std::string, std::string>>;

struct ScriptedRequest {
  std::string method;
  std::string target;       // path and query, as sent
  ScriptedHeaders headers;  // names in lower case
  std::string body;
  int connection = 0;      // how many connections came before this one
  int index = 0;           // how many requests came before this one, on any connection
  std::string clientName;  // the common name of the client's certificate; empty: it has none
  std::string serverName;  // the name that the client asked for (SNI)

  // Empty if there is none.
  std::string header(std::string_view name) const;
};

// Used by the script on its own thread only.
class ScriptedConnection {
 public:
  virtual ~ScriptedConnection() = default;
  // Raw bytes, at once.
  virtual void send(std::string_view bytes) = 0;
  // Ends the connection in good order, or with a TCP reset.
  virtual void close() = 0;
  virtual void reset() = 0;
  // Blocks until the client has closed the connection or the server ends.
  virtual void waitUntilPeerCloses() = 0;

  // A whole answer with its Content-Length.
  void answer(int status, const ScriptedHeaders& headers, std::string_view body);
  // The head of a chunked answer; one chunk; its end.
  void beginChunked(int status, const ScriptedHeaders& headers);
  void chunk(std::string_view bytes);
  void endChunked() { send("0\r\n\r\n"); }
};

struct ScriptedTls {
  KeyPair server;
  std::string clientAuthorityPem =
      {};  // not empty: clients must have a certificate of this authority
};

// Listens on a free loopback port from construction to destruction.
class ScriptedServer {
 public:
  using Script =
      std::function<void(const ScriptedRequest& request, ScriptedConnection& connection)>;

  explicit ScriptedServer(Script script, std::optional<ScriptedTls> tls = std::nullopt);
  ~ScriptedServer();  // ends all connections
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // "http://127.0.0.1:34567" or "https://…".
  std::string url() const;
  std::uint16_t port() const;
  int connectionCount() const;
  int requestCount() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::testing
