# add_module(NAME DEPS targets... [LIBRARIES targets...])
#
# Makes a static library of the *.cc files of the current folder (and of its internal/ folder), a test program
# NAME_test of its *_test.cc files and a benchmark NAME_bench of its *_bench.cc files. NAME is the folder below
# src/ with "_" for "/". DEPS are other modules, which users of this one see too; LIBRARIES are third-party
# libraries, which they do not (their headers stay in this folder's .cc files).
function(add_module NAME)
  cmake_parse_arguments(arg "" "" "DEPS;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc internal/*.cc)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")

  add_library(${NAME} STATIC ${sources})
  target_include_directories(${NAME} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
  target_link_libraries(${NAME} PUBLIC ${arg_DEPS} tl::expected Threads::Threads PRIVATE ${arg_LIBRARIES})
  use_standard_pch(${NAME})

  if(tests AND BUILD_TESTING)
    add_test_program(${NAME}_test SOURCES ${tests} DEPS ${NAME} LIBRARIES ${arg_LIBRARIES})
  endif()
  if(benches)
    add_executable(${NAME}_bench ${benches})
    target_link_libraries(${NAME}_bench PRIVATE ${NAME} ${arg_LIBRARIES} benchmark::benchmark_main)
  endif()
  if(IOP_FUZZ)
    foreach(source ${fuzzers})
      get_filename_component(program ${source} NAME_WE)
      add_executable(${program} ${source})
      target_link_libraries(${program} PRIVATE ${NAME})
      target_link_options(${program} PRIVATE -fsanitize=fuzzer)
      add_dependencies(fuzzers ${program})
    endforeach()
  endif()
endfunction()

if(IOP_FUZZ)
  add_custom_target(fuzzers)
endif()

# add_test_program(NAME SOURCES files... DEPS targets... [LIBRARIES targets...] [LABELS labels...])
#
# A GoogleTest program that ctest runs as one test. Test data is found from the source tree (IOP_SOURCE_DIR).
function(add_test_program NAME)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LIBRARIES;LABELS" ${ARGN})
  add_executable(${NAME} ${arg_SOURCES})
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${NAME} PRIVATE IOP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${NAME} PRIVATE ${arg_DEPS} ${arg_LIBRARIES} test_main)
  target_precompile_headers(${NAME} REUSE_FROM test_main)
  add_test(NAME ${NAME} COMMAND ${NAME} --gtest_brief=1)
  set_tests_properties(${NAME} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 900)
endfunction()

# One precompiled header of the standard library's everyday headers, shared by all modules.
function(use_standard_pch NAME)
  if(NOT TARGET standard_pch)
    file(WRITE ${PROJECT_BINARY_DIR}/standard_pch.cc "")
    add_library(standard_pch OBJECT ${PROJECT_BINARY_DIR}/standard_pch.cc)
    target_link_libraries(standard_pch PUBLIC tl::expected Threads::Threads)
    target_precompile_headers(standard_pch PRIVATE
      <algorithm> <atomic> <chrono> <condition_variable> <cstdint> <functional> <map> <memory> <mutex>
      <optional> <set> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
      <tl/expected.hpp>)
  endif()
  target_precompile_headers(${NAME} REUSE_FROM standard_pch)
endfunction()

# The main() of all test programs, with GoogleTest in its precompiled header.
if(BUILD_TESTING)
  add_library(test_main STATIC ${PROJECT_SOURCE_DIR}/testing/main.cc)
  target_link_libraries(test_main PUBLIC GTest::gtest tl::expected Threads::Threads)
  target_compile_definitions(test_main PRIVATE IOP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_include_directories(test_main PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  target_precompile_headers(test_main PRIVATE
    <gtest/gtest.h> <algorithm> <atomic> <chrono> <condition_variable> <cstdint> <functional> <map> <memory>
    <mutex> <optional> <set> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>
    <tl/expected.hpp>)
endif()
