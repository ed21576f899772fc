#include <array>
#include <charconv>
#include <cstdint>

#include "text/internal/number.h"
#include "text/internal/utf8.h"
#include "text/json.h"

namespace iop::text {
namespace {

// Where escapes differ: Go's encoder and bodies that a YAML reader reads.
enum class Escapes { Go, GoHtml, Yaml };

constexpr std::array<bool, 256> isSpecial(Escapes escapes) {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = true;
  // Beyond ASCII: the characters need a look.
  for (std::size_t i = 0x80; i < 0x100; ++i) table[i] = true;
  table['"'] = table['\\'] = true;
  if (escapes == Escapes::GoHtml) table['<'] = table['>'] = table['&'] = true;
  if (escapes == Escapes::Yaml) table[0x7F] = true;
  return table;
}

constexpr std::array<bool, 256> kSpecial[] = {isSpecial(Escapes::Go), isSpecial(Escapes::GoHtml),
                                              isSpecial(Escapes::Yaml)};

bool needsUnicodeEscape(char32_t code, Escapes escapes) {
  if (code == 0x2028 || code == 0x2029) return true;
  if (escapes != Escapes::Yaml) return false;
  return (code >= 0x7F && code <= 0x9F) || code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

void appendUnicodeEscape(std::string& out, char32_t code) {
  out += "\\u";
  internal::appendHex(out, code, 4);
}

void appendAsciiEscape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      appendUnicodeEscape(out, static_cast<unsigned char>(c));
  }
}

void appendString(std::string& out, std::string_view text, Escapes escapes) {
  const std::array<bool, 256>& special = kSpecial[static_cast<std::size_t>(escapes)];
  out += '"';
  std::size_t start = 0;  // of what is not written yet
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (!special[byte]) {
      ++i;
      continue;
    }
    if (byte < 0x80) {
      out.append(text, start, i - start);
      appendAsciiEscape(out, text[i]);
      start = ++i;
      continue;
    }
    const internal::Rune rune = internal::decodeRune(text.substr(i));
    if (internal::isInvalid(rune) || needsUnicodeEscape(rune.code, escapes)) {
      out.append(text, start, i - start);
      appendUnicodeEscape(out, rune.code);
      start = i + rune.size;
    }
    i += rune.size;
  }
  out.append(text, start, text.size() - start);
  out += '"';
}

class Printer {
 public:
  Printer(std::string& out, Escapes escapes, std::string_view indent)
      : out_(out), escapes_(escapes), indent_(indent) {}

  void print(const Value& value) {
    switch (value.type()) {
      case Value::Type::Null:
        out_ += "null";
        break;
      case Value::Type::Bool:
        out_ += value.asBool() ? "true" : "false";
        break;
      case Value::Type::Int:
        printInt(value.asInt());
        break;
      case Value::Type::Double:
        internal::appendJsonDouble(out_, value.asDouble());
        break;
      case Value::Type::String:
        appendString(out_, value.asString(), escapes_);
        break;
      case Value::Type::Array:
        printAll('[', value.items(), ']', [this](const Value& item) { print(item); });
        break;
      case Value::Type::Object:
        printAll('{', value.members(), '}', [this](const Member& member) {
          appendString(out_, member.key(), escapes_);
          out_ += indent_.empty() ? ":" : ": ";
          print(member.value);
        });
        break;
    }
  }

 private:
  void printInt(std::int64_t number) {
    char buffer[24];
    out_.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
  }

  template <typename Entry, typename PrintEntry>
  void printAll(char open, std::span<const Entry> entries, char close, PrintEntry printEntry) {
    out_ += open;
    ++depth_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += ',';
      breakLine();
      printEntry(entries[i]);
    }
    --depth_;
    if (!entries.empty()) breakLine();
    out_ += close;
  }

  void breakLine() {
    if (indent_.empty()) return;
    out_ += '\n';
    for (int i = 0; i < depth_; ++i) out_ += indent_;
  }

  std::string& out_;
  Escapes escapes_;
  std::string_view indent_;
  int depth_ = 0;
};

}  // namespace

void appendJson(std::string& out, const Value& value, const JsonPrintOptions& options) {
  Printer(out, options.escapeHtml ? Escapes::GoHtml : Escapes::Go, options.indent).print(value);
}

std::string printJson(const Value& value, const JsonPrintOptions& options) {
  std::string out;
  appendJson(out, value, options);
  return out;
}

void appendJsonString(std::string& out, std::string_view text, bool escapeHtml) {
  appendString(out, text, escapeHtml ? Escapes::GoHtml : Escapes::Go);
}

void appendJsonNumber(std::string& out, double number) { internal::appendJsonDouble(out, number); }

std::string printApplyBody(const Value& value) {
  std::string out;
  Printer(out, Escapes::Yaml, {}).print(value);
  return out;
}

std::string printAsGjsonString(const Value& value) {
  if (value.isString()) return value.toString();
  if (value.isNull()) return {};
  if (value.isDouble()) {
    std::string out;
    internal::appendPositional(out, value.asDouble());
    return out;
  }
  return printJson(value, {.escapeHtml = false});
}

}  // namespace iop::text
