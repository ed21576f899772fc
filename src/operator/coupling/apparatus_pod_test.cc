#include "operator/coupling/apparatus_pod.h"

#include <gtest/gtest.h>

#include "kube/api/object.h"
#include "operator/coupling/apparatus.h"
#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

using api::Side;

Value yaml(std::string_view text) { return text::parseYaml(text).value(); }

Value socketNamed(const std::string& name, const std::string& uid = "uid-1") {
  return yaml("{apiVersion: integration.rock8s.com/v1beta1, kind: Socket, metadata: {name: '" +
              name + "', namespace: shop, uid: " + uid +
              "}, spec: {serviceAccountName: db, apparatus: {endpoint: /v1/, idleTimeout: 5, "
              "nodeSelector: {disk: ssd}, containers: [{name: a, image: i, ports: [{name: "
              "container, containerPort: 8080}]}]}}}");
}

TEST(ApparatusPod, NamesAreValidForEveryKindAndDifferForEveryObject) {
  for (const std::string& name : {std::string("db"), std::string("1.db"), std::string(253, 'x'),
                                  std::string("a.b-c."), std::string("9")}) {
    const std::string made = apparatusName(Side::Socket, socketNamed(name));
    EXPECT_TRUE(kube::api::isDnsLabel(made)) << made;
    EXPECT_LE(made.size(), 63U) << made;
    EXPECT_TRUE(made.front() >= 'a' && made.front() <= 'z') << made;
    EXPECT_NE(made, apparatusName(Side::Plug, socketNamed(name)));
    EXPECT_NE(made, apparatusName(Side::Socket, socketNamed(name, "uid-2")));
  }
}

TEST(ApparatusPod, ThePodIsWhatTheSpecSaysButForTheOperatorsOwnFields) {
  const Value socket = socketNamed("db");
  const Value pod = apparatusPod(Side::Socket, socket);
  EXPECT_EQ(pod["spec"]["nodeSelector"]["disk"].asString(), "ssd");
  EXPECT_EQ(pod["spec"]["serviceAccountName"].asString(), "db");
  EXPECT_TRUE(pod["spec"]["endpoint"].isNull());
  EXPECT_TRUE(pod["spec"]["idleTimeout"].isNull());
  EXPECT_EQ(pod["metadata"]["namespace"].asString(), "shop");
  EXPECT_EQ(kube::api::annotationOf(pod, "sidecar.istio.io/inject"), "false");
  EXPECT_EQ(pod["metadata"]["labels"]["apparatus"].asString(), kube::api::nameOf(pod));
  EXPECT_EQ(apparatusService(Side::Socket, socket)["spec"]["selector"]["apparatus"].asString(),
            kube::api::nameOf(pod));
}

TEST(ApparatusPod, IsOutdatedOnceItsSpecIsAnotherOne) {
  Value socket = socketNamed("db");
  const Value pod = apparatusPod(Side::Socket, socket);
  EXPECT_FALSE(isOutdated(pod, Side::Socket, socket));
  socket.edit("spec").edit("apparatus").set("idleTimeout", 90);
  EXPECT_FALSE(isOutdated(pod, Side::Socket, socket)) << "that is not the pod's";
  socket.edit("spec").set("serviceAccountName", "other");
  EXPECT_TRUE(isOutdated(pod, Side::Socket, socket));
}

TEST(ApparatusPod, TheEndpointIsThatOfTheServiceUnlessItIsAUrl) {
  Value socket = socketNamed("db");
  const std::string host = apparatusName(Side::Socket, socket) + ".shop.svc.example.org";
  EXPECT_EQ(endpointOf(Side::Socket, socket, "", "example.org"), "http://" + host + "/v1");
  EXPECT_EQ(endpointOf(Side::Socket, socket, "http://localhost:1/", "example.org"),
            "http://localhost:1");
  socket.edit("spec").edit("apparatus").set("endpoint", "https://db.example/x");
  EXPECT_EQ(endpointOf(Side::Socket, socket, "", "example.org"), "https://db.example/x");
  socket.edit("spec").edit("apparatus").erase("containers");
  socket.edit("spec").edit("apparatus").set("endpoint", "/x");
  EXPECT_EQ(endpointOf(Side::Socket, socket, "", "example.org"), "http://localhost/x");
}

TEST(ApparatusPod, WhatTheStatusOfAPodSays) {
  const struct {
    const char* status;
    PodState::Kind kind;
    const char* message;
  } cases[] = {
      {"{}", PodState::Kind::Starting, "is starting"},
      {"{phase: Running, conditions: [{type: Ready, status: 'True'}]}", PodState::Kind::Ready, ""},
      {"{phase: Running, conditions: [{type: Ready, status: 'False'}]}", PodState::Kind::Starting,
       "is starting"},
      {"{phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: "
       "ContainerCreating}}}]}",
       PodState::Kind::Starting, "is starting"},
      {"{phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: ErrImagePull, "
       "message: denied}}}]}",
       PodState::Kind::Starting, "cannot start: container a: ErrImagePull: denied"},
      {"{phase: Pending, initContainerStatuses: [{name: i, state: {waiting: {reason: "
       "CrashLoopBackOff}}}]}",
       PodState::Kind::Starting, "cannot start: container i: CrashLoopBackOff"},
      {"{phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: "
       "Unschedulable, message: 0/3 nodes}]}",
       PodState::Kind::Starting, "cannot start: Unschedulable: 0/3 nodes"},
      {"{phase: Failed, reason: Evicted, message: disk}", PodState::Kind::Ended,
       "has ended (Evicted: disk)"},
      {"{phase: Succeeded}", PodState::Kind::Ended, "has ended"},
  };
  for (const auto& c : cases) {
    Value pod = yaml("{metadata: {name: p, namespace: shop}}");
    pod.set("status", yaml(c.status));
    const PodState state = describePod(pod);
    EXPECT_EQ(state.kind, c.kind) << c.status;
    const std::string message =
        *c.message == '\0' ? "" : std::string("apparatus pod shop/p ") + c.message;
    EXPECT_EQ(state.message, message) << c.status;
  }
}

}  // namespace
}  // namespace iop::operators::coupling
