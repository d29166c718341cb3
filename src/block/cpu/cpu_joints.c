/* The backend cpu: the unknowns at the joints of pieces of time. Systems are joined side by side, and the
 * lower parts of the tree of a long one. */
#include "block/cpu/cpu.h"

#include <float.h>
#include <omp.h>
#include <string.h>

static neurlp_end_layout layout_of(const neurlp_problem *problem) {
  return neurlp_end_layout_of(problem->unknowns, problem->shape.columns);
}

/* Pieces of a system from which on threads share its tree, below so many levels. */
enum { SHARED_PIECES = 64, SHARED_LEVELS = 4 };

/* One system's pieces. */
typedef struct joined_system {
  neurlp_tree tree;
  int64_t pieces; /* the head, too */
  int32_t levels; /* of the tree that one thread does alone; what is below, threads share */
  bool joined;    /* whether there are joints at all */
} joined_system;

static joined_system open_system(const cpu_state *cpu, int64_t systems, int64_t s, int64_t count,
                                 bool normal) {
  const cpu_cut *cut = &cpu->cut;
  const neurlp_end_layout layout = layout_of(cpu->problem);
  const int64_t begin = neurlp_cut_first(cut->pieces, systems, s, count),
                end = neurlp_cut_first(cut->pieces, systems, s + 1, count), others = systems + begin,
                place = neurlp_cut_place_cpu(cut, s);
  double *records = cut->merged ? cut->merged : cut->ends;
  const neurlp_tree tree = {.layout = layout,
                            .normal = normal,
                            .epsilon =
                                cpu->problem->shape.precision == NEURLP_SINGLE ? FLT_EPSILON : DBL_EPSILON,
                            .first = 1,
                            .head = records + place * layout.numbers,
                            .ends = records + others * layout.numbers,
                            .kept = cut->kept + begin * neurlp_tree_kept_numbers(layout),
                            .joints = cut->joints + cut->pieces[s].joint * layout.unknowns * layout.columns,
                            .head_status = cut->status + place,
                            .status = cut->status + others,
                            .given = cut->given ? cut->given + s : NULL};
  const int64_t pieces = end - begin + 1;
  return (joined_system){.tree = tree,
                         .pieces = pieces,
                         .levels = pieces >= SHARED_PIECES ? SHARED_LEVELS : 0,
                         .joined = cut->pieces[s].joined};
}

static double *merging_of(const cpu_state *cpu) {
  return cpu->cut.merging + omp_get_thread_num() * neurlp_tree_work_numbers(layout_of(cpu->problem));
}

/* The node of a system's tree that a thread does alone; false: there are not so many. */
static bool open_node(const joined_system *own, int64_t node, int64_t *first, int64_t *end) {
  *first = *end = 0;
  if (node >= (int64_t)1 << own->levels) return false;
  *first = neurlp_tree_node(own->pieces, own->levels, node);
  *end = neurlp_tree_node(own->pieces, own->levels, node + 1);
  return true;
}

/* From the shared nodes to the joint at the end, and back to the joints at the ends of shared nodes. A
 * failure is given to all pieces. */
static void join_top(const cpu_state *cpu, const joined_system *own, double *zeros) {
  const neurlp_tree *tree = &own->tree;
  const int64_t size = tree->layout.unknowns * tree->layout.columns;
  double *work = merging_of(cpu);
  neurlp_tree_gather(tree, 0, own->pieces, own->levels, work);
  neurlp_status status = *tree->head_status;
  if (status == NEURLP_SUCCESS)
    status = neurlp_tree_root(tree, tree->head, work, tree->joints + (own->pieces - 1) * size);
  if (status == NEURLP_SUCCESS) neurlp_tree_spread(tree, 0, own->pieces, own->levels, zeros);
  *tree->head_status = status;
  for (int64_t p = 0; p + 1 < own->pieces; p++) tree->status[p] = status;
}

/* Records of pieces [first, end) of a system, to where they are merged. */
static void copy_ends(const cpu_cut *cut, const joined_system *own, int64_t first, int64_t end) {
  const neurlp_tree *tree = &own->tree;
  const size_t bytes = (size_t)tree->layout.numbers * sizeof(double);
  if (!cut->merged) return;
  if (first == 0) memcpy(tree->head, cut->ends + (tree->head - cut->merged), bytes);
  for (int64_t p = first > 0 ? first : 1; p < end; p++) {
    double *to = tree->ends + (p - 1) * tree->layout.numbers;
    memcpy(to, cut->ends + (to - cut->merged), bytes);
  }
}

void neurlp_solve_joints_cpu(cpu_state *cpu, int64_t systems, int64_t count, bool normal) {
  const int64_t nodes = (int64_t)1 << SHARED_LEVELS;
  const int64_t size = layout_of(cpu->problem).unknowns * layout_of(cpu->problem).columns;
  double *zeros = cpu->cut.zeros;
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
  for (int64_t i = 0; i < systems * nodes; i++) {
    const joined_system own = open_system(cpu, systems, i / nodes, count, normal);
    int64_t first, end;
    if (!own.joined || !open_node(&own, i % nodes, &first, &end)) continue;
    copy_ends(&cpu->cut, &own, first, end);
    neurlp_tree_gather(&own.tree, first, end, NEURLP_TREE_ALL, merging_of(cpu));
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads) if (systems > 1)
  for (int64_t s = 0; s < systems; s++) {
    const joined_system own = open_system(cpu, systems, s, count, normal);
    if (own.joined) join_top(cpu, &own, zeros);
  }
#pragma omp parallel for schedule(dynamic, 1) num_threads(cpu->threads)
  for (int64_t i = 0; i < systems * nodes; i++) {
    const joined_system own = open_system(cpu, systems, i / nodes, count, normal);
    int64_t first, end;
    if (!own.joined || *own.tree.head_status != NEURLP_SUCCESS || !open_node(&own, i % nodes, &first, &end))
      continue;
    neurlp_tree_spread(&own.tree, first, end, NEURLP_TREE_ALL,
                       first == 0 ? zeros : own.tree.joints + (first - 1) * size);
  }
}
