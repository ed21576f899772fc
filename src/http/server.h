#pragma once

// An HTTP/1.1 server on one thread of its own, for small answers that are ready at once: metrics,
// probes.
//
//   http::Server server({.address = ":8080"});
//   server.handle("GET", "/metrics", [&](const http::ServerRequest&) {
//     return http::ServerResponse{.contentType = "text/plain", .body = registry.printText()};
//   });
//   RETURN_IF_ERROR(server.start());
//   server.port()                         // 8080
//
// HEAD is answered by the handler of GET. An unknown path is 404, a known path with another method
// 405 with Allow, a body over the limit 413. Connections are kept alive; one that is idle longer
// than `idleTimeout` is closed. With `tls` the server speaks HTTPS (TLS 1.2 and later).
//
// Not here: HTTP/2, streaming bodies, routing by pattern.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace iop::http {

struct ServerRequest {
  std::string method;
  std::string path;                                          // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in the order of the URL
  std::vector<std::pair<std::string, std::string>> headers;  // as sent
  std::string body;
  std::string remoteAddress;

  // The first query parameter or header (whose case does not matter) of that name; nothing if there
  // is none.
  std::optional<std::string_view> queryParameter(std::string_view name) const;
  std::optional<std::string_view> header(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  std::string contentType = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

// Runs on the server's thread, one request after the other: must not block. An exception is
// answered with 500.
using ServerHandler = std::function<ServerResponse(const ServerRequest&)>;

// PEM. Both or neither of the files of a pair.
struct ServerTls {
  std::string certificateFile = {};  // the server's certificate and the chain above it
  std::string keyFile = {};
};

struct ServerOptions {
  // "host:port", ":port" (all interfaces, IPv4 and IPv6 where there is one), "port" alone (the
  // same); port 0 takes any free one. An IPv6 host stands in brackets.
  std::string address = {};
  std::size_t maxHeaderBytes = 64 << 10;
  std::size_t maxBodyBytes = 3 << 20;
  std::chrono::seconds idleTimeout{120};
  std::optional<ServerTls> tls = {};
};

// Thread-safe, except that handlers are added before start().
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves a path, or all paths below it where it ends with "/" (the longest one wins).
  void handle(std::string_view method, std::string_view path, ServerHandler handler);

  // Listens, and serves from its own thread. Errors: BadRequest for an address or a certificate
  // that is none, Unreachable where the port is taken or not allowed.
  Status start();
  // Closes the listener and all connections, and waits for a handler that is running. May be called
  // twice.
  void stop();

  // Where it listens; 0 before start().
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::http
