#include <immintrin.h>
#include <string.h>

#include "gemm.h"
#include "gemm_panel.h"
#include "gemm_tiles.h"

#define AVX2 __attribute__((target("avx2")))
#define PANEL_ELEMENTS ((PANEL_DEPTH + 1) * GEMM_COLUMNS)

size_t gemm_int_scratch(const gemm_grid *grid)
{
    size_t sums = (size_t)(grid->tile_rows + GEMM_ROWS) * GEMM_COLUMNS;
    return ((PANEL_ELEMENTS + sums) * sizeof(int32_t) + 63) / 64 * 64;
}

/* sums[rows][16] += left[count][rows] * panel[count][16], elements are pairs of int16. No pair product overflows: the
   elements of 8-bit operands stay below 2^9, and of 16-bit ones the single case that does wraps as it should. */
AVX2 static inline __attribute__((always_inline)) void block(const int rows, const int32_t *left, const int32_t *panel,
                                                             int64_t count, int32_t *sums)
{
    __m256i c[GEMM_ROWS][2];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        c[r][0] = _mm256_load_si256((const __m256i *)(sums + r * GEMM_COLUMNS));
        c[r][1] = _mm256_load_si256((const __m256i *)(sums + r * GEMM_COLUMNS + 8));
    }
    for (int64_t k = 0; k < count; k++, left += GEMM_ROWS, panel += GEMM_COLUMNS) {
        __m256i b0 = _mm256_load_si256((const __m256i *)panel), b1 = _mm256_load_si256((const __m256i *)(panel + 8));
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m256i a = _mm256_set1_epi32(left[r]);
            c[r][0] = _mm256_add_epi32(c[r][0], _mm256_madd_epi16(b0, a));
            c[r][1] = _mm256_add_epi32(c[r][1], _mm256_madd_epi16(b1, a));
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
        _mm256_store_si256((__m256i *)(sums + r * GEMM_COLUMNS), c[r][0]);
        _mm256_store_si256((__m256i *)(sums + r * GEMM_COLUMNS + 8), c[r][1]);
    }
}

AVX2 static void multiply(int rows, const int32_t *left, const int32_t *panel, int64_t count, int32_t *sums)
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

AVX2 void gemm_int_tile_avx2(const gemm_int *job, const gemm_tile *tile, void *scratch)
{
    int64_t rows = tile->last_row - tile->first_row, width = tile->last_column - tile->first_column;
    int32_t *panel = scratch, *sums = panel + PANEL_ELEMENTS;
    panel_run runs[GEMM_COLUMNS];
    int run_count = panel_runs(tile->first_column, tile->last_column, job->span, job->step, runs);
    const int32_t *left = job->left + tile->first_row * job->depth;
    memset(sums, 0, sizeof(int32_t) * (size_t)(rows * GEMM_COLUMNS));
    for (int64_t k = 0; k < job->depth; k += PANEL_DEPTH) {
        int64_t count = job->depth - k < PANEL_DEPTH ? job->depth - k : PANEL_DEPTH;
        panel_fill(job->right, job->taps + k, 1, count, runs, run_count, panel);
        for (int64_t row = 0; row < rows; row += GEMM_ROWS)
            multiply(rows - row < GEMM_ROWS ? (int)(rows - row) : GEMM_ROWS, left + row * job->depth + k * GEMM_ROWS, panel,
                     count, sums + row * GEMM_COLUMNS);
    }
    for (int64_t row = 0; row < rows; row++)
        gemm_finish_row(&job->finish, tile->first_row + row,
                        (tile->first_row + row) * job->columns + tile->first_column, sums + row * GEMM_COLUMNS, width);
}
