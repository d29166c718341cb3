# Installs the library into a prefix of its own, moves it, and builds decay.c against it as C and as C++, once
# with pkg-config and once with find_package; each program must solve its equation.
set(work "${BUILD}/tests/install/a place")
set(prefix "${work}/moved")

function(step)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status WORKING_DIRECTORY "${work}"
                  OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(status)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "status ${status}: ${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}/user")
step(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${work}/first" --component library)
file(RENAME "${work}/first" "${prefix}")

set(languages C)
if(NOT CXX STREQUAL none)
  list(APPEND languages CXX)
else()
  message(STATUS "no C++ compiler: C only")
endif()
file(COPY_FILE "${SOURCE}/decay.c" "${work}/user/decay.c")
file(COPY_FILE "${SOURCE}/decay.c" "${work}/user/decay.cpp")

# Through find_package.
file(COPY_FILE "${SOURCE}/user.cmake" "${work}/user/CMakeLists.txt")
list(JOIN languages "_" words)
step(${CMAKE_COMMAND} -G ${GENERATOR} -S user -B user-build -DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM}
     -DCMAKE_PREFIX_PATH=${prefix} -DUSER_LANGUAGES=${words}
     -DCMAKE_C_COMPILER=${CC} -DCMAKE_CXX_COMPILER=${CXX})
step(${CMAKE_COMMAND} --build user-build)
foreach(language IN LISTS languages)
  step("${work}/user-build/decay_${language}")
  message(STATUS "find_package, ${language}: ${output}")
endforeach()

# The same with pkg-config. Its answer is words for a shell: a blank in a path has a backslash before it.
set(compiler_C ${CC})
set(compiler_CXX ${CXX})
set(source_C decay.c)
set(source_CXX decay.cpp)
set(ENV{PKG_CONFIG_PATH} "${prefix}/${LIBDIR}/pkgconfig")
step(${PKG_CONFIG} --cflags --libs neurlp)
separate_arguments(flags UNIX_COMMAND "${output}")
foreach(language IN LISTS languages)
  step(${compiler_${language}} user/${source_${language}} -o by_pkg_config ${flags})
  step("${work}/by_pkg_config")
  message(STATUS "pkg-config, ${language}: ${output}")
endforeach()
