/* Matrix products of f16 and bf16 operands (widened to f32): the chip's block adder (docs/isa, MM2). A block is up to 32
   products. The largest one's exponent E is found, each product is cut towards zero to a multiple of 2^(E - 24), their exact
   sum is rounded once to f32 and added to an f32 accumulator. */
#ifndef TPUC_GEMM_BLOCKED_H
#define TPUC_GEMM_BLOCKED_H

#include <stddef.h>
#include <stdint.h>

#include "gemm_tiles.h"
#include "run.h"

#define BLOCK_PRODUCTS 32

typedef enum { TO_F32, TO_F16, TO_BF16 } float_kind;

typedef struct {
    int64_t rows, depth, columns;
    const float *left;           /* [rows, depth] */
    const float *right;          /* followed by WINDOW_SLACK readable elements */
    const int64_t *taps;         /* [depth]: see gemm.h */
    int64_t span, step;
    const int64_t *ends;         /* [blocks]: the depth behind each block, rising by at most BLOCK_PRODUCTS */
    int64_t blocks;
    const float *row_bias;       /* where the accumulator starts, or NULL: +0 */
    const float *old;            /* added before the blocks, or NULL */
    int sum_first;               /* of two NaNs the accumulator's passes, not the block's */
    float_kind kind;             /* of the result, rounded once from the accumulator */
    void *result;                /* [rows, columns] */
} gemm_blocked;

int gemm_blocked_run(const gemm_blocked *job, run_options run);

/* The accumulator of one result by the definition. */
float gemm_blocked_element(const gemm_blocked *job, int64_t row, int64_t column);
void gemm_blocked_store(const gemm_blocked *job, int64_t at, float value);

size_t gemm_blocked_scratch(const gemm_grid *grid);
void gemm_blocked_tile_avx2(const gemm_blocked *job, const gemm_tile *tile, void *scratch);

#endif
