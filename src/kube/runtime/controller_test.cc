#include "kube/runtime/controller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace iop::kube::runtime {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const ObjectKey kKey{"app", "db"};

class ControllerTest : public testing::Test {
 protected:
  // Starts a controller whose reconcile gives these results, one after the other, and then
  // successes.
  void start(std::vector<Result<Outcome>> script) {
    results = std::move(script);
    controller = std::make_unique<Controller>(
        clock, ControllerOptions{.name = "plug", .workers = 2, .metrics = &registry},
        [this](const ObjectKey& key, const ReconcileContext& context) -> Result<Outcome> {
          EXPECT_EQ(key, kKey);
          std::lock_guard guard(mutex);
          ids.insert(context.reconcileId);
          const std::size_t run = runs++;
          return run < results.size() ? results[run] : Outcome{};
        });
    controller->start();
    controller->enqueue(kKey);
    settle();
  }

  void settle() { EXPECT_TRUE(controller->waitUntilIdle(base::Instant::max())); }

  // Lets so much time go by, in steps.
  void pass(base::Duration time) {
    for (base::Duration passed{}; passed < time; passed += seconds(1)) {
      clock.advance(seconds(1));
      settle();
    }
  }

  double total(const char* result) {
    return registry
        .counter("controller_runtime_reconcile_total", "",
                 {{"controller", "plug"}, {"result", result}})
        .value();
  }
  double counted(const char* name) {
    return registry.counter(name, "", {{"controller", "plug"}}).value();
  }

  base::ManualClock clock;
  metrics::Registry registry;
  std::mutex mutex;
  std::vector<Result<Outcome>> results;
  std::size_t runs = 0;
  std::set<std::string> ids;
  std::unique_ptr<Controller> controller;
};

TEST_F(ControllerTest, ASuccessEndsTheWork) {
  start({Outcome{}});
  pass(minutes(10));
  EXPECT_EQ(runs, 1U);
  EXPECT_EQ(total("success"), 1);
}

TEST_F(ControllerTest, RequeueAfterRunsTheKeyAgainThen) {
  start({Outcome{.requeueAfter = minutes(1)}});
  pass(seconds(59));
  EXPECT_EQ(runs, 1U);
  pass(seconds(1));
  EXPECT_EQ(runs, 2U);
  EXPECT_EQ(total("requeue_after"), 1);
  EXPECT_EQ(total("success"), 1);
}

TEST_F(ControllerTest, AnErrorIsRetriedUntilItIsGone) {
  const Result<Outcome> error = fail(Code::NotFound, "socket not found");
  start({error, error, error});
  EXPECT_EQ(controller->queue().failures(kKey), 1);
  pass(minutes(1));
  EXPECT_EQ(runs, 4U);
  EXPECT_EQ(controller->queue().failures(kKey), 0) << "a success forgets them";
  EXPECT_EQ(total("error"), 3);
  EXPECT_EQ(counted("controller_runtime_reconcile_errors_total"), 3);
  EXPECT_EQ(ids.size(), 4U) << "each run has its own id";
}

TEST_F(ControllerTest, ATerminalErrorIsCountedAndNotRetried) {
  start({fail(Code::Invalid, "spec is wrong"),
         tl::unexpected(terminal(Error{Code::NotFound, "no", {}, 0}))});
  pass(minutes(20));
  EXPECT_EQ(runs, 1U);
  controller->enqueue(kKey);
  settle();
  pass(minutes(20));
  EXPECT_EQ(runs, 2U) << "until somebody adds the key again";
  EXPECT_EQ(counted("controller_runtime_terminal_reconcile_errors_total"), 2);
}

TEST(ControllerErrors, AreTerminalByCodeOrByMark) {
  const Error notFound{Code::NotFound, "no", {}, 0};
  EXPECT_FALSE(isTerminal(notFound));
  EXPECT_TRUE(isTerminal(terminal(notFound)));
  EXPECT_TRUE(isTerminal(terminal(notFound).withContext("couple plug")));
  EXPECT_TRUE(isTerminal(Error{Code::Invalid, "no", {}, 0}));
}

TEST(Controller, AnExceptionIsAnError) {
  base::ManualClock clock;
  metrics::Registry registry;
  std::atomic<int> runs = 0;
  Controller controller(clock, {.name = "plug", .metrics = &registry},
                        [&](const ObjectKey&, const ReconcileContext&) -> Result<Outcome> {
                          if (++runs == 1) throw std::runtime_error("bug");
                          return Outcome{};
                        });
  controller.start();
  controller.enqueue(kKey);
  while (runs < 2) clock.advance(std::chrono::milliseconds(100));
  const metrics::Labels labels = {{"controller", "plug"}};
  EXPECT_EQ(registry.counter("controller_runtime_reconcile_panics_total", "", labels).value(), 1);
}

TEST(Controller, MetricsExistBeforeAnythingHappens) {
  base::ManualClock clock;
  metrics::Registry registry;
  const Controller controller(
      clock, {.name = "plug", .workers = 3, .metrics = &registry},
      [](const ObjectKey&, const ReconcileContext&) -> Result<Outcome> { return Outcome{}; });
  const std::string text = registry.printText();
  for (const char* line :
       {"controller_runtime_reconcile_total{controller=\"plug\",result=\"error\"} 0",
        "controller_runtime_reconcile_total{controller=\"plug\",result=\"success\"} 0",
        "controller_runtime_reconcile_errors_total{controller=\"plug\"} 0",
        "controller_runtime_max_concurrent_reconciles{controller=\"plug\"} 3",
        "controller_runtime_active_workers{controller=\"plug\"} 0",
        "controller_runtime_reconcile_time_seconds_count{controller=\"plug\"} 0"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

// A controller whose reconcile has begun and lasts until it is released or asked to stop.
class BusyControllerTest : public testing::Test {
 protected:
  BusyControllerTest() {
    controller.start();
    controller.enqueue(kKey);
    begun.wait(false);
  }

  base::ManualClock clock;
  std::atomic<bool> begun = false;
  std::atomic<bool> released = false;
  std::atomic<bool> wasAsked = false;
  std::atomic<int> runs = 0;
  Controller controller{
      clock,
      {.name = "plug", .workers = 2},
      [this](const ObjectKey&, const ReconcileContext& context) -> Result<Outcome> {
        ++runs;
        begun = true;
        begun.notify_all();
        while (!released && !context.stop.stop_requested()) std::this_thread::yield();
        wasAsked = context.stop.stop_requested();
        return Outcome{};
      }};
};

TEST_F(BusyControllerTest, StopFinishesWhatIsInFlightAndTakesNothingNew) {
  controller.enqueue({"app", "waiting"});
  controller.enqueue(kKey);
  controller.enqueueAfter({"app", "later"}, minutes(1));
  std::jthread other([this] {
    while (controller.queue().delayed() > 0) std::this_thread::yield();  // until stop() has begun
    released = true;
  });
  EXPECT_TRUE(controller.stop(seconds(25)));
  EXPECT_FALSE(wasAsked);
  EXPECT_LE(runs, 2);
  controller.enqueue(kKey);
  EXPECT_EQ(controller.queue().depth(), 0U);
}

TEST_F(BusyControllerTest, AfterTheGraceReconcilesAreAskedToStop) {
  std::jthread time([this] {
    while (!wasAsked) clock.advance(seconds(1));
  });
  EXPECT_FALSE(controller.stop(seconds(25)));
  EXPECT_TRUE(wasAsked);
}

}  // namespace
}  // namespace iop::kube::runtime
