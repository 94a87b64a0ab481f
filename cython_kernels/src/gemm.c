#include "gemm.h"

#include <string.h>

#include "saturate.h"

int64_t gemm_packed_size(int64_t rows, int64_t depth)
{
    return (rows + GEMM_ROWS - 1) / GEMM_ROWS * GEMM_ROWS * depth;
}

void gemm_f32_pack(const float *matrix, int64_t rows, int64_t depth, float *packed)
{
    memset(packed, 0, sizeof(float) * (size_t)gemm_packed_size(rows, depth));
    for (int64_t row = 0; row < rows; row++) {
        float *to = packed + row / GEMM_ROWS * GEMM_ROWS * depth + row % GEMM_ROWS;
        for (int64_t k = 0; k < depth; k++)
            to[k * GEMM_ROWS] = matrix[row * depth + k];
    }
}

void gemm_int_pack(const int16_t *matrix, int64_t rows, int64_t channels, int64_t taps, int32_t *packed)
{
    int64_t depth = (channels + 1) / 2 * taps;
    memset(packed, 0, sizeof(int32_t) * (size_t)gemm_packed_size(rows, depth));
    int16_t *halves = (int16_t *)packed;
    for (int64_t row = 0; row < rows; row++) {
        int64_t start = row / GEMM_ROWS * GEMM_ROWS * depth + row % GEMM_ROWS;
        for (int64_t c = 0; c < channels; c++)
            for (int64_t t = 0; t < taps; t++)
                halves[2 * (start + (c / 2 * taps + t) * GEMM_ROWS) + c % 2] = matrix[(row * channels + c) * taps + t];
    }
}

static int64_t wrapped(int64_t v, int is_signed)
{
    return is_signed ? (int64_t)(int32_t)(uint32_t)v : (int64_t)(uint32_t)v;
}

void gemm_finish_row(const gemm_finish *f, int64_t row, int64_t at, const int32_t *sums, int64_t count)
{
    if (f->bits == 32 && !f->requantize) {
        int32_t *to = (int32_t *)f->result + at;
        for (int64_t i = 0; i < count; i++)
            to[i] = f->old ? (int32_t)((uint32_t)sums[i] + (uint32_t)f->old[at + i]) : sums[i];
        return;
    }
    int is_signed = f->is_signed && !f->relu;
    for (int64_t i = 0; i < count; i++) {
        int64_t v = wrapped(sums[i], f->is_signed);
        if (f->requantize) {
            v = wrapped(v + (f->row_bias ? f->row_bias[row] : 0), f->is_signed);
            if (f->shift > 0) /* the + 1 wraps too: half up for shifts below 32 */
                v = wrapped((v >> ((f->shift - 1) & 31)) + 1, f->is_signed) >> 1;
            if (f->relu && v < 0)
                v = 0;
        }
        if (f->bits == 8)
            ((uint8_t *)f->result)[at + i] = (uint8_t)saturated(v, 8, is_signed);
        else if (f->bits == 16)
            ((uint16_t *)f->result)[at + i] = (uint16_t)saturated(v, 16, is_signed);
        else
            ((uint32_t *)f->result)[at + i] = (uint32_t)v + (f->old ? (uint32_t)f->old[at + i] : 0);
    }
}
