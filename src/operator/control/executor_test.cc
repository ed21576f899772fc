#include "operator/control/executor.h"

#include <gtest/gtest.h>

#include "kube/api/object.h"
#include "operator/api/conditions.h"
#include "testing/memory_client.h"

namespace iop::operators::control {
namespace {

using coupling::Action;
using coupling::Mark;
using coupling::Plan;
using kube::api::Resource;

const Resource kPlugs = api::plugResource();
const Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() {
    client_.serve(kPlugs);
    client_.serve(kConfigMaps);
    Value plug = Value::object({{"apiVersion", api::kApiVersion},
                                {"kind", "Plug"},
                                {"metadata", Value::object({{"name", "db"}})}});
    plug.edit("metadata").edit("finalizers").push(api::kFinalizer);
    plug = client_.create(kPlugs, "app", plug, {}).value();
    subject_ = {api::Side::Plug, plug, plug, false};
  }

  // Everything of that verb is refused from now on.
  void refuse(const std::string& verb, const Resource& resource, Code code) {
    client_.setFault([=](const auto& call) -> std::optional<Error> {
      if (call.verb == verb && call.resource == resource) return Error{code, "refused", "", 0};
      return std::nullopt;
    });
  }

  Status run(const Plan& plan) {
    failed_ = nullptr;
    return executor_.run(plan, subject_, Value(), {}, &failed_);
  }

  coupling::RenderedObject configMap(api::Do what) {
    coupling::RenderedObject out;
    out.resource = kConfigMaps;
    out.object =
        Value::object({{"apiVersion", "v1"},
                       {"kind", "ConfigMap"},
                       {"metadata", Value::object({{"name", "made"}, {"namespace", "app"}})}});
    out.what = what;
    return out;
  }

  iop::testing::MemoryClient client_;
  kube::runtime::EventRecorder events_{client_, base::realClock(), {}};
  ApparatusClient apparatus_{{}};
  World world_;
  Executor executor_{client_, base::realClock(),
                     events_, apparatus_,
                     world_,  {[](api::Side, const Value&, bool) {}, [](const Value&) {}}};
  Subject subject_;
  const Action* failed_ = nullptr;
};

TEST_F(ExecutorTest, ATeardownPassesOverWhatTimeDoesNotHeal) {
  refuse("delete", kConfigMaps, Code::Forbidden);
  Plan plan;
  plan.tolerant = true;
  const auto made = configMap(api::Do::Delete);
  plan.actions.push_back({coupling::Effect{made, "", false}, api::Side::Plug, "remove it"});
  plan.actions.push_back({coupling::RemoveFinalizer{}, api::Side::Plug, "let go"});
  EXPECT_TRUE(run(plan));
  EXPECT_TRUE(subject_.gone);
}

// A finalizer that was not removed would keep the plug for ever if nobody tried again.
TEST_F(ExecutorTest, ATeardownNeverPassesOverAWriteOfItsOwn) {
  for (const bool force : {false, true}) {
    for (const Code code : {Code::Conflict, Code::Forbidden, Code::NotFound}) {
      refuse("update", kPlugs, code);
      for (const Action& own : {Action{coupling::RemoveFinalizer{}, api::Side::Plug, "let go"},
                                Action{coupling::WriteStatus{}, api::Side::Plug, "record"}}) {
        if (code == Code::NotFound) continue;  // it is gone, which is what was wanted
        Plan plan;
        plan.tolerant = true;
        plan.force = force;
        plan.actions.push_back({Mark{.kind = Mark::Kind::Created}, api::Side::Plug, {}});
        plan.actions.push_back(own);
        subject_.object = subject_.stored;
        EXPECT_FALSE(run(plan));
        ASSERT_NE(failed_, nullptr);
        EXPECT_EQ(failed_->attempt, own.attempt);
        EXPECT_FALSE(subject_.gone);
      }
    }
  }
}

// What was recorded and never learnt of again: it is removed if it can be ours.
TEST_F(ExecutorTest, WhatWasAboutToBeMadeIsRemovedUnlessItIsAnothers) {
  coupling::Prune prune;
  prune.entry.object = {"v1", "ConfigMap", "app", "made", ""};
  const auto makeWith = [&](const char* manager) {
    Value object = configMap(api::Do::Apply).object;
    if (manager != nullptr) {
      object.edit("metadata").edit("managedFields").push(Value::object({{"manager", manager}}));
    }
    ASSERT_TRUE(client_.create(kConfigMaps, "app", object, {}));
  };
  // Applying an object without a field makes nobody its manager.
  for (const char* ours : {static_cast<const char*>(nullptr), "integration-operator"}) {
    makeWith(ours);
    EXPECT_TRUE(executor_.prune(prune, {}));
    EXPECT_FALSE(client_.find(kConfigMaps, {"app", "made"}));
  }
  makeWith("kubectl");
  EXPECT_TRUE(executor_.prune(prune, {}));
  EXPECT_TRUE(client_.find(kConfigMaps, {"app", "made"}));
}

TEST_F(ExecutorTest, NothingIsDoneForASocketThatIsGoing) {
  Plan plan;
  plan.actions.push_back({coupling::ConfirmSocket{}, api::Side::Plug, "look"});
  plan.actions.push_back(
      {coupling::Effect{configMap(api::Do::Apply), "", true}, api::Side::Plug, "apply"});
  const Status done = run(plan);
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().isConflict());
  EXPECT_FALSE(client_.find(kConfigMaps, {"app", "made"}));
}

}  // namespace
}  // namespace iop::operators::control
