#pragma once

// How Go prints single values in messages.

#include <string>
#include <string_view>

namespace iop::apiserver::schema::internal {

// fmt's %q: a string with its quotes, escapes for what cannot be seen (strconv.Quote).
std::string quote(std::string_view text);

// fmt's %v of a float64: the shortest form, with an exponent below 1e-4 and from 1e21 on.
std::string printFloat(double number);

// strconv's FormatFloat(number, 'f', -1, 64): never an exponent.
std::string printPlainFloat(double number);

// The number of code points, each byte that is no UTF-8 counted as one (utf8.RuneCountInString).
std::size_t countRunes(std::string_view text);

}  // namespace iop::apiserver::schema::internal
