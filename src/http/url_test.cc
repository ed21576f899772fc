#include "http/url.h"

#include <gtest/gtest.h>

#include "http/internal/proxy.h"

namespace iop::http {
namespace {

TEST(Url, IsParsedIntoItsPartsAndPrintedAgain) {
  struct Case {
    const char* name;
    const char* text;
    Url url;
  };
  const Case cases[] = {
      {"host only", "https://example.com", {.scheme = "https", .host = "example.com"}},
      {"port and path",
       "https://rancher:6443/k8s/c-1",
       {.scheme = "https", .host = "rancher", .port = 6443, .path = "/k8s/c-1"}},
      {"IPv6", "http://[::1]:80/", {.scheme = "http", .host = "::1", .port = 80, .path = "/"}},
      {"query and fragment",
       "http://h/p?a=b&c#d?e",
       {.scheme = "http", .host = "h", .path = "/p", .query = "a=b&c", .fragment = "d?e"}},
      {"query without path", "http://h?a", {.scheme = "http", .host = "h", .query = "a"}},
      {"user",
       "socks5://me:p@ss@proxy:1080",
       {.scheme = "socks5", .userInfo = "me:p@ss", .host = "proxy", .port = 1080}},
      {"escapes stay", "http://h/a%2Fb", {.scheme = "http", .host = "h", .path = "/a%2Fb"}},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Result<Url> url = parseUrl(test.text);
    ASSERT_TRUE(url.has_value()) << url.error().message;
    EXPECT_EQ(*url, test.url);
    EXPECT_EQ(printUrl(*url), test.text);
  }
}

TEST(Url, HasSchemeAndHostInLowerCaseAndNoEmptyPort) {
  EXPECT_EQ(printUrl(parseUrl("HTTPS://Example.COM:/Path").value()), "https://example.com/Path");
}

TEST(Url, IsRefusedWithAReasonThatShowsNoPassword) {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"", "url '': no scheme, such as https://"},
      {"localhost:8080", "url 'localhost:8080': no scheme, such as https://"},
      {"://h", "url '://h': no scheme, such as https://"},
      {"http://", "url 'http://': no host"},
      {"http:///path", "url 'http:///path': no host"},
      {"http://:80", "url 'http://:80': no host"},
      {"http://h:x", "url 'http://h:x': invalid port"},
      {"http://h:0", "url 'http://h:0': invalid port"},
      {"http://h:65536", "url 'http://h:65536': invalid port"},
      {"http://::1/", "url 'http://::1/': no host"},
      {"http://[::1", "url 'http://[::1': missing ']' in host"},
      {"http://[::1]x", "url 'http://[::1]x': unexpected text after the host"},
      {"http://h/a b", "url 'http://h/a b': space or control character"},
      {"http://h/\r\nX: y", "url 'http://h/\r\nX: y': space or control character"},
      {"http://a<b>/", "url 'http://a<b>/': invalid host"},
      {"http://me:secret@h:x/", "url 'http://h:x/': invalid port"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.text);
    const Result<Url> url = parseUrl(test.text);
    ASSERT_FALSE(url.has_value());
    EXPECT_EQ(url.error().code, Code::BadRequest);
    EXPECT_EQ(url.error().message, test.message);
  }
}

TEST(Url, ComparesOriginsWithTheirDefaultPorts) {
  const auto haveSameOrigin = [](const char* a, const char* b) {
    return parseUrl(a).value().hasSameOrigin(parseUrl(b).value());
  };
  EXPECT_TRUE(haveSameOrigin("https://h/a", "https://H:443/b"));
  EXPECT_TRUE(haveSameOrigin("http://h", "http://h:80"));
  EXPECT_FALSE(haveSameOrigin("http://h", "https://h"));
  EXPECT_FALSE(haveSameOrigin("http://h", "http://h:8080"));
  EXPECT_FALSE(haveSameOrigin("http://h", "http://i"));
}

TEST(Url, EscapesSegmentsAndQueries) {
  EXPECT_EQ(escapePathSegment("a/b c:@%\xC3\xA4"), "a%2Fb%20c:@%25%C3%A4");
  EXPECT_EQ(escapeQuery("app=web,tier in (a,b)"), "app%3Dweb%2Ctier%20in%20%28a%2Cb%29");
  EXPECT_EQ(unescape("a%2fb%20c%zz%4"), "a/b c%zz%4");
  std::string url = "/pods";
  appendQuery(url, "a", "1&2");
  appendQuery(url, "b", "");
  EXPECT_EQ(url, "/pods?a=1%262&b=");
}

TEST(Proxy, IsChosenFromTheEnvironmentAsGoProgramsDo) {
  struct Case {
    const char* name;
    const char* url;
    const char* noProxy;
    const char* expected;
  };
  const internal::ProxyEnvironment proxies{.httpProxy = "plain:3128",
                                           .httpsProxy = "http://tls:3129"};
  const Case cases[] = {
      {"https has its own", "https://example.com", "", "http://tls:3129"},
      {"a scheme is added", "http://example.com", "", "http://plain:3128"},
      {"this machine needs none", "http://localhost:80", "", ""},
      {"nor does a loopback address", "https://127.3.2.1", "", ""},
      {"nor the one of IPv6", "https://[::1]:6443", "", ""},
      {"a star is everything", "https://example.com", "*", ""},
      {"a domain is excepted", "https://example.com", "other, example.com", ""},
      {"with its subdomains", "https://a.example.com", "example.com", ""},
      {"but not what only ends like it", "https://anexample.com", "example.com", "http://tls:3129"},
      {"with a dot only the subdomains", "https://example.com", ".example.com", "http://tls:3129"},
      {"a dot excepts subdomains", "https://a.example.com", ".example.com", ""},
      {"case does not matter", "https://a.example.com", "EXAMPLE.com", ""},
      {"a wildcard is a dot", "https://a.example.com", "*.example.com", ""},
      {"an address", "https://10.1.2.3", "10.1.2.3", ""},
      {"another address", "https://10.1.2.4", "10.1.2.3", "http://tls:3129"},
      {"a block", "https://10.1.2.3:6443", "10.0.0.0/8", ""},
      {"a block with odd bits", "https://10.127.2.3", "10.64.0.0/10", ""},
      {"outside of the block", "https://10.128.2.3", "10.64.0.0/10", "http://tls:3129"},
      {"a block of IPv6", "https://[fd00::1]", "fd00::/8", ""},
      {"a name is in no block", "https://kubernetes", "0.0.0.0/0", "http://tls:3129"},
      {"a port that fits", "https://example.com:6443", "example.com:6443", ""},
      {"a port that does not", "https://example.com", "example.com:6443", "http://tls:3129"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    internal::ProxyEnvironment environment = proxies;
    environment.noProxy = test.noProxy;
    EXPECT_EQ(internal::proxyFor(parseUrl(test.url).value(), environment), test.expected);
  }
}

TEST(Proxy, IsNoneWhereTheEnvironmentNamesNone) {
  EXPECT_EQ(internal::proxyFor(parseUrl("https://example.com").value(), {}), "");
}

}  // namespace
}  // namespace iop::http
