#pragma once

// Who we are, now: from a configuration whose tokens and certificates come and go.
//
//   Credentials credentials(config, clock);
//   ASSIGN_OR_RETURN(Credential credential, credentials.get(stop));
//   … the server answers 401 to a request that began at `start` …
//   credentials.reject(start);              // the next get() asks file or plugin again
//
// Thread-safe; several threads that need a new credential at once wait for one of them to get it.

#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/config.h"

namespace iop::kube::client::internal {

struct Credential {
  std::string authorization = {};  // the header's value; empty: none
  // From an exec plugin; empty: as the configuration says.
  std::string certificatePem = {};
  std::string keyPem = {};
};

class Credentials {
 public:
  // A token file is read again after this long (client-go: every minute, ten seconds early).
  static constexpr std::chrono::seconds kTokenFilePeriod{50};
  // A plugin that failed is not run again before.
  static constexpr std::chrono::seconds kExecFailurePause{1};

  // Both must outlive this.
  Credentials(const Config& config, base::Clock& clock) : config_(config), clock_(clock) {}

  // Errors: Unauthorized. An unreadable token file is one only where no token was known before.
  Result<Credential> get(const std::stop_token& stop);
  // The server did not accept what a request that began at `start` said. A credential from after
  // that is kept.
  void reject(base::Instant start);

 private:
  struct Known {
    Credential credential;
    base::Instant since;
    std::optional<base::Time> expiry;
  };

  bool isFresh() const;
  Result<Credential> refreshFromFile();
  Result<Credential> refreshFromPlugin(const std::stop_token& stop);

  const Config& config_;
  base::Clock& clock_;
  std::mutex mutex_;
  std::optional<Known> known_;
  bool isRejected_ = false;
  std::optional<Error> failure_;  // of the plugin
  base::Instant failedAt_;
};

}  // namespace iop::kube::client::internal
