#include "gotemplate/internal/certificate.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "gotemplate/internal/encoding.h"

namespace iop::gotemplate::internal {
namespace {

using X509Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;

X509Certificate readCertificate(const std::string& pem) {
  const Bio input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  return {PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr), X509_free};
}

Key readKey(const std::string& pem) {
  const Bio input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  return {PEM_read_bio_PrivateKey(input.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
}

// The value of an extension as OpenSSL prints it, with "critical, " in front where it is; "" where
// it is absent.
std::string extensionText(X509* certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate, nid, -1);
  if (at < 0) return "";
  X509_EXTENSION* const extension = X509_get_ext(certificate, at);
  const Bio output(BIO_new(BIO_s_mem()), BIO_free);
  X509V3_EXT_print(output.get(), extension, 0, 0);
  char* data = nullptr;
  const long size = BIO_get_mem_data(output.get(), &data);
  const std::string text(data, static_cast<std::size_t>(size));
  return (X509_EXTENSION_get_critical(extension) == 1 ? "critical, " : "") + text;
}

std::string subjectOf(X509* certificate) {
  const Bio output(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(output.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(output.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string ecdsaKey() { return makePrivateKey("ecdsa").value(); }

TEST(CertificateTest, KeysAreInTheirUsualFormat) {
  EXPECT_TRUE(makePrivateKey("ecdsa")->starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
  EXPECT_TRUE(makePrivateKey("ed25519")->starts_with("-----BEGIN PRIVATE KEY-----\n"));
  EXPECT_EQ(EVP_PKEY_get_base_id(readKey(makePrivateKey("ed25519").value()).get()),
            EVP_PKEY_ED25519);
  EXPECT_EQ(EVP_PKEY_get_bits(readKey(ecdsaKey()).get()), 256);
  EXPECT_EQ(makePrivateKey("x").error().message, "Unknown type x");
}

TEST(CertificateTest, ACaSignsItself) {
  const CertificatePair ca = makeCa("my ca", 10, ecdsaKey()).value();
  const X509Certificate certificate = readCertificate(ca.certificate);
  const Key key = readKey(ca.key);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_verify(certificate.get(), key.get()), 1);
  EXPECT_EQ(X509_check_private_key(certificate.get(), key.get()), 1);
  EXPECT_EQ(subjectOf(certificate.get()), "CN=my ca");
  EXPECT_EQ(extensionText(certificate.get(), NID_key_usage),
            "critical, Digital Signature, Key Encipherment, Certificate Sign");
  EXPECT_EQ(extensionText(certificate.get(), NID_ext_key_usage),
            "TLS Web Server Authentication, TLS Web Client Authentication");
  EXPECT_EQ(extensionText(certificate.get(), NID_basic_constraints), "critical, CA:TRUE");
  EXPECT_EQ(extensionText(certificate.get(), NID_subject_key_identifier).size(), 59u);
  int days = 0;
  int seconds = 0;
  ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate.get()),
                 X509_get0_notAfter(certificate.get()));
  EXPECT_EQ(days, 10);
  EXPECT_EQ(seconds, 0);
}

TEST(CertificateTest, WithoutAKeyOneOfRsaIsMade) {
  const CertificatePair ca = makeCa("ca", 1).value();
  EXPECT_TRUE(ca.key.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
  EXPECT_EQ(EVP_PKEY_get_bits(readKey(ca.key).get()), 2048);
  EXPECT_EQ(X509_get_signature_nid(readCertificate(ca.certificate).get()),
            NID_sha256WithRSAEncryption);
}

TEST(CertificateTest, ACaSignsOthers) {
  const CertificatePair ca = makeCa("my ca", 10, ecdsaKey()).value();
  const CertificatePair server =
      makeSignedCertificate({"db", {"10.0.0.1", "::1"}, {"db.example.com", "db"}, 90}, ca,
                            makePrivateKey("ed25519").value())
          .value();
  const X509Certificate issuer = readCertificate(ca.certificate);
  const X509Certificate certificate = readCertificate(server.certificate);
  EXPECT_EQ(X509_check_issued(issuer.get(), certificate.get()), X509_V_OK);
  EXPECT_EQ(X509_verify(certificate.get(), readKey(ca.key).get()), 1);
  EXPECT_EQ(X509_check_private_key(certificate.get(), readKey(server.key).get()), 1);
  EXPECT_EQ(extensionText(certificate.get(), NID_key_usage),
            "critical, Digital Signature, Key Encipherment");
  EXPECT_EQ(extensionText(certificate.get(), NID_basic_constraints), "critical, CA:FALSE");
  EXPECT_EQ(extensionText(certificate.get(), NID_subject_alt_name),
            "DNS:db.example.com, DNS:db, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1");
  EXPECT_EQ(extensionText(certificate.get(), NID_subject_key_identifier), "");
  EXPECT_EQ(extensionText(certificate.get(), NID_authority_key_identifier),
            extensionText(issuer.get(), NID_subject_key_identifier));
}

TEST(CertificateTest, ASelfSignedCertificateIsNoCa) {
  const CertificatePair pair =
      makeSelfSignedCertificate({"é", {"10.0.0.1"}, {}, -5}, makePrivateKey("ed25519").value())
          .value();
  const X509Certificate certificate = readCertificate(pair.certificate);
  EXPECT_EQ(X509_verify(certificate.get(), readKey(pair.key).get()), 1);
  EXPECT_EQ(subjectOf(certificate.get()), "CN=é");
  EXPECT_EQ(extensionText(certificate.get(), NID_basic_constraints), "critical, CA:FALSE");
  EXPECT_EQ(extensionText(certificate.get(), NID_authority_key_identifier), "");
  EXPECT_LT(X509_cmp_current_time(X509_get0_notAfter(certificate.get())), 0);
}

TEST(CertificateTest, WithoutASubjectTheNamesAreCritical) {
  const CertificatePair pair = makeSelfSignedCertificate({"", {}, {"a"}, 1}, ecdsaKey()).value();
  const X509Certificate certificate = readCertificate(pair.certificate);
  EXPECT_EQ(subjectOf(certificate.get()), "");
  EXPECT_EQ(extensionText(certificate.get(), NID_subject_alt_name), "critical, DNS:a");
}

TEST(CertificateTest, SerialNumbersAndKeysDiffer) {
  const std::string key = ecdsaKey();
  const X509Certificate first = readCertificate(makeCa("a", 1, key)->certificate);
  const X509Certificate second = readCertificate(makeCa("a", 1, key)->certificate);
  EXPECT_NE(
      ASN1_INTEGER_cmp(X509_get0_serialNumber(first.get()), X509_get0_serialNumber(second.get())),
      0);
  EXPECT_NE(ecdsaKey(), key);
}

TEST(CertificateTest, ErrorsAreThoseOfSprig) {
  const std::string key = ecdsaKey();
  const auto selfSigned = [&key](std::vector<std::string> ips, std::vector<std::string> names) {
    return makeSelfSignedCertificate({"cn", std::move(ips), std::move(names), 1}, key)
        .error()
        .message;
  };
  EXPECT_EQ(selfSigned({"300.0.0.1"}, {}), "error parsing ip: 300.0.0.1");
  EXPECT_EQ(selfSigned({"fe80::1%eth0"}, {}), "error parsing ip: fe80::1%eth0");
  EXPECT_EQ(selfSigned({}, {"é"}),
            "error creating certificate: x509: \"é\" cannot be encoded as an IA5String");
  EXPECT_EQ(makeCa("cn", 1, "nokey").error().message, "parsing private key: no PEM data in input");
  EXPECT_EQ(makeCa("cn", 1, "-----BEGIN X-----\nAAAA\n-----END X-----\n").error().message,
            "parsing private key: no private key data in PEM block of type X");
  EXPECT_TRUE(
      makeCa("cn", 1, "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")
          .error()
          .message.starts_with("parsing private key: parsing RSA private key from PEM: "));
  EXPECT_EQ(makeCa("\xff", 1, key).error().message,
            "error creating certificate: asn1: string not valid UTF-8");
  const CertificatePair ca = makeCa("ca", 1, key).value();
  EXPECT_EQ(
      makeSignedCertificate({"cn", {}, {}, 1}, {ca.certificate, ecdsaKey()}, key).error().message,
      "error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey");
}

TEST(CertificateTest, PairsAreDecodedAndChecked) {
  const CertificatePair ca = makeCa("ca", 1, ecdsaKey()).value();
  const std::string certificate = encodeBase64(ca.certificate);
  EXPECT_EQ(decodeCertificatePair(certificate, encodeBase64(ca.key)).value(), ca);
  const auto error = [](std::string_view certificateText, std::string_view keyText) {
    return decodeCertificatePair(certificateText, keyText).error().message;
  };
  EXPECT_EQ(error("!", "eA=="), "unable to decode base64 certificate");
  EXPECT_EQ(error("eA==", "!"), "unable to decode base64 private key");
  EXPECT_EQ(error("eA==", "eA=="), "unable to decode certificate");
  EXPECT_EQ(error(certificate, "eA=="), "error parsing private key: no PEM data in input");
  EXPECT_EQ(
      error(encodeBase64("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "eA=="),
      "error parsing certificate: decodedCert.Bytes: x509: malformed certificate");
}

}  // namespace
}  // namespace iop::gotemplate::internal
