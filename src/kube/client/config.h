#pragma once

// Where the API server is and who we are: kubeconfig files or the service account of our pod.
//
//   ASSIGN_OR_RETURN(Config config, loadConfig({.kubeconfig = flag}));
//   ASSIGN_OR_RETURN(std::unique_ptr<RestClient> client, RestClient::create(config));
//
// Sources in controller-runtime's order: an explicit file; $KUBECONFIG; in the cluster;
// ~/.kube/config. Rules of kubeconfig files: client-go, tools/clientcmd. Files that the
// configuration names (certificates, tokens) are read by the client, again when they change, not
// here.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "value/value.h"

namespace iop::kube::client {

// A program that answers with credentials (client.authentication.k8s.io, v1 and v1beta1).
struct ExecConfig {
  std::string apiVersion;
  std::string command;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string installHint;
  std::string interactiveMode;  // "Never", "IfAvailable", "Always"
  bool provideClusterInfo = false;
  Value clusterConfig;  // the cluster's extension "client.authentication.k8s.io/exec"
};

// One user at one cluster. Paths are absolute, data is decoded.
struct Config {
  std::string server;  // "https://10.0.0.1:6443", perhaps with a path below which the API lies
  std::string caFile;
  std::string caData;  // PEM; wins over the file, as in the pairs below
  std::string tlsServerName;
  bool insecureSkipTlsVerify = false;
  // Nothing: as the environment says; empty: none.
  std::optional<std::string> proxyUrl;
  bool disableCompression = false;

  std::string certificateFile;
  std::string certificateData;
  std::string keyFile;
  std::string keyData;
  std::string token;
  std::string tokenFile;  // wins over the token once it could be read
  std::string username;
  std::string password;
  std::optional<ExecConfig> exec;

  std::string impersonateUser;
  std::string impersonateUid;
  std::vector<std::string> impersonateGroups;
  std::map<std::string, std::vector<std::string>> impersonateExtra;

  // Where objects without a namespace belong: the context's, the pod's, or "default".
  std::string namespaceName = "default";
  // For people: "/home/me/.kube/config, context dev" or "in-cluster".
  std::string source;

  // Credentials are only sent over TLS.
  bool isTls() const;
};

// What surrounds the process; tests have their own.
struct Environment {
  std::function<std::optional<std::string>(const std::string& name)> variable;  // nothing: not set
  std::string serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
};
// That of this process.
Environment processEnvironment();

struct LoadOptions {
  std::string kubeconfig = {};  // an explicit file, which must exist; empty: the order above
  std::string context = {};     // empty: the file's current-context
};

// Errors: BadRequest for a file that is none or contradicts itself; NotFound where there is no
// configuration at all, no such file or no such context.
Result<Config> loadConfig(const LoadOptions& options,
                          const Environment& environment = processEnvironment());

// Kubeconfig files merged, entries as they were written but with absolute paths.
struct Kubeconfig {
  std::map<std::string, Value> clusters;
  std::map<std::string, Value> users;
  std::map<std::string, Value> contexts;
  std::string currentContext;
};

// One kubeconfig text; relative paths in it are below `directory`.
Result<Kubeconfig> parseKubeconfig(std::string_view text, std::string_view directory);
// Of entries with one name, those of the earlier file win as a whole.
Kubeconfig mergeKubeconfigs(const std::vector<Kubeconfig>& files);
// The configuration of one context; empty: the current one.
Result<Config> configOf(const Kubeconfig& kubeconfig, const std::string& context = {});

// The service account of our pod. Error: NotFound outside of a cluster.
Result<Config> inClusterConfig(const Environment& environment = processEnvironment());

}  // namespace iop::kube::client
