# Writes neurlp_build.h at every build (so that the commit is the one that is built), only if it changed.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_target(neurlp_build_info
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${CMAKE_SOURCE_DIR} -DOUTPUT=${CMAKE_BINARY_DIR}/generated/neurlp_build.h
          -DVERSION=${PROJECT_VERSION} "-DCOMPILER=${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}, ${CMAKE_BUILD_TYPE}"
          -P ${CMAKE_SOURCE_DIR}/cmake/write_build_info.cmake
  BYPRODUCTS ${CMAKE_BINARY_DIR}/generated/neurlp_build.h
  COMMENT "Noting the commit" VERBATIM)
