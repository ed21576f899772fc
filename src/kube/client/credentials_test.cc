#include "kube/client/internal/credentials.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "base/time.h"
#include "kube/client/internal/exec_plugin.h"
#include "kube/client/internal/transport.h"
#include "testing/certificates.h"
#include "testing/scripted_server.h"
#include "text/json.h"

namespace iop::kube::client::internal {
namespace {

using std::chrono::seconds;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    std::string pattern = ::testing::TempDir() + "/credentials_test_XXXXXX";
    directory_ = mkdtemp(pattern.data());
    config_.server = "https://h";
  }
  ~CredentialsTest() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  // A shell script that counts its runs in the file "runs".
  void usePlugin(const std::string& script) {
    const std::string path =
        write("plugin", "#!/bin/sh\necho run >>" + directory_ + "/runs\n" + script + "\n");
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    config_.exec = ExecConfig{};
    config_.exec->apiVersion = "client.authentication.k8s.io/v1";
    config_.exec->command = path;
    config_.exec->interactiveMode = "Never";
  }
  static std::string answer(const std::string& status) {
    return R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{)" +
           status + "}}";
  }
  long runs() const {
    const std::string text = base::readFile(directory_ + "/runs").value_or("");
    return std::count(text.begin(), text.end(), '\n');
  }
  static std::string headerOf(const Result<Credential>& credential) {
    return credential ? credential->authorization : "error: " + credential.error().message;
  }

  std::string directory_;
  Config config_;
  base::ManualClock clock_;
};

TEST_F(CredentialsTest, AreThoseOfTheConfiguration) {
  EXPECT_EQ(headerOf(Credentials(config_, clock_).get({})), "");
  config_.token = "abc";
  EXPECT_EQ(headerOf(Credentials(config_, clock_).get({})), "Bearer abc");
  config_.token.clear();
  config_.username = "me";
  config_.password = "secret";
  EXPECT_EQ(headerOf(Credentials(config_, clock_).get({})), "Basic bWU6c2VjcmV0");
}

TEST_F(CredentialsTest, AreNeverSentOverPlainConnections) {
  config_.server = "http://h";
  config_.token = "abc";
  EXPECT_EQ(headerOf(Credentials(config_, clock_).get({})), "");
  config_.tokenFile = write("token", "from-file");
  EXPECT_EQ(headerOf(Credentials(config_, clock_).get({})), "");
}

TEST_F(CredentialsTest, FollowATokenFile) {
  config_.token = "initial";
  config_.tokenFile = write("token", "one\n");
  Credentials credentials(config_, clock_);
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one");
  write("token", "two\n");
  clock_.advance(seconds(49));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one") << "still fresh";
  clock_.advance(seconds(1));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer two");
}

TEST_F(CredentialsTest, KeepTheLastGoodToken) {
  config_.tokenFile = write("token", "one");
  Credentials credentials(config_, clock_);
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one");
  write("token", " \n");
  clock_.advance(seconds(50));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one");
  write("token", "two");
  clock_.advance(seconds(50));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer two");
}

TEST_F(CredentialsTest, UseTheConfiguredTokenUntilTheFileCanBeRead) {
  config_.token = "initial";
  config_.tokenFile = directory_ + "/token";
  Credentials credentials(config_, clock_);
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer initial");
  write("token", "one");
  clock_.advance(seconds(50));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one");
}

TEST_F(CredentialsTest, AreNotThereWithoutAnyToken) {
  config_.tokenFile = write("token", "");
  EXPECT_EQ(headerOf(Credentials(config_, clock_).get({})),
            "error: token: read '" + config_.tokenFile + "': empty");
}

TEST_F(CredentialsTest, AreReadAgainAfterTheServerRejectedThem) {
  config_.tokenFile = write("token", "one");
  Credentials credentials(config_, clock_);
  const base::Instant before = clock_.instant();
  clock_.advance(seconds(1));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one");
  write("token", "two");
  credentials.reject(before);
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer one")
      << "the request had begun with an older token";
  credentials.reject(clock_.instant());
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer two");
}

TEST_F(CredentialsTest, ComeFromAPluginUntilTheyExpire) {
  usePlugin("echo '" +
            answer(R"("token":"t'$(wc -l <)" + directory_ + R"(/runs)'","expirationTimestamp":")" +
                   base::printTime(clock_.now() + seconds(60)) + R"(")") +
            "'");
  Credentials credentials(config_, clock_);
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer t1");
  clock_.advance(seconds(59));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer t1");
  clock_.advance(seconds(1));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer t2");
  EXPECT_EQ(runs(), 2);
}

TEST_F(CredentialsTest, OfAPluginLastForeverUnlessRejected) {
  usePlugin("echo '" + answer(R"("token":"t")") + "'");
  Credentials credentials(config_, clock_);
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer t");
  clock_.advance(std::chrono::hours(1000));
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer t");
  EXPECT_EQ(runs(), 1);
  credentials.reject(clock_.instant());
  EXPECT_EQ(headerOf(credentials.get({})), "Bearer t");
  EXPECT_EQ(runs(), 2);
}

TEST_F(CredentialsTest, OfAPluginAreAskedForOnceByManyThreads) {
  usePlugin("echo '" + answer(R"("token":"t")") + "'");
  Credentials credentials(config_, clock_);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { right += headerOf(credentials.get({})) == "Bearer t"; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(runs(), 1);
}

TEST_F(CredentialsTest, RunAFailingPluginNotForEveryRequest) {
  usePlugin("echo 'please log in' >&2; exit 3");
  config_.exec->installHint = "unused: it is installed";
  Credentials credentials(config_, clock_);
  const std::string error =
      "error: exec plugin '" + config_.exec->command + "': exit status 3: please log in";
  EXPECT_EQ(headerOf(credentials.get({})), error);
  EXPECT_EQ(headerOf(credentials.get({})), error);
  EXPECT_EQ(runs(), 1);
  clock_.advance(Credentials::kExecFailurePause);
  EXPECT_EQ(headerOf(credentials.get({})), error);
  EXPECT_EQ(runs(), 2);
}

TEST_F(CredentialsTest, TellHowToInstallAMissingPlugin) {
  usePlugin("");
  config_.exec->command = "no-such-plugin-anywhere";
  config_.exec->installHint = "Install it from the shelf.\n";
  const Result<ExecCredential> credential = runExecPlugin(config_, {});
  ASSERT_FALSE(credential.has_value());
  EXPECT_EQ(credential.error().code, Code::Unauthorized);
  EXPECT_EQ(credential.error().message,
            "exec plugin 'no-such-plugin-anywhere': run 'no-such-plugin-anywhere': No such file or "
            "directory; "
            "Install it from the shelf.");
}

TEST_F(CredentialsTest, GiveThePluginItsEnvironmentAndNothingToRead) {
  usePlugin("cat >" + directory_ + "/stdin; echo \"$KUBERNETES_EXEC_INFO\" >" + directory_ +
            "/info; echo \"$1 $MINE\" >" + directory_ + "/rest; echo '" + answer(R"("token":"t")") +
            "'");
  config_.exec->args = {"arg"};
  config_.exec->env = {{"MINE", "value"}};
  config_.exec->provideClusterInfo = true;
  config_.exec->clusterConfig = Value::object({{"audience", "me"}});
  config_.caData = "ca";
  config_.tlsServerName = "name";
  ASSERT_TRUE(runExecPlugin(config_, {}));
  EXPECT_EQ(base::readFile(directory_ + "/stdin").value(), "");
  EXPECT_EQ(base::readFile(directory_ + "/rest").value(), "arg value\n");
  EXPECT_EQ(text::parseJson(base::readFile(directory_ + "/info").value()).value(),
            text::parseJson(
                R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{
                "interactive":false,"cluster":{"server":"https://h","tls-server-name":"name",
                "certificate-authority-data":"Y2E=","config":{"audience":"me"}}}})")
                .value());
  config_.exec->provideClusterInfo = false;
  EXPECT_FALSE(text::parseJson(printExecInfo(config_)).value()["spec"].contains("cluster"));
}

TEST_F(CredentialsTest, EndAPluginThatDoesNotEndByItself) {
  usePlugin("sleep 1000 & wait");
  const Result<ExecCredential> late = runExecPlugin(config_, {}, std::chrono::milliseconds(100));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::Timeout);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(runExecPlugin(config_, stop.get_token()).error().code, Code::Canceled);
}

TEST(ExecCredential, IsReadOrRefusedWithAReason) {
  struct Case {
    const char* name;
    std::string output;
    const char* message;
  };
  const std::string head =
      R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1")";
  const std::string wrongVersion = "answer is no ExecCredential of client.authentication.k8s.io/v1";
  const Case cases[] = {
      {"a token", head + R"(,"status":{"token":"t"}})", ""},
      {"a certificate", head + R"(,"status":{"clientCertificateData":"c","clientKeyData":"k"}})",
       ""},
      {"another version",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"})",
       wrongVersion.c_str()},
      {"another kind", R"({"kind":"Secret","apiVersion":"client.authentication.k8s.io/v1"})",
       wrongVersion.c_str()},
      {"nothing", head + "}", "answer has neither token nor certificate"},
      {"half a certificate", head + R"(,"status":{"token":"t","clientKeyData":"k"}})",
       "answer has only one of clientCertificateData and clientKeyData"},
      {"no JSON", "token", "answer: invalid character 'o' in literal true (expecting 'r')"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Result<ExecCredential> credential =
        parseExecCredential(test.output, "client.authentication.k8s.io/v1");
    EXPECT_EQ(credential ? "" : credential.error().message, test.message);
  }
}

// --- Transport ---

class TransportTest : public CredentialsTest {
 protected:
  TransportTest()
      : server_(
            [](const testing::ScriptedRequest& request, testing::ScriptedConnection& connection) {
              connection.answer(200, {}, request.clientName);
            },
            testing::ScriptedTls{authority_.issue({.commonName = "s", .addresses = {"127.0.0.1"}}),
                                 authority_.certificatePem()}) {
    config_.server = server_.url();
    config_.caFile = write("ca.crt", authority_.certificatePem());
    config_.proxyUrl = "";
    writePair(authority_.issue({.commonName = "first"}));
  }

  void writePair(const testing::KeyPair& pair) {
    config_.certificateFile = write("me.crt", pair.certificatePem);
    config_.keyFile = write("me.key", pair.keyPem);
  }
  std::string ask(Transport& transport, const Credential& credential = {}) {
    const auto client = transport.get(credential);
    if (!client) return "error: " + client.error().message;
    const auto answer = (*client)->send({.url = config_.server});
    return answer ? answer->body : "error: " + answer.error().message;
  }

  const testing::CertificateAuthority authority_{"ca"};
  testing::ScriptedServer server_;
};

TEST_F(TransportTest, TakesChangedFilesAtTheNextLook) {
  Transport transport(config_, clock_);
  EXPECT_EQ(ask(transport), "first");
  writePair(authority_.issue({.commonName = "second"}));
  EXPECT_EQ(ask(transport), "first") << "it has just looked";
  clock_.advance(Transport::kFilePeriod);
  EXPECT_EQ(ask(transport), "second");
}

TEST_F(TransportTest, KeepsWhatWorksWhileFilesAreHalfChanged) {
  Transport transport(config_, clock_);
  EXPECT_EQ(ask(transport), "first");
  const testing::KeyPair second = authority_.issue({.commonName = "second"});
  write("me.crt", second.certificatePem);
  clock_.advance(Transport::kFilePeriod);
  EXPECT_EQ(ask(transport), "first");
  write("me.key", second.keyPem);
  clock_.advance(Transport::kFilePeriod);
  EXPECT_EQ(ask(transport), "second");
}

TEST_F(TransportTest, KeepsItsClientAsLongAsNothingChanges) {
  Transport transport(config_, clock_);
  const auto client = transport.get({}).value();
  clock_.advance(Transport::kFilePeriod);
  EXPECT_EQ(transport.get({}).value(), client);
}

TEST_F(TransportTest, ShowsTheCertificateOfAPlugin) {
  Transport transport(config_, clock_);
  const testing::KeyPair plugin = authority_.issue({.commonName = "plugin"});
  EXPECT_EQ(ask(transport, {.certificatePem = plugin.certificatePem, .keyPem = plugin.keyPem}),
            "plugin");
}

TEST_F(TransportTest, SaysWhichFileIsMissing) {
  std::filesystem::remove(config_.caFile);
  Transport transport(config_, clock_);
  EXPECT_EQ(ask(transport), "error: read '" + config_.caFile + "': no such file or directory");
}

}  // namespace
}  // namespace iop::kube::client::internal
