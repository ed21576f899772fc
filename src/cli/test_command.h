#pragma once

// `integration-operator test`: cases of manifests whose rendering is compared with what it should
// be, for the CI of those who write sockets and plugs.

#include <string>

#include "cli/streams.h"

namespace iop::cli {

struct TestFlags {
  std::string folder;
  bool update = false;  // write what is different into expected.yaml
  std::string junit;    // file for a report in JUnit's XML; empty: none
};

// Each folder at or below the given one that has `input/` or `input.yaml` is a case. It is rendered
// as `render` does and compared with its `expected.yaml`, as values: comments and quotes do not
// count. A case that has none fails.
//
// Returns the exit status: 0 where all are equal (with `update`: could be written), 1 where one
// differs or its input cannot be read, 2 where there is no case or the report cannot be written.
int runTest(const TestFlags& flags, const Streams& streams);

}  // namespace iop::cli
