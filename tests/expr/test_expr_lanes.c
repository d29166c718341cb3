/* A point's result, bit for bit, whatever the number of points, its place among them, the strides of the
 * inputs and the instruction set. */
#include "random_tree.h"

enum { POINTS = 200, EXPRESSIONS = 12 };

typedef struct fixture {
  neurlp_context *context;
  neurlp_expr *exprs[EXPRESSIONS];
  double values[SYMBOLS][POINTS];
  double expected[EXPRESSIONS][POINTS];
} fixture;

static neurlp_program *make_program(const fixture *f) {
  neurlp_program *program = NULL;
  const neurlp_expr *list[EXPRESSIONS];
  for (int i = 0; i < EXPRESSIONS; i++) list[i] = f->exprs[i];
  if (neurlp_program_create(f->context, EXPRESSIONS, list, &program) != NEURLP_SUCCESS) {
    printf("FAIL %s\n", neurlp_context_message(f->context));
    exit(1);
  }
  return program;
}

/* Runs points first..first+count with inputs `stride` apart and counts results that differ. The workspace is
 * poisoned, and so is what lies behind the inputs. */
static long long differences(const fixture *f, const neurlp_program *program, int64_t first, int64_t count,
                             int64_t stride) {
  const double *inputs[SYMBOLS];
  int64_t strides[SYMBOLS];
  long long wrong = 0;
  const size_t bytes = neurlp_program_workspace_bytes(program);
  double *workspace = malloc(bytes), *copies = malloc((size_t)(SYMBOLS * count * stride) * sizeof(double));
  double *outputs = malloc((size_t)(EXPRESSIONS * count) * sizeof(double));
  if (!workspace || !copies || !outputs) exit(99);
  memset(workspace, 0xff, bytes);
  for (int64_t k = 0; k < SYMBOLS; k++) {
    double *copy = copies + k * count * stride;
    for (int64_t p = 0; p < count * stride; p++) copy[p] = NAN;
    for (int64_t p = 0; p < count; p++) copy[p * stride] = f->values[k][first + p];
    inputs[k] = copy;
    strides[k] = stride;
  }
  neurlp_program_run(program, count, inputs, strides, outputs, workspace);
  for (int64_t i = 0; i < EXPRESSIONS; i++)
    for (int64_t p = 0; p < count; p++)
      wrong += !same_bits(outputs[i * count + p], f->expected[i][first + p]);
  free(workspace);
  free(copies);
  free(outputs);
  return wrong;
}

static void fill(fixture *f) {
  static random_tree tree;
  static char text[TREE_TEXT];
  for (int i = 0; i < EXPRESSIONS; i++) {
    grow_tree(&tree, 1000 + (uint64_t)i, 5);
    tree_text(&tree, 0, text, 0);
    f->exprs[i] = must_parse(f->context, text);
  }
  for (uint64_t k = 0; k < SYMBOLS; k++)
    for (uint64_t p = 0; p < POINTS; p++) f->values[k][p] = random_between(5, k * POINTS + p, -4.0, 4.0);
  /* neighbours that are singular must not disturb */
  f->values[0][3] = 0.0;
  f->values[1][70] = INFINITY;
  f->values[2][71] = NAN;
  for (int64_t p = 0; p < POINTS; p++) {
    double point[SYMBOLS], values[EXPRESSIONS];
    const neurlp_expr *list[EXPRESSIONS];
    for (int i = 0; i < EXPRESSIONS; i++) list[i] = f->exprs[i];
    for (int k = 0; k < SYMBOLS; k++) point[k] = f->values[k][p];
    values_at(f->context, EXPRESSIONS, list, point, values);
    for (int i = 0; i < EXPRESSIONS; i++) f->expected[i][p] = values[i];
  }
}

static void test_counts(const fixture *f) {
  neurlp_program *program = make_program(f);
  long long wrong = 0, runs = 0;
  for (int64_t count = 1; count <= 140; count += count < 20 ? 1 : 13)
    for (int64_t first = 0; first + count <= POINTS; first += 7) {
      wrong += differences(f, program, first, count, 1);
      runs++;
    }
  check_above("runs with 1 to 140 points", (double)runs, 500.0);
  check_equal("results that depend on number or place", wrong, 0);
  check_equal("results that depend on the stride",
              differences(f, program, 0, POINTS, 3) + differences(f, program, 5, 9, 2), 0);
  neurlp_program_destroy(&program);
}

/* Stride 0 broadcasts; no points write nothing; symbols without a use may be NULL. */
static void test_broadcast(neurlp_context *context) {
  neurlp_expr *expr = must_parse(context, "x*y + sin(y)");
  const neurlp_expr *const list[1] = {expr};
  neurlp_program *program = NULL;
  if (neurlp_program_create(context, 1, list, &program) != NEURLP_SUCCESS) exit(99);
  const double x[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, y = 0.75;
  const double *inputs[SYMBOLS] = {x, &y};
  const int64_t strides[SYMBOLS] = {1, 0};
  double outputs[11];
  void *workspace = malloc(neurlp_program_workspace_bytes(program));
  for (int p = 0; p < 11; p++) outputs[p] = -1.0;
  neurlp_program_run(program, 0, inputs, strides, outputs, workspace);
  check_true("no points, no output", outputs[0] == -1.0);
  neurlp_program_run(program, 10, inputs, strides, outputs, workspace);
  double worst = 0.0;
  for (int p = 0; p < 10; p++) worst = fmax(worst, fabs(outputs[p] - (x[p] * y + sin(y))));
  check_below("broadcast", worst, 16.0 * 0x1p-52);
  check_true("nothing behind the last point is written", outputs[10] == -1.0);
  free(workspace);
  neurlp_program_destroy(&program);
  neurlp_expr_destroy(&expr);
}

static void test_instruction_sets(const fixture *f) {
  static const char *const names[] = {"baseline", "avx2", "avx512"};
  for (size_t i = 0; i < 3; i++) {
    neurlp_program *program = NULL;
    const neurlp_expr *const list[1] = {f->exprs[0]};
    setenv("NEURLP_ISA", names[i], 1);
    const neurlp_status status = neurlp_program_create(f->context, 1, list, &program);
    if (status == NEURLP_SUCCESS) {
      neurlp_program_destroy(&program);
      program = make_program(f);
      printf("%s\n", names[i]);
      check_equal("  results that depend on the instruction set", differences(f, program, 0, POINTS, 1), 0);
    } else {
      printf("%s: not compared, %s\n", names[i], neurlp_context_message(f->context));
      check_equal("  status", status, NEURLP_ERROR_ARGUMENT);
      check_true("  baseline is always there", i > 0);
    }
    neurlp_program_destroy(&program);
  }
  const neurlp_expr *const list[1] = {f->exprs[0]};
  neurlp_program *program = NULL;
  setenv("NEURLP_ISA", "mmx", 1);
  check_equal("an unknown instruction set", neurlp_program_create(f->context, 1, list, &program),
              NEURLP_ERROR_ARGUMENT);
  check_true("  is named", strstr(neurlp_context_message(f->context), "mmx") != NULL);
  unsetenv("NEURLP_ISA");
}

int main(void) {
  static fixture f;
  f.context = make_context();
  fill(&f);
  test_counts(&f);
  test_broadcast(f.context);
  test_instruction_sets(&f);
  for (int i = 0; i < EXPRESSIONS; i++) neurlp_expr_destroy(&f.exprs[i]);
  end_context(f.context);
  return check_verdict();
}
