#include "testing/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/result.h"

namespace iop::testing {
namespace {

struct Delete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <typename T>
using Owned = std::unique_ptr<T, Delete>;

Owned<EVP_PKEY> makeKey() {
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  ASSERT(key != nullptr);
  return key;
}

template <typename Write>
std::string printPem(Write write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  ASSERT(write(bio.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string printKey(EVP_PKEY* key) {
  return printPem([key](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void setSerialNumber(X509* certificate) {
  unsigned char bytes[8];
  ASSERT(RAND_bytes(bytes, sizeof(bytes)) == 1);
  std::uint64_t number = 0;
  for (const unsigned char byte : bytes) number = number << 8 | byte;
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1);
}

void addName(X509_NAME* name, const char* field, const std::string& value) {
  if (value.empty()) return;
  const auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
  ASSERT(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes,
                                    static_cast<int>(value.size()), -1, 0) == 1);
}

void addExtension(X509* certificate, int which, const std::string& value) {
  const Owned<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, which, value.c_str()));
  ASSERT(extension != nullptr);
  X509_add_ext(certificate, extension.get(), -1);
}

Owned<X509> makeCertificate(const CertificateOptions& options, EVP_PKEY* key) {
  Owned<X509> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  setSerialNumber(certificate.get());
  constexpr long kClockSkewSeconds = 3600;
  const bool hasExpired = options.validity.count() < 0;
  const long end = static_cast<long>(options.validity.count());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  hasExpired ? end - kClockSkewSeconds : -kClockSkewSeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), end);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  addName(subject, "O", options.organization);
  addName(subject, "CN", options.commonName);
  return certificate;
}

}  // namespace

struct CertificateAuthority::Impl {
  Owned<EVP_PKEY> key;
  Owned<X509> certificate;
  std::string certificatePem;
};

CertificateAuthority::CertificateAuthority(const std::string& name)
    : impl_(std::make_unique<Impl>()) {
  impl_->key = makeKey();
  impl_->certificate = makeCertificate({.commonName = name}, impl_->key.get());
  X509* certificate = impl_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  addExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  addExtension(certificate, NID_key_usage, "critical,keyCertSign,digitalSignature");
  ASSERT(X509_sign(certificate, impl_->key.get(), EVP_sha256()) > 0);
  impl_->certificatePem =
      printPem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

CertificateAuthority::~CertificateAuthority() = default;

const std::string& CertificateAuthority::certificatePem() const { return impl_->certificatePem; }

KeyPair CertificateAuthority::issue(const CertificateOptions& options) const {
  const Owned<EVP_PKEY> key = makeKey();
  const Owned<X509> certificate = makeCertificate(options, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(impl_->certificate.get()));
  addExtension(certificate.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  std::string names;
  for (const std::string& name : options.dnsNames)
    names += (names.empty() ? "DNS:" : ",DNS:") + name;
  for (const std::string& address : options.addresses)
    names += (names.empty() ? "IP:" : ",IP:") + address;
  if (!names.empty()) addExtension(certificate.get(), NID_subject_alt_name, names);
  ASSERT(X509_sign(certificate.get(), impl_->key.get(), EVP_sha256()) > 0);
  return {printPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }),
          printKey(key.get())};
}

SigningKey makeSigningKey() {
  const Owned<EVP_PKEY> key = makeKey();
  return {printKey(key.get()),
          printPem([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); })};
}

}  // namespace iop::testing
