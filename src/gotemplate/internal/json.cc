#include "gotemplate/internal/json.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gotemplate/internal/encoding.h"
#include "gotemplate/internal/semver.h"
#include "gotemplate/internal/strconv.h"
#include "gotemplate/internal/times.h"

namespace iop::gotemplate::internal {
namespace {

class JsonPrinter {
 public:
  JsonPrinter(Runtime& runtime, const AnyJsonOptions& options)
      : runtime_(runtime), options_(options) {}

  Status print(const Any& value);
  std::string take() { return std::move(out_); }

 private:
  Status printList(const Any& list);
  Status printMap(const Any& map);
  Status printFloat(double value);
  Status enter(const Any& container, const void* identity);
  void leave() { path_.pop_back(); }
  void text(std::string_view value) { appendJsonString(out_, value, options_.escapesHtml); }
  void newline();
  void key(std::string_view name, bool isFirst);

  Runtime& runtime_;
  AnyJsonOptions options_;
  std::string out_;
  std::vector<const void*> path_;  // the containers we are in
};

// A list or map that is within itself never ends. Go looks for one once it is deep enough.
Status JsonPrinter::enter(const Any& container, const void* identity) {
  if (path_.size() >= static_cast<std::size_t>(runtime_.limits().valueDepth)) {
    if (std::ranges::find(path_, identity) != path_.end()) {
      return fail(Code::Invalid, "json: unsupported value: encountered a cycle via " +
                                     std::string(typeName(container.type)));
    }
    runtime_.checkDepth(static_cast<int>(path_.size()) + 1);
  }
  path_.push_back(identity);
  return {};
}

void JsonPrinter::newline() {
  if (!options_.isIndented) return;
  out_ += '\n';
  out_.append(path_.size() * 2, ' ');
  runtime_.checkValueBytes(out_.size());
}

void JsonPrinter::key(std::string_view name, bool isFirst) {
  if (!isFirst) out_ += ',';
  newline();
  text(name);
  out_ += options_.isIndented ? ": " : ":";
}

Status JsonPrinter::printList(const Any& list) {
  const SliceView items(list);
  if (items.size() == 0) {
    out_ += "[]";
    return {};
  }
  RETURN_IF_ERROR(enter(list, list.slice));
  out_ += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out_ += ',';
    newline();
    RETURN_IF_ERROR(print(items[i]));
  }
  leave();
  newline();
  out_ += ']';
  return {};
}

Status JsonPrinter::printMap(const Any& map) {
  const MapView entries(runtime_, map);
  if (entries.size() == 0) {
    out_ += "{}";
    return {};
  }
  RETURN_IF_ERROR(enter(map, entries.identity()));
  out_ += '{';
  for (std::size_t i = 0; i < entries.size(); ++i) {
    key(entries.key(i), i == 0);
    RETURN_IF_ERROR(print(entries.value(i)));
  }
  leave();
  newline();
  out_ += '}';
  return {};
}

Status JsonPrinter::printFloat(double value) {
  if (!std::isfinite(value)) {
    return fail(Code::Invalid, "json: unsupported value: " + formatFloat(value, 'g', -1));
  }
  out_ += formatJsonNumber(value);
  return {};
}

Status JsonPrinter::print(const Any& value) {
  runtime_.charge(1);
  runtime_.checkValueBytes(out_.size());
  if (value.isNil() || value.isTypedNil()) {
    out_ += "null";
    return {};
  }
  switch (value.type) {
    case Type::Bool:
      out_ += value.asBool() ? "true" : "false";
      return {};
    case Type::Int:
    case Type::Int64:
    case Type::Duration:
    case Type::Month:
    case Type::Weekday:
      out_ += formatInt(value.integer);
      return {};
    case Type::Uint8:
    case Type::Uint64:
      out_ += formatUint(value.unsignedInteger);
      return {};
    case Type::Float64:
      return printFloat(value.number);
    case Type::Complex128:
      return fail(Code::Invalid, "json: unsupported type: complex128");
    case Type::String:
      text(value.asText());
      return {};
    case Type::ByteSlice: {
      const SliceView bytes(value);
      std::string raw(bytes.size(), '\0');
      for (std::size_t i = 0; i < bytes.size(); ++i) raw[i] = static_cast<char>(bytes[i].integer);
      text(encodeBase64(raw));
      return {};
    }
    case Type::AnyMap:
    case Type::StringMap:
      return printMap(value);
    case Type::Time: {
      Result<std::string> time = printJsonTime(*value.time);
      if (!time) {
        return fail(Code::Invalid,
                    "json: error calling MarshalJSON for type time.Time: " + time.error().message);
      }
      text(*time);
      return {};
    }
    case Type::SemverPointer:
    case Type::Semver:
      text(printSemver(*value.semver));
      return {};
    case Type::Location:
      out_ += "{}";
      return {};
    case Type::Certificate:
      out_ += '{';
      path_.push_back(value.certificate);
      key("Cert", true);
      text(value.certificate->certificate);
      key("Key", false);
      text(value.certificate->key);
      leave();
      newline();
      out_ += '}';
      return {};
    default:
      return printList(value);
  }
}

}  // namespace

Result<std::string> printAnyJson(Runtime& runtime, const Any& value,
                                 const AnyJsonOptions& options) {
  JsonPrinter printer(runtime, options);
  RETURN_IF_ERROR(printer.print(value));
  return printer.take();
}

}  // namespace iop::gotemplate::internal
