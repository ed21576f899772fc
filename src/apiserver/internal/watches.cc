#include "apiserver/internal/watches.h"

#include <algorithm>

#include "apiserver/internal/tables.h"
#include "kube/api/object.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::apiserver {
namespace {

constexpr std::chrono::seconds kBookmarkInterval{60};
constexpr std::chrono::seconds kLastBookmark{2};
// How much a client may leave unread beyond the objects that were there at the start, before its
// watch is broken off.
constexpr std::size_t kMaxUnread = 4U << 20;

Value withVersion(Value object, std::uint64_t version) {
  object.edit("metadata").set("resourceVersion", std::to_string(version));
  return object;
}

}  // namespace

struct Watches::Open {
  WatchRequest request;
  std::shared_ptr<http::Reply> reply;
  std::uint64_t number = 0;
  std::uint64_t subscription = 0;
  bool firstTable = true;
  std::size_t allowance = kMaxUnread;
  std::uint64_t timer = 0, bookmarkTimer = 0;
};

Watches::Watches(Engine& engine, http::Server& server,
                 std::function<void(std::function<void()>)> whenDurable)
    : engine_(engine), server_(server), whenDurable_(std::move(whenDurable)) {}

Watches::~Watches() = default;

void Watches::start(WatchRequest request, const std::shared_ptr<http::Reply>& reply) {
  auto watch = std::make_shared<Open>();
  watch->request = std::move(request);
  watch->reply = reply;
  watch->number = next_++;
  const WatchRequest& wanted = watch->request;
  reply->begin(200, wanted.format.contentType(), {{"Cache-Control", "no-cache, private"}});
  open_[watch->number] = watch;
  const std::uint64_t number = watch->number;
  reply->onClosed([this, number] {
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    engine_.storage().unsubscribe(found->second->subscription);
    server_.cancel(found->second->timer);
    server_.cancel(found->second->bookmarkTimer);
    open_.erase(found);
  });

  const storage::Storage& storage = engine_.storage();
  std::uint64_t after = wanted.after;
  if (wanted.initial) {
    const auto page = storage.list(wanted.kind->table, {.namespaceName = wanted.namespaceName});
    ASSERT(page);
    for (const ObjectPtr& object : page->objects) {
      const Value shown = engine_.present(*wanted.kind, object->value);
      if (wanted.selection.matches(shown)) send(*watch, "ADDED", shown);
    }
    after = page->version;
    watch->allowance += reply->pendingBytes();
    if (wanted.initialEnd) sendBookmark(*watch, true);
  }
  const std::weak_ptr<Open> weak = watch;
  const auto subscribed = engine_.storage().subscribe(
      {.table = wanted.kind->table,
       .namespaceName = wanted.namespaceName,
       .name = wanted.namespaceName.empty() && wanted.kind->resource.namespaced
                   ? ""
                   : wanted.selection.name(),
       .after = after},
      [this, weak](const storage::ChangePtr& change) {
        whenDurable_([this, weak, change] {
          if (const auto open = weak.lock(); open && open_.contains(open->number))
            onChange(*open, change);
        });
      });
  if (!subscribed) {
    send(*watch, "ERROR", expired(subscribed.error().message).status());
    end(number);
    return;
  }
  watch->subscription = *subscribed;
  watch->timer = server_.after(wanted.timeout, [this, number] { end(number); });
  if (wanted.bookmarks) scheduleBookmark(number);
}

void Watches::scheduleBookmark(std::uint64_t number) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  const std::chrono::seconds timeout = found->second->request.timeout;
  const std::chrono::seconds wait =
      timeout > kLastBookmark ? std::min(kBookmarkInterval, timeout - kLastBookmark) : timeout;
  found->second->bookmarkTimer = server_.after(wait, [this, number] {
    whenDurable_([this, number] {
      const auto open = open_.find(number);
      if (open == open_.end()) return;
      sendBookmark(*open->second, false);
      scheduleBookmark(number);
    });
  });
}

void Watches::sendBookmark(Open& watch, bool initialEnd) {
  const Kind& kind = *watch.request.kind;
  Value metadata =
      Value::object({{"resourceVersion", std::to_string(engine_.storage().version())}});
  if (initialEnd)
    metadata.set("annotations", Value::object({{"k8s.io/initial-events-end", "true"}}));
  send(watch, "BOOKMARK",
       Value::object({{"kind", kind.resource.kind},
                      {"apiVersion", kind.resource.apiVersion()},
                      {"metadata", std::move(metadata)}}));
}

void Watches::onChange(Open& watch, const storage::ChangePtr& change) {
  const WatchRequest& wanted = watch.request;
  const auto isWanted = [&](const ObjectPtr& object) {
    return object != nullptr &&
           (wanted.selection.empty() ||
            wanted.selection.matches(engine_.present(*wanted.kind, object->value)));
  };
  const bool before = isWanted(change->before), after = isWanted(change->after);
  if (after) {
    const std::string_view type = before ? "MODIFIED" : "ADDED";
    if (wanted.format.transform == Format::Transform::None && !wanted.format.yaml) {
      std::string line;
      const std::string& text = textOf(watch, change->after);
      line.reserve(text.size() + 40);
      line.append("{\"type\":\"").append(type).append("\",\"object\":").append(text).append("}\n");
      watch.reply->write(line);
    } else {
      send(watch, type, engine_.present(*wanted.kind, change->after->value));
    }
  } else if (before) {
    const Value& last = change->last != nullptr ? change->last->value : change->before->value;
    send(watch, "DELETED", engine_.present(*wanted.kind, withVersion(last, change->version)));
  }
  if (watch.reply->pendingBytes() > watch.allowance) {
    // Too slow: it must list anew. A clean end lets clients do that at once.
    end(watch.number);
  }
}

const std::string& Watches::textOf(const Open& watch, const ObjectPtr& object) {
  if (printed_.object != object || printed_.kind != watch.request.kind) {
    printed_.object = object;
    printed_.kind = watch.request.kind;
    printed_.text = text::printJson(engine_.present(*watch.request.kind, object->value));
  }
  return printed_.text;
}

void Watches::send(Open& watch, std::string_view type, const Value& object) {
  Value shown = object;
  if (type != "ERROR") {
    if (watch.request.format.transform == Format::Transform::Table) {
      shown = tableOf(*watch.request.kind, {&object, 1}, watch.request.includeObject,
                      watch.request.format.version, engine_.clock().now());
      if (!watch.firstTable) shown.set("columnDefinitions", Value());
      watch.firstTable = false;
      shown.set("metadata",
                Value::object({{"resourceVersion", object["metadata"]["resourceVersion"]}}));
    } else if (watch.request.format.transform != Format::Transform::None) {
      shown = metadataOf(object, watch.request.format.version);
    }
  }
  const Value event = Value::object({{"type", type}, {"object", std::move(shown)}});
  std::string line;
  if (watch.request.format.yaml) {
    line = text::printYaml(event) + "---\n";
  } else {
    line = text::printJson(event) + "\n";
  }
  watch.reply->write(line);
}

void Watches::end(std::uint64_t number) {
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  const std::shared_ptr<Open> watch = found->second;
  open_.erase(found);
  engine_.storage().unsubscribe(watch->subscription);
  server_.cancel(watch->timer);
  server_.cancel(watch->bookmarkTimer);
  watch->reply->end();
}

void Watches::endKind(const Kind& kind) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, watch] : open_) {
    if (watch->request.kind == &kind) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) end(number);
}

}  // namespace iop::apiserver
