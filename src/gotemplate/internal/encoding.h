#pragma once

// Encodings, check sums and the escaping built-ins of templates.
//
//   Result<std::string> bytes = decodeBase64("YWJj!");
//   bytes.error().message                      // illegal base64 data at input byte 4
//   escapeHtml("<a>")                          // &lt;a&gt;
//
// Pure functions, safe on any thread; results are linear in their input. The error texts are Go's
// (encoding/base64, encoding/base32).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace iop::gotemplate::internal {

// Standard alphabet with padding. Decoding skips CR and LF and does not look at unused low bits.
std::string encodeBase64(std::string_view bytes);
Result<std::string> decodeBase64(std::string_view text);
std::string encodeBase32(std::string_view bytes);
Result<std::string> decodeBase32(std::string_view text);

// Lower-case hexadecimal digits.
std::string encodeHex(std::string_view bytes);
std::string sha1Hex(std::string_view bytes);
std::string sha256Hex(std::string_view bytes);
std::string sha512Hex(std::string_view bytes);
std::uint32_t adler32Sum(std::string_view bytes);

// The built-ins html, js and urlquery (text/template) for a text that is already joined.
std::string escapeHtml(std::string_view text);
std::string escapeJs(std::string_view text);
std::string escapeUrlQuery(std::string_view text);

// Appends a JSON string with its quotes as encoding/json writes it. `escapesHtml` writes < > & as
// \u003c … too.
void appendJsonString(std::string& out, std::string_view text, bool escapesHtml);
// A finite number as encoding/json writes a float64: 1e21, 1e-7, 100000000000000000000.
std::string formatJsonNumber(double value);

}  // namespace iop::gotemplate::internal
