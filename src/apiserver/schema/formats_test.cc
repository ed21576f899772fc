#include "apiserver/schema/recorded_test.h"
#include "apiserver/schema/validations.h"

namespace iop::apiserver::schema {
namespace {

TEST(Formats, AcceptWhatTheServerAccepts) {
  const Value formats = recorded::read("formats.json");
  ASSERT_GT(formats.size(), 20U);
  for (const Member& format : formats.members()) {
    const FormatCheck check = findFormat(format.key());
    ASSERT_NE(check, nullptr) << format.key();
    for (const Value& text : format.value["valid"].items())
      EXPECT_TRUE(check(text.asString())) << format.key() << " \"" << text.asString() << '"';
    for (const Value& text : format.value["invalid"].items())
      EXPECT_FALSE(check(text.asString())) << format.key() << " \"" << text.asString() << '"';
  }
}

TEST(Formats, WhatTheServerDoesNotKnowIsNoFormat) {
  for (const char* name : {"", "binary", "int-or-string", "regex", "ip", "DATE"})
    EXPECT_EQ(findFormat(name), nullptr) << name;
}

}  // namespace
}  // namespace iop::apiserver::schema
