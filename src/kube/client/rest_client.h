#pragma once

// The Client that talks to an API server over HTTP.
//
//   ASSIGN_OR_RETURN(Config config, loadConfig({}));
//   ASSIGN_OR_RETURN(std::unique_ptr<RestClient> client, RestClient::create(config));
//   ASSIGN_OR_RETURN(Resource secrets, client->resolve({"", "v1", "Secret"}));
//   ASSIGN_OR_RETURN(Value secret, client->get(secrets, {"shop", "db"}, {}));
//
// Retries as client-go does, within the call's timeout and at most ten times: answers 429 and 5xx
// that say Retry-After, and reads whose connection broke. Nothing else is tried again. There is no
// rate limit on our side: the server's own (priority and fairness) decides. Warnings of the server
// are logged, each text once.
//
// Credentials: token files are read again every 50 seconds, certificate files when they change
// (they are looked at every 10 seconds), exec plugins run when their answer expires; after a 401
// the next call asks anew. They are sent over TLS only.
//
// Lists and watches come without metadata.managedFields, which are not even read into memory; their
// objects say apiVersion and kind of their resource, where the server leaves them out (items of
// lists) or says PartialObjectMetadata. A watch does not use CallOptions::timeout.
//
// Thread-safe. Calls must have ended before the destructor runs.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/client/config.h"

namespace iop::kube::client {

// One attempt of a request, for metrics. A watch is observed when its stream stands or fails.
struct ObservedRequest {
  std::string_view method;  // "GET"
  // "get", "list", "watch", "create", "update", "patch", "delete", "discover".
  std::string_view verb;
  std::string_view host;      // "10.0.0.1:6443"
  std::string_view resource;  // "secrets"; empty where there is none
  int code = 0;               // HTTP status; 0: no answer
  double seconds = 0;
  std::size_t requestBytes = 0;
  std::size_t answerBytes = 0;
};

struct RestClientOptions {
  std::string userAgent = {};  // empty: defaultUserAgent()
  // Called on the thread of the call, for every attempt; must be thread-safe and quick.
  std::function<void(const ObservedRequest&)> observe = {};
  // Bytes of one answer, and of one event of a watch.
  std::size_t maxAnswerBytes = std::size_t{512} << 20;
  std::size_t maxEventBytes = std::size_t{32} << 20;
  base::Clock* clock = &base::realClock();
};

// "integration-operator/0.1.0 (linux/amd64)", with the name of a part of us behind it where one is
// given ("… leader-election").
std::string defaultUserAgent(std::string_view suffix = {});

struct ServerVersion {
  int major = 0;
  int minor = 0;
  std::string gitVersion;  // "v1.37.2"
};

class RestClient final : public Client {
 public:
  // Checks the configuration and reads its certificates; does not connect. Error: BadRequest.
  static Result<std::unique_ptr<RestClient>> create(Config config, RestClientOptions options = {});
  ~RestClient() override;

  Result<Resource> resolve(const GroupVersionKind& kind) override;
  Result<Value> get(const Resource& resource, const ObjectKey& key,
                    const CallOptions& options) override;
  Result<Value> list(const Resource& resource, const std::string& namespaceName,
                     const ListOptions& list, const CallOptions& options) override;
  // With a subresource ("token", "eviction", "binding") the object's own name says whose it is.
  Result<Value> create(const Resource& resource, const std::string& namespaceName,
                       const Value& object, const CallOptions& options) override;
  Result<Value> update(const Resource& resource, const ObjectKey& key, const Value& object,
                       const CallOptions& options) override;
  Result<Value> patch(const Resource& resource, const ObjectKey& key, PatchType type,
                      const Value& patch, const CallOptions& options) override;
  Result<Value> remove(const Resource& resource, const ObjectKey& key, const DeleteOptions& remove,
                       const CallOptions& options) override;
  Status watch(const Resource& resource, const std::string& namespaceName,
               const WatchOptions& watch, const CallOptions& options,
               const std::function<bool(WatchEvent&&)>& onEvent) override;

  // All kinds that the server serves now, from a fresh discovery.
  Result<std::vector<Resource>> discover(const CallOptions& options = {});
  Result<ServerVersion> serverVersion(const CallOptions& options = {});
  // Success when the server is there and says that it is ready (/readyz).
  Status ping(const CallOptions& options = {});

  const Config& config() const;

 private:
  struct Impl;
  explicit RestClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::client
