#include "kube/runtime/leader_election.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "testing/memory_client.h"

namespace iop::kube::runtime {
namespace {

using iop::testing::MemoryClient;
using std::chrono::milliseconds;
using std::chrono::seconds;

const api::Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease", true};
const api::ObjectKey kLease{"ops", "iop"};

LeaderElectionOptions optionsOf(const std::string& identity) {
  return {
      .namespaceName = "ops", .name = "iop", .identity = identity, .random = [] { return 0.5; }};
}

struct Replica {
  Replica(client::Client& client, base::Clock& clock, const std::string& identity)
      : elector(client, clock, optionsOf(identity),
                {.onStarted = [this] { ++started; }, .onLost = [this] { ++lost; }}) {}

  std::atomic<int> started = 0;
  std::atomic<int> lost = 0;
  LeaderElector elector;
};

class LeaderElectionTest : public ::testing::Test {
 protected:
  // Turns the clock in small steps, in step with so many electors, until the condition holds; how
  // long that took.
  template <typename Condition>
  base::Duration waitFor(Condition condition, std::size_t electors = 1) {
    const base::Instant start = clock.instant();
    while (!condition()) {
      if (clock.waiters() >= electors) {
        clock.advance(milliseconds(50));
      } else {
        std::this_thread::yield();
      }
    }
    return clock.instant() - start;
  }

  Value spec() const { return client.find(kLeases, kLease).value()["spec"]; }

  base::ManualClock clock;
  MemoryClient client{clock};
};

TEST_F(LeaderElectionTest, TheFirstOneLeadsAndSaysSoInTheLease) {
  Replica a(client, clock, "a");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  EXPECT_TRUE(a.elector.isLeader());
  EXPECT_EQ(a.elector.leader(), "a");
  EXPECT_EQ(spec()["holderIdentity"].asString(), "a");
  EXPECT_EQ(spec()["leaseDurationSeconds"].asInt(), 15);
  EXPECT_EQ(spec()["leaseTransitions"].asInt(-1), 0);
  EXPECT_EQ(spec()["acquireTime"].asString(), "2023-11-14T22:13:20.000000Z");
}

TEST_F(LeaderElectionTest, TheLeaderRenewsWithOneRequestAndKeepsItsAcquireTime) {
  Replica a(client, clock, "a");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  const Value first = spec();
  waitFor([&] { return client.calls("update").size() >= 3; });
  EXPECT_EQ(client.calls("get").size(), 1U) << "only to find that there was no lease";
  EXPECT_EQ(spec()["acquireTime"], first["acquireTime"]);
  EXPECT_GT(spec()["renewTime"].toString(), first["renewTime"].toString());
}

TEST_F(LeaderElectionTest, ASecondOneWaitsAndTakesOverAtOnceWhatWasReleased) {
  Replica a(client, clock, "a");
  Replica b(client, clock, "b");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  b.elector.start();
  waitFor([&] { return b.elector.leader() == "a"; }, 2);
  EXPECT_FALSE(b.elector.isLeader());

  a.elector.stop();
  EXPECT_EQ(a.lost, 0) << "it went of its own will";
  EXPECT_FALSE(a.elector.isLeader());
  EXPECT_EQ(spec()["holderIdentity"].toString("?"), "");
  EXPECT_LT(waitFor([&] { return b.started == 1; }), seconds(6));
  EXPECT_EQ(spec()["holderIdentity"].asString(), "b");
  EXPECT_EQ(spec()["leaseTransitions"].asInt(), 1);
}

TEST_F(LeaderElectionTest, WhatAnUnknownOneHoldsIsTakenOnceItWasLeftAloneForItsDuration) {
  // Its times are from another world: they are never compared with our clock.
  const Value lease =
      Value::object({{"metadata", Value::object({{"name", "iop"}})},
                     {"spec", Value::object({{"holderIdentity", "dead"},
                                             {"leaseDurationSeconds", 15},
                                             {"renewTime", "1999-01-01T00:00:00.000000Z"},
                                             {"leaseTransitions", 7}})}});
  ASSERT_TRUE(client.create(kLeases, "ops", lease, {}));
  Replica a(client, clock, "a");
  a.elector.start();
  const base::Duration waited = waitFor([&] { return a.started == 1; });
  EXPECT_GE(waited, seconds(15));
  EXPECT_LT(waited, seconds(20));
  EXPECT_EQ(spec()["leaseTransitions"].asInt(), 8);
}

TEST_F(LeaderElectionTest, ALeaderThatCannotRenewLosesBeforeTheLeaseRunsOut) {
  Replica a(client, clock, "a");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  client.setFault([](const MemoryClient::Call&) {
    return Error{Code::Unreachable, "no route", {}, 0};
  });
  const base::Duration waited = waitFor([&] { return a.lost == 1; });
  EXPECT_GE(waited, seconds(10));
  EXPECT_LT(waited, seconds(15));
  EXPECT_FALSE(a.elector.isLeader());
}

TEST_F(LeaderElectionTest, AShortOutageIsSurvived) {
  Replica a(client, clock, "a");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  client.setFault([](const MemoryClient::Call&) {
    return Error{Code::Unreachable, "no route", {}, 0};
  });
  const std::size_t before = client.calls().size();
  waitFor([&] { return client.calls().size() > before + 3; });
  client.setFault({});
  const std::size_t renewals = client.calls("update").size();
  waitFor([&] { return client.calls("update").size() > renewals + 3; });
  EXPECT_EQ(a.lost, 0);
  EXPECT_TRUE(a.elector.isLeader());
}

TEST_F(LeaderElectionTest, ALeaseTakenBySomebodyElseIsLost) {
  Replica a(client, clock, "a");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  const Value theft = Value::object(
      {{"spec", Value::object({{"holderIdentity", "thief"}, {"leaseDurationSeconds", 600}})}});
  ASSERT_TRUE(client.patch(kLeases, kLease, client::PatchType::Merge, theft, {}));
  waitFor([&] { return a.lost == 1; });
  EXPECT_EQ(a.elector.leader(), "thief");
  EXPECT_EQ(spec()["holderIdentity"].asString(), "thief") << "it is not ours to change";
}

TEST_F(LeaderElectionTest, ALeaderThatIsStuckIsNotHealthy) {
  std::atomic<bool> isStuck = false;
  Replica a(client, clock, "a");
  a.elector.start();
  waitFor([&] { return a.started == 1; });
  EXPECT_TRUE(a.elector.check(seconds(0)));
  client.setFault([&](const MemoryClient::Call&) -> std::optional<Error> {
    isStuck = true;
    isStuck.notify_all();
    isStuck.wait(true);
    return std::nullopt;
  });
  waitFor([&] { return isStuck.load(); });
  clock.advance(seconds(40));
  EXPECT_TRUE(a.elector.check(seconds(30)));
  EXPECT_EQ(a.elector.check(seconds(20)).error().code, Code::Timeout);
  client.setFault({});
  isStuck = false;
  isStuck.notify_all();
}

TEST(LeaderElection, RefusesDurationsThatCannotWork) {
  const auto check = [](auto change) {
    LeaderElectionOptions options = optionsOf("a");
    change(options);
    return LeaderElector::validate(options).has_value();
  };
  EXPECT_TRUE(check([](auto&) {}));
  EXPECT_FALSE(check([](auto& options) { options.leaseDuration = options.renewDeadline; }));
  EXPECT_FALSE(check([](auto& options) { options.renewDeadline = milliseconds(2400); }));
  EXPECT_FALSE(check([](auto& options) { options.retryPeriod = seconds(0); }));
  EXPECT_FALSE(check([](auto& options) { options.identity.clear(); }));
  EXPECT_FALSE(check([](auto& options) { options.namespaceName.clear(); }));
}

TEST(LeaderElection, IdentitiesDiffer) { EXPECT_NE(makeIdentity(), makeIdentity()); }

}  // namespace
}  // namespace iop::kube::runtime
