#include "base/metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace iop::metrics {
namespace {

bool contains(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(Metrics, PrintTheTextFormatSortedByName) {
  Registry registry;
  registry.gauge("b_depth", "How deep.", {{"queue", "a \"b\""}}).set(2.5);
  const Counter counter = registry.counter("a_total", "How many.");
  counter.increment();
  counter.increment(2);
  EXPECT_EQ(registry.printText(),
            "# HELP a_total How many.\n"
            "# TYPE a_total counter\n"
            "a_total 3\n"
            "# HELP b_depth How deep.\n"
            "# TYPE b_depth gauge\n"
            "b_depth{queue=\"a \\\"b\\\"\"} 2.5\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Registry registry;
  registry.counter("a_total", "First.", {{"x", "1"}}).increment();
  registry.counter("a_total", "Second.", {{"x", "1"}}).increment();
  registry.counter("a_total", "Third.", {{"x", "2"}});
  const std::string text = registry.printText();
  EXPECT_TRUE(contains(text, "# HELP a_total First."));
  EXPECT_TRUE(contains(text, "a_total{x=\"1\"} 2"));
  EXPECT_TRUE(contains(text, "a_total{x=\"2\"} 0")) << "made at 0";
}

TEST(Metrics, HistogramsCountIntoBucketsWithInclusiveUpperBounds) {
  Registry registry;
  const Histogram histogram = registry.histogram("seconds", "Time.", {0.1, 1}, {{"c", "x"}});
  for (const double seconds : {0.05, 0.1, 0.5, 7.0}) histogram.observe(seconds);
  const std::string text = registry.printText();
  EXPECT_TRUE(contains(text, "seconds_bucket{c=\"x\",le=\"0.1\"} 2")) << text;
  EXPECT_TRUE(contains(text, "seconds_bucket{c=\"x\",le=\"1\"} 3")) << text;
  EXPECT_TRUE(contains(text, "seconds_bucket{c=\"x\",le=\"+Inf\"} 4")) << text;
  EXPECT_TRUE(contains(text, "seconds_count{c=\"x\"} 4")) << text;
  EXPECT_TRUE(contains(text, "seconds_sum{c=\"x\"} 7.65")) << text;
}

TEST(Metrics, CallbacksAreReadAtEachScrapeAndGoWithTheirHandle) {
  Registry registry;
  double value = 1;
  registry.gauge("size", "Size.", {{"of", "b"}}).set(9);
  {
    const CallbackHandle handle =
        registry.gaugeCallback("size", "Size.", {{"of", "a"}}, [&] { return value; });
    value = 2;
    const std::string text = registry.printText();
    EXPECT_TRUE(contains(text, "size{of=\"a\"} 2")) << text;
    EXPECT_TRUE(contains(text, "size{of=\"b\"} 9")) << text;
  }
  EXPECT_EQ(registry.printText().find("of=\"a\""), std::string::npos);
}

TEST(Metrics, ADefaultHandleCountsNothing) {
  Counter().increment();
  Gauge().set(1);
  Gauge().add(1);
  Histogram().observe(1);
  EXPECT_EQ(Counter().value(), 0);
  EXPECT_EQ(Gauge().value(), 0);
}

TEST(Metrics, ManyThreadsCountTogether) {
  Registry registry;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&registry] {
      const Counter counter = registry.counter("a_total", "All.");
      for (int step = 0; step < 1000; ++step) counter.increment();
    });
  }
  threads.clear();
  EXPECT_EQ(registry.counter("a_total", "All.").value(), 4000);
}

TEST(Metrics, TheProcessIsKnown) {
  Registry registry;
  registry.addProcessMetrics();
  const std::string text = registry.printText();
  const auto read = [&](const std::string& name) {
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  };
  EXPECT_GE(read("process_cpu_seconds_total"), 0);
  EXPECT_GT(read("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(read("process_virtual_memory_bytes"), read("process_resident_memory_bytes"));
  EXPECT_GE(read("process_open_fds"), 3);
  EXPECT_GE(read("process_max_fds"), read("process_open_fds"));
  EXPECT_GE(read("process_threads"), 1);
  EXPECT_GT(read("process_start_time_seconds"), 1'600'000'000);
}

TEST(Metrics, BucketsCanGrowExponentially) {
  EXPECT_EQ(exponentialBuckets(1, 10, 3), (std::vector<double>{1, 10, 100}));
}

}  // namespace
}  // namespace iop::metrics
