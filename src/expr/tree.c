#include "expr/tree.h"

#include <math.h>
#include <string.h>

/* Far more than any expression needs, and far from overflow in 32 bits. */
enum { NEURLP_POOL_MOST = 1 << 26, NEURLP_POOL_FIRST = 64 };

static uint32_t hash_of(const neurlp_node *node) {
  uint64_t bits = 0;
  memcpy(&bits, &node->value, sizeof bits);
  if (node->op != NEURLP_OP_NUMBER) bits = (uint64_t)(uint32_t)node->a << 32 | (uint32_t)node->b;
  bits = (bits ^ (uint64_t)node->op) * 0x9e3779b97f4a7c15u;
  bits ^= bits >> 29;
  bits *= 0xbf58476d1ce4e5b9u;
  return (uint32_t)(bits >> 32);
}

static bool same_node(const neurlp_node *one, const neurlp_node *other) {
  if (one->op != other->op) return false;
  if (one->op == NEURLP_OP_NUMBER) return memcmp(&one->value, &other->value, sizeof one->value) == 0;
  return one->a == other->a && one->b == other->b;
}

/* Place in the table where the node is, or where it belongs. */
static int32_t *place_of(const neurlp_pool *pool, const neurlp_node *node) {
  const uint32_t mask = 2 * (uint32_t)pool->capacity - 1;
  uint32_t at = hash_of(node) & mask;
  while (pool->table[at] != 0 && !same_node(&pool->nodes[pool->table[at] - 1], node)) at = (at + 1) & mask;
  return &pool->table[at];
}

static neurlp_status pool_grow(neurlp_pool *pool, int32_t capacity) {
  neurlp_status status = NEURLP_SUCCESS;
  neurlp_node *nodes = NULL;
  int32_t *table = NULL;
  if (capacity > NEURLP_POOL_MOST) {
    status = neurlp_fail(pool->context, NEURLP_ERROR_MEMORY,
                         "an expression has more than %d distinct parts; split it into smaller ones",
                         (int)NEURLP_POOL_MOST);
    goto done;
  }
  NEURLP_TRY(neurlp_allocate(pool->context, capacity, sizeof *nodes, &nodes));
  NEURLP_TRY(neurlp_allocate(pool->context, 2 * (int64_t)capacity, sizeof *table, &table));
  if (pool->count > 0) memcpy(nodes, pool->nodes, (size_t)pool->count * sizeof *nodes);
  neurlp_release(pool->context, &pool->nodes);
  neurlp_release(pool->context, &pool->table);
  pool->nodes = nodes;
  pool->table = table;
  pool->capacity = capacity;
  nodes = NULL;
  table = NULL;
  for (int32_t i = 0; i < pool->count; i++) *place_of(pool, &pool->nodes[i]) = i + 1;
done:
  neurlp_release(pool->context, &nodes);
  neurlp_release(pool->context, &table);
  return status;
}

/* The index of a node that equals this one, added if there is none. */
static int32_t pool_add(neurlp_pool *pool, neurlp_node node) {
  if (pool->status < 0) return 0;
  int32_t *place = place_of(pool, &node);
  if (*place != 0) return *place - 1;
  if (pool->count == pool->capacity) {
    pool->status = pool_grow(pool, 2 * pool->capacity);
    if (pool->status < 0) return 0;
    place = place_of(pool, &node);
  }
  pool->nodes[pool->count++] = node;
  *place = pool->count;
  return pool->count - 1;
}

neurlp_status neurlp_pool_start(neurlp_context *context, neurlp_pool *pool) {
  *pool = (neurlp_pool){.context = context};
  pool->status = pool_grow(pool, NEURLP_POOL_FIRST);
  if (pool->status == NEURLP_SUCCESS) neurlp_pool_number(pool, 0.0);
  return pool->status;
}

void neurlp_pool_release(neurlp_pool *pool) {
  if (!pool->context) return;
  neurlp_release(pool->context, &pool->nodes);
  neurlp_release(pool->context, &pool->table);
}

double neurlp_op_value(neurlp_op op, double a, double b) {
  switch (op) {
  case NEURLP_OP_NEGATE:
    return -a;
  case NEURLP_OP_ADD:
    return a + b;
  case NEURLP_OP_SUBTRACT:
    return a - b;
  case NEURLP_OP_MULTIPLY:
    return a * b;
  case NEURLP_OP_DIVIDE:
    return a / b;
  case NEURLP_OP_POWER:
    return pow(a, b);
#define NEURLP_FUNCTION_VALUE(name, text, function)                                                          \
  case NEURLP_OP_##name:                                                                                     \
    return function(a);
    NEURLP_FUNCTION_LIST(NEURLP_FUNCTION_VALUE)
#undef NEURLP_FUNCTION_VALUE
  case NEURLP_OP_NUMBER:
  case NEURLP_OP_SYMBOL:
  case NEURLP_OP_COUNT:
    break;
  }
  return a;
}

int32_t neurlp_pool_number(neurlp_pool *pool, double value) {
  return pool_add(pool,
                  (neurlp_node){.value = value, .a = -1, .b = -1, .op = NEURLP_OP_NUMBER, .constant = true});
}

int32_t neurlp_pool_symbol(neurlp_pool *pool, int32_t symbol) {
  return pool_add(pool, (neurlp_node){.a = symbol, .b = -1, .op = NEURLP_OP_SYMBOL});
}

int32_t neurlp_pool_make(neurlp_pool *pool, neurlp_op op, int32_t a, int32_t b) {
  if (pool->status < 0) return 0;
  const neurlp_node *first = &pool->nodes[a], *second = b < 0 ? first : &pool->nodes[b];
  if (op == NEURLP_OP_NEGATE && first->op == NEURLP_OP_NUMBER) return neurlp_pool_number(pool, -first->value);
  neurlp_node node = {.a = a, .b = b, .op = (uint8_t)op, .constant = first->constant && second->constant};
  if (node.constant) node.value = neurlp_op_value(op, first->value, second->value);
  return pool_add(pool, node);
}

int32_t neurlp_pool_import(neurlp_pool *pool, const neurlp_expr *expr, int32_t *map) {
  neurlp_context *context = pool->context;
  int32_t *own = NULL, root = 0;
  if (pool->status == NEURLP_SUCCESS && !map) {
    pool->status = neurlp_allocate(context, expr->count, sizeof *own, &own);
    map = own;
  }
  for (int32_t i = 0; i < expr->count && pool->status == NEURLP_SUCCESS; i++) {
    const neurlp_node *node = &expr->nodes[i];
    if (node->op == NEURLP_OP_NUMBER)
      root = neurlp_pool_number(pool, node->value);
    else if (node->op == NEURLP_OP_SYMBOL)
      root = neurlp_pool_symbol(pool, node->a);
    else
      root = neurlp_pool_make(pool, (neurlp_op)node->op, map[node->a], node->b < 0 ? -1 : map[node->b]);
    map[i] = root;
  }
  neurlp_release(context, &own);
  return root;
}

/* Lists the nodes below root, operands first, first operand before second: order[0..count). A node is pushed
 * at most twice: once by each operand link that finds it unvisited, so the stack needs one place per link. */
static int32_t list_below(const neurlp_pool *pool, int32_t root, int32_t *stack, int32_t *new_index,
                          int32_t *order) {
  enum { UNSEEN = 0, OPEN = -1 };
  int32_t height = 0, count = 0;
  stack[height++] = root;
  while (height > 0) {
    const int32_t i = stack[height - 1];
    const neurlp_node *node = &pool->nodes[i];
    if (new_index[i] == UNSEEN && node->op != NEURLP_OP_SYMBOL && node->op != NEURLP_OP_NUMBER) {
      new_index[i] = OPEN;
      if (node->b >= 0 && new_index[node->b] == UNSEEN) stack[height++] = node->b;
      if (new_index[node->a] == UNSEEN) stack[height++] = node->a;
      continue;
    }
    height--;
    if (new_index[i] > 0) continue;
    order[count++] = i;
    new_index[i] = count;
  }
  return count;
}

/* Writes the listed nodes into the tree with their new indices; depth [count] is scratch. */
static void write_tree(const neurlp_pool *pool, const int32_t *order, const int32_t *new_index,
                       int32_t *depth, neurlp_expr *expr) {
  for (int32_t i = 0; i < expr->count; i++) {
    neurlp_node node = pool->nodes[order[i]];
    depth[i] = 1;
    if (node.op != NEURLP_OP_SYMBOL && node.op != NEURLP_OP_NUMBER) {
      node.a = new_index[node.a] - 1;
      depth[i] = depth[node.a] + 1;
      if (node.b >= 0) {
        node.b = new_index[node.b] - 1;
        if (depth[node.b] >= depth[i]) depth[i] = depth[node.b] + 1;
      }
    }
    expr->nodes[i] = node;
  }
  expr->depth = depth[expr->count - 1];
}

neurlp_status neurlp_pool_finish(neurlp_pool *pool, int32_t root, neurlp_expr **expr) {
  neurlp_context *context = pool->context;
  neurlp_status status = pool->status;
  int32_t *stack = NULL, *new_index = NULL, *order = NULL;
  neurlp_expr *made = NULL;
  *expr = NULL;
  if (status < 0) goto done;
  NEURLP_TRY(neurlp_allocate(context, 2 * (int64_t)pool->count + 1, sizeof *stack, &stack));
  NEURLP_TRY(neurlp_allocate(context, pool->count, sizeof *new_index, &new_index));
  NEURLP_TRY(neurlp_allocate(context, pool->count, sizeof *order, &order));
  const int32_t count = list_below(pool, root, stack, new_index, order);
  NEURLP_TRY(neurlp_allocate(context, 1, sizeof *made + (size_t)count * sizeof(neurlp_node), &made));
  made->context = context;
  made->count = count;
  write_tree(pool, order, new_index, stack, made);
  *expr = made;
done:
  neurlp_release(context, &stack);
  neurlp_release(context, &new_index);
  neurlp_release(context, &order);
  return status;
}

void neurlp_expr_destroy(neurlp_expr **expr) {
  if (!expr || !*expr) return;
  neurlp_release((*expr)->context, expr);
}

bool neurlp_expr_uses(const neurlp_expr *expr, int32_t symbol) {
  for (int32_t i = 0; i < expr->count; i++)
    if (expr->nodes[i].op == NEURLP_OP_SYMBOL && expr->nodes[i].a == symbol) return true;
  return false;
}

bool neurlp_expr_constant(const neurlp_expr *expr, double *value) {
  const neurlp_node *root = &expr->nodes[expr->count - 1];
  if (root->constant) *value = root->value;
  return root->constant;
}

bool neurlp_expr_equal(const neurlp_expr *one, const neurlp_expr *other) {
  if (one->count != other->count) return false;
  for (int32_t i = 0; i < one->count; i++)
    if (!same_node(&one->nodes[i], &other->nodes[i])) return false;
  return true;
}
