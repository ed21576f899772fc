#pragma once

// Decides which events are sent, when, and what is combined: the half of the recorder that does no
// I/O and has no thread and no clock of its own.
//
//   correlator.add(event, now);
//   while (std::optional<EventBatch> batch = correlator.takeDue(now)) {
//     …create or count up an event for each of its parts…
//     correlator.finish(*batch, std::nullopt, now);
//   }

#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "kube/runtime/events.h"

namespace iop::kube::runtime {

// An event that exists on the server.
struct PostedEvent {
  api::ObjectKey key;
  int count = 0;
};

// What is to become one event, or more of one that exists.
struct EventPart {
  std::string message;
  std::string lastMessage;            // the last one of those it combines, or the same
  int count = 0;                      // how often it happened since the last time
  bool isCombined = false;            // of different messages
  std::optional<PostedEvent> posted;  // nothing: to be created. The sender sets it to what it made
  bool isDone = false;                // set by the sender
};

struct EventGroup;

// What is due at once for one object, type and reason.
struct EventBatch {
  std::shared_ptr<EventGroup> group;
  api::ObjectRef regarding;
  EventType type = EventType::Normal;
  std::string reason;
  int failures = 0;  // how often sending has failed in a row
  std::vector<EventPart> parts;
};

// Thread-compatible: used under the recorder's lock.
class EventCorrelator {
 public:
  explicit EventCorrelator(EventRecorderOptions options);
  ~EventCorrelator();

  // False if there is no room: the event is dropped.
  bool add(const Event& event, base::Instant now);

  // When the next batch is due; Instant::max() if none is.
  base::Instant nextDue() const;
  // The next batch that is due. `flush`: neither windows nor limits are waited for.
  std::optional<EventBatch> takeDue(base::Instant now, bool flush = false);
  // Takes a batch back, with what came of its parts. Those that are not done are due again after
  // `retryDelay`, and forgotten without one.
  void finish(const EventBatch& batch, std::optional<base::Duration> retryDelay, base::Instant now);

  // How many events wait to be sent.
  std::size_t waiting() const;

 private:
  struct Object;

  Object& objectOf(const api::ObjectRef& regarding, base::Instant now);
  EventGroup& groupOf(const Event& event, base::Instant now);
  void schedule(const std::shared_ptr<EventGroup>& group, base::Instant due);

  const EventRecorderOptions options_;
  std::map<api::ObjectRef, Object> objects_;
  std::list<api::ObjectRef> recent_;  // the objects, the one that was used last first
  std::set<std::pair<base::Instant, std::shared_ptr<EventGroup>>> due_;
};

}  // namespace iop::kube::runtime
