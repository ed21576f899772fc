#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "text/internal/number.h"
#include "text/internal/utf8.h"
#include "text/json.h"

namespace iop::text {

using internal::appendRune;

// A tree of keys. Where both a key and "*" lead on, the key's node has the paths of both.
struct DropPaths::Node {
  bool drops = false;
  std::vector<std::pair<std::string, Node>> children;
  std::unique_ptr<Node> any;

  Node() = default;
  Node(const Node& other)
      : drops(other.drops),
        children(other.children),
        any(other.any ? std::make_unique<Node>(*other.any) : nullptr) {}
  Node& operator=(const Node&) = delete;
  Node(Node&&) = default;
  Node& operator=(Node&&) = default;
  ~Node() = default;

  void insert(std::span<const std::string> path) {
    if (path.empty()) {
      drops = true;
    } else if (path[0] == "*") {
      for (auto& [key, child] : children) child.insert(path.subspan(1));
      if (!any) any = std::make_unique<Node>();
      any->insert(path.subspan(1));
    } else {
      childFor(path[0]).insert(path.subspan(1));
    }
  }

  const Node* find(std::string_view key) const {
    for (const auto& [name, child] : children) {
      if (name == key) return &child;
    }
    return any.get();
  }

 private:
  Node& childFor(const std::string& key) {
    for (auto& [name, child] : children) {
      if (name == key) return child;
    }
    return children.emplace_back(key, any ? Node(*any) : Node()).second;
  }
};

namespace {

// The keys of "/a/b", with ~1 and ~0 replaced.
std::vector<std::string> splitPointer(std::string_view pointer) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      out.emplace_back();
    } else if (pointer[i] == '~' && i + 1 < pointer.size()) {
      out.back() += pointer[++i] == '1' ? '/' : '~';
    } else {
      out.back() += pointer[i];
    }
  }
  return out;
}

}  // namespace

DropPaths::DropPaths(std::initializer_list<std::string_view> pointers)
    : root_(std::make_unique<Node>()) {
  for (const std::string_view pointer : pointers) {
    ASSERT(!pointer.empty() && pointer[0] == '/');
    root_->insert(splitPointer(pointer));
  }
}

DropPaths::DropPaths(DropPaths&&) noexcept = default;
DropPaths& DropPaths::operator=(DropPaths&&) noexcept = default;
DropPaths::~DropPaths() = default;

namespace {

// What a byte means inside of a string.
enum class StringByte : unsigned char { Plain, Quote, Backslash, Control, High };

constexpr std::array<StringByte, 256> kStringBytes = [] {
  std::array<StringByte, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = StringByte::Control;
  for (std::size_t i = 0x80; i < 0x100; ++i) table[i] = StringByte::High;
  table['"'] = StringByte::Quote;
  table['\\'] = StringByte::Backslash;
  return table;
}();

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }

constexpr int hexDigit(char c) {
  if (isDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// How many of the 8 bytes belong to a run of plain ASCII in a string. A byte that ends it has its
// high bit set in `ends`; what follows that byte may be wrong, because the subtractions borrow.
inline std::size_t plainPrefix(const char* bytes) {
  static_assert(std::endian::native == std::endian::little, "the first byte must be the lowest");
  constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  const std::uint64_t quotes = word ^ (ones * '"');
  const std::uint64_t backslashes = word ^ (ones * '\\');
  const std::uint64_t ends =
      ((word - ones * 0x20) | (quotes - ones) | (backslashes - ones) | word) & highs;
  return static_cast<std::size_t>(std::countr_zero(ends)) / 8;
}

// A character as Go's errors quote it. Go takes each byte for a character of its own.
std::string quoteByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '\'':
      return R"('\'')";
    case '"':
      return R"('"')";
    case '\\':
      return R"('\\')";
    case '\a':
      return R"('\a')";
    case '\b':
      return R"('\b')";
    case '\f':
      return R"('\f')";
    case '\n':
      return R"('\n')";
    case '\r':
      return R"('\r')";
    case '\t':
      return R"('\t')";
    case '\v':
      return R"('\v')";
    default:
      break;
  }
  std::string out = "'";
  if (byte < 0x20 || byte == 0x7F) {
    out += "\\x";
    internal::appendHex(out, byte, 2);
  } else if ((byte >= 0x80 && byte <= 0xA0) || byte == 0xAD) {
    out += "\\u";
    internal::appendHex(out, byte, 4);
  } else {
    appendRune(out, byte);
  }
  return out + "'";
}

// What a string without its quotes stands for; escapes are known to be well-formed.
void decodeString(std::string_view raw, std::string& out) {
  const auto hex4 = [&](std::size_t at) {
    char32_t code = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      code = (code << 4) | static_cast<char32_t>(hexDigit(raw[i]));
    return code;
  };
  out.clear();
  for (std::size_t i = 0; i < raw.size();) {
    const char c = raw[i];
    if (static_cast<unsigned char>(c) >= 0x80) {
      const internal::Rune rune = internal::decodeRune(raw.substr(i));
      appendRune(out, rune.code);
      i += rune.size;
      continue;
    }
    if (c != '\\') {
      out += c;
      ++i;
      continue;
    }
    const char escape = raw[i + 1];
    i += 2;
    switch (escape) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        char32_t code = hex4(i);
        i += 4;
        if (code >= 0xD800 && code <= 0xDFFF) {
          const bool pairs =
              code < 0xDC00 && i + 6 <= raw.size() && raw[i] == '\\' && raw[i + 1] == 'u';
          const char32_t low = pairs ? hex4(i + 2) : 0;
          if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
            i += 6;
          } else {
            code = internal::kReplacement;
          }
        }
        appendRune(out, code);
        break;
      }
      default:
        out += escape;
    }
  }
}

// A recursive descent over the whole text. Functions return false after fail(). The grammar and the
// words of errors are those of encoding/json's scanner.
class Parser {
 public:
  Parser(std::string_view text, const JsonParseOptions& options)
      : at_(text.data()),
        end_(text.data() + text.size()),
        numbers_(options.numbers),
        nullOutOfRange_(options.nullOutOfRange),
        drop_(options.drop != nullptr ? options.drop->root() : nullptr) {}

  Result<Value> parse() {
    Value out;
    if (!parseValue(&out, drop_) || !parseEnd()) return tl::unexpected(std::move(error_));
    return finish(std::move(out));
  }

  Result<Value> parseList(const std::function<Status(Value)>& each) {
    skipSpace();
    if (at_ == end_ || *at_ != '{') {
      drop_ = nullptr;
      return parse();
    }
    each_ = &each;
    Value out;
    if (!parseObject(&out, nullptr) || !parseEnd()) return tl::unexpected(std::move(error_));
    return finish(std::move(out));
  }

 private:
  using Node = DropPaths::Node;

  static constexpr std::size_t kKeys = 64;
  static constexpr std::size_t kLongKey = 16;  // shorter ones are inside of their Value

  // The decoded content of a string, until the next one is read.
  struct String {
    std::string_view raw;
    bool plain = true;  // neither escapes nor bytes beyond ASCII
  };

  bool fail(std::string message) {
    error_ = Error{Code::BadRequest, std::move(message), {}, 0};
    return false;
  }

  bool failEnd() { return fail("unexpected end of JSON input"); }

  bool failByte(std::string_view where) {
    if (at_ == end_) return failEnd();
    return fail("invalid character " + quoteByte(*at_) + " " + std::string(where));
  }

  // Inside of a number, a literal or an escape: there Go takes the end for a space.
  bool failInside(std::string_view where) {
    return fail("invalid character " + quoteByte(at_ == end_ ? ' ' : *at_) + " " +
                std::string(where));
  }

  // Numbers out of range are known only after the syntax, as Go reports them.
  Result<Value> finish(Value out) {
    if (outOfRange_.empty() || nullOutOfRange_) return out;
    return iop::fail(Code::BadRequest, "json: cannot unmarshal number " + outOfRange_ +
                                           " into Go value of type float64");
  }

  void skipSpace() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  bool parseEnd() {
    skipSpace();
    return at_ == end_ || failByte("after top-level value");
  }

  // `out` is null where the value is not wanted.
  bool parseValue(Value* out, const Node* drop) {
    skipSpace();
    if (at_ == end_) return failEnd();
    switch (*at_) {
      case '{':
        return parseObject(out, drop);
      case '[':
        return parseArray(out, drop);
      case '"':
        return parseString(out);
      case 't':
        return parseLiteral("true", true, out);
      case 'f':
        return parseLiteral("false", false, out);
      case 'n':
        return parseLiteral("null", nullptr, out);
      default:
        if (*at_ == '-' || isDigit(*at_)) return parseNumber(out);
        return failByte("looking for beginning of value");
    }
  }

  template <typename Content>
  bool parseLiteral(std::string_view literal, Content content, Value* out) {
    for (const char expected : literal) {
      if (at_ == end_ || *at_ != expected) {
        return failInside("in literal " + std::string(literal) + " (expecting '" + expected + "')");
      }
      ++at_;
    }
    if (out != nullptr) *out = content;
    return true;
  }

  void skipDigits() {
    while (at_ != end_ && isDigit(*at_)) ++at_;
  }

  bool parseNumber(Value* out) {
    const char* start = at_;
    bool integer = true;
    if (*at_ == '-') ++at_;
    if (at_ == end_ || !isDigit(*at_)) return failInside("in numeric literal");
    if (*at_ == '0') {
      ++at_;
    } else {
      skipDigits();
    }
    if (at_ != end_ && *at_ == '.') {
      integer = false;
      ++at_;
      if (at_ == end_ || !isDigit(*at_))
        return failInside("after decimal point in numeric literal");
      skipDigits();
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      integer = false;
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (at_ == end_ || !isDigit(*at_)) return failInside("in exponent of numeric literal");
      skipDigits();
    }
    if (out != nullptr) setNumber({start, static_cast<std::size_t>(at_ - start)}, integer, *out);
    return true;
  }

  void setNumber(std::string_view text, bool integer, Value& out) {
    if (integer && numbers_ == JsonNumbers::IntOrDouble) {
      std::int64_t number = 0;
      if (std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc()) {
        out = number;
        return;
      }
    }
    if (const auto number = internal::parseDecimal(text)) {
      out = *number;
    } else if (outOfRange_.empty()) {
      outOfRange_ = text;
    }
  }

  // Reads over a string, from its opening quote to behind its closing one.
  bool scanString(String& out) {
    const char* start = ++at_;
    out.plain = true;
    for (;;) {
      while (end_ - at_ >= 8) {
        const std::size_t plain = plainPrefix(at_);
        at_ += plain;
        if (plain < 8) break;
      }
      if (at_ == end_) return failEnd();
      switch (kStringBytes[static_cast<unsigned char>(*at_)]) {
        case StringByte::Plain:
          ++at_;
          break;
        case StringByte::High:
          out.plain = false;
          ++at_;
          break;
        case StringByte::Quote:
          out.raw = {start, static_cast<std::size_t>(at_ - start)};
          ++at_;
          return true;
        case StringByte::Backslash:
          out.plain = false;
          if (!scanEscape()) return false;
          break;
        case StringByte::Control:
          return failByte("in string literal");
      }
    }
  }

  bool scanEscape() {
    ++at_;
    if (at_ != end_ && *at_ == 'u') {
      ++at_;
      for (int i = 0; i < 4; ++i, ++at_) {
        if (at_ == end_ || hexDigit(*at_) < 0)
          return failInside("in \\u hexadecimal character escape");
      }
      return true;
    }
    if (at_ == end_ || std::string_view("bfnrt\\/\"").find(*at_) == std::string_view::npos) {
      return failInside("in string escape code");
    }
    ++at_;
    return true;
  }

  std::string_view decoded(const String& string) {
    if (string.plain) return string.raw;
    decodeString(string.raw, decoded_);
    return decoded_;
  }

  bool parseString(Value* out) {
    String string;
    if (!scanString(string)) return false;
    if (out != nullptr) *out = Value(decoded(string));
    return true;
  }

  bool enter() {
    ++at_;
    return ++depth_ <= kMaxDepth || fail("exceeded max depth");
  }

  bool leave() {
    ++at_;
    --depth_;
    return true;
  }

  // The elements of all open arrays are on one stack, as the members of all open objects are: no
  // allocation per level.
  bool parseArray(Value* out, const Node* drop) {
    if (!enter()) return false;
    const std::size_t first = items_.size();
    skipSpace();
    if (at_ != end_ && *at_ == ']') {
      if (out != nullptr) *out = Value::array();
      return leave();
    }
    for (;;) {
      Value item;
      if (!parseValue(out != nullptr ? &item : nullptr, drop)) return false;
      if (out != nullptr) items_.push_back(std::move(item));
      skipSpace();
      if (at_ == end_) return failEnd();
      if (*at_ == ']') break;
      if (*at_ != ',') return failByte("after array element");
      ++at_;
    }
    if (out != nullptr) {
      *out = Value::fromItems(std::span(items_).subspan(first));
      items_.resize(first);
    }
    return leave();
  }

  bool parseObject(Value* out, const Node* drop) {
    if (!enter()) return false;
    const std::size_t first = members_.size();
    skipSpace();
    if (at_ != end_ && *at_ == '}') {
      if (out != nullptr) *out = Value::object();
      return leave();
    }
    for (;;) {
      skipSpace();
      if (at_ == end_ || *at_ != '"') return failByte("looking for beginning of object key string");
      if (!parseMember(out != nullptr, drop)) return false;
      skipSpace();
      if (at_ == end_) return failEnd();
      if (*at_ == '}') break;
      if (*at_ != ',') return failByte("after object key:value pair");
      ++at_;
    }
    if (out != nullptr) {
      *out = Value::fromMembers(std::span(members_).subspan(first));
      members_.resize(first);
    }
    return leave();
  }

  bool parseMember(bool wanted, const Node* drop) {
    String string;
    if (!scanString(string)) return false;
    skipSpace();
    if (at_ == end_ || *at_ != ':') return failByte("after object key");
    ++at_;
    if (!wanted) return parseValue(nullptr, nullptr);

    const std::string_view key = decoded(string);
    if (each_ != nullptr && depth_ == 1 && key == "items") {
      skipSpace();
      if (at_ != end_ && *at_ == '[') return parseItems();
    }
    const Node* next = drop != nullptr ? drop->find(key) : nullptr;
    if (next != nullptr && next->drops) return parseValue(nullptr, nullptr);
    Member member;
    member.name = keyValue(key);
    if (!parseValue(&member.value, next)) return false;
    members_.push_back(std::move(member));
    return true;
  }

  // Keys repeat: long ones share one block.
  Value keyValue(std::string_view key) {
    if (key.size() < kLongKey) return key;
    const auto byte = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(key[i]));
    };
    const std::size_t hash =
        byte(0) + 3 * byte(key.size() / 2) + 7 * byte(key.size() - 1) + 31 * key.size();
    Value& cached = keys_[hash % kKeys];
    if (cached.asString() != key) cached = key;
    return cached;
  }

  // The array "items" of a list.
  bool parseItems() {
    if (!enter()) return false;
    skipSpace();
    if (at_ != end_ && *at_ == ']') return leave();
    for (;;) {
      Value item;
      if (!parseValue(&item, drop_)) return false;
      if (Status status = (*each_)(std::move(item)); !status) {
        error_ = std::move(status).error();
        return false;
      }
      skipSpace();
      if (at_ == end_) return failEnd();
      if (*at_ == ']') return leave();
      if (*at_ != ',') return failByte("after array element");
      ++at_;
    }
  }

  const char* at_;
  const char* end_;
  JsonNumbers numbers_;
  bool nullOutOfRange_;
  const Node* drop_;
  const std::function<Status(Value)>* each_ = nullptr;
  int depth_ = 0;
  std::vector<Value> items_;
  std::vector<Member> members_;
  std::array<Value, kKeys> keys_;  // long keys by their hash
  std::string decoded_;
  std::string outOfRange_;
  Error error_;
};

}  // namespace

Result<Value> parseJson(std::string_view text, const JsonParseOptions& options) {
  return Parser(text, options).parse();
}

Result<Value> parseJsonList(std::string_view text, const std::function<Status(Value item)>& each,
                            const JsonParseOptions& options) {
  return Parser(text, options).parseList(each);
}

}  // namespace iop::text
