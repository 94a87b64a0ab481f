#include <stdlib.h>

#include "pool.h"
#include "pool_rows.h"
#include "rounding.h"
#include "saturate.h"

/* The chip counts larger shifts as this one. */
#define MOST_SHIFT 63
#define FINISH_BLOCK 64

static void sums_plain(const pool_int_row *row, const int16_t *from, int32_t *sums, int64_t count)
{
    for (int64_t x = 0; x < count; x++) {
        uint32_t sum = 0;
        for (int64_t t = 0; t < row->count; t++)
            sum += (uint32_t)(from[x + row->taps[t]] * (row->weights ? row->weights[t] : 1));
        sums[x] = (int32_t)sum;
    }
}

static void maxima_plain(const pool_int_row *row, const int16_t *from, int32_t *maxima, int64_t count)
{
    for (int64_t x = 0; x < count; x++) {
        int32_t best = from[x + row->taps[0]];
        for (int64_t t = 1; t < row->count; t++) {
            int32_t v = from[x + row->taps[t]];
            best = best > v ? best : v;
        }
        maxima[x] = best;
    }
}

static int limited(int32_t shift)
{
    return shift > MOST_SHIFT ? MOST_SHIFT : shift;
}

/* Sums (with their bias, as 64-bit numbers) shifted and rounded, in blocks that a compiler can vectorize. */
static void shift_sums(const pool_int_job *job, int64_t channel, const int32_t *sums, int64_t *v, int count)
{
    if (job->kind == POOL_AVERAGE) {
        for (int i = 0; i < count; i++)
            v[i] = (int64_t)sums[i] * job->multiplier;
        shift_right_block(v, count, job->shift > 0 ? limited(job->shift) : 0, HALF_UP);
        return;
    }
    uint32_t bias = (uint32_t)job->bias[channel];
    for (int i = 0; i < count; i++) {
        uint32_t total = (uint32_t)sums[i] + bias;
        v[i] = job->is_signed ? (int64_t)(int32_t)total : (int64_t)total;
    }
    shift_right_block(v, count, limited(job->shift), job->rounding);
    for (int i = 0; job->relu && i < count; i++)
        v[i] = v[i] < 0 ? 0 : v[i];
}

static void store_row(int bits, int is_signed, const int64_t *v, void *result, int64_t at, int count)
{
    if (bits == 32)
        for (int i = 0; i < count; i++)
            ((uint32_t *)result)[at + i] = (uint32_t)v[i];
    else if (bits == 16)
        for (int i = 0; i < count; i++)
            ((uint16_t *)result)[at + i] = (uint16_t)saturated(v[i], 16, is_signed);
    else
        for (int i = 0; i < count; i++)
            ((uint8_t *)result)[at + i] = (uint8_t)saturated(v[i], 8, is_signed);
}

static void finish_row(const pool_int_job *job, int64_t channel, const int32_t *sums, void *result, int64_t at, int64_t count)
{
    int is_signed = job->is_signed && !(job->kind == POOL_DEPTHWISE && job->relu);
    int64_t v[FINISH_BLOCK];
    for (int64_t done = 0; done < count; done += FINISH_BLOCK) {
        int part = count - done < FINISH_BLOCK ? (int)(count - done) : FINISH_BLOCK;
        if (job->kind == POOL_MAXIMUM)
            for (int i = 0; i < part; i++)
                v[i] = sums[done + i];
        else
            shift_sums(job, channel, sums + done, v, part);
        store_row(job->bits, is_signed, v, result, at + done, part);
    }
}

static void plane_int(const window *win, const pool_int_job *job, const int64_t *taps, int64_t plane, const int16_t *big,
                      int32_t *sums, void *result, int simd)
{
    int64_t channel = plane % win->c, count = win->kernel_h * win->kernel_w;
    pool_int_row row = {count, taps, job->kind == POOL_DEPTHWISE ? job->weights + channel * count : NULL};
    for (int64_t y = 0; y < win->out_h; y++) {
        const int16_t *from = big + y * win->stride_y * win->pitch;
        if (job->kind == POOL_MAXIMUM)
            (simd ? pool_int_maxima_avx2 : maxima_plain)(&row, from, sums, win->out_w);
        else
            (simd ? pool_int_sums_avx2 : sums_plain)(&row, from, sums, win->out_w);
        finish_row(job, channel, sums, result, (plane * win->out_h + y) * win->out_w, win->out_w);
    }
}

static void enlarge(const window *win, const window_maps *maps, const void *input, integer_kind kind, int64_t plane,
                    int16_t pad, int16_t insert, int16_t *big)
{
    int64_t at = plane * win->h * win->w;
    if (kind == FROM_I8)
        enlarge_i8(win, maps, (const int8_t *)input + at, pad, insert, big, 1);
    else
        enlarge_u8(win, maps, (const uint8_t *)input + at, pad, insert, big, 1);
}

int pool_int(const window *win, const pool_int_job *job, const void *input, integer_kind kind, void *result, run_options run)
{
    window_maps maps = {0};
    int64_t *taps = malloc(sizeof(int64_t) * (size_t)(win->kernel_h * win->kernel_w));
    int failed = !taps || window_maps_make(win, &maps);
    if (!failed) {
        window_taps(win, taps);
        int threads = threads_for(run, pool_work(win));
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            int16_t *big = calloc((size_t)(win->plane + WINDOW_SLACK), sizeof(int16_t));
            int32_t *sums = malloc(sizeof(int32_t) * (size_t)(win->out_w + WINDOW_SLACK));
            int ready = big && sums;
            failed = !ready;
#pragma omp for schedule(dynamic)
            for (int64_t i = 0; i < win->n * win->c; i++) {
                if (!ready)
                    continue;
                enlarge(win, &maps, input, kind, i, job->pads[i % win->c], job->inserts[i % win->c], big);
                plane_int(win, job, taps, i, big, sums, result, run.simd);
            }
            free(sums);
            free(big);
        }
    }
    window_maps_free(&maps);
    free(taps);
    return failed ? KERNEL_NO_MEMORY : KERNEL_OK;
}
