#include "petsc/recorder/recorder.h"

#include "deck/deck_names.h"

#include <petscdmda.h>
#include <string.h>

/* The points of a DMDA in natural ordering, of which each rank has a range. */
static PetscErrorCode describe_grid(recorder_layout *layout) {
  PetscInt begin, end;
  PetscFunctionBegin;
  PetscCall(DMDAGetInfo(layout->da, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &layout->fields, NULL, NULL,
                        NULL, NULL, NULL));
  PetscCall(DMDACreateNaturalVector(layout->da, &layout->natural));
  PetscCall(VecGetOwnershipRange(layout->natural, &begin, &end));
  layout->first = begin / layout->fields;
  layout->owned = (end - begin) / layout->fields;
  PetscFunctionReturn(0);
}

/* The chosen ones of this rank's points, which are `first` to first + count - 1 of all. */
static PetscErrorCode choose_points(const recorder_choice *choice, recorder_layout *layout, int64_t all,
                                    const char *prefix) {
  const int64_t first = layout->first, count = layout->owned;
  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)count, &layout->point, (size_t)count, &layout->number));
  layout->systems = choice->point_count > 0 ? choice->point_count : all;
  layout->owned = 0;
  if (choice->point_count > 0) layout->first = 0;
  for (int64_t i = 0; i < (choice->point_count > 0 ? choice->point_count : count); i++) {
    const int64_t number = choice->point_count > 0 ? choice->points[i] : first + i;
    PetscCheck(number >= 0 && number < all, layout->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "-%sts_trajectory_neurlp_points: there is no point %lld; there are 0 to %lld", prefix,
               (long long)number, (long long)all - 1);
    PetscCheck(i == 0 || choice->point_count == 0 || number > choice->points[i - 1], layout->comm,
               PETSC_ERR_ARG_INCOMP,
               "-%sts_trajectory_neurlp_points: point %lld comes after %lld; they must "
               "increase",
               prefix, (long long)number, (long long)choice->points[i - 1]);
    if (number < first) layout->first++;
    if (number < first || number >= first + count) continue;
    layout->point[layout->owned] = (PetscInt)(number - first);
    layout->number[layout->owned++] = number;
  }
  PetscFunctionReturn(0);
}

/* The chosen components of a point. */
static PetscErrorCode choose_components(const recorder_choice *choice, recorder_layout *layout,
                                        const char *prefix) {
  PetscFunctionBegin;
  layout->components = choice->component_count > 0 ? choice->component_count : layout->fields;
  PetscCall(PetscMalloc1(layout->components, &layout->component));
  PetscCall(PetscCalloc1(layout->components, &layout->names));
  for (PetscInt k = 0; k < layout->components; k++) {
    const PetscInt component = choice->component_count > 0 ? choice->components[k] : k;
    PetscCheck(component >= 0 && component < layout->fields, layout->comm, PETSC_ERR_ARG_OUTOFRANGE,
               "-%sts_trajectory_neurlp_components: there is no component %" PetscInt_FMT
               "; there are 0 to %" PetscInt_FMT,
               prefix, component, layout->fields - 1);
    layout->component[k] = component;
  }
  PetscFunctionReturn(0);
}

/* A name for component k that equations can use: the user's, the DMDA's field, or x1, x2, ... */
static PetscErrorCode choose_name(const recorder_choice *choice, recorder_layout *layout, PetscInt k,
                                  const char *prefix) {
  const char *given = NULL;
  char name[64];
  PetscFunctionBegin;
  if (choice->name_count > 0) {
    given = choice->names[k];
    PetscCheck(neurlp_name_is_symbol(given) && !strchr(given, '\''), layout->comm, PETSC_ERR_ARG_WRONG,
               "-%sts_trajectory_neurlp_names: '%s' is not a letter followed by letters, digits and "
               "underscores",
               prefix, given);
  } else if (layout->da) {
    PetscCall(DMDAGetFieldName(layout->da, layout->component[k], &given));
    if (given && (!neurlp_name_is_symbol(given) || strchr(given, '\''))) given = NULL;
  }
  for (PetscInt i = 0; given && i < k; i++)
    PetscCheck(strcmp(layout->names[i], given) != 0, layout->comm, PETSC_ERR_ARG_WRONG,
               "two components are named '%s'; give names by -%sts_trajectory_neurlp_names", given, prefix);
  PetscCall(PetscSNPrintf(name, sizeof name, "x%" PetscInt_FMT, layout->component[k] + 1));
  PetscCall(PetscStrallocpy(given ? given : name, &layout->names[k]));
  PetscFunctionReturn(0);
}

/* Where the recorded points of a DMDA are, if it knows. */
static PetscErrorCode take_coordinates(recorder_layout *layout) {
  DM grid;
  Vec coordinates, natural;
  PetscInt space;
  const PetscScalar *values;
  PetscFunctionBegin;
  PetscCall(DMGetCoordinates(layout->da, &coordinates));
  if (!coordinates) PetscFunctionReturn(0);
  PetscCall(DMGetCoordinateDM(layout->da, &grid));
  PetscCall(DMGetCoordinateDim(layout->da, &space));
  PetscCall(DMDACreateNaturalVector(grid, &natural));
  PetscCall(DMDAGlobalToNaturalBegin(grid, coordinates, INSERT_VALUES, natural));
  PetscCall(DMDAGlobalToNaturalEnd(grid, coordinates, INSERT_VALUES, natural));
  PetscCall(PetscMalloc1((size_t)(layout->owned * space), &layout->coordinates));
  PetscCall(VecGetArrayRead(natural, &values));
  for (int64_t i = 0; i < layout->owned; i++)
    for (PetscInt j = 0; j < space; j++)
      layout->coordinates[i * space + j] = values[layout->point[i] * space + j];
  PetscCall(VecRestoreArrayRead(natural, &values));
  PetscCall(VecDestroy(&natural));
  layout->space = (int32_t)space;
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_layout_create(const recorder_choice *choice, DM dm, Vec solution,
                                             const char *prefix, recorder_layout *layout) {
  PetscBool grid = PETSC_FALSE;
  PetscInt size, first, count;
  PetscFunctionBegin;
  *layout = (recorder_layout){.comm = PetscObjectComm((PetscObject)solution)};
  if (dm) PetscCall(PetscObjectTypeCompare((PetscObject)dm, DMDA, &grid));
  if (grid) {
    layout->da = dm;
    PetscCall(describe_grid(layout));
  } else {
    PetscCall(neurlp_support_points(solution, choice->fields, "-ts_trajectory_neurlp_fields", &layout->fields,
                                    &first, &count));
    layout->first = first;
    layout->owned = count;
  }
  PetscCall(VecGetSize(solution, &size));
  PetscCall(choose_points(choice, layout, size / layout->fields, prefix));
  PetscCall(choose_components(choice, layout, prefix));
  PetscCheck(choice->name_count == 0 || choice->name_count == layout->components, layout->comm,
             PETSC_ERR_ARG_SIZ,
             "-%sts_trajectory_neurlp_names has %" PetscInt_FMT " names, and %" PetscInt_FMT
             " components are recorded",
             prefix, choice->name_count, layout->components);
  for (PetscInt k = 0; k < layout->components; k++) PetscCall(choose_name(choice, layout, k, prefix));
  if (layout->da) PetscCall(take_coordinates(layout));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_layout_destroy(recorder_layout *layout) {
  PetscFunctionBegin;
  for (PetscInt k = 0; layout->names && k < layout->components; k++) PetscCall(PetscFree(layout->names[k]));
  PetscCall(PetscFree(layout->names));
  PetscCall(PetscFree(layout->component));
  PetscCall(PetscFree2(layout->point, layout->number));
  PetscCall(PetscFree(layout->coordinates));
  PetscCall(VecDestroy(&layout->natural));
  PetscFunctionReturn(0);
}

PetscErrorCode neurlp_recorder_layout_take(recorder_layout *layout, Vec solution, int64_t stride,
                                           double *values) {
  const PetscScalar *numbers;
  Vec source = solution;
  PetscFunctionBegin;
  if (layout->da) {
    PetscCall(DMDAGlobalToNaturalBegin(layout->da, solution, INSERT_VALUES, layout->natural));
    PetscCall(DMDAGlobalToNaturalEnd(layout->da, solution, INSERT_VALUES, layout->natural));
    source = layout->natural;
  }
  PetscCall(VecGetArrayRead(source, &numbers));
  for (int64_t i = 0; i < layout->owned; i++)
    for (PetscInt k = 0; k < layout->components; k++)
      values[i * stride + k] = numbers[layout->point[i] * layout->fields + layout->component[k]];
  PetscCall(VecRestoreArrayRead(source, &numbers));
  PetscFunctionReturn(0);
}
