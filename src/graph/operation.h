/* What an operation of a graph is: an entry of one table (operations.c), with kernels for each backend. */
#ifndef NEURLP_GRAPH_OPERATION_H
#define NEURLP_GRAPH_OPERATION_H

#include "graph/graph.h"

enum { NEURLP_NODE_INPUTS = 8 };

typedef enum neurlp_role {
  NEURLP_ROLE_INPUT,
  NEURLP_ROLE_CONSTANT,
  NEURLP_ROLE_PARAMETER,
  NEURLP_ROLE_COMPUTED
} neurlp_role;

typedef enum neurlp_unary {
  NEURLP_UNARY_RELU,
  NEURLP_UNARY_ELU,
  NEURLP_UNARY_GELU,
  NEURLP_UNARY_TANH,
  NEURLP_UNARY_SIGMOID,
  NEURLP_UNARY_SOFTPLUS,
  NEURLP_UNARY_SCALE, /* factor x + offset */
  NEURLP_UNARY_CLIP,  /* to [lower, upper] */
  NEURLP_UNARY_EXP,
  NEURLP_UNARY_SQUARE,
  NEURLP_UNARY_COUNT
} neurlp_unary;

typedef enum neurlp_loss_kind {
  NEURLP_LOSS_SQUARE,
  NEURLP_LOSS_ABSOLUTE,
  NEURLP_LOSS_RELATIVE
} neurlp_loss_kind;

/* How a convolution walks over its input; {.stride = 1, .dilation = 1} is the plain one. */
typedef struct neurlp_convolution {
  int64_t stride;   /* 1 or more: from one output to the next */
  int64_t dilation; /* 1 or more: from one number of the kernel to the next */
  int64_t padding;  /* 0 or more: on either side */
  bool circular;    /* whether padding is the other end of the input, which is to be at least as long; or 0 */
} neurlp_convolution;

/* What an operation is told beside its inputs; which part counts, the operation says. */
typedef struct neurlp_attributes {
  neurlp_unary unary;
  double numbers[2];                 /* scale: factor, offset; clip: bounds; elu: alpha; normalise: epsilon */
  int32_t axis;                      /* slice, concatenate; normalise: how many, from the last one */
  int64_t first, count, stride;      /* slice */
  uint32_t axes;                     /* reduce: bit i for axis i */
  bool mean;                         /* reduce */
  int32_t order[NEURLP_TENSOR_RANK]; /* permute: axis of the input that becomes axis i */
  neurlp_convolution convolution;
  neurlp_loss_kind loss;     /* penalty: square or absolute */
  neurlp_tensor_shape shape; /* reshape, broadcast */
} neurlp_attributes;

typedef struct neurlp_operation neurlp_operation;

/* One value of a graph and what computes it. */
typedef struct neurlp_node {
  const neurlp_operation *operation; /* NULL unless computed */
  neurlp_role role;
  char *name; /* or NULL */
  int32_t input_count;
  neurlp_value inputs[NEURLP_NODE_INPUTS];
  neurlp_attributes attributes;
  void *object; /* an operation's own: a block's solver, a library's program; or NULL */
  neurlp_tensor_shape shape;
  int64_t numbers;
  bool trained; /* a gradient flows to it */
  bool kept;    /* readable after a run */
  bool decayed; /* parameters */
  neurlp_parameter_kind kind;
  int64_t fan_in;       /* parameters */
  neurlp_value alias;   /* the value whose memory this one shares: its own index, or an earlier one */
  size_t scratch_bytes; /* workspace, gone after forward or backward */
  size_t saved_bytes;   /* workspace that keeps what forward wrote for backward */
  void *data, *gradient, *scratch, *saved;
} neurlp_node;

struct neurlp_operation {
  const char *name;
  /* Whether backward reads the inputs' numbers, and its own value's: they are kept for it. */
  bool reads_inputs, reads_output;
  /* Checks the inputs and sets shape and workspace sizes of the node; role, inputs, attributes and object are
   * set. Messages do not name the operation: the caller does. */
  neurlp_status (*infer)(neurlp_graph *graph, neurlp_node *node);
  /* Makes ready what the object needs to run, when the graph's memory is allocated. NULL: nothing. */
  neurlp_status (*prepare)(neurlp_graph *graph, neurlp_node *node);
  /* Frees node->object. NULL: there is none. */
  void (*release)(neurlp_context *context, void *object);
  /* Bytes that the object holds beside the arena once it is prepared. NULL: none. */
  size_t (*object_bytes)(const void *object);
};

/* What a backend does for one operation. forward writes every number of the value. backward adds to the
 * gradients of inputs whose `trained` is set, from that of the node; NULL if no gradient can flow. Both are
 * given nodes whose pointers are set. */
typedef struct neurlp_kernel {
  neurlp_status (*forward)(neurlp_graph *graph, neurlp_node *node);
  neurlp_status (*backward)(neurlp_graph *graph, neurlp_node *node);
} neurlp_kernel;

/* All operations; the table is in operations.c, those of kernels are indexed likewise. A new operation is a
 * line here, a file in operation/, one in cpu/ and one in cuda/graph/. */
#define NEURLP_OPERATIONS(X)                                                                                 \
  X(unary)                                                                                                   \
  X(add)                                                                                                     \
  X(multiply)                                                                                                \
  X(dense)                                                                                                   \
  X(reshape)                                                                                                 \
  X(convolution)                                                                                             \
  X(normalise)                                                                                               \
  X(concatenate)                                                                                             \
  X(slice)                                                                                                   \
  X(permute)                                                                                                 \
  X(broadcast)                                                                                               \
  X(penalty)                                                                                                 \
  X(reduce)                                                                                                  \
  X(loss)                                                                                                    \
  X(library)                                                                                                 \
  X(block)                                                                                                   \
  X(nonlinear)

typedef enum neurlp_operation_index {
#define NEURLP_OPERATION_INDEX(name) NEURLP_OPERATION_##name,
  NEURLP_OPERATIONS(NEURLP_OPERATION_INDEX)
#undef NEURLP_OPERATION_INDEX
      NEURLP_OPERATION_COUNT
} neurlp_operation_index;

#define NEURLP_OPERATION_DECLARATION(name) extern const neurlp_operation neurlp_operation_##name;
NEURLP_OPERATIONS(NEURLP_OPERATION_DECLARATION)
#undef NEURLP_OPERATION_DECLARATION

extern const neurlp_operation *const neurlp_operations[NEURLP_OPERATION_COUNT];

/* The node of a value. */
neurlp_node *neurlp_graph_node(neurlp_graph *graph, neurlp_value value);

/* Adds a node: checks inputs, infers its shape, or remembers the failure. `object` becomes the node's (it is
 * released on failure, too). */
neurlp_value neurlp_graph_add_node(neurlp_graph *graph, neurlp_operation_index operation, int32_t input_count,
                                   const neurlp_value *inputs, const neurlp_attributes *attributes,
                                   void *object);

/* Remembers a failure of building, unless there was one before; `status` is negative. NEURLP_NO_VALUE. */
neurlp_value neurlp_graph_refuse(neurlp_graph *graph, neurlp_status status);

/* The run at hand: how many samples are present, the weight of each, and their statuses [samples], where a
 * kernel may note a failure. In memory of the host. */
int64_t neurlp_graph_present(const neurlp_graph *graph);
double neurlp_graph_weight(const neurlp_graph *graph);
neurlp_status *neurlp_graph_sample_statuses(neurlp_graph *graph);

/* Whether sample s is present, and nothing of it has failed so far. */
static inline bool neurlp_graph_sample_counts(neurlp_graph *graph, int64_t s) {
  return s < neurlp_graph_present(graph) && neurlp_graph_sample_statuses(graph)[s] == NEURLP_SUCCESS;
}

/* What a backend has beside kernels where these only start work, which is done later and in order. */
typedef struct neurlp_graph_machine {
  /* Finds the machine. Fails with NEURLP_ERROR_ARGUMENT where there is none. */
  neurlp_status (*open)(neurlp_context *context);
  /* What a graph has of its own on the machine, beside its arena: bytes, once memory is planned; made when it
   * is allocated; let go, before anything else is. */
  size_t (*bytes)(neurlp_graph *graph);
  neurlp_status (*create)(neurlp_graph *graph, void **own);
  void (*destroy)(neurlp_context *context, void **own);
  /* Where an input's numbers, in the graph's precision, are on the host: the next forward run begins by
   * taking them to the machine. Waits while an earlier one still does. */
  neurlp_status (*room)(neurlp_graph *graph, const neurlp_node *input, void **room);
  /* A forward run is to begin: present samples, weight and cleared statuses are to be seen by its kernels. */
  neurlp_status (*begin)(neurlp_graph *graph);
  /* Runs all steps of a pass (neurlp_graph_run_steps), a backward one from neurlp_graph_start_backward on; or
   * of both. After a forward one the statuses of samples are on the host. */
  neurlp_status (*pass)(neurlp_graph *graph, bool forward);
  neurlp_status (*both)(neurlp_graph *graph);
  /* As graph.h says of neurlp_graph_start and its like. `both` has begun, and ends, with these. */
  bool (*whole)(neurlp_graph *graph);
  neurlp_status (*start)(neurlp_graph *graph);
  neurlp_status (*settle)(neurlp_graph *graph);
  neurlp_graph_view (*view)(neurlp_graph *graph);
  /* A number of the last forward run that came to the host with its statuses; waits until it is there.
   * *found: whether this value has come. */
  neurlp_status (*number)(neurlp_graph *graph, neurlp_value value, double *number, bool *found);
  /* Makes *number 1, in the graph's precision, in order with kernels. */
  neurlp_status (*set_one)(neurlp_graph *graph, void *number);
  /* Until all that was started is done. */
  neurlp_status (*wait)(neurlp_context *context);
  /* Bytes of what solves linear blocks there, for one with this problem; it is made with the rest. */
  size_t (*block_bytes)(neurlp_context *context, const neurlp_problem *problem);
} neurlp_graph_machine;

/* What runs graphs: memory, and a kernel for each operation. Uploads and downloads are done when they return,
 * after what was started before. */
typedef struct neurlp_graph_backend {
  const char *name;
  neurlp_status (*allocate)(neurlp_context *context, size_t bytes, void **memory);
  void (*release)(neurlp_context *context, void **memory);
  neurlp_status (*upload)(neurlp_context *context, void *to, const void *from, size_t bytes);
  neurlp_status (*download)(neurlp_context *context, void *to, const void *from, size_t bytes);
  neurlp_status (*fill)(neurlp_context *context, void *memory, unsigned char byte, size_t bytes);
  neurlp_kernel (*kernel)(neurlp_operation_index operation, neurlp_precision precision);
  const neurlp_graph_machine *machine; /* NULL: what a kernel does is done when it returns */
} neurlp_graph_backend;

/* Runs steps first..end-1 of a pass, one after the other. Step i of forward is value i; step i of backward is
 * value `loss` - i, whose gradient goes on to its inputs. Steps that have nothing to do are steps, too.
 * `checked`: with what the checking backends look for, which waits in between. */
NEURLP_MUST_USE neurlp_status neurlp_graph_run_steps(neurlp_graph *graph, bool forward, int32_t first,
                                                     int32_t end, bool checked);

/* Gradients of parameters are 0, that of the loss is 1. */
NEURLP_MUST_USE neurlp_status neurlp_graph_start_backward(neurlp_graph *graph);

/* The value of a step, and what the machine has of this graph. */
neurlp_value neurlp_graph_step_value(const neurlp_graph *graph, bool forward, int32_t step);
void *neurlp_graph_own(const neurlp_graph *graph);
const neurlp_graph_machine *neurlp_graph_machine_of(const neurlp_graph *graph); /* NULL: there is none */
int32_t neurlp_graph_values(const neurlp_graph *graph);

const neurlp_graph_backend *neurlp_graph_backend_cpu(void);
#ifdef NEURLP_HAVE_CUDA
const neurlp_graph_backend *neurlp_graph_backend_cuda(void); /* cuda/graph/ */
#endif

#endif
