#include "cel/internal/problems.h"

#include <algorithm>

#include "cel/internal/characters.h"

namespace iop::cel::internal {
namespace {

constexpr std::size_t kMaxProblems = 100;
constexpr std::size_t kMaxLine = 16'384;

bool isWide(char byte) { return static_cast<unsigned char>(byte) >= 0x80; }

}  // namespace

void Problems::add(int offset, std::string message) {
  if (problems_.size() < kMaxProblems) problems_.push_back({offset, std::move(message)});
}

std::string Problems::print() const {
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.offset < b.offset; });
  std::string out;
  for (const Problem& problem : sorted) {
    if (!out.empty()) out += '\n';
    out += printOne(problem);
  }
  return out;
}

std::string Problems::printOne(const Problem& problem) const {
  if (problem.offset < 0) return "ERROR: <input>:-1:0: " + problem.message;
  const std::size_t at = std::min(static_cast<std::size_t>(problem.offset), source_.size());
  const std::size_t newline = at == 0 ? std::string_view::npos : source_.rfind('\n', at - 1);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  const std::size_t end = std::min(source_.find('\n', at), source_.size());
  const auto line =
      std::count(source_.begin(), source_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  // Columns are code points; below a wide character stands a wide mark.
  std::string marks;
  std::size_t column = 1;
  for (const char byte : source_.substr(begin, at - begin)) {
    if (isContinuation(byte)) continue;
    ++column;
    marks += isWide(byte) ? "\uff0e" : ".";
  }
  std::string out = "ERROR: <input>:" + std::to_string(line + 1) + ":" + std::to_string(column) +
                    ": " + problem.message;
  if (end - begin > kMaxLine) return out;
  std::string shown(source_.substr(begin, end - begin));
  std::replace(shown.begin(), shown.end(), '\t', ' ');
  out += "\n | " + shown + "\n | " + marks;
  return out + (at < end && isWide(source_[at]) ? "\uff3e" : "^");
}

}  // namespace iop::cel::internal
