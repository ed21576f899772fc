#pragma once

// Whether a text is one mail address (RFC 5322, as Go's mail.ParseAddress reads it): "a@b.c",
// "Ann <a@b.c>". No groups and no lists.

#include <string_view>

namespace iop::apiserver::schema::internal {

bool isMailAddress(std::string_view text);

}  // namespace iop::apiserver::schema::internal
