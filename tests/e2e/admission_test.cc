// What the API server itself refuses (config/admission).

#include "base/file.h"
#include "tests/e2e/harness.h"
#include "text/yaml.h"

namespace iop::e2e {
namespace {

class Admission : public Case {
 protected:
  void TearDown() override {
    if (Cluster::find() != nullptr) {
      remove("ValidatingAdmissionPolicyBinding", ns());
      remove("ValidatingAdmissionPolicy", ns());
    }
    Case::TearDown();
  }

  // The policy of config/admission under another name, for the sockets' namespace of this case.
  void applyPolicy() {
    const auto text = base::readFile(IOP_SOURCE_DIR "/config/admission/interfaces.yaml");
    ASSERT_TRUE(text) << text.error().message;
    const auto documents = text::parseYamlDocuments(*text);
    ASSERT_TRUE(documents) << documents.error().message;
    for (const text::YamlDocument& document : *documents) {
      Value object = document.value;
      object.edit("metadata").set("name", ns());
      Value& spec = object.edit("spec");
      if (spec.contains("policyName")) {
        spec.set("policyName", ns());
        spec.set("matchResources",
                 text::parseYaml("namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: " +
                                 sock() + "}}")
                     .value());
      }
      apply(text::printYaml(object));
    }
  }

  static std::string interface(const std::string& schemas, const std::string& annotations = "") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata: {name: db, namespace: "{SOCK}", annotations: {)" +
           annotations + R"(}}
spec: {schemas: [)" +
           schemas + "]}\n";
  }
};

TEST_F(Admission, AChangeOfAnInterfaceThatBreaksLiveCouplingsIsRefused) {
  const std::string one = "{version: 1.0.0, config: {plug: {name: {}}}}";
  const std::string two = "{version: 2.0.0, config: {plug: {name: {}}}}";
  const std::string allow = "integration.rock8s.com/allow-breaking: 'true'";
  apply(interface(one + ", " + two));
  apply(R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec: {interface: {name: db}, interfaceVersions: "^1"}
---
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: plug, namespace: "{NS}"}
spec: {socket: {name: socket, namespace: "{SOCK}"}, config: {name: shop}}
)");
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_TRUE(eventually("the coupling is counted", [&] {
    return get("Interface", "db", sock())["status"]["versions"].at(0)["plugs"].asInt() == 1;
  }));
  applyPolicy();
  // The API server takes a moment to heed a policy; until then the change is undone again.
  Status refused;
  ASSERT_TRUE(eventually(
      "the version in use cannot go",
      [&] {
        refused = tryToApply(interface(two));
        if (!refused) return true;
        apply(interface(one + ", " + two));
        return false;
      },
      std::chrono::seconds(30)));
  EXPECT_EQ(refused.error().code, Code::Forbidden);
  EXPECT_NE(refused.error().message.find("plugs are coupled with version 1.0.0, which would go"),
            std::string::npos)
      << refused.error().message;

  const Status required = tryToApply(
      interface("{version: 1.0.0, config: {plug: {name: {}, owner: {required: true}}}}"));
  ASSERT_FALSE(required);
  EXPECT_NE(required.error().message.find("version 1.0.0, which would require a property"),
            std::string::npos)
      << required.error().message;

  apply(
      interface("{version: 1.0.0, config: {plug: {name: {}, owner: {required: true, default: a}, "
                "more: {}}}}"));
  apply(interface(one));  // the version that nobody uses goes
  EXPECT_TRUE(eventuallyCoupled());

  apply(interface(two, allow));
  EXPECT_TRUE(eventually("the coupling that it breaks is named", [&] {
    return message("Interface", "db", "Breaking", sock()).find(ns() + "/plug") != std::string::npos;
  }));
}

}  // namespace
}  // namespace iop::e2e
