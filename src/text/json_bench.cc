// What reading, writing and keeping objects costs: a pod of 2 KiB, a list of pods of 2.6 MB, a
// Plug.

#include <benchmark/benchmark.h>

#include "text/json.h"
#include "text/yaml.h"

namespace iop::text {
namespace {

// Two thirds of what a small object weighs on the wire.
constexpr std::string_view kManagedFields =
    R"("managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1",)"
    R"("time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},)"
    R"("f:checksum/config":{}},"f:generateName":{},"f:labels":{".":{},"f:app.kubernetes.io/instance":{},)"
    R"("f:app.kubernetes.io/name":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},)"
    R"("k:{\"uid\":\"5a1c5f0e-8c39-4a51-9f51-0c9b77e0b1d1\"}":{}}},"f:spec":{"f:containers":{)"
    R"("k:{\"name\":\"web\"}":{".":{},"f:env":{".":{},"k:{\"name\":\"DATABASE_URL\"}":{".":{},"f:name":{},)"
    R"("f:valueFrom":{".":{},"f:secretKeyRef":{}}}},"f:image":{},"f:imagePullPolicy":{},"f:name":{},)"
    R"("f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},)"
    R"("f:name":{},"f:protocol":{}}},"f:resources":{".":{},"f:limits":{".":{},"f:memory":{}}}}},"f:dnsPolicy":{},)"
    R"("f:restartPolicy":{},"f:schedulerName":{},"f:terminationGracePeriodSeconds":{}}}},)"
    R"({"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:09Z",)"
    R"("fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Initialized\"}":{".":{},)"
    R"("f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Ready\"}":{".":{},)"
    R"("f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}}},"f:phase":{},"f:podIP":{},)"
    R"("f:startTime":{}}},"subresource":"status"}],)";

// A pod as kube-apiserver writes it: the members in the order of Go's structs, so not sorted.
std::string podText(int number, bool managed) {
  const std::string n = std::to_string(number);
  std::string out =
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-7d9c5b6f4-)" + n +
      R"(","generateName":"web-7d9c5b6f4-","namespace":"shop",)"
      R"("uid":"0f6f8a52-3c1e-4a40-8b35-2f8f3f1c)" +
      n + R"(","resourceVersion":"48151)" + n +
      R"(","creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app.kubernetes.io/instance":"web",)"
      R"("app.kubernetes.io/name":"web","pod-template-hash":"7d9c5b6f4"},)"
      R"("annotations":{"checksum/config":"0b4f6c2d8a7e"},)"
      R"("ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-7d9c5b6f4",)"
      R"("uid":"5a1c5f0e-8c39-4a51-9f51-0c9b77e0b1d1","controller":true,"blockOwnerDeletion":true}],)";
  if (managed) out += kManagedFields;
  out.pop_back();
  out +=
      R"(},"spec":{"volumes":[{"name":"kube-api-access","projected":{"sources":[{"serviceAccountToken":)"
      R"({"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt",)"
      R"("items":[{"key":"ca.crt","path":"ca.crt"}]}}],"defaultMode":420}}],"containers":[{"name":"web",)"
      R"("image":"registry.example.com/shop/web:1.42.0","ports":[{"name":"http","containerPort":8080,)"
      R"("protocol":"TCP"}],"env":[{"name":"LOG_LEVEL","value":"info"},{"name":"DATABASE_URL",)"
      R"("valueFrom":{"secretKeyRef":{"name":"web-database","key":"url"}}}],"resources":{"limits":)"
      R"({"memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},"volumeMounts":[{"name":)"
      R"("kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],)"
      R"("livenessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,)"
      R"("periodSeconds":10,"successThreshold":1,"failureThreshold":3},)"
      R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
      R"("imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,)"
      R"("dnsPolicy":"ClusterFirst","serviceAccountName":"web","nodeName":"node-3","schedulerName":)"
      R"("default-scheduler","priority":0},"status":{"phase":"Running","conditions":[{"type":"Initialized",)"
      R"("status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:07Z"},{"type":"Ready",)"
      R"("status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:09Z"}],)"
      R"("podIP":"10.1.2.3","startTime":"2026-01-02T03:04:05Z","qosClass":"Burstable"}})";
  return out;
}

std::string podListText() {
  std::string out =
      R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"4815162342"},"items":[)";
  for (int i = 1000; i < 1750; ++i) out += (i > 1000 ? "," : "") + podText(i, true);
  return out + "]}";
}

std::string plugText() {
  return R"({"apiVersion":"integration.rock8s.com/v1beta1","kind":"Plug","metadata":{"name":"database",)"
         R"("namespace":"shop","uid":"0f6f8a52-3c1e-4a40-8b35-2f8f3f1c1000","resourceVersion":"4815162342",)"
         R"("generation":3,"finalizers":["integration.rock8s.com/finalizer"]},"spec":{"socket":{"name":"postgres",)"
         R"("namespace":"databases"},"vars":[{"name":"release","objref":{"apiVersion":"apps/v1",)"
         R"("kind":"Deployment","name":"web"},"fieldref":{"fieldPath":"metadata.labels.app"}}],)"
         R"("config":{"database":"shop","user":"shop"},"configTemplate":{"owner":"{% .vars.release %}"},)"
         R"("resources":[{"when":["coupled","updated"],"do":"apply","stringTemplate":"apiVersion: v1\n)"
         R"(kind: Secret\nmetadata:\n  name: database\nstringData:\n  url: {% .socketConfig.url %}\n"}]},)"
         R"("status":{"conditions":[{"type":"Coupled","status":"True","reason":"CouplingSucceeded",)"
         R"("message":"coupled","lastTransitionTime":"2026-01-02T03:04:05Z"}],"coupledSocket":)"
         R"({"name":"postgres","namespace":"databases"},"coupledResult":{"plug":{},"socket":{}}}})";
}

constexpr int kPod = 0, kPodList = 1, kPlug = 2;

const std::string& sampleText(std::int64_t sample) {
  static const std::string texts[] = {podText(1000, false), podListText(), plugText()};
  return texts[sample];
}

void setBytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
  state.counters["text_bytes"] = static_cast<double>(bytes);
}

void parse(benchmark::State& state) {
  const std::string& text = sampleText(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(parseJson(text).value());
  setBytes(state, text.size());
  state.counters["heap_bytes"] = static_cast<double>(parseJson(text)->heapBytes());
}
BENCHMARK(parse)->Arg(kPod)->Arg(kPodList)->Arg(kPlug);

// A list as an informer reads it: one pod at a time, without its managed fields.
void parseList(benchmark::State& state) {
  const std::string& text = sampleText(kPodList);
  const DropPaths drop({"/metadata/managedFields"});
  std::size_t heap = 0;
  for (auto _ : state) {
    heap = 0;
    const auto each = [&](Value pod) {
      heap += pod.heapBytes();
      return Status();
    };
    benchmark::DoNotOptimize(parseJsonList(text, each, {.drop = &drop}).value());
  }
  setBytes(state, text.size());
  state.counters["heap_bytes"] = static_cast<double>(heap);
}
BENCHMARK(parseList);

void print(benchmark::State& state) {
  const std::string& text = sampleText(state.range(0));
  const Value value = parseJson(text).value();
  for (auto _ : state) benchmark::DoNotOptimize(printJson(value));
  setBytes(state, text.size());
}
BENCHMARK(print)->Arg(kPod)->Arg(kPodList)->Arg(kPlug);

void parseAsYaml(benchmark::State& state) {
  const std::string text = printYaml(parseJson(sampleText(state.range(0))).value());
  for (auto _ : state) benchmark::DoNotOptimize(parseYaml(text).value());
  setBytes(state, text.size());
}
BENCHMARK(parseAsYaml)->Arg(kPod)->Arg(kPlug);

void printAsYaml(benchmark::State& state) {
  const Value value = parseJson(sampleText(state.range(0))).value();
  for (auto _ : state) benchmark::DoNotOptimize(printYaml(value));
  setBytes(state, printYaml(value).size());
}
BENCHMARK(printAsYaml)->Arg(kPod)->Arg(kPlug);

}  // namespace
}  // namespace iop::text
