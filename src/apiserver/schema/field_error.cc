#include "apiserver/schema/field_error.h"

#include "apiserver/schema/internal/go_text.h"
#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

std::string_view nameOf(FieldErrorType type) {
  switch (type) {
    case FieldErrorType::NotFound:
      return "Not found";
    case FieldErrorType::Required:
      return "Required value";
    case FieldErrorType::Duplicate:
      return "Duplicate value";
    case FieldErrorType::Invalid:
    case FieldErrorType::TypeInvalid:
      return "Invalid value";
    case FieldErrorType::NotSupported:
      return "Unsupported value";
    case FieldErrorType::Forbidden:
      return "Forbidden";
    case FieldErrorType::TooLong:
      return "Too long";
    case FieldErrorType::TooMany:
      return "Too many";
    case FieldErrorType::InternalError:
      return "Internal error";
  }
  return "";
}

bool showsValue(FieldErrorType type) {
  return type != FieldErrorType::Required && type != FieldErrorType::Forbidden &&
         type != FieldErrorType::TooLong && type != FieldErrorType::InternalError;
}

}  // namespace

std::string FieldError::printBody() const {
  std::string out(nameOf(type));
  if (value && showsValue(type)) {
    out += ": ";
    if (value->isString()) {
      out += internal::quote(value->asString());
    } else if (value->isDouble()) {
      out += internal::printFloat(value->asDouble());
    } else {
      text::appendJson(out, *value);
    }
  }
  if (!detail.empty()) {
    out += ": ";
    out += detail;
  }
  return out;
}

std::string FieldError::print() const { return field + ": " + printBody(); }

std::string_view FieldError::reason() const {
  switch (type) {
    case FieldErrorType::NotFound:
      return "FieldValueNotFound";
    case FieldErrorType::Required:
      return "FieldValueRequired";
    case FieldErrorType::Duplicate:
      return "FieldValueDuplicate";
    case FieldErrorType::Invalid:
      return "FieldValueInvalid";
    case FieldErrorType::NotSupported:
      return "FieldValueNotSupported";
    case FieldErrorType::Forbidden:
      return "FieldValueForbidden";
    case FieldErrorType::TooLong:
      return "FieldValueTooLong";
    case FieldErrorType::TooMany:
      return "FieldValueTooMany";
    case FieldErrorType::InternalError:
      return "InternalError";
    case FieldErrorType::TypeInvalid:
      return "FieldValueTypeInvalid";
  }
  return "";
}

}  // namespace iop::apiserver::schema
