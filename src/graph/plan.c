/* Where everything of a graph lies. Values, gradients and workspaces are parts of one arena; two of them may
 * lie in the same place if they are not needed at the same time. */
#include "graph/graph_parts.h"

#include <stdlib.h>
#include <string.h>

/* Time of a node's backward. */
static int32_t back(const neurlp_graph *graph, int32_t index) {
  return 2 * graph->node_count - 1 - index;
}

/* Values from which the loss cannot be reached get no gradient. */
static neurlp_status mark_trained(neurlp_graph *graph) {
  bool *reached = NULL;
  const neurlp_status status = neurlp_allocate(graph->context, graph->node_count, sizeof *reached, &reached);
  if (status < 0) return status;
  if (graph->loss >= 0) reached[graph->loss] = true;
  for (int32_t i = graph->node_count - 1; i >= 0; i--) {
    neurlp_node *node = &graph->nodes[i];
    node->trained = node->trained && reached[i];
    for (int32_t j = 0; reached[i] && j < node->input_count; j++) reached[node->inputs[j]] = true;
  }
  neurlp_release(graph->context, &reached);
  return NEURLP_SUCCESS;
}

static int32_t add_item(neurlp_graph *graph, int32_t begin, int32_t end, size_t bytes) {
  const size_t unit = NEURLP_GRAPH_ALIGNMENT;
  const size_t padded = ((bytes > 0 ? bytes : 1) + unit - 1) / unit * unit + (graph->check ? unit : 0);
  graph->items[graph->item_count] = (neurlp_graph_item){.begin = begin, .end = end, .bytes = padded};
  return graph->item_count++;
}

static void extend(neurlp_graph_item *item, int32_t time) {
  if (item->end < time) item->end = time;
}

/* What is written from outside stays for ever, what is computed until its last reader. */
static void place_data(neurlp_graph *graph, int32_t index) {
  neurlp_node *node = &graph->nodes[index];
  neurlp_graph_place *place = &graph->places[index];
  const int32_t root = node->alias, always = 2 * graph->node_count;
  if (root != index) {
    place->data = graph->places[root].data;
    place->gradient = graph->places[root].gradient;
  } else if (node->role != NEURLP_ROLE_PARAMETER) {
    const bool outside = node->role != NEURLP_ROLE_COMPUTED || node->kept;
    place->data = add_item(graph, node->role == NEURLP_ROLE_COMPUTED ? index : 0, outside ? always : index,
                           (size_t)node->numbers * graph->number_bytes);
  }
  for (int32_t j = 0; j < node->input_count; j++) {
    const int32_t data = graph->places[node->inputs[j]].data;
    if (data < 0) continue;
    extend(&graph->items[data], index);
    if (neurlp_graph_goes_back(node) && node->operation->reads_inputs)
      extend(&graph->items[data], back(graph, index));
  }
  if (neurlp_graph_goes_back(node) && node->operation->reads_output && place->data >= 0)
    extend(&graph->items[place->data], back(graph, index));
}

static void place_workspace(neurlp_graph *graph, int32_t index) {
  const neurlp_node *node = &graph->nodes[index];
  neurlp_graph_place *place = &graph->places[index];
  const bool goes_back = neurlp_graph_goes_back(node);
  if (node->scratch_bytes > 0) {
    place->scratch_forward = add_item(graph, index, index, node->scratch_bytes);
    if (goes_back)
      place->scratch_backward = add_item(graph, back(graph, index), back(graph, index), node->scratch_bytes);
  }
  if (node->saved_bytes > 0)
    place->saved = add_item(graph, index, goes_back ? back(graph, index) : index, node->saved_bytes);
}

/* A gradient begins where its value's last reader goes back: there it is cleared, and added to. It ends where
 * the value's own operation has passed it on. Walks from the last node to the first. */
static void place_gradients(neurlp_graph *graph) {
  for (int32_t index = graph->node_count - 1; index >= 0; index--) {
    const neurlp_node *node = &graph->nodes[index];
    for (int32_t j = 0; neurlp_graph_goes_back(node) && j < node->input_count; j++) {
      const int32_t root = graph->nodes[node->inputs[j]].alias;
      neurlp_graph_place *place = &graph->places[root];
      if (!graph->nodes[root].trained || graph->nodes[root].role == NEURLP_ROLE_PARAMETER) continue;
      if (place->gradient >= 0 || root == graph->nodes[index].alias) continue;
      place->gradient = add_item(graph, back(graph, index), back(graph, root),
                                 (size_t)graph->nodes[root].numbers * graph->number_bytes);
      place->next_cleared = graph->places[index].clears;
      graph->places[index].clears = root;
    }
  }
}

static int larger_first(const void *a, const void *b) {
  const neurlp_graph_item *one = *(const neurlp_graph_item *const *)a;
  const neurlp_graph_item *other = *(const neurlp_graph_item *const *)b;
  if (one->bytes != other->bytes) return one->bytes > other->bytes ? -1 : 1;
  return one < other ? -1 : one > other;
}

/* The lowest offset at which nothing lies that is needed at the same time. `placed` is sorted by offset. */
static size_t find_gap(const neurlp_graph_item *item, neurlp_graph_item *const *placed, int32_t count) {
  size_t offset = 0;
  for (int32_t i = 0; i < count; i++) {
    const neurlp_graph_item *other = placed[i];
    if (other->end < item->begin || item->end < other->begin) continue;
    if (offset + item->bytes <= other->offset) break;
    if (offset < other->offset + other->bytes) offset = other->offset + other->bytes;
  }
  return offset;
}

/* The loss's own gradient is 1, and nobody above clears it. */
static void place_loss_gradient(neurlp_graph *graph) {
  if (graph->loss < 0 || !graph->nodes[graph->loss].trained) return;
  const int32_t root = graph->nodes[graph->loss].alias;
  if (graph->places[root].gradient < 0)
    graph->places[root].gradient =
        add_item(graph, back(graph, graph->loss), back(graph, root), graph->number_bytes);
}

/* Largest first, each at the lowest place that is free while it is needed. */
static neurlp_status place_items(neurlp_graph *graph) {
  const int32_t count = graph->item_count;
  neurlp_graph_item **order = NULL, **placed = NULL;
  neurlp_status status = NEURLP_SUCCESS;
  NEURLP_TRY(neurlp_allocate(graph->context, count, sizeof *order, &order));
  NEURLP_TRY(neurlp_allocate(graph->context, count, sizeof *placed, &placed));
  for (int32_t i = 0; i < count; i++) order[i] = &graph->items[i];
  qsort(order, (size_t)count, sizeof *order, larger_first);
  for (int32_t i = 0; i < count; i++) {
    neurlp_graph_item *item = order[i];
    item->offset = find_gap(item, placed, i);
    int32_t at = i;
    for (; at > 0 && placed[at - 1]->offset > item->offset; at--) placed[at] = placed[at - 1];
    placed[at] = item;
    if (graph->arena_bytes < item->offset + item->bytes) graph->arena_bytes = item->offset + item->bytes;
  }
done:
  neurlp_release(graph->context, &order);
  neurlp_release(graph->context, &placed);
  return status;
}

neurlp_status neurlp_graph_plan(neurlp_graph *graph) {
  neurlp_status status = NEURLP_SUCCESS;
  enum { ITEMS_EACH = 5 };
  NEURLP_TRY(neurlp_allocate(graph->context, graph->node_count, sizeof *graph->places, &graph->places));
  NEURLP_TRY(neurlp_allocate(graph->context, (int64_t)ITEMS_EACH * graph->node_count, sizeof *graph->items,
                             &graph->items));
  NEURLP_TRY(mark_trained(graph));
  for (int32_t i = 0; i < graph->node_count; i++)
    graph->places[i] = (neurlp_graph_place){-1, -1, -1, -1, -1, -1, -1};
  for (int32_t i = 0; i < graph->node_count; i++) {
    place_data(graph, i);
    place_workspace(graph, i);
  }
  place_gradients(graph);
  place_loss_gradient(graph);
  for (int32_t i = 0; i < graph->node_count; i++)
    graph->places[i].gradient = graph->places[graph->nodes[i].alias].gradient;
  NEURLP_TRY(place_items(graph));
done:
  return status;
}
