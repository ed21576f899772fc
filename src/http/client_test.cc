#include "http/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <future>
#include <thread>

#include "testing/certificates.h"
#include "testing/process.h"
#include "testing/scripted_server.h"

namespace iop::http {
namespace {

using std::chrono::milliseconds;
using testing::CertificateAuthority;
using testing::KeyPair;
using testing::ScriptedConnection;
using testing::ScriptedRequest;
using testing::ScriptedServer;

const bool kGoOn = true;

void answerOk(const ScriptedRequest&, ScriptedConnection& connection) {
  connection.answer(200, {}, "ok");
}

// Listens without ever accepting; once its queue is full, connections neither stand nor fail.
class DeafServer {
 public:
  DeafServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    ASSERT(bind(listener_, reinterpret_cast<sockaddr*>(&address_), size) == 0);
    ASSERT(listen(listener_, 0) == 0);
    ASSERT(getsockname(listener_, reinterpret_cast<sockaddr*>(&address_), &size) == 0);
    for (int& fd : fillers_) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      static_cast<void>(connect(fd, reinterpret_cast<sockaddr*>(&address_), size));
    }
  }
  ~DeafServer() {
    for (const int fd : fillers_) close(fd);
    close(listener_);
  }
  DeafServer(const DeafServer&) = delete;
  DeafServer& operator=(const DeafServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

 private:
  int listener_;
  sockaddr_in address_{};
  int fillers_[4];
};

std::string compress(std::string_view text) {
  constexpr int kGzip = 15 + 16;
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheAnswer) {
  ScriptedRequest seen;
  ScriptedServer server([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    seen = request;
    connection.answer(201, {{"X-Some", " thing "}, {"Warning", "a"}, {"warning", "b"}}, "body");
  });
  Client client({.proxy = ""});
  const Result<Response> answer = client.send({.method = "PATCH",
                                               .url = server.url() + "/a%2Fb?c=d",
                                               .headers = {{"X-Mine", "1"}, {"X-Empty", ""}},
                                               .body = "{}"});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "body");
  EXPECT_EQ(answer->header("x-some"), "thing");
  EXPECT_EQ(std::count_if(answer->headers.begin(), answer->headers.end(),
                          [](const auto& header) { return header.first == "warning"; }),
            2);
  EXPECT_EQ(answer->header("absent"), std::nullopt);
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, "/a%2Fb?c=d");
  EXPECT_EQ(seen.header("x-mine"), "1");
  EXPECT_EQ(seen.body, "{}");
  for (const auto& [name, value] : seen.headers) {
    EXPECT_NE(name, "expect");
    EXPECT_NE(name, "content-type") << "none was given";
  }
}

TEST(HttpClient, LeavesNothingOfOneRequestInTheNext) {
  std::vector<ScriptedRequest> seen;
  ScriptedServer server([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    seen.push_back(request);
    connection.answer(200, {}, request.method == "HEAD" ? "" : "ok");
  });
  Client client({.proxy = ""});
  const std::string body(100, 'x');
  for (const char* method : {"POST", "GET", "HEAD", "DELETE", "PUT", "OPTIONS"}) {
    const bool sendsBody = method == std::string_view("POST") || method == std::string_view("PUT");
    ASSERT_TRUE(client.send({.method = method,
                             .url = server.url(),
                             .headers = sendsBody ? Headers{{"X-Once", "1"}} : Headers{},
                             .body = sendsBody ? body : ""}));
  }
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_EQ(server.connectionCount(), 1) << "one connection does for all";
  const char* methods[] = {"POST", "GET", "HEAD", "DELETE", "PUT", "OPTIONS"};
  for (std::size_t i = 0; i < seen.size(); ++i) {
    SCOPED_TRACE(methods[i]);
    EXPECT_EQ(seen[i].method, methods[i]);
    const bool sentBody = i == 0 || i == 4;
    EXPECT_EQ(seen[i].body, sentBody ? body : "");
    EXPECT_EQ(seen[i].header("x-once"), sentBody ? "1" : "");
  }
}

TEST(HttpClient, SendsAnEmptyBodyWithItsLength) {
  ScriptedRequest seen;
  ScriptedServer server([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    seen = request;
    connection.answer(200, {}, "");
  });
  Client client({.proxy = ""});
  ASSERT_TRUE(client.send({.method = "POST", .url = server.url()}));
  EXPECT_EQ(seen.header("content-length"), "0");
}

TEST(HttpClient, TellsWhyThereIsNoAnswer) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.target == "/reset") return connection.reset();
    if (request.target == "/close") return connection.close();
    if (request.target == "/half-head") {
      connection.send("HTTP/1.1 200 OK\r\nContent-Le");
      return connection.reset();
    }
    if (request.target == "/half-body") {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      return connection.close();
    }
    if (request.target == "/half-chunk") {
      connection.beginChunked(200, {});
      connection.send("ff\r\nhalf");
      return connection.reset();
    }
    if (request.target == "/large") {
      connection.answer(200, {}, std::string(1001, 'x'));
      return connection.close();
    }
    if (request.target == "/large-chunks") {
      connection.beginChunked(200, {});
      connection.chunk(std::string(600, 'x'));
      connection.chunk(std::string(600, 'x'));
      return connection.close();
    }
    connection.waitUntilPeerCloses();
  });
  const DeafServer deaf;
  const std::string refused = "http://127.0.0.1:" + std::to_string(testing::findFreePort());
  struct Case {
    const char* name;
    std::string url;
    Code code;
    std::string cause;
    std::string message;
  };
  const Case cases[] = {
      {"refused", refused + "/x", Code::Unreachable, "",
       "GET " + refused + "/x: connection refused"},
      {"no such host", "http://no-such-host.invalid/x", Code::Unreachable, "",
       "GET http://no-such-host.invalid/x: no such host 'no-such-host.invalid'"},
      {"reset before the first byte", server.url() + "/reset", Code::Unreachable, "NoAnswer", ""},
      {"closed before the first byte", server.url() + "/close", Code::Unreachable, "NoAnswer", ""},
      {"reset in the head", server.url() + "/half-head", Code::Interrupted, "", ""},
      {"closed in the body", server.url() + "/half-body", Code::Interrupted, "", ""},
      {"reset in a chunk", server.url() + "/half-chunk", Code::Interrupted, "", ""},
      {"too large", server.url() + "/large", Code::InternalError, "AnswerTooLarge",
       "GET " + server.url() + "/large: answer of more than 1000 bytes"},
      {"too large in chunks", server.url() + "/large-chunks", Code::InternalError, "AnswerTooLarge",
       ""},
      {"no connection in time", deaf.url() + "/x?secret", Code::Timeout, "ConnectTimeout",
       "GET " + deaf.url() + "/x: no connection within 200ms"},
      {"no answer in time", server.url() + "/never", Code::Timeout, "RequestTimeout",
       "GET " + server.url() + "/never: no whole answer within 400ms"},
  };
  Client client({.proxy = ""});
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Result<Response> answer = client.send({.url = test.url,
                                                 .connectTimeout = milliseconds(200),
                                                 .timeout = milliseconds(400),
                                                 .maxAnswerBytes = 1000});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, test.code) << answer.error().message;
    EXPECT_EQ(answer.error().cause, test.cause) << answer.error().message;
    if (!test.message.empty()) {
      EXPECT_EQ(answer.error().message, test.message);
    }
  }
}

TEST(HttpClient, RefusesWhatIsNoRequest) {
  struct Case {
    const char* name;
    Request request;
    const char* message;
  };
  const Case cases[] = {
      {"no URL", {.url = ""}, "url '': no scheme, such as https://"},
      {"another protocol", {.url = "ftp://h/"}, "url 'ftp://h/': neither http nor https"},
      {"a header that smuggles another",
       {.url = "http://127.0.0.1/", .headers = {{"Impersonate-User", "a\r\nX: y"}}},
       "invalid header 'Impersonate-User'"},
      {"a header's name with a colon",
       {.url = "http://127.0.0.1/", .headers = {{"A:", "b"}}},
       "invalid header 'A:'"},
  };
  Client client({.proxy = ""});
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const Result<Response> answer = client.send(test.request);
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, Code::BadRequest);
    EXPECT_EQ(answer.error().message, test.message);
  }
}

TEST(HttpClient, SendsAgainWhenTheServerHasClosedAKeptConnection) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.index == 1) return connection.close();
    connection.answer(200, {}, std::to_string(request.connection));
  });
  Client client({.proxy = ""});
  EXPECT_EQ(client.send({.url = server.url()}).value().body, "0");
  EXPECT_EQ(client.send({.url = server.url()}).value().body, "1");
  EXPECT_EQ(server.requestCount(), 3);
}

TEST(HttpClient, EndsPromptlyWhenAskedTo) {
  std::promise<void> arrived;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    arrived.set_value();
    connection.waitUntilPeerCloses();
  });
  Client client({.proxy = ""});
  std::stop_source stop;
  std::thread stopper([&] {
    arrived.get_future().wait();
    stop.request_stop();
  });
  const Result<Response> answer =
      client.send({.url = server.url(), .timeout = milliseconds(0), .stop = stop.get_token()});
  stopper.join();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::Canceled);
  EXPECT_EQ(client.send({.url = server.url(), .stop = stop.get_token()}).error().code,
            Code::Canceled)
      << "and does not begin when it was asked before";
}

TEST(HttpClient, FollowsRedirectsToTheSameOriginOnlyWhenToldTo) {
  ScriptedServer other(answerOk);
  ScriptedServer server([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    const auto redirect = [&](int status, const std::string& location) {
      connection.answer(status, {{"Location", location}}, "moved");
    };
    if (request.target == "/path") return redirect(302, "/end?x=y");
    if (request.target == "/a/relative") return redirect(307, "../end");
    if (request.target == "/absolute") return redirect(308, server.url() + "/end");
    if (request.target == "/elsewhere") return redirect(301, other.url() + "/end");
    if (request.target == "/loop") return redirect(301, "/loop");
    connection.answer(200, {}, request.target);
  });
  Client client({.proxy = ""});
  const auto get = [&](const std::string& target, bool follow, std::string method = "GET") {
    return client
        .send({.method = method, .url = server.url() + target, .followSameOriginRedirects = follow})
        .value();
  };
  EXPECT_EQ(get("/path", true).body, "/end?x=y");
  EXPECT_EQ(get("/a/relative", true).body, "/end");
  EXPECT_EQ(get("/absolute", true).body, "/end");
  EXPECT_EQ(get("/path", false).status, 302);
  EXPECT_EQ(get("/path", true, "POST").status, 302) << "only what changes nothing is sent on";
  EXPECT_EQ(get("/elsewhere", true).status, 301);
  EXPECT_EQ(get("/loop", true).status, 301);
  EXPECT_EQ(other.requestCount(), 0);
}

TEST(HttpClient, TakesCompressedAnswersAndBoundsThemByTheirRealSize) {
  const std::string text(100'000, 'x');
  std::string accepted;
  ScriptedServer server([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    accepted = request.header("accept-encoding");
    connection.answer(200, {{"Content-Encoding", "gzip"}}, compress(text));
  });
  Client client({.proxy = ""});
  EXPECT_EQ(client.send({.url = server.url()}).value().body, text);
  EXPECT_EQ(accepted, "gzip");
  const Result<Response> bounded =
      client.send({.url = server.url(), .maxAnswerBytes = text.size() - 1});
  ASSERT_FALSE(bounded.has_value());
  EXPECT_EQ(bounded.error().cause, "AnswerTooLarge");
  Client plain({.proxy = "", .compression = false});
  ASSERT_TRUE(plain.send({.url = server.url()}));
  EXPECT_EQ(accepted, "");
}

TEST(HttpClient, ServesManyThreadsWithAConnectionEach) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    connection.answer(200, {}, request.target);
  });
  Client client({.proxy = ""});
  constexpr int kThreads = 8;
  constexpr int kRequests = 50;
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRequests; ++i) {
        const std::string target = "/" + std::to_string(t) + "/" + std::to_string(i);
        const Result<Response> answer = client.send({.url = server.url() + target});
        right += answer && answer->body == target;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kRequests);
  EXPECT_LE(server.connectionCount(), kThreads);
}

TEST(HttpClient, KeepsNoMoreConnectionsThanAllowed) {
  ScriptedServer one(answerOk);
  ScriptedServer two(answerOk);
  Client client({.proxy = "", .maxIdleConnections = 1});
  for (const ScriptedServer* server : {&one, &one, &two, &one}) {
    ASSERT_TRUE(client.send({.url = server->url()}));
  }
  EXPECT_EQ(one.connectionCount(), 2) << "the one to the other server took its place";
}

TEST(HttpClient, ConnectsAnewAfterDroppingConnections) {
  ScriptedServer server(answerOk);
  Client client({.proxy = ""});
  ASSERT_TRUE(client.send({.url = server.url()}));
  client.dropConnections();
  ASSERT_TRUE(client.send({.url = server.url()}));
  EXPECT_EQ(server.connectionCount(), 2);
}

TEST(HttpClient, ForgetsWhatItKnowsWhenItCannotConnectTimeAndAgain) {
  ScriptedServer server(answerOk);
  const std::string refused = "http://127.0.0.1:" + std::to_string(testing::findFreePort());
  Client client({.proxy = ""});
  ASSERT_TRUE(client.send({.url = server.url()}));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(client.send({.url = refused}));
  ASSERT_TRUE(client.send({.url = server.url()}));
  EXPECT_EQ(server.connectionCount(), 1) << "an answer in between starts the count again";
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(client.send({.url = refused}));
  ASSERT_TRUE(client.send({.url = server.url()}));
  EXPECT_EQ(server.connectionCount(), 2);
}

TEST(HttpClient, GoesThroughAProxyWhenGivenOne) {
  ScriptedRequest seen;
  ScriptedServer proxy([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    seen = request;
    if (request.method == "CONNECT") return connection.answer(403, {}, "");
    connection.answer(200, {}, "by proxy");
  });
  Client client({.proxy = proxy.url()});
  EXPECT_EQ(client.send({.url = "http://example.invalid/x"}).value().body, "by proxy");
  EXPECT_EQ(seen.target, "http://example.invalid/x");
  const Result<Response> tunnel = client.send({.url = "https://example.invalid:6443/x"});
  EXPECT_EQ(seen.method, "CONNECT");
  EXPECT_EQ(seen.target, "example.invalid:6443");
  ASSERT_FALSE(tunnel.has_value());
  EXPECT_EQ(tunnel.error().code, Code::Unreachable)
      << "the proxy's refusal is no answer of the server";
}

TEST(HttpClient, RefusesAProxyThatIsNone) {
  Client client({.proxy = "nonsense"});
  const Result<Response> answer = client.send({.url = "http://127.0.0.1/"});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message, "proxy: url 'nonsense': no scheme, such as https://");
}

// --- TLS ---

class HttpClientTls : public ::testing::Test {
 protected:
  ScriptedServer serve(const testing::CertificateOptions& certificate,
                       const std::string& clientAuthority = {}) {
    return ScriptedServer(
        [](const ScriptedRequest& request, ScriptedConnection& connection) {
          connection.answer(
              200, {},
              request.clientName + "|" + request.serverName + "|" + request.header("host"));
        },
        testing::ScriptedTls{authority_.issue(certificate), clientAuthority});
  }

  const CertificateAuthority authority_{"ca"};
  const testing::CertificateOptions loopback_{.commonName = "s", .addresses = {"127.0.0.1"}};
};

TEST_F(HttpClientTls, VerifiesTheServer) {
  ScriptedServer server = serve(loopback_);
  Client client({.tls = {.caPem = authority_.certificatePem()}, .proxy = ""});
  const Result<Response> answer = client.send({.url = server.url()});
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
}

TEST_F(HttpClientTls, RefusesCertificatesThatProveNothing) {
  const CertificateAuthority stranger("stranger");
  ScriptedServer good = serve(loopback_);
  ScriptedServer otherName = serve({.commonName = "s", .dnsNames = {"elsewhere"}});
  ScriptedServer expired =
      serve({.commonName = "s", .addresses = {"127.0.0.1"}, .validity = std::chrono::seconds(-60)});
  struct Case {
    const char* name;
    std::string url;
    std::string caPem;
    const char* contains;
  };
  const Case cases[] = {
      {"of another authority", good.url(), stranger.certificatePem(), "SSL certificate problem"},
      {"of an authority the system does not know", good.url(), "", "SSL certificate problem"},
      {"for another name", otherName.url(), authority_.certificatePem(), "127.0.0.1"},
      {"expired", expired.url(), authority_.certificatePem(), "expired"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Client client({.tls = {.caPem = test.caPem}, .proxy = ""});
    const Result<Response> answer = client.send({.url = test.url});
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code, Code::Unreachable);
    EXPECT_EQ(answer.error().cause, "TlsFailed");
    EXPECT_NE(answer.error().message.find(test.contains), std::string::npos)
        << answer.error().message;
  }
}

TEST_F(HttpClientTls, TakesAnyCertificateWhenToldTo) {
  ScriptedServer server = serve({.commonName = "s", .dnsNames = {"elsewhere"}});
  Client client({.tls = {.insecureSkipVerify = true}, .proxy = ""});
  EXPECT_EQ(client.send({.url = server.url()}).value().status, 200);
}

TEST_F(HttpClientTls, ShowsItsOwnCertificate) {
  ScriptedServer server = serve(loopback_, authority_.certificatePem());
  const KeyPair me = authority_.issue({.commonName = "me"});
  Client client({.tls = {.caPem = authority_.certificatePem(),
                         .certificatePem = me.certificatePem,
                         .keyPem = me.keyPem},
                 .proxy = ""});
  EXPECT_TRUE(client.send({.url = server.url()}).value().body.starts_with("me|"));
  client.dropConnections();
  EXPECT_TRUE(client.send({.url = server.url()}).value().body.starts_with("me|"));
}

TEST_F(HttpClientTls, TellsWhenTheServerWantsACertificate) {
  ScriptedServer server = serve(loopback_, authority_.certificatePem());
  Client client({.tls = {.caPem = authority_.certificatePem()}, .proxy = ""});
  const Result<Response> answer = client.send({.url = server.url()});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Code::Unreachable);
  EXPECT_EQ(answer.error().cause, "TlsFailed") << answer.error().message;
}

TEST_F(HttpClientTls, AsksForAndVerifiesAnotherNameThanTheUrlHas) {
  ScriptedServer server = serve({.commonName = "s", .dnsNames = {"kubernetes.default.svc"}});
  Client named(
      {.tls = {.caPem = authority_.certificatePem(), .serverName = "kubernetes.default.svc"},
       .proxy = ""});
  const std::string authority = server.url().substr(std::string("https://").size());
  EXPECT_EQ(named.send({.url = server.url()}).value().body, "|kubernetes.default.svc|" + authority);
  Client wrong({.tls = {.caPem = authority_.certificatePem(), .serverName = "other"}, .proxy = ""});
  EXPECT_EQ(wrong.send({.url = server.url()}).error().cause, "TlsFailed");
}

TEST_F(HttpClientTls, RefusesAKeyThatDoesNotFit) {
  const KeyPair me = authority_.issue({.commonName = "me"});
  const KeyPair you = authority_.issue({.commonName = "you"});
  Client client({.tls = {.certificatePem = me.certificatePem, .keyPem = you.keyPem}, .proxy = ""});
  EXPECT_EQ(client.send({.url = "https://127.0.0.1/"}).error().code, Code::BadRequest);
}

// --- Streams ---

TEST(HttpStream, GivesEachPieceAwayWhenItComesAndEndsWithTheAnswer) {
  std::promise<void> gotFirst;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.beginChunked(200, {{"x-head", "1"}});
    connection.chunk("one");
    gotFirst.get_future().wait();
    connection.chunk("two");
    connection.endChunked();
  });
  Client client({.proxy = ""});
  std::vector<std::string> chunks;
  std::vector<std::string> heads;
  const Result<Response> end = client.stream(
      {.url = server.url()},
      {.onHead =
           [&](const Response& head) { heads.emplace_back(head.header("x-head").value_or("")); }},
      [&](std::string_view chunk) {
        chunks.emplace_back(chunk);
        if (chunks.size() == 1) gotFirst.set_value();
        return kGoOn;
      });
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(end->status, 200);
  EXPECT_EQ(end->body, "");
  EXPECT_EQ(chunks, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(heads, std::vector<std::string>{"1"});
}

TEST(HttpStream, ReturnsAFailureWholeWithoutCalls) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(410, {}, "too old");
  });
  Client client({.proxy = ""});
  int calls = 0;
  const Result<Response> end = client.stream(
      {.url = server.url()}, {.onHead = [&](const Response&) { ++calls; }}, [&](std::string_view) {
        ++calls;
        return kGoOn;
      });
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->status, 410);
  EXPECT_EQ(end->body, "too old");
  EXPECT_EQ(calls, 0);
}

TEST(HttpStream, EndsWhenTheConsumerHasHadEnough) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.beginChunked(200, {});
    connection.chunk("one");
    connection.waitUntilPeerCloses();
  });
  Client client({.proxy = ""});
  const Result<Response> end =
      client.stream({.url = server.url()}, {}, [](std::string_view) { return !kGoOn; });
  ASSERT_TRUE(end.has_value()) << end.error().message;
  EXPECT_EQ(end->status, 200);
}

TEST(HttpStream, FailsWhenTheConnectionBreaksOrFallsSilent) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.target == "/mute") return connection.waitUntilPeerCloses();
    connection.beginChunked(200, {});
    connection.chunk("one");
    if (request.target == "/reset") return connection.reset();
    if (request.target == "/close") return connection.close();
    connection.waitUntilPeerCloses();
  });
  struct Case {
    const char* target;
    Code code;
    const char* cause;
  };
  const Case cases[] = {
      {"/reset", Code::Interrupted, ""},
      {"/close", Code::Interrupted, ""},
      {"/silent", Code::Timeout, "IdleTimeout"},
      {"/mute", Code::Timeout, "IdleTimeout"},
  };
  Client client({.proxy = ""});
  for (const Case& test : cases) {
    SCOPED_TRACE(test.target);
    const Result<Response> end =
        client.stream({.url = server.url() + test.target}, {.idleTimeout = milliseconds(100)},
                      [](std::string_view) { return kGoOn; });
    ASSERT_FALSE(end.has_value());
    EXPECT_EQ(end.error().code, test.code) << end.error().message;
    EXPECT_EQ(end.error().cause, test.cause);
  }
}

TEST(HttpStream, EndsPromptlyWhenAskedTo) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.beginChunked(200, {});
    connection.chunk("one");
    connection.waitUntilPeerCloses();
  });
  Client client({.proxy = ""});
  std::stop_source stop;
  std::promise<void> started;
  std::thread stopper([&] {
    started.get_future().wait();
    stop.request_stop();
  });
  const Result<Response> end =
      client.stream({.url = server.url(), .stop = stop.get_token()}, {}, [&](std::string_view) {
        started.set_value();
        return kGoOn;
      });
  stopper.join();
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().code, Code::Canceled);
}

TEST(HttpStream, LeavesOtherRequestsAlone) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.target == "/request") return connection.answer(200, {}, "ok");
    connection.beginChunked(200, {});
    connection.chunk("one");
    connection.endChunked();
  });
  Client client({.proxy = ""});
  std::string inside;
  const Result<Response> end = client.stream({.url = server.url()}, {}, [&](std::string_view) {
    inside = client.send({.url = server.url() + "/request"}).value().body;
    return kGoOn;
  });
  EXPECT_TRUE(end.has_value());
  EXPECT_EQ(inside, "ok");
  EXPECT_EQ(server.connectionCount(), 2);
}

}  // namespace
}  // namespace iop::http
