#include "gotemplate/internal/arena.h"

#include <algorithm>
#include <cstdlib>

#include "gotemplate/internal/failure.h"

namespace iop::gotemplate::internal {
namespace {

constexpr std::size_t kLargestChunk = 256 * 1024;

}  // namespace

Arena::~Arena() {
  for (Cleanup* cleanup = cleanups_; cleanup != nullptr; cleanup = cleanup->next)
    cleanup->destroy(cleanup->object);
  while (chunks_ != nullptr) std::free(std::exchange(chunks_, chunks_->next));
}

void Arena::charge(std::size_t bytes) {
  if (bytes > limit_ - taken_) throw LimitFailure{std::to_string(limit_) + " bytes of memory"};
  taken_ += bytes;
}

void* Arena::allocateSlow(std::size_t rounded) {
  // What is large gets a chunk of its own, and the current one stays in use.
  const bool isLarge = rounded > nextChunk_ / 2;
  const std::size_t bytes = isLarge ? rounded : nextChunk_;
  charge(bytes);
  auto* chunk = static_cast<Chunk*>(std::malloc(sizeof(Chunk) + bytes));
  if (chunk == nullptr) throw std::bad_alloc();
  chunk->next = chunks_;
  chunks_ = chunk;
  char* out = reinterpret_cast<char*>(chunk + 1);
  if (isLarge) return out;
  at_ = out + rounded;
  end_ = out + bytes;
  nextChunk_ = std::min(nextChunk_ * 2, kLargestChunk);
  return out;
}

}  // namespace iop::gotemplate::internal
