#include "kube/client/internal/watch_decoder.h"

#include <optional>

#include "text/json.h"

namespace iop::kube::client::internal {
namespace {

std::optional<WatchEvent::Type> parseType(std::string_view text) {
  if (text == "ADDED") return WatchEvent::Type::Added;
  if (text == "MODIFIED") return WatchEvent::Type::Modified;
  if (text == "DELETED") return WatchEvent::Type::Deleted;
  if (text == "BOOKMARK") return WatchEvent::Type::Bookmark;
  if (text == "ERROR") return WatchEvent::Type::Error;
  return std::nullopt;
}

bool isBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

void setKind(const Resource& resource, Value& object) {
  if (!object.isObject()) return;
  if (object["kind"].asString() == resource.kind && !object["apiVersion"].empty()) return;
  object.set("apiVersion", resource.apiVersion());
  object.set("kind", resource.kind);
}

Result<bool> WatchDecoder::feed(std::string_view chunk, const Handler& onEvent) {
  for (std::size_t end = chunk.find('\n'); end != std::string_view::npos; end = chunk.find('\n')) {
    std::string_view line = chunk.substr(0, end);
    chunk.remove_prefix(end + 1);
    std::string whole;
    if (!partial_.empty()) {
      whole.swap(partial_);
      line = whole.append(line);
    }
    ASSIGN_OR_RETURN(const bool goesOn, decode(line, onEvent));
    if (!goesOn) return false;
  }
  partial_.append(chunk);
  if (partial_.size() > maxEventBytes_) {
    return fail(Code::InternalError,
                "watch: event of more than " + std::to_string(maxEventBytes_) + " bytes");
  }
  return true;
}

Result<bool> WatchDecoder::decode(std::string_view line, const Handler& onEvent) {
  static const text::DropPaths kDropped({"/object/metadata/managedFields"});
  if (isBlank(line)) return true;
  Result<Value> event = text::parseJson(line, {.drop = &kDropped});
  if (!event) return fail(Code::InternalError, "watch: " + event.error().message);
  const std::optional<WatchEvent::Type> type = parseType((*event)["type"].asString());
  if (!type || !event->isObject()) {
    return fail(Code::InternalError, "watch: unknown event '" + (*event)["type"].toString() + "'");
  }
  Value object = std::move(event->edit("object"));
  if (*type != WatchEvent::Type::Error) setKind(resource_, object);
  return onEvent({*type, std::move(object)});
}

}  // namespace iop::kube::client::internal
