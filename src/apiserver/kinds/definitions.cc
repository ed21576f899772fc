#include "apiserver/kinds/definitions.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/json.h"

// The file as a part of the program's constants.
asm(R"(.section .rodata
.global iopKubernetesJson
.global iopKubernetesJsonEnd
iopKubernetesJson:
.incbin ")" IOP_KUBERNETES_JSON R"("
iopKubernetesJsonEnd:
.byte 0
.previous
)");

// NOLINTBEGIN(readability-identifier-naming): names of the assembler
extern "C" const unsigned char iopKubernetesJson[];
extern "C" const unsigned char iopKubernetesJsonEnd[];
// NOLINTEND(readability-identifier-naming)

namespace iop::apiserver::kinds {
namespace {

// The file's members in their order. Keys and strings of JSON have no bare quotes inside, so these
// texts are found nowhere else before (the first one) and behind (the second one).
constexpr std::string_view kSchemas = ",\"schemas\":{", kVersion = ",\"version\":{";

// The text of the file, up to `stop` if that is not empty and comes before its end.
std::string inflateFile(std::string_view stop) {
  constexpr int kGzip = 16 + MAX_WBITS;
  constexpr std::size_t kChunk = 64 * 1024;
  z_stream stream{};
  ASSERT(inflateInit2(&stream, kGzip) == Z_OK);
  stream.next_in = const_cast<unsigned char*>(iopKubernetesJson);
  stream.avail_in = static_cast<uInt>(iopKubernetesJsonEnd - iopKubernetesJson);
  std::string out;
  int result = Z_OK;
  while (result == Z_OK) {
    const std::size_t before = out.size();
    out.resize(before + kChunk);
    stream.next_out = reinterpret_cast<unsigned char*>(out.data()) + before;
    stream.avail_out = kChunk;
    result = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + kChunk - stream.avail_out);
    if (stop.empty()) continue;
    const std::size_t found = out.find(stop, before - std::min(before, stop.size()));
    if (found == std::string::npos) continue;
    out.resize(found);
    break;
  }
  inflateEnd(&stream);
  ASSERT(result == Z_OK || result == Z_STREAM_END);
  return out;
}

Value parse(std::string_view text) {
  auto parsed = text::parseJson(text);
  ASSERT(parsed);
  return std::move(*parsed);
}

}  // namespace

const Value& resources() {
  // Every start needs them; they come first, and little has to be read.
  static const Value kResources = parse(inflateFile(kSchemas) + "}")["resources"];
  return kResources;
}

const Value& serverVersion() {
  static const Value kServerVersion = [] {
    const std::string text = inflateFile("");
    const std::size_t at = text.rfind(kVersion);
    ASSERT(at != std::string::npos);
    return parse("{" + text.substr(at + 1))["version"];
  }();
  return kServerVersion;
}

const Value& schemas() {
  static const Value kAll = [] {
    const std::string text = inflateFile("");
    const std::size_t from = text.find(kSchemas), to = text.rfind(kVersion);
    ASSERT(from != std::string::npos && to != std::string::npos && from < to);
    return parse("{" + text.substr(from + 1, to - from - 1) + "}")["schemas"];
  }();
  return kAll;
}

}  // namespace iop::apiserver::kinds
