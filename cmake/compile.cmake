# How every file is compiled.
option(NEURLP_WERROR "Warnings are errors" ON)

find_package(OpenMP REQUIRED COMPONENTS C)
find_package(LAPACK REQUIRED)

add_library(neurlp_compile INTERFACE)
set(warnings -Wall -Wextra -Wconversion -Wshadow -Wpointer-arith -fno-math-errno -fno-trapping-math
             $<$<BOOL:${NEURLP_WERROR}>:-Werror>)
target_compile_options(neurlp_compile INTERFACE "$<$<COMPILE_LANGUAGE:C>:${warnings}>")
target_compile_definitions(neurlp_compile INTERFACE _POSIX_C_SOURCE=200809L)
target_include_directories(neurlp_compile INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)
target_link_libraries(neurlp_compile INTERFACE OpenMP::OpenMP_C m)

# Each test is linked with the rooms that it tests, so that linking is a good part of a build for tests.
set(NEURLP_LINKER "" CACHE STRING "Linker: what stands behind ld. in its name, lld for example; empty for the compiler's own")
if(NEURLP_LINKER)
  find_program(NEURLP_LINKER_PROGRAM ld.${NEURLP_LINKER})
  mark_as_advanced(NEURLP_LINKER_PROGRAM)
  if(NEURLP_LINKER_PROGRAM)
    add_link_options($<$<LINK_LANGUAGE:C>:-fuse-ld=${NEURLP_LINKER}>)
  else()
    message(STATUS "ld.${NEURLP_LINKER} was not found (Debian: ${NEURLP_LINKER}); the compiler's own linker does it, more slowly")
  endif()
endif()

# One room of the library: neurlp_add_room(expr SOURCES a.c b.c NEEDS core) makes the object library neurlp_expr.
# A room sees only the rooms it names, and those they name.
function(neurlp_add_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;NEEDS" ${ARGN})
  add_library(neurlp_${name} OBJECT ${ARG_SOURCES})
  set_target_properties(neurlp_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(neurlp_${name} PUBLIC neurlp_compile)
  set_property(GLOBAL APPEND PROPERTY NEURLP_ROOMS ${name})
  set_property(GLOBAL PROPERTY NEURLP_ROOM_${name}_NEEDS "${ARG_NEEDS}")
endfunction()

# Kernels take minutes to compile well. A build for tests on this machine compiles those that cannot run here without
# optimisation: they have to be right C, and nothing more can be said of them here anyway.
option(NEURLP_HOST_ISAS "Optimise only for instruction sets of this machine; for builds that stay on it" OFF)
function(neurlp_foreign_isas out)
  set(foreign "")
  if(NEURLP_HOST_ISAS AND EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo line REGEX "^flags[ \t]*:" LIMIT_COUNT 1)
    set(needs_avx2 avx2 fma)
    set(needs_avx512 avx2 fma avx512f avx512dq avx512vl avx512bw) # as in src/block/cpu/isa.c
    foreach(isa avx2 avx512)
      foreach(flag IN LISTS needs_${isa})
        if(NOT "${line} " MATCHES " ${flag} " AND NOT isa IN_LIST foreign)
          list(APPEND foreign ${isa})
        endif()
      endforeach()
    endforeach()
  endif()
  set(${out} "${foreign}" PARENT_SCOPE)
endfunction()

# Source files that are compiled once for each instruction set, with NEURLP_ISA defined as baseline, avx2 or avx512 (a
# suffix for their functions); which one runs is chosen when the program runs: one build serves a mixed cluster. With
# PRECISIONS they are compiled for each of these, too, with NEURLP_KERNEL_DOUBLE and the like defined, and NEURLP_KERNELS
# as the name of their table, neurlp_kernels_avx2_single for example. CONTRACT is gcc's -ffp-contract.
function(neurlp_add_lane_sources room)
  cmake_parse_arguments(ARG "" "CONTRACT" "SOURCES;PRECISIONS" ${ARGN})
  set(isas baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND isas avx2 avx512)
    target_compile_definitions(neurlp_${room} PRIVATE NEURLP_HAVE_X86_ISAS=1)
  endif()
  set(flags_baseline "")
  set(flags_avx2 -mavx2 -mfma)
  set(flags_avx512 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512)
  # Loops with constant bounds disappear: gcc's own limits are for code that is not all one loop nest.
  set(unroll "")
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(unroll "SHELL:--param max-completely-peeled-insns=30000" "SHELL:--param max-completely-peel-times=40")
  endif()
  neurlp_foreign_isas(foreign)
  set(variants "")
  foreach(precision IN LISTS ARG_PRECISIONS)
    list(APPEND variants _${precision})
  endforeach()
  if(NOT variants)
    set(variants "_")
  endif()
  foreach(isa IN LISTS isas)
    foreach(variant IN LISTS variants)
      set(target neurlp_${room}_${isa}${variant})
      string(TOUPPER "NEURLP_KERNEL${variant}" kernel)
      add_library(${target} OBJECT ${ARG_SOURCES})
      set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
      target_compile_definitions(${target} PRIVATE NEURLP_ISA=${isa} NEURLP_KERNELS=neurlp_kernels_${isa}${variant}
                                                   ${kernel}=1)
      target_compile_options(${target} PRIVATE ${flags_${isa}} -ffp-contract=${ARG_CONTRACT} ${unroll})
      if(isa IN_LIST foreign)
        target_compile_options(${target} PRIVATE -O0 -fno-sanitize=all)
      endif()
      target_link_libraries(${target} PRIVATE neurlp_compile)
      set_property(GLOBAL APPEND PROPERTY NEURLP_ROOM_${room}_LANES ${target})
    endforeach()
  endforeach()
endfunction()

# All object libraries behind a list of rooms and the rooms they need.
function(neurlp_objects_of out)
  set(todo ${ARGN})
  set(seen "")
  set(objects "")
  while(todo)
    list(POP_FRONT todo room)
    if(NOT room IN_LIST seen)
      list(APPEND seen ${room})
      list(APPEND objects neurlp_${room})
      get_property(lanes GLOBAL PROPERTY NEURLP_ROOM_${room}_LANES)
      list(APPEND objects ${lanes})
      get_property(needs GLOBAL PROPERTY NEURLP_ROOM_${room}_NEEDS)
      list(APPEND todo ${needs})
    endif()
  endwhile()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

# Kernels: contractions are spelled out where they are wanted, as for the CPU. Nothing of C++'s run-time library is
# needed, so that programs in C link the library as they would without kernels.
add_library(neurlp_cuda_compile INTERFACE)
target_compile_options(neurlp_cuda_compile INTERFACE
  "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;--fmad=false;-Xcompiler=-ffp-contract=off,-fno-exceptions,-fno-threadsafe-statics;$<$<BOOL:${NEURLP_WERROR}>:-Werror=all-warnings>>")

target_compile_options(neurlp_cuda_compile INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${NEURLP_CUDA_CODE}>")

# What programs are linked with, beside the objects of rooms.
add_library(neurlp_link INTERFACE)
target_link_libraries(neurlp_link INTERFACE OpenMP::OpenMP_C LAPACK::LAPACK m)
if(NEURLP_HAVE_CUDA)
  target_link_libraries(neurlp_link INTERFACE CUDA::cudart_static)
endif()
