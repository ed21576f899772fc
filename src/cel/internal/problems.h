#pragma once

// What is wrong with an expression, as cel-go shows it: place, message, the line and a mark below.

#include <string>
#include <string_view>
#include <vector>

namespace iop::cel::internal {

class Problems {
 public:
  explicit Problems(std::string_view source) : source_(source) {}

  // `offset` in bytes; kNowhere for what has no place.
  static constexpr int kNowhere = -1;
  void add(int offset, std::string message);

  bool empty() const { return problems_.empty(); }
  // By place; at most 100.
  std::string print() const;

 private:
  struct Problem {
    int offset;
    std::string message;
  };
  std::string printOne(const Problem& problem) const;

  std::string_view source_;
  std::vector<Problem> problems_;
};

}  // namespace iop::cel::internal
