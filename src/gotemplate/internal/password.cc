// The passwords of crypto.h: bcrypt, htpasswd and the Master Password algorithm.

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <memory>
#include <vector>

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/crypto.h"

namespace iop::gotemplate::internal {
namespace {

constexpr unsigned long kBcryptCost = 10;
constexpr std::size_t kLongestBcryptPassword = 72;

tl::unexpected<Error> bcryptFailed(std::string_view why) {
  return fail(Code::Invalid, "failed to encrypt string with bcrypt: " + std::string(why));
}

// --- Master Password (masterpassword.com, version 3) ---

// The scope that all salts start with.
constexpr std::string_view kScope = "com.lyndir.masterpassword";

// A type of password: its templates. Each letter of a template stands for a class of characters.
struct PasswordType {
  std::string_view name;
  std::vector<std::string_view> templates;
};

const std::vector<PasswordType>& passwordTypes() {
  static const auto* const types = new std::vector<PasswordType>{
      {"maximum", {"anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"}},
      {"long",
       {"CvcvnoCvcvCvcv", "CvcvCvcvnoCvcv", "CvcvCvcvCvcvno", "CvccnoCvcvCvcv", "CvccCvcvnoCvcv",
        "CvccCvcvCvcvno", "CvcvnoCvccCvcv", "CvcvCvccnoCvcv", "CvcvCvccCvcvno", "CvcvnoCvcvCvcc",
        "CvcvCvcvnoCvcc", "CvcvCvcvCvccno", "CvccnoCvccCvcv", "CvccCvccnoCvcv", "CvccCvccCvcvno",
        "CvcvnoCvccCvcc", "CvcvCvccnoCvcc", "CvcvCvccCvccno", "CvccnoCvcvCvcc", "CvccCvcvnoCvcc",
        "CvccCvcvCvccno"}},
      {"medium", {"CvcnoCvc", "CvcCvcno"}},
      {"short", {"Cvcn"}},
      {"basic", {"aaanaaan", "aannaaan", "aaannaaa"}},
      {"pin", {"nnnn"}}};
  return *types;
}

std::string_view charactersOf(char letter) {
  switch (letter) {
    case 'V':
      return "AEIOU";
    case 'C':
      return "BCDFGHJKLMNPQRSTVWXYZ";
    case 'v':
      return "aeiou";
    case 'c':
      return "bcdfghjklmnpqrstvwxyz";
    case 'A':
      return "AEIOUBCDFGHJKLMNPQRSTVWXYZ";
    case 'a':
      return "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    case 'n':
      return "0123456789";
    case 'o':
      return "@&%?,=[]_:-+*$#!'^~;()/.";
    default:
      return "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()";
  }
}

void appendBigEndian(std::string& out, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(number >> shift & 0xFF));
}

void appendWithLength(std::string& out, std::string_view text) {
  appendBigEndian(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

}  // namespace

Result<std::string> hashBcrypt(std::string_view password) {
  if (password.size() > kLongestBcryptPassword) {
    return bcryptFailed("bcrypt: password length exceeds 72 bytes");
  }
  // crypt() would end the password there.
  if (password.find('\0') != std::string_view::npos)
    return bcryptFailed("bcrypt: password has a NUL byte");
  std::array<char, 16> random{};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), random.size()) != 1) {
    return bcryptFailed("no random bytes");
  }
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
  if (crypt_gensalt_rn("$2a$", kBcryptCost, random.data(), random.size(), salt.data(),
                       salt.size()) == nullptr) {
    return bcryptFailed("no salt");
  }
  const auto data = std::make_unique<crypt_data>();
  const char* const hash = crypt_r(std::string(password).c_str(), salt.data(), data.get());
  if (hash == nullptr || hash[0] != '$') return bcryptFailed("bcrypt is not supported");
  return std::string(hash);
}

Result<std::string> makeHtpasswd(std::string_view user, std::string_view password) {
  if (user.find(':') != std::string_view::npos) {
    return fail(Code::Invalid, "invalid username: " + std::string(user));
  }
  Result<std::string> hash = hashBcrypt(password);
  if (!hash) return fail(Code::Invalid, std::string(user) + ":" + hash.error().message);
  return std::string(user) + ":" + *hash;
}

Result<std::string> derivePassword(std::uint32_t counter, std::string_view passwordType,
                                   std::string_view password, std::string_view user,
                                   std::string_view site) {
  const PasswordType* type = nullptr;
  for (const PasswordType& known : passwordTypes()) {
    if (known.name == passwordType) type = &known;
  }
  if (type == nullptr) {
    return fail(Code::Invalid, "cannot find password template " + std::string(passwordType));
  }
  std::string salt(kScope);
  appendWithLength(salt, user);
  constexpr std::uint64_t kScryptN = 32768;
  constexpr std::uint64_t kScryptR = 8;
  constexpr std::uint64_t kScryptP = 2;
  constexpr std::uint64_t kScryptMemory = std::uint64_t{64} << 20;
  std::array<unsigned char, 64> key{};
  if (EVP_PBE_scrypt(password.data(), password.size(), bytesOf(salt), salt.size(), kScryptN,
                     kScryptR, kScryptP, kScryptMemory, key.data(), key.size()) != 1) {
    return fail(Code::InternalError, "failed to derive password: scrypt failed");
  }
  std::string message(kScope);
  appendWithLength(message, site);
  appendBigEndian(message, counter);
  std::array<unsigned char, EVP_MAX_MD_SIZE> seed{};
  unsigned seedSize = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytesOf(message), message.size(),
           seed.data(), &seedSize) == nullptr) {
    return fail(Code::InternalError, "failed to derive password: HMAC failed");
  }
  const std::string_view letters = type->templates[seed[0] % type->templates.size()];
  std::string out;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const std::string_view characters = charactersOf(letters[i]);
    out.push_back(characters[seed[i + 1] % characters.size()]);
  }
  return out;
}

}  // namespace iop::gotemplate::internal
