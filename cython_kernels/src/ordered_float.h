/* f32 operations with the chip's NaN rules: the first NaN operand passes, made quiet; a new NaN is 0xffc00000.
   A compiler may swap the operands of + and *, so the order is spelled out. Call between flush_begin and flush_end. */
#ifndef TPUC_ORDERED_FLOAT_H
#define TPUC_ORDERED_FLOAT_H

#include <stdint.h>
#include <string.h>

#define CHIP_NAN 0xffc00000u
#define QUIET_BIT 0x00400000u

static inline uint32_t float_bits(float v)
{
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static inline float bits_float(uint32_t u)
{
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

static inline int bits_are_nan(uint32_t u)
{
    return (u & 0x7fffffffu) > 0x7f800000u;
}

static inline float ordered_result(float a, float b, float result)
{
    uint32_t first = float_bits(a), second = float_bits(b);
    if (bits_are_nan(first))
        return bits_float(first | QUIET_BIT);
    if (bits_are_nan(second))
        return bits_float(second | QUIET_BIT);
    return bits_are_nan(float_bits(result)) ? bits_float(CHIP_NAN) : result;
}

static inline float ordered_add(float a, float b)
{
    return ordered_result(a, b, a + b);
}

static inline float ordered_mul(float a, float b)
{
    return ordered_result(a, b, a * b);
}

/* A denormal as a zero of its sign; everything else unchanged. */
static inline float flushed(float v)
{
    uint32_t u = float_bits(v);
    return (u & 0x7f800000u) ? v : bits_float(u & 0x80000000u);
}

#endif
