/* Matrix products in the chip's arithmetic. The left matrix [rows, depth] is packed once (weights, usually); the right one
   [depth, columns] is read where it lies: element (k, p) at right[taps[k] + p / span * step + p % span], so that it can be
   the windows of a convolution (span: result width, step: stored elements between two result rows) as well as a plain matrix. */
#ifndef TPUC_GEMM_H
#define TPUC_GEMM_H

#include <stdint.h>

#include "run.h"

/* Rows of a packed group, and columns of a panel: the register block of the SIMD kernels. */
#define GEMM_ROWS 6
#define GEMM_COLUMNS 16

/* Elements of a packed left matrix. For the integer form depth counts pairs. */
int64_t gemm_packed_size(int64_t rows, int64_t depth);

typedef struct {
    int64_t rows, depth, columns;
    const float *left;     /* packed: [group][depth][GEMM_ROWS] */
    const float *right;    /* followed by WINDOW_SLACK readable elements */
    const int64_t *taps;   /* [depth] */
    int64_t span, step;
    const float *row_bias, *column_bias; /* at most one; neither: +0 */
    const float *old;      /* [rows, columns] or NULL */
    int right_first;       /* a product's first operand, whose NaN passes, is the right matrix's element */
    float *result;         /* [rows, columns] */
} gemm_f32;

void gemm_f32_pack(const float *matrix, int64_t rows, int64_t depth, float *packed);

/* Accumulator 0 starts with bias, accumulator 1 with old (where given, else +0). The products, in the order of depth, are added to
   the two in turn: to accumulator 1 first, or to accumulator 0 where there is an old result. The result is accumulator 1 +
   accumulator 0. Every step rounds to f32. */
int gemm_f32_run(const gemm_f32 *job, run_options run);

/* What becomes of a 32-bit sum. */
typedef struct {
    int is_signed;          /* the sum is s32, not u32; decides saturation and shifts */
    int bits;               /* of the result: 8, 16 (saturated), 32 */
    int requantize;         /* v = (sum + bias) rounded-shifted; else the sum itself */
    int relu;               /* saturates to the unsigned range */
    int32_t shift;
    const int32_t *row_bias; /* [rows] or NULL */
    const int32_t *old;     /* [rows, columns], 32-bit results only, or NULL */
    void *result;           /* [rows, columns] of int8/16/32 patterns */
} gemm_finish;

typedef struct {
    int64_t rows, depth, columns; /* depth: pairs of products */
    const int32_t *left;    /* packed pairs of int16: [group][depth][GEMM_ROWS] */
    const int32_t *right;   /* pairs of int16 */
    const int64_t *taps;
    int64_t span, step;
    gemm_finish finish;
} gemm_int;

/* matrix: [rows, channels, taps] of int16; channels 2p and 2p + 1 make the pair (p, tap). */
void gemm_int_pack(const int16_t *matrix, int64_t rows, int64_t channels, int64_t taps, int32_t *packed);

/* Sums of products modulo 2^32. */
int gemm_int_run(const gemm_int *job, run_options run);

/* A row's `count` sums to their results, starting at element `at` of the result. */
void gemm_finish_row(const gemm_finish *finish, int64_t row, int64_t at, const int32_t *sums, int64_t count);

#endif
