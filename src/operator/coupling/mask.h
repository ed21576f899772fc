#pragma once

// Keeps sensitive values out of messages.
//
//   Masker masker;
//   masker.add("hunter2");
//   masker.mask("login with hunter2 failed")      // "login with [sensitive] failed"

#include <set>
#include <string>
#include <string_view>

namespace iop::operators::coupling {

class Masker {
 public:
  // Masks the value, and the forms in which templates and JSON would echo it (escaped, base64).
  void add(std::string_view value);
  void add(const Masker& other) { forms_.insert(other.forms_.begin(), other.forms_.end()); }
  std::string mask(std::string text) const;

 private:
  struct LongerFirst {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };
  std::set<std::string, LongerFirst> forms_;
};

}  // namespace iop::operators::coupling
