#pragma once

// Whether a text is a URI as an HTTP request has it (Go's url.ParseRequestURI): absolute, or a path
// that begins with "/".

#include <string_view>

namespace iop::apiserver::schema::internal {

bool isRequestUri(std::string_view text);

}  // namespace iop::apiserver::schema::internal
