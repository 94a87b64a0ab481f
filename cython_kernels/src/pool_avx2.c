#include <immintrin.h>

#include "ordered_float.h"
#include "pool_rows.h"

#define AVX2 __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline))

/* Eight neighbouring results; a product, then a sum, never fused. */
AVX2 INLINE __m256 eight_sums(const pool_f32_row *row, const float *at, const int average)
{
    __m256 start = _mm256_set1_ps(average ? -0.0f : 0.0f), sums[2] = {start, start};
    if (!average)
        sums[0] = _mm256_add_ps(start, _mm256_set1_ps(row->bias));
    __m256 multiplier = _mm256_set1_ps(row->multiplier);
    int64_t t = 0;
    for (; t + 1 < row->count; t += 2) {
        __m256 w0 = average ? multiplier : _mm256_broadcast_ss(row->weights + t);
        __m256 w1 = average ? multiplier : _mm256_broadcast_ss(row->weights + t + 1);
        __m256 p0 = _mm256_mul_ps(_mm256_loadu_ps(at + row->taps[t]), w0);
        __m256 p1 = _mm256_mul_ps(_mm256_loadu_ps(at + row->taps[t + 1]), w1);
        sums[!average] = _mm256_add_ps(sums[!average], p0);
        sums[average] = _mm256_add_ps(sums[average], p1);
    }
    if (t < row->count) {
        __m256 w = average ? multiplier : _mm256_broadcast_ss(row->weights + t);
        sums[!average] = _mm256_add_ps(sums[!average], _mm256_mul_ps(_mm256_loadu_ps(at + row->taps[t]), w));
    }
    return _mm256_add_ps(sums[0], sums[1]);
}

/* maxps takes its second operand where the first is not greater (NaN, equal): the chip's rule. */
AVX2 INLINE __m256 eight_maxima(const pool_f32_row *row, const float *at)
{
    __m256 best = _mm256_castsi256_ps(_mm256_set1_epi32((int)0xff7fffffu));
    __m256 exponent = _mm256_castsi256_ps(_mm256_set1_epi32(0x7f800000)), sign = _mm256_set1_ps(-0.0f);
    for (int64_t t = 0; t < row->count; t++) {
        __m256 v = _mm256_loadu_ps(at + row->taps[t]);
        __m256i tiny = _mm256_cmpeq_epi32(_mm256_castps_si256(_mm256_and_ps(v, exponent)), _mm256_setzero_si256());
        v = _mm256_blendv_ps(v, _mm256_and_ps(v, sign), _mm256_castsi256_ps(tiny));
        best = _mm256_max_ps(best, v);
    }
    return best;
}

AVX2 void pool_f32_row_avx2(const pool_f32_row *row, const float *from, float *to, int64_t count)
{
    for (int64_t x = 0; x < count; x += 8) {
        __m256 v = row->kind == POOL_MAXIMUM   ? eight_maxima(row, from + x)
                   : row->kind == POOL_AVERAGE ? eight_sums(row, from + x, 1)
                                               : eight_sums(row, from + x, 0);
        float part[8];
        int64_t width = count - x < 8 ? count - x : 8;
        if (width == 8)
            _mm256_storeu_ps(to + x, v);
        else {
            _mm256_storeu_ps(part, v);
            memcpy(to + x, part, sizeof(float) * (size_t)width);
        }
        int nan = _mm256_movemask_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
        for (int64_t i = 0; nan && row->kind != POOL_MAXIMUM && i < width; i++)
            if (nan >> i & 1)
                to[x + i] = pool_f32_element(row, from + x + i);
    }
}

AVX2 void pool_int_sums_avx2(const pool_int_row *row, const int16_t *from, int32_t *sums, int64_t count)
{
    for (int64_t x = 0; x < count; x += 16) {
        __m256i low = _mm256_setzero_si256(), high = low; /* results 0-3, 8-11 and 4-7, 12-15 */
        for (int64_t t = 0; t < row->count; t += 2) {
            int pair = t + 1 < row->count;
            uint16_t w0 = row->weights ? (uint16_t)row->weights[t] : 1;
            uint16_t w1 = !pair ? 0 : row->weights ? (uint16_t)row->weights[t + 1] : 1;
            __m256i w = _mm256_set1_epi32((int)((uint32_t)w1 << 16 | w0));
            __m256i a = _mm256_loadu_si256((const __m256i *)(from + x + row->taps[t]));
            __m256i b = _mm256_loadu_si256((const __m256i *)(from + x + row->taps[t + pair]));
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), w));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), w));
        }
        _mm256_storeu_si256((__m256i *)(sums + x), _mm256_permute2x128_si256(low, high, 0x20));
        _mm256_storeu_si256((__m256i *)(sums + x + 8), _mm256_permute2x128_si256(low, high, 0x31));
    }
}

AVX2 void pool_int_maxima_avx2(const pool_int_row *row, const int16_t *from, int32_t *maxima, int64_t count)
{
    for (int64_t x = 0; x < count; x += 16) {
        __m256i best = _mm256_loadu_si256((const __m256i *)(from + x + row->taps[0]));
        for (int64_t t = 1; t < row->count; t++)
            best = _mm256_max_epi16(best, _mm256_loadu_si256((const __m256i *)(from + x + row->taps[t])));
        _mm256_storeu_si256((__m256i *)(maxima + x), _mm256_cvtepi16_epi32(_mm256_castsi256_si128(best)));
        _mm256_storeu_si256((__m256i *)(maxima + x + 8), _mm256_cvtepi16_epi32(_mm256_extracti128_si256(best, 1)));
    }
}
