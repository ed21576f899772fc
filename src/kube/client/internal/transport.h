#pragma once

// The HTTP client for a configuration, made anew when certificates change.
//
//   ASSIGN_OR_RETURN(std::shared_ptr<http::Client> client, transport.get(credential));
//   client->send(…);                       // a call that is under way goes on with the client it
//   began with
//
// Thread-safe.

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "kube/client/config.h"
#include "kube/client/internal/credentials.h"

namespace iop::kube::client::internal {

class Transport {
 public:
  // How often files are looked at.
  static constexpr std::chrono::seconds kFilePeriod{10};

  // Both must outlive this.
  Transport(const Config& config, base::Clock& clock) : config_(config), clock_(clock) {}

  // Errors: BadRequest for files that cannot be read or are no certificates, where none were known
  // before.
  Result<std::shared_ptr<http::Client>> get(const Credential& credential);

 private:
  Result<http::TlsOptions> readTls() const;
  std::string fingerprintFiles() const;
  Status refreshFiles();

  const Config& config_;
  base::Clock& clock_;
  std::mutex mutex_;
  http::TlsOptions files_;   // as the configuration and its files say
  std::string fingerprint_;  // of the files when they were read
  base::Instant lookedAt_;
  http::TlsOptions current_;  // what client_ was made with
  std::shared_ptr<http::Client> client_;
};

}  // namespace iop::kube::client::internal
