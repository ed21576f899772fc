#pragma once

// Tells users what happened to their objects, as Kubernetes Events.
//
//   EventRecorder events(client, clock, {.component = "integration-operator"});
//   events.record({.regarding = refOf(plug), .reason = "PlugCoupled", .message = "coupled with
//   shop/postgres"}); kubectl describe plug db     →  Normal  PlugCoupled  2s  integration-operator
//   coupled with shop/postgres
//
// Flow: record() notes the event and returns; a thread sends. The first event of an object, type
// and reason is sent at once; what follows within `window` is held and sent together. A message
// that was sent before adds to the count of its event. Up to three different messages are events of
// their own, more become one combined event with a count, as does everything of that object, type
// and reason after ten different messages.
// Guarantees: record() never blocks; a distinct event costs one request, a repetition none but one
// a window. A burst of any size of one object, type and reason costs a handful, and one more for
// each further window.
// Assumptions: core/v1 Events, which `kubectl describe` and `kubectl get events` count and sort;
// messages hold no secrets.
// Caveats: best effort. An object may have 25 requests of a type at once and then one in five
// minutes: what is over is held and counted. Events are dropped, and counted as such, when too many
// objects wait, when a namespace is being deleted, when the server refuses them or cannot be
// reached for long. Messages are cut at 1,024 bytes.
// Errors: none come out; failures are logged and counted.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "kube/api/types.h"
#include "kube/client/client.h"

namespace iop::kube::runtime {

enum class EventType { Normal, Warning };

struct Event {
  api::ObjectRef regarding = {};
  EventType type = EventType::Normal;
  std::string reason = {};  // UpperCamelCase
  std::string message = {};
  // The message of several of this object, type and reason with different messages ("12 plugs
  // coupled"); empty:
  // "(combined from similar events): " and the last message.
  std::function<std::string(std::size_t count)> combine = {};
};

struct EventRecorderOptions {
  std::string component = {};  // who reports
  std::string instance = {};   // which of its replicas; the pod's name
  // How many combinations of object, type and reason may wait to be sent.
  std::size_t capacity = 10'000;
  base::Duration window = std::chrono::seconds(1);
  // An event that repeats after so long is a new one.
  base::Duration memory = std::chrono::minutes(10);
  int burst = 25;
  base::Duration refill = std::chrono::minutes(5);
  metrics::Registry* metrics = nullptr;  // outlives the recorder
};

// Thread-safe.
class EventRecorder {
 public:
  // `client` and `clock` must outlive the recorder, which starts its thread at once.
  EventRecorder(client::Client& client, base::Clock& clock, EventRecorderOptions options);
  ~EventRecorder();  // stops without sending what is left
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  void record(Event event);

  // Sends all that is queued and held, for as long as `timeout` lasts, and ends; later events are
  // dropped. True if everything was sent.
  bool stop(base::Duration timeout);

  std::size_t dropped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iop::kube::runtime
