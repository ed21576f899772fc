#include "testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <charconv>
#include <csignal>
#include <list>
#include <mutex>
#include <thread>

#include "base/result.h"

namespace iop::testing {
namespace {

struct Delete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
template <typename T>
using Owned = std::unique_ptr<T, Delete>;

Owned<BIO> openPem(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Owned<SSL_CTX> makeContext(const ScriptedTls& tls) {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  const Owned<X509> certificate(
      PEM_read_bio_X509(openPem(tls.server.certificatePem).get(), nullptr, nullptr, nullptr));
  const Owned<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(openPem(tls.server.keyPem).get(), nullptr, nullptr, nullptr));
  ASSERT(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1);
  ASSERT(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1);
  static constexpr unsigned char kSessionContext[] = "scripted";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext));
  if (!tls.clientAuthorityPem.empty()) {
    const Owned<X509> authority(
        PEM_read_bio_X509(openPem(tls.clientAuthorityPem).get(), nullptr, nullptr, nullptr));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

std::string lowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

class Connection final : public ScriptedConnection {
 public:
  Connection(int socket, SSL_CTX* context) : socket_(socket) {
    if (context == nullptr) return;
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), socket_);
  }
  ~Connection() override { Connection::close(); }

  bool accept() { return ssl_ == nullptr || SSL_accept(ssl_.get()) == 1; }

  void send(std::string_view bytes) override {
    while (!bytes.empty() && isOpen_) {
      const int size = static_cast<int>(bytes.size());
      const long sent = ssl_ != nullptr ? SSL_write(ssl_.get(), bytes.data(), size)
                                        : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void close() override {
    if (!isOpen_) return;
    isOpen_ = false;
    if (ssl_ != nullptr) SSL_shutdown(ssl_.get());
    ::shutdown(socket_, SHUT_WR);
    // Closing with bytes unread would be a reset, which may overtake what was sent last.
    char bytes[4096];
    while (recv(socket_, bytes, sizeof(bytes), 0) > 0) {
    }
    closeSocket();
  }

  void reset() override {
    if (!isOpen_) return;
    isOpen_ = false;
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    closeSocket();
  }

  void waitUntilPeerCloses() override {
    pollfd waiting{.fd = socket_, .events = POLLRDHUP, .revents = 0};
    poll(&waiting, 1, -1);
    reset();
  }

  // Ends what blocks on the socket, from another thread.
  void interrupt() {
    const std::lock_guard lock(mutex_);
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
  }

  bool isOpen() const { return isOpen_; }

  // One request; nothing at the end of the connection.
  std::optional<ScriptedRequest> read() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) return std::nullopt;
    }
    ScriptedRequest request = parseHead(std::string_view(buffer_).substr(0, end + 2));
    buffer_.erase(0, end + 4);
    std::size_t length = 0;
    const std::string declared = request.header("content-length");
    std::from_chars(declared.data(), declared.data() + declared.size(), length);
    while (buffer_.size() < length) {
      if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    describePeer(request);
    return request;
  }

 private:
  void closeSocket() {
    const std::lock_guard lock(mutex_);
    ::close(socket_);
    socket_ = -1;
  }

  bool fill() {
    char bytes[16384];
    const long size = ssl_ != nullptr ? SSL_read(ssl_.get(), bytes, sizeof(bytes))
                                      : ::recv(socket_, bytes, sizeof(bytes), 0);
    if (size <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  // Lines that end with CRLF each.
  static ScriptedRequest parseHead(std::string_view head) {
    ScriptedRequest request;
    bool isFirst = true;
    while (!head.empty()) {
      const std::size_t end = head.find("\r\n");
      const std::string_view line = head.substr(0, end);
      head.remove_prefix(end + 2);
      if (isFirst) {
        const std::size_t space = line.find(' ');
        request.method = line.substr(0, space);
        request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
        isFirst = false;
        continue;
      }
      const std::size_t colon = line.find(':');
      const std::size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
      request.headers.emplace_back(lowerCase(line.substr(0, colon)), line.substr(value));
    }
    return request;
  }

  void describePeer(ScriptedRequest& request) const {
    if (ssl_ == nullptr) return;
    if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name))
      request.serverName = name;
    const Owned<X509> certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (certificate == nullptr) return;
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                              sizeof(name));
    request.clientName = name;
  }

  std::mutex mutex_;  // of socket_ for interrupt()
  int socket_;
  Owned<SSL> ssl_;
  bool isOpen_ = true;
  std::string buffer_;
};

}  // namespace

std::string ScriptedRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

void ScriptedConnection::answer(int status, const ScriptedHeaders& headers, std::string_view body) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  out += "content-length: " + std::to_string(body.size()) + "\r\n\r\n";
  send(out.append(body));
}

void ScriptedConnection::beginChunked(int status, const ScriptedHeaders& headers) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  send(out + "transfer-encoding: chunked\r\n\r\n");
}

void ScriptedConnection::chunk(std::string_view bytes) {
  char size[17];
  const auto end = std::to_chars(size, size + sizeof(size), bytes.size(), 16).ptr;
  std::string out(size, end);
  send(out.append("\r\n").append(bytes).append("\r\n"));
}

struct ScriptedServer::Impl {
  struct Worker {
    std::unique_ptr<Connection> connection;
    std::thread thread;
  };

  void serve(Connection& connection, int number) {
    if (!connection.accept()) return connection.close();
    while (connection.isOpen()) {
      std::optional<ScriptedRequest> request = connection.read();
      if (!request) break;
      request->connection = number;
      request->index = requests++;
      script(*request, connection);
    }
    connection.close();
  }

  void acceptAll() {
    // OpenSSL writes without MSG_NOSIGNAL; the threads of the connections inherit this.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;) {
      const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const int on = 1;
      setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      const std::lock_guard lock(mutex);
      if (isEnding) {
        ::close(socket);
        continue;
      }
      Worker& worker = workers.emplace_back();
      worker.connection = std::make_unique<Connection>(socket, context.get());
      worker.thread = std::thread([this, &connection = *worker.connection, number = connections++] {
        serve(connection, number);
      });
    }
  }

  Script script;
  Owned<SSL_CTX> context;
  int listener = -1;
  std::uint16_t port = 0;
  std::atomic<int> connections{0};
  std::atomic<int> requests{0};
  std::mutex mutex;
  bool isEnding = false;
  std::list<Worker> workers;
  std::thread acceptor;
};

ScriptedServer::ScriptedServer(Script script, std::optional<ScriptedTls> tls)
    : impl_(std::make_unique<Impl>()) {
  impl_->script = std::move(script);
  if (tls) impl_->context = makeContext(*tls);
  impl_->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT(bind(impl_->listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ASSERT(listen(impl_->listener, SOMAXCONN) == 0);
  ASSERT(getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  impl_->port = ntohs(address.sin_port);
  impl_->acceptor = std::thread([this] { impl_->acceptAll(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->isEnding = true;
  }
  ::shutdown(impl_->listener, SHUT_RDWR);  // ends accept()
  impl_->acceptor.join();
  ::close(impl_->listener);
  for (Impl::Worker& worker : impl_->workers) worker.connection->interrupt();
  for (Impl::Worker& worker : impl_->workers) worker.thread.join();
}

std::string ScriptedServer::url() const {
  return (impl_->context != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") +
         std::to_string(port());
}
std::uint16_t ScriptedServer::port() const { return impl_->port; }
int ScriptedServer::connectionCount() const { return impl_->connections; }
int ScriptedServer::requestCount() const { return impl_->requests; }

}  // namespace iop::testing
