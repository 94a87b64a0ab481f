/* f16 and bf16 from and to f32, on bit patterns: independent of the floating-point mode of the thread. */
#ifndef TPUC_HALVES_H
#define TPUC_HALVES_H

#include <stdint.h>
#if defined(TPUC_AVX2)
#include <immintrin.h>
#endif

#include "ordered_float.h"

#define HALF_NAN 0x7fffu /* the chip's NaN of f16 and bf16 results */

/* f16 to f32 bits: exact, denormals too; NaN becomes sign | 0x7fffffff. */
static inline uint32_t half_to_bits(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h >> 10 & 31, m = h & 0x3ffu;
    if (e == 31)
        return sign | (m ? 0x7fffffffu : 0x7f800000u);
    if (e)
        return sign | (e + 112) << 23 | m << 13;
    if (!m)
        return sign;
    int shift = __builtin_clz(m) - 21; /* brings the first one to bit 10 */
    return sign | (uint32_t)(113 - shift) << 23 | (m << shift & 0x3ffu) << 13;
}

/* f32 bits to f16, nearest even; denormal f32 are zero, f16 denormals come out; NaN becomes sign | 0x7fff. */
static inline uint16_t bits_to_half(uint32_t u)
{
    uint32_t sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | HALF_NAN);
    if (a >= 0x47800000u) /* 65536 and more */
        return (uint16_t)(sign | 0x7c00u);
    uint32_t e = a >> 23;
    if (e < 102) /* below half of the least denormal */
        return (uint16_t)sign;
    uint32_t m = (a & 0x7fffffu) | 0x800000u;
    uint32_t drop = e < 113 ? 126 - e : 13;
    uint32_t kept = m >> drop, rest = m & ((1u << drop) - 1), half = 1u << (drop - 1);
    uint32_t base = e < 113 ? 0 : (e - 113) << 10; /* the implicit bit of m adds one to the exponent */
    return (uint16_t)(sign | (base + kept + (rest > half || (rest == half && (kept & 1)))));
}

static inline uint16_t bits_to_bfloat(uint32_t u)
{
    uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)((u >> 16 & 0x8000u) | HALF_NAN);
    if (a < 0x800000u)
        return (uint16_t)(u >> 16 & 0x8000u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}

static inline void halves_to_floats(const uint16_t *half, float *out, int count)
{
    int i = 0;
#if defined(TPUC_AVX2)
    const __m256 all = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    for (; i + 8 <= count; i += 8) {
        __m256 v = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(half + i)));
        __m256 is_nan = _mm256_and_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q), all);
        _mm256_storeu_ps(out + i, _mm256_or_ps(v, is_nan));
    }
#endif
    for (; i < count; i++)
        out[i] = bits_float(half_to_bits(half[i]));
}

static inline void floats_to_halves(const float *in, uint16_t *half, int count)
{
    int i = 0;
#if defined(TPUC_AVX2)
    const __m128i nan = _mm_set1_epi16(HALF_NAN), magnitude = _mm_set1_epi16(0x7fff), infinity = _mm_set1_epi16(0x7c00);
    for (; i + 8 <= count; i += 8) {
        __m128i v = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        __m128i is_nan = _mm_cmpgt_epi16(_mm_and_si128(v, magnitude), infinity);
        _mm_storeu_si128((__m128i *)(half + i), _mm_or_si128(v, _mm_and_si128(is_nan, nan)));
    }
#endif
    for (; i < count; i++)
        half[i] = bits_to_half(float_bits(in[i]));
}

#endif
