#include "cli/graph_command.h"

#include <gtest/gtest.h>

#include <sstream>

#include "text/yaml.h"

namespace iop::cli {
namespace {

constexpr char kManifests[] = R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: cache, namespace: platform}
spec: {limit: 1}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: mail, namespace: platform}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: a, namespace: shop}
spec: {socket: {name: cache, namespace: platform}}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: b, namespace: shop}
spec: {socket: {name: cache, namespace: platform}}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: lost, namespace: shop}
spec: {socket: {name: nowhere}}
)";

std::string graph(const std::string& output, int expectedStatus = 0,
                  const std::string& manifests = kManifests) {
  std::istringstream in(manifests);
  std::ostringstream out;
  std::ostringstream err;
  GraphFlags flags;
  flags.files = {"-"};
  flags.output = output;
  EXPECT_EQ(runGraph(flags, {in, out, err}), expectedStatus) << err.str();
  return out.str();
}

TEST(GraphCommand, TheTreeIsBySocket) {
  EXPECT_EQ(graph("text"), R"(platform/cache  (1 of 1 places taken)
├─ shop/a  coupled
└─ shop/b  SocketFull: socket platform/cache is full: 1 of 1 places are taken; number 1 in line
platform/mail  (no plugs)
shop/nowhere  (there is no such socket)
└─ shop/lost  SocketNotCreated: waiting for socket to be created
)");
}

TEST(GraphCommand, DotHasAnEdgeForEachPlug) {
  EXPECT_EQ(graph("dot"), R"(digraph integrations {
  rankdir=LR;
  node [shape=box];
  "socket platform/cache" [label="platform/cache", shape=component];
  "plug shop/a" [label="shop/a"];
  "plug shop/a" -> "socket platform/cache";
  "plug shop/b" [label="shop/b"];
  "plug shop/b" -> "socket platform/cache" [style=dashed, label="SocketFull"];
  "socket platform/mail" [label="platform/mail", shape=component];
  "socket shop/nowhere" [label="shop/nowhere", shape=component, style=dashed];
  "plug shop/lost" [label="shop/lost"];
  "plug shop/lost" -> "socket shop/nowhere" [style=dashed, label="SocketNotCreated"];
}
)");
}

TEST(GraphCommand, MermaidHasAnEdgeForEachPlug) {
  EXPECT_EQ(graph("mermaid"), R"(flowchart LR
  s0[["platform/cache"]]
  p0("shop/a") --> s0
  p1("shop/b") -.->|"SocketFull"| s0
  s1[["platform/mail"]]
  s2[["shop/nowhere"]]
  p2("shop/lost") -.->|"SocketNotCreated"| s2
)");
}

TEST(GraphCommand, JsonTellsTheSame) {
  const Result<Value> parsed = text::parseYaml(graph("json"));
  ASSERT_TRUE(parsed);
  const Value& sockets = (*parsed)["sockets"];
  ASSERT_EQ(sockets.size(), 3U);
  EXPECT_EQ(sockets.at(0)["limit"].asInt(), 1);
  EXPECT_EQ(sockets.at(0)["plugs"].at(0)["coupled"], Value(true));
  EXPECT_EQ(sockets.at(1)["ready"], Value(true));
  EXPECT_EQ(sockets.at(2)["exists"], Value(false));
  EXPECT_EQ(sockets.at(2)["plugs"].at(0)["reason"].asString(), "SocketNotCreated");
}

TEST(GraphCommand, NamesCannotBreakOutOfTheirPlace) {
  Graph graph;
  Graph::Socket socket;
  socket.name = "a/\"];\n\x1b[31m<b>";
  graph.sockets.push_back(socket);
  EXPECT_EQ(printGraph(graph, "text"), "a/\"];  [31m<b>  (no plugs)\n");
  EXPECT_NE(printGraph(graph, "dot").find(R"([label="a/\"];  [31m<b>")"), std::string::npos);
  EXPECT_NE(printGraph(graph, "mermaid").find(R"([["a/#34;];  [31m#60;b#62;"]])"),
            std::string::npos);
}

TEST(GraphCommand, StatusesOfAClusterTellWhoIsCoupled) {
  const auto parse = [](const char* yaml) { return text::parseYaml(yaml).value_or(Value()); };
  const Graph graph = graphOf({parse(R"({kind: Plug, metadata: {name: new, namespace: shop},
                 spec: {socket: {name: cache, namespace: platform}}})"),
                               parse(R"({kind: Plug, metadata: {name: moving, namespace: shop},
                 spec: {socket: {name: other}},
                 status: {coupledSocket: {name: cache, namespace: platform},
                          conditions: [{type: Coupled, status: "True", reason: CouplingSucceeded}]}})")},
                              {parse(R"({kind: Socket, metadata: {name: cache, namespace: platform},
                 spec: {interface: {name: redis}},
                 status: {conditions: [{type: Ready, status: "False"},
                   {type: Coupled, status: "False", reason: Error, message: broken}]}})")});
  EXPECT_EQ(printGraph(graph, "text"), R"(platform/cache  (Interface platform/redis, Error: broken)
├─ shop/moving  coupled
└─ shop/new  no operator has looked at it yet
)");
}

TEST(GraphCommand, WhatCannotBeReadEndsWithTwo) {
  EXPECT_EQ(graph("text", 2, "kind: Plug"), "");
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  GraphFlags flags;
  flags.kubeconfig = "/nowhere/kubeconfig";
  EXPECT_EQ(runGraph(flags, {in, out, err}), 2);
  EXPECT_NE(err.str(), "");
}

}  // namespace
}  // namespace iop::cli
