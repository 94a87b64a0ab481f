#include "requant.h"

#include <math.h>

#include "blocks.h"
#include "chip_float.h"
#include "grid_run.h"
#include "rounding.h"

/* What is shifted to the left wraps in 64 bits; the zero point that is then added does not: far from both ends of 64
   bits it cannot, and the result saturates all the same. */
ALWAYS_INLINE int64_t shift_left(int64_t v, int shift)
{
    const int64_t limit = (int64_t)1 << 62;
    return clamp64((int64_t)((uint64_t)v << (shift & 63)), -limit, limit);
}

static int64_t shift_one(int64_t v, int shift, int rounding)
{
    if (shift >= 0)
        return shift_left(v, shift);
    return shift_right(v, shift < -63 ? 63 : -shift, rounding);
}

static void shift_block(int64_t *v, int n, int shift, int rounding)
{
    if (shift < 0)
        shift_right_block(v, n, shift < -63 ? 63 : -shift, rounding);
    else if (shift & 63)
        for (int i = 0; i < n; i++)
            v[i] = shift_left(v[i], shift);
}

static int read_shift(int kind, const char *at)
{
    return kind == KIND_I8 ? *(const int8_t *)at : *(const int16_t *)at;
}

/* Tensors: result, x, multiplier, shift, zero point. */
static void integer_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const requant_options *o = context;
    int is_requant = o->operation == REQUANT_INT;
    int32_t x[BLOCK];
    int64_t v[BLOCK];
    int each = step[2] | step[3] | step[4] ? 1 : 0;
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const char *multiplier = data[2] + at * step[2], *shift = data[3] + at * step[3];
        const char *zero = data[4] + at * step[4];
        read_int32(g->kind[1], data[1] + at * step[1], step[1], n, x);
        if (each) {
            for (int i = 0; i < n; i++) {
                int64_t m = *(const int32_t *)(multiplier + i * step[2]), z = *(const int32_t *)(zero + i * step[4]);
                int s = read_shift(g->kind[3], shift + i * step[3]);
                v[i] = is_requant ? shift_one(x[i] * m, s, o->rounding) + z : shift_one((x[i] - z) * m, s, o->rounding);
            }
        } else {
            int64_t z = *(const int32_t *)zero, before = is_requant ? 0 : z, after = is_requant ? z : 0;
            int32_t m = *(const int32_t *)multiplier;
            if (before)
                for (int i = 0; i < n; i++)
                    v[i] = (x[i] - before) * m;
            else
                for (int i = 0; i < n; i++)
                    v[i] = (int64_t)x[i] * m;
            shift_block(v, n, read_shift(g->kind[3], shift), o->rounding);
            if (after)
                for (int i = 0; i < n; i++)
                    v[i] += after;
        }
        write_clamped64(g->kind[0], data[0] + at * step[0], step[0], n, v, o->low, o->high);
    }
}

/* An integer as f32 in any rounding mode. */
static float int_to_float(int64_t v, int mode)
{
    uint64_t magnitude = (uint64_t)(v < 0 ? -v : v);
    int drop = magnitude >> 24 ? 40 - __builtin_clzll(magnitude) : 0;
    int64_t kept = drop ? shift_right(v, drop, mode) : v;
    return (float)((double)kept * (double)((int64_t)1 << drop)); /* exact: kept has 24 bits, or is 2**24 */
}

static void ints_to_floats(const int32_t *v, float *f, int n, int mode)
{
    for (int i = 0; i < n; i++)
        f[i] = mode == HALF_TO_EVEN ? (float)v[i] : int_to_float(v[i], mode);
}

ALWAYS_INLINE double round_double(double v, int mode)
{
    switch (mode) {
    case HALF_TO_EVEN: return rint(v);
    case HALF_AWAY: return copysign(floor(fabs(v) + 0.5), v);
    case TO_ZERO: return trunc(v);
    case DOWN: return floor(v);
    default: return ceil(v);
    }
}

ALWAYS_INLINE void round_each(const float *y, int64_t *v, int n, int mode, double low, double high)
{
    int32_t r[BLOCK];
    for (int i = 0; i < n; i++) {
        double d = bits_are_nan(float_bits(y[i])) ? 0 : round_double(y[i], mode);
        d = d < low ? low : d;
        r[i] = (int32_t)(d > high ? high : d);
    }
    for (int i = 0; i < n; i++)
        v[i] = r[i];
}

/* The limits are those of 16 bits at most. */
static void floats_to_ints(const float *y, int64_t *v, int n, const requant_options *o)
{
    double low = (double)o->low, high = (double)o->high;
    switch (o->float_rounding) {
    case HALF_TO_EVEN: round_each(y, v, n, HALF_TO_EVEN, low, high); break;
    case HALF_AWAY: round_each(y, v, n, HALF_AWAY, low, high); break;
    case TO_ZERO: round_each(y, v, n, TO_ZERO, low, high); break;
    case DOWN: round_each(y, v, n, DOWN, low, high); break;
    default: round_each(y, v, n, UP, low, high); break;
    }
}

/* Tensors: result, x, scale, offset. */
static void requant_float_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const requant_options *o = context;
    int32_t x[BLOCK];
    int64_t v[BLOCK];
    float f[BLOCK], y[BLOCK], scales[BLOCK], offsets[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        read_int32(g->kind[1], data[1] + at * step[1], step[1], n, x);
        ints_to_floats(x, f, n, o->rounding);
        const float *scale = read_floats(KIND_F32, data[2] + at * step[2], step[2], n, scales);
        const float *offset = read_floats(KIND_F32, data[3] + at * step[3], step[3], n, offsets);
        for (int i = 0; i < n; i++)
            y[i] = f[i] * scale[i] + offset[i]; /* a NaN is 0 whatever its bits */
        floats_to_ints(y, v, n, o);
        write_clamped64(g->kind[0], data[0] + at * step[0], step[0], n, v, o->low, o->high);
    }
}

/* Tensors: result, x, zero point, scale. */
static void dequant_float_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const requant_options *o = context;
    int32_t x[BLOCK], zero[BLOCK];
    float f[BLOCK], y[BLOCK], scales[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        read_int32(g->kind[1], data[1] + at * step[1], step[1], n, x);
        read_int32(g->kind[2], data[2] + at * step[2], step[2], n, zero);
        const float *scale = read_floats(KIND_F32, data[3] + at * step[3], step[3], n, scales);
        for (int i = 0; i < n; i++)
            x[i] -= zero[i]; /* both have 16 bits */
        ints_to_floats(x, f, n, o->rounding);
        for (int i = 0; i < n; i++)
            y[i] = f[i] * scale[i];
        if (any_nan(y, n))
            for (int i = 0; i < n; i++)
                y[i] = ordered_mul(f[i], scale[i]);
        write_floats(KIND_F32, data[0] + at * step[0], step[0], n, y, 1);
    }
}

void VARIANT(requant_run)(grid *g, const requant_options *o)
{
    static const row_function rows[] = {integer_row, requant_float_row, integer_row, dequant_float_row};
    run_grid(g, FLUSH_DENORMALS, rows[o->operation], o);
}
