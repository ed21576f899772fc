// A side's own code over REST (apparatus.md): a real HTTP server in the test, called by the
// operator.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <thread>

#include "http/server.h"
#include "tests/e2e/harness.h"
#include "text/json.h"

namespace iop::e2e {
namespace {

// An apparatus that remembers what it was told.
class RecordingApparatus {
 public:
  struct Request {
    std::string path;
    Value body;
    std::string idempotencyKey, event, plug, socket;
  };

  explicit RecordingApparatus(const std::string& address = "127.0.0.1:0")
      : server_({.address = address}) {
    for (const char* path :
         {"/config", "/created", "/coupled", "/updated", "/decoupled", "/deleted"}) {
      server_.handle("POST", path,
                     [this](const http::ServerRequest& request) { return answer(request); });
    }
    const Status started = server_.start();
    EXPECT_TRUE(started) << started.error().message;
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  void answerWith(const std::string& path, int status, const std::string& body) {
    std::lock_guard guard(mutex_);
    answers_[path] = {status, body};
  }
  // Answers to that path wait until it is let go.
  void hold(const std::string& path) {
    std::lock_guard guard(mutex_);
    held_ = path;
  }
  void letGo() {
    std::lock_guard guard(mutex_);
    held_.clear();
    letGo_.notify_all();
  }
  std::vector<Request> requests() const {
    std::lock_guard guard(mutex_);
    return requests_;
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> out;
    for (const Request& request : requests()) out.push_back(request.path);
    return out;
  }
  std::vector<Request> requests(const std::string& path) const {
    std::vector<Request> out;
    for (Request& request : requests()) {
      if (request.path == path) out.push_back(std::move(request));
    }
    return out;
  }

 private:
  http::ServerResponse answer(const http::ServerRequest& request) {
    std::unique_lock guard(mutex_);
    const auto header = [&](std::string_view name) {
      return std::string(request.header(name).value_or(""));
    };
    requests_.push_back({request.path, text::parseJson(request.body).value_or(Value()),
                         header("Idempotency-Key"), header("X-Integration-Event"),
                         header("X-Integration-Plug"), header("X-Integration-Socket")});
    letGo_.wait(guard, [&] { return held_ != request.path; });
    const auto found = answers_.find(request.path);
    http::ServerResponse response;
    response.contentType = "application/json";
    response.status = found == answers_.end() ? 200 : found->second.first;
    response.body = found == answers_.end() ? "{}" : found->second.second;
    return response;
  }

  mutable std::mutex mutex_;
  std::condition_variable letGo_;
  std::string held_;
  std::vector<Request> requests_;
  std::map<std::string, std::pair<int, std::string>> answers_;
  http::Server server_;
};

// An apparatus that closes each connection in the middle of its answer.
class BreakingApparatus {
 public:
  BreakingApparatus() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    // As http::Server does, so that another can take the port over.
    constexpr int kOn = 1;
    EXPECT_EQ(::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn), 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, raw, size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    EXPECT_EQ(::getsockname(listener_, raw, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~BreakingApparatus() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() const {
    for (int peer = -1; (peer = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(peer)) {
      std::array<char, 65536> request{};
      if (::read(peer, request.data(), request.size()) <= 0) continue;
      constexpr std::string_view kHalf =
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":";
      EXPECT_EQ(::write(peer, kHalf.data(), kHalf.size()), static_cast<ssize_t>(kHalf.size()));
    }
  }

  int listener_;
  int port_ = 0;
  std::thread thread_;
};

class Apparatus : public Case {
 protected:
  std::string socket(const std::string& endpoint) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
  config: {hostname: db.example}
  apparatus: {endpoint: ")" +
           endpoint + "\"}\n";
  }
  static constexpr char kPlug[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
  config: {database: shop}
  data: {size: big}
  resources:
    - template: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}, data: {port: "{% .socketConfig.port %}"}}
)";
};

TEST_F(Apparatus, HearsOfEachEventInOrderWithWhatBothSidesBring) {
  RecordingApparatus apparatus;
  apparatus.answerWith("/config", 200,
                       R"({"port": 5432, "tls": true, "none": null, "list": ["a", 1]})");
  apply(socket(apparatus.url() + "/"));
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(apparatus.paths(), (std::vector<std::string>{"/created", "/config", "/coupled"}));
  EXPECT_EQ(get("ConfigMap", "made")["data"]["port"].toString(), "5432");

  const auto config = apparatus.requests("/config").at(0).body;
  EXPECT_EQ(config["version"].toString(), "1");
  EXPECT_EQ(config["plug"]["metadata"]["name"].toString(), "plug");
  EXPECT_EQ(config["plugData"]["size"].toString(), "big");
  EXPECT_TRUE(config["vars"].isObject());
  const auto coupled = apparatus.requests("/coupled").at(0);
  EXPECT_EQ(coupled.body["plugConfig"], Value::object({{"database", "shop"}}));
  EXPECT_EQ(coupled.body["socketConfig"], Value::object({{"hostname", "db.example"},
                                                         {"port", "5432"},
                                                         {"tls", "true"},
                                                         {"none", ""},
                                                         {"list", "[\"a\",1]"}}));
  EXPECT_EQ(coupled.event, "coupled");
  EXPECT_EQ(coupled.plug, ns() + "/plug");
  EXPECT_EQ(coupled.socket, sock() + "/socket");
  EXPECT_FALSE(coupled.idempotencyKey.empty());

  std::string changed = kPlug;
  changed.replace(changed.find("shop"), 4, "mall");
  apply(changed);
  eventually("it hears of the update", [&] { return apparatus.requests("/updated").size() == 1; });
  ASSERT_TRUE(eventuallyCoupled());
  remove("Plug", "plug");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_EQ(apparatus.requests("/decoupled").size(), 1U);
  remove("Socket", "socket", sock());
  eventually("it hears of its own end", [&] { return apparatus.requests("/deleted").size() == 1; });
}

TEST_F(Apparatus, AFailureIsToldOnBothObjectsAndRetriedUntilItHeals) {
  RecordingApparatus apparatus;
  apparatus.answerWith("/coupled", 500, "disk full");
  apply(socket(apparatus.url()));
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  const std::string text = message("Plug", "plug", "Failed");
  EXPECT_NE(text.find("HTTP status 500: disk full"), std::string::npos) << text;
  eventually("the socket's owner is told, too", [&] {
    for (const Value& event : events("Socket", "socket", sock())) {
      if (event["type"].asString() == "Warning" &&
          event["message"].asString().find("disk full") != std::string_view::npos)
        return true;
    }
    return false;
  });
  apparatus.answerWith("/coupled", 200, "");
  ASSERT_TRUE(eventuallyCoupled());
  const auto calls = apparatus.requests("/coupled");
  ASSERT_GE(calls.size(), 2U);
  EXPECT_EQ(calls.front().idempotencyKey, calls.back().idempotencyKey)
      << "a retry is the same event";
}

TEST_F(Apparatus, ASlowUpdateSaysThatItIsUnderWayAndStaysCoupled) {
  RecordingApparatus apparatus;
  apply(socket(apparatus.url()));
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  apparatus.hold("/updated");
  std::string changed = socket(apparatus.url());
  changed.replace(changed.find("db.example"), 10, "other.host");
  apply(changed);
  eventually("it says so", [&] {
    return condition("Plug", "plug", "Coupled") == "True/UpdatingInProcess" &&
           condition("Plug", "plug", "Ready") == "False/UpdatingInProcess";
  });
  EXPECT_EQ(message("Plug", "plug", "Coupled"), "updating coupling");
  apparatus.letGo();
  EXPECT_TRUE(eventuallyCoupled());
  EXPECT_EQ(apparatus.requests("/updated").size(), 1U);
}

TEST_F(Apparatus, OneThatDoesNotListenIsNotReady) {
  std::string nobody;
  {
    RecordingApparatus gone;
    nobody = gone.url();
  }
  apply(socket(nobody));
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("ApparatusNotReady"));
  EXPECT_NE(condition("Plug", "plug", "Failed").substr(0, 4), "True");
  RecordingApparatus back(nobody.substr(7));
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Apparatus, AnAnswerThatIsNoObjectIsAnError) {
  RecordingApparatus apparatus;
  apparatus.answerWith("/config", 200, "[1, 2]");
  apply(socket(apparatus.url()));
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  EXPECT_NE(message("Plug", "plug", "Failed").find("its answer is no JSON object"),
            std::string::npos);
}

TEST_F(Apparatus, AnAnswerThatIsTooLargeIsAnErrorAndHeals) {
  RecordingApparatus apparatus;
  apparatus.answerWith("/coupled", 200, "{\"a\": \"" + std::string(2 << 20, 'x') + "\"}");
  apply(socket(apparatus.url()));
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  expectInTroubleshooting(message("Plug", "plug", "Failed"));
  apparatus.answerWith("/coupled", 200, "{}");
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Apparatus, AnAnswerThatEndsMidwayIsAnErrorAndHeals) {
  std::optional<BreakingApparatus> breaking(std::in_place);
  const std::string url = breaking->url();
  apply(socket(url));
  apply(kPlug);
  ASSERT_TRUE(eventually("the socket says it", [&] {
    return condition("Socket", "socket", "Failed", sock()).starts_with("True/");
  }));
  expectInTroubleshooting(message("Socket", "socket", "Failed", sock()));
  breaking.reset();
  RecordingApparatus healed(url.substr(7));
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Apparatus, AnAnswer500IsAnErrorAndHeals) {
  RecordingApparatus apparatus;
  apparatus.answerWith("/coupled", 500, "the disk is full");
  apply(socket(apparatus.url()));
  apply(kPlug);
  ASSERT_TRUE(eventuallyWaits("Error"));
  expectInTroubleshooting(message("Plug", "plug", "Failed"));
  apparatus.answerWith("/coupled", 200, "{}");
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Apparatus, OneThatHangsIsToldAndHeals) {
  stopSharedOperator();
  OperatorProcess impatient({"--apparatus-timeout=1"});
  ASSERT_TRUE(impatient.waitUntilReady()) << impatient.log();
  RecordingApparatus apparatus;
  apparatus.hold("/coupled");
  apply(socket(apparatus.url()));
  apply(kPlug);
  const bool isTold = eventuallyWaits("Error");
  const std::string told = message("Plug", "plug", "Failed");
  apparatus.letGo();
  ASSERT_TRUE(isTold);
  expectInTroubleshooting(told);
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Apparatus, ForceDeleteEndsTheWaitForOneThatFails) {
  RecordingApparatus apparatus;
  apply(socket(apparatus.url()));
  apply(kPlug);
  ASSERT_TRUE(eventuallyCoupled());
  apparatus.answerWith("/decoupled", 500, "no");
  remove("Plug", "plug");
  eventually("it is tried", [&] { return !apparatus.requests("/decoupled").empty(); });
  stays("it is not given up", [&] { return exists("Plug", "plug"); });
  annotate("Plug", "plug", "integration.rock8s.com/force-delete", "true");
  eventually("the plug is gone", [&] { return !exists("Plug", "plug"); });
  EXPECT_FALSE(exists("ConfigMap", "made"));
}

}  // namespace
}  // namespace iop::e2e
