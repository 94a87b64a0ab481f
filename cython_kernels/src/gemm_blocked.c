#include "gemm_blocked.h"

#include <stdlib.h>

#include "flush.h"
#include "halves.h"
#include "ordered_float.h"

#define INFINITE 0x7f800000u

/* 2^exponent times a whole number, rounded once: two factors, since one may be out of f32's range. */
static float scaled(int64_t whole, int exponent)
{
    int half = exponent / 2, other = exponent - half;
    return (float)whole * bits_float((uint32_t)(127 + half) << 23) * bits_float((uint32_t)(127 + other) << 23);
}

/* Infinities win over NaN; two unlike ones make a NaN. `products` are f32, denormals flushed. */
static float block_sum(const float *products, int count)
{
    int plus = 0, minus = 0, nan = 0;
    uint32_t largest = 0;
    for (int i = 0; i < count; i++) {
        uint32_t u = float_bits(products[i]), size = u & 0x7fffffffu;
        plus |= u == INFINITE;
        minus |= u == (INFINITE | 0x80000000u);
        nan |= size > INFINITE;
        largest = size > largest ? size : largest;
    }
    if (plus || minus)
        return bits_float(plus && minus ? CHIP_NAN : plus ? INFINITE : INFINITE | 0x80000000u);
    if (nan)
        return bits_float(CHIP_NAN);
    int top = (int)(largest >> 23);
    int64_t total = 0;
    for (int i = 0; i < count; i++) {
        uint32_t u = float_bits(products[i]);
        int exponent = (int)(u >> 23 & 255), drop = top - exponent;
        if (!exponent || drop > 25)
            continue;
        int64_t size = (int64_t)((u & 0x7fffffu) | 0x800000u) << 1 >> drop;
        total += u & 0x80000000u ? -size : size;
    }
    return total ? scaled(total, top - 127 - 24) : 0.0f;
}

float gemm_blocked_element(const gemm_blocked *job, int64_t row, int64_t column)
{
    const float *left = job->left + row * job->depth;
    const float *right = job->right + column / job->span * job->step + column % job->span;
    float sum = job->row_bias ? job->row_bias[row] : 0.0f;
    if (job->old)
        sum = ordered_add(sum, job->old[row * job->columns + column]);
    for (int64_t b = 0, k = 0; b < job->blocks; b++) {
        float products[BLOCK_PRODUCTS];
        int count = 0;
        for (; k < job->ends[b]; k++)
            products[count++] = left[k] * right[job->taps[k]];
        float block = block_sum(products, count);
        sum = job->sum_first ? ordered_add(sum, block) : ordered_add(block, sum);
    }
    return sum;
}

void gemm_blocked_store(const gemm_blocked *job, int64_t at, float value)
{
    uint32_t u = float_bits(value);
    if (job->kind == TO_F32)
        ((uint32_t *)job->result)[at] = u;
    else
        ((uint16_t *)job->result)[at] = job->kind == TO_F16 ? bits_to_half(u) : bits_to_bfloat(u);
}

static void tile_plain(const gemm_blocked *job, const gemm_tile *tile)
{
    for (int64_t row = tile->first_row; row < tile->last_row; row++)
        for (int64_t column = tile->first_column; column < tile->last_column; column++)
            gemm_blocked_store(job, row * job->columns + column, gemm_blocked_element(job, row, column));
}

int gemm_blocked_run(const gemm_blocked *job, run_options run)
{
    int threads = threads_for(run, job->rows * job->columns * job->depth);
    gemm_grid grid = gemm_grid_make(job->rows, job->columns, threads);
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        unsigned before = flush_begin();
        void *scratch = run.simd ? aligned_alloc(64, gemm_blocked_scratch(&grid)) : NULL;
        failed = run.simd && !scratch;
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < grid.tiles; i++) {
            gemm_tile tile = gemm_grid_tile(&grid, i);
            if (!run.simd)
                tile_plain(job, &tile);
            else if (scratch)
                gemm_blocked_tile_avx2(job, &tile, scratch);
        }
        free(scratch);
        flush_end(before);
    }
    return failed ? KERNEL_NO_MEMORY : KERNEL_OK;
}
