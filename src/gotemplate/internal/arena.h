#pragma once

// Memory that is freed all at once.
//
//   Arena arena(64 * 1024 * 1024);
//   Node* node = arena.make<Node>(…);
//   std::string_view name = arena.copy(text);
//
// Values, nodes and texts of one template or of one execution live in one arena, point at each
// other freely and die with it. Destructors of objects that need one run then. Asking for more than
// the arena's limit throws LimitFailure (failure.h). Not thread-safe while something is allocated.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace iop::gotemplate::internal {

class Arena {
 public:
  explicit Arena(std::size_t limit, std::size_t firstChunk = 4096) noexcept
      : limit_(limit), nextChunk_(firstChunk) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Bytes for any fundamental alignment of up to 8.
  void* allocate(std::size_t bytes) {
    const std::size_t rounded = (bytes + 7) & ~std::size_t{7};
    if (static_cast<std::size_t>(end_ - at_) < rounded) return allocateSlow(rounded);
    char* out = at_;
    at_ += rounded;
    return out;
  }

  template <typename T, typename... Arguments>
  T* make(Arguments&&... arguments) {
    static_assert(alignof(T) <= 8);
    if constexpr (std::is_trivially_destructible_v<T>) {
      return new (allocate(sizeof(T))) T(std::forward<Arguments>(arguments)...);
    } else {
      auto* cleanup = static_cast<Cleanup*>(allocate(sizeof(Cleanup)));
      T* out = new (allocate(sizeof(T))) T(std::forward<Arguments>(arguments)...);
      cleanup->next = cleanups_;
      cleanup->object = out;
      cleanup->destroy = [](void* object) { static_cast<T*>(object)->~T(); };
      cleanups_ = cleanup;
      return out;
    }
  }

  // Uninitialised memory for `count` objects of a type that can do without.
  template <typename T>
  T* makeArray(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T> &&
                  alignof(T) <= 8);
    return static_cast<T*>(allocate(count * sizeof(T)));
  }

  template <typename T>
  std::span<T> copy(std::span<const T> items) {
    T* out = makeArray<T>(items.size());
    if (!items.empty()) std::memcpy(static_cast<void*>(out), items.data(), items.size_bytes());
    return {out, items.size()};
  }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* out = static_cast<char*>(allocate(text.size()));
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  // Counts bytes that something in the arena holds elsewhere.
  void charge(std::size_t bytes);

  // What was taken so far, in whole chunks.
  std::size_t bytes() const noexcept { return taken_; }

 private:
  struct Chunk {
    Chunk* next;
  };
  struct Cleanup {
    Cleanup* next;
    void* object;
    void (*destroy)(void*);
  };

  void* allocateSlow(std::size_t rounded);

  char* at_ = nullptr;
  char* end_ = nullptr;
  Chunk* chunks_ = nullptr;
  Cleanup* cleanups_ = nullptr;
  std::size_t limit_;
  std::size_t nextChunk_;
  std::size_t taken_ = 0;
};

// A stack of plain values that grows within an arena; what it outgrew stays there until the arena
// dies.
template <typename T>
class ArenaStack {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit ArenaStack(Arena& arena) noexcept : arena_(arena) {}
  ArenaStack(const ArenaStack&) = delete;
  ArenaStack& operator=(const ArenaStack&) = delete;

  void push(const T& item) {
    if (size_ == capacity_)
      grow(item);
    else
      items_[size_++] = item;
  }
  void shrink(std::size_t size) noexcept { size_ = size; }
  void pop() noexcept { --size_; }

  T& operator[](std::size_t index) noexcept { return items_[index]; }
  T& back() noexcept { return items_[size_ - 1]; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<T> from(std::size_t index) noexcept { return {items_ + index, size_ - index}; }

 private:
  void grow(T item) {
    const std::size_t capacity = capacity_ == 0 ? 8 : capacity_ * 2;
    T* items = arena_.makeArray<T>(capacity);
    if (size_ > 0) std::memcpy(static_cast<void*>(items), items_, size_ * sizeof(T));
    items_ = items;
    capacity_ = capacity;
    items_[size_++] = item;
  }

  Arena& arena_;
  T* items_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace iop::gotemplate::internal
