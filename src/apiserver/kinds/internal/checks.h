#pragma once

// What the validation of all kinds is made of: paths of fields, lists of errors, and rules that
// return Kubernetes' words.
//
//   Errors errors;
//   const Path root, spec = root["spec"], ports = spec["ports"];
//   checkPort(ports[0]["port"] …)            // does not compile: name each path that has children
//   const Path port = ports[0];
//   errors.required(port["name"]);
//
// Not thread-safe; each validation has its own.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "value/value.h"

namespace iop::apiserver::kinds::internal {

using schema::FieldError;
using schema::FieldErrors;
using schema::FieldErrorType;

// The path of a field as a chain of names on the stack, printed only where there is an error. A
// Path refers to its parent, which must outlive it: only a named Path can have children.
class Path {
 public:
  Path() = default;
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

  // A member; `name` may be several names ("spec.template") and must outlive the Path.
  Path operator[](std::string_view name) const& { return Path(*this, name, Kind::Name, 0); }
  Path operator[](const char* name) const& { return (*this)[std::string_view(name)]; }
  Path operator[](std::size_t index) const& { return Path(*this, {}, Kind::Index, index); }
  // An entry of a map: "data[key]".
  Path key(std::string_view name) const& { return Path(*this, name, Kind::Key, 0); }
  Path operator[](std::string_view) const&& = delete;
  Path operator[](const char*) const&& = delete;
  Path operator[](std::size_t) const&& = delete;
  Path key(std::string_view) const&& = delete;

  std::string print() const;

 private:
  enum class Kind : std::uint8_t { Root, Name, Index, Key };
  Path(const Path& parent, std::string_view name, Kind kind, std::size_t index)
      : parent_(&parent), name_(name), index_(index), kind_(kind) {}
  void append(std::string& out) const;

  const Path* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = 0;
  Kind kind_ = Kind::Root;
};

// The messages of a rule; empty: all is well.
using Messages = std::vector<std::string>;

// The bad value of an error. Empty texts may have no address, which Value does not take.
struct Shown {
  Shown(Value bad) : value(std::move(bad)) {}
  Shown(std::string_view text) : value(text.empty() ? Value("") : Value(text)) {}
  Shown(const std::string& text) : value(text) {}
  Shown(const char* text) : value(text) {}
  Shown(bool flag) : value(flag) {}
  Shown(std::nullptr_t) {}
  Shown(std::int64_t number) : value(number) {}
  Shown(int number) : value(number) {}

  Value value;
};

class Errors {
 public:
  void required(const Path& path, std::string detail = {});
  void invalid(const Path& path, Shown bad, std::string detail);
  // One error for each message.
  void invalid(const Path& path, const Shown& bad, const Messages& details);
  void notSupported(const Path& path, Shown bad, std::span<const std::string_view> supported);
  void forbidden(const Path& path, std::string detail);
  void duplicate(const Path& path, Shown bad);
  void notFound(const Path& path, Shown bad);
  void tooLong(const Path& path, std::size_t max);
  void add(FieldErrors more);

  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size(); }
  FieldErrors take() { return std::move(list_); }

 private:
  FieldErrors list_;
};

using Choices = std::span<const std::string_view>;

bool isOneOf(std::string_view text, Choices choices);

// The value must be one of the texts; absent and "" are judged too.
void checkChoice(Errors& errors, const Path& path, const Value& value, Choices choices);
// The same, where absence is allowed.
void checkOptionalChoice(Errors& errors, const Path& path, const Value& value, Choices choices);
void checkNonNegative(Errors& errors, const Path& path, const Value& value);  // absent: fine
void checkPort(Errors& errors, const Path& path, const Value& value);         // 1 to 65535
void checkImmutable(Errors& errors, const Path& path, const Value& value, const Value& old);
// A number or a percentage ("25%"); absent: fine.
void checkNonNegativeIntOrPercent(Errors& errors, const Path& path, const Value& value);
void checkNotAbove100Percent(Errors& errors, const Path& path, const Value& value);

inline constexpr std::string_view kImmutable = "field is immutable";
inline constexpr std::string_view kNotNegative = "must be greater than or equal to 0";
inline constexpr std::string_view kPortRange = "must be between 1 and 65535, inclusive";

// A LabelSelector.
void checkLabelSelector(Errors& errors, const Path& path, const Value& selector);
// Keys and values of a map of labels; all errors are at `path` itself.
void checkLabels(Errors& errors, const Path& path, const Value& labels);
// Whether a LabelSelector selects labels; an absent one selects nothing, an empty one all.
bool selectorMatches(const Value& selector, const Value& labels);
bool isEmptySelector(const Value& selector);

// Sets a member that is absent or null (or, of texts, empty: Go's zero value). Does nothing to what
// is neither an object nor null.
void setDefault(Value& object, std::string_view key, Value value);
// True for what Go's zero value is: absent, null, "", 0, false, [] and {}.
bool isZero(const Value& value);
// An object with capitalised keys, as Go prints its internal types, in the given order.
std::string printGo(std::initializer_list<std::pair<std::string_view, const Value*>> members);

}  // namespace iop::apiserver::kinds::internal
