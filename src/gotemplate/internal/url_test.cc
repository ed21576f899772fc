#include "gotemplate/internal/url.h"

#include <gtest/gtest.h>

namespace iop::gotemplate::internal {
namespace {

// scheme|opaque|userinfo|host|hostname|path|query|fragment
std::string show(const UrlParts& parts) {
  return parts.scheme + "|" + parts.opaque + "|" + parts.userinfo + "|" + parts.host + "|" +
         parts.hostname + "|" + parts.path + "|" + parts.query + "|" + parts.fragment;
}

TEST(UrlTest, ReadsAndPrintsUrls) {
  const struct {
    const char* text;
    const char* parts;
    const char* printed;
  } cases[] = {
      {"http://admin:secret@server.com:8080/api?list=false#anchor",
       "http||admin:secret|server.com:8080|server.com|/api|list=false|anchor",
       "http://admin:secret@server.com:8080/api?list=false#anchor"},
      {"http://host/a%20b?c%20d#e%20f", "http|||host|host|/a b|c%20d|e f",
       "http://host/a%20b?c%20d#e%20f"},
      {"http://host/é?é=é#é", "http|||host|host|/é|é=é|é", "http://host/%C3%A9?é=é#%C3%A9"},
      {"http://[fe80::1%25en0]:80/", "http|||[fe80::1%en0]:80|fe80::1%en0|/||",
       "http://[fe80::1%25en0]:80/"},
      {"mailto:a@b", "mailto|a@b||||||", "mailto:a@b"},
      {"a:b:c", "a|b:c||||||", "a:b:c"},
      {"//host/p", "|||host|host|/p||", "//host/p"},
      {"/p", "|||||/p||", "/p"},
      {"*", "|||||*||", "*"},
      {"", "|||||||", ""},
      {"http://h?", "http|||h|h|||", "http://h?"},
      {"http://h#", "http|||h|h|||", "http://h"},
      {"file:///etc/passwd", "file|||||/etc/passwd||", "file:///etc/passwd"},
      {"file:/etc", "file|||||/etc||", "file:/etc"},
      {"http://us%3Aer:p%40w@host/", "http||us%3Aer:p%40w|host|host|/||",
       "http://us%3Aer:p%40w@host/"},
      {"http://:pw@host/", "http||:pw|host|host|/||", "http://:pw@host/"},
      {"http://host/a%2Fb", "http|||host|host|/a/b||", "http://host/a%2Fb"},
      {"HTTP://Host", "http|||Host|Host|||", "http://Host"},
      {"postgres://a:1:2/", "postgres|||a:1:2|a:1|/||", "postgres://a:1:2/"},
      {"#f", "|||||||f", "#f"},
      {"?q", "||||||q|", "?q"},
      {"http://h/p;x,y", "http|||h|h|/p;x,y||", "http://h/p;x,y"},
      {"///a", "|||||///a||", "///a"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(show(splitUrl(c.text).value()), c.parts);
    EXPECT_EQ(printUrl(parseUrl(c.text).value()), c.printed);
  }
}

TEST(UrlTest, RefusesMalformedUrls) {
  const struct {
    const char* text;
    const char* error;
  } cases[] = {
      {"http://a b/", "parse \"http://a b/\": invalid character \" \" in host name"},
      {"1http://x", "parse \"1http://x\": first path segment in URL cannot contain colon"},
      {":x", "parse \":x\": missing protocol scheme"},
      {"http://host/%zz", "parse \"http://host/%zz\": invalid URL escape \"%zz\""},
      {"http://us er@h/", "parse \"http://us er@h/\": net/url: invalid userinfo"},
      {"http://h/\x7f", "parse \"http://h/\\x7f\": net/url: invalid control character in URL"},
      {"http://%41/", "parse \"http://%41/\": invalid URL escape \"%41\""},
      {"http://h:0x1/", "parse \"http://h:0x1/\": invalid port \":0x1\" after host"},
      {"http://[::1", "parse \"http://[::1\": missing ']' in host"},
      {"http://[::1]a", "parse \"http://[::1]a\": invalid port \"a\" after host"},
      {"http://a[::1]", "parse \"http://a[::1]\": invalid IP-literal"},
      {"http://[1.2.3.4]/", "parse \"http://[1.2.3.4]/\": invalid IP-literal"},
      {"http://a:1:2/", "parse \"http://a:1:2/\": invalid port \":1:2\" after host"},
      {"http://h/#%zz", "parse \"http://h/#%zz\": invalid URL escape \"%zz\""},
      {"http://h/%", "parse \"http://h/%\": invalid URL escape \"%\""},
      {"http://[::1%25]/",
       "parse \"http://[::1%25]/\": invalid host: ParseAddr(\"::1%\"): zone must be a non-empty "
       "string"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(parseUrl(c.text).error().message, c.error);
    EXPECT_EQ(splitUrl(c.text).error().message, std::string("unable to parse url: ") + c.error);
  }
}

TEST(UrlTest, JoinsParts) {
  const auto join = [](UrlParts parts) { return joinUrl(parts).value(); };
  {
    UrlParts parts;
    parts.scheme = "http";
    parts.host = "h";
    parts.path = "p";
    EXPECT_EQ(join(parts), "http://h/p");
  }
  {
    UrlParts parts;
    parts.host = "h";
    EXPECT_EQ(join(parts), "//h");
  }
  {
    UrlParts parts;
    parts.path = "/a b";
    EXPECT_EQ(join(parts), "/a%20b");
  }
  {
    UrlParts parts;
    parts.scheme = "s";
    parts.userinfo = "u";
    EXPECT_EQ(join(parts), "s://u@");
  }
  {
    UrlParts parts;
    parts.scheme = "http";
    parts.host = "h";
    parts.path = "/é?#%";
    EXPECT_EQ(join(parts), "http://h/%C3%A9%3F%23%25");
  }
  {
    UrlParts parts;
    parts.scheme = "http";
    parts.host = "h";
    parts.query = "a b&c";
    EXPECT_EQ(join(parts), "http://h?a b&c");
  }
  {
    UrlParts parts;
    parts.fragment = "a b#c";
    EXPECT_EQ(join(parts), "#a%20b%23c");
  }
  {
    UrlParts parts;
    parts.scheme = "http";
    parts.host = "a b";
    EXPECT_EQ(join(parts), "http://a%20b");
  }
  {
    UrlParts parts;
    parts.path = "*";
    EXPECT_EQ(join(parts), "*");
  }
  {
    UrlParts parts;
    parts.path = "a:b/c";
    EXPECT_EQ(join(parts), "./a:b/c");
  }
  {
    UrlParts parts;
    parts.scheme = "s";
    parts.opaque = "o";
    parts.path = "p";
    EXPECT_EQ(join(parts), "s:o");
  }
  {
    UrlParts parts;
    parts.host = "h";
    parts.userinfo = "u:p%20w";
    EXPECT_EQ(join(parts), "//u:p%20w@h");
  }
  {
    UrlParts parts;
    EXPECT_EQ(join(parts), "");
  }
  UrlParts parts;
  parts.userinfo = "a b";
  EXPECT_EQ(
      joinUrl(parts).error().message,
      "unable to parse userinfo in dict: parse \"proto://a b@host\": net/url: invalid userinfo");
}

TEST(UrlTest, PathsAreLexical) {
  const struct {
    const char* path;
    const char* clean;
    const char* base;
    const char* dir;
    const char* extension;
  } cases[] = {
      {"", ".", ".", ".", ""},
      {"/", "/", "/", "/", ""},
      {"a", "a", "a", ".", ""},
      {"/a/b.txt", "/a/b.txt", "b.txt", "/a", ".txt"},
      {"a//b/../c/", "a/c", "c", "a/c", ""},
      {"..", "..", "..", ".", "."},
      {"/..", "/", "..", "/", "."},
      {"../../a", "../../a", "a", "../..", ""},
      {"./.bashrc", ".bashrc", ".bashrc", ".", ".bashrc"},
      {"a/..", ".", "..", "a", "."},
      {"/a/./b//", "/a/b", "b", "/a/b", ""},
      {"a.b/c", "a.b/c", "c", "a.b", ""},
      {"a.tar.gz", "a.tar.gz", "a.tar.gz", ".", ".gz"},
      {"//", "/", "/", "/", ""},
      {"a/../..", "..", "..", ".", "."},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(cleanPath(c.path), c.clean) << c.path;
    EXPECT_EQ(basePath(c.path), c.base) << c.path;
    EXPECT_EQ(dirPath(c.path), c.dir) << c.path;
    EXPECT_EQ(extensionOf(c.path), c.extension) << c.path;
  }
  EXPECT_TRUE(isAbsolutePath("/a"));
  EXPECT_FALSE(isAbsolutePath("a"));
}

}  // namespace
}  // namespace iop::gotemplate::internal
