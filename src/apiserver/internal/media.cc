#include "apiserver/internal/media.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/kinds/protobuf.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::apiserver {
namespace {

constexpr std::size_t kMaxAcceptClauses = 32;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view head = trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return head;
}

std::optional<Format> formatOf(std::string_view clause, bool transforms, bool discovery) {
  const std::string_view type = cut(clause, ';');
  Format format;
  if (type == "application/yaml") {
    format.yaml = true;
  } else if (type != "application/json" && type != "*/*" && type != "application/*") {
    return std::nullopt;
  }
  std::string_view as, group, version;
  while (!clause.empty()) {
    std::string_view value = cut(clause, ';');
    const std::string_view key = cut(value, '=');
    if (key == "as") as = value;
    if (key == "g") group = value;
    if (key == "v") version = value;
    if (key == "pretty") format.pretty = value == "1";
  }
  if (as.empty()) return format;
  if (as == "APIGroupDiscoveryList") {
    if (!discovery || group != "apidiscovery.k8s.io" || version != "v2") return std::nullopt;
    format.transform = Format::Transform::Discovery;
    return format;
  }
  if (!transforms || group != "meta.k8s.io" || (version != "v1" && version != "v1beta1"))
    return std::nullopt;
  format.version = version;
  if (as == "Table") {
    format.transform = Format::Transform::Table;
  } else if (as == "PartialObjectMetadata") {
    format.transform = Format::Transform::Metadata;
  } else if (as == "PartialObjectMetadataList") {
    format.transform = Format::Transform::MetadataList;
  } else {
    return std::nullopt;
  }
  return format;
}

// How Go's decoder shows what it could not read: "<empty>" or the bytes in hexadecimal.
std::string shownBytes(std::string_view body) {
  constexpr std::size_t kMax = 1024;
  if (body.empty()) return "<empty>";
  std::string out;
  for (const char byte : body.substr(0, kMax))
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(byte));
  return out;
}

}  // namespace

std::optional<Format> negotiate(std::string_view accept, bool transforms, bool discovery) {
  if (trim(accept).empty()) return Format();
  for (std::size_t i = 0; !accept.empty() && i < kMaxAcceptClauses; ++i) {
    if (auto format = formatOf(cut(accept, ','), transforms, discovery)) return format;
  }
  return std::nullopt;
}

Failure notAcceptable(std::string_view accept, bool list) {
  constexpr std::string_view kTypes =
      "application/json, application/yaml, application/vnd.kubernetes.protobuf";
  std::string_view rest = accept;
  bool known = false;
  while (!rest.empty()) {
    std::string_view clause = cut(rest, ',');
    const std::string_view type = cut(clause, ';');
    known |= type == "application/json" || type == "application/yaml" || type == "*/*";
  }
  if (known) {
    // The type is served, what it is to be made into is not.
    return {406,
            "NotAcceptable",
            "only the following media types are accepted: " + std::string(kTypes),
            {},
            0};
  }
  std::string message = "406: Not Acceptable\n\nAvailable representations: " + std::string(kTypes);
  if (list) {
    message += ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
  }
  return {406, "NotAcceptable", std::move(message), Value::object(), 0};
}

std::string_view mediaTypeOf(std::string_view contentType) { return cut(contentType, ';'); }

Answer<Value> decodeBody(std::string_view contentType, std::string_view body,
                         std::string_view kind) {
  const std::string_view type = mediaTypeOf(contentType);
  const auto unrecognized = [&](std::string_view why) {
    return tl::unexpected(badRequest(fmt::format(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; "
        "json parse error: {} ({})",
        kind, why, shownBytes(body))));
  };
  Result<Value> parsed = fail(Code::BadRequest, "");
  if (type.empty() || type == "application/json") {
    parsed = text::parseJson(body);
    if (!parsed) return unrecognized(parsed.error().message);
  } else if (type == "application/yaml") {
    parsed = text::parseYaml(body);
    if (!parsed)
      return tl::unexpected(badRequest("error converting YAML to JSON: " + parsed.error().message));
  } else if (type == "application/vnd.kubernetes.protobuf") {
    parsed = kinds::parseProtobuf(body);
    if (!parsed) return tl::unexpected(badRequest(parsed.error().message));
  } else {
    return tl::unexpected(
        Failure{415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml, application/vnd.kubernetes.protobuf",
                {},
                0});
  }
  if (!parsed->isObject()) {
    return unrecognized(fmt::format(
        "json: cannot unmarshal {} into Go value of type struct {{ APIVersion string "
        "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
        parsed->isArray()    ? "array"
        : parsed->isString() ? "string"
        : parsed->isBool()   ? "bool"
                             : "number"));
  }
  return std::move(*parsed);
}

std::string print(const Value& value, const Format& format) {
  if (format.yaml) return text::printYaml(value);
  if (format.pretty) return text::printJson(value, {.escapeHtml = true, .indent = "  "});
  // Like Go's encoder, which ends what it writes with a line break.
  std::string out = text::printJson(value);
  out += '\n';
  return out;
}

Value metadataOf(const Value& object, std::string_view version) {
  Value metadata = object["metadata"];
  return Value::object({{"kind", "PartialObjectMetadata"},
                        {"apiVersion", "meta.k8s.io/" + std::string(version)},
                        {"metadata", std::move(metadata)}});
}

}  // namespace iop::apiserver
