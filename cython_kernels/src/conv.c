#include "conv.h"

#include <stdlib.h>
#include <string.h>

/* Offset of each input channel's taps (step: stored elements between planes), channel by channel. */
static int64_t *channel_taps(const window *win, int64_t channels)
{
    int64_t per_channel = win->kernel_h * win->kernel_w;
    int64_t *taps = malloc(sizeof(int64_t) * (size_t)((channels + 1) * per_channel));
    if (!taps)
        return NULL;
    int64_t *own = taps + channels * per_channel;
    window_taps(win, own);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t t = 0; t < per_channel; t++)
            taps[c * per_channel + t] = c * win->plane + own[t];
    return taps;
}

int conv_f32(const window *win, const float *input, const float *packed, int64_t oc, const float *bias, const float *old,
             const float *pads, const float *inserts, float *result, run_options run)
{
    window_maps maps = {0};
    int64_t *taps = channel_taps(win, win->c);
    float *big = malloc(sizeof(float) * (size_t)(win->c * win->plane + WINDOW_SLACK));
    int status = !taps || !big || window_maps_make(win, &maps) ? KERNEL_NO_MEMORY : KERNEL_OK;
    int64_t outputs = win->out_h * win->out_w;
    int movers = threads_for(run, win->c * win->plane * WORK_OF_A_MOVE);
    for (int64_t n = 0; n < win->n && status == KERNEL_OK; n++) {
#pragma omp parallel for num_threads(movers) schedule(static)
        for (int64_t c = 0; c < win->c; c++)
            enlarge_f32(win, &maps, input + (n * win->c + c) * win->h * win->w, pads[c], inserts[c], big + c * win->plane);
        gemm_f32 job = {.rows = oc, .depth = win->c * win->kernel_h * win->kernel_w, .columns = outputs, .left = packed,
                        .right = big, .taps = taps, .span = win->out_w, .step = win->stride_y * win->pitch,
                        .row_bias = bias, .old = old ? old + n * oc * outputs : NULL, .right_first = 1,
                        .result = result + n * oc * outputs};
        status = gemm_f32_run(&job, run);
    }
    window_maps_free(&maps);
    free(big);
    free(taps);
    return status;
}

static void enlarge_channel(const window *win, const window_maps *maps, const void *input, integer_kind kind, int64_t plane,
                            int16_t pad, int16_t insert, int16_t *big)
{
    int64_t at = plane * win->h * win->w;
    if (kind == FROM_I8)
        enlarge_i8(win, maps, (const int8_t *)input + at, pad, insert, big, 2);
    else if (kind == FROM_U8)
        enlarge_u8(win, maps, (const uint8_t *)input + at, pad, insert, big, 2);
    else
        enlarge_i16(win, maps, (const int16_t *)input + at, pad, insert, big, 2);
}

int conv_int(const window *win, const void *input, integer_kind kind, const int32_t *packed, int64_t oc,
             const int16_t *pads, const int16_t *inserts, const gemm_finish *finish, run_options run)
{
    window_maps maps = {0};
    int64_t pairs = (win->c + 1) / 2;
    int64_t *taps = channel_taps(win, pairs);
    int16_t *big = malloc((size_t)(pairs * win->plane + WINDOW_SLACK) * 2 * sizeof(int16_t));
    int status = !taps || !big || window_maps_make(win, &maps) ? KERNEL_NO_MEMORY : KERNEL_OK;
    if (status == KERNEL_OK && win->c % 2) /* the second channel of the last pair: there is none, its weights are 0 */
        memset(big + 2 * (pairs - 1) * win->plane, 0, sizeof(int16_t) * 2 * (size_t)win->plane);
    int64_t outputs = win->out_h * win->out_w;
    int movers = threads_for(run, win->c * win->plane * WORK_OF_A_MOVE);
    for (int64_t n = 0; n < win->n && status == KERNEL_OK; n++) {
#pragma omp parallel for num_threads(movers) schedule(static)
        for (int64_t p = 0; p < pairs; p++)
            for (int64_t c = 2 * p; c < 2 * p + 2 && c < win->c; c++)
                enlarge_channel(win, &maps, input, kind, n * win->c + c, pads[c], inserts[c],
                                big + 2 * p * win->plane + c % 2);
        gemm_int job = {.rows = oc, .depth = pairs * win->kernel_h * win->kernel_w, .columns = outputs, .left = packed,
                        .right = (const int32_t *)big, .taps = taps, .span = win->out_w,
                        .step = win->stride_y * win->pitch, .finish = *finish};
        int64_t done = n * oc * outputs;
        job.finish.result = (char *)finish->result + done * (finish->bits / 8);
        job.finish.old = finish->old ? finish->old + done : NULL;
        status = gemm_int_run(&job, run);
    }
    window_maps_free(&maps);
    free(big);
    free(taps);
    return status;
}

/* Taps in groups of 32 channels: group, kernel row and column, channel; a block is a group's channels at one place. */
static int blocked_taps(const window *win, int64_t **taps, int64_t **ends, int64_t *blocks)
{
    int64_t per_channel = win->kernel_h * win->kernel_w, groups = (win->c + BLOCK_PRODUCTS - 1) / BLOCK_PRODUCTS;
    *taps = malloc(sizeof(int64_t) * (size_t)((win->c + 1) * per_channel));
    *ends = malloc(sizeof(int64_t) * (size_t)(groups * per_channel + 1));
    if (!*taps || !*ends)
        return -1;
    int64_t *own = *taps + win->c * per_channel, k = 0;
    window_taps(win, own);
    *blocks = 0;
    for (int64_t first = 0; first < win->c; first += BLOCK_PRODUCTS)
        for (int64_t t = 0; t < per_channel; t++) {
            for (int64_t c = first; c < first + BLOCK_PRODUCTS && c < win->c; c++)
                (*taps)[k++] = c * win->plane + own[t];
            (*ends)[(*blocks)++] = k;
        }
    return 0;
}

int conv_blocked(const window *win, const float *input, const float *weights, int64_t oc, const float *bias, const float *old,
                 const float *pads, const float *inserts, float_kind kind, void *result, run_options run)
{
    window_maps maps = {0};
    int64_t *taps = NULL, *ends = NULL, blocks = 0, outputs = win->out_h * win->out_w;
    float *big = malloc(sizeof(float) * (size_t)(win->c * win->plane + WINDOW_SLACK));
    int status = !big || blocked_taps(win, &taps, &ends, &blocks) || window_maps_make(win, &maps) ? KERNEL_NO_MEMORY : KERNEL_OK;
    int movers = threads_for(run, win->c * win->plane * WORK_OF_A_MOVE);
    for (int64_t n = 0; n < win->n && status == KERNEL_OK; n++) {
#pragma omp parallel for num_threads(movers) schedule(static)
        for (int64_t c = 0; c < win->c; c++)
            enlarge_f32(win, &maps, input + (n * win->c + c) * win->h * win->w, pads[c], inserts[c], big + c * win->plane);
        gemm_blocked job = {.rows = oc, .depth = win->c * win->kernel_h * win->kernel_w, .columns = outputs, .left = weights,
                            .right = big, .taps = taps, .span = win->out_w, .step = win->stride_y * win->pitch, .ends = ends,
                            .blocks = blocks, .row_bias = bias, .old = old ? old + n * oc * outputs : NULL, .sum_first = 1,
                            .kind = kind, .result = (char *)result + n * oc * outputs * (kind == TO_F32 ? 4 : 2)};
        status = gemm_blocked_run(&job, run);
    }
    window_maps_free(&maps);
    free(big);
    free(taps);
    free(ends);
    return status;
}
