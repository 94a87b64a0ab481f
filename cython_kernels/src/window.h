/* Windows of convolution, depthwise convolution and pooling: an input plane is enlarged (values inserted between
   neighbours, then padded), and result (y, x) takes the elements (y * stride_y + i * dilation_y, x * stride_x + j * dilation_x).

   An enlarged plane is stored with its columns sorted by x % stride_x, so that for every tap (i, j) the elements of
   neighbouring results are neighbours in memory whatever the stride: column x lies at (x % stride_x) * phase + x / stride_x. */
#ifndef TPUC_WINDOW_H
#define TPUC_WINDOW_H

#include <stdint.h>

enum { PAD_VALUE = 0, PAD_REFLECT = 1, PAD_EDGE = 2, PAD_CIRCULAR = 3 };

/* Elements that may be read (and are ignored) behind the last plane. */
#define WINDOW_SLACK 64

typedef struct {
    int64_t n, c, h, w;                   /* input */
    int64_t kernel_h, kernel_w;           /* window */
    int64_t stride_y, stride_x;
    int64_t dilation_y, dilation_x;
    int64_t insert_y, insert_x;           /* values inserted between neighbours */
    int64_t up, down, left, right;        /* pads */
    int64_t pad_mode;
    /* set by window_init */
    int64_t big_h, big_w;                 /* enlarged plane */
    int64_t out_h, out_w;                 /* result plane */
    int64_t phase, pitch, plane;          /* elements of a phase of a row, a row, a plane as stored */
} window;

/* Computes the derived sizes; NULL, or one sentence that says what is wrong. */
const char *window_init(window *win);

/* Offsets of the kernel_h * kernel_w taps in a stored plane, row by row. */
void window_taps(const window *win, int64_t *taps);

/* Source of every position of the two axes of an enlarged plane, and the place of every column in a stored row. */
typedef struct {
    int32_t *rows;    /* [big_h]: >= 0 an input row, or SOURCE_* */
    int32_t *columns; /* [big_w] */
    int32_t *places;  /* [big_w] */
} window_maps;

enum { SOURCE_INSERT = -1, SOURCE_PAD = -2 };

int window_maps_make(const window *win, window_maps *maps);
void window_maps_free(window_maps *maps);

/* Enlarge one plane. `big` holds win->plane elements; the i16 forms write every `step`-th of them, step 1
   or 2. */
void enlarge_f32(const window *win, const window_maps *maps, const float *plane, float pad, float insert, float *big);
void enlarge_i8(const window *win, const window_maps *maps, const int8_t *plane, int16_t pad, int16_t insert,
                int16_t *big, int step);
void enlarge_u8(const window *win, const window_maps *maps, const uint8_t *plane, int16_t pad, int16_t insert,
                int16_t *big, int step);
void enlarge_i16(const window *win, const window_maps *maps, const int16_t *plane, int16_t pad, int16_t insert,
                 int16_t *big, int step);

#endif
