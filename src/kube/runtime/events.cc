#include "kube/runtime/events.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "kube/runtime/internal/event_correlator.h"

namespace iop::kube::runtime {
namespace {

using base::Duration;
using base::Instant;

constexpr std::size_t kMaxMessageBytes = 1024;
constexpr int kMaxFailures = 12;
constexpr std::chrono::milliseconds kRequestTimeout{10'000};

const api::Resource& eventResource() {
  static const api::Resource resource{"", "v1", "events", "Event", true};
  return resource;
}

// Cut where a character ends.
std::string cut(std::string message) {
  if (message.size() <= kMaxMessageBytes) return message;
  std::size_t size = kMaxMessageBytes;
  while (size > 0 && (static_cast<unsigned char>(message[size]) & 0xC0) == 0x80) --size;
  message.resize(size);
  return message;
}

const char* nameOf(EventType type) { return type == EventType::Normal ? "Normal" : "Warning"; }

// Whether the same request may succeed later. What the server has an opinion about stays as it is.
bool isWorthRetrying(const Error& error) {
  switch (error.code) {
    case Code::Unreachable:
    case Code::Interrupted:
    case Code::Timeout:
    case Code::TooManyRequests:
    case Code::ServiceUnavailable:
      return true;
    default:
      return false;
  }
}

// 1 s, 2 s, 4 s … 30 s, or as long as the server asks.
Duration retryDelay(int failures, const Error& error) {
  const std::chrono::seconds delay(std::min(30, 1 << std::min(failures, 5)));
  return std::max(delay, std::chrono::seconds(error.retryAfterSeconds));
}

}  // namespace

struct EventRecorder::Impl {
  Impl(client::Client& clientToUse, base::Clock& clockToUse, EventRecorderOptions optionsToUse)
      : client(clientToUse),
        clock(clockToUse),
        options(std::move(optionsToUse)),
        correlator(options) {
    if (options.metrics == nullptr) return;
    sentCounter = options.metrics->counter("kubernetes_event_requests_total",
                                           "Requests that created or changed events.");
    droppedCounter =
        options.metrics->counter("kubernetes_events_dropped_total", "Events that were not sent.");
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!aborting.stop_requested()) {
      const Instant now = clock.instant();
      if (std::optional<EventBatch> batch = correlator.takeDue(now, stopping)) {
        lock.unlock();
        const std::optional<Duration> retry = send(*batch);
        lock.lock();
        finish(*batch, retry);
      } else if (stopping) {
        break;
      } else {
        clock.waitUntil(lock, changed, correlator.nextDue());
      }
    }
    drop(correlator.waiting());
    ended = true;
    changed.notify_all();
  }

  // With the lock held.
  void finish(const EventBatch& batch, std::optional<Duration> retry) {
    if (stopping || batch.failures >= kMaxFailures) retry.reset();
    correlator.finish(batch, retry, clock.instant());
    if (retry) return;
    for (const EventPart& part : batch.parts) {
      if (!part.isDone) drop(static_cast<std::size_t>(part.count));
    }
  }

  void drop(std::size_t count) {
    droppedEvents += count;
    droppedCounter.increment(static_cast<double>(count));
  }

  // Sends the parts one after the other; what is wrong with the first that cannot be sent decides
  // whether, and when, the rest is tried again.
  std::optional<Duration> send(EventBatch& batch) {
    for (EventPart& part : batch.parts) {
      Status sent = part.posted ? countUp(part) : create(batch, part);
      // The server forgets events after an hour, or earlier.
      if (!sent && part.posted && sent.error().isNotFound()) sent = create(batch, part);
      if (sent) {
        part.isDone = true;
        continue;
      }
      const Error& error = sent.error();
      log::debug("event not sent", {{"object", batch.regarding.key().print()},
                                    {"reason", batch.reason},
                                    {"error", error.message}});
      if (isWorthRetrying(error)) return retryDelay(batch.failures, error);
      // Another message of the batch would be refused for the same reason.
      return std::nullopt;
    }
    return std::nullopt;
  }

  // The events of cluster-scoped objects are in "default", as everywhere.
  static std::string namespaceOf(const api::ObjectRef& regarding) {
    return regarding.namespaceName.empty() ? "default" : regarding.namespaceName;
  }

  // "<object>.<nanoseconds in hex>", the usual name of an event; never the same twice.
  std::string makeName(const std::string& object) {
    const auto now =
        std::chrono::duration_cast<std::chrono::nanoseconds>(clock.now().time_since_epoch());
    lastStamp = std::max<long long>(lastStamp + 1, now.count());
    char stamp[24];
    std::snprintf(stamp, sizeof(stamp), ".%llx", static_cast<unsigned long long>(lastStamp));
    return object.substr(0, 253 - 17) + stamp;
  }

  client::CallOptions callOptions() const {
    client::CallOptions call;
    call.timeout = kRequestTimeout;
    call.stop = aborting.get_token();
    return call;
  }

  Status create(const EventBatch& batch, EventPart& part) {
    const api::ObjectKey key{namespaceOf(batch.regarding), makeName(batch.regarding.name)};
    const std::string now = base::printTime(clock.now());
    Value object = Value::object(
        {{"apiVersion", "v1"},
         {"kind", "Event"},
         {"metadata", Value::object({{"name", key.name}, {"namespace", key.namespaceName}})},
         {"involvedObject", involvedObject(batch.regarding)},
         {"type", nameOf(batch.type)},
         {"reason", batch.reason},
         {"message", cut(part.message)},
         {"count", part.count},
         {"firstTimestamp", now},
         {"lastTimestamp", now},
         {"source", Value::object({{"component", options.component}})},
         {"reportingComponent", options.component},
         {"reportingInstance", options.instance}});
    sentCounter.increment();
    const Result<Value> created =
        client.create(eventResource(), key.namespaceName, object, callOptions());
    // It exists already where an answer got lost and the client has sent the request again.
    if (!created && !created.error().isAlreadyExists()) return tl::unexpected(created.error());
    part.posted = PostedEvent{key, part.count};
    return {};
  }

  static Value involvedObject(const api::ObjectRef& regarding) {
    Value object = Value::object(
        {{"apiVersion", regarding.apiVersion}, {"kind", regarding.kind}, {"name", regarding.name}});
    if (!regarding.namespaceName.empty()) object.set("namespace", regarding.namespaceName);
    if (!regarding.uid.empty()) object.set("uid", regarding.uid);
    return object;
  }

  // One part more of an event that is there.
  Status countUp(EventPart& part) {
    const int count = part.posted->count + part.count;
    Value patch =
        Value::object({{"count", count}, {"lastTimestamp", base::printTime(clock.now())}});
    if (part.isCombined) patch.set("message", cut(part.message));
    sentCounter.increment();
    const Result<Value> patched = client.patch(eventResource(), part.posted->key,
                                               client::PatchType::Merge, patch, callOptions());
    if (!patched) return tl::unexpected(patched.error());
    part.posted->count = count;
    return {};
  }

  client::Client& client;
  base::Clock& clock;
  const EventRecorderOptions options;
  metrics::Counter sentCounter;
  metrics::Counter droppedCounter;
  std::atomic<std::size_t> droppedEvents{0};
  std::stop_source aborting;  // asks the call under way to end
  long long lastStamp = 0;    // the sender's

  std::mutex mutex;
  std::condition_variable changed;
  EventCorrelator correlator;
  bool stopping = false;
  bool ended = false;

  std::thread thread;
};

EventRecorder::EventRecorder(client::Client& client, base::Clock& clock,
                             EventRecorderOptions options)
    : impl_(std::make_unique<Impl>(client, clock, std::move(options))) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

EventRecorder::~EventRecorder() { stop(Duration::zero()); }

void EventRecorder::record(Event event) {
  std::lock_guard guard(impl_->mutex);
  if (impl_->stopping || !impl_->correlator.add(event, impl_->clock.instant())) {
    impl_->drop(1);
    return;
  }
  impl_->changed.notify_all();
}

bool EventRecorder::stop(Duration timeout) {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->thread.joinable()) return impl_->droppedEvents == 0;
  const std::size_t droppedBefore = impl_->droppedEvents;
  const Instant deadline = impl_->clock.instant() + timeout;
  impl_->stopping = true;
  impl_->changed.notify_all();
  while (!impl_->ended && impl_->clock.instant() < deadline) {
    impl_->clock.waitUntil(lock, impl_->changed, deadline);
  }
  lock.unlock();
  impl_->aborting.request_stop();
  impl_->thread.join();
  return impl_->droppedEvents == droppedBefore;
}

std::size_t EventRecorder::dropped() const { return impl_->droppedEvents; }

}  // namespace iop::kube::runtime
