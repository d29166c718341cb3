/* One lane: code for a system that one thread of a GPU has. Included by lanes.h. The same code runs on a CPU,
 * number by number, where a GPU is imitated. */
#ifndef NEURLP_BLOCK_LANES_THREAD_H
#define NEURLP_BLOCK_LANES_THREAD_H

#define NEURLP_INLINE static __forceinline__ __host__ __device__
#define LANE_MEMBER   __forceinline__ __host__ __device__

/* Before loops over unknowns, rows and right-hand sides. Numbers in registers have no index: there such loops
 * are unrolled. Where bounds are not known (NEURLP_SIZES_KNOWN) copies of the loops would only cost room. */
#if defined(NEURLP_ROWS_IN_REGISTERS)
#define UNROLLED _Pragma("unroll")
#elif defined(NEURLP_SIZES_KNOWN)
#define UNROLLED
#else
#define UNROLLED _Pragma("unroll 1")
#endif

enum { LANES = 1, GROUP = 32 };

struct thread_mask {
  bool set;
  LANE_MEMBER thread_mask operator~() const {
    return {!set};
  }
  LANE_MEMBER thread_mask operator&(thread_mask other) const {
    return {set && other.set};
  }
  LANE_MEMBER thread_mask operator|(thread_mask other) const {
    return {set || other.set};
  }
  LANE_MEMBER thread_mask &operator&=(thread_mask other) {
    set = set && other.set;
    return *this;
  }
  LANE_MEMBER bool &operator[](int32_t) {
    return set;
  }
  LANE_MEMBER bool operator[](int32_t) const {
    return set;
  }
};
typedef thread_mask lane_mask, wide_mask;

template <typename number> struct thread_lane {
  number x;
  LANE_MEMBER number &operator[](int32_t) {
    return x;
  }
  LANE_MEMBER number operator[](int32_t) const {
    return x;
  }
  LANE_MEMBER thread_lane operator-() const {
    return {-x};
  }
  LANE_MEMBER friend thread_lane operator+(thread_lane a, thread_lane b) {
    return {a.x + b.x};
  }
  LANE_MEMBER friend thread_lane operator-(thread_lane a, thread_lane b) {
    return {a.x - b.x};
  }
  LANE_MEMBER friend thread_lane operator*(thread_lane a, thread_lane b) {
    return {a.x * b.x};
  }
  LANE_MEMBER friend thread_lane operator/(thread_lane a, thread_lane b) {
    return {a.x / b.x};
  }
  LANE_MEMBER thread_lane &operator+=(thread_lane b) {
    x += b.x;
    return *this;
  }
  LANE_MEMBER thread_lane &operator-=(thread_lane b) {
    x -= b.x;
    return *this;
  }
  LANE_MEMBER thread_lane &operator*=(thread_lane b) {
    x *= b.x;
    return *this;
  }
};
typedef thread_lane<inner> lanes;
typedef thread_lane<outer> wide;

/* A number of this thread, with those of its neighbours behind it. Only the first one is ever touched. */
template <typename number> class thread_cell {
public:
  thread_cell(const thread_cell &) = delete;
  LANE_MEMBER operator thread_lane<number>() const {
    return {own};
  }
  LANE_MEMBER thread_cell &operator=(thread_lane<number> value) {
    own = value.x;
    return *this;
  }
  LANE_MEMBER thread_cell &operator=(const thread_cell &other) {
    own = other.own;
    return *this;
  }
  LANE_MEMBER thread_cell &operator+=(thread_lane<number> value) {
    own += value.x;
    return *this;
  }
  LANE_MEMBER thread_cell &operator-=(thread_lane<number> value) {
    own -= value.x;
    return *this;
  }
  LANE_MEMBER thread_cell &operator*=(thread_lane<number> value) {
    own *= value.x;
    return *this;
  }
  LANE_MEMBER number &operator[](int32_t) {
    return own;
  }
  LANE_MEMBER number operator[](int32_t) const {
    return own;
  }

private:
  number own, neighbours[GROUP - 1];
};
typedef thread_cell<inner> lane_cell;
typedef thread_cell<outer> wide_cell;

/* The rows that are being eliminated: in registers where their number is known when this is compiled. */
#if defined(NEURLP_ROWS_IN_REGISTERS)
typedef lanes work_cell;
#else
typedef lane_cell work_cell;
#endif

#define DEFINE_LANE_FUNCTIONS(prefix, vector, number)                                                        \
  NEURLP_INLINE vector prefix##_all(double x) {                                                              \
    return {(number)x};                                                                                      \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_select(thread_mask where, vector yes, vector no) {                           \
    return where.set ? yes : no;                                                                             \
  }                                                                                                          \
  NEURLP_INLINE thread_mask prefix##_greater(vector x, vector y) {                                           \
    return {x.x > y.x};                                                                                      \
  }                                                                                                          \
  NEURLP_INLINE thread_mask prefix##_equal(vector x, vector y) {                                             \
    return {x.x == y.x};                                                                                     \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_abs(vector x) {                                                              \
    return {fabs(x.x)};                                                                                      \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_fma(vector a, vector b, vector c) {                                          \
    return {thread_fma(a.x, b.x, c.x)};                                                                      \
  }                                                                                                          \
  NEURLP_INLINE vector prefix##_with_sign(vector size, vector sign) {                                        \
    return {copysign(size.x, sign.x)};                                                                       \
  }                                                                                                          \
  NEURLP_INLINE thread_mask prefix##_finite(vector x) {                                                      \
    return {x.x - x.x == (number)0};                                                                         \
  }

/* Contractions are spelled out, the compiler's own are off: the same numbers from every kernel. An imitated
 * GPU has no fma: in software it would cost a hundred times as much. */
template <typename number> NEURLP_INLINE number thread_fma(number a, number b, number c) {
#if defined(__CUDA_ARCH__)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

DEFINE_LANE_FUNCTIONS(lanes, lanes, inner)
DEFINE_LANE_FUNCTIONS(wide, wide, outer)

NEURLP_INLINE lanes lanes_sqrt(lanes x) {
  return {sqrt(x.x)};
}

/* From one kind to the other; nothing is done where they are the same. */
NEURLP_INLINE lanes narrow(wide x) {
  return {(inner)x.x};
}
NEURLP_INLINE wide widen(lanes x) {
  return {(outer)x.x};
}
NEURLP_INLINE lane_mask narrow_mask(wide_mask x) {
  return x;
}
NEURLP_INLINE wide_mask widen_mask(lane_mask x) {
  return x;
}

NEURLP_INLINE wide wide_gather(const outer *const source[LANES], int64_t offset) {
  return {source[0][offset]};
}

NEURLP_INLINE void wide_scatter(wide x, outer *const target[LANES], int64_t offset, int32_t count) {
  if (count > 0) target[0][offset] = x.x;
}

/* Where a thread's cells begin in a workspace of GROUP threads. */
NEURLP_INLINE wide_cell *wide_cells(const void *memory, int32_t lane) {
  return (wide_cell *)((outer *)memory + lane);
}
NEURLP_INLINE lane_cell *lane_cells(const void *memory, int32_t lane) {
  return (lane_cell *)((inner *)memory + lane);
}

#endif
