#include "http/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "http/internal/server_tls.h"
#include "http/url.h"

namespace iop::http {
namespace {

struct LibraryDelete {
  void operator()(event_base* base) const { event_base_free(base); }
  void operator()(evhttp* server) const { evhttp_free(server); }
  void operator()(event* trigger) const { event_free(trigger); }
  void operator()(evbuffer* buffer) const { evbuffer_free(buffer); }
};
template <typename T>
using Handle = std::unique_ptr<T, LibraryDelete>;

struct Method {
  evhttp_cmd_type type;
  std::string_view name;
};
constexpr Method kMethods[] = {{EVHTTP_REQ_GET, "GET"},        {EVHTTP_REQ_HEAD, "HEAD"},
                               {EVHTTP_REQ_POST, "POST"},      {EVHTTP_REQ_PUT, "PUT"},
                               {EVHTTP_REQ_DELETE, "DELETE"},  {EVHTTP_REQ_PATCH, "PATCH"},
                               {EVHTTP_REQ_OPTIONS, "OPTIONS"}};

std::string_view nameOf(evhttp_cmd_type type) {
  for (const Method& method : kMethods) {
    if (method.type == type) return method.name;
  }
  return {};
}

std::string decodeParameter(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return unescape(spaced);
}

// libevent's own parser refuses parameters without "=" ("?verbose"), which are common here.
std::vector<std::pair<std::string, std::string>> parseQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view parameter = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (parameter.empty()) continue;
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    parameters.emplace_back(
        decodeParameter(parameter.substr(0, equals)),
        decodeParameter(parameter.substr(std::min(equals + 1, parameter.size()))));
  }
  return parameters;
}

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::optional<std::string_view> find(const std::vector<std::pair<std::string, std::string>>& pairs,
                                     std::string_view name,
                                     bool (*equal)(std::string_view, std::string_view)) {
  for (const auto& [key, value] : pairs) {
    if (equal(key, name)) return value;
  }
  return std::nullopt;
}

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> parseAddress(std::string_view address) {
  HostPort out;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) {
    out.port = address;
  } else {
    std::string_view host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    out.host = host;
    out.port = address.substr(colon + 1);
  }
  std::uint16_t number = 0;
  const char* end = out.port.data() + out.port.size();
  const auto [stop, error] = std::from_chars(out.port.data(), end, number);
  if (error != std::errc() || stop != end) {
    return fail(Code::BadRequest, "listen on '" + std::string(address) + "': no port");
  }
  return out;
}

// A listening socket of that address, or -1 with errno set.
int listenOn(const addrinfo& address) {
  const int fd = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  const int off = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Connections inherit it: a small answer does not wait for the client's acknowledgement.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

Result<int> listenOn(const std::string& address) {
  ASSIGN_OR_RETURN(const HostPort hostPort, parseAddress(address));
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = hostPort.host.empty() ? nullptr : hostPort.host.c_str();
  if (const int error = getaddrinfo(host, hostPort.port.c_str(), &hints, &found); error != 0) {
    return fail(Code::BadRequest, "listen on '" + address + "': " + gai_strerror(error));
  }
  // Without a host, IPv6 first: its socket takes IPv4 too, where there is IPv6.
  int fd = -1;
  int error = 0;
  for (const bool wantIpv6 : {true, false}) {
    for (const addrinfo* next = found; next != nullptr && fd < 0; next = next->ai_next) {
      if ((next->ai_family == AF_INET6) != wantIpv6) continue;
      fd = listenOn(*next);
      if (fd < 0) error = errno;
    }
  }
  freeaddrinfo(found);
  if (fd >= 0) return fd;
  return fail(Code::Unreachable, "listen on '" + address + "': " + std::strerror(error));
}

std::uint16_t portOf(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

// What a client may send ahead before what it sent first is answered.
constexpr std::size_t kMaxReadAhead = 256 << 10;
// A client that takes nothing of a stream for so long has gone.
constexpr timeval kStreamWriteTimeout{60, 0};
constexpr std::size_t kMinCompressed = 128 << 10;

// libevent's hook for new connections; `context` is null without TLS.
bufferevent* newConnection(event_base* base, void* context) {
  bufferevent* connection = nullptr;
  if (context == nullptr) {
    connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
  } else {
    SSL* ssl = SSL_new(static_cast<SSL_CTX*>(context));
    connection = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
                                                BEV_OPT_CLOSE_ON_FREE);
    // Many clients close without saying goodbye.
    bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
  }
  bufferevent_setwatermark(connection, EV_READ, 0, kMaxReadAhead);
  return connection;
}

// gzip at its fastest; empty if that fails.
std::string compress(const std::string& text) {
  z_stream stream{};
  constexpr int kGzip = 15 + 16, kMemory = 8;
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string out;
  out.resize(deflateBound(&stream, static_cast<uLong>(text.size())));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return out;
}

ServerRequest readRequest(evhttp_request* raw) {
  ServerRequest request;
  request.method = nameOf(evhttp_request_get_command(raw));
  request.uri = evhttp_request_get_uri(raw);
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(raw);
  if (const char* path = evhttp_uri_get_path(uri)) request.path = unescape(path);
  if (const char* query = evhttp_uri_get_query(uri)) request.query = parseQuery(query);
  const evkeyvalq* headers = evhttp_request_get_input_headers(raw);
  for (const evkeyval* next = headers->tqh_first; next != nullptr; next = next->next.tqe_next) {
    request.headers.emplace_back(next->key, next->value);
  }
  evbuffer* body = evhttp_request_get_input_buffer(raw);
  request.body.resize(evbuffer_get_length(body));
  evbuffer_remove(body, request.body.data(), request.body.size());
  if (evhttp_connection* connection = evhttp_request_get_connection(raw)) {
    char* address = nullptr;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection, &address, &port);
    if (address != nullptr) request.remoteAddress = address;
    SSL* ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
    if (ssl != nullptr) internal::readCertificate(ssl, request);
  }
  return request;
}

bool takesGzip(evhttp_request* raw) {
  const char* accepted =
      evhttp_find_header(evhttp_request_get_input_headers(raw), "Accept-Encoding");
  return accepted != nullptr && std::strstr(accepted, "gzip") != nullptr;
}

void sendResponse(evhttp_request* raw, ServerResponse response) {
  evkeyvalq* headers = evhttp_request_get_output_headers(raw);
  if (response.compress && response.body.size() >= kMinCompressed && takesGzip(raw)) {
    if (std::string small = compress(response.body); !small.empty()) {
      response.body = std::move(small);
      response.headers.emplace_back("Content-Encoding", "gzip");
    }
  }
  if (!response.contentType.empty()) {
    evhttp_add_header(headers, "Content-Type", response.contentType.c_str());
  }
  for (const auto& [name, value] : response.headers) {
    evhttp_add_header(headers, name.c_str(), value.c_str());
  }
  const bool hasBody = response.status != 204 && response.status != 304;
  if (hasBody) {
    const std::string size = std::to_string(response.body.size());
    evhttp_add_header(headers, "Content-Length", size.c_str());
  }
  Handle<evbuffer> body(evbuffer_new());
  if (hasBody && evhttp_request_get_command(raw) != EVHTTP_REQ_HEAD) {
    evbuffer_add(body.get(), response.body.data(), response.body.size());
  }
  evhttp_send_reply(raw, response.status, nullptr, body.get());
}

}  // namespace

std::optional<std::string_view> ServerRequest::queryParameter(std::string_view name) const {
  return find(query, name, [](std::string_view a, std::string_view b) { return a == b; });
}

std::optional<std::string_view> ServerRequest::header(std::string_view name) const {
  return find(headers, name, equalsIgnoringCase);
}

// The request is libevent's until it is answered. Where its connection ends before, libevent calls
// onClose() and leaves a request that was not answered to us.
struct Reply::Impl {
  explicit Impl(evhttp_request* request) : raw(request) {
    evhttp_connection_set_closecb(
        evhttp_request_get_connection(raw),
        [](evhttp_connection*, void* impl) { static_cast<Impl*>(impl)->onClose(); }, this);
  }

  ~Impl() {
    if (raw == nullptr) return;
    if (begun) {
      finish();
    } else {
      sendWhole({.status = 500, .body = "500 internal error\n"});
    }
  }

  bufferevent* connection() const {
    return evhttp_connection_get_bufferevent(evhttp_request_get_connection(raw));
  }

  // From here on the request is libevent's alone.
  evhttp_request* release() {
    evhttp_connection_set_closecb(evhttp_request_get_connection(raw), nullptr, nullptr);
    return std::exchange(raw, nullptr);
  }

  void sendWhole(ServerResponse response) { sendResponse(release(), std::move(response)); }

  void finish() {
    // From now on it is a connection like any other.
    const timeval idle{idleTimeout.count(), 0};
    bufferevent_set_timeouts(connection(), &idle, &idle);
    evhttp_send_reply_end(release());
  }

  void onClose() {
    evhttp_request* gone = std::exchange(raw, nullptr);
    if (gone != nullptr && evhttp_request_get_connection(gone) == nullptr)
      evhttp_request_free(gone);
    if (closed) std::exchange(closed, nullptr)();
  }

  evhttp_request* raw;  // null: answered, or gone
  bool begun = false;
  std::chrono::seconds idleTimeout{};
  std::function<void()> closed;
};

Reply::Reply(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Reply::~Reply() = default;

bool Reply::isOpen() const { return impl_->raw != nullptr; }

void Reply::onClosed(std::function<void()> closed) { impl_->closed = std::move(closed); }

void Reply::send(ServerResponse response) {
  if (isOpen() && !impl_->begun) impl_->sendWhole(std::move(response));
}

void Reply::begin(int status, const std::string& contentType,
                  const std::vector<std::pair<std::string, std::string>>& headers) {
  if (!isOpen() || impl_->begun) return;
  evkeyvalq* out = evhttp_request_get_output_headers(impl_->raw);
  evhttp_add_header(out, "Content-Type", contentType.c_str());
  for (const auto& [name, value] : headers) evhttp_add_header(out, name.c_str(), value.c_str());
  impl_->begun = true;
  // A stream may be silent as long as it likes.
  bufferevent_set_timeouts(impl_->connection(), nullptr, &kStreamWriteTimeout);
  evhttp_send_reply_start(impl_->raw, status, nullptr);
}

void Reply::write(std::string_view piece) {
  if (!isOpen() || !impl_->begun || piece.empty()) return;
  const Handle<evbuffer> buffer(evbuffer_new());
  evbuffer_add(buffer.get(), piece.data(), piece.size());
  evhttp_send_reply_chunk(impl_->raw, buffer.get());
}

void Reply::end() {
  if (isOpen() && impl_->begun) impl_->finish();
}

std::size_t Reply::pendingBytes() const {
  if (!isOpen()) return 0;
  return evbuffer_get_length(bufferevent_get_output(impl_->connection()));
}

struct Server::Impl {
  struct Timer {
    Impl* server;
    std::uint64_t number;
    std::function<void()> task;
    Handle<event> trigger;
  };

  void serve(evhttp_request* raw) {
    ServerRequest request = readRequest(raw);
    if (fallback == nullptr || route(request.path) != nullptr) {
      sendResponse(raw, respond(request));
      return;
    }
    auto impl = std::make_unique<Reply::Impl>(raw);
    impl->idleTimeout = options.idleTimeout;
    const std::shared_ptr<Reply> reply(new Reply(std::move(impl)));
    guarded([&] { fallback(std::move(request), reply); });
  }

  // A handler or task that throws is a mistake of ours that must not end the others' work.
  template <typename Function>
  static void guarded(const Function& function) {
    try {
      function();
    } catch (const std::exception& exception) {
      log::error("http handler failed", {{"error", exception.what()}});
    }
  }

  void runPosted() {
    std::vector<std::function<void()>> tasks;
    {
      std::lock_guard guard(postedMutex);
      tasks.swap(posted);
    }
    for (const std::function<void()>& task : tasks) guarded(task);
  }

  using Methods = std::map<std::string, ServerHandler, std::less<>>;

  // The handlers of the path itself, or of the longest "…/" above it.
  const Methods* route(std::string_view path) const {
    if (const auto exact = routes.find(path); exact != routes.end()) return &exact->second;
    for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos;
         slash = slash == 0 ? std::string_view::npos : path.rfind('/', slash - 1)) {
      const auto above = routes.find(path.substr(0, slash + 1));
      if (above != routes.end()) return &above->second;
    }
    return nullptr;
  }

  ServerResponse respond(const ServerRequest& request) const {
    const Methods* methods = route(request.path);
    if (methods == nullptr) return {.status = 404, .body = "404 page not found\n"};
    auto handler = methods->find(request.method);
    if (handler == methods->end() && request.method == "HEAD") handler = methods->find("GET");
    if (handler == methods->end()) {
      std::string allow;
      for (const auto& [method, ignored] : *methods) {
        allow += (allow.empty() ? "" : ", ") + method;
      }
      return {.status = 405, .headers = {{"Allow", allow}}, .body = "405 method not allowed\n"};
    }
    try {
      return handler->second(request);
    } catch (const std::exception& exception) {
      log::error("http handler failed", {{"path", request.path}, {"error", exception.what()}});
      return {.status = 500, .body = "500 internal error\n"};
    }
  }

  // A thread of a server takes no signals: they are the main thread's, and a peer that goes away is
  // an error of write(), not a SIGPIPE.
  void startThread() {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = std::thread([this] { event_base_loop(base.get(), EVLOOP_NO_EXIT_ON_EMPTY); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ServerOptions options;
  std::map<std::string, Methods, std::less<>> routes;

  mutable std::mutex mutex;  // for what follows
  std::uint16_t port = 0;
  internal::TlsContext tls;
  Handle<event_base> base;
  Handle<evhttp> server;
  Handle<event> stopping;
  std::thread thread;

  AsyncHandler fallback;
  std::mutex postedMutex;
  std::vector<std::function<void()>> posted;
  Handle<event> wake;  // set under postedMutex while the loop runs

  // Only on the loop.
  std::map<std::uint64_t, Timer> timers;
  std::uint64_t nextTimer = 1;
};

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
}

Server::~Server() { stop(); }

void Server::handle(std::string_view method, std::string_view path, ServerHandler handler) {
  impl_->routes[std::string(path)][std::string(method)] = std::move(handler);
}

void Server::handleAll(AsyncHandler handler) { impl_->fallback = std::move(handler); }

void Server::post(std::function<void()> task) {
  std::lock_guard guard(impl_->postedMutex);
  impl_->posted.push_back(std::move(task));
  if (impl_->posted.size() == 1 && impl_->wake != nullptr)
    event_active(impl_->wake.get(), EV_READ, 0);
}

std::uint64_t Server::after(std::chrono::milliseconds time, std::function<void()> task) {
  const std::uint64_t number = impl_->nextTimer++;
  Impl::Timer& timer = impl_->timers[number];
  timer.server = impl_.get();
  timer.number = number;
  timer.task = std::move(task);
  timer.trigger.reset(event_new(
      impl_->base.get(), -1, 0,
      [](evutil_socket_t, short, void* context) {
        Impl::Timer& due = *static_cast<Impl::Timer*>(context);
        Impl& server = *due.server;
        const std::function<void()> run = std::move(due.task);
        server.timers.erase(due.number);
        Impl::guarded(run);
      },
      &timer));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timeval wait{seconds.count(), std::chrono::microseconds(time - seconds).count()};
  event_add(timer.trigger.get(), &wait);
  return number;
}

void Server::cancel(std::uint64_t timer) { impl_->timers.erase(timer); }

Status Server::start() {
  std::lock_guard guard(impl_->mutex);
  const ServerOptions& options = impl_->options;
  if (options.tls) {
    ASSIGN_OR_RETURN(impl_->tls, internal::makeTlsContext(*options.tls));
  }
  ASSIGN_OR_RETURN(const int fd, listenOn(options.address));

  static const int threads = evthread_use_pthreads();
  ASSERT(threads == 0);
  impl_->base.reset(event_base_new());
  impl_->server.reset(evhttp_new(impl_->base.get()));
  evhttp* server = impl_->server.get();
  evhttp_set_max_headers_size(server, static_cast<ev_ssize_t>(options.maxHeaderBytes));
  evhttp_set_max_body_size(server, static_cast<ev_ssize_t>(options.maxBodyBytes));
  evhttp_set_timeout(server, static_cast<int>(options.idleTimeout.count()));
  ev_uint16_t methods = 0;
  for (const Method& method : kMethods) methods = static_cast<ev_uint16_t>(methods | method.type);
  evhttp_set_allowed_methods(server, methods);
  evhttp_set_bevcb(server, newConnection, impl_->tls.get());
  evhttp_set_gencb(
      server, [](evhttp_request* raw, void* impl) { static_cast<Impl*>(impl)->serve(raw); },
      impl_.get());
  impl_->port = portOf(fd);
  if (evhttp_accept_socket(server, fd) != 0) {
    close(fd);
    return fail(Code::Unreachable, "listen on '" + options.address + "': accept");
  }
  impl_->stopping.reset(event_new(
      impl_->base.get(), -1, EV_PERSIST,
      [](evutil_socket_t, short, void* base) {
        event_base_loopbreak(static_cast<event_base*>(base));
      },
      impl_->base.get()));
  {
    std::lock_guard posting(impl_->postedMutex);
    impl_->wake.reset(event_new(
        impl_->base.get(), -1, EV_PERSIST,
        [](evutil_socket_t, short, void* impl) { static_cast<Impl*>(impl)->runPosted(); },
        impl_.get()));
    if (!impl_->posted.empty()) event_active(impl_->wake.get(), EV_READ, 0);
  }
  impl_->startThread();
  return {};
}

void Server::stop() {
  std::lock_guard guard(impl_->mutex);
  if (!impl_->thread.joinable()) return;
  event_active(impl_->stopping.get(), EV_READ, 0);
  impl_->thread.join();
  {
    std::lock_guard posting(impl_->postedMutex);
    impl_->wake.reset();
    impl_->posted.clear();
  }
  impl_->timers.clear();
  impl_->server.reset();
  impl_->stopping.reset();
  // Connections that were being closed are freed by callbacks of the loop, some of them in two
  // steps.
  for (int i = 0; i < 4; ++i) event_base_loop(impl_->base.get(), EVLOOP_NONBLOCK);
  impl_->base.reset();
  impl_->tls.reset();
}

std::uint16_t Server::port() const {
  std::lock_guard guard(impl_->mutex);
  return impl_->port;
}

}  // namespace iop::http
