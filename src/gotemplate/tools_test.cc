// What random and key-making functions make, in the eyes of other programs: openssl and python3.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gotemplate/template.h"

namespace iop::gotemplate {
namespace {

class ToolsTest : public ::testing::Test {
 protected:
  ToolsTest() {
    std::string pattern = ::testing::TempDir() + "/iop-tools-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ToolsTest() override { std::filesystem::remove_all(folder_); }

  // Renders into a file of that name.
  void write(const std::string& name, const std::string& text) {
    const Result<std::string> output = render(text, Value());
    ASSERT_TRUE(output) << output.error().message;
    std::ofstream(folder_ + "/" + name) << *output;
  }
  bool succeeds(const std::string& command) {
    return std::system(("cd '" + folder_ + "' && " + command + " >log 2>&1").c_str()) == 0;
  }

 private:
  std::string folder_;
};

TEST_F(ToolsTest, OpensslVerifiesCertificates) {
  // One template makes all of it, which is then split at the @.
  write("all",
        "{% $ca := genCA \"ca\" 10 %}{% $other := genCA \"other\" 10 %}"
        "{% $c := genSignedCert \"db\" (list \"10.0.0.1\") (list \"db.example.com\") 10 $ca %}"
        "{% $ca.Cert %}@{% $other.Cert %}@{% $c.Cert %}");
  ASSERT_TRUE(succeeds("awk 'BEGIN {RS = \"@\"} {printf \"%s\", $0 > (\"pem\" NR)}' all"));
  EXPECT_TRUE(succeeds("openssl verify -CAfile pem1 -verify_hostname db.example.com pem3"));
  EXPECT_TRUE(succeeds("openssl verify -CAfile pem1 -verify_ip 10.0.0.1 pem3"));
  EXPECT_FALSE(succeeds("openssl verify -CAfile pem1 -verify_hostname other.example.com pem3"));
  EXPECT_FALSE(succeeds("openssl verify -CAfile pem2 pem3"));
  write("self", "{% (genSelfSignedCert \"cn\" nil (list \"a.example.com\") 10).Cert %}");
  EXPECT_TRUE(succeeds("openssl verify -CAfile self -verify_hostname a.example.com self"));
}

TEST_F(ToolsTest, OpensslReadsKeysOfEachType) {
  for (const std::string type : {"rsa", "ecdsa", "ed25519"}) {
    write(type, "{% genPrivateKey \"" + type + "\" %}");
    EXPECT_TRUE(succeeds("openssl pkey -check -noout -in " + type)) << type;
  }
  write("none", "no key");
  EXPECT_FALSE(succeeds("openssl pkey -check -noout -in none"));
}

TEST_F(ToolsTest, CryptVerifiesPasswords) {
  const std::string verify =
      "python3 -W ignore -c \"import crypt, sys; h = open(sys.argv[1]).read().split(':')[-1]; "
      "sys.exit(crypt.crypt(sys.argv[2], h) != h)\" ";
  write("bcrypt", "{% bcrypt \"secret\" %}");
  write("htpasswd", "{% htpasswd \"user\" \"secret\" %}");
  for (const std::string file : {"bcrypt", "htpasswd"}) {
    EXPECT_TRUE(succeeds(verify + file + " secret")) << file;
    EXPECT_FALSE(succeeds(verify + file + " other")) << file;
  }
}

}  // namespace
}  // namespace iop::gotemplate
