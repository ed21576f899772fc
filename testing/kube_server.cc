#include "testing/kube_server.h"

#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/file.h"
#include "http/client.h"
#include "testing/certificates.h"
#include "testing/process.h"
#include "text/json.h"

namespace iop::testing {
namespace {

constexpr std::chrono::seconds kStartTimeout{60};
constexpr std::chrono::milliseconds kPoll{20};

constexpr std::string_view kAuditPolicy =
    "apiVersion: audit.k8s.io/v1\n"
    "kind: Policy\n"
    "omitStages: [RequestReceived]\n"
    "rules:\n"
    "  - {level: None, nonResourceURLs: [/readyz, /livez]}\n"
    "  - {level: Metadata}\n";

void writeFile(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  ASSERT(file.good());
}

std::string makeTemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  std::string path = std::string(base == nullptr ? "/tmp" : base) + "/kube-server-XXXXXX";
  ASSERT(mkdtemp(path.data()) != nullptr);
  return path;
}

// The last lines of a log, for an error message.
std::string tailOf(const std::string& path) {
  constexpr std::size_t kTailBytes = 2000;
  const std::string text = base::readFile(path).value_or("");
  return text.substr(text.size() - std::min(text.size(), kTailBytes));
}

std::string loopback(int port) { return "127.0.0.1:" + std::to_string(port); }

}  // namespace

struct KubeServer::Impl {
  explicit Impl(KubeServerOptions serverOptions)
      : options(std::move(serverOptions)),
        binaries(std::getenv("KUBEBUILDER_ASSETS")),
        directory(makeTemporaryDirectory()),
        apiPort(findFreePort()),
        etcdUrl("http://" + loopback(findFreePort())) {
    url = "https://" + loopback(apiPort);
    makeFiles();
  }

  ~Impl() {
    // Nobody wants their data: no need to let them write it.
    for (const auto& process : {controllers.get(), apiServer.get(), etcd.get()}) {
      if (process != nullptr) process->kill(SIGKILL);
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  std::string file(std::string_view name) const { return directory + "/" + std::string(name); }

  void makeFiles() {
    const KeyPair server = authority.issue({.commonName = "kube-apiserver",
                                            .dnsNames = {"localhost", "kubernetes.default.svc"},
                                            .addresses = {"127.0.0.1", "10.0.0.1"}});
    const SigningKey serviceAccounts = makeSigningKey();
    writeFile(file("ca.crt"), authority.certificatePem());
    writeFile(file("server.crt"), server.certificatePem);
    writeFile(file("server.key"), server.keyPem);
    writeFile(file("sa.key"), serviceAccounts.privatePem);
    writeFile(file("sa.pub"), serviceAccounts.publicPem);
    writeFile(file("audit.yaml"), kAuditPolicy);
    writeKubeconfig("kubeconfig", "admin", "system:masters");
  }

  std::string writeKubeconfig(const std::string& name, const std::string& user,
                              const std::string& group) {
    const KeyPair pair = authority.issue({.commonName = user, .organization = group});
    writeFile(file(name + ".crt"), pair.certificatePem);
    writeFile(file(name + ".key"), pair.keyPem);
    const Value entry = Value::object(
        {{"client-certificate", file(name + ".crt")}, {"client-key", file(name + ".key")}});
    const Value cluster =
        Value::object({{"server", url}, {"certificate-authority", file("ca.crt")}});
    const Value context = Value::object({{"cluster", "local"}, {"user", "local"}});
    const auto list = [](std::string_view field, const Value& content) {
      return Value::array({Value::object({{"name", "local"}, {field, content}})});
    };
    writeFile(file(name), text::printJson(Value::object({{"apiVersion", "v1"},
                                                         {"kind", "Config"},
                                                         {"clusters", list("cluster", cluster)},
                                                         {"users", list("user", entry)},
                                                         {"contexts", list("context", context)},
                                                         {"current-context", "local"}})));
    return file(name);
  }

  Status startEtcd() {
    const std::string peerUrl = "http://" + loopback(findFreePort());
    ASSIGN_OR_RETURN(
        etcd, Process::start({binaries + "/etcd", "--data-dir", file("etcd"),  //
                              "--listen-client-urls", etcdUrl,                 //
                              "--advertise-client-urls", etcdUrl,              //
                              "--listen-peer-urls", peerUrl,                   //
                              "--initial-advertise-peer-urls", peerUrl,        //
                              "--initial-cluster", "default=" + peerUrl, "--unsafe-no-fsync"},
                             file("etcd.log")));
    return {};
  }

  Status startApiServer() {
    std::vector<std::string> command = {binaries + "/kube-apiserver",
                                        "--etcd-servers=" + etcdUrl,
                                        "--bind-address=127.0.0.1",
                                        "--advertise-address=127.0.0.1",
                                        "--endpoint-reconciler-type=none",
                                        "--secure-port=" + std::to_string(apiPort),
                                        "--service-cluster-ip-range=10.0.0.0/24",
                                        "--authorization-mode=RBAC",
                                        "--allow-privileged=true",
                                        "--cert-dir=" + directory,
                                        "--tls-cert-file=" + file("server.crt"),
                                        "--tls-private-key-file=" + file("server.key"),
                                        "--client-ca-file=" + file("ca.crt"),
                                        "--service-account-issuer=https://kubernetes.default.svc",
                                        "--service-account-key-file=" + file("sa.pub"),
                                        "--service-account-signing-key-file=" + file("sa.key"),
                                        "--enable-admission-plugins=NamespaceLifecycle",
                                        "--disable-admission-plugins=ServiceAccount",
                                        "--audit-policy-file=" + file("audit.yaml"),
                                        "--audit-log-path=" + file("audit.log"),
                                        "--audit-log-maxsize=2000",
                                        "--max-requests-inflight=1000",
                                        "--max-mutating-requests-inflight=500"};
    command.insert(command.end(), options.apiServerFlags.begin(), options.apiServerFlags.end());
    ASSIGN_OR_RETURN(apiServer, Process::start(command, file("apiserver.log")));
    return waitUntilReady();
  }

  Status startControllers() {
    const std::string config = file("kubeconfig");
    std::vector<std::string> command = {binaries + "/kube-controller-manager",
                                        "--kubeconfig=" + config,
                                        "--authentication-kubeconfig=" + config,
                                        "--authorization-kubeconfig=" + config,
                                        "--secure-port=" + std::to_string(findFreePort()),
                                        "--bind-address=127.0.0.1",
                                        "--cert-dir=" + directory,
                                        "--leader-elect=false",
                                        "--service-account-private-key-file=" + file("sa.key"),
                                        "--root-ca-file=" + file("ca.crt"),
                                        "--use-service-account-credentials=false"};
    command.insert(command.end(), options.controllerFlags.begin(), options.controllerFlags.end());
    ASSIGN_OR_RETURN(controllers, Process::start(command, file("controllers.log")));
    return {};
  }

  Status waitUntilReady() {
    ASSIGN_OR_RETURN(http::TlsOptions tls,
                     http::readTlsFiles({.caFile = file("ca.crt"),
                                         .certificateFile = file("kubeconfig.crt"),
                                         .keyFile = file("kubeconfig.key")}));
    http::Client client({.tls = std::move(tls), .proxy = ""});
    const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
    while (std::chrono::steady_clock::now() < deadline) {
      const Result<http::Response> answer = client.send({.url = url + "/readyz"});
      if (answer && answer->status == 200) return {};
      if (!etcd->isRunning())
        return fail(Code::Unreachable, "etcd ended:\n" + tailOf(file("etcd.log")));
      if (!apiServer->isRunning()) break;
      std::this_thread::sleep_for(kPoll);
    }
    return fail(Code::Unreachable,
                "kube-apiserver did not become ready:\n" + tailOf(file("apiserver.log")));
  }

  const KubeServerOptions options;
  const std::string binaries;
  const std::string directory;
  const int apiPort;
  const std::string etcdUrl;
  const CertificateAuthority authority{"kube-ca"};
  std::string url;
  std::unique_ptr<Process> etcd;
  std::unique_ptr<Process> apiServer;
  std::unique_ptr<Process> controllers;
};

bool KubeServer::isAvailable() { return std::getenv("KUBEBUILDER_ASSETS") != nullptr; }

Result<std::unique_ptr<KubeServer>> KubeServer::start(const KubeServerOptions& options) {
  if (!isAvailable()) return fail(Code::Unreachable, std::string(kUnavailable));
  auto impl = std::make_unique<Impl>(options);
  RETURN_IF_ERROR(impl->startEtcd());
  RETURN_IF_ERROR(impl->startApiServer());
  if (options.controllers) RETURN_IF_ERROR(impl->startControllers());
  return std::unique_ptr<KubeServer>(new KubeServer(std::move(impl)));
}

KubeServer::KubeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KubeServer::~KubeServer() = default;

const std::string& KubeServer::url() const { return impl_->url; }
std::string KubeServer::kubeconfigPath() const { return impl_->file("kubeconfig"); }
std::string KubeServer::auditLogPath() const { return impl_->file("audit.log"); }
const std::string& KubeServer::directory() const { return impl_->directory; }

std::string KubeServer::makeUserKubeconfig(const std::string& user, const std::string& group) {
  return impl_->writeKubeconfig("kubeconfig-" + user, user, group);
}

void KubeServer::stopApiServer() { impl_->apiServer->kill(SIGKILL); }
Status KubeServer::startApiServer() { return impl_->startApiServer(); }

std::vector<AuditEntry> readAuditLog(const std::string& path, std::size_t offset) {
  const std::string log = base::readFile(path).value_or("");
  std::vector<AuditEntry> entries;
  std::set<std::string> seen;  // a watch has a line for its start and one for its end
  std::string_view rest = std::string_view(log).substr(std::min(offset, log.size()));
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const Result<Value> line = text::parseJson(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    if (!line || !seen.insert((*line)["auditID"].toString()).second) continue;
    const Value& object = (*line)["objectRef"];
    AuditEntry entry;
    entry.verb = (*line)["verb"].asString();
    entry.resource = object["resource"].asString();
    if (!object["subresource"].empty()) entry.resource += "/" + object["subresource"].toString();
    entry.namespaceName = object["namespace"].asString();
    entry.name = object["name"].asString();
    entry.user = (*line)["user"]["username"].asString();
    entry.impersonatedUser = (*line)["impersonatedUser"]["username"].asString();
    entry.userAgent = (*line)["userAgent"].asString();
    entry.uri = (*line)["requestURI"].asString();
    entry.code = static_cast<int>((*line)["responseStatus"]["code"].asInt());
    entry.time = (*line)["requestReceivedTimestamp"].asString();
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::size_t countRequests(const std::string& path,
                          const std::function<bool(const AuditEntry&)>& matches,
                          std::size_t offset) {
  const std::vector<AuditEntry> entries = readAuditLog(path, offset);
  return static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), matches));
}

std::size_t auditLogSize(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

}  // namespace iop::testing
