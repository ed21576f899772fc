// The operator under load, on a real kube-apiserver and etcd (KUBEBUILDER_ASSETS).
//
//   load_bench [PLUGS…]        200 and 1,000 plugs to one socket unless told otherwise
//
// For each number of plugs, with a server and an operator of its own: all are created at once, each
// with one ConfigMap; a few more one at a time; the socket changes, which reaches all; the operator
// restarts; all plugs are deleted. Requests are counted from the server's audit log, processor time
// and memory read from /proc. Everything runs on this machine, the API server too, so look at
// ratios and counts.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "base/file.h"
#include "http/client.h"
#include "kube/api/object.h"
#include "kube/client/config.h"
#include "kube/client/rest_client.h"
#include "kube/runtime/informer.h"
#include "testing/kube_server.h"
#include "testing/process.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::bench {
namespace {

using kube::api::Resource;
using kube::client::CallOptions;
using kube::client::RestClient;
using std::chrono::steady_clock;

constexpr const char* kNamespace = "load";
constexpr const char* kAgent = "integration-operator/";
constexpr int kOneAtATime = 30;
constexpr int kCreators = 8;
constexpr std::chrono::seconds kPatience{300};

const Resource kPlugs{"integration.rock8s.com", "v1beta1", "plugs", "Plug", true};
const Resource kSockets{"integration.rock8s.com", "v1beta1", "sockets", "Socket", true};
const Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};

[[noreturn]] void die(const std::string& message) {
  std::fprintf(stderr, "load_bench: %s\n", message.c_str());
  std::exit(1);
}

template <typename T>
T check(Result<T> result, const std::string& what) {
  if (!result) die(what + ": " + result.error().message);
  return std::move(*result);
}

double secondsSince(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

std::string nameOf(int number) { return "plug-" + std::to_string(number); }

Value plugObject(const std::string& name) {
  return check(
      text::parseYaml("apiVersion: integration.rock8s.com/v1beta1\n"
                      "kind: Plug\n"
                      "metadata: {name: " +
                      name + ", namespace: " + kNamespace +
                      "}\n"
                      "spec:\n"
                      "  socket: {name: db}\n"
                      "  config: {database: shop}\n"
                      "  resources:\n"
                      "    - template:\n"
                      "        apiVersion: v1\n"
                      "        kind: ConfigMap\n"
                      "        metadata: {name: '{% .plug.metadata.name %}'}\n"
                      "        data: {url: '{% .socketConfig.host %}/{% "
                      ".plugConfig.database %}', version: '{% .socketConfig.version %}'}\n"),
      "plug");
}

Value socketObject(int version) {
  return check(text::parseYaml("apiVersion: integration.rock8s.com/v1beta1\n"
                               "kind: Socket\n"
                               "metadata: {name: db, namespace: " +
                               std::string(kNamespace) +
                               "}\n"
                               "spec:\n"
                               "  interface:\n"
                               "    config:\n"
                               "      plug: {database: {required: true}}\n"
                               "      socket: {host: {required: true}, version: {}}\n"
                               "  config: {host: db.load.svc, version: '" +
                               std::to_string(version) + "'}\n"),
               "socket");
}

// The operator as users run it, with what /proc and its metrics tell about it.
class OperatorProcess {
 public:
  OperatorProcess(const testing::KubeServer& server, int number)
      : log_(server.directory() + "/operator-" + std::to_string(number) + ".log"),
        process_(check(testing::Process::start({IOP_OPERATOR, "run", "--kubeconfig",
                                                server.kubeconfigPath(), "--metrics-bind-address",
                                                "127.0.0.1:0", "--health-probe-bind-address", "0"},
                                               log_),
                       "start the operator")) {}

  void stop() { process_->kill(SIGTERM); }

  double cpuSeconds() const {
    const std::string stat = base::readFile(proc("stat")).value_or("");
    std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 2)));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

  double peakMebibytes() const { return mebibytes("VmHWM:"); }
  // What is not shared with the files of programs and libraries.
  double privateMebibytes() const { return mebibytes("RssAnon:"); }

  // Reconciles of a controller that ended well.
  double reconciles(const std::string& controller) {
    if (port_ == 0) {
      std::istringstream lines(base::readFile(log_).value_or(""));
      for (std::string line; std::getline(lines, line);) {
        const Result<Value> parsed = text::parseJson(line);
        if (parsed && (*parsed)["msg"].asString() == "metrics are served")
          port_ = static_cast<int>((*parsed)["port"].asInt());
      }
      if (port_ == 0) return 0;
    }
    const auto answer =
        http_.send({.url = "http://127.0.0.1:" + std::to_string(port_) + "/metrics"});
    if (!answer) return 0;
    const std::string line =
        "controller_runtime_reconcile_total{controller=\"" + controller + "\",result=\"success\"} ";
    const std::size_t at = answer->body.find(line);
    return at == std::string::npos ? 0 : std::atof(answer->body.c_str() + at + line.size());
  }

 private:
  double mebibytes(std::string_view field) const {
    std::istringstream lines(base::readFile(proc("status")).value_or(""));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(field)) return std::atof(line.c_str() + field.size()) / 1024;
    }
    return 0;
  }
  std::string proc(const std::string& file) const {
    return "/proc/" + std::to_string(process_->pid()) + "/" + file;
  }

  std::string log_;
  std::unique_ptr<testing::Process> process_;
  http::Client http_{{.proxy = ""}};
  int port_ = 0;
};

// Notes when each object first was as it should be.
class Arrivals {
 public:
  void note(const std::string& name) {
    std::lock_guard guard(mutex_);
    if (at_.emplace(name, steady_clock::now()).second) changed_.notify_all();
  }
  void waitFor(std::size_t count, const std::string& what) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kPatience, [&] { return at_.size() >= count; }))
      die("only " + std::to_string(at_.size()) + " of " + std::to_string(count) + " " + what);
  }
  std::map<std::string, steady_clock::time_point> take() {
    std::lock_guard guard(mutex_);
    return std::exchange(at_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, steady_clock::time_point> at_;
};

struct Requests {
  std::map<std::string, std::size_t> byVerb;
  std::size_t all = 0, writes = 0, events = 0, socketWrites = 0;
};

Requests requestsSince(const std::string& auditLog, std::size_t offset) {
  Requests out;
  for (const testing::AuditEntry& entry : testing::readAuditLog(auditLog, offset)) {
    if (!entry.userAgent.starts_with(kAgent)) continue;
    const bool isWrite = entry.verb == "create" || entry.verb == "update" ||
                         entry.verb == "patch" || entry.verb == "delete";
    ++out.all;
    ++out.byVerb[entry.resource == "events" ? "event" : entry.verb];
    if (entry.resource == "events") {
      ++out.events;
    } else if (isWrite) {
      ++out.writes;
      if (entry.resource == "sockets/status") ++out.socketWrites;
    }
  }
  return out;
}

class Load {
 public:
  explicit Load(int plugs) : plugs_(plugs) {}
  void run();

 private:
  void prepare();
  void createAll();
  void oneAtATime();
  void changeSocket();
  void restart();
  void deleteAll();

  // Waits until the operator has sent nothing for a moment: events are written behind.
  void settle();
  std::size_t logSize() const { return testing::auditLogSize(server_->auditLogPath()); }
  Requests requests(std::size_t offset) const {
    return requestsSince(server_->auditLogPath(), offset);
  }
  void create(const Value& plug) {
    check(client_->create(kPlugs, kNamespace, plug, {}), "create a plug");
  }
  template <typename Function>
  void inParallel(Function function);

  const int plugs_;
  std::unique_ptr<testing::KubeServer> server_;
  std::unique_ptr<RestClient> client_;
  std::unique_ptr<OperatorProcess> operator_;
  Arrivals coupled_, updated_, gone_;
  std::atomic<int> version_{1};
  std::unique_ptr<kube::runtime::Informer> plugInformer_, mapInformer_;
};

void Load::prepare() {
  server_ = check(testing::KubeServer::start(), "start the API server");
  client_ = check(
      RestClient::create(check(kube::client::loadConfig({.kubeconfig = server_->kubeconfigPath()}),
                               "load the kubeconfig"),
                         {.userAgent = "load-bench"}),
      "make a client");
  const auto apply = [this](const Value& object) {
    CallOptions options;
    options.fieldManager = "load-bench";
    const Resource resource =
        check(client_->resolve(kube::api::kindOf(object)), "find a kind that is applied");
    check(client_->patch(resource, kube::api::keyOf(object), kube::client::PatchType::Apply, object,
                         options),
          "apply " + kube::api::keyOf(object).print());
  };
  for (const char* name : {"plugs", "sockets", "interfaces", "deferredresources"}) {
    const std::string path = std::string(IOP_SOURCE_DIR "/config/crd/") + name + ".yaml";
    apply(check(text::parseYaml(check(base::readFile(path), path)), path));
  }
  const std::string rights =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: load}\n---\n"
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n"
      "metadata: {name: all, namespace: load}\n"
      "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n"
      "subjects: [{kind: ServiceAccount, name: default, namespace: load}]\n";
  for (const text::YamlDocument& document : check(text::parseYamlDocuments(rights), "rights"))
    apply(document.value);
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (!client_->list(kPlugs, kNamespace, {}, {}) || !client_->list(kSockets, "", {}, {}) ||
         !client_->resolve(kSockets.gvk())) {
    if (steady_clock::now() > deadline) die("the CRDs are not served");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  apply(socketObject(1));

  const auto onPlug = [this](const Value& plug) {
    for (const Value& condition : plug["status"]["conditions"].items()) {
      if (condition["type"].asString() == "Coupled" && condition["status"].asString() == "True")
        coupled_.note(std::string(kube::api::nameOf(plug)));
    }
  };
  const auto makeInformer = [this](const Resource& resource) {
    return std::make_unique<kube::runtime::Informer>(
        *client_, base::realClock(), std::make_shared<kube::runtime::Store>(),
        kube::runtime::InformerOptions{.resource = resource, .namespaceName = kNamespace});
  };
  plugInformer_ = makeInformer(kPlugs);
  plugInformer_->addHandlers(
      {.onAdd = [onPlug](const Value& plug, bool) { onPlug(plug); },
       .onUpdate = [onPlug](const Value&, const Value& plug) { onPlug(plug); },
       .onDelete = [this](const Value& plug) { gone_.note(kube::api::keyOf(plug).name); }});
  mapInformer_ = makeInformer(kConfigMaps);
  mapInformer_->addHandlers({.onUpdate = [this](const Value&, const Value& map) {
    if (map["data"]["version"].asString() == std::to_string(version_))
      updated_.note(std::string(kube::api::nameOf(map)));
  }});
  plugInformer_->start();
  mapInformer_->start();
  if (!plugInformer_->waitForSync(std::chrono::seconds(30)) ||
      !mapInformer_->waitForSync(std::chrono::seconds(30)))
    die("the bench's own watches do not start");

  operator_ = std::make_unique<OperatorProcess>(*server_, 1);
  // One first, so that connections and discovery are there.
  create(plugObject("first"));
  coupled_.waitFor(1, "plugs are coupled");
  coupled_.take();
  settle();
}

void Load::settle() {
  std::size_t before = 0;
  for (int quiet = 0; quiet < 4;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const std::size_t now = requests(0).all;
    quiet = now == before ? quiet + 1 : 0;
    before = now;
  }
}

template <typename Function>
void Load::inParallel(Function function) {
  std::atomic<int> next{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < kCreators; ++i) {
    threads.emplace_back([&] {
      for (int number = next++; number < plugs_; number = next++) function(number);
    });
  }
}

void printRequests(const Requests& requests, int count) {
  const auto each = [count](std::size_t number) { return static_cast<double>(number) / count; };
  std::printf("  requests each    %.2f, of these writes %.2f and events %.2f (", each(requests.all),
              each(requests.writes), each(requests.events));
  const char* separator = "";
  for (const auto& [verb, number] : requests.byVerb) {
    std::printf("%s%s %.2f", separator, verb.c_str(), each(number));
    separator = ", ";
  }
  std::printf(")\n  socket's status  written %zu times\n", requests.socketWrites);
}

void Load::createAll() {
  const std::size_t offset = logSize();
  const double cpu = operator_->cpuSeconds();
  std::mutex mutex;
  std::map<std::string, steady_clock::time_point> created;
  const auto start = steady_clock::now();
  inParallel([&](int number) {
    const Value plug = plugObject(nameOf(number));
    const auto at = steady_clock::now();
    {
      std::lock_guard guard(mutex);
      created[nameOf(number)] = at;
    }
    create(plug);
  });
  coupled_.waitFor(static_cast<std::size_t>(plugs_), "plugs are coupled");
  const double seconds = secondsSince(start);
  std::vector<double> latencies;
  for (const auto& [name, at] : coupled_.take())
    latencies.push_back(std::chrono::duration<double>(at - created.at(name)).count());
  settle();
  std::printf("%d plugs at once\n", plugs_);
  std::printf(
      "  couplings        %.1f/s, all after %.2f s; created to coupled p50 %.0f ms, p99 %.0f ms\n",
      plugs_ / seconds, seconds, percentile(latencies, 0.5) * 1e3,
      percentile(latencies, 0.99) * 1e3);
  printRequests(requests(offset), plugs_);
  std::printf("  processor        %.2f ms each\n", (operator_->cpuSeconds() - cpu) * 1e3 / plugs_);
}

void Load::oneAtATime() {
  std::vector<double> latencies;
  for (int i = 0; i < kOneAtATime; ++i) {
    const Value plug = plugObject("single-" + std::to_string(i));
    const auto start = steady_clock::now();
    create(plug);
    coupled_.waitFor(1, "plugs are coupled");
    latencies.push_back(secondsSince(start));
    coupled_.take();
  }
  settle();
  std::printf("  one at a time    p50 %.1f ms, p99 %.1f ms\n", percentile(latencies, 0.5) * 1e3,
              percentile(latencies, 0.99) * 1e3);
}

void Load::changeSocket() {
  const int count = plugs_ + kOneAtATime + 1;
  const std::size_t offset = logSize();
  const double cpu = operator_->cpuSeconds();
  version_ = 2;
  const auto start = steady_clock::now();
  CallOptions options;
  options.fieldManager = "load-bench";
  check(client_->patch(kSockets, {kNamespace, "db"}, kube::client::PatchType::Apply,
                       socketObject(version_), options),
        "change the socket");
  updated_.waitFor(static_cast<std::size_t>(count), "plugs have the change");
  const double seconds = secondsSince(start);
  settle();
  const Requests sent = requests(offset);
  std::printf(
      "  socket changes   reaches all %d in %.2f s with %zu writes and %zu events, %.2f ms of "
      "processor each\n",
      count, seconds, sent.writes, sent.events, (operator_->cpuSeconds() - cpu) * 1e3 / count);
}

void Load::restart() {
  std::printf("  memory           %.1f MiB at most, now %.1f MiB of its own\n",
              operator_->peakMebibytes(), operator_->privateMebibytes());
  operator_->stop();
  const std::size_t offset = logSize();
  const auto start = steady_clock::now();
  operator_ = std::make_unique<OperatorProcess>(*server_, 2);
  const int count = plugs_ + kOneAtATime + 1;
  while (operator_->reconciles("plug") < count) {
    if (secondsSince(start) > 60) die("the operator has not looked at all plugs in 60 s");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const double seconds = secondsSince(start);
  std::this_thread::sleep_for(std::chrono::seconds(10));
  const Requests sent = requests(offset);
  std::printf(
      "  restart          all looked at after %.2f s; %zu writes, %zu events, %zu requests in 10 "
      "s; %.1f MiB\n",
      seconds, sent.writes, sent.events, sent.all, operator_->peakMebibytes());
}

void Load::deleteAll() {
  const std::size_t offset = logSize();
  gone_.take();
  const auto start = steady_clock::now();
  inParallel([&](int number) {
    check(client_->remove(kPlugs, {kNamespace, nameOf(number)}, {}, {}), "delete a plug");
  });
  gone_.waitFor(static_cast<std::size_t>(plugs_), "plugs are gone");
  const double seconds = secondsSince(start);
  settle();
  const Requests sent = requests(offset);
  const Value left = check(client_->list(kConfigMaps, kNamespace, {}, {}), "list ConfigMaps");
  std::printf("  deletion         %.1f/s; %.2f writes each; %zu ConfigMaps left over\n\n",
              plugs_ / seconds, static_cast<double>(sent.writes) / plugs_,
              left["items"].size() - kOneAtATime - 1);
}

void Load::run() {
  prepare();
  createAll();
  oneAtATime();
  changeSocket();
  restart();
  deleteAll();
  operator_->stop();
}

}  // namespace
}  // namespace iop::bench

int main(int argc, char** argv) {
  using iop::bench::Load;
  if (!iop::testing::KubeServer::isAvailable()) {
    std::printf("load_bench: NOT RUN: %s\n", iop::testing::KubeServer::kUnavailable.data());
    return 0;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::vector<int> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::atoi(argv[i]));
  if (sizes.empty()) sizes = {200, 1000};
  for (const int size : sizes) {
    if (size <= 0) {
      std::fprintf(stderr, "load_bench: the arguments are numbers of plugs\n");
      return 2;
    }
    Load(size).run();
  }
  std::printf(
      "The Go operator with 200 plugs on a machine of this kind: 2.8 couplings/s, 36 requests and "
      "10 writes each,\n"
      "119 ms of processor each, 273 ms one at a time, 37 s and 1,737 writes for a change to reach "
      "all,\n"
      "460 writes in the first 10 s after a restart, 64 MiB.\n");
  return 0;
}
