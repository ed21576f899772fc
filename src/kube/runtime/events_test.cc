#include "kube/runtime/events.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kube/api/object.h"
#include "testing/memory_client.h"

namespace iop::kube::runtime {
namespace {

using iop::testing::MemoryClient;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const api::Resource kEvents{"", "v1", "events", "Event", true};

Event event(std::string reason, std::string message, std::string object = "db") {
  return {
      .regarding = {"integration.rock8s.com/v1", "Plug", "app", object, "uid-" + object},
      .type = EventType::Normal,
      .reason = std::move(reason),
      .message = std::move(message),
  };
}

class EventsTest : public ::testing::Test {
 protected:
  EventsTest() { make(10'000); }

  void make(std::size_t capacity) {
    recorder = std::make_unique<EventRecorder>(client, clock,
                                               EventRecorderOptions{.component = "operator",
                                                                    .instance = "pod-0",
                                                                    .capacity = capacity,
                                                                    .metrics = &registry});
  }

  // Until everything that is due has been sent.
  void settle() {
    while (clock.waiters() == 0) std::this_thread::yield();
    // The sender waits; it may have been woken since for something that is due now.
    clock.advance(milliseconds(1));
    while (clock.waiters() == 0) std::this_thread::yield();
  }

  void record(Event toRecord) {
    recorder->record(std::move(toRecord));
    settle();
  }

  void pass(base::Duration time) {
    clock.advance(time);
    settle();
  }

  // "reason message ×count" of each event.
  std::multiset<std::string> events() const {
    std::multiset<std::string> all;
    for (const Value& one : client.objects(kEvents)) {
      all.insert(one["reason"].toString() + " " + one["message"].toString() + " ×" +
                 std::to_string(one["count"].asInt()));
    }
    return all;
  }

  using Events = std::multiset<std::string>;

  base::ManualClock clock;
  metrics::Registry registry;
  MemoryClient client{clock};
  std::unique_ptr<EventRecorder> recorder;
};

TEST_F(EventsTest, AnEventHasWhatKubectlShows) {
  record(event("PlugCoupled", "coupled with shop/postgres"));
  ASSERT_EQ(client.objects(kEvents).size(), 1U);
  const Value sent = client.objects(kEvents)[0];
  EXPECT_EQ(sent["metadata"]["namespace"].asString(), "app");
  EXPECT_TRUE(sent["metadata"]["name"].asString().starts_with("db."));
  EXPECT_EQ(sent["involvedObject"], Value::object({{"apiVersion", "integration.rock8s.com/v1"},
                                                   {"kind", "Plug"},
                                                   {"namespace", "app"},
                                                   {"name", "db"},
                                                   {"uid", "uid-db"}}));
  EXPECT_EQ(sent["type"].asString(), "Normal");
  EXPECT_EQ(sent["reason"].asString(), "PlugCoupled");
  EXPECT_EQ(sent["message"].asString(), "coupled with shop/postgres");
  EXPECT_EQ(sent["count"].asInt(), 1);
  EXPECT_EQ(sent["source"]["component"].asString(), "operator");
  EXPECT_EQ(sent["reportingComponent"].asString(), "operator");
  EXPECT_EQ(sent["reportingInstance"].asString(), "pod-0");
  EXPECT_EQ(sent["firstTimestamp"].asString(), "2023-11-14T22:13:20Z");
  EXPECT_EQ(sent["lastTimestamp"], sent["firstTimestamp"]);
}

TEST_F(EventsTest, EventsOfClusterScopedObjectsAreInDefault) {
  Event cluster = event("Made", "made");
  cluster.regarding.namespaceName.clear();
  record(cluster);
  ASSERT_EQ(client.objects(kEvents).size(), 1U);
  EXPECT_EQ(client.objects(kEvents)[0]["metadata"]["namespace"].asString(), "default");
}

TEST_F(EventsTest, ACouplingCostsExactlyTwoRequests) {
  recorder->record(event("PlugCreated", "created"));
  recorder->record(event("PlugCoupled", "coupled"));
  settle();
  pass(minutes(30));
  EXPECT_EQ(client.calls().size(), 2U);
  EXPECT_EQ(events(), (Events{"PlugCreated created ×1", "PlugCoupled coupled ×1"}));
}

TEST_F(EventsTest, AThousandPlugsAreAHandfulOfEventsWithACount) {
  for (int plug = 0; plug < 1000; ++plug) {
    Event coupled =
        event("SocketCoupled", "coupled with app/plug-" + std::to_string(plug), "postgres");
    coupled.combine = [](std::size_t count) { return std::to_string(count) + " plugs coupled"; };
    recorder->record(std::move(coupled));
  }
  settle();
  pass(seconds(1));
  std::int64_t counted = 0;
  for (const Value& one : client.objects(kEvents)) counted += one["count"].asInt();
  EXPECT_EQ(counted, 1000);
  EXPECT_LE(client.calls().size(), 6U);
  EXPECT_EQ(recorder->dropped(), 0U);
}

TEST_F(EventsTest, TheSameMessageAgainCountsUpOncePerWindow) {
  record(event("Failed", "no route"));
  for (int again = 0; again < 5; ++again) record(event("Failed", "no route"));
  EXPECT_EQ(client.calls().size(), 1U) << "held until the window ends";
  pass(seconds(1));
  EXPECT_EQ(events(), (Events{"Failed no route ×6"}));
  EXPECT_EQ(client.calls().size(), 2U);
  pass(minutes(2));
  record(event("Failed", "no route"));
  EXPECT_EQ(events(), (Events{"Failed no route ×7"}));
  const Value sent = client.objects(kEvents)[0];
  EXPECT_GT(sent["lastTimestamp"].toString(), sent["firstTimestamp"].toString());
}

TEST_F(EventsTest, AFewDifferentMessagesStayThemselvesManyAreCombined) {
  record(event("Failed", "first"));
  for (const char* message : {"a", "b", "a", "c"}) recorder->record(event("Failed", message));
  pass(seconds(1));
  EXPECT_EQ(events(), (Events{"Failed first ×1", "Failed a ×2", "Failed b ×1", "Failed c ×1"}));
  for (const char* message : {"d", "e", "f", "g", "h"}) recorder->record(event("Failed", message));
  pass(seconds(1));
  EXPECT_TRUE(events().contains("Failed (combined from similar events): h ×5"));
  for (const char* message : {"i", "j", "k", "l"}) recorder->record(event("Failed", message));
  pass(seconds(1));
  EXPECT_TRUE(events().contains("Failed (combined from similar events): l ×9"));
  EXPECT_EQ(events().size(), 5U);
}

TEST_F(EventsTest, MoreThanTenMessagesInTenMinutesAreCombined) {
  for (int message = 0; message < 15; ++message) {
    record(event("Failed", "m" + std::to_string(message)));
    pass(seconds(2));
  }
  EXPECT_EQ(events().size(), 11U);
  EXPECT_TRUE(events().contains("Failed (combined from similar events): m14 ×5"));
}

TEST_F(EventsTest, AfterALongTimeAnEventIsANewOne) {
  record(event("Failed", "no route"));
  pass(minutes(11));
  record(event("Failed", "no route"));
  EXPECT_EQ(events(), (Events{"Failed no route ×1", "Failed no route ×1"}));
}

TEST_F(EventsTest, AnObjectThatNeverStopsIsSlowedDownAndNothingIsLost) {
  for (int second = 0; second < 100; ++second) {
    record(event("Failed", "no route"));
    pass(seconds(1));
  }
  EXPECT_LE(client.calls().size(), 26U);
  record(event("Other", "another object is not affected", "other"));
  EXPECT_TRUE(events().contains("Other another object is not affected ×1"));
  pass(minutes(6));
  EXPECT_TRUE(events().contains("Failed no route ×100"));
}

TEST_F(EventsTest, AnEventThatHasExpiredIsMadeAnew) {
  record(event("Failed", "no route"));
  const Value sent = client.objects(kEvents)[0];
  ASSERT_TRUE(client.remove(kEvents, api::keyOf(sent), {}, {}));
  pass(seconds(2));
  record(event("Failed", "no route"));
  EXPECT_EQ(events(), (Events{"Failed no route ×1"}));
  pass(seconds(2));
  record(event("Failed", "no route"));
  EXPECT_EQ(events(), (Events{"Failed no route ×2"}));
}

TEST_F(EventsTest, WhatCannotBeSentIsTriedAgain) {
  client.setFault([](const MemoryClient::Call&) {
    return Error{Code::Unreachable, "no route", {}, 0};
  });
  record(event("PlugCoupled", "coupled"));
  pass(seconds(5));
  EXPECT_TRUE(events().empty());
  client.setFault({});
  pass(seconds(31));
  EXPECT_EQ(events(), (Events{"PlugCoupled coupled ×1"}));
  EXPECT_EQ(recorder->dropped(), 0U);
}

TEST_F(EventsTest, WhatIsRefusedIsDropped) {
  client.setFault([](const MemoryClient::Call&) {
    return Error{Code::Forbidden, "namespace is being terminated", "NamespaceTerminating", 0};
  });
  record(event("PlugDeleted", "deleted"));
  pass(minutes(5));
  EXPECT_EQ(client.calls().size(), 1U);
  EXPECT_EQ(recorder->dropped(), 1U);
  EXPECT_EQ(registry.counter("kubernetes_events_dropped_total", "").value(), 1);
}

TEST_F(EventsTest, WhatHasNoRoomIsDropped) {
  make(2);
  client.setFault([](const MemoryClient::Call&) {
    return Error{Code::Unreachable, "no route", {}, 0};
  });
  for (const char* object : {"a", "b", "c", "d", "e"})
    recorder->record(event("Made", "made", object));
  EXPECT_GE(recorder->dropped(), 2U);
  EXPECT_LE(recorder->dropped(), 3U) << "one may be with the sender";
}

TEST_F(EventsTest, StopSendsWhatIsHeld) {
  record(event("Failed", "no route"));
  recorder->record(event("Failed", "no route"));
  recorder->record(event("PlugCoupled", "coupled"));
  EXPECT_TRUE(recorder->stop(seconds(5)));
  EXPECT_EQ(events(), (Events{"Failed no route ×2", "PlugCoupled coupled ×1"}));
  recorder->record(event("Late", "late"));
  EXPECT_EQ(recorder->dropped(), 1U);
}

TEST_F(EventsTest, StopDoesNotWaitForAServerThatIsGone) {
  client.setFault([](const MemoryClient::Call&) {
    return Error{Code::Unreachable, "no route", {}, 0};
  });
  record(event("Failed", "no route"));
  EXPECT_FALSE(recorder->stop(seconds(5)));
  EXPECT_EQ(recorder->dropped(), 1U);
}

TEST_F(EventsTest, LongMessagesAreCutBetweenCharacters) {
  std::string message(1023, 'x');
  record(event("Failed", message + "é and more"));
  EXPECT_EQ(client.objects(kEvents)[0]["message"].asString(), message);
}

}  // namespace
}  // namespace iop::kube::runtime
