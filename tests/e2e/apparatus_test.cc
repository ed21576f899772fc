// A side's own code over REST (apparatus.md): a real HTTP server in the test, called by the
// operator.

#include <mutex>

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
