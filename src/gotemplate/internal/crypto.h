#pragma once

// Random values, passwords and encryption as sprig has them, on OpenSSL and libxcrypt.
// Certificates: certificate.h.
//
//   ASSIGN_OR_RETURN(std::string token, randomText(RandomAlphabet::AlphaNumeric, 32));
//   ASSIGN_OR_RETURN(std::string secret, encryptAes("password", token));
//
// Safe on any thread. Random values come from the system's cryptographic generator. Hashing a
// password takes about 0.1 s of processor time on purpose, and derivePassword also 32 MiB of
// memory.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace iop::gotemplate::internal {

enum class RandomAlphabet { AlphaNumeric, Alphabetic, Numeric, PrintableAscii };

// `count` characters; none for a negative count.
Result<std::string> randomText(RandomAlphabet alphabet, std::int64_t count);
// `count` random bytes in base64. Error: "runtime error: makeslice: len out of range".
Result<std::string> randomBytesBase64(std::int64_t count);
// A number in [min, max). Error: "invalid argument to Intn".
Result<std::int64_t> randomInt(std::int64_t min, std::int64_t max);
// A random (version 4) UUID.
Result<std::string> randomUuid();
// The runes of a text in random order.
Result<std::string> shuffleText(std::string_view text);

// A bcrypt hash of cost 10, "$2a$10$…". Error: "failed to encrypt string with bcrypt: …".
Result<std::string> hashBcrypt(std::string_view password);
// user:hash. Errors: "invalid username: a:b", and that of hashBcrypt behind "user:" (sprig puts the
// text of a failure where the hash should be).
Result<std::string> makeHtpasswd(std::string_view user, std::string_view password);
// The Master Password algorithm. Error: "cannot find password template x".
Result<std::string> derivePassword(std::uint32_t counter, std::string_view passwordType,
                                   std::string_view password, std::string_view user,
                                   std::string_view site);

// AES-256-CBC with a random initialisation vector in front, in base64; "" for an empty text. The
// key is the password, cut or filled up with zeros to 32 bytes.
Result<std::string> encryptAes(std::string_view password, std::string_view text);
// The inverse. Errors are those of Go: "illegal base64 data at input byte 4", "crypto/cipher: input
// not full blocks", "runtime error: slice bounds out of range [:-5]".
Result<std::string> decryptAes(std::string_view password, std::string_view text);

}  // namespace iop::gotemplate::internal
