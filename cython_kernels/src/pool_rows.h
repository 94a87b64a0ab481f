/* One row of results of a depthwise convolution or a pooling. */
#ifndef TPUC_POOL_ROWS_H
#define TPUC_POOL_ROWS_H

#include "pool.h"

/* What a pooling costs, in the unit of run.h. */
static inline int64_t pool_work(const window *win)
{
    int64_t results = win->out_h * win->out_w * win->kernel_h * win->kernel_w;
    return win->n * win->c * (results + win->plane * WORK_OF_A_MOVE);
}

typedef struct {
    pool_kind kind;
    int64_t count;        /* taps */
    const int64_t *taps;  /* offsets from a result's place in the enlarged plane */
    const float *weights; /* [count] */
    float bias, multiplier;
} pool_f32_row;

float pool_f32_element(const pool_f32_row *row, const float *at);
void pool_f32_row_avx2(const pool_f32_row *row, const float *from, float *to, int64_t count);

typedef struct {
    pool_kind kind;
    float_kind type;
    int64_t count;
    const int64_t *taps;
    const float *weights;
    float bias, multiplier;
} pool_half_row;

/* The lowest finite number of f16 and bf16: where a maximum starts. */
#define LOWEST_F16 0xfbffu
#define LOWEST_BF16 0xff7fu

void pool_half_row_avx2(const pool_half_row *row, const uint16_t *from, uint16_t *to, int64_t count);

typedef struct {
    int64_t count;
    const int64_t *taps;
    const int16_t *weights; /* NULL: all ones */
} pool_int_row;

/* Sums of products modulo 2^32, and maxima, of `count` neighbouring results. `sums` has room for WINDOW_SLACK more. */
void pool_int_sums_avx2(const pool_int_row *row, const int16_t *from, int32_t *sums, int64_t count);
void pool_int_maxima_avx2(const pool_int_row *row, const int16_t *from, int32_t *maxima, int64_t count);

#endif
