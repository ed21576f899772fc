#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "apiserver/internal/options.h"
#include "apiserver/internal/rest.h"
#include "apiserver/internal/tables.h"
#include "kube/api/object.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::apiserver {
namespace {

// How long watches live that name no end: kube-apiserver takes a random time of this range.
constexpr std::int64_t kMinWatchSeconds = 1800, kMaxWatchSeconds = 3600;
// How long a read of a version that is not there yet waits for it.
constexpr std::chrono::milliseconds kVersionWait{3000}, kVersionPoll{20};

Failure tooLargeVersion(std::uint64_t wanted, std::uint64_t current) {
  return {
      504, "Timeout",
      fmt::format("Timeout: Too large resource version: {}, current: {}", wanted, current),
      Value::object(
          {{"causes", Value::array({Value::object({{"reason", "ResourceVersionTooLarge"},
                                                   {"message", "Too large resource version"}})})}}),
      1};
}

std::int64_t watchSeconds(const ListOptions& options) {
  if (options.timeoutSeconds && *options.timeoutSeconds > 0) return *options.timeoutSeconds;
  static thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_int_distribution<std::int64_t>(kMinWatchSeconds, kMaxWatchSeconds)(random);
}

}  // namespace

Value listHead(const Kind& kind, const storage::ListPage& page, const std::string& continueToken,
               bool countRemaining) {
  Value metadata = Value::object({{"resourceVersion", std::to_string(page.version)}});
  if (!continueToken.empty()) {
    metadata.set("continue", continueToken);
    if (countRemaining) metadata.set("remainingItemCount", page.remaining);
  } else if (kind.custom) {
    metadata.set("continue", "");
  }
  return Value::object({{"kind", kind.resource.kind + "List"},
                        {"apiVersion", kind.resource.apiVersion()},
                        {"metadata", std::move(metadata)}});
}

// Items of built-in kinds stand in lists without their kind, those of custom resources with it.
Value listedItem(const Kind& kind, Value object) {
  if (kind.custom) return object;
  object.erase("kind");
  object.erase("apiVersion");
  return object;
}

void Rest::atVersion(const Request& request, const std::shared_ptr<http::Reply>& reply,
                     std::uint64_t version, std::chrono::milliseconds left,
                     std::function<void(Request&)> then) {
  if (engine_.storage().version() >= version) {
    Request now = request;
    then(now);
    return;
  }
  if (left <= std::chrono::milliseconds::zero()) {
    answerFailure(request, reply, tooLargeVersion(version, engine_.storage().version()));
    return;
  }
  // The request's text must outlive this call.
  auto kept = std::make_shared<http::ServerRequest>(request.http);
  server_.after(kVersionPoll,
                [this, kept, reply, version, left, then = std::move(then), info = request.info,
                 user = request.user, authenticated = request.authenticated,
                 format = request.format, received = request.received] {
                  if (!reply->isOpen()) return;
                  const Request again{.http = *kept,
                                      .info = info,
                                      .user = user,
                                      .authenticated = authenticated,
                                      .format = format,
                                      .received = received};
                  atVersion(again, reply, version, left - kVersionPoll, then);
                });
}

void Rest::get(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  const std::string_view text = findParameter(request.http.query, "resourceVersion").value_or("");
  std::uint64_t version = 0;
  if (!text.empty()) {
    const auto options = listOptionsOf({{"resourceVersion", std::string(text)}}, false);
    if (!options) {
      answerFailure(request, reply, options.error());
      return;
    }
    version = options->resourceVersion.value_or(0);
  }
  const auto finish = [this, reply](Request& now) {
    const Kind* found =
        engine_.registry().find(now.info.group, now.info.version, now.info.resource);
    if (found == nullptr) {
      answerFailure(now, reply, notFound("", "", ""));
      return;
    }
    const auto object = engine_.get(*found, {now.info.namespaceName, now.info.name});
    if (object) {
      answerObject(now, reply, 200, *found, *object);
    } else {
      answerFailure(now, reply, object.error());
    }
  };
  if (kind.table == "namespaces") request.info.namespaceName.clear();
  atVersion(request, reply, version, kVersionWait, finish);
}

void Rest::list(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind) {
  const bool isWatch = request.info.verb == "watch";
  const auto options = listOptionsOf(request.http.query, isWatch);
  if (!options) {
    answerFailure(request, reply, options.error());
    return;
  }
  auto selection = Selection::of(kind, request.http.query);
  if (!selection) {
    answerFailure(request, reply, selection.error());
    return;
  }
  const bool waits = !isWatch || options->sendInitialEvents;
  const std::uint64_t version = waits ? options->resourceVersion.value_or(0) : 0;
  atVersion(request, reply, version, kVersionWait, [this, reply, isWatch](Request& now) {
    // Looked up anew: the kind may have gone while this waited.
    const Kind* found =
        engine_.registry().find(now.info.group, now.info.version, now.info.resource);
    if (found == nullptr) {
      answerFailure(now, reply, notFound("", "", ""));
      return;
    }
    const auto parsed = listOptionsOf(now.http.query, isWatch);
    auto selected = Selection::of(*found, now.http.query);
    if (isWatch) {
      watch(now, reply, *found, *parsed, std::move(*selected));
    } else {
      listNow(now, reply, *found, *parsed, *selected);
    }
  });
}

void Rest::watch(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind,
                 const ListOptions& options, Selection selection) {
  WatchRequest wanted{
      .kind = &kind,
      .namespaceName = request.info.namespaceName,
      .selection = std::move(selection),
      .format = request.format,
      .includeObject = std::string(findParameter(request.http.query, "includeObject").value_or("")),
      .timeout = std::chrono::seconds(watchSeconds(options))};
  if (kind.table == "namespaces") wanted.namespaceName.clear();
  wanted.bookmarks = options.allowBookmarks;
  const std::uint64_t version = options.resourceVersion.value_or(0);
  if (options.hasSendInitialEvents) {
    wanted.initial = options.sendInitialEvents;
    wanted.initialEnd = wanted.initial && options.allowBookmarks;
    wanted.after = version == 0 ? engine_.storage().version() : version;
  } else {
    wanted.initial = version == 0;
    wanted.after = version;
  }
  logRequest(request, 200);
  auto shared = std::make_shared<WatchRequest>(std::move(wanted));
  whenDurable([this, shared, reply] { watches_.start(std::move(*shared), reply); });
}

void Rest::listNow(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind,
                   const ListOptions& options, const Selection& selection) {
  const storage::Storage& storage = engine_.storage();
  storage::ListRange range;
  if (kind.table != "namespaces") range.namespaceName = request.info.namespaceName;
  if (!options.continueToken.empty()) {
    const auto from = parseContinueToken(options.continueToken);
    if (!from) {
      answerFailure(request, reply, from.error());
      return;
    }
    range.version = from->version;
    range.after = {from->namespaceName, from->name};
  } else if (options.resourceVersionMatch == "Exact") {
    range.version = *options.resourceVersion;
  }
  if (range.version == storage.version()) range.version = 0;

  // Objects that do not match do not count towards the limit: pages are read until it is full.
  std::vector<Value> items;
  storage::ListPage last;
  std::string continueToken;
  const bool limited = options.limit > 0 && !(options.resourceVersion.value_or(1) == 0);
  ObjectKey lastKey;
  while (true) {
    range.limit = limited ? options.limit - items.size() : 0;
    auto page = storage.list(kind.table, range);
    if (!page) {
      answerFailure(request, reply,
                    options.continueToken.empty()
                        ? expired(page.error().message)
                        : expired("The provided continue parameter is too old to display a "
                                  "consistent list result. You can start a new list without the "
                                  "continue parameter."));
      return;
    }
    for (const ObjectPtr& object : page->objects) {
      lastKey = kube::api::keyOf(object->value);
      if (!selection.name().empty() && lastKey.name != selection.name()) continue;
      Value shown = engine_.present(kind, object->value);
      if (selection.empty() || selection.matches(shown)) items.push_back(std::move(shown));
    }
    last = std::move(*page);
    last.objects.clear();
    if (range.version == 0) range.version = last.version;
    range.after = lastKey;
    if (!last.more || !limited) break;
    if (items.size() >= options.limit) {
      continueToken = printContinueToken({last.version, lastKey.namespaceName, lastKey.name});
      break;
    }
  }

  using Transform = Format::Transform;
  const Transform transform = request.format.transform;
  Value head = listHead(kind, last, continueToken, selection.empty());
  if (transform == Transform::Metadata) {
    answerFailure(request, reply,
                  {406,
                   "NotAcceptable",
                   fmt::format("you requested PartialObjectMetadata, but the requested object is a "
                               "list (*{}.{}List)",
                               kind.resource.group.empty() ? "core" : kind.resource.group,
                               kind.resource.kind),
                   {},
                   0});
    return;
  }
  if (transform == Transform::Table) {
    Value table =
        tableOf(kind, items, findParameter(request.http.query, "includeObject").value_or(""),
                request.format.version, engine_.clock().now());
    table.set("metadata", head["metadata"]);
    if (continueToken.empty()) table.edit("metadata").erase("continue");
    sendList(request, reply, kind, print(table, request.format));
    return;
  }
  if (transform == Transform::MetadataList) {
    head.set("kind", "PartialObjectMetadataList");
    head.set("apiVersion", "meta.k8s.io/" + request.format.version);
    for (Value& item : items) item = metadataOf(item, request.format.version);
  } else {
    for (Value& item : items) item = listedItem(kind, std::move(item));
  }
  if (request.format.yaml || request.format.pretty) {
    head.set("items", Value::fromItems(items));
    sendList(request, reply, kind, print(head, request.format));
    return;
  }
  // The large case is printed without building the list as a tree.
  std::string body = text::printJson(head);
  body.pop_back();
  body += ",\"items\":[";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) body += ',';
    text::appendJson(body, items[i]);
  }
  body += "]}\n";
  sendList(request, reply, kind, std::move(body));
}

void Rest::sendList(Request& request, const std::shared_ptr<http::Reply>& reply, const Kind& kind,
                    std::string body) {
  if (!kind.deprecationWarning.empty()) request.warnings.push_back(kind.deprecationWarning);
  http::ServerResponse response{.contentType = request.format.contentType(),
                                .body = std::move(body)};
  response.compress = true;
  answer(request, reply, std::move(response));
}

}  // namespace iop::apiserver
