#include "http/tls.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "base/file.h"

namespace iop::http {
namespace {

struct Delete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Delete>;

Owned<BIO> openPem(std::string_view pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

tl::unexpected<Error> tlsFailure(const std::string& what) {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return fail(Code::BadRequest, what + ": " + (reason == nullptr ? "not valid" : reason));
}

Result<Owned<X509>> parseCertificate(std::string_view pem, const std::string& what) {
  const Owned<BIO> bio = openPem(pem);
  Owned<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (certificate == nullptr) return tlsFailure(what);
  return certificate;
}

Result<Owned<EVP_PKEY>> parseKey(std::string_view pem) {
  // Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
  const auto noPassword = [](char*, int, int, void*) { return 0; };
  const Owned<BIO> bio = openPem(pem);
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, noPassword, nullptr));
  if (key == nullptr) return tlsFailure("client key");
  return key;
}

Status readInto(const std::string& path, std::string& out) {
  if (path.empty()) return {};
  ASSIGN_OR_RETURN(out, base::readFile(path));
  return {};
}

}  // namespace

Result<TlsOptions> readTlsFiles(const TlsFiles& files) {
  TlsOptions options;
  RETURN_IF_ERROR(readInto(files.caFile, options.caPem));
  RETURN_IF_ERROR(readInto(files.certificateFile, options.certificatePem));
  RETURN_IF_ERROR(readInto(files.keyFile, options.keyPem));
  return options;
}

Status checkTls(const TlsOptions& options) {
  if (!options.caPem.empty()) {
    RETURN_IF_ERROR(parseCertificate(options.caPem, "certificate authority"));
  }
  if (options.certificatePem.empty() && options.keyPem.empty()) return {};
  if (options.certificatePem.empty())
    return fail(Code::BadRequest, "client key without a certificate");
  if (options.keyPem.empty()) return fail(Code::BadRequest, "client certificate without a key");
  ASSIGN_OR_RETURN(const Owned<X509> certificate,
                   parseCertificate(options.certificatePem, "client certificate"));
  ASSIGN_OR_RETURN(const Owned<EVP_PKEY> key, parseKey(options.keyPem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return tlsFailure("client key does not fit the certificate");
  }
  return {};
}

Result<base::Time> expiryOf(std::string_view certificatePem) {
  ASSIGN_OR_RETURN(const Owned<X509> certificate, parseCertificate(certificatePem, "certificate"));
  std::tm broken{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &broken) != 1) {
    return tlsFailure("certificate's end");
  }
  return std::chrono::system_clock::from_time_t(timegm(&broken));
}

}  // namespace iop::http
