#include "kube/client/rest_client.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/log.h"
#include "http/client.h"
#include "http/url.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "kube/client/internal/credentials.h"
#include "kube/client/internal/discovery.h"
#include "kube/client/internal/transport.h"
#include "kube/client/internal/watch_decoder.h"
#include "text/json.h"

namespace iop::kube::client {
namespace {

using base::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMaxRetries = 10;                    // client-go, rest/request.go
constexpr seconds kRetryAfterBrokenConnection{1};  // client-go, rest/with_retry.go
constexpr milliseconds kDiscoveryTimeout{32'000};  // client-go, discovery_client.go
constexpr milliseconds kConnectTimeout{30'000};    // client-go, transport/cache.go
constexpr std::size_t kMaxWarnings = 1000;         // remembered texts
constexpr std::size_t kMaxErrorTextBytes = 512;    // shown of an answer that is no Status

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kMetadataJson =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr std::string_view kMetadataListJson =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

// One request, whatever may become of it.
struct Call {
  std::string_view method;
  std::string_view verb;
  std::string_view resource = {};
  std::string path;  // and query
  std::string_view accept = kJson;
  std::string_view contentType = {};
  std::string body = {};
  std::string etag = {};
};

std::string_view contentTypeOf(PatchType type) {
  switch (type) {
    case PatchType::Json:
      return "application/json-patch+json";
    case PatchType::Merge:
      return "application/merge-patch+json";
    case PatchType::Strategic:
      return "application/strategic-merge-patch+json";
    case PatchType::Apply:
      return "application/apply-patch+yaml";
  }
  return kJson;
}

std::string printRequestBody(const Value& object) {
  return text::printJson(object, {.escapeHtml = false});
}

// client-go, rest/request.go: what cannot be one segment of a path.
bool isPathSegment(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         text.find_first_of("/%") == std::string_view::npos;
}

Status checkSegment(std::string_view what, std::string_view text) {
  if (isPathSegment(text)) return {};
  if (text.empty()) return fail(Code::BadRequest, "no " + std::string(what));
  return fail(Code::BadRequest, "invalid " + std::string(what) + " '" + std::string(text) + "'");
}

void appendSegment(std::string& path, std::string_view segment) {
  path += '/';
  path += http::escapePathSegment(segment);
}

// "/apis/apps/v1/namespaces/shop/deployments"; all namespaces where none is given.
Result<std::string> collectionPath(const Resource& resource, const std::string& namespaceName) {
  std::string path = resource.group.empty() ? "/api" : "/apis";
  if (!resource.group.empty()) appendSegment(path, resource.group);
  appendSegment(path, resource.version);
  if (resource.namespaced && !namespaceName.empty()) {
    RETURN_IF_ERROR(checkSegment("namespace", namespaceName));
    path += "/namespaces";
    appendSegment(path, namespaceName);
  }
  appendSegment(path, resource.plural);
  return path;
}

Result<std::string> objectPath(const Resource& resource, const ObjectKey& key,
                               const std::string& subresource) {
  if (resource.namespaced) RETURN_IF_ERROR(checkSegment("namespace", key.namespaceName));
  RETURN_IF_ERROR(checkSegment("name", key.name));
  ASSIGN_OR_RETURN(std::string path, collectionPath(resource, key.namespaceName));
  appendSegment(path, key.name);
  if (!subresource.empty()) {
    RETURN_IF_ERROR(checkSegment("subresource", subresource));
    appendSegment(path, subresource);
  }
  return path;
}

void addWriteOptions(const CallOptions& options, std::string& path) {
  if (!options.fieldManager.empty()) http::appendQuery(path, "fieldManager", options.fieldManager);
  if (options.dryRun) http::appendQuery(path, "dryRun", "All");
}

void addIfSet(std::string& path, std::string_view key, const std::string& value) {
  if (!value.empty()) http::appendQuery(path, key, value);
}

int leadingNumber(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Seconds; 0 where the header says nothing or a date, which API servers do not send.
int retryAfterOf(const http::Response& response) {
  const auto header = response.header("retry-after");
  return header ? std::max(leadingNumber(*header), 0) : 0;
}

// The failure that an answer tells: in a Status, or in whatever words a proxy has.
Error errorOfAnswer(const http::Response& response, const Call& call) {
  Error error;
  const Result<Value> body = text::parseJson(response.body);
  if (body && api::isStatus(*body)) {
    error = api::errorOf(*body, response.status);
  } else if (response.status == 404 && !call.resource.empty()) {
    error = {Code::NotFound, "the server could not find the requested resource", {}, 0};
  } else {
    error.code = base::codeOf("", response.status);
    error.message = "the server answered " + std::to_string(response.status);
    if (!response.body.empty()) error.message += ": " + response.body.substr(0, kMaxErrorTextBytes);
    while (error.message.ends_with('\n')) error.message.pop_back();
  }
  if (error.retryAfterSeconds == 0) error.retryAfterSeconds = retryAfterOf(response);
  return error;
}

// A 404 that is about the whole resource, not one object of it: its definition is gone.
bool isResourceGone(const http::Response& response) {
  if (response.status != 404) return false;
  const Result<Value> body = text::parseJson(response.body);
  return !body || !api::isStatus(*body) || (*body)["details"]["name"].empty();
}

// How long to wait before another attempt; nothing: none is due.
std::optional<seconds> retryDelay(const Call& call, const Result<http::Response>& answer) {
  if (answer) {
    const bool mayPass = answer->status == 429 || answer->status >= 500;
    const int retryAfter = mayPass ? retryAfterOf(*answer) : 0;
    return retryAfter > 0 ? std::optional(seconds(retryAfter)) : std::nullopt;
  }
  const Error& error = answer.error();
  const bool isBroken = error.code == Code::Interrupted || error.cause == "NoAnswer";
  if (call.method == "GET" && isBroken) return kRetryAfterBrokenConnection;
  return std::nullopt;
}

// Waits for a moment of the clock; false: asked to stop.
bool waitUntil(base::Clock& clock, Instant deadline, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable condition;
  const std::stop_callback wake(stop, [&] {
    const std::lock_guard lock(mutex);
    condition.notify_all();
  });
  std::unique_lock lock(mutex);
  while (!stop.stop_requested() && clock.instant() < deadline)
    clock.waitUntil(lock, condition, deadline);
  return !stop.stop_requested();
}

// The text of a Warning header's value, 299 - "text" (RFC 7234, section 5.5); several are separated
// by commas.
std::vector<std::string> parseWarnings(std::string_view header) {
  std::vector<std::string> texts;
  for (std::size_t quote = header.find('"'); quote != std::string_view::npos;
       quote = header.find('"')) {
    header.remove_prefix(quote + 1);
    std::string text;
    while (!header.empty() && header.front() != '"') {
      if (header.front() == '\\' && header.size() > 1) header.remove_prefix(1);
      text += header.front();
      header.remove_prefix(1);
    }
    header.remove_prefix(std::min<std::size_t>(1, header.size()));
    texts.push_back(std::move(text));
    // A date may follow, in quotes as well.
    header.remove_prefix(std::min(header.find(','), header.size()));
  }
  return texts;
}

}  // namespace

std::string defaultUserAgent(std::string_view suffix) {
#if defined(__x86_64__)
  constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
  constexpr std::string_view kArchitecture = "arm64";
#else
  constexpr std::string_view kArchitecture = "unknown";
#endif
  std::string out =
      "integration-operator/" IOP_VERSION " (linux/" + std::string(kArchitecture) + ")";
  if (!suffix.empty()) out += " " + std::string(suffix);
  return out;
}

struct RestClient::Impl {
  Impl(Config clientConfig, RestClientOptions clientOptions, std::string hostPort)
      : config(std::move(clientConfig)),
        options(std::move(clientOptions)),
        host(std::move(hostPort)),
        clock(*options.clock),
        credentials(config, clock),
        transport(config, clock),
        discovery(
            [this](const auto& request, const auto& stop) { return fetchDiscovery(request, stop); },
            clock) {
    if (options.userAgent.empty()) options.userAgent = defaultUserAgent();
  }

  void addImpersonation(const CallOptions& callOptions, http::Headers& headers) const {
    if (!callOptions.impersonate.empty()) {
      headers.emplace_back("Impersonate-User", callOptions.impersonate);
      return;
    }
    if (config.impersonateUser.empty()) return;
    headers.emplace_back("Impersonate-User", config.impersonateUser);
    if (!config.impersonateUid.empty())
      headers.emplace_back("Impersonate-Uid", config.impersonateUid);
    for (const std::string& group : config.impersonateGroups)
      headers.emplace_back("Impersonate-Group", group);
    for (const auto& [key, values] : config.impersonateExtra) {
      for (const std::string& value : values) {
        headers.emplace_back("Impersonate-Extra-" + http::escapeQuery(key), value);
      }
    }
  }

  http::Request makeRequest(const Call& call, const CallOptions& callOptions,
                            const std::string& authorization) const {
    http::Request request;
    request.method = call.method;
    request.url = config.server + call.path;
    request.headers.emplace_back("Accept", call.accept);
    request.headers.emplace_back("User-Agent", options.userAgent);
    if (!call.contentType.empty()) request.headers.emplace_back("Content-Type", call.contentType);
    if (!call.etag.empty()) request.headers.emplace_back("If-None-Match", call.etag);
    if (!authorization.empty()) request.headers.emplace_back("Authorization", authorization);
    addImpersonation(callOptions, request.headers);
    request.body = call.body;
    request.connectTimeout = kConnectTimeout;
    request.maxAnswerBytes = options.maxAnswerBytes;
    request.stop = callOptions.stop;
    return request;
  }

  void observe(const Call& call, Instant start, int code, std::size_t answerBytes) const {
    if (!options.observe) return;
    options.observe({.method = call.method,
                     .verb = call.verb,
                     .host = host,
                     .resource = call.resource,
                     .code = code,
                     .seconds = std::chrono::duration<double>(clock.instant() - start).count(),
                     .requestBytes = call.body.size(),
                     .answerBytes = answerBytes});
  }

  void logWarnings(const http::Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (name != "warning") continue;
      for (std::string& text : parseWarnings(value)) {
        const std::lock_guard lock(warningsMutex);
        if (warnings.size() >= kMaxWarnings || !warnings.insert(text).second) continue;
        log::warn("the API server warns", {{"warning", std::move(text)}});
      }
    }
  }

  // What every answer is good for besides its body.
  void digest(const Call& call, Instant start, const Result<http::Response>& answer) {
    observe(call, start, answer ? answer->status : 0, answer ? answer->body.size() : 0);
    if (!answer) return;
    logWarnings(*answer);
    if (answer->status == 401) credentials.reject(start);
  }

  // Any answer is a success, also one that tells a failure.
  Result<http::Response> send(const Call& call, const CallOptions& callOptions) {
    const Instant deadline = clock.instant() + callOptions.timeout;
    for (int retries = 0;; ++retries) {
      ASSIGN_OR_RETURN(const internal::Credential credential, credentials.get(callOptions.stop));
      ASSIGN_OR_RETURN(const std::shared_ptr<http::Client> client, transport.get(credential));
      http::Request request = makeRequest(call, callOptions, credential.authorization);
      const Instant start = clock.instant();
      request.timeout =
          std::max(std::chrono::ceil<milliseconds>(deadline - start), milliseconds(1));
      Result<http::Response> answer = client->send(request);
      digest(call, start, answer);
      const std::optional<seconds> delay = retryDelay(call, answer);
      const Instant next = clock.instant() + delay.value_or(seconds(0));
      if (!delay || retries == kMaxRetries || next >= deadline) return answer;
      if (!waitUntil(clock, next, callOptions.stop)) return fail(Code::Canceled, "canceled");
    }
  }

  // A successful answer.
  Result<http::Response> ask(const Call& call, const CallOptions& callOptions) {
    ASSIGN_OR_RETURN(http::Response response, send(call, callOptions));
    if (!response.isSuccess()) return tl::unexpected(errorOfAnswer(response, call));
    return response;
  }

  Result<http::Response> ask(const Call& call, const Resource& resource,
                             const CallOptions& callOptions) {
    ASSIGN_OR_RETURN(http::Response response, send(call, callOptions));
    if (response.isSuccess()) return response;
    if (isResourceGone(response)) discovery.forget(resource);
    return tl::unexpected(errorOfAnswer(response, call));
  }

  Result<Value> askForObject(const Call& call, const Resource& resource,
                             const CallOptions& callOptions) {
    ASSIGN_OR_RETURN(const http::Response response, ask(call, resource, callOptions));
    return text::parseJson(response.body).map_error(addContext("answer of the server"));
  }

  Result<internal::DiscoveryAnswer> fetchDiscovery(const internal::DiscoveryRequest& request,
                                                   const std::stop_token& stop) {
    static const text::DropPaths kDropped(
        {"/items/versions/resources/subresources", "/items/versions/resources/verbs",
         "/items/versions/resources/categories", "/items/versions/resources/shortNames"});
    CallOptions callOptions;
    callOptions.timeout = kDiscoveryTimeout;
    callOptions.stop = stop;
    const Call call{.method = "GET",
                    .verb = "discover",
                    .path = request.path,
                    .accept = request.accept,
                    .etag = request.etag};
    ASSIGN_OR_RETURN(const http::Response response, send(call, callOptions));
    internal::DiscoveryAnswer answer;
    answer.isUnchanged = response.status == 304;
    if (answer.isUnchanged) return answer;
    if (!response.isSuccess()) return tl::unexpected(errorOfAnswer(response, call));
    ASSIGN_OR_RETURN(answer.body, text::parseJson(response.body, {.drop = &kDropped}));
    answer.isAggregated =
        response.header("content-type").value_or("").find("as=APIGroupDiscoveryList") !=
        std::string_view::npos;
    answer.etag = response.header("etag").value_or("");
    return answer;
  }

  Status stream(const Call& call, const Resource& resource, const WatchOptions& watch,
                const CallOptions& callOptions, const std::function<bool(WatchEvent&&)>& onEvent) {
    ASSIGN_OR_RETURN(const internal::Credential credential, credentials.get(callOptions.stop));
    ASSIGN_OR_RETURN(const std::shared_ptr<http::Client> client, transport.get(credential));
    internal::WatchDecoder decoder(resource, options.maxEventBytes);
    Status decoded;
    bool stands = false;
    const Instant start = clock.instant();
    const http::StreamOptions streamOptions{.idleTimeout = watch.idleTimeout,
                                            .onHead = [&](const http::Response& head) {
                                              stands = true;
                                              digest(call, start, head);
                                            }};
    const Result<http::Response> end =
        client->stream(makeRequest(call, callOptions, credential.authorization), streamOptions,
                       [&](std::string_view chunk) {
                         const Result<bool> goesOn = decoder.feed(chunk, onEvent);
                         if (!goesOn) decoded = tl::unexpected(goesOn.error());
                         return goesOn && *goesOn;
                       });
    if (!stands) digest(call, start, end);
    RETURN_IF_ERROR(decoded);
    if (!end) {
      if (end.error().code == Code::Canceled) return {};
      return tl::unexpected(end.error());
    }
    if (end->isSuccess()) return {};
    if (isResourceGone(*end)) discovery.forget(resource);
    return tl::unexpected(errorOfAnswer(*end, call));
  }

  const Config config;
  RestClientOptions options;
  const std::string host;
  base::Clock& clock;
  internal::Credentials credentials;
  internal::Transport transport;
  internal::Discovery discovery;
  std::mutex warningsMutex;
  std::set<std::string> warnings;
};

Result<std::unique_ptr<RestClient>> RestClient::create(Config config, RestClientOptions options) {
  ASSIGN_OR_RETURN(const http::Url server,
                   http::parseUrl(config.server).map_error(addContext("server")));
  if (config.insecureSkipTlsVerify) {
    log::warn("the API server's certificate is not verified (insecure-skip-tls-verify)",
              {{"server", config.server}});
  }
  auto impl = std::make_unique<Impl>(std::move(config), std::move(options), server.authority());
  // Certificates that cannot be read are told here, not with the first request.
  RETURN_IF_ERROR(impl->transport.get({}));
  return std::unique_ptr<RestClient>(new RestClient(std::move(impl)));
}

RestClient::RestClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestClient::~RestClient() = default;

const Config& RestClient::config() const { return impl_->config; }

Result<Resource> RestClient::resolve(const GroupVersionKind& kind) {
  return impl_->discovery.resolve(kind, {});
}

Result<std::vector<Resource>> RestClient::discover(const CallOptions& options) {
  return impl_->discovery.all(options.stop);
}

Result<Value> RestClient::get(const Resource& resource, const ObjectKey& key,
                              const CallOptions& options) {
  ASSIGN_OR_RETURN(std::string path, objectPath(resource, key, options.subresource));
  const Call call{.method = "GET",
                  .verb = "get",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .accept = options.metadataOnly ? kMetadataJson : kJson};
  ASSIGN_OR_RETURN(Value object, impl_->askForObject(call, resource, options));
  if (options.metadataOnly) internal::setKind(resource, object);
  return object;
}

Result<Value> RestClient::list(const Resource& resource, const std::string& namespaceName,
                               const ListOptions& list, const CallOptions& options) {
  static const text::DropPaths kDropped({"/items/metadata/managedFields"});
  ASSIGN_OR_RETURN(std::string path, collectionPath(resource, namespaceName));
  addIfSet(path, "labelSelector", list.labelSelector);
  addIfSet(path, "fieldSelector", list.fieldSelector);
  addIfSet(path, "resourceVersion", list.resourceVersion);
  addIfSet(path, "resourceVersionMatch", list.resourceVersionMatch);
  addIfSet(path, "continue", list.continueToken);
  if (list.limit > 0) http::appendQuery(path, "limit", std::to_string(list.limit));
  const Call call{.method = "GET",
                  .verb = "list",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .accept = options.metadataOnly ? kMetadataListJson : kJson};
  ASSIGN_OR_RETURN(const http::Response response, impl_->ask(call, resource, options));
  ASSIGN_OR_RETURN(Value answer, text::parseJson(response.body, {.drop = &kDropped})
                                     .map_error(addContext("answer of the server")));
  if (answer["items"].isArray()) {
    Value& items = answer.edit("items");
    for (std::size_t i = 0; i < items.size(); ++i) internal::setKind(resource, items.editItem(i));
  }
  return answer;
}

Result<Value> RestClient::create(const Resource& resource, const std::string& namespaceName,
                                 const Value& object, const CallOptions& options) {
  if (resource.namespaced) RETURN_IF_ERROR(checkSegment("namespace", namespaceName));
  ASSIGN_OR_RETURN(std::string path,
                   options.subresource.empty()
                       ? collectionPath(resource, namespaceName)
                       : objectPath(resource, {namespaceName, std::string(api::nameOf(object))},
                                    options.subresource));
  addWriteOptions(options, path);
  const Call call{.method = "POST",
                  .verb = "create",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .contentType = kJson,
                  .body = printRequestBody(object)};
  return impl_->askForObject(call, resource, options);
}

Result<Value> RestClient::update(const Resource& resource, const ObjectKey& key,
                                 const Value& object, const CallOptions& options) {
  ASSIGN_OR_RETURN(std::string path, objectPath(resource, key, options.subresource));
  addWriteOptions(options, path);
  const Call call{.method = "PUT",
                  .verb = "update",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .contentType = kJson,
                  .body = printRequestBody(object)};
  return impl_->askForObject(call, resource, options);
}

Result<Value> RestClient::patch(const Resource& resource, const ObjectKey& key, PatchType type,
                                const Value& patch, const CallOptions& options) {
  const bool isApply = type == PatchType::Apply;
  if (isApply && options.fieldManager.empty())
    return fail(Code::BadRequest, "apply needs a fieldManager");
  ASSIGN_OR_RETURN(std::string path, objectPath(resource, key, options.subresource));
  addWriteOptions(options, path);
  if (options.force) http::appendQuery(path, "force", "true");
  const Call call{.method = "PATCH",
                  .verb = "patch",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .contentType = contentTypeOf(type),
                  .body = isApply ? text::printApplyBody(patch) : printRequestBody(patch)};
  return impl_->askForObject(call, resource, options);
}

Result<Value> RestClient::remove(const Resource& resource, const ObjectKey& key,
                                 const DeleteOptions& remove, const CallOptions& options) {
  ASSIGN_OR_RETURN(std::string path, objectPath(resource, key, options.subresource));
  Value body = Value::object({{"apiVersion", "v1"}, {"kind", "DeleteOptions"}});
  if (!remove.uid.empty()) body.edit("preconditions").set("uid", remove.uid);
  if (!remove.resourceVersion.empty())
    body.edit("preconditions").set("resourceVersion", remove.resourceVersion);
  if (!remove.propagationPolicy.empty()) body.set("propagationPolicy", remove.propagationPolicy);
  // The server does not look at the query where there is a body.
  if (options.dryRun) body.set("dryRun", Value::array({"All"}));
  const Call call{.method = "DELETE",
                  .verb = "delete",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .contentType = kJson,
                  .body = printRequestBody(body)};
  return impl_->askForObject(call, resource, options);
}

Status RestClient::watch(const Resource& resource, const std::string& namespaceName,
                         const WatchOptions& watch, const CallOptions& options,
                         const std::function<bool(WatchEvent&&)>& onEvent) {
  ASSIGN_OR_RETURN(std::string path, collectionPath(resource, namespaceName));
  http::appendQuery(path, "watch", "true");
  http::appendQuery(path, "allowWatchBookmarks", "true");
  addIfSet(path, "labelSelector", watch.labelSelector);
  addIfSet(path, "fieldSelector", watch.fieldSelector);
  addIfSet(path, "resourceVersion", watch.resourceVersion);
  if (watch.sendInitialEvents) {
    http::appendQuery(path, "sendInitialEvents", "true");
    http::appendQuery(path, "resourceVersionMatch", "NotOlderThan");
  }
  http::appendQuery(path, "timeoutSeconds", std::to_string(watch.serverTimeout.count()));
  const Call call{.method = "GET",
                  .verb = "watch",
                  .resource = resource.plural,
                  .path = std::move(path),
                  .accept = options.metadataOnly ? kMetadataJson : kJson};
  return impl_->stream(call, resource, watch, options, onEvent);
}

Result<ServerVersion> RestClient::serverVersion(const CallOptions& options) {
  const Call call{.method = "GET", .verb = "get", .path = "/version"};
  ASSIGN_OR_RETURN(const http::Response response, impl_->ask(call, options));
  ASSIGN_OR_RETURN(const Value version,
                   text::parseJson(response.body).map_error(addContext("version of the server")));
  // Some providers write "27+".
  return ServerVersion{leadingNumber(version["major"].asString()),
                       leadingNumber(version["minor"].asString()),
                       version["gitVersion"].toString()};
}

Status RestClient::ping(const CallOptions& options) {
  const Call call{.method = "GET", .verb = "get", .path = "/readyz"};
  RETURN_IF_ERROR(impl_->ask(call, options));
  return {};
}

}  // namespace iop::kube::client
