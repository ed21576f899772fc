#include "kube/runtime/work_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace iop::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

ObjectKey key(std::string name) { return {"app", std::move(name)}; }

class WorkQueueTest : public testing::Test {
 protected:
  // All keys that are ready, in order, without an end.
  std::string drain() {
    std::string all;
    while (queue.depth() > 0) {
      const WorkItem item = queue.get().value();
      all += item.key.name + " ";
      queue.done(item.key);
    }
    return all;
  }

  base::ManualClock clock;
  metrics::Registry registry;
  double random = 0.5;
  WorkQueue queue{clock,
                  {.name = "test", .random = [this] { return random; }, .metrics = &registry}};
};

TEST_F(WorkQueueTest, HandsKeysOutInOrderAndOnlyOnce) {
  for (const char* name : {"a", "b", "a", "c", "b"}) queue.add(key(name));
  EXPECT_EQ(drain(), "a b c ");
}

TEST_F(WorkQueueTest, TellsForHowLongNobodyHasTakenAReadyKey) {
  EXPECT_EQ(queue.stalledFor(), base::Duration{});
  queue.add(key("a"));
  clock.advance(minutes(3));
  queue.add(key("b"));
  EXPECT_EQ(queue.stalledFor(), minutes(3));
  const WorkItem item = queue.get().value();
  clock.advance(minutes(2));
  EXPECT_EQ(queue.stalledFor(), minutes(2)) << "since the last one was taken";
  queue.done(item.key);
  static_cast<void>(queue.get());
  clock.advance(minutes(9));
  EXPECT_EQ(queue.stalledFor(), base::Duration{}) << "nothing is ready";
}

TEST_F(WorkQueueTest, AKeyBeingWorkedOnWaitsAndRunsOnceMore) {
  queue.add(key("a"));
  const WorkItem item = queue.get().value();
  queue.add(key("a"));
  queue.add(key("a"));
  EXPECT_EQ(queue.depth(), 0U) << "nobody else gets it meanwhile";
  EXPECT_EQ(queue.processing(), 1U);
  queue.done(item.key);
  EXPECT_EQ(drain(), "a ");
}

TEST_F(WorkQueueTest, ADelayedKeyIsReadyWhenItsTimeHasComeAndTheEarlierTimeWins) {
  queue.addAfter(key("late"), seconds(10));
  queue.addAfter(key("early"), seconds(20));
  queue.addAfter(key("early"), seconds(5));
  queue.addAfter(key("early"), seconds(30));
  EXPECT_EQ(queue.delayed(), 2U);
  EXPECT_EQ(drain(), "");
  clock.advance(seconds(5));
  EXPECT_EQ(drain(), "early ");
  clock.advance(seconds(5));
  EXPECT_EQ(drain(), "late ");
  clock.advance(minutes(1));
  EXPECT_EQ(drain(), "");
}

TEST_F(WorkQueueTest, AddingADelayedKeyWithoutADelayMakesItReadyAtOnce) {
  queue.addAfter(key("a"), minutes(5));
  queue.add(key("a"));
  EXPECT_EQ(queue.delayed(), 0U);
  EXPECT_EQ(drain(), "a ");
  clock.advance(minutes(5));
  EXPECT_EQ(drain(), "");
}

TEST_F(WorkQueueTest, ADelayMayEndWhileTheKeyIsWorkedOn) {
  queue.add(key("a"));
  const WorkItem item = queue.get().value();
  queue.addAfter(key("a"), seconds(1));
  clock.advance(seconds(2));
  EXPECT_EQ(queue.depth(), 0U);
  queue.done(item.key);
  EXPECT_EQ(drain(), "a ");
}

TEST_F(WorkQueueTest, BackoffDoublesToItsCapWithJitterAndIsForgotten) {
  const std::vector<milliseconds> expected = {milliseconds(250), milliseconds(500), seconds(1),
                                              seconds(2), seconds(4)};
  for (const milliseconds delay : expected) {
    EXPECT_EQ(queue.addWithBackoff(key("a")), delay);
  }
  EXPECT_EQ(queue.failures(key("a")), 5);
  for (int more = 0; more < 2000; ++more) queue.addWithBackoff(key("a"));
  EXPECT_EQ(queue.addWithBackoff(key("a")), seconds(150)) << "half of five minutes";
  random = 0;
  EXPECT_EQ(queue.addWithBackoff(key("a")), seconds(0)) << "full jitter";
  random = 0.5;
  queue.forget(key("a"));
  EXPECT_EQ(queue.addWithBackoff(key("a")), milliseconds(250));
  EXPECT_EQ(queue.addWithBackoff(key("b")), milliseconds(250)) << "each key has its own";
}

TEST_F(WorkQueueTest, HigherPrioritiesComeFirstAndAKeyKeepsItsHighest) {
  queue.add(key("low"), Priority::Low);
  queue.add(key("raised"), Priority::Low);
  queue.add(key("normal"), Priority::Normal);
  queue.add(key("high"), Priority::High);
  queue.add(key("raised"), Priority::Normal);
  queue.add(key("high"), Priority::Low);
  EXPECT_EQ(drain(), "high normal raised low ");
}

TEST_F(WorkQueueTest, NothingStarves) {
  queue.add(key("low"), Priority::Low);
  std::string handedOut;
  for (int round = 0; round < 16; ++round) {
    queue.add(key("busy"));
    const WorkItem item = queue.get().value();
    handedOut += item.key.name == "low" ? "L" : ".";
    queue.done(item.key);
  }
  EXPECT_EQ(handedOut, ".......L........");
}

TEST_F(WorkQueueTest, ShutDownHandsOutWhatIsReadyAndDropsTheRest) {
  queue.add(key("ready"));
  queue.addAfter(key("delayed"), seconds(1));
  queue.shutDown();
  queue.add(key("new"));
  EXPECT_EQ(drain(), "ready ");
  clock.advance(minutes(1));
  EXPECT_FALSE(queue.get());
}

TEST_F(WorkQueueTest, ShutDownNowDropsEverythingThatNobodyWorksOn) {
  queue.add(key("a"));
  queue.add(key("b"));
  const WorkItem item = queue.get().value();
  queue.add(key("a"));
  queue.shutDownNow();
  EXPECT_FALSE(queue.get());
  EXPECT_FALSE(queue.waitUntilIdle(clock.instant()));
  queue.done(item.key);
  EXPECT_TRUE(queue.waitUntilIdle(clock.instant()));
}

TEST_F(WorkQueueTest, WorkersWaitForKeysAndForTheirTime) {
  std::string got;
  std::jthread worker([&] {
    while (const std::optional<WorkItem> item = queue.get()) {
      got += item->key.name + " ";
      queue.done(item->key);
    }
  });
  queue.add(key("a"));
  queue.addAfter(key("b"), minutes(1));
  while (queue.delayed() > 0) clock.advance(seconds(30));
  EXPECT_TRUE(queue.waitUntilIdle(base::Instant::max()));
  queue.shutDown();
  worker.join();
  EXPECT_EQ(got, "a b ");
}

TEST_F(WorkQueueTest, ManyWorkersNeverShareAKey) {
  std::array<std::atomic<int>, 5> inWork{};
  std::atomic<int> runs = 0;
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      while (const std::optional<WorkItem> item = queue.get()) {
        std::atomic<int>& count = inWork[static_cast<std::size_t>(item->key.name[0] - 'a')];
        EXPECT_EQ(++count, 1);
        ++runs;
        std::this_thread::yield();
        --count;
        queue.done(item->key);
      }
    });
  }
  for (int round = 0; round < 1000; ++round) {
    queue.add(key(std::string(1, static_cast<char>('a' + round % 5))));
  }
  EXPECT_TRUE(queue.waitUntilIdle(base::Instant::max()));
  queue.shutDown();
  workers.clear();
  EXPECT_GE(runs, 5);
}

TEST_F(WorkQueueTest, Counts) {
  queue.add(key("a"), Priority::Low);
  queue.add(key("b"));
  queue.addWithBackoff(key("c"));
  clock.advance(seconds(3));
  const WorkItem item = queue.get().value();
  clock.advance(seconds(2));
  const std::string text = registry.printText();
  const auto has = [&](const std::string& line) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  };
  const std::string labels = "{controller=\"test\",name=\"test\"";
  has("workqueue_adds_total" + labels + "} 3");
  has("workqueue_retries_total" + labels + "} 1");
  has("workqueue_depth" + labels + ",priority=\"-100\"} 1");
  has("workqueue_depth" + labels + ",priority=\"0\"} 1");
  has("workqueue_queue_duration_seconds_sum" + labels + "} 3");
  has("workqueue_unfinished_work_seconds" + labels + "} 2");
  has("workqueue_longest_running_processor_seconds" + labels + "} 2");
  queue.done(item.key);
}

}  // namespace
}  // namespace iop::kube::runtime
