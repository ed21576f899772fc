// main() of every test program: GoogleTest's own, with the time zone fixed so that dates do not
// depend on the machine.
#include <gtest/gtest.h>

#include <cstdlib>

int main(int argc, char** argv) {
  setenv("TZ", "UTC", 1);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
