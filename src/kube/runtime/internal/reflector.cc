#include "kube/runtime/internal/reflector.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "kube/runtime/internal/wait.h"

namespace iop::kube::runtime {
namespace {

using base::Duration;
using base::Instant;
using client::WatchEvent;

constexpr int kPageSize = 500;
constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";
// A stream that ends sooner, without a word, is a failure.
constexpr std::chrono::seconds kVeryShortWatch{1};
// How many times `watchListTimeout` the whole of a streamed list may take.
constexpr int kWholeListFactor = 12;

// The wait before the next attempt: 0.8 s doubling to 30 s, times [1, 2), from the start again
// after two good minutes.
class Backoff {
 public:
  Duration next(Instant now, double random) {
    if (now - last_ > std::chrono::minutes(2)) step_ = kFirst;
    last_ = now;
    const Duration delay = scale(step_, 1 + random);
    step_ = std::min<Duration>(step_ * 2, kCap);
    return delay;
  }

 private:
  static constexpr Duration kFirst = std::chrono::milliseconds(800);
  static constexpr Duration kCap = std::chrono::seconds(30);
  Duration step_ = kFirst;
  Instant last_{};
};

bool isExpired(const Error& error) {
  return error.code == Code::Expired || error.code == Code::Gone;
}

// Whether the version that was asked for is one that the server cannot serve: too old, or too new
// for this replica.
bool isVersionUnavailable(const Error& error) {
  return isExpired(error) || error.cause == "ResourceVersionTooLarge";
}

// What is to be done after a stream.
enum class Next {
  Reopen,  // watch on at once
  Retry,   // watch on after a while
  Relist,
};

struct StreamEnd {
  Next next = Next::Reopen;
  std::optional<Error> error;
};

// Ends a call if the objects it waits for stay away for too long.
class ListWatchdog {
 public:
  ListWatchdog(base::Clock& clock, Duration step, const std::stop_token& stop)
      : clock_(clock),
        step_(step),
        stepEnd_(clock.instant() + step),
        end_(clock.instant() + step * kWholeListFactor),
        forward_(stop, Forward{this}),
        thread_([this] { run(); }) {}

  ~ListWatchdog() {
    listed();
    thread_.join();
  }

  // For the call.
  std::stop_token token() const { return source_.get_token(); }
  // Another object has come.
  void tick() {
    std::lock_guard guard(mutex_);
    stepEnd_ = clock_.instant() + step_;
  }
  // The list is complete: the call may last.
  void listed() {
    std::lock_guard guard(mutex_);
    isListed_ = true;
    changed_.notify_all();
  }
  bool hasBitten() const {
    std::lock_guard guard(mutex_);
    return hasBitten_;
  }

 private:
  struct Forward {
    ListWatchdog* self;
    void operator()() const { self->source_.request_stop(); }
  };

  void run() {
    std::unique_lock lock(mutex_);
    while (!isListed_) {
      const Instant deadline = std::min(stepEnd_, end_);
      if (clock_.instant() >= deadline) {
        hasBitten_ = true;
        source_.request_stop();
        return;
      }
      clock_.waitUntil(lock, changed_, deadline);
    }
  }

  base::Clock& clock_;
  const Duration step_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::stop_source source_;
  Instant stepEnd_;
  Instant end_;
  bool isListed_ = false;
  bool hasBitten_ = false;
  std::stop_callback<Forward> forward_;
  std::thread thread_;
};

}  // namespace

struct Reflector::Impl {
  Impl(client::Client& clientToUse, base::Clock& clockToUse, const InformerOptions& optionsToUse,
       ReflectorSink& sinkToUse)
      : client(clientToUse), clock(clockToUse), options(optionsToUse), sink(sinkToUse) {}

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const std::optional<Error> error = follow(stop);
      if (stop.stop_requested()) return;
      if (error) sink.failed(*error);
      pause(error, stop);
    }
  }

  // Lists once and then watches, until another list is needed.
  std::optional<Error> follow(const std::stop_token& stop) {
    if (options.watchList != nullptr && options.watchList->isOpen()) {
      const std::optional<StreamEnd> end = streamList(stop);
      if (stop.stop_requested()) return std::nullopt;
      if (end) return afterStream(*end, stop);
    }
    if (const Status listed = list(stop); !listed) return listed.error();
    return watch(stop);
  }

  void pause(const std::optional<Error>& error, const std::stop_token& stop) {
    Duration delay = backoff.next(clock.instant(), random());
    if (error) delay = std::max<Duration>(delay, std::chrono::seconds(error->retryAfterSeconds));
    sleepFor(clock, delay, stop);
  }

  client::CallOptions callOptions(const std::stop_token& stop) const {
    client::CallOptions call;
    call.metadataOnly = options.metadataOnly;
    call.stop = stop;
    return call;
  }

  // --- Listing ---

  Status list(const std::stop_token& stop) {
    Status listed = listFrom(relistVersion(), stop);
    if (!listed && isVersionUnavailable(listed.error())) {
      versionUnavailable = true;
      listed = listFrom(relistVersion(), stop);
    }
    return listed;
  }

  // "0": any state the server has at hand; "": the newest one, for which the server may have to ask
  // its storage.
  std::string relistVersion() const {
    if (versionUnavailable) return "";
    return version.empty() ? "0" : version;
  }

  Status listFrom(const std::string& from, const std::stop_token& stop) {
    client::ListOptions page;
    page.labelSelector = options.labelSelector;
    page.fieldSelector = options.fieldSelector;
    page.resourceVersion = from;
    // A limit on an exact version would send the server to its storage.
    page.limit = from.empty() || from == "0" ? kPageSize : 0;

    std::vector<Value> objects;
    for (;;) {
      Result<Value> got =
          client.list(options.resource, options.namespaceName, page, callOptions(stop));
      if (!got && isExpired(got.error()) && !page.continueToken.empty()) {
        // The pages took longer than the server keeps their version.
        objects.clear();
        page.continueToken.clear();
        page.resourceVersion = from;
        page.limit = 0;
        continue;
      }
      if (!got) return tl::unexpected(got.error());
      if ((*got)["kind"].asString() == "Table") {
        return fail(Code::NotAcceptable, "the server answered a list with a Table");
      }
      takeItems(*got, objects);
      page.continueToken = (*got)["metadata"]["continue"].toString();
      if (page.continueToken.empty()) {
        listed(std::move(objects), std::string(api::resourceVersionOf(*got)));
        return {};
      }
      page.resourceVersion.clear();
    }
  }

  // Leaves nulls behind, so that an object is let go as soon as its projection is made.
  void takeItems(Value& list, std::vector<Value>& objects) {
    Value* items = list.contains("items") ? &list.edit("items") : nullptr;
    if (items == nullptr || !items->isArray()) return;
    for (std::size_t index = 0; index < items->size(); ++index) {
      Value item;
      items->editItem(index).swap(item);
      if (std::optional<Value> object = sink.project(std::move(item))) {
        objects.push_back(std::move(*object));
      }
    }
  }

  void listed(std::vector<Value> objects, const std::string& at) {
    version = at;
    versionUnavailable = false;
    sink.succeeded();
    sink.replace(std::move(objects), at);
  }

  // --- Streaming ---

  client::WatchOptions watchOptions() {
    client::WatchOptions watch;
    watch.labelSelector = options.labelSelector;
    watch.fieldSelector = options.fieldSelector;
    watch.resourceVersion = version;
    // Spread, so that the watches of all clients do not end together.
    watch.serverTimeout = std::chrono::seconds(300 + static_cast<int>(300 * random()));
    watch.idleTimeout = options.idleTimeout;
    return watch;
  }

  // Watches until a list is needed; the error that made it so.
  std::optional<Error> watch(const std::stop_token& stop) {
    for (;;) {
      const StreamEnd end = stream(stop);
      if (stop.stop_requested()) return std::nullopt;
      if (end.next == Next::Relist) return end.error;
      if (!settle(end, stop)) return std::nullopt;
    }
  }

  // The same after a stream that began with the list.
  std::optional<Error> afterStream(const StreamEnd& end, const std::stop_token& stop) {
    if (end.next == Next::Relist) return end.error;
    if (!settle(end, stop)) return std::nullopt;
    return watch(stop);
  }

  // What is due before the next stream; false if we are to stop.
  bool settle(const StreamEnd& end, const std::stop_token& stop) {
    if (end.error) sink.failed(*end.error);
    if (end.next == Next::Retry) pause(end.error, stop);
    return !stop.stop_requested();
  }

  StreamEnd stream(const std::stop_token& stop) {
    const Instant opened = clock.instant();
    bool anyEvent = false;
    std::optional<Error> told;
    const Status status = client.watch(options.resource, options.namespaceName, watchOptions(),
                                       callOptions(stop), [&](WatchEvent&& event) {
                                         anyEvent = true;
                                         return take(std::move(event), told);
                                       });
    return judge(status, told, anyEvent || clock.instant() - opened >= kVeryShortWatch);
  }

  // One event of a stream; false ends it.
  bool take(WatchEvent&& event, std::optional<Error>& told) {
    if (event.type == WatchEvent::Type::Error) {
      told = api::errorOf(event.object, 500);
      return false;
    }
    sink.succeeded();
    std::string at(api::resourceVersionOf(event.object));
    const bool isBookmark = event.type == WatchEvent::Type::Bookmark;
    if (at.empty() || (!isBookmark && api::nameOf(event.object).empty())) {
      log::warn("ignoring a watch event without a name or version",
                {{"resource", options.resource.plural}});
      return true;
    }
    if (isBookmark) {
      sink.progress(at);
    } else {
      sink.change(std::move(event));
    }
    version = std::move(at);
    return true;
  }

  StreamEnd judge(const Status& status, const std::optional<Error>& told, bool lasted) const {
    if (told) {
      return {told->code == Code::TooManyRequests ? Next::Retry : Next::Relist, told};
    }
    if (status) {
      if (lasted) return {Next::Reopen, std::nullopt};
      return {Next::Retry,
              Error{Code::Interrupted, "very short watch: no event in a second", {}, 0}};
    }
    const Error error = status.error().withContext("watch " + options.resource.plural);
    switch (error.code) {
      case Code::Unreachable:
      case Code::TooManyRequests:
        return {Next::Retry, error};
      case Code::Interrupted:
      case Code::Timeout:
        return {lasted ? Next::Reopen : Next::Retry, error};
      default:
        return {Next::Relist, error};
    }
  }

  // Watches with the objects first. Nothing: this server cannot do that (now), so list. The objects
  // are collected until their end is told, so that nobody sees half of them.
  std::optional<StreamEnd> streamList(const std::stop_token& stop) {
    client::WatchOptions watch = watchOptions();
    watch.sendInitialEvents = true;
    watch.resourceVersion = versionUnavailable ? "" : version;

    std::map<ObjectKey, Value> objects;
    bool isListed = false;
    std::optional<Error> told;
    ListWatchdog watchdog(clock, options.watchListTimeout, stop);
    const Status status = client.watch(options.resource, options.namespaceName, watch,
                                       callOptions(watchdog.token()), [&](WatchEvent&& event) {
                                         if (isListed) return take(std::move(event), told);
                                         if (event.type == WatchEvent::Type::Error)
                                           return take(std::move(event), told);
                                         watchdog.tick();
                                         isListed = collect(std::move(event), objects);
                                         if (isListed) watchdog.listed();
                                         return true;
                                       });
    if (stop.stop_requested()) return std::nullopt;
    if (isListed) return judge(status, told, true);

    const bool isEndless =
        watchdog.hasBitten() && (status || status.error().code == Code::Canceled);
    const bool isRefused = !status && (status.error().code == Code::Invalid ||
                                       status.error().code == Code::BadRequest);
    if (isEndless || isRefused) {
      options.watchList->close();
      log::info("the server does not stream initial objects; listing instead",
                {{"resource", options.resource.plural},
                 {"error", status ? "no end of the initial objects" : status.error().message}});
    }
    if (isVersionUnavailable(told.value_or(status ? Error{} : status.error()))) {
      versionUnavailable = true;
    }
    return std::nullopt;
  }

  // True if this was the last of the initial objects.
  bool collect(WatchEvent&& event, std::map<ObjectKey, Value>& objects) {
    if (event.type == WatchEvent::Type::Bookmark) {
      if (api::annotationOf(event.object, kInitialEventsEnd) != "true") return false;
      std::vector<Value> all;
      all.reserve(objects.size());
      for (auto& [key, object] : objects) all.push_back(std::move(object));
      objects.clear();
      listed(std::move(all), std::string(api::resourceVersionOf(event.object)));
      return true;
    }
    ObjectKey key = api::keyOf(event.object);
    std::optional<Value> object;
    if (event.type != WatchEvent::Type::Deleted) object = sink.project(std::move(event.object));
    if (object) {
      objects.insert_or_assign(std::move(key), std::move(*object));
    } else {
      objects.erase(key);
    }
    return false;
  }

  client::Client& client;
  base::Clock& clock;
  const InformerOptions& options;
  ReflectorSink& sink;
  const std::function<double()> random = makeRandom();

  std::string version;              // the newest that we have seen
  bool versionUnavailable = false;  // the server cannot list at `version`
  Backoff backoff;
};

Reflector::Reflector(client::Client& client, base::Clock& clock, const InformerOptions& options,
                     ReflectorSink& sink)
    : impl_(std::make_unique<Impl>(client, clock, options, sink)) {}
Reflector::~Reflector() = default;

void Reflector::run(std::stop_token stop) { impl_->run(std::move(stop)); }

}  // namespace iop::kube::runtime
