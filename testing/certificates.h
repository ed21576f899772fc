#pragma once

// Certificates for tests: an authority of one's own, made in a millisecond.
//
//   CertificateAuthority authority("test-ca");
//   KeyPair server = authority.issue({.commonName = "server", .dnsNames = {"localhost"}, .addresses
//   = {"127.0.0.1"}}); http::Client client({.tls = {.caPem = authority.certificatePem()}});
//
// Keys are on the curve P-256. Nothing here can fail but by a mistake of ours, which ends the
// program. Thread-safe.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace iop::testing {

// PEM.
struct KeyPair {
  std::string certificatePem;
  std::string keyPem;
};

struct CertificateOptions {
  std::string commonName;
  std::string organization = {};
  std::vector<std::string> dnsNames = {};
  std::vector<std::string> addresses = {};
  // From now on; negative: has expired already.
  std::chrono::seconds validity = std::chrono::hours(24);
};

class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name);
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  const std::string& certificatePem() const;
  // For servers and clients alike.
  KeyPair issue(const CertificateOptions& options) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A private key, and the public half of it.
struct SigningKey {
  std::string privatePem;
  std::string publicPem;
};
SigningKey makeSigningKey();

}  // namespace iop::testing
