#include "gotemplate/internal/crypto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace iop::gotemplate::internal {
namespace {

bool consistsOf(const std::string& text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string::npos;
}

TEST(CryptoTest, RandomTextsHaveTheirAlphabetAndLength) {
  constexpr std::string_view kDigits = "0123456789";
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const std::string alphanumeric = std::string(kDigits).append(kLetters);
  EXPECT_TRUE(consistsOf(randomText(RandomAlphabet::Numeric, 1000).value(), kDigits));
  EXPECT_TRUE(consistsOf(randomText(RandomAlphabet::Alphabetic, 1000).value(), kLetters));
  EXPECT_TRUE(consistsOf(randomText(RandomAlphabet::AlphaNumeric, 1000).value(), alphanumeric));
  const std::string ascii = randomText(RandomAlphabet::PrintableAscii, 10000).value();
  EXPECT_EQ(std::set<char>(ascii.begin(), ascii.end()).size(), 95u);  // all of ' ' to '~'
  EXPECT_EQ(*std::min_element(ascii.begin(), ascii.end()), ' ');
  EXPECT_EQ(*std::max_element(ascii.begin(), ascii.end()), '~');
  EXPECT_EQ(ascii.size(), 10000u);
  EXPECT_EQ(randomText(RandomAlphabet::Numeric, -1).value(), "");
  EXPECT_NE(randomText(RandomAlphabet::AlphaNumeric, 40).value(),
            randomText(RandomAlphabet::AlphaNumeric, 40).value());
}

TEST(CryptoTest, RandomBytesAreInBase64) {
  EXPECT_EQ(randomBytesBase64(0).value(), "");
  EXPECT_EQ(randomBytesBase64(16).value().size(), 24u);
  EXPECT_EQ(randomBytesBase64(-1).error().message, "runtime error: makeslice: len out of range");
}

TEST(CryptoTest, RandomIntegersAreInTheirRange) {
  std::set<std::int64_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(randomInt(-2, 3).value());
  EXPECT_EQ(seen, (std::set<std::int64_t>{-2, -1, 0, 1, 2}));
  EXPECT_EQ(randomInt(3, 3).error().message, "invalid argument to Intn");
  EXPECT_EQ(randomInt(3, 2).error().message, "invalid argument to Intn");
  EXPECT_EQ(randomInt(INT64_MIN, INT64_MAX).error().message, "invalid argument to Intn");
}

TEST(CryptoTest, UuidsAreOfVersionFour) {
  const std::string uuid = randomUuid().value();
  ASSERT_EQ(uuid.size(), 36u);
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) EXPECT_EQ(uuid[dash], '-');
  EXPECT_EQ(uuid[14], '4');
  EXPECT_TRUE(consistsOf(uuid.substr(19, 1), "89ab"));
  EXPECT_NE(uuid, randomUuid().value());
}

TEST(CryptoTest, ShufflingKeepsTheRunes) {
  EXPECT_EQ(shuffleText("").value(), "");
  EXPECT_EQ(shuffleText("é").value(), "é");
  EXPECT_EQ(shuffleText("\xff").value(), "\xef\xbf\xbd");
  std::set<std::string> orders;
  for (int i = 0; i < 500; ++i) orders.insert(shuffleText("aéb").value());
  EXPECT_EQ(orders, (std::set<std::string>{"aéb", "abé", "éab", "éba", "baé", "béa"}));
}

TEST(CryptoTest, PasswordsAreHashed) {
  const std::string hash = hashBcrypt("secret").value();
  EXPECT_EQ(hash.size(), 60u);
  EXPECT_EQ(hash.substr(0, 7), "$2a$10$");
  EXPECT_EQ(makeHtpasswd("user", "secret").value().substr(0, 12), "user:$2a$10$");
  const std::string tooLong(73, 'a');
  const std::string error =
      "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
  EXPECT_EQ(hashBcrypt(tooLong).error().message, error);
  EXPECT_EQ(makeHtpasswd("user", tooLong).error().message, "user:" + error);
  EXPECT_EQ(makeHtpasswd("a:b", "x").error().message, "invalid username: a:b");
  EXPECT_FALSE(hashBcrypt(std::string_view("a\0b", 3)).has_value());
}

TEST(CryptoTest, PasswordsAreDerived) {
  const struct {
    std::uint32_t counter;
    const char* type;
    const char* password;
    const char* user;
    const char* site;
    const char* want;
  } cases[] = {
      {1, "maximum", "password", "user", "example.com", "pf4zS1LjCg&LjhsZ7T2~"},
      {1, "pin", "password", "user", "example.com", "6685"},
      {4294967295, "long", "é", "ü", "ß", "SayvLuzaKavj4,"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(derivePassword(c.counter, c.type, c.password, c.user, c.site).value(), c.want)
        << c.type;
  }
  EXPECT_EQ(derivePassword(1, "nope", "", "", "").error().message,
            "cannot find password template nope");
}

TEST(CryptoTest, EncryptionAndDecryptionAreInverse) {
  const std::string longKey = "this key is much longer than thirty-two bytes";
  for (const std::string& text :
       {std::string("a"), std::string("0123456789abcdef"), std::string(1000, '\xff')}) {
    EXPECT_EQ(decryptAes("k", encryptAes("k", text).value()).value(), text);
    EXPECT_EQ(decryptAes(longKey.substr(0, 32), encryptAes(longKey, text).value()).value(), text);
    EXPECT_NE(encryptAes("k", text).value(), encryptAes("k", text).value());
  }
  EXPECT_EQ(encryptAes("k", "").value(), "");
  EXPECT_EQ(decryptAes("secretkey", "30tEfhuJSVRhpG97XCuWgz2okj7L8vQ1s6V9zVUPeDQ=").value(),
            "plaintext");
}

TEST(CryptoTest, WhatCannotBeDecryptedFailsAsInGo) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"!", "illegal base64 data at input byte 0"},
      {"YQ==", "runtime error: slice bounds out of range [:16] with capacity 3"},
      {"AAECAwQFBgcICQoLDA0O", "runtime error: slice bounds out of range [:16] with capacity 15"},
      {"YQ==\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
       "runtime error: slice bounds out of range [16:1]"},
      {"AAECAwQFBgcICQoLDA0ODw==", "runtime error: index out of range [-1]"},
      {"AAECAwQFBgcICQoLDA0ODxA=", "crypto/cipher: input not full blocks"},
      {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
       "runtime error: slice bounds out of range [:-99]"},
  };
  for (const auto& c : cases) EXPECT_EQ(decryptAes("k", c.text).error().message, c.error);
  EXPECT_EQ(decryptAes("k", "").value(), "");
}

}  // namespace
}  // namespace iop::gotemplate::internal
