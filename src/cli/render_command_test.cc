#include "cli/render_command.h"

#include <gtest/gtest.h>

#include <sstream>

#include "text/json.h"
#include "text/yaml.h"

namespace iop::cli {
namespace {

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome render(const std::string& input, const std::string& output = "yaml",
               std::vector<std::string> files = {"-"}) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int status = runRender({std::move(files), "default", output}, {in, out, err});
  return {status, out.str(), err.str()};
}

constexpr char kSocket[] = R"(apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: cache}
spec:
  interface:
    config:
      plug: {prefix: {required: true}}
      socket: {port: {default: "6379"}, password: {sensitive: true}}
    result: {socket: {url: {}}}
  config: {password: correct-horse}
  resultTemplate: {url: "redis://{% .plugConfig.prefix %}"}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: app}
spec:
  socket: {name: cache}
)";

TEST(RenderCommand, AYamlDocumentTellsAllOfAPlug) {
  const Outcome outcome = render(std::string(kSocket) + R"(
  config: {prefix: shop}
  resources: [{template: {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {p: "{% .socketConfig.password %}"}}}]
)");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, R"(---
actions:
- apply:
    apiVersion: v1
    data:
      p: '[sensitive]'
    kind: ConfigMap
    metadata:
      name: c
      namespace: default
  as: system:serviceaccount:default:default
  event: coupled
  side: plug
configs:
  plug:
    prefix:
      from: spec.config
      value: shop
  socket:
    password:
      from: spec.config
      value: '[sensitive]'
    port:
      from: default of the socket's interface
      value: "6379"
couples: true
message: coupling succeeded
plug: default/app
reason: CouplingSucceeded
results:
  socket:
    url:
      from: spec.resultTemplate
      value: redis://shop
socket: default/cache
)");
}

TEST(RenderCommand, WhatDoesNotCoupleEndsWithOneAndSaysWhy) {
  const Outcome outcome = render(kSocket, "json");
  EXPECT_EQ(outcome.status, 1);
  const Result<Value> documents = text::parseJson(outcome.out);
  ASSERT_TRUE(documents) << outcome.out;
  ASSERT_EQ(documents->size(), 1U);
  EXPECT_EQ(documents->at(0)["couples"], Value(false));
  EXPECT_EQ(documents->at(0)["reason"].asString(), "ConfigInvalid");
  EXPECT_EQ(documents->at(0)["message"].asString(), "plug config property 'prefix' is required");
}

TEST(RenderCommand, ASocketThatDoesSomethingItselfIsTold) {
  const Outcome outcome = render(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: mail, namespace: ops}
spec: {apparatus: {endpoint: "http://relay:8080"}}
)");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, R"(---
actions:
- call:
    body:
      socket: Socket ops/mail
      version: "1"
    url: http://relay:8080/created
  event: created
  side: socket
message: 0 plugs coupled
ready: true
reason: SocketEmpty
socket: ops/mail
)");
}

TEST(RenderCommand, WhatCannotBeReadEndsWithTwo) {
  const struct {
    const char* input;
    const char* message;
  } cases[] = {
      {"a: [", "-: "},
      {"kind: Plug", "an object without apiVersion and kind"},
      {"{apiVersion: v1, kind: Secret, metadata: {name: a}}",
       "there is no Plug and no Socket among the files"},
      {"", "there is no Plug and no Socket among the files"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.input);
    const Outcome outcome = render(test.input);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with(test.message)) << outcome.err;
  }
  EXPECT_EQ(render("", "yaml", {"/nowhere"}).status, 2);
}

TEST(RenderCommand, TheSamplesCouple) {
  const Outcome postgres = render("", "yaml", {IOP_SOURCE_DIR "/config/samples/postgres.yaml"});
  EXPECT_EQ(postgres.status, 0) << postgres.out << postgres.err;
  EXPECT_EQ(postgres.out.find("change-me"), std::string::npos);
  const Outcome mongo = render("", "yaml", {IOP_SOURCE_DIR "/config/samples/mongo.yaml"});
  EXPECT_EQ(mongo.status, 0) << mongo.out << mongo.err;
  const Outcome mismatch = render("", "yaml", {IOP_SOURCE_DIR "/config/samples/mismatch.yaml"});
  EXPECT_EQ(mismatch.status, 1) << mismatch.out << mismatch.err;
  EXPECT_NE(mismatch.out.find("reason: InterfaceMismatch"), std::string::npos) << mismatch.out;
}

}  // namespace
}  // namespace iop::cli
