// Against sequences of writes that were sent to a kube-apiserver 1.37.2 (testdata/
// managed_fields.json), and cases made by hand.

#include "apiserver/schema/managed_fields.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "text/json.h"

namespace iop::apiserver::schema {
namespace {

Value json(std::string_view text) {
  Result<Value> value = text::parseJson(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Value());
}

Value readTestData(const std::string& name) {
  std::ifstream file(IOP_SOURCE_DIR "/src/apiserver/schema/testdata/" + name);
  return json(std::string(std::istreambuf_iterator<char>(file), {}));
}

// The schemas of the recorded objects, by kind.
class Schemas {
 public:
  explicit Schemas(const Value& data) {
    for (const Member& member : data["builtin"].members()) {
      Result<DocumentPtr> document = parseOpenApiSchema(data["schemas"], member.value.asString());
      EXPECT_TRUE(document.has_value()) << member.key();
      if (document) documents_[std::string(member.key())] = *document;
    }
    for (const Member& member : data["custom"].members()) {
      FieldErrors errors;
      std::vector<std::string> warnings;
      DocumentPtr document = parseCrdSchema(member.value, "schema", errors, warnings);
      EXPECT_TRUE(document != nullptr) << member.key();
      documents_[std::string(member.key())] = document;
    }
  }

  const Schema* find(const std::string& kind) const { return &documents_.at(kind)->root(); }

 private:
  std::map<std::string, DocumentPtr> documents_;
};

Value withoutManagedFields(Value object) {
  if (object["metadata"].isObject()) object.edit("metadata").erase("managedFields");
  return object;
}

bool isBlank(const Value& value) {
  return value.isNull() ||
         ((value.isString() || value.isArray() || value.isObject()) && value.empty());
}

// Whether `real` is `ours` with the API server's defaults, and without what its decoding drops.
bool isWithDefaults(const Value& ours, const Value& real) {
  if (ours.isArray() && real.isArray()) {
    if (ours.size() != real.size()) return false;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (!isWithDefaults(ours.at(i), real.at(i))) return false;
    }
    return true;
  }
  if (!ours.isObject() || !real.isObject()) return ours == real || (isBlank(ours) && isBlank(real));
  for (const Member& member : ours.members()) {
    if (!isWithDefaults(member.value, real[member.key()])) return false;
  }
  return true;
}

Write writeOf(const Value& step, const Schema* schema, const Value& apiVersion) {
  Write out{.schema = schema,
            .manager = step["manager"].toString(),
            .apiVersion = apiVersion.toString(),
            .subresource = step["subresource"].toString(),
            .now = step["now"].toString(),
            .resetFields = {}};
  for (const Value& name : step["reset"].items()) out.resetFields.push_back(name.toString());
  return out;
}

void checkApply(const Value& step, const Value& live, const Write& write, bool custom) {
  const auto applied = applyConfiguration(live, step["sent"], write, step["force"].asBool());
  if (const Value* message = step.find("message")) {
    ASSERT_FALSE(applied.has_value()) << text::printJson(*applied);
    EXPECT_EQ(applied.error().message, message->asString());
    EXPECT_EQ(applied.error().kind == ApplyFailure::Kind::Conflict, step["code"].asInt() == 409);
    EXPECT_EQ(applied.error().conflicts.size(), step["causes"].size());
    return;
  }
  ASSERT_TRUE(applied.has_value()) << applied.error().message;
  const Value& result = step["result"];
  // What the API server stores: with defaults, and without times that say nothing.
  Value stored = result;
  if (const Value* managedFields = (*applied)["metadata"].find("managedFields"))
    stored.edit("metadata").set("managedFields", *managedFields);
  stored = keepTimes(live, stored);
  EXPECT_EQ(text::printJson(stored["metadata"]["managedFields"]),
            text::printJson(result["metadata"]["managedFields"]));
  // The API server resets afterwards what a subresource does not own.
  if (!write.subresource.empty()) return;
  Value ours = withoutManagedFields(*applied);
  const Value real = withoutManagedFields(result);
  for (const std::string& name : write.resetFields) ours.erase(name);
  for (const std::string& name : write.resetFields) {
    if (real.contains(name)) ours.set(name, real[name]);
  }
  if (custom && !live.isNull() && !step["defaulted"].asBool()) {
    EXPECT_EQ(text::printJson(ours), text::printJson(real));
  } else {
    EXPECT_TRUE(isWithDefaults(ours, real)) << text::printJson(ours) << "\n"
                                            << text::printJson(real);
  }
}

void checkUpdate(const Value& step, const Value& live, const Write& write) {
  const Value& result = step["result"];
  Value updated = withoutManagedFields(step.contains("updated") ? step["updated"] : result);
  if (const Value* sent = step.find("sentManagedFields")) {  // "live": as it was
    updated.edit("metadata")
        .set("managedFields", sent->isString() ? live["metadata"]["managedFields"] : *sent);
  }
  const Value tracked = trackUpdate(live, updated, write);
  EXPECT_EQ(text::printJson(tracked["metadata"]["managedFields"]),
            text::printJson(result["metadata"]["managedFields"]));
  EXPECT_EQ(withoutManagedFields(tracked), withoutManagedFields(updated));
}

TEST(ManagedFieldsRecorded, AreThoseOfTheApiServer) {
  const Value data = readTestData("managed_fields.json");
  const Schemas schemas(data);
  ASSERT_GT(data["cases"].size(), 15U);
  for (const Value& recorded : data["cases"].items()) {
    SCOPED_TRACE(recorded["name"].asString());
    const std::string kind = recorded["kind"].toString();
    Value live;
    int number = 0;
    for (const Value& step : recorded["steps"].items()) {
      SCOPED_TRACE(std::to_string(number++) + ": " + step["op"].toString() + " by " +
                   step["manager"].toString());
      if (const Value* before = step.find("live")) live = *before;
      const Write write = writeOf(step, schemas.find(kind), recorded["apiVersion"]);
      if (step["op"].asString() == "apply") {
        checkApply(step, live, write, data["custom"].contains(kind));
      } else {
        checkUpdate(step, live, write);
      }
      if (step.contains("result")) live = step["result"];
    }
  }
}

Write writeBy(const char* manager, const char* now = "2026-01-01T00:00:00Z") {
  return {.schema = nullptr,
          .manager = manager,
          .apiVersion = "a/v1",
          .subresource = {},
          .now = now,
          .resetFields = {}};
}

std::string entriesOf(const Value& object) {
  return text::printJson(object["metadata"]["managedFields"]);
}

TEST(TrackUpdate, WithoutEffectIsTheLiveObject) {
  const Value live =
      trackUpdate({}, json(R"({"metadata":{"name":"a"},"data":{"a":1}})"), writeBy("one"));
  ASSERT_EQ(live["metadata"]["managedFields"].size(), 1U);
  const Write later = writeBy("two", "2026-01-02T00:00:00Z");
  EXPECT_EQ(trackUpdate(live, live, later), live);
  const Value copy = json(text::printJson(live));
  const Value tracked = trackUpdate(live, copy, later);
  EXPECT_EQ(tracked, live);
  EXPECT_TRUE(tracked["metadata"]["managedFields"].isSame(live["metadata"]["managedFields"]))
      << "entries are shared";
  EXPECT_EQ(trackUpdate(live, withoutManagedFields(live), later), live);
}

TEST(TrackUpdate, KeepsTheSetsOfOthersThatLoseNothing) {
  const Value live = trackUpdate({}, json(R"({"data":{"a":1,"b":1}})"), writeBy("one"));
  Value changed = live;
  changed.edit("data").set("c", 1);
  const Value tracked = trackUpdate(live, changed, writeBy("two", "2026-01-02T00:00:00Z"));
  EXPECT_TRUE(
      tracked["metadata"]["managedFields"].at(0).isSame(live["metadata"]["managedFields"].at(0)));
  EXPECT_EQ(text::printJson(tracked["metadata"]["managedFields"].at(1)["fieldsV1"]),
            R"({"f:data":{"f:c":{}}})");
}

TEST(TrackUpdate, DoesNotOwnWhatIsReset) {
  Write write = writeBy("");
  write.resetFields = {"status", "metadata.labels", "spec.a.b"};
  const Value tracked =
      trackUpdate({}, json(R"({"metadata":{"labels":{"x":"1"},"annotations":{"y":"1"}},
               "spec":{"a":{"b":{"c":1},"d":1}},"status":{"z":1}})"),
                  write);
  EXPECT_EQ(entriesOf(tracked),
            R"([{"apiVersion":"a/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":)"
            R"({"f:annotations":{".":{},"f:y":{}}},"f:spec":{".":{},"f:a":{".":{},"f:d":{}}}},)"
            R"("manager":"unknown","operation":"Update","time":"2026-01-01T00:00:00Z"}])");
}

TEST(TrackUpdate, OfASubresourceDoesNotTakeEntriesFromTheClient) {
  const Value live = trackUpdate({}, json(R"({"data":{"a":1}})"), writeBy("one"));
  Value changed = live;
  changed.edit("metadata").set("managedFields", Value::array());
  Write status = writeBy("two");
  status.subresource = "status";
  EXPECT_EQ(entriesOf(trackUpdate(live, changed, status)), entriesOf(live));
  EXPECT_EQ(entriesOf(trackUpdate(live, changed, writeBy("two"))), "null");
}

TEST(KeepTimes, ReturnsTheLiveObjectWhereNothingElseDiffers) {
  const Value live = trackUpdate({}, json(R"({"data":{"a":1}})"), writeBy("one"));
  const Value later =
      trackUpdate({}, json(R"({"data":{"a":1}})"), writeBy("one", "2026-01-02T00:00:00Z"));
  ASSERT_NE(live, later);
  EXPECT_EQ(keepTimes(live, later), live);
  Value changed = later;
  changed.edit("data").set("a", 2);
  EXPECT_EQ(keepTimes(live, changed), changed);
  const Value other =
      trackUpdate({}, json(R"({"data":{"a":1}})"), writeBy("two", "2026-01-02T00:00:00Z"));
  EXPECT_EQ(keepTimes(live, other), other);
}

std::string nest(int depth) {
  std::string out;
  for (int i = 0; i < depth; ++i) out += R"({"a":)";
  return out + "1" + std::string(static_cast<std::size_t>(depth), '}');
}

TEST(ManagedFields, OfDeepObjectsCanBeReadAgain) {
  const Value deep = json(nest(990));
  const Value tracked = trackUpdate({}, deep, writeBy("one"));
  EXPECT_EQ(text::parseJson(text::printJson(tracked)).value(), tracked);
  const auto applied = applyConfiguration(tracked, deep, writeBy("two"), false);
  ASSERT_TRUE(applied.has_value()) << applied.error().message;
  EXPECT_EQ((*applied)["metadata"]["managedFields"].size(), 2U);
  EXPECT_EQ(text::parseJson(text::printJson(*applied)).value(), *applied);
}

TEST(ApplyConfiguration, TwiceIsANoOp) {
  const Value config = json(R"({"apiVersion":"a/v1","kind":"K","data":{"a":1,"l":[1]}})");
  const Value once = applyConfiguration({}, config, writeBy("one"), false).value();
  EXPECT_EQ(applyConfiguration(once, config, writeBy("one", "2026-01-02T00:00:00Z"), false).value(),
            once);
}

TEST(ApplyConfiguration, RefusesEntriesOfTheClient) {
  const auto applied =
      applyConfiguration({}, json(R"({"metadata":{"managedFields":[]}})"), writeBy("one"), true);
  ASSERT_FALSE(applied.has_value());
  EXPECT_EQ(applied.error().message, "metadata.managedFields must be nil");
}

}  // namespace
}  // namespace iop::apiserver::schema
