#include "operator/api/convert.h"

#include <gtest/gtest.h>

#include <string>

#include "text/yaml.h"

namespace iop::operators::api {
namespace {

struct Outcome {
  std::string yaml;
  std::vector<std::string> left;
};

Outcome convertYaml(const std::string& yaml) {
  const Conversion conversion = convert(text::parseYaml(yaml).value());
  return {text::printYaml(conversion.object), conversion.left};
}

TEST(Convert, AnInterfacesDefinitionsBecomeSchemasOfTheConfig) {
  const Outcome outcome = convertYaml(R"(
apiVersion: integration.siliconhills.dev/v1alpha2
kind: Interface
metadata: {name: postgres, namespace: db, uid: x, resourceVersion: "3", finalizers: [integration.siliconhills.dev/finalizer]}
spec:
  schemas:
    - version: v0.0.1
      plugDefinition:
        description: connect
        properties: {database: {description: its name, required: true}}
      socketDefinition:
        properties: {port: {default: "5432"}}
status: {}
)");
  EXPECT_EQ(outcome.yaml, R"(apiVersion: integration.rock8s.com/v1beta1
kind: Interface
metadata:
  name: postgres
  namespace: db
spec:
  schemas:
  - config:
      plug:
        database:
          description: its name
          required: true
      socket:
        port:
          default: "5432"
    version: 0.0.1
)");
  ASSERT_EQ(outcome.left.size(), 1u);
  EXPECT_TRUE(outcome.left[0].starts_with("spec.schemas[0].plugDefinition.description: "));
}

TEST(Convert, AMapperBecomesATemplateAndTextsOfResourcesGetTheNewDelimiters) {
  const Outcome outcome = convertYaml(R"(
apiVersion: integration.rock8s.com/v1alpha2
kind: Plug
metadata: {name: plug}
spec:
  socket: {name: socket, namespace: db}
  interface: {name: postgres, namespace: db}
  interfaceVersions: '*'
  namespaceScope: '*'
  epoch: 3
  data: {database: hello}
  configMapper:
    name: vars.NAME
    size: socket.spec.limit
    key: plugData.tls\.crt
  vars:
    - name: NAME
      objref: {apiVersion: integration.siliconhills.dev/v1alpha2, kind: Interface, name: postgres}
      fieldref: {fieldPath: 'spec.schemas[0].version'}
  resources:
    - when: updated
      do: apply
      resource: "data: {a: '{{ .plugConfig.name | quote }}'}"
)");
  EXPECT_EQ(outcome.left, std::vector<std::string>{});
  EXPECT_EQ(outcome.yaml, R"(apiVersion: integration.rock8s.com/v1beta1
kind: Plug
metadata:
  name: plug
spec:
  configTemplate:
    key: '{% dig "tls.crt" "" .plugData %}'
    name: '{% dig "NAME" "" .vars %}'
    size: '{% dig "spec" "limit" "" .socket %}'
  data:
    database: hello
  epoch: "3"
  interface:
    name: postgres
    namespace: db
  interfaceVersions: '*'
  resources:
  - do: apply
    stringTemplate: 'data: {a: ''{% .plugConfig.name | quote %}''}'
    when:
    - updated
  socket:
    name: socket
    namespace: db
  vars:
  - fieldref:
      fieldPath: spec.schemas.0.version
    name: NAME
    objref:
      apiVersion: integration.rock8s.com/v1beta1
      kind: Interface
      name: postgres
)");
}

TEST(Convert, WhatHasNoEquivalentIsNamedAndTheRestIsConverted) {
  const Outcome outcome = convertYaml(R"yaml(
apiVersion: integration.rock8s.com/v1alpha2
kind: Socket
metadata: {name: socket}
spec:
  namespaceScope: app-*
  limit: 2
  configMapper: {all: 'socket.spec.ports.#(name=="http").port', index: socket.spec.ports.0.port, other: config.x}
  vars: [nothing, {name: A, objref: {kind: Pod, name: a}, fieldref: {fieldPath: 'a[?(@.b)]'}}]
  resources:
    - {when: [joined], resource: "a: 1"}
    - {when: [coupled, broken], resource: "a: $(A)"}
    - {resource: "a: {{ 'open"}
    - {
resource : {
a:
  1
}
}
  fancy: true
)yaml");
  std::vector<std::string> fields;
  for (const std::string& left : outcome.left) fields.push_back(left.substr(0, left.find(": ")));
  EXPECT_EQ(
      fields,
      (std::vector<std::string>{
          "spec.configMapper.all", "spec.configMapper.index", "spec.configMapper.other",
          "spec.fancy", "spec.namespaceScope", "spec.resources[0].when", "spec.resources[1].when",
          "spec.resources[1].resource", "spec.resources[2].resource", "spec.resources[3].resource",
          "spec.vars[0]", "spec.vars[1].fieldref.fieldPath"}));
  EXPECT_EQ(outcome.yaml, R"(apiVersion: integration.rock8s.com/v1beta1
kind: Socket
metadata:
  name: socket
spec:
  limit: 2
  resources:
  - stringTemplate: 'a: $(A)'
    when:
    - coupled
  vars:
  - fieldref:
      fieldPath: a[?(@.b)]
    name: A
    objref:
      kind: Pod
      name: a
)");
}

TEST(Convert, OtherObjectsPassAsTheyAreAlsoInLists) {
  const std::string deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  uid: x\n";
  EXPECT_EQ(convertYaml(deployment).yaml, deployment);
  const std::string present = "apiVersion: integration.rock8s.com/v1beta1\nkind: Plug\n";
  EXPECT_EQ(convertYaml(present).yaml, present);
  const Outcome outcome = convertYaml(R"(
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Secret}
  - {apiVersion: integration.rock8s.com/v1alpha2, kind: Plug, metadata: {name: a}, spec: {odd: 1}}
)");
  EXPECT_EQ(outcome.yaml,
            "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Secret\n- apiVersion: "
            "integration.rock8s.com/v1beta1\n  kind: Plug\n  metadata:\n    name: a\n  spec: "
            "{}\nkind: List\n");
  ASSERT_EQ(outcome.left.size(), 1u);
  EXPECT_TRUE(outcome.left[0].starts_with("items[1].spec.odd: "));
}

TEST(Convert, NothingOfAMalformedObjectEndsTheProgram) {
  for (const char* yaml :
       {"[]", "3", "{apiVersion: integration.rock8s.com/v1alpha2, kind: Plug}",
        "{apiVersion: integration.rock8s.com/v1alpha2, kind: Socket, metadata: 3, "
        "spec: [1]}",
        "{apiVersion: integration.rock8s.com/v1alpha2, kind: Interface, metadata: "
        "{annotations: a, finalizers: b}, spec: {schemas: [1, {plugDefinition: "
        "[]}]}}",
        "{apiVersion: integration.rock8s.com/v1alpha2, kind: Plug, spec: {vars: "
        "{a: b}, resources: [null, 1, {when: {a: 1}}], configMapper: [1], epoch: "
        "[]}}"}) {
    EXPECT_FALSE(convertYaml(yaml).yaml.empty()) << yaml;
  }
  EXPECT_EQ(convertYaml("{kind: List, items: hello}").yaml, "items: hello\nkind: List\n");
  EXPECT_EQ(convertYaml("{apiVersion: integration.rock8s.com/v1alpha2, kind: Plug, spec: {vars: "
                        "hello, resources: hello, configMapper: [a]}}")
                .left.size(),
            3u);
  EXPECT_EQ(convertYaml("{apiVersion: integration.rock8s.com/v1alpha2, kind: Interface, spec: "
                        "{schemas: [{version: 1.0}]}}")
                .left.size(),
            1u);
}

TEST(ConvertDelimiters, LeaveTextAsItIs) {
  const struct {
    const char* what;
    const char* text;
    const char* expected;
  } cases[] = {
      {"no action", "a: {b: {c: d}}", "a: {b: {c: d}}"},
      {"an action", "a: {{ .b }}!", "a: {% .b %}!"},
      {"trimmed", "{{- .a -}}", "{%- .a -%}"},
      {"braces in a string", "{{ \"}}\" }}{{ `}}` }}", "{% \"}}\" %}{% `}}` %}"},
      {"an escaped quote", R"({{ "\"}}" }})", R"({% "\"}}" %})"},
      {"a comment", "{{/* it's }} */}}x", "{%/* it's }} */%}x"},
      {"a trimmed comment", "{{- /* }} */ -}}x", "{%- /* }} */ -%}x"},
      {"what the new delimiters would take", "{% raw %}", "{% \"{%\" %} raw %}"},
  };
  for (const auto& test : cases)
    EXPECT_EQ(convertDelimiters(test.text).value_or("error"), test.expected) << test.what;
  EXPECT_EQ(convertDelimiters("a\n{{ .b").error().message,
            "the action that begins in line 2 does not end");
}

}  // namespace
}  // namespace iop::operators::api
