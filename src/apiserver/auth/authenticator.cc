#include "apiserver/auth/authenticator.h"

#include <algorithm>
#include <cctype>

namespace iop::apiserver::auth {
namespace {

constexpr std::string_view kAuthenticated = "system:authenticated";
constexpr std::string_view kUnauthenticated = "system:unauthenticated";
constexpr std::string_view kAnonymous = "system:anonymous";
constexpr std::string_view kAccountPrefix = "system:serviceaccount:";
// Each header is a question to the authorizer.
constexpr std::size_t kMaxHeaders = 256;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return out;
}

int hexOf(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return -1;
}

// "%2f" is a slash; what is no escape stays.
std::string unescapeKey(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hexOf(text[i + 1]) : -1;
    const int low = high >= 0 ? hexOf(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// Go's %#v of a []string.
std::string goStrings(const std::vector<std::string>& texts) {
  if (texts.empty()) return "[]string(nil)";
  std::string out = "[]string{";
  for (std::size_t i = 0; i < texts.size(); ++i) out += (i > 0 ? ", \"" : "\"") + texts[i] + "\"";
  return out + "}";
}

std::string goExtra(const std::map<std::string, std::vector<std::string>>& extra) {
  if (extra.empty()) return "map[string][]string(nil)";
  std::string out = "map[string][]string{";
  bool first = true;
  for (const auto& [key, values] : extra) {
    out += (first ? "\"" : ", \"") + key + "\":" + goStrings(values);
    first = false;
  }
  return out + "}";
}

struct AccountName {
  std::string namespaceName, name;
};

std::optional<AccountName> parseAccount(std::string_view user) {
  if (!user.starts_with(kAccountPrefix)) return std::nullopt;
  const std::string_view rest = user.substr(kAccountPrefix.size());
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos || rest.find(':', colon + 1) != std::string_view::npos ||
      colon == 0 || colon + 1 == rest.size())
    return std::nullopt;
  return AccountName{std::string(rest.substr(0, colon)), std::string(rest.substr(colon + 1))};
}

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

User userOfCertificate(std::string_view commonName, const std::vector<std::string>& organizations) {
  User user{.name = std::string(commonName), .groups = organizations};
  user.groups.emplace_back(kAuthenticated);
  return user;
}

User anonymous() {
  return {.name = std::string(kAnonymous), .groups = {std::string(kUnauthenticated)}};
}

tl::expected<std::optional<User>, ImpersonationFailure> impersonate(
    const User& user, const std::vector<std::pair<std::string, std::string>>& headers,
    const Authorizer& authorizer) {
  User wanted;
  std::size_t count = 0;
  constexpr std::string_view kPrefix = "impersonate-", kExtra = "impersonate-extra-";
  for (const auto& [name, value] : headers) {
    const std::string key = lower(name);
    if (!key.starts_with(kPrefix)) continue;
    if (++count > kMaxHeaders)
      return tl::unexpected(ImpersonationFailure{400, "too many impersonation headers", {}});
    if (key == "impersonate-user") {
      wanted.name = value;
    } else if (key == "impersonate-group") {
      wanted.groups.push_back(value);
    } else if (key == "impersonate-uid") {
      wanted.uid = value;
    } else if (key.starts_with(kExtra)) {
      wanted.extra[unescapeKey(key.substr(kExtra.size()))].push_back(value);
    }
  }
  if (wanted.name.empty() && wanted.groups.empty() && wanted.uid.empty() && wanted.extra.empty())
    return std::optional<User>();
  if (wanted.name.empty()) {
    return tl::unexpected(ImpersonationFailure{
        400,
        "requested &user.DefaultInfo{Name:\"\", UID:\"" + wanted.uid +
            "\", Groups:" + goStrings(wanted.groups) + ", Extra:" + goExtra(wanted.extra) +
            "} without impersonating a user name",
        {}});
  }
  const auto denied = [&](Attributes asked) -> std::optional<ImpersonationFailure> {
    asked.user = user;
    asked.verb = "impersonate";
    Decision decision = authorizer.authorize(asked);
    if (decision.allowed) return std::nullopt;
    return ImpersonationFailure{403, std::move(decision.reason), std::move(asked)};
  };
  const auto account = parseAccount(wanted.name);
  if (auto failure = account ? denied({.user = {},
                                       .verb = {},
                                       .version = "v1",
                                       .resource = "serviceaccounts",
                                       .namespaceName = account->namespaceName,
                                       .name = account->name})
                             : denied({.user = {},
                                       .verb = {},
                                       .version = "v1",
                                       .resource = "users",
                                       .name = wanted.name}))
    return tl::unexpected(std::move(*failure));
  for (const std::string& group : wanted.groups) {
    if (auto failure =
            denied({.user = {}, .verb = {}, .version = "v1", .resource = "groups", .name = group}))
      return tl::unexpected(std::move(*failure));
  }
  for (const auto& [key, values] : wanted.extra) {
    for (const std::string& value : values) {
      if (auto failure = denied({.user = {},
                                 .verb = {},
                                 .group = "authentication.k8s.io",
                                 .version = "v1",
                                 .resource = "userextras",
                                 .subresource = key,
                                 .name = value}))
        return tl::unexpected(std::move(*failure));
    }
  }
  if (!wanted.uid.empty()) {
    if (auto failure = denied({.user = {},
                               .verb = {},
                               .group = "authentication.k8s.io",
                               .version = "v1",
                               .resource = "uids",
                               .name = wanted.uid}))
      return tl::unexpected(std::move(*failure));
  }
  if (account && wanted.groups.empty()) {
    wanted.groups = {"system:serviceaccounts", "system:serviceaccounts:" + account->namespaceName};
  }
  if (wanted.name == kAnonymous) {
    if (!has(wanted.groups, kUnauthenticated)) wanted.groups.emplace_back(kUnauthenticated);
  } else if (!has(wanted.groups, kAuthenticated) && !has(wanted.groups, kUnauthenticated)) {
    wanted.groups.emplace_back(kAuthenticated);
  }
  return std::optional<User>(std::move(wanted));
}

}  // namespace iop::apiserver::auth
