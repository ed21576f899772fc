#pragma once

// What a client needs to know for TLS, as PEM text.
//
//   ASSIGN_OR_RETURN(TlsOptions tls, readTlsFiles({.caFile = "ca.crt", .certificateFile = "a.crt",
//   .keyFile = "a.key"})); RETURN_IF_ERROR(checkTls(tls)); Client client({.tls = tls});
//
// The text is read once: who wants to follow changed files compares texts and makes a new client.

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace iop::http {

struct TlsOptions {
  // Certificates of the authorities to trust; empty: those of the system.
  std::string caPem = {};
  // Our own certificate (with its chain) and key: both or neither.
  std::string certificatePem = {};
  std::string keyPem = {};
  // The name to ask for (SNI) and to find in the server's certificate; empty: the URL's host.
  std::string serverName = {};
  // Takes any certificate. Only for who asked for it in so many words.
  bool insecureSkipVerify = false;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

// Paths; empty: none.
struct TlsFiles {
  std::string caFile = {};
  std::string certificateFile = {};
  std::string keyFile = {};
};

// Errors: BadRequest with the path and the system's reason.
Result<TlsOptions> readTlsFiles(const TlsFiles& files);

// Whether the texts are PEM that TLS can use, and the key is the certificate's. Error: BadRequest
// that says which is not.
Status checkTls(const TlsOptions& options);

// When the (first) certificate of a PEM text expires. Error: BadRequest.
Result<base::Time> expiryOf(std::string_view certificatePem);

}  // namespace iop::http
