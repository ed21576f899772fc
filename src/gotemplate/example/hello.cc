// A whole program with Go templates: renders its first argument with a few values.
//
//   hello 'Hello {{ .name | upper }}!'

#include <cstdio>

#include "gotemplate/template.h"

int main(int argc, char** argv) {
  const char* text = argc > 1 ? argv[1] : "Hello {{ .name | upper }}, {{ len .list }} of them!\n";
  const auto parsed = iop::gotemplate::Template::parse(
      text, {.name = "hello", .leftDelim = "{{", .rightDelim = "}}"});
  const iop::Value data =
      iop::Value::object({{"name", "world"}, {"list", iop::Value::array({"a", "b", "c"})}});
  const auto output = parsed.and_then([&data](const auto& hello) { return hello.execute(data); });
  if (!output) {
    std::fprintf(stderr, "%s\n", output.error().message.c_str());
    return 1;
  }
  std::fputs(output->c_str(), stdout);
}
