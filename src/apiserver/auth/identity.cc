#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <ctime>

#include "apiserver/auth/authenticator.h"
#include "base/file.h"

// The server's own authority and keys.

namespace iop::apiserver::auth {
namespace {

struct Delete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <typename T>
using Owned = std::unique_ptr<T, Delete>;

constexpr std::chrono::hours kAuthorityLifetime{24 * 365 * 10}, kLifetime{24 * 365};
// A certificate that ends within this time is made anew.
constexpr std::chrono::hours kRenewal{24 * 30};
constexpr std::chrono::hours kClockSkew{1};

tl::unexpected<Error> failure(std::string_view what) {
  return fail(Code::InternalError, "keys and certificates: " + std::string(what));
}

template <typename Write>
std::string printPem(const Write& write) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || write(bio.get()) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string printKey(EVP_PKEY* key) {
  return printPem([key](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string printCertificate(X509* certificate) {
  return printPem([certificate](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

Owned<EVP_PKEY> parseKey(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

Owned<X509> parseCertificate(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool addName(X509* certificate, const char* field, const std::string& value) {
  if (value.empty()) return true;
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool addExtension(X509* certificate, int which, const std::string& value) {
  const Owned<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, which, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

struct Wanted {
  std::string commonName;
  std::string organization;
  std::chrono::seconds lifetime;
  std::string usage;             // of the key, extended
  std::string alternativeNames;  // as OpenSSL reads them
};

// An unsigned certificate of a key; null if OpenSSL refuses a name.
Owned<X509> prepare(const Wanted& wanted, EVP_PKEY* key) {
  Owned<X509> certificate(X509_new());
  unsigned char serial[8];
  if (certificate == nullptr || RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  std::uint64_t number = 0;
  for (const unsigned char byte : serial) number = number << 8 | byte;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), number >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()),
                  -static_cast<long>(std::chrono::seconds(kClockSkew).count()));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  static_cast<long>(wanted.lifetime.count()));
  X509_set_pubkey(certificate.get(), key);
  if (!addName(certificate.get(), "O", wanted.organization) ||
      !addName(certificate.get(), "CN", wanted.commonName))
    return nullptr;
  return certificate;
}

struct Pair {
  std::string certificatePem;
  std::string keyPem;
};

Result<Pair> makeAuthority() {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (key == nullptr) return failure("make a key");
  const Owned<X509> certificate =
      prepare({"integration-operator-ca", "", kAuthorityLifetime, "", ""}, key.get());
  if (certificate == nullptr) return failure("make the authority");
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  if (!addExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE") ||
      !addExtension(certificate.get(), NID_key_usage, "critical,keyCertSign,digitalSignature") ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) <= 0)
    return failure("sign the authority");
  return Pair{printCertificate(certificate.get()), printKey(key.get())};
}

Result<Pair> issue(const Identity& identity, const Wanted& wanted) {
  const Owned<EVP_PKEY> authorityKey = parseKey(identity.caKeyPem);
  const Owned<X509> authority = parseCertificate(identity.caCertificatePem);
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (authorityKey == nullptr || authority == nullptr || key == nullptr)
    return failure("the authority cannot be read");
  const Owned<X509> certificate = prepare(wanted, key.get());
  if (certificate == nullptr)
    return failure("'" + wanted.commonName + "' cannot be put into a certificate");
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(authority.get()));
  if (!addExtension(certificate.get(), NID_ext_key_usage, wanted.usage) ||
      (!wanted.alternativeNames.empty() &&
       !addExtension(certificate.get(), NID_subject_alt_name, wanted.alternativeNames)) ||
      X509_sign(certificate.get(), authorityKey.get(), EVP_sha256()) <= 0)
    return failure("sign a certificate for '" + wanted.commonName + "'");
  return Pair{printCertificate(certificate.get()), printKey(key.get())};
}

bool lasts(const std::string& certificatePem) {
  const Owned<X509> certificate = parseCertificate(certificatePem);
  if (certificate == nullptr) return false;
  std::time_t end = std::time(nullptr) + std::chrono::seconds(kRenewal).count();
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &end) > 0;
}

bool isAddress(const std::string& host) {
  return host.find_first_not_of("0123456789.") == std::string::npos ||
         host.find(':') != std::string::npos;
}

bool covers(const std::string& certificatePem, const std::vector<std::string>& hosts) {
  const Owned<X509> certificate = parseCertificate(certificatePem);
  if (certificate == nullptr) return false;
  for (const std::string& host : hosts) {
    const int found =
        isAddress(host) ? X509_check_ip_asc(certificate.get(), host.c_str(), 0)
                        : X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr);
    if (found != 1) return false;
  }
  return true;
}

bool isSignedBy(const std::string& certificatePem, const std::string& authorityPem) {
  const Owned<X509> certificate = parseCertificate(certificatePem);
  const Owned<X509> authority = parseCertificate(authorityPem);
  return certificate != nullptr && authority != nullptr &&
         X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
}

// A file's text; empty where there is none.
Result<std::string> readIfThere(const std::string& path) {
  Result<std::string> text = base::readFile(path);
  if (!text && text.error().isNotFound()) return std::string();
  return text;
}

}  // namespace

Result<Identity> Identity::load(const std::string& directory,
                                const std::vector<std::string>& extraHosts) {
  Identity out;
  const auto path = [&](std::string_view name) { return directory + "/" + std::string(name); };
  if (!directory.empty()) {
    ASSIGN_OR_RETURN(out.caCertificatePem, readIfThere(path("ca.crt")));
    ASSIGN_OR_RETURN(out.caKeyPem, readIfThere(path("ca.key")));
    ASSIGN_OR_RETURN(out.serverCertificatePem, readIfThere(path("server.crt")));
    ASSIGN_OR_RETURN(out.serverKeyPem, readIfThere(path("server.key")));
    ASSIGN_OR_RETURN(out.tokenKeyPem, readIfThere(path("sa.key")));
  }
  if (out.caKeyPem.empty() || !lasts(out.caCertificatePem)) {
    ASSIGN_OR_RETURN(const Pair made, makeAuthority());
    out.caCertificatePem = made.certificatePem;
    out.caKeyPem = made.keyPem;
  }
  std::vector<std::string> hosts = {
      "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1",
      "::1",       "10.0.0.1"};
  hosts.insert(hosts.end(), extraHosts.begin(), extraHosts.end());
  if (out.serverKeyPem.empty() || !lasts(out.serverCertificatePem) ||
      !covers(out.serverCertificatePem, hosts) ||
      !isSignedBy(out.serverCertificatePem, out.caCertificatePem)) {
    std::string names;
    for (const std::string& host : hosts)
      names += (names.empty() ? "" : ",") + std::string(isAddress(host) ? "IP:" : "DNS:") + host;
    ASSIGN_OR_RETURN(const Pair made,
                     issue(out, {"kube-apiserver", "", kLifetime, "serverAuth", names}));
    out.serverCertificatePem = made.certificatePem;
    out.serverKeyPem = made.keyPem;
  }
  if (parseKey(out.tokenKeyPem) == nullptr) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    if (key == nullptr) return failure("make a key");
    out.tokenKeyPem = printKey(key.get());
  }
  if (!directory.empty()) {
    for (const auto& [name, text] :
         {std::pair("ca.crt", &out.caCertificatePem), std::pair("ca.key", &out.caKeyPem),
          std::pair("server.crt", &out.serverCertificatePem),
          std::pair("server.key", &out.serverKeyPem), std::pair("sa.key", &out.tokenKeyPem)}) {
      if (readIfThere(path(name)).value_or("") != *text)
        RETURN_IF_ERROR(base::writePrivateFile(path(name), *text));
    }
  }
  return out;
}

Result<Identity::ClientCertificate> Identity::issueClient(const std::string& user,
                                                          const std::string& group) const {
  ASSIGN_OR_RETURN(Pair made, issue(*this, {user, group, kLifetime, "clientAuth", ""}));
  return ClientCertificate{std::move(made.certificatePem), std::move(made.keyPem)};
}

}  // namespace iop::apiserver::auth
