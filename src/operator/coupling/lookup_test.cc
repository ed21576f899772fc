#include "operator/coupling/lookup.h"

#include <gtest/gtest.h>

#include "text/yaml.h"

namespace iop::operators::coupling {
namespace {

Value parse(const std::string& yaml) { return text::parseYaml(yaml).value(); }

constexpr char kOther[] = R"(
metadata: {name: other, uid: other-uid, generation: 1, resourceVersion: "5"}
spec: {config: {password: hunter2}}
status:
  coupledResult: {plug: {user: ana}}
  coupling: {event: coupled}
  conditions: [{type: Ready, status: "True", message: fine}, {type: Reconciling, status: "True"}]
)";

// The version of the object of our own kind with a text in it replaced by another.
std::string versionWith(const std::string& text = "", const std::string& other = "",
                        const Snapshot& snapshot = {}) {
  std::string yaml = kOther;
  if (!text.empty()) yaml.replace(yaml.find(text), text.size(), other);
  const GroupVersionKind kind{std::string(api::kGroup), std::string(api::kVersion), "Plug"};
  return versionOf(snapshot, {kind, {"app", "other"}, "user"}, parse(yaml)).version;
}

TEST(VersionOf, OurOwnKindsChangeWithWhatOthersMayDependOn) {
  EXPECT_NE(versionWith("user: ana", "user: eve"), versionWith());
  EXPECT_NE(versionWith("generation: 1", "generation: 2"), versionWith());
  EXPECT_NE(versionWith("status: \"True\", message", "status: \"False\", message"), versionWith());
  EXPECT_NE(versionWith("generation: 1", "generation: 1, labels: {a: b}"), versionWith());
}

TEST(VersionOf, OurOwnKindsDoNotChangeWithOurOwnWork) {
  EXPECT_EQ(versionWith("event: coupled", "event: updated"), versionWith());
  EXPECT_EQ(versionWith("message: fine", "message: still fine"), versionWith());
  EXPECT_EQ(versionWith("Reconciling, status: \"True\"", "Reconciling, status: \"False\""),
            versionWith());
  EXPECT_EQ(versionWith("resourceVersion: \"5\"", "resourceVersion: \"6\""), versionWith());
}

TEST(VersionOf, NothingOfASpecGoesIntoIt) {
  EXPECT_EQ(versionWith("hunter2", "hunter3"), versionWith());
}

TEST(VersionOf, OfThePlugItselfOnlyTheGenerationCounts) {
  Snapshot snapshot;
  snapshot.plug = parse(kOther);
  EXPECT_EQ(versionWith("user: ana", "user: eve", snapshot), "1");
}

TEST(VersionOf, OthersChangeWithTheirResourceVersion) {
  const InputRef ref{{"", "v1", "Secret"}, {"app", "db"}, ""};
  EXPECT_EQ(versionOf({}, ref, parse(kOther)), (ObjectVersion{"other-uid", "5"}));
}

}  // namespace
}  // namespace iop::operators::coupling
