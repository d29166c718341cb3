# Run by the target neurlp_build_info.
find_package(Git QUIET)
set(commit "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE hash RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(NOT failed)
    execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} status --porcelain --untracked-files=no
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    set(commit "${hash}")
    if(changes)
      string(APPEND commit " (with uncommitted changes)")
    endif()
  endif()
endif()
set(content "/* Written by cmake/write_build_info.cmake. */
#define NEURLP_VERSION \"${VERSION}\"
#define NEURLP_COMMIT \"${commit}\"
#define NEURLP_COMPILER \"${COMPILER}\"
")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL content)
  file(WRITE ${OUTPUT} "${content}")
endif()
