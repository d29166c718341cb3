/* What is wrong with a deck is said whole, at its place, with the remedy. Each case: a deck, and every line
 * of the report that begins an error, in order. */
#include "deck/deck.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ERRORS = 16 };

typedef struct deck_case {
  const char *text;
  const char *override; /* NULL: none */
  const char *errors[MOST_ERRORS + 1];
} deck_case;

#define DISCOVER "task: discover\ndata: {file: a.h5}\n"
#define TRAIN    "task: train\ndata: {file: a.h5}\n"
#define FIT      "task: fit\ndata: {file: a.h5}\ndynamics:\n  equations: x' = a*x\n"

static const deck_case cases[] = {
    {"task: discover\ndata:\n  file: a.h5\n  generate: {samples: 5}\ndynamics:\n  lbrary: 2\nblock: {order: "
     "9}\n",
     "run.seed=-1",
     {"d.yaml:4:3: error: 'data' has both 'file' and 'generate'; leave one of them out",
      "d.yaml:4:3: error: 'data.generate' needs either 'system' or 'equations' or 'result'",
      "d.yaml:6:3: error: unknown key 'lbrary'; did you mean 'library'?",
      "d.yaml:7:16: error: 'block.order' is 9; it must be an integer, 1 to 4, or 0 (2 for first-order "
      "equations, "
      "4 for second-order ones)",
      "command line: 'run.seed=-1': error: 'run.seed' is -1; it must be an integer, 0 to 9007199254740992"}},
    {"",
     NULL,
     {"d.yaml: error: missing key 'task' (discover, fit, simulate or train): What to do: discover equations, "
      "fit "
      "the "
      "parameters of equations that are given, integrate equations that are known or were learned, or train "
      "networks around mechanistic blocks.",
      "d.yaml: error: 'data' needs either 'file' or 'generate'"}},
    {DISCOVER "block: {window: 1, window: 64x, weight_top: 0, substeps: 2.5}\n",
     NULL,
     {"d.yaml:3:17: error: 'block.window' is 1; it must be an integer, 2 or more samples, or 0 (the whole "
      "trajectory)",
      "d.yaml:3:20: error: key 'window' is there twice; before on line 3",
      "d.yaml:3:28: error: 'block.window' must be an integer, but '64x' is not an integer",
      "d.yaml:3:45: error: 'block.weight_top' is 0; it must be more than 0",
      "d.yaml:3:58: error: 'block.substeps' must be an integer, but '2.5' is not an integer"}},
    {DISCOVER "block: {step: nan, weight_top: \"1\", order:, window: [3]}\noutput: {solution: yes}\n",
     NULL,
     {"d.yaml:3:15: error: 'block.step' must be a number, but 'nan' is not allowed; write a finite number",
      "d.yaml:3:33: error: 'block.weight_top' must be a number, but '1' is a text; leave out the quotes",
      "d.yaml:3:37: error: 'block.order' has no value; it must be an integer, or leave the key out",
      "d.yaml:3:53: error: 'block.window' must be an integer, not a list",
      "d.yaml:4:20: error: 'output.solution' must be true or false, not 'yes'"}},
    {FIT "discover: {threshold: 4}\n",
     "dynamics.library.polynomial=3",
     {"d.yaml:5:1: error: 'discover' does not belong to task 'fit', only to 'discover'; leave it out",
      "command line: 'dynamics.library.polynomial=3': error: 'dynamics.library' does not belong to task "
      "'fit', "
      "only to 'discover and train'; leave it out"}},
    {"task: ft\ndata: {file: a.h5, end: 3, first: 5}\n",
     NULL,
     {"d.yaml:1:7: error: 'task' is 'ft'; it must be discover, fit, simulate or train; did you mean 'fit'?",
      "d.yaml:2:25: error: 'data.end' is 3 and 'data.first' is 5: no sample is between them; end is the "
      "first "
      "sample that is not used"}},
    {"task: fit\ndata:\n  generate:\n    system: lornz\n    noise: -1\n",
     NULL,
     {"d.yaml: error: missing key 'dynamics.equations': Equations, each \"x' = a*x - b*x*y\" or \"x'' = "
      "...\"; for "
      "discover, the known part of them.",
      "d.yaml:3:3: error: missing key 'data.generate.samples' (2 or more): Samples of each trajectory.",
      "d.yaml:4:13: error: 'data.generate.system' is 'lornz', which no system is called; did you mean "
      "'lorenz'?",
      "d.yaml:5:12: error: 'data.generate.noise' is -1; it must be 0 or more of `noise_unit`"}},
    {FIT
     "  parameters: {a: {lower: 1}, b: {start: 3, upper: 2}, c: {fixed: 1, start: 1}, 2x: 1, d: {strt: 1}}\n",
     NULL,
     {"d.yaml:5:16: error: 'a' needs a start (or fixed, if it is known)",
      "d.yaml:5:31: error: the start of 'b' is outside its bounds",
      "d.yaml:5:56: error: 'c' is fixed; leave out start, lower and upper",
      "d.yaml:5:81: error: '2x' cannot be a name; names have letters, digits and _, and no digit first",
      "d.yaml:5:92: error: unknown key 'strt'; did you mean 'start'?"}},
    {"task: discover\ndata: {generate: {equations: {x: -x}, samples: 5, initial: {x: {uniform: [1]}, y: "
     "{normal: [0, "
     "-1]}, z: {gauss: 1}}}}\n",
     NULL,
     {"d.yaml:2:19: error: 'data.generate.equations' needs 'data.generate.step': only systems of the "
      "catalogue have "
      "one",
      "d.yaml:2:74: error: 'uniform' must be a list of two numbers: [from, to]",
      "d.yaml:2:92: error: the deviation of 'y' is negative; write [mean, deviation]",
      "d.yaml:2:105: error: 'z' must be a number, {uniform: [from, to]} or {normal: [mean, deviation]}"}},
    {DISCOVER "block: 3\nthreshold: 4\nblock.order: 2\n",
     "order",
     {"d.yaml:3:8: error: 'block' must be a section, with a 'key: value' on every line",
      "d.yaml:4:1: error: unknown key 'threshold'; did you mean 'discover.threshold'?",
      "d.yaml:5:1: error: unknown key 'block.order'; in a deck, write 'order' below its section, without "
      "dots",
      "command line: 'order': error: is not key=value"}},
    {DISCOVER,
     "blok.order=3",
     {"command line: 'blok.order=3': error: unknown key 'blok'; did you mean 'block'?"}},
    {DISCOVER,
     "block.order=",
     {"command line: 'block.order=': error: 'block.order' has no value; it must be an integer, "
      "or leave the key out"}},
    {DISCOVER, "a..b=1", {"command line: 'a..b=1': error: is not key=value with a key such as block.order"}},
    {DISCOVER "qqqqqqqq: 1\n",
     NULL,
     {"d.yaml:3:1: error: unknown key 'qqqqqqqq'; a deck has: task, title, networks, loss, data, "
      "dynamics, block, discover, fit, learn, output, simulate, inputs, train, forecast, checkpoint, petsc, "
      "run"}},
    {DISCOVER "petsc: {options: -help}\n",
     "data.integrator=petsc",
     {"command line: 'data.integrator=petsc': error: 'data.integrator' is petsc, but only generated data are "
      "integrated; leave it out"}},
    {DISCOVER "petsc: {options: -help}\n",
     NULL,
     {"d.yaml:3:9: error: 'petsc.options' is there, but nothing in this deck is left to PETSc; add "
      "'data.integrator: petsc', 'train.optimizer: tao' or 'learn.optimizer: tao', or leave it out"}},
    {"task: fit\n\tdata: 1\n",
     NULL,
     {"d.yaml:1:7: error: invalid multiline plain key; is ':' missing, or the line below indented too "
      "deeply?",
      "d.yaml:2:1: error: this line is indented with a tab; YAML wants blanks"}},
    {"task: [fit\n", NULL, {"d.yaml:2:1: error: flow sequence without a closing bracket, ']'"}},
    {"task: *fit\n",
     NULL,
     {"d.yaml:1:7: error: aliases (*name) are not part of decks; write the value out, or put it in quotes"}},
    {"task: fit\n---\ntask: fit\n",
     NULL,
     {"d.yaml:2:1: error: a second document begins; a deck is one YAML document"}},
    {"task: f\xff\n", NULL, {"d.yaml:1:8: error: byte 0xff is not UTF-8; save the deck in that encoding"}},
    {"\xc3\xa4: \x1b[31m\n", NULL, {"d.yaml:1:4: error: character U+001B cannot be part of a deck"}},
    {"? a:\t\t?  ", /* on which libfyaml 0.7.12 crashes */
     NULL,
     {"d.yaml:1:1: error: '? ' cannot be here; write 'key: value', and put a text that begins with '?' into "
      "quotes"}},
    {"- task: fit\n",
     NULL,
     {"d.yaml:1:1: error: a deck is made of 'key: value' lines, beginning with 'task: discover', 'task: "
      "fit', 'task: train' or 'task: simulate'"}},
    {TRAIN "inputs: {coefficients: {constant: [0, 1, 0]}, rhs: {network: a}}\nloss: [solution]\nnetworks:\n  "
           "a: [rleu, {dens: 3}, {dense: 0}, {convolution: 4, kernel: 4}, {kernel: 3}]\n",
     NULL,
     {"d.yaml:6:7: error: 'rleu' is unknown in a layer; did you mean 'relu'?",
      "d.yaml:6:14: error: 'dens' is unknown in a layer with a value; did you mean 'dense'?",
      "d.yaml:6:32: error: 'dense' is 0; it must be an integer, 1 to 1048576",
      "d.yaml:6:61: error: 'kernel' is 4; it must be odd, so that it has a middle",
      "d.yaml:6:66: error: 'kernel' is unknown in a layer with a value; there are dense, convolution, "
      "residual, scale, clip"}},
    {TRAIN "inputs: {coefficients: {constant: [0, 1, 0]}, rhs: {network: encodr}, states: {network: encoder, "
           "residual: maybe}}\nloss: [solution]\nnetworks: {encoder: [], b: {layer: [tanh]}, 2c: [mean]}\n",
     NULL,
     {"d.yaml:3:62: error: no network is called 'encodr'; did you mean 'encoder'?",
      "d.yaml:3:108: error: 'residual' must be true or false",
      "d.yaml:5:21: error: 'encoder' must be a list of layers: [{dense: 64}, tanh, {dense: output}]",
      "d.yaml:5:28: error: network 'b' has no 'layers'",
      "d.yaml:5:29: error: 'layer' is unknown in a network; did you mean 'layers'?",
      "d.yaml:5:45: error: '2c' cannot be a name; names have letters, digits and _, and no digit first"}},
    {TRAIN "inputs: {coefficients: {constant: [0, 1], parameter: [1]}, rhs: {network: a}, states: {network: "
           "a}, weights: {parameter: 3}, initial_values: data}\nloss: {of: solution}\nnetworks: {a: [{clip: "
           "[1, -1]}, {scale: 3}, {residual: tanh}], b: [tanh]}\n",
     NULL,
     {"d.yaml:3:43: error: 'inputs.coefficients' comes from both 'constant' and 'parameter'; leave one out",
      "d.yaml:3:75: error: network 'a' is that of 'inputs.states' already; give 'inputs.rhs' one of its own",
      "d.yaml:3:122: error: weights begin at 0: write {parameter: shared}",
      "d.yaml:4:7: error: 'loss' must be a list of 1 to 8: [{of: solution}, {of: states}]",
      "d.yaml:5:23: error: 'clip' ends before it begins; write [lower, upper]",
      "d.yaml:5:41: error: 'scale' must be two numbers: [factor, offset]",
      "d.yaml:5:56: error: 'residual' must be a list of layers: [{dense: 64}, tanh, {dense: output}]"}},
    {TRAIN "inputs: {coefficients: {network: a, range: [2, 1]}, rhs: {constant: 1, range: [0, 1]}, steps: "
           "parameter, weights: {parameter: shared, residual: true}, initial_values: {states: 3}}\nloss: "
           "[solutoin, {measure: square}, {of: weights, measure: square}, {of: solution, steps: [5, 2]}, "
           "{of: states, steps: [0, 2.5], weight: -1}]\nnetworks: {a: [{dense: output, with: 3}]}\n",
     NULL,
     {"d.yaml:3:44: error: 'range' ends before it begins; write [from, to]",
      "d.yaml:3:72: error: 'range' is for what comes from a network, and for coefficients that are a "
      "parameter",
      "d.yaml:3:95: error: 'inputs.steps' needs to be told which: {parameter: ...}",
      "d.yaml:3:135: error: 'residual' is for states only",
      "d.yaml:3:177: error: 'states' takes no value here; write 'initial_values: states'",
      "d.yaml:4:8: error: 'solutoin' is unknown in a loss; did you mean 'solution'?",
      "d.yaml:4:18: error: a loss has to say of what: {of: solution}",
      "d.yaml:4:60: error: l1 and l2 are for weights, and only for them",
      "d.yaml:4:91: error: 'steps' ends before it begins; write [from, to]",
      "d.yaml:4:120: error: 'steps' must be two integers, counted from 0: [first, end]; end is the first one "
      "that does not count",
      "d.yaml:4:138: error: 'weight' is -1; it must be more than 0",
      "d.yaml:5:32: error: 'with' is unknown in a layer; there are dense"}},
    {TRAIN "inputs: {coefficients: {}, rhs: laibrary, steps: {constant: [x]}, initial_steps: 0, states: "
           "{network: }}\nloss: []\nnetworks: [a]\n",
     NULL,
     {"d.yaml:3:24: error: 'inputs.coefficients' must come from one of: constant, parameter, network",
      "d.yaml:3:33: error: 'laibrary' is unknown in inputs.rhs; did you mean 'library'?",
      "d.yaml:3:62: error: 'this' must be a number, but 'x' is not a number",
      "d.yaml:3:82: error: 'inputs.initial_steps' is 0; it must be an integer, 1 or more steps",
      "d.yaml:3:94: error: no network is called ''; give it in 'networks'",
      "d.yaml:4:7: error: 'loss' must be a list of 1 to 8: [{of: solution}, {of: states}]",
      "d.yaml:5:11: error: 'networks' must be a mapping of names"}},
    {TRAIN "inputs: {coefficients: constant, rhs: network, states: [1]}\nloss: [{of: weights, steps: [0, "
           "1]}, {of: solution, measur: l1}]\nnetworks: "
           "{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: [tanh]}\n",
     NULL,
     {"d.yaml:3:24: error: 'inputs.coefficients' needs to be told which: {constant: ...}",
      "d.yaml:3:39: error: 'inputs.rhs' needs to be told which: {network: ...}",
      "d.yaml:3:56: error: inputs.states must be a word, such as 'data'",
      "d.yaml:4:22: error: 'steps' are of windows, and weights have none",
      "d.yaml:4:53: error: 'measur' is unknown in a loss; did you mean 'measure'?",
      "d.yaml:5:12: error: the name of a network may have 60 characters"}},
    {TRAIN
     "inputs: {coefficients: {parameter: shared}, states: {network: a, residual: true, range: [0, 1], solve: "
     "true}}\nloss: [solution]\nnetworks: {a: [{convolution: 3, stride: 0, dilation: x, padding: mirror}]}\n",
     NULL,
     {"d.yaml:3:36: error: 'shared' is for weights; give numbers to begin with",
      "d.yaml:3:82: error: a range is one of all of the states; leave 'residual' out",
      "d.yaml:3:97: error: 'solve' is for weights that are a parameter",
      "d.yaml:5:41: error: 'stride' is 0; it must be an integer, 1 to 4095",
      "d.yaml:5:54: error: 'dilation' must be an integer, 1 to 4095",
      "d.yaml:5:66: error: 'mirror' is unknown in padding; there are zero, circular"}},
    {TRAIN
     "inputs: {coefficients: {network: a, range: [[1, 0], 1, x]}, steps: {network: b, range: [[0, 1]]}, "
     "initial_values: {network: c, steady: true}}\nloss: [solution]\nnetworks: {a: {axis: tim, layers: "
     "[tanh]}, b: [tanh], c: [tanh]}\n",
     NULL,
     {"d.yaml:3:45: error: 'this' ends before it begins; write [from, to]",
      "d.yaml:3:56: error: 'this' must be a number, but 'x' is not a number",
      "d.yaml:3:88: error: 'inputs.steps' has one range: [from, to]",
      "d.yaml:3:128: error: 'steady' is for coefficients from a network",
      "d.yaml:5:22: error: 'tim' is unknown in an axis; did you mean 'time'?"}},
    {TRAIN "discover: {threshold: 1}\n",
     NULL,
     {"d.yaml: error: missing key 'loss': What is minimised, the sum of: {of: solution or states, measure: "
      "square, absolute or relative, weight: 1, steps: [first, end]}, compared with the data (with "
      "'against: states', a solution with the state estimate), and {of: weights, measure: l1 or l2, weight: "
      "1}.",
      "d.yaml: error: missing key 'inputs.coefficients' (constant, parameter or network): Coefficients of u, "
      "u', u'', ... in each state's equation: {constant: [0, 1, 0]}, {parameter: [0, 1, 0]} to begin with, "
      "or {network: name}, which may vary in time unless steady: true. range: [from, to] for all of them, or "
      "for each its own or a number: [[0.5, 2], [-1, 1], 1].",
      "d.yaml:3:1: error: 'discover' does not belong to task 'train', only to 'discover'; leave it out"}},
    {"task: fit\r\ndata: {}\r\n",
     NULL,
     {"d.yaml: error: missing key 'dynamics.equations': Equations, each \"x' = a*x - b*x*y\" or \"x'' = "
      "...\"; for discover, the known part of them.",
      "d.yaml:2:1: error: 'data' needs either 'file' or 'generate'"}},
};

static neurlp_context *context;

static char *report_of(const char *text, const char *override) {
  neurlp_deck *deck = NULL;
  char *report = NULL;
  const char *overrides[1] = {override};
  const neurlp_status status =
      neurlp_deck_parse(context, "d.yaml", text, override ? 1 : 0, overrides, &deck, &report);
  if (status != NEURLP_ERROR_DECK) printf("status %s\n", neurlp_status_name(status));
  neurlp_deck_destroy(&deck);
  return report;
}

static void check_case(const deck_case *c) {
  char *report = report_of(c->text, c->override);
  check_true("there is a report", report != NULL);
  if (!report) return;
  printf("%s\n", report);
  int32_t found = 0;
  for (char *line = strtok(report, "\n"); line; line = strtok(NULL, "\n")) {
    if (!strstr(line, ": error: ")) continue;
    check_true(line, found < MOST_ERRORS && c->errors[found] && strcmp(line, c->errors[found]) == 0);
    found++;
  }
  int32_t expected = 0;
  while (expected < MOST_ERRORS && c->errors[expected]) expected++;
  check_equal("errors", found, expected);
  neurlp_release(context, &report);
}

/* The look of a report, to the last blank. */
static void check_look(void) {
  char *report = report_of("task: fit\ndata: {file: \xc3\xa4, fil: 3}\n", "dynamics.equations=x' = 1");
  check_true("source line, caret below the character, and the number of errors",
             report && strcmp(report, "d.yaml:2:17: error: unknown key 'fil'; did you mean 'file'?\n"
                                      "    2 | data: {file: \xc3\xa4, fil: 3}\n"
                                      "      |                 ^\n"
                                      "1 error in d.yaml\n") == 0);
  neurlp_release(context, &report);
}

/* `count` repetitions of a piece between a head and a tail. */
static char *repeated(const char *head, const char *piece, size_t count, const char *tail) {
  const size_t length = strlen(piece);
  char *text = malloc(strlen(head) + count * length + strlen(tail) + 1);
  if (!text) return NULL;
  strcpy(text, head);
  char *end = text + strlen(head);
  for (size_t i = 0; i < count; i++) memcpy(end + i * length, piece, length);
  strcpy(end + count * length, tail);
  return text;
}

static void check_limit(const char *what, char *text, const char *message) {
  char *report = text ? report_of(text, NULL) : NULL;
  check_true(what, report && strstr(report, message));
  check_below("length of the report", report ? (double)strlen(report) : 0.0, 50.0 * 1200.0);
  neurlp_release(context, &report);
  free(text);
}

static void check_limits(void) {
  check_limit("nested too deeply", repeated("task: ", "[", 40, ""), "nested deeper than 32 levels");
  check_limit("too long", repeated("# ", "x", 1 << 20, "\n"), "a deck may have 1048576");
  check_limit("very many duplicates", repeated("", "a:\n", 300000, ""),
              "600001 errors in d.yaml; the first 50");
  check_limit("one long line", repeated("task: ", "y", 1000000, "\n"), "'task' is 'yyyy");
  check_limit("a long key", repeated("", "k", 1000, ": 1\n"), "unknown key 'kkkk");
}

int main(void) {
  check_equal("context", neurlp_context_create(1, &context), NEURLP_SUCCESS);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) check_case(&cases[i]);
  check_look();
  check_limits();
  check_equal("no memory is kept", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
