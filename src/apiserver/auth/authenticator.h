#pragma once

// Who somebody is: client certificates and the tokens of service accounts; and whom they act as
// (impersonation).
//
// Not thread-safe: used on the server's loop.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/auth/authorizer.h"
#include "base/result.h"
#include "value/value.h"

namespace iop::apiserver::auth {

// The server's own authority and keys, made on first use and kept in a folder where one is given.
//
//   ASSIGN_OR_RETURN(Identity identity, Identity::load("/var/lib/x/pki"));    // "" : memory only
struct Identity {
  std::string caCertificatePem;
  std::string caKeyPem;
  std::string serverCertificatePem;  // localhost, 127.0.0.1, ::1, kubernetes.default.svc
  std::string serverKeyPem;
  std::string tokenKeyPem;  // signs service account tokens (ES256)

  // `extraHosts`: further names or addresses of the server's certificate, which is made anew
  // whenever it lacks one or is about to expire. Files are readable by their owner only.
  static Result<Identity> load(const std::string& directory,
                               const std::vector<std::string>& extraHosts);

  struct ClientCertificate {
    std::string certificatePem;
    std::string keyPem;
  };
  Result<ClientCertificate> issueClient(const std::string& user, const std::string& group) const;
};

struct TokenRequest {
  std::string namespaceName;
  std::string serviceAccount;
  std::string serviceAccountUid;
  std::vector<std::string> audiences = {};  // empty: the API server's own
  std::chrono::seconds lifetime{3600};
  std::string podName = {};  // bound to a pod
  std::string podUid = {};
  std::string secretName = {};
  std::string secretUid = {};
};

// Makes and checks JSON Web Tokens of service accounts.
class Tokens {
 public:
  // `exists`: whether an object that a token is bound to ("serviceaccounts", "pods", "secrets") is
  // still there with that uid.
  using Exists = std::function<bool(std::string_view plural, std::string_view namespaceName,
                                    std::string_view name, std::string_view uid)>;
  static Result<std::unique_ptr<Tokens>> create(const std::string& keyPem, std::string issuer,
                                                Exists exists);
  ~Tokens();

  std::string issue(const TokenRequest& request, std::chrono::system_clock::time_point now) const;
  struct Checked {
    User user;
    std::vector<std::string> audiences;
  };
  // Error: Unauthorized, with the reason. `audiences` empty: the API server's own.
  Result<Checked> check(std::string_view token, const std::vector<std::string>& audiences,
                        std::chrono::system_clock::time_point now) const;
  const std::string& issuer() const;
  Value jwks() const;  // /openid/v1/jwks

 private:
  struct Impl;
  explicit Tokens(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The user of a verified client certificate: CN and O.
User userOfCertificate(std::string_view commonName, const std::vector<std::string>& organizations);
User anonymous();

// Whom the headers say to act as. Nothing: as oneself. `headers` are those of the request.
struct ImpersonationFailure {
  int httpStatus;  // 400, 403
  std::string message;
  Attributes denied;  // 403: what was not allowed
};
tl::expected<std::optional<User>, ImpersonationFailure> impersonate(
    const User& user, const std::vector<std::pair<std::string, std::string>>& headers,
    const Authorizer& authorizer);

}  // namespace iop::apiserver::auth
