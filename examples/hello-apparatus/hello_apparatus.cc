// An apparatus in 60 lines: keeps a card of each plug that is coupled, in a folder.
//
//     build/dev/examples/hello_apparatus 8080 /tmp/cards
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "http/server.h"
#include "text/json.h"

using namespace iop;

namespace {

http::ServerResponse answer(int status, const Value& body) {
  return {status, "application/json", {}, text::printJson(body)};
}

http::ServerResponse refuse(const std::string& why) {
  return answer(400, Value::object({{"error", why}}));
}

// What to answer to an event, one at a time; whatever is done here can be done twice.
http::ServerResponse handle(const std::string& event, const std::string& text,
                            const std::filesystem::path& cards) {
  const Result<Value> body = text::parseJson(text);
  if (!body) return refuse(body.error().message);
  if (event == "created" || event == "deleted") return answer(200, Value::object());
  const Value& metadata = (*body)["plug"]["metadata"];
  if (metadata["uid"].empty()) return refuse("no plug in the body");
  const std::filesystem::path card = cards / metadata["uid"].toString();
  if (event == "coupled" || event == "updated") {
    std::ofstream(card.string() + ".draft") << text::printJson((*body)["plugConfig"]);
    std::filesystem::rename(card.string() + ".draft", card);  // there is a whole card, or none
  } else if (event == "decoupled") {
    std::filesystem::remove(card);
  }
  if (event != "config") return answer(200, Value::object());
  return answer(200, Value::object({{"greeting", "hello " + metadata["name"].toString()}}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::filesystem::path cards = argv[2];
  std::filesystem::create_directories(cards);
  http::Server server({.address = argv[1], .maxBodyBytes = 1 << 20});
  server.handle("GET", "/ping", [](const auto&) { return answer(200, Value::object()); });
  for (const char* event : {"config", "created", "coupled", "updated", "decoupled", "deleted"}) {
    server.handle("POST", "/" + std::string(event),
                  [=](const auto& request) { return handle(event, request.body, cards); });
  }
  if (!server.start()) return 1;
  pause();  // until a signal ends it
}
