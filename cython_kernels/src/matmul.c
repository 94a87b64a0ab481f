#include "matmul.h"

#include <stdlib.h>
#include <string.h>

int matmul_f32(const float *packed, const float *right, int64_t rows, int64_t depth, int64_t columns, const float *bias,
               const float *old, float *result, run_options run)
{
    if (!columns)
        return KERNEL_OK;
    int64_t *taps = malloc(sizeof(int64_t) * (size_t)(depth + 1));
    /* a copy, for the slack behind its end */
    float *big = malloc(sizeof(float) * (size_t)(depth * columns + WINDOW_SLACK));
    int status = taps && big ? KERNEL_OK : KERNEL_NO_MEMORY;
    if (status == KERNEL_OK) {
        for (int64_t k = 0; k < depth; k++)
            taps[k] = k * columns;
        memcpy(big, right, sizeof(float) * (size_t)(depth * columns));
        gemm_f32 job = {.rows = rows, .depth = depth, .columns = columns, .left = packed, .right = big, .taps = taps,
                        .span = columns, .step = 0, .column_bias = bias, .old = old, .result = result};
        status = gemm_f32_run(&job, run);
    }
    free(big);
    free(taps);
    return status;
}

int matmul_blocked(const float *left, const float *right, int64_t rows, int64_t depth, int64_t columns, const float *old,
                   float_kind kind, void *result, run_options run)
{
    if (!columns)
        return KERNEL_OK;
    int64_t blocks = (depth + BLOCK_PRODUCTS - 1) / BLOCK_PRODUCTS;
    int64_t *taps = malloc(sizeof(int64_t) * (size_t)(depth + blocks + 1)), *ends = taps + depth;
    float *big = malloc(sizeof(float) * (size_t)(depth * columns + WINDOW_SLACK));
    int status = taps && big ? KERNEL_OK : KERNEL_NO_MEMORY;
    if (status == KERNEL_OK) {
        for (int64_t k = 0; k < depth; k++)
            taps[k] = k * columns;
        for (int64_t b = 0; b < blocks; b++)
            ends[b] = b + 1 < blocks ? (b + 1) * BLOCK_PRODUCTS : depth;
        memcpy(big, right, sizeof(float) * (size_t)(depth * columns));
        gemm_blocked job = {.rows = rows, .depth = depth, .columns = columns, .left = left, .right = big, .taps = taps,
                            .span = columns, .step = 0, .ends = ends, .blocks = blocks, .old = old, .kind = kind,
                            .result = result};
        status = gemm_blocked_run(&job, run);
    }
    free(big);
    free(taps);
    return status;
}
