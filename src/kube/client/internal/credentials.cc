#include "kube/client/internal/credentials.h"

#include "base/file.h"
#include "base/log.h"
#include "kube/client/internal/exec_plugin.h"
#include "text/base64.h"

namespace iop::kube::client::internal {
namespace {

std::string trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

Result<std::string> readToken(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::readFile(path));
  std::string token = trim(text);
  if (token.empty()) return fail(Code::BadRequest, "read '" + path + "': empty");
  return token;
}

}  // namespace

Result<Credential> Credentials::get(const std::stop_token& stop) {
  if (!config_.isTls()) return Credential{};  // nothing secret over plain connections
  if (config_.tokenFile.empty() && !config_.exec) {
    Credential credential;
    if (!config_.token.empty()) {
      credential.authorization = "Bearer " + config_.token;
    } else if (!config_.username.empty()) {
      credential.authorization =
          "Basic " + text::encodeBase64(config_.username + ":" + config_.password);
    }
    return credential;
  }
  const std::lock_guard lock(mutex_);
  if (isFresh()) return known_->credential;
  return config_.exec ? refreshFromPlugin(stop) : refreshFromFile();
}

bool Credentials::isFresh() const {
  if (!known_ || isRejected_) return false;
  if (config_.exec) return !known_->expiry || clock_.now() < *known_->expiry;
  return clock_.instant() < known_->since + kTokenFilePeriod;
}

Result<Credential> Credentials::refreshFromFile() {
  Result<std::string> token = readToken(config_.tokenFile);
  if (token) {
    known_ = Known{{.authorization = "Bearer " + *token}, clock_.instant(), {}};
  } else if (known_ || !config_.token.empty()) {
    log::warn("token file cannot be read: the last token is used on",
              {{"error", token.error().message}});
    if (!known_) known_ = Known{{.authorization = "Bearer " + config_.token}, {}, {}};
    known_->since = clock_.instant();
  } else {
    return fail(Code::Unauthorized, "token: " + token.error().message);
  }
  isRejected_ = false;
  return known_->credential;
}

Result<Credential> Credentials::refreshFromPlugin(const std::stop_token& stop) {
  if (failure_ && clock_.instant() < failedAt_ + kExecFailurePause)
    return tl::unexpected(*failure_);
  failure_.reset();
  Result<ExecCredential> answer = runExecPlugin(config_, stop);
  if (!answer) {
    if (answer.error().code != Code::Canceled) {
      failure_ = answer.error();
      failedAt_ = clock_.instant();
    }
    return tl::unexpected(answer.error());
  }
  Credential credential;
  if (!answer->token.empty()) credential.authorization = "Bearer " + answer->token;
  credential.certificatePem = std::move(answer->certificatePem);
  credential.keyPem = std::move(answer->keyPem);
  known_ = Known{std::move(credential), clock_.instant(), answer->expiry};
  isRejected_ = false;
  return known_->credential;
}

void Credentials::reject(base::Instant start) {
  const std::lock_guard lock(mutex_);
  if (known_ && known_->since <= start) isRejected_ = true;
}

}  // namespace iop::kube::client::internal
