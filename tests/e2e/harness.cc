#include "tests/e2e/harness.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "http/client.h"
#include "kube/api/object.h"
#include "kube/client/config.h"
#include "kube/client/rest_client.h"
#include "testing/kube_server.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::e2e {
namespace {

using kube::api::Resource;
using kube::client::CallOptions;
using kube::client::RestClient;

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

CallOptions asUser() {
  CallOptions options;
  options.fieldManager = "e2e";
  options.force = true;
  return options;
}

void sleepBriefly() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

Status applyObject(kube::client::Client& client, const Value& object) {
  ASSIGN_OR_RETURN(const Resource resource, client.resolve(kube::api::kindOf(object)));
  ASSIGN_OR_RETURN(const Value applied,
                   client.patch(resource, kube::api::keyOf(object), kube::client::PatchType::Apply,
                                object, asUser()));
  return {};
}

Status applyFile(kube::client::Client& client, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<text::YamlDocument> documents,
                   text::parseYamlDocuments(readFile(path)));
  for (const text::YamlDocument& document : documents) {
    if (!document.value.isNull()) RETURN_IF_ERROR(applyObject(client, document.value));
  }
  return {};
}

std::unique_ptr<testing::KubeServer>& startedServer() {
  static std::unique_ptr<testing::KubeServer> server;
  return server;
}

std::unique_ptr<testing::Process>& embeddedServer() {
  static std::unique_ptr<testing::Process> server;
  return server;
}

}  // namespace

Cluster* Cluster::find() {
  static const std::unique_ptr<Cluster> cluster = [] {
    std::unique_ptr<Cluster> made(new Cluster());
    return made->prepare() ? std::move(made) : nullptr;
  }();
  return cluster.get();
}

void Cluster::stopApiServer() {
  if (embeddedServer() == nullptr) {
    startedServer()->stopApiServer();
  } else {
    embeddedServer()->kill(SIGKILL);
    embeddedServer().reset();
  }
}

Status Cluster::startApiServer() {
  return embeddedPort_ == 0 ? startedServer()->startApiServer() : startEmbedded();
}

// `integration-operator dev`, as users run it, on a folder that survives a restart.
Status Cluster::startEmbedded() {
  if (embeddedPort_ == 0) {
    embeddedPort_ = testing::findFreePort();
    embeddedFolder_ = ::testing::TempDir() + "e2e-embedded-" + std::to_string(getpid());
    std::filesystem::create_directories(embeddedFolder_);
    kubeconfig_ = embeddedFolder_ + "/kubeconfig";
    auditLog_ = embeddedFolder_ + "/audit.log";
  }
  std::filesystem::remove(kubeconfig_);
  ASSIGN_OR_RETURN(
      embeddedServer(),
      testing::Process::start({IOP_OPERATOR, "dev", "--no-operator", "--kubeconfig", kubeconfig_,
                               "--listen", "127.0.0.1:" + std::to_string(embeddedPort_), "--data",
                               embeddedFolder_ + "/data", "--audit-log", auditLog_},
                              embeddedFolder_ + "/server.log"));
  // The kubeconfig is written last.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!std::filesystem::exists(kubeconfig_)) {
    if (!embeddedServer()->isRunning() || std::chrono::steady_clock::now() > deadline) {
      return fail(Code::Unreachable, "the embedded API server does not start: " +
                                         readFile(embeddedFolder_ + "/server.log"));
    }
    sleepBriefly();
  }
  return {};
}

bool Cluster::prepare() {
  const char* kubeconfig = std::getenv("KUBECONFIG");
  const char* wanted = std::getenv("IOP_API_SERVER");
  const bool embedded = wanted != nullptr && std::string_view(wanted) == "embedded";
  if (!embedded && kubeconfig != nullptr && *kubeconfig != '\0') {
    kubeconfig_ = kubeconfig;
  } else if (!embedded && std::getenv("KUBEBUILDER_ASSETS") != nullptr) {
    testing::KubeServerOptions options;
    options.controllers = true;
    auto server = testing::KubeServer::start(options);
    if (!server) {
      ADD_FAILURE() << "the API server does not start: " << server.error().message;
      return false;
    }
    startedServer() = std::move(*server);
    kubeconfig_ = startedServer()->kubeconfigPath();
    auditLog_ = startedServer()->auditLogPath();
  } else if (const Status started = startEmbedded(); !started) {
    ADD_FAILURE() << started.error().message;
    return false;
  }
  const auto config = kube::client::loadConfig({.kubeconfig = kubeconfig_, .context = {}});
  if (!config) {
    ADD_FAILURE() << config.error().message;
    return false;
  }
  auto client = RestClient::create(*config, {.userAgent = "e2e"});
  if (!client) {
    ADD_FAILURE() << client.error().message;
    return false;
  }
  client_ = std::move(*client);
  for (const char* name : {"plugs", "sockets", "interfaces", "deferredresources"}) {
    const Status applied =
        applyFile(*client_, std::string(IOP_SOURCE_DIR "/config/crd/") + name + ".yaml");
    if (!applied) {
      ADD_FAILURE() << "install the CRD of " << name << ": " << applied.error().message;
      return false;
    }
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  static const std::map<std::string, Resource> resources = {
      {"Plug", {"integration.rock8s.com", "v1beta1", "plugs", "Plug", true}},
      {"Socket", {"integration.rock8s.com", "v1beta1", "sockets", "Socket", true}},
      {"Interface", {"integration.rock8s.com", "v1beta1", "interfaces", "Interface", true}},
      {"DeferredResource",
       {"integration.rock8s.com", "v1beta1", "deferredresources", "DeferredResource", true}}};
  for (const auto& [kind, resource] : resources) {
    // Discovery lags a little behind what is served.
    while (!client_->list(resource, "", {}, {}) || !client_->resolve(resource.gvk())) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "the CRD of " << kind << " is not served";
        return false;
      }
      sleepBriefly();
    }
  }
  return true;
}

OperatorProcess::OperatorProcess(std::vector<std::string> flags,
                                 std::map<std::string, std::string> environment) {
  static std::atomic<int> count{0};
  logFile_ = ::testing::TempDir() + "operator-" + std::to_string(getpid()) + "-" +
             std::to_string(++count) + ".log";
  std::vector<std::string> arguments{IOP_OPERATOR,
                                     "run",
                                     "--kubeconfig",
                                     Cluster::find()->kubeconfig(),
                                     "--metrics-bind-address",
                                     "127.0.0.1:0",
                                     "--health-probe-bind-address",
                                     "127.0.0.1:0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = open(logFile_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, 2);
    dup2(log, 1);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execv(argv[0], argv.data());
    _exit(127);
  }
}

OperatorProcess::~OperatorProcess() { kill(); }

std::string OperatorProcess::log() const { return readFile(logFile_); }

std::optional<int> OperatorProcess::portFromLog(const std::string& message) {
  std::istringstream lines(log());
  for (std::string line; std::getline(lines, line);) {
    const Result<Value> parsed = text::parseJson(line);
    if (parsed && (*parsed)["msg"].asString() == message)
      return static_cast<int>((*parsed)["port"].asInt());
  }
  return std::nullopt;
}

std::optional<std::string> OperatorProcess::httpGet(const std::string& path) {
  const auto port = portFromLog("probes are served");
  if (!port) return std::nullopt;
  static http::Client client({.proxy = ""});
  const auto answer = client.send({.url = "http://127.0.0.1:" + std::to_string(*port) + path});
  if (!answer || answer->status != 200) return std::nullopt;
  return answer->body;
}

std::optional<std::string> OperatorProcess::metrics() {
  const auto port = portFromLog("metrics are served");
  if (!port) return std::nullopt;
  static http::Client client({.proxy = ""});
  const auto answer =
      client.send({.url = "http://127.0.0.1:" + std::to_string(*port) + "/metrics"});
  if (!answer || answer->status != 200) return std::nullopt;
  return answer->body;
}

bool OperatorProcess::waitUntilReady(std::chrono::seconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (!isRunning()) return false;
    if (httpGet("/readyz")) return true;
    sleepBriefly();
  }
  return false;
}

bool OperatorProcess::isRunning() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    return false;
  }
  return true;
}

int OperatorProcess::stop() {
  if (pid_ <= 0) return -1;
  ::kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void OperatorProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void makeNamespace(const std::string& name) {
  const std::string yaml = R"(
apiVersion: v1
kind: Namespace
metadata: {name: )" + name +
                           R"(}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: everything, namespace: )" +
                           name + R"(}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: everything, namespace: )" +
                           name + R"(}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: everything}
subjects: [{kind: ServiceAccount, name: default, namespace: )" +
                           name + R"(}]
)";
  const auto documents = text::parseYamlDocuments(yaml);
  ASSERT_TRUE(documents);
  for (const text::YamlDocument& document : *documents) {
    const Status applied = applyObject(Cluster::find()->client(), document.value);
    ASSERT_TRUE(applied) << applied.error().message;
  }
}

namespace {

std::unique_ptr<OperatorProcess>& sharedOperatorSlot() {
  static std::unique_ptr<OperatorProcess> process;
  return process;
}

}  // namespace

OperatorProcess& sharedOperator() {
  auto& process = sharedOperatorSlot();
  if (process == nullptr || !process->isRunning()) {
    process = std::make_unique<OperatorProcess>();
    EXPECT_TRUE(process->waitUntilReady()) << process->log();
  }
  return *process;
}

void stopSharedOperator() { sharedOperatorSlot().reset(); }

void Case::SetUp() {
  if (Cluster::find() == nullptr) {
    GTEST_SKIP() << "NOT RUN: no cluster";
  }
  static int count = 0;
  const std::string stem = "e2e-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  ns_ = stem;
  sock_ = stem + "-sock";
  makeNamespace(ns_);
  makeNamespace(sock_);
  sharedOperator();
}

void Case::TearDown() {
  if (Cluster::find() == nullptr) return;
  if (HasFailure() && sharedOperatorSlot() != nullptr) {
    const std::string log = sharedOperatorSlot()->log();
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      if (line.find(ns_) != std::string::npos)
        std::fprintf(stderr, "    operator: %s\n", line.c_str());
    }
  }
  for (const std::string& name : {ns_, sock_}) {
    client().remove(resourceOf("Namespace"), {"", name}, {}, asUser());
  }
}

std::string Case::expand(std::string text) const {
  for (const auto& [mark, value] :
       {std::pair<std::string, std::string>("{NS}", ns_), {"{SOCK}", sock_}}) {
    for (std::size_t at = text.find(mark); at != std::string::npos;
         at = text.find(mark, at + value.size())) {
      text.replace(at, mark.size(), value);
    }
  }
  return text;
}

void Case::expectInTroubleshooting(std::string message) const {
  for (const auto& [name, standsFor] :
       {std::pair<std::string, std::string>(sock_, "databases"), {ns_, "shop"}}) {
    for (std::size_t at = message.find(name); at != std::string::npos; at = message.find(name, at))
      message.replace(at, name.size(), standsFor);
  }
  constexpr std::string_view kLocal = "127.0.0.1:";
  for (std::size_t at = message.find(kLocal); at != std::string::npos;
       at = message.find(kLocal, at)) {
    at += kLocal.size() - 1;
    message.erase(at,
                  std::min(message.find_first_not_of("0123456789", at + 1), message.size()) - at);
  }
  const std::string page = readFile(IOP_SOURCE_DIR "/docs/troubleshooting.md");
  EXPECT_NE(page.find("`" + message + "`"), std::string::npos)
      << "docs/troubleshooting.md does not have: `" << message << "`";
}

void Case::apply(const std::string& yaml) {
  const Status applied = tryToApply(yaml);
  ASSERT_TRUE(applied) << applied.error().message << "\n" << yaml;
}

Status Case::tryToApply(const std::string& yaml) {
  ASSIGN_OR_RETURN(const auto documents, text::parseYamlDocuments(expand(yaml)));
  for (const text::YamlDocument& document : documents)
    RETURN_IF_ERROR(applyObject(client(), document.value));
  return {};
}

Resource Case::resourceOf(const std::string& kind) {
  static const std::map<std::string, Resource> known = {
      {"Plug", {"integration.rock8s.com", "v1beta1", "plugs", "Plug", true}},
      {"Socket", {"integration.rock8s.com", "v1beta1", "sockets", "Socket", true}},
      {"Interface", {"integration.rock8s.com", "v1beta1", "interfaces", "Interface", true}},
      {"DeferredResource",
       {"integration.rock8s.com", "v1beta1", "deferredresources", "DeferredResource", true}},
      {"ConfigMap", {"", "v1", "configmaps", "ConfigMap", true}},
      {"Secret", {"", "v1", "secrets", "Secret", true}},
      {"Namespace", {"", "v1", "namespaces", "Namespace", false}},
      {"Event", {"", "v1", "events", "Event", true}},
      {"Job", {"batch", "v1", "jobs", "Job", true}},
      {"Lease", {"coordination.k8s.io", "v1", "leases", "Lease", true}},
      {"Role", {"rbac.authorization.k8s.io", "v1", "roles", "Role", true}},
      {"RoleBinding", {"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true}},
      {"ServiceAccount", {"", "v1", "serviceaccounts", "ServiceAccount", true}},
      {"ValidatingAdmissionPolicy",
       {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies",
        "ValidatingAdmissionPolicy", false}},
      {"ValidatingAdmissionPolicyBinding",
       {"admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding", false}},
  };
  return known.at(kind);
}

Value Case::get(const std::string& kind, const std::string& name,
                const std::string& namespaceName) {
  const Resource resource = resourceOf(kind);
  const std::string where = !resource.namespaced ? "" : namespaceName.empty() ? ns_ : namespaceName;
  return client().get(resource, {where, name}, {}).value_or(Value());
}

bool Case::exists(const std::string& kind, const std::string& name,
                  const std::string& namespaceName) {
  return !get(kind, name, namespaceName).isNull();
}

void Case::remove(const std::string& kind, const std::string& name,
                  const std::string& namespaceName) {
  const auto removed = client().remove(
      resourceOf(kind), {namespaceName.empty() ? ns_ : namespaceName, name}, {}, asUser());
  EXPECT_TRUE(removed) << removed.error().message;
}

void Case::annotate(const std::string& kind, const std::string& name, const std::string& key,
                    const std::string& value) {
  const Value patch = Value::object(
      {{"metadata", Value::object({{"annotations", Value::object({{key, value}})}})}});
  const auto patched =
      client().patch(resourceOf(kind), {ns_, name}, kube::client::PatchType::Merge, patch, {});
  EXPECT_TRUE(patched) << patched.error().message;
}

std::vector<Value> Case::list(const std::string& kind, const std::string& namespaceName) {
  const auto page = client().list(resourceOf(kind), namespaceName, {}, {});
  if (!page) return {};
  const auto items = (*page)["items"].items();
  return {items.begin(), items.end()};
}

std::string Case::condition(const std::string& kind, const std::string& name,
                            const std::string& type, const std::string& namespaceName) {
  const Value object = get(kind, name, namespaceName);
  for (const Value& item : object["status"]["conditions"].items()) {
    if (item["type"].asString() == type)
      return item["status"].toString() + "/" + item["reason"].toString();
  }
  return {};
}

std::string Case::message(const std::string& kind, const std::string& name, const std::string& type,
                          const std::string& namespaceName) {
  const Value object = get(kind, name, namespaceName);
  for (const Value& item : object["status"]["conditions"].items()) {
    if (item["type"].asString() == type) return item["message"].toString();
  }
  return {};
}

std::vector<Value> Case::events(const std::string& kind, const std::string& name,
                                const std::string& namespaceName) {
  std::vector<Value> found;
  for (Value& event : list("Event", namespaceName.empty() ? ns_ : namespaceName)) {
    const Value& about = event["involvedObject"];
    if (about["kind"].asString() == kind && about["name"].asString() == name)
      found.push_back(std::move(event));
  }
  return found;
}

int Case::countEvents(const std::string& kind, const std::string& name, const std::string& reason,
                      const std::string& namespaceName) {
  int count = 0;
  for (const Value& event : events(kind, name, namespaceName)) {
    if (event["reason"].asString() == reason)
      count += static_cast<int>(std::max<std::int64_t>(1, event["count"].asInt()));
  }
  return count;
}

bool Case::eventually(const std::string& what, const std::function<bool()>& isSo,
                      std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  do {
    if (isSo()) return true;
    sleepBriefly();
  } while (std::chrono::steady_clock::now() < deadline);
  ADD_FAILURE() << "not within " << timeout.count() << " ms: " << what << "\n"
                << text::printYaml(get("Plug", "plug")["status"]);
  return false;
}

void Case::stays(const std::string& what, const std::function<bool()>& isSo,
                 std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  do {
    if (!isSo()) {
      ADD_FAILURE() << "does not stay so: " << what;
      return;
    }
    sleepBriefly();
  } while (std::chrono::steady_clock::now() < deadline);
}

bool Case::eventuallyCoupled(const std::string& plug) {
  return eventually(plug + " is coupled",
                    [&] { return condition("Plug", plug, "Coupled") == "True/CouplingSucceeded"; });
}

bool Case::eventuallyWaits(const std::string& reason, const std::string& plug) {
  return eventually(plug + " waits with " + reason,
                    [&] { return condition("Plug", plug, "Coupled") == "False/" + reason; });
}

CommandResult runCommand(const std::string& commandLine) {
  CommandResult result;
  FILE* pipe = popen((commandLine + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {127, "cannot run"};
  char buffer[4096];
  for (std::size_t got; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    result.output.append(buffer, got);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

}  // namespace iop::e2e
