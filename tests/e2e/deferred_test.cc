// DeferredResources on a real API server.

#include "kube/api/object.h"
#include "tests/e2e/harness.h"

namespace iop::e2e {
namespace {

class Deferred : public Case {
 protected:
  std::string resolved() { return condition("DeferredResource", "later", "Resolved"); }
  std::string why() { return message("DeferredResource", "later", "Resolved"); }

  static std::string deferred(const std::string& spec) {
    return "apiVersion: integration.rock8s.com/v1beta1\nkind: DeferredResource\n"
           "metadata: {name: later, namespace: '{NS}'}\nspec: " +
           spec + "\n";
  }
};

constexpr char kMade[] =
    "resource: {apiVersion: v1, kind: ConfigMap, metadata: {name: made}, data: {a: b}}";

TEST_F(Deferred, IsAppliedOnceItsTimeHasComeAndGoesWithIt) {
  apply(deferred(std::string("{timeout: 2, ") + kMade + "}"));
  ASSERT_TRUE(eventually("it waits", [&] { return resolved() == "False/Pending"; }));
  EXPECT_TRUE(why().starts_with("waiting until 20")) << why();
  EXPECT_FALSE(exists("ConfigMap", "made"));
  ASSERT_TRUE(eventually("it is made", [&] { return resolved() == "True/Success"; }));
  EXPECT_EQ(condition("DeferredResource", "later", "Ready"), "True/Success");
  const Value owned = get("DeferredResource", "later")["status"]["ownerReferences"];
  EXPECT_EQ(owned["name"].asString(), "made");
  EXPECT_EQ(owned["uid"].asString(), kube::api::uidOf(get("ConfigMap", "made")));
  remove("DeferredResource", "later");
  eventually("it is gone", [&] { return !exists("DeferredResource", "later"); });
  EXPECT_FALSE(exists("ConfigMap", "made"));
}

TEST_F(Deferred, WaitsForObjectsAndTheirConditions) {
  apply(deferred(std::string("{waitFor: [{apiVersion: v1, kind: Secret, name: first}, {group: "
                             "integration.rock8s.com, version: v1beta1, kind: Plug, name: plug, "
                             "condition: Ready}], ") +
                 kMade + "}"));
  ASSERT_TRUE(
      eventually("it names both", [&] { return why() == "waiting for Secret first, Plug plug"; }));
  apply("apiVersion: v1\nkind: Secret\nmetadata: {name: first, namespace: '{NS}'}\n");
  ASSERT_TRUE(eventually("it names the other", [&] { return why() == "waiting for Plug plug"; }));
  apply(
      "apiVersion: integration.rock8s.com/v1beta1\nkind: Plug\n"
      "metadata: {name: plug, namespace: '{NS}'}\nspec: {socket: {name: socket}}\n");
  ASSERT_TRUE(eventually("it names the condition",
                         [&] { return why() == "waiting for Plug plug to be Ready"; }));
  EXPECT_FALSE(exists("ConfigMap", "made"));
  apply(
      "apiVersion: integration.rock8s.com/v1beta1\nkind: Socket\n"
      "metadata: {name: socket, namespace: '{NS}'}\nspec: {}\n");
  ASSERT_TRUE(eventually("it is made", [&] { return resolved() == "True/Success"; }));
  EXPECT_TRUE(exists("ConfigMap", "made"));
}

TEST_F(Deferred, AnotherResourceInTheSpecTakesThePlaceOfTheFirst) {
  apply(deferred(std::string("{") + kMade + "}"));
  ASSERT_TRUE(eventually("it is made", [&] { return resolved() == "True/Success"; }));
  apply(deferred(
      "{resource: {apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {a: c}}}"));
  eventually("the other is made", [&] { return exists("ConfigMap", "other"); });
  eventually("the first is gone", [&] { return !exists("ConfigMap", "made"); });
  EXPECT_EQ(get("DeferredResource", "later")["status"]["ownerReferences"]["name"].asString(),
            "other");
}

TEST_F(Deferred, AnAccountWithoutRightsIsToldWhatToGrant) {
  apply(deferred(std::string("{serviceAccountName: nobody, ") + kMade + "}"));
  ASSERT_TRUE(eventually("it fails", [&] { return resolved() == "False/Error"; }));
  EXPECT_NE(why().find("service account " + ns() + "/nobody may not"), std::string::npos) << why();
  remove("DeferredResource", "later");
  eventually("it goes all the same", [&] { return !exists("DeferredResource", "later"); });
}

TEST_F(Deferred, WhatIsNotItsOwnIsLeftAlone) {
  apply(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made, namespace: '{NS}'}\ndata: {a: "
      "mine}\n");
  apply(deferred(std::string("{") + kMade + "}"));
  ASSERT_TRUE(eventually("it fails", [&] { return resolved() == "False/Error"; }));
  EXPECT_NE(why().find("\"e2e\""), std::string::npos) << why();
  remove("DeferredResource", "later");
  eventually("it is gone", [&] { return !exists("DeferredResource", "later"); });
  EXPECT_EQ(get("ConfigMap", "made")["data"]["a"].asString(), "mine");
}

}  // namespace
}  // namespace iop::e2e
