#include <stdlib.h>

#include "flush.h"
#include "halves.h"
#include "pool.h"
#include "pool_rows.h"

static float widened(uint16_t half, float_kind type)
{
    return bits_float(type == TO_F16 ? half_to_bits(half) : (uint32_t)half << 16);
}

static uint16_t narrowed(float v, float_kind type)
{
    return type == TO_F16 ? bits_to_half(float_bits(v)) : bits_to_bfloat(float_bits(v));
}

static float rounded(float v, float_kind type)
{
    return widened(narrowed(v, type), type);
}

static uint16_t maximum(const pool_half_row *row, const uint16_t *at)
{
    uint16_t best = row->type == TO_F16 ? LOWEST_F16 : LOWEST_BF16;
    for (int64_t t = 0; t < row->count; t++) {
        uint16_t v = at[row->taps[t]];
        best = widened(best, row->type) > widened(v, row->type) ? best : v;
    }
    return best;
}

static uint16_t sum(const pool_half_row *row, const uint16_t *at)
{
    int average = row->kind == POOL_AVERAGE;
    float start = average ? -0.0f : 0.0f, sums[2] = {start, start};
    if (!average)
        sums[0] = rounded(start + row->bias, row->type);
    for (int64_t t = 0; t < row->count; t++) {
        float w = average ? row->multiplier : row->weights[t];
        float product = rounded(widened(at[row->taps[t]], row->type) * w, row->type);
        int which = (t + !average) % 2;
        sums[which] = rounded(sums[which] + product, row->type);
    }
    float v = sums[0] + sums[1];
    return bits_are_nan(float_bits(v)) ? HALF_NAN : narrowed(v, row->type);
}

static void row_plain(const pool_half_row *row, const uint16_t *from, uint16_t *to, int64_t count)
{
    for (int64_t x = 0; x < count; x++)
        to[x] = row->kind == POOL_MAXIMUM ? maximum(row, from + x) : sum(row, from + x);
}

static void plane_half(const window *win, const pool_half_job *job, const int64_t *taps, int64_t channel, const uint16_t *big,
                       uint16_t *result, int simd)
{
    int64_t count = win->kernel_h * win->kernel_w;
    pool_half_row row = {.kind = job->kind, .type = job->type, .count = count, .taps = taps, .multiplier = job->multiplier};
    if (job->kind == POOL_DEPTHWISE) {
        row.weights = job->weights + channel * count;
        row.bias = job->bias[channel];
    }
    for (int64_t y = 0; y < win->out_h; y++, result += win->out_w)
        (simd ? pool_half_row_avx2 : row_plain)(&row, big + y * win->stride_y * win->pitch, result, win->out_w);
}

int pool_half(const window *win, const pool_half_job *job, const uint16_t *input, uint16_t *result, run_options run)
{
    window_maps maps = {0};
    int64_t *taps = malloc(sizeof(int64_t) * (size_t)(win->kernel_h * win->kernel_w));
    int failed = !taps || window_maps_make(win, &maps);
    if (!failed) {
        window_taps(win, taps);
        int threads = threads_for(run, pool_work(win));
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            unsigned before = flush_begin();
            uint16_t *big = calloc((size_t)(win->plane + WINDOW_SLACK), sizeof(uint16_t));
            failed = !big;
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < win->n * win->c; i++) {
                if (!big)
                    continue;
                int64_t channel = i % win->c;
                enlarge_i16(win, &maps, (const int16_t *)input + i * win->h * win->w, (int16_t)job->pads[channel],
                            (int16_t)job->inserts[channel], (int16_t *)big, 1);
                plane_half(win, job, taps, channel, big, result + i * win->out_h * win->out_w, run.simd);
            }
            free(big);
            flush_end(before);
        }
    }
    window_maps_free(&maps);
    free(taps);
    return failed ? KERNEL_NO_MEMORY : KERNEL_OK;
}
