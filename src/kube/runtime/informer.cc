#include "kube/runtime/informer.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "kube/runtime/internal/reflector.h"
#include "kube/runtime/internal/wait.h"

namespace iop::kube::runtime {

using base::Duration;
using base::Instant;
using client::WatchEvent;

struct Informer::Impl final : ReflectorSink {
  Impl(client::Client& client, base::Clock& clockToUse, std::shared_ptr<Store> storeToFill,
       InformerOptions optionsToUse)
      : clock(clockToUse),
        store(std::move(storeToFill)),
        options(std::move(optionsToUse)),
        reflector(client, clock, options, *this),
        lastHeard(clock.instant()) {
    if (options.metrics != nullptr) addMetrics(*options.metrics);
  }

  void addMetrics(metrics::Registry& registry) {
    const std::string& group = options.resource.group;
    const metrics::Labels labels = {
        {"resource",
         group.empty() ? options.resource.plural : options.resource.plural + "." + group},
        {"namespace", options.namespaceName}};
    eventCounter =
        registry.counter("kube_informer_events_total", "Changes that a watch has told.", labels);
    listCounter =
        registry.counter("kube_informer_lists_total", "How often all objects were read.", labels);
    errorCounter = registry.counter("kube_informer_errors_total",
                                    "Failed lists and watches; each is tried again.", labels);
    const auto gauge = [&](const char* name, const char* help, std::function<double()> read) {
      callbacks.push_back(registry.gaugeCallback(name, help, labels, std::move(read)));
    };
    gauge("kube_informer_objects", "Objects in the store.",
          [this] { return static_cast<double>(store->size(options.namespaceName)); });
    gauge("kube_informer_bytes", "Memory of the objects in the store.",
          [this] { return static_cast<double>(store->bytes(options.namespaceName)); });
    gauge("kube_informer_last_event_age_seconds", "Time since the server was last heard of.",
          [this] { return toSeconds(status().lastEventAge); });
  }

  InformerStatus status() const {
    std::lock_guard guard(mutex);
    return {synced, version, clock.instant() - lastHeard, error};
  }

  // What is stored of an object; see InformerOptions. Const, and without a lock: overlay() calls it
  // from any thread.
  std::optional<Value> projected(Value&& object) const {
    if (options.metadataOnly) object = metadataOf(object);
    // The items of a typed list do not say what they are.
    if (!object.contains("kind")) {
      object.set("kind", options.resource.kind);
      object.set("apiVersion", options.resource.apiVersion());
    }
    if (object["metadata"].contains("managedFields")) {
      object.edit("metadata").erase("managedFields");
    }
    if (!options.transform) return std::move(object);
    return options.transform(std::move(object));
  }

  Value metadataOf(const Value& object) const {
    return Value::object({{"apiVersion", options.resource.apiVersion()},
                          {"kind", options.resource.kind},
                          {"metadata", object["metadata"]}});
  }

  // --- ReflectorSink ---

  std::optional<Value> project(Value&& object) override { return projected(std::move(object)); }

  void replace(std::vector<Value> objects, const std::string& at) override {
    listCounter.increment();
    const bool inInitialList = !status().synced;
    for (const StoreChange& change :
         store->replace(options.namespaceName, std::move(objects), at)) {
      tell(change, inInitialList);
    }
    {
      std::lock_guard guard(mutex);
      version = at;
      synced = true;
    }
    syncedChanged.notify_all();
  }

  void change(WatchEvent&& event) override {
    eventCounter.increment();
    std::optional<StoreChange> change;
    {
      std::lock_guard guard(mutex);
      version = api::resourceVersionOf(event.object);
    }
    if (event.type == WatchEvent::Type::Deleted) {
      change = store->erase(options.namespaceName, event.object);
    } else {
      // A second reference makes projecting copy, so there is one only where the object may be
      // dropped.
      const Value original = options.transform ? event.object : Value();
      std::optional<Value> object = projected(std::move(event.object));
      change = object ? store->put(options.namespaceName, std::move(*object))
                      : store->erase(options.namespaceName, original);
    }
    if (change) tell(*change, false);
  }

  void progress(const std::string& at) override {
    store->progress(options.namespaceName, at);
    std::lock_guard guard(mutex);
    version = at;
  }

  void succeeded() override {
    std::lock_guard guard(mutex);
    lastHeard = clock.instant();
    error.reset();
  }

  void failed(const Error& failure) override {
    errorCounter.increment();
    const bool isRoutine = failure.code == Code::Interrupted || failure.code == Code::Expired ||
                           failure.code == Code::Gone;
    const log::Field fields[] = {{"resource", options.resource.plural},
                                 {"namespace", options.namespaceName},
                                 {"error", failure.message}};
    const log::Level level = isRoutine ? log::Level::Debug : log::Level::Warn;
    if (log::isEnabled(level)) log::write(level, "watching failed; trying again", fields);
    std::lock_guard guard(mutex);
    error = failure;
  }

  void tell(const StoreChange& change, bool inInitialList) const {
    for (const InformerHandlers& to : handlers) {
      if (change.before.isNull()) {
        if (to.onAdd) to.onAdd(change.after, inInitialList);
      } else if (change.after.isNull()) {
        if (to.onDelete) to.onDelete(change.before);
      } else {
        if (to.onUpdate) to.onUpdate(change.before, change.after);
      }
    }
  }

  base::Clock& clock;
  const std::shared_ptr<Store> store;
  const InformerOptions options;
  Reflector reflector;
  std::vector<InformerHandlers> handlers;
  metrics::Counter eventCounter;
  metrics::Counter listCounter;
  metrics::Counter errorCounter;

  mutable std::mutex mutex;
  mutable std::condition_variable syncedChanged;
  bool synced = false;
  std::string version;
  Instant lastHeard;
  std::optional<Error> error;

  std::jthread thread;
  std::vector<metrics::CallbackHandle> callbacks;  // last: they go first
};

Informer::Informer(client::Client& client, base::Clock& clock, std::shared_ptr<Store> store,
                   InformerOptions options)
    : impl_(std::make_unique<Impl>(client, clock, std::move(store), std::move(options))) {}

Informer::~Informer() { stop(); }

void Informer::addHandlers(InformerHandlers handlers) {
  ASSERT(!impl_->thread.joinable());
  impl_->handlers.push_back(std::move(handlers));
}

void Informer::start() {
  ASSERT(!impl_->thread.joinable());
  impl_->thread =
      std::jthread([impl = impl_.get()](std::stop_token stop) { impl->reflector.run(stop); });
}

void Informer::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->thread.request_stop();
  impl_->thread.join();
}

bool Informer::hasSynced() const { return impl_->status().synced; }

bool Informer::waitForSync(Duration timeout, std::stop_token stop) const {
  const Instant deadline = impl_->clock.instant() + timeout;
  const std::stop_callback wake(stop, [this] {
    std::lock_guard guard(impl_->mutex);
    impl_->syncedChanged.notify_all();
  });
  std::unique_lock lock(impl_->mutex);
  while (!impl_->synced && !stop.stop_requested() && impl_->clock.instant() < deadline) {
    impl_->clock.waitUntil(lock, impl_->syncedChanged, deadline);
  }
  return impl_->synced;
}

InformerStatus Informer::status() const { return impl_->status(); }

void Informer::overlay(const Value& object) {
  if (std::optional<Value> projected = impl_->projected(Value(object))) {
    impl_->store->overlay(*projected);
  }
}

const InformerOptions& Informer::options() const { return impl_->options; }
const std::shared_ptr<Store>& Informer::store() const { return impl_->store; }

}  // namespace iop::kube::runtime
