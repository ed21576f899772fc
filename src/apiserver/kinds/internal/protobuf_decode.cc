#include "apiserver/kinds/internal/protobuf_decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "text/base64.h"
#include "text/json.h"

namespace iop::apiserver::kinds::internal {
namespace {

using FieldType = MessageField::Type;
using FieldShape = MessageField::Shape;
using Form = Message::Form;

enum class Wire : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

auto truncated() { return fail(Code::BadRequest, "unexpected EOF"); }
auto tooDeep() { return fail(Code::BadRequest, "exceeded max depth"); }

// One field as it stands on the wire.
struct Occurrence {
  std::uint64_t number = 0;
  Wire wire = Wire::Varint;
  std::uint64_t integer = 0;
  std::string_view bytes;
};

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool atEnd() const { return rest_.empty(); }

  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return truncated();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return fail(Code::BadRequest, "proto: integer overflow");
  }

  Result<Occurrence> next(std::string_view message) {
    ASSIGN_OR_RETURN(const std::uint64_t tag, varint());
    Occurrence found{.number = tag >> 3, .wire = static_cast<Wire>(tag & 7), .bytes = {}};
    if ((tag & 7) == 4) {
      return fail(Code::BadRequest,
                  fmt::format("proto: {}: wiretype end group for non-group", message));
    }
    if (found.number == 0 || found.number > 0x1FFFFFFF) {
      return fail(Code::BadRequest, fmt::format("proto: {}: illegal tag {} (wire type {})", message,
                                                found.number, tag & 7));
    }
    switch (found.wire) {
      case Wire::Varint: {
        ASSIGN_OR_RETURN(found.integer, varint());
        return found;
      }
      case Wire::Bytes: {
        ASSIGN_OR_RETURN(const std::uint64_t size, varint());
        if (size > rest_.size()) return truncated();
        found.bytes = take(static_cast<std::size_t>(size));
        return found;
      }
      case Wire::Fixed64:
      case Wire::Fixed32: {
        const std::size_t size = found.wire == Wire::Fixed64 ? 8 : 4;
        if (size > rest_.size()) return truncated();
        found.bytes = take(size);
        for (std::size_t i = size; i > 0; --i)
          found.integer = found.integer << 8 | static_cast<unsigned char>(found.bytes[i - 1]);
        return found;
      }
    }
    return fail(Code::BadRequest, fmt::format("proto: illegal wireType {}", tag & 7));
  }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

Result<Value> decodeMessage(const Message& message, std::string_view bytes, int depth);

// The number of a JSON text: whole numbers are integers there.
Result<Value> jsonNumber(double number) {
  if (!std::isfinite(number)) {
    return fail(Code::BadRequest, std::isnan(number) ? "json: unsupported value: NaN"
                                                     : fmt::format("json: unsupported value: {}Inf",
                                                                   number < 0 ? "-" : "+"));
  }
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (number == std::trunc(number) && number >= -kTwoTo63 && number < kTwoTo63)
    return Value(static_cast<std::int64_t>(number));
  return Value(number);
}

// The value of one occurrence, an element or a map's value, at that depth.
Result<Value> decodeSingle(const MessageField& field, const Occurrence& found, int depth) {
  switch (field.type) {
    case FieldType::String:
      return Value(found.bytes);
    case FieldType::Bytes:
      return Value(text::encodeBase64(found.bytes));
    case FieldType::Bool:
      return Value(found.integer != 0);
    case FieldType::Int:
      return Value(static_cast<std::int64_t>(found.integer));
    case FieldType::Double:
      return jsonNumber(std::bit_cast<double>(found.integer));
    case FieldType::Message:
      return decodeMessage(*field.message, found.bytes, depth);
  }
  return Value();
}

Value zeroOfField(const MessageField& field) {
  switch (field.type) {
    case FieldType::String:
      return "";
    case FieldType::Bytes:
      return {};
    case FieldType::Bool:
      return false;
    case FieldType::Int:
    case FieldType::Double:
      return 0;
    case FieldType::Message:
      return field.message->zero;
  }
  return {};
}

bool isEmptyScalar(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null:
      return true;
    case Value::Type::Bool:
      return !value.asBool();
    case Value::Type::Int:
      return value.asInt() == 0;
    case Value::Type::String:
      return value.empty();
    case Value::Type::Double:
    case Value::Type::Array:
    case Value::Type::Object:
      return false;
  }
  return false;
}

Wire wireOf(FieldType type) {
  if (type == FieldType::Bool || type == FieldType::Int) return Wire::Varint;
  return type == FieldType::Double ? Wire::Fixed64 : Wire::Bytes;
}

Status checkWire(const MessageField& field, Wire expected, const Occurrence& found) {
  if (found.wire == expected) return {};
  return fail(Code::BadRequest, fmt::format("proto: wrong wireType = {} for field {}",
                                            static_cast<int>(found.wire), field.name.asString()));
}

Result<Value> decodeList(const MessageField& field, std::span<const Occurrence> found, int depth) {
  std::vector<Value> items;
  items.reserve(found.size());
  for (const Occurrence& one : found) {
    if (field.type == FieldType::Int && one.wire == Wire::Bytes) {  // packed
      Reader reader(one.bytes);
      while (!reader.atEnd()) {
        ASSIGN_OR_RETURN(const std::uint64_t integer, reader.varint());
        items.emplace_back(static_cast<std::int64_t>(integer));
      }
      continue;
    }
    RETURN_IF_ERROR(checkWire(field, wireOf(field.type), one));
    ASSIGN_OR_RETURN(Value item, decodeSingle(field, one, depth + 1));
    items.push_back(std::move(item));
  }
  return items.empty() ? Value() : Value::fromItems(items);
}

Result<Value> decodeMap(const MessageField& field, std::span<const Occurrence> found, int depth) {
  std::vector<Member> members;
  members.reserve(found.size());
  for (const Occurrence& entry : found) {
    RETURN_IF_ERROR(checkWire(field, Wire::Bytes, entry));
    std::string_view key = "";
    Occurrence value{.number = 0, .bytes = {}};
    Reader reader(entry.bytes);
    while (!reader.atEnd()) {
      ASSIGN_OR_RETURN(const Occurrence part, reader.next(field.name.asString()));
      if (part.number == 1) {
        RETURN_IF_ERROR(checkWire(field, Wire::Bytes, part));
        key = part.bytes;
      } else if (part.number == 2) {
        RETURN_IF_ERROR(checkWire(field, wireOf(field.type), part));
        value = part;
      }
    }
    if (value.number == 0) {
      members.emplace_back(key, field.type == FieldType::Bytes ? Value("") : zeroOfField(field));
      continue;
    }
    ASSIGN_OR_RETURN(Value decoded, decodeSingle(field, value, depth + 1));
    members.emplace_back(key, std::move(decoded));
  }
  return members.empty() ? Value() : Value::fromMembers(members);
}

Status appendMembers(std::vector<Member>& out, const Message& message, std::string_view bytes,
                     int depth);

// What the occurrences of one field add to an object of that depth.
Status appendField(std::vector<Member>& out, const MessageField& field,
                   std::span<const Occurrence> found, int depth) {
  if (field.shape != FieldShape::Single) {
    ASSIGN_OR_RETURN(Value value, field.shape == FieldShape::List
                                      ? decodeList(field, found, depth + 1)
                                      : decodeMap(field, found, depth + 1));
    if (!value.isNull() || field.isRequired) out.emplace_back(field.name.asString(), value);
    return {};
  }
  if (!found.empty()) RETURN_IF_ERROR(checkWire(field, wireOf(field.type), found.back()));
  // Merging them, as protobuf has it, would cost a hostile sender nothing and us a lot.
  if (field.type == FieldType::Message && found.size() > 1) {
    return fail(Code::BadRequest, fmt::format("proto: message field {} appears more than once",
                                              field.name.asString()));
  }
  if (field.isInline) {
    return appendMembers(out, *field.message, found.empty() ? std::string_view() : found[0].bytes,
                         depth);
  }
  if (found.empty() && field.isPointer) {
    if (field.isRequired) out.emplace_back(field.name.asString(), Value());
    return {};
  }
  Value value;
  if (found.empty()) {
    value = zeroOfField(field);
  } else {
    ASSIGN_OR_RETURN(value, decodeSingle(field, found.back(), depth + 1));
  }
  const bool isWritten = field.isPointer || field.isRequired ||
                         (field.omitsZero                    ? !(value == zeroOfField(field))
                          : field.type == FieldType::Message ? true
                                                             : !isEmptyScalar(value));
  if (isWritten) out.emplace_back(field.name.asString(), std::move(value));
  return {};
}

Status appendMembers(std::vector<Member>& out, const Message& message, std::string_view bytes,
                     int depth) {
  std::vector<std::pair<const MessageField*, Occurrence>> found;
  Reader reader(bytes);
  while (!reader.atEnd()) {
    ASSIGN_OR_RETURN(const Occurrence one, reader.next(message.name));
    if (const MessageField* field = message.find(one.number)) found.emplace_back(field, one);
  }
  const auto byField = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(found.begin(), found.end(), byField))
    std::stable_sort(found.begin(), found.end(), byField);
  std::vector<Occurrence> same;
  std::size_t at = 0;
  for (const MessageField& field : message.fields) {
    same.clear();
    for (; at < found.size() && found[at].first == &field; ++at) same.push_back(found[at].second);
    RETURN_IF_ERROR(appendField(out, field, same, depth));
  }
  return {};
}

Result<std::string> rfc3339(std::int64_t seconds, std::int64_t micros, bool withMicros) {
  constexpr std::int64_t kEarliest = -62'167'219'200;  // year 0
  constexpr std::int64_t kLatest = 253'402'300'799;    // year 9999
  if (seconds < kEarliest || seconds > kLatest)
    return fail(Code::BadRequest, "Time.MarshalJSON: year outside of range [0,9999]");
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (withMicros) out += fmt::format(".{:06}", micros);
  return out + "Z";
}

Result<Value> timeOf(const Value& fields, bool withMicros) {
  std::int64_t seconds = fields["seconds"].asInt();
  std::int64_t micros = 0;
  if (withMicros) {
    // Nanoseconds are 32 bits and may be negative or more than a second, as Go's time.Unix has it.
    micros = static_cast<std::int32_t>(fields["nanos"].asInt()) / 1000;
    const std::int64_t carried = micros < 0 ? (micros - 999'999) / 1'000'000 : micros / 1'000'000;
    if (__builtin_add_overflow(seconds, carried, &seconds)) seconds = 0;
    micros -= carried * 1'000'000;
  }
  ASSIGN_OR_RETURN(const std::string text, rfc3339(seconds, micros, withMicros));
  return Value(text);
}

bool isDeeperThan(const Value& value, int limit) {
  if (!value.isArray() && !value.isObject()) return false;
  if (limit <= 0) return true;
  for (const Value& item : value.items()) {
    if (isDeeperThan(item, limit - 1)) return true;
  }
  for (const Member& member : value.members()) {
    if (isDeeperThan(member.value, limit - 1)) return true;
  }
  return false;
}

// The last field of that number, which has a length; empty where there is none.
Result<std::string_view> bytesOf(std::string_view message, std::string_view bytes,
                                 std::uint64_t number) {
  std::string_view found;
  Reader reader(bytes);
  while (!reader.atEnd()) {
    ASSIGN_OR_RETURN(const Occurrence one, reader.next(message));
    if (one.number != number) continue;
    if (one.wire != Wire::Bytes) {
      return fail(Code::BadRequest, fmt::format("proto: wrong wireType = {} for field {} of {}",
                                                static_cast<int>(one.wire), number, message));
    }
    found = one.bytes;
  }
  return found;
}

// JSON, or an object in an envelope of its own, at that depth. Nothing is copied on the way down:
// envelopes in envelopes cost no more than their bytes.
Result<Value> rawOf(std::string_view bytes, int depth) {
  ASSIGN_OR_RETURN(const std::string_view raw, bytesOf("RawExtension", bytes, 1));
  if (raw.empty()) return Value();
  if (raw.starts_with(kEnvelopePrefix)) return decodeEnvelope(raw, depth);
  ASSIGN_OR_RETURN(Value value, text::parseJson(raw));
  if (isDeeperThan(value, text::kMaxDepth - depth + 1)) return tooDeep();
  return value;
}

Value orElse(const Value& value, Value fallback) {
  return value.isNull() ? std::move(fallback) : value;
}

// What the JSON of a message is, given its fields.
Result<Value> shape(Form form, const Value& fields) {
  switch (form) {
    case Form::Object:
      return fields;
    case Form::Time:
      return timeOf(fields, false);
    case Form::MicroTime:
      return timeOf(fields, true);
    case Form::Quantity:
      return fields["string"].empty() ? Value("0") : fields["string"];
    case Form::IntOrString:
      if (fields["type"].asInt() == 0) return fields["intVal"];
      if (fields["type"].asInt() == 1) return fields["strVal"];
      return fail(Code::BadRequest, "impossible IntOrString.Type");
    case Form::Raw:  // has no fields: rawOf() reads it
      return Value();
    case Form::Items:
      return orElse(fields["items"], Value::array());
    case Form::SchemaOrArray:
    case Form::SchemaOrStrings:
      return orElse(fields["list"], fields["schema"]);
    case Form::SchemaOrBool:
      return orElse(fields["schema"], fields["allows"]);
  }
  return Value();
}

Result<Value> decodeMessage(const Message& message, std::string_view bytes, int depth) {
  if (bytes.empty()) return message.zero;
  if (depth > text::kMaxDepth) return tooDeep();
  if (message.form == Form::Raw) return rawOf(bytes, depth);
  std::vector<Member> members;
  RETURN_IF_ERROR(appendMembers(members, message, bytes, depth));
  return shape(message.form, Value::fromMembers(members));
}

}  // namespace

Value zeroOf(const Message& message) {
  if (message.form == Form::Time || message.form == Form::MicroTime) return {};
  std::vector<Member> members;
  const Status appended = appendMembers(members, message, {}, 1);
  ASSERT(appended.has_value());
  const Result<Value> value = shape(message.form, Value::fromMembers(members));
  ASSERT(value.has_value());
  return *value;
}

Result<Value> decodeEnvelope(std::string_view bytes, int depth) {
  if (!bytes.starts_with(kEnvelopePrefix)) {
    return fail(Code::BadRequest,
                "provided data does not appear to be a protobuf message, expected prefix "
                "[107 56 115 0]");
  }
  bytes.remove_prefix(kEnvelopePrefix.size());
  if (bytes.empty()) return fail(Code::BadRequest, "empty body");
  if (depth > text::kMaxDepth) return tooDeep();
  ASSIGN_OR_RETURN(const std::string_view type, bytesOf("Unknown", bytes, 1));
  ASSIGN_OR_RETURN(const std::string_view raw, bytesOf("Unknown", bytes, 2));
  ASSIGN_OR_RETURN(const std::string_view apiVersion, bytesOf("TypeMeta", type, 1));
  ASSIGN_OR_RETURN(const std::string_view kind, bytesOf("TypeMeta", type, 2));
  if (kind.empty()) return fail(Code::BadRequest, "Object 'Kind' is missing in 'protobuf'");
  if (apiVersion.empty())
    return fail(Code::BadRequest, "Object 'apiVersion' is missing in 'protobuf'");
  const Message* message = messageOf(apiVersion, kind);
  if (message == nullptr) {
    return fail(Code::BadRequest,
                fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, apiVersion));
  }
  ASSIGN_OR_RETURN(Value object, decodeMessage(*message, raw, depth));
  object.set("apiVersion", apiVersion);
  object.set("kind", kind);
  return object;
}

}  // namespace iop::apiserver::kinds::internal
