#include "cli/lint_command.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace iop::cli {
namespace {

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome lint(const std::string& input, std::vector<std::string> files = {"-"}) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  const int status = runLint({std::move(files)}, {in, out, err});
  return {status, out.str(), err.str()};
}

constexpr char kSocket[] = R"(apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: postgres, namespace: db}
spec:
  interface:
    config:
      plug: {database: {required: true}}
      socket: {hostname: {required: true}, port: {default: "5432"}}
    result:
      socket: {username: {}}
  config: {hostname: db.example}
---
)";

std::string plugWith(const std::string& spec) {
  return std::string(kSocket) +
         "apiVersion: integration.rock8s.com/v1beta1\n"
         "kind: Plug\n"
         "metadata: {name: app, namespace: shop}\n"
         "spec:\n"
         "  socket: {name: postgres, namespace: db}\n" +
         spec;  // begins with line 18
}

TEST(LintCommand, NothingIsFoundInWhatIsRight) {
  const Outcome outcome = lint(plugWith(R"(
  vars: [{name: node, objref: {version: v1, kind: Pod, templateName: "{% .plug.metadata.name %}"}}]
  config: {database: shop}
  configTemplate: {database: "{% .vars.node %}{% .plugData.x %}"}
  resources:
    - {when: [created, coupled], template: {kind: ConfigMap, data: {"{% .plug.kind %}": "{% .socketConfig.port %}"}}}
    - {do: delete, stringTemplate: "kind: {% if .plugConfig.database %}Pod{% end %}"}
  resultResources:
    - template: {a: "{% .result.any %}{% .socketResult.username %}{% .vars.node %}"}
)"));
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST(LintCommand, EachFindingHasItsPlace) {
  const struct {
    const char* what;
    const char* spec;
    const char* finding;  // behind "-:"
  } cases[] = {
      {"an unknown function",
       "  resources:\n    - stringTemplate: |\n        kind: Pod\n        x: {% nosuch 1 %}\n",
       "21:9: Plug shop/app: spec.resources[0].stringTemplate: template: :2: function \"nosuch\" "
       "not "
       "defined\n"},
      {"a template that does not parse", "  configTemplate: {database: \"{% if %}\"}\n",
       "18:30: Plug shop/app: spec.configTemplate.database: template: :1: missing value for if\n"},
      {"a template in a key", "  resources: [{template: {data: {\"{% .a\": b}}}]\n",
       "18:43: Plug shop/app: spec.resources[0].template.data.{% .a: template: :1: unclosed "
       "action\n"},
      {"a key that the interface does not have", "  config: {databse: shop}\n",
       "18:21: Plug shop/app: spec.config.databse: the interface has no \"databse\" for the plug's "
       "config: it is dropped; did you mean \"database\"?\n"},
      {"a property that the interface does not have",
       "  resources:\n  - stringTemplate: |\n      a: {% .socketConfig.hostnme %}\n",
       "20:13: Plug shop/app: spec.resources[0].stringTemplate: .socketConfig.hostnme: the "
       "interface "
       "has no \"hostnme\"; did you mean \"hostname\"?\n"},
      {"what is never there on an event",
       "  resources: [{when: [created], template: {a: \"{% .socketConfig.port %}\"}}]\n",
       "18:51: Plug shop/app: spec.resources[0].template.a: .socketConfig is never there on "
       "created; "
       "there are: plug\n"},
      {"what configTemplate never sees", "  configTemplate: {database: '{% .plugConfig.x %}'}\n",
       "18:34: Plug shop/app: spec.configTemplate.database: .plugConfig is never there in "
       "configTemplate; there are: plug, plugData, socket, socketData, vars\n"},
      {"a var that is not there", "  configTemplate: {database: '{% .vars.x %}'}\n",
       "18:34: Plug shop/app: spec.configTemplate.database: .vars.x: there is no var \"x\"\n"},
      {"an action that is never done", "  resources: [{when: [], template: {kind: Pod}}]\n",
       "18:22: Plug shop/app: spec.resources[0].when: there is no event in it: this is never "
       "done\n"},
      {"an action that does nothing", "  resources: [{when: [coupled]}]\n",
       "18:15: Plug shop/app: spec.resources[0]: it has no template: nothing is done\n"},
      {"an unknown event", "  resources: [{when: [couple], template: {kind: Pod}}]\n",
       "18:22: Plug shop/app: spec.resources[0].when: \"couple\" is none "
       "of "
       "created, coupled, updated, decoupled, deleted\n"},
      {"an unknown field", "  resources: [{wen: [coupled], template: {kind: Pod}}]\n",
       "18:21: Plug shop/app: spec.resources[0].wen: there is no field \"wen\"; did you mean "
       "\"when\"?\n"},
      {"a text that is no YAML", "  resources: [{stringTemplate: 'a: b: c'}]\n",
       "18:32: Plug shop/app: spec.resources[0].stringTemplate: yaml: mapping values are not "
       "allowed "
       "in this context\n"},
      {"versions that are none", "  interfaceVersions: latest\n",
       "18:22: Plug shop/app: spec.interfaceVersions: \"latest\": improper constraint: latest\n"},
      {"a var without a kind", "  vars: [{name: a, objref: {name: x}}]\n",
       "18:28: Plug shop/app: spec.vars[0].objref.kind: is required\n"},
  };
  for (const auto& test : cases) {
    const Outcome outcome = lint(plugWith(test.spec));
    EXPECT_EQ(outcome.out, "-:" + std::string(test.finding)) << test.what;
    EXPECT_EQ(outcome.status, 1) << test.what;
  }
}

TEST(LintCommand, SocketsAndInterfacesAreJudged) {
  const struct {
    const char* what;
    const char* yaml;
    const char* finding;
  } cases[] = {
      {"a schema and a reference",
       "kind: Socket\nspec: {interface: {name: a, config: {plug: {}}}}\n",
       "it has a schema and names an Interface"},
      {"a pattern", "kind: Socket\nspec: {validation: {namespaceWhitelist: ['a', '(']}}\n",
       "4:47: Socket s: spec.validation.namespaceWhitelist[1]: error parsing regexp"},
      {"a default that breaks its rule",
       "kind: Interface\nspec: {schemas: [{version: 1.0.0, config: {plug: {a: {type: integer, "
       "default: x}}}}]}\n",
       "spec.schemas[0].config.plug.a.default: the default plug config property 'a'"},
      {"an unknown type", "kind: Socket\nspec: {interface: {result: {plug: {a: {type: text}}}}}\n",
       "spec.interface.result.plug.a.type: \"text\" is none of"},
      {"an Interface's version", "kind: Interface\nspec: {schemas: [{version: bogus}]}\n",
       "spec.schemas[0].version: \"bogus\" is no semantic version"},
      {"a version twice",
       "kind: Interface\nspec: {schemas: [{version: 1.0.0}, {version: 1.0.0}]}\n",
       "spec.schemas[1].version: version 1.0.0 is there already"},
      {"a field beside the spec", "kind: Socket\nspecs: {}\nspec: {}\n",
       "specs: there is no field \"specs\"; did you mean \"spec\"?"},
      {"no spec", "kind: Socket\nspec: hello\n", "spec: it has no spec"},
      {"one event by itself",
       "kind: Socket\nspec: {resources: [{when: deleted, template: {kind: Pod}}]}\n",
       "spec.resources[0].when: it must be a list of events"},
  };
  for (const auto& test : cases) {
    const std::string text =
        std::string("{apiVersion: integration.rock8s.com/v1beta1, metadata: {name: s}, ");
    std::string yaml = "apiVersion: integration.rock8s.com/v1beta1\n" + std::string(test.yaml);
    yaml.replace(yaml.find("\nkind"), 1, "\nmetadata: {name: s}\n");
    const Outcome outcome = lint(yaml);
    EXPECT_NE(outcome.out.find(test.finding), std::string::npos)
        << test.what << ": " << outcome.out;
  }
  EXPECT_NE(lint("apiVersion: integration.rock8s.com/v1alpha2\nkind: Plug\n").out.find("convert"),
            std::string::npos);
  EXPECT_EQ(lint("apiVersion: v1\nkind: List\nitems:\n- {kind: Plug, apiVersion: "
                 "integration.rock8s.com/v1beta1, metadata: {name: a}, spec: {soket: 1}}\n")
                .out,
            "-:4:95: Plug a: items[0].spec.soket: there is no field \"soket\"; did you mean "
            "\"socket\"?\n");
}

TEST(LintCommand, WhatIsNotKnownForSureIsNotJudged) {
  const std::string plug =
      "---\napiVersion: integration.rock8s.com/v1beta1\nkind: Plug\nmetadata: {name: p, namespace: "
      "a}\nspec: {socket: {name: s}, config: {any: x}";
  const std::string socket =
      "---\napiVersion: integration.rock8s.com/v1beta1\nkind: Socket\nmetadata: {name: s, "
      "namespace: a}\nspec: {interface: {config: {plug: {other: {}}}}}\n";
  EXPECT_EQ(lint(socket + plug + "}\n").status, 1);
  EXPECT_EQ(lint(socket + socket + plug + "}\n").out, "") << "which of the two will it be?";
  const std::string interface =
      "apiVersion: integration.rock8s.com/v1beta1\nkind: Interface\nmetadata: {name: i, namespace: "
      "a}\nspec: {schemas: [{version: 1.0.0}, {version: 2.0.0, config: {plug: {other: {}}}}]}\n";
  EXPECT_EQ(lint(interface + plug + ", interface: {name: i}}\n").out, "") << "1.0.0 lets all pass";
  EXPECT_NE(lint(interface + plug + ", interface: {name: i}, interfaceVersions: ^2}\n")
                .out.find("the interface has no \"any\""),
            std::string::npos);
}

TEST(LintCommand, ReadsNothingHalf) {
  const std::string socket =
      "apiVersion: integration.rock8s.com/v1beta1\nkind: Socket\nmetadata: {name: s}\nspec: {odd: "
      "1}\n";
  const Outcome stream = lint("{\"kind\": \"A\"}\n{\"kind\": \"B\"}\n");
  EXPECT_EQ(stream.status, 2);
  EXPECT_NE(stream.err.find("-:1: more than one document stands here"), std::string::npos)
      << stream.err;
  EXPECT_EQ(lint(socket + "...\nrest: [\n").status, 2);
  // What follows a document is read in another way than the document.
  EXPECT_EQ(lint(socket + "---\n\xff\xfe" + std::string("k\0:\0 \0v\0", 8)).status, 1);
}

TEST(LintCommand, FindsNothingInTheSamples) {
  const Outcome outcome = lint("", {std::string(IOP_SOURCE_DIR) + "/config/samples"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

// Public charts do hand over keys that the interface does not have; all else in them is right.
TEST(LintCommand, FindsNothingButDroppedKeysInTheCorpus) {
  const char* shared = std::getenv("IOP_SHARED");
  const std::string corpus =
      (shared != nullptr ? shared : std::string(IOP_SOURCE_DIR) + "/../shared") + "/corpus";
  if (!std::filesystem::exists(corpus)) GTEST_SKIP() << "NOT RUN: there is no " << corpus;
  const Outcome outcome = lint("", {corpus});
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);)
    EXPECT_NE(line.find("the interface has no"), std::string::npos) << line;
}

}  // namespace
}  // namespace iop::cli
