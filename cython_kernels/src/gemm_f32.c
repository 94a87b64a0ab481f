#include <stdlib.h>

#include "flush.h"
#include "gemm.h"
#include "gemm_tiles.h"
#include "ordered_float.h"

/* One result with all of the chip's NaN rules: the definition of this product, and what repairs the NaNs of fast paths. */
static float element(const gemm_f32 *job, int64_t row, int64_t column)
{
    const float *left = job->left + row / GEMM_ROWS * GEMM_ROWS * job->depth + row % GEMM_ROWS;
    const float *right = job->right + column / job->span * job->step + column % job->span;
    float bias = job->row_bias ? job->row_bias[row] : job->column_bias ? job->column_bias[column] : 0.0f;
    float sums[2] = {bias, job->old ? job->old[row * job->columns + column] : 0.0f};
    int64_t term = job->old ? 2 : 1;
    for (int64_t k = 0; k < job->depth; k++, term++) {
        float a = left[k * GEMM_ROWS], b = right[job->taps[k]];
        float product = job->right_first ? ordered_mul(b, a) : ordered_mul(a, b);
        sums[term % 2] = ordered_add(sums[term % 2], product);
    }
    return ordered_add(sums[1], sums[0]);
}

static void tile_plain(const gemm_f32 *job, const gemm_tile *tile)
{
    for (int64_t row = tile->first_row; row < tile->last_row; row++)
        for (int64_t column = tile->first_column; column < tile->last_column; column++)
            job->result[row * job->columns + column] = element(job, row, column);
}

void gemm_f32_repair(const gemm_f32 *job, const gemm_tile *tile)
{
    for (int64_t row = tile->first_row; row < tile->last_row; row++)
        for (int64_t column = tile->first_column; column < tile->last_column; column++) {
            float *result = job->result + row * job->columns + column;
            if (bits_are_nan(float_bits(*result)))
                *result = element(job, row, column);
        }
}

int gemm_f32_run(const gemm_f32 *job, run_options run)
{
    int threads = threads_for(run, job->rows * job->columns * job->depth);
    gemm_grid grid = gemm_grid_make(job->rows, job->columns, threads);
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        unsigned before = flush_begin();
        void *scratch = run.simd ? aligned_alloc(64, gemm_f32_scratch(&grid)) : NULL;
        failed = run.simd && !scratch;
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < grid.tiles; i++) {
            gemm_tile tile = gemm_grid_tile(&grid, i);
            if (!run.simd)
                tile_plain(job, &tile);
            else if (scratch)
                gemm_f32_tile_avx2(job, &tile, scratch);
        }
        free(scratch);
        flush_end(before);
    }
    return failed ? KERNEL_NO_MEMORY : KERNEL_OK;
}
