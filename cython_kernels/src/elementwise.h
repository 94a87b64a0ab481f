/* Element-wise arithmetic of the chip (its AR, LIN and CMP instructions). Tensor 0 of a grid is the result. */
#ifndef TPUC_ELEMENTWISE_H
#define TPUC_ELEMENTWISE_H

#include "grid.h"

#define DONE 0
#define WRONG_KINDS (-1)

enum binary_operation {
    OP_MUL, OP_ADD, OP_SUB, OP_FSUBABS, OP_DIV,           /* floats; the first three integers, too */
    OP_AND, OP_OR, OP_XOR,                                /* integers from here on */
    OP_ADD_SATURATED, OP_SUB_SATURATED, OP_MUL_SATURATED, /* tensor 3, where there is one: a shift of every element */
    OP_SHIFT_LOGIC, OP_SHIFT_ARITH, OP_ROTATE, OP_MUL_HIGH,
    OP_MAC                                                /* tensor 3: the old result */
};

enum unary_operation { OP_ABS, OP_NOT, OP_COPY, OP_FIRST_ONE, OP_FIRST_ZERO };

enum condition { IF_GREATER, IF_EQUAL, IF_LESS, IF_GREATER_EQUAL };

enum linear_operation { LINEAR_MAC, LINEAR_SQUARE_SUM, LINEAR_SQUARE_DIFFERENCE };

typedef struct {
    int operation;
    int rounding;              /* of shifts to the right and casts; iterations of a division */
    int left_shift, right_shift; /* of OP_MAC */
} element_options;

/* Tensors: result, a, b (, shift or old result). */
DECLARE(int, binary_run, (grid *g, const element_options *options));
#define BINARY_RUN(use_avx2, ...) DISPATCH(use_avx2, binary_run)(__VA_ARGS__)

/* Tensors: result, a. */
DECLARE(int, unary_run, (grid *g, const element_options *options));
#define UNARY_RUN(use_avx2, ...) DISPATCH(use_avx2, unary_run)(__VA_ARGS__)

/* Tensors: result, a, b, yes, no: a [condition] b ? yes : no, as bits; flushes: f32 and bf16 denormals become zero. */
DECLARE(int, select_run, (grid *g, int condition, int flushes));
#define SELECT_RUN(use_avx2, ...) DISPATCH(use_avx2, select_run)(__VA_ARGS__)

/* Tensors: result, a. */
DECLARE(int, cast_run, (grid *g, int rounding));
#define CAST_RUN(use_avx2, ...) DISPATCH(use_avx2, cast_run)(__VA_ARGS__)

/* Tensors: result, a, b (, c): a * b + c, (a + b)**2, (a - b)**2, each step rounded to the type. */
DECLARE(int, linear_run, (grid *g, int operation));
#define LINEAR_RUN(use_avx2, ...) DISPATCH(use_avx2, linear_run)(__VA_ARGS__)

#endif
