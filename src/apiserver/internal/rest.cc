#include "apiserver/internal/rest.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/internal/options.h"
#include "apiserver/internal/tables.h"
#include "kube/api/object.h"
#include "text/json.h"

namespace iop::apiserver {
namespace {

constexpr std::size_t kMaxWarnings = 32;
constexpr std::size_t kMaxWarningBytes = 1024;

bool isBrowser(std::string_view agent) {
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

// A Warning header (RFC 7234): 299 - "text".
std::string warningHeader(std::string_view text) {
  std::string out = "299 - \"";
  for (const char byte : text.substr(0, kMaxWarningBytes)) {
    if (byte == '"' || byte == '\\') out += '\\';
    if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) out += byte;
  }
  return out + '"';
}

std::string shownUser(const auth::User& user) { return "\"" + user.name + "\""; }

// Why somebody is not allowed (apiserver, handlers/responsewriters/errors.go).
Failure deniedFailure(const auth::Attributes& asked, std::string_view reason) {
  std::string why = "User " + shownUser(asked.user) + " cannot " + asked.verb;
  if (asked.resource.empty()) {
    why += " path \"" + asked.path + "\"";
  } else {
    why += " resource \"" + asked.resource;
    if (!asked.subresource.empty()) why += "/" + asked.subresource;
    why += "\" in API group \"" + asked.group + "\"";
    why += asked.namespaceName.empty() ? " at the cluster scope"
                                       : " in the namespace \"" + asked.namespaceName + "\"";
  }
  if (!reason.empty()) why.append(": ").append(reason);
  if (asked.resource.empty()) {
    Failure failure = forbidden("", "", "", why);
    failure.details = Value::object();
    return failure;
  }
  std::string plural = asked.resource;
  Failure failure = forbidden(asked.group, plural, asked.name, why);
  return failure;
}

}  // namespace

Rest::Rest(Engine& engine, const auth::Tokens& tokens, http::Server& server, AuditLog* audit)
    : engine_(engine),
      tokens_(tokens),
      server_(server),
      audit_(audit),
      discovery_(engine.registry(), ""),
      watches_(engine, server,
               [this](std::function<void()> send) { whenDurable(std::move(send)); }) {}

Rest::~Rest() = default;

Answer<auth::User> Rest::authenticate(const http::ServerRequest& request) const {
  if (request.clientCertificate) {
    return auth::userOfCertificate(request.clientCertificate->commonName,
                                   request.clientCertificate->organizations);
  }
  const auto header = request.header("Authorization");
  if (header && header->size() > 7 &&
      (header->starts_with("Bearer ") || header->starts_with("bearer "))) {
    auto checked = tokens_.check(header->substr(7), {}, engine_.clock().now());
    if (!checked) return tl::unexpected(unauthorized());
    return std::move(checked->user);
  }
  if (!request.clientCertificateError.empty()) return tl::unexpected(unauthorized());
  return auth::anonymous();
}

void Rest::handle(http::ServerRequest&& http, const std::shared_ptr<http::Reply>& reply) {
  Request request{.http = http,
                  .info = parseRequest(http.method, http.path, http.query),
                  .user = {},
                  .authenticated = {},
                  .format = {},
                  .received = engine_.clock().now()};
  const auto pretty = findParameter(http.query, "pretty");
  request.format.pretty = pretty ? *pretty == "1" || *pretty == "true"
                                 : isBrowser(http.header("User-Agent").value_or(""));
  auto user = authenticate(http);
  if (!user) {
    answerFailure(request, reply, user.error());
    return;
  }
  request.user = std::move(*user);
  request.authenticated = request.user;
  auto acted = auth::impersonate(request.user, http.headers, engine_.authorizer());
  if (!acted) {
    const auth::ImpersonationFailure& failed = acted.error();
    answerFailure(request, reply,
                  failed.httpStatus == 403
                      ? deniedFailure(failed.denied, failed.message)
                      : Failure{failed.httpStatus, "BadRequest", failed.message, {}, 0});
    return;
  }
  if (*acted) request.user = std::move(**acted);
  const auth::Attributes asked = request.info.attributes(request.user);
  const auth::Decision decision = engine_.authorizer().authorize(asked);
  if (!decision.allowed) {
    answerFailure(request, reply, deniedFailure(asked, decision.reason));
    return;
  }
  if (request.info.isResource) {
    handleResource(request, reply);
  } else if (!handlePath(request, reply)) {
    answer(request, reply, {.status = 404, .body = "404 page not found\n"});
  }
}

void Rest::whenDurable(std::function<void()> send) {
  const std::uint64_t version = engine_.storage().version();
  if (waiting_.empty() && engine_.storage().durableVersion() >= version) {
    send();
    return;
  }
  waiting_.push_back({version, std::move(send)});
}

void Rest::flush() {
  while (!waiting_.empty() && waiting_.front().version <= engine_.storage().durableVersion()) {
    const std::function<void()> send = std::move(waiting_.front().send);
    waiting_.pop_front();
    send();
  }
}

void Rest::logRequest(const Request& request, int code) {
  if (audit_ == nullptr) return;
  const bool impersonates = request.user.name != request.authenticated.name;
  audit_->write(request.info, request.http, request.authenticated,
                impersonates ? &request.user : nullptr, code, request.received,
                engine_.clock().now());
}

void Rest::answer(const Request& request, const std::shared_ptr<http::Reply>& reply,
                  http::ServerResponse response) {
  logRequest(request, response.status);
  response.headers.emplace_back("Audit-Id", makeUid());
  response.headers.emplace_back("Cache-Control", "no-cache, private");
  for (std::size_t i = 0; i < std::min(request.warnings.size(), kMaxWarnings); ++i)
    response.headers.emplace_back("Warning", warningHeader(request.warnings[i]));
  whenDurable([this, reply, response = std::move(response)]() mutable {
    if (const std::string failed = engine_.storage().diskError(); !failed.empty()) {
      const Failure failure{503, "ServiceUnavailable", "the storage failed: " + failed, {}, 0};
      response.status = failure.code;
      response.contentType = "application/json";
      response.body = text::printJson(failure.status());
    }
    reply->send(std::move(response));
  });
}

void Rest::answerValue(const Request& request, const std::shared_ptr<http::Reply>& reply,
                       int status, const Value& value) {
  answer(request, reply,
         {.status = status,
          .contentType = request.format.contentType(),
          .body = print(value, request.format)});
}

void Rest::answerFailure(const Request& request, const std::shared_ptr<http::Reply>& reply,
                         const Failure& failure) {
  http::ServerResponse response{.status = failure.code,
                                .contentType = "application/json",
                                .body = print(failure.status(), {.pretty = request.format.pretty})};
  if (failure.retryAfterSeconds > 0)
    response.headers.emplace_back("Retry-After", std::to_string(failure.retryAfterSeconds));
  answer(request, reply, std::move(response));
}

void Rest::answerObject(const Request& request, const std::shared_ptr<http::Reply>& reply,
                        int status, const Kind& kind, const Value& object) {
  using Transform = Format::Transform;
  Request changed = request;
  if (!kind.deprecationWarning.empty()) changed.warnings.push_back(kind.deprecationWarning);
  switch (request.format.transform) {
    case Transform::Table: {
      Value table = tableOf(kind, {&object, 1},
                            findParameter(request.http.query, "includeObject").value_or(""),
                            request.format.version, engine_.clock().now());
      table.set("metadata",
                Value::object({{"resourceVersion", object["metadata"]["resourceVersion"]}}));
      answerValue(changed, reply, status, table);
      return;
    }
    case Transform::Metadata:
      answerValue(changed, reply, status, metadataOf(object, request.format.version));
      return;
    case Transform::MetadataList:
      answerFailure(
          request, reply,
          {406,
           "NotAcceptable",
           fmt::format("you requested PartialObjectMetadataList, but the requested object "
                       "is not a list (*{}.{})",
                       kind.resource.group.empty() ? "core" : kind.resource.group,
                       kind.resource.kind),
           {},
           0});
      return;
    case Transform::None:
    case Transform::Discovery:
      answerValue(changed, reply, status, object);
      return;
  }
}

bool Rest::handlePath(Request& request, const std::shared_ptr<http::Reply>& reply) {
  std::string path = request.http.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::string_view accept = request.http.header("Accept").value_or("");
  const auto text = [&](std::string body, std::string type = "text/plain; charset=utf-8") {
    answer(request, reply, {.contentType = std::move(type), .body = std::move(body)});
    return true;
  };
  const auto document = [&](std::string body, const std::string& hash, std::string type) {
    http::ServerResponse response{.contentType = std::move(type), .body = std::move(body)};
    response.compress = true;
    response.headers = {{"ETag", "\"" + hash + "\""}, {"Vary", "Accept"}};
    const auto known = request.http.header("If-None-Match");
    if (known && known->find(hash) != std::string_view::npos) {
      response.status = 304;
      response.body.clear();
    }
    answer(request, reply, std::move(response));
    return true;
  };
  const std::string_view view = path;
  if (view == "/healthz" || view == "/livez" || view == "/readyz" ||
      view.starts_with("/healthz/") || view.starts_with("/livez/") ||
      view.starts_with("/readyz/")) {
    if (const std::string failed = engine_.storage().diskError(); !failed.empty()) {
      answer(request, reply, {.status = 500, .body = "[-]storage failed: " + failed + "\n"});
      return true;
    }
    if (findParameter(request.http.query, "verbose"))
      return text("[+]ping ok\n[+]storage ok\n" + std::string(view.substr(1)) + " check passed\n");
    return text("ok");
  }
  if (view == "/version") {
    answerValue(request, reply, 200, discovery_.version());
    return true;
  }
  if (view == "/api" || view == "/apis") {
    const auto format = negotiate(accept, false, true);
    if (!format) {
      answerFailure(request, reply, notAcceptable(accept, false));
      return true;
    }
    if (format->transform == Format::Transform::Discovery) {
      std::string body = text::printJson(discovery_.aggregated(view == "/api"));
      const std::string hash = hashOf(body);
      return document(std::move(body), hash,
                      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    }
    answerValue(request, reply, 200,
                view == "/api" ? discovery_.coreVersions() : discovery_.groups());
    return true;
  }
  if (view == "/api/v1" || view.starts_with("/apis/")) {
    std::optional<Value> found;
    if (view == "/api/v1") {
      found = discovery_.resources("", "v1");
    } else {
      const std::string_view rest = view.substr(6);
      const std::size_t slash = rest.find('/');
      found = slash == std::string_view::npos
                  ? discovery_.group(rest)
                  : discovery_.resources(rest.substr(0, slash), rest.substr(slash + 1));
    }
    if (!found) {
      const std::string_view rest = view.substr(std::min<std::size_t>(view.size(), 6));
      const std::size_t slash = rest.find('/');
      const bool served = slash != std::string_view::npos &&
                          !engine_.registry().versionsOf(rest.substr(0, slash)).empty();
      if (!served) return false;
      answerFailure(request, reply, notFound("", "", ""));
      return true;
    }
    answerValue(request, reply, 200, *found);
    return true;
  }
  if (view.starts_with("/api/")) {
    answerFailure(request, reply, notFound("", "", ""));
    return true;
  }
  if (view == "/openapi/v3") {
    const Discovery::Document& index = discovery_.openApiIndex();
    return document(index.text, index.hash, "text/plain; charset=utf-8");
  }
  if (view.starts_with("/openapi/v3/")) {
    const Discovery::Document* found = discovery_.openApi(view.substr(12));
    if (found == nullptr) return false;
    return document(found->text, found->hash, "application/json");
  }
  if (view == "/openapi/v2") {
    if (accept.find("protobuf") != std::string_view::npos) {
      return text(std::string(Discovery::openApiV2Protobuf()),
                  "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    }
    const Discovery::Document& found = discovery_.openApiV2();
    return document(found.text, found.hash, "application/json");
  }
  if (view == "/openid/v1/jwks")
    return text(text::printJson(tokens_.jwks()), "application/jwk-set+json");
  if (view == "/.well-known/openid-configuration") {
    const std::string issuer = tokens_.issuer();
    return text(text::printJson(Value::object(
                    {{"issuer", issuer},
                     {"jwks_uri", issuer + "/openid/v1/jwks"},
                     {"response_types_supported", Value::array({"id_token"})},
                     {"subject_types_supported", Value::array({"public"})},
                     {"id_token_signing_alg_values_supported", Value::array({"ES256"})}})),
                "application/json");
  }
  if (view == "/") {
    Value paths = Value::array({"/api", "/api/v1", "/apis"});
    for (const std::string& group : engine_.registry().groups()) {
      if (engine_.registry().versionsOf(group).empty()) continue;
      paths.push("/apis/" + group);
      for (const std::string& version : engine_.registry().versionsOf(group))
        paths.push("/apis/" + group + "/" + version);
    }
    for (const char* one :
         {"/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"})
      paths.push(one);
    answerValue(request, reply, 200, Value::object({{"paths", std::move(paths)}}));
    return true;
  }
  return false;
}

void Rest::handleResource(Request& request, const std::shared_ptr<http::Reply>& reply) {
  const RequestInfo& info = request.info;
  const Kind* kind = engine_.registry().find(info.group, info.version, info.resource);
  const auto refuse = [&](const Failure& failure) { answerFailure(request, reply, failure); };
  if (kind == nullptr) {
    // The groups of CRDs are served by somebody else, who speaks plainly.
    const auto kinds = engine_.registry().kindsOf(info.group, info.version);
    if (kinds.empty() || kinds.front()->custom) {
      answer(request, reply, {.status = 404, .body = "404 page not found\n"});
    } else {
      refuse(notFound("", "", ""));
    }
    return;
  }
  const bool hasName = !info.name.empty() && !info.nameFromSelector;
  if (!hasName && !kind->custom && (info.verb == "update" || info.verb == "patch")) {
    refuse(methodNotAllowed(""));
    return;
  }
  const bool isNamespace = kind->table == "namespaces";
  if ((!kind->resource.namespaced && !info.namespaceName.empty() && !isNamespace) ||
      (kind->resource.namespaced && info.namespaceName.empty() &&
       (hasName || (kind->custom && info.verb == "create"))) ||
      !info.rest.empty()) {
    if (kind->custom) {
      answer(request, reply, {.status = 404, .body = "404 page not found\n"});
    } else {
      refuse(notFound("", "", ""));
    }
    return;
  }
  const bool listed = info.verb == "list" || info.verb == "watch" || info.verb == "get";
  const bool pretty = request.format.pretty;
  auto format = negotiate(request.http.header("Accept").value_or(""),
                          listed || info.subresource.empty(), false);
  if (!format) {
    refuse(notAcceptable(request.http.header("Accept").value_or(""), !hasName));
    return;
  }
  format->pretty |= pretty;
  request.format = *format;
  const std::string& verb = info.verb;
  if (!info.subresource.empty()) {
    const Value* sub = kind->findSubresource(info.subresource);
    if (sub == nullptr) {
      refuse(notFound("", "", ""));
      return;
    }
    const auto verbs = (*sub)["verbs"].items();
    if (std::none_of(verbs.begin(), verbs.end(),
                     [&](const Value& known) { return known.asString() == verb; })) {
      refuse(methodNotAllowed(""));
      return;
    }
    if (info.subresource == "scale") {
      scale(request, reply, *kind);
      return;
    }
    if (review(request, reply, *kind)) return;
    if (info.subresource != "status" && info.subresource != "finalize") {
      refuse(Failure{501, "NotImplemented",
                     fmt::format("the embedded API server does not serve {}/{}",
                                 kind->resource.plural, info.subresource),
                     Value::object(), 0});
      return;
    }
  } else if (!kind->allows(verb) || (verb == "create" && hasName) || verb.empty() ||
             (kind->resource.namespaced && info.namespaceName.empty() &&
              (verb == "create" || verb == "deletecollection"))) {
    refuse(methodNotAllowed(kind->custom
                                ? fmt::format("{} is not supported on resources of kind \"{}\"",
                                              verb, qualifiedResource(info.group, info.resource))
                                : ""));
    return;
  } else if (review(request, reply, *kind)) {
    return;
  }
  if (verb == "get") {
    get(request, reply, *kind);
  } else if (verb == "list" || verb == "watch") {
    list(request, reply, *kind);
  } else if (verb == "create") {
    create(request, reply, *kind);
  } else if (verb == "update") {
    update(request, reply, *kind);
  } else if (verb == "patch") {
    patch(request, reply, *kind);
  } else if (verb == "delete") {
    remove(request, reply, *kind);
  } else {
    removeCollection(request, reply, *kind);
  }
}

}  // namespace iop::apiserver
