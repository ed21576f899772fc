#include "cli/cli.h"

int main(int argc, char** argv) { return iop::cli::run(argc, argv); }
