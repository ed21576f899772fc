#include "apiserver/schema/internal/object_meta.h"

#include <algorithm>
#include <cctype>

namespace iop::apiserver::schema::internal {
namespace {

constexpr std::size_t kMaxAnnotations = 256 * 1024;

bool isAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

bool isLabelName(std::string_view text) {
  return !text.empty() && isAlnum(text.front()) && isAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return isAlnum(c) || c == '-' || c == '_' || c == '.'; });
}

constexpr std::string_view kNameRule =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view kValueRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view kSubdomainRule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view kKindRule =
    "may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case "
    "alphanumeric characters or '-', start with an alphabetic character, and end with an "
    "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')";

bool isSubdomain(std::string_view text) {
  const auto isLower = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || !isLower(label.front()) || !isLower(label.back()) ||
        !std::all_of(label.begin(), label.end(), [&](char c) { return isLower(c) || c == '-'; }))
      return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

void checkQualifiedName(std::string_view key, const std::string& path, FieldErrors& errors) {
  const auto reject = [&](std::string detail) {
    errors.push_back({FieldErrorType::Invalid, path, Value(key), std::move(detail)});
  };
  const std::size_t slash = key.find('/');
  std::string_view name = key;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = key.substr(0, slash);
    name = key.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      reject("a valid label key " + std::string(kNameRule) +
             " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
      return;
    }
    if (prefix.empty()) {
      reject("prefix part must be non-empty");
    } else if (!isSubdomain(prefix)) {
      reject("prefix part " + std::string(kSubdomainRule));
    }
  }
  if (name.empty()) {
    reject("name part must be non-empty");
  } else if (name.size() > 63) {
    reject("name part must be no more than 63 bytes");
  }
  if (!isLabelName(name)) reject("name part " + std::string(kNameRule));
}

// A name must fit into the path of a URL.
void checkPathSegment(const Value& meta, std::string_view field, const std::string& path,
                      FieldErrors& errors) {
  const Value& name = meta[field];
  const std::string_view text = name.asString();
  const auto reject = [&](std::string detail) {
    errors.push_back(
        {FieldErrorType::Invalid, path + "." + std::string(field), name, std::move(detail)});
  };
  if (field == "name" && (text == "." || text == ".."))
    return reject("may not be '" + std::string(text) + "'");
  for (const char c : {'/', '%'})
    if (text.find(c) != std::string_view::npos) reject(std::string("may not contain '") + c + "'");
}

void checkMeta(const Value& meta, const std::string& path, FieldErrors& errors) {
  checkPathSegment(meta, "generateName", path, errors);
  checkPathSegment(meta, "name", path, errors);
  std::size_t total = 0;
  for (const Member& member : meta["annotations"].members()) {
    checkQualifiedName(member.key(), path + ".annotations", errors);
    total += member.key().size() + member.value.size();
  }
  if (total > kMaxAnnotations)
    errors.push_back({FieldErrorType::TooLong, path + ".annotations", Value(""),
                      "may not be more than " + std::to_string(kMaxAnnotations) + " bytes"});
  for (const Member& member : meta["labels"].members()) {
    checkQualifiedName(member.key(), path + ".labels", errors);
    const std::string_view value = member.value.asString();
    if (value.size() > 63)
      errors.push_back({FieldErrorType::Invalid, path + ".labels", member.value,
                        "must be no more than 63 bytes"});
    if (!value.empty() && !isLabelName(value))
      errors.push_back(
          {FieldErrorType::Invalid, path + ".labels", member.value, std::string(kValueRule)});
  }
}

}  // namespace

Schema& addObjectMeta(Document& document) {
  const auto add = [&](Schema::Type type, std::string_view format = {}) -> Schema& {
    Schema& node = document.add();
    node.type = type;
    node.format = format;
    return node;
  };
  const Schema& string = add(Schema::Type::String);
  const Schema& boolean = add(Schema::Type::Boolean);
  const Schema& integer = add(Schema::Type::Integer, "int64");
  const Schema& time = add(Schema::Type::String, "date-time");
  Schema& strings = add(Schema::Type::Object);
  strings.additionalProperties = &string;

  Schema& owner = add(Schema::Type::Object);
  owner.definition = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference";
  owner.atomicMap = true;
  owner.properties = {{"apiVersion", &string},  {"blockOwnerDeletion", &boolean},
                      {"controller", &boolean}, {"kind", &string},
                      {"name", &string},        {"uid", &string}};
  Schema& owners = add(Schema::Type::Array);
  owners.items = &owner;
  owners.listType = Schema::ListType::Map;
  owners.listMapKeys = {"uid"};
  owners.patchMerge = true;
  owners.patchMergeKey = "uid";

  Schema& finalizers = add(Schema::Type::Array);
  finalizers.items = &string;
  finalizers.listType = Schema::ListType::Set;
  finalizers.patchMerge = true;

  Schema& fields = add(Schema::Type::Object);
  fields.preserveUnknownFields = true;
  Schema& entry = add(Schema::Type::Object);
  entry.definition = "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry";
  entry.properties = {{"apiVersion", &string}, {"fieldsType", &string}, {"fieldsV1", &fields},
                      {"manager", &string},    {"operation", &string},  {"subresource", &string},
                      {"time", &time}};
  Schema& entries = add(Schema::Type::Array);
  entries.items = &entry;

  Schema& meta = add(Schema::Type::Object);
  meta.definition = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
  meta.properties = {{"annotations", &strings},
                     {"creationTimestamp", &time},
                     {"deletionGracePeriodSeconds", &integer},
                     {"deletionTimestamp", &time},
                     {"finalizers", &finalizers},
                     {"generateName", &string},
                     {"generation", &integer},
                     {"labels", &strings},
                     {"managedFields", &entries},
                     {"name", &string},
                     {"namespace", &string},
                     {"ownerReferences", &owners},
                     {"resourceVersion", &string},
                     {"selfLink", &string},
                     {"uid", &string}};
  return meta;
}

void validateEmbedded(const Value& resource, const std::string& path, FieldErrors& errors) {
  const auto require = [&](std::string_view name) -> const Value* {
    const Value* found = resource.find(name);
    if (found != nullptr && !(found->isString() && found->empty())) return found;
    const std::string field = path + "." + std::string(name);
    if (found == nullptr) {
      errors.push_back({FieldErrorType::Required, field, {}, ""});
    } else {
      errors.push_back({FieldErrorType::Invalid, field, *found, "must not be empty"});
    }
    return nullptr;
  };
  if (const Value* apiVersion = require("apiVersion")) {
    const std::string_view text = apiVersion->asString();
    if (std::count(text.begin(), text.end(), '/') > 1)
      errors.push_back({FieldErrorType::Invalid, path + ".apiVersion", *apiVersion,
                        "unexpected GroupVersion string: " + std::string(text)});
  }
  if (const Value* kind = require("kind")) {
    const std::string_view text = kind->asString();
    const bool valid =
        !text.empty() && text.size() <= 63 && isAlnum(text.back()) &&
        std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
        std::all_of(text.begin(), text.end(), [](char c) { return isAlnum(c) || c == '-'; });
    if (!valid && text.size() > 63)
      errors.push_back({FieldErrorType::Invalid, path + ".kind", *kind,
                        "may have mixed case, but should otherwise match: must be no more than 63 "
                        "bytes"});
    else if (!valid)
      errors.push_back({FieldErrorType::Invalid, path + ".kind", *kind, std::string(kKindRule)});
  }
  checkMeta(resource["metadata"], path + ".metadata", errors);
}

}  // namespace iop::apiserver::schema::internal
