#include "text/diff.h"

#include <algorithm>
#include <vector>

#include "text/yaml.h"

namespace iop::text {
namespace {

using Lines = std::vector<std::string_view>;

// More differing lines than this are shown as removed and added as a whole, so that the time stays
// bounded.
constexpr int kMaxEdits = 2000;

// Lines of both texts in order: kept (' '), only in the first ('-'), only in the second ('+').
struct Edit {
  char kind;
  std::string_view line;
};

Lines splitLines(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The shortest list of edits, after E. Myers, "An O(ND) Difference Algorithm and Its Variations"
// (1986): frontier[k] is how far in `a` one comes on diagonal k (x - y) with so many edits; each
// round's frontier is kept to walk back.
class Differ {
 public:
  Differ(const Lines& a, const Lines& b)
      : a_(a), b_(b), sizeA_(static_cast<int>(a.size())), sizeB_(static_cast<int>(b.size())) {}

  std::vector<Edit> run() {
    const int most = std::min(sizeA_ + sizeB_, kMaxEdits);
    offset_ = most + 1;
    std::vector<int> frontier(static_cast<std::size_t>(2 * offset_ + 1), 0);
    for (int edits = 0; edits <= most; ++edits) {
      rounds_.emplace_back(frontier.begin() + offset_ - edits - 1,
                           frontier.begin() + offset_ + edits + 2);
      for (int k = -edits; k <= edits; k += 2) {
        const int x = advance(startOf(k, edits, [&](int d) { return frontier[index(d)]; }), k);
        frontier[index(k)] = x;
        if (x >= sizeA_ && x - k >= sizeB_) return walkBack(edits);
      }
    }
    return replaceAll();
  }

 private:
  std::size_t index(int diagonal) const { return static_cast<std::size_t>(diagonal + offset_); }

  static bool comesFromAbove(int k, int edits, int below, int above) {
    return k == -edits || (k != edits && below < above);
  }

  // Where diagonal k is entered: with a line of `b` from the diagonal above, or with one of `a`
  // from that below.
  template <typename Frontier>
  static int startOf(int k, int edits, Frontier frontier) {
    if (edits == 0) return 0;
    const int below = k > -edits ? frontier(k - 1) : 0;
    const int above = k < edits ? frontier(k + 1) : 0;
    return comesFromAbove(k, edits, below, above) ? above : below + 1;
  }

  int advance(int x, int k) const {
    while (x < sizeA_ && x - k < sizeB_ && line(a_, x) == line(b_, x - k)) ++x;
    return x;
  }

  static std::string_view line(const Lines& lines, int at) {
    return lines[static_cast<std::size_t>(at)];
  }

  std::vector<Edit> walkBack(int edits) const {
    std::vector<Edit> out;
    int x = sizeA_, y = sizeB_;
    for (; edits >= 0; --edits) {
      const int k = x - y;
      // What round `edits` started from: diagonals -edits-1 to edits+1.
      const std::vector<int>& round = rounds_[static_cast<std::size_t>(edits)];
      const auto frontier = [&](int d) { return round[static_cast<std::size_t>(d + edits + 1)]; };
      const int start = startOf(k, edits, frontier);
      for (; x > start; --x, --y) out.push_back({' ', line(a_, x - 1)});
      if (edits == 0) break;
      const int below = k > -edits ? frontier(k - 1) : 0, above = k < edits ? frontier(k + 1) : 0;
      if (comesFromAbove(k, edits, below, above)) {
        out.push_back({'+', line(b_, --y)});
      } else {
        out.push_back({'-', line(a_, --x)});
      }
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

  std::vector<Edit> replaceAll() const {
    std::vector<Edit> out;
    for (const std::string_view text : a_) out.push_back({'-', text});
    for (const std::string_view text : b_) out.push_back({'+', text});
    return out;
  }

  const Lines& a_;
  const Lines& b_;
  int sizeA_, sizeB_;
  int offset_ = 0;
  std::vector<std::vector<int>> rounds_;
};

// "start,count" as diff -u writes it; `before` is the number of lines before the hunk.
std::string printRange(std::size_t before, std::size_t count) {
  const std::string start = std::to_string(count == 0 ? before : before + 1);
  return count == 1 ? start : start + "," + std::to_string(count);
}

// The edits with `context` equal lines around, in hunks.
std::string printHunks(const std::vector<Edit>& edits, std::size_t context) {
  std::string out;
  std::size_t lineA = 0, lineB = 0;  // before `at`
  for (std::size_t at = 0; at < edits.size();) {
    std::size_t first = at;
    while (first < edits.size() && edits[first].kind == ' ') ++first;
    if (first == edits.size()) break;
    const std::size_t begin = std::max(at, first - std::min(first, context));
    lineA += begin - at;
    lineB += begin - at;
    // The hunk ends where more than two contexts of equal lines follow.
    std::size_t end = first, equal = 0;
    for (std::size_t i = first; i < edits.size() && equal <= 2 * context; ++i) {
      equal = edits[i].kind == ' ' ? equal + 1 : 0;
      if (equal == 0) end = i + 1;
    }
    end = std::min(end + context, edits.size());

    std::string body;
    std::size_t countA = 0, countB = 0;
    for (std::size_t i = begin; i < end; ++i) {
      countA += edits[i].kind != '+' ? 1 : 0;
      countB += edits[i].kind != '-' ? 1 : 0;
      body.append(1, edits[i].kind).append(edits[i].line).append("\n");
    }
    out += "@@ -" + printRange(lineA, countA) + " +" + printRange(lineB, countB) + " @@\n" + body;
    lineA += countA;
    lineB += countB;
    at = end;
  }
  return out;
}

std::string printHeader(const DiffOptions& options) {
  return "--- " + std::string(options.from) + "\n+++ " + std::string(options.to) + "\n";
}

}  // namespace

std::string diffLines(std::string_view from, std::string_view to, const DiffOptions& options) {
  if (from == to) return {};
  const Lines a = splitLines(from), b = splitLines(to);
  return printHeader(options) +
         printHunks(Differ(a, b).run(), static_cast<std::size_t>(std::max(options.context, 0)));
}

std::string diffAsYaml(const Value& from, const Value& to, const DiffOptions& options) {
  if (from == to) return {};
  const std::string difference = diffLines(printYaml(from), printYaml(to), options);
  return difference.empty() ? printHeader(options) : difference;
}

}  // namespace iop::text
