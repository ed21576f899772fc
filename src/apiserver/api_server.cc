#include "apiserver/api_server.h"

#include "apiserver/auth/authenticator.h"
#include "apiserver/internal/admission.h"
#include "apiserver/internal/audit.h"
#include "apiserver/internal/controllers.h"
#include "apiserver/internal/engine.h"
#include "apiserver/internal/rest.h"
#include "apiserver/storage/storage.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/server.h"
#include "text/base64.h"
#include "text/yaml.h"

namespace iop::apiserver {
namespace {

constexpr std::size_t kMaxBodyBytes = 3 << 20;
constexpr std::chrono::minutes kEventSweep{1};
constexpr std::string_view kIssuer = "https://kubernetes.default.svc.cluster.local";

std::string hostOf(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  return host.empty() || host == "0.0.0.0" || host == "[::]" ? "127.0.0.1" : host;
}

}  // namespace

struct ApiServer::Impl {
  ApiServerOptions options;
  auth::Identity identity;
  std::unique_ptr<storage::Storage> storage;
  Registry registry;
  std::unique_ptr<auth::Authorizer> authorizer;
  std::unique_ptr<auth::Tokens> tokens;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<AuditLog> audit;
  std::unique_ptr<Rest> rest;
  std::unique_ptr<Controllers> controllers;
  std::unique_ptr<AdmissionPolicies> policies;

  auth::RoleSource roleSource() {
    const auto all = [this](const char* plural, std::string_view namespaceName) {
      std::vector<Value> out;
      const std::string table = std::string("rbac.authorization.k8s.io/") + plural;
      const auto page = storage->list(table, {.namespaceName = std::string(namespaceName)});
      for (const ObjectPtr& object : page->objects) out.push_back(object->value);
      return out;
    };
    const auto one = [this](const char* plural, std::string_view namespaceName,
                            std::string_view name) {
      const ObjectPtr found = storage->find(std::string("rbac.authorization.k8s.io/") + plural,
                                            {std::string(namespaceName), std::string(name)});
      return found == nullptr ? Value() : found->value;
    };
    return {
        .clusterRoleBindings = [all] { return all("clusterrolebindings", ""); },
        .roleBindings =
            [all](std::string_view namespaceName) { return all("rolebindings", namespaceName); },
        .clusterRole = [one](std::string_view name) { return one("clusterroles", "", name); },
        .role = [one](std::string_view namespaceName,
                      std::string_view name) { return one("roles", namespaceName, name); }};
  }

  void sweepEvents() {
    controllers->expireEvents();
    server->after(kEventSweep, [this] { sweepEvents(); });
  }

  Status start() {
    const std::string pki = options.dataDirectory.empty() ? "" : options.dataDirectory + "/pki";
    ASSIGN_OR_RETURN(
        storage, storage::Storage::open({.directory = options.dataDirectory, .onDurable = [this] {
                                           server->post([this] { rest->flush(); });
                                         }}));
    ASSIGN_OR_RETURN(identity, auth::Identity::load(pki, {hostOf(options.address)}));
    authorizer = std::make_unique<auth::Authorizer>(roleSource());
    ASSIGN_OR_RETURN(
        tokens, auth::Tokens::create(identity.tokenKeyPem, std::string(kIssuer),
                                     [this](std::string_view plural, std::string_view namespaceName,
                                            std::string_view name, std::string_view uid) {
                                       const ObjectPtr found = storage->find(
                                           plural, {std::string(namespaceName), std::string(name)});
                                       return found != nullptr &&
                                              found->value["metadata"]["uid"].asString() == uid;
                                     }));
    server = std::make_unique<http::Server>(
        http::ServerOptions{.address = options.address,
                            .maxBodyBytes = kMaxBodyBytes,
                            .tls = http::ServerTls{.certificatePem = identity.serverCertificatePem,
                                                   .keyPem = identity.serverKeyPem,
                                                   .clientCaPem = identity.caCertificatePem}});
    engine = std::make_unique<Engine>(*storage, registry, *authorizer, base::realClock());
    policies = std::make_unique<AdmissionPolicies>(*engine);
    engine->setAdmission([this](const Kind& kind, std::string_view operation,
                                std::string_view subresource, const Value& object, const Value& old,
                                Call& call) {
      return policies->check(kind, operation, subresource, object, old, call);
    });
    if (!options.auditLog.empty()) {
      ASSIGN_OR_RETURN(audit, AuditLog::open(options.auditLog));
    }
    rest = std::make_unique<Rest>(*engine, *tokens, *server, audit.get());
    controllers = std::make_unique<Controllers>(
        *engine, identity.caCertificatePem,
        Controllers::Hooks{.schedule = [this] { server->post([this] { controllers->run(); }); },
                           .kindChanges = [this](const Kind& kind) { rest->endWatches(kind); },
                           .rolesChanged = [this] { authorizer->invalidate(); }});
    controllers->start();
    server->handleAll(
        [this](http::ServerRequest&& request, const std::shared_ptr<http::Reply>& reply) {
          rest->handle(std::move(request), reply);
        });
    RETURN_IF_ERROR(server->start());
    server->post([this] {
      rest->setAddress(hostOf(options.address) + ":" + std::to_string(server->port()));
      sweepEvents();
    });
    return {};
  }
};

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() { stop(); }

Result<std::unique_ptr<ApiServer>> ApiServer::start(ApiServerOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

void ApiServer::stop() { impl_->server->stop(); }

std::uint16_t ApiServer::port() const { return impl_->server->port(); }

std::string ApiServer::url() const {
  return "https://" + hostOf(impl_->options.address) + ":" + std::to_string(port());
}

Result<std::string> ApiServer::kubeconfig(const std::string& user, const std::string& group) const {
  ASSIGN_OR_RETURN(const auth::Identity::ClientCertificate issued,
                   impl_->identity.issueClient(user, group));
  const auto named = [](std::string_view name, const char* field, Value content) {
    return Value::array({Value::object({{"name", name}, {field, std::move(content)}})});
  };
  constexpr std::string_view kCluster = "integration-operator";
  return text::printYaml(Value::object(
      {{"apiVersion", "v1"},
       {"kind", "Config"},
       {"clusters", named(kCluster, "cluster",
                          Value::object({{"server", url()},
                                         {"certificate-authority-data",
                                          text::encodeBase64(impl_->identity.caCertificatePem)}}))},
       {"users",
        named(user, "user",
              Value::object({{"client-certificate-data", text::encodeBase64(issued.certificatePem)},
                             {"client-key-data", text::encodeBase64(issued.keyPem)}}))},
       {"contexts",
        named(kCluster, "context", Value::object({{"cluster", kCluster}, {"user", user}}))},
       {"current-context", kCluster}}));
}

}  // namespace iop::apiserver
