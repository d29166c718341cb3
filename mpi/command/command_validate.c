/* neurlp validate: everything that a deck asks for, but the work. */
#include "checkpoint/checkpoint.h"
#include "comm.h"
#include "command/command.h"
#include "data/generate.h"
#include "device.h"
#include "study/report.h"
#include "train/network_run.h"

#include <stdio.h>
#include <string.h>

/* ---- decks that learn -------------------------------------------------------------------------------- */

/* Collective. Allocates what a run would hold, so that the figure is exact, and says it. */
static neurlp_status measure(neurlp_study *s) {
  neurlp_status status = NEURLP_SUCCESS;
  for (int64_t g = 0; g < s->fit->groups; g++) s->fit->group[g].window = s->options.first_window;
  memset(s->fit->free, 1, (size_t)(s->fit->groups * s->model->parameters));
  NEURLP_TRY(neurlp_agree(s->comm, s->context, neurlp_fit_cut(s->fit)));
  for (int64_t g = 0; g < s->fit->groups; g++) s->fit->group[g].window = 0;
  NEURLP_TRY(neurlp_agree(s->comm, s->context, neurlp_fit_cut(s->fit)));
  int64_t peak_bytes = (int64_t)neurlp_context_memory(s->context).peak_bytes, most = 0;
  MPI_Reduce(&peak_bytes, &most, 1, MPI_INT64_T, MPI_MAX, 0, s->comm);
  if (s->rank == 0)
    printf("  memory: %.1f MB on the rank with most%s\n", (double)most / 1e6,
           strcmp(neurlp_context_backend(s->context), "cpu") ? ", besides what its GPU had room for" : "");
done:
  return status;
}

static neurlp_status validate_study(MPI_Comm comm, neurlp_job *job) {
  neurlp_study study = {0};
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_study_open(comm, job, &study));
  NEURLP_TRY(neurlp_agree(comm, job->context, neurlp_checkpoint_validate(job)));
  neurlp_report_study(&study);
  status = measure(&study);
done:
  neurlp_study_close(&study);
  return status;
}

/* ---- decks that simulate ----------------------------------------------------------------------------- */

/* Bytes of the trajectories that the rank with most of them holds. */
static double most_bytes(const neurlp_generated *g, int size) {
  int64_t first = 0, owned = 0;
  neurlp_partition(g->systems, 0, size, &first, &owned);
  return (double)owned *
         ((double)g->samples * (g->dimensions * (g->clean ? 2.0 : 1.0) + 1.0) + g->parameters) *
         sizeof(double);
}

static neurlp_status validate_simulation(MPI_Comm comm, neurlp_job *job) {
  neurlp_generated *generated = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  NEURLP_TRY(neurlp_checkpoint_limit_stop(job));
  NEURLP_TRY(neurlp_bind_device(comm, job->context, neurlp_deck_text(job->deck, "simulate.backend")));
  NEURLP_TRY(neurlp_agree(comm, job->context, neurlp_generate_describe(job->context, job->deck, &generated)));
  NEURLP_TRY(neurlp_generate_use_petsc(comm, job->deck, generated));
  if (rank == 0) {
    printf("%s: simulation, %lld system%s of %lld samples, %d state%s, step %g; %d rank%s\n",
           neurlp_deck_name(job->deck), (long long)generated->systems, generated->systems == 1 ? "" : "s",
           (long long)generated->samples, generated->dimensions, generated->dimensions == 1 ? "" : "s",
           generated->step, size, size == 1 ? "" : "s");
    printf("  memory: %.1f MB of trajectories on the rank with most\n", most_bytes(generated, size) / 1e6);
  }
done:
  neurlp_generate_destroy(&generated);
  return status;
}

/* ---- the command ------------------------------------------------------------------------------------- */

int neurlp_command_validate(MPI_Comm comm, int argc, char **argv) {
  neurlp_job job;
  neurlp_status status = NEURLP_SUCCESS;
  int rank = 0, exit_code = neurlp_job_begin(comm, "validate", argc, argv, &job);
  if (exit_code != NEURLP_EXIT_DONE) goto end;
  MPI_Comm_rank(comm, &rank);
  const bool simulates = strcmp(neurlp_deck_text(job.deck, "task"), "simulate") == 0;
  const bool trains = strcmp(neurlp_deck_text(job.deck, "task"), "train") == 0;
  status = simulates ? validate_simulation(comm, &job)
           : trains  ? neurlp_network_validate(comm, &job)
                     : validate_study(comm, &job);
  if (status >= 0 && rank == 0) printf("\nthe deck as resolved:\n%s\n", neurlp_deck_resolved(job.deck));
  if (status < 0) exit_code = neurlp_job_finish(comm, job.context, "validate", status);
end:
  neurlp_job_end(&job);
  return exit_code;
}
