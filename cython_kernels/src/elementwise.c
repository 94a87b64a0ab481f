#include "elementwise.h"

#include "blocks.h"
#include "chip_float.h"
#include "grid_run.h"
#include "rounding.h"

/* Runs its argument for every block of a row, with `at` its first element and `n` its length. */
#define FOR_BLOCKS(...)                                                      \
    for (int64_t at = 0; at < count; at += BLOCK) {                          \
        int n = (int)(count - at < BLOCK ? count - at : BLOCK);              \
        __VA_ARGS__                                                          \
    }
#define PART(t) (data[t] + at * step[t])

#define EACH(...)                                                            \
    for (int i = 0; i < n; i++)                                              \
        r[i] = __VA_ARGS__;

/* ---- floats */

ALWAYS_INLINE void float_block(int operation, int iterations, int kind, const float *a, const float *b, float *r,
                               int n, int careful)
{
    switch (operation) {
    case OP_MUL: multiply_block(kind, a, b, r, n, careful); break;
    case OP_ADD: EACH(add(a[i], b[i], careful)) break;
    case OP_SUB: EACH(subtract(a[i], b[i], careful)) break;
    case OP_FSUBABS:
        if (kind == KIND_F32) {
            EACH(subtract(a[i], b[i], 0) > 0 ? subtract(a[i], b[i], careful) : subtract(b[i], a[i], careful))
        } else {
            EACH(a[i] > b[i] ? subtract(a[i], b[i], careful) : subtract(b[i], a[i], careful))
        }
        break;
    default: EACH(chip_divide(a[i], b[i], iterations, careful)) break;
    }
}

/* The order of NaN operands is looked after only in blocks whose result holds a NaN: the others cannot tell. */
static void float_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const element_options *o = context;
    float first[BLOCK], second[BLOCK], r[BLOCK];
    int kind = g->kind[0], iterations = (o->rounding & 3) + 1;
    FOR_BLOCKS(
        const float *a = read_floats(kind, PART(1), step[1], n, first);
        const float *b = read_floats(kind, PART(2), step[2], n, second);
        float_block(o->operation, iterations, kind, a, b, r, n, 0);
        if (any_nan(r, n))
            float_block(o->operation, iterations, kind, a, b, r, n, 1);
        write_floats(kind, PART(0), step[0], n, r, 0);
    )
}

/* ---- integers */

static void wrapping_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const element_options *o = context;
    uint32_t a[BLOCK], b[BLOCK], r[BLOCK];
    FOR_BLOCKS(
        read_int32(g->kind[1], PART(1), step[1], n, (int32_t *)a);
        read_int32(g->kind[2], PART(2), step[2], n, (int32_t *)b);
        switch (o->operation) {
        case OP_MUL: EACH(a[i] * b[i]) break;
        case OP_ADD: EACH(a[i] + b[i]) break;
        case OP_SUB: EACH(a[i] - b[i]) break;
        case OP_AND: EACH(a[i] & b[i]) break;
        case OP_OR: EACH(a[i] | b[i]) break;
        default: EACH(a[i] ^ b[i]) break;
        }
        write_bits(g->kind[0], PART(0), step[0], n, r);
    )
}

/* Operands of at most 16 bits, no shift: int32 holds the exact result. */
static void narrow_saturated_row(const grid *g, char *const *data, const int64_t *step, int64_t count,
                                 const void *context)
{
    const element_options *o = context;
    int32_t a[BLOCK], b[BLOCK], r[BLOCK];
    FOR_BLOCKS(
        read_int32(g->kind[1], PART(1), step[1], n, a);
        read_int32(g->kind[2], PART(2), step[2], n, b);
        switch (o->operation) {
        case OP_ADD_SATURATED: EACH(a[i] + b[i]) break;
        case OP_SUB_SATURATED: EACH(a[i] - b[i]) break;
        default: EACH(a[i] * b[i]) break;
        }
        write_saturated32(g->kind[0], PART(0), step[0], n, r);
    )
}

/* One shift for the whole block, to the right by at most 62: all that quantized networks use. */
static void shift_block(int64_t *v, int n, int shift, int is_product, int rounding)
{
    if (shift < 0) {
        shift_right_block(v, n, -shift, rounding);
        return;
    }
    for (int i = 0; i < n; i++) {
        /* beyond, it saturates the same */
        int64_t x = is_product ? clamp64(v[i], -((int64_t)1 << 32), 0xffffffffll) : v[i];
        v[i] = (int64_t)((uint64_t)x << (shift & 31));
    }
}

/* Any operands, each element with its own shift. v is exact in 66 bits; sums wrap in 64 bits to the left, products do
   not. */
static int64_t shift_one(__int128 v, int shift, int is_product, int rounding)
{
    const __int128 limit = (__int128)1 << 40; /* the result type has 32 bits at most */
    if (shift < 0)
        v = shift_right_wide(v, -shift, rounding);
    else if (is_product)
        v = v * ((__int128)1 << (shift & 31));
    else
        v = (int64_t)((uint64_t)v << (shift & 31));
    return (int64_t)(v > limit ? limit : v < -limit ? -limit : v);
}

static void saturated_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const element_options *o = context;
    int64_t a[BLOCK], b[BLOCK], r[BLOCK], shift[BLOCK];
    int has_shift = g->tensors > 3, is_product = o->operation == OP_MUL_SATURATED;
    int is_wide = is_product && g->kind[1] == KIND_U32 && g->kind[2] == KIND_U32;
    int all = has_shift && step[3] == 0 ? *(const int8_t *)data[3] : 0;
    int each = is_wide || all < -62 || (has_shift && step[3] != 0);
    FOR_BLOCKS(
        read_int64(g->kind[1], PART(1), step[1], n, a);
        read_int64(g->kind[2], PART(2), step[2], n, b);
        if (has_shift)
            read_int64(KIND_I8, PART(3), step[3], n, shift);
        if (each) {
            for (int i = 0; i < n; i++) {
                int64_t sum = o->operation == OP_SUB_SATURATED ? a[i] - b[i] : a[i] + b[i]; /* not of products */
                __int128 v = is_product ? (__int128)a[i] * b[i] : sum;
                r[i] = shift_one(v, has_shift ? (int)shift[i] : 0, is_product, o->rounding);
            }
        } else {
            switch (o->operation) {
            case OP_ADD_SATURATED: EACH(a[i] + b[i]) break;
            case OP_SUB_SATURATED: EACH(a[i] - b[i]) break;
            default: EACH(a[i] * b[i]) break;
            }
            if (has_shift)
                shift_block(r, n, all, is_product, o->rounding);
        }
        write_saturated64(g->kind[0], PART(0), step[0], n, r);
    )
}

static int64_t rotate(uint32_t v, int shift, int bits)
{
    uint64_t wide = v;
    if (shift >= 0)
        return (int64_t)((wide << (shift & 31)) | (wide >> ((bits - shift) & 31)));
    return (int64_t)((wide >> (-shift & 31)) | (wide << ((bits + shift) & 31)));
}

static void shift_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const element_options *o = context;
    int64_t a[BLOCK];
    uint32_t bits[BLOCK], r[BLOCK];
    FOR_BLOCKS(
        read_int64(g->kind[1], PART(1), step[1], n, a);
        const uint32_t *amounts = read_bits(g->kind[2], PART(2), step[2], n, bits);
        for (int i = 0; i < n; i++) {
            int shift = (int8_t)amounts[i];
            if (o->operation == OP_ROTATE)
                r[i] = (uint32_t)rotate((uint32_t)a[i], shift, 8 * kind_bytes(g->kind[1]));
            else if (shift >= 0)
                r[i] = (uint32_t)((uint64_t)a[i] << (shift & 31));
            else
                /* 33 bits: further is the same */
                r[i] = (uint32_t)shift_right(a[i], shift < -40 ? 40 : -shift, o->rounding);
        }
        write_bits(g->kind[0], PART(0), step[0], n, r);
    )
}

/* Twice the product, its upper half; and the multiply-accumulate of int8 into int16. */
static void product_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const element_options *o = context;
    int64_t a[BLOCK], b[BLOCK], old[BLOCK], r[BLOCK];
    FOR_BLOCKS(
        read_int64(g->kind[1], PART(1), step[1], n, a);
        read_int64(g->kind[2], PART(2), step[2], n, b);
        if (o->operation == OP_MAC) {
            read_int64(g->kind[3], PART(3), step[3], n, old);
            EACH((int64_t)((uint64_t)old[i] << o->left_shift) + a[i] * b[i])
            shift_right_block(r, n, o->right_shift, o->rounding);
        } else {
            int bits = 8 * kind_bytes(g->kind[1]);
            EACH(shift_one((__int128)a[i] * b[i] * 2, -bits, 1, o->rounding))
        }
        write_saturated64(g->kind[0], PART(0), step[0], n, r);
    )
}

int VARIANT(binary_run)(grid *g, const element_options *o)
{
    int a = g->kind[1], b = g->kind[2];
    if (kind_is_float(a) || kind_is_float(b)) {
        if (a != b || a != g->kind[0] || o->operation > OP_DIV || (o->operation == OP_DIV && a != KIND_F32))
            return WRONG_KINDS;
        run_grid(g, FLUSH_DENORMALS, float_row, o);
        return DONE;
    }
    row_function row;
    switch (o->operation) {
    case OP_FSUBABS: case OP_DIV: return WRONG_KINDS;
    case OP_SHIFT_LOGIC: case OP_SHIFT_ARITH: case OP_ROTATE: row = shift_row; break;
    case OP_MUL_HIGH: case OP_MAC: row = product_row; break;
    case OP_ADD_SATURATED: case OP_SUB_SATURATED: case OP_MUL_SATURATED:
        row = saturated_row;
        if (g->tensors == 3 && a < KIND_I32 && b < KIND_I32 && !(a == KIND_U16 && b == KIND_U16))
            row = narrow_saturated_row;
        break;
    default: row = wrapping_row;
    }
    run_grid(g, KEEP_DENORMALS, row, o);
    return DONE;
}

/* ---- one operand */

static void unary_row(const grid *g, char *const *data, const int64_t *step, int64_t count, const void *context)
{
    const element_options *o = context;
    uint32_t bits[BLOCK], r[BLOCK];
    int kind = g->kind[1], width = 8 * kind_bytes(kind);
    uint32_t ones = width == 32 ? 0xffffffffu : (1u << width) - 1, sign = 1u << (width - 1);
    FOR_BLOCKS(
        const uint32_t *a = read_bits(kind, PART(1), step[1], n, bits);
        switch (o->operation) {
        case OP_NOT: EACH(~a[i]) break;
        case OP_FIRST_ONE: EACH(a[i] ? (uint32_t)(__builtin_clz(a[i]) - 32 + width) : (uint32_t)width) break;
        case OP_FIRST_ZERO:
            EACH(~a[i] & ones ? (uint32_t)(__builtin_clz(~a[i] & ones) - 32 + width) : (uint32_t)width)
            break;
        case OP_ABS:
            if (kind_is_float(kind)) {
                EACH(a[i] & ~sign)
            } else if (kind_is_signed(kind)) {
                EACH(a[i] & sign ? 0u - a[i] : a[i])
            } else {
                EACH(a[i])
            }
            break;
        default: EACH(a[i]) break;
        }
        write_bits(g->kind[0], PART(0), step[0], n, r);
    )
}

int VARIANT(unary_run)(grid *g, const element_options *o)
{
    if ((o->operation == OP_NOT || o->operation >= OP_FIRST_ONE) && kind_is_float(g->kind[1]))
        return WRONG_KINDS;
    run_grid(g, KEEP_DENORMALS, unary_row, o);
    return DONE;
}
