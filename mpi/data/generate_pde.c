/* Trajectories of partial differential equations. The steps in time do not depend on which samples are kept.
 */
#include "data/generate_plan.h"

void neurlp_generate_pde(const neurlp_generated *g, neurlp_generate_worker *w,
                         const neurlp_generate_part *kept, int64_t stop) {
  neurlp_status status = NEURLP_SUCCESS;
  if (!(w->parameters[0] > 0.0)) return; /* no domain: a failure */
  neurlp_pde_start(w->pde, w->parameters, w->initial);
  if (g->plan->transient > 0.0) {
    status = neurlp_pde_advance(w->pde, g->plan->transient);
    neurlp_pde_sample(w->pde, w->initial);
  }
  if (status == NEURLP_SUCCESS) neurlp_generate_take_rows(g, w, kept, 1, w->initial);
  for (int64_t i = 1; i < stop && status == NEURLP_SUCCESS; i++) {
    status = neurlp_pde_advance(w->pde, g->step);
    if (status != NEURLP_SUCCESS) break;
    neurlp_pde_sample(w->pde, w->states);
    neurlp_generate_take_rows(g, w, kept, 1, w->states);
  }
}
