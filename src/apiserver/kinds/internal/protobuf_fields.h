#pragma once

// The table of messages behind parseProtobuf(): which number is which field, and what Go's JSON
// writes for it (protobuf_fields.inc).
//
// Lines of the table:
//   =apps/v1 Deployment Event=core.v1.Event      kinds of an apiVersion (=message, if not the same)
//   Probe: 1 . ProbeHandler 3 timeoutSeconds int 7 grace int*       a message: number, name, type
// The name "." inlines the members of a message. Types are string, bytes (base64),
// bool, int, double or a message; [] lists them, {} maps strings to them. "*" marks a pointer,
// which is written where it is set; "!" a field that is written even when it is empty; "0" one that
// is left out when it is zero, though it is a message.
//
// Immutable once made; thread-safe.

#include <cstdint>
#include <string_view>
#include <vector>

#include "value/value.h"

namespace iop::apiserver::kinds::internal {

struct Message;

struct MessageField {
  enum class Type : std::uint8_t { String, Bytes, Bool, Int, Double, Message };
  enum class Shape : std::uint8_t { Single, List, Map };

  std::uint32_t number = 0;
  Type type = Type::String;
  Shape shape = Shape::Single;
  bool isInline = false;
  bool isPointer = false;
  bool isRequired = false;
  bool omitsZero = false;
  Value name;                        // the key, ready to be shared
  const Message* message = nullptr;  // of Type::Message
};

struct Message {
  // What becomes of the members: most messages are objects, some have a JSON of their own.
  enum class Form : std::uint8_t {
    Object,
    Time,             // RFC 3339, in whole seconds; null at zero
    MicroTime,        // with six more digits
    Quantity,         // a string
    IntOrString,      // the one or the other
    Raw,              // bytes that are JSON already
    Items,            // a list
    SchemaOrArray,    // apiextensions: one JSONSchemaProps or several
    SchemaOrBool,     // one, or whether anything is allowed
    SchemaOrStrings,  // one, or names of properties
  };

  std::string_view name;
  Form form = Form::Object;
  std::vector<MessageField> fields;  // by number
  Value zero;                        // what an empty message is

  const MessageField* find(std::uint64_t number) const;
};

// The message of a kind; null for those that are not known. DeleteOptions and what else belongs to
// every group version (metav1.AddToGroupVersion) are known under any of them.
const Message* messageOf(std::string_view apiVersion, std::string_view kind);

}  // namespace iop::apiserver::kinds::internal
