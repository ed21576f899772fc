#pragma once

// What a tree takes in memory, and whether it can be stored at all. Pure.

#include <cstddef>
#include <optional>
#include <string_view>

#include "value/value.h"

namespace iop::apiserver::storage {

// What the allocator takes for a block of that size, about (glibc, 64 bits).
constexpr std::size_t allocatedBytes(std::size_t size) { return (size + 8 + 15) / 16 * 16; }

// What a std::string takes besides itself.
constexpr std::size_t stringBytes(std::size_t size) {
  return size < 16 ? 0 : allocatedBytes(size + 1);
}

// Bytes on the heap below the tree. Nothing where it is nested deeper than text::kMaxDepth: such a
// tree could be printed, but not be read again.
std::optional<std::size_t> measure(const Value& tree);

// The bytes that stay in memory for `before` alone while `after` is there, too.
std::size_t unsharedBytes(const Value& before, const Value& after);

}  // namespace iop::apiserver::storage
