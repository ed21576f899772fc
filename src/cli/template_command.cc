#include "cli/template_command.h"

#include <charconv>
#include <istream>
#include <iterator>
#include <optional>
#include <ostream>

#include "base/file.h"
#include "gotemplate/template.h"
#include "text/base64.h"
#include "text/json.h"
#include "text/yaml.h"

namespace iop::cli {
namespace {

using gotemplate::MissingKey;
using gotemplate::ParseOptions;
using gotemplate::Template;

Result<MissingKey> parseMissingKey(std::string_view text) {
  if (text == "default" || text == "invalid") return MissingKey::Default;
  if (text == "zero") return MissingKey::Zero;
  if (text == "error") return MissingKey::Error;
  return fail(Code::BadRequest,
              "missingkey is default, invalid, zero or error, not \"" + std::string(text) + "\"");
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool isUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) continue;
    if (first < 0xC2 || first > 0xF4) return false;
    const int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    for (int k = 0; k < more; ++k) {
      if (i >= text.size()) return false;
      const auto next = static_cast<unsigned char>(text[i++]);
      unsigned char low = 0x80;
      unsigned char high = 0xBF;
      if (k == 0 && first == 0xE0) low = 0xA0;
      if (k == 0 && first == 0xED) high = 0x9F;
      if (k == 0 && first == 0xF0) low = 0x90;
      if (k == 0 && first == 0xF4) high = 0x8F;
      if (next < low || next > high) return false;
    }
  }
  return true;
}

std::string answer(std::string key, std::string_view text) {
  std::string line = "{\"" + key;
  if (isUtf8(text)) {
    line += "\":";
    text::appendJsonString(line, text, false);
  } else {
    line += "_b64\":\"" + text::encodeBase64(text) + "\"";
  }
  return line + "}\n";
}

// The member of that name as a string; absent: the fallback.
Result<std::string> memberOf(const Value& line, std::string_view key, std::string_view fallback) {
  const Value* member = line.find(key);
  if (member == nullptr) return std::string(fallback);
  if (!member->isString()) {
    return fail(Code::BadRequest, "\"" + std::string(key) + "\" is not a string");
  }
  return std::string(member->asString());
}

Result<std::string> renderLine(std::string_view text, const TemplateFlags& flags) {
  ASSIGN_OR_RETURN(const Value line, text::parseJson(text, {.numbers = text::JsonNumbers::Double}));
  if (!line.isObject() || line.find("template") == nullptr) {
    return fail(Code::BadRequest, "the line is no object with a \"template\"");
  }
  ASSIGN_OR_RETURN(const std::string source, memberOf(line, "template", ""));
  ASSIGN_OR_RETURN(const std::string name, memberOf(line, "name", ""));
  ASSIGN_OR_RETURN(const std::string option, memberOf(line, "missingkey", flags.missingKey));
  ASSIGN_OR_RETURN(const MissingKey missingKey, parseMissingKey(option));
  ASSIGN_OR_RETURN(const Template parsed,
                   Template::parse(source, {name, flags.left, flags.right, missingKey}));
  return parsed.execute(line["data"]);
}

int runLines(const TemplateFlags& flags, const Streams& streams) {
  for (std::string line; std::getline(streams.in, line);) {
    const Result<std::string> output = renderLine(line, flags);
    streams.out << (output ? answer("output", *output) : answer("error", output.error().message))
                << std::flush;
  }
  return streams.out.good() ? 0 : 1;
}

Result<std::string> readAll(const std::string& path, std::istream& in) {
  if (path != "-") return base::readFile(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<Value> readData(const std::string& path, std::istream& in) {
  if (path.empty()) return Value();
  ASSIGN_OR_RETURN(const std::string text, readAll(path, in));
  return text::parseYaml(text).map_error(addContext(path));  // JSON is YAML, too
}

int failed(const Streams& streams, std::string_view error) {
  streams.err << error << "\n";
  return 1;
}

int runFile(const TemplateFlags& flags, MissingKey missingKey, const Streams& streams) {
  const Result<std::string> source = readAll(flags.file, streams.in);
  if (!source) return failed(streams, source.error().message);
  const Result<Value> data = readData(flags.dataFile, streams.in);
  if (!data) return failed(streams, data.error().message);
  const std::string name = flags.file.substr(flags.file.rfind('/') + 1);
  const ParseOptions options{name, flags.left, flags.right, missingKey};
  const Result<std::string> output =
      Template::parse(*source, options).and_then([&data](const Template& parsed) {
        return parsed.execute(*data);
      });
  if (!output) {
    streams.err << output.error().message << "\n"
                << excerptOf(*source, name, output.error().message);
    return 1;
  }
  streams.out << *output << std::flush;
  return streams.out.good() ? 0 : 1;
}

// The number at the front of the text, which is cut off together with the colon behind it.
std::optional<std::size_t> takeNumber(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ':') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

}  // namespace

std::string excerptOf(std::string_view text, std::string_view name, std::string_view error) {
  const std::string prefix = "template: " + std::string(name) + ":";
  if (!error.starts_with(prefix)) return "";
  error.remove_prefix(prefix.size());
  const std::optional<std::size_t> number = takeNumber(error);
  if (!number || *number == 0) return "";
  const std::optional<std::size_t> column = takeNumber(error);
  for (std::size_t i = 1; i < *number; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  const std::string_view line = text.substr(0, text.find('\n'));
  std::string out = "  " + std::string(line) + "\n";
  if (!column || *column > line.size()) return out;
  // Go counts bytes. Tabs stay tabs, so that the caret stands right whatever their width.
  out += "  ";
  for (const char c : line.substr(0, *column)) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) out += c == '\t' ? '\t' : ' ';
  }
  return out + "^\n";
}

int runTemplate(const TemplateFlags& flags, const Streams& streams) {
  const auto usage = [&streams](std::string_view message) {
    streams.err << message << "\n";
    return 2;
  };
  const Result<MissingKey> missingKey = parseMissingKey(flags.missingKey);
  if (!missingKey) return usage(missingKey.error().message);
  if (flags.jsonl == !flags.file.empty()) return usage("template: give either --jsonl or -f FILE");
  if (flags.jsonl && !flags.dataFile.empty()) return usage("template: --data goes with -f");
  if (flags.file == "-" && flags.dataFile == "-")
    return usage("template: only one of -f and --data can be the standard input");
  return flags.jsonl ? runLines(flags, streams) : runFile(flags, *missingKey, streams);
}

}  // namespace iop::cli
