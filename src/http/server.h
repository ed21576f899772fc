#pragma once

// An HTTP/1.1 server on one thread of its own, its loop: for answers that are ready at once
// (metrics, probes), and for answers that come later or piece by piece (an API with watches).
//
//   http::Server server({.address = ":8080"});
//   server.handle("GET", "/metrics", [&](const http::ServerRequest&) {
//     return http::ServerResponse{.contentType = "text/plain", .body = registry.printText()};
//   });
//   RETURN_IF_ERROR(server.start());
//   server.port()                         // 8080
//
//   server.handleAll([&](http::ServerRequest&& request, std::shared_ptr<http::Reply> reply) {
//     reply->begin(200, "application/json", {});
//     server.after(std::chrono::seconds(1), [reply] { reply->write("{}\n"); reply->end(); });
//   });
//
// HEAD is answered by the handler of GET. An unknown path is 404, a known path with another method
// 405 with Allow, a body over the limit 413. Connections are kept alive; one that is idle longer
// than `idleTimeout` is closed. With `tls` the server speaks HTTPS (TLS 1.2 and later), and asks
// for a client's certificate where it knows an authority for them.
//
// Not here: HTTP/2, streamed bodies of requests, routing by pattern, upgrades of connections.

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

// Who a client is, by a certificate of `ServerTls::clientCaPem`'s authority.
struct ClientCertificate {
  std::string commonName;
  std::vector<std::string> organizations;
};

struct ServerRequest {
  std::string method;
  std::string uri;                                           // path and query as they were sent
  std::string path;                                          // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in the order of the URL
  std::vector<std::pair<std::string, std::string>> headers;  // as sent
  std::string body;
  std::string remoteAddress;
  std::optional<ClientCertificate> clientCertificate;
  // Why the certificate that was presented does not count; empty if it does, or there was none.
  std::string clientCertificateError;

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
  // Large bodies are sent with gzip to clients that take it.
  bool compress = false;
};

// An answer that is given later, or piece by piece. Lives on the loop: only its functions
// may be called, and only there. Dropped without an answer it is 500.
class Reply {
 public:
  ~Reply();
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  // The whole answer.
  void send(ServerResponse response);
  // The head of an answer whose body comes in pieces (chunked); it is sent at once.
  void begin(int status, const std::string& contentType,
             const std::vector<std::pair<std::string, std::string>>& headers);
  void write(std::string_view piece);
  void end();
  // Bytes that were written and that the client has not taken yet.
  std::size_t pendingBytes() const;
  // False once the answer is complete or the client has gone; then the others do nothing.
  bool isOpen() const;
  // Called when the client goes away before the end of an answer that has begun, or the server
  // stops.
  void onClosed(std::function<void()> closed);

 private:
  friend class Server;
  struct Impl;
  explicit Reply(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Runs on the loop, and must not block.
using AsyncHandler =
    std::function<void(ServerRequest&& request, const std::shared_ptr<Reply>& reply)>;

// Runs on the server's thread, one request after the other: must not block. An exception is
// answered with 500.
using ServerHandler = std::function<ServerResponse(const ServerRequest&)>;

// PEM, as files or as text.
struct ServerTls {
  std::string certificateFile = {};  // the server's certificate and the chain above it
  std::string keyFile = {};
  std::string certificatePem = {};  // in place of the files
  std::string keyPem = {};
  // Who signs clients' certificates; empty: they are not asked for. A client without one, or with
  // one of somebody else, is served all the same: what that means is the handler's to say.
  std::string clientCaPem = {};
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

// Thread-safe, except that handlers are added before start(), and where a function says so.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves a path, or all paths below it where it ends with "/" (the longest one wins).
  void handle(std::string_view method, std::string_view path, ServerHandler handler);

  // Serves everything that no path of handle() is for.
  void handleAll(AsyncHandler handler);

  // Runs a function on the loop, soon; after stop() never. Any thread.
  void post(std::function<void()> task);
  // Runs a function on the loop after some time, unless it is cancelled. Only on the loop.
  std::uint64_t after(std::chrono::milliseconds time, std::function<void()> task);
  void cancel(std::uint64_t timer);

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
