#pragma once

// URLs as Go's package net/url reads and prints them, and slash-separated paths as its package path
// does.
//
//   ASSIGN_OR_RETURN(Url url,
//   parseUrl("http://admin:secret@server.com:8080/api?list=false#anchor")); url.host //
//   server.com:8080 printUrl(url)                              // the same text
//   cleanPath("a/../b//c")                     // b/c
//
// Values without hidden state; safe on any thread. The error texts are Go's: `parse "::": missing
// protocol scheme`.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace iop::gotemplate::internal {

struct UserInfo {
  std::string name;                     // decoded
  std::optional<std::string> password;  // decoded

  friend bool operator==(const UserInfo&, const UserInfo&) = default;
};

struct Url {
  std::string scheme;  // lower case
  std::string opaque;  // encoded
  std::optional<UserInfo> user;
  std::string host;          // host or host:port
  std::string path;          // decoded
  std::string rawPath;       // as written, where that differs from the usual encoding of `path`
  bool omitsHost = false;    // scheme:/path: no "//" for an empty host
  bool forcesQuery = false;  // a "?" though the query is empty
  std::string rawQuery;      // encoded, without "?"
  std::string fragment;      // decoded, without "#"
  std::string rawFragment;   // as written, where that differs from the usual encoding of `fragment`
};

Result<Url> parseUrl(std::string_view text);
std::string printUrl(const Url& url);
// The host without its port and without the brackets of an IPv6 address.
std::string_view hostnameOf(const Url& url);
// name or name:password, encoded.
std::string printUserInfo(const UserInfo& user);

// The parts as the functions urlParse and urlJoin of sprig show them.
struct UrlParts {
  std::string scheme;
  std::string host;
  std::string hostname;  // not read by joinUrl
  std::string path;
  std::string query;
  std::string opaque;
  std::string fragment;
  std::string userinfo;
};
// Error: `unable to parse url: parse "x": …`.
Result<UrlParts> splitUrl(std::string_view text);
// Error: `unable to parse userinfo in dict: parse "proto://x@host": …`.
Result<std::string> joinUrl(const UrlParts& parts);

// Package path: lexical, slashes only.
std::string cleanPath(std::string_view path);
std::string basePath(std::string_view path);
std::string dirPath(std::string_view path);
std::string_view extensionOf(std::string_view path);
inline bool isAbsolutePath(std::string_view path) { return path.starts_with('/'); }

}  // namespace iop::gotemplate::internal
