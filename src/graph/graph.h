/* A static graph of tensors: what a network computes, its loss, and the gradient of that loss.
 *
 * A graph is built once, value by value; then its memory is planned and allocated, and it is run any number
 * of times without allocating. It runs one *shard* of a batch, always the same number of samples: samples
 * that are absent, and those whose mechanistic block fails, count nothing in the losses and leave no
 * gradient.
 *
 *   create -> input, constant, parameter, operations (graph/operations.h) -> loss, keep -> finish
 *          -> write inputs -> begin -> forward -> backward -> read
 *
 * While a graph is being built, a call that fails returns NEURLP_NO_VALUE and the graph remembers the first
 * failure; calls that are given NEURLP_NO_VALUE return it too. neurlp_graph_finish says what went wrong, so
 * that building needs no checks in between.
 *
 * Numbers are float or double throughout one graph, and live in the memory of the context's backend; what
 * crosses this interface as `double *` is converted. Nothing here is collective. Sums are taken in an order
 * that does not depend on the number of threads. Source: docs/math.md, section 9. */
#ifndef NEURLP_GRAPH_GRAPH_H
#define NEURLP_GRAPH_GRAPH_H

#include "core/context.h"
#include "graph/shape.h"

typedef struct neurlp_graph neurlp_graph;

/* A tensor of a graph: what was put in, or what an operation computes. */
typedef int32_t neurlp_value;
enum { NEURLP_NO_VALUE = -1 };

/* Makes an empty graph on the context's backend for shards of `samples` samples. `precision` is NEURLP_DOUBLE
 * or NEURLP_SINGLE. The context is borrowed until the graph is destroyed. Fails with NEURLP_ERROR_ARGUMENT or
 * NEURLP_ERROR_MEMORY; *graph is then NULL. */
NEURLP_MUST_USE neurlp_status neurlp_graph_create(neurlp_context *context, neurlp_precision precision,
                                                  int64_t samples, neurlp_graph **graph);

/* Frees the graph and sets *graph to NULL. Safe to call twice. */
void neurlp_graph_destroy(neurlp_graph **graph);

neurlp_context *neurlp_graph_context(const neurlp_graph *graph);
neurlp_precision neurlp_graph_precision(const neurlp_graph *graph);
int64_t neurlp_graph_samples(const neurlp_graph *graph);

/* ---- building ---------------------------------------------------------------------------------------- */

/* A tensor that is written before each run: data. The first extent is the number of samples, or 1 for what
 * all samples share. Names are copied. */
neurlp_value neurlp_graph_input(neurlp_graph *graph, const char *name, neurlp_tensor_shape shape);

/* A tensor of fixed numbers, [numbers of the shape], copied and converted. */
neurlp_value neurlp_graph_constant(neurlp_graph *graph, neurlp_tensor_shape shape, const double *numbers);

/* A tensor that is trained: the next part of the vector of all parameters, zeros at first. `decayed`: whether
 * weight decay and penalties are meant for it (weights are, biases are not). */
neurlp_value neurlp_graph_parameter(neurlp_graph *graph, const char *name, neurlp_tensor_shape shape,
                                    bool decayed);

/* What a parameter is for: its first numbers are drawn accordingly. */
typedef enum neurlp_parameter_kind {
  NEURLP_PARAMETER_OTHER,
  NEURLP_PARAMETER_WEIGHT, /* of a sum over fan_in numbers: at random, kaiming_uniform */
  NEURLP_PARAMETER_BIAS,   /* added to such a sum */
  NEURLP_PARAMETER_GAIN,   /* multiplies what is normalised: 1 */
  NEURLP_PARAMETER_SHIFT,  /* added to it: 0 */
  NEURLP_PARAMETER_BASIS   /* of the terms of a library */
} neurlp_parameter_kind;

/* Says what a parameter is for, and over how many numbers each output sums, 0 if that means nothing. Nothing
 * in the graph depends on it: neurlp_graph_parameter_info hands it to who draws the first numbers. */
void neurlp_graph_describe(neurlp_graph *graph, neurlp_value parameter, neurlp_parameter_kind kind,
                           int64_t fan_in);

/* Names a value, for messages and for neurlp_graph_find. */
void neurlp_graph_name(neurlp_graph *graph, neurlp_value value, const char *name);

/* The value of that name, or NEURLP_NO_VALUE. */
neurlp_value neurlp_graph_find(const neurlp_graph *graph, const char *name);

/* Keeps a computed value until the next run, so that it can be read. */
void neurlp_graph_keep(neurlp_graph *graph, neurlp_value value);

/* What is minimised: a value of rank 0. The last call counts. Without one, neurlp_graph_backward fails. */
void neurlp_graph_loss(neurlp_graph *graph, neurlp_value loss);

/* The first failure of building so far, or success; the context's message says more. */
neurlp_status neurlp_graph_building_status(const neurlp_graph *graph);

/* The value that neurlp_graph_loss was given, or NEURLP_NO_VALUE. */
neurlp_value neurlp_graph_loss_value(const neurlp_graph *graph);

neurlp_tensor_shape neurlp_graph_shape(const neurlp_graph *graph, neurlp_value value);

/* Ends building; plans memory and, if `allocate`, allocates all of it: values, gradients, workspaces, one
 * arena in which tensors that are not needed at the same time lie in the same place. Returns the first
 * failure of building, or NEURLP_ERROR_MEMORY. */
NEURLP_MUST_USE neurlp_status neurlp_graph_finish(neurlp_graph *graph, bool allocate);

/* Bytes that the graph holds when allocated, blocks' workspaces included; known from neurlp_graph_finish on.
 */
size_t neurlp_graph_bytes(const neurlp_graph *graph);

/* ---- parameters -------------------------------------------------------------------------------------- */

typedef struct neurlp_parameter_info {
  neurlp_value value;
  const char *name; /* lives as long as the graph */
  neurlp_tensor_shape shape;
  int64_t first, count; /* its part of the vector of all parameters */
  bool decayed;
  neurlp_parameter_kind kind;
  int64_t fan_in;
} neurlp_parameter_info;

/* Number of parameter tensors, and the i-th. */
int32_t neurlp_graph_parameter_tensors(const neurlp_graph *graph);
neurlp_parameter_info neurlp_graph_parameter_info(const neurlp_graph *graph, int32_t i);

/* All parameters as one vector of `count` numbers of the graph's precision, in the memory of the backend; and
 * their gradients, which neurlp_graph_backward writes. Valid while the graph is. */
int64_t neurlp_graph_parameter_count(const neurlp_graph *graph);
void *neurlp_graph_parameters(neurlp_graph *graph);
void *neurlp_graph_gradients(neurlp_graph *graph);

/* Copies of these vectors in the host's memory, [count] of the graph's precision, wherever the backend has
 * them; after what was started before. Fail with NEURLP_ERROR_ARGUMENT where the graph is not finished, or
 * NEURLP_ERROR_DEVICE. */
NEURLP_MUST_USE neurlp_status neurlp_graph_get_parameters(neurlp_graph *graph, void *parameters);
NEURLP_MUST_USE neurlp_status neurlp_graph_set_parameters(neurlp_graph *graph, const void *parameters);
NEURLP_MUST_USE neurlp_status neurlp_graph_get_gradients(neurlp_graph *graph, void *gradients);

/* ---- running ----------------------------------------------------------------------------------------- */

/* Writes an input, a constant or a parameter from `numbers` of the host, as many as its shape has; reads any
 * value that is kept, and inputs, constants and parameters. Fail with NEURLP_ERROR_ARGUMENT for another
 * value, or NEURLP_ERROR_DEVICE. */
NEURLP_MUST_USE neurlp_status neurlp_graph_write(neurlp_graph *graph, neurlp_value value,
                                                 const double *numbers);
NEURLP_MUST_USE neurlp_status neurlp_graph_read(neurlp_graph *graph, neurlp_value value, double *numbers);

/* Reads the gradient of a parameter, after neurlp_graph_backward. Fails as neurlp_graph_read. */
NEURLP_MUST_USE neurlp_status neurlp_graph_read_gradient(neurlp_graph *graph, neurlp_value parameter,
                                                         double *numbers);

/* Begins a run with the first `present` samples of the shard; what the others hold, anything finite, is
 * ignored by losses. `weight` multiplies each sample's part in the loss: one over the samples of the whole
 * batch, so that the losses and gradients of shards add up to those of the batch. */
NEURLP_MUST_USE neurlp_status neurlp_graph_begin(neurlp_graph *graph, int64_t present, double weight);

/* Computes all values in the order in which they were made. Fails, with the operation in the message, where
 * one cannot be carried out; numbers that are not finite are no failure. */
NEURLP_MUST_USE neurlp_status neurlp_graph_forward(neurlp_graph *graph);

/* Writes the gradient of the loss with respect to all parameters. After neurlp_graph_forward only. */
NEURLP_MUST_USE neurlp_status neurlp_graph_backward(neurlp_graph *graph);

/* Both, which a GPU is told in one piece from the second time on. */
NEURLP_MUST_USE neurlp_status neurlp_graph_forward_backward(neurlp_graph *graph);

/* What follows is for who has a machine do more in one piece than that (train/accelerator.h).
 *
 * Whether there is a machine, recordings are wanted, and nothing in the graph goes through the host, as
 * nonlinear blocks do. The other functions are for such graphs alone; they fail with NEURLP_ERROR_DEVICE. */
bool neurlp_graph_is_whole(neurlp_graph *graph);

/* Makes ready what was written, and what neurlp_graph_begin was told, for a run. Waits for the last one. */
NEURLP_MUST_USE neurlp_status neurlp_graph_ready(neurlp_graph *graph);

/* Asks for forward and backward, and does not wait. It may be recorded, and replayed after each `ready`. */
NEURLP_MUST_USE neurlp_status neurlp_graph_start(neurlp_graph *graph);

/* Waits until all is done: statuses, and single numbers that are kept, are on the host. */
NEURLP_MUST_USE neurlp_status neurlp_graph_settle(neurlp_graph *graph);

/* What is known of a run in the machine's memory, at the same place in all runs. */
typedef struct neurlp_graph_view {
  const double *loss;
  int64_t samples;
  const int64_t *present;  /* one number */
  const int32_t *statuses; /* [samples] neurlp_status */
} neurlp_graph_view;

/* Of a graph that is whole. */
neurlp_graph_view neurlp_graph_view_of(neurlp_graph *graph);

/* Of the last forward run: a status for each sample, [samples]; NEURLP_SUCCESS for those that count, and for
 * absent ones. Valid until the next run. */
const neurlp_status *neurlp_graph_statuses(const neurlp_graph *graph);

#endif
