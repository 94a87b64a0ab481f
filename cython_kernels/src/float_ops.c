#include "float_ops.h"

#include <math.h>
#include <string.h>

/* The inner loops exist for the baseline and for AVX2; the loader takes the one that the machine runs. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define SIMD_CLONES __attribute__((target_clones("default", "avx2", "arch=haswell")))
#else
#define SIMD_CLONES
#endif

/* A padded plane is kept with its columns sorted by their phase (column modulo stride), so that the cells that one
   kernel column meets along an output row lie next to each other for every stride. */
static int padded_rows(const SlidingWindow *g) { return (g->oh - 1) * g->stride_y + (g->kh - 1) * g->dilation_y + 1; }

static int phase_columns(const SlidingWindow *g) {
  return ((g->ow - 1) * g->stride_x + (g->kw - 1) * g->dilation_x) / g->stride_x + 1;
}

size_t tpuc_plane_floats(const SlidingWindow *g) {
  return (size_t)padded_rows(g) * g->stride_x * phase_columns(g);
}

static void fill(float *to, float value, int n) {
  for (int i = 0; i < n; i++) to[i] = value;
}

static void copy_strided(float *to, const float *from, int n, int stride) {
  if (stride == 1) {
    memcpy(to, from, n * sizeof(float));
  } else {
    for (int i = 0; i < n; i++) to[i] = from[(ptrdiff_t)i * stride];
  }
}

static void pad_plane(const float *x, float *plane, const SlidingWindow *g, float outside) {
  const int rows = padded_rows(g), columns = phase_columns(g), stride = g->stride_x;
  for (int row = 0; row < rows; row++) {
    const int y = row - g->top;
    for (int phase = 0; phase < stride; phase++, plane += columns) {
      if (y < 0 || y >= g->h) {
        fill(plane, outside, columns);
        continue;
      }
      /* column i of this phase is x[i * stride + phase - left] */
      const int shift = g->left - phase;
      int first = shift > 0 ? (shift + stride - 1) / stride : 0;
      int end = g->w + shift > 0 ? (g->w + shift + stride - 1) / stride : 0;
      if (end > columns) end = columns;
      if (first > end) first = end;
      fill(plane, outside, first);
      copy_strided(plane + first, x + (ptrdiff_t)y * g->w + (ptrdiff_t)first * stride - shift, end - first, stride);
      fill(plane + end, outside, columns - end);
    }
  }
}

/* The cells that kernel cell (ky, kx) meets along output row oy: ow floats. */
static const float *met_row(const float *plane, const SlidingWindow *g, int oy, int ky, int kx) {
  const int column = kx * g->dilation_x, row = oy * g->stride_y + ky * g->dilation_y;
  return plane + ((size_t)row * g->stride_x + column % g->stride_x) * phase_columns(g) + column / g->stride_x;
}

void tpuc_im2col(const float *x, float *columns, float *plane, const SlidingWindow *g, int channels) {
  for (int c = 0; c < channels; c++, x += (size_t)g->h * g->w) {
    pad_plane(x, plane, g, 0.0f);
    for (int ky = 0; ky < g->kh; ky++) {
      for (int kx = 0; kx < g->kw; kx++) {
        for (int oy = 0; oy < g->oh; oy++, columns += g->ow) {
          memcpy(columns, met_row(plane, g, oy, ky, kx), g->ow * sizeof(float));
        }
      }
    }
  }
}

SIMD_CLONES static void add_scaled(float *restrict to, const float *restrict from, float factor, int n) {
  for (int i = 0; i < n; i++) to[i] += factor * from[i];
}

SIMD_CLONES static void add_row(float *restrict to, const float *restrict from, int n) {
  for (int i = 0; i < n; i++) to[i] += from[i];
}

SIMD_CLONES static void max_row(float *restrict to, const float *restrict from, int n) {
  for (int i = 0; i < n; i++) to[i] = from[i] > to[i] ? from[i] : to[i];
}

/* Loops over output rows and kernel cells; BODY sees `row` (the output row), `met` and the kernel cell's index `cell`. */
#define FOR_EACH_CELL(BODY)                                             \
  for (int oy = 0; oy < g->oh; oy++) {                                  \
    float *row = y + (size_t)oy * g->ow;                                \
    for (int ky = 0, cell = 0; ky < g->kh; ky++) {                      \
      for (int kx = 0; kx < g->kw; kx++, cell++) {                      \
        const float *met = met_row(plane, g, oy, ky, kx);               \
        BODY;                                                           \
      }                                                                 \
    }                                                                   \
  }

void tpuc_depthwise(const float *x, const float *weights, float *y, float *plane, const SlidingWindow *g, int planes,
                    int channels) {
  for (int p = 0; p < planes; p++, x += (size_t)g->h * g->w, y += (size_t)g->oh * g->ow) {
    const float *kernel = weights + (size_t)(p % channels) * g->kh * g->kw;
    pad_plane(x, plane, g, 0.0f);
    fill(y, 0.0f, g->oh * g->ow);
    FOR_EACH_CELL(add_scaled(row, met, kernel[cell], g->ow))
  }
}

void tpuc_max_pool(const float *x, float *y, float *plane, const SlidingWindow *g, int planes) {
  for (int p = 0; p < planes; p++, x += (size_t)g->h * g->w, y += (size_t)g->oh * g->ow) {
    pad_plane(x, plane, g, -INFINITY);
    fill(y, -INFINITY, g->oh * g->ow);
    FOR_EACH_CELL((void)cell; max_row(row, met, g->ow))
  }
}

void tpuc_sum_pool(const float *x, float *y, float *plane, const SlidingWindow *g, int planes) {
  for (int p = 0; p < planes; p++, x += (size_t)g->h * g->w, y += (size_t)g->oh * g->ow) {
    pad_plane(x, plane, g, 0.0f);
    fill(y, 0.0f, g->oh * g->ow);
    FOR_EACH_CELL((void)cell; add_row(row, met, g->ow))
  }
}

SIMD_CLONES static void bias_relu_row(float *y, float bias, size_t n, int relu, float limit) {
  if (!relu) {
    for (size_t i = 0; i < n; i++) y[i] += bias;
    return;
  }
  for (size_t i = 0; i < n; i++) {
    float value = y[i] + bias;
    value = value > 0.0f || value != value ? value : 0.0f;
    y[i] = value > limit ? limit : value;
  }
}

void tpuc_bias_relu(float *y, const float *bias, size_t rows, size_t n, int channels, int relu, float limit) {
  for (size_t row = 0; row < rows; row++) bias_relu_row(y + row * n, bias[row % channels], n, relu, limit);
}

void tpuc_histogram(const float *x, size_t n, double bins_per_unit, int64_t *counts, int bins) {
  const float factor = (float)bins_per_unit, last = (float)(bins - 1);
  for (size_t i = 0; i < n; i++) {
    const float position = fabsf(x[i]) * factor;
    if (position == position) counts[(int)(position < last ? position : last)]++;
  }
}
