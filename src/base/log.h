#pragma once

// Structured logs: one JSON object a line on standard error.
//
//   log::info("plug coupled", {{"plug", "app/db"}, {"socket", "shared/postgres"}});
//   {"ts":"2026-01-02T03:04:05.678Z","level":"info","msg":"plug coupled","plug":"app/db",…}
//
// An error is logged once, where it is handled. Values must not be secrets. Thread-safe.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace iop::log {

enum class Level { Debug, Info, Warn, Error };
enum class Format { Json, Console };

struct Field {
  Field(std::string_view fieldKey, std::string fieldValue)
      : key(fieldKey), value(std::move(fieldValue)) {}
  Field(std::string_view fieldKey, const char* fieldValue) : key(fieldKey), value(fieldValue) {}
  Field(std::string_view fieldKey, std::string_view fieldValue)
      : key(fieldKey), value(fieldValue) {}
  Field(std::string_view fieldKey, long long number)
      : key(fieldKey), value(std::to_string(number)), quoted(false) {}
  Field(std::string_view fieldKey, int number) : Field(fieldKey, static_cast<long long>(number)) {}
  Field(std::string_view fieldKey, long number) : Field(fieldKey, static_cast<long long>(number)) {}
  Field(std::string_view fieldKey, std::size_t number)
      : Field(fieldKey, static_cast<long long>(number)) {}

  std::string_view key;
  std::string value;
  bool quoted = true;  // false: `value` is JSON already
};
using Fields = std::initializer_list<Field>;

// What is logged from now on; Info and Json at the start.
void configure(Level least, Format format);
bool isEnabled(Level level);

void write(Level level, std::string_view message, std::span<const Field> fields);
inline void debug(std::string_view message, Fields fields = {}) {
  if (isEnabled(Level::Debug)) write(Level::Debug, message, {fields.begin(), fields.size()});
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::Info, message, {fields.begin(), fields.size()});
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::Warn, message, {fields.begin(), fields.size()});
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::Error, message, {fields.begin(), fields.size()});
}

// One line as it would be logged, without its end; for tests.
std::string printLine(Format format, std::string_view time, Level level, std::string_view message,
                      std::span<const Field> fields);

}  // namespace iop::log
