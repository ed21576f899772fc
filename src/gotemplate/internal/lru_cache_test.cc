#include "gotemplate/internal/lru_cache.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

TEST(LruCacheTest, DropsWhatWasUnusedForTheLongestTime) {
  LruCache<int> cache(2);
  cache.insert("a", 1);
  cache.insert("b", 2);
  EXPECT_EQ(cache.find("a"), 1);
  cache.insert("c", 3);
  EXPECT_EQ(cache.find("b"), std::nullopt);
  EXPECT_EQ(cache.find("a"), 1);
  EXPECT_EQ(cache.find("c"), 3);
  cache.insert("a", 9);
  EXPECT_EQ(cache.find("a"), 1);
}

}  // namespace
}  // namespace iop::gotemplate::internal
