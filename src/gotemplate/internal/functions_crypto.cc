// sprig's random values, passwords, keys and certificates.

#include <string>
#include <vector>

#include "gotemplate/internal/bind.h"
#include "gotemplate/internal/certificate.h"
#include "gotemplate/internal/crypto.h"
#include "gotemplate/internal/fmt.h"

namespace iop::gotemplate::internal {
namespace {

using CertificateResult = Typed<Type::Certificate>;

// What is slow by design costs as many steps as it takes microseconds, about.
constexpr std::uint64_t kPasswordHashSteps = 100'000;
constexpr std::uint64_t kDerivedPasswordSteps = 200'000;
constexpr std::uint64_t kLargeKeySteps = 400'000;  // RSA of 4096 bits, DSA
constexpr std::uint64_t kRsaSteps = 125'000;       // RSA of 2048 bits
constexpr std::uint64_t kSmallKeySteps = 500;

// sprig answers these errors as if they were results.
std::string textOrError(Result<std::string> result) {
  return result ? *std::move(result) : result.error().message;
}

// --- Random values ---

template <RandomAlphabet alphabet>
Result<std::string> random(Runtime& runtime, std::int64_t count) {
  if (count <= 0) return std::string();
  runtime.checkValueBytes(static_cast<std::uint64_t>(count));
  runtime.charge(static_cast<std::uint64_t>(count) / 8);
  return randomText(alphabet, count);
}

Result<std::string> randomBytes(Runtime& runtime, std::int64_t count) {
  if (count > 0) runtime.checkValueBytes(static_cast<std::uint64_t>(count));
  return randomBytesBase64(count);
}

// --- Passwords ---

std::string bcrypt(Runtime& runtime, std::string_view password) {
  runtime.charge(kPasswordHashSteps);
  return textOrError(hashBcrypt(password));
}

std::string htpasswd(Runtime& runtime, std::string_view user, std::string_view password) {
  runtime.charge(kPasswordHashSteps);
  return textOrError(makeHtpasswd(user, password));
}

std::string derivedPassword(Runtime& runtime, std::uint32_t counter, std::string_view type,
                            std::string_view password, std::string_view user,
                            std::string_view site) {
  runtime.charge(kDerivedPasswordSteps);
  return textOrError(derivePassword(counter, type, password, user, site));
}

// --- Keys and certificates ---

std::string privateKey(Runtime& runtime, std::string_view type) {
  runtime.charge(type.empty() || type == "rsa" || type == "dsa" ? kLargeKeySteps : kSmallKeySteps);
  return textOrError(makePrivateKey(type));
}

CertificateResult certificateResult(Runtime& runtime, Result<CertificatePair> made) {
  const CertificatePair pair = valueOrFail(std::move(made));
  return {runtime.makeCertificate(pair.certificate, pair.key)};
}

std::vector<std::string> textsOfList(Runtime& runtime, const Any& list, std::string_view what) {
  std::vector<std::string> out;
  const SliceView items(list);
  for (std::size_t i = 0; i < items.size(); ++i) {
    runtime.charge(kSmallKeySteps / 100);
    if (!items[i].isString()) {
      failFunction("error " + std::string(what) + ": " + formatValue(runtime, items[i], 'v') +
                   " is not a string");
    }
    out.emplace_back(items[i].asText());
  }
  return out;
}

CertificateRequest requestFor(Runtime& runtime, std::string_view name, ListArgument ips,
                              ListArgument dnsNames, std::int64_t days) {
  return {std::string(name), textsOfList(runtime, ips.value, "parsing ip"),
          textsOfList(runtime, dnsNames.value, "processing alternate dns name"), days};
}

CertificateResult ca(Runtime& runtime, std::string_view name, std::int64_t days) {
  runtime.charge(kRsaSteps);
  return certificateResult(runtime, makeCa(name, days));
}
CertificateResult caWithKey(Runtime& runtime, std::string_view name, std::int64_t days,
                            std::string_view key) {
  runtime.charge(kSmallKeySteps);
  if (key.empty()) failFunction("parsing private key: no PEM data in input");
  return certificateResult(runtime, makeCa(name, days, key));
}

CertificateResult selfSigned(Runtime& runtime, std::string_view name, ListArgument ips,
                             ListArgument dnsNames, std::int64_t days) {
  runtime.charge(kRsaSteps);
  return certificateResult(
      runtime, makeSelfSignedCertificate(requestFor(runtime, name, ips, dnsNames, days)));
}
CertificateResult selfSignedWithKey(Runtime& runtime, std::string_view name, ListArgument ips,
                                    ListArgument dnsNames, std::int64_t days,
                                    std::string_view key) {
  runtime.charge(kSmallKeySteps);
  if (key.empty()) failFunction("parsing private key: no PEM data in input");
  return certificateResult(
      runtime, makeSelfSignedCertificate(requestFor(runtime, name, ips, dnsNames, days), key));
}

CertificatePair pairOf(CertificateArgument certificate) {
  return {std::string(certificate.value.certificate), std::string(certificate.value.key)};
}

CertificateResult signedBy(Runtime& runtime, std::string_view name, ListArgument ips,
                           ListArgument dnsNames, std::int64_t days, CertificateArgument issuer) {
  runtime.charge(kRsaSteps);
  return certificateResult(
      runtime,
      makeSignedCertificate(requestFor(runtime, name, ips, dnsNames, days), pairOf(issuer)));
}
CertificateResult signedByWithKey(Runtime& runtime, std::string_view name, ListArgument ips,
                                  ListArgument dnsNames, std::int64_t days,
                                  CertificateArgument issuer, std::string_view key) {
  runtime.charge(kSmallKeySteps);
  if (key.empty()) failFunction("parsing private key: no PEM data in input");
  return certificateResult(
      runtime,
      makeSignedCertificate(requestFor(runtime, name, ips, dnsNames, days), pairOf(issuer), key));
}

CertificateResult customCertificate(Runtime& runtime, std::string_view certificate,
                                    std::string_view key) {
  runtime.charge(kSmallKeySteps);
  return certificateResult(runtime, decodeCertificatePair(certificate, key));
}

template <auto function>
constexpr Function entry(std::string_view name) {
  return bind<function>(name, "cryptography and random values");
}

constexpr Function kFunctions[] = {
    entry<&random<RandomAlphabet::AlphaNumeric>>("randAlphaNum"),
    entry<&random<RandomAlphabet::Alphabetic>>("randAlpha"),
    entry<&random<RandomAlphabet::Numeric>>("randNumeric"),
    entry<&random<RandomAlphabet::PrintableAscii>>("randAscii"),
    entry<&randomBytes>("randBytes"),
    entry<&randomInt>("randInt"),
    entry<&randomUuid>("uuidv4"),
    entry<&shuffleText>("shuffle"),
    entry<&bcrypt>("bcrypt"),
    entry<&htpasswd>("htpasswd"),
    entry<&derivedPassword>("derivePassword"),
    entry<&encryptAes>("encryptAES"),
    entry<&decryptAes>("decryptAES"),
    entry<&privateKey>("genPrivateKey"),
    entry<&ca>("genCA"),
    entry<&caWithKey>("genCAWithKey"),
    entry<&selfSigned>("genSelfSignedCert"),
    entry<&selfSignedWithKey>("genSelfSignedCertWithKey"),
    entry<&signedBy>("genSignedCert"),
    entry<&signedByWithKey>("genSignedCertWithKey"),
    entry<&customCertificate>("buildCustomCert"),
};

}  // namespace

std::span<const Function> cryptoFunctions() { return kFunctions; }

}  // namespace iop::gotemplate::internal
