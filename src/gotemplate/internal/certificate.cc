#include "gotemplate/internal/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/civil.h"
#include "gotemplate/internal/encoding.h"
#include "gotemplate/internal/ip_address.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/times.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

constexpr unsigned kLargeRsaBits = 4096;  // of makePrivateKey
constexpr unsigned kRsaBits = 2048;       // of certificates
constexpr std::size_t kSerialBytes = 16;

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using X509Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using PrivateKeyInfo = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freer<PKCS8_PRIV_KEY_INFO_free>>;
using BigNumber = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using BitString = std::unique_ptr<ASN1_BIT_STRING, Freer<ASN1_BIT_STRING_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, Freer<ASN1_OCTET_STRING_free>>;
using BasicConstraints = std::unique_ptr<BASIC_CONSTRAINTS, Freer<BASIC_CONSTRAINTS_free>>;
using AuthorityKeyId = std::unique_ptr<AUTHORITY_KEYID, Freer<AUTHORITY_KEYID_free>>;
using ExtendedKeyUsage = std::unique_ptr<EXTENDED_KEY_USAGE, Freer<EXTENDED_KEY_USAGE_free>>;
using GeneralNames = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;
using X509Name = std::unique_ptr<X509_NAME, Freer<X509_NAME_free>>;

tl::unexpected<Error> creationFailed(std::string_view why) {
  return goError("error creating certificate: " + std::string(why));
}

// What OpenSSL says about its last failure; forgets all of them.
std::string opensslError() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "openssl failed" : reason;
}

// --- PEM ---

struct PemBlock {
  std::string type;
  std::vector<unsigned char> bytes;
};

// The first block of a text, whatever stands before it.
Result<PemBlock> firstBlock(std::string_view text) {
  const Bio input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  char* type = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(input.get(), &type, &header, &data, &size) != 1) {
    ERR_clear_error();
    return goError("no PEM data in input");
  }
  PemBlock block{type, {data, data + size}};
  OPENSSL_free(type);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return block;
}

std::string contentsOf(BIO* output) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(output, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<Key> decodeKey(const PemBlock& block) {
  constexpr std::string_view kSuffix = " PRIVATE KEY";
  const unsigned char* bytes = block.bytes.data();
  const auto size = static_cast<long>(block.bytes.size());
  if (block.type == kSuffix.substr(1)) {
    const PrivateKeyInfo info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &bytes, size));
    Key key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
    if (key == nullptr) return goError("decoding PEM as PKCS#8: " + opensslError());
    return key;
  }
  if (!block.type.ends_with(kSuffix)) {
    return goError("no private key data in PEM block of type " + block.type);
  }
  const std::string name = block.type.substr(0, block.type.size() - kSuffix.size());
  const int type = name == "RSA"   ? EVP_PKEY_RSA
                   : name == "EC"  ? EVP_PKEY_EC
                   : name == "DSA" ? EVP_PKEY_DSA
                                   : EVP_PKEY_NONE;
  if (type == EVP_PKEY_NONE) return goError("unknown private key type " + name);
  Key key(d2i_PrivateKey(type, nullptr, &bytes, size));
  if (key == nullptr)
    return goError("parsing " + name + " private key from PEM: " + opensslError());
  return key;
}

Result<Key> parseKey(std::string_view pem) {
  ASSIGN_OR_RETURN(const PemBlock block, firstBlock(pem));
  return decodeKey(block);
}

// In the format that is usual for its type: PKCS #1, SEC 1, that of OpenSSL for DSA, else PKCS #8.
Result<std::string> printKey(EVP_PKEY* key) {
  const Bio output(BIO_new(BIO_s_mem()));
  const int type = EVP_PKEY_get_base_id(key);
  const bool isTraditional = type == EVP_PKEY_RSA || type == EVP_PKEY_EC || type == EVP_PKEY_DSA;
  const int done = isTraditional ? PEM_write_bio_PrivateKey_traditional(
                                       output.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
                                 : PEM_write_bio_PKCS8PrivateKey(output.get(), key, nullptr,
                                                                 nullptr, 0, nullptr, nullptr);
  if (done != 1) return goError("error encoding private key: " + opensslError());
  return contentsOf(output.get());
}

Result<X509Certificate> parseCertificate(std::string_view pem) {
  const Result<PemBlock> block = firstBlock(pem);
  if (!block) return goError("unable to decode certificate");
  const unsigned char* bytes = block->bytes.data();
  X509Certificate certificate(d2i_X509(nullptr, &bytes, static_cast<long>(block->bytes.size())));
  if (certificate == nullptr) {
    ERR_clear_error();
    return goError("error parsing certificate: decodedCert.Bytes: x509: malformed certificate");
  }
  return certificate;
}

// --- Keys ---

Key makeDsaKey() {
  const KeyContext parameters(EVP_PKEY_CTX_new_from_name(nullptr, "DSA", nullptr));
  EVP_PKEY* generated = nullptr;
  if (parameters == nullptr || EVP_PKEY_paramgen_init(parameters.get()) != 1 ||
      EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters.get(), 2048) != 1 ||
      EVP_PKEY_CTX_set_dsa_paramgen_q_bits(parameters.get(), 256) != 1 ||
      EVP_PKEY_paramgen(parameters.get(), &generated) != 1) {
    return nullptr;
  }
  const Key domain(generated);
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, domain.get(), nullptr));
  generated = nullptr;
  if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_keygen(context.get(), &generated) != 1) {
    return nullptr;
  }
  return Key(generated);
}

Result<Key> checked(Key key) {
  if (key == nullptr) return goError("failed to generate private key: " + opensslError());
  return key;
}

// The key that the caller brings, or a new one.
Result<Key> keyFor(std::string_view pem) {
  if (pem.empty()) return checked(Key(EVP_RSA_gen(kRsaBits)));
  return parseKey(pem).map_error(addContext("parsing private key"));
}

// --- Certificates ---

// What is to be written into a certificate.
struct CertificateTemplate {
  std::string_view commonName;
  std::vector<IpAddress> ips;
  std::vector<std::string> dnsNames;
  std::int64_t daysValid = 0;
  bool isCa = false;
};

// PrintableString of X.680 without "*" and "&", as Go chooses between it and UTF8String.
bool isPrintableString(std::string_view text) {
  constexpr std::string_view kOthers = " '()+,-./:=?";
  for (const char c : text) {
    if (!isAsciiAlphanumeric(c) && kOthers.find(c) == std::string_view::npos) return false;
  }
  return true;
}

Status setSubject(X509* certificate, std::string_view commonName) {
  if (!isValidUtf8(commonName)) return creationFailed("asn1: string not valid UTF-8");
  const X509Name name(X509_NAME_new());
  const int type = isPrintableString(commonName) ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
  const bool isDone =
      name != nullptr &&
      (commonName.empty() ||
       X509_NAME_add_entry_by_NID(name.get(), NID_commonName, type, bytesOf(commonName),
                                  static_cast<int>(commonName.size()), -1, 0) == 1) &&
      X509_set_subject_name(certificate, name.get()) == 1;
  if (!isDone) return creationFailed(opensslError());
  return {};
}

Status setSerialNumber(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  const bool isDone = [&] {
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
    const BigNumber number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    return number != nullptr &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
  }();
  if (!isDone) return creationFailed(opensslError());
  return {};
}

Status setValidity(X509* certificate, std::int64_t days) {
  // As a number of nanoseconds, which wraps around after 292 years.
  const Time start = unixTime(currentTime().unixSeconds, 0, nullptr);
  const Time end = addDuration(start, wrapMultiply(days, 24 * kHour));
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), start.unixSeconds) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), end.unixSeconds) == nullptr) {
    return creationFailed(opensslError());
  }
  return {};
}

Status addExtension(X509* certificate, int nid, void* value, bool isCritical) {
  if (value == nullptr ||
      X509_add1_ext_i2d(certificate, nid, value, isCritical ? 1 : 0, X509V3_ADD_DEFAULT) != 1) {
    return creationFailed(opensslError());
  }
  return {};
}

Status addKeyUsages(X509* certificate, bool isCa) {
  // Bits of KeyUsage (RFC 5280, section 4.2.1.3).
  constexpr int kDigitalSignature = 0;
  constexpr int kKeyEncipherment = 2;
  constexpr int kCertificateSign = 5;
  const BitString usage(ASN1_BIT_STRING_new());
  ASN1_BIT_STRING_set_bit(usage.get(), kDigitalSignature, 1);
  ASN1_BIT_STRING_set_bit(usage.get(), kKeyEncipherment, 1);
  if (isCa) ASN1_BIT_STRING_set_bit(usage.get(), kCertificateSign, 1);
  RETURN_IF_ERROR(addExtension(certificate, NID_key_usage, usage.get(), true));

  const ExtendedKeyUsage extended(EXTENDED_KEY_USAGE_new());
  sk_ASN1_OBJECT_push(extended.get(), OBJ_nid2obj(NID_server_auth));
  sk_ASN1_OBJECT_push(extended.get(), OBJ_nid2obj(NID_client_auth));
  return addExtension(certificate, NID_ext_key_usage, extended.get(), false);
}

Status addBasicConstraints(X509* certificate, bool isCa) {
  const BasicConstraints constraints(BASIC_CONSTRAINTS_new());
  constraints->ca = isCa ? 0xFF : 0;
  return addExtension(certificate, NID_basic_constraints, constraints.get(), true);
}

// Of a CA: the front of the SHA-256 hash of its public key (RFC 7093, section 2, method 1).
Status addSubjectKeyId(X509* certificate) {
  const ASN1_BIT_STRING* const publicKey = X509_get0_pubkey_bitstr(certificate);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(publicKey->data, static_cast<std::size_t>(publicKey->length), hash.data());
  constexpr int kIdSize = 20;
  const OctetString id(ASN1_OCTET_STRING_new());
  ASN1_OCTET_STRING_set(id.get(), hash.data(), kIdSize);
  return addExtension(certificate, NID_subject_key_identifier, id.get(), false);
}

Status addAuthorityKeyId(X509* certificate, X509* issuer) {
  const ASN1_OCTET_STRING* const id = X509_get0_subject_key_id(issuer);
  if (id == nullptr) return {};
  const AuthorityKeyId authority(AUTHORITY_KEYID_new());
  authority->keyid = ASN1_OCTET_STRING_dup(id);
  return addExtension(certificate, NID_authority_key_identifier, authority.get(), false);
}

void pushName(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  GENERAL_NAME* const name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  sk_GENERAL_NAME_push(names, name);
}

Status addAlternativeNames(X509* certificate, const CertificateTemplate& wanted) {
  if (wanted.dnsNames.empty() && wanted.ips.empty()) return {};
  const GeneralNames names(GENERAL_NAMES_new());
  for (const std::string& dnsName : wanted.dnsNames) {
    for (const char c : dnsName) {
      if (static_cast<unsigned char>(c) < 0x80) continue;
      return creationFailed("x509: " + quote(dnsName) + " cannot be encoded as an IA5String");
    }
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dnsName.data(), static_cast<int>(dnsName.size()));
    pushName(names.get(), GEN_DNS, text);
  }
  for (const IpAddress& ip : wanted.ips) {
    ASN1_OCTET_STRING* const bytes = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(bytes, ip.bytes.data(), static_cast<int>(ip.bytes.size()));
    pushName(names.get(), GEN_IPADD, bytes);
  }
  // Critical where nothing else tells whose certificate it is (RFC 5280, section 4.2.1.6).
  return addExtension(certificate, NID_subject_alt_name, names.get(), wanted.commonName.empty());
}

// The hash that signatures of a key use, as Go chooses it; null for keys that bring their own.
const EVP_MD* digestFor(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return nullptr;
    case EVP_PKEY_EC:
      return EVP_PKEY_get_bits(key) > 384   ? EVP_sha512()
             : EVP_PKEY_get_bits(key) > 256 ? EVP_sha384()
                                            : EVP_sha256();
    default:
      return EVP_sha256();
  }
}

Status checkSigner(EVP_PKEY* key) {
  const int type = EVP_PKEY_get_base_id(key);
  if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC || type == EVP_PKEY_ED25519) return {};
  return creationFailed("x509: certificate private key does not implement crypto.Signer");
}

// Signs with `signer`, the key of `issuer`; a null issuer means the certificate itself.
Result<CertificatePair> sign(const CertificateTemplate& wanted, EVP_PKEY* key, X509* issuer,
                             EVP_PKEY* signer) {
  RETURN_IF_ERROR(checkSigner(signer));
  RETURN_IF_ERROR(checkSigner(key));
  const X509Certificate certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return creationFailed(opensslError());
  }
  RETURN_IF_ERROR(setSerialNumber(certificate.get()));
  RETURN_IF_ERROR(setSubject(certificate.get(), wanted.commonName));
  RETURN_IF_ERROR(setValidity(certificate.get(), wanted.daysValid));
  X509* const parent = issuer == nullptr ? certificate.get() : issuer;
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(parent)) != 1) {
    return creationFailed(opensslError());
  }
  RETURN_IF_ERROR(addKeyUsages(certificate.get(), wanted.isCa));
  RETURN_IF_ERROR(addBasicConstraints(certificate.get(), wanted.isCa));
  if (wanted.isCa) RETURN_IF_ERROR(addSubjectKeyId(certificate.get()));
  if (issuer != nullptr) RETURN_IF_ERROR(addAuthorityKeyId(certificate.get(), issuer));
  RETURN_IF_ERROR(addAlternativeNames(certificate.get(), wanted));
  if (issuer != nullptr && X509_check_private_key(issuer, signer) != 1) {
    ERR_clear_error();
    return creationFailed("x509: provided PrivateKey doesn't match parent's PublicKey");
  }
  const Bio output(BIO_new(BIO_s_mem()));
  if (X509_sign(certificate.get(), signer, digestFor(signer)) == 0 ||
      PEM_write_bio_X509(output.get(), certificate.get()) != 1) {
    return creationFailed(opensslError());
  }
  ASSIGN_OR_RETURN(std::string keyText, printKey(key));
  return CertificatePair{contentsOf(output.get()), std::move(keyText)};
}

Result<CertificateTemplate> templateOf(const CertificateRequest& request) {
  CertificateTemplate wanted;
  wanted.commonName = request.commonName;
  wanted.dnsNames = request.dnsNames;
  wanted.daysValid = request.daysValid;
  for (const std::string& ip : request.ips) {
    Result<IpAddress> address = parseIpAddress(ip);
    if (!address || !address->zone.empty()) return goError("error parsing ip: " + ip);
    wanted.ips.push_back(std::move(*address));
  }
  return wanted;
}

}  // namespace

Result<std::string> makePrivateKey(std::string_view type) {
  Key key;
  if (type.empty() || type == "rsa") {
    key.reset(EVP_RSA_gen(kLargeRsaBits));
  } else if (type == "dsa") {
    key = makeDsaKey();
  } else if (type == "ecdsa") {
    key.reset(EVP_EC_gen("P-256"));
  } else if (type == "ed25519") {
    key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  } else {
    return goError("Unknown type " + std::string(type));
  }
  ASSIGN_OR_RETURN(key, checked(std::move(key)));
  return printKey(key.get());
}

Result<CertificatePair> makeCa(std::string_view commonName, std::int64_t daysValid,
                               std::string_view keyPem) {
  ASSIGN_OR_RETURN(const Key key, keyFor(keyPem));
  CertificateTemplate wanted;
  wanted.commonName = commonName;
  wanted.daysValid = daysValid;
  wanted.isCa = true;
  return sign(wanted, key.get(), nullptr, key.get());
}

Result<CertificatePair> makeSelfSignedCertificate(const CertificateRequest& request,
                                                  std::string_view keyPem) {
  ASSIGN_OR_RETURN(const Key key, keyFor(keyPem));
  ASSIGN_OR_RETURN(const CertificateTemplate wanted, templateOf(request));
  return sign(wanted, key.get(), nullptr, key.get());
}

Result<CertificatePair> makeSignedCertificate(const CertificateRequest& request,
                                              const CertificatePair& ca, std::string_view keyPem) {
  ASSIGN_OR_RETURN(const Key key, keyFor(keyPem));
  ASSIGN_OR_RETURN(const X509Certificate issuer, parseCertificate(ca.certificate));
  ASSIGN_OR_RETURN(const Key signer,
                   parseKey(ca.key).map_error(addContext("error parsing private key")));
  ASSIGN_OR_RETURN(const CertificateTemplate wanted, templateOf(request));
  return sign(wanted, key.get(), issuer.get(), signer.get());
}

Result<CertificatePair> decodeCertificatePair(std::string_view certificateBase64,
                                              std::string_view keyBase64) {
  CertificatePair pair;
  Result<std::string> certificate = decodeBase64(certificateBase64);
  if (!certificate) return goError("unable to decode base64 certificate");
  Result<std::string> key = decodeBase64(keyBase64);
  if (!key) return goError("unable to decode base64 private key");
  RETURN_IF_ERROR(parseCertificate(*certificate));
  RETURN_IF_ERROR(parseKey(*key).map_error(addContext("error parsing private key")));
  return CertificatePair{std::move(*certificate), std::move(*key)};
}

}  // namespace iop::gotemplate::internal
