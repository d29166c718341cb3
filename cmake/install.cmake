# The installed package: library, public header, find_package(neurlp) and pkg-config's neurlp.pc.
# Both work wherever the package is moved to. Component `library` is all of it but the program.
include(CMakePackageConfigHelpers)

install(TARGETS neurlp EXPORT neurlp
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library
        PUBLIC_HEADER DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)

set(NEURLP_CONFIG_CUDA "")
if(NEURLP_HAVE_CUDA)
  set(NEURLP_CONFIG_CUDA "find_dependency(CUDAToolkit)")
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/neurlp)
install(EXPORT neurlp NAMESPACE neurlp:: FILE neurlp-targets.cmake DESTINATION ${package_dir} COMPONENT library)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/neurlp-config.cmake.in
                              ${CMAKE_BINARY_DIR}/generated/neurlp-config.cmake INSTALL_DESTINATION ${package_dir}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/neurlp-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/neurlp-config.cmake
              ${CMAKE_BINARY_DIR}/generated/neurlp-config-version.cmake
        DESTINATION ${package_dir} COMPONENT library)

# neurlp.pc finds the prefix from where it lies itself. The libraries behind a static library are named by file,
# so that they suit any compiler.
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR} OR IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  message(FATAL_ERROR "CMAKE_INSTALL_LIBDIR and CMAKE_INSTALL_INCLUDEDIR must be relative to the prefix; "
                      "they are '${CMAKE_INSTALL_LIBDIR}' and '${CMAKE_INSTALL_INCLUDEDIR}'")
endif()
file(RELATIVE_PATH NEURLP_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
list(JOIN LAPACK_LIBRARIES " " behind)
list(JOIN OpenMP_C_LIBRARIES " " openmp)
set(NEURLP_PC_BEHIND "${behind} ${openmp} -lm")
if(NEURLP_HAVE_CUDA)
  string(APPEND NEURLP_PC_BEHIND " ${CUDA_cudart_static_LIBRARY} -lpthread -ldl -lrt")
endif()
get_target_property(kind neurlp TYPE)
if(kind STREQUAL STATIC_LIBRARY)
  set(NEURLP_PC_LIBS " ${NEURLP_PC_BEHIND}")
  set(NEURLP_PC_LIBS_PRIVATE "")
else()
  set(NEURLP_PC_LIBS "")
  set(NEURLP_PC_LIBS_PRIVATE " ${NEURLP_PC_BEHIND}")
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/neurlp.pc.in ${CMAKE_BINARY_DIR}/generated/neurlp.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/generated/neurlp.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT library)
