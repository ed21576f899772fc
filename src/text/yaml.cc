#include "text/yaml.h"

#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <variant>

#include "text/base64.h"
#include "text/internal/number.h"
#include "text/internal/utf8.h"
#include "text/internal/yaml_load.h"
#include "text/internal/yaml_scalar.h"
#include "text/json.h"

namespace iop::text {
namespace {

using internal::Node;
using internal::yamlError;
using Meaning = internal::Scalar;

// As go-yaml bounds what aliases may multiply: up to 400,000 values almost all may come from
// aliases, from 4,000,000 on a tenth.
double allowedAliasShare(double decoded) {
  constexpr double low = 400'000, high = 4'000'000;
  if (decoded <= low) return 0.99;
  if (decoded >= high) return 0.10;
  return 0.99 - 0.89 * (decoded - low) / (high - low);
}

// The number as it comes out of JSON: 1.0 is written as 1 and read as an integer.
Value throughJson(double number) {
  std::string text;
  internal::appendJsonDouble(text, number);
  std::int64_t integer = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, integer);
  if (result.ec == std::errc() && result.ptr == end) return integer;
  return number;
}

bool isFinite(double number) { return number - number == 0; }

// A string in Go's syntax, as far as keys need it.
std::string quoteGo(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += "\\x";
      internal::appendHex(out, static_cast<unsigned char>(c), 2);
    } else {
      out += c;
    }
  }
  return out + '"';
}

// %#v of a tree, as go-yaml names a key that is no scalar.
std::string printGo(const Value& value) {
  const auto join = [](std::string open, auto entries, auto print) {
    bool first = true;
    for (const auto& entry : entries) {
      if (!first) open += ", ";
      first = false;
      open += print(entry);
    }
    return open + "}";
  };
  switch (value.type()) {
    case Value::Type::Null:
      return "interface {}(nil)";
    case Value::Type::String:
      return quoteGo(value.asString());
    case Value::Type::Array:
      return join("[]interface {}{", value.items(),
                  [](const Value& item) { return printGo(item); });
    case Value::Type::Object:
      return join("map[interface {}]interface {}{", value.members(), [](const Member& member) {
        return quoteGo(member.key()) + ":" + printGo(member.value);
      });
    default:
      return printJson(value);
  }
}

// The bytes as JSON would carry them.
std::string replaceInvalidUtf8(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const internal::Rune rune = internal::decodeRune(bytes);
    internal::appendRune(out, rune.code);
    bytes.remove_prefix(rune.size);
  }
  return out;
}

// Nodes to values. Functions return false after fail().
class Decoder {
 public:
  Decoder(DuplicateKeys duplicates, int firstLine)
      : duplicates_(duplicates), firstLine_(firstLine) {}

  Result<Value> run(const Node& root) {
    Value out;
    if (!decode(root, out)) return tl::unexpected(error_);
    if (!repeated_.empty()) return tl::unexpected(yamlError("yaml: unmarshal errors:" + repeated_));
    // What JSON cannot carry is found after the whole document has been read.
    if (!unprintable_.empty()) return tl::unexpected(yamlError(unprintable_));
    return out;
  }

 private:
  struct Key {
    std::string type;
    std::string text;
  };

  // The members of a mapping and of what is merged into it.
  struct Members {
    std::vector<Member> all;
    std::set<std::string> seen;  // keys with their types; only where duplicates matter
  };

  bool fail(std::string message) {
    error_ = yamlError(std::move(message));
    return false;
  }

  void failLater(std::string message) {
    if (unprintable_.empty()) unprintable_ = std::move(message);
  }

  bool count() {
    ++decoded_;
    if (aliasDepth_ > 0) ++fromAliases_;
    const bool excessive = fromAliases_ > 100 && decoded_ > 1000 &&
                           fromAliases_ / decoded_ > allowedAliasShare(decoded_);
    return !excessive || fail("yaml: document contains excessive aliasing");
  }

  bool decode(const Node& node, Value& out) {
    if (!count()) return false;
    switch (node.kind) {
      case Node::Kind::Alias:
        return follow(node, [&](const Node& target) { return decode(target, out); });
      case Node::Kind::Scalar:
        return decodeScalar(node, out);
      case Node::Kind::Sequence: {
        std::vector<Value> items(node.entries.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
          if (!decode(*node.entries[i], items[i])) return false;
        }
        out = Value::fromItems(items);
        return true;
      }
      case Node::Kind::Mapping: {
        Members members;
        if (!decodeMapping(node, members)) return false;
        out = Value::fromMembers(members.all);
        return true;
      }
    }
    return false;
  }

  template <typename Use>
  bool follow(const Node& alias, Use use) {
    if (++aliasDepth_ > kMaxDepth || !open_.insert(&alias).second) {
      return fail("yaml: anchor '" + alias.text + "' value contains itself");
    }
    const bool ok = use(*alias.target);
    open_.erase(&alias);
    --aliasDepth_;
    return ok;
  }

  std::optional<Meaning> resolve(const Node& node) {
    if (node.tag.empty()) return node.plain ? internal::resolvePlain(node.text) : Meaning();
    Result<Meaning> scalar = internal::resolveTagged(node.tag, node.text);
    if (scalar) return *scalar;
    error_ = scalar.error();
    return std::nullopt;
  }

  bool decodeScalar(const Node& node, Value& out) {
    const std::optional<Meaning> scalar = resolve(node);
    if (!scalar) return false;
    if (const auto* boolean = std::get_if<bool>(&*scalar)) {
      out = *boolean;
    } else if (const auto* integer = std::get_if<std::int64_t>(&*scalar)) {
      out = *integer;
    } else if (const auto* large = std::get_if<std::uint64_t>(&*scalar)) {
      out = static_cast<double>(*large);
    } else if (const auto* number = std::get_if<double>(&*scalar)) {
      if (!isFinite(*number)) failLater("json: unsupported value: " + printGeneral(*number));
      out = throughJson(*number);
    } else if (std::holds_alternative<internal::Binary>(*scalar)) {
      return decodeBinary(node, out);
    } else if (!std::holds_alternative<std::nullptr_t>(*scalar)) {
      out = node.text;
    }
    return true;
  }

  template <typename Number>
  static std::string printGeneral(Number number) {
    std::string out;
    internal::appendGeneral(out, number);
    return out;
  }

  bool decodeBinary(const Node& node, Value& out) {
    const std::optional<std::string> bytes = decodeBase64(node.text);
    if (!bytes) return fail("yaml: !!binary value contains invalid base64 data");
    out = replaceInvalidUtf8(*bytes);
    return true;
  }

  bool decodeMapping(const Node& node, Members& out) {
    for (std::size_t i = 0; i + 1 < node.entries.size(); i += 2) {
      const Node& key = *node.entries[i];
      const Node& value = *node.entries[i + 1];
      if (isMerge(key) ? !merge(value, out) : !decodeMember(key, value, out)) return false;
    }
    return true;
  }

  static bool isMerge(const Node& key) {
    return key.kind == Node::Kind::Scalar && key.text == "<<" &&
           (key.plain || key.tag == std::string(internal::kYamlTagPrefix) + "merge");
  }

  // What is merged counts as if it stood here: go-yaml lets the later one of equal keys win,
  // whichever it is.
  bool merge(const Node& value, Members& out) {
    if (value.kind != Node::Kind::Sequence) return mergeOne(value, out);
    if (value.entries.empty()) return true;
    for (std::size_t i = value.entries.size(); i-- > 0;) {
      if (!mergeOne(*value.entries[i], out)) return false;
    }
    return true;
  }

  bool mergeOne(const Node& value, Members& out) {
    const Node& mapping = value.kind == Node::Kind::Alias ? *value.target : value;
    if (mapping.kind != Node::Kind::Mapping) {
      return fail("yaml: map merge requires map or sequence of maps as the value");
    }
    if (!count()) return false;
    if (&mapping == &value) return decodeMapping(mapping, out);
    return follow(value, [&](const Node& target) { return count() && decodeMapping(target, out); });
  }

  bool decodeMember(const Node& keyNode, const Node& valueNode, Members& out) {
    Key key;
    if (!decodeKey(keyNode, key)) return false;
    Value value;
    if (!decode(valueNode, value)) return false;
    refuseKey(key, value);
    if (duplicates_ == DuplicateKeys::Reject && !out.seen.insert(key.type + key.text).second) {
      repeated_ += "\n  line " + std::to_string(valueNode.line + 1 + firstLine_) + ": key " +
                   (key.type == "string" ? quoteGo(key.text) : key.text) + " already set in map";
      return true;
    }
    out.all.emplace_back(key.text, std::move(value));
    return true;
  }

  // Keys that JSON has no form for.
  void refuseKey(const Key& key, const Value& value) {
    const std::string shown = value.isNull() ? "<nil>" : printGo(value);
    if (key.type == "null") {
      failLater("unsupported map key of type: %!s(<nil>), key: <nil>, value: " + shown);
    } else if (key.type == "uint64") {
      failLater("unsupported map key of type: uint64, key: " + key.text + ", value: " + shown);
    }
  }

  bool decodeKey(const Node& node, Key& out) {
    const Node* target = &node;
    while (target->kind == Node::Kind::Alias) target = target->target;
    if (target->kind != Node::Kind::Scalar) {
      Value value;
      return decode(node, value) && fail("yaml: invalid map key: " + printGo(value));
    }
    if (!count()) return false;
    const std::optional<Meaning> scalar = resolve(*target);
    if (!scalar) return false;
    if (const auto* boolean = std::get_if<bool>(&*scalar)) {
      out = {"bool", *boolean ? "true" : "false"};
    } else if (const auto* integer = std::get_if<std::int64_t>(&*scalar)) {
      out = {"int", std::to_string(*integer)};
    } else if (const auto* number = std::get_if<double>(&*scalar)) {
      out = {"float64", printFloatKey(*number)};
    } else if (const auto* large = std::get_if<std::uint64_t>(&*scalar)) {
      out = {"uint64", "0x"};
      internal::appendHex(out.text, *large, 16);
    } else if (std::holds_alternative<std::nullptr_t>(*scalar)) {
      out = {"null", "null"};
    } else if (std::holds_alternative<internal::Binary>(*scalar)) {
      Value bytes;
      if (!decodeBinary(*target, bytes)) return false;
      out = {"string", bytes.toString()};
    } else {
      out = {"string", target->text};
    }
    return true;
  }

  // sigs.k8s.io/yaml writes keys that are floats with 32 bits.
  static std::string printFloatKey(double number) {
    std::string out = printGeneral(static_cast<float>(number));
    if (out == "NaN") return ".nan";
    if (out == "+Inf") return ".inf";
    return out == "-Inf" ? "-.inf" : out;
  }

  DuplicateKeys duplicates_;
  int firstLine_;
  double decoded_ = 0;
  double fromAliases_ = 0;
  int aliasDepth_ = 0;
  std::set<const Node*> open_;  // aliases that are being followed
  std::string repeated_;
  std::string unprintable_;
  Error error_;
};

// The first document of a text; line is `firstLine`.
Result<YamlDocument> parseFirst(std::string_view text, DuplicateKeys duplicates, int firstLine) {
  ASSIGN_OR_RETURN(const internal::YamlNodes nodes, internal::loadFirst(text, firstLine));
  YamlDocument document{{}, firstLine + 1, nodes.more};
  if (nodes.root != nullptr) {
    ASSIGN_OR_RETURN(document.value, Decoder(duplicates, firstLine).run(*nodes.root));
  }
  return document;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") + 1 - first);
}

// Goes over the lines of a text and gives away what stands between separators, with the number of
// its first line (from 0).
template <typename Each>
Status splitDocuments(std::string_view text, Each each) {
  std::size_t start = 0;
  int startLine = 0, line = 0;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t next = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view content = text.substr(at, next - at);
    if (content.substr(0, 3) == "---") {
      const std::string_view rest = trim(content.substr(3));
      if (!rest.empty() && rest[0] != '#') {
        return fail(Code::BadRequest, "invalid Yaml document separator: " + std::string(rest));
      }
      RETURN_IF_ERROR(each(text.substr(start, at - start), startLine));
      start = next;
      startLine = line + 1;
    }
    at = next;
  }
  return each(text.substr(start), startLine);
}

}  // namespace

Result<Value> parseYaml(std::string_view text, DuplicateKeys duplicates) {
  ASSIGN_OR_RETURN(YamlDocument document, parseFirst(text, duplicates, 0));
  return std::move(document.value);
}

Result<std::vector<YamlDocument>> parseYamlDocuments(std::string_view text,
                                                     DuplicateKeys duplicates) {
  std::vector<YamlDocument> out;
  const auto add = [&](std::string_view document, int line) -> Status {
    ASSIGN_OR_RETURN(YamlDocument read, parseFirst(document, duplicates, line));
    if (!read.value.isNull()) out.push_back(std::move(read));
    return {};
  };
  RETURN_IF_ERROR(splitDocuments(text, add));
  return out;
}

}  // namespace iop::text
