#include "kube/client/internal/transport.h"

#include <sys/stat.h>

#include "base/log.h"

namespace iop::kube::client::internal {
namespace {

// What changes when a file is replaced or written to.
void appendFingerprint(const std::string& path, std::string& out) {
  struct stat status {};
  if (path.empty() || stat(path.c_str(), &status) != 0) {
    out += "-;";
    return;
  }
  out += std::to_string(status.st_ino) + "," + std::to_string(status.st_size) + "," +
         std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) + ";";
}

}  // namespace

Result<http::TlsOptions> Transport::readTls() const {
  const bool isTls = config_.isTls();
  ASSIGN_OR_RETURN(http::TlsOptions tls,
                   http::readTlsFiles(
                       {.caFile = config_.caData.empty() ? config_.caFile : "",
                        .certificateFile =
                            isTls && config_.certificateData.empty() ? config_.certificateFile : "",
                        .keyFile = isTls && config_.keyData.empty() ? config_.keyFile : ""}));
  if (!config_.caData.empty()) tls.caPem = config_.caData;
  if (isTls && !config_.certificateData.empty()) tls.certificatePem = config_.certificateData;
  if (isTls && !config_.keyData.empty()) tls.keyPem = config_.keyData;
  tls.serverName = config_.tlsServerName;
  tls.insecureSkipVerify = config_.insecureSkipTlsVerify;
  RETURN_IF_ERROR(http::checkTls(tls));
  return tls;
}

std::string Transport::fingerprintFiles() const {
  std::string out;
  appendFingerprint(config_.caFile, out);
  appendFingerprint(config_.certificateFile, out);
  appendFingerprint(config_.keyFile, out);
  return out;
}

Status Transport::refreshFiles() {
  if (client_ != nullptr && clock_.instant() < lookedAt_ + kFilePeriod) return {};
  lookedAt_ = clock_.instant();
  std::string fingerprint = fingerprintFiles();
  if (client_ != nullptr && fingerprint == fingerprint_) return {};
  Result<http::TlsOptions> tls = readTls();
  if (tls) {
    files_ = std::move(*tls);
    fingerprint_ = std::move(fingerprint);
    return {};
  }
  if (client_ == nullptr) return tl::unexpected(tls.error());
  // In the middle of a rotation certificate and key may not fit each other. The next look will
  // tell.
  log::warn("changed certificates cannot be used: the last ones are used on",
            {{"error", tls.error().message}});
  return {};
}

Result<std::shared_ptr<http::Client>> Transport::get(const Credential& credential) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(refreshFiles());
  const bool isFromPlugin = !credential.certificatePem.empty();
  const std::string& certificate = isFromPlugin ? credential.certificatePem : files_.certificatePem;
  const std::string& key = isFromPlugin ? credential.keyPem : files_.keyPem;
  const bool isCurrent = client_ != nullptr && current_.certificatePem == certificate &&
                         current_.keyPem == key && current_.caPem == files_.caPem;
  if (isCurrent) return client_;
  http::TlsOptions wanted = files_;
  wanted.certificatePem = certificate;
  wanted.keyPem = key;
  client_ = std::make_shared<http::Client>(http::ClientOptions{
      .tls = wanted, .proxy = config_.proxyUrl, .compression = !config_.disableCompression});
  current_ = std::move(wanted);
  return client_;
}

}  // namespace iop::kube::client::internal
