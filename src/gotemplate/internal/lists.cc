#include "gotemplate/internal/lists.h"

#include <algorithm>
#include <array>

#include "gotemplate/internal/convert.h"

namespace iop::gotemplate::internal {
namespace {

// The sizes of the blocks that Go's allocator hands out, in bytes (runtime/sizeclasses.go). Larger
// blocks are whole pages.
constexpr std::array<std::uint64_t, 67> kBlockSizes = {
    8,     16,    24,    32,    48,    64,    80,    96,    112,   128,   144,  160,  176,   192,
    208,   224,   240,   256,   288,   320,   352,   384,   416,   448,   480,  512,  576,   640,
    704,   768,   896,   1024,  1152,  1280,  1408,  1536,  1792,  2048,  2304, 2688, 3072,  3200,
    3456,  4096,  4864,  5120,  5376,  6144,  6528,  6784,  6912,  8192,  9472, 9728, 10240, 10880,
    12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672};
constexpr std::uint64_t kLargestBlock = 32768;
constexpr std::uint64_t kPage = 8192;
// Blocks with pointers that are larger than this begin with a header.
constexpr std::uint64_t kLargestWithoutHeader = 512;
constexpr std::uint64_t kHeader = 8;

std::uint64_t blockFor(std::uint64_t bytes, bool hasPointers) {
  if (bytes > kLargestBlock - kHeader) return (bytes + kPage - 1) / kPage * kPage;
  const std::uint64_t header = hasPointers && bytes > kLargestWithoutHeader ? kHeader : 0;
  const auto block = std::ranges::lower_bound(kBlockSizes, bytes + header);
  return (block == kBlockSizes.end() ? kLargestBlock : *block) - header;
}

// What append makes of a full list of that capacity.
std::uint64_t grownCapacity(std::uint64_t capacity, std::uint64_t elementBytes, bool hasPointers) {
  constexpr std::uint64_t kDoublingEnds = 256;
  std::uint64_t wanted = capacity + 1;
  if (wanted <= capacity * 2) {
    wanted =
        capacity < kDoublingEnds ? capacity * 2 : capacity + (capacity + 3 * kDoublingEnds) / 4;
  }
  return blockFor(wanted * elementBytes, hasPointers) / elementBytes;
}

}  // namespace

std::uint32_t capacityOf(const Any& list) {
  const auto length = static_cast<std::uint32_t>(SliceView(list).size());
  const Slice::Growth growth = list.isSource           ? Slice::Growth::Appended
                               : list.slice == nullptr ? Slice::Growth::Exact
                                                       : list.slice->growth;
  if (growth == Slice::Growth::Exact)
    return list.isSource || list.slice == nullptr ? length : list.slice->capacity;
  const bool hasPointers = list.type != Type::IntSlice;
  const std::uint64_t elementBytes = list.type == Type::IntSlice        ? 8
                                     : list.type == Type::AnySliceSlice ? 24
                                                                        : 16;
  if (growth == Slice::Growth::AppendedOnce) {
    return static_cast<std::uint32_t>(grownCapacity(length - 1, elementBytes, hasPointers));
  }
  std::uint64_t capacity = list.isSource || list.slice == nullptr ? 0 : list.slice->reserved;
  while (capacity < length) capacity = grownCapacity(capacity, elementBytes, hasPointers);
  return static_cast<std::uint32_t>(capacity);
}

std::vector<std::string_view> textsOf(Runtime& runtime, const Any& value) {
  std::vector<std::string_view> out;
  if (value.isNil()) return out;
  if (!value.isSlice()) {
    out.push_back(toText(runtime, value));
    return out;
  }
  const SliceView items(value);
  out.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    runtime.charge(1);
    const Any item = items[i];
    if (!item.isNil()) out.push_back(toText(runtime, item));
  }
  return out;
}

}  // namespace iop::gotemplate::internal
