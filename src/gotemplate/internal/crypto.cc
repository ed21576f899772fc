#include "gotemplate/internal/crypto.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <memory>
#include <vector>

#include "gotemplate/internal/ascii.h"
#include "gotemplate/internal/encoding.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::size_t kKeySize = 32;    // AES-256
constexpr std::size_t kBlockSize = 16;  // of AES, and of its initialisation vector

constexpr std::string_view kUpperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLowerLetters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

tl::unexpected<Error> cryptoFailed(std::string_view what) {
  return fail(Code::InternalError, "crypto: cannot " + std::string(what));
}

Status fillRandom(unsigned char* bytes, std::size_t size) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // RAND_bytes takes an int
  while (size > 0) {
    const std::size_t part = std::min(size, kMost);
    if (RAND_bytes(bytes, static_cast<int>(part)) != 1) return cryptoFailed("make random bytes");
    bytes += part;
    size -= part;
  }
  return {};
}

// Numbers below a bound, each with the same probability.
class RandomNumbers {
 public:
  Result<std::uint64_t> below(std::uint64_t bound) {
    // Numbers that would make small results likelier are thrown away.
    const std::uint64_t largest = UINT64_MAX - (UINT64_MAX % bound + 1) % bound;
    while (true) {
      ASSIGN_OR_RETURN(const std::uint64_t number, next());
      if (number <= largest) return number % bound;
    }
  }

 private:
  Result<std::uint64_t> next() {
    if (used_ == pool_.size()) {
      RETURN_IF_ERROR(fillRandom(reinterpret_cast<unsigned char*>(pool_.data()),
                                 pool_.size() * sizeof pool_[0]));
      used_ = 0;
    }
    return pool_[used_++];
  }

  std::array<std::uint64_t, 32> pool_{};
  std::size_t used_ = 32;
};

std::string alphabetOf(RandomAlphabet alphabet) {
  std::string out;
  switch (alphabet) {
    case RandomAlphabet::AlphaNumeric:
      return out.append(kUpperLetters).append(kLowerLetters).append(kDigits);
    case RandomAlphabet::Alphabetic:
      return out.append(kUpperLetters).append(kLowerLetters);
    case RandomAlphabet::Numeric:
      return out.append(kDigits);
    case RandomAlphabet::PrintableAscii:
      for (char c = ' '; c <= '~'; ++c) out.push_back(c);
      return out;
  }
  return out;
}

// AES-256-CBC without padding of its own; `text` is a whole number of blocks.
Result<std::string> applyAes(bool isEncryption, std::string_view password, std::string_view iv,
                             std::string_view text) {
  std::string key(password.substr(0, kKeySize));
  key.resize(kKeySize, '\0');
  const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(),
                                                                           EVP_CIPHER_CTX_free);
  std::string out(text.size() + kBlockSize, '\0');
  int written = 0;
  int finished = 0;
  const bool isDone =
      context != nullptr &&
      EVP_CipherInit_ex(context.get(), EVP_aes_256_cbc(), nullptr, bytesOf(key), bytesOf(iv),
                        isEncryption ? 1 : 0) == 1 &&
      EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
      EVP_CipherUpdate(context.get(), mutableBytesOf(out), &written, bytesOf(text),
                       static_cast<int>(text.size())) == 1 &&
      EVP_CipherFinal_ex(context.get(), mutableBytesOf(out) + written, &finished) == 1;
  if (!isDone) return cryptoFailed(isEncryption ? "encrypt" : "decrypt");
  out.resize(static_cast<std::size_t>(written + finished));
  return out;
}

}  // namespace

Result<std::string> randomText(RandomAlphabet alphabet, std::int64_t count) {
  const std::string characters = alphabetOf(alphabet);
  RandomNumbers numbers;
  std::string out;
  for (std::int64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::uint64_t index, numbers.below(characters.size()));
    out.push_back(characters[index]);
  }
  return out;
}

Result<std::string> randomBytesBase64(std::int64_t count) {
  if (count < 0) return goError("runtime error: makeslice: len out of range");
  std::string bytes(static_cast<std::size_t>(count), '\0');
  RETURN_IF_ERROR(fillRandom(mutableBytesOf(bytes), bytes.size()));
  return encodeBase64(bytes);
}

Result<std::int64_t> randomInt(std::int64_t min, std::int64_t max) {
  const std::uint64_t range = static_cast<std::uint64_t>(max) - static_cast<std::uint64_t>(min);
  if (range == 0 || range > static_cast<std::uint64_t>(INT64_MAX))
    return goError("invalid argument to Intn");
  ASSIGN_OR_RETURN(const std::uint64_t number, RandomNumbers().below(range));
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(min) + number);
}

Result<std::string> randomUuid() {
  std::string bytes(16, '\0');
  RETURN_IF_ERROR(fillRandom(mutableBytesOf(bytes), bytes.size()));
  // Version 4 and the variant of RFC 4122.
  bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3F) | 0x80);
  std::string out = encodeHex(bytes);
  for (const std::size_t at : {20u, 16u, 12u, 8u}) out.insert(at, "-");
  return out;
}

Result<std::string> shuffleText(std::string_view text) {
  std::vector<char32_t> runes;
  while (!text.empty()) {
    const DecodedRune next = decodeRune(text);
    runes.push_back(next.rune);
    text.remove_prefix(next.width);
  }
  RandomNumbers numbers;
  for (std::size_t left = runes.size(); left > 1; --left) {
    ASSIGN_OR_RETURN(const std::uint64_t index, numbers.below(left));
    std::swap(runes[index], runes[left - 1]);
  }
  std::string out;
  for (const char32_t rune : runes) appendRune(out, rune);
  return out;
}

Result<std::string> encryptAes(std::string_view password, std::string_view text) {
  if (text.empty()) return std::string();
  std::string iv(kBlockSize, '\0');
  RETURN_IF_ERROR(fillRandom(mutableBytesOf(iv), iv.size()));
  const std::size_t padding = kBlockSize - text.size() % kBlockSize;  // PKCS #7
  std::string padded(text);
  padded.append(padding, static_cast<char>(padding));
  ASSIGN_OR_RETURN(const std::string encrypted, applyAes(true, password, iv, padded));
  return encodeBase64(iv + encrypted);
}

Result<std::string> decryptAes(std::string_view password, std::string_view text) {
  if (text.empty()) return std::string();
  ASSIGN_OR_RETURN(const std::string bytes, decodeBase64(text));
  if (bytes.size() < kBlockSize) {
    // Go slices up to the capacity, which is that of the undecoded text.
    const std::size_t capacity = text.size() / 4 * 3;
    const std::string bounds = capacity < kBlockSize
                                   ? "[:16] with capacity " + std::to_string(capacity)
                                   : "[16:" + std::to_string(bytes.size()) + "]";
    return goError("runtime error: slice bounds out of range " + bounds);
  }
  const std::string_view encrypted = std::string_view(bytes).substr(kBlockSize);
  if (encrypted.size() % kBlockSize != 0) return goError("crypto/cipher: input not full blocks");
  if (encrypted.empty()) return goError("runtime error: index out of range [-1]");
  ASSIGN_OR_RETURN(
      std::string decrypted,
      applyAes(false, password, std::string_view(bytes).substr(0, kBlockSize), encrypted));
  // The padding is believed, whatever it says.
  const std::size_t padding = static_cast<unsigned char>(decrypted.back());
  if (padding > decrypted.size()) {
    return goError("runtime error: slice bounds out of range [:-" +
                   std::to_string(padding - decrypted.size()) + "]");
  }
  decrypted.resize(decrypted.size() - padding);
  return decrypted;
}

}  // namespace iop::gotemplate::internal
