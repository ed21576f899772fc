#pragma once

// The command line: subcommands, their flags, and the environment variables that stand in for
// flags.

namespace iop::cli {

// Runs the program and returns its exit status: 0 success, 1 failure, 2 for a command line that is
// none.
int run(int argc, char** argv);

}  // namespace iop::cli
