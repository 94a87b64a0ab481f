/* Loops of the float evaluation: windows over planes, and what calibration counts. Not the chip's arithmetic. */
#ifndef TPUC_FLOAT_OPS_H
#define TPUC_FLOAT_OPS_H

#include <stddef.h>
#include <stdint.h>

/* A window that slides over a plane [h, w] and gives [oh, ow]; top and left are the padding before. */
typedef struct {
  int h, w, kh, kw, stride_y, stride_x, dilation_y, dilation_x, top, left, oh, ow;
} SlidingWindow;

/* Floats of scratch that the functions below need for one plane. */
size_t tpuc_plane_floats(const SlidingWindow *window);

/* x [channels, h, w] -> columns [channels * kh * kw, oh * ow], zeros where the window leaves the plane. */
void tpuc_im2col(const float *x, float *columns, float *plane, const SlidingWindow *window, int channels);

/* x [planes, h, w] -> y [planes, oh, ow], plane p with the kernel weights[p % channels] of [channels, kh, kw]. */
void tpuc_depthwise(const float *x, const float *weights, float *y, float *plane, const SlidingWindow *window,
                    int planes, int channels);

/* The greatest cell of each window; cells outside the plane count as -infinity. */
void tpuc_max_pool(const float *x, float *y, float *plane, const SlidingWindow *window, int planes);

/* The sum of each window's cells, zeros outside the plane. */
void tpuc_sum_pool(const float *x, float *y, float *plane, const SlidingWindow *window, int planes);

/* y [rows, n] += bias[row % channels]; then max(y, 0) if `relu`, then min(y, limit). */
void tpuc_bias_relu(float *y, const float *bias, size_t rows, size_t n, int channels, int relu, float limit);

/* counts[min(|x| * bins_per_unit, bins - 1)] += 1 for every x; NaN counts nowhere. */
void tpuc_histogram(const float *x, size_t n, double bins_per_unit, int64_t *counts, int bins);

#endif
