#include "kube/runtime/internal/event_correlator.h"

#include <algorithm>

#include "base/result.h"
#include "kube/runtime/internal/wait.h"

namespace iop::kube::runtime {
namespace {

using base::Duration;
using base::Instant;

// The limits of client-go's correlator (tools/record/events_cache.go), and one of ours.
constexpr std::size_t kMaxObjects = 4096;  // remembered
constexpr std::size_t kMaxMessages = 10;   // of a group with events of their own
constexpr std::size_t kMaxTogether = 3;    // ours: in one window

// The requests that an object may still cost.
struct Bucket {
  double tokens = 0;
  Instant filledAt{};
};

}  // namespace

// All about one object, type and reason.
struct EventGroup {
  struct Held {
    std::string message;
    int count = 0;
  };

  void hold(const std::string& message, int count) {
    heldCount += count;
    lastMessage = message;
    const auto same = std::find_if(held.begin(), held.end(),
                                   [&](const Held& one) { return one.message == message; });
    if (same != held.end()) {
      same->count += count;
    } else if (held.size() < kMaxTogether) {
      held.push_back({message, count});
    } else {
      isCombined = true;
    }
  }

  // Whether each message held can be an event of its own.
  bool fitsSeparately() const {
    const auto isNew = [&](const Held& one) { return !posted.contains(one.message); };
    const auto fresh = static_cast<std::size_t>(std::count_if(held.begin(), held.end(), isNew));
    return !isCombined && (fresh == 0 || posted.size() + fresh <= kMaxMessages);
  }

  std::vector<EventPart> parts() const {
    std::vector<EventPart> out;
    if (!fitsSeparately()) {
      const int total = heldCount + (combined ? combined->count : 0);
      const std::string message = combine ? combine(static_cast<std::size_t>(total))
                                          : "(combined from similar events): " + lastMessage;
      out.push_back({message, lastMessage, heldCount, true, combined, false});
      return out;
    }
    for (const Held& one : held) {
      const auto known = posted.find(one.message);
      std::optional<PostedEvent> event;
      if (known != posted.end()) event = known->second;
      out.push_back({one.message, one.message, one.count, false, std::move(event), false});
    }
    return out;
  }

  void clearHeld() {
    held.clear();
    heldCount = 0;
    isCombined = false;
  }

  api::ObjectRef regarding;
  EventType type = EventType::Normal;
  std::string reason;
  std::function<std::string(std::size_t)> combine;
  std::shared_ptr<Bucket> bucket;

  // What waits.
  std::vector<Held> held;
  int heldCount = 0;
  std::string lastMessage;
  bool isCombined = false;  // too many different messages for `held`
  std::optional<Instant> due;

  // What was sent.
  std::map<std::string, PostedEvent> posted;
  std::optional<PostedEvent> combined;
  Instant lastUsed{};
  Instant nextSend{};  // the end of the window
  int failures = 0;
};

struct EventCorrelator::Object {
  std::map<std::pair<EventType, std::string>, std::shared_ptr<EventGroup>> groups;
  std::map<EventType, std::shared_ptr<Bucket>> buckets;
  std::list<api::ObjectRef>::iterator place;
};

EventCorrelator::EventCorrelator(EventRecorderOptions options) : options_(std::move(options)) {}
EventCorrelator::~EventCorrelator() = default;

EventCorrelator::Object& EventCorrelator::objectOf(const api::ObjectRef& regarding, Instant now) {
  const auto [found, isNew] = objects_.try_emplace(regarding);
  Object& object = found->second;
  if (!isNew) {
    recent_.splice(recent_.begin(), recent_, object.place);
    return object;
  }
  recent_.push_front(regarding);
  object.place = recent_.begin();
  for (const EventType type : {EventType::Normal, EventType::Warning}) {
    object.buckets[type] =
        std::make_shared<Bucket>(Bucket{static_cast<double>(options_.burst), now});
  }
  if (objects_.size() > kMaxObjects) {
    objects_.erase(recent_.back());
    recent_.pop_back();
  }
  return object;
}

EventGroup& EventCorrelator::groupOf(const Event& event, Instant now) {
  Object& object = objectOf(event.regarding, now);
  std::shared_ptr<EventGroup>& group = object.groups[{event.type, event.reason}];
  if (group == nullptr) {
    group = std::make_shared<EventGroup>();
    group->regarding = event.regarding;
    group->type = event.type;
    group->reason = event.reason;
    group->bucket = object.buckets[event.type];
  } else if (now - group->lastUsed > options_.memory) {
    group->posted.clear();
    group->combined.reset();
  }
  group->lastUsed = now;
  return *group;
}

bool EventCorrelator::add(const Event& event, Instant now) {
  EventGroup& group = groupOf(event, now);
  if (!group.due && due_.size() >= options_.capacity) return false;
  group.hold(event.message, 1);
  if (event.combine) group.combine = event.combine;
  if (!group.due) {
    schedule(objects_.at(event.regarding).groups.at({event.type, event.reason}),
             std::max(now, group.nextSend));
  }
  return true;
}

void EventCorrelator::schedule(const std::shared_ptr<EventGroup>& group, Instant due) {
  if (group->due) due_.erase({*group->due, group});
  group->due = due;
  due_.insert({due, group});
}

Instant EventCorrelator::nextDue() const {
  return due_.empty() ? Instant::max() : due_.begin()->first;
}

std::optional<EventBatch> EventCorrelator::takeDue(Instant now, bool flush) {
  while (!due_.empty() && (flush || due_.begin()->first <= now)) {
    const std::shared_ptr<EventGroup> group = due_.begin()->second;
    EventBatch batch{group,         group->regarding, group->type,
                     group->reason, group->failures,  group->parts()};

    Bucket& bucket = *group->bucket;
    const double refilled = toSeconds(now - bucket.filledAt) / toSeconds(options_.refill);
    bucket.tokens = std::min<double>(options_.burst, bucket.tokens + refilled);
    bucket.filledAt = now;
    const double missing = static_cast<double>(batch.parts.size()) - bucket.tokens;
    if (missing > 0 && !flush) {
      const Duration wait = scale(options_.refill, missing) + std::chrono::milliseconds(1);
      schedule(group, now + wait);
      continue;
    }
    bucket.tokens -= static_cast<double>(batch.parts.size());

    due_.erase(due_.begin());
    group->due.reset();
    group->clearHeld();
    group->nextSend = now + options_.window;
    return batch;
  }
  return std::nullopt;
}

void EventCorrelator::finish(const EventBatch& batch, std::optional<Duration> retryDelay,
                             Instant now) {
  EventGroup& group = *batch.group;
  bool isRetried = false;
  for (const EventPart& part : batch.parts) {
    if (!part.isDone) {
      if (!retryDelay) continue;
      group.hold(part.lastMessage, part.count);
      group.isCombined = group.isCombined || part.isCombined;
      isRetried = true;
    } else if (part.isCombined) {
      group.combined = part.posted;
    } else if (part.posted) {
      group.posted[part.message] = *part.posted;
    }
  }
  group.failures = isRetried ? group.failures + 1 : 0;
  if (isRetried) schedule(batch.group, now + *retryDelay);
}

std::size_t EventCorrelator::waiting() const {
  std::size_t count = 0;
  for (const auto& [due, group] : due_) count += static_cast<std::size_t>(group->heldCount);
  return count;
}

}  // namespace iop::kube::runtime
