#pragma once

// IP addresses as Go's package net/netip reads them.
//
//   Result<IpAddress> address = parseIpAddress("fe80::1%eth0");
//   address->bytes.size()                      // 16
//   parseIpAddress("1.2.3").error().message    // ParseAddr("1.2.3"): IPv4 address too short
//
// A pure function, safe on any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {

struct IpAddress {
  std::vector<std::uint8_t> bytes;  // 4 or 16
  std::string zone;                 // of an IPv6 address: what follows its "%"

  bool isV4() const { return bytes.size() == 4; }
};

Result<IpAddress> parseIpAddress(std::string_view text);

}  // namespace iop::gotemplate::internal
