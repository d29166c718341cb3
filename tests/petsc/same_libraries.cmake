# cmake -DSOURCE=... -DPETSC=libpetsc.so -DMPI=libmpi.so;... -P same_libraries.cmake: configuring notices another MPI than
# PETSc's, names both, and does not mind the same.
cmake_minimum_required(VERSION 3.25)
set(NEURLP_PETSC OFF)
include(${SOURCE}/cmake/petsc.cmake)

neurlp_check_same(MPI ${PETSC} "libmpi\\.so" ${MPI})
if(missing)
  message(FATAL_ERROR "the same MPI is taken for another: ${missing}")
endif()
neurlp_check_same(MPI ${PETSC} "libmpi\\.so" ${PETSC})
if(NOT missing MATCHES "PETSc uses another MPI \\(.*libmpi.*\\) than neurlp \\(.*libpetsc.*\\)")
  message(FATAL_ERROR "another MPI goes unnoticed, or is not named: '${missing}'")
endif()
message("ok   ${missing}")
