#include "study/study_tao.h"

#include "petsc_link.h"

#include <stdio.h>
#include <string.h>

/* What the solver cannot be told otherwise: a run has one study. */
static const neurlp_petsc_calls *calls;

static neurlp_status solve(void *user, neurlp_context *context, const neurlp_outer_problem *problem,
                           double *x, bool *converged) {
  const neurlp_study *s = user;
  const neurlp_petsc_squares squares = {.comm = s->comm,
                                        .prefix = "direct_",
                                        .unknowns = problem->unknowns,
                                        .residuals = problem->residuals,
                                        .iterations = problem->iterations,
                                        .lower = problem->lower,
                                        .upper = problem->upper,
                                        .evaluate = problem->evaluate,
                                        .user = problem->user};
  char message[NEURLP_PETSC_MESSAGE] = "";
  neurlp_petsc_end end;
  const neurlp_status status = calls->fit(&squares, x, &end, message);
  if (status != NEURLP_SUCCESS) return *message ? neurlp_fail(context, status, "%s", message) : status;
  *converged = end.reason > 0;
  if (s->rank == 0)
    printf("              TAO's %s: %s after %lld iterations\n", end.type, end.words,
           (long long)end.iterations);
  return NEURLP_SUCCESS;
}

neurlp_status neurlp_study_use_tao(neurlp_study *s, neurlp_fit_options *options) {
  const neurlp_deck *deck = s->job->deck;
  neurlp_status status = NEURLP_SUCCESS;
  if (strcmp(neurlp_deck_text(deck, "learn.optimizer"), "tao") != 0) return NEURLP_SUCCESS;
  if (options->per_system)
    return neurlp_deck_fail(
        s->context, deck, "learn.optimizer", -1, 0,
        "TAO takes parameters that all systems share, and 'dynamics.sharing' is per_system; "
        "leave this out");
  NEURLP_TRY(neurlp_petsc_open(s->comm, s->context, deck, "learn.optimizer", &calls));
  options->outer = (neurlp_outer_solver){solve, s};
done:
  return status;
}
