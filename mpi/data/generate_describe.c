/* From the deck's text to a plan: which system, which distributions, which sizes. */
#include "data/generate_plan.h"
#include "deck/deck_names.h"
#include "study/learned.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECTION "data.generate."

enum { PATH_BYTES = 256, TEXT_BYTES = 512 };

/* What the functions below share. */
typedef struct reading {
  neurlp_context *context;
  const neurlp_deck *deck;
  const neurlp_known_system *known; /* NULL: other equations */
  const neurlp_known_pde *pde;      /* likewise */
  neurlp_generated *made;
} reading;

/* "deck.yaml:12: data.generate.step: ..." with the line of `entry` of a map if there is one, else of the key.
 */
NEURLP_PRINTF(4, 5)
static neurlp_status fail_at(const reading *r, const char *key, const char *entry, const char *format, ...);

static neurlp_status fail_at(const reading *r, const char *key, const char *entry, const char *format, ...) {
  char path[PATH_BYTES], text[TEXT_BYTES], where[32] = "";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  snprintf(path, sizeof path, SECTION "%s%s%s", key, entry ? "." : "", entry ? entry : "");
  int32_t line = neurlp_deck_line(r->deck, path);
  if (line == 0 && entry) {
    char parent[PATH_BYTES];
    snprintf(parent, sizeof parent, SECTION "%s", key);
    line = neurlp_deck_line(r->deck, parent);
  }
  if (line > 0) snprintf(where, sizeof where, ":%d", line);
  return neurlp_fail(r->context, NEURLP_ERROR_DECK, "%s%s: %s: %s", neurlp_deck_name(r->deck), where, path,
                     text);
}

/* "; did you mean 'lorenz'?", or "" */
static void write_hint(const neurlp_name_search *search, char *hint, size_t bytes) {
  hint[0] = '\0';
  if (search->nearest) snprintf(hint, bytes, "; did you mean '%s'?", search->nearest);
}

static neurlp_status copy_names(neurlp_context *context, int32_t count, const char *const *names,
                                char ***copies) {
  neurlp_status status = neurlp_allocate(context, count, sizeof(char *), copies);
  for (int32_t i = 0; i < count && status == NEURLP_SUCCESS; i++)
    status = neurlp_copy_text(context, names[i], &(*copies)[i]);
  return status;
}

static void release_names(neurlp_context *context, int32_t count, char ***names) {
  for (int32_t i = 0; *names && i < count; i++) neurlp_release(context, &(*names)[i]);
  neurlp_release(context, names);
}

/* False if the deck leaves to the program how to integrate. (A resolved deck has all keys, as they are by
 * themselves.) */
static bool chooses_integrator(const neurlp_deck *deck) {
  return strcmp(neurlp_deck_text(deck, "simulate.method"), "tsit5") != 0 ||
         strcmp(neurlp_deck_text(deck, "simulate.precision"), "double") != 0 ||
         strcmp(neurlp_deck_text(deck, "simulate.backend"), "cpu") != 0 ||
         neurlp_deck_number(deck, "simulate.step") != 0.0 ||
         neurlp_deck_number(deck, "simulate.relative_tolerance") != 1e-8 ||
         neurlp_deck_number(deck, "simulate.absolute_tolerance") != 1e-10;
}

/* True if data.generate.order is there and is wrong for what is generated. */
static bool wrong_order(const reading *r) {
  const int64_t order = neurlp_deck_integer(r->deck, SECTION "order");
  return order != 0 && order != r->made->order;
}

/* A partial differential equation: its states are u at points of the domain. */
static neurlp_status take_known_pde(reading *r) {
  neurlp_generated *made = r->made;
  const int64_t asked = neurlp_deck_integer(r->deck, SECTION "points"), points = asked ? asked : 256;
  neurlp_status status = NEURLP_SUCCESS;
  if ((points & (points - 1)) != 0)
    return fail_at(r, "points", NULL, "%lld is no power of two", (long long)points);
  if (neurlp_deck_given(r->deck, SECTION "initial"))
    return fail_at(r, "initial", NULL,
                   "%s begins with waves that are drawn, or with the states in %sinitial_file", r->pde->name,
                   SECTION);
  if (chooses_integrator(r->deck))
    return fail_at(
        r, "system", NULL,
        "%s has an integrator of its own, and the section `simulate` is not for it; leave that out",
        r->pde->name);
  made->pde = r->pde;
  made->dimensions = (int32_t)points;
  made->order = 1;
  made->parameters = r->pde->parameters;
  NEURLP_TRY(copy_names(r->context, made->parameters, r->pde->parameter_names, &made->parameter_names));
  NEURLP_TRY(neurlp_allocate(r->context, points, sizeof(char *), &made->names));
  for (int32_t j = 0; j < made->dimensions; j++) {
    char name[16];
    snprintf(name, sizeof name, "u%d", j);
    NEURLP_TRY(neurlp_copy_text(r->context, name, &made->names[j]));
  }
done:
  return status;
}

/* Finds data.generate.system in the catalogue and copies what it has. */
static neurlp_status take_known_system(reading *r, const char *name) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_generated *made = r->made;
  r->known = made->plan->known = neurlp_catalogue_find(name);
  r->pde = neurlp_known_pde_find(name);
  if (r->pde) return take_known_pde(r);
  if (!r->known) {
    char hint[TEXT_BYTES / 2];
    neurlp_name_search search = {.written = name};
    for (int32_t i = 0; i < neurlp_catalogue_count(); i++)
      neurlp_name_offer(&search, neurlp_catalogue_get(i)->name);
    for (int32_t i = 0; i < neurlp_known_pde_count(); i++)
      neurlp_name_offer(&search, neurlp_known_pde_get(i)->name);
    write_hint(&search, hint, sizeof hint);
    return fail_at(r, "system", NULL, "'%s' is not in the catalogue%s", name, hint);
  }
  made->dimensions = r->known->states;
  made->order = r->known->order;
  made->parameters = r->known->parameters;
  NEURLP_TRY(copy_names(r->context, made->dimensions, r->known->state_names, &made->names));
  NEURLP_TRY(copy_names(r->context, made->parameters, r->known->parameter_names, &made->parameter_names));
  NEURLP_TRY(copy_names(r->context, made->dimensions, r->known->equations, &made->plan->equations));
done:
  return status;
}

/* A relative path in a deck is relative to the deck's own folder. */
static neurlp_status resolve_path(const reading *r, const char *path, char **resolved) {
  const char *deck = neurlp_deck_name(r->deck), *slash = strrchr(deck, '/');
  const int folder = path[0] == '/' || !slash ? 0 : (int)(slash - deck) + 1;
  const size_t bytes = (size_t)folder + strlen(path) + 1;
  const neurlp_status status = neurlp_allocate(r->context, (int64_t)bytes, 1, resolved);
  if (status == NEURLP_SUCCESS) snprintf(*resolved, bytes, "%.*s%s", folder, deck, path);
  return status;
}

/* data.generate.initial_from: 0 (the deck has initial values), 'f' (first) or 'l' (last). */
static char choose_end(const reading *r) {
  const char *from = neurlp_deck_text(r->deck, SECTION "initial_from");
  return strcmp(from, "deck") == 0 ? 0 : from[0];
}

/* The equations of a result file, every number in its place: no parameters are left. */
static neurlp_status take_learned_equations(reading *r) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_generated *made = r->made;
  neurlp_learned learned = {0};
  NEURLP_TRY(
      resolve_path(r, neurlp_deck_text(r->deck, SECTION "result"), &made->sources[NEURLP_SOURCE_RESULT]));
  const char *path = made->sources[NEURLP_SOURCE_RESULT];
  NEURLP_TRY(neurlp_learned_read(r->context, path, NEURLP_LEARNED_WHOLE,
                                 neurlp_deck_integer(r->deck, SECTION "row"), &learned));
  made->dimensions = learned.dimensions;
  made->order = learned.order;
  made->names = learned.names;
  made->plan->equations = learned.equations;
  learned = (neurlp_learned){0};
  if (wrong_order(r))
    status = fail_at(r, "order", NULL, "the equations of %s are of order %d; leave this key out", path,
                     made->order);
  else if (!neurlp_deck_given(r->deck, SECTION "step"))
    status =
        fail_at(r, "step", NULL, "learned equations need one; only systems of the catalogue have their own");
  else if (!neurlp_deck_given(r->deck, SECTION "initial") &&
           !neurlp_deck_given(r->deck, SECTION "initial_file") && choose_end(r) == 0)
    status = fail_at(r, "initial", NULL,
                     "learned equations need initial values: this key, %sinitial_file or %sinitial_from",
                     SECTION, SECTION);
done:
  neurlp_learned_release(r->context, &learned);
  return status;
}

/* The data set that trajectories begin as; it also says how many there are, unless the deck does. */
static neurlp_status take_initial_file(const reading *r) {
  neurlp_generated *made = r->made;
  const char *path = neurlp_deck_text(r->deck, SECTION "initial_file");
  int64_t systems = 0;
  if (!path) return NEURLP_SUCCESS;
  neurlp_status status = resolve_path(r, path, &made->sources[NEURLP_SOURCE_INITIAL]);
  if (status >= 0) status = neurlp_generate_count_initial(made, &systems);
  if (status < 0) return status;
  if (!neurlp_deck_given(r->deck, SECTION "systems")) made->systems = systems;
  if (made->systems <= systems) return NEURLP_SUCCESS;
  return fail_at(r, "systems", NULL, "%lld trajectories are asked for, and %s has initial values of %lld",
                 (long long)made->systems, path, (long long)systems);
}

/* Fitted states that trajectories go on from; also how many there are, and when, unless the deck says so. */
static neurlp_status take_fitted_states(const reading *r) {
  neurlp_generated *made = r->made;
  int64_t systems = 0;
  double time = 0;
  made->plan->from = choose_end(r);
  if (!made->plan->from) return NEURLP_SUCCESS;
  if (!made->sources[NEURLP_SOURCE_RESULT])
    return fail_at(r, "initial_from", NULL, "fitted states are in a result, and %sresult names none",
                   SECTION);
  if (neurlp_deck_given(r->deck, SECTION "initial") || neurlp_deck_given(r->deck, SECTION "initial_file"))
    return fail_at(r, "initial_from", NULL, "trajectories begin at fitted states, or as %s says; not both",
                   neurlp_deck_given(r->deck, SECTION "initial") ? SECTION "initial"
                                                                 : SECTION "initial_file");
  const neurlp_status status = neurlp_generate_count_fitted(made, neurlp_deck_integer(r->deck, SECTION "row"),
                                                            &systems, &made->plan->from_row, &time);
  if (status < 0) return status;
  if (!neurlp_deck_given(r->deck, SECTION "systems")) made->systems = systems;
  if (!neurlp_deck_given(r->deck, SECTION "start")) made->start = time;
  if (made->systems <= systems) return NEURLP_SUCCESS;
  return fail_at(r, "systems", NULL, "%lld trajectories are asked for, and %s has fitted states of %lld",
                 (long long)made->systems, made->sources[NEURLP_SOURCE_RESULT], (long long)systems);
}

/* A name of the user's: a symbol without primes, not t, and no two alike. */
static neurlp_status check_name(const reading *r, const char *key, int32_t count, char *const *names,
                                int32_t index) {
  const char *name = names[index];
  if (!neurlp_name_is_symbol(name) || strchr(name, '\''))
    return fail_at(r, key, name,
                   "'%s' must be a letter or an underscore, then letters, digits and underscores", name);
  if (strcmp(name, "t") == 0) return fail_at(r, key, name, "t is the time; choose another name");
  for (int32_t i = 0; i < count; i++)
    if (i != index && strcmp(names[i], name) == 0) return fail_at(r, key, name, "'%s' is there twice", name);
  return NEURLP_SUCCESS;
}

static neurlp_status copy_map_keys(const reading *r, const char *path, int32_t count, char ***names) {
  neurlp_status status = neurlp_allocate(r->context, count, sizeof(char *), names);
  for (int32_t i = 0; i < count && status == NEURLP_SUCCESS; i++)
    status = neurlp_copy_text(r->context, neurlp_deck_map_key(r->deck, path, i), &(*names)[i]);
  return status;
}

/* States, their equations, and parameters from the deck's own maps. */
static neurlp_status take_own_equations(reading *r) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_generated *made = r->made;
  const int32_t states = neurlp_deck_map_count(r->deck, SECTION "equations");
  const int32_t parameters = neurlp_deck_map_count(r->deck, SECTION "parameters");
  if (states < 1) return fail_at(r, "equations", NULL, "there must be at least one");
  made->dimensions = states;
  made->order = neurlp_deck_integer(r->deck, SECTION "order") == 2 ? 2 : 1;
  made->parameters = parameters;
  NEURLP_TRY(copy_map_keys(r, SECTION "equations", states, &made->names));
  NEURLP_TRY(copy_map_keys(r, SECTION "parameters", parameters, &made->parameter_names));
  NEURLP_TRY(neurlp_allocate(r->context, states, sizeof(char *), &made->plan->equations));
  for (int32_t k = 0; k < states; k++) {
    const char *equation = neurlp_deck_map_text(r->deck, SECTION "equations", k);
    NEURLP_TRY(neurlp_copy_text(r->context, equation, &made->plan->equations[k]));
    NEURLP_TRY(check_name(r, "equations", states, made->names, k));
  }
  for (int32_t p = 0; p < parameters; p++) {
    NEURLP_TRY(check_name(r, "parameters", parameters, made->parameter_names, p));
    for (int32_t k = 0; k < states; k++)
      if (strcmp(made->names[k], made->parameter_names[p]) == 0) {
        status = fail_at(r, "parameters", made->names[k], "'%s' is a state already", made->names[k]);
        goto done;
      }
  }
done:
  return status;
}

static neurlp_status read_distribution(const reading *r, const char *key, const char *path, int32_t index,
                                       neurlp_distribution *d) {
  const char *name = neurlp_deck_map_key(r->deck, path, index);
  neurlp_deck_map_distribution(r->deck, path, index, &d->kind, &d->a, &d->b);
  if (!isfinite(d->a) || (d->kind != 'c' && !isfinite(d->b)))
    return fail_at(r, key, name, "numbers must be finite");
  if (d->kind == 'u' && d->a > d->b)
    return fail_at(r, key, name, "uniform: [%g, %g] must be [least, greatest]", d->a, d->b);
  if (d->kind == 'n' && d->b < 0.0)
    return fail_at(r, key, name, "normal: [%g, %g] must be [mean, standard deviation >= 0]", d->a, d->b);
  return NEURLP_SUCCESS;
}

/* Reads a map of distributions into the slots that bear the names; the others keep what they have. */
static neurlp_status read_distributions(const reading *r, const char *key, const char *what, int32_t count,
                                        const char *const *names, neurlp_distribution *slots) {
  char path[PATH_BYTES], hint[TEXT_BYTES / 2];
  snprintf(path, sizeof path, SECTION "%s", key);
  for (int32_t i = 0; i < neurlp_deck_map_count(r->deck, path); i++) {
    const char *name = neurlp_deck_map_key(r->deck, path, i);
    neurlp_name_search search = {.written = name};
    int32_t slot = 0;
    while (slot < count && strcmp(names[slot], name) != 0) neurlp_name_offer(&search, names[slot++]);
    if (slot == count) {
      write_hint(&search, hint, sizeof hint);
      return fail_at(r, key, name, "'%s' is not %s of this system%s", name, what, hint);
    }
    const neurlp_status status = read_distribution(r, key, path, i, &slots[slot]);
    if (status < 0) return status;
  }
  return NEURLP_SUCCESS;
}

/* Parameters: the catalogue's values unless the deck has them. */
static neurlp_status read_parameters(const reading *r) {
  neurlp_generated *made = r->made;
  neurlp_distribution **slots = &made->plan->parameters;
  neurlp_status status = neurlp_allocate(r->context, made->parameters, sizeof **slots, slots);
  if (status < 0) return status;
  for (int32_t p = 0; p < made->parameters; p++)
    if (r->pde)
      (*slots)[p] = (neurlp_distribution){.kind = 'u', .a = r->pde->least[p], .b = r->pde->greatest[p]};
    else
      (*slots)[p] = (neurlp_distribution){.kind = 'c', .a = r->known ? r->known->parameter_values[p] : 0.0};
  status = read_distributions(r, "parameters", "a parameter", made->parameters,
                              (const char *const *)made->parameter_names, *slots);
  if (status >= 0 && r->pde && !((*slots)[0].a > 0.0))
    status = fail_at(r, "parameters", "length", "the length of the domain is %g; it must be positive",
                     (*slots)[0].a);
  return status;
}

/* The set of the catalogue's initial values that the deck asks for; NULL: own or learned equations. */
static neurlp_status choose_initial_set(const reading *r, const double **initial) {
  const int64_t set = neurlp_deck_integer(r->deck, SECTION "initial_set");
  *initial = !r->known ? NULL : set == 2 ? r->known->second : r->known->initial;
  if (set == 1 || (r->known && set <= r->known->initial_sets)) return NEURLP_SUCCESS;
  if (!r->known)
    return fail_at(r, "initial_set", NULL,
                   "only systems of the catalogue have initial values; leave this out");
  return fail_at(r, "initial_set", NULL, "the catalogue's %s has one set of initial values, not %lld",
                 r->known->name, (long long)set);
}

/* Initial values of x and, for order 2, x': the catalogue's, or 0, unless the deck has them. */
static neurlp_status read_initial(const reading *r) {
  neurlp_status status = NEURLP_SUCCESS;
  const double *initial = NULL;
  neurlp_generated *made = r->made;
  const int32_t count = made->dimensions * made->order;
  neurlp_distribution **slots = &made->plan->initial;
  char **names = NULL;
  NEURLP_TRY(choose_initial_set(r, &initial));
  NEURLP_TRY(neurlp_allocate(r->context, count, sizeof **slots, slots));
  NEURLP_TRY(neurlp_allocate(r->context, count, sizeof *names, &names));
  for (int32_t i = 0; i < count; i++) {
    const char *name = made->names[i / made->order];
    const size_t length = strlen(name);
    const bool together = r->pde || (r->known && r->known->draw);
    (*slots)[i] = (neurlp_distribution){.kind = together ? 'd' : 'c', .a = initial ? initial[i] : 0.0};
    NEURLP_TRY(neurlp_allocate(r->context, (int64_t)length + 2, 1, &names[i]));
    memcpy(names[i], name, length);
    if (i % made->order == 1) names[i][length] = '\'';
  }
  status = read_distributions(r, "initial", "a state", count, (const char *const *)names, *slots);
done:
  release_names(r->context, count, &names);
  return status;
}

static neurlp_status read_sizes(const reading *r) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_generated *made = r->made;
  struct neurlp_generate_plan *plan = made->plan;
  made->systems = neurlp_deck_integer(r->deck, SECTION "systems");
  made->samples = neurlp_deck_integer(r->deck, SECTION "samples");
  made->start = neurlp_deck_number(r->deck, SECTION "start");
  made->step = neurlp_deck_number(r->deck, SECTION "step");
  if (made->step == 0.0 && r->known) made->step = r->known->step;
  if (made->step == 0.0 && r->pde) made->step = r->pde->step;
  plan->transient = neurlp_deck_number(r->deck, SECTION "transient");
  plan->noise = neurlp_deck_number(r->deck, SECTION "noise");
  plan->multiplicative = strcmp(neurlp_deck_text(r->deck, SECTION "noise_unit"), "value") == 0;
  plan->missing = neurlp_deck_number(r->deck, SECTION "missing");
  plan->absolute = strcmp(neurlp_deck_text(r->deck, SECTION "noise_unit"), "state") == 0;
  made->clean = neurlp_deck_flag(r->deck, SECTION "keep_clean") && (plan->noise > 0.0 || plan->missing > 0.0);
  plan->seed = (uint64_t)neurlp_deck_integer(r->deck, "run.seed");
  NEURLP_TRY(take_initial_file(r));
  NEURLP_TRY(take_fitted_states(r));
  if (status < 0) return status;
  if ((r->known || r->pde) && wrong_order(r))
    return fail_at(r, "order", NULL, "the catalogue's %s is of order %d; leave this key out",
                   r->known ? r->known->name : r->pde->name, made->order);
  if (!r->pde && neurlp_deck_integer(r->deck, SECTION "points") != 0)
    return fail_at(r, "points", NULL, "only partial differential equations have points; leave this key out");
  if (made->samples > INT64_MAX / made->dimensions / made->order / (int64_t)sizeof(double) / made->systems)
    return fail_at(r, "samples", NULL,
                   "%lld systems of %lld samples of %d states are more than can be addressed",
                   (long long)made->systems, (long long)made->samples, made->dimensions);
  /* The integrator needs times that it can tell from their neighbours, and so do those who read the data. */
  const double last = made->start + (double)(made->samples - 1) * made->step;
  const double first = made->start - plan->transient;
  const double greatest = fmax(fmax(fabs(first), fabs(made->start)), fabs(last));
  if (!(made->step > 1e-12 * greatest) || (plan->transient > 0.0 && first >= made->start))
    return fail_at(
        r, "step", NULL,
        "times from %g to %g in steps of %g cannot be told apart; use a larger step or a smaller start",
        first, last, made->step);
done:
  return status;
}

/* Solvers of a partial differential equation, one for every thread. */
static neurlp_status make_pdes(const reading *r) {
  neurlp_status status = NEURLP_SUCCESS;
  struct neurlp_generate_plan *plan = r->made->plan;
  const int32_t threads = neurlp_context_threads(r->context);
  NEURLP_TRY(neurlp_allocate(r->context, threads, sizeof *plan->pdes, &plan->pdes));
  for (; plan->workers < threads; plan->workers++)
    NEURLP_TRY(neurlp_pde_create(r->context, r->pde, r->made->dimensions, &plan->pdes[plan->workers]));
done:
  return status;
}

/* Reads the equations, once for every thread: a neurlp_dynamics holds its own working arrays. */
static neurlp_status make_dynamics(const reading *r) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_generated *made = r->made;
  struct neurlp_generate_plan *plan = made->plan;
  int32_t failed = 0;
  neurlp_syntax_error error = {0};
  NEURLP_TRY(neurlp_allocate(r->context, neurlp_context_threads(r->context), sizeof *plan->dynamics,
                             &plan->dynamics));
  for (; plan->workers < neurlp_context_threads(r->context); plan->workers++)
    NEURLP_TRY(neurlp_dynamics_parse(
        r->context, made->dimensions, made->order, (const char *const *)made->names, made->parameters,
        (const char *const *)made->parameter_names, (const char *const *)plan->equations,
        &plan->dynamics[plan->workers], &failed, &error));
done:
  if (status == NEURLP_ERROR_SYNTAX)
    status = fail_at(r, "equations", made->names[failed], "column %d of \"%s\": %s", error.column,
                     plan->equations[failed], error.message);
  return status;
}

neurlp_status neurlp_generate_describe(neurlp_context *context, const neurlp_deck *deck,
                                       neurlp_generated **generated) {
  neurlp_status status = NEURLP_SUCCESS;
  reading r = {.context = context, .deck = deck};
  const char *name = neurlp_deck_text(deck, SECTION "system");
  const bool own = neurlp_deck_given(deck, SECTION "equations");
  const bool learned = neurlp_deck_given(deck, SECTION "result");
  *generated = NULL;
  if ((name != NULL) + own + learned != 1)
    return fail_at(&r, own ? "equations" : "system", NULL, "give one of `system`, `equations` and `result`");
  struct neurlp_generate_plan *plan = NULL;
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *plan, &plan));
  plan->context = context;
  status = neurlp_allocate(context, 1, sizeof *r.made, &r.made);
  if (status < 0) {
    neurlp_release(context, &plan);
    return status;
  }
  r.made->plan = plan;
  NEURLP_TRY(learned ? take_learned_equations(&r)
             : own   ? take_own_equations(&r)
                     : take_known_system(&r, name));
  NEURLP_TRY(read_parameters(&r));
  NEURLP_TRY(read_initial(&r));
  NEURLP_TRY(read_sizes(&r));
  NEURLP_TRY(r.pde ? make_pdes(&r) : make_dynamics(&r));
  if (!r.pde && strcmp(neurlp_deck_text(deck, "task"), "simulate") == 0)
    NEURLP_TRY(neurlp_generate_make_ensemble(r.made, deck));
  *generated = r.made;
  r.made = NULL;
done:
  neurlp_generate_destroy(&r.made);
  return status;
}

void neurlp_generate_destroy(neurlp_generated **generated) {
  if (!generated || !*generated) return;
  neurlp_generated *old = *generated;
  struct neurlp_generate_plan *plan = old->plan;
  neurlp_context *context = plan->context;
  neurlp_ensemble_destroy(&plan->ensemble);
  neurlp_generate_release_petsc(plan);
  for (int32_t i = 0; i < 2; i++) neurlp_release(context, &old->sources[i]);
  for (int32_t w = 0; w < plan->workers; w++) {
    if (plan->dynamics) neurlp_dynamics_destroy(&plan->dynamics[w]);
    if (plan->pdes) neurlp_pde_destroy(&plan->pdes[w]);
  }
  neurlp_release(context, &plan->dynamics);
  neurlp_release(context, &plan->pdes);
  release_names(context, old->dimensions, &plan->equations);
  release_names(context, old->dimensions, &old->names);
  release_names(context, old->parameters, &old->parameter_names);
  neurlp_release(context, &plan->parameters);
  neurlp_release(context, &plan->initial);
  neurlp_release(context, &old->plan);
  neurlp_release(context, generated);
}
