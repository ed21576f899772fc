#include "apiserver/failure.h"

#include <fmt/format.h>

namespace iop::apiserver {
namespace {

Value detailsOf(std::string_view group, std::string_view kind, std::string_view name) {
  Value details = Value::object();
  if (!name.empty()) details.set("name", name);
  if (!group.empty()) details.set("group", group);
  if (!kind.empty()) details.set("kind", kind);
  return details;
}

std::string quotedName(std::string_view group, std::string_view plural, std::string_view name) {
  return fmt::format("{} \"{}\"", qualifiedResource(group, plural), name);
}

}  // namespace

Value Failure::status() const {
  Value out = Value::object({{"kind", "Status"},
                             {"apiVersion", "v1"},
                             {"metadata", Value::object()},
                             {"status", "Failure"},
                             {"code", code}});
  if (!message.empty()) out.set("message", message);
  if (!reason.empty()) out.set("reason", reason);
  Value shown = details;
  if (retryAfterSeconds > 0) shown.set("retryAfterSeconds", retryAfterSeconds);
  if (!shown.isNull()) out.set("details", std::move(shown));
  return out;
}

std::string qualifiedResource(std::string_view group, std::string_view plural) {
  return group.empty() ? std::string(plural) : fmt::format("{}.{}", plural, group);
}

Failure badRequest(std::string message) { return {400, "BadRequest", std::move(message), {}, 0}; }

Failure unauthorized() { return {401, "Unauthorized", "Unauthorized", {}, 0}; }

Failure forbidden(std::string_view group, std::string_view plural, std::string_view name,
                  std::string_view why) {
  std::string message;
  if (plural.empty()) {
    message = fmt::format("forbidden: {}", why);
  } else if (name.empty()) {
    message = fmt::format("{} is forbidden: {}", qualifiedResource(group, plural), why);
  } else {
    message = fmt::format("{} is forbidden: {}", quotedName(group, plural, name), why);
  }
  return {403, "Forbidden", std::move(message), detailsOf(group, plural, name), 0};
}

Failure notFound(std::string_view group, std::string_view plural, std::string_view name) {
  if (name.empty()) {
    return {404, "NotFound", "the server could not find the requested resource", Value::object(),
            0};
  }
  return {404, "NotFound", quotedName(group, plural, name) + " not found",
          detailsOf(group, plural, name), 0};
}

Failure methodNotAllowed(std::string message) {
  if (message.empty()) message = "the server does not allow this method on the requested resource";
  return {405, "MethodNotAllowed", std::move(message), Value::object(), 0};
}

Failure alreadyExists(std::string_view group, std::string_view plural, std::string_view name) {
  return {409, "AlreadyExists", quotedName(group, plural, name) + " already exists",
          detailsOf(group, plural, name), 0};
}

Failure conflict(std::string_view group, std::string_view plural, std::string_view name,
                 std::string_view why) {
  return {
      409, "Conflict",
      fmt::format("Operation cannot be fulfilled on {}: {}", quotedName(group, plural, name), why),
      detailsOf(group, plural, name), 0};
}

Failure invalid(std::string_view group, std::string_view kind, std::string_view name,
                const schema::FieldErrors& errors) {
  std::string list;
  Value causes = Value::array();
  for (const schema::FieldError& error : errors) {
    const std::string text = error.print();
    // Equal errors are told once (apimachinery's NewAggregate).
    bool known = false;
    for (const Value& cause : causes.items())
      known |= cause["message"].asString() == error.printBody() &&
               cause["field"].asString() == error.field;
    causes.push(Value::object(
        {{"reason", error.reason()}, {"message", error.printBody()}, {"field", error.field}}));
    if (known) continue;
    if (!list.empty()) list += ", ";
    list += text;
  }
  if (errors.size() > 1 && list.find(", ") != std::string::npos) list = "[" + list + "]";
  Value details = detailsOf(group, kind, name);
  details.set("causes", std::move(causes));
  return {422, "Invalid",
          fmt::format("{} \"{}\" is invalid: {}", qualifiedResource(group, kind), name, list),
          std::move(details), 0};
}

Failure expired(std::string message) { return {410, "Expired", std::move(message), {}, 0}; }

Failure internalError(std::string message) {
  return {500, "InternalError", "Internal error occurred: " + message,
          Value::object({{"causes", Value::array({Value::object({{"message", message}})})}}), 0};
}

}  // namespace iop::apiserver
