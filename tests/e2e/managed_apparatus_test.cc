// Managed apparatuses: pods that the operator starts and stops. There is no kubelet here: a
// stand-in runs the containers' commands as processes and sets the pods' status as a kubelet would.

#include <signal.h>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "kube/api/object.h"
#include "testing/process.h"
#include "tests/e2e/harness.h"

namespace iop::e2e {
namespace {

const kube::api::Resource kPods{"", "v1", "pods", "Pod", true};
const kube::api::Resource kServices{"", "v1", "services", "Service", true};

class Kubelet {
 public:
  explicit Kubelet(std::vector<std::string> namespaces) : namespaces_(std::move(namespaces)) {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        look();
        std::this_thread::sleep_for(std::chrono::milliseconds(40));
      }
      running_.clear();  // on the thread that started them
    });
  }

  // How many pods it has seen since it began.
  int started() const { return started_; }

 private:
  void look() {
    std::map<std::string, Value> present;
    for (const std::string& namespaceName : namespaces_) {
      const auto page = Cluster::find()->client().list(kPods, namespaceName, {}, {});
      if (!page) return;
      for (const Value& pod : (*page)["items"].items()) {
        present[std::string(kube::api::uidOf(pod))] = pod;
      }
    }
    std::erase_if(running_, [&](const auto& entry) { return !present.contains(entry.first); });
    for (const auto& [uid, pod] : present) {
      if (!running_.contains(uid)) start(uid, pod);
    }
  }

  void start(const std::string& uid, const Value& pod) {
    const Value& container = pod["spec"]["containers"].at(0);
    const bool hasImage = container["image"].asString() != "example/missing";
    std::unique_ptr<testing::Process>& process = running_[uid];
    if (hasImage) {
      std::vector<std::string> command;
      for (const char* list : {"command", "args"}) {
        for (const Value& word : container[list].items()) command.push_back(word.toString());
      }
      auto made = testing::Process::start(command, "/dev/null");
      if (made) process = std::move(*made);
    }
    ++started_;
    const Value state =
        hasImage ? Value::object({{"running", Value::object()}})
                 : Value::object({{"waiting", Value::object({{"reason", "ImagePullBackOff"},
                                                             {"message", "no such image"}})}});
    const Value ready = Value::object({{"type", "Ready"}, {"status", hasImage ? "True" : "False"}});
    const Value status = Value::object(
        {{"phase", hasImage ? "Running" : "Pending"},
         {"conditions", Value::array({ready})},
         {"containerStatuses", Value::array({Value::object({{"name", container["name"]},
                                                            {"ready", hasImage},
                                                            {"restartCount", 0},
                                                            {"image", container["image"]},
                                                            {"imageID", ""},
                                                            {"state", state}})})}});
    kube::client::CallOptions options;
    options.subresource = "status";
    Cluster::find()->client().patch(kPods, kube::api::keyOf(pod), kube::client::PatchType::Merge,
                                    Value::object({{"status", status}}), options);
  }

  std::vector<std::string> namespaces_;
  std::map<std::string, std::unique_ptr<testing::Process>> running_;
  std::atomic<int> started_{0};
  std::jthread thread_;
};

class ManagedApparatus : public Case {
 protected:
  void SetUp() override {
    Case::SetUp();
    if (IsSkipped()) return;
    port_ = testing::findFreePort();
    log_ = ::testing::TempDir() + "apparatus-" + ns() + ".log";
    std::remove(log_.c_str());
  }

  // The socket's spec, its apparatus listening where the test can reach it.
  std::string socket(const std::string& more = "", const std::string& image = "example/apparatus") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  apparatus:
    endpoint: http://127.0.0.1:)" +
           std::to_string(port_) + "\n    idleTimeout: 2\n" + more + R"(
    containers:
      - name: apparatus
        image: )" +
           image + R"(
        ports: [{name: container, containerPort: 8080}]
        command: [/usr/bin/python3, )" IOP_SOURCE_DIR R"(/tests/e2e/recording_apparatus.py, ")" +
           std::to_string(port_) + "\", " + log_ + "]\n";
  }

  static std::string plug(const std::string& name) {
    return R"(
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made-)" +
           name + R"(}, data: {host: "{% .socketConfig.hostname %}"}}
)";
  }

  std::vector<std::string> heard() {
    std::ifstream file(log_);
    std::vector<std::string> paths;
    for (std::string line; std::getline(file, line);) {
      if (line != "/ping" && line != "/config") paths.push_back(line);
    }
    return paths;
  }

  std::vector<Value> objectsOf(const kube::api::Resource& resource) {
    const auto page = client().list(resource, sock(), {}, {});
    if (!page) return {};
    const auto items = (*page)["items"].items();
    return {items.begin(), items.end()};
  }

  int port_ = 0;
  std::string log_;
};

TEST_F(ManagedApparatus, IsStartedForAnEventAndHearsOfItWhenItIsReady) {
  apply(socket() + plug("plug"));
  ASSERT_TRUE(eventually("the socket says what it waits for", [&] {
    return condition("Socket", "socket", "Coupled", sock()) == "False/ApparatusNotReady";
  }));
  ASSERT_TRUE(eventuallyWaits("ApparatusNotReady"));
  eventually("the plug says it, too", [&] {
    return message("Plug", "plug", "Coupled").find("is starting") != std::string::npos;
  });
  EXPECT_TRUE(heard().empty());
  {
    const std::vector<Value> pods = objectsOf(kPods);
    ASSERT_EQ(pods.size(), 1U);
    const Value& pod = pods.front();
    const std::string name(kube::api::nameOf(pod));
    EXPECT_EQ(pod["metadata"]["labels"]["apparatus"].asString(), name);
    EXPECT_EQ(kube::api::annotationOf(pod, "sidecar.istio.io/inject"), "false");
    EXPECT_EQ(pod["spec"]["serviceAccountName"].asString(), "default");
    EXPECT_EQ(pod["metadata"]["ownerReferences"].at(0)["uid"].asString(),
              kube::api::uidOf(get("Socket", "socket", sock())));
    const std::vector<Value> services = objectsOf(kServices);
    ASSERT_EQ(services.size(), 1U);
    EXPECT_EQ(services.front()["spec"]["selector"]["apparatus"].asString(), name);
    EXPECT_EQ(services.front()["spec"]["ports"].at(0)["port"].asInt(), 80);
    EXPECT_EQ(services.front()["spec"]["ports"].at(0)["targetPort"].asString(), "container");
  }
  Kubelet kubelet({sock()});
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(get("ConfigMap", "made-plug")["data"]["host"].asString(), "from-the-pod");
  eventually("it has heard of both events, in order", [&] {
    return heard() == std::vector<std::string>{"/created", "/coupled"};
  });
  EXPECT_EQ(kubelet.started(), 1);
}

TEST_F(ManagedApparatus, IsStoppedWhenIdleAndStartedForTheNextEvent) {
  Kubelet kubelet({sock()});
  apply(socket() + plug("plug"));
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_TRUE(eventually("the pod is stopped", [&] { return objectsOf(kPods).empty(); }));
  EXPECT_EQ(objectsOf(kServices).size(), 1U) << "the service stays";
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_EQ(heard(), (std::vector<std::string>{"/created", "/coupled", "/decoupled"}));
  EXPECT_EQ(kubelet.started(), 2);
}

TEST_F(ManagedApparatus, TheIdleClockSurvivesARestartOfTheOperator) {
  Kubelet kubelet({sock()});
  apply(socket() + plug("plug"));
  ASSERT_TRUE(eventuallyCoupled());
  stopSharedOperator();
  stays(
      "nobody stops the pod", [&] { return objectsOf(kPods).size() == 1; },
      std::chrono::milliseconds(2500));
  sharedOperator();
  eventually(
      "its time has run out meanwhile", [&] { return objectsOf(kPods).empty(); },
      std::chrono::seconds(3));
}

TEST_F(ManagedApparatus, AnImageThatCannotBePulledIsToldInTheKubeletsWords) {
  Kubelet kubelet({sock()});
  apply(socket("", "example/missing") + plug("plug"));
  eventually("the reason is told", [&] {
    return message("Plug", "plug", "Coupled")
               .find("container apparatus: ImagePullBackOff: no such image") != std::string::npos;
  });
  EXPECT_EQ(condition("Plug", "plug", "Coupled"), "False/ApparatusNotReady");
  apply(socket());
  EXPECT_TRUE(eventuallyCoupled()) << "a pod that can start takes its place";
}

TEST_F(ManagedApparatus, AChangedPodIsReplacedBeforeTheNextEvent) {
  Kubelet kubelet({sock()});
  apply(socket() + plug("plug"));
  ASSERT_TRUE(eventuallyCoupled());
  apply(socket("    priority: 0\n    hostNetwork: false\n"));
  eventually("it has heard of the update", [&] { return heard().back() == "/updated"; });
  EXPECT_EQ(kubelet.started(), 2);
}

TEST_F(ManagedApparatus, AnAccountThatMayNotMakePodsIsToldWhatToGrant) {
  apply(socket("    priority: 0\n") + "  serviceAccountName: nobody\n" + plug("plug"));
  eventually("the socket fails",
             [&] { return condition("Socket", "socket", "Failed", sock()) == "True/Error"; });
  eventually("the plug tells why", [&] {
    return message("Plug", "plug", "Coupled")
               .find("service account " + sock() + "/nobody may not") != std::string::npos;
  });
  EXPECT_TRUE(objectsOf(kPods).empty());
  remove("Plug", "plug");
  remove("Socket", "socket", sock());
  eventually("the socket goes all the same", [&] { return !exists("Socket", "socket", sock()); });
}

}  // namespace
}  // namespace iop::e2e
