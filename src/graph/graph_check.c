/* What the backend cpu:check asserts of every kernel: it writes all that it has to, within its bounds, and
 * leaves its inputs alone. */
#include "graph/graph_parts.h"

#include <string.h>

/* Bytes of a part of the arena before its guard. */
static size_t inner_bytes(const neurlp_graph *graph, int32_t item) {
  return graph->items[item].bytes - NEURLP_GRAPH_ALIGNMENT;
}

static unsigned char *place_of(const neurlp_graph *graph, int32_t item) {
  return graph->arena + graph->items[item].offset;
}

static void set_guard(neurlp_graph *graph, int32_t item) {
  if (item >= 0)
    memset(place_of(graph, item) + inner_bytes(graph, item), NEURLP_GRAPH_GUARD, NEURLP_GRAPH_ALIGNMENT);
}

static bool guard_is_whole(const neurlp_graph *graph, int32_t item) {
  if (item < 0) return true;
  const unsigned char *guard = place_of(graph, item) + inner_bytes(graph, item);
  for (int32_t i = 0; i < NEURLP_GRAPH_ALIGNMENT; i++)
    if (guard[i] != NEURLP_GRAPH_GUARD) return false;
  return true;
}

/* All bits set: NaN in both precisions. */
static void poison(neurlp_graph *graph, int32_t item) {
  if (item >= 0) memset(place_of(graph, item), 0xFF, inner_bytes(graph, item));
}

/* FNV-1a over what a kernel only reads. */
static uint64_t digest(const void *bytes, size_t count, uint64_t hash) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < count; i++) hash = (hash ^ byte[i]) * 1099511628211u;
  return hash;
}

static uint64_t digest_read(const neurlp_graph *graph, int32_t index, bool forward) {
  const neurlp_node *node = &graph->nodes[index];
  uint64_t hash = 14695981039346656037u;
  for (int32_t j = 0; j < node->input_count && (forward || node->operation->reads_inputs); j++) {
    const neurlp_node *input = &graph->nodes[node->inputs[j]];
    hash = digest(input->data, (size_t)input->numbers * graph->number_bytes, hash);
  }
  if (!forward) hash = digest(node->gradient, (size_t)node->numbers * graph->number_bytes, hash);
  if (!forward && node->operation->reads_output)
    hash = digest(node->data, (size_t)node->numbers * graph->number_bytes, hash);
  return hash;
}

/* Guards behind all that the kernel may write; NaN in what it has to. A gradient's guard is set here, too: it
 * is whole for the time between two kernels that write to it. */
void neurlp_graph_check_before(neurlp_graph *graph, int32_t index, bool forward, uint64_t *inputs) {
  const neurlp_node *node = &graph->nodes[index];
  const neurlp_graph_place *place = &graph->places[index];
  const int32_t scratch = forward ? place->scratch_forward : place->scratch_backward;
  poison(graph, scratch);
  set_guard(graph, scratch);
  if (forward) {
    poison(graph, place->data);
    set_guard(graph, place->data);
    poison(graph, place->saved);
    set_guard(graph, place->saved);
  } else {
    for (int32_t j = 0; j < node->input_count; j++) set_guard(graph, graph->places[node->inputs[j]].gradient);
  }
  *inputs = digest_read(graph, index, forward);
}

static bool guards_are_whole(const neurlp_graph *graph, int32_t index, bool forward) {
  const neurlp_node *node = &graph->nodes[index];
  const neurlp_graph_place *place = &graph->places[index];
  bool whole = guard_is_whole(graph, forward ? place->scratch_forward : place->scratch_backward);
  if (forward) return whole && guard_is_whole(graph, place->data) && guard_is_whole(graph, place->saved);
  for (int32_t j = 0; j < node->input_count; j++)
    if (graph->nodes[node->inputs[j]].trained)
      whole = whole && guard_is_whole(graph, graph->places[node->inputs[j]].gradient);
  return whole;
}

neurlp_status neurlp_graph_check_after(neurlp_graph *graph, int32_t index, bool forward, uint64_t inputs) {
  const char *way = forward ? "forward" : "backward";
  if (!guards_are_whole(graph, index, forward))
    return neurlp_fail(graph->context, NEURLP_ERROR_INTERNAL, "%s wrote past the end of an array", way);
  if (digest_read(graph, index, forward) != inputs)
    return neurlp_fail(graph->context, NEURLP_ERROR_INTERNAL, "%s changed what it may only read", way);
  return NEURLP_SUCCESS;
}
