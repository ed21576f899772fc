#include "cli/dev_command.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <ostream>
#include <sstream>
#include <thread>

#include "apiserver/api_server.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/manifests.h"
#include "kube/api/object.h"
#include "kube/client/config.h"
#include "kube/client/rest_client.h"
#include "operator/api/crds.h"
#include "operator/control/operator.h"

namespace iop::cli {
namespace {

namespace fs = std::filesystem;
using kube::api::Resource;
using kube::client::RestClient;

constexpr std::chrono::milliseconds kFilePoll{300};
constexpr std::chrono::seconds kWatchPause{1};
// A kind whose CRD has just been made takes a moment.
constexpr std::chrono::seconds kKindWait{10};
constexpr std::chrono::milliseconds kKindPoll{20};

// Lines for people, from several threads.
class Console {
 public:
  explicit Console(std::ostream& out) : out_(out) {}
  void say(const std::string& line) {
    const std::scoped_lock lock(mutex_);
    out_ << line << "\n" << std::flush;
  }

 private:
  std::mutex mutex_;
  std::ostream& out_;
};

Status applyObject(RestClient& client, const Value& object) {
  kube::client::CallOptions options;
  options.fieldManager = "integration-operator-dev";
  options.force = true;
  const auto deadline = std::chrono::steady_clock::now() + kKindWait;
  while (true) {
    const auto resource = client.resolve(kube::api::kindOf(object));
    if (resource) {
      kube::api::ObjectKey key = kube::api::keyOf(object);
      if (resource->namespaced && key.namespaceName.empty()) key.namespaceName = "default";
      const auto applied =
          client.patch(*resource, key, kube::client::PatchType::Apply, object, options);
      if (applied) return {};
      if (!applied.error().isNotFound() || std::chrono::steady_clock::now() > deadline) {
        return tl::unexpected(
            applied.error().withContext("apply " + object["kind"].toString() + " " + key.print()));
      }
    } else if (std::chrono::steady_clock::now() > deadline) {
      return tl::unexpected(resource.error());
    }
    std::this_thread::sleep_for(kKindPoll);
  }
}

// What others need comes first.
int rankOf(const Value& object) {
  const std::string_view kind = object["kind"].asString();
  if (kind == "Namespace") return 0;
  if (kind == "CustomResourceDefinition") return 1;
  if (kind == "ServiceAccount" || kind.find("Role") != std::string_view::npos) return 2;
  if (kind == "Interface") return 3;
  return 4;
}

// Applies the manifests of some paths, and again those that change.
class Applier {
 public:
  Applier(RestClient& client, std::vector<std::string> paths, Console& console)
      : client_(client), paths_(std::move(paths)), console_(console) {}

  // False where something could not be applied; what was wrong has been told.
  bool apply() {
    std::istream& none = emptyInput_;
    const auto files = readManifests(paths_, none);
    if (!files) return tell(files.error());
    std::vector<Value> objects;
    bool good = true;
    for (const ManifestFile& file : *files) {
      std::string& known = texts_[file.path];
      if (known == file.text) continue;
      known = file.text;
      const auto documents = parseManifests(file);
      if (!documents) {
        good = tell(documents.error());
        continue;
      }
      for (const text::YamlDocument& document : *documents) {
        if (!document.value.isNull()) objects.push_back(document.value);
      }
    }
    std::stable_sort(objects.begin(), objects.end(),
                     [](const Value& a, const Value& b) { return rankOf(a) < rankOf(b); });
    for (const Value& object : objects) {
      const Status applied = applyObject(client_, object);
      if (!applied) {
        good = tell(applied.error());
        continue;
      }
      console_.say("applied   " + object["kind"].toString() + " " +
                   kube::api::keyOf(object).print());
    }
    return good;
  }

 private:
  // The same trouble is told once.
  bool tell(const Error& error) {
    if (error.message != told_) console_.say("error     " + error.message);
    told_ = error.message;
    return false;
  }

  RestClient& client_;
  std::vector<std::string> paths_;
  Console& console_;
  std::map<std::string, std::string> texts_;
  std::string told_;
  std::istringstream emptyInput_;
};

// One line for each change of a plug's or socket's Ready condition.
void logChanges(RestClient& client, const Resource& resource, Console& console,
                const std::stop_token& stop) {
  std::map<kube::api::ObjectKey, std::string> known;
  while (!stop.stop_requested()) {
    kube::client::CallOptions options;
    options.stop = stop;
    static_cast<void>(
        client.watch(resource, "", {.serverTimeout = std::chrono::seconds(3600)}, options,
                     [&](kube::client::WatchEvent&& event) {
                       using Type = kube::client::WatchEvent::Type;
                       if (event.type == Type::Bookmark || event.type == Type::Error) return true;
                       const kube::api::ObjectKey key = kube::api::keyOf(event.object);
                       const std::string who = resource.kind + " " + key.print();
                       if (event.type == Type::Deleted) {
                         known.erase(key);
                         console.say("deleted   " + who);
                         return true;
                       }
                       for (const Value& condition : event.object["status"]["conditions"].items()) {
                         if (condition["type"].asString() != "Ready") continue;
                         const bool ready = condition["status"].asString() == "True";
                         const std::string line = (ready ? "ready     " : "waits     ") + who +
                                                  ": " + condition["reason"].toString() + ": " +
                                                  condition["message"].toString();
                         std::string& last = known[key];
                         if (last != line) console.say(line);
                         last = line;
                       }
                       return true;
                     }));
    // The watch ended: time was up, or the server stops.
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any condition;
    condition.wait_for(lock, stop, kWatchPause, [] { return false; });
  }
}

// Without --kubeconfig: a folder that only we can read, which goes with us.
Result<std::string> privateFolder() {
  const char* base = std::getenv("TMPDIR");
  std::string path = std::string(base == nullptr || *base == '\0' ? "/tmp" : base) +
                     "/integration-operator-XXXXXX";
  if (mkdtemp(path.data()) == nullptr)
    return fail(Code::InternalError, "make a folder like '" + path + "'");
  return path;
}

struct Running {
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<RestClient> client;
  std::unique_ptr<operators::control::Operator> theOperator;
  std::string folder;  // ours; empty: none
  std::string kubeconfig;
  std::vector<std::jthread> threads;

  ~Running() {
    for (std::jthread& thread : threads) thread.request_stop();
    threads.clear();
    if (theOperator != nullptr) theOperator->stop();
    theOperator.reset();
    client.reset();
    if (server != nullptr) server->stop();
    std::error_code ignored;
    fs::remove(kubeconfig, ignored);
    if (!folder.empty()) fs::remove_all(folder, ignored);
  }
};

Status start(const DevFlags& flags, Running& running) {
  ASSIGN_OR_RETURN(running.server, apiserver::ApiServer::start({.address = flags.listen,
                                                                .dataDirectory = flags.data,
                                                                .auditLog = flags.auditLog}));
  ASSIGN_OR_RETURN(const std::string text, running.server->kubeconfig());
  ASSIGN_OR_RETURN(running.folder, privateFolder());
  const std::string own = running.folder + "/operator.kubeconfig";
  RETURN_IF_ERROR(base::writePrivateFile(own, text));
  ASSIGN_OR_RETURN(kube::client::Config config, kube::client::loadConfig({.kubeconfig = own}));
  ASSIGN_OR_RETURN(running.client, RestClient::create(std::move(config)));
  if (!flags.withoutOperator) {
    for (const Value& crd : operators::api::crds())
      RETURN_IF_ERROR(applyObject(*running.client, crd));
    for (const Value& crd : operators::api::crds()) {
      // Until they are served, the operator would look for them in vain.
      const kube::api::GroupVersionKind kind{crd["spec"]["group"].toString(),
                                             crd["spec"]["versions"].at(0)["name"].toString(),
                                             crd["spec"]["names"]["kind"].toString()};
      const auto deadline = std::chrono::steady_clock::now() + kKindWait;
      while (!running.client->resolve(kind) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(kKindPoll);
    }
    operators::control::OperatorOptions options;
    options.kubeconfig = own;
    options.metricsAddress = "0";
    options.healthAddress = "0";
    running.theOperator = std::make_unique<operators::control::Operator>(std::move(options), [] {});
    RETURN_IF_ERROR(running.theOperator->start());
  }
  running.kubeconfig = flags.kubeconfig.empty() ? running.folder + "/kubeconfig" : flags.kubeconfig;
  // The last thing: whoever waits for this file finds a server that answers.
  return base::writePrivateFile(running.kubeconfig, text);
}

}  // namespace

int runDev(const DevFlags& flags, const Streams& streams) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // People read what this prints; the log is for what is wrong.
  log::configure(log::Level::Warn, log::Format::Console);

  Console console(streams.out);
  std::unique_ptr<Applier> applier;  // outlives the threads of `running`
  Running running;
  if (const Status started = start(flags, running); !started) {
    streams.err << "cannot start: " << started.error().message << "\n";
    return 1;
  }
  console.say("The Kubernetes API is served on " + running.server->url() +
              (flags.data.empty() ? ", in memory." : ", and kept in " + flags.data + "."));
  console.say("No pods run, no images are pulled. In another terminal:\n");
  console.say("    export KUBECONFIG=" + fs::absolute(running.kubeconfig).string() + "\n");

  if (!flags.withoutOperator) {
    for (const char* kind : {"Plug", "Socket"}) {
      const auto resource = running.client->resolve({"integration.rock8s.com", "v1beta1", kind});
      if (!resource) continue;
      running.threads.emplace_back([&, resource = *resource](const std::stop_token& stop) {
        logChanges(*running.client, resource, console, stop);
      });
    }
  }
  applier = std::make_unique<Applier>(*running.client, flags.files, console);
  if (!flags.files.empty()) {
    applier->apply();
    running.threads.emplace_back([&applier](const std::stop_token& stop) {
      std::mutex mutex;
      std::condition_variable_any condition;
      while (!stop.stop_requested()) {
        std::unique_lock lock(mutex);
        condition.wait_for(lock, stop, kFilePoll, [] { return false; });
        if (!stop.stop_requested()) applier->apply();
      }
    });
  }
  int signal = 0;
  sigwait(&signals, &signal);
  console.say("ends");
  return 0;
}

}  // namespace iop::cli
