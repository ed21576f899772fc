#pragma once

// Doubles as text, laid out as Go's strconv.FormatFloat does with precision -1.

#include <optional>
#include <string>
#include <string_view>

namespace iop::text::internal {

// Format 'e' below 1e-6 and from 1e21 on (without a leading zero in the exponent), 'f' between:
// encoding/json's rule.
void appendJsonDouble(std::string& out, double number);
// Format 'f': 1000000000000000000000, 0.0000001.
void appendPositional(std::string& out, double number);
// Format 'g' for 64 and 32 bits: 1e+06, 1.5, 1e-05, "+Inf", "NaN".
void appendGeneral(std::string& out, double number);
void appendGeneral(std::string& out, float number);

// strconv.ParseFloat for decimal texts that are known to be well-formed: what is too small is 0;
// nothing for what is too large.
std::optional<double> parseDecimal(std::string_view text);

}  // namespace iop::text::internal
