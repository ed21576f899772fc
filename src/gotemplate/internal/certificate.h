#pragma once

// Private keys and X.509 certificates as sprig makes them, on OpenSSL.
//
//   ASSIGN_OR_RETURN(CertificatePair ca, makeCa("my-ca", 365));
//   ASSIGN_OR_RETURN(CertificatePair server,
//                    makeSignedCertificate({"db.example.com", {"10.0.0.1"}, {"db"}, 90}, ca));
//   server.certificate                         // -----BEGIN CERTIFICATE-----…
//
// Safe on any thread. A key of RSA takes 0.1 to 10 s of processor time. Error texts are sprig's
// ("error parsing ip: x").

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {

// A private key in PEM: "" or "rsa" (4096 bits), "dsa", "ecdsa" (P-256), "ed25519". Error: "Unknown
// type x".
Result<std::string> makePrivateKey(std::string_view type);

struct CertificatePair {
  std::string certificate;  // PEM
  std::string key;          // PEM

  friend bool operator==(const CertificatePair&, const CertificatePair&) = default;
};

struct CertificateRequest {
  std::string commonName;
  std::vector<std::string> ips;
  std::vector<std::string> dnsNames;
  std::int64_t daysValid = 365;
};

// `key` is a private key in PEM; empty: a new RSA key of 2048 bits.
Result<CertificatePair> makeCa(std::string_view commonName, std::int64_t daysValid,
                               std::string_view key = {});
Result<CertificatePair> makeSelfSignedCertificate(const CertificateRequest& request,
                                                  std::string_view key = {});
Result<CertificatePair> makeSignedCertificate(const CertificateRequest& request,
                                              const CertificatePair& ca, std::string_view key = {});
// A pair from base64 of PEM texts, both checked.
Result<CertificatePair> decodeCertificatePair(std::string_view certificateBase64,
                                              std::string_view keyBase64);

}  // namespace iop::gotemplate::internal
