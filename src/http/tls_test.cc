#include "http/tls.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "testing/certificates.h"

namespace iop::http {
namespace {

using testing::CertificateAuthority;
using testing::KeyPair;

std::string messageOf(const Status& status) { return status ? "" : status.error().message; }

TEST(Tls, AcceptsWhatFitsTogether) {
  const CertificateAuthority authority("ca");
  const KeyPair pair = authority.issue({.commonName = "me"});
  EXPECT_EQ(messageOf(checkTls({})), "");
  EXPECT_EQ(messageOf(checkTls({.caPem = authority.certificatePem(),
                                .certificatePem = pair.certificatePem,
                                .keyPem = pair.keyPem})),
            "");
}

TEST(Tls, SaysWhatIsWrong) {
  const CertificateAuthority authority("ca");
  const KeyPair pair = authority.issue({.commonName = "me"});
  const KeyPair other = authority.issue({.commonName = "you"});
  struct Case {
    const char* name;
    TlsOptions options;
    const char* start;
  };
  const Case cases[] = {
      {"an authority that is no PEM", {.caPem = "x"}, "certificate authority: "},
      {"a certificate alone",
       {.certificatePem = pair.certificatePem},
       "client certificate without a key"},
      {"a key alone", {.keyPem = pair.keyPem}, "client key without a certificate"},
      {"a key that is none",
       {.certificatePem = pair.certificatePem, .keyPem = "x"},
       "client key: "},
      {"the key of another",
       {.certificatePem = pair.certificatePem, .keyPem = other.keyPem},
       "client key does not fit the certificate: "},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Status status = checkTls(test.options);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, Code::BadRequest);
    EXPECT_TRUE(status.error().message.starts_with(test.start)) << status.error().message;
  }
}

TEST(Tls, ReadsFilesAndNamesTheOneThatIsMissing) {
  const std::string path = ::testing::TempDir() + "/tls_test_ca.pem";
  std::ofstream(path) << "text";
  EXPECT_EQ(readTlsFiles({.caFile = path}).value().caPem, "text");
  std::remove(path.c_str());
  const Result<TlsOptions> missing = readTlsFiles({.caFile = path});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().message, "read '" + path + "': no such file or directory");
}

TEST(Tls, KnowsWhenACertificateExpires) {
  const CertificateAuthority authority("ca");
  const KeyPair pair = authority.issue({.commonName = "me", .validity = std::chrono::hours(5)});
  const auto left = expiryOf(pair.certificatePem).value() - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours(4));
  EXPECT_LE(left, std::chrono::hours(5));
  EXPECT_FALSE(expiryOf("x").has_value());
}

}  // namespace
}  // namespace iop::http
