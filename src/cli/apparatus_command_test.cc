#include "cli/apparatus_command.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "http/server.h"
#include "text/json.h"

namespace iop::cli {
namespace {

using http::ServerRequest;
using http::ServerResponse;

ServerResponse json(int status, std::string body = "{}") {
  return {status, "application/json", {}, std::move(body)};
}

// An apparatus that keeps to the protocol, but for what a test makes of it. `answer` is asked
// first; a status of 0 leaves the answer to the good one.
class Apparatus {
 public:
  using Answer = std::function<ServerResponse(const std::string& event, const ServerRequest&)>;

  explicit Apparatus(Answer answer = {}) : answer_(std::move(answer)) {
    server_.handle("GET", "/ping", [this](const ServerRequest& request) {
      return respond("ping", request, json(200));
    });
    for (const char* name : {"config", "created", "coupled", "updated", "decoupled", "deleted"}) {
      server_.handle("POST", "/" + std::string(name),
                     [this, event = std::string(name)](const ServerRequest& request) {
                       const auto body = text::parseJson(request.body);
                       const bool isEvent =
                           body && body->isObject() &&
                           (event == "created" || event == "deleted" || (*body)["plug"].isObject());
                       return respond(event, request, json(isEvent ? 200 : 400));
                     });
    }
    EXPECT_TRUE(server_.start());
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/"; }

 private:
  ServerResponse respond(const std::string& event, const ServerRequest& request,
                         ServerResponse good) const {
    if (answer_) {
      ServerResponse own = answer_(event, request);
      if (own.status != 0) return own;
    }
    return good;
  }

  Answer answer_;
  http::Server server_{{.address = "127.0.0.1:0"}};
};

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome test(const Apparatus& apparatus, ApparatusTestFlags flags = {}) {
  flags.url = apparatus.url();
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const int status = runApparatusTest(flags, {in, out, err});
  return {status, out.str(), err.str()};
}

ServerResponse none() { return json(0); }

TEST(ApparatusTest, OneThatKeepsToTheProtocolPasses) {
  const Outcome outcome = test(Apparatus());
  EXPECT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_TRUE(outcome.out.ends_with("9 tried, 0 failed\n")) << outcome.out;
}

// As an operator has it: nobody is coupled to a socket that was not created, or was deleted.
TEST(ApparatusTest, OneThatCountsOnTheOrderOfEventsAndIsBusyAtTimesPasses) {
  for (const std::string side : {"socket", "plug"}) {
    std::mutex mutex;
    std::set<std::string> alive;
    int busy = 0;
    ApparatusTestFlags flags;
    flags.side = side;
    const Outcome outcome = test(
        Apparatus([&](const std::string& event, const ServerRequest& request) {
          const auto body = text::parseJson(request.body);
          if (!body || !(*body)[side].isObject() || event == "config") return json(0);
          const std::lock_guard guard(mutex);
          const std::string uid = (*body)[side]["metadata"]["uid"].toString();
          if (event == "created") alive.insert(uid);
          if (event == "deleted") alive.erase(uid);
          if (event == "coupled" && !alive.contains(uid)) return json(409, "not there");
          const bool isTogether = request.body.find("trial-11") != std::string::npos;
          return event == "coupled" && isTogether && ++busy % 3 == 0 ? json(503, "busy") : json(0);
        }),
        flags);
    EXPECT_EQ(outcome.status, 0) << outcome.out;
    EXPECT_TRUE(alive.empty()) << "something is left";
    EXPECT_GT(busy, 0);
  }
}

TEST(ApparatusTest, EachFaultIsFoundAndNamed) {
  std::set<std::string> seen;
  int drawn = 0;
  const struct {
    const char* what;
    Apparatus::Answer answer;
    const char* fault;
  } cases[] = {
      {"the second delivery of an event is refused",
       [&](const std::string& event, const ServerRequest& request) {
         const std::string key(request.header("Idempotency-Key").value_or(""));
         const bool isNew = seen.insert(event + key).second;
         return event == "coupled" && !isNew ? json(409, "exists already") : none();
       },
       "coupled after coupled: HTTP status 409: exists already"},
      {"decoupled without coupled is refused",
       [coupled = std::set<std::string>()](const std::string& event,
                                           const ServerRequest& request) mutable {
         const std::string plug(request.header("X-Integration-Plug").value_or(""));
         if (event == "coupled") coupled.insert(plug);
         return event == "decoupled" && !coupled.contains(plug) ? json(404, "never heard of it")
                                                                : none();
       },
       "decoupled after created: HTTP status 404: never heard of it"},
      {"values are drawn by chance",
       [&](const std::string& event, const ServerRequest&) {
         return event == "config" ? json(200, "{\"password\": " + std::to_string(++drawn) + "}")
                                  : none();
       },
       "POST /config: two equal requests have different answers"},
      {"the config is a list",
       [](const std::string& event, const ServerRequest&) {
         return event == "config" ? json(200, "[1]") : none();
       },
       "POST /config: the answer is no JSON object: [1]"},
      {"garbage is taken for an event",
       [](const std::string& event, const ServerRequest&) {
         return event == "coupled" ? json(200) : none();
       },
       "coupled with a body that is no JSON is answered with 2xx"},
      {"an answer is larger than the operator takes",
       [](const std::string& event, const ServerRequest&) {
         return event == "updated" ? json(200, std::string((1u << 20) + 1, 'x')) : none();
       },
       "updated after coupled: "},
      {"deleted is no event to it",
       [](const std::string& event, const ServerRequest&) {
         return event == "deleted" ? json(404) : none();
       },
       "deleted after decoupled: HTTP status 404"},
      {"it is not healthy",
       [](const std::string& event, const ServerRequest&) {
         return event == "ping" ? json(503, "no database") : none();
       },
       "GET /ping: HTTP status 503: no database"},
  };
  for (const auto& test : cases) {
    const Outcome outcome = cli::test(Apparatus(test.answer));
    EXPECT_EQ(outcome.status, 1) << test.what;
    EXPECT_NE(outcome.out.find(test.fault), std::string::npos) << test.what << ":\n" << outcome.out;
  }
}

TEST(ApparatusTest, ItIsPlayedForTheObjectsOfTheFiles) {
  const std::string file = ::testing::TempDir() + "/trial.yaml";
  std::ofstream(file) << "kind: Socket\nmetadata: {name: db, namespace: shared}\n"
                         "spec: {config: {hostname: x}, data: {secret: s}}\n---\n"
                         "kind: Plug\nmetadata: {name: app}\nspec: {config: {database: shop}}\n";
  std::mutex mutex;
  std::map<std::string, Value> bodies;
  std::set<std::string> plugs;
  const Apparatus apparatus([&](const std::string& event, const ServerRequest& request) {
    const std::lock_guard guard(mutex);
    if (const auto body = text::parseJson(request.body); body && body->isObject())
      bodies.emplace(event, *body);
    plugs.insert(std::string(request.header("X-Integration-Plug").value_or("")));
    return none();
  });
  ApparatusTestFlags flags;
  flags.side = "plug";
  flags.files = {file};
  const Outcome outcome = test(apparatus, flags);
  EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
  EXPECT_EQ(bodies["created"]["plug"]["metadata"]["name"].asString().substr(0, 4), "app-");
  EXPECT_EQ(bodies["created"]["socket"], Value());
  EXPECT_EQ(bodies["coupled"]["plugConfig"]["database"].asString(), "shop");
  EXPECT_EQ(bodies["coupled"]["socketConfig"]["hostname"].asString(), "x");
  EXPECT_EQ(bodies["coupled"]["version"].asString(), "1");
  EXPECT_EQ(bodies["config"]["socketData"]["secret"].asString(), "s");
  EXPECT_EQ(bodies["config"]["data"], Value::object()) << "the plug's";
  EXPECT_TRUE(plugs.contains("default/app-1010")) << "of the first trial";
}

TEST(ApparatusTest, NothingThatListensIsSaidAtOnce) {
  ApparatusTestFlags flags;
  flags.url = "127.0.0.1:1";
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(runApparatusTest(flags, {in, out, err}), 1);
  EXPECT_NE(out.str().find("FAIL  GET /ping"), std::string::npos) << out.str();
  EXPECT_TRUE(out.str().ends_with("1 tried, 1 failed\n")) << out.str();
}

}  // namespace
}  // namespace iop::cli
