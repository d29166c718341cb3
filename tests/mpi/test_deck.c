/* Values of good decks: defaults, every kind of key, overrides, the resolved deck; and the table itself. */
#include "deck/deck.h"
#include "deck/deck_check.h"
#include "deck/deck_keys.h"
#include "deck/deck_number.h"
#include "support/check.h"

#include <string.h>

static neurlp_context *context;

static bool equal(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}

static neurlp_deck *parse(const char *text, int32_t count, const char *const *overrides) {
  neurlp_deck *deck = NULL;
  char *report = NULL;
  const neurlp_status status =
      neurlp_deck_parse(context, "some/folder/my.yaml", text, count, overrides, &deck, &report);
  if (report) printf("%s", report);
  check_equal("the deck is good", status, NEURLP_SUCCESS);
  neurlp_release(context, &report);
  return deck;
}

static const char fit_deck[] = "task: fit\n"
                               "title: \"line\\none: \\\"two\\\" \\\\ \xc3\xa4 \\u2028\"\n"
                               "data:\n"
                               "  file: a b.csv\n"
                               "  states: hare\n"
                               "  end: 1e2\n"
                               "dynamics:\n"
                               "  equations: [x' = a*x - b*x*y, \"y' = -c*y + d*x*y\"]\n"
                               "  parameters:\n"
                               "    a: 0.1\n"
                               "    b: {start: 1, lower: 0, upper: 2.5}\n"
                               "    c: {fixed: 9.81}\n"
                               "    d: {start: 1e-300, lower: -1}\n"
                               "  definitions: {r: \"sqrt(x^2)\", two: 2}\n"
                               "output: {solution: false}\n";

static void check_fit_values(const neurlp_deck *deck) {
  double value = 0.0;
  check_true("task", equal(neurlp_deck_text(deck, "task"), "fit"));
  check_true("escapes",
             equal(neurlp_deck_text(deck, "title"), "line\none: \"two\" \\ \xc3\xa4 \xe2\x80\xa8"));
  check_true("plain text with a blank", equal(neurlp_deck_text(deck, "data.file"), "a b.csv"));
  check_true("no default", !neurlp_deck_text(deck, "data.time"));
  check_equal("a single value is a list of one", neurlp_deck_list_count(deck, "data.states"), 1);
  check_true("its text", equal(neurlp_deck_list_text(deck, "data.states", 0), "hare"));
  check_equal("integer as 1e2", neurlp_deck_integer(deck, "data.end"), 100);
  check_equal("default integer", neurlp_deck_integer(deck, "data.stride"), 1);
  check_true("default number", neurlp_deck_number(deck, "block.weight_top") == 1e-3);
  check_true("default choice", equal(neurlp_deck_text(deck, "run.reductions"), "reproducible"));
  check_true("flag", !neurlp_deck_flag(deck, "output.solution"));
  check_equal("equations", neurlp_deck_list_count(deck, "dynamics.equations"), 2);
  check_true("plain equation",
             equal(neurlp_deck_list_text(deck, "dynamics.equations", 0), "x' = a*x - b*x*y"));
  check_true("quoted", equal(neurlp_deck_list_text(deck, "dynamics.equations", 1), "y' = -c*y + d*x*y"));
  check_equal("parameters", neurlp_deck_map_count(deck, "dynamics.parameters"), 4);
  check_true("order of the deck", equal(neurlp_deck_map_key(deck, "dynamics.parameters", 2), "c"));
  check_true("number", neurlp_deck_map_number(deck, "dynamics.parameters", 0, &value) && value == 0.1);
  check_true("a number is a start",
             neurlp_deck_map_member(deck, "dynamics.parameters", 0, "start", &value) && value == 0.1);
  check_true("upper",
             neurlp_deck_map_member(deck, "dynamics.parameters", 1, "upper", &value) && value == 2.5);
  check_true("mapping is no number", !neurlp_deck_map_number(deck, "dynamics.parameters", 1, &value));
  check_true("fixed",
             neurlp_deck_map_member(deck, "dynamics.parameters", 2, "fixed", &value) && value == 9.81);
  check_true("no start", !neurlp_deck_map_member(deck, "dynamics.parameters", 2, "start", &value));
  check_true("small",
             neurlp_deck_map_member(deck, "dynamics.parameters", 3, "start", &value) && value == 1e-300);
  check_true("no upper", !neurlp_deck_map_member(deck, "dynamics.parameters", 3, "upper", &value));
  check_true("definition", equal(neurlp_deck_map_text(deck, "dynamics.definitions", 0), "sqrt(x^2)"));
  check_true("number as text", equal(neurlp_deck_map_text(deck, "dynamics.definitions", 1), "2"));
}

static void test_fit(void) {
  neurlp_deck *deck = parse(fit_deck, 0, NULL);
  if (!deck) return;
  check_fit_values(deck);
  check_true("given", neurlp_deck_given(deck, "data.end") && neurlp_deck_given(deck, "dynamics"));
  check_true("not given", !neurlp_deck_given(deck, "data.stride") && !neurlp_deck_given(deck, "block"));
  check_true("output named after the deck", equal(neurlp_deck_text(deck, "output.file"), "my.h5"));
  check_equal("line of a key", neurlp_deck_line(deck, "data.end"), 6);
  check_equal("line of a name", neurlp_deck_line(deck, "dynamics.parameters.c"), 12);
  check_equal("no line", neurlp_deck_line(deck, "data.stride"), 0);
  neurlp_deck *again = parse(neurlp_deck_resolved(deck), 0, NULL);
  if (again) {
    check_fit_values(again);
    check_true("resolved once more", equal(neurlp_deck_resolved(deck), neurlp_deck_resolved(again)));
  }
  neurlp_deck_destroy(&again);
  neurlp_deck_destroy(&deck);
  neurlp_deck_destroy(&deck);
}

static void check_generate_values(const neurlp_deck *deck) {
  char kind = '?';
  double a = 0.0;
  double b = 0.0;
  check_equal("names", neurlp_deck_map_count(deck, "data.generate.initial"), 3);
  neurlp_deck_map_distribution(deck, "data.generate.initial", 0, &kind, &a, &b);
  check_true("uniform", kind == 'u' && a == -1.0 && b == 1.0);
  neurlp_deck_map_distribution(deck, "data.generate.initial", 1, &kind, &a, &b);
  check_true("normal", kind == 'n' && a == 0.0 && b == 0.5);
  neurlp_deck_map_distribution(deck, "data.generate.initial", 2, &kind, &a, &b);
  check_true("constant", kind == 'c' && a == 3.0 && b == 0.0);
  check_true("prime in a name", equal(neurlp_deck_map_key(deck, "data.generate.initial", 2), "x'"));
  check_equal("overridden", neurlp_deck_integer(deck, "block.order"), 3);
  check_true("overridden list", neurlp_deck_list_count(deck, "dynamics.library.terms") == 2 &&
                                    equal(neurlp_deck_list_text(deck, "dynamics.library.terms", 1), "x*y"));
  check_true("overridden text stands as it is", equal(neurlp_deck_text(deck, "title"), "a: [b #c"));
  check_equal("special value", neurlp_deck_integer(deck, "block.window"), 0);
}

static void test_generate_and_overrides(void) {
  static const char text[] = "task: discover\n"
                             "data:\n"
                             "  generate:\n"
                             "    system: lorenz\n"
                             "    samples: 50\n"
                             "    initial:\n"
                             "      x: {uniform: [-1, 1]}\n"
                             "      v: {normal: [0, .5]}\n"
                             "block:\n"
                             "  order: 1 # one\n"
                             "learn:\n";
  static const char *const overrides[] = {"block.order=2",  "block={window: 0}",
                                          "block.order=3",  "dynamics.library.terms=[sin(x), x*y]",
                                          "title=a: [b #c", "data.generate.initial.x'=3"};
  neurlp_deck *deck = parse(text, sizeof overrides / sizeof overrides[0], overrides);
  if (!deck) return;
  check_generate_values(deck);
  check_equal("an override has no line", neurlp_deck_line(deck, "block.order"), 0);
  neurlp_deck *again = parse(neurlp_deck_resolved(deck), 0, NULL);
  if (again) check_generate_values(again);
  neurlp_deck_destroy(&again);
  neurlp_deck_destroy(&deck);
}

/* An error found later points into the deck: here at the second '*' of an equation, in quotes. */
static void test_late_error(void) {
  neurlp_deck *deck = parse(fit_deck, 0, NULL);
  if (!deck) return;
  const neurlp_status status =
      neurlp_deck_fail(context, deck, "dynamics.equations", 1, 13, "no %s here", "star");
  check_equal("status", status, NEURLP_ERROR_DECK);
  static const char expected[] = "some/folder/my.yaml:8:47: error: no star here\n"
                                 "    8 |   equations: [x' = a*x - b*x*y, \"y' = -c*y + d*x*y\"]\n"
                                 "      |                                               ^";
  printf("%s\n", neurlp_context_message(context));
  check_true("place", equal(neurlp_context_message(context), expected));
  check_equal("default", neurlp_deck_fail(context, deck, "block.order", -1, 0, "bad"), NEURLP_ERROR_DECK);
  check_true("no place",
             equal(neurlp_context_message(context), "some/folder/my.yaml: error: block.order: bad"));
  neurlp_deck_destroy(&deck);
}

static void test_numbers(void) {
  static const char *const good[] = {
      "1", "-2.5", "+3", ".5", "5.", "1e3", "1E-3", "1.7976931348623157e308", "4.9e-324", "-0", "0e999"};
  static const char *const bad[] = {"",      "64x",    "1e",  "e3",  ".",        "1.2.3", "0x10",
                                    "1_000", " 1",     "1 ",  "nan", ".nan",     "inf",   "-.inf",
                                    "1e999", "1e-999", "--1", "1e+", "infinity", "1,5"};
  static const double values[] = {1, -2.5, 3, .5, 5, 1e3, 1e-3, 1.7976931348623157e308, 4.9e-324, 0, 0};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    double value = -77.0;
    check_true(good[i], !neurlp_deck_read_number(good[i], &value) && value == values[i]);
    char text[NEURLP_DECK_NUMBER_BYTES];
    double again = -77.0;
    neurlp_deck_print_number(value, text);
    check_true("printed and read", !neurlp_deck_read_number(text, &again) && again == value);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    double value = -77.0;
    check_true(bad[i], neurlp_deck_read_number(bad[i], &value) != NULL && value == -77.0);
  }
  int64_t integer = 0;
  check_true("1e3", !neurlp_deck_read_integer("1e3", &integer) && integer == 1000);
  check_true("32.5", neurlp_deck_read_integer("32.5", &integer) != NULL);
  check_true("2^53",
             !neurlp_deck_read_integer("9007199254740992", &integer) && integer == INT64_C(9007199254740992));
  check_true("beyond", neurlp_deck_read_integer("9007199254740994", &integer) != NULL);
}

/* Every row names a section that is there, is unlike every other, and has a default that its own rules allow.
 */
static void test_table(void) {
  int32_t bad = 0;
  neurlp_deck_arena arena = {.context = context};
  neurlp_deck_report report = {.source = {"table", "", 0, NULL}, .arena = &arena};
  for (int32_t i = 0; i < neurlp_deck_key_count; i++) {
    const neurlp_deck_key *key = &neurlp_deck_keys[i];
    char section[128] = "";
    snprintf(section, sizeof section, "%.*s", (int)neurlp_deck_path_parent(key->path), key->path);
    bad += *section && neurlp_deck_section_find(section) < 0;
    bad += neurlp_deck_key_find(key->path) != i;
    bad += !key->sentence || key->sentence[strlen(key->sentence) - 1] != '.';
    bad += (key->preset != NULL) + (key->preset_words != NULL) + (key->required != 0) > 1;
    bad += (key->kind == NEURLP_KEY_CHOICE || key->kind == NEURLP_KEY_SOURCE) != (key->choices[0] != NULL);
    neurlp_deck_value value = {.given = false};
    if (key->preset)
      neurlp_deck_value_read(&report, key, neurlp_deck_node_scalar(&arena, key->preset, false), &value);
    bad += key->preset && !value.present;
  }
  for (int32_t i = 0; i < neurlp_deck_need_count; i++)
    bad += neurlp_deck_key_find(neurlp_deck_needs[i].needs) < 0;
  neurlp_deck_arena_release(&arena);
  check_equal("rows of the table that break its rules", bad, 0);
  check_equal("defaults out of range", report.count, 0);
  check_above("keys", neurlp_deck_key_count, 45);
}

int main(void) {
  check_equal("context", neurlp_context_create(1, &context), NEURLP_SUCCESS);
  test_numbers();
  test_table();
  test_fit();
  test_generate_and_overrides();
  test_late_error();
  check_equal("no memory is kept", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  return check_verdict();
}
