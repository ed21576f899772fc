#include "gotemplate/internal/regexp_unicode.h"

#include <unicode/uset.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/result.h"

namespace iop::gotemplate::internal {
namespace {

using Name = std::pair<std::string_view, std::string_view>;

// Names as Go looks them up, in small letters, and RE2's name of the class. Sorted.
constexpr Name kNames[] = {
    {"adlam", "Adlam"},
    {"ahom", "Ahom"},
    {"arabic", "Arabic"},
    {"armenian", "Armenian"},
    {"avestan", "Avestan"},
    {"balinese", "Balinese"},
    {"bamum", "Bamum"},
    {"batak", "Batak"},
    {"bengali", "Bengali"},
    {"bhaiksuki", "Bhaiksuki"},
    {"bopomofo", "Bopomofo"},
    {"brahmi", "Brahmi"},
    {"braille", "Braille"},
    {"buginese", "Buginese"},
    {"buhid", "Buhid"},
    {"carian", "Carian"},
    {"cc", "Cc"},
    {"cf", "Cf"},
    {"chakma", "Chakma"},
    {"cham", "Cham"},
    {"cherokee", "Cherokee"},
    {"chorasmian", "Chorasmian"},
    {"closepunctuation", "Pe"},
    {"cntrl", "Cc"},
    {"co", "Co"},
    {"combiningmark", "M"},
    {"common", "Common"},
    {"connectorpunctuation", "Pc"},
    {"control", "Cc"},
    {"coptic", "Coptic"},
    {"cs", "Cs"},
    {"cuneiform", "Cuneiform"},
    {"currencysymbol", "Sc"},
    {"cypriot", "Cypriot"},
    {"cyrillic", "Cyrillic"},
    {"dashpunctuation", "Pd"},
    {"decimalnumber", "Nd"},
    {"deseret", "Deseret"},
    {"devanagari", "Devanagari"},
    {"digit", "Nd"},
    {"dogra", "Dogra"},
    {"duployan", "Duployan"},
    {"elbasan", "Elbasan"},
    {"elymaic", "Elymaic"},
    {"enclosingmark", "Me"},
    {"ethiopic", "Ethiopic"},
    {"finalpunctuation", "Pf"},
    {"format", "Cf"},
    {"georgian", "Georgian"},
    {"glagolitic", "Glagolitic"},
    {"gothic", "Gothic"},
    {"grantha", "Grantha"},
    {"greek", "Greek"},
    {"gujarati", "Gujarati"},
    {"gurmukhi", "Gurmukhi"},
    {"han", "Han"},
    {"hangul", "Hangul"},
    {"hanunoo", "Hanunoo"},
    {"hatran", "Hatran"},
    {"hebrew", "Hebrew"},
    {"hiragana", "Hiragana"},
    {"inherited", "Inherited"},
    {"initialpunctuation", "Pi"},
    {"javanese", "Javanese"},
    {"kaithi", "Kaithi"},
    {"kannada", "Kannada"},
    {"katakana", "Katakana"},
    {"kharoshthi", "Kharoshthi"},
    {"khmer", "Khmer"},
    {"khojki", "Khojki"},
    {"khudawadi", "Khudawadi"},
    {"l", "L"},
    {"lao", "Lao"},
    {"latin", "Latin"},
    {"lepcha", "Lepcha"},
    {"letter", "L"},
    {"letternumber", "Nl"},
    {"limbu", "Limbu"},
    {"lineseparator", "Zl"},
    {"lisu", "Lisu"},
    {"ll", "Ll"},
    {"lm", "Lm"},
    {"lo", "Lo"},
    {"lowercaseletter", "Ll"},
    {"lt", "Lt"},
    {"lu", "Lu"},
    {"lycian", "Lycian"},
    {"lydian", "Lydian"},
    {"m", "M"},
    {"mahajani", "Mahajani"},
    {"makasar", "Makasar"},
    {"malayalam", "Malayalam"},
    {"mandaic", "Mandaic"},
    {"manichaean", "Manichaean"},
    {"marchen", "Marchen"},
    {"mark", "M"},
    {"mathsymbol", "Sm"},
    {"mc", "Mc"},
    {"me", "Me"},
    {"medefaidrin", "Medefaidrin"},
    {"miao", "Miao"},
    {"mn", "Mn"},
    {"modi", "Modi"},
    {"modifierletter", "Lm"},
    {"modifiersymbol", "Sk"},
    {"mongolian", "Mongolian"},
    {"mro", "Mro"},
    {"multani", "Multani"},
    {"myanmar", "Myanmar"},
    {"n", "N"},
    {"nabataean", "Nabataean"},
    {"nandinagari", "Nandinagari"},
    {"nd", "Nd"},
    {"newa", "Newa"},
    {"nko", "Nko"},
    {"nl", "Nl"},
    {"no", "No"},
    {"nonspacingmark", "Mn"},
    {"number", "N"},
    {"nushu", "Nushu"},
    {"ogham", "Ogham"},
    {"openpunctuation", "Ps"},
    {"oriya", "Oriya"},
    {"osage", "Osage"},
    {"osmanya", "Osmanya"},
    {"otherletter", "Lo"},
    {"othernumber", "No"},
    {"otherpunctuation", "Po"},
    {"othersymbol", "So"},
    {"p", "P"},
    {"palmyrene", "Palmyrene"},
    {"paragraphseparator", "Zp"},
    {"pc", "Pc"},
    {"pd", "Pd"},
    {"pe", "Pe"},
    {"pf", "Pf"},
    {"phoenician", "Phoenician"},
    {"pi", "Pi"},
    {"po", "Po"},
    {"privateuse", "Co"},
    {"ps", "Ps"},
    {"punct", "P"},
    {"punctuation", "P"},
    {"rejang", "Rejang"},
    {"runic", "Runic"},
    {"s", "S"},
    {"samaritan", "Samaritan"},
    {"saurashtra", "Saurashtra"},
    {"sc", "Sc"},
    {"separator", "Z"},
    {"sharada", "Sharada"},
    {"shavian", "Shavian"},
    {"siddham", "Siddham"},
    {"sinhala", "Sinhala"},
    {"sk", "Sk"},
    {"sm", "Sm"},
    {"so", "So"},
    {"sogdian", "Sogdian"},
    {"soyombo", "Soyombo"},
    {"spaceseparator", "Zs"},
    {"spacingmark", "Mc"},
    {"sundanese", "Sundanese"},
    {"surrogate", "Cs"},
    {"symbol", "S"},
    {"syriac", "Syriac"},
    {"tagalog", "Tagalog"},
    {"tagbanwa", "Tagbanwa"},
    {"takri", "Takri"},
    {"tamil", "Tamil"},
    {"tangsa", "Tangsa"},
    {"tangut", "Tangut"},
    {"telugu", "Telugu"},
    {"thaana", "Thaana"},
    {"thai", "Thai"},
    {"tibetan", "Tibetan"},
    {"tifinagh", "Tifinagh"},
    {"tirhuta", "Tirhuta"},
    {"titlecaseletter", "Lt"},
    {"toto", "Toto"},
    {"ugaritic", "Ugaritic"},
    {"uppercaseletter", "Lu"},
    {"vai", "Vai"},
    {"vithkuqi", "Vithkuqi"},
    {"wancho", "Wancho"},
    {"yezidi", "Yezidi"},
    {"yi", "Yi"},
    {"z", "Z"},
    {"zl", "Zl"},
    {"zp", "Zp"},
    {"zs", "Zs"},
};

// Classes that RE2 does not know, or knows otherwise, as ICU's patterns. Sorted.
constexpr Name kSets[] = {
    {"any", "[\\x00-\\U0010FFFF]"},
    {"ascii", "[\\x00-\\x7F]"},
    {"assigned", "[:^Cn:]"},
    {"c", "[:C:]"},
    {"casedletter", "[[:Lu:][:Ll:][:Lt:]]"},
    {"cn", "[:Cn:]"},
    {"kawi", "[:sc=Kawi:]"},
    {"lc", "[[:Lu:][:Ll:][:Lt:]]"},
    {"other", "[:C:]"},
    {"unassigned", "[:Cn:]"},
};

// The other name of an entry; empty if there is none.
template <std::size_t count>
std::string_view find(const Name (&names)[count], std::string_view name) {
  const auto found = std::lower_bound(std::begin(names), std::end(names), Name(name, {}));
  return found != std::end(names) && found->first == name ? found->second : std::string_view();
}

// What Go looks up: without spaces, underscores and hyphens, in one case.
std::string canonical(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return out;
}

void appendRune(std::string& out, UChar32 rune) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  out += "\\x{";
  for (int shift = 20; shift >= 0; shift -= 4) out += kDigits[(rune >> shift) & 15];
  out += '}';
}

// The set, or all but it, as ranges within brackets.
std::string rangesOf(std::string_view pattern, bool isNegated) {
  const std::u16string wide(pattern.begin(), pattern.end());
  UErrorCode error = U_ZERO_ERROR;
  USet* set = uset_openPattern(wide.data(), static_cast<std::int32_t>(wide.size()), &error);
  ASSERT(U_SUCCESS(error));
  if (isNegated) uset_complement(set);
  std::string out;
  for (std::int32_t i = 0; i < uset_getItemCount(set); ++i) {
    UChar32 first = 0;
    UChar32 last = 0;
    uset_getItem(set, i, &first, &last, nullptr, 0, &error);
    appendRune(out, first);
    if (last == first) continue;
    out += '-';
    appendRune(out, last);
  }
  uset_close(set);
  return out;
}

}  // namespace

bool appendUnicodeClass(std::string& out, std::string_view name, bool isNegated,
                        bool isInBrackets) {
  const std::string wanted = canonical(name);
  if (const std::string_view known = find(kNames, wanted); !known.empty()) {
    out.append(isNegated ? "\\P{" : "\\p{").append(known).append("}");
    return true;
  }
  const std::string_view pattern = find(kSets, wanted);
  if (pattern.empty()) return false;
  // Outside of brackets a negation is left to RE2, which folds cases before it negates, as Go does.
  if (isInBrackets) {
    out += rangesOf(pattern, isNegated);
  } else {
    out.append(isNegated ? "[^" : "[").append(rangesOf(pattern, false)).append("]");
  }
  return true;
}

}  // namespace iop::gotemplate::internal
