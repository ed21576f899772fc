#include "apiserver/schema/internal/mail_address.h"

#include <cctype>

namespace iop::apiserver::schema::internal {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool readAddress() {
    if (!skipSpace()) return false;
    const Reader start = *this;
    if (readAddrSpec()) return skipSpace() && rest_.empty();
    *this = start;
    if (!peek('<') && !readPhrase()) return false;
    if (!skipSpace() || !take('<') || !readAddrSpec() || !take('>')) return false;
    return skipSpace() && rest_.empty();
  }

 private:
  bool peek(char c) const { return !rest_.empty() && rest_[0] == c; }
  bool take(char c) {
    if (!peek(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Spaces and comments; false for a comment that does not end.
  bool skipSpace() {
    int depth = 0;
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (c == '(') {
        ++depth;
      } else if (c == ')' && depth > 0) {
        --depth;
      } else if (c == '\\' && depth > 0) {
        rest_.remove_prefix(1);
        if (rest_.empty()) return false;
      } else if (depth == 0 && c != ' ' && c != '\t') {
        return true;
      }
      rest_.remove_prefix(1);
    }
    return depth == 0;
  }

  static bool isAtomCharacter(char c) {
    static constexpr std::string_view kAllowed = "!#$%&'*+-/=?^_`{|}~";
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 || kAllowed.find(c) != std::string_view::npos;
  }

  bool readAtom(bool dots) {
    std::size_t length = 0;
    while (length < rest_.size() &&
           (isAtomCharacter(rest_[length]) || (dots && rest_[length] == '.')))
      ++length;
    const std::string_view atom = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return !atom.empty() && atom.front() != '.' && atom.back() != '.' &&
           atom.find("..") == std::string_view::npos;
  }

  bool readQuoted() {
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return false;
      if (c != '\\') continue;
      if (rest_.empty()) return false;
      rest_.remove_prefix(1);
    }
    return false;
  }

  bool readPhrase() {
    bool any = false;
    while (skipSpace() && !rest_.empty() && !peek('<')) {
      if (!(peek('"') ? readQuoted() : readAtom(true))) return false;
      any = true;
    }
    return any;
  }

  bool readAddrSpec() {
    if (!(peek('"') ? readQuoted() : readAtom(true))) return false;
    if (!skipSpace() || !take('@') || !skipSpace()) return false;
    if (!peek('[')) return readAtom(true);
    const std::size_t end = rest_.find(']');
    if (end == std::string_view::npos || end == 1) return false;
    rest_.remove_prefix(end + 1);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

bool isMailAddress(std::string_view text) { return Reader(text).readAddress(); }

}  // namespace iop::apiserver::schema::internal
