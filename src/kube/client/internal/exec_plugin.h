#pragma once

// Credentials from another program (Kubernetes, "client-go credential plugins").
//
//   ASSIGN_OR_RETURN(ExecCredential credential, runExecPlugin(config, stop));
//
// The program gets KUBERNETES_EXEC_INFO, no terminal and nothing to read; what it writes to
// standard error is part of the error when it fails. Blocks; thread-safe.

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/config.h"

namespace iop::kube::client::internal {

struct ExecCredential {
  std::string token;
  std::string certificatePem;
  std::string keyPem;
  std::optional<base::Time> expiry;  // nothing: as long as this process lives
};

// `config.exec` must be set. Errors: Unauthorized for a program that is missing, fails or answers
// with what is no credential; Timeout; Canceled.
Result<ExecCredential> runExecPlugin(const Config& config, const std::stop_token& stop,
                                     std::chrono::milliseconds timeout = std::chrono::minutes(1));

// The value of KUBERNETES_EXEC_INFO.
std::string printExecInfo(const Config& config);

// What a plugin of that apiVersion has answered.
Result<ExecCredential> parseExecCredential(std::string_view output, std::string_view apiVersion);

}  // namespace iop::kube::client::internal
