#include "http/client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cstring>
#include <mutex>
#include <system_error>

#include "base/clock.h"
#include "base/log.h"
#include "http/internal/proxy.h"
#include "http/url.h"

namespace iop::http {
namespace {

using base::Instant;
using std::chrono::milliseconds;

constexpr int kMaxRedirects = 5;
// A client that cannot connect so many times in a row forgets all that it knows: names, sessions,
// connections.
constexpr int kConnectErrorsBeforeReset = 5;
// Only an upper bound: curl_multi_poll returns earlier for traffic, curl's own timers and wake-ups.
constexpr milliseconds kLongPoll{3'600'000};
// A peer that is gone is noticed after 45 s, with or without unsent data (client-go: HTTP/2 ping,
// 30 s and 15 s).
constexpr int kKeepAliveIdleSeconds = 30;
constexpr int kKeepAliveIntervalSeconds = 5;
constexpr int kKeepAliveProbes = 3;
constexpr unsigned kTcpUserTimeoutMilliseconds = 45'000;
// What a Content-Length may reserve before any byte of the body has come.
constexpr std::size_t kMaxReservedBytes = std::size_t{16} << 20;

// curl's handles are all void*: the function that frees one is part of the owner's type.
template <auto free>
struct Free {
  void operator()(auto* handle) const { free(handle); }
};
template <typename T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;
using OwnedEasy = Owned<CURL, &curl_easy_cleanup>;
using OwnedMulti = Owned<CURLM, &curl_multi_cleanup>;
using OwnedUrl = Owned<CURLU, &curl_url_cleanup>;
using OwnedList = Owned<curl_slist, &curl_slist_free_all>;
using OwnedText = Owned<char, &curl_free>;

void initializeLibrary() {
  static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
  ASSERT(initialized == CURLE_OK);
}

// What all lanes of one generation know together: resolved names and TLS sessions.
class Share {
 public:
  Share() : handle_(curl_share_init()) {
    curl_share_setopt(handle_, CURLSHOPT_USERDATA, this);
    curl_share_setopt(handle_, CURLSHOPT_LOCKFUNC, &Share::lock);
    curl_share_setopt(handle_, CURLSHOPT_UNLOCKFUNC, &Share::unlock);
    curl_share_setopt(handle_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl_share_setopt(handle_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  ~Share() { curl_share_cleanup(handle_); }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  CURLSH* handle() const { return handle_; }

 private:
  static void lock(CURL*, curl_lock_data what, curl_lock_access, void* share) {
    static_cast<Share*>(share)->mutexes_[static_cast<std::size_t>(what)].lock();
  }
  static void unlock(CURL*, curl_lock_data what, void* share) {
    static_cast<Share*>(share)->mutexes_[static_cast<std::size_t>(what)].unlock();
  }

  CURLSH* handle_;
  std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes_;
};

// Handles for one request at a time, and the connection that the last one left open.
struct Lane {
  std::shared_ptr<Share> share;
  OwnedMulti multi;
  OwnedEasy easy;
  std::string origin;
  std::array<char, CURL_ERROR_SIZE> error;
};

// Where a request goes, and how.
struct Route {
  Url url;
  std::string proxy;   // empty: none
  std::string origin;  // lanes with an equal one can share a connection
};

// The answer to one request as it comes in.
struct Transfer {
  std::size_t maxBytes = 0;
  const StreamOptions* streamOptions = nullptr;  // null: no stream
  const std::function<bool(std::string_view)>* onChunk = nullptr;

  Response response = {};
  Instant lastByte = {};
  bool isHeadComplete = false;
  bool isTooLarge = false;
  bool isEndedByConsumer = false;
  bool isIdle = false;
  bool isCanceled = false;

  bool isStreaming() const { return streamOptions != nullptr && response.isSuccess(); }
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string toLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void reserveBody(Response& response, std::size_t maxBytes) {
  const auto length = response.header("content-length");
  std::size_t bytes = 0;
  if (!length ||
      std::from_chars(length->data(), length->data() + length->size(), bytes).ec != std::errc())
    return;
  response.body.reserve(std::min({bytes, maxBytes, kMaxReservedBytes}));
}

std::size_t onHeaderLine(char* data, std::size_t, std::size_t size, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  Response& response = transfer.response;
  const std::string_view line(data, size);
  transfer.lastByte = std::chrono::steady_clock::now();
  if (transfer.isHeadComplete) return size;  // trailers
  if (line.starts_with("HTTP/")) {
    response.headers.clear();
    const std::size_t space = std::min(line.find(' '), line.size() - 1);
    std::from_chars(line.data() + space + 1, line.data() + line.size(), response.status);
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    response.headers.emplace_back(toLower(line.substr(0, colon)), trim(line.substr(colon + 1)));
  } else if (trim(line).empty() && response.status >= 200) {
    transfer.isHeadComplete = true;
    if (!transfer.isStreaming()) {
      reserveBody(response, transfer.maxBytes);
    } else if (transfer.streamOptions->onHead) {
      transfer.streamOptions->onHead(response);
    }
  }
  return size;
}

std::size_t onBody(char* data, std::size_t, std::size_t size, void* context) {
  constexpr std::size_t kStop = 0;
  auto& transfer = *static_cast<Transfer*>(context);
  if (transfer.isStreaming()) {
    const bool goesOn = (*transfer.onChunk)({data, size});
    transfer.lastByte = std::chrono::steady_clock::now();
    transfer.isEndedByConsumer = !goesOn;
    return goesOn ? size : kStop;
  }
  transfer.lastByte = std::chrono::steady_clock::now();
  if (size > transfer.maxBytes - transfer.response.body.size()) {
    transfer.isTooLarge = true;
    return kStop;
  }
  transfer.response.body.append(data, size);
  return size;
}

int onSocket(void*, curl_socket_t socket, curlsocktype) {
  const auto set = [socket](int level, int option, auto value) {
    setsockopt(socket, level, option, &value, sizeof(value));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kTcpUserTimeoutMilliseconds);
  return CURL_SOCKOPT_OK;
}

curl_blob blobOf(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

// Options that are the same for all requests of a client; `tls` must outlive the handle.
void configureTls(CURL* easy, const TlsOptions& tls) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (tls.insecureSkipVerify) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!tls.caPem.empty()) {
    curl_blob ca = blobOf(tls.caPem);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    // Else the system's directory of authorities would be trusted as well.
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!tls.certificatePem.empty()) {
    curl_blob certificate = blobOf(tls.certificatePem);
    curl_blob key = blobOf(tls.keyPem);
    curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
  }
}

OwnedEasy makeEasy(const ClientOptions& options, const Share& share, char* errorBuffer) {
  OwnedEasy easy(curl_easy_init());
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, errorBuffer);
  curl_easy_setopt(handle, CURLOPT_SHARE, share.handle());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  // A name that does not resolve must not hold up a call whose time is up.
  curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &onHeaderLine);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &onBody);
  curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, &onSocket);
  curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "");
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  // What is sent is small: curl's 64 KiB for each connection would be most of its memory.
  curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 16L << 10);
  configureTls(handle, options.tls);
  return easy;
}

Status checkHeaders(const Headers& headers) {
  constexpr std::string_view kForbidden("\r\n\0", 3);
  for (const auto& [name, value] : headers) {
    if (name.empty() || name.find_first_of(kForbidden) != std::string::npos ||
        name.find(':') != std::string::npos ||
        value.find_first_of(kForbidden) != std::string::npos) {
      return fail(Code::BadRequest, "invalid header '" + name + "'");
    }
  }
  return {};
}

bool hasHeader(const Headers& headers, std::string_view lowerName) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return toLower(header.first) == lowerName; });
}

OwnedList makeHeaderList(const Request& request, const Url& url, bool needsHost) {
  OwnedList list;
  const auto append = [&list](const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
  };
  for (const auto& [name, value] : request.headers) {
    // The form with ";" is curl's for a header without a value.
    append(value.empty() ? name + ";" : name + ": " + value);
  }
  if (needsHost && !hasHeader(request.headers, "host")) append("Host: " + url.authority());
  if (!request.body.empty()) {
    append("Expect:");  // no round trip before a large body
    if (!hasHeader(request.headers, "content-type")) append("Content-Type:");
  }
  return list;
}

void setMethod(CURL* easy, const Request& request) {
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  const bool sendsBody = !request.body.empty() || request.method == "POST" ||
                         request.method == "PUT" || request.method == "PATCH";
  if (sendsBody) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

std::string printDuration(milliseconds duration) {
  const auto count = duration.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + "s" : std::to_string(count) + "ms";
}

// "GET https://10.0.0.1:6443/api/v1/pods": without the query, which may be long, and without a
// password.
std::string describe(const Request& request, const Url& url) {
  return request.method + " " + url.scheme + "://" + url.authority() + url.path;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool isTlsFailure(CURLcode result, std::string_view detail) {
  switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CIPHER:
      return true;
    case CURLE_SSL_CONNECT_ERROR:
      // What is left is a server that went away during the handshake.
      return !contains(detail, "SSL_ERROR_SYSCALL") && !contains(detail, "reset by peer") &&
             !contains(detail, "unexpected eof");
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      // With TLS 1.3 a refused client certificate shows at the first read.
      return contains(detail, " alert ");
    default:
      return false;
  }
}

bool isLocalMistake(CURLcode result) {
  switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return true;
    default:
      return false;
  }
}

std::string systemReason(CURL* easy, CURLcode result) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  if (result != CURLE_COULDNT_CONNECT || error == 0) return {};
  return toLower(std::system_category().message(static_cast<int>(error)));
}

Error explain(CURLcode result, const Lane& lane, const Request& request, const Route& route,
              const Transfer& transfer) {
  CURL* easy = lane.easy.get();
  const std::string what = describe(request, route.url) + ": ";
  const auto error = [&what](Code code, const std::string& why, std::string cause = {}) {
    return Error{code, what + why, std::move(cause), 0};
  };
  const std::string detail = lane.error[0] != '\0' ? lane.error.data() : curl_easy_strerror(result);
  curl_off_t sendingSince = 0;  // 0: not connected
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sendingSince);

  if (transfer.isCanceled) return error(Code::Canceled, "canceled");
  if (transfer.isIdle) {
    return error(Code::Timeout,
                 "nothing received for " + printDuration(transfer.streamOptions->idleTimeout),
                 "IdleTimeout");
  }
  if (transfer.isTooLarge) {
    return error(Code::InternalError,
                 "answer of more than " + std::to_string(transfer.maxBytes) + " bytes",
                 "AnswerTooLarge");
  }
  if (result == CURLE_OPERATION_TIMEDOUT) {
    const bool isBounded = transfer.streamOptions == nullptr && request.timeout.count() > 0;
    if (sendingSince == 0) {
      const milliseconds limit =
          isBounded ? std::min(request.connectTimeout, request.timeout) : request.connectTimeout;
      return error(Code::Timeout, "no connection within " + printDuration(limit), "ConnectTimeout");
    }
    return error(Code::Timeout, "no whole answer within " + printDuration(request.timeout),
                 "RequestTimeout");
  }
  if (isLocalMistake(result)) return error(Code::BadRequest, detail);
  if (isTlsFailure(result, detail)) return error(Code::Unreachable, "tls: " + detail, "TlsFailed");
  if (result == CURLE_COULDNT_RESOLVE_HOST)
    return error(Code::Unreachable, "no such host '" + route.url.host + "'");
  if (transfer.response.status == 0) {
    const std::string reason = systemReason(easy, result);
    return error(Code::Unreachable, reason.empty() ? detail : reason,
                 sendingSince != 0 ? "NoAnswer" : "");
  }
  return error(Code::Interrupted, detail);
}

Result<std::string> resolveRedirect(const Url& base, std::string_view location) {
  const OwnedUrl url(curl_url());
  char* text = nullptr;
  if (curl_url_set(url.get(), CURLUPART_URL, printUrl(base).c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, std::string(location).c_str(), 0) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return fail(Code::BadRequest, "redirect to '" + std::string(location) + "'");
  }
  const OwnedText owned(text);
  return std::string(text);
}

// Where a redirect leads that may be followed; nothing: the answer is the answer.
std::optional<Url> redirectTarget(const Request& request, const Url& from,
                                  const Response& response) {
  if (!request.followSameOriginRedirects || (request.method != "GET" && request.method != "HEAD"))
    return {};
  if (response.status < 301 || response.status > 308 ||
      (response.status > 303 && response.status < 307))
    return {};
  const auto location = response.header("location");
  if (!location) return {};
  const Result<std::string> target = resolveRedirect(from, *location);
  if (!target) return {};
  Result<Url> url = parseUrl(*target);
  if (!url || !url->hasSameOrigin(from)) return {};
  return std::move(*url);
}

}  // namespace

std::optional<std::string_view> Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

struct Client::Impl {
  explicit Impl(ClientOptions clientOptions)
      : options(std::move(clientOptions)),
        environment(options.proxy ? internal::ProxyEnvironment{} : internal::proxyEnvironment()) {
    if (options.proxy && !options.proxy->empty()) {
      if (Result<Url> proxy = parseUrl(*options.proxy); !proxy) {
        usable = tl::unexpected(proxy.error().withContext("proxy"));
      }
    }
    if (usable) usable = checkTls(options.tls);
  }

  Route routeTo(Url url) const {
    Route route{.url = std::move(url), .proxy = {}, .origin = {}};
    route.proxy = options.proxy ? *options.proxy : internal::proxyFor(route.url, environment);
    route.origin = route.url.scheme + "://" + route.url.authority() + " " + route.proxy;
    return route;
  }

  // The lane that was used last for the same origin, or a new one.
  std::unique_ptr<Lane> takeLane(const std::string& origin) {
    std::shared_ptr<Share> current;
    {
      const std::lock_guard lock(mutex);
      const auto kept = std::find_if(idle.rbegin(), idle.rend(),
                                     [&](const auto& lane) { return lane->origin == origin; });
      if (kept != idle.rend()) {
        std::unique_ptr<Lane> lane = std::move(*kept);
        idle.erase(std::next(kept).base());
        return lane;
      }
      current = share;
    }
    auto lane = std::make_unique<Lane>();
    lane->share = std::move(current);
    lane->multi.reset(curl_multi_init());
    lane->easy = makeEasy(options, *lane->share, lane->error.data());
    lane->origin = origin;
    return lane;
  }

  void giveBack(std::unique_ptr<Lane> lane) {
    std::unique_ptr<Lane> surplus;  // closed without the lock
    const std::lock_guard lock(mutex);
    if (lane->share != share || options.maxIdleConnections == 0) {
      surplus = std::move(lane);
      return;
    }
    if (idle.size() >= options.maxIdleConnections) {
      surplus = std::move(idle.front());
      idle.erase(idle.begin());
    }
    idle.push_back(std::move(lane));
  }

  void forgetConnections() {
    std::vector<std::unique_ptr<Lane>> dropped;  // closed without the lock
    auto fresh = std::make_shared<Share>();
    const std::lock_guard lock(mutex);
    dropped.swap(idle);
    share.swap(fresh);
  }

  // Sets all options that a request before may have set otherwise.
  void prepare(Lane& lane, const Request& request, const Route& route, Transfer& transfer,
               const OwnedList& headers, const OwnedList& connectTo, milliseconds timeout) const {
    CURL* easy = lane.easy.get();
    std::string url = printUrl(route.url);
    if (connectTo != nullptr) {
      Url named = route.url;
      named.host = options.tls.serverName;
      url = printUrl(named);
    }
    lane.error[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connectTo.get());
    curl_easy_setopt(easy, CURLOPT_PROXY, route.proxy.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(request.connectTimeout.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    // No streams: an API server compresses the initial events of a watch as one gzip member and
    // goes on with another, which curl 7.88 takes for an error.
    const bool isCompressible = options.compression && transfer.streamOptions == nullptr;
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, isCompressible ? "gzip" : nullptr);
    setMethod(easy, request);
  }

  static CURLcode run(const Lane& lane, Transfer& transfer, const std::stop_token& stop) {
    CURLM* multi = lane.multi.get();
    const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
    curl_multi_add_handle(multi, lane.easy.get());
    transfer.lastByte = std::chrono::steady_clock::now();
    for (int running = 1;;) {
      curl_multi_perform(multi, &running);
      if (running == 0) break;
      transfer.isCanceled = stop.stop_requested();
      if (transfer.isCanceled) break;
      milliseconds wait = kLongPoll;
      if (transfer.streamOptions != nullptr) {
        const Instant deadline = transfer.lastByte + transfer.streamOptions->idleTimeout;
        wait = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
        transfer.isIdle = wait.count() <= 0;
        if (transfer.isIdle) break;
      }
      curl_multi_poll(multi, nullptr, 0, static_cast<int>(std::min(wait, kLongPoll).count()),
                      nullptr);
    }
    CURLcode result = CURLE_OK;
    int left = 0;
    if (const CURLMsg* message = curl_multi_info_read(multi, &left)) result = message->data.result;
    curl_multi_remove_handle(multi, lane.easy.get());
    return result;
  }

  void countConnectErrors(const Result<Response>& outcome) {
    if (outcome) {
      connectErrors.store(0, std::memory_order_relaxed);
      return;
    }
    const Error& error = outcome.error();
    if (error.code != Code::Unreachable && error.cause != "ConnectTimeout") return;
    if (connectErrors.fetch_add(1, std::memory_order_relaxed) + 1 < kConnectErrorsBeforeReset)
      return;
    connectErrors.store(0, std::memory_order_relaxed);
    log::debug("http connections forgotten after repeated connect errors",
               {{"error", error.message}});
    forgetConnections();
  }

  Result<Response> perform(const Request& request, const Route& route, Transfer& transfer,
                           milliseconds timeout) {
    OwnedList connectTo;
    const bool isRenamed = route.url.scheme == "https" && !options.tls.serverName.empty();
    if (isRenamed) {
      Url target = route.url;
      target.port = target.effectivePort();
      connectTo.reset(curl_slist_append(nullptr, ("::" + target.authority()).c_str()));
    }
    const OwnedList headers = makeHeaderList(request, route.url, isRenamed);
    std::unique_ptr<Lane> lane = takeLane(route.origin);
    prepare(*lane, request, route, transfer, headers, connectTo, timeout);
    const CURLcode result = run(*lane, transfer, request.stop);
    const bool isOver = transfer.isCanceled || transfer.isIdle;
    Result<Response> outcome;
    if ((result == CURLE_OK && !isOver) || transfer.isEndedByConsumer) {
      outcome = std::move(transfer.response);
    } else {
      outcome = tl::unexpected(explain(result, *lane, request, route, transfer));
    }
    giveBack(std::move(lane));
    countConnectErrors(outcome);
    return outcome;
  }

  Result<Url> check(const Request& request) const {
    if (request.stop.stop_requested()) return fail(Code::Canceled, request.method + ": canceled");
    if (!usable) return tl::unexpected(usable.error());
    RETURN_IF_ERROR(checkHeaders(request.headers));
    ASSIGN_OR_RETURN(Url url, parseUrl(request.url));
    if (url.scheme != "http" && url.scheme != "https") {
      return fail(Code::BadRequest, "url '" + request.url + "': neither http nor https");
    }
    return url;
  }

  const ClientOptions options;
  const internal::ProxyEnvironment environment;
  Status usable;
  std::atomic<int> connectErrors{0};

  std::mutex mutex;
  std::shared_ptr<Share> share = std::make_shared<Share>();
  std::vector<std::unique_ptr<Lane>> idle;  // the one used last at the end
};

Client::Client(ClientOptions options) {
  initializeLibrary();
  impl_ = std::make_unique<Impl>(std::move(options));
}

Client::~Client() = default;

Result<Response> Client::send(const Request& request) {
  ASSIGN_OR_RETURN(Url url, impl_->check(request));
  const Instant start = std::chrono::steady_clock::now();
  milliseconds left = request.timeout;
  for (int redirects = 0;; ++redirects) {
    const Route route = impl_->routeTo(std::move(url));
    Transfer transfer{.maxBytes = request.maxAnswerBytes};
    ASSIGN_OR_RETURN(Response response, impl_->perform(request, route, transfer, left));
    std::optional<Url> target = redirectTarget(request, route.url, response);
    if (!target || redirects == kMaxRedirects) return response;
    url = std::move(*target);
    if (request.timeout.count() == 0) continue;
    // Never 0, which would mean that there is no limit.
    const auto used =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    left = std::max(request.timeout - used, milliseconds(1));
  }
}

Result<Response> Client::stream(const Request& request, const StreamOptions& options,
                                const std::function<bool(std::string_view chunk)>& onChunk) {
  ASSIGN_OR_RETURN(Url url, impl_->check(request));
  const Route route = impl_->routeTo(std::move(url));
  Transfer transfer{
      .maxBytes = request.maxAnswerBytes, .streamOptions = &options, .onChunk = &onChunk};
  return impl_->perform(request, route, transfer, milliseconds(0));
}

void Client::dropConnections() { impl_->forgetConnections(); }

}  // namespace iop::http
