/* What a deck says of networks around a mechanistic block; all of it plain data, made by whoever reads decks.
 *
 * One *sample* is a window of T grid points of D states, data [T][D]. Each state k is a block of its own,
 *
 *   sum_j c[t][k][j] u_k^(j) = b_k[t],    u_k^(j)(t = 0 .. K-1) = v[t][k][j],  j < J,    steps h[t],
 *
 * whose inputs come from the sources below, and whose solution the losses compare with the data. Source:
 * Pervez, Locatello, Gavves, ICML 2024, section 3; docs/math.md, section 9. */
#ifndef NEURLP_LEARN_NETWORK_NETWORK_SPEC_H
#define NEURLP_LEARN_NETWORK_NETWORK_SPEC_H

#include "graph/operations.h"

typedef enum neurlp_layer_kind {
  NEURLP_LAYER_DENSE,       /* to `width` numbers, along the last axis */
  NEURLP_LAYER_CONVOLUTION, /* over places, to `width` channels */
  NEURLP_LAYER_NORMALISE,   /* over the last axis */
  NEURLP_LAYER_RESIDUAL,    /* x + children(x) */
  NEURLP_LAYER_FLATTEN,     /* [places][channels] -> [places channels] */
  NEURLP_LAYER_MEAN,        /* [places][channels] -> [channels], over places */
  NEURLP_LAYER_ACTIVATION,  /* `activation` */
  NEURLP_LAYER_SCALE,       /* numbers[0] x + numbers[1] */
  NEURLP_LAYER_CLIP         /* to [numbers[0], numbers[1]] */
} neurlp_layer_kind;

typedef struct neurlp_layer_spec {
  neurlp_layer_kind kind;
  int64_t width; /* dense, convolution; 0: as many as its use needs, for the last layer with a width */
  int32_t kernel, stride,
      dilation;  /* convolution; what is added at both ends keeps the length where stride is 1 */
  bool circular; /* that wraps around, instead of being zeros */
  neurlp_unary activation;
  double numbers[2];
  int32_t child_count;
  struct neurlp_layer_spec *children;
} neurlp_layer_spec;

/* What a network's layers take for places, and what for the channels of a place. */
typedef enum neurlp_network_axis {
  NEURLP_AXIS_TIME, /* [T][D]: steps are places, states are channels */
  NEURLP_AXIS_SPACE /* [D][T]: states are places, as those of a partial differential equation are */
} neurlp_network_axis;

typedef struct neurlp_network_spec {
  const char *name;
  neurlp_network_axis axis;
  int32_t layer_count;
  neurlp_layer_spec *layers;
} neurlp_network_spec;

typedef enum neurlp_source_kind {
  NEURLP_SOURCE_NONE,
  NEURLP_SOURCE_CONSTANT,  /* numbers */
  NEURLP_SOURCE_PARAMETER, /* trained, the same for all samples; numbers: where it starts */
  NEURLP_SOURCE_NETWORK,   /* what a network makes of the data */
  NEURLP_SOURCE_DATA,      /* the data themselves */
  NEURLP_SOURCE_STATES,    /* the state estimate */
  NEURLP_SOURCE_LIBRARY    /* rhs only: sum_l w[k][l] phi_l(states) */
} neurlp_source_kind;

typedef struct neurlp_source_spec {
  neurlp_source_kind kind;
  int32_t network; /* index */
  int32_t number_count;
  double *numbers;
  bool ranged; /* lower + (upper - lower) sigmoid(x), so that x = 0 is the middle; in the data's units */
  double lower, upper;
  int32_t range_count; /* coefficients: of each derivative a range of its own; 0: none has */
  double *ranges;      /* [range_count][2]; equal bounds: a constant */
  bool steady;         /* coefficients from a network: the same at all times of a window */
  bool residual;       /* states from a network: the data plus what it makes of them */
  bool solved;         /* weights: by variable projection instead of by steps of the optimiser */
} neurlp_source_spec;

/* What a loss compares with the data, or a penalty is taken of. */
typedef enum neurlp_loss_of {
  NEURLP_LOSS_OF_SOLUTION,
  NEURLP_LOSS_OF_STATES,
  NEURLP_LOSS_OF_WEIGHTS
} neurlp_loss_of;
typedef enum neurlp_loss_measure {
  NEURLP_MEASURE_SQUARE,
  NEURLP_MEASURE_ABSOLUTE,
  NEURLP_MEASURE_RELATIVE,
  NEURLP_MEASURE_L1, /* of weights */
  NEURLP_MEASURE_L2
} neurlp_loss_measure;

typedef struct neurlp_loss_spec {
  neurlp_loss_of of;
  neurlp_loss_measure measure;
  double weight;
  int64_t first, end;  /* grid points that count; end 0: to the last */
  bool against_states; /* of the solution: compared with the state estimate instead of the data */
} neurlp_loss_spec;

typedef struct neurlp_wiring {
  int32_t network_count;
  neurlp_network_spec *networks;
  neurlp_source_spec states, coefficients, rhs, weights, initial_values, steps;
  int64_t seen;                /* first samples of a window that anything but the losses can see; 0: all */
  int32_t initial_steps;       /* K */
  int32_t initial_derivatives; /* J; 1 where the values are those of data or states */
  int32_t loss_count;
  neurlp_loss_spec *losses;
} neurlp_wiring;

#endif
