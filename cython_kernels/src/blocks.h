/* Blocks: short stretches of a row in one working type (float, int32, int64, raw bits), read from and written to any
   element kind and step. A loop over blocks of working types replaces one loop for every combination of types. */
#ifndef TPUC_BLOCKS_H
#define TPUC_BLOCKS_H

#include <stdint.h>
#include <string.h>

#include "grid.h"
#include "halves.h"

#define BLOCK 512 /* elements: four blocks of int64 stay in the first-level cache */

#define READ_EACH(type, expression)                                                   \
    do {                                                                              \
        if (step == (int64_t)sizeof(type)) {                                          \
            const type *from = (const type *)data;                                    \
            for (int i = 0; i < count; i++) { type v = from[i]; out[i] = expression; } \
        } else if (step == 0) {                                                       \
            type v = *(const type *)data;                                             \
            for (int i = 0; i < count; i++) out[i] = expression;                      \
        } else                                                                        \
            for (int i = 0; i < count; i++) {                                         \
                type v = *(const type *)(data + i * step);                            \
                out[i] = expression;                                                  \
            }                                                                         \
    } while (0)

#define WRITE_EACH(type, expression)                                                  \
    do {                                                                              \
        if (step == (int64_t)sizeof(type)) {                                          \
            type *to = (type *)data;                                                  \
            for (int i = 0; i < count; i++) to[i] = (type)(expression);               \
        } else                                                                        \
            for (int i = 0; i < count; i++)                                           \
                *(type *)(data + i * step) = (type)(expression);                      \
    } while (0)

/* Integers as int32; u32 keeps its bits. */
static inline void read_int32(int kind, const char *data, int64_t step, int count, int32_t *out)
{
    switch (kind) {
    case KIND_I8: READ_EACH(int8_t, v); break;
    case KIND_U8: READ_EACH(uint8_t, v); break;
    case KIND_I16: READ_EACH(int16_t, v); break;
    case KIND_U16: READ_EACH(uint16_t, v); break;
    default: READ_EACH(uint32_t, (int32_t)v); break;
    }
}

static inline void read_int64(int kind, const char *data, int64_t step, int count, int64_t *out)
{
    switch (kind) {
    case KIND_I8: READ_EACH(int8_t, v); break;
    case KIND_U8: READ_EACH(uint8_t, v); break;
    case KIND_I16: READ_EACH(int16_t, v); break;
    case KIND_U16: READ_EACH(uint16_t, v); break;
    case KIND_I32: READ_EACH(int32_t, v); break;
    default: READ_EACH(uint32_t, v); break;
    }
}

/* The bits of any kind, zero-extended. */
static inline const uint32_t *read_bits(int kind, const char *data, int64_t step, int count, uint32_t *out)
{
    switch (kind_bytes(kind)) {
    case 1: READ_EACH(uint8_t, v); break;
    case 2: READ_EACH(uint16_t, v); break;
    default:
        if (step == 4)
            return (const uint32_t *)data;
        READ_EACH(uint32_t, v);
    }
    return out;
}

/* Floats of any float kind as f32; the result is the tensor itself where it is consecutive f32. */
static inline const float *read_floats(int kind, const char *data, int64_t step, int count, float *out)
{
    uint16_t half[BLOCK];
    switch (kind) {
    case KIND_F32:
        if (step == 4)
            return (const float *)data;
        READ_EACH(float, v);
        break;
    case KIND_BF16: READ_EACH(uint16_t, bits_float((uint32_t)v << 16)); break;
    default:
        if (step == 2) {
            halves_to_floats((const uint16_t *)data, out, count);
        } else if (step == 0) {
            float v = bits_float(half_to_bits(*(const uint16_t *)data));
            for (int i = 0; i < count; i++)
                out[i] = v;
        } else {
            for (int i = 0; i < count; i++)
                half[i] = *(const uint16_t *)(data + i * step);
            halves_to_floats(half, out, count);
        }
    }
    return out;
}

static inline void write_bits(int kind, char *data, int64_t step, int count, const uint32_t *in)
{
    switch (kind_bytes(kind)) {
    case 1: WRITE_EACH(uint8_t, in[i]); break;
    case 2: WRITE_EACH(uint16_t, in[i]); break;
    default: WRITE_EACH(uint32_t, in[i]); break;
    }
}

/* Rounds to the kind, nearest even. NaN of f16, bf16: 0x7fff, with its sign where keeps_nan_sign. */
static inline void write_floats(int kind, char *data, int64_t step, int count, const float *in, int keeps_nan_sign)
{
    uint16_t half[BLOCK];
    if (kind == KIND_F32) {
        WRITE_EACH(float, in[i]);
        return;
    }
    if (kind == KIND_F16)
        floats_to_halves(in, half, count);
    else
        for (int i = 0; i < count; i++)
            half[i] = bits_to_bfloat(float_bits(in[i]));
    if (!keeps_nan_sign)
        for (int i = 0; i < count; i++)
            half[i] = (half[i] & 0x7fffu) == HALF_NAN ? HALF_NAN : half[i];
    WRITE_EACH(uint16_t, half[i]);
}

/* Rounds a block to f16 or bf16 and widens it again: what a step between two operations of that type does. */
static inline void round_floats(int kind, float *v, int count, int keeps_nan_sign)
{
    uint16_t half[BLOCK];
    if (kind == KIND_F32)
        return;
    write_floats(kind, (char *)half, 2, count, v, keeps_nan_sign);
    read_floats(kind, (const char *)half, 2, count, v);
}

static inline int32_t clamp32(int32_t v, int32_t low, int32_t high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static inline int64_t clamp64(int64_t v, int64_t low, int64_t high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static inline void kind_limits(int kind, int64_t *low, int64_t *high)
{
    int bits = 8 * kind_bytes(kind);
    *low = kind_is_signed(kind) ? -((int64_t)1 << (bits - 1)) : 0;
    *high = kind_is_signed(kind) ? ((int64_t)1 << (bits - 1)) - 1 : ((int64_t)1 << bits) - 1;
}

static inline void write_saturated32(int kind, char *data, int64_t step, int count, const int32_t *in)
{
    int64_t low, high;
    kind_limits(kind, &low, &high);
    switch (kind) {
    case KIND_I8: WRITE_EACH(int8_t, clamp32(in[i], -128, 127)); break;
    case KIND_U8: WRITE_EACH(uint8_t, clamp32(in[i], 0, 255)); break;
    case KIND_I16: WRITE_EACH(int16_t, clamp32(in[i], -32768, 32767)); break;
    case KIND_U16: WRITE_EACH(uint16_t, clamp32(in[i], 0, 65535)); break;
    case KIND_I32: WRITE_EACH(int32_t, in[i]); break;
    default: WRITE_EACH(uint32_t, in[i] < 0 ? 0 : in[i]); break;
    }
}

/* low, high: the limits, at most those of the kind. */
static inline void write_clamped64(int kind, char *data, int64_t step, int count, const int64_t *in, int64_t low,
                                   int64_t high)
{
    switch (kind_bytes(kind)) {
    case 1: WRITE_EACH(uint8_t, clamp64(in[i], low, high)); break;
    case 2: WRITE_EACH(uint16_t, clamp64(in[i], low, high)); break;
    default: WRITE_EACH(uint32_t, clamp64(in[i], low, high)); break;
    }
}

static inline void write_saturated64(int kind, char *data, int64_t step, int count, const int64_t *in)
{
    int64_t low, high;
    kind_limits(kind, &low, &high);
    write_clamped64(kind, data, step, count, in, low, high);
}

static inline int any_nan(const float *v, int count)
{
    uint32_t found = 0;
    for (int i = 0; i < count; i++)
        found |= bits_are_nan(float_bits(v[i]));
    return found != 0;
}

#endif
