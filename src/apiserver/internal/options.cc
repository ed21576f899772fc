#include "apiserver/internal/options.h"

#include <fmt/format.h>

#include <charconv>

#include "text/base64.h"
#include "text/json.h"

namespace iop::apiserver {
namespace {

using schema::FieldErrorType;

Failure optionFailure(std::string field, FieldErrorType type, std::optional<Value> value,
                      std::string detail) {
  return invalid("meta.k8s.io", "ListOptions", "",
                 {{type, std::move(field), std::move(value), std::move(detail)}});
}

Answer<std::uint64_t> parseVersion(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return tl::unexpected(badRequest(fmt::format(
      "invalid resource version: resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: "
      "parsing \"{0}\": {1}",
      text, error == std::errc::result_out_of_range ? "value out of range" : "invalid syntax")));
}

}  // namespace

Answer<std::int64_t> parseInteger(std::string_view text) {
  std::int64_t number = 0;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && end == digits.data() + digits.size()) return number;
  return tl::unexpected(badRequest(fmt::format(
      "strconv.ParseInt: parsing \"{}\": {}", text,
      error == std::errc::result_out_of_range ? "value out of range" : "invalid syntax")));
}

Answer<ListOptions> listOptionsOf(const QueryParameters& query, bool isWatch) {
  ListOptions out;
  if (const auto limit = findParameter(query, "limit"); limit && !limit->empty()) {
    auto number = parseInteger(*limit);
    if (!number) return tl::unexpected(std::move(number.error()));
    out.limit = static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
  }
  if (const auto seconds = findParameter(query, "timeoutSeconds"); seconds && !seconds->empty()) {
    auto number = parseInteger(*seconds);
    if (!number) return tl::unexpected(std::move(number.error()));
    out.timeoutSeconds = *number;
  }
  out.continueToken = findParameter(query, "continue").value_or("");
  out.resourceVersionMatch = findParameter(query, "resourceVersionMatch").value_or("");
  out.allowBookmarks = isTrue(query, "allowWatchBookmarks");
  out.hasSendInitialEvents = findParameter(query, "sendInitialEvents").has_value();
  out.sendInitialEvents = isTrue(query, "sendInitialEvents");
  const std::string_view version = findParameter(query, "resourceVersion").value_or("");
  const std::string& match = out.resourceVersionMatch;
  if (!isWatch && out.hasSendInitialEvents) {
    return tl::unexpected(optionFailure("sendInitialEvents", FieldErrorType::Forbidden, {},
                                        "sendInitialEvents is forbidden for list"));
  }
  if (isWatch && out.hasSendInitialEvents && match != "NotOlderThan") {
    return tl::unexpected(
        optionFailure("resourceVersionMatch", FieldErrorType::Forbidden, {},
                      "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
  }
  if (isWatch && !match.empty() && !out.hasSendInitialEvents) {
    return tl::unexpected(optionFailure(
        "resourceVersionMatch", FieldErrorType::Forbidden, {},
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (!isWatch && !match.empty()) {
    if (version.empty()) {
      return tl::unexpected(
          optionFailure("resourceVersionMatch", FieldErrorType::Forbidden, {},
                        "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if (!out.continueToken.empty()) {
      return tl::unexpected(
          optionFailure("resourceVersionMatch", FieldErrorType::Forbidden, {},
                        "resourceVersionMatch is forbidden when continue is provided"));
    }
    if (match != "Exact" && match != "NotOlderThan") {
      return tl::unexpected(optionFailure("resourceVersionMatch", FieldErrorType::NotSupported,
                                          Value(match),
                                          "supported values: \"Exact\", \"NotOlderThan\", \"\""));
    }
    if (match == "Exact" && version == "0") {
      return tl::unexpected(
          optionFailure("resourceVersionMatch", FieldErrorType::Forbidden, {},
                        "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
    }
  }
  if (!version.empty()) {
    auto number = parseVersion(version);
    if (!number) return tl::unexpected(std::move(number.error()));
    out.resourceVersion = *number;
  }
  return out;
}

std::string printContinueToken(const Continuation& from) {
  return text::encodeBase64(
      text::printJson(Value::object({{"v", "meta.k8s.io/v1"},
                                     {"rv", static_cast<std::int64_t>(from.version)},
                                     {"start", from.namespaceName + "/" + from.name}})));
}

Answer<Continuation> parseContinueToken(std::string_view token) {
  const auto reject = [](std::string_view why) {
    return tl::unexpected(
        badRequest(fmt::format("invalid continue token: continue key is not valid: {}", why)));
  };
  const auto bytes = text::decodeBase64(token);
  if (!bytes) return reject("illegal base64 data");
  const auto parsed = text::parseJson(*bytes);
  if (!parsed) return reject(parsed.error().message);
  const std::string_view start = (*parsed)["start"].asString();
  const std::size_t slash = start.find('/');
  const std::int64_t version = (*parsed)["rv"].asInt();
  if ((*parsed)["v"].asString() != "meta.k8s.io/v1" || slash == std::string_view::npos ||
      version <= 0)
    return reject("incorrect encoding");
  return Continuation{static_cast<std::uint64_t>(version), std::string(start.substr(0, slash)),
                      std::string(start.substr(slash + 1))};
}

}  // namespace iop::apiserver
