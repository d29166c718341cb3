"""What configuring says of a PETSc that is not one to build for, with AUTO and with ON, and what the compiler says; and that
PETSC_DIR chooses. Every PETSc here is a folder that the test makes, with just what is looked at."""
import os
import pathlib
import shutil
import subprocess

from support import SOURCE, true, verdict

CMAKE, CC = os.environ["CMAKE"], os.environ["CC"]
HERE = pathlib.Path.cwd()
NUMBERS = "#define PETSC_USE_REAL_DOUBLE 1\n"


def run(*words):
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    return done.returncode, " ".join(done.stdout.split())


def library(path, *needs):
    """A library that has nothing in it but the names of those that it needs."""
    words = [f"-Wl,--no-as-needed,-rpath,{n.parent}" for n in needs] + [str(n) for n in needs]
    code, said = run(CC, "-shared", "-x", "c", "/dev/null", "-x", "none", "-o", path, f"-Wl,-soname,{path.name}", *words)
    if code:
        raise SystemExit(said)
    return path


def petsc(name, conf=NUMBERS, needs=(), version="3.18.5"):
    folder = HERE / name
    for part in ("lib/pkgconfig", "include"):
        (folder / part).mkdir(parents=True)
    if conf:
        (folder / "include/petscconf.h").write_text(conf)
    library(folder / "lib/libpetsc.so", *[library(folder / "lib" / need) for need in needs])
    (folder / "lib/pkgconfig/petsc.pc").write_text(f"includedir={folder}/include\nName: PETSc\nDescription: none\n"
                                                   f"Version: {version}\nCflags: -I{folder}/include\n"
                                                   f"Libs: -L{folder}/lib -lpetsc\n")
    return folder


(HERE / "question").mkdir()
(HERE / "question/CMakeLists.txt").write_text(f"""cmake_minimum_required(VERSION 3.25)
project(question VERSION 1 LANGUAGES C)
list(APPEND CMAKE_MODULE_PATH {SOURCE}/cmake)
include(features)
neurlp_report_features()
""")


def configure(folder, kind="AUTO", arch=""):
    return run(CMAKE, "-S", "question", "-B", "build", f"-DCMAKE_C_COMPILER={CC}", "-DNEURLP_CUDA=OFF", "-DNEURLP_PLOT=OFF",
               f"-DNEURLP_PETSC={kind}", f"-DPETSC_DIR={folder}", f"-DPETSC_ARCH={arch}")


def refused(name, words, on=False, **how):
    folder = petsc(name, **how)
    code, said = configure(folder)
    true(f"{name}: AUTO leaves it out, and says why", code == 0 and "PETSC: OFF (" in said
         and all(str(word) in said.split("PETSC: OFF (")[1] for word in words), said)
    if not on:
        return
    code, said = configure(folder, "ON")
    true(f"{name}: ON is an error, which says why", code != 0 and "NEURLP_PETSC=ON, but" in said
         and all(str(word) in said for word in words), said)


code, said = configure("")
true("the PETSc of this build", code == 0 and "PETSC: ON (" in said, said)
refused("complex", ("real and of double precision", "are complex", HERE / "complex/include/petscconf.h"), on=True,
        conf=NUMBERS + "#define PETSC_USE_COMPLEX 1\n")
refused("single", ("real and of double precision", "PETSC_USE_REAL_SINGLE"), conf="#define PETSC_USE_REAL_SINGLE 1\n")
refused("silent", ("no petscconf.h",), conf="")
refused("without_mpi", ("built without MPI",), conf=NUMBERS + "#define PETSC_HAVE_MPIUNI 1\n")
refused("old", ("3.17.4", "3.18"), version="3.17.4")
refused("other_mpi", ("another MPI", HERE / "other_mpi/lib/libmpi.so.99", "than neurlp (/"), on=True,
        needs=("libmpi.so.99",))
refused("mpich", ("another MPI", HERE / "mpich/lib/libmpich.so.12", "than neurlp (/"), needs=("libmpich.so.12",))
refused("other_hdf5", ("another HDF5", HERE / "other_hdf5/lib/libhdf5_serial.so.103", "than neurlp (/"),
        needs=("libhdf5_serial.so.103",))
code, said = configure("/nowhere", arch="there")
true("PETSC_DIR that is none", code == 0 and "there is no /nowhere/there/lib/pkgconfig/petsc.pc" in said, said)

# A source tree of PETSc's has a folder for each configuration.
petsc("tree/first")
petsc("tree/second", conf=NUMBERS + "#define PETSC_USE_64BIT_INDICES 1\n")
for arch in ("first", "second"):
    code, said = configure(HERE / "tree", arch=arch)
    cache = pathlib.Path("build/CMakeCache.txt").read_text()
    true(f"PETSC_ARCH={arch} is found", code == 0 and "PETSC: ON (" in said and f"{HERE}/tree/{arch}/lib/libpetsc.so" in cache, said)
code, said = configure("")
true("and without PETSC_DIR the first one again", code == 0 and "PETSC: ON (" in said
     and str(HERE) not in "".join(line for line in open("build/CMakeCache.txt") if line.startswith("pkgcfg_lib_PETSC")), said)


def compile(language, compiler, conf, header="neurlp_petsc.h"):
    """Compiles a header, with this in petscconf.h beside what is there."""
    shutil.rmtree("header", ignore_errors=True)
    os.mkdir("header")
    pathlib.Path("header/petscconf.h").write_text(f"#include_next <petscconf.h>\n{conf}")
    pathlib.Path("header/program.c").write_text(f'#include "{header}"\n')
    ours = [f"-I{SOURCE}/mpi/petsc", f"-I{SOURCE}/src"]
    theirs = [word for folder in os.environ["INCLUDE"].split(":") if folder for word in ("-isystem", folder)]
    return run(compiler, "-fsyntax-only", "-x", language, "-Iheader", *ours, *theirs, "header/program.c")


compilers = [("c", CC)] + [("c++", found) for found in [shutil.which("c++")] if found]
for language, compiler in compilers:
    if language == "c++" and compile(language, compiler, "", header="petscts.h")[0]:
        print("SKIPPED: this PETSc's own headers are none for C++")
        continue
    code, said = compile(language, compiler, "")
    true(f"{language}: the header compiles", code == 0, said)
    for what, conf in (("complex", "#define PETSC_USE_COMPLEX 1\n"),
                       ("single", "#undef PETSC_USE_REAL_DOUBLE\n#define PETSC_USE_REAL_SINGLE 1\n")):
        code, said = compile(language, compiler, conf)
        true(f"{language}: {what} numbers are refused with a sentence",
             code != 0 and "NeuRLP needs a PETSc whose numbers are real and of double precision" in said, said)
verdict()
