#include "elementwise.h"

#include <math.h>

#include "blocks.h"
#include "grid_run.h"
#include "rounding.h"

/* A float kind: bits of the fraction, exponent of the least normal number, bits of infinity. */
typedef struct {
    int fraction, least, infinity;
} float_format;

static float_format format_of(int kind)
{
    static const float_format f16 = {10, -14, 0x7c00}, bf16 = {7, -126, 0x7f80}, f32 = {23, -126, 0x7f800000};
    return kind == KIND_F16 ? f16 : kind == KIND_BF16 ? bf16 : f32;
}

/* Whether a magnitude is rounded up: rest of quotient in units of 2 * half. */
static int rounds_up(uint64_t quotient, uint64_t rest, uint64_t half, int is_negative, int mode)
{
    switch (mode) {
    case HALF_TO_EVEN: return rest > half || (rest == half && (quotient & 1));
    case HALF_AWAY: return rest >= half;
    case DOWN: return is_negative && rest > 0;
    case UP: return !is_negative && rest > 0;
    case HALF_UP: return is_negative ? rest > half : rest >= half;
    case HALF_DOWN: return is_negative ? rest >= half : rest > half;
    default: return 0;
    }
}

/* magnitude * 2**exponent (magnitude below 2**33) as the bits of a float kind, in any rounding mode, with denormal
   results. from_int32: ties of modes 5, 6 by the signed value, and an overflow that the mode rounds towards zero gives
   the greatest finite number; else ties by the magnitude (normal results) and always infinity. */
static uint32_t encode(uint64_t magnitude, int exponent, int is_negative, int kind, int mode, int from_int32)
{
    float_format f = format_of(kind);
    uint32_t sign = is_negative ? 1u << (8 * kind_bytes(kind) - 1) : 0;
    if (magnitude == 0)
        return sign;
    int top = 63 - __builtin_clzll(magnitude) + exponent;
    int last = (top > f.least ? top : f.least) - f.fraction; /* exponent of the last kept bit */
    uint64_t kept;
    if (exponent >= last) {
        kept = magnitude << (exponent - last);
    } else {
        int drop = last - exponent < 62 ? last - exponent : 62;
        uint64_t rest = magnitude & (((uint64_t)1 << drop) - 1);
        kept = magnitude >> drop;
        int signed_ties = from_int32 || top < f.least;
        int by_sign = is_negative && (signed_ties || mode < HALF_UP);
        kept += (uint64_t)rounds_up(kept, rest, (uint64_t)1 << (drop - 1), by_sign, mode);
    }
    uint64_t bits = ((uint64_t)(last + f.fraction - f.least) << f.fraction) + kept;
    if (bits >= (uint64_t)f.infinity) {
        int to_zero = mode == TO_ZERO || (mode == DOWN && !is_negative) || (mode == UP && is_negative);
        bits = (uint64_t)(f.infinity - (from_int32 && to_zero));
    }
    return sign | (uint32_t)bits;
}

/* f32 bits to f16 or bf16 in any mode; denormal inputs are zero. */
static uint32_t narrow_bits(uint32_t u, int kind, int mode)
{
    uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (u >> 16 & 0x8000u) | HALF_NAN;
    if (a == 0x7f800000u)
        return (u >> 16 & 0x8000u) | (uint32_t)format_of(kind).infinity;
    uint64_t magnitude = a >> 23 ? (a & 0x7fffffu) | 0x800000u : 0;
    return encode(magnitude, (int)(a >> 23) - 150, (int)(u >> 31), kind, mode, 0);
}

/* An integral float of the sign of x; infinity stays. Exact: the fraction of a magnitude is a float. */
ALWAYS_INLINE float to_integral(float x, int mode)
{
    float magnitude = fabsf(x), whole = truncf(magnitude), fraction = magnitude - whole;
    int is_negative = float_bits(x) >> 31;
    int up;
    switch (mode) {
    case HALF_TO_EVEN: return rintf(x);
    case HALF_AWAY: up = fraction >= 0.5f; break;
    case TO_ZERO: up = 0; break;
    case DOWN: up = is_negative & (fraction > 0); break;
    case UP: up = !is_negative & (fraction > 0); break;
    case HALF_UP: up = (fraction > 0.5f) | (!is_negative & (fraction == 0.5f)); break;
    default: up = (fraction > 0.5f) | (is_negative & (fraction == 0.5f)); break;
    }
    float r = up ? whole + 1 : whole;
    return bits_float(float_bits(r) | (float_bits(x) & 0x80000000u));
}

ALWAYS_INLINE void integral_each(const float *x, float *r, int n, int mode)
{
    for (int i = 0; i < n; i++)
        r[i] = to_integral(x[i], mode);
}

static void integral_block(const float *x, float *r, int n, int mode)
{
    switch (mode) {
    case HALF_TO_EVEN: integral_each(x, r, n, HALF_TO_EVEN); break;
    case HALF_AWAY: integral_each(x, r, n, HALF_AWAY); break;
    case TO_ZERO: integral_each(x, r, n, TO_ZERO); break;
    case DOWN: integral_each(x, r, n, DOWN); break;
    case UP: integral_each(x, r, n, UP); break;
    case HALF_UP: integral_each(x, r, n, HALF_UP); break;
    default: integral_each(x, r, n, HALF_DOWN); break;
    }
}

/* Integral floats to the bits of an integer kind, saturating; NaN is 0. */
static void saturate_floats(int kind, const float *x, uint32_t *r, int n)
{
    int64_t low, high;
    kind_limits(kind, &low, &high);
    if (kind_bytes(kind) < 4) {
        float least = (float)low, greatest = (float)high;
        for (int i = 0; i < n; i++) {
            float v = bits_are_nan(float_bits(x[i])) ? 0 : x[i];
            v = v < least ? least : v;
            v = v > greatest ? greatest : v;
            r[i] = (uint32_t)(int32_t)v;
        }
        return;
    }
    for (int i = 0; i < n; i++) {
        double v = bits_are_nan(float_bits(x[i])) ? 0 : x[i];
        v = v < (double)low ? (double)low : v;
        r[i] = (uint32_t)(int64_t)(v > (double)high ? (double)high : v);
    }
}

static void float_to_int_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    float scratch[BLOCK], whole[BLOCK];
    uint32_t r[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const float *x = read_floats(g->kind[1], data[1] + at * step[1], step[1], n, scratch);
        integral_block(x, whole, n, *(const int *)context);
        saturate_floats(g->kind[0], whole, r, n);
        write_bits(g->kind[0], data[0] + at * step[0], step[0], n, r);
    }
}

static void int_to_int_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int64_t v[BLOCK];
    int32_t narrow[BLOCK];
    (void)context;
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        if (g->kind[1] != KIND_U32) {
            read_int32(g->kind[1], data[1] + at * step[1], step[1], n, narrow);
            write_saturated32(g->kind[0], data[0] + at * step[0], step[0], n, narrow);
        } else {
            read_int64(g->kind[1], data[1] + at * step[1], step[1], n, v);
            write_saturated64(g->kind[0], data[0] + at * step[0], step[0], n, v);
        }
    }
}

/* Whether f32 can stand between: the integer is exact in it, or its rounding is the only one. */
static int goes_through_f32(const grid *g, int mode)
{
    int from = g->kind[1], to = g->kind[0];
    if (from < KIND_I16 || (from < KIND_I32 && to == KIND_F32))
        return 1;
    return mode == HALF_TO_EVEN && (from < KIND_I32 || to != KIND_BF16);
}

static void int_to_float_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int mode = *(const int *)context, from = g->kind[1], to = g->kind[0], through = goes_through_f32(g, mode);
    int64_t v[BLOCK];
    int32_t narrow[BLOCK];
    float f[BLOCK];
    uint32_t r[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        char *result = data[0] + at * step[0];
        if (through && from != KIND_U32) {
            read_int32(from, data[1] + at * step[1], step[1], n, narrow);
            for (int i = 0; i < n; i++)
                f[i] = (float)narrow[i];
            write_floats(to, result, step[0], n, f, 1);
            continue;
        }
        read_int64(from, data[1] + at * step[1], step[1], n, v);
        for (int i = 0; i < n; i++)
            r[i] = encode((uint64_t)(v[i] < 0 ? -v[i] : v[i]), 0, v[i] < 0, to, mode, kind_bytes(from) == 4);
        write_bits(to, result, step[0], n, r);
    }
}

static void float_to_float_row(const grid *g, char *const *data, const int64_t *step, int64_t count,
                               const void *context)
{
    int mode = *(const int *)context, from = g->kind[1], to = g->kind[0];
    float scratch[BLOCK];
    uint32_t bits[BLOCK], r[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const float *x = read_floats(from, data[1] + at * step[1], step[1], n, scratch);
        char *result = data[0] + at * step[0];
        if (to == KIND_F32 || mode == HALF_TO_EVEN) {
            write_floats(to, result, step[0], n, x, 1);
            continue;
        }
        const uint32_t *u = read_bits(from, data[1] + at * step[1], step[1], n, bits);
        for (int i = 0; i < n; i++)
            r[i] = narrow_bits(u[i], to, mode);
        write_bits(to, result, step[0], n, r);
    }
}

/* A float kind to itself: integral values; NaN and infinity keep their bits. */
static void integral_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    int kind = g->kind[0];
    uint32_t infinity = (uint32_t)format_of(kind).infinity;
    float scratch[BLOCK], whole[BLOCK];
    uint32_t before[BLOCK], after[BLOCK], r[BLOCK];
    for (int64_t at = 0; at < count; at += BLOCK) {
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);
        const char *source = data[1] + at * step[1];
        const uint32_t *old = read_bits(kind, source, step[1], n, before);
        integral_block(read_floats(kind, source, step[1], n, scratch), whole, n, *(const int *)context);
        write_floats(kind, (char *)after, kind_bytes(kind), n, whole, 1);
        const uint32_t *new = read_bits(kind, (const char *)after, kind_bytes(kind), n, r);
        for (int i = 0; i < n; i++)
            r[i] = (old[i] & infinity) == infinity ? old[i] : new[i];
        write_bits(kind, data[0] + at * step[0], step[0], n, r);
    }
}

int VARIANT(cast_run)(grid *g, int mode)
{
    int from = g->kind[1], to = g->kind[0];
    row_function row;
    if (mode > HALF_DOWN || mode < 0 || (from == KIND_F16 && to == KIND_BF16) || (from == KIND_BF16 && to == KIND_F16))
        return WRONG_KINDS;
    if (!kind_is_float(from))
        row = kind_is_float(to) ? int_to_float_row : int_to_int_row;
    else if (kind_is_float(to))
        row = from == to ? integral_row : float_to_float_row;
    else if (mode > UP)
        return WRONG_KINDS;
    else
        row = float_to_int_row;
    run_grid(g, KEEP_DENORMALS, row, &mode);
    return DONE;
}
