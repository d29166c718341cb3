/* Programs as source text: compiled by the compiler at hand, loaded, and compared with the interpreter, bit
 * for bit in double precision; in single precision against the rounding of numbers half as long. */
#include "expr/source.h"

#include "random_tree.h"

#include <dlfcn.h>
#include <unistd.h>

enum { TREES = 40, EACH = 3, POINTS = 50, EXPRESSIONS = EACH * TREES + 3 };

typedef void body_double(const double *x, double *y);
typedef void body_single(const float *x, float *y);

typedef struct fixture {
  neurlp_context *context;
  neurlp_expr *exprs[EXPRESSIONS];
  neurlp_program *program;
  char *text;
  char folder[64], source[96], object[96];
  void *library;
} fixture;

/* Random trees, each with its value, a derivative, and a derivative of that; then numbers that are hard to
 * write. */
static void fill(fixture *f) {
  static random_tree tree;
  static char text[TREE_TEXT];
  static const char *const numbers[] = {"x + 1/0", "y*(0/0)", "(x - 12345678901234567890)*1e-310 + 3^0.3"};
  for (int i = 0; i < TREES; i++) {
    neurlp_expr **three = &f->exprs[EACH * i];
    grow_tree(&tree, 300 + (uint64_t)i, 5);
    tree_text(&tree, 0, text, 0);
    three[0] = must_parse(f->context, text);
    if (neurlp_expr_derivative(f->context, three[0], 0, &three[1]) != NEURLP_SUCCESS ||
        neurlp_expr_derivative(f->context, three[1], 1, &three[2]) != NEURLP_SUCCESS)
      exit(99);
  }
  for (int i = 0; i < 3; i++) f->exprs[EACH * TREES + i] = must_parse(f->context, numbers[i]);
  const neurlp_expr *list[EXPRESSIONS];
  for (int i = 0; i < EXPRESSIONS; i++) list[i] = f->exprs[i];
  if (neurlp_program_create(f->context, EXPRESSIONS, list, &f->program) != NEURLP_SUCCESS) exit(99);
}

/* Two functions with one body. Without builtins the compiler evaluates no function itself. */
static bool compile(fixture *f) {
  const char *temporary = getenv("TMPDIR");
  char command[1024];
  snprintf(f->folder, sizeof f->folder, "%.40s/neurlp_source_XXXXXX", temporary ? temporary : "/tmp");
  if (!mkdtemp(f->folder)) return false;
  snprintf(f->source, sizeof f->source, "%s/body.c", f->folder);
  snprintf(f->object, sizeof f->object, "%s/body.so", f->folder);
  FILE *file = fopen(f->source, "w");
  if (!file) return false;
  fprintf(file,
          "#include <tgmath.h>\n#define real double\n"
          "void body_double(const real *x, real *y) {\n%s}\n#undef real\n#define real float\n"
          "void body_single(const real *x, real *y) {\n%s}\n",
          f->text, f->text);
  if (fclose(file) != 0) return false;
  snprintf(command, sizeof command,
           "%s -std=c17 -O1 -fno-builtin -ffp-contract=off -fPIC -shared -o %s %s -lm", NEURLP_TEST_COMPILER,
           f->object, f->source);
  if (system(command) != 0) return false;
  f->library = dlopen(f->object, RTLD_NOW);
  if (!f->library) printf("%s\n", dlerror());
  return f->library != NULL;
}

static void end(fixture *f) {
  if (f->library) dlclose(f->library);
  unlink(f->source);
  unlink(f->object);
  rmdir(f->folder);
  neurlp_release(f->context, &f->text);
  neurlp_program_destroy(&f->program);
  for (int i = 0; i < EXPRESSIONS; i++) neurlp_expr_destroy(&f->exprs[i]);
}

static void interpret(const fixture *f, const double point[SYMBOLS], double *values) {
  const double *inputs[SYMBOLS];
  const int64_t strides[SYMBOLS] = {0};
  void *workspace = malloc(neurlp_program_workspace_bytes(f->program));
  if (!workspace) exit(99);
  for (int k = 0; k < SYMBOLS; k++) inputs[k] = &point[k];
  neurlp_program_run(f->program, 1, inputs, strides, values, workspace);
  free(workspace);
}

/* POSIX's way from a data pointer to a function pointer. */
static void find_function(const fixture *f, const char *name, void *pointer_to_function) {
  void *symbol = dlsym(f->library, name);
  memcpy(pointer_to_function, &symbol, sizeof symbol);
  check_true(name, symbol != NULL);
  if (!symbol) exit(1);
}

static void test_double(const fixture *f) {
  body_double *run = NULL;
  long long wrong = 0, numbers = 0;
  find_function(f, "body_double", &run);
  for (uint64_t p = 0; p < POINTS; p++) {
    double point[SYMBOLS], expected[EXPRESSIONS], values[EXPRESSIONS];
    for (uint64_t k = 0; k < SYMBOLS; k++) point[k] = random_between(9, p * SYMBOLS + k, -4.0, 4.0);
    interpret(f, point, expected);
    run(point, values);
    for (int i = 0; i < EXPRESSIONS; i++) {
      wrong += !same_bits(values[i], expected[i]);
      numbers += isfinite(expected[i]);
    }
  }
  check_above("finite values among those compared", (double)numbers, 0.4 * POINTS * EXPRESSIONS);
  check_equal("values that differ from the interpreter's", wrong, 0);
}

/* True if every node of the tree keeps to first-order errors and far from the ends of the range of float: the
 * bound of dual_of, which is for roundings of double, then grows with the unit in the last place. */
static bool has_single_bound(const random_tree *tree, const double point[SYMBOLS], double units) {
  for (int at = 0; at < tree->count; at++) {
    const dual exact = dual_of(tree, at, point, 0);
    const double size = fabs(exact.value);
    if (size == 0.0 && tree->nodes[at].kind == 'n') continue;
    if (!(units * exact.error < 1e-3 * size && size > 1e-18 && size < 1e18)) return false;
  }
  return true;
}

/* Inputs that are the same in both precisions, so that roundings only differ: those of dual_of, where the
 * factor 4 is for functions that err by more than one unit, and for the numbers of the text, which float
 * rounds. */
static void test_single(const fixture *f) {
  static random_tree tree;
  body_single *run = NULL;
  const double units = (double)FLT_EPSILON / DBL_EPSILON;
  double worst = 0.0;
  long long compared = 0;
  find_function(f, "body_single", &run);
  for (uint64_t p = 0; p < POINTS; p++) {
    double point[SYMBOLS];
    float single[SYMBOLS], values[EXPRESSIONS];
    for (uint64_t k = 0; k < SYMBOLS; k++) {
      single[k] = (float)random_between(9, p * SYMBOLS + k, -4.0, 4.0);
      point[k] = (double)single[k];
    }
    run(single, values);
    for (int i = 0; i < TREES; i++) {
      grow_tree(&tree, 300 + (uint64_t)i, 5);
      if (!has_single_bound(&tree, point, units)) continue;
      const dual exact = dual_of(&tree, 0, point, 0);
      const double bound = 4.0 * units * (exact.error + DBL_EPSILON * fabs(exact.value));
      worst = fmax(worst, fabs((double)values[EACH * i] - exact.value) / bound);
      compared++;
    }
  }
  check_above("values in single precision that have a bound", (double)compared, 0.1 * POINTS * TREES);
  check_below("error in single precision over its bound", worst, 1.0);
}

static void test_text(neurlp_context *context) {
  neurlp_expr *expr = must_parse(context, "(x - 2)*(x + y)");
  const neurlp_expr *const list[1] = {expr};
  neurlp_program *program = NULL;
  char *text = NULL;
  if (neurlp_program_create(context, 1, list, &program) != NEURLP_SUCCESS) exit(99);
  check_equal("status", neurlp_program_source(context, program, &text), NEURLP_SUCCESS);
  printf("%s", text);
  check_true("a number", text && strstr(text, " + (real)-2.0;\n") != NULL);
  check_true("a store at the end", text && strstr(text, "y[0] = s") != NULL);
  neurlp_release(context, &text);
  neurlp_program_destroy(&program);
  check_equal("no expressions", neurlp_program_create(context, 0, NULL, &program), NEURLP_SUCCESS);
  check_equal("status", neurlp_program_source(context, program, &text), NEURLP_SUCCESS);
  check_true("no text", text && text[0] == '\0');
  neurlp_release(context, &text);
  neurlp_program_destroy(&program);
  neurlp_expr_destroy(&expr);
}

int main(void) {
  static fixture f;
  f.context = make_context();
  fill(&f);
  test_text(f.context);
  check_equal("status", neurlp_program_source(f.context, f.program, &f.text), NEURLP_SUCCESS);
  const bool compiled = f.text && compile(&f);
  check_true("the text compiles", compiled);
  if (compiled) {
    test_double(&f);
    test_single(&f);
  }
  end(&f);
  end_context(f.context);
  return check_verdict();
}
