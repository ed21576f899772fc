#pragma once

// Templates that mean harm, for the test and the benchmark of the bounds.

#include <string>
#include <vector>

namespace iop::gotemplate {

struct HostileTemplate {
  std::string name;
  std::string text;
  std::string bound;  // part of the error that it has to end in; empty: it ends, and quickly
};

inline std::string repeated(std::size_t count, const std::string& text) {
  std::string out;
  out.reserve(count * text.size());
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

inline std::vector<HostileTemplate> hostileTemplates() {
  // "b00" calls "b01" twice, which calls "b02" twice, …
  std::string doubling;
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"t({% template "b)t" + std::to_string(i + 1) + "\" %}";
    doubling += R"t({% define "b)t" + std::to_string(i) + "\" %}" + next + next + "{% end %}";
  }
  doubling += R"t({% define "b40" %}{% end %}{% template "b0" %})t";

  const std::string steps = "exceeded the limit of 1000000 steps";
  const std::string value = "exceeded the limit of 4194304 bytes for one value";
  return {
      {"recursion", R"t({% define "a" %}{% template "a" . %}{% end %}{% template "a" . %})t",
       "exceeded"},
      {"doubling calls", doubling, steps},
      {"until", "{% until 1000000000 | len %}", "exceeded the limit of"},
      {"seq", "{% seq 1 1000000000 %}", "exceeded the limit of"},
      {"repeat of a repeat", R"t({% repeat 100000 (repeat 100000 "x") %})t", value},
      {"nested ranges",
       "{% range until 1000 %}{% range until 1000 %}{% range until 1000 %}x{% end %}{% end %}{% "
       "end %}",
       steps},
      {"doubling string",
       R"t({% $s := "x" %}{% range until 100 %}{% $s = print $s $s %}{% end %})t", value},
      {"doubling list", "{% $l := list 1 %}{% range until 100 %}{% $l = concat $l $l %}{% end %}",
       "exceeded the limit of"},
      {"growing output",
       R"t({% $s := repeat 1000000 "x" %}{% range until 100 %}{% $s %}{% end %})t",
       "exceeded the limit of 8388608 bytes of output"},
      {"many large values",
       R"t({% $l := list %}{% range $i := until 100 %}{% $l = append $l (printf "%d%s" $i (repeat 1000000 "x")) %}{% end %})t",
       "exceeded the limit of"},
      {"wide printf", R"t({% range until 100 %}{% printf "%1000000d" 1 %}{% end %})t",
       "exceeded the limit of"},
      {"replace", R"t({% replace "a" (repeat 10000 "b") (repeat 10000 "a") %})t", value},
      {"indent", R"t({% indent 1000000 (repeat 1000 "\n") %})t", value},
      {"regexReplaceAll", R"t({% regexReplaceAll "" (repeat 10000 "a") (repeat 10000 "b") %})t",
       value},
      {"regex that backtracks elsewhere",
       R"t({% regexMatch "^(a+)+(a|aa)+$" (print (repeat 100000 "a") "b") %})t", ""},
      {"large regex", R"t({% regexMatch "(.*\\pL){150}" (repeat 200000 "1") %})t", ""},
      {"many large regexes",
       R"t({% range $i := until 100 %}{% regexMatch (printf "(\\pL|x){%d}" (add 60 $i)) "x" %}{% end %})t",
       steps},
      {"many regexes that are too large",
       R"t({% range $i := until 100 %}{% regexMatch (printf "(\\pL{90}){%d}" (add 10 $i)) "x" %}{% end %})t",
       steps},
      {"regex of quadratic time", R"t({% regexFindAll "b*c|b" (repeat 200000 "b") -1 | len %})t",
       steps},
      {"deep regex", R"t({% mustRegexMatch (print (repeat 100000 "(") (repeat 100000 ")")) "" %})t",
       "expression nests too deeply"},
      {"parentheses", "{% " + repeated(1u << 20, "(") + "1" + repeated(1u << 20, ")") + " %}",
       "max expression depth exceeded"},
      {"blocks", repeated(100'000, "{% if 1 %}") + repeated(100'000, "{% end %}"), "exceed"},
      {"deep JSON", R"t({% mustFromJson (print (repeat 9000 "[") (repeat 9000 "]")) | toJson %})t",
       "exceeded max depth"},
      {"deep dict",
       R"t({% $d := dict %}{% range until 50000 %}{% $d = dict "a" $d %}{% end %}{% toJson $d %})t",
       "exceeded the limit of 1000 levels of nested values"},
      {"dict that holds itself", R"t({% $d := dict %}{% set $d "a" $d %})t",
       "exceeded the limit of 1000 levels of nested values"},
      {"uniq", "{% uniq (until 100000) | len %}", "exceeded the limit of"},
      {"has", "{% $l := until 20000 %}{% range $l %}{% if has -1 $l %}x{% end %}{% end %}",
       "exceeded the limit of"},
      {"bcrypt", R"t({% range until 1000 %}{% bcrypt "x" %}{% end %})t", steps},
      {"derivePassword",
       R"t({% range until 1000 %}{% derivePassword 1 "long" "p" "u" "s" %}{% end %})t", steps},
      {"keys", R"t({% range until 1000 %}{% genPrivateKey "rsa" %}{% end %})t",
       "exceeded the limit of"},
      {"certificates", R"t({% range until 1000 %}{% genCA "x" 1 %}{% end %})t",
       "exceeded the limit of"},
      {"date", R"t({% date (repeat 1000000 "2006") 0 %})t", ""},
      {"splitList", R"t({% splitList "" (repeat 4000000 "a") | len %})t", "exceeded the limit of"},
  };
}

}  // namespace iop::gotemplate
