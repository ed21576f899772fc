#include "apiserver/kinds/strategy.h"

#include <gtest/gtest.h>

#include "apiserver/kinds/conversions.h"
#include "apiserver/kinds/internal/cron.h"
#include "apiserver/kinds/internal/quantity.h"
#include "apiserver/kinds/metadata_rules.h"
#include "apiserver/kinds/services.h"
#include "text/diff.h"
#include "text/yaml.h"

namespace iop::apiserver::kinds {
namespace {

Value yaml(std::string_view text) {
  auto parsed = text::parseYaml(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : Value();
}

TEST(Strategy, AJobFindsItsPodsByItsUid) {
  const Strategy& strategy = strategyOf("batch", "jobs");
  Value job = yaml(R"(
metadata: {name: a, uid: u1}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}})");
  strategy.applyDefaults(job);
  strategy.prepareForCreate(job);
  EXPECT_EQ("", text::diffAsYaml(yaml("matchLabels: {batch.kubernetes.io/controller-uid: u1}"),
                                 job["spec"]["selector"]));
  EXPECT_EQ("", text::diffAsYaml(yaml(R"(
batch.kubernetes.io/controller-uid: u1
batch.kubernetes.io/job-name: a
controller-uid: u1
job-name: a)"),
                                 job["spec"]["template"]["metadata"]["labels"]));
  EXPECT_TRUE(strategy.validate(job).empty());
}

TEST(Strategy, AJobWithASelectorOfItsOwnIsRefused) {
  const Strategy& strategy = strategyOf("batch", "jobs");
  Value job = yaml(R"(
metadata: {name: a, uid: u1}
spec:
  selector: {matchLabels: {a: b}}
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}})");
  strategy.applyDefaults(job);
  strategy.prepareForCreate(job);
  const FieldErrors errors = strategy.validate(job);
  ASSERT_EQ(2U, errors.size());
  EXPECT_EQ("`selector` not auto-generated", errors[0].detail);
  EXPECT_EQ("spec.template.metadata.labels", errors[1].field);
}

TEST(Strategy, UnknownKindsHaveNone) {
  EXPECT_EQ(nullptr, strategyOf("example.com", "pods").validate);
  EXPECT_TRUE(fieldLabelsOf("example.com", "pods").empty());
}

TEST(Strategy, FieldLabelsHaveTheValuesOfTheApiServer) {
  struct Case {
    const char *group, *plural, *label, *object, *value;
  };
  static constexpr Case kCases[] = {
      {"", "pods", "spec.hostNetwork", "{}", "false"},
      {"", "pods", "spec.nodeName", "spec: {nodeName: n1}", "n1"},
      {"", "pods", "status.podIPs", "status: {podIPs: [{ip: 1.2.3.4}, {ip: '::1'}]}",
       "1.2.3.4,::1"},
      {"", "pods", "status.phase", "{}", ""},
      {"", "events", "source", "source: {component: c}", "c"},
      {"", "events", "source", "reportingComponent: r", "r"},
      {"", "events", "involvedObject.name", "involvedObject: {name: p}", "p"},
      {"events.k8s.io", "events", "regarding.name", "regarding: {name: p}", "p"},
      {"batch", "jobs", "status.successful", "{}", "0"},
      {"batch", "jobs", "status.successful", "status: {succeeded: 2}", "2"},
      {"", "secrets", "type", "type: Opaque", "Opaque"},
      {"", "replicationcontrollers", "status.replicas", "status: {replicas: 3}", "3"}};
  for (const Case& each : kCases) {
    EXPECT_EQ(each.value, fieldLabelValue(yaml(each.object), each.group, each.plural, each.label))
        << each.plural << " " << each.label;
    const auto labels = fieldLabelsOf(each.group, each.plural);
    EXPECT_NE(labels.end(), std::find(labels.begin(), labels.end(), each.label)) << each.label;
  }
}

TEST(Services, TellWhatRemainsToBeAllocated) {
  struct Case {
    const char *sentence, *spec;
    bool clusterIp, families;
    std::vector<std::size_t> nodePorts;
    bool health;
  };
  const Case cases[] = {
      {"a cluster IP service", "{ports: [{port: 1}]}", true, true, {}, false},
      {"one with an address", "{clusterIP: 10.0.0.1, ports: [{port: 1}]}", false, true, {}, false},
      {"a headless one", "{clusterIP: None}", false, true, {}, false},
      {"an external name", "{type: ExternalName, externalName: a.b}", false, false, {}, false},
      {"a node port service",
       "{type: NodePort, ports: [{port: 1}, {port: 2, nodePort: 30000}]}",
       true,
       true,
       {0},
       false},
      {"a load balancer without node ports",
       "{type: LoadBalancer, allocateLoadBalancerNodePorts: false, ports: [{port: 1}]}",
       true,
       true,
       {},
       false},
      {"a local load balancer",
       "{type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 1}]}",
       true,
       true,
       {0},
       true}};
  for (const Case& each : cases) {
    Value service = Value::object({{"spec", yaml(each.spec)}});
    strategyOf("", "services").applyDefaults(service);
    const ServiceNeeds needs = needsOf(service);
    EXPECT_EQ(each.clusterIp, needs.clusterIp) << each.sentence;
    EXPECT_EQ(each.families, needs.ipFamilies) << each.sentence;
    EXPECT_EQ(each.nodePorts, needs.nodePorts) << each.sentence;
    EXPECT_EQ(each.health, needs.healthCheckNodePort) << each.sentence;
  }
}

TEST(Conversions, AnEventIsTheSameAgain) {
  const Value core = yaml(R"(
apiVersion: v1
kind: Event
metadata: {name: a, namespace: b}
involvedObject: {kind: Pod, name: p}
reason: R
message: M
source: {component: c}
firstTimestamp: "2026-01-01T00:00:00Z"
lastTimestamp: "2026-01-01T00:00:01Z"
eventTime: null
count: 2
type: Normal
reportingComponent: rc
reportingInstance: ri)");
  const Value events = toEventsEvent(core);
  EXPECT_EQ("", text::diffAsYaml(yaml(R"(
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: a, namespace: b}
regarding: {kind: Pod, name: p}
reason: R
note: M
deprecatedSource: {component: c}
deprecatedFirstTimestamp: "2026-01-01T00:00:00Z"
deprecatedLastTimestamp: "2026-01-01T00:00:01Z"
eventTime: null
deprecatedCount: 2
type: Normal
reportingController: rc
reportingInstance: ri)"),
                                 events));
  EXPECT_EQ("", text::diffAsYaml(core, toCoreEvent(events)));
}

TEST(Conversions, AnAutoscalerIsTheSameAgain) {
  const Value v2 = yaml(R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec:
  scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
  - type: Resource
    resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}
  - type: Pods
    pods: {metric: {name: m}, target: {type: AverageValue, averageValue: "10"}}
  - type: External
    external:
      metric: {name: e, selector: {matchLabels: {a: b}}}
      target: {type: Value, value: "3"}
  behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
status: {desiredReplicas: 2, currentMetrics: null})");
  const Value v1 = toAutoscalingV1(v2);
  EXPECT_EQ(50, v1["spec"]["targetCPUUtilizationPercentage"].asInt());
  EXPECT_FALSE(v1["spec"].contains("metrics"));
  EXPECT_EQ(
      "[{\"type\":\"Resource\",\"resource\":{\"name\":\"memory\",\"targetAverageValue\":\"1Gi\"}},"
      "{\"type\":\"Pods\",\"pods\":{\"metricName\":\"m\",\"targetAverageValue\":\"10\"}},"
      "{\"type\":\"External\",\"external\":{\"metricName\":\"e\",\"metricSelector\":{"
      "\"matchLabels\":{\"a\":\"b\"}},\"targetValue\":\"3\"}}]",
      v1["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"].asString());
  EXPECT_EQ("", text::diffAsYaml(v2, toAutoscalingV2(v1)));
}

TEST(Metadata, AGenerateNameMayEndWithADash) {
  EXPECT_TRUE(checkName("a-", Strategy::NameRule::Subdomain, true).empty());
  EXPECT_FALSE(checkName("Ab-", Strategy::NameRule::Subdomain, true).empty());
  EXPECT_FALSE(checkName("a-", Strategy::NameRule::Subdomain, false).empty());
}

TEST(Metadata, NoFinalizersComeToWhatIsBeingDeleted) {
  const Value old = yaml(
      "metadata: {name: a, namespace: b, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: "
      "[a.b/c]}");
  Value object = old;
  EXPECT_TRUE(validateMetadata(object, Strategy::NameRule::Subdomain, true, &old).empty());
  object.edit("metadata").edit("finalizers").push("a.b/d");
  const FieldErrors errors = validateMetadata(object, Strategy::NameRule::Subdomain, true, &old);
  ASSERT_EQ(1U, errors.size());
  EXPECT_EQ(
      "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
      "deleted, found new finalizers []string{\"a.b/d\"}",
      errors[0].print());
}

TEST(Quantity, IsPrintedInItsCanonicalForm) {
  struct Case {
    const char *text, *canonical;
  };
  static constexpr Case kCases[] = {
      {"1", "1"},       {"1000m", "1"},      {"0.5", "500m"},      {"1500m", "1500m"},
      {"1Gi", "1Gi"},   {"1024Mi", "1Gi"},   {"1.5Gi", "1536Mi"},  {"0", "0"},
      {"1000", "1k"},   {"100000k", "100M"}, {"1e3", "1e3"},       {"12E", "12E"},
      {"-1", "-1"},     {"0.1n", "1n"},      {"1000Ki", "1000Ki"}, {"1023Ki", "1023Ki"},
      {"100n", "100n"}, {"+5", "5"},         {"5.", "5"},          {".5", "500m"},
      {"64Mi", "64Mi"}, {"0.5Mi", "512Ki"},  {"0.1Ki", "102400m"}, {"1E3", "1e3"}};
  for (const Case& each : kCases) {
    const auto parsed = internal::parseQuantity(each.text);
    ASSERT_TRUE(parsed) << each.text;
    EXPECT_EQ(each.canonical, parsed->print()) << each.text;
  }
  for (const char* bad : {"", "x", "1x", "-", ".", "1e", "1e+", "1 ", "Ki"})
    EXPECT_FALSE(internal::parseQuantity(bad)) << bad;
}

TEST(Quantity, OfManyDigitsDoesNotOverflow) {
  const auto huge = internal::parseQuantity(std::string(1000, '9') + "E");
  ASSERT_TRUE(huge);
  EXPECT_GT(huge->nano, internal::parseQuantity("1E")->nano);
  EXPECT_TRUE(internal::parseQuantity("0." + std::string(1000, '1')));
  EXPECT_TRUE(internal::parseQuantity("1e999"));
  EXPECT_TRUE(internal::parseQuantity("1e-999"));
}

TEST(Cron, ProblemsHaveTheWordsOfTheLibrary) {
  struct Case {
    const char *schedule, *problem;
  };
  static constexpr Case kCases[] = {
      {"* * * * *", ""},
      {"*/5 1-3 * JAN mon,TUE", ""},
      {"@daily", ""},
      {"@every 1h30m", ""},
      {"0 0 31 12 6", ""},
      {"x", "expected exactly 5 fields, found 1: [x]"},
      {"60 * * * *", "end of range (60) above maximum (59): 60"},
      {"* * 0 * *", "beginning of range (0) below minimum (1): 0"},
      {"5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"},
      {"*/0 * * * *", "step of range should be a positive number: */0"},
      {"1-2-3 * * * *", "too many hyphens: 1-2-3"},
      {"1/2/3 * * * *", "too many slashes: 1/2/3"},
      {"@never", "unrecognized descriptor: @never"},
      {"a * * * *", "failed to parse int from a: strconv.Atoi: parsing \"a\": invalid syntax"}};
  for (const Case& each : kCases)
    EXPECT_EQ(each.problem, internal::findCronProblem(each.schedule)) << each.schedule;
}

}  // namespace
}  // namespace iop::apiserver::kinds
