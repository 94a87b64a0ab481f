/* A panel of the right matrix: `count` rows of GEMM_COLUMNS neighbouring columns, copied together for the SIMD kernels. */
#ifndef TPUC_GEMM_PANEL_H
#define TPUC_GEMM_PANEL_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "gemm.h"

/* Rows of a panel that are multiplied before the next ones are copied: 16 KiB, half of an L1 data cache. */
#define PANEL_DEPTH 256

/* A run of columns that are neighbours in memory. */
typedef struct {
    int64_t offset;
    int place, length;
} panel_run;

/* The runs of columns first .. last - 1; returns their number. */
static inline int panel_runs(int64_t first, int64_t last, int64_t span, int64_t step, panel_run *runs)
{
    int count = 0;
    for (int64_t p = first; p < last; count++) {
        int64_t end = (p / span + 1) * span;
        end = end < last ? end : last;
        runs[count] = (panel_run){p / span * step + p % span, (int)(p - first), (int)(end - p)};
        p = end;
    }
    return count;
}

/* Copies 32-bit elements, in steps of 8: what a copy writes too much is overwritten by the next run or row (the panel has
   room behind its end), what it reads too much lies in the slack of the matrix. */
__attribute__((target("avx2"))) static inline void panel_fill(const void *right, const int64_t *taps, int64_t tap_step,
                                                              int64_t count, const panel_run *runs, int run_count,
                                                              int32_t *panel)
{
    if (run_count == 1 && runs[0].length > 8) {
        const int32_t *base = (const int32_t *)right + runs[0].offset;
        for (int64_t k = 0; k < count; k++, panel += GEMM_COLUMNS) {
            const int32_t *from = base + taps[k * tap_step];
            _mm256_storeu_si256((__m256i *)panel, _mm256_loadu_si256((const __m256i *)from));
            _mm256_storeu_si256((__m256i *)(panel + 8), _mm256_loadu_si256((const __m256i *)(from + 8)));
        }
        return;
    }
    for (int64_t k = 0; k < count; k++, panel += GEMM_COLUMNS) {
        const int32_t *row = (const int32_t *)right + taps[k * tap_step];
        for (int r = 0; r < run_count; r++) {
            const int32_t *from = row + runs[r].offset;
            int32_t *to = panel + runs[r].place;
            for (int i = 0; i < runs[r].length; i += 8)
                _mm256_storeu_si256((__m256i *)(to + i), _mm256_loadu_si256((const __m256i *)(from + i)));
        }
    }
}

#endif
