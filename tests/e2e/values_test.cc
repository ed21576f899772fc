// Where values come from, who sees them, and what a schema makes of them (lifecycle.md), on a real
// API server.

#include "tests/e2e/harness.h"

namespace iop::e2e {
namespace {

constexpr char kHostname[] = "  config: {hostname: db.example}\n";

class Values : public Case {
 protected:
  static std::string socket(const std::string& spec) {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata: {name: socket, namespace: "{SOCK}"}
spec:
)" + spec;
  }

  static std::string plug(const std::string& spec, const std::string& name = "plug") {
    return R"(
apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata: {name: )" +
           name + R"(, namespace: "{NS}"}
spec:
  socket: {name: socket, namespace: "{SOCK}"}
)" + spec;
  }

  static std::string configMap(const std::string& name, const std::string& data,
                               const std::string& namespaceName = "{NS}") {
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", namespace: '" +
           namespaceName + "'}\ndata: " + data + "\n";
  }

  static std::string secret(const std::string& name, const std::string& data,
                            const std::string& namespaceName = "{NS}") {
    return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + name + ", namespace: '" +
           namespaceName + "'}\nstringData: " + data + "\n";
  }

  // The account `reader` of a namespace may do anything with these resources.
  static std::string reader(const std::string& namespaceName, const std::string& resources) {
    return R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: ")" +
           namespaceName + R"("}
rules: [{apiGroups: [""], resources: )" +
           resources + R"(, verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: ")" +
           namespaceName + R"("}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: ")" +
           namespaceName + "\"}]\n";
  }

  std::string data(const std::string& name, const std::string& key,
                   const std::string& namespaceName = "") {
    return get("ConfigMap", name, namespaceName)["data"][key].toString();
  }
  std::string why(const std::string& name = "plug") { return message("Plug", name, "Coupled"); }
};

TEST_F(Values, AVarNamesItsObjectByGroupAndVersionAndIsItsNameWithoutAPath) {
  apply(socket(kHostname));
  apply(configMap("source", "{port: '1'}"));
  apply(plug("  epoch: seven\n", "first"));
  apply(plug(R"(  vars:
    - name: epoch
      objref: {group: integration.rock8s.com, version: v1beta1, kind: Plug, name: first}
      fieldref: {fieldPath: spec.epoch}
    - name: pathless
      objref: {apiVersion: v1, kind: ConfigMap, name: source}
    - name: nothing
      objref: {apiVersion: v1, kind: ConfigMap, name: source}
      fieldref: {fieldPath: data.nothing}
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data:
          epoch: "{% .vars.epoch %}"
          pathless: "{% .vars.pathless %}"
          nothing: "[{% .vars.nothing %}]"
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "epoch"), "seven") << "group and version name the kind";
  EXPECT_EQ(data("made", "pathless"), "source") << "without a path it is metadata.name";
  EXPECT_EQ(data("made", "nothing"), "[]") << "a path that finds nothing is the empty string";
}

TEST_F(Values, ATemplateErrorInAVarMakesTheConfigInvalid) {
  apply(socket(kHostname));
  apply(plug(R"(  vars:
    - name: broken
      objref: {apiVersion: v1, kind: ConfigMap, templateName: '{% fail "no such thing" %}'}
)"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_EQ(condition("Plug", "plug", "Failed"), "True/ConfigInvalid");
  EXPECT_NE(why().find("spec.vars[0].objref.templateName"), std::string::npos) << why();
  EXPECT_NE(why().find("no such thing"), std::string::npos) << why();
}

TEST_F(Values, VarsAreReadWithTheAccountOfTheirOwnSide) {
  const std::string spec = R"(  serviceAccountName: reader
  vars:
    - name: token
      objref: {apiVersion: v1, kind: Secret, name: creds}
      fieldref: {fieldPath: data.token}
  configTemplate: {token: "{% .vars.token | b64dec %}"}
)";
  apply(reader("{NS}", "[configmaps]"));
  apply(reader("{SOCK}", "[configmaps]"));
  apply(secret("creds", "{token: plugs}"));
  apply(secret("creds", "{token: sockets}", "{SOCK}"));
  apply(socket(spec));
  apply(plug(spec + R"(  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {plug: "{% .plugConfig.token %}", socket: "{% .socketConfig.token %}"}
)"));
  const auto isRefused = [&](const std::string& namespaceName) {
    return condition("Plug", "plug", "Coupled") == "False/Error" &&
           why().find(namespaceName + ":reader") != std::string::npos &&
           why().find("secrets") != std::string::npos;
  };
  ASSERT_TRUE(eventually("the plug's account is refused", [&] { return isRefused(ns()); }));
  apply(reader("{NS}", "[configmaps, secrets]"));
  ASSERT_TRUE(eventually("the socket's account is refused", [&] { return isRefused(sock()); }));
  EXPECT_FALSE(exists("ConfigMap", "made"));
  apply(reader("{SOCK}", "[configmaps, secrets]"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "plug"), "plugs") << "the plug's var is of the plug's namespace";
  EXPECT_EQ(data("made", "socket"), "sockets") << "the socket's var is of the socket's namespace";
}

TEST_F(Values, DataComesFromTheSecretThenTheSpecThenTheConfigMap) {
  apply(secret("weakest", "{one: secret, two: secret, three: secret}"));
  apply(configMap("strongest", "{three: configmap}"));
  const std::string seen = R"(  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: seen}
        data: {plug: "{% .plugData.three %}", socket: "{% .socketData.tier %}"}
)";
  apply(socket("  data: {tier: gold}\n" + seen));
  apply(plug(R"(  dataSecretName: weakest
  data: {two: spec, three: spec}
  dataConfigMapName: strongest
  configTemplate: {data: "{% .plugData.one %} {% .plugData.two %} {% .plugData.three %}"}
)" + seen +
             R"(    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {data: "{% .plugConfig.data %}"}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "data"), "secret spec configmap") << "the later source overrides";
  for (const std::string& side : {ns(), sock()}) {
    EXPECT_EQ(data("seen", "plug", side), "configmap") << "resources see plugData in " << side;
    EXPECT_EQ(data("seen", "socket", side), "gold") << "resources see socketData in " << side;
  }
}

TEST_F(Values, AKeyOfBinaryDataIsNotTaken) {
  apply(configMap("settings", "{text: taken}\nbinaryData: {bytes: YmluYXJ5}"));
  apply(socket(kHostname));
  apply(plug(R"(  configConfigMapName: settings
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {config: "{% toJson .plugConfig %}"}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  ASSERT_FALSE(get("ConfigMap", "settings")["binaryData"]["bytes"].empty()) << "it was there";
  EXPECT_EQ(data("made", "config"), R"({"text":"taken"})");
}

TEST_F(Values, AConfigTemplateNeverSeesConfigs) {
  const std::string spec = R"(  config: {here: already}
  configTemplate: {sees: '{% keys . | sortAlpha | join " " %}'}
)";
  apply(socket(spec));
  apply(plug(spec + R"(  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {plug: "{% .plugConfig.sees %}", socket: "{% .socketConfig.sees %}"}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "plug"), "plug plugData socket socketData vars");
  EXPECT_EQ(data("made", "socket"), "plug plugData socket socketData vars");
}

TEST_F(Values, AResultComesFromTheSecretThenTheSpecThenTheTemplateThenTheConfigMap) {
  apply(secret("weakest", "{one: secret, two: secret, three: secret, four: secret}", "{SOCK}"));
  apply(configMap("strongest", "{four: configmap}", "{SOCK}"));
  apply(socket(R"(  resultSecretName: weakest
  result: {two: spec, three: spec, four: spec}
  resultTemplate: {three: "{% `template` %}", four: "{% `template` %}"}
  resultConfigMapName: strongest
)"));
  apply(plug(R"(  resultResources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {one: "{% .socketResult.one %}"}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(get("Plug", "plug")["status"]["coupledResult"]["socket"],
            Value::object(
                {{"one", "secret"}, {"two", "spec"}, {"three", "template"}, {"four", "configmap"}}))
      << "the later source overrides";
  EXPECT_EQ(data("made", "one"), "secret") << "a key of resultSecretName is a result";
}

TEST_F(Values, AMissingSourceOfAResultIsWaitedFor) {
  apply(socket("  resultSecretName: outcome\n"));
  apply(plug(kHostname));
  ASSERT_TRUE(eventuallyWaits("ResultPending"));
  EXPECT_EQ(why(), "socket's Secret " + sock() + "/outcome does not exist");
  EXPECT_NE(condition("Plug", "plug", "Failed").substr(0, 4), "True") << "to wait is no failure";
  apply(secret("outcome", "{user: ana}", "{SOCK}"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(get("Plug", "plug")["status"]["coupledResult"]["socket"]["user"].asString(), "ana");
}

TEST_F(Values, ResultVarsAreSeenUnderTheirOwnNameAndWinOverVars) {
  apply(configMap("early", "{value: early}"));
  apply(configMap("late", "{value: late}"));
  apply(socket(kHostname));
  apply(plug(R"(  vars:
    - name: both
      objref: {apiVersion: v1, kind: ConfigMap, name: early}
      fieldref: {fieldPath: data.value}
    - name: only
      objref: {apiVersion: v1, kind: ConfigMap, name: early}
      fieldref: {fieldPath: data.value}
  resultVars:
    - name: both
      objref: {apiVersion: v1, kind: ConfigMap, name: late}
      fieldref: {fieldPath: data.value}
  resultTemplate:
    own: "{% .resultVars.both %}"
    both: "{% .vars.both %}"
    only: "{% .vars.only %}"
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: before}
        data: {both: "{% .vars.both %}"}
  resultResources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: after}
        data:
          own: "{% .resultVars.both %}"
          both: "{% .vars.both %}"
          only: "{% .vars.only %}"
)"));
  ASSERT_TRUE(eventuallyCoupled());
  const Value result = get("Plug", "plug")["status"]["coupledResult"]["plug"];
  EXPECT_EQ(result["own"].asString(), "late") << "resultTemplate sees resultVars";
  EXPECT_EQ(result["both"].asString(), "late") << "in resultTemplate, resultVars wins over vars";
  EXPECT_EQ(result["only"].asString(), "early") << "resultTemplate sees the other vars as well";
  EXPECT_EQ(data("before", "both"), "early") << "before the result is known, a var is what it was";
  EXPECT_EQ(data("after", "own"), "late") << "resultResources sees resultVars";
  EXPECT_EQ(data("after", "both"), "late") << "in resultResources, resultVars wins over vars";
  EXPECT_EQ(data("after", "only"), "early") << "resultResources sees the other vars as well";
}

TEST_F(Values, CreatedAndDeletedSeeTheOwnObjectOnly) {
  const std::string spec = R"(  resources:
    - when: [created]
      template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: born}
        data: {sees: '{% keys . | sortAlpha | join " " %}'}
    - when: [deleted]
      template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: died}
        data: {sees: '{% keys . | sortAlpha | join " " %}'}
)";
  apply(socket(spec));
  apply(plug(spec));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("born", "sees"), "plug") << "created of the plug";
  eventually("the socket's created is delivered",
             [&] { return exists("ConfigMap", "born", sock()); });
  EXPECT_EQ(data("born", "sees", sock()), "socket") << "created of the socket";
  remove("Plug", "plug");
  ASSERT_TRUE(eventually("the plug is gone", [&] { return !exists("Plug", "plug"); }));
  EXPECT_EQ(data("died", "sees"), "plug") << "deleted of the plug";
  remove("Socket", "socket", sock());
  ASSERT_TRUE(
      eventually("the socket is gone", [&] { return !exists("Socket", "socket", sock()); }));
  EXPECT_EQ(data("died", "sees", sock()), "socket") << "deleted of the socket";
}

TEST_F(Values, ARequiredPropertyOfASocketsConfigIsNamed) {
  const std::string interface = "  interface: {config: {socket: {hostname: {required: true}}}}\n";
  apply(socket(interface));
  apply(plug("  config: {hostname: not-this-one}\n"));
  ASSERT_TRUE(eventuallyWaits("ConfigInvalid"));
  EXPECT_EQ(why(), "socket config property 'hostname' is required");
  EXPECT_EQ(message("Plug", "plug", "Failed"), "socket config property 'hostname' is required");
  apply(socket(interface + kHostname));
  EXPECT_TRUE(eventuallyCoupled());
}

TEST_F(Values, ARequiredPropertyOfAPlugsResultMayBeEmptyButMustBeThere) {
  apply(socket(R"(  interface: {result: {plug: {ack: {required: true}}}}
  result: {more: passes}
)"));
  apply(plug(kHostname));
  ASSERT_TRUE(eventuallyWaits("ResultPending"));
  EXPECT_EQ(why(), "plug result property 'ack' is required");
  apply(plug("  result: {ack: '', more: dropped}\n"));
  ASSERT_TRUE(eventuallyCoupled());
  const Value result = get("Plug", "plug")["status"]["coupledResult"];
  EXPECT_EQ(result["plug"], Value::object({{"ack", ""}})) << "an empty value is a value";
  EXPECT_EQ(result["socket"], Value::object({{"more", "passes"}}))
      << "a result of a side that the schema omits passes";
}

TEST_F(Values, AConfigSchemaThatOmitsASideEmptiesItsConfig) {
  apply(socket(R"(  interface: {config: {plug: {database: {}}}}
  config: {hostname: db.example}
)"));
  apply(plug(R"(  config: {database: shop}
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {plug: "{% toJson .plugConfig %}", socket: "{% toJson .socketConfig %}"}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "plug"), R"({"database":"shop"})");
  EXPECT_EQ(data("made", "socket"), "{}");
}

TEST_F(Values, ASchemaAsksForTypesListsAndPatterns) {
  apply(socket(R"(  interface:
    config:
      plug:
        text: {type: string}
        whole: {type: integer}
        amount: {type: number}
        flag: {type: boolean}
        size: {enum: [small, big]}
        code: {pattern: b}
)"));
  const auto config = [](const std::string& values) { return "  config: " + values + "\n"; };
  apply(
      plug(config("{text: any, whole: '-5', amount: '1.5e3', flag: 'true', size: big, code: abc}"),
           "fits"));
  struct Refused {
    const char* name;
    const char* values;
    const char* rule;
  };
  constexpr Refused kRefused[] = {
      {"letters", "{whole: five}", "'whole' must be of type integer, but is \"five\""},
      {"fraction", "{whole: '1.5'}", "'whole' must be of type integer, but is \"1.5\""},
      {"padded", "{whole: '05'}", "'whole' must be of type integer, but is \"05\""},
      {"spaced", "{whole: ' 5'}", "'whole' must be of type integer, but is \" 5\""},
      {"newline", "{whole: \"5\\n\"}", "'whole' must be of type integer, but is \"5\n\""},
      {"comma", "{amount: '1,5'}", "'amount' must be of type number, but is \"1,5\""},
      {"capital", "{flag: 'True'}", "'flag' must be of type boolean, but is \"True\""},
      {"huge", "{size: huge}", "'size' must be one of small, big, but is \"huge\""},
      {"unmatched", "{code: xyz}", "'code' must match b, but is \"xyz\""},
  };
  for (const Refused& refused : kRefused) apply(plug(config(refused.values), refused.name));
  EXPECT_TRUE(eventuallyCoupled("fits")) << "all its values are in order, abc matches b";
  for (const Refused& refused : kRefused) {
    ASSERT_TRUE(eventuallyWaits("ConfigInvalid", refused.name));
    EXPECT_EQ(why(refused.name), std::string("plug config property ") + refused.rule);
  }
}

TEST_F(Values, AnEmptyValueIsNotAskedForItsTypeListOrPattern) {
  apply(socket(R"(  interface:
    config:
      plug: {whole: {type: integer}, size: {enum: [small, big]}, code: {pattern: b}}
      socket: {whole: {type: integer}, size: {enum: [small, big]}, code: {pattern: b}}
  config: {whole: '', size: '', code: ''}
)"));
  apply(plug(R"(  config: {whole: '', size: '', code: ''}
  resources:
    - template:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: made}
        data: {plug: "{% toJson .plugConfig %}", socket: "{% toJson .socketConfig %}"}
)"));
  ASSERT_TRUE(eventuallyCoupled());
  EXPECT_EQ(data("made", "plug"), R"({"code":"","size":"","whole":""})");
  EXPECT_EQ(data("made", "socket"), R"({"code":"","size":"","whole":""})");
}

}  // namespace
}  // namespace iop::e2e
