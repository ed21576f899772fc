#include "apiserver/auth/authenticator.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "text/base64.h"

namespace iop::apiserver::auth {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;

Authorizer allowing(std::vector<Value> rules) {
  const Value role = Value::object({{"rules", Value::fromItems(rules)}});
  return Authorizer(
      {.clusterRoleBindings =
           [] {
             return std::vector<Value>{Value::object(
                 {{"metadata", Value::object({{"name", "b"}})},
                  {"roleRef", Value::object({{"kind", "ClusterRole"}, {"name", "r"}})},
                  {"subjects",
                   Value::array({Value::object({{"kind", "User"}, {"name", "ops"}})})}})};
           },
       .roleBindings = [](std::string_view) { return std::vector<Value>(); },
       .clusterRole = [role](std::string_view) { return role; },
       .role = [](std::string_view, std::string_view) { return Value(); }});
}

Value mayImpersonate(std::string_view resource, std::string_view group = "") {
  return Value::object({{"apiGroups", Value::array({group})},
                        {"resources", Value::array({resource})},
                        {"verbs", Value::array({"impersonate"})}});
}

using Headers = std::vector<std::pair<std::string, std::string>>;

TEST(Impersonate, NoHeadersMeanOneself) {
  const auto result = impersonate({.name = "ops"}, {{"Accept", "x"}}, allowing({}));
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->has_value());
}

TEST(Impersonate, EachPartIsAskedForWithTheRightsOfWhoAsks) {
  const auto act = [](std::vector<Value> rules, const Headers& headers) {
    return impersonate({.name = "ops"}, headers, allowing(std::move(rules)));
  };
  const auto joe = act({mayImpersonate("users")}, {{"Impersonate-User", "joe"}});
  ASSERT_TRUE(joe && *joe);
  EXPECT_EQ((*joe)->name, "joe");
  EXPECT_EQ((*joe)->groups, (std::vector<std::string>{"system:authenticated"}));

  const auto denied = act({}, {{"Impersonate-User", "joe"}});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().httpStatus, 403);
  EXPECT_EQ(denied.error().denied.resource, "users");
  EXPECT_EQ(denied.error().denied.name, "joe");

  const auto group = act({mayImpersonate("users")},
                         {{"Impersonate-User", "joe"}, {"Impersonate-Group", "admins"}});
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().denied.resource, "groups");

  const auto extra =
      act({mayImpersonate("users"), mayImpersonate("userextras/a/b", "authentication.k8s.io")},
          {{"impersonate-user", "joe"}, {"Impersonate-Extra-a%2fb", "x"}});
  ASSERT_TRUE(extra && *extra);
  EXPECT_EQ((*extra)->extra.at("a/b"), std::vector<std::string>{"x"});
}

TEST(Impersonate, AServiceAccountHasItsGroups) {
  const auto result =
      impersonate({.name = "ops"}, {{"Impersonate-User", "system:serviceaccount:shop:web"}},
                  allowing({mayImpersonate("serviceaccounts")}));
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->groups,
            (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:shop",
                                      "system:authenticated"}));
}

TEST(Impersonate, GroupsWithoutAUserAreABadRequest) {
  const auto result = impersonate({.name = "ops"}, {{"Impersonate-Group", "x"}}, allowing({}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().httpStatus, 400);
  EXPECT_EQ(result.error().message,
            "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"x\"}, "
            "Extra:map[string][]string(nil)} without impersonating a user name");
}

class TokensTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto identity = Identity::load("", {});
    ASSERT_TRUE(identity);
    auto made =
        Tokens::create(identity->tokenKeyPem, "https://issuer.example",
                       [this](std::string_view plural, std::string_view, std::string_view name,
                              std::string_view uid) {
                         return present.contains(std::string(plural) + "/" + std::string(name) +
                                                 "/" + std::string(uid));
                       });
    ASSERT_TRUE(made);
    tokens = std::move(*made);
    present = {"serviceaccounts/web/u1", "pods/p/u2"};
  }

  TokenRequest request{.namespaceName = "shop", .serviceAccount = "web", .serviceAccountUid = "u1"};
  std::set<std::string> present;
  std::unique_ptr<Tokens> tokens;
  system_clock::time_point now = system_clock::time_point(hours(500'000));
};

TEST_F(TokensTest, ATokenSaysWhoseItIs) {
  request.podName = "p";
  request.podUid = "u2";
  const auto checked = tokens->check(tokens->issue(request, now), {}, now);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->user.name, "system:serviceaccount:shop:web");
  EXPECT_EQ(checked->user.uid, "u1");
  EXPECT_EQ(checked->user.groups[1], "system:serviceaccounts:shop");
  EXPECT_EQ(checked->user.extra.at("authentication.kubernetes.io/pod-name"),
            std::vector<std::string>{"p"});
  EXPECT_EQ(checked->audiences, std::vector<std::string>{"https://issuer.example"});
}

TEST_F(TokensTest, ATokenEndsWithItsTimeItsAccountAndItsPod) {
  const std::string token = tokens->issue(request, now);
  EXPECT_FALSE(tokens->check(token, {}, now + hours(2)));
  EXPECT_FALSE(tokens->check(token, {}, now - hours(2)));
  request.podName = "p";
  request.podUid = "gone";
  EXPECT_FALSE(tokens->check(tokens->issue(request, now), {}, now));
  present.clear();
  EXPECT_FALSE(tokens->check(token, {}, now));
}

TEST_F(TokensTest, AudiencesAreKeptApart) {
  request.audiences = {"a", "b"};
  const std::string token = tokens->issue(request, now);
  EXPECT_FALSE(tokens->check(token, {}, now));
  EXPECT_FALSE(tokens->check(token, {"c"}, now));
  EXPECT_EQ(tokens->check(token, {"c", "b"}, now).value().audiences, std::vector<std::string>{"b"});
}

TEST_F(TokensTest, WhatSomebodyElseSignedIsNoToken) {
  const auto other = Identity::load("", {});
  const auto theirs = Tokens::create(other->tokenKeyPem, "https://issuer.example",
                                     [](auto, auto, auto, auto) { return true; });
  EXPECT_FALSE(tokens->check((*theirs)->issue(request, now), {}, now));
  std::string token = tokens->issue(request, now);
  const std::size_t dot = token.find('.');
  const std::string none = "eyJhbGciOiJub25lIn0" + token.substr(dot, token.rfind('.') + 1 - dot);
  for (const std::string& bad :
       {std::string(), std::string("a.b.c"), std::string("..."), none, token.substr(1),
        token.substr(0, token.size() - 4), std::string(100'000, 'x')})
    EXPECT_FALSE(tokens->check(bad, {}, now)) << bad.substr(0, 40);
}

TEST(IdentityTest, IsKeptInItsFolderForItsOwnerOnly) {
  std::string folder = ::testing::TempDir() + "identity-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string pki = folder + "/pki";
  const auto first = Identity::load(pki, {"dev.example"});
  ASSERT_TRUE(first) << first.error().message;
  const auto second = Identity::load(pki, {"dev.example"});
  ASSERT_TRUE(second);
  EXPECT_EQ(first->caCertificatePem, second->caCertificatePem);
  EXPECT_EQ(first->serverCertificatePem, second->serverCertificatePem);
  EXPECT_EQ(first->tokenKeyPem, second->tokenKeyPem);
  const auto third = Identity::load(pki, {"other.example"});
  ASSERT_TRUE(third);
  EXPECT_EQ(first->caKeyPem, third->caKeyPem);
  EXPECT_NE(first->serverCertificatePem, third->serverCertificatePem) << "it lacked a name";
  for (const auto& file : std::filesystem::directory_iterator(pki)) {
    struct stat status {};
    ASSERT_EQ(stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << file.path();
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace iop::apiserver::auth
