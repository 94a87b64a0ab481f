#include <stdlib.h>

#include "gemm.h"
#include "gemm_tiles.h"

static int32_t element(const gemm_int *job, int64_t row, int64_t column)
{
    const int16_t *left = (const int16_t *)(job->left + row / GEMM_ROWS * GEMM_ROWS * job->depth + row % GEMM_ROWS);
    const int16_t *right = (const int16_t *)(job->right + column / job->span * job->step + column % job->span);
    uint32_t sum = 0;
    for (int64_t k = 0; k < job->depth; k++) {
        const int16_t *a = left + 2 * k * GEMM_ROWS, *b = right + 2 * job->taps[k];
        sum += (uint32_t)((int32_t)a[0] * b[0]) + (uint32_t)((int32_t)a[1] * b[1]);
    }
    return (int32_t)sum;
}

static void tile_plain(const gemm_int *job, const gemm_tile *tile)
{
    for (int64_t row = tile->first_row; row < tile->last_row; row++)
        for (int64_t column = tile->first_column; column < tile->last_column; column++) {
            int32_t sum = element(job, row, column);
            gemm_finish_row(&job->finish, row, row * job->columns + column, &sum, 1);
        }
}

int gemm_int_run(const gemm_int *job, run_options run)
{
    int threads = threads_for(run, job->rows * job->columns * job->depth);
    gemm_grid grid = gemm_grid_make(job->rows, job->columns, threads);
    int failed = 0;
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        void *scratch = run.simd ? aligned_alloc(64, gemm_int_scratch(&grid)) : NULL;
        failed = run.simd && !scratch;
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < grid.tiles; i++) {
            gemm_tile tile = gemm_grid_tile(&grid, i);
            if (!run.simd)
                tile_plain(job, &tile);
            else if (scratch)
                gemm_int_tile_avx2(job, &tile, scratch);
        }
        free(scratch);
    }
    return failed ? KERNEL_NO_MEMORY : KERNEL_OK;
}
