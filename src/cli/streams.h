#pragma once

// Where a command reads and writes; tests give it strings.

#include <iosfwd>

namespace iop::cli {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

}  // namespace iop::cli
