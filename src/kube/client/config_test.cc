#include "kube/client/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace iop::kube::client {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = ::testing::TempDir() + "/config_test_XXXXXX";
    directory_ = mkdtemp(pattern.data());
    environment_.variable = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
    environment_.serviceAccountDirectory = directory_ + "/serviceaccount";
    variables_["HOME"] = directory_ + "/home";
  }
  ~ConfigTest() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, std::string_view text) {
    const std::string path = directory_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  // A kubeconfig with one of everything, called as told.
  std::string writeSimple(const std::string& name, const std::string& server) {
    return write(name, "clusters: [{name: c, cluster: {server: '" + server +
                           "'}}]\n"
                           "contexts: [{name: x, context: {cluster: c}}]\n"
                           "current-context: x\n");
  }
  void enterCluster() {
    write("serviceaccount/token", "pod-token\n");
    write("serviceaccount/ca.crt", "ca");
    write("serviceaccount/namespace", "pod-namespace\n");
    variables_["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
    variables_["KUBERNETES_SERVICE_PORT"] = "443";
  }
  Result<Config> load(const LoadOptions& options = {}) { return loadConfig(options, environment_); }

  std::string directory_;
  std::map<std::string, std::string> variables_;
  Environment environment_;
};

Result<Config> parse(std::string_view text, const std::string& context = {}) {
  ASSIGN_OR_RETURN(const Kubeconfig kubeconfig, parseKubeconfig(text, "/etc/kube"));
  return configOf(kubeconfig, context);
}

// One cluster and one user with these fields.
std::string simple(const std::string& cluster, const std::string& user = "",
                   const std::string& context = "") {
  return "{apiVersion: v1, kind: Config, current-context: x,"
         " clusters: [{name: c, cluster: {server: 'https://h', " +
         cluster + "}}], users: [{name: u, user: {" + user +
         "}}],"
         " contexts: [{name: x, context: {cluster: c, user: u, " +
         context + "}}]}";
}

TEST_F(ConfigTest, TakesTheFirstSourceThereIs) {
  const std::string explicitFile = writeSimple("explicit", "https://explicit");
  writeSimple("home/.kube/config", "https://home");
  EXPECT_EQ(load().value().server, "https://home");
  enterCluster();
  EXPECT_EQ(load().value().server, "https://10.0.0.1:443");
  variables_["KUBECONFIG"] = writeSimple("variable", "https://variable");
  EXPECT_EQ(load().value().server, "https://variable");
  EXPECT_EQ(load({.kubeconfig = explicitFile}).value().server, "https://explicit");
}

TEST_F(ConfigTest, SaysWhereItComesFrom) {
  const std::string file = writeSimple("file", "https://h");
  EXPECT_EQ(load({.kubeconfig = file}).value().source, file + ", context x");
  enterCluster();
  EXPECT_EQ(load().value().source, "in-cluster");
}

TEST_F(ConfigTest, SaysWhereItLookedWhenThereIsNothing) {
  const Result<Config> config = load();
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, Code::NotFound);
  EXPECT_EQ(config.error().message,
            "no Kubernetes configuration: no --kubeconfig, no KUBECONFIG, not in a cluster, no '" +
                directory_ + "/home/.kube/config'");
}

TEST_F(ConfigTest, NeedsTheExplicitFileToExist) {
  writeSimple("home/.kube/config", "https://home");
  const Result<Config> config = load({.kubeconfig = directory_ + "/missing"});
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().message, "read '" + directory_ + "/missing': no such file or directory");
}

TEST_F(ConfigTest, PassesOverMissingFilesOfTheVariableButNotOverBrokenOnes) {
  const std::string good = writeSimple("good", "https://good");
  const std::string missing = directory_ + "/missing";
  variables_["KUBECONFIG"] = ":" + missing + ":" + good + ":" + good + ":";
  EXPECT_EQ(load().value().server, "https://good");
  variables_["KUBECONFIG"] = missing;
  EXPECT_EQ(load().error().message, "KUBECONFIG '" + missing + "': no such file");
  const std::string broken = write("broken", "{");
  variables_["KUBECONFIG"] = good + ":" + broken;
  const Result<Config> config = load();
  ASSERT_FALSE(config.has_value());
  EXPECT_TRUE(config.error().message.starts_with("KUBECONFIG '" + good + ":" + broken +
                                                 "': kubeconfig '" + broken + "': yaml:"))
      << config.error().message;
}

TEST_F(ConfigTest, MergesWholeEntriesOfWhichTheFirstWins) {
  const std::string first = write(
      "a/first",
      "current-context: red\n"
      "users: [{name: red-user, user: {token: first}}]\n"
      "clusters: [{name: red, cluster: {server: 'https://red', certificate-authority: ca.crt}}]\n");
  const std::string second = write(
      "b/second",
      "current-context: blue\n"
      "users: [{name: red-user, user: {username: x, password: y}},"
      "        {name: blue-user, user: {tokenFile: sub/token}}]\n"
      "clusters: [{name: red, cluster: {server: 'https://ignored', tls-server-name: n}},"
      "           {name: blue, cluster: {server: 'https://blue'}}]\n"
      "contexts: [{name: red, context: {cluster: red, user: red-user}},"
      "           {name: blue, context: {cluster: blue, user: blue-user, namespace: blue-ns}}]\n");
  variables_["KUBECONFIG"] = first + ":" + second;
  const Config red = load().value();
  EXPECT_EQ(red.server, "https://red");
  EXPECT_EQ(red.caFile, directory_ + "/a/ca.crt") << "paths are those of the file they stand in";
  EXPECT_EQ(red.tlsServerName, "") << "fields of two entries are not mixed";
  EXPECT_EQ(red.token, "first");
  EXPECT_EQ(red.username, "");
  EXPECT_EQ(red.namespaceName, "default");
  const Config blue = load({.context = "blue"}).value();
  EXPECT_EQ(blue.server, "https://blue");
  EXPECT_EQ(blue.tokenFile, directory_ + "/b/sub/token");
  EXPECT_EQ(blue.namespaceName, "blue-ns");
}

TEST_F(ConfigTest, KnowsItsPodInACluster) {
  enterCluster();
  Config config = load().value();
  EXPECT_EQ(config.token, "pod-token");
  EXPECT_EQ(config.tokenFile, directory_ + "/serviceaccount/token");
  EXPECT_EQ(config.caFile, directory_ + "/serviceaccount/ca.crt");
  EXPECT_EQ(config.namespaceName, "pod-namespace");
  variables_["POD_NAMESPACE"] = "told";
  EXPECT_EQ(load().value().namespaceName, "told");
  variables_["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  EXPECT_EQ(load().value().server, "https://[fd00::1]:443");
  std::filesystem::remove(directory_ + "/serviceaccount/namespace");
  variables_.erase("POD_NAMESPACE");
  EXPECT_EQ(load().value().namespaceName, "default");
}

TEST_F(ConfigTest, IsInNoClusterWithoutATokenOrAnAddress) {
  enterCluster();
  variables_.erase("KUBERNETES_SERVICE_PORT");
  EXPECT_EQ(inClusterConfig(environment_).error().code, Code::NotFound);
  enterCluster();
  std::filesystem::remove(directory_ + "/serviceaccount/token");
  EXPECT_EQ(inClusterConfig(environment_).error().code, Code::NotFound);
}

TEST(Kubeconfig, HasAllFieldsOfClusterUserAndContext) {
  const Config config = parse(simple("certificate-authority-data: Y2E=, tls-server-name: name, "
                                     "proxy-url: 'socks5://p:1080', "
                                     "disable-compression: true",
                                     "client-certificate: me.crt, client-key: /abs/me.key, "
                                     "client-key-data: a2V5, as: boss, as-uid: '7', "
                                     "as-groups: [g, h], as-user-extra: {scopes: [s]}",
                                     "namespace: ns"))
                            .value();
  EXPECT_EQ(config.server, "https://h");
  EXPECT_EQ(config.caData, "ca");
  EXPECT_EQ(config.tlsServerName, "name");
  EXPECT_EQ(config.proxyUrl, "socks5://p:1080");
  EXPECT_TRUE(config.disableCompression);
  EXPECT_EQ(config.certificateFile, "/etc/kube/me.crt");
  EXPECT_EQ(config.keyFile, "/abs/me.key");
  EXPECT_EQ(config.keyData, "key");
  EXPECT_EQ(config.impersonateUser, "boss");
  EXPECT_EQ(config.impersonateUid, "7");
  EXPECT_EQ(config.impersonateGroups, (std::vector<std::string>{"g", "h"}));
  EXPECT_EQ(config.impersonateExtra.at("scopes"), std::vector<std::string>{"s"});
  EXPECT_EQ(config.namespaceName, "ns");
  EXPECT_EQ(parse(simple("")).value().proxyUrl, std::nullopt);
}

TEST(Kubeconfig, HasAnExecPluginWithItsCluster) {
  const Config config =
      parse(
          simple(
              "extensions: [{name: other, extension: 1}, {name: "
              "client.authentication.k8s.io/exec, extension: {a: b}}]",
              "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: "
              "bin/get-token, args: [a], "
              "env: [{name: VARIABLE, value: text}], installHint: hint, provideClusterInfo: true}"))
          .value();
  ASSERT_TRUE(config.exec.has_value());
  EXPECT_EQ(config.exec->command, "/etc/kube/bin/get-token");
  EXPECT_EQ(config.exec->args, std::vector<std::string>{"a"});
  EXPECT_EQ(config.exec->env,
            (std::vector<std::pair<std::string, std::string>>{{"VARIABLE", "text"}}));
  EXPECT_EQ(config.exec->interactiveMode, "IfAvailable") << "the default of v1beta1";
  EXPECT_TRUE(config.exec->provideClusterInfo);
  EXPECT_EQ(config.exec->clusterConfig["a"].asString(), "b");
  const std::string inPath = simple(
      "",
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}");
  EXPECT_EQ(parse(inPath).value().exec->command, "aws");
}

TEST(Kubeconfig, TakesServersAsTheyAreWritten) {
  struct Case {
    const char* server;
    const char* expected;
  };
  const Case cases[] = {
      {"https://rancher/k8s/clusters/c-1/", "https://rancher/k8s/clusters/c-1"},
      {"https://h:6443?a=b#c", "https://h:6443"},
      {"http://127.0.0.1:8080/", "http://127.0.0.1:8080"},
      {"localhost:8080", "http://localhost:8080"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.server);
    EXPECT_EQ(parse("{clusters: [{name: c, cluster: {server: '" + std::string(test.server) +
                        "'}}], contexts: [{name: x, context: {cluster: c}}]}",
                    "x")
                  .value()
                  .server,
              test.expected);
  }
  EXPECT_EQ(parse("{clusters: [{name: c, cluster: {server: 'h:6443', certificate-authority: ca}}], "
                  "contexts: [{name: x, context: {cluster: c}}]}",
                  "x")
                .value()
                .server,
            "https://h:6443");
}

TEST(Kubeconfig, IsRefusedWithAReason) {
  const std::string exec = "apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never";
  struct Case {
    const char* name;
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"a list", "[]", "not an object"},
      {"another kind", "{apiVersion: v1, kind: Pod}", "kind 'Pod' of 'v1' is no Config of v1"},
      {"an entry twice", "{users: [{name: a}, {name: a}]}", "users: 'a' is there twice"},
      {"empty", "", "no current-context"},
      {"no such context", "{current-context: x}", "no context 'x'"},
      {"no such cluster", "{current-context: x, contexts: [{name: x, context: {cluster: c}}]}",
       "context 'x': no cluster 'c'"},
      {"no such user",
       "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], "
       "clusters: [{name: c, cluster: {server: 'https://h'}}]}",
       "context 'x': no user 'u'"},
      {"no server",
       "{current-context: x, contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c}]}",
       "cluster 'c': no server"},
      {"another protocol",
       "{current-context: x, contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c, "
       "cluster: {server: "
       "'ftp://h'}}]}",
       "cluster 'c': server: url 'ftp://h': neither http nor https"},
      {"insecure with an authority",
       simple("insecure-skip-tls-verify: true, certificate-authority: ca"),
       "cluster 'c': insecure-skip-tls-verify excludes a certificate-authority"},
      {"no base64", simple("certificate-authority-data: '***'"),
       "cluster 'c': certificate-authority-data: not base64"},
      {"a proxy that is none", simple("proxy-url: nonsense"),
       "cluster 'c': proxy-url: url 'nonsense': no scheme, such as https://"},
      {"a key without certificate", simple("", "client-key: k"),
       "user 'u': client-certificate and client-key belong together"},
      {"two ways to log in", simple("", "token: t, username: me"),
       "user 'u': more than one of token, username and exec"},
      {"a provider that is gone", simple("", "auth-provider: {name: gcp}"),
       "user 'u': auth-provider 'gcp' is not supported (Kubernetes removed it in 1.26): use an "
       "exec plugin"},
      {"a plugin without command", simple("", "exec: {" + exec + "}"),
       "user 'u': exec: no command"},
      {"a plugin of an old version",
       simple("", "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: c}"),
       "user 'u': exec: apiVersion 'client.authentication.k8s.io/v1alpha1' is neither "
       "client.authentication.k8s.io/v1 nor …/v1beta1"},
      {"a plugin without mode",
       simple("", "exec: {apiVersion: client.authentication.k8s.io/v1, command: c}"),
       "user 'u': exec: no interactiveMode"},
      {"a plugin of an unknown mode",
       simple("",
              "exec: {apiVersion: client.authentication.k8s.io/v1, command: c, interactiveMode: "
              "Maybe}"),
       "user 'u': exec: interactiveMode 'Maybe' is none of Never, IfAvailable, Always"},
      {"a plugin that asks",
       simple("",
              "exec: {apiVersion: client.authentication.k8s.io/v1, command: c, interactiveMode: "
              "Always}"),
       "user 'u': exec: 'c' wants a terminal (interactiveMode Always)"},
      {"groups of nobody", simple("", "as-groups: [g]"),
       "user 'u': as-uid, as-groups and as-user-extra need as"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Result<Config> config = parse(test.text);
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().message, test.message);
  }
}

}  // namespace
}  // namespace iop::kube::client
