/* Tree to text. Each kind of node has a level; an operand is put in parentheses where its level is below what
 * its place asks for. The text of a tree can be far longer than the tree (a repeated part is one node), so
 * its length is computed first, in one pass, and writing stops where the buffer ends. */
#include "expr/names.h"
#include "expr/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum level { LEVEL_SUM = 1, LEVEL_PRODUCT, LEVEL_SIGNED, LEVEL_POWER, LEVEL_ATOM } level;

/* What the grammar asks of the operands of each operation (parse.c). */
typedef struct place {
  level own, first, second;
  const char *operator;
} place;

enum { NEURLP_PRINT_SMALL = 256, NEURLP_TERMS_OF_TEXT = 48 };

/* Longer than any text in memory, and far from overflow when lengths are added. */
static const size_t longest_bytes = (size_t)1 << 60;

static place place_of(const neurlp_node *node) {
  switch ((neurlp_op)node->op) {
  case NEURLP_OP_ADD:
    return (place){LEVEL_SUM, LEVEL_SUM, LEVEL_PRODUCT, " + "};
  case NEURLP_OP_SUBTRACT:
    return (place){LEVEL_SUM, LEVEL_SUM, LEVEL_PRODUCT, " - "};
  case NEURLP_OP_MULTIPLY:
    return (place){LEVEL_PRODUCT, LEVEL_PRODUCT, LEVEL_SIGNED, "*"};
  case NEURLP_OP_DIVIDE:
    return (place){LEVEL_PRODUCT, LEVEL_PRODUCT, LEVEL_SIGNED, "/"};
  case NEURLP_OP_POWER:
    return (place){LEVEL_POWER, LEVEL_ATOM, LEVEL_SIGNED, "^"};
  case NEURLP_OP_NEGATE:
    return (place){LEVEL_SIGNED, LEVEL_SIGNED, LEVEL_ATOM, ""};
  case NEURLP_OP_NUMBER:
    return (place){signbit(node->value) ? LEVEL_SIGNED : LEVEL_ATOM, LEVEL_ATOM, LEVEL_ATOM, ""};
  default:
    return (place){LEVEL_ATOM, LEVEL_SUM, LEVEL_ATOM, ""};
  }
}

/* What stands before the first operand ("-", "sin("), or the whole of a leaf. */
static void opening(const neurlp_node *node, const neurlp_symbols *symbols,
                    char unnamed[NEURLP_TERMS_OF_TEXT], const char **texts) {
  const char *name = NULL;
  texts[0] = "";
  texts[1] = "";
  switch ((neurlp_op)node->op) {
  case NEURLP_OP_NUMBER:
    name = neurlp_name_of_constant(fabs(node->value));
    if (name && neurlp_name_symbol(symbols, name, strlen(name)) < 0) {
      texts[0] = signbit(node->value) ? "-" : "";
      texts[1] = name;
    } else {
      neurlp_number_print(node->value, unnamed);
      texts[0] = unnamed;
    }
    break;
  case NEURLP_OP_SYMBOL:
    snprintf(unnamed, NEURLP_TERMS_OF_TEXT, "#%d", node->a);
    texts[0] = symbols && node->a < symbols->count ? symbols->names[node->a] : unnamed;
    break;
  case NEURLP_OP_NEGATE:
    texts[0] = "-";
    break;
  default:
    name = neurlp_name_of_function((neurlp_op)node->op);
    if (name) {
      texts[0] = name;
      texts[1] = "(";
    }
    break;
  }
}

static size_t added(size_t one, size_t other) {
  return one + other < longest_bytes ? one + other : longest_bytes;
}

/* Length of each node's text without parentheses around it. */
static void measure(const neurlp_expr *expr, const neurlp_symbols *symbols, size_t *lengths) {
  for (int32_t i = 0; i < expr->count; i++) {
    const neurlp_node *node = &expr->nodes[i];
    const place here = place_of(node);
    char unnamed[NEURLP_TERMS_OF_TEXT];
    const char *texts[2];
    opening(node, symbols, unnamed, texts);
    lengths[i] = strlen(texts[0]) + strlen(texts[1]) + strlen(here.operator);
    if (node->op == NEURLP_OP_NUMBER || node->op == NEURLP_OP_SYMBOL) continue;
    const bool first = place_of(&expr->nodes[node->a]).own < here.first;
    lengths[i] = added(lengths[i], added(lengths[node->a], first ? 2 : 0));
    if (node->b >= 0) {
      const bool second = place_of(&expr->nodes[node->b]).own < here.second;
      lengths[i] = added(lengths[i], added(lengths[node->b], second ? 2 : 0));
    } else if (node->op != NEURLP_OP_NEGATE) {
      lengths[i] = added(lengths[i], 1);
    }
  }
}

/* A node whose text is being written: how far, and whether it stands in parentheses. */
typedef struct open_node {
  int32_t node;
  uint8_t stage; /* operands begun */
  bool parentheses;
} open_node;

typedef struct writer {
  char *text;
  size_t length, room; /* room without the final zero */
} writer;

static void put(writer *out, const char *text) {
  for (; *text && out->length < out->room; text++) out->text[out->length++] = *text;
}

static void write_text(const neurlp_expr *expr, const neurlp_symbols *symbols, open_node *stack,
                       writer *out) {
  int32_t height = 0;
  stack[height++] = (open_node){.node = expr->count - 1};
  while (height > 0 && out->length < out->room) {
    open_node *top = &stack[height - 1];
    const neurlp_node *node = &expr->nodes[top->node];
    const place here = place_of(node);
    const bool leaf = node->op == NEURLP_OP_NUMBER || node->op == NEURLP_OP_SYMBOL;
    const int operands = leaf ? 0 : node->b < 0 ? 1 : 2;
    if (top->stage == 0) {
      char unnamed[NEURLP_TERMS_OF_TEXT];
      const char *texts[2];
      opening(node, symbols, unnamed, texts);
      if (top->parentheses) put(out, "(");
      put(out, texts[0]);
      put(out, texts[1]);
    }
    if (top->stage == operands) {
      if (operands == 1 && node->op != NEURLP_OP_NEGATE) put(out, ")");
      if (top->parentheses) put(out, ")");
      height--;
      continue;
    }
    if (top->stage == 1) put(out, here.operator);
    const int32_t next = top->stage == 0 ? node->a : node->b;
    const level asked = top->stage == 0 ? here.first : here.second;
    top->stage++;
    stack[height++] = (open_node){.node = next, .parentheses = place_of(&expr->nodes[next]).own < asked};
  }
}

size_t neurlp_expr_print(const neurlp_expr *expr, const neurlp_symbols *symbols, char *text,
                         size_t size_bytes) {
  neurlp_status status = NEURLP_SUCCESS;
  size_t few_lengths[NEURLP_PRINT_SMALL], *lengths = few_lengths, *many_lengths = NULL, total = 0;
  open_node few_open[NEURLP_PRINT_SMALL], *stack = few_open, *many_open = NULL;
  writer out = {.text = text, .room = size_bytes > 0 ? size_bytes - 1 : 0};
  if (expr->count > NEURLP_PRINT_SMALL) {
    NEURLP_TRY(neurlp_allocate(expr->context, expr->count, sizeof *lengths, &many_lengths));
    lengths = many_lengths;
  }
  if (expr->depth > NEURLP_PRINT_SMALL) {
    NEURLP_TRY(neurlp_allocate(expr->context, expr->depth, sizeof *stack, &many_open));
    stack = many_open;
  }
  measure(expr, symbols, lengths);
  total = lengths[expr->count - 1];
  write_text(expr, symbols, stack, &out);
done:
  if (size_bytes > 0) text[out.length] = '\0';
  neurlp_release(expr->context, &many_lengths);
  neurlp_release(expr->context, &many_open);
  return status < 0 ? 0 : total;
}
