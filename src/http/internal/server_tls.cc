#include "http/internal/server_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <vector>

namespace iop::http::internal {
namespace {

struct LibraryDelete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Handle = std::unique_ptr<T, LibraryDelete>;

tl::unexpected<Error> tlsFailure(const std::string& what) {
  char reason[256];
  ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
  ERR_clear_error();
  return fail(Code::BadRequest, what + ": " + reason);
}

Handle<BIO> readerOf(const std::string& text) {
  return Handle<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Status useTexts(SSL_CTX* context, const ServerTls& tls) {
  const Handle<BIO> certificates = readerOf(tls.certificatePem);
  const Handle<X509> own(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (own == nullptr || SSL_CTX_use_certificate(context, own.get()) != 1)
    return tlsFailure("read the certificate");
  while (X509* above = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add_extra_chain_cert(context, above) != 1) {
      X509_free(above);
      return tlsFailure("read the certificate's chain");
    }
  }
  ERR_clear_error();  // the end of the text
  const Handle<BIO> keys = readerOf(tls.keyPem);
  const Handle<EVP_PKEY> key(PEM_read_bio_PrivateKey(keys.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return tlsFailure("read the key");
  return {};
}

Status useFiles(SSL_CTX* context, const ServerTls& tls) {
  if (SSL_CTX_use_certificate_chain_file(context, tls.certificateFile.c_str()) != 1)
    return tlsFailure("read certificate '" + tls.certificateFile + "'");
  if (SSL_CTX_use_PrivateKey_file(context, tls.keyFile.c_str(), SSL_FILETYPE_PEM) != 1)
    return tlsFailure("read key '" + tls.keyFile + "'");
  return {};
}

Status askClients(SSL_CTX* context, const std::string& authorityPem) {
  const Handle<BIO> texts = readerOf(authorityPem);
  const Handle<X509> authority(PEM_read_bio_X509(texts.get(), nullptr, nullptr, nullptr));
  if (authority == nullptr ||
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
      SSL_CTX_add_client_CA(context, authority.get()) != 1)
    return tlsFailure("read the clients' authority");
  // A bad certificate is no reason to hang up: SSL_get_verify_result() tells what is wrong with it.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  constexpr unsigned char kSessions[] = "integration-operator";
  SSL_CTX_set_session_id_context(context, kSessions, sizeof(kSessions) - 1);
  return {};
}

// All values of a field of a certificate's subject.
std::vector<std::string> subjectOf(X509* certificate, int field) {
  std::vector<std::string> values;
  X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = X509_NAME_get_index_by_NID(subject, field, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, field, at)) {
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace

void TlsContextDelete::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsContext> makeTlsContext(const ServerTls& tls) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return tlsFailure("set up TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  RETURN_IF_ERROR(tls.certificatePem.empty() ? useFiles(context.get(), tls)
                                             : useTexts(context.get(), tls));
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return tlsFailure("key '" + tls.keyFile + "' does not fit the certificate");
  if (!tls.clientCaPem.empty()) RETURN_IF_ERROR(askClients(context.get(), tls.clientCaPem));
  return context;
}

void readCertificate(ssl_st* ssl, ServerRequest& request) {
  const Handle<X509> certificate(SSL_get1_peer_certificate(ssl));
  if (certificate == nullptr) return;
  if (const long result = SSL_get_verify_result(ssl); result != X509_V_OK) {
    request.clientCertificateError = X509_verify_cert_error_string(result);
    return;
  }
  ClientCertificate client;
  const std::vector<std::string> names = subjectOf(certificate.get(), NID_commonName);
  if (!names.empty()) client.commonName = names.back();
  client.organizations = subjectOf(certificate.get(), NID_organizationName);
  request.clientCertificate = std::move(client);
}

}  // namespace iop::http::internal
