#include "cli/apparatus_command.h"

#include <ostream>

#include "cli/apparatus_trial.h"
#include "cli/manifests.h"

namespace iop::cli {
namespace {

using operators::api::Side;

// The first Plug and the first Socket of the files.
Status readSides(const ApparatusTestFlags& flags, std::istream& in, TrialOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<ManifestFile> files, readManifests(flags.files, in));
  for (const ManifestFile& file : files) {
    ASSIGN_OR_RETURN(const std::vector<text::YamlDocument> documents, parseManifests(file));
    for (const text::YamlDocument& document : documents) {
      const std::string_view kind = document.value["kind"].asString();
      if (kind == "Plug" && options.plug.isNull()) options.plug = document.value;
      if (kind == "Socket" && options.socket.isNull()) options.socket = document.value;
    }
  }
  for (const Value* object : {&options.plug, &options.socket}) {
    for (const char* field : {"name", "namespace"}) {
      const std::string_view name = (*object)["metadata"][field].asString();
      if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") ==
          std::string_view::npos) {
        continue;
      }
      return fail(Code::BadRequest, (*object)["kind"].toString() + ": metadata." + field +
                                        ": an API server takes small letters, digits, \"-\" and "
                                        "\".\" only");
    }
  }
  return {};
}

}  // namespace

int runApparatusTest(const ApparatusTestFlags& flags, const Streams& streams) {
  TrialOptions options;
  options.url = flags.url;
  options.side = flags.side == "plug" ? Side::Plug : Side::Socket;
  options.timeout = std::chrono::seconds(flags.timeoutSeconds);
  if (const Status read = readSides(flags, streams.in, options); !read) {
    streams.err << read.error().message << "\n";
    return 2;
  }
  http::Client client({.tls = {}, .proxy = "", .compression = false, .maxIdleConnections = 25});
  int tried = 0;
  int failed = 0;
  ApparatusTrial(std::move(options), client).run([&](const Trial& trial) {
    ++tried;
    failed += trial.faults.empty() ? 0 : 1;
    streams.out << (trial.faults.empty() ? "ok    " : "FAIL  ") << trial.what << "\n";
    for (const std::string& fault : trial.faults) streams.out << "        " << fault << "\n";
    streams.out << std::flush;
  });
  streams.out << tried << " tried, " << failed << " failed\n" << std::flush;
  return failed == 0 && streams.out.good() ? 0 : 1;
}

}  // namespace iop::cli
