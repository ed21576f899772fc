// `integration-operator dev`, as users run it: no cluster is needed.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "kube/client/config.h"
#include "kube/client/rest_client.h"
#include "testing/process.h"

namespace iop::e2e {
namespace {

namespace fs = std::filesystem;

class Dev : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "dev-" + std::to_string(getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/manifests");
  }
  void TearDown() override {
    dev_.reset();
    fs::remove_all(folder_);
  }

  void start(std::vector<std::string> flags) {
    std::vector<std::string> command = {IOP_OPERATOR, "dev", "--kubeconfig", kubeconfig()};
    command.insert(command.end(), flags.begin(), flags.end());
    auto started = testing::Process::start(command, folder_ + "/log");
    ASSERT_TRUE(started) << started.error().message;
    dev_ = std::move(*started);
    ASSERT_TRUE(eventually([&] { return fs::exists(kubeconfig()); })) << log();
  }

  // Ends it as Ctrl-C does.
  void interrupt() {
    dev_->kill(SIGINT);
    dev_.reset();
  }

  std::string kubeconfig() const { return folder_ + "/kubeconfig"; }
  std::string log() const {
    std::ifstream file(folder_ + "/log");
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/manifests/" + name) << text;
  }

  static bool eventually(const std::function<bool()>& isSo) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!isSo()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }
  bool eventuallyLogs(const std::string& text) const {
    return eventually([&] { return log().find(text) != std::string::npos; });
  }

  std::unique_ptr<kube::client::RestClient> client() const {
    auto config = kube::client::loadConfig({.kubeconfig = kubeconfig()});
    EXPECT_TRUE(config);
    auto made = kube::client::RestClient::create(*config, {.userAgent = "dev-test"});
    EXPECT_TRUE(made);
    return std::move(*made);
  }

  std::string folder_;
  std::unique_ptr<testing::Process> dev_;
};

TEST_F(Dev, CouplesTheSamplesAndSaysSo) {
  start({"-f", IOP_SOURCE_DIR "/config/samples"});
  EXPECT_TRUE(eventuallyLogs("ready     Plug mongo-express/mongo: CouplingSucceeded")) << log();
  EXPECT_TRUE(eventuallyLogs("waits     Plug mismatch/shop: InterfaceMismatch")) << log();
  EXPECT_NE(log().find("export KUBECONFIG=" + kubeconfig()), std::string::npos);
  const auto secret =
      client()->get({"", "v1", "secrets", "Secret", true}, {"mongo-express", "mongo-express"}, {});
  EXPECT_TRUE(secret) << secret.error().message;
  interrupt();
  EXPECT_FALSE(fs::exists(kubeconfig())) << "it names a server that is not there any more";
}

TEST_F(Dev, AppliesManifestsAgainAsTheyChange) {
  const std::string head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: ";
  write("a.yaml", head + "{k: one}\n");
  start({"--no-operator", "-f", folder_ + "/manifests"});
  const auto server = client();
  const auto value = [&] {
    const auto got = server->get({"", "v1", "configmaps", "ConfigMap", true}, {"default", "a"}, {});
    return got ? (*got)["data"]["k"].toString() : got.error().message;
  };
  EXPECT_TRUE(eventually([&] { return value() == "one"; })) << value();
  write("a.yaml", "a: [b");
  EXPECT_TRUE(eventuallyLogs("a.yaml: yaml: line 1")) << log();
  write("a.yaml", head + "{k: two}\n");
  EXPECT_TRUE(eventually([&] { return value() == "two"; })) << value();
}

TEST_F(Dev, KeepsItsObjectsInAFolder) {
  write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: kept}\n");
  start({"--no-operator", "--data", folder_ + "/data", "-f", folder_ + "/manifests"});
  ASSERT_TRUE(eventuallyLogs("applied   ConfigMap a")) << log();
  dev_->kill(SIGKILL);
  fs::remove(kubeconfig());
  start({"--no-operator", "--data", folder_ + "/data"});
  const auto kept =
      client()->get({"", "v1", "configmaps", "ConfigMap", true}, {"default", "a"}, {});
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ((*kept)["data"]["k"].asString(), "kept");
}

}  // namespace
}  // namespace iop::e2e
