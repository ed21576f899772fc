#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "http/client.h"
#include "testing/certificates.h"

namespace iop::http {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server.handle("GET", "/hello", [](const ServerRequest& request) {
      const std::string name(request.queryParameter("name").value_or("nobody"));
      return ServerResponse{.headers = {{"X-Test", "1"}}, .body = "hello " + name};
    });
    server.handle("POST", "/echo", [](const ServerRequest& request) {
      return ServerResponse{.status = 201, .contentType = "text/x", .body = request.body};
    });
    server.handle("GET", "/tree/", [](const ServerRequest& request) {
      return ServerResponse{.body = "tree " + request.path};
    });
    server.handle("GET", "/tree/branch/", [](const ServerRequest& request) {
      return ServerResponse{.body = "branch " + request.path};
    });
    server.handle("GET", "/broken", [](const ServerRequest&) -> ServerResponse {
      throw std::runtime_error("a bug");
    });
    ASSERT_TRUE(server.start());
  }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server.port()) + path;
  }

  Response send(const std::string& method, const std::string& path, std::string body = {}) {
    return client.send({.method = method, .url = url(path), .body = std::move(body)}).value();
  }

  // What the server answers to these bytes until it closes the connection.
  std::string sendRaw(const std::string& bytes) const {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    shutdown(fd, SHUT_WR);
    std::string answer;
    char buffer[4096];
    for (ssize_t size = 0; (size = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(size));
    }
    close(fd);
    return answer;
  }

  Server server{{.address = "127.0.0.1:0", .maxHeaderBytes = 8 << 10, .maxBodyBytes = 64 << 10}};
  Client client{{.proxy = ""}};
};

TEST_F(ServerTest, AnswersWithStatusHeadersAndBody) {
  const Response response = send("GET", "/hello?name=J%C3%BCrgen+M&verbose");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello Jürgen M");
  EXPECT_EQ(response.header("x-test"), "1");
  EXPECT_EQ(response.header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(response.header("content-length"), "15");
}

TEST_F(ServerTest, BodiesOfAnyBytesArriveAndReturn) {
  const std::string body("a\0b\xff", 4);
  const Response response = send("POST", "/echo", body);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, body);
  EXPECT_EQ(response.header("content-type"), "text/x");
  EXPECT_EQ(send("POST", "/echo").body, "");
}

TEST_F(ServerTest, TheLongestPathAboveWins) {
  EXPECT_EQ(send("GET", "/tree/leaf").body, "tree /tree/leaf");
  EXPECT_EQ(send("GET", "/tree/branch/a%20leaf").body, "branch /tree/branch/a leaf");
  EXPECT_EQ(send("GET", "/tree/branch").body, "tree /tree/branch");
}

TEST_F(ServerTest, WhatIsNotThereIs404AndAnotherMethod405) {
  EXPECT_EQ(send("GET", "/nothing").status, 404);
  EXPECT_EQ(send("GET", "/hello/there").status, 404);
  const Response response = send("DELETE", "/hello");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("allow"), "GET");
}

TEST_F(ServerTest, HeadIsGetWithoutTheBody) {
  const std::string answer =
      sendRaw("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("Content-Length: 12\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ServerTest, AnExceptionIs500AndTheServerLives) {
  EXPECT_EQ(send("GET", "/broken").status, 500);
  EXPECT_EQ(send("GET", "/hello").status, 200);
}

TEST_F(ServerTest, RefusesBodiesAndHeadersThatAreTooLarge) {
  EXPECT_EQ(send("POST", "/echo", std::string(64 << 10, 'x')).status, 201);
  EXPECT_EQ(send("POST", "/echo", std::string(65 << 10, 'x')).status, 413);
  const std::string answer =
      sendRaw("GET /hello HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 4")) << answer;
  EXPECT_EQ(send("GET", "/hello").status, 200);
}

TEST_F(ServerTest, NonsenseEndsItsConnectionOnly) {
  for (const char* bytes :
       {"", "\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02", "GET / HTTP/9.9\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET //// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}) {
    EXPECT_EQ(sendRaw(bytes).find("200 OK"), std::string::npos) << bytes;
  }
  EXPECT_EQ(send("GET", "/hello").status, 200);
}

TEST_F(ServerTest, ServesManyClientsAtOnce) {
  std::atomic<int> answered = 0;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 20; ++round) {
        const std::string body = std::to_string(thread) + "/" + std::to_string(round);
        if (send("POST", "/echo", body).body == body) ++answered;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(answered, 160);
}

TEST_F(ServerTest, StopClosesOpenConnectionsAndThePort) {
  EXPECT_EQ(send("GET", "/hello").status, 200);
  server.stop();
  server.stop();
  EXPECT_FALSE(client.send({.url = url("/hello")}));
}

TEST(Server, StopsBeforeItHasDoneAnything) {
  Server server({.address = "127.0.0.1:0"});
  ASSERT_TRUE(server.start());
}

TEST(Server, RefusesAddressesThatAreNone) {
  for (const char* address :
       {"", ":", "localhost", "127.0.0.1:http", ":99999", "no such host:80"}) {
    Server server({.address = address});
    const Status started = server.start();
    ASSERT_FALSE(started) << address;
    EXPECT_EQ(started.error().code, Code::BadRequest) << address;
  }
}

TEST(Server, ListensOnAllInterfacesWhereNoHostIsNamed) {
  for (const char* address : {":0", "0"}) {
    Server server({.address = address});
    ASSERT_TRUE(server.start());
    Client client({.proxy = ""});
    const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
    EXPECT_EQ(client.send({.url = url}).value().status, 404) << address;
  }
}

TEST(Server, SaysWhenThePortIsTaken) {
  Server first({.address = "127.0.0.1:0"});
  ASSERT_TRUE(first.start());
  Server second({.address = "127.0.0.1:" + std::to_string(first.port())});
  const Status started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Code::Unreachable);
  EXPECT_NE(started.error().message.find("Address already in use"), std::string::npos);
}

// A folder with a certificate and its key.
class TlsServerTest : public ::testing::Test {
 protected:
  TlsServerTest() {
    char path[] = "/tmp/server_test.XXXXXX";
    directory = mkdtemp(path);
    const iop::testing::KeyPair pair =
        authority.issue({.commonName = "server", .addresses = {"127.0.0.1"}});
    write("tls.crt", pair.certificatePem);
    write("tls.key", pair.keyPem);
  }
  ~TlsServerTest() override {
    for (const char* name : {"tls.crt", "tls.key", "other.key"})
      unlink((directory + "/" + name).c_str());
    rmdir(directory.c_str());
  }

  void write(const std::string& name, const std::string& text) const {
    std::FILE* file = std::fopen((directory + "/" + name).c_str(), "w");
    ASSERT_NE(file, nullptr);
    EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
    std::fclose(file);
  }

  ServerOptions options(const char* key = "tls.key") const {
    return {.address = "127.0.0.1:0",
            .tls = ServerTls{.certificateFile = directory + "/tls.crt",
                             .keyFile = directory + "/" + key}};
  }

  iop::testing::CertificateAuthority authority{"test-ca"};
  std::string directory;
};

TEST_F(TlsServerTest, SpeaksHttps) {
  Server server(options());
  server.handle("GET", "/big", [](const ServerRequest&) {
    return ServerResponse{.body = std::string(1 << 20, 'x')};
  });
  ASSERT_TRUE(server.start());
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/big";
  TlsOptions trust;
  trust.caPem = authority.certificatePem();
  Client client({.tls = trust, .proxy = ""});
  const Result<Response> response = client.send({.url = url});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body.size(), std::size_t{1} << 20);

  Client stranger({.proxy = ""});
  EXPECT_FALSE(stranger.send({.url = url})) << "an authority it does not know";
  EXPECT_TRUE(client.send({.url = url})) << "the refusal has not hurt the server";
}

TEST_F(TlsServerTest, RefusesFilesThatDoNotFit) {
  write("other.key", authority.issue({.commonName = "other"}).keyPem);
  for (const char* key : {"other.key", "missing.key", "tls.crt"}) {
    Server server(options(key));
    const Status started = server.start();
    ASSERT_FALSE(started) << key;
    EXPECT_EQ(started.error().code, Code::BadRequest);
    EXPECT_NE(started.error().message.find(key), std::string::npos) << started.error().message;
  }
}

// --- Answers that come later, or piece by piece ---

class AsyncServerTest : public ::testing::Test {
 protected:
  void start(std::optional<ServerTls> tls = std::nullopt) {
    server =
        std::make_unique<Server>(ServerOptions{.address = "127.0.0.1:0", .tls = std::move(tls)});
    server->handle("GET", "/plain",
                   [](const ServerRequest&) { return ServerResponse{.body = "plain"}; });
    server->handleAll([this](ServerRequest&& request, const std::shared_ptr<Reply>& reply) {
      handler(std::move(request), reply);
    });
    ASSERT_TRUE(server->start());
  }

  std::string url(const std::string& path, const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(server->port()) + path;
  }

  AsyncHandler handler;
  std::unique_ptr<Server> server;
  Client client{{.proxy = ""}};
};

TEST_F(AsyncServerTest, AnAnswerMayComeAfterTheHandlerHasReturned) {
  handler = [this](ServerRequest&& request, const std::shared_ptr<Reply>& reply) {
    server->after(std::chrono::milliseconds(1), [reply, uri = request.uri] {
      reply->send({.status = 202, .body = "later " + uri});
      EXPECT_FALSE(reply->isOpen());
    });
  };
  start();
  const Response answer =
      client.send({.method = "PATCH", .url = url("/any/p%20th?q=1"), .body = "x"}).value();
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, "later /any/p%20th?q=1");
  EXPECT_EQ(client.send({.url = url("/plain")}).value().body, "plain");
}

TEST_F(AsyncServerTest, ADroppedReplyIsAnInternalError) {
  handler = [](ServerRequest&&, const std::shared_ptr<Reply>&) {};
  start();
  EXPECT_EQ(client.send({.url = url("/x")}).value().status, 500);
}

TEST_F(AsyncServerTest, AStreamComesPieceByPieceAndItsConnectionIsUsedAgain) {
  std::shared_ptr<Reply> open;
  handler = [&](ServerRequest&&, const std::shared_ptr<Reply>& reply) {
    reply->begin(200, "text/x", {{"X-Test", "1"}});
    reply->write("one ");
    open = reply;
  };
  start();
  std::string text;
  const Response head = client
                            .stream({.url = url("/stream")}, {},
                                    [&](std::string_view piece) {
                                      text += piece;
                                      if (text == "one ") {
                                        server->post([&] {
                                          open->write("two");
                                          open->end();
                                          open.reset();
                                        });
                                      }
                                      return true;
                                    })
                            .value();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("x-test"), "1");
  EXPECT_EQ(text, "one two");
  EXPECT_EQ(client.send({.url = url("/plain")}).value().body, "plain");
}

TEST_F(AsyncServerTest, AClientThatGoesAwayIsNoticed) {
  std::promise<void> closed;
  handler = [&](ServerRequest&&, const std::shared_ptr<Reply>& reply) {
    reply->begin(200, "text/x", {});
    reply->write("one");
    // The stream is kept open by what waits for its end.
    reply->onClosed([&closed, reply] {
      EXPECT_FALSE(reply->isOpen());
      reply->write("nobody hears this");
      closed.set_value();
    });
  };
  start();
  EXPECT_TRUE(client.stream({.url = url("/stream")}, {}, [](std::string_view) { return false; }));
  client.dropConnections();
  EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST_F(AsyncServerTest, StoppingEndsOpenStreamsAndTellsTheirOwners) {
  std::promise<void> begun;
  std::atomic<int> told = 0;
  handler = [&](ServerRequest&&, const std::shared_ptr<Reply>& reply) {
    reply->begin(200, "text/x", {});
    reply->onClosed([&told, reply] { ++told; });
    reply->write("x");
    begun.set_value();
  };
  start();
  std::thread reader([&] {
    static_cast<void>(
        client.stream({.url = url("/stream")}, {}, [](std::string_view) { return true; }));
  });
  begun.get_future().wait();
  server->stop();
  reader.join();
  EXPECT_EQ(told, 1);
}

TEST_F(AsyncServerTest, WhatAClientDoesNotReadIsCounted) {
  std::promise<std::size_t> pending;
  handler = [&](ServerRequest&&, const std::shared_ptr<Reply>& reply) {
    reply->begin(200, "text/x", {});
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 32; ++i) reply->write(piece);
    pending.set_value(reply->pendingBytes());
    reply->end();
  };
  start();
  std::size_t size = 0;
  ASSERT_TRUE(client.stream({.url = url("/stream")}, {}, [&](std::string_view piece) {
    size += piece.size();
    return true;
  }));
  EXPECT_GE(pending.get_future().get(), std::size_t{32} << 20);
  EXPECT_EQ(size, std::size_t{32} << 20);
}

TEST_F(AsyncServerTest, TimersRunInTheirOrderUnlessTheyAreCancelled) {
  std::promise<std::string> ran;
  handler = [](ServerRequest&&, const std::shared_ptr<Reply>&) {};
  start();
  server->post([&] {
    auto order = std::make_shared<std::string>();
    server->after(std::chrono::milliseconds(20), [&, order] { ran.set_value(*order + "c"); });
    server->after(std::chrono::milliseconds(10), [order] { *order += "b"; });
    const auto never = server->after(std::chrono::milliseconds(5), [order] { *order += "x"; });
    server->after(std::chrono::milliseconds(0), [order] { *order += "a"; });
    server->cancel(never);
  });
  EXPECT_EQ(ran.get_future().get(), "abc");
}

TEST_F(AsyncServerTest, LargeBodiesAreCompressedForThoseWhoTakeIt) {
  const std::string body(1 << 20, 'x');
  handler = [&](ServerRequest&&, const std::shared_ptr<Reply>& reply) {
    reply->send({.body = body, .compress = true});
  };
  start();
  const Response answer = client.send({.url = url("/x")}).value();
  EXPECT_EQ(answer.body, body);
  Client plain({.proxy = "", .compression = false});
  EXPECT_EQ(plain.send({.url = url("/x")}).value().header("content-encoding"), std::nullopt);
}

TEST_F(AsyncServerTest, ClientsAreKnownByTheirCertificates) {
  testing::CertificateAuthority authority("ours"), other("theirs");
  const testing::KeyPair own =
      authority.issue({.commonName = "server", .addresses = {"127.0.0.1"}});
  handler = [](ServerRequest&& request, const std::shared_ptr<Reply>& reply) {
    std::string who = "nobody";
    if (request.clientCertificate) {
      who = request.clientCertificate->commonName;
      for (const std::string& group : request.clientCertificate->organizations) who += "," + group;
    } else if (!request.clientCertificateError.empty()) {
      who = "somebody else";
    }
    reply->send({.body = who});
  };
  start(ServerTls{.certificatePem = own.certificatePem,
                  .keyPem = own.keyPem,
                  .clientCaPem = authority.certificatePem()});
  const auto ask = [&](const testing::KeyPair& pair) {
    Client asker({.tls = {.caPem = authority.certificatePem(),
                          .certificatePem = pair.certificatePem,
                          .keyPem = pair.keyPem},
                  .proxy = ""});
    return asker.send({.url = url("/who", "https")}).value().body;
  };
  EXPECT_EQ(ask({}), "nobody");
  EXPECT_EQ(ask(authority.issue({.commonName = "joe", .organization = "admins"})), "joe,admins");
  EXPECT_EQ(ask(other.issue({.commonName = "joe"})), "somebody else");
  EXPECT_EQ(ask(authority.issue({.commonName = "joe", .validity = std::chrono::hours(-1)})),
            "somebody else");
}

}  // namespace
}  // namespace iop::http
