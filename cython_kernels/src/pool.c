#include "pool.h"

#include <stdlib.h>
#include <string.h>

#include "flush.h"
#include "ordered_float.h"
#include "pool_rows.h"

#define LOWEST_F32 0xff7fffffu

/* One result of a window: the definition, and what repairs the NaNs of fast paths. */
float pool_f32_element(const pool_f32_row *row, const float *at)
{
    if (row->kind == POOL_MAXIMUM) {
        float best = bits_float(LOWEST_F32);
        for (int64_t t = 0; t < row->count; t++) {
            float v = flushed(at[row->taps[t]]);
            best = best > v ? best : v;
        }
        return best;
    }
    int average = row->kind == POOL_AVERAGE;
    float sums[2] = {average ? -0.0f : 0.0f, average ? -0.0f : 0.0f};
    if (!average)
        sums[0] = ordered_add(sums[0], row->bias);
    for (int64_t t = 0; t < row->count; t++) {
        float product = ordered_mul(at[row->taps[t]], average ? row->multiplier : row->weights[t]);
        int which = (t + !average) % 2;
        sums[which] = ordered_add(sums[which], product);
    }
    return ordered_add(sums[0], sums[1]);
}

static void row_f32_plain(const pool_f32_row *row, const float *from, float *to, int64_t count)
{
    for (int64_t x = 0; x < count; x++)
        to[x] = pool_f32_element(row, from + x);
}

static void plane_f32(const window *win, const pool_f32_job *job, const int64_t *taps, int64_t channel, const float *big,
                      float *result, int simd)
{
    int64_t count = win->kernel_h * win->kernel_w;
    pool_f32_row row = {.kind = job->kind, .count = count, .taps = taps, .multiplier = job->multiplier};
    if (job->kind == POOL_DEPTHWISE) {
        row.weights = job->weights + channel * count;
        row.bias = job->bias[channel];
    }
    for (int64_t y = 0; y < win->out_h; y++, result += win->out_w) {
        const float *from = big + y * win->stride_y * win->pitch;
        if (simd)
            pool_f32_row_avx2(&row, from, result, win->out_w);
        else
            row_f32_plain(&row, from, result, win->out_w);
    }
}

int pool_f32(const window *win, const pool_f32_job *job, const float *input, float *result, run_options run)
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
            float *big = calloc((size_t)(win->plane + WINDOW_SLACK), sizeof(float));
            failed = !big;
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < win->n * win->c; i++) {
                if (!big)
                    continue;
                int64_t channel = i % win->c;
                enlarge_f32(win, &maps, input + i * win->h * win->w, job->pads[channel], job->inserts[channel], big);
                plane_f32(win, job, taps, channel, big, result + i * win->out_h * win->out_w, run.simd);
            }
            free(big);
            flush_end(before);
        }
    }
    window_maps_free(&maps);
    free(taps);
    return failed ? KERNEL_NO_MEMORY : KERNEL_OK;
}
