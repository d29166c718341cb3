/* Trees to straight-line code.
 *
 *   lower     all trees into one pool: what they share is one node; small powers become products
 *   schedule  each output's nodes in depth-first order, at each node first the operand that needs more slots
 *             (Ershov's number), so that few values wait; a store behind each output
 *   allocate  slots by liveness: a slot is free again after its value's last use
 */
#include "expr/program.h"
#include "expr/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Powers up to this one are products (at most ten multiplications); beyond it pow is more accurate. */
static const double largest_product_power = 32.0;

static const double euler = 2.71828182845904523536;

/* ---- lower ------------------------------------------------------------------------------------------- */

static int32_t lower_integer_power(neurlp_pool *pool, int32_t base, int32_t n) {
  if (n == 1) return base;
  const int32_t rest = lower_integer_power(pool, base, n % 2 == 0 ? n / 2 : n - 1);
  return neurlp_pool_make(pool, NEURLP_OP_MULTIPLY, rest, n % 2 == 0 ? rest : base);
}

/* base^n for whole and half n: products, a square root, a reciprocal. */
static int32_t lower_power(neurlp_pool *pool, int32_t base, double n) {
  const double size = fabs(n), whole = floor(size);
  int32_t made = -1;
  if (n == 0.0) return neurlp_pool_number(pool, 1.0);
  if (whole >= 1.0) made = lower_integer_power(pool, base, (int32_t)whole);
  if (size > whole) {
    const int32_t root = neurlp_pool_make(pool, NEURLP_OP_SQRT, base, -1);
    made = made < 0 ? root : neurlp_pool_make(pool, NEURLP_OP_MULTIPLY, made, root);
  }
  return n > 0.0 ? made : neurlp_pool_make(pool, NEURLP_OP_DIVIDE, neurlp_pool_number(pool, 1.0), made);
}

static bool is_small_power(double n) {
  return fabs(n) <= largest_product_power && 2.0 * n == floor(2.0 * n);
}

/* One operation on lowered operands. Every rewriting keeps the value, bit for bit, but for powers. */
static int32_t lower_operation(neurlp_pool *pool, neurlp_op op, int32_t a, int32_t b) {
  if (pool->status < 0) return 0;
  const neurlp_node first = pool->nodes[a], second = b < 0 ? first : pool->nodes[b];
  if (op == NEURLP_OP_POWER && second.constant && is_small_power(second.value))
    return lower_power(pool, a, second.value);
  if (op == NEURLP_OP_POWER && first.constant && first.value == euler)
    return neurlp_pool_make(pool, NEURLP_OP_EXP, b, -1);
  if (op == NEURLP_OP_SUBTRACT && second.constant)
    return neurlp_pool_make(pool, NEURLP_OP_ADD, a, neurlp_pool_number(pool, -second.value));
  const bool commutes = op == NEURLP_OP_ADD || op == NEURLP_OP_MULTIPLY;
  if (commutes && (first.constant || (!second.constant && a > b))) return neurlp_pool_make(pool, op, b, a);
  return neurlp_pool_make(pool, op, a, b);
}

/* A node in which no symbol is left (x^0 + 1) is a number, as every instruction expects. */
static int32_t as_number(neurlp_pool *pool, int32_t i) {
  return pool->nodes[i].constant ? neurlp_pool_number(pool, pool->nodes[i].value) : i;
}

/* Lowers one tree; map [expr->count] is scratch. Returns its root. */
static int32_t lower(neurlp_pool *pool, const neurlp_expr *expr, int32_t *map) {
  for (int32_t i = 0; i < expr->count; i++) {
    const neurlp_node *node = &expr->nodes[i];
    if (node->constant)
      map[i] = neurlp_pool_number(pool, node->value);
    else if (node->op == NEURLP_OP_SYMBOL)
      map[i] = neurlp_pool_symbol(pool, node->a);
    else
      map[i] = as_number(
          pool, lower_operation(pool, (neurlp_op)node->op, map[node->a], node->b < 0 ? -1 : map[node->b]));
  }
  return map[expr->count - 1];
}

/* ---- schedule ---------------------------------------------------------------------------------------- */

typedef struct schedule {
  const neurlp_pool *pool;
  int32_t *need;  /* [pool->count] slots that the evaluation of a node takes, sharing left aside */
  int32_t *stack; /* [2 pool->count + 1] */
  bool *done;     /* [pool->count] */
  int32_t count;
  neurlp_instruction *code; /* to, a, b are nodes; -1: none */
} schedule;

static bool is_number(const neurlp_pool *pool, int32_t i) {
  return i >= 0 && pool->nodes[i].op == NEURLP_OP_NUMBER;
}

/* Operands that are values in slots. A number is part of the instruction, except in a general power. */
static int32_t slot_operands(const neurlp_pool *pool, const neurlp_node *node, int32_t operands[2]) {
  int32_t count = 0;
  const bool numbers_too = node->op == NEURLP_OP_POWER;
  if (node->op == NEURLP_OP_NUMBER || node->op == NEURLP_OP_SYMBOL) return 0;
  if (numbers_too || !is_number(pool, node->a)) operands[count++] = node->a;
  if (node->b >= 0 && (numbers_too || !is_number(pool, node->b))) operands[count++] = node->b;
  return count;
}

static void find_needs(schedule *s) {
  for (int32_t i = 0; i < s->pool->count; i++) {
    int32_t operands[2];
    const int32_t count = slot_operands(s->pool, &s->pool->nodes[i], operands);
    s->need[i] = count == 0 ? 1 : s->need[operands[0]];
    if (count == 2) {
      const int32_t other = s->need[operands[1]];
      s->need[i] = other == s->need[i] ? other + 1 : other > s->need[i] ? other : s->need[i];
    }
  }
}

/* Code of an operation with both operands in slots, or with a number as its first or second. */
static neurlp_code code_of(neurlp_op op, bool first_number, bool second_number) {
  switch (op) {
  case NEURLP_OP_NUMBER:
    return NEURLP_CODE_CONSTANT;
  case NEURLP_OP_SYMBOL:
  case NEURLP_OP_COUNT:
    return NEURLP_CODE_LOAD;
  case NEURLP_OP_NEGATE:
    return NEURLP_CODE_NEGATE;
  case NEURLP_OP_ADD:
    return first_number || second_number ? NEURLP_CODE_ADD_NUMBER : NEURLP_CODE_ADD;
  case NEURLP_OP_SUBTRACT:
    return first_number ? NEURLP_CODE_SUBTRACT_FROM : NEURLP_CODE_SUBTRACT;
  case NEURLP_OP_MULTIPLY:
    return first_number || second_number ? NEURLP_CODE_MULTIPLY_NUMBER : NEURLP_CODE_MULTIPLY;
  case NEURLP_OP_DIVIDE:
    return first_number    ? NEURLP_CODE_DIVIDE_NUMBER
           : second_number ? NEURLP_CODE_DIVIDE_BY
                           : NEURLP_CODE_DIVIDE;
  case NEURLP_OP_POWER:
    return NEURLP_CODE_POWER;
#define NEURLP_FUNCTION_CODE_OF(name, text, function)                                                        \
  case NEURLP_OP_##name:                                                                                     \
    return NEURLP_CODE_##name;
    NEURLP_FUNCTION_LIST(NEURLP_FUNCTION_CODE_OF)
#undef NEURLP_FUNCTION_CODE_OF
  }
  return NEURLP_CODE_LOAD;
}

static void emit(schedule *s, int32_t i) {
  const neurlp_node *node = &s->pool->nodes[i];
  int32_t operands[2] = {-1, -1};
  const bool leaf = node->op == NEURLP_OP_NUMBER || node->op == NEURLP_OP_SYMBOL;
  const bool first = !leaf && is_number(s->pool, node->a), second = !leaf && is_number(s->pool, node->b);
  slot_operands(s->pool, node, operands);
  neurlp_instruction *made = &s->code[s->count++];
  *made = (neurlp_instruction){.code = (int32_t)code_of((neurlp_op)node->op, first, second),
                               .to = i,
                               .a = operands[0],
                               .b = operands[1]};
  if (node->op == NEURLP_OP_SYMBOL) made->index = node->a;
  if (node->op == NEURLP_OP_NUMBER) made->number = node->value;
  if (first) made->number = s->pool->nodes[node->a].value;
  if (second) made->number = s->pool->nodes[node->b].value;
}

/* Emits what is still missing of the nodes below root, root last. A node is pushed at most once by each
 * operand link to it. */
static void emit_below(schedule *s, int32_t root) {
  int32_t height = 0;
  s->stack[height++] = root;
  while (height > 0) {
    const int32_t i = s->stack[height - 1];
    int32_t operands[2];
    const int32_t count = s->done[i] ? 0 : slot_operands(s->pool, &s->pool->nodes[i], operands);
    /* the operand that needs more slots is pushed last, and so evaluated first */
    const bool swap = count == 2 && s->need[operands[0]] >= s->need[operands[1]];
    int32_t missing = 0;
    for (int32_t k = 0; k < count; k++) {
      const int32_t operand = operands[swap ? count - 1 - k : k];
      if (s->done[operand]) continue;
      s->stack[height++] = operand;
      missing++;
    }
    if (missing > 0) continue;
    height--;
    if (!s->done[i]) emit(s, i);
    s->done[i] = true;
  }
}

/* ---- allocate ---------------------------------------------------------------------------------------- */

/* Turns nodes into slots in place. last, slot_of, free_slots [nodes] are scratch. Returns the slots used. */
static int32_t allocate_slots(neurlp_instruction *code, int32_t count, int32_t *last, int32_t *slot_of,
                              int32_t *free_slots) {
  int32_t slots = 0, free_count = 0;
  for (int32_t at = 0; at < count; at++) {
    if (code[at].a >= 0) last[code[at].a] = at;
    if (code[at].b >= 0) last[code[at].b] = at;
  }
  for (int32_t at = 0; at < count; at++) {
    neurlp_instruction *ins = &code[at];
    const int32_t a = ins->a, b = ins->b;
    ins->a = a < 0 ? 0 : slot_of[a];
    ins->b = b < 0 ? 0 : slot_of[b];
    if (a >= 0 && last[a] == at) free_slots[free_count++] = slot_of[a];
    if (b >= 0 && b != a && last[b] == at) free_slots[free_count++] = slot_of[b];
    if (ins->to < 0) {
      ins->to = 0;
      continue;
    }
    const int32_t slot = free_count > 0 ? free_slots[--free_count] : slots++;
    slot_of[ins->to] = slot;
    ins->to = slot;
  }
  return slots;
}

/* ---- instruction sets -------------------------------------------------------------------------------- */

/* The best instruction set that this processor has, or the one that NEURLP_ISA names. */
static neurlp_status choose_runner(neurlp_context *context, neurlp_program_runner **runner) {
  const char *wanted = getenv("NEURLP_ISA");
  const struct {
    const char *name;
    neurlp_program_runner *run;
    bool here;
  } known[] = {
#ifdef NEURLP_HAVE_X86_ISAS
      {"avx512", neurlp_program_block_avx512,
       __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")},
      {"avx2", neurlp_program_block_avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
#endif
      {"baseline", neurlp_program_block_baseline, true}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (wanted && *wanted ? strcmp(wanted, known[i].name) != 0 : !known[i].here) continue;
    if (!known[i].here)
      return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                         "NEURLP_ISA is '%s', which this processor does not have; unset it", wanted);
    *runner = known[i].run;
    return NEURLP_SUCCESS;
  }
  return neurlp_fail(context, NEURLP_ERROR_ARGUMENT,
                     "NEURLP_ISA is '%s'; it may be baseline, avx2 or avx512 where there is one, or unset",
                     wanted);
}

/* ---- the program ------------------------------------------------------------------------------------- */

static neurlp_status lower_all(neurlp_pool *pool, int32_t count, const neurlp_expr *const *exprs,
                               int32_t *roots) {
  neurlp_status status = NEURLP_SUCCESS;
  int32_t longest = 1, *map = NULL;
  for (int32_t i = 0; i < count; i++)
    if (exprs[i]->count > longest) longest = exprs[i]->count;
  NEURLP_TRY(neurlp_allocate(pool->context, longest, sizeof *map, &map));
  for (int32_t i = 0; i < count; i++) roots[i] = lower(pool, exprs[i], map);
  status = pool->status;
done:
  neurlp_release(pool->context, &map);
  return status;
}

static neurlp_status schedule_all(schedule *s, int32_t count, const int32_t *roots, neurlp_context *context) {
  neurlp_status status = NEURLP_SUCCESS;
  const int64_t nodes = s->pool->count;
  NEURLP_TRY(neurlp_allocate(context, nodes, sizeof *s->need, &s->need));
  NEURLP_TRY(neurlp_allocate(context, 2 * nodes + 1, sizeof *s->stack, &s->stack));
  NEURLP_TRY(neurlp_allocate(context, nodes, sizeof *s->done, &s->done));
  NEURLP_TRY(neurlp_allocate(context, nodes + count, sizeof *s->code, &s->code));
  find_needs(s);
  for (int32_t i = 0; i < count; i++) {
    emit_below(s, roots[i]);
    s->code[s->count++] =
        (neurlp_instruction){.code = NEURLP_CODE_STORE, .to = -1, .a = roots[i], .b = -1, .index = i};
  }
done:
  return status;
}

neurlp_status neurlp_program_create(neurlp_context *context, int32_t count, const neurlp_expr *const *exprs,
                                    neurlp_program **program) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_pool pool = {0};
  schedule s = {.pool = &pool};
  neurlp_program *made = NULL;
  int32_t *roots = NULL, *slot_of = NULL;
  neurlp_program_runner *run = NULL;
  *program = NULL;
  NEURLP_TRY(choose_runner(context, &run));
  NEURLP_TRY(neurlp_pool_start(context, &pool));
  NEURLP_TRY(neurlp_allocate(context, count, sizeof *roots, &roots));
  NEURLP_TRY(lower_all(&pool, count, exprs, roots));
  NEURLP_TRY(schedule_all(&s, count, roots, context));
  NEURLP_TRY(neurlp_allocate(context, pool.count, sizeof *slot_of, &slot_of));
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made + (size_t)s.count * sizeof *s.code, &made));
  made->context = context;
  made->run = run;
  made->count = s.count;
  made->slots = allocate_slots(s.code, s.count, s.need, slot_of, s.stack);
  memcpy(made->instructions, s.code, (size_t)s.count * sizeof *s.code);
  *program = made;
done:
  neurlp_release(context, &s.need);
  neurlp_release(context, &s.stack);
  neurlp_release(context, &s.done);
  neurlp_release(context, &s.code);
  neurlp_release(context, &roots);
  neurlp_release(context, &slot_of);
  neurlp_pool_release(&pool);
  return status;
}

void neurlp_program_destroy(neurlp_program **program) {
  if (!program || !*program) return;
  neurlp_release((*program)->context, program);
}

size_t neurlp_program_workspace_bytes(const neurlp_program *program) {
  return (size_t)program->slots * NEURLP_PROGRAM_LANES * sizeof(double);
}

void neurlp_program_run(const neurlp_program *program, int64_t points, const double *const *inputs,
                        const int64_t *strides, double *outputs, void *workspace) {
  neurlp_program_block block = {
      .all_points = points, .inputs = inputs, .strides = strides, .outputs = outputs, .workspace = workspace};
  for (; block.first < points; block.first += NEURLP_PROGRAM_LANES) {
    const int64_t left = points - block.first;
    block.points = left < NEURLP_PROGRAM_LANES ? (int32_t)left : NEURLP_PROGRAM_LANES;
    block.lanes = (block.points + NEURLP_LANE_GROUP - 1) / NEURLP_LANE_GROUP * NEURLP_LANE_GROUP;
    program->run(program->instructions, program->count, &block);
  }
}
