/* Inside expressions: nodes, and the pool in which trees are built.
 *
 * A tree is an array of nodes, every operand before its user, the root last, and no node twice (a repeated
 * subexpression is one node: the array is a directed acyclic graph). So every pass over a tree is a loop, the
 * derivative of a tree is only a few times larger than the tree, and no depth of nesting costs stack.
 */
#ifndef NEURLP_EXPR_TREE_H
#define NEURLP_EXPR_TREE_H

#include "expr/expr.h"
#include "expr/instruction.h"

typedef enum neurlp_op {
  NEURLP_OP_NUMBER, /* value */
  NEURLP_OP_SYMBOL, /* a is the symbol */
  NEURLP_OP_NEGATE, /* never of a number: that is a number */
  NEURLP_OP_ADD,
  NEURLP_OP_SUBTRACT,
  NEURLP_OP_MULTIPLY,
  NEURLP_OP_DIVIDE,
  NEURLP_OP_POWER,
#define NEURLP_FUNCTION_ENUM(name, text, function) NEURLP_OP_##name,
  NEURLP_FUNCTION_LIST(NEURLP_FUNCTION_ENUM)
#undef NEURLP_FUNCTION_ENUM
      NEURLP_OP_COUNT
} neurlp_op;

typedef struct neurlp_node {
  double value; /* of a node in which no symbol occurs, else 0 */
  int32_t a, b; /* operands, -1 where there is none; a is the symbol in a symbol */
  uint8_t op;
  bool constant; /* no symbol occurs in it */
} neurlp_node;

struct neurlp_expr {
  neurlp_context *context;
  int32_t depth; /* nodes on the longest path from the root to a leaf */
  int32_t count;
  neurlp_node nodes[]; /* [count], the root last */
};

/* A growing set of nodes without duplicates. The first failure sticks in `status`, and every later call
 * returns node 0, which always exists (the number 0): a chain of calls needs one check at its end. */
typedef struct neurlp_pool {
  neurlp_context *context;
  neurlp_status status;
  bool regroup; /* simplification may regroup numeric factors and powers: values change by rounding */
  int32_t count, capacity;
  neurlp_node *nodes; /* [capacity] */
  int32_t *table;     /* [2 capacity] hash table of node indices plus one, 0 where empty */
} neurlp_pool;

/* Starts a pool that holds the number 0 only. The caller releases it, also when this fails. */
NEURLP_MUST_USE neurlp_status neurlp_pool_start(neurlp_context *context, neurlp_pool *pool);
void neurlp_pool_release(neurlp_pool *pool);

/* The node for a number, a symbol, or an operation exactly as written (b = -1 for one operand). */
int32_t neurlp_pool_number(neurlp_pool *pool, double value);
int32_t neurlp_pool_symbol(neurlp_pool *pool, int32_t symbol);
int32_t neurlp_pool_make(neurlp_pool *pool, neurlp_op op, int32_t a, int32_t b);

/* A simpler node of the same value, but for the sign of a zero and where an operand is inf or NaN: numbers
 * folded unless the result is not finite, 0 and 1 absorbed, signs moved to the front. No sum or product is
 * reordered in a way that changes rounding unless pool->regroup is set. */
int32_t neurlp_pool_simplify(neurlp_pool *pool, neurlp_op op, int32_t a, int32_t b);

/* Copies every node of a tree as written; node i becomes map[i] if map is given. Returns its root. */
int32_t neurlp_pool_import(neurlp_pool *pool, const neurlp_expr *expr, int32_t *map);

/* The tree below `root`, in the one order that equal trees share. */
NEURLP_MUST_USE neurlp_status neurlp_pool_finish(neurlp_pool *pool, int32_t root, neurlp_expr **expr);

/* op applied to numbers (b is ignored by operations with one operand). */
double neurlp_op_value(neurlp_op op, double a, double b);

/* True if both are the same tree with the same numbers, bit for bit. */
bool neurlp_expr_equal(const neurlp_expr *one, const neurlp_expr *other);

#endif
