#pragma once

// The server's side of TLS: its certificate, and who its clients are.

#include <memory>

#include "base/result.h"
#include "http/server.h"

// OpenSSL's types, which its headers call SSL_CTX and SSL.
struct ssl_ctx_st;
struct ssl_st;

namespace iop::http::internal {

struct TlsContextDelete {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDelete>;

// Errors: BadRequest for what is no certificate or key, or where the two do not fit.
Result<TlsContext> makeTlsContext(const ServerTls& tls);

// Notes in the request who its client is, or why its certificate does not count.
void readCertificate(ssl_st* ssl, ServerRequest& request);

}  // namespace iop::http::internal
