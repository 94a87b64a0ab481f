/* Runs a row function over a grid, on several threads where that pays. Included by the kernels' sources. */
#ifndef TPUC_GRID_RUN_H
#define TPUC_GRID_RUN_H

#include <string.h>
#if defined(_OPENMP)
#include <omp.h>
#endif

#include "flush.h"
#include "grid.h"

#define PARALLEL_ELEMENTS (1 << 17) /* below this a second thread costs more than it brings */
#define PIECE_ELEMENTS 8192         /* rows are cut into such pieces for the threads */
#define EXCEPTIONS_MASKED 0x1F80u   /* MXCSR: nearest even, denormals kept */

enum float_mode { FLUSH_DENORMALS, KEEP_DENORMALS };

/* One row: `count` elements of every tensor, tensor t from data[t] on in steps of step[t] bytes. */
typedef void (*row_function)(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context);

static inline unsigned float_mode_begin(enum float_mode mode)
{
    unsigned before = flush_begin();
    if (mode == KEEP_DENORMALS)
        _mm_setcsr(EXCEPTIONS_MASKED);
    return before;
}

/* Drops axes of one element and merges axes that every tensor steps through evenly. Returns the number of elements. */
static int64_t grid_collapse(grid *g)
{
    int64_t total = 1;
    int axes = 0;
    for (int k = 0; k < g->axes; k++) {
        total *= g->shape[k];
        if (g->shape[k] == 1)
            continue;
        int merges = axes > 0;
        for (int t = 0; t < g->tensors && merges; t++)
            merges = g->step[t][axes - 1] == g->step[t][k] * g->shape[k];
        axes += !merges;
        g->shape[axes - 1] = merges ? g->shape[axes - 1] * g->shape[k] : g->shape[k];
        for (int t = 0; t < g->tensors; t++)
            g->step[t][axes - 1] = g->step[t][k];
    }
    if (axes == 0) {
        g->shape[0] = 1;
        for (int t = 0; t < g->tensors; t++)
            g->step[t][0] = 0;
        axes = 1;
    }
    g->axes = axes;
    return total;
}

static void run_rows(const grid *g, int64_t first, int64_t last, int64_t pieces, row_function row, const void *context)
{
    int inner = g->axes - 1;
    int64_t step[GRID_TENSORS], count = g->shape[inner];
    int64_t length = pieces > 1 ? PIECE_ELEMENTS : count;
    char *data[GRID_TENSORS];
    for (int t = 0; t < g->tensors; t++)
        step[t] = g->step[t][inner];
    for (int64_t unit = first; unit < last; unit++) {
        int64_t outer = pieces > 1 ? unit / pieces : unit;
        int64_t at = pieces > 1 ? (unit % pieces) * length : 0;
        for (int t = 0; t < g->tensors; t++)
            data[t] = g->data[t] + at * step[t];
        for (int k = inner - 1; k >= 0; k--) {
            int64_t index = k ? outer % g->shape[k] : outer;
            outer = k ? outer / g->shape[k] : 0;
            for (int t = 0; t < g->tensors; t++)
                data[t] += index * g->step[t][k];
        }
        row(g, data, step, count - at < length ? count - at : length, context);
    }
}

static void run_grid(grid *g, enum float_mode mode, row_function row, const void *context)
{
    int64_t total = grid_collapse(g);
    if (total == 0)
        return;
    int64_t inner = g->shape[g->axes - 1], outer = total / inner;
    int64_t pieces = (inner + PIECE_ELEMENTS - 1) / PIECE_ELEMENTS;
#if defined(_OPENMP)
    if (g->threads > 1 && total >= PARALLEL_ELEMENTS) {
        int64_t units = outer * pieces;
        #pragma omp parallel num_threads(g->threads)
        {
            int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
            unsigned before = float_mode_begin(mode);
            run_rows(g, units * thread / threads, units * (thread + 1) / threads, pieces, row, context);
            flush_end(before);
        }
        return;
    }
#endif
    unsigned before = float_mode_begin(mode);
    run_rows(g, 0, outer * pieces, pieces, row, context);
    flush_end(before);
}

#endif
