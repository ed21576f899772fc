#pragma once

// `integration-operator run`: the operator, until a signal ends it.

#include "operator/control/operator.h"

namespace iop::cli {

// Blocks until SIGTERM or SIGINT; a second one ends the process at once. Returns the exit status.
int runOperator(operators::control::OperatorOptions options);

}  // namespace iop::cli
