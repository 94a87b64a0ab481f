#include "window.h"

#include <stdlib.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* How far a pad may reach for the C model to stay inside the tensor (size: the axis after insertion). */
static int pad_fits(int64_t mode, int64_t size, int64_t before, int64_t after)
{
    if (mode == PAD_REFLECT)
        return before <= 2 * size - 2 && after <= size - 1;
    if (mode == PAD_CIRCULAR)
        return before <= size && after <= size;
    return 1;
}

const char *window_init(window *win)
{
    if (win->n < 0 || win->c < 0 || win->h < 1 || win->w < 1)
        return "the input must have at least one row and one column";
    if (win->kernel_h < 1 || win->kernel_w < 1)
        return "the kernel must have at least one row and one column";
    if (win->stride_y < 1 || win->stride_x < 1 || win->dilation_y < 1 || win->dilation_x < 1)
        return "strides and dilations must be at least 1";
    if (win->insert_y < 0 || win->insert_x < 0 || win->up < 0 || win->down < 0 || win->left < 0 || win->right < 0)
        return "inserts and pads must not be negative";
    if (win->pad_mode < PAD_VALUE || win->pad_mode > PAD_CIRCULAR)
        return "pad_mode must be 0 (value), 1 (reflect), 2 (edge) or 3 (circular)";
    int64_t h = (win->h - 1) * (win->insert_y + 1) + 1, w = (win->w - 1) * (win->insert_x + 1) + 1;
    if (!pad_fits(win->pad_mode, h, win->up, win->down) || !pad_fits(win->pad_mode, w, win->left, win->right))
        return "the pads reach beyond what this pad_mode can take from the input";
    win->big_h = h + win->up + win->down;
    win->big_w = w + win->left + win->right;
    int64_t free_h = win->big_h - (win->kernel_h - 1) * win->dilation_y - 1;
    int64_t free_w = win->big_w - (win->kernel_w - 1) * win->dilation_x - 1;
    if (free_h < 0 || free_w < 0)
        return "the kernel is larger than the padded input";
    win->out_h = free_h / win->stride_y + 1;
    win->out_w = free_w / win->stride_x + 1;
    win->phase = (win->big_w + win->stride_x - 1) / win->stride_x;
    win->pitch = win->phase * win->stride_x;
    win->plane = win->pitch * win->big_h;
    return NULL;
}

void window_taps(const window *win, int64_t *taps)
{
    for (int64_t i = 0; i < win->kernel_h; i++)
        for (int64_t j = 0; j < win->kernel_w; j++) {
            int64_t x = j * win->dilation_x;
            *taps++ = i * win->dilation_y * win->pitch + x % win->stride_x * win->phase + x / win->stride_x;
        }
}

static void axis_map(int32_t *map, int64_t size, int64_t insert, int64_t before, int64_t after, int64_t mode)
{
    int64_t grown = (size - 1) * (insert + 1) + 1;
    for (int64_t i = 0; i < before + grown + after; i++) {
        int64_t at = i - before;
        if (at < 0 || at >= grown) {
            if (mode == PAD_VALUE) {
                map[i] = SOURCE_PAD;
                continue;
            }
            if (mode == PAD_REFLECT) {
                at = at < 0 ? -at : at;
                at = at >= grown ? 2 * (grown - 1) - at : at;
            } else if (mode == PAD_EDGE) {
                at = at < 0 ? 0 : grown - 1;
            } else {
                at = (at + grown) % grown;
            }
        }
        map[i] = at % (insert + 1) ? SOURCE_INSERT : (int32_t)(at / (insert + 1));
    }
}

int window_maps_make(const window *win, window_maps *maps)
{
    maps->rows = malloc(sizeof(int32_t) * (size_t)(win->big_h + 2 * win->big_w));
    if (!maps->rows)
        return -1;
    maps->columns = maps->rows + win->big_h;
    maps->places = maps->columns + win->big_w;
    axis_map(maps->rows, win->h, win->insert_y, win->up, win->down, win->pad_mode);
    axis_map(maps->columns, win->w, win->insert_x, win->left, win->right, win->pad_mode);
    for (int64_t x = 0; x < win->big_w; x++)
        maps->places[x] = (int32_t)(x % win->stride_x * win->phase + x / win->stride_x);
    return 0;
}

void window_maps_free(window_maps *maps)
{
    free(maps->rows);
    maps->rows = NULL;
}

/* One stored row: the columns of the input in the middle, `from` strided by the columns' phase, and what lies around them. */
#define DEFINE_ENLARGE(NAME, FROM, TO)                                                                                  \
    ALWAYS_INLINE void NAME##_middle(const window *win, const FROM *from, TO *big, int64_t step, int64_t stride)        \
    {                                                                                                                   \
        for (int64_t phase = 0; phase < stride; phase++) {                                                              \
            int64_t first = (win->left - phase + stride - 1) / stride, skipped = first * stride + phase - win->left;    \
            int64_t count = (win->w - skipped + stride - 1) / stride;                                                   \
            TO *to = big + (phase * win->phase + first) * step;                                                         \
            for (int64_t i = 0; i < count; i++)                                                                         \
                to[i * step] = (TO)from[skipped + i * stride];                                                          \
        }                                                                                                               \
    }                                                                                                                   \
    /* A row of padding is padding also where inserted columns cross it, and the other way round. */                    \
    ALWAYS_INLINE void NAME(const window *win, const window_maps *maps, const FROM *plane, TO pad, TO insert, TO *big,  \
                            int64_t step)                                                                               \
    {                                                                                                                   \
        int64_t quick = win->insert_x == 0 && win->left + win->w <= win->big_w;                                         \
        for (int64_t y = 0; y < win->big_h; y++, big += win->pitch * step) {                                            \
            int32_t row = maps->rows[y];                                                                                \
            const FROM *from = plane + (row < 0 ? 0 : row) * win->w;                                                    \
            int64_t middle = quick && row >= 0;                                                                         \
            for (int64_t x = 0; x < win->big_w; x++) {                                                                  \
                if (middle && x == win->left) /* the columns of the input come below */                                 \
                    x += win->w;                                                                                        \
                if (x >= win->big_w)                                                                                    \
                    break;                                                                                              \
                int32_t column = maps->columns[x];                                                                      \
                TO value;                                                                                               \
                if (row == SOURCE_PAD || column == SOURCE_PAD)                                                          \
                    value = pad;                                                                                        \
                else if (row == SOURCE_INSERT || column == SOURCE_INSERT)                                               \
                    value = insert;                                                                                     \
                else                                                                                                    \
                    value = (TO)from[column];                                                                           \
                big[maps->places[x] * step] = value;                                                                    \
            }                                                                                                           \
            if (middle && win->stride_x == 1)                                                                           \
                NAME##_middle(win, from, big, step, 1);                                                                 \
            else if (middle && win->stride_x == 2)                                                                      \
                NAME##_middle(win, from, big, step, 2);                                                                 \
            else if (middle)                                                                                            \
                NAME##_middle(win, from, big, step, win->stride_x);                                                     \
        }                                                                                                               \
    }

DEFINE_ENLARGE(grow_f32, float, float)
DEFINE_ENLARGE(grow_i8, int8_t, int16_t)
DEFINE_ENLARGE(grow_u8, uint8_t, int16_t)
DEFINE_ENLARGE(grow_i16, int16_t, int16_t)

void enlarge_f32(const window *win, const window_maps *maps, const float *plane, float pad, float insert, float *big)
{
    grow_f32(win, maps, plane, pad, insert, big, 1);
}

void enlarge_i8(const window *win, const window_maps *maps, const int8_t *plane, int16_t pad, int16_t insert,
                int16_t *big, int step)
{
    if (step == 1)
        grow_i8(win, maps, plane, pad, insert, big, 1);
    else
        grow_i8(win, maps, plane, pad, insert, big, 2);
}

void enlarge_u8(const window *win, const window_maps *maps, const uint8_t *plane, int16_t pad, int16_t insert,
                int16_t *big, int step)
{
    if (step == 1)
        grow_u8(win, maps, plane, pad, insert, big, 1);
    else
        grow_u8(win, maps, plane, pad, insert, big, 2);
}

void enlarge_i16(const window *win, const window_maps *maps, const int16_t *plane, int16_t pad, int16_t insert,
                 int16_t *big, int step)
{
    if (step == 1)
        grow_i16(win, maps, plane, pad, insert, big, 1);
    else
        grow_i16(win, maps, plane, pad, insert, big, 2);
}
