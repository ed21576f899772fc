#pragma once

// What names and other short texts may be, in Kubernetes' words (apimachinery,
// pkg/util/validation/validation.go). Each rule returns what is wrong; nothing where all is well,
// without allocating. Pure.

#include <string>
#include <string_view>

#include "apiserver/kinds/internal/checks.h"

namespace iop::apiserver::kinds::internal {

Messages checkDnsLabel(std::string_view text);      // RFC 1123
Messages checkDnsLabel1035(std::string_view text);  // RFC 1035
Messages checkDnsSubdomain(std::string_view text);  // RFC 1123
Messages checkWildcardSubdomain(std::string_view text);
Messages checkPathSegment(std::string_view text);    // pkg/api/validation/path
Messages checkQualifiedName(std::string_view text);  // "example.com/MyName"
Messages checkLabelValue(std::string_view text);
Messages checkDomainPrefixedPath(std::string_view text);  // "acme.io/foo"
Messages checkConfigKey(std::string_view text);           // of ConfigMaps and Secrets
Messages checkEnvName(std::string_view text);
Messages checkPortName(std::string_view text);  // IANA_SVC_NAME
Messages checkHttpHeaderName(std::string_view text);
Messages checkIp(std::string_view text);
Messages checkCidr(std::string_view text);
Messages checkFullyQualifiedDomainName(std::string_view text);

// Addresses of nodes and of outside: not those that never leave a machine or its link.
void checkNonSpecialIp(Errors& errors, const Path& path, std::string_view text);

bool isCelIdentifier(std::string_view text);

// An address in 16 bytes; IPv4 as ::ffff:a.b.c.d. Leading zeros are refused.
struct Ip {
  unsigned char bytes[16] = {};
  bool isV4 = false;
};
bool parseIp(std::string_view text, Ip& out);
// The address and the number of its network's bits.
bool parseCidr(std::string_view text, Ip& out, int& bits);

}  // namespace iop::apiserver::kinds::internal
