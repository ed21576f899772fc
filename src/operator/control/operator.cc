#include "operator/control/operator.h"

#include <thread>

#include "base/log.h"
#include "base/metrics.h"
#include "http/server.h"
#include "kube/api/object.h"
#include "kube/client/config.h"
#include "kube/client/rest_client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/events.h"
#include "kube/runtime/health.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/leader_election.h"
#include "operator/api/conditions.h"
#include "operator/api/spec.h"
#include "operator/control/apparatus_client.h"
#include "operator/control/apparatus_pods.h"
#include "operator/control/deferred_reconciler.h"
#include "operator/control/executor.h"
#include "operator/control/input_cache.h"
#include "operator/control/interface_reconciler.h"
#include "operator/control/plug_reconciler.h"
#include "operator/control/socket_reconciler.h"
#include "operator/control/world.h"
#include "operator/coupling/lookup.h"

namespace iop::operators::control {
namespace {

using kube::api::keyOf;
using kube::api::ObjectKey;
using kube::client::RestClient;
using kube::runtime::Controller;
using kube::runtime::Informer;
using kube::runtime::Priority;
using kube::runtime::Store;

// Longer than any reconcile takes: all workers hang.
constexpr std::chrono::minutes kStalledQueue{10};
// Twice the time after which a connection is given up, plus what a new list may take.
constexpr std::chrono::minutes kQuietWatch{6};

// True if something changed that a decision looks at: status writes are our own.
bool isRelevantChange(const Value& before, const Value& after) {
  return kube::api::generationOf(before) != kube::api::generationOf(after) ||
         kube::api::uidOf(before) != kube::api::uidOf(after) ||
         kube::api::isBeingDeleted(before) != kube::api::isBeingDeleted(after) ||
         before["metadata"]["finalizers"] != after["metadata"]["finalizers"] ||
         api::isForceDeleted(before) != api::isForceDeleted(after);
}

bool isQueued(const Value& plug) {
  return api::findCondition(plug["status"], api::condition::kCoupled)["reason"].asString() ==
         api::nameOf(api::Reason::SocketFull);
}

// What a coupling has looked up, by its status.
std::vector<InputRef> recordedInputs(const Value& plug) {
  std::vector<InputRef> refs;
  for (const coupling::Input& input : coupling::parseInputs(plug["status"]["coupling"]["inputs"])) {
    if (!coupling::isCoupledItself(input.ref)) refs.push_back(input.ref);
  }
  return refs;
}

}  // namespace

struct Operator::Impl {
  Impl(OperatorOptions operatorOptions, std::function<void()> lost)
      : options(std::move(operatorOptions)), onLost(std::move(lost)) {
    if (options.maxConcurrentReconciles <= 0) options.maxConcurrentReconciles = kDefaultWorkers;
  }

  Status connect();
  Status listen();
  void build();
  // One for each namespace that is watched.
  std::vector<kube::runtime::InformerOptions> informerOptions();
  void addInformers(const kube::api::Resource& resource, const std::shared_ptr<Store>& store,
                    const kube::runtime::InformerHandlers& handlers);
  void onPlug(const Value& before, const Value& after, bool isInitial);
  void onSocket(const Value& before, const Value& after, bool isInitial);
  void onInterface(const Value& before, const Value& after, bool isInitial);
  // The Interface that an object names, if any, counts its users anew.
  void touchInterfaceOf(const Value& object);
  void touchSocket(const ObjectKey& key);
  void wake(const Dependent& who);
  // Those that wait for a place: one is free, or the line has moved.
  void wakeQueue(const ObjectKey& socket);
  void onWritten(api::Side side, const Value& object, bool gone);
  // Kubernetes restarts us where a queue does not move, and sends nobody to us where a watch has
  // gone quiet.
  void addHealthChecks();
  bool waitForCaches();
  void startControllers();
  void run();

  OperatorOptions options;
  std::function<void()> onLost;
  base::Clock& clock = base::realClock();
  metrics::Registry registry;
  std::shared_ptr<kube::runtime::WatchListGate> watchList =
      std::make_shared<kube::runtime::WatchListGate>();

  kube::client::Config config;
  std::unique_ptr<RestClient> client;
  std::unique_ptr<RestClient> electionClient;

  kube::runtime::HealthChecks live, ready;
  std::unique_ptr<http::Server> healthServer, metricsServer;

  World world;
  std::shared_ptr<Store> deferred = std::make_shared<Store>();
  std::unique_ptr<kube::runtime::EventRecorder> events;
  std::unique_ptr<ApparatusClient> apparatus;
  std::unique_ptr<InputCache> inputs;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<ApparatusPods> pods;
  std::unique_ptr<PlugReconciler> plugReconciler;
  std::unique_ptr<SocketReconciler> socketReconciler;
  std::unique_ptr<DeferredReconciler> deferredReconciler;
  std::unique_ptr<InterfaceReconciler> interfaceReconciler;
  std::unique_ptr<Controller> plugController, socketController, deferredController,
      apparatusController, interfaceController;
  std::vector<std::unique_ptr<Informer>> informers;
  std::unique_ptr<kube::runtime::LeaderElector> elector;

  std::atomic<bool> cachesSynced{false};
  std::atomic<bool> leading{false};
  std::mutex controlMutex;
  bool controllersStarted = false;
  bool stopping = false;
  std::jthread starter;
};

Status Operator::Impl::connect() {
  ASSIGN_OR_RETURN(config,
                   kube::client::loadConfig({.kubeconfig = options.kubeconfig, .context = {}}));
  const auto observe = [this](const kube::client::ObservedRequest& seen) {
    registry
        .counter("rest_client_requests_total",
                 "Number of HTTP requests, partitioned by status code, method, and host.",
                 {{"code", seen.code == 0 ? "<error>" : std::to_string(seen.code)},
                  {"method", std::string(seen.method)},
                  {"host", std::string(seen.host)}})
        .increment();
  };
  ASSIGN_OR_RETURN(client, RestClient::create(config, {.userAgent = {}, .observe = observe}));
  log::info("using the API server", {{"server", config.server}});
  return {};
}

Status Operator::Impl::listen() {
  live.add("ping", [] { return Status(); });
  ready.add("caches", [this]() -> Status {
    if (cachesSynced) return {};
    return fail(Code::ServiceUnavailable, "the caches are not filled yet");
  });
  if (options.healthAddress != "0") {
    healthServer =
        std::make_unique<http::Server>(http::ServerOptions{.address = options.healthAddress});
    kube::runtime::serveHealth(*healthServer, "healthz", live);
    kube::runtime::serveHealth(*healthServer, "livez", live);
    kube::runtime::serveHealth(*healthServer, "readyz", ready);
    RETURN_IF_ERROR(healthServer->start().map_error(addContext("--health-probe-bind-address")));
    log::info("probes are served", {{"port", static_cast<int>(healthServer->port())}});
  }
  if (options.metricsAddress != "0") {
    registry.addProcessMetrics();
    metricsServer =
        std::make_unique<http::Server>(http::ServerOptions{.address = options.metricsAddress});
    kube::runtime::serveMetrics(*metricsServer, registry);
    RETURN_IF_ERROR(metricsServer->start().map_error(addContext("--metrics-bind-address")));
    log::info("metrics are served", {{"port", static_cast<int>(metricsServer->port())}});
  }
  return {};
}

std::vector<kube::runtime::InformerOptions> Operator::Impl::informerOptions() {
  std::vector<std::string> namespaces = options.watchNamespaces;
  if (namespaces.empty()) namespaces.emplace_back();
  std::vector<kube::runtime::InformerOptions> out;
  for (const std::string& namespaceName : namespaces) {
    kube::runtime::InformerOptions each;
    each.namespaceName = namespaceName;
    each.watchList = watchList;
    each.metrics = &registry;
    out.push_back(std::move(each));
  }
  return out;
}

void Operator::Impl::addInformers(const kube::api::Resource& resource,
                                  const std::shared_ptr<Store>& store,
                                  const kube::runtime::InformerHandlers& handlers) {
  for (kube::runtime::InformerOptions& each : informerOptions()) {
    each.resource = resource;
    auto informer = std::make_unique<Informer>(*client, clock, store, std::move(each));
    informer->addHandlers(handlers);
    informers.push_back(std::move(informer));
  }
}

void Operator::Impl::wake(const Dependent& who) {
  switch (who.kind) {
    case Dependent::Kind::Plug:
      return plugController->enqueue(who.key);
    case Dependent::Kind::Socket:
      return socketController->enqueue(who.key);
    case Dependent::Kind::DeferredResource:
      return deferredController->enqueue(who.key);
  }
}

void Operator::Impl::touchSocket(const ObjectKey& key) {
  socketController->enqueueAfter(key, socketReconciler->delayFor(key));
}

void Operator::Impl::onPlug(const Value& before, const Value& after, bool isInitial) {
  const Value& present = after.isNull() ? before : after;
  if (before.isNull() || after.isNull() || isRelevantChange(before, after)) {
    plugController->enqueue(keyOf(present), isInitial ? Priority::Low : Priority::Normal);
  }
  // Who leaves a line moves it up.
  const bool isStillInLine = isQueued(after) && !kube::api::isBeingDeleted(after) &&
                             api::socketOf(before) == api::socketOf(after);
  if (isQueued(before) && !isStillInLine) wakeQueue(api::socketOf(before));
  // The sockets that it was or is attached to count their plugs, and a place that became free goes
  // to the next.
  const auto reasonOf = [](const Value& plug) {
    return api::findCondition(plug["status"], api::condition::kCoupled)["reason"];
  };
  if (!isInitial && (reasonOf(before) != reasonOf(after) ||
                     before["status"]["interfaceVersion"] != after["status"]["interfaceVersion"])) {
    touchInterfaceOf(world.sockets->find(api::socketOf(present)).value_or(Value()));
  }
  const std::string oldUid = attachedSocketUid(before), newUid = attachedSocketUid(after);
  const bool coupledChanged =
      before["status"]["coupledSocket"]["uid"] != after["status"]["coupledSocket"]["uid"];
  if (isInitial || (oldUid == newUid && !coupledChanged)) return;
  for (const Value* plug : {&before, &after}) {
    const Value& socket = (*plug)["status"]["coupling"]["socket"];
    if (!socket.isNull()) touchSocket({socket["namespace"].toString(), socket["name"].toString()});
  }
  if (!oldUid.empty() && oldUid != newUid) {
    const Value& socket = before["status"]["coupling"]["socket"];
    wakeQueue({socket["namespace"].toString(), socket["name"].toString()});
  }
}

void Operator::Impl::wakeQueue(const ObjectKey& socket) {
  for (const Value& plug : world.plugsNaming(socket)) {
    if (isQueued(plug)) plugController->enqueue(keyOf(plug));
  }
}

void Operator::Impl::onSocket(const Value& before, const Value& after, bool isInitial) {
  const Value& present = after.isNull() ? before : after;
  const bool isRelevant = before.isNull() || after.isNull() || isRelevantChange(before, after);
  // Plugs wait until it is created, and say why it is not yet.
  const bool wasCreated = before["status"]["coupling"]["created"].asBool();
  const bool isNews = !isRelevant && !wasCreated && before["status"] != after["status"];
  if (!isRelevant && !isNews) return;
  socketController->enqueue(keyOf(present), isInitial ? Priority::Low : Priority::Normal);
  if (isInitial) return;  // the plugs come by themselves
  for (const Value* socket : {&before, &after}) touchInterfaceOf(*socket);
  for (const Value& plug : world.plugsNaming(keyOf(present))) plugController->enqueue(keyOf(plug));
  for (const Value& plug : world.plugsAttachedTo(kube::api::uidOf(present)))
    plugController->enqueue(keyOf(plug));
}

void Operator::Impl::onInterface(const Value& before, const Value& after, bool isInitial) {
  const Value& present = after.isNull() ? before : after;
  const bool isRelevant = before.isNull() || after.isNull() || isRelevantChange(before, after);
  if (!isRelevant) return;
  interfaceController->enqueue(keyOf(present), isInitial ? Priority::Low : Priority::Normal);
  if (isInitial) return;  // the plugs come by themselves
  for (const ObjectKey& key : world.plugsUsingInterface(keyOf(present)))
    plugController->enqueue(key);
}

void Operator::Impl::touchInterfaceOf(const Value& object) {
  const auto interface = api::interfaceOf(object);
  if (interface) interfaceController->enqueueAfter(*interface, InterfaceReconciler::kDelay);
}

void Operator::Impl::onWritten(api::Side side, const Value& object, bool gone) {
  Store& store = side == api::Side::Plug ? *world.plugs : *world.sockets;
  if (gone) {
    store.overlayRemoved(keyOf(object), kube::api::uidOf(object));
  } else {
    store.overlay(object);
  }
  if (side == api::Side::Plug) world.written(keyOf(object));
}

void Operator::Impl::build() {
  const std::string pod = std::getenv("HOSTNAME") == nullptr ? "" : std::getenv("HOSTNAME");
  events = std::make_unique<kube::runtime::EventRecorder>(
      *client, clock,
      kube::runtime::EventRecorderOptions{
          .component = std::string(api::kFieldManager), .instance = pod, .metrics = &registry});
  apparatus = std::make_unique<ApparatusClient>(
      ApparatusClient::Options{.timeout = options.apparatusTimeout, .proxy = {}});
  inputs = std::make_unique<InputCache>(
      *client, clock, [this](const Dependent& who) { wake(who); },
      InputCache::Options{options.watchNamespaces, watchList, &registry});
  executor = std::make_unique<Executor>(
      *client, clock, *events, *apparatus, world,
      Executor::Observers{
          [this](api::Side side, const Value& object, bool gone) { onWritten(side, object, gone); },
          [this](const Value& object) { inputs->noteWritten(object); }});
  std::map<api::Side, std::string> debugEndpoints;
  if (!options.debugPlugEndpoint.empty())
    debugEndpoints[api::Side::Plug] = options.debugPlugEndpoint;
  if (!options.debugSocketEndpoint.empty())
    debugEndpoints[api::Side::Socket] = options.debugSocketEndpoint;
  pods = std::make_unique<ApparatusPods>(ApparatusPods::Dependencies{
      *client, clock, world, *executor, *apparatus, options.clusterDomain,
      [this](const Dependent& who) { wake(who); },
      [this](const ObjectKey& key, base::Duration delay) {
        apparatusController->enqueueAfter(key, delay);
      }});
  plugReconciler = std::make_unique<PlugReconciler>(PlugReconciler::Dependencies{
      world, *client, clock, *inputs, *apparatus, *executor, *pods, debugEndpoints,
      options.clusterDomain, [this](const ObjectKey& socket) { wakeQueue(socket); }});
  socketReconciler = std::make_unique<SocketReconciler>(
      world, *client, clock, *executor, *pods, options.debugSocketEndpoint, options.clusterDomain);
  interfaceReconciler = std::make_unique<InterfaceReconciler>(world, *client, clock);
  deferredReconciler = std::make_unique<DeferredReconciler>(
      DeferredReconciler::Dependencies{*deferred, *client, clock, *inputs, *executor, *events});

  const auto controllerOptions = [this](const char* name, int workers) {
    kube::runtime::ControllerOptions out;
    out.name = name;
    out.workers = workers;
    out.metrics = &registry;
    return out;
  };
  plugController = std::make_unique<Controller>(
      clock, controllerOptions("plug", options.maxConcurrentReconciles),
      [this](const ObjectKey& key, const kube::runtime::ReconcileContext& context) {
        return plugReconciler->reconcile(key, context);
      });
  socketController = std::make_unique<Controller>(
      clock, controllerOptions("socket", 4),
      [this](const ObjectKey& key, const kube::runtime::ReconcileContext& context) {
        return socketReconciler->reconcile(key, context);
      });
  deferredController = std::make_unique<Controller>(
      clock, controllerOptions("deferredresource", 1),
      [this](const ObjectKey& key, const kube::runtime::ReconcileContext& context) {
        return deferredReconciler->reconcile(key, context);
      });

  interfaceController = std::make_unique<Controller>(
      clock, controllerOptions("interface", 1),
      [this](const ObjectKey& key, const kube::runtime::ReconcileContext& context) {
        return interfaceReconciler->reconcile(key, context);
      });
  apparatusController = std::make_unique<Controller>(
      clock, controllerOptions("apparatus", 2),
      [this](const ObjectKey& key, const kube::runtime::ReconcileContext& context) {
        return pods->reconcile(key, context);
      });

  addInformers(
      api::plugResource(), world.plugs,
      {.onAdd = [this](const Value& object, bool isInitial) { onPlug({}, object, isInitial); },
       .onUpdate = [this](const Value& before,
                          const Value& after) { onPlug(before, after, false); },
       .onDelete = [this](const Value& last) { onPlug(last, {}, false); }});
  addInformers(
      api::socketResource(), world.sockets,
      {.onAdd = [this](const Value& object, bool isInitial) { onSocket({}, object, isInitial); },
       .onUpdate = [this](const Value& before,
                          const Value& after) { onSocket(before, after, false); },
       .onDelete = [this](const Value& last) { onSocket(last, {}, false); }});
  addInformers(
      api::interfaceResource(), world.interfaces,
      {.onAdd = [this](const Value& object, bool isInitial) { onInterface({}, object, isInitial); },
       .onUpdate = [this](const Value& before,
                          const Value& after) { onInterface(before, after, false); },
       .onDelete = [this](const Value& last) { onInterface(last, {}, false); }});
  addInformers(
      api::deferredResourceResource(), deferred,
      {.onAdd = [this](const Value& object, bool) { deferredController->enqueue(keyOf(object)); },
       .onUpdate = [this](const Value&,
                          const Value& after) { deferredController->enqueue(keyOf(after)); },
       .onDelete = {}});
  for (kube::runtime::InformerOptions& each : informerOptions())
    informers.push_back(pods->makeInformer(std::move(each)));
}

void Operator::Impl::addHealthChecks() {
  for (const Controller* controller :
       {plugController.get(), socketController.get(), deferredController.get(),
        interfaceController.get(), apparatusController.get()}) {
    live.add("queue-" + controller->name(), [this, controller]() -> Status {
      const base::Duration stalled = controller->queue().stalledFor();
      if (!leading || !cachesSynced || stalled < kStalledQueue) return {};
      return fail(
          Code::InternalError,
          "nothing was taken from the queue of " + controller->name() + " for " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(stalled).count()) +
              " s");
    });
  }
  ready.add("watches", [this]() -> Status {
    for (const auto& informer : informers) {
      const kube::runtime::InformerStatus status = informer->status();
      if (!status.synced || status.lastEventAge < kQuietWatch) continue;
      return fail(
          Code::ServiceUnavailable,
          "the watch of " + informer->options().resource.plural + " has been quiet for " +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::seconds>(status.lastEventAge).count()) +
              " s" + (status.error ? ": " + status.error->message : std::string()));
    }
    return {};
  });
}

bool Operator::Impl::waitForCaches() {
  const std::stop_token stop = starter.get_stop_token();
  for (const auto& informer : informers) {
    while (!informer->waitForSync(std::chrono::milliseconds(500), stop)) {
      if (stop.stop_requested()) return false;
      // A kind whose CRD is not installed has no objects, which is all that has to be known of it.
      // Who has not granted the operator to look at pods can still do without managed apparatuses.
      const kube::api::Resource& resource = informer->options().resource;
      const auto error = informer->status().error;
      if (error && error->isNotFound() && resource != api::plugResource()) break;
      if (error && error->code == Code::Forbidden && resource.group.empty()) break;
    }
  }
  for (const Value& plug : world.plugs->list())
    inputs->setDependents({Dependent::Kind::Plug, keyOf(plug)}, recordedInputs(plug));
  inputs->start();
  return inputs->waitForSync(std::chrono::hours(24), stop);
}

void Operator::Impl::startControllers() {
  std::lock_guard guard(controlMutex);
  if (stopping || controllersStarted || !cachesSynced || !leading) return;
  controllersStarted = true;
  socketController->start();
  plugController->start();
  deferredController->start();
  apparatusController->start();
  interfaceController->start();
  log::info("controllers started", {{"workers", options.maxConcurrentReconciles}});
}

void Operator::Impl::run() {
  for (std::chrono::milliseconds pause{100};;
       pause = std::min(pause * 2, std::chrono::milliseconds(5000))) {
    const auto version = client->serverVersion();
    if (version) {
      watchList->setServerVersion(version->major, version->minor);
      break;
    }
    log::warn("the API server cannot be reached yet", {{"error", version.error().message}});
    std::mutex mutex;
    std::condition_variable_any condition;
    std::unique_lock lock(mutex);
    if (condition.wait_for(lock, starter.get_stop_token(), pause, [] { return false; });
        starter.get_stop_token().stop_requested()) {
      return;
    }
  }
  for (const auto& informer : informers) informer->start();
  if (!waitForCaches()) return;
  cachesSynced = true;
  log::info("caches are filled",
            {{"plugs", world.plugs->size()}, {"sockets", world.sockets->size()}});
  startControllers();
}

Operator::Operator(OperatorOptions options, std::function<void()> onLost)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(onLost))) {}

Operator::~Operator() = default;

Status Operator::start() {
  Impl& impl = *impl_;
  RETURN_IF_ERROR(impl.connect());
  RETURN_IF_ERROR(impl.listen());
  impl.build();
  impl.addHealthChecks();
  if (impl.options.leaderElect) {
    ASSIGN_OR_RETURN(
        impl.electionClient,
        RestClient::create(impl.config,
                           {.userAgent = kube::client::defaultUserAgent("leader-election")}));
    kube::runtime::LeaderElectionOptions election;
    election.namespaceName = impl.options.leaderElectionNamespace.empty()
                                 ? impl.config.namespaceName
                                 : impl.options.leaderElectionNamespace;
    election.name = kLeaseName;
    election.identity = kube::runtime::makeIdentity();
    election.leaseDuration = impl.options.leaseDuration;
    election.renewDeadline = impl.options.renewDeadline;
    election.retryPeriod = impl.options.retryPeriod;
    election.metrics = &impl.registry;
    RETURN_IF_ERROR(kube::runtime::LeaderElector::validate(election));
    impl.elector = std::make_unique<kube::runtime::LeaderElector>(
        *impl.electionClient, impl.clock, election,
        kube::runtime::LeaderElectionCallbacks{
            .onStarted =
                [this] {
                  impl_->leading = true;
                  impl_->startControllers();
                },
            .onLost = impl.onLost,
            .onNewLeader =
                [](const std::string& identity) {
                  log::info("the leader is known", {{"identity", identity}});
                }});
    impl.live.add("leader-election",
                  [this] { return impl_->elector->check(std::chrono::seconds(20)); });
    impl.elector->start();
  } else {
    impl.leading = true;
  }
  impl.starter = std::jthread([this](const std::stop_token&) { impl_->run(); });
  return {};
}

bool Operator::stop() {
  Impl& impl = *impl_;
  {
    std::lock_guard guard(impl.controlMutex);
    impl.stopping = true;
  }
  impl.starter.request_stop();
  if (impl.starter.joinable()) impl.starter.join();
  bool clean = true;
  if (impl.controllersStarted) {
    clean &= impl.plugController->stop(impl.options.shutdownGrace);
    clean &= impl.socketController->stop(std::chrono::seconds(5));
    clean &= impl.deferredController->stop(std::chrono::seconds(1));
    clean &= impl.apparatusController->stop(std::chrono::seconds(1));
    clean &= impl.interfaceController->stop(std::chrono::seconds(1));
  }
  for (const auto& informer : impl.informers) informer->stop();
  if (impl.inputs != nullptr) impl.inputs->stop();
  if (impl.events != nullptr) clean &= impl.events->stop(std::chrono::seconds(2));
  if (impl.elector != nullptr) impl.elector->stop();
  if (impl.healthServer != nullptr) impl.healthServer->stop();
  if (impl.metricsServer != nullptr) impl.metricsServer->stop();
  return clean;
}

std::uint16_t Operator::healthPort() const {
  return impl_->healthServer == nullptr ? 0 : impl_->healthServer->port();
}
std::uint16_t Operator::metricsPort() const {
  return impl_->metricsServer == nullptr ? 0 : impl_->metricsServer->port();
}

}  // namespace iop::operators::control
