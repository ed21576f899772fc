#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <memory>

#include "base/time.h"

namespace iop::log {
namespace {

struct Settings {
  std::atomic<Level> least{Level::Info};
  std::atomic<Format> format{Format::Json};
};

Settings& settings() {
  static Settings instance;
  return instance;
}

// spdlog does the writing (one write a line, safe between threads); the line is ours.
spdlog::logger& sink() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto logger =
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    return logger;
  }();
  return *instance;
}

std::string_view nameOf(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      return "error";
  }
  return "info";
}

void appendQuoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void configure(Level least, Format format) {
  settings().least = least;
  settings().format = format;
}

bool isEnabled(Level level) { return level >= settings().least.load(std::memory_order_relaxed); }

std::string printLine(Format format, std::string_view time, Level level, std::string_view message,
                      std::span<const Field> fields) {
  std::string line;
  line.reserve(128);
  if (format == Format::Json) {
    line += "{\"ts\":\"";
    line += time;
    line += "\",\"level\":\"";
    line += nameOf(level);
    line += "\",\"msg\":";
    appendQuoted(line, message);
    for (const Field& field : fields) {
      line += ',';
      appendQuoted(line, field.key);
      line += ':';
      if (field.quoted) {
        appendQuoted(line, field.value);
      } else {
        line += field.value;
      }
    }
    line += '}';
    return line;
  }
  line += time;
  line += ' ';
  line += nameOf(level);
  line.append(6 - nameOf(level).size(), ' ');
  line += message;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (field.quoted && field.value.find_first_of(" \"\n=\\") != std::string::npos) {
      appendQuoted(line, field.value);
    } else {
      line += field.value;
    }
  }
  return line;
}

void write(Level level, std::string_view message, std::span<const Field> fields) {
  if (!isEnabled(level)) return;
  std::string time = base::printMicroTime(std::chrono::system_clock::now());
  time.replace(time.size() - 4, 4, "Z");  // milliseconds are enough
  const std::string line = printLine(settings().format, time, level, message, fields);
  sink().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace iop::log
