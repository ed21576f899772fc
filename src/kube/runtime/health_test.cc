#include "kube/runtime/health.h"

#include <gtest/gtest.h>

#include <string>

#include "http/client.h"

namespace iop::kube::runtime {
namespace {

http::ServerRequest get(std::string path,
                        std::vector<std::pair<std::string, std::string>> query = {}) {
  http::ServerRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.query = std::move(query);
  return request;
}

Status ok() { return {}; }
Status broken() { return fail(Code::Timeout, "a secret reason"); }

TEST(Health, PassesWhenAllChecksPass) {
  HealthChecks checks;
  checks.add("informers", ok);
  checks.add("leader", ok);
  EXPECT_EQ(checks.respond("readyz", get("/readyz")).body, "ok");
  const http::ServerResponse verbose = checks.respond("readyz", get("/readyz", {{"verbose", ""}}));
  EXPECT_EQ(verbose.status, 200);
  EXPECT_EQ(verbose.body, "[+]informers ok\n[+]leader ok\nreadyz check passed\n");
}

TEST(Health, FailsWithoutTellingWhy) {
  HealthChecks checks;
  checks.add("informers", broken);
  checks.add("leader", ok);
  const http::ServerResponse response = checks.respond("readyz", get("/readyz"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body,
            "[-]informers failed: reason withheld\n[+]leader ok\nreadyz check failed\n");
}

TEST(Health, ChecksCanBeExcluded) {
  HealthChecks checks;
  checks.add("informers", broken);
  checks.add("leader", ok);
  const http::ServerResponse response = checks.respond(
      "healthz",
      get("/healthz", {{"exclude", "informers"}, {"exclude", "nobody"}, {"verbose", "1"}}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "[+]informers excluded: ok\n[+]leader ok\n"
            "warn: some health checks cannot be excluded: no matches for \"nobody\"\n"
            "healthz check passed\n");
}

TEST(Health, OneCheckCanBeAsked) {
  HealthChecks checks;
  checks.add("informers", broken);
  checks.add("leader", ok);
  EXPECT_EQ(checks.respond("healthz", get("/healthz/leader")).status, 200);
  EXPECT_EQ(checks.respond("healthz", get("/healthz/informers")).status, 500);
  EXPECT_EQ(checks.respond("healthz", get("/healthz/nobody")).status, 404);
}

TEST(Health, WithoutChecksThereIsAPing) {
  const HealthChecks checks;
  EXPECT_EQ(checks.respond("healthz", get("/healthz", {{"verbose", ""}})).body,
            "[+]ping ok\nhealthz check passed\n");
}

TEST(Health, IsServedBesideTheMetrics) {
  HealthChecks checks;
  checks.add("leader", broken);
  metrics::Registry registry;
  registry.counter("plugs_total", "Plugs.").increment();
  http::Server server({.address = "127.0.0.1:0"});
  serveHealth(server, "readyz", checks);
  serveMetrics(server, registry);
  ASSERT_TRUE(server.start());

  http::Client client({.proxy = ""});
  const auto get = [&](const std::string& path) {
    const std::string host = "http://127.0.0.1:" + std::to_string(server.port());
    return client.send({.url = host + path}).value();
  };
  EXPECT_EQ(get("/readyz").status, 500);
  EXPECT_EQ(get("/readyz/leader").status, 500);
  EXPECT_EQ(get("/readyz?exclude=leader").body, "ok");
  EXPECT_NE(get("/metrics").body.find("plugs_total 1\n"), std::string::npos);
  EXPECT_EQ(get("/metrics").header("content-type"), metrics::kTextContentType);
}

}  // namespace
}  // namespace iop::kube::runtime
