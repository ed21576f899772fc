#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>

#include "apiserver/auth/authenticator.h"
#include "text/base64.h"
#include "text/json.h"

// Tokens of service accounts: JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518), with the
// claims of kube-apiserver (pkg/serviceaccount/claims.go).

namespace iop::apiserver::auth {
namespace {

struct Delete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
template <typename T>
using Owned = std::unique_ptr<T, Delete>;

constexpr std::size_t kMaxTokenBytes = 16 << 10;
constexpr int kHalf = 32;  // bytes of r and of s
constexpr std::string_view kNamespaceClaim = "kubernetes.io";

std::string toUrlBase64(std::string_view bytes) {
  std::string text = text::encodeBase64(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::optional<std::string> fromUrlBase64(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/=") != std::string::npos) return std::nullopt;
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return text::decodeBase64(plain);
}

std::int64_t secondsOf(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::Unauthorized,
              "invalid bearer token" + (why.empty() ? std::string() : ", " + std::string(why)));
}

std::string makeJti() {
  unsigned char bytes[16];
  ASSERT(RAND_bytes(bytes, sizeof bytes) == 1);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

}  // namespace

struct Tokens::Impl {
  Owned<EVP_PKEY> key;
  std::string keyId;
  std::string x, y;  // of the public key
  std::string issuer;
  Exists exists;

  std::string sign(std::string_view text) const {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    ASSERT(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    ASSERT(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
    std::string der(size, '\0');
    ASSERT(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size, bytes,
                          text.size()) == 1);
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
    ASSERT(signature != nullptr);
    std::string raw(2 * kHalf, '\0');
    auto* out = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kHalf);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kHalf, kHalf);
    return raw;
  }

  bool verify(std::string_view text, std::string_view raw) const {
    if (raw.size() != 2 * kHalf) return false;
    const auto* half = reinterpret_cast<const unsigned char*>(raw.data());
    const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
    if (ECDSA_SIG_set0(signature.get(), BN_bin2bn(half, kHalf, nullptr),
                       BN_bin2bn(half + kHalf, kHalf, nullptr)) != 1)
      return false;
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(signature.get(), &der);
    if (size <= 0) return false;
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    const bool good =
        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
        EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size),
                         reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
    OPENSSL_free(der);
    return good;
  }
};

Tokens::Tokens(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Tokens::~Tokens() = default;

Result<std::unique_ptr<Tokens>> Tokens::create(const std::string& keyPem, std::string issuer,
                                               Exists exists) {
  auto impl = std::make_unique<Impl>();
  const Owned<BIO> bio(BIO_new_mem_buf(keyPem.data(), static_cast<int>(keyPem.size())));
  impl->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (impl->key == nullptr || EVP_PKEY_get_base_id(impl->key.get()) != EVP_PKEY_EC)
    return fail(Code::InternalError, "the key of service account tokens is no EC key");
  for (const auto& [name, out] : {std::pair(OSSL_PKEY_PARAM_EC_PUB_X, &impl->x),
                                  std::pair(OSSL_PKEY_PARAM_EC_PUB_Y, &impl->y)}) {
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(impl->key.get(), name, &number) != 1)
      return fail(Code::InternalError, "the key of service account tokens cannot be read");
    const Owned<BIGNUM> owned(number);
    out->resize(kHalf);
    if (BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out->data()), kHalf) != kHalf)
      return fail(Code::InternalError, "the key of service account tokens is not on P-256");
  }
  unsigned char digest[SHA256_DIGEST_LENGTH];
  const std::string point = impl->x + impl->y;
  SHA256(reinterpret_cast<const unsigned char*>(point.data()), point.size(), digest);
  impl->keyId = toUrlBase64({reinterpret_cast<const char*>(digest), sizeof digest});
  impl->issuer = std::move(issuer);
  impl->exists = std::move(exists);
  return std::unique_ptr<Tokens>(new Tokens(std::move(impl)));
}

std::string Tokens::issue(const TokenRequest& request,
                          std::chrono::system_clock::time_point now) const {
  const Value header = Value::object({{"alg", "ES256"}, {"kid", impl_->keyId}});
  Value audiences = Value::array();
  for (const std::string& audience : request.audiences) audiences.push(audience);
  if (audiences.empty()) audiences.push(impl_->issuer);
  Value claim = Value::object(
      {{"namespace", request.namespaceName},
       {"serviceaccount",
        Value::object({{"name", request.serviceAccount}, {"uid", request.serviceAccountUid}})}});
  if (!request.podName.empty())
    claim.set("pod", Value::object({{"name", request.podName}, {"uid", request.podUid}}));
  if (!request.secretName.empty())
    claim.set("secret", Value::object({{"name", request.secretName}, {"uid", request.secretUid}}));
  const Value claims = Value::object(
      {{"aud", std::move(audiences)},
       {"exp", secondsOf(now + request.lifetime)},
       {"iat", secondsOf(now)},
       {"nbf", secondsOf(now)},
       {"iss", impl_->issuer},
       {"jti", makeJti()},
       {"sub", "system:serviceaccount:" + request.namespaceName + ":" + request.serviceAccount},
       {kNamespaceClaim, std::move(claim)}});
  const std::string text =
      toUrlBase64(text::printJson(header)) + "." + toUrlBase64(text::printJson(claims));
  return text + "." + toUrlBase64(impl_->sign(text));
}

Result<Tokens::Checked> Tokens::check(std::string_view token,
                                      const std::vector<std::string>& audiences,
                                      std::chrono::system_clock::time_point now) const {
  const std::size_t first = token.find('.'), last = token.rfind('.');
  if (token.size() > kMaxTokenBytes || first == std::string_view::npos || first == last)
    return refuse("");
  const auto header = fromUrlBase64(token.substr(0, first));
  const auto payload = fromUrlBase64(token.substr(first + 1, last - first - 1));
  const auto signature = fromUrlBase64(token.substr(last + 1));
  if (!header || !payload || !signature) return refuse("");
  const auto algorithm = text::parseJson(*header);
  if (!algorithm || (*algorithm)["alg"].asString() != "ES256" ||
      !impl_->verify(token.substr(0, last), *signature))
    return refuse("");
  const auto claims = text::parseJson(*payload);
  if (!claims || (*claims)["iss"].asString() != impl_->issuer) return refuse("");
  const std::int64_t time = secondsOf(now);
  if ((*claims)["exp"].asInt() <= time) return refuse("service account token has expired");
  if ((*claims)["nbf"].asInt() > time) return refuse("service account token is not valid yet");

  Checked out;
  const std::vector<std::string> own{impl_->issuer};
  for (const std::string& wanted : audiences.empty() ? own : audiences) {
    for (const Value& audience : (*claims)["aud"].items()) {
      if (audience.asString() == wanted) out.audiences.push_back(wanted);
    }
  }
  if (out.audiences.empty()) return refuse("token audiences are invalid for the target audiences");

  const Value& claim = (*claims)[kNamespaceClaim];
  const std::string_view space = claim["namespace"].asString();
  const auto isThere = [&](std::string_view plural, const Value& reference) {
    return reference.isNull() ||
           impl_->exists(plural, space, reference["name"].asString(), reference["uid"].asString());
  };
  const Value& account = claim["serviceaccount"];
  if (account.isNull() || !isThere("serviceaccounts", account))
    return refuse("service account has been deleted");
  if (!isThere("pods", claim["pod"])) return refuse("pod has been deleted");
  if (!isThere("secrets", claim["secret"])) return refuse("secret has been deleted");
  out.user.name = "system:serviceaccount:" + std::string(space) + ":" + account["name"].toString();
  out.user.uid = account["uid"].asString();
  out.user.groups = {"system:serviceaccounts", "system:serviceaccounts:" + std::string(space),
                     "system:authenticated"};
  out.user.extra["authentication.kubernetes.io/credential-id"] = {"JTI=" +
                                                                  (*claims)["jti"].toString()};
  if (const Value& pod = claim["pod"]; !pod.isNull()) {
    out.user.extra["authentication.kubernetes.io/pod-name"] = {pod["name"].toString()};
    out.user.extra["authentication.kubernetes.io/pod-uid"] = {pod["uid"].toString()};
  }
  return out;
}

const std::string& Tokens::issuer() const { return impl_->issuer; }

Value Tokens::jwks() const {
  return Value::object({{"keys", Value::array({Value::object({{"use", "sig"},
                                                              {"kty", "EC"},
                                                              {"kid", impl_->keyId},
                                                              {"crv", "P-256"},
                                                              {"alg", "ES256"},
                                                              {"x", toUrlBase64(impl_->x)},
                                                              {"y", toUrlBase64(impl_->y)}})})}});
}

}  // namespace iop::apiserver::auth
