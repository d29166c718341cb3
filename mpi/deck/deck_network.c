/* Networks of a deck: {encoder: {layers: [{convolution: 16, kernel: 5}, relu, flatten, {dense: 2}]}}. */
#include "deck/deck_members.h"
#include "deck/deck_names.h"
#include "deck/deck_value.h"
#include "deck/deck_wiring.h"

#include <string.h>

enum { MOST_WIDTH = 1 << 20, MOST_KERNEL = 4095, MOST_NAME = 60 };

/* Layers that are one word. */
static const char *const words[] = {"relu",     "elu",       "gelu",    "tanh", "sigmoid",
                                    "softplus", "normalise", "flatten", "mean", NULL};

/* Layers with members; the first member says which. */
static const char *const kinds[] = {"dense", "convolution", "residual", "scale", "clip", NULL};

static void read_layers(neurlp_deck_report *report, const neurlp_deck_node *list, int32_t *count,
                        neurlp_layer_spec **layers);

static void read_word(neurlp_deck_report *report, const neurlp_deck_node *node, neurlp_layer_spec *layer) {
  static const neurlp_layer_spec meanings[] = {
      {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_RELU},
      {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_ELU},
      {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_GELU},
      {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_TANH},
      {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_SIGMOID},
      {.kind = NEURLP_LAYER_ACTIVATION, .activation = NEURLP_UNARY_SOFTPLUS},
      {.kind = NEURLP_LAYER_NORMALISE},
      {.kind = NEURLP_LAYER_FLATTEN},
      {.kind = NEURLP_LAYER_MEAN},
  };
  const int32_t word = neurlp_deck_member_word(report, node, "a layer", words);
  if (word >= 0) *layer = meanings[word];
}

/* A number of outputs; `output`: as many as the network's use needs. */
static void read_width(neurlp_deck_report *report, const neurlp_deck_node *node, neurlp_layer_spec *layer) {
  if (node->kind == NEURLP_NODE_SCALAR && strcmp(node->text, "output") == 0) return;
  (void)neurlp_deck_member_integer(report, node, 1, MOST_WIDTH, &layer->width);
}

static void read_convolution(neurlp_deck_report *report, const neurlp_deck_node *map,
                             neurlp_layer_spec *layer) {
  static const char *const names[] = {"convolution", "kernel", "stride", "dilation", "padding", NULL};
  static const char *const paddings[] = {"zero", "circular", NULL};
  const neurlp_deck_node *kernel = neurlp_deck_member(map, "kernel"),
                         *stride = neurlp_deck_member(map, "stride");
  const neurlp_deck_node *dilation = neurlp_deck_member(map, "dilation");
  const neurlp_deck_node *padding = neurlp_deck_member(map, "padding");
  int64_t k = 3, s = 1, d = 1;
  neurlp_deck_check_members(report, map, "a convolution", names);
  read_width(report, neurlp_deck_member(map, "convolution"), layer);
  if (kernel && neurlp_deck_member_integer(report, kernel, 1, MOST_KERNEL, &k) && k % 2 == 0)
    neurlp_deck_report_add(report, kernel->place, "'kernel' is %lld; it must be odd, so that it has a middle",
                           (long long)k);
  if (stride) (void)neurlp_deck_member_integer(report, stride, 1, MOST_KERNEL, &s);
  if (dilation) (void)neurlp_deck_member_integer(report, dilation, 1, MOST_KERNEL, &d);
  if (padding) layer->circular = neurlp_deck_member_word(report, padding, "padding", paddings) == 1;
  layer->kind = NEURLP_LAYER_CONVOLUTION;
  layer->kernel = (int32_t)k;
  layer->stride = (int32_t)s;
  layer->dilation = (int32_t)d;
}

static void read_pair(neurlp_deck_report *report, const neurlp_deck_node *node, neurlp_layer_spec *layer) {
  if (node->kind != NEURLP_NODE_LIST || node->count != 2)
    neurlp_deck_report_add(report, node->place, "'%s' must be two numbers: %s", node->key,
                           layer->kind == NEURLP_LAYER_SCALE ? "[factor, offset]" : "[lower, upper]");
  else if (neurlp_deck_member_number(report, node->first, &layer->numbers[0]) &&
           neurlp_deck_member_number(report, node->last, &layer->numbers[1]) &&
           layer->kind == NEURLP_LAYER_CLIP && !(layer->numbers[0] < layer->numbers[1]))
    neurlp_deck_report_add(report, node->place, "'clip' ends before it begins; write [lower, upper]");
}

/* The member that says what a layer is; the first one if none does. */
static const neurlp_deck_node *main_member(const neurlp_deck_node *map) {
  for (int32_t i = 0; kinds[i]; i++) {
    const neurlp_deck_node *member = neurlp_deck_member(map, kinds[i]);
    if (member) return member;
  }
  return map->first;
}

static void read_layer(neurlp_deck_report *report, const neurlp_deck_node *node, neurlp_layer_spec *layer) {
  if (node->kind != NEURLP_NODE_MAP || node->count == 0) {
    read_word(report, node, layer);
    return;
  }
  const neurlp_deck_node *member = main_member(node);
  neurlp_deck_node first = *member; /* its key is the word */
  first.text = member->key;
  first.kind = NEURLP_NODE_SCALAR;
  first.place = member->key_place;
  const int32_t kind = neurlp_deck_member_word(report, &first, "a layer with a value", kinds);
  if (kind == 1) {
    read_convolution(report, node, layer);
    return;
  }
  if (kind >= 0) neurlp_deck_check_members(report, node, "a layer", (const char *const[]){kinds[kind], NULL});
  if (kind == 0) {
    layer->kind = NEURLP_LAYER_DENSE;
    read_width(report, member, layer);
  } else if (kind == 2) {
    layer->kind = NEURLP_LAYER_RESIDUAL;
    read_layers(report, member, &layer->child_count, &layer->children);
  } else if (kind > 2) {
    layer->kind = kind == 3 ? NEURLP_LAYER_SCALE : NEURLP_LAYER_CLIP;
    read_pair(report, member, layer);
  }
}

static void read_layers(neurlp_deck_report *report, const neurlp_deck_node *list, int32_t *count,
                        neurlp_layer_spec **layers) {
  if (list->kind != NEURLP_NODE_LIST || list->count == 0) {
    neurlp_deck_report_add(report, list->place,
                           "'%s' must be a list of layers: [{dense: 64}, tanh, {dense: output}]",
                           list->key ? list->key : "layers");
    return;
  }
  neurlp_layer_spec *read = neurlp_deck_arena_take(report->arena, (size_t)list->count * sizeof *read);
  if (!read) return;
  int32_t i = 0;
  for (const neurlp_deck_node *child = list->first; child; child = child->next)
    read_layer(report, child, &read[i++]);
  *count = list->count;
  *layers = read;
}

static void read_network(neurlp_deck_report *report, const neurlp_deck_node *node,
                         neurlp_network_spec *network) {
  static const char *const names[] = {"layers", "axis", NULL};
  static const char *const axes[] = {"time", "space", NULL};
  network->name = node->key;
  if (!neurlp_name_is_symbol(node->key))
    neurlp_deck_report_add(report, node->key_place,
                           "%s cannot be a name; names have letters, digits and _, and no digit first",
                           neurlp_deck_quoted(node->key).text);
  if (strlen(node->key) > MOST_NAME)
    neurlp_deck_report_add(report, node->key_place, "the name of a network may have %d characters",
                           MOST_NAME);
  const neurlp_deck_node *layers = node->kind == NEURLP_NODE_MAP ? neurlp_deck_member(node, "layers") : node;
  if (node->kind == NEURLP_NODE_MAP) neurlp_deck_check_members(report, node, "a network", names);
  const neurlp_deck_node *axis = neurlp_deck_member(node, "axis");
  if (axis && neurlp_deck_member_word(report, axis, "an axis", axes) == 1) network->axis = NEURLP_AXIS_SPACE;
  if (layers)
    read_layers(report, layers, &network->layer_count, &network->layers);
  else
    neurlp_deck_report_add(report, node->place, "network '%s' has no 'layers'", node->key);
}

neurlp_deck_networks *neurlp_deck_read_networks(neurlp_deck_report *report, const neurlp_deck_node *node) {
  if (node->kind != NEURLP_NODE_MAP) {
    neurlp_deck_report_add(report, node->place, "'networks' must be a mapping of names");
    return NULL;
  }
  neurlp_deck_networks *all = neurlp_deck_arena_take(report->arena, sizeof *all);
  neurlp_network_spec *networks =
      neurlp_deck_arena_take(report->arena, ((size_t)node->count + 1) * sizeof *networks);
  if (!all || !networks) return NULL;
  all->networks = networks;
  for (const neurlp_deck_node *child = node->first; child; child = child->next)
    read_network(report, child, &networks[all->count++]);
  return all;
}
