#include "gotemplate/internal/encoding.h"

#include <openssl/sha.h>
#include <zlib.h>

#include <array>
#include <cmath>

#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/unicode.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr char kPad = '=';

constexpr unsigned kNoDigit = 255;
using DigitTable = std::array<unsigned char, 256>;

constexpr DigitTable invert(std::string_view alphabet) {
  DigitTable table{};
  table.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<unsigned char>(i);
  }
  return table;
}

constexpr DigitTable kBase64Digits = invert(kBase64);
constexpr DigitTable kBase32Digits = invert(kBase32);

unsigned digitOf(const DigitTable& table, char c) { return table[static_cast<unsigned char>(c)]; }

unsigned byteOf(char c) { return static_cast<unsigned char>(c); }

bool isNewline(char c) { return c == '\n' || c == '\r'; }

tl::unexpected<Error> illegalInput(std::string_view encoding, std::size_t at) {
  return fail(Code::Invalid,
              "illegal " + std::string(encoding) + " data at input byte " + std::to_string(at));
}

// Appends whole bytes from a stream of digits of some bits; what is left over at the end is
// dropped.
class BitPacker {
 public:
  BitPacker(std::string& out, int digitBits) : out_(out), digitBits_(digitBits) {}

  void add(unsigned digit) {
    pending_ = pending_ << digitBits_ | digit;
    pendingBits_ += digitBits_;
    if (pendingBits_ < 8) return;
    pendingBits_ -= 8;
    out_.push_back(static_cast<char>(pending_ >> pendingBits_ & 0xFF));
    pending_ &= (1u << pendingBits_) - 1;
  }

 private:
  std::string& out_;
  const int digitBits_;
  unsigned pending_ = 0;
  int pendingBits_ = 0;
};

// Digits of `digitBits` bits each, filled up with padding to groups of `groupSize`.
std::string encodeDigits(std::string_view bytes, std::string_view alphabet, int digitBits,
                         std::size_t groupSize) {
  std::string out;
  out.reserve((bytes.size() * 8 / static_cast<std::size_t>(digitBits)) + groupSize);
  unsigned pending = 0;
  int pendingBits = 0;
  for (const char c : bytes) {
    pending = pending << 8 | byteOf(c);
    pendingBits += 8;
    while (pendingBits >= digitBits) {
      pendingBits -= digitBits;
      out.push_back(alphabet[pending >> pendingBits]);
      pending &= (1u << pendingBits) - 1;
    }
  }
  if (pendingBits > 0) out.push_back(alphabet[pending << (digitBits - pendingBits)]);
  while (out.size() % groupSize != 0) out.push_back(kPad);
  return out;
}

std::size_t skipNewlines(std::string_view text, std::size_t at) {
  while (at < text.size() && isNewline(text[at])) ++at;
  return at;
}

// Checks what follows the first padding character, which stands before `at` after `digits` digits
// of its group.
Status checkBase64Padding(std::string_view text, std::size_t at, int digits) {
  if (digits < 2) return illegalInput("base64", at - 1);
  if (digits == 2) {
    at = skipNewlines(text, at);
    if (at == text.size()) return illegalInput("base64", at);
    if (text[at] != kPad) return illegalInput("base64", at - 1);
    ++at;
  }
  at = skipNewlines(text, at);
  if (at < text.size()) return illegalInput("base64", at);
  return {};
}

// Checks the end of a base32 text: a padding character stands at `at` after `digits` digits of its
// group. The positions in the errors, odd as they are, are those of encoding/base32.
Status checkBase32Padding(std::string_view text, std::size_t at, std::size_t digits) {
  const std::string_view rest = text.substr(at + 1);
  if (rest.size() + digits < 7) return illegalInput("base32", text.size());
  for (std::size_t k = 0; k < 7 - digits && k < rest.size(); ++k) {
    if (rest[k] != kPad) return illegalInput("base32", at + k);
  }
  if (digits == 3 || digits == 6) return illegalInput("base32", at);
  return {};
}

void appendUpperHex(std::string& out, unsigned byte) {
  out.push_back("0123456789ABCDEF"[byte >> 4]);
  out.push_back("0123456789ABCDEF"[byte & 0xF]);
}

void appendLowerHex(std::string& out, unsigned byte) {
  out.push_back("0123456789abcdef"[byte >> 4]);
  out.push_back("0123456789abcdef"[byte & 0xF]);
}

template <std::size_t kSize, typename Hash>
std::string hashHex(std::string_view bytes, Hash hash) {
  std::array<unsigned char, kSize> digest{};
  hash(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return encodeHex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

// %04X, longer where the rune needs it.
void appendJsRune(std::string& out, char32_t rune) {
  out += "\\u";
  for (int shift = rune > 0xFFFFF ? 20 : rune > 0xFFFF ? 16 : 12; shift >= 0; shift -= 4) {
    out.push_back("0123456789ABCDEF"[rune >> shift & 0xF]);
  }
}

}  // namespace

std::string encodeBase64(std::string_view bytes) { return encodeDigits(bytes, kBase64, 6, 4); }
std::string encodeBase32(std::string_view bytes) { return encodeDigits(bytes, kBase32, 5, 8); }

Result<std::string> decodeBase64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  BitPacker packer(out, 6);
  int digits = 0;  // of the current group
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (isNewline(c)) continue;
    if (c == kPad) {
      RETURN_IF_ERROR(checkBase64Padding(text, at + 1, digits));
      return out;
    }
    const unsigned digit = digitOf(kBase64Digits, c);
    if (digit == kNoDigit) return illegalInput("base64", at);
    packer.add(digit);
    digits = (digits + 1) % 4;
  }
  if (digits != 0) return illegalInput("base64", text.size() - static_cast<std::size_t>(digits));
  return out;
}

Result<std::string> decodeBase32(std::string_view withNewlines) {
  std::string text;
  text.reserve(withNewlines.size());
  for (const char c : withNewlines) {
    if (!isNewline(c)) text.push_back(c);
  }
  std::string out;
  out.reserve(text.size() / 8 * 5);
  BitPacker packer(out, 5);
  std::size_t digits = 0;  // of the current group
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == kPad && digits >= 2 && text.size() - at <= 8) {
      RETURN_IF_ERROR(checkBase32Padding(text, at, digits));
      return out;
    }
    const unsigned digit = digitOf(kBase32Digits, text[at]);
    if (digit == kNoDigit) return illegalInput("base32", at);
    packer.add(digit);
    digits = (digits + 1) % 8;
  }
  if (digits != 0) return illegalInput("base32", text.size() - digits);
  return out;
}

std::string encodeHex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) appendLowerHex(out, byteOf(c));
  return out;
}

std::string sha1Hex(std::string_view bytes) { return hashHex<SHA_DIGEST_LENGTH>(bytes, SHA1); }
std::string sha256Hex(std::string_view bytes) {
  return hashHex<SHA256_DIGEST_LENGTH>(bytes, SHA256);
}
std::string sha512Hex(std::string_view bytes) {
  return hashHex<SHA512_DIGEST_LENGTH>(bytes, SHA512);
}

std::uint32_t adler32Sum(std::string_view bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<std::uint32_t>(adler32_z(1, data, bytes.size()));
}

std::string escapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\0':
        appendRune(out, kReplacementRune);
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string escapeJs(std::string_view text) {
  constexpr std::string_view kBackslashed = "\\'\"";
  constexpr std::string_view kHexed = "<>&=";
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    if (next.rune >= 0x80) {
      if (isPrint(next.rune)) {
        out += text.substr(at, next.width);
      } else {
        appendJsRune(out, next.rune);
      }
    } else if (const char c = text[at]; kBackslashed.find(c) != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(c);
    } else if (kHexed.find(c) != std::string_view::npos || next.rune < ' ') {
      out += "\\u00";
      appendUpperHex(out, byteOf(c));
    } else {
      out.push_back(c);
    }
    at += next.width;
  }
  return out;
}

std::string escapeUrlQuery(std::string_view text) {
  constexpr std::string_view kUnreserved = "-_.~";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const unsigned byte = byteOf(c);
    if (c == ' ') {
      out.push_back('+');
    } else if (byte < 0x80 &&
               (isLetter(byte) || isDigit(byte) || kUnreserved.find(c) != std::string_view::npos)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      appendUpperHex(out, byte);
    }
  }
  return out;
}

void appendJsonString(std::string& out, std::string_view text, bool escapesHtml) {
  constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
  constexpr std::string_view kNames = "\"\\bfnrt";
  out.push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    const DecodedRune next = decodeRune(text.substr(at));
    const char c = text[at];
    if (next.isInvalid()) {
      out += "\\ufffd";
    } else if (next.rune == 0x2028 || next.rune == 0x2029) {
      out += next.rune == 0x2028 ? "\\u2028" : "\\u2029";
    } else if (const std::size_t named = next.width == 1 ? kNamed.find(c) : std::string_view::npos;
               named != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kNames[named]);
    } else if (next.rune < ' ' || (escapesHtml && (c == '<' || c == '>' || c == '&'))) {
      out += "\\u00";
      appendLowerHex(out, byteOf(c));
    } else {
      out += text.substr(at, next.width);
    }
    at += next.width;
  }
  out.push_back('"');
}

std::string formatJsonNumber(double value) {
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21)) return formatFloat(value, 'f', -1);
  std::string out = formatFloat(value, 'e', -1);
  // A negative exponent of one digit has no leading zero in JSON: e-09 becomes e-9.
  const std::size_t size = out.size();
  if (size >= 4 && out[size - 4] == 'e' && out[size - 3] == '-' && out[size - 2] == '0') {
    out.erase(size - 2, 1);
  }
  return out;
}

}  // namespace iop::gotemplate::internal
