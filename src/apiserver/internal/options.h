#pragma once

// The options of requests in their queries (metainternalversion validation).
//
// Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/failure.h"
#include "apiserver/internal/request.h"

namespace iop::apiserver {

struct ListOptions {
  std::uint64_t limit = 0;
  std::string continueToken = {};
  std::optional<std::uint64_t> resourceVersion = {};  // nothing: ""
  std::string resourceVersionMatch = {};
  bool sendInitialEvents = false;
  bool hasSendInitialEvents = false;
  bool allowBookmarks = false;
  std::optional<std::int64_t> timeoutSeconds = {};
};

// Errors: 400 for what cannot be read, 422 for what does not go together.
Answer<ListOptions> listOptionsOf(const QueryParameters& query, bool isWatch);

// Where a page of a list continues.
struct Continuation {
  std::uint64_t version = 0;
  std::string namespaceName;
  std::string name;
};
std::string printContinueToken(const Continuation& from);
Answer<Continuation> parseContinueToken(std::string_view token);

// As Go reads them: "strconv.ParseInt: parsing "x": invalid syntax" otherwise.
Answer<std::int64_t> parseInteger(std::string_view text);

}  // namespace iop::apiserver
