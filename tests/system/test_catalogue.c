/* Every system of the catalogue: its text parses, means what the literature means (compared with equations in
 * C at random points), runs over 1000 samples, and conserves what it must. */
#include "system/catalogue.h"

#include "catalogue_facts.h"
#include "core/random.h"
#include "support/check.h"
#include "system/dynamics.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1001, MOST_STATES = 2 * NEURLP_CATALOGUE_STATES };
static double times[SAMPLES], states[SAMPLES * MOST_STATES];

static neurlp_dynamics *parse(neurlp_context *context, const neurlp_known_system *known) {
  neurlp_dynamics *dynamics = NULL;
  if (neurlp_dynamics_parse(context, known->states, known->order, known->state_names, known->parameters,
                            known->parameter_names, known->equations, &dynamics, NULL,
                            NULL) != NEURLP_SUCCESS)
    printf("%s\n", neurlp_context_message(context));
  return dynamics;
}

/* At states around 1 and parameters around the standard ones. Text and C are rounded differently: both sum a
 * few products, none above 100. */
static void test_equations(neurlp_dynamics *dynamics, const neurlp_known_system *known,
                           const catalogue_fact *fact) {
  double worst = 0.0;
  for (int32_t trial = 0; trial < 20; trial++) {
    double parameters[NEURLP_CATALOGUE_PARAMETERS], expected[NEURLP_CATALOGUE_STATES],
        derivative[MOST_STATES];
    const double t = neurlp_random_uniform(1, NEURLP_RANDOM_TEST, trial, 0);
    for (int32_t i = 0; i < dynamics->size; i++)
      dynamics->point[i] = 0.5 + neurlp_random_uniform(1, NEURLP_RANDOM_TEST, trial, 1 + i);
    for (int32_t i = 0; i < known->parameters; i++)
      parameters[i] = dynamics->point[dynamics->size + i] =
          known->parameter_values[i] * (0.5 + neurlp_random_uniform(1, NEURLP_RANDOM_TEST, trial, 100 + i));
    fact->rhs(dynamics->point, parameters, t, expected);
    neurlp_dynamics_evaluate(dynamics, t, derivative);
    for (int32_t k = 0; k < known->states; k++) {
      const double got = derivative[k * known->order + known->order - 1];
      worst = fmax(worst, fabs(got - expected[k]) / (100.0 + fabs(expected[k])));
      if (known->order == 2) worst = fmax(worst, fabs(derivative[2 * k] - dynamics->point[2 * k + 1]));
    }
  }
  check_below("equations as in the literature", worst, 8.0 * DBL_EPSILON);
}

static void test_trajectory(neurlp_dynamics *dynamics, const neurlp_known_system *known,
                            const catalogue_fact *fact) {
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  const double *p = known->parameter_values;
  for (int64_t i = 0; i < SAMPLES; i++) times[i] = (double)i * known->step;
  check_equal("integrates",
              neurlp_integrate(dynamics, &options, p, known->initial, SAMPLES, times, states, NULL),
              NEURLP_SUCCESS);
  double greatest = 0.0, motion = 0.0;
  for (int64_t i = 0; i < SAMPLES * dynamics->size; i++) {
    greatest = fmax(greatest, fabs(states[i]));
    motion = fmax(motion, fabs(states[i] - states[i % dynamics->size]));
  }
  check_below("stays bounded", greatest, 100.0);
  check_above("moves", motion, 0.1);
  for (int32_t q = 0; q < fact->conserved; q++) {
    const double first = fact->invariant[q](known->initial, p);
    double drift = 0.0;
    for (int64_t i = 0; i < SAMPLES; i++)
      drift = fmax(drift, fabs(fact->invariant[q](states + i * dynamics->size, p) - first));
    check_below("conserved quantity, drift relative to its size", drift / fabs(first), 1e-8);
  }
}

/* The orbit of semi-major axis 1 closes after 2 pi, which ties the initial values to mu. */
static void test_orbit_closes(neurlp_context *context) {
  const neurlp_known_system *known = neurlp_catalogue_find("kepler");
  neurlp_dynamics *dynamics = parse(context, known);
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  const double period[2] = {0.0, 6.28318530717958647692528676655900577};
  check_equal(
      "one revolution",
      neurlp_integrate(dynamics, &options, known->parameter_values, known->initial, 2, period, states, NULL),
      NEURLP_SUCCESS);
  double distance = 0.0;
  for (int32_t i = 0; i < 4; i++) distance = fmax(distance, fabs(states[4 + i] - known->initial[i]));
  /* an energy error of 1e-9 shifts the phase by 3 pi times as much, at speeds and accelerations up to 4 */
  check_below("the orbit closes", distance, 4e-8);
  neurlp_dynamics_destroy(&dynamics);
}

/* Drawn orbits of two bodies: bound, as wide and as far apart as promised, and by Kepler's third law back
 * where they began after 2 pi sqrt(a^3 / (G (m1 + m2))), with a from the energy that they have. */
static void test_drawn_orbits(neurlp_context *context) {
  const neurlp_known_system *known = neurlp_catalogue_find("two_body");
  const catalogue_fact *fact = &catalogue_facts[FACTS - 2];
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  neurlp_dynamics *dynamics = parse(context, known);
  double distance = 0.0, drift = 0.0, least = 9.0, greatest = 0.0, narrowest = 9.0, widest = 0.0,
         centre = 0.0;
  int left = 0, failures = 0;
  for (int32_t trial = 0; trial < 40; trial++) {
    double uniform[8], p[3], initial[8], closest = 9.0;
    for (int32_t i = 0; i < known->draws; i++)
      uniform[i] = neurlp_random_uniform(2, NEURLP_RANDOM_TEST, trial, i);
    for (int32_t i = 0; i < 3; i++)
      p[i] = known->parameter_values[i] * (0.5 + neurlp_random_uniform(2, NEURLP_RANDOM_TEST, trial, 8 + i));
    known->draw(p, uniform, initial);
    const double energy = fact->invariant[0](initial, p), momentum = fact->invariant[1](initial, p);
    const double axis = -0.5 * p[0] * p[1] * p[2] / energy;
    const double period =
        6.28318530717958647692528676655900577 * sqrt(axis * axis * axis / p[0] / (p[1] + p[2]));
    for (int64_t i = 0; i < SAMPLES; i++) times[i] = period * (double)i / (SAMPLES - 1);
    failures +=
        neurlp_integrate(dynamics, &options, p, initial, SAMPLES, times, states, NULL) != NEURLP_SUCCESS;
    for (int64_t i = 0; i < SAMPLES; i++) {
      const double *u = states + 8 * i;
      const double apart = hypot(u[4] - u[0], u[6] - u[2]);
      closest = fmin(closest, apart);
      greatest = fmax(greatest, apart);
      drift = fmax(drift, fabs(fact->invariant[0](u, p) / energy - 1.0));
      drift = fmax(drift, fabs(fact->invariant[1](u, p) / momentum - 1.0));
      for (int32_t k = 0; k < 4; k++) centre = fmax(centre, fabs(p[1] * u[k] + p[2] * u[4 + k]));
    }
    for (int32_t k = 0; k < 8; k++)
      distance = fmax(distance, fabs(states[8 * (SAMPLES - 1) + k] - initial[k]));
    least = fmin(least, closest);
    narrowest = fmin(narrowest, axis);
    widest = fmax(widest, axis);
    left += momentum > 0.0;
  }
  check_equal("orbits that cannot be integrated", failures, 0);
  check_above("closest approach", least, 0.4 - 1e-8);
  check_below("greatest distance", greatest, 1.8 + 1e-8);
  check_above("semi-major axes: least", narrowest, 0.8 - 1e-14);
  check_below("semi-major axes: greatest", widest, 1.2 + 1e-14);
  check_above("and they differ", widest - narrowest, 0.2);
  check_below("both senses, five standard deviations", fabs(left - 20.0), 5.0 * sqrt(10.0));
  check_below("energy and angular momentum", drift, 1e-8);
  check_below("the centre stays", centre, 1e-8);
  /* a drift of 1e-9 shifts the phase by 3 pi as much, at speeds up to 2 and accelerations up to 12 */
  check_below("orbits close after Kepler's period", distance, 1.2e-7);
  neurlp_dynamics_destroy(&dynamics);
}

/* The damped sine is what its title says. */
static void test_damped_sine(neurlp_context *context) {
  const neurlp_known_system *known = neurlp_catalogue_find("damped_sine");
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  neurlp_dynamics *dynamics = parse(context, known);
  const double p[2] = {0.07, 1.3}, A = 1.7, phi = 0.4;
  const double initial[2] = {A * sin(phi), A * (p[1] * cos(phi) - p[0] * sin(phi))};
  double worst = 0.0;
  for (int64_t i = 0; i < 500; i++) times[i] = 0.1 * (double)i;
  check_equal("damped sine", neurlp_integrate(dynamics, &options, p, initial, 500, times, states, NULL),
              NEURLP_SUCCESS);
  for (int64_t i = 0; i < 500; i++)
    worst = fmax(worst, fabs(states[2 * i] - A * exp(-p[0] * times[i]) * sin(p[1] * times[i] + phi)));
  check_below("closed form, a tolerance for each radian", worst, 65.0 * A * 1e-10);
  neurlp_dynamics_destroy(&dynamics);
}

/* What the equations mean is compared with the benchmark's own text by the test run_odebench; here every
 * system parses, and runs over the benchmark's grid from both of its initial values. */
static void test_odebench(neurlp_context *context, int32_t number) {
  char name[32];
  snprintf(name, sizeof name, "odebench_%d", number);
  const neurlp_known_system *known = neurlp_catalogue_find(name);
  check_true(name, known != NULL && known == neurlp_catalogue_get(FACTS + number - 1));
  if (!known) return;
  check_true("has title, source, step and two initial values",
             known->title && known->source && known->step > 0.0 && known->initial_sets == 2);
  neurlp_dynamics *dynamics = parse(context, known);
  check_true("parses", dynamics != NULL);
  if (!dynamics) return;
  const neurlp_integrate_options options = neurlp_integrate_options_default();
  for (int64_t i = 0; i < 150; i++) times[i] = (double)i * known->step;
  check_equal(
      "integrates",
      neurlp_integrate(dynamics, &options, known->parameter_values, known->initial, 150, times, states, NULL),
      NEURLP_SUCCESS);
  check_equal(
      "integrates from the second set",
      neurlp_integrate(dynamics, &options, known->parameter_values, known->second, 150, times, states, NULL),
      NEURLP_SUCCESS);
  neurlp_dynamics_destroy(&dynamics);
}

int main(void) {
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  check_equal("systems in the catalogue", neurlp_catalogue_count(), FACTS + NEURLP_ODEBENCH_SYSTEMS);
  for (int32_t i = 0; i < FACTS; i++) {
    const neurlp_known_system *known = neurlp_catalogue_find(catalogue_facts[i].name);
    check_true(catalogue_facts[i].name, known != NULL && known == neurlp_catalogue_get(i));
    if (!known) continue;
    if (i > 0)
      check_true("is in alphabetical order", strcmp(neurlp_catalogue_get(i - 1)->name, known->name) < 0);
    check_true("has title, source, step and order", known->title && known->source && known->step > 0.0 &&
                                                        (known->order == 1 || known->order == 2));
    neurlp_dynamics *dynamics = parse(context, known);
    check_true("parses", dynamics != NULL);
    if (!dynamics) continue;
    test_equations(dynamics, known, &catalogue_facts[i]);
    test_trajectory(dynamics, known, &catalogue_facts[i]);
    neurlp_dynamics_destroy(&dynamics);
  }
  for (int32_t number = 1; number <= NEURLP_ODEBENCH_SYSTEMS; number++) test_odebench(context, number);
  check_true("an unknown name", neurlp_catalogue_find("lorentz") == NULL);
  test_orbit_closes(context);
  test_drawn_orbits(context);
  test_damped_sine(context);
  check_equal("blocks in the end", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
