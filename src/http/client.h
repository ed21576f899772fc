#pragma once

// An HTTP(S) client for many threads: requests, and streams that are read as they come.
//
//   http::Client client({.tls = tls});
//   Result<http::Response> answer = client.send({.url = "https://10.0.0.1:6443/version"});
//   if (!answer) return tl::unexpected(answer.error());    // no answer
//   if (answer->status != 200) …                           // any answer is a success of send()
//
// A call runs on the thread that makes it, with a connection (HTTP/1.1) of its own while it lasts;
// connections are kept and used again by whoever asks for the same origin next. TLS is 1.2 or
// later, always verified unless TlsOptions say otherwise. A call ends promptly when its stop_token
// asks.
//
// Errors, when there is no (whole) answer. `cause` tells more to machines, where it is named here:
// - Unreachable: the request never reached a server: refused, no such host, no route; "NoAnswer":
//   the connection broke before the first byte of an answer; "TlsFailed": a certificate, theirs or
//   ours, was not accepted.
// - Timeout: "ConnectTimeout", "RequestTimeout" (the whole request), "IdleTimeout" (a stream).
// - Interrupted: the connection broke within the answer.
// - Canceled: the stop_token asked.
// - InternalError: "AnswerTooLarge".
// - BadRequest: a URL, header, proxy or certificate that is none.
//
// Not here: cookies, authentication schemes, retries (but a request that meets a kept connection
// that the server has closed meanwhile is sent again on a new one), server-sent events.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/tls.h"

namespace iop::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url = {};
  Headers headers = {};
  std::string body = {};
  // Until the connection (with TLS and proxies) stands; also bounded by `timeout`.
  std::chrono::milliseconds connectTimeout{10'000};
  // For the whole of send(), redirects included; 0: none. Not used by stream().
  std::chrono::milliseconds timeout{30'000};
  // Bytes of the answer's body, after decompression.
  std::size_t maxAnswerBytes = std::size_t{64} << 20;
  // Follows redirects of GET and HEAD to the same scheme, host and port, at most five. Other
  // redirects are answers.
  bool followSameOriginRedirects = false;
  std::stop_token stop = {};
};

struct Response {
  int status = 0;
  Headers headers = {};  // names in lower case, in the server's order
  std::string body = {};

  bool isSuccess() const { return status >= 200 && status < 300; }
  // The first header of that name (in lower case); nothing if there is none.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct StreamOptions {
  // The stream ends with an error when nothing came for so long.
  std::chrono::milliseconds idleTimeout{150'000};
  // Told once, before the first chunk, when the head of a successful answer (2xx) is there.
  std::function<void(const Response& head)> onHead = {};
};

struct ClientOptions {
  TlsOptions tls = {};
  // Nothing: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; empty: none at all; else the URL of one
  // (http, https, socks5, socks5h), for all requests.
  std::optional<std::string> proxy = std::nullopt;
  // Asks for compressed answers.
  bool compression = true;
  // Connections that are kept open while nobody uses them.
  std::size_t maxIdleConnections = 25;
};

// Thread-safe.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  ~Client();  // no call may be under way
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Blocks until the answer is there.
  Result<Response> send(const Request& request);

  // Blocks until the stream ends, and calls `onChunk` on the calling thread with each piece of a
  // successful answer's body as it comes; onChunk ends the stream by returning false, which is a
  // success. An answer that is not 2xx is returned whole, without calls. A consumer that is slower
  // than the server slows the server down.
  Result<Response> stream(const Request& request, const StreamOptions& options,
                          const std::function<bool(std::string_view chunk)>& onChunk);

  // Forgets all kept connections, resolved names and TLS sessions; calls that are under way go on.
  void dropConnections();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::http
