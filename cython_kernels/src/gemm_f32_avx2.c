#include <immintrin.h>
#include <stdlib.h>

#include "gemm.h"
#include "gemm_panel.h"
#include "gemm_tiles.h"

#define AVX2 __attribute__((target("avx2")))
#define PANEL_ELEMENTS ((PANEL_DEPTH + 1) * GEMM_COLUMNS)

size_t gemm_f32_scratch(const gemm_grid *grid)
{
    size_t sums = 2 * (size_t)(grid->tile_rows + GEMM_ROWS) * GEMM_COLUMNS;
    return ((PANEL_ELEMENTS + sums) * sizeof(float) + 63) / 64 * 64;
}

/* sums[rows][16] += left[count][rows] (every second k of a group) * panel[count][16]: a product, then a sum, never fused. */
AVX2 static inline __attribute__((always_inline)) void block(const int rows, const float *left, const float *panel,
                                                             int64_t count, float *sums)
{
    __m256 c[GEMM_ROWS][2];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        c[r][0] = _mm256_load_ps(sums + r * GEMM_COLUMNS);
        c[r][1] = _mm256_load_ps(sums + r * GEMM_COLUMNS + 8);
    }
    for (int64_t k = 0; k < count; k++, left += 2 * GEMM_ROWS, panel += GEMM_COLUMNS) {
        __m256 b0 = _mm256_load_ps(panel), b1 = _mm256_load_ps(panel + 8);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m256 a = _mm256_broadcast_ss(left + r);
            c[r][0] = _mm256_add_ps(c[r][0], _mm256_mul_ps(b0, a));
            c[r][1] = _mm256_add_ps(c[r][1], _mm256_mul_ps(b1, a));
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        _mm256_store_ps(sums + r * GEMM_COLUMNS, c[r][0]);
        _mm256_store_ps(sums + r * GEMM_COLUMNS + 8, c[r][1]);
    }
}

AVX2 static void multiply(int rows, const float *left, const float *panel, int64_t count, float *sums)
{
    switch (rows) {
    case 1: block(1, left, panel, count, sums); break;
    case 2: block(2, left, panel, count, sums); break;
    case 3: block(3, left, panel, count, sums); break;
    case 4: block(4, left, panel, count, sums); break;
    case 5: block(5, left, panel, count, sums); break;
    default: block(6, left, panel, count, sums); break;
    }
}

/* Where the accumulators start. */
AVX2 static void begin(const gemm_f32 *job, const gemm_tile *tile, float *sums0, float *sums1)
{
    int64_t width = tile->last_column - tile->first_column;
    for (int64_t row = tile->first_row; row < tile->last_row; row++, sums0 += GEMM_COLUMNS, sums1 += GEMM_COLUMNS)
        for (int64_t i = 0; i < GEMM_COLUMNS; i++) {
            int64_t column = tile->first_column + (i < width ? i : 0);
            sums0[i] = job->row_bias ? job->row_bias[row] : job->column_bias ? job->column_bias[column] : 0.0f;
            sums1[i] = job->old ? job->old[row * job->columns + column] : 0.0f;
        }
}

AVX2 static int end(const gemm_f32 *job, const gemm_tile *tile, const float *sums0, const float *sums1)
{
    int64_t width = tile->last_column - tile->first_column;
    int any_nan = 0;
    for (int64_t row = tile->first_row; row < tile->last_row; row++, sums0 += GEMM_COLUMNS, sums1 += GEMM_COLUMNS) {
        float *to = job->result + row * job->columns + tile->first_column;
        for (int64_t i = 0; i < width; i++) {
            float v = sums1[i] + sums0[i];
            to[i] = v;
            any_nan |= v != v;
        }
    }
    return any_nan;
}

AVX2 void gemm_f32_tile_avx2(const gemm_f32 *job, const gemm_tile *tile, void *scratch)
{
    int64_t rows = tile->last_row - tile->first_row, padded = (rows + GEMM_ROWS - 1) / GEMM_ROWS * GEMM_ROWS;
    float *panel = scratch, *sums[2] = {panel + PANEL_ELEMENTS, panel + PANEL_ELEMENTS + padded * GEMM_COLUMNS};
    panel_run runs[GEMM_COLUMNS];
    int run_count = panel_runs(tile->first_column, tile->last_column, job->span, job->step, runs);
    const float *left = job->left + tile->first_row * job->depth;
    begin(job, tile, sums[0], sums[1]);
    for (int parity = 0; parity < 2; parity++) {
        /* product k is term k + 1, or k + 2 behind an old result */
        float *target = sums[(parity + (job->old ? 2 : 1)) % 2];
        int64_t total = (job->depth - parity + 1) / 2;
        for (int64_t done = 0; done < total; done += PANEL_DEPTH) {
            int64_t count = total - done < PANEL_DEPTH ? total - done : PANEL_DEPTH, k = parity + 2 * done;
            panel_fill(job->right, job->taps + k, 2, count, runs, run_count, (int32_t *)panel);
            for (int64_t row = 0; row < rows; row += GEMM_ROWS)
                multiply(rows - row < GEMM_ROWS ? (int)(rows - row) : GEMM_ROWS, left + row * job->depth + k * GEMM_ROWS,
                         panel, count, target + row * GEMM_COLUMNS);
        }
    }
    if (end(job, tile, sums[0], sums[1]))
        gemm_f32_repair(job, tile);
}
