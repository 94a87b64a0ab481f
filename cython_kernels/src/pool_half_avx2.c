#include <immintrin.h>
#include <string.h>

#include "halves.h"
#include "pool_rows.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define INLINE static inline __attribute__((always_inline))
#define WIDTH 8

AVX2 INLINE __m256 widened(__m128i halves, const float_kind type)
{
    return type == TO_F16 ? _mm256_cvtph_ps(halves) : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

/* bf16 bits in the upper halves, nearest even; NaN stays one. */
AVX2 INLINE __m256 rounded_bf16(__m256 v)
{
    __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256 cut = _mm256_castsi256_ps(_mm256_and_si256(up, _mm256_set1_epi32((int)0xffff0000u)));
    return _mm256_blendv_ps(cut, v, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}

AVX2 INLINE __m256 rounded(__m256 v, const float_kind type)
{
    return type == TO_F16 ? _mm256_cvtph_ps(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT)) : rounded_bf16(v);
}

/* Rounded numbers to their 16 bits; NaN to 0x7fff. */
AVX2 INLINE __m128i narrowed(__m256 v, const float_kind type)
{
    __m256i bits = type == TO_F16 ? _mm256_cvtepu16_epi32(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT))
                                  : _mm256_srli_epi32(_mm256_castps_si256(v), 16);
    __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    bits = _mm256_blendv_epi8(bits, _mm256_set1_epi32(HALF_NAN), is_nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
}

AVX2 INLINE __m128i eight_sums(const pool_half_row *row, const uint16_t *at, const float_kind type)
{
    int average = row->kind == POOL_AVERAGE;
    __m256 start = _mm256_set1_ps(average ? -0.0f : 0.0f), now = start, next = start;
    if (!average) /* the bias is the first term; accumulators change places with every term */
        next = rounded(_mm256_add_ps(start, _mm256_set1_ps(row->bias)), type);
    for (int64_t t = 0; t < row->count; t++) {
        __m256 w = _mm256_set1_ps(average ? row->multiplier : row->weights[t]);
        __m256 v = widened(_mm_loadu_si128((const __m128i *)(at + row->taps[t])), type);
        __m256 sum = rounded(_mm256_add_ps(now, rounded(_mm256_mul_ps(v, w), type)), type);
        now = next;
        next = sum;
    }
    return narrowed(rounded(_mm256_add_ps(now, next), type), type);
}

/* The bits travel with the values that are compared: they come out unchanged. */
AVX2 INLINE __m128i eight_maxima(const pool_half_row *row, const uint16_t *at, const float_kind type)
{
    __m128i best = _mm_set1_epi16((short)(type == TO_F16 ? LOWEST_F16 : LOWEST_BF16));
    for (int64_t t = 0; t < row->count; t++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(at + row->taps[t]));
        __m256i greater = _mm256_castps_si256(_mm256_cmp_ps(widened(best, type), widened(v, type), _CMP_GT_OQ));
        __m128i keep = _mm_packs_epi32(_mm256_castsi256_si128(greater), _mm256_extracti128_si256(greater, 1));
        best = _mm_blendv_epi8(v, best, keep);
    }
    return best;
}

AVX2 INLINE void row_of(const pool_half_row *row, const uint16_t *from, uint16_t *to, int64_t count, const float_kind type)
{
    for (int64_t x = 0; x < count; x += WIDTH) {
        __m128i v = row->kind == POOL_MAXIMUM ? eight_maxima(row, from + x, type) : eight_sums(row, from + x, type);
        uint16_t part[WIDTH];
        _mm_storeu_si128((__m128i *)part, v);
        memcpy(to + x, part, sizeof(uint16_t) * (size_t)(count - x < WIDTH ? count - x : WIDTH));
    }
}

AVX2 void pool_half_row_avx2(const pool_half_row *row, const uint16_t *from, uint16_t *to, int64_t count)
{
    if (row->type == TO_F16)
        row_of(row, from, to, count, TO_F16);
    else
        row_of(row, from, to, count, TO_BF16);
}
