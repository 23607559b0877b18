# Flags that hold for every target, and the tools that make builds short (ccache, mold).
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer)
# GCC 12 reports these inside its own library headers and in Boost coroutine frames; they are wrong there.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-dangling-pointer
    -Wno-mismatched-new-delete)
endif()
# Clang builds the fuzzers only; the warnings that must be clean are GCC's.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-Wno-error)
endif()
# The compiler's own garbage collection: a tenth of the time of a build for some 200 MB more of memory.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options("SHELL:--param ggc-min-expand=400" "SHELL:--param ggc-min-heapsize=1000000")
endif()
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

if(PARAMEDIC_SANITIZE)
  add_compile_options(-fsanitize=${PARAMEDIC_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PARAMEDIC_SANITIZE})
  if(PARAMEDIC_SANITIZE MATCHES "undefined")
    # A check at each access through a pointer, a third of the build: AddressSanitizer sees a null pointer as well, nobody
    # casts down, and decoders copy bytes.
    add_compile_options(-fno-sanitize=null,alignment,object-size,vptr)
  endif()
  if(PARAMEDIC_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan) # Asio's fences: TSan does not see them, and says so with a warning
  endif()
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # clang 14 cannot emit this one for coroutines: "Cannot represent a difference across sections".
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
if(PARAMEDIC_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

find_program(PARAMEDIC_CCACHE ccache)
if(PARAMEDIC_CCACHE)
  # Without this sloppiness ccache never reuses a file that was compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${PARAMEDIC_CCACHE})
endif()
find_program(PARAMEDIC_MOLD mold)
if(PARAMEDIC_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
