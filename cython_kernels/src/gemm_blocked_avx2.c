#include <immintrin.h>
#include <stdlib.h>

#include "gemm_blocked.h"
#include "gemm_panel.h"
#include "ordered_float.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define PANEL_ELEMENTS ((PANEL_DEPTH + 1) * GEMM_COLUMNS)
#define WIDTH 8

/* f32 exponent fields. Below LOWEST a power of two that is needed would be no normal number: such blocks, which only bf16
   has, are left to the definition, as those with infinities and NaNs are. */
#define LOWEST (127 - 100)
#define INFINITE 255

size_t gemm_blocked_scratch(const gemm_grid *grid)
{
    size_t sums = (size_t)grid->tile_rows * (GEMM_COLUMNS + 1); /* and a word of undone columns each */
    return ((PANEL_ELEMENTS + sums) * sizeof(float) + 63) / 64 * 64;
}

/* A block's sum for eight columns (`panel`: rows of GEMM_COLUMNS); lanes that this cannot do are set in *special. */
AVX2 static inline __attribute__((always_inline)) __m256 eight_blocks(const float *left, const float *panel, int count,
                                                                      __m256i *special)
{
    __m256 products[BLOCK_PRODUCTS];
    __m256i largest = _mm256_setzero_si256(), magnitude = _mm256_set1_epi32(0x7fffffff), total = largest;
#pragma GCC unroll 8
    for (int k = 0; k < count; k++) {
        products[k] = _mm256_mul_ps(_mm256_load_ps(panel + k * GEMM_COLUMNS), _mm256_broadcast_ss(left + k));
        largest = _mm256_max_epi32(largest, _mm256_and_si256(_mm256_castps_si256(products[k]), magnitude));
    }
    __m256i exponent = _mm256_srli_epi32(largest, 23), lowest = _mm256_set1_epi32(LOWEST);
    __m256i too_small = _mm256_and_si256(_mm256_cmpgt_epi32(largest, _mm256_setzero_si256()), _mm256_cmpgt_epi32(lowest, exponent));
    __m256i too_large = _mm256_cmpeq_epi32(exponent, _mm256_set1_epi32(INFINITE));
    *special = _mm256_or_si256(*special, _mm256_or_si256(too_small, too_large));
    exponent = _mm256_max_epi32(exponent, lowest);
    /* 2^(24 - E) and 2^(E - 24), E = exponent - 127 */
    __m256 up = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_sub_epi32(_mm256_set1_epi32(2 * 127 + 24), exponent), 23));
    __m256 down = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_sub_epi32(exponent, _mm256_set1_epi32(24)), 23));
#pragma GCC unroll 8
    for (int k = 0; k < count; k++)
        total = _mm256_add_epi32(total, _mm256_cvttps_epi32(_mm256_mul_ps(products[k], up)));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(total), down);
}

/* The same, with loops of known length for the usual numbers of channels. */
AVX2 static inline __m256 eight_blocks_of(const float *left, const float *panel, int count, __m256i *special)
{
    switch (count) {
    case 8: return eight_blocks(left, panel, 8, special);
    case 16: return eight_blocks(left, panel, 16, special);
    case 24: return eight_blocks(left, panel, 24, special);
    case BLOCK_PRODUCTS: return eight_blocks(left, panel, BLOCK_PRODUCTS, special);
    default: return eight_blocks(left, panel, count, special);
    }
}

AVX2 static void begin(const gemm_blocked *job, const gemm_tile *tile, float *sums)
{
    int64_t width = tile->last_column - tile->first_column;
    for (int64_t row = tile->first_row; row < tile->last_row; row++, sums += GEMM_COLUMNS)
        for (int64_t i = 0; i < GEMM_COLUMNS; i++) {
            sums[i] = job->row_bias ? job->row_bias[row] : 0.0f;
            if (job->old)
                sums[i] += job->old[row * job->columns + tile->first_column + (i < width ? i : 0)];
        }
}

/* Adds the blocks first .. last - 1, whose right rows lie in `panel`, to a row's sums; returns the columns not done. */
AVX2 static unsigned add_blocks(const gemm_blocked *job, const float *left, const float *panel, int64_t first, int64_t last,
                                float *sums)
{
    unsigned undone = 0;
    for (int part = 0; part < GEMM_COLUMNS; part += WIDTH) {
        __m256 sum = _mm256_load_ps(sums + part);
        __m256i special = _mm256_setzero_si256();
        int64_t start = first ? job->ends[first - 1] : 0, k = start;
        for (int64_t b = first; b < last; b++) {
            int count = (int)(job->ends[b] - k);
            const float *rows = panel + (k - start) * GEMM_COLUMNS + part;
            sum = _mm256_add_ps(sum, eight_blocks_of(left + k, rows, count, &special));
            k = job->ends[b];
        }
        _mm256_store_ps(sums + part, sum);
        undone |= (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(special)) << part;
    }
    return undone;
}

/* Eight sums rounded to bf16, ties to even, denormals zeros: none of them NaN. */
AVX2 static inline __m128i eight_bfloats(__m256 sums)
{
    __m256i u = _mm256_castps_si256(sums), one = _mm256_set1_epi32(1);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), one);
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    __m256i size = _mm256_and_si256(u, _mm256_set1_epi32(0x7fffffff));
    __m256i is_zero = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x800000), size);
    __m256i sign = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x8000));
    rounded = _mm256_blendv_epi8(rounded, sign, is_zero);
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(rounded, rounded), 0x08);
    return _mm256_castsi256_si128(packed);
}

/* A row of a full panel as results; 0 where a sum is NaN, and nothing is written. */
AVX2 static int store_row(const gemm_blocked *job, int64_t at, const float *sums)
{
    __m256 low = _mm256_load_ps(sums), high = _mm256_load_ps(sums + WIDTH);
    __m256 is_nan = _mm256_or_ps(_mm256_cmp_ps(low, low, _CMP_UNORD_Q), _mm256_cmp_ps(high, high, _CMP_UNORD_Q));
    if (_mm256_movemask_ps(is_nan))
        return 0;
    if (job->kind == TO_F32) {
        float *to = (float *)job->result + at;
        _mm256_storeu_ps(to, low);
        _mm256_storeu_ps(to + WIDTH, high);
        return 1;
    }
    __m128i *to = (__m128i *)((uint16_t *)job->result + at);
    int is_f16 = job->kind == TO_F16;
    _mm_storeu_si128(to, is_f16 ? _mm256_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT) : eight_bfloats(low));
    _mm_storeu_si128(to + 1, is_f16 ? _mm256_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT) : eight_bfloats(high));
    return 1;
}

AVX2 static void end(const gemm_blocked *job, const gemm_tile *tile, const float *sums, const unsigned *undone)
{
    int is_full = tile->last_column - tile->first_column == GEMM_COLUMNS;
    for (int64_t row = tile->first_row; row < tile->last_row; row++, sums += GEMM_COLUMNS, undone++) {
        int64_t start = row * job->columns;
        if (is_full && !*undone && store_row(job, start + tile->first_column, sums))
            continue;
        for (int64_t column = tile->first_column; column < tile->last_column; column++) {
            int64_t i = column - tile->first_column;
            int repair = (*undone >> i & 1) || bits_are_nan(float_bits(sums[i]));
            gemm_blocked_store(job, start + column, repair ? gemm_blocked_element(job, row, column) : sums[i]);
        }
    }
}

AVX2 void gemm_blocked_tile_avx2(const gemm_blocked *job, const gemm_tile *tile, void *scratch)
{
    int64_t rows = tile->last_row - tile->first_row;
    float *panel = scratch, *sums = panel + PANEL_ELEMENTS;
    unsigned *undone = (unsigned *)(sums + rows * GEMM_COLUMNS);
    memset(undone, 0, sizeof *undone * (size_t)rows);
    panel_run runs[GEMM_COLUMNS];
    int run_count = panel_runs(tile->first_column, tile->last_column, job->span, job->step, runs);
    begin(job, tile, sums);
    for (int64_t first = 0, last; first < job->blocks; first = last) {
        int64_t start = first ? job->ends[first - 1] : 0;
        for (last = first; last < job->blocks && job->ends[last] - start <= PANEL_DEPTH; last++)
            ;
        panel_fill(job->right, job->taps + start, 1, job->ends[last - 1] - start, runs, run_count, (int32_t *)panel);
        for (int64_t row = 0; row < rows; row++)
            undone[row] |= add_blocks(job, job->left + (tile->first_row + row) * job->depth, panel, first, last,
                                      sums + row * GEMM_COLUMNS);
    }
    end(job, tile, sums, undone);
}
