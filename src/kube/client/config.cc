#include "kube/client/config.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/file.h"
#include "http/url.h"
#include "text/base64.h"
#include "text/yaml.h"

namespace iop::kube::client {
namespace {

constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string quote(std::string_view name) { return "'" + std::string(name) + "'"; }

std::string variableOr(const Environment& environment, const std::string& name,
                       std::string fallback) {
  const std::optional<std::string> value = environment.variable(name);
  return value && !value->empty() ? *value : std::move(fallback);
}

std::string directoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

void makeAbsolute(Value& entry, std::string_view field, std::string_view directory) {
  const Value* path = entry.find(field);
  if (path == nullptr || path->empty() || path->asString().starts_with('/')) return;
  entry.set(field, std::string(directory) + "/" + path->toString());
}

// Paths are those of the file they are written in; a command without a slash is one of $PATH.
void makePathsAbsolute(Value& entry, std::string_view directory) {
  for (const std::string_view field :
       {"certificate-authority", "client-certificate", "client-key", "tokenFile"}) {
    makeAbsolute(entry, field, directory);
  }
  if (entry["exec"]["command"].asString().find('/') != std::string_view::npos) {
    makeAbsolute(entry.edit("exec"), "command", directory);
  }
}

// A list of {name, <field>: entry}, as a map.
Status readEntries(const Value& file, std::string_view listName, std::string_view field,
                   std::string_view directory, std::map<std::string, Value>& out) {
  for (const Value& item : file[listName].items()) {
    const std::string name = item["name"].toString();
    Value entry = item[field].isObject() ? item[field] : Value::object();
    makePathsAbsolute(entry, directory);
    if (!out.emplace(name, std::move(entry)).second) {
      return fail(Code::BadRequest, std::string(listName) + ": " + quote(name) + " is there twice");
    }
  }
  return {};
}

Result<Kubeconfig> readKubeconfig(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::readFile(path));
  return parseKubeconfig(text, directoryOf(path))
      .map_error(addContext("kubeconfig " + quote(path)));
}

std::vector<std::string> splitPaths(std::string_view list) {
  std::vector<std::string> paths;
  while (!list.empty()) {
    const std::size_t colon = std::min(list.find(':'), list.size());
    std::string path(list.substr(0, colon));
    list.remove_prefix(std::min(colon + 1, list.size()));
    if (!path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

// Files that do not exist are passed over; NotFound where none does.
Result<Kubeconfig> readKubeconfigs(const std::vector<std::string>& paths) {
  std::vector<Kubeconfig> files;
  for (const std::string& path : paths) {
    Result<Kubeconfig> file = readKubeconfig(path);
    if (file) {
      files.push_back(std::move(*file));
    } else if (!file.error().isNotFound()) {
      return file;
    }
  }
  if (files.empty()) return fail(Code::NotFound, "no such file");
  return mergeKubeconfigs(files);
}

Status readBase64(const Value& entry, std::string_view field, std::string& out) {
  const Value& encoded = entry[field];
  if (encoded.empty()) return {};
  std::optional<std::string> decoded = text::decodeBase64(encoded.asString());
  if (!decoded) return fail(Code::BadRequest, std::string(field) + ": not base64");
  out = std::move(*decoded);
  return {};
}

std::vector<std::string> readStrings(const Value& list) {
  std::vector<std::string> out;
  for (const Value& item : list.items()) out.push_back(item.toString());
  return out;
}

Status readCluster(const Value& cluster, Config& config) {
  config.caFile = cluster["certificate-authority"].toString();
  RETURN_IF_ERROR(readBase64(cluster, "certificate-authority-data", config.caData));
  config.tlsServerName = cluster["tls-server-name"].toString();
  config.insecureSkipTlsVerify = cluster["insecure-skip-tls-verify"].asBool();
  config.disableCompression = cluster["disable-compression"].asBool();
  if (const Value& proxy = cluster["proxy-url"]; !proxy.empty()) {
    config.proxyUrl = proxy.toString();
    RETURN_IF_ERROR(http::parseUrl(*config.proxyUrl).map_error(addContext("proxy-url")));
  }
  if (config.insecureSkipTlsVerify && (!config.caFile.empty() || !config.caData.empty())) {
    return fail(Code::BadRequest, "insecure-skip-tls-verify excludes a certificate-authority");
  }
  config.server = cluster["server"].toString();
  if (config.server.empty()) return fail(Code::BadRequest, "no server");
  return {};
}

// Without a scheme it is https where anything speaks of TLS, as in client-go. Query and fragment
// are dropped.
Status normalizeServer(Config& config) {
  if (config.server.find("://") == std::string::npos) {
    const bool usesTls = config.insecureSkipTlsVerify || !config.caFile.empty() ||
                         !config.caData.empty() || !config.certificateFile.empty() ||
                         !config.certificateData.empty();
    config.server.insert(0, usesTls ? "https://" : "http://");
  }
  ASSIGN_OR_RETURN(http::Url url, http::parseUrl(config.server).map_error(addContext("server")));
  if (url.scheme != "http" && url.scheme != "https") {
    return fail(Code::BadRequest,
                "server: url " + quote(config.server) + ": neither http nor https");
  }
  url.query.clear();
  url.fragment.clear();
  while (url.path.ends_with('/')) url.path.pop_back();
  config.server = http::printUrl(url);
  return {};
}

Result<ExecConfig> readExec(const Value& exec) {
  ExecConfig out;
  out.apiVersion = exec["apiVersion"].toString();
  out.command = exec["command"].toString();
  out.args = readStrings(exec["args"]);
  for (const Value& variable : exec["env"].items()) {
    out.env.emplace_back(variable["name"].asString(), variable["value"].asString());
  }
  out.installHint = exec["installHint"].toString();
  out.interactiveMode = exec["interactiveMode"].toString();
  out.provideClusterInfo = exec["provideClusterInfo"].asBool();
  if (out.command.empty()) return fail(Code::BadRequest, "exec: no command");
  const bool isV1 = out.apiVersion == "client.authentication.k8s.io/v1";
  if (!isV1 && out.apiVersion != "client.authentication.k8s.io/v1beta1") {
    return fail(Code::BadRequest, "exec: apiVersion " + quote(out.apiVersion) +
                                      " is neither client.authentication.k8s.io/v1 nor …/v1beta1");
  }
  if (out.interactiveMode.empty()) {
    if (isV1) return fail(Code::BadRequest, "exec: no interactiveMode");
    out.interactiveMode = "IfAvailable";
  }
  const std::set<std::string_view> modes = {"Never", "IfAvailable", "Always"};
  if (!modes.contains(out.interactiveMode)) {
    return fail(Code::BadRequest, "exec: interactiveMode " + quote(out.interactiveMode) +
                                      " is none of Never, IfAvailable, Always");
  }
  if (out.interactiveMode == "Always") {
    return fail(Code::BadRequest,
                "exec: " + quote(out.command) + " wants a terminal (interactiveMode Always)");
  }
  return out;
}

Status readImpersonation(const Value& user, Config& config) {
  config.impersonateUser = user["as"].toString();
  config.impersonateUid = user["as-uid"].toString();
  config.impersonateGroups = readStrings(user["as-groups"]);
  for (const Member& extra : user["as-user-extra"].members()) {
    config.impersonateExtra[std::string(extra.key())] = readStrings(extra.value);
  }
  const bool isPartial = !config.impersonateUid.empty() || !config.impersonateGroups.empty() ||
                         !config.impersonateExtra.empty();
  if (config.impersonateUser.empty() && isPartial) {
    return fail(Code::BadRequest, "as-uid, as-groups and as-user-extra need as");
  }
  return {};
}

Status readUser(const Value& user, const Value& cluster, Config& config) {
  if (const Value* provider = user.find("auth-provider");
      provider != nullptr && !provider->isNull()) {
    return fail(Code::BadRequest,
                "auth-provider " + quote((*provider)["name"].asString()) +
                    " is not supported (Kubernetes removed it in 1.26): use an exec plugin");
  }
  config.certificateFile = user["client-certificate"].toString();
  config.keyFile = user["client-key"].toString();
  RETURN_IF_ERROR(readBase64(user, "client-certificate-data", config.certificateData));
  RETURN_IF_ERROR(readBase64(user, "client-key-data", config.keyData));
  config.token = user["token"].toString();
  config.tokenFile = user["tokenFile"].toString();
  config.username = user["username"].toString();
  config.password = user["password"].toString();
  if (user["exec"].isObject()) {
    ASSIGN_OR_RETURN(config.exec, readExec(user["exec"]));
    for (const Value& extension : cluster["extensions"].items()) {
      if (extension["name"].asString() == kExecExtension) {
        config.exec->clusterConfig = extension["extension"];
      }
    }
  }
  const bool hasToken = !config.token.empty() || !config.tokenFile.empty();
  const bool hasPassword = !config.username.empty() || !config.password.empty();
  if (static_cast<int>(hasToken) + hasPassword + config.exec.has_value() > 1) {
    return fail(Code::BadRequest, "more than one of token, username and exec");
  }
  const bool hasCertificate = !config.certificateFile.empty() || !config.certificateData.empty();
  const bool hasKey = !config.keyFile.empty() || !config.keyData.empty();
  if (hasCertificate != hasKey) {
    return fail(Code::BadRequest, "client-certificate and client-key belong together");
  }
  return readImpersonation(user, config);
}

Result<Value> findEntry(const std::map<std::string, Value>& entries, const std::string& name,
                        std::string_view what) {
  const auto found = entries.find(name);
  if (found == entries.end())
    return fail(Code::NotFound, "no " + std::string(what) + " " + quote(name));
  return found->second;
}

Result<Config> configFrom(Result<Kubeconfig> kubeconfig, const std::string& paths,
                          const std::string& context) {
  if (!kubeconfig) return tl::unexpected(kubeconfig.error());
  Result<Config> config = configOf(*kubeconfig, context);
  if (!config) return tl::unexpected(config.error().withContext("kubeconfig " + quote(paths)));
  config->source = paths + ", " + config->source;
  return config;
}

}  // namespace

bool Config::isTls() const { return server.starts_with("https://"); }

Environment processEnvironment() {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
  return environment;
}

Result<Kubeconfig> parseKubeconfig(std::string_view text, std::string_view directory) {
  ASSIGN_OR_RETURN(const Value file, text::parseYaml(text));
  Kubeconfig out;
  if (file.isNull()) return out;
  if (!file.isObject()) return fail(Code::BadRequest, "not an object");
  if (file["kind"].asString("Config") != "Config" || file["apiVersion"].asString("v1") != "v1") {
    return fail(Code::BadRequest, "kind " + quote(file["kind"].asString()) + " of " +
                                      quote(file["apiVersion"].asString()) + " is no Config of v1");
  }
  RETURN_IF_ERROR(readEntries(file, "clusters", "cluster", directory, out.clusters));
  RETURN_IF_ERROR(readEntries(file, "users", "user", directory, out.users));
  RETURN_IF_ERROR(readEntries(file, "contexts", "context", directory, out.contexts));
  out.currentContext = file["current-context"].toString();
  return out;
}

Kubeconfig mergeKubeconfigs(const std::vector<Kubeconfig>& files) {
  Kubeconfig out;
  for (const Kubeconfig& file : files) {
    out.clusters.insert(file.clusters.begin(), file.clusters.end());
    out.users.insert(file.users.begin(), file.users.end());
    out.contexts.insert(file.contexts.begin(), file.contexts.end());
    if (out.currentContext.empty()) out.currentContext = file.currentContext;
  }
  return out;
}

Result<Config> configOf(const Kubeconfig& kubeconfig, const std::string& context) {
  const std::string& name = context.empty() ? kubeconfig.currentContext : context;
  if (name.empty()) return fail(Code::NotFound, "no current-context");
  ASSIGN_OR_RETURN(const Value entry, findEntry(kubeconfig.contexts, name, "context"));
  const std::string clusterName = entry["cluster"].toString();
  const std::string userName = entry["user"].toString();
  Config config;
  ASSIGN_OR_RETURN(const Value cluster, findEntry(kubeconfig.clusters, clusterName, "cluster")
                                            .map_error(addContext("context " + quote(name))));
  RETURN_IF_ERROR(
      readCluster(cluster, config).map_error(addContext("cluster " + quote(clusterName))));
  if (!userName.empty()) {
    ASSIGN_OR_RETURN(const Value user, findEntry(kubeconfig.users, userName, "user")
                                           .map_error(addContext("context " + quote(name))));
    RETURN_IF_ERROR(
        readUser(user, cluster, config).map_error(addContext("user " + quote(userName))));
  }
  RETURN_IF_ERROR(normalizeServer(config).map_error(addContext("cluster " + quote(clusterName))));
  if (!entry["namespace"].empty()) config.namespaceName = entry["namespace"].toString();
  config.source = "context " + name;
  return config;
}

Result<Config> inClusterConfig(const Environment& environment) {
  std::string host = variableOr(environment, "KUBERNETES_SERVICE_HOST", {});
  const std::string port = variableOr(environment, "KUBERNETES_SERVICE_PORT", {});
  if (host.empty() || port.empty()) {
    return fail(Code::NotFound, "not in a cluster: KUBERNETES_SERVICE_HOST and _PORT are not set");
  }
  Config config;
  config.tokenFile = environment.serviceAccountDirectory + "/token";
  ASSIGN_OR_RETURN(const std::string token, base::readFile(config.tokenFile));
  config.token = trim(token);
  config.caFile = environment.serviceAccountDirectory + "/ca.crt";
  if (Result<std::string> ca = base::readFile(config.caFile); !ca) config.caFile.clear();
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  config.server = "https://" + host + ":" + port;
  RETURN_IF_ERROR(normalizeServer(config));
  config.namespaceName = variableOr(environment, "POD_NAMESPACE", {});
  if (config.namespaceName.empty()) {
    const Result<std::string> file =
        base::readFile(environment.serviceAccountDirectory + "/namespace");
    if (file) config.namespaceName = trim(*file);
  }
  if (config.namespaceName.empty()) config.namespaceName = "default";
  config.source = "in-cluster";
  return config;
}

Result<Config> loadConfig(const LoadOptions& options, const Environment& environment) {
  if (!options.kubeconfig.empty()) {
    return configFrom(readKubeconfig(options.kubeconfig), options.kubeconfig, options.context);
  }
  if (const std::string paths = variableOr(environment, "KUBECONFIG", {}); !paths.empty()) {
    return configFrom(
        readKubeconfigs(splitPaths(paths)).map_error(addContext("KUBECONFIG " + quote(paths))),
        paths, options.context);
  }
  Result<Config> inCluster = inClusterConfig(environment);
  if (inCluster || !inCluster.error().isNotFound()) return inCluster;
  const std::string home = variableOr(environment, "HOME", {}) + "/.kube/config";
  Result<Kubeconfig> file = readKubeconfig(home);
  if (!file && file.error().isNotFound()) {
    return fail(
        Code::NotFound,
        "no Kubernetes configuration: no --kubeconfig, no KUBECONFIG, not in a cluster, no " +
            quote(home));
  }
  return configFrom(std::move(file), home, options.context);
}

}  // namespace iop::kube::client
