#include "apiserver/kinds/internal/protobuf_fields.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "apiserver/kinds/internal/protobuf_decode.h"
#include "base/result.h"

namespace iop::apiserver::kinds::internal {
namespace {

constexpr std::string_view kTable =
#include "apiserver/kinds/internal/protobuf_fields.inc"
    ;

constexpr std::pair<std::string_view, MessageField::Type> kScalars[] = {
    {"string", MessageField::Type::String}, {"bytes", MessageField::Type::Bytes},
    {"bool", MessageField::Type::Bool},     {"int", MessageField::Type::Int},
    {"double", MessageField::Type::Double},
};

constexpr std::pair<std::string_view, Message::Form> kForms[] = {
    {"Time", Message::Form::Time},
    {"MicroTime", Message::Form::MicroTime},
    {"Quantity", Message::Form::Quantity},
    {"IntOrString", Message::Form::IntOrString},
    {"Raw", Message::Form::Raw},
    {"Items", Message::Form::Items},
    {"SchemaOrArray", Message::Form::SchemaOrArray},
    {"SchemaOrBool", Message::Form::SchemaOrBool},
    {"SchemaOrStrings", Message::Form::SchemaOrStrings},
};

std::string_view cutTo(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view head = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return head;
}

bool cutSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool cutPrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

class Table {
 public:
  Table() {
    std::string_view rest = kTable;
    while (!rest.empty()) {
      std::string_view line = cutTo(rest, '\n');
      if (line.empty()) continue;
      if (line.front() == '=') {
        addKinds(line.substr(1));
      } else {
        const std::string_view name = cutTo(line, ':');
        cutPrefix(line, " ");
        addFields(messages_[name], name, line);
      }
    }
    for (const auto& [apiVersion, name] : kinds_) ASSERT(messages_.contains(name));
    for (auto& [name, message] : messages_) fillZero(message);
  }

  const Message* find(std::string_view apiVersion, std::string_view kind) const {
    const std::string_view any = kind == "DeleteOptions" || kind == "Status" ? "v1" : apiVersion;
    const auto found = kinds_.find(std::pair(any, kind));
    return found == kinds_.end() ? nullptr : &messages_.at(found->second);
  }

 private:
  void addKinds(std::string_view line) {
    const std::string_view apiVersion = cutTo(line, ' ');
    while (!line.empty()) {
      std::string_view message = cutTo(line, ' ');
      const std::string_view kind = cutTo(message, '=');
      kinds_[{apiVersion, kind}] = message.empty() ? kind : message;
    }
  }

  void addFields(Message& message, std::string_view name, std::string_view line) {
    message.name = name;
    for (const auto& [formName, form] : kForms) {
      if (formName == name) message.form = form;
    }
    while (!line.empty()) {
      MessageField field;
      const std::string_view number = cutTo(line, ' ');
      std::from_chars(number.data(), number.data() + number.size(), field.number);
      const std::string_view key = cutTo(line, ' ');
      field.name = key;
      field.isInline = key == ".";
      std::string_view type = cutTo(line, ' ');
      field.isRequired = cutSuffix(type, "!");
      field.isPointer = cutSuffix(type, "*");
      field.omitsZero = cutSuffix(type, "0");
      if (cutPrefix(type, "[]")) field.shape = MessageField::Shape::List;
      if (cutPrefix(type, "{}")) field.shape = MessageField::Shape::Map;
      const auto* scalar = std::find_if(std::begin(kScalars), std::end(kScalars),
                                        [&](const auto& entry) { return entry.first == type; });
      if (scalar != std::end(kScalars)) {
        field.type = scalar->second;
      } else {
        field.type = MessageField::Type::Message;
        field.message = &messages_[type];
      }
      message.fields.push_back(std::move(field));
    }
  }

  // The zeros of the messages within come first. By value no message can contain itself.
  void fillZero(Message& message) {
    ASSERT(!message.name.empty());
    if (!filled_.insert(&message).second) return;
    for (const MessageField& field : message.fields) {
      if (field.message == nullptr || field.shape != MessageField::Shape::Single) continue;
      if (!field.isPointer) fillZero(messages_.at(field.message->name));
    }
    message.zero = zeroOf(message);
  }

  // Nodes stay where they are, so fields may point to messages.
  std::map<std::string_view, Message> messages_;
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> kinds_;
  std::set<const Message*> filled_;
};

const Table& table() {
  static const Table kMessages;
  return kMessages;
}

}  // namespace

const MessageField* Message::find(std::uint64_t number) const {
  // Numbers mostly count from 1 without gaps.
  if (number - 1 < fields.size() && fields[number - 1].number == number) return &fields[number - 1];
  const auto found = std::lower_bound(
      fields.begin(), fields.end(), number,
      [](const MessageField& field, std::uint64_t wanted) { return field.number < wanted; });
  return found != fields.end() && found->number == number ? &*found : nullptr;
}

const Message* messageOf(std::string_view apiVersion, std::string_view kind) {
  return table().find(apiVersion, kind);
}

}  // namespace iop::apiserver::kinds::internal
