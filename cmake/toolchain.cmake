# Compiler cache, linker, warnings and sanitizers: what every target of this project is built with.

find_program(CCACHE ccache)
if(CCACHE)
  # The precompiled headers carry time stamps and defines that ccache refuses unless told otherwise.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_definitions(IOP_VERSION="${PROJECT_VERSION}")
add_compile_options(-pthread)  # everywhere alike, or the precompiled headers do not fit
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fpch-preprocess)
  # False positives of g++ 12 in optimised code of the standard library (bugs 105329, 105651, 107138).
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-dangling-pointer -Wno-free-nonheap-object)
endif()
if(IOP_WERROR)
  add_compile_options(-Werror)
endif()

if(IOP_SANITIZE)
  add_compile_options(-fsanitize=${IOP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${IOP_SANITIZE})
endif()
if(IOP_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
