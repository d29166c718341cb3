/* The program: `neurlp COMMAND ...`. */
#include "clock.h"
#include "command/command.h"
#include "deck/deck_names.h"
#include "file/array_file.h"
#include "log_view.h"
#include "neurlp.h"
#include "petsc_link.h"

#include <hdf5.h>
#include <libfyaml.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct command {
  const char *name;
  int (*run)(MPI_Comm comm, int argc, char **argv);
  const char *usage;
  const char *sentence;
  const char *options; /* lines of its own help */
} command;

#define OVERRIDES                                                                                            \
  "  key=value      takes the place of a key of the deck: learn.noise=equal; `neurlp keys` lists them\n"

static const command commands[] = {
    {"run", neurlp_command_run, "run DECK [key=value ...]", "the main job; mpirun or srun give it more ranks",
     OVERRIDES "  -o FILE        the result; else output.file, else the deck's name with .h5, here\n"},
    {"validate", neurlp_command_validate, "validate DECK [key=value ...]",
     "everything but the work: deck, data, sizes, memory", OVERRIDES},
    {"generate", neurlp_command_generate, "generate DECK [key=value ...]",
     "write the deck's synthetic trajectories to a data set",
     OVERRIDES "  -o FILE        the data set; else output.data, else the deck's name with _data.h5, here\n"},
    {"simulate", neurlp_command_simulate, "simulate DECK|RESULT.h5 [key=value ...]",
     "integrate known or learned equations from many initial values",
     OVERRIDES
     "  -o FILE        the data set; else output.data, else the name with _simulated.h5, here\n"
     "  RESULT.h5 stands for a deck with data.generate.result; it needs data.generate.step and .samples,\n"
     "  and initial values: data.generate.initial, initial_file or initial_from=last\n"},
    {"solve", neurlp_command_solve, "solve PROBLEM.h5 -o OUT.h5 [OPTION ...]",
     "solve linear problems, with gradients where grad_output is there",
     "  --backend B    cpu, cuda, auto or cuda:check (the CUDA code on this processor)\n"
     "  --divide D     what ranks share: systems, time, or auto: time where systems are fewer than ranks\n"
     "  --piece N      systems that are solved and written at a time\n"
     "  --walltime T   stop in good order before others end the program: '90 minutes', 1-12:00:00\n"
     "  --margin T     how long before; a minute unless said\n"},
    {"inspect", neurlp_command_inspect, "inspect FILE", "say in words what a file holds",
     "  FILE           results, data sets, linear problems, checkpoints and pieces (HDF5), tables (CSV)\n"},
    {"plot", neurlp_command_plot, "plot FILE -o FOLDER", "pictures of what a file holds, as PNG and SVG",
     "  --systems 0,3  which trajectories\n"
     "  --time A:B     which part of them\n"
     "  --data FILE    the data of a result, if they have moved\n"},
    {"keys", neurlp_command_keys, "keys [SECTION | --markdown]",
     "every deck key: type, unit, default, range, one sentence", ""},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

/* NULL: there is none of that name. */
static const command *find_command(const char *name) {
  for (int i = 0; name && i < COMMAND_COUNT; i++)
    if (strcmp(name, commands[i].name) == 0) return &commands[i];
  return NULL;
}

static void print_usage(FILE *file) {
  fprintf(file, "NeuRLP learns differential equations from trajectories.\n\n");
  for (int i = 0; i < COMMAND_COUNT; i++)
    fprintf(file, "  neurlp %-40s %s\n", commands[i].usage, commands[i].sentence);
  fprintf(file, "  neurlp %-40s %s\n", "COMMAND ... --log-view", "and PETSc's log of its phases");
  fprintf(file, "  neurlp %-40s %s\n", "COMMAND --help", "the arguments of one command");
  fprintf(file, "  neurlp %-40s %s\n", "--version", "version, commit, compilers and libraries");
  fprintf(file, "\nExit status: 0 done; 1 internal error; 2 bad deck or arguments; 3 bad or missing data;\n"
                "4 finished, not converged; 5 finished, something failed; 75 stopped in good order.\n");
}

static void print_command_usage(const command *c) {
  printf("neurlp %s\n  %s\n%s%s", c->usage, c->sentence, *c->options ? "\n" : "", c->options);
}

static void print_version(void) {
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  MPI_Get_library_version(mpi, &length);
  mpi[strcspn(mpi, "\n")] = '\0';
  H5get_libversion(&major, &minor, &release);
  printf("neurlp %s\n", neurlp_version());
  printf("  built from  %s\n", neurlp_build_info());
  printf("  MPI         %s\n", mpi);
  printf("  HDF5        %u.%u.%u\n", major, minor, release);
  printf("  libfyaml    %s\n", fy_library_version());
#ifdef NEURLP_CUDA_VERSION
  printf("  CUDA        %s\n", NEURLP_CUDA_VERSION);
#else
  printf("  CUDA        none\n");
#endif
#ifdef NEURLP_PETSC_VERSION
  printf("  PETSc       %s (the plug-in's)\n", NEURLP_PETSC_VERSION);
#else
  printf("  PETSc       none\n");
#endif
#ifdef NEURLP_PLPLOT_VERSION
  printf("  PLplot      %s\n", NEURLP_PLPLOT_VERSION);
#else
  printf("  PLplot      none\n");
#endif
}

/* The command line is the same on every rank; rank 0 speaks. */
static int complain(int rank, const char *name) {
  neurlp_name_search search = {.written = name ? name : ""};
  for (int i = 0; i < COMMAND_COUNT; i++) neurlp_name_offer(&search, commands[i].name);
  if (rank == 0 && !name) {
    print_usage(stderr);
  } else if (rank == 0) {
    fprintf(stderr, "neurlp: error: unknown command '%s'", name);
    if (search.nearest) fprintf(stderr, "; did you mean '%s'?", search.nearest);
    fprintf(stderr, "\n%s`neurlp --help` lists the commands\n", search.nearest ? "" : "  ");
  }
  return NEURLP_EXIT_DECK;
}

/* Whether `word` asks for help. */
static bool asks_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int dispatch(int rank, int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : NULL;
  const bool help = name && (asks_help(name) || strcmp(name, "help") == 0);
  const command *found = find_command(help && argc > 2 ? argv[2] : name);
  bool help_on_one = help && found;
  for (int i = 2; found && i < argc; i++) help_on_one = help_on_one || asks_help(argv[i]);
  if (help_on_one || (help && argc == 2) || (name && strcmp(name, "--version") == 0)) {
    if (rank == 0 && help_on_one)
      print_command_usage(found);
    else if (rank == 0 && help)
      print_usage(stdout);
    else if (rank == 0)
      print_version();
    return NEURLP_EXIT_DONE;
  }
  return found ? found->run(MPI_COMM_WORLD, argc - 2, argv + 2) : complain(rank, help ? argv[2] : name);
}

int main(int argc, char **argv) {
  neurlp_clock_begin();
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const char *viewer = NULL;
  int status = NEURLP_EXIT_DONE;
  if (neurlp_log_view_asked(&argc, argv, &viewer)) status = neurlp_log_view_open(rank, viewer);
  if (status == NEURLP_EXIT_DONE) status = dispatch(rank, argc, argv);
  neurlp_petsc_close(rank == 0 && (status == NEURLP_EXIT_DONE || status == NEURLP_EXIT_NOT_CONVERGED ||
                                   status == NEURLP_EXIT_SOME_FAILED));
  neurlp_log_view_close();
  MPI_Finalize();
  return status;
}
