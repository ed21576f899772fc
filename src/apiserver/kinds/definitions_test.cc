#include "apiserver/kinds/definitions.h"

#include <gtest/gtest.h>

namespace iop::apiserver::kinds {
namespace {

TEST(Definitions, HaveThePartsOfTheRecording) {
  EXPECT_EQ("v1.37.2", serverVersion()["gitVersion"].asString());
  EXPECT_GT(resources().size(), 50U);
  EXPECT_EQ("object", schemas()["io.k8s.api.core.v1.Pod"]["type"].asString());
}

TEST(Definitions, AreReadOnce) {
  EXPECT_EQ(&schemas(), &schemas());
  EXPECT_EQ(resources().identity(), resources().identity());
}

}  // namespace
}  // namespace iop::apiserver::kinds
