#include "apiserver/kinds/protobuf.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "text/diff.h"
#include "text/json.h"

namespace iop::apiserver::kinds {
namespace {

std::string fromHex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

std::string varint(std::size_t number) {
  std::string out;
  for (; number >= 0x80; number >>= 7) out += static_cast<char>((number & 0x7F) | 0x80);
  return out + static_cast<char>(number);
}

// A field that has a length.
std::string field(unsigned number, std::string_view content) {
  return varint(number << 3 | 2) + varint(content.size()) + std::string(content);
}

std::string envelope(std::string_view apiVersion, std::string_view kind, std::string_view raw) {
  return std::string("k8s\0", 4) + field(1, field(1, apiVersion) + field(2, kind)) + field(2, raw) +
         field(3, "") + field(4, "");
}

std::string errorOf(std::string_view body) {
  const Result<Value> parsed = parseProtobuf(body);
  if (parsed) return "no error: " + text::printJson(*parsed);
  EXPECT_EQ(parsed.error().code, Code::BadRequest);
  return parsed.error().message;
}

std::string jsonOf(std::string_view body) {
  const Result<Value> parsed = parseProtobuf(body);
  return parsed ? text::printJson(*parsed) : "error: " + parsed.error().message;
}

// testdata/protobuf_bodies.txt: three lines each, a title, the body in hexadecimal, and the JSON
// that Go's types make of it. The first ones are what kubectl 1.37.2 sends, with the JSON of
// --dry-run=client; the others are filled with random values by k8s.io/apimachinery v0.37.2.
TEST(ParseProtobuf, ReadsBodiesOfKubectlAndOfEveryKindAsTheirJson) {
  std::ifstream file(std::string(IOP_SOURCE_DIR) +
                     "/src/apiserver/kinds/testdata/protobuf_bodies.txt");
  std::string title, hex, json;
  int count = 0;
  while (std::getline(file, title) && std::getline(file, hex) && std::getline(file, json)) {
    SCOPED_TRACE(title);
    ++count;
    const Value expected = text::parseJson(json).value();
    const std::string body = fromHex(hex);
    EXPECT_TRUE(isProtobuf(body));
    const Result<Value> parsed = parseProtobuf(body);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, expected) << text::diffAsYaml(expected, *parsed);
  }
  EXPECT_EQ(count, 80);
}

TEST(ParseProtobuf, TellsItsEnvelopeFromOtherBodies) {
  EXPECT_TRUE(isProtobuf(std::string_view("k8s\0\x0a", 5)));
  EXPECT_FALSE(isProtobuf("k8s"));
  EXPECT_FALSE(isProtobuf(R"({"kind":"Pod"})"));
  EXPECT_EQ(errorOf("{}"),
            "provided data does not appear to be a protobuf message, expected prefix "
            "[107 56 115 0]");
  EXPECT_EQ(errorOf(std::string_view("k8s\0", 4)), "empty body");
}

TEST(ParseProtobuf, KnowsTheOptionsOfDeletionUnderEveryGroup) {
  const std::string options = field(4, "Foreground") + field(2, field(1, "some-uid"));
  for (const std::string_view apiVersion : {"v1", "apps/v1", "batch/v1"}) {
    EXPECT_EQ(jsonOf(envelope(apiVersion, "DeleteOptions", options)),
              R"({"apiVersion":")" + std::string(apiVersion) +
                  R"(","kind":"DeleteOptions","preconditions":{"uid":"some-uid"},)"
                  R"("propagationPolicy":"Foreground"})");
  }
}

TEST(ParseProtobuf, TakesFieldsInAnyOrderAndPassesOverUnknownOnes) {
  const std::string unknown = field(99, "x") + "\xa0\x06\x05" +
                              std::string(
                                  "\xa5\x06"
                                  "1234");
  EXPECT_EQ(jsonOf(envelope("v1", "ConfigMap",
                            unknown + field(2, field(2, "1") + field(1, "b")) +
                                field(1, field(3, "app") + field(1, "x")) +
                                field(2, field(1, "a")) + unknown)),
            R"({"apiVersion":"v1","data":{"a":"","b":"1"},"kind":"ConfigMap",)"
            R"("metadata":{"name":"x","namespace":"app"}})");
}

TEST(ParseProtobuf, OfAScalarOrAKeyThatComesTwiceTheLastOneStays) {
  EXPECT_EQ(jsonOf(envelope("v1", "ConfigMap",
                            field(1, field(1, "x") + field(1, "y")) +
                                field(2, field(1, "a") + field(2, "1")) +
                                field(2, field(1, "a") + field(2, "2")))),
            R"({"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"y"}})");
}

TEST(ParseProtobuf, ReadsPackedAndNegativeNumbers) {
  // PodSecurityContext.supplementalGroups (4) packed; runAsUser (2) is -1.
  const std::string security =
      field(4, "\x01\xac\x02") + std::string("\x10") + std::string(9, '\xff') + std::string("\x01");
  EXPECT_EQ(text::printJson(parseProtobuf(envelope("v1", "Pod", field(2, field(14, security))))
                                .value()["spec"]["securityContext"]),
            R"({"runAsUser":-1,"supplementalGroups":[1,300]})");
}

TEST(ParseProtobuf, TimesAreUtcAndNullWhenTheyAreZero) {
  const auto lease = [](std::string_view time) {
    return text::printJson(
        parseProtobuf(envelope("coordination.k8s.io/v1", "Lease", field(2, field(4, time))))
            .value()["spec"]);
  };
  EXPECT_EQ(lease(""), R"({"renewTime":null})");
  EXPECT_EQ(lease(std::string("\x08\x00\x10\x00", 4)),
            R"({"renewTime":"1970-01-01T00:00:00.000000Z"})");
  EXPECT_EQ(lease("\x08\x01\x10\xe8\x07"), R"({"renewTime":"1970-01-01T00:00:01.000001Z"})");
  EXPECT_EQ(errorOf(envelope("coordination.k8s.io/v1", "Lease",
                             field(2, field(4, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f")))),
            "Time.MarshalJSON: year outside of range [0,9999]");
}

TEST(ParseProtobuf, ItemsOfAListMayBeJsonOrEnvelopes) {
  EXPECT_EQ(jsonOf(envelope("v1", "List",
                            field(2, field(1, R"({"kind":"A"})")) +
                                field(2, field(1, envelope("v1", "Secret", field(3, "t")))))),
            R"({"apiVersion":"v1","items":[{"kind":"A"},)"
            R"({"apiVersion":"v1","kind":"Secret","metadata":{},"type":"t"}],)"
            R"("kind":"List","metadata":{}})");
}

TEST(ParseProtobuf, RefusesWhatIsNoMessage) {
  const auto configMap = [](std::string_view raw) {
    return errorOf(envelope("v1", "ConfigMap", raw));
  };
  EXPECT_EQ(configMap("\x0a\x0a\x0a\x02xy"), "unexpected EOF");
  EXPECT_EQ(configMap("\x0a"), "unexpected EOF");
  EXPECT_EQ(configMap("\x08\x01"), "proto: wrong wireType = 0 for field metadata");
  EXPECT_EQ(configMap(std::string_view("\x00\x01", 2)),
            "proto: ConfigMap: illegal tag 0 (wire type 0)");
  EXPECT_EQ(configMap("\x0b\x0c"), "proto: illegal wireType 3");
  EXPECT_EQ(configMap("\x0c"), "proto: ConfigMap: wiretype end group for non-group");
  EXPECT_EQ(configMap(std::string(13, '\xff')), "proto: integer overflow");
  EXPECT_EQ(configMap(field(1, "") + field(1, "")),
            "proto: message field metadata appears more than once");
  EXPECT_EQ(errorOf(envelope("apps/v1", "ControllerRevision", field(2, field(1, "{")))),
            "unexpected end of JSON input");
  EXPECT_EQ(errorOf(envelope("v1", "Service", field(2, field(1, field(4, "\x08\x02"))))),
            "impossible IntOrString.Type");
}

TEST(ParseProtobuf, RefusesKindsThatItDoesNotKnow) {
  EXPECT_EQ(errorOf(envelope("v1", "Widget", "")),
            "no kind \"Widget\" is registered for version \"v1\"");
  EXPECT_EQ(errorOf(envelope("apps/v1", "Pod", "")),
            "no kind \"Pod\" is registered for version \"apps/v1\"");
  EXPECT_EQ(errorOf(envelope("v1", "", "")), "Object 'Kind' is missing in 'protobuf'");
  EXPECT_EQ(errorOf(envelope("", "Pod", "")), "Object 'apiVersion' is missing in 'protobuf'");
}

TEST(ParseProtobuf, BoundsTheDepthOfMessagesAndOfTheJsonInThem) {
  const auto crd = [](std::string_view schema) {
    return envelope("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                    field(2, field(7, field(4, field(1, schema)))));
  };
  const auto nested = [](int levels, std::string inner) {
    for (int i = 0; i < levels; ++i) inner = field(28, inner);  // not
    return inner;
  };
  // The schema stands at depth 6, its default one deeper.
  EXPECT_TRUE(parseProtobuf(crd(nested(994, field(5, "object")))));
  EXPECT_EQ(errorOf(crd(nested(995, field(5, "object")))), "exceeded max depth");
  EXPECT_EQ(errorOf(crd(nested(2'000, field(5, "object")))), "exceeded max depth");
  EXPECT_TRUE(parseProtobuf(crd(nested(992, field(8, field(1, "[[]]"))))));
  EXPECT_EQ(errorOf(crd(nested(992, field(8, field(1, "[[[]]]"))))), "exceeded max depth");

  std::string list = envelope("v1", "List", "");
  for (int i = 0; i < 600; ++i) list = envelope("v1", "List", field(2, field(1, list)));
  EXPECT_EQ(errorOf(list), "exceeded max depth");
}

}  // namespace
}  // namespace iop::apiserver::kinds
