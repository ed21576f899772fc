#include "operator/coupling/digest.h"

#include <cstdint>
#include <cstdio>

namespace iop::operators::coupling {
namespace {

std::string hex(std::uint64_t number) {
  char buffer[17];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(number));
  return buffer;
}

}  // namespace

std::string digest(std::string_view text) {
  std::string out;
  for (std::uint64_t hash : {14695981039346656037ULL, 1099511628211ULL * 31}) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    out += hex(hash);
  }
  return out;
}

}  // namespace iop::operators::coupling
